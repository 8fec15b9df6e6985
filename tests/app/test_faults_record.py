"""A fault at any message of a recording: no wrong sample, no hang, nothing energised unnoticed.

The selection of the usual run and the whole of `full` go through the same code.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import fault_sweep
import pytest
from fault_sweep import CLOCK, KINDS, LOCK_IN, SUPPLY, Outcome, cases_of, run_case, sweep, table

if TYPE_CHECKING:
    from pathlib import Path

EVERY = 97  # of all cases, in the usual run; prime, so that kinds and messages mix


@pytest.fixture(scope="module")
def counts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """How many messages each instrument gets in a run without a fault, which is as it should be."""
    outcome = run_case("", "", 0, tmp_path_factory.mktemp("plain") / "r")
    assert (outcome.problems, outcome.status, outcome.recorded) == ([], "done", 4)
    assert outcome.counts[SUPPLY] > 60
    assert outcome.counts[LOCK_IN] > 40
    assert outcome.counts[CLOCK] > 2
    return outcome.counts


def judged(outcomes: list[Outcome], title: str) -> None:
    longest = max(one.longest_gap for one in outcomes)
    print(f"\n{title}: {sum(one.happened for one in outcomes)} faults injected")  # noqa: T201
    print(f"{table(outcomes)}\nlongest wait for an event: {longest[0]:.2f} s ({longest[1]})")  # noqa: T201
    bad = [str(one) for one in outcomes if one.problems]
    assert not bad, "\n".join(bad)


def test_some_faults_at_some_messages(counts: dict[str, int], tmp_path: Path) -> None:
    judged(sweep(cases_of(tmp_path, counts)[::EVERY], workers=2), "recording, a selection")


@pytest.mark.full
@pytest.mark.timeout(7200)
def test_every_fault_at_every_message(counts: dict[str, int], tmp_path: Path) -> None:
    outcomes = sweep(cases_of(tmp_path, counts))
    assert {one.label for one in outcomes if one.happened} == set(KINDS)
    judged(outcomes, "recording, every message × kind")


STOPS = [("silence, deaf for 1 s", SUPPLY), ("dropped, refused for 0.6 s", LOCK_IN),
         ("wrong instrument", SUPPLY), ("late", LOCK_IN)]  # fmt: skip


@pytest.mark.parametrize(("label", "instrument"), STOPS)
def test_stop_during_a_fault_is_acknowledged(label: str, instrument: str, tmp_path: Path) -> None:
    outcome = run_case(label, instrument, 40, tmp_path / "r", stop_after_s=0.02)
    assert not outcome.problems, str(outcome)


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_stop_during_every_fault_is_acknowledged(counts: dict[str, int], tmp_path: Path) -> None:
    outcomes = sweep(cases_of(tmp_path, counts, stop_after_s=0.02)[::7])
    waits_s = [one.stop_s for one in outcomes if one.stop_s is not None]
    print(f"\nStop asked for {len(waits_s)} times, acknowledged within {max(waits_s):.2f} s")  # noqa: T201
    judged(outcomes, "recording, stopped 20 ms after the fault, every 7th case")


LOST = [(LOCK_IN, "SNAP?"), (LOCK_IN, "LIAS?"), (SUPPLY, "MEAS:CURR?"), (SUPPLY, "CURR?"),
        (CLOCK, "TIME?")]  # fmt: skip


@pytest.mark.parametrize(("instrument", "command"), LOST)
def test_with_the_usual_time_outs_a_lost_reply_is_told_within_2_s(
    instrument: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = message_of(instrument, command, tmp_path / "plain")
    monkeypatch.setattr(fault_sweep, "TIMEOUT_S", 1.0)  # as bench_file and connect have it
    begin_s = time.monotonic()
    outcome = run_case("silence, answer lost", instrument, at, tmp_path / "r")
    assert not outcome.problems, str(outcome)
    assert outcome.happened
    assert time.monotonic() - begin_s > 0.9  # it did wait for the reply
    assert outcome.retried == 1 or outcome.error


def message_of(instrument: str, command: str, out: Path) -> int:
    """Which message of an instrument is that command in the middle of a plain run."""
    sent: list[str] = []

    class Listening(fault_sweep.Truth):
        def __init__(self) -> None:
            super().__init__()
            sent.clear()

        def heard(self, key: str, message: str, reply: str) -> None:
            if key == instrument:
                sent.append(message)
            super().heard(key, message, reply)

    outcome = run_case("", "", 0, out, truth_of=Listening)
    assert outcome.status == "done"
    found = [at for at, message in enumerate(sent) if message.startswith(command)]
    return found[len(found) // 2]

"""Every way out of a recording and of a deployment, at every moment: the rig ends safe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from exits_cases import (
    ACKNOWLEDGED_WITHIN_S,
    CASES,
    EXITS,
    KINDS,
    MOMENTS,
    STOPS,
    TASK,
    Case,
    inject,
    operation_of,
    recording_in,
    right_error,
    true_statuses,
)
from exits_rig import SUPPLY, TICK_S, Message, exit_rig, wait_for, wire_problems
from network_samples import saved_network

from app.store import load_network
from instruments import locks
from instruments.bench import Bench

if TYPE_CHECKING:
    from pathlib import Path

    from models.recording import Recording

SMALL = [(way_out, MOMENTS[(n * 3) % len(MOMENTS)]) for n, way_out in enumerate(EXITS[1:])]
BY_HOST = "the computer's own timed the ramp"  # the sentence where the rig's clock was lost


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of 2 + 2 nodes for the rig of this module."""
    folder = tmp_path_factory.mktemp("kept")
    with exit_rig() as rig, Bench.connect(rig.spec()) as bench:
        saved_network(bench, folder, task=TASK)
    return folder / "network"


def run_case(kind: str, way_out: str, moment: str, network: Path, out: Path) -> Case:
    """One case, judged on the wire, on disk and by the clock."""
    steps = 3 if kind == "record" else load_network(network).steps
    with exit_rig() as rig, pytest.MonkeyPatch.context() as monkeypatch:
        case = Case(rig, way_out, moment, steps)
        inject(monkeypatch, case)
        case.run(operation_of(kind, out, network))
        problems = rig.unsafe_ends(by_host=any(BY_HOST in words for words in case.said))
        if not wait_for(lambda: not locks._links):
            problems.append(f"left open: {', '.join(locks._links)}")
    if not case.came_s and way_out != "done":
        problems.append("the moment never came")
    if way_out in STOPS and case.ended_s - case.came_s > ACKNOWLEDGED_WITHIN_S:
        problems.append(f"took {case.ended_s - case.came_s:.1f} s")
    problems += file_problems(case, recording_in(out, kind))
    assert problems == [], f"{kind}: {way_out} at {moment} ({case.error!r}): {problems}"
    return case


def file_problems(case: Case, left: Recording | None) -> list[str]:
    """What isn't true about the file of a run and what came out of it; empty where all is."""
    problems = []
    status = None if left is None else left.status
    if status not in true_statuses(case):
        problems.append(f"its status is {status}, not one of {true_statuses(case)}")
    if not right_error(case):
        problems.append("another fault came out")
    if left is not None and left.complete.sum() < case.kept:
        problems.append(f"{left.complete.sum()} repeats kept of {case.kept} told")
    if left is not None and (left.status == "done") != bool(left.complete.all()):
        problems.append(f"{left.complete.sum()} of {left.complete.size} repeats, {left.status}")
    return problems


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("way_out", "moment"), SMALL)
def test_a_way_out_ends_safe(
    kind: str, way_out: str, moment: str, network: Path, tmp_path: Path
) -> None:
    run_case(kind, way_out, moment, network, tmp_path / "out")


@pytest.mark.full
@pytest.mark.timeout(1200)
def test_every_way_out_at_every_moment_ends_safe(network: Path, tmp_path: Path) -> None:
    slowest_s = 0.0
    for kind in KINDS:
        for number, (way_out, moment) in enumerate(CASES):
            case = run_case(kind, way_out, moment, network, tmp_path / f"{kind}-{number}")
            if way_out in STOPS:
                slowest_s = max(slowest_s, case.ended_s - case.came_s)
    print(  # noqa: T201
        f"\n{len(EXITS)} exits × {len(MOMENTS)} moments × {len(KINDS)} operations = "
        f"{len(CASES) * len(KINDS)} cases that exist, all safe; "
        f"slowest stop {slowest_s:.2f} s from request to the end"
    )


@pytest.mark.parametrize(
    ("device", "host", "wrong"),
    [
        ((1, 1, 1, 1), (1.4, 0.6, 1, 1), 0),  # heard late by a busy computer, sent in time
        ((1, 1, 0, 0), (1, 1, 1, 0.8), 0),  # the rig's clock is gone, the computer's own goes on
        ((1, 1, 0, 0), (1, 1, 0.5, 1), 2),  # … and was too early: what was not earned stays owed
        ((1, 1, 0, 0), (1, 1, 0.7, 0.7), 2),
        ((0.5, 1, 1, 1), (0.5, 1, 1, 1), 4),
    ],
)
def test_the_ramp_is_judged_by_whichever_clock_went_on(
    device: tuple[float, ...], host: tuple[float, ...], wrong: int
) -> None:
    """Ticks between sets of 1 A a tick; once a late message made the next one too early."""
    at = [(0.0, 0.0), (TICK_S, TICK_S)]
    for rig, computer in zip(device, host, strict=True):
        at.append((at[-1][0] + computer * TICK_S, at[-1][1] + rig * TICK_S))
    words = ["OUTP ON", *(f"CURR {k}" for k in range(1, 6))]
    sent = [Message(*times, SUPPLY, text) for times, text in zip(at, words, strict=True)]
    found = [one for one in wire_problems(sent, by_host=True) if "earned" in one]
    assert len(found) == wrong

"""A reference before each repeat: kept beside the run, drift in its own spread, a stop."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from exits_rig import ExitRig
from recorded import SEQUENCES, after, is_safe, iter_into, run

from app.cli.main import main
from app.operations.events import (
    Event,
    ReferenceRecorded,
    ReferenceStarted,
    RepeatRecorded,
    RepeatStarted,
    Result,
    RunPlan,
    StepRead,
)
from app.operations.record import order_of, record
from app.operations.reference import FIRST, NEWEST, drift_of, reference_drive
from app.store import read_recording
from instruments.bench import Bench
from instruments.bench_file import read_bench
from models.errors import InputError, RefusedError, StoppedError
from models.sequence import make_sequences

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REPEATS = 60
STEPS = 6
LIMIT = 5.0


def test_each_repeat_has_its_reference_before_it(bench: Bench, tmp_path: Path) -> None:
    events = run(bench, tmp_path / "r", reference=5)
    kinds = [type(e) for e in events if not isinstance(e, StepRead)]
    started = [n for n, kind in enumerate(kinds) if kind is RepeatStarted]
    assert len(started) == 4
    assert all(kinds[n - 2 : n] == [ReferenceStarted, ReferenceRecorded] for n in started)
    whole = read_recording(tmp_path / "r")
    kept = read_recording(tmp_path / "r" / "reference")
    assert whole.complete.all()
    assert (kept.status, kept.complete.all(), kept.response.shape) == ("done", True, (1, 4, 5, 2))
    assert np.array_equal(kept.drive[0], [0.5, 0.0, 1.0, 0.5, 0.0])
    assert (kept.window, kept.reset, kept.settings) == (whole.window, whole.reset, whole.settings)
    assert kept.meta["reference_of"] == whole.meta["id"]
    assert kept.order.tolist() == [[0, 1, 2, 3]]
    by_position = np.sort(whole.start_s.ravel())
    assert (kept.start_s[0] < by_position).all()
    assert (kept.start_s[0, 1:] > by_position[:-1]).all()
    plan = next(e for e in events if isinstance(e, RunPlan))
    plain = next(e for e in run(bench, tmp_path / "p") if isinstance(e, RunPlan))
    assert plan.predicted_s == pytest.approx(plain.predicted_s + 4 * bench.predicted_s(5))
    assert not (tmp_path / "p" / "reference").exists()


def test_an_interrupted_run_goes_on_with_its_references(bench: Bench, tmp_path: Path) -> None:
    events = record(bench, SEQUENCES, 2, tmp_path / "r", seed=4, reference=3)
    after(events, ReferenceRecorded, 3)  # the third repeat is still to come
    events.close()
    assert is_safe(bench)
    first = read_recording(tmp_path / "r" / "reference")
    assert (first.status, int(first.complete.sum())) == ("stopped", 3)
    with pytest.raises(RefusedError, match="reference_steps was 3, now None"):
        run(bench, tmp_path / "r", seed=4, resume=True)
    again = run(bench, tmp_path / "r", seed=4, resume=True, reference=3)
    assert sum(isinstance(e, ReferenceRecorded) for e in again) == 1
    started = [(e.sequence, e.repeat) for e in again if isinstance(e, RepeatStarted)]
    assert started == [tuple(pair) for pair in order_of(2, 2, 4)[2:].tolist()]
    kept = read_recording(tmp_path / "r" / "reference")
    assert (kept.status, kept.complete.all()) == ("done", True)
    assert np.array_equal(kept.response[0, :3], first.response[0, :3])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"reference": 3, "stop_at_drift": 3.0}, "4 repeats are too few"),
        ({"stop_at_drift": 3.0}, "needs a reference"),
        ({"reference": -1}, "a reference of -1 steps"),
        ({"reference": 3, "stop_at_drift": float("nan")}, "a stop at nan"),
    ],
)
def test_what_makes_no_sense_is_refused(
    bench: Bench, tmp_path: Path, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        run(bench, tmp_path / "r", **options)
    assert not (tmp_path / "r").exists()


def test_drift_is_in_units_of_the_spread_between_neighbours() -> None:
    noise = np.random.default_rng(1).standard_normal((200, 2))
    flat = drift_of(noise)
    assert np.abs(flat).max() < 2.5
    rising = noise + 0.05 * np.arange(200)[:, None] * [1, 0]
    expected = 0.05 * (197 - (FIRST - 1) / 2)
    assert drift_of(rising)[0] == pytest.approx(expected, abs=1.5)
    assert drift_of(rising)[1] == flat[1]
    assert np.isnan(drift_of(noise[: FIRST + NEWEST - 1])).all()
    outlier = noise.copy()
    outlier[0] = 1e3  # the first one, before the rig has settled
    assert np.abs(drift_of(outlier)).max() < 2.5
    assert drift_of(np.ones((30, 1))).tolist() == [0.0]
    jumped = noise.copy()
    jumped[-3:] += 50
    assert drift_of(jumped).min() > 20


def test_without_drift_a_run_stops_by_chance_as_seldom_as_is_said() -> None:
    levels = np.random.default_rng(2).standard_normal((600, 100))
    ends = range(FIRST + NEWEST, 101)
    largest = np.max([np.abs(drift_of(levels[:, :n].T)) for n in ends], axis=0)
    assert (largest > 3).mean() < 0.03
    assert (largest > 4).mean() < 0.005


def watched(out: Path, *, warming: bool) -> tuple[list[Event], StoppedError | None]:
    """A run on the virtual rig; `warming`: its electronics were switched on a minute ago.

    Their offset then drifts by 20 of its standard deviations, ten times the reference rig's.
    """
    rig = ExitRig(hold_s=0.0)
    try:
        source = rig.rig.instruments["sr830"]._path._source  # type: ignore[attr-defined]
        if warming:
            source._parameters = replace(source._parameters, drift_fraction=0.01, drift_time_s=60.0)
            source._drift = (20.0, 20.0)
        seen: list[Event] = []
        with Bench.connect(rig.spec()) as bench:
            sequences = make_sequences("mixed", 1, 5, 1)
            events = record(bench, sequences, REPEATS, out, reference=STEPS, stop_at_drift=LIMIT)
            try:
                iter_into(events, seen)
            except StoppedError as error:
                return seen, error
            assert is_off(bench)
        return seen, None
    finally:
        rig.stop()


def is_off(bench: Bench) -> bool:
    return not any(state.output_on for state in bench.state().values())


def drifts(events: Iterator[Event] | list[Event]) -> list[float]:
    return [e.drift for e in events if isinstance(e, ReferenceRecorded)]


def test_a_rig_that_drifts_stops_itself_with_the_reason(tmp_path: Path) -> None:
    seen, error = watched(tmp_path / "r", warming=True)
    assert error is not None
    assert "beyond --stop-at-drift 5" in str(error)
    found = drifts(seen)
    assert np.isnan(found[: FIRST + NEWEST - 1]).all()
    assert abs(found[-1]) > LIMIT >= np.abs(found[FIRST + NEWEST - 1 : -1]).max(initial=0.0)
    last = seen[-1]
    assert isinstance(last, Result)
    assert (last.values["status"], last.values["reason"]) == ("stopped", str(error))
    recording = read_recording(tmp_path / "r")
    assert recording.status == "stopped"
    assert int(recording.complete.sum()) == len(found) - 1
    assert any("stopped" in r and "drifted" in r for r in recording.meta["remarks"])
    print(f"electronics that warm up: {found[-1]:+.1f} σ at reference {len(found)}")  # noqa: T201


def test_a_rig_that_does_not_drift_runs_to_its_end(tmp_path: Path) -> None:
    seen, error = watched(tmp_path / "r", warming=False)
    assert error is None
    assert sum(isinstance(e, RepeatRecorded) for e in seen) == REPEATS
    largest = float(np.nanmax(np.abs(drifts(seen))))
    assert largest < LIMIT
    print(f"electronics at rest: at most {largest:.1f} σ in {REPEATS} references")  # noqa: T201


def test_the_drive_is_middle_low_high() -> None:
    assert reference_drive(4).tolist() == [0.5, 0.0, 1.0, 0.5]


def test_the_command_line_keeps_references_and_goes_on_with_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "r")
    ask = ["record", "--bench", "virtual", "--sequences", "mixed:1x6", "--repeats", "16"]
    assert main([*ask, "--out", out, "--reference", "3", "--stop-at-drift", "40"]) == 0
    said = capsys.readouterr().err
    assert "(drift " in said
    assert read_recording(tmp_path / "r" / "reference").meta["stop_at_drift"] == 40
    assert main(["record", "--bench", "virtual", "--resume", out]) == 0
    on = ["record", "--bench", "virtual", "--resume", out, "--stop-at-drift"]
    assert main([*on, "-1"]) == main([*on, "nan"]) == 2
    assert main([*ask, "--out", out + "2", "--stop-at-drift", "5"]) == 2
    assert "--reference" in capsys.readouterr().err


@pytest.mark.parametrize(("asked", "kept"), [((), 40.0), (("50",), 50.0), (("0",), 0.0)])
def test_a_stop_at_drift_is_kept_raised_or_taken_back_when_a_recording_goes_on(
    tmp_path: Path, asked: tuple[str, ...], kept: float
) -> None:
    out = tmp_path / "r"
    with Bench.connect(read_bench("virtual")) as bench:
        sequences = make_sequences("mixed", 1, 6, 0)
        events = record(bench, sequences, 16, out, reference=3, stop_at_drift=40)
        after(events, RepeatRecorded, 1)
        events.close()
    options = ("--stop-at-drift", *asked) if asked else ()
    assert main(["record", "--bench", "virtual", "--resume", str(out), *options]) == 0
    recording = read_recording(out)
    assert recording.complete.all()
    assert recording.meta["stop_at_drift"] == kept
    said = [one for one in recording.meta["remarks"] if "stops from here on" in one]
    assert bool(said) is bool(asked)

"""A teslameter in the gap: read behind each step, told by the check, compared where asked."""

from __future__ import annotations

import numpy as np
import pytest
from served import served

from app.operations.events import Note, Result
from app.operations.monitor import BenchRead, monitor
from app.operations.record import record
from app.store import read_recording
from instruments.bench import Bench
from instruments.bench_file import parse_bench
from instruments.checks import check_bench, check_connected
from instruments.field_probe import FieldError
from models.errors import InputError, RefusedError, TwinrigError
from models.sequence import FieldSequence

MODELS = ("kepco-bop", "sr830", "lakeshore-475")
OFF = ("tesla_per_ampere = 4.0e-4", "tesla_per_ampere = 4.2e-4")  # 5 % off
SEQUENCE = FieldSequence(np.array([0.0, 1.0, 0.4]))


@pytest.fixture
def rig():
    with served(MODELS) as opened:
        yield opened


def within(tolerance_T):
    driver = 'driver = "lakeshore-475"'
    return driver, f"{driver}\ntolerance_T = {tolerance_T}"


def test_every_step_is_stored_with_the_field_that_was_measured(rig, tmp_path):
    with Bench.connect(rig.spec(within(1e-4))) as bench:
        events = list(record(bench, [SEQUENCE], 2, tmp_path / "r"))
        assert bench.probe.name in bench.settings()
    recording = read_recording(tmp_path / "r")
    asked_T = recording.window.field_T(recording.drive)[:, None, :]
    measured_T = recording.measured_field_T
    assert measured_T.shape == (1, 2, 3)
    np.testing.assert_allclose(measured_T, np.broadcast_to(asked_T, (1, 2, 3)), atol=5e-6)
    assert not np.array_equal(measured_T[0, 0], measured_T[0, 1])  # it is read, not assumed
    assert recording.settings[bench.probe.name]["tolerance_T"] == 1e-4
    assert "range" not in recording.settings[bench.probe.name]  # it chose that itself
    assert recording.identities[bench.probe.name].startswith("LSCI,MODEL475")
    assert isinstance(events[-1], Result)


def test_it_is_read_behind_the_read_out_once_a_step(rig):
    with Bench.connect(rig.spec()) as bench:
        bench.energise()
        bench.step(0.0030, bench.spec.window)
        before = len(rig.wire)
        step = bench.step(0.0031, bench.spec.window)
        sent = [(m, data) for _, m, way, data in rig.wire[before:] if way == "out"]
    assert [m for m, _ in sent].count("lakeshore-475") == 1
    assert sent[-1] == ("lakeshore-475", b"RDGFIELD?;OPST?;UNIT?\n")
    assert step.measured_field_T == pytest.approx(0.0031, abs=5e-6)


def test_a_field_beyond_the_tolerance_voids_the_repeat_and_is_told(rig, tmp_path):
    with Bench.connect(rig.spec(within(5e-5), OFF)) as bench:
        seen = []
        with pytest.raises(TwinrigError, match=r"measures 2\.09.* mT where 2\.2 mT are asked for"):
            seen.extend(record(bench, [SEQUENCE], 1, tmp_path / "r"))
    recording = read_recording(tmp_path / "r")
    assert (recording.status, int(recording.complete.sum())) == ("failed", 0)
    assert any("run once more" in words for words in recording.meta["remarks"])


def test_without_a_tolerance_it_is_stored_and_no_more(rig):
    with Bench.connect(rig.spec(OFF)) as bench:
        bench.energise()
        assert bench.step(0.0030, bench.spec.window).measured_field_T == pytest.approx(
            0.0030 * 4.0 / 4.2, abs=1e-5
        )


def test_a_probe_that_is_pulled_out_voids_the_repeat(rig):
    with Bench.connect(rig.spec()) as bench:
        bench.energise()
        bench.step(0.0030, bench.spec.window)
        rig.rig.instruments["lakeshore-475"].probe = False
        with pytest.raises(FieldError, match=r"gives no field: .*probe"):
            bench.step(0.0031, bench.spec.window)


def test_a_probe_in_another_mode_is_refused_before_anything_is_energised(rig):
    rig.order("lakeshore-475", "RDGMODE 2,1,1,1,1")
    with Bench.connect(rig.spec()) as bench, pytest.raises(RefusedError, match="RMS, expected DC"):
        bench.energise()
    assert b"OUTP ON\n" not in rig.sent()


def test_the_check_shows_it_and_says_what_is_wrong(rig):
    (one,) = (c for c in check_bench(rig.spec()) if c.driver == "lakeshore-475")
    assert one.ok
    assert "measures " in " ".join(one.found)
    assert "mode = DC" in one.found
    with Bench.connect(rig.spec()) as bench:
        assert all(c.ok for c in check_connected(bench))
        rig.rig.instruments["lakeshore-475"].probe = False
        (one,) = (c for c in check_connected(bench) if c.driver == "lakeshore-475")
    assert not one.ok
    assert "probe" in one.problem


def test_the_monitor_shows_the_measured_field(rig, tmp_path):
    with Bench.connect(rig.spec()) as bench:
        bench.energise()
        bench.step(0.0030, bench.spec.window)
        out = tmp_path / "m.csv"
        seen = [e for e in monitor(bench, seconds=0.0, out=out) if isinstance(e, BenchRead)]
    assert seen[0].measured_field_T == pytest.approx(0.0030, abs=5e-6)
    assert "measured_field_T" in out.read_text().splitlines()[0].split(",")


def test_a_tolerance_must_be_above_zero(rig):
    old, new = within(-1.0)
    with pytest.raises(InputError, match="tolerance_T"):
        parse_bench(rig.text.replace(old, new), "bench")


def test_times_are_of_the_run_and_its_line_tells_jitter_and_late_steps(rig, tmp_path):
    with Bench.connect(rig.spec()) as bench:
        events = list(record(bench, [SEQUENCE], 3, tmp_path / "r"))
        recording = read_recording(tmp_path / "r")
    assert np.all(recording.set_s >= recording.start_s[:, :, None])
    assert np.all(recording.read_s > recording.set_s)
    assert np.all(np.diff(recording.read_s, axis=2) > 0)
    timing = events[-1].values["timing"]
    assert timing["step_s"] == pytest.approx(1 / 37, rel=0.2)
    assert timing["late_steps"] == 0
    assert timing["steps"] == 6
    assert timing["jitter_p99_s"] < 0.005
    assert any(isinstance(e, Note) and "0 of 6 late" in e.text for e in events)


def test_a_step_that_the_host_delays_is_counted_as_late(tmp_path):
    with served() as rig, Bench.connect(rig.spec()) as bench:
        read, count = bench.readouts["lockin"].read, iter(range(100))

        def delayed():
            if next(count) == 3:
                bench.clock.wait(0.5)  # a virtual rig's time passes only so
            return read()

        bench.readouts["lockin"].read = delayed
        events = list(record(bench, [SEQUENCE], 2, tmp_path / "r"))
    timing = events[-1].values["timing"]
    assert timing["late_steps"] == 1
    assert any(isinstance(e, Note) and e.level == "warning" and "1 of 4 late" in e.text
               for e in events)  # fmt: skip


def test_the_time_that_a_probe_averages_for_makes_no_step_late(tmp_path):
    with served(("kepco-bop", "sr830", "lakeshore-f71")) as rig:
        rig.order("lakeshore-f71", "SENS:AVERAGE:COUNT 10")
        with Bench.connect(rig.spec()) as bench:
            events = list(record(bench, [SEQUENCE], 2, tmp_path / "r"))
    timing = events[-1].values["timing"]
    assert timing["step_s"] > 0.1
    assert timing["late_steps"] == 0


@pytest.mark.parametrize(
    ("changes", "percent", "level"), [((), "100.0", "info"), ((OFF,), "95.2", "warning")]
)
def test_a_run_tells_how_the_measured_field_was_beside_the_asked_one(
    rig, tmp_path, changes, percent, level
):
    with Bench.connect(rig.spec(*changes)) as bench:
        events = list(record(bench, [SEQUENCE], 2, tmp_path / "r"))
    (note,) = [e for e in events if isinstance(e, Note) and e.text.startswith("field: probe")]
    assert f"measured {percent} % of what was asked for" in note.text
    assert note.level == level
    assert ("bench calibrate" in note.text) == (level == "warning")


@pytest.mark.parametrize(
    "changes", [(), (("tesla_per_ampere = 4.0e-4", "tesla_per_ampere = 4e-3"),)]
)
def test_a_probe_that_holds_its_reading_is_told_and_another_scale_is_not_taken_for_it(
    rig, tmp_path, changes
):
    # near the middle of the fields it measured "100 % of what was asked for", and no warning
    sequence = FieldSequence(np.linspace(0.0, 1.0, 11))
    gap = rig.rig.instruments["lakeshore-475"]
    if not changes:
        gap._field_T = lambda: 2.85e-3
    with Bench.connect(rig.spec(*changes)) as bench:
        events = list(record(bench, [sequence], 1, tmp_path / "r"))
    (note,) = [e for e in events if isinstance(e, Note) and e.text.startswith("field: probe")]
    assert note.level == "warning"
    assert ("it showed 0 %. Does it hold its reading" in note.text) == (not changes)
    assert ("bench calibrate" in note.text) == bool(changes)


def test_a_loop_is_compared_where_it_is_read(tmp_path):
    with served(MODELS, device="spin-vortex-ice") as rig, Bench.connect(rig.spec()) as bench:
        events = list(record(bench, [SEQUENCE], 1, tmp_path / "r"))
    assert any("measured 100.0 % of" in e.text for e in events if isinstance(e, Note))

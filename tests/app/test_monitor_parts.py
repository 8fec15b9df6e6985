"""What the Monitor page is made of: derived channels, alarms, a spectrum, scales, the table."""

from __future__ import annotations

import csv
import math
import time
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.alarms import Alarm, Alarms
from app.derived import derived_of
from app.gui.live_monitor import LiveMonitor, traces_of
from app.gui.widgets.chart_scale import ago, labelled, log_ticks, settled, tick_text, ticks
from app.operations.bench_read import BenchRead
from app.operations.events import StepRead
from app.operations.monitor_export import Seen, export_seen
from app.spectrum import amplitude_density
from app.trace_store import TraceStore, View
from instruments.bench import Bench
from instruments.bench_file import read_bench
from models.errors import InputError, TwinrigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def bench() -> Iterator[Bench]:
    with Bench.connect(read_bench("virtual")) as made:
        yield made


def test_amplitude_and_phase_follow_from_pairs() -> None:
    names, units = ("a.X", "a.Y", "b.X", "R"), ("V", "V", "V", "V")
    r, theta = derived_of(names, units)
    assert (r.name, r.unit, theta.name, theta.unit) == ("a.R", "V", "a.θ", "°")
    values = np.array([[3.0, 0.0], [4.0, 1.0], [0.0, 0.0], [0.0, 0.0]])
    np.testing.assert_allclose(r.of(values), [5.0, 1.0])
    np.testing.assert_allclose(theta.of(values), [math.degrees(math.atan2(4, 3)), 90.0])
    assert derived_of(("X", "Y", "R", "theta"), ("V", "V", "V", "°")) == ()
    assert derived_of(("X", "Y"), ("V", "A")) == ()


def test_an_alarm_is_said_once_and_again_when_it_is_over() -> None:
    alarms = Alarms()
    alarms.put(Alarm("T", 20.0, 26.0))
    values = (22.0, 27.0, 28.0, math.nan, 25.0, 10.0)
    said = [alarms.look({"T": value}, now_s) for now_s, value in enumerate(values)]
    assert [[one.side for one in each] for each in said] == [[], ["above"], [], [], [""], ["below"]]
    assert alarms.out == {"T": "below"}
    alarms.remove("T")
    assert alarms.look({"T": 99.0}, 6.0) == []


def test_what_flutters_about_a_bound_is_said_once() -> None:
    alarms = Alarms()
    alarms.put(Alarm("I", high=2.0))
    rng = np.random.default_rng(0)
    values = 2.0 + 0.01 * rng.standard_normal(1000)
    said = [one for k, v in enumerate(values) for one in alarms.look({"I": v}, float(k))]
    assert [one.side for one in said] == ["above"]
    assert [one.side for one in alarms.look({"I": 1.95}, 1000.0)] == [""]


def test_a_channel_that_gives_no_value_is_said_once_and_when_it_is_back() -> None:
    alarms = Alarms()
    alarms.put(Alarm("T", high=310.0))
    alarms.put(Alarm("X", high=1.0))
    alarms.look({"T": 300.0, "X": 0.0}, 100.0)
    alarms.look({"T": math.nan, "X": 0.0}, 105.0)
    assert alarms.overdue(109.0) == []
    assert [(one.alarm.channel, one.side) for one in alarms.overdue(111.0)] == [("T", "gone")]
    assert alarms.overdue(112.0) == []
    assert [one.alarm.channel for one in alarms.overdue(116.0)] == ["X"]  # nobody reads it
    assert [one.side for one in alarms.look({"T": 320.0, "X": 0.5}, 130.0)] == ["above", ""]
    assert alarms.out == {"T": "above"}


def test_a_run_that_rests_long_between_two_values_is_not_said_each_time() -> None:
    alarms = Alarms()
    alarms.put(Alarm("X", high=1.0))
    said = []
    for rest in range(5):
        for now_s in np.arange(0.0, 30.0) + 60.0 * rest:  # a value a second, then half a minute
            said += alarms.look({"X": 0.0}, float(now_s))
        for now_s in np.arange(30.0, 60.0) + 60.0 * rest:
            said += alarms.overdue(float(now_s))
    assert [one.side for one in said] == ["gone", ""]
    assert alarms.overdue(1000.0) != []


@pytest.mark.parametrize(
    ("low", "high"), [(3.0, 2.0), (2.0, 2.0), (math.nan, 1.0), (-math.inf, math.inf)]
)
def test_an_alarm_that_means_nothing_is_refused(low: float, high: float) -> None:
    with pytest.raises(InputError):
        Alarm("T", low, high)


def test_a_spectrum_has_its_peak_at_the_frequency_and_the_level_of_white_noise() -> None:
    rate_Hz, level = 100.0, 0.3
    times_s = np.arange(8192) / rate_Hz
    noise = np.random.default_rng(0).standard_normal(8192) * level * math.sqrt(rate_Hz / 2)
    frequency, density = amplitude_density(times_s, noise)
    assert math.sqrt(np.mean(density**2)) == pytest.approx(level, rel=0.05)
    tone = np.sin(2 * np.pi * 12.5 * times_s)
    frequency, density = amplitude_density(times_s, tone)
    assert frequency[np.argmax(density)] == pytest.approx(12.5, abs=0.1)
    assert amplitude_density(times_s[:20], tone[:20])[0].size == 0
    tone[10:20] = np.nan
    assert np.isfinite(amplitude_density(times_s, tone)[1]).all()


def test_ranges_do_not_jitter_and_follow_what_leaves_or_shrinks() -> None:
    first = settled(-1.0, 1.0, None)
    assert settled(-1.02, 0.98, first) == first
    assert settled(-2.0, 1.0, first)[0] < -2.0
    assert settled(-0.1, 0.1, first) != first
    assert settled(math.nan, math.nan, first) == first
    low, high = settled(0.0, 0.0, None)
    assert low < -0.5 < 0.5 < high


def test_ticks_are_round_and_few() -> None:
    assert ticks(18.2, 30.9, 3) == [20.0, 25.0, 30.0]
    assert all(len(ticks(0.0, span, 4)) <= 4 for span in np.geomspace(1e-9, 1e9, 50))
    assert tick_text(-0.25, 0.25) == "−0.25"
    short = labelled(2.7488, 2.7491, 9, lambda text: len(text) <= 6)  # a value that hardly moves
    assert [text for _, text in short] == ["2.7488", "2.7489", "2.7490", "2.7491"]
    assert [text for _, text in labelled(-1.0, 1.0, 9, lambda text: True)][:2] == ["−1.00", "−0.75"]
    assert labelled(-12345.2, -12345.1, 4, lambda text: False) == [(-12345.2, "−12345.2")]
    alike = labelled(0.50996, 0.51004, 37, lambda text: True)
    assert len({text for _, text in alike}) == len(alike) > 0
    assert [ago(s) for s in (0.0, 6.0, 90.0, 5400.0, 86_400.0)] == [
        "now", "−6 s", "−1.5 min", "−1.5 h", "−1 d",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("low", "high", "most", "values"),
    [
        (-1.1, 0.1, 30, [0.08, 0.09, *(0.1 * n for n in range(1, 10)), 1.0]),
        (-1.1, 0.6, 8, [0.1, 0.2, 0.5, 1.0, 2.0]),
        (-3.2, 3.2, 8, [10.0**n for n in range(-3, 4)]),
        (-9.5, 9.5, 6, [1e-8, 1e-4, 1.0, 1e4, 1e8]),
        (0.31, 0.39, 8, [2.1, 2.2, 2.3, 2.4]),
        (1.0, 1.0, 8, []),
        (-2.82, -1.1, 3, [0.002, 0.01, 0.05]),  # 0.025, 0.05 and 0.075 lay on each other
        (-1.96, -1.72, 3, [0.0125, 0.0175]),
    ],
)
def test_logarithmic_ticks_are_as_many_as_do_not_touch(
    low: float, high: float, most: int, values: list[float]
) -> None:
    marks = log_ticks(low, high, most)
    assert [10**mark for mark in marks] == pytest.approx(values)
    gaps = [b - a for a, b in pairwise(marks)]
    assert all(gap >= (high - low) / most for gap in gaps)


def look(field_T: float, x: float = 1.0) -> BenchRead:
    return BenchRead(0.0, field_T, field_T, field_T / 4e-4, True, (x, 0.0), ("X", "Y"), ("V", "V"))


def test_readings_and_the_steps_of_a_run_make_one_line(bench: Bench) -> None:
    live = LiveMonitor(bench)
    assert live.names == ("Field", "Set point", "Supply x", "X", "Y", "R", "θ")
    assert live.reading(look(0.001), 100.0) == []
    steps = [StepRead(k, 1e-3 * k, k / 0.4, np.array([3.0, 4.0])) for k in range(10)]
    live.events(steps, 100.5)
    assert live.store.count == 11
    view = live.store.view(0.0, 200.0)
    assert view.times_s[0] == 100.0
    assert view.times_s[-1] == 100.5
    assert (np.diff(view.times_s) > 0).all()
    assert live.values[live.names.index("R")] == 5.0
    assert live.per_second > 0


def test_a_lost_bench_is_a_gap_and_no_number(bench: Bench) -> None:
    live = LiveMonitor(bench)
    live.reading(look(0.001), 1.0)
    live.gap("no reply", 2.0)
    live.gap("no reply", 3.0)
    assert np.isnan(live.values).all()
    live.reading(look(0.002), 4.0)
    assert live.lost == ""
    view = live.store.view(0.0, 5.0)
    assert np.isnan(view.low[0]).tolist() == [False, True, False]


def test_an_alarm_sees_what_came_and_went_within_a_frame(bench: Bench) -> None:
    live = LiveMonitor(bench)
    live.alarms.put(Alarm("X", high=2.0))
    steps = [StepRead(k, 0.0, 0.0, np.array([9.0 if k == 5 else 1.0, 0.0])) for k in range(10)]
    assert [one.side for one in live.events(steps, 1.0)] == ["above", ""]
    assert live.alarms.out == {}


def test_markers_are_bounded(bench: Bench) -> None:
    live = LiveMonitor(bench)
    for number in range(1000):
        live.mark("m", float(number))
    assert len(live.markers) == 200
    assert live.traces == traces_of(bench)


def test_dates_follow_a_wall_clock_that_is_set_while_it_runs(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    live, wall_s = LiveMonitor(bench), time.time()
    steps = [StepRead(0, 0.0, 0.0, np.zeros(2))]
    live.events(steps, begin_s := time.monotonic())
    monkeypatch.setattr("app.civil_time.time.time", lambda: wall_s + 3600.0)
    live.events(steps, time.monotonic())
    marker = live.mark("set", time.monotonic())
    seen = live.seen([0], begin_s - 1.0, time.monotonic())
    assert seen.utc_s - wall_s == pytest.approx([0.0, 3600.0], abs=5.0)
    assert marker.clock in {
        time.strftime("%H:%M:%S", time.localtime(wall_s + 3600.0 + late_s)) for late_s in range(60)
    }


def test_what_is_seen_is_written_with_gaps_units_and_markers(tmp_path: Path) -> None:
    times_s = np.arange(4.0)
    low = np.array([[1.0, 2.0, math.nan, 4.0]])
    seen = Seen(View(times_s, low, low, 1), ("Field",), ("T",), ((1.5, "touched"),), times_s + 1e9)
    path = export_seen(tmp_path / "monitor" / "mon.csv", seen)
    rows = list(csv.reader(path.read_text("utf-8").splitlines()))
    assert rows[0] == ["time_s", "utc", "Field (T)", "marker"]
    assert [row[2] for row in rows[1:]] == ["1", "2", "", "4"]
    assert [row[3] for row in rows[1:]] == ["", "", "touched", ""]
    assert rows[1][1] == "2001-09-09T01:46:40.000+00:00"
    with pytest.raises(InputError):
        export_seen(path, seen)
    with pytest.raises(TwinrigError, match="a part of this path is a file, not a folder"):
        export_seen(path / "monitor" / "mon.csv", seen)


def test_what_was_thinned_is_written_as_low_and_high(tmp_path: Path) -> None:
    store = TraceStore(1, capacity=64)
    store.push(np.arange(10_000.0), np.sin(np.arange(10_000.0))[None])
    view = store.view(0.0, 10_000.0)
    path = export_seen(tmp_path / "mon.csv", Seen(view, ("X",), ("V",), (), view.times_s))
    rows = list(csv.reader(path.read_text("utf-8").splitlines()))
    assert rows[0][2:4] == ["X (V), low", "X (V), high"]
    assert all(float(row[2]) <= float(row[3]) for row in rows[1:])


@pytest.mark.parametrize("factor", [1, 4])
def test_what_was_frozen_before_the_first_sample_is_a_table_without_rows(
    tmp_path: Path, factor: int
) -> None:
    none = np.zeros((2, 0))
    seen = Seen(View(none[0], none, none, factor), ("X", "Y"), ("V", "V"), ((1.0, "a"),), none[0])
    assert len(export_seen(tmp_path / "mon.csv", seen).read_text("utf-8").splitlines()) == 1


def test_channels_that_only_a_run_sets_up_are_said_to_give_no_value_and_why() -> None:
    with Bench.connect(read_bench("virtual-spin-vortex-ice")) as ice:
        live = LiveMonitor(ice)
        assert live.silent == ""  # nothing was read yet
        live.reading(ice.monitor(), time.monotonic())
        assert live.silent == "no value of S21[0] and 59 more: shown once a run has set it up"
        live.gap("the link is lost", time.monotonic())
        assert live.silent == ""  # that is said instead
    with Bench.connect(read_bench("virtual")) as rings:
        live = LiveMonitor(rings)
        live.reading(rings.monitor(), time.monotonic())
        assert live.silent == ""

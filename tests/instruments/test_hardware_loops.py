"""Field loops by the supply's list: read at −H, as by software, and never cut in two."""

from __future__ import annotations

import numpy as np
import pytest
from list_bench import ice_of, recorded, spec_of
from same_statistics import check_same_statistics

from instruments.bench import Bench
from instruments.drivers.kepco_list import KepcoList
from instruments.sequenced import poles_left_over
from models.errors import RefusedError
from models.sequence import FieldSequence

RUNS = 8
FULL_RUNS = 100
LOOPS_T = np.random.default_rng(3).uniform(18e-3, 23.5e-3, 20).tolist()


def test_loops_have_the_same_statistics_as_by_software() -> None:
    check_same_statistics("spin-vortex ice in loops", ice_of, RUNS, LOOPS_T)


@pytest.mark.full
def test_many_loops_have_the_same_statistics() -> None:
    check_same_statistics("spin-vortex ice in loops", ice_of, FULL_RUNS, LOOPS_T)


def test_the_field_at_plus_h_counts() -> None:
    """The vortices that a loop leaves are made at both ends: without +H there would be others."""
    loops, _ = recorded(ice_of("hardware"), fields_T=LOOPS_T)
    steps, _ = recorded(ice_of("hardware", encoding='"step"'), fields_T=[-t for t in LOOPS_T])
    assert np.abs(loops.mean(axis=1) - steps.mean(axis=1)).max() > 1e-6  # 30 µV is full scale


def test_a_device_that_readings_gate_is_gated_once_a_loop() -> None:
    keys = {"encoding": '"loop"', "low_T": "-0.0022", "hold_s": "0.05"}
    software, _ = recorded(spec_of("software", **keys))
    hardware, _ = recorded(spec_of("hardware", **keys))
    np.testing.assert_allclose(hardware, software, atol=1e-9)  # 100 µV is full scale


@pytest.mark.parametrize("most_points", [6, 7])
def test_a_loop_is_never_cut_in_two(monkeypatch: pytest.MonkeyPatch, most_points: int) -> None:
    whole, _ = recorded(ice_of("hardware"), fields_T=LOOPS_T)
    lists: list[list[float]] = []
    load = KepcoList.load

    def noted(program: KepcoList, points: list[tuple[float, float]]) -> None:
        lists.append([current_A for current_A, _ in points])
        load(program, points)

    monkeypatch.setattr(KepcoList, "most_points", most_points)
    monkeypatch.setattr(KepcoList, "load", noted)
    by_part, _ = recorded(ice_of("hardware"), fields_T=LOOPS_T)
    assert len(lists) == 7  # 21 loops, three a part
    for currents_A in lists:
        assert len(currents_A) == 6
        np.testing.assert_array_equal(currents_A[::2], [-a for a in currents_A[1::2]])
    assert by_part.shape == whole.shape
    assert abs(by_part.mean() - whole.mean()) < 0.3 * whole.std()


def test_times_of_a_loop_are_those_of_its_second_half() -> None:
    spec = ice_of("hardware")
    with Bench.connect(spec) as bench:
        bench.energise()
        reads = list(bench.repeat(LOOPS_T, spec.window, spec.reset))
    np.testing.assert_allclose(np.diff([read.set_s for read in reads]), 0.127028, atol=1e-9)
    assert all(read.read_s - read.set_s == pytest.approx(0.077028) for read in reads)
    assert [read.current_A for read in reads] == pytest.approx([-t / 3e-3 for t in LOOPS_T])


def test_a_filter_that_remembers_plus_h_is_refused_and_says_what_to_do() -> None:
    spec = ice_of("hardware")
    sequences = [FieldSequence(np.array([0.0, 1.0]))]
    with Bench.connect(spec) as bench:
        bench.check_sequences(sequences, spec.window, spec.reset)
        bench.readouts["lockin"]._session.write("OFLT 7")  # type: ignore[attr-defined]
        with pytest.raises(RefusedError, match=r"shows 19 % .* a longer hold_s, or a shorter"):
            bench.check_sequences(sequences, spec.window, spec.reset)
        assert "127.028 ms a step" in bench.timing_words()


@pytest.mark.parametrize(("poles", "expected"), [(1, 6.738e-3), (2, 4.043e-2), (4, 0.2650)])
def test_what_poles_have_left_of_a_step(poles: int, expected: float) -> None:
    """Against the step response computed by small steps of the poles' own equation."""
    assert poles_left_over(0.05, 0.01, poles) == pytest.approx(expected, rel=1e-3)
    stages, dt_s = [1.0] * poles, 1e-6
    for _ in range(50_000):
        before = 0.0
        for pole, value in enumerate(stages):
            stages[pole] = value + dt_s / 0.01 * (before - value)
            before = value
    assert stages[-1] == pytest.approx(expected, rel=1e-3)

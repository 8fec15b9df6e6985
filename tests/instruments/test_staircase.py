"""The staircase: no set larger than a tick's reach, each earned before the next."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated import SimulatedClock, SimulatedSupply, check_ramp

from instruments.link_errors import LinkError
from instruments.staircase import TICK_S, Staircase
from models.errors import TwinrigError


def staircase(ramp_A_per_s, *, start_A=0.0, late_s=0.0):
    clock = SimulatedClock(late_s)
    supply = SimulatedSupply(clock, setpoint_A=start_A, output_on=True)
    stairs = Staircase(supply, ramp_A_per_s, clock)
    stairs.sent_A = start_A
    return stairs, supply, clock


def test_within_reach_is_one_set_at_once():
    stairs, supply, clock = staircase(2000.0)
    stairs.walk_to_A(11.0)
    assert supply.sets == [(0.0, 11.0)]
    assert clock.time_s == 0.0


def test_exactly_one_reach_is_one_set():
    stairs, supply, _ = staircase(10.0)
    stairs.walk_to_A(0.2)
    assert supply.sets == [(0.0, 0.2)]


def test_further_is_a_staircase_of_20_ms_ticks():
    stairs, supply, _ = staircase(10.0)
    stairs.walk_to_A(-0.5)
    times, currents = zip(*supply.sets, strict=True)
    assert currents == (-0.2, -0.4, -0.5)
    assert times == pytest.approx((0.0, TICK_S, 2 * TICK_S))


def test_the_next_walk_waits_for_what_the_last_set_owes():
    stairs, supply, _ = staircase(10.0)
    stairs.walk_to_A(0.1)  # 10 ms of ramp
    stairs.walk_to_A(0.0)
    stairs.passed(1.0)  # a hold pays for the ramp
    stairs.walk_to_A(0.1)
    assert [time_s for time_s, _ in supply.sets] == pytest.approx([0.0, 0.01, 0.01])


@pytest.mark.parametrize(
    ("there_A", "from_A"), [(0.3, 0.3), (-0.5, -0.5), (0.0, 0.0), (1.2, 1.0), (0.995, 1.0)]
)
def test_a_way_to_zero_follows_a_hand_that_turns_it_down(there_A, from_A):
    """1.2: what was set before, read late; 0.995: rounded."""
    stairs, supply, clock = staircase(10.0, start_A=1.2)
    stairs.set_A(1.0)
    clock.wait(1.0)
    flows = []
    stairs._on_set = flows.append
    supply.programmed_A = there_A
    stairs.follow()
    assert stairs.sent_A == from_A
    assert flows == ([there_A] if from_A == there_A else [])
    assert supply.sets == [(0.0, 1.0)]


@pytest.mark.parametrize("there_A", [1.5, -1.1])
def test_a_hand_that_turns_it_up_is_told(there_A):
    stairs, supply, _ = staircase(10.0, start_A=1.0)
    supply.programmed_A = there_A
    with pytest.raises(LinkError, match=rf"set-point is {there_A} A on its way to zero, 1 A was"):
        stairs.follow()


def test_a_garbled_reading_is_not_followed():
    stairs, supply, _ = staircase(10.0, start_A=1.0)
    readings = iter([0.1, 1.0])
    supply.setpoint_A = lambda: next(readings)
    stairs.follow()
    assert stairs.sent_A == 1.0


def test_a_set_point_that_is_not_known_is_not_followed():
    stairs, supply, _ = staircase(10.0)
    stairs.sent_A = None
    stairs.follow()
    assert stairs.sent_A is None
    supply.down = 1
    stairs.sent_A = 1.0
    with pytest.raises(LinkError):
        stairs.follow()


def test_the_time_that_a_look_takes_is_part_of_the_tick(monkeypatch):
    stairs, supply, clock = staircase(10.0, start_A=1.0)
    read = supply.setpoint_A
    monkeypatch.setattr(supply, "setpoint_A", lambda: (clock.wait(0.005), read())[1])
    stairs.walk_to_A(0.0, stairs.follow)
    times, currents = zip(*supply.sets, strict=True)
    assert currents == pytest.approx((0.8, 0.6, 0.4, 0.2, 0.0))
    assert times == pytest.approx([i * TICK_S for i in range(5)])


def test_a_late_tick_never_catches_up():
    stairs, supply, _ = staircase(10.0, late_s=1.0)
    stairs.walk_to_A(1.0)
    changes = [b - a for (_, a), (_, b) in pairwise(supply.sets)]
    assert max(changes) <= 0.2 + 1e-9


def test_a_ramp_finer_than_the_supply_takes_longer_ticks():
    stairs, supply, _ = staircase(1e-6)  # of a resolution of 1e-6 A
    assert stairs.walk_s(5e-6) == pytest.approx(4.0)
    assert stairs.plan(0.0, 2e-6) == [(0.0, 0.0), (1.0, 1e-6), (1.0, 2e-6)]
    stairs.walk_to_A(5e-6)
    assert [time_s for time_s, _ in supply.sets] == pytest.approx([0, 1, 2, 3, 4])
    assert max(b - a for (_, a), (_, b) in pairwise(supply.sets)) == pytest.approx(1e-6)


def test_an_unknown_set_point_is_never_walked_from():
    stairs, supply, _ = staircase(10.0)
    supply.down = 1
    with pytest.raises(TwinrigError):
        stairs.walk_to_A(1.0)
    with pytest.raises(TwinrigError, match="not known"):
        stairs.walk_to_A(1.0)
    assert supply.sets == []


def test_predicts_the_time_of_a_walk():
    for change_A, ticks in ((0.0, 0), (0.2, 0), (0.2000001, 1), (-0.5, 2), (2.0, 9)):
        stairs, supply, clock = staircase(10.0)
        assert stairs.walk_s(change_A) == pytest.approx(ticks * TICK_S)
        stairs.walk_to_A(stairs.on_grid_A(change_A))
        if abs(change_A) != 0.2000001:  # finer than the grid: not walked
            assert clock.time_s == pytest.approx(ticks * TICK_S)
        assert len(supply.sets) <= ticks + 1


@settings(deadline=None)
@given(
    ramp_A_per_s=st.floats(1.0, 5000.0),
    start_A=st.floats(-12.0, 12.0),
    targets=st.lists(st.floats(-12.0, 12.0), min_size=1, max_size=6),
    late_s=st.floats(0.0, 0.1),
    passed_s=st.floats(0.0, 0.05),
)
def test_no_walk_breaks_the_rule(ramp_A_per_s, start_A, targets, late_s, passed_s):
    stairs, supply, clock = staircase(ramp_A_per_s, start_A=start_A, late_s=late_s)
    for target_A in targets:
        stairs.walk_to_A(stairs.on_grid_A(target_A))
        assert supply.programmed_A == pytest.approx(target_A, abs=1e-6)
        clock.time_s += passed_s
        stairs.passed(passed_s)
    if supply.sets:  # none where every target is the start
        check_ramp(supply.sets, start_A, ramp_A_per_s)

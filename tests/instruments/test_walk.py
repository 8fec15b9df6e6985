"""What a walk keeps account of: where the set-point is, what flows, what the ramp is still owed."""

from __future__ import annotations

import math
import time

import pytest
from simulated import SimulatedClock, SimulatedSupply

from instruments.link_errors import LinkError
from instruments.staircase import TICK_S, Staircase
from models.errors import StoppedError, TwinrigError

RAMP = 10.0
SMALL_A = 0.1


def walk_of(ramp_A_per_s=RAMP, sent_A=None, **found):
    """A staircase, its supply, and what it told of currents that flow."""
    clock, told = SimulatedClock(), []
    supply = SimulatedSupply(clock, **{"output_on": True, **found})
    stairs = Staircase(supply, ramp_A_per_s, clock, told.append)
    stairs.sent_A = sent_A
    return stairs, supply, told


@pytest.mark.parametrize("before_A", [-0.3, None, 0.1, 0.3])
@pytest.mark.parametrize("to_A", [0.2, -0.2])
def test_a_set_that_failed_may_have_arrived(before_A, to_A):
    """What flows is the larger of the two, nothing is known, and the next set waits a tick."""
    stairs, supply, told = walk_of(setpoint_A=before_A or 0.0, sent_A=before_A)
    supply.down = 1
    with pytest.raises(LinkError):
        stairs.set_A(to_A)
    assert stairs.sent_A is None
    assert told == [max(before_A or 0.0, to_A, key=abs)]
    stairs.start_from(supply.state(), SMALL_A)
    begin_s = supply.clock.time_s
    stairs.walk_to_A(0.0)
    waited_s = [time_s - begin_s for time_s, _ in supply.sets[:1]]
    assert waited_s == pytest.approx([TICK_S] if before_A else [])


def test_a_set_that_arrived_is_a_sign_of_progress_and_one_that_failed_is_none():
    stairs, supply, told = walk_of(sent_A=0.0)
    assert stairs.moved_s == -math.inf
    supply.down = 1
    with pytest.raises(LinkError):
        stairs.set_A(0.1)
    assert stairs.moved_s == -math.inf
    begin_s = time.monotonic()
    stairs.set_A(0.1)
    assert begin_s <= stairs.moved_s <= time.monotonic()
    assert (stairs.sent_A, stairs.passing_A, told[-1:]) == (0.1, 0.1, [0.1])


def test_what_is_owed_is_paid_once():
    stairs, supply, _ = walk_of(sent_A=0.0)
    stairs.set_A(0.1)
    stairs.pay()
    stairs.pay()
    assert supply.clock.time_s == pytest.approx(0.1 / RAMP)


def test_a_walk_that_another_thread_halted_sets_nothing_more():
    stairs, supply, _ = walk_of(setpoint_A=1.0, sent_A=1.0)
    stairs.halted = True
    with pytest.raises(StoppedError, match="made safe meanwhile"):
        stairs.walk_to_A(0.0)
    assert supply.sets == []
    stairs.halted = False
    with pytest.raises(StoppedError):
        stairs.walk_to_A(0.0, lambda: setattr(stairs, "halted", True))
    assert [current_A for _, current_A in supply.sets] == [0.8]


def test_a_walk_looks_before_each_set_but_the_first():
    stairs, supply, _ = walk_of(sent_A=0.0)
    looks = []
    stairs.walk_to_A(0.5, lambda: looks.append(len(supply.sets)))
    assert looks == [1, 2]


@pytest.mark.parametrize(
    ("found", "sent_A", "start_A"),
    [
        ({"setpoint_A": 3.0}, None, 3.0),
        ({"setpoint_A": 3.0, "output_on": False}, 3.0, 0.0),
        ({"setpoint_A": 3.0}, 3.004, 3.004),  # rounded by the read-back
        ({"setpoint_A": 3.0}, 3.1, 3.0),  # changed by hand
        ({"setpoint_A": 3.0}, -3.0, 3.0),
        ({"setpoint_A": -3.0, "current_A": -0.5}, None, -3.0),
        ({"setpoint_A": 0.0, "current_A": 2.0}, None, 0.0),
    ],
)
def test_where_a_walk_starts_is_known_and_told_as_what_flows(found, sent_A, start_A):
    stairs, supply, told = walk_of(sent_A=sent_A, **found)
    stairs.start_from(supply.state(), SMALL_A)
    assert stairs.sent_A == start_A
    assert told == [start_A]
    assert supply.sets == []


def test_a_set_point_is_confirmed_within_its_rounding():
    stairs, supply, _ = walk_of(sent_A=0.0)
    stairs.set_A(0.2)
    supply.programmed_A += 0.9 * supply.read_back_error_A(0.2)
    stairs.confirm()
    assert stairs.sent_A == 0.2
    supply.programmed_A = 0.2 - 1.1 * supply.read_back_error_A(0.2)
    supply.queue.append("-222 Data out of range")
    with pytest.raises(
        LinkError, match=r"right after 0\.2 A was sent, and it reports -222"
    ) as told:
        stairs.confirm()
    assert stairs.sent_A is None
    assert told.value.reply == f"{supply.programmed_A:.6g} A"
    stairs.confirm()  # of nothing known there is nothing to confirm


def test_a_set_point_that_can_not_be_confirmed_is_not_known():
    stairs, supply, _ = walk_of(sent_A=0.0)
    stairs.set_A(0.2)
    supply.down = 1
    with pytest.raises(LinkError):
        stairs.confirm()
    assert stairs.sent_A is None
    with pytest.raises(TwinrigError, match="not known"):
        stairs.walk_to_A(0.0)


@pytest.mark.parametrize(
    ("current_A", "nearest_A", "inwards_A"),
    [(0.26, 0.3, 0.2), (-0.26, -0.3, -0.2), (0.24, 0.2, 0.2)],
)
def test_the_grid_rounds_to_the_nearest_or_towards_zero(current_A, nearest_A, inwards_A):
    clock = SimulatedClock()
    supply = SimulatedSupply(clock)
    supply.resolution_A = 0.1
    stairs = Staircase(supply, RAMP, clock)
    assert stairs.on_grid_A(current_A) == pytest.approx(nearest_A)
    assert stairs.on_grid_A(current_A, inwards=True) == pytest.approx(inwards_A)


@pytest.mark.parametrize(("ramp_A_per_s", "reach_A"), [(10.0, 0.2), (7.4, 0.1), (5.0, 0.1)])
def test_a_reach_is_the_whole_steps_of_a_tick(ramp_A_per_s, reach_A):
    clock = SimulatedClock()
    supply = SimulatedSupply(clock)
    supply.resolution_A = 0.1
    assert Staircase(supply, ramp_A_per_s, clock).reach_A == pytest.approx(reach_A)


def test_a_flow_comes_up_from_zero_and_goes_back_there():
    stairs, _, _ = walk_of()
    assert list(stairs.flow([(0.3, 5.0), (-0.1, 1.0)])) == [
        (TICK_S, pytest.approx(0.2)), (5.0, pytest.approx(0.3)),
        (TICK_S, pytest.approx(0.1)), (1.0, pytest.approx(-0.1)), (0.0, 0.0),
    ]  # fmt: skip


def test_a_plan_begins_with_what_is_still_owed():
    stairs, _, _ = walk_of(sent_A=0.0)
    stairs.set_A(0.1)
    assert stairs.plan(0.1, 0.0) == [(pytest.approx(0.01), 0.1), (TICK_S, 0.0)]
    stairs.passed(0.004)
    assert stairs.plan(0.1)[0][0] == pytest.approx(0.006)
    stairs.passed(1.0)
    assert stairs.plan(0.1)[0][0] == 0.0

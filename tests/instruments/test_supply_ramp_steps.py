"""The walk of a supply that ramps by itself, sum by sum, on one of a few lines."""

from __future__ import annotations

import math

import pytest
from simulated import SimulatedClock, SimulatedSupply

from instruments.link_errors import LinkError
from instruments.protocols import MagnetState
from instruments.supply_ramp import MOST_PIECES, SupplyRamp, slowest_A_per_s
from instruments.walk import Walk
from models.errors import RefusedError, StoppedError, TwinrigError

RAMP, ROUNDING_A, ACCURACY_A = 1.0, 0.001, 0.05


class Ramping:
    """Ramps at `rate_A_per_s` from where it is; `stuck`: its current stays."""

    name, resource = "x", "TCPIP0::simulated::1::SOCKET"
    driver = "simulated"
    resolution_A, accuracy_A, slowest_A_per_s = 0.001, ACCURACY_A, 0.1
    own_ramp, has_output = True, False

    def __init__(self, clock, current_A=0.0):
        self.clock, self.rate_A_per_s, self.log = clock, RAMP, []
        self.start_A = self.target_A = current_A
        self.since_s, self.stuck, self.done = 0.0, False, True
        self.looks_s = []

    def read_back_error_A(self, current_A):
        return ROUNDING_A

    def set_ramp_A_per_s(self, ramp_A_per_s):
        self.log.append("RATE")
        return self.rate_A_per_s

    def ramp_to_A(self, current_A):
        self.start_A, self.since_s = self._here_A(), self.clock.time_s
        self.target_A = current_A
        self.log.append(current_A)

    def _here_A(self):
        gone_A = self.rate_A_per_s * (self.clock.time_s - self.since_s)
        gone_A = 0.0 if self.stuck else min(gone_A, abs(self.target_A - self.start_A))
        return self.start_A + math.copysign(gone_A, self.target_A - self.start_A)

    def measured_A(self):
        return self._here_A()

    def setpoint_A(self):
        return self.target_A

    def arrived(self):
        self.looks_s.append(self.clock.time_s)
        return self.done

    def halt(self):
        self.log.append("halt")

    def settings(self):
        return {"ramp_A_per_s": [0.5, 0.25]}


@pytest.fixture
def one():
    clock = SimulatedClock()
    supply, flowed = Ramping(clock), []
    walk = SupplyRamp(supply, RAMP, clock, flowed.append)
    walk.sent_A = 0.0
    return supply, walk, flowed


def state(current_A, setpoint_A, on=True):
    return MagnetState(current_A, setpoint_A, on)


def test_its_reach_is_what_the_ramp_earns_in_a_tick(one):
    assert one[1].reach_A == pytest.approx(0.02)
    assert one[1].ramp_A_per_s == RAMP
    clock = SimulatedClock()
    assert SupplyRamp(Ramping(clock), 0.01, clock).ramp_A_per_s == 0.1  # no slower than it can


def test_a_supply_without_a_ramp_is_walked_by_its_finest_step_a_tick():
    assert slowest_A_per_s(SimulatedSupply(SimulatedClock())) == pytest.approx(1e-6 / 0.02)
    assert slowest_A_per_s(Ramping(SimulatedClock())) == 0.1


@pytest.mark.parametrize(
    ("current_A", "setpoint_A", "small_A", "begins_A"),
    [
        (5.0, 5.0625, 0.125, 5.0625),
        (5.0, 5.125, 0.125, 5.125),
        (5.0, 5.25, 0.125, 5.0),
        (5.0, -5.0, 0.125, 5.0),
        (5.0, 5.0009, 0.0, 5.0009),  # its own rounding
        (5.0, 5.002, 0.0, 5.0),
    ],
)
def test_a_walk_begins_at_the_current_unless_that_is_at_the_set_point(
    one, current_A, setpoint_A, small_A, begins_A
):
    _, walk, flowed = one
    walk.sent_A = None
    assert walk.found_A(state(current_A, setpoint_A), small_A) == begins_A
    walk.start_from(state(current_A, setpoint_A), small_A)
    assert (walk.sent_A, flowed) == (begins_A, [begins_A])


@pytest.mark.parametrize(
    ("setpoint_A", "on", "sends"),
    [(3.0, True, True), (-3.0, True, True), (3.0, False, False), (0.001, True, False)],
)
def test_an_open_coil_on_its_way_is_sent_to_zero_at_once(one, setpoint_A, on, sends):
    supply, walk, _ = one
    walk.sent_A = None
    walk.start_from(state(0.0, setpoint_A, on), 0.0)
    assert supply.log == (["RATE", 0.0] if sends else [])
    if sends:
        walk.sent_A = 1.0
        supply.log.clear()
        walk.start_from(state(1.0, 1.0), 0.0)
        assert supply.log == []


def test_a_plan_knows_the_slowest_segment_once_it_was_asked(one):
    _, walk, _ = one
    assert walk.walk_s(-3.0) == 3.0
    walk.ask_ramp()
    assert walk.walk_s(-3.0) == 12.0


def test_a_plan_has_each_piece_at_its_larger_end(one):
    _, walk, _ = one
    short = walk.plan(0.0, 0.05, 0.0)
    assert [s for s, _ in short] == pytest.approx([0.0, *[0.05 / 3] * 6, 0.0])
    thirds_A = (0.05 / 3, 0.1 / 3, 0.05)
    assert [a for _, a in short] == pytest.approx([0.0, *thirds_A, *reversed(thirds_A), 0.0])
    assert walk.plan(1.0, 1.0) == [(0.0, 1.0), (0.0, 1.0)]
    long = walk.plan(0.0, -100.0)[1:-1]
    assert len(long) == MOST_PIECES == 50
    assert {round(s, 9) for s, _ in long} == {2.0}
    assert [a for _, a in long] == pytest.approx([-2.0 * i for i in range(1, 51)])
    assert list(walk.flow([(0.02, 7.0)])) == [
        (pytest.approx(0.02), 0.02), (7.0, 0.02), (pytest.approx(0.02), 0.02), (0.0, 0.0),
    ]  # fmt: skip


def test_a_walk_looks_four_times_a_second_and_what_may_flow_is_told(one):
    supply, walk, flowed = one
    looks = []
    walk.walk_to_A(1.0, lambda: looks.append(supply.clock.time_s))
    assert supply.log == ["RATE", 1.0]
    assert supply.looks_s == looks == pytest.approx([0.25, 0.5, 0.75, 1.0])
    assert flowed == pytest.approx([1.0, 0.25, 0.5, 0.75, 1.0, 1.0])
    assert (walk.sent_A, walk.passing_A) == (1.0, 1.0)
    flowed.clear()
    supply.start_A, supply.rate_A_per_s = (
        1.0,
        0.5,
    )  # it may be behind, or ahead
    walk.walk_to_A(-0.5)
    assert flowed[:7] == pytest.approx([1.0, 1.0, 0.875, 0.75, 0.625, 0.5, -0.5])
    assert supply.clock.time_s == pytest.approx(4.0)
    assert walk.walk_s(1.0) == 2.0


def test_behind_its_time_it_is_looked_at_soon_and_then_less_often(one):
    supply, walk, _ = one
    supply.done = False
    with pytest.raises(TwinrigError, match=r"has not reached 1 A within 1[12]\.\d s at 1 A/s"):
        walk.walk_to_A(1.0)
    assert supply.looks_s[3:9] == pytest.approx([1.0, 1.02, 1.06, 1.14, 1.3, 1.55])
    assert supply.clock.time_s == pytest.approx(11.55, abs=0.26)  # 1.5 × 1 s and 10 s
    assert supply.log == ["RATE", 1.0, "halt"]
    assert walk.sent_A is None


def test_a_walk_that_does_not_move_is_no_sign_of_one(one):
    supply, walk, _ = one
    supply.stuck = True
    with pytest.raises(TwinrigError, match="it is at 0 A, its set-point is 1 A, and it says that"):
        walk.walk_to_A(1.0)
    assert walk.moved_s == -math.inf
    supply.stuck = False
    walk.sent_A = 0.0
    walk.walk_to_A(1.0)
    assert walk.moved_s > 0


@pytest.mark.parametrize(("off_A", "arrives"), [(0.04, True), (-0.04, True), (0.06, False)])
def test_it_is_there_within_its_accuracy(one, off_A, arrives):
    supply, walk, _ = one
    usual = supply.measured_A
    supply.measured_A = lambda: usual() + off_A
    if arrives:
        walk.walk_to_A(1.0)
    else:
        with pytest.raises(TwinrigError, match="has not reached"):
            walk.walk_to_A(1.0)


@pytest.mark.parametrize(
    ("rate_A_per_s", "kept"),
    [(1.0, True), (1.0 + 5e-7, True), (0.2, True), (1.01, False), (0.0, False), (-1.0, False)],
)
def test_no_target_is_sent_at_another_rate(one, rate_A_per_s, kept):
    supply, walk, flowed = one
    supply.rate_A_per_s = rate_A_per_s
    for order in (walk.walk_to_A, walk.set_A):
        walk.sent_A = 0.0
        supply.log.clear()
        if kept:
            order(0.01)
            assert supply.log == ["RATE", 0.01]
        else:
            with pytest.raises(RefusedError, match="no target was sent"):
                order(0.01)
            assert supply.log == ["RATE"]
            assert walk.sent_A == 0.0
            assert flowed == []


def test_a_walk_that_may_not_begin_sends_nothing(one):
    supply, walk, _ = one
    walk.walk_to_A(0.0)
    walk.halted = True
    with pytest.raises(StoppedError, match="made safe meanwhile"):
        walk.walk_to_A(1.0)
    walk.halted, walk.sent_A = False, None
    with pytest.raises(TwinrigError, match="not known"):
        walk.walk_to_A(1.0)
    assert supply.log == []


@pytest.mark.parametrize(
    ("error", "target_A", "halts"),
    [
        (StoppedError("stop"), 1.0, True), (StoppedError("stop"), 0.0, True),
        (LinkError("x", "garbled", resource="", hint=""), 1.0, True),
        (LinkError("x", "garbled", resource="", hint=""), 0.0, False),
    ],
)  # fmt: skip
def test_what_ends_a_walk_halts_it_but_not_one_to_zero_that_only_cannot_be_watched(
    one, error, target_A, halts
):
    supply, walk, flowed = one
    supply.start_A = supply.target_A = walk.sent_A = 2.0

    def look():
        raise error

    with pytest.raises(type(error)):
        walk.walk_to_A(target_A, look)
    assert ("halt" in supply.log) == halts
    assert walk.sent_A is None
    assert flowed[0] == 2.0  # the larger of the two


def test_a_target_that_may_be_lost_counts_as_flowing(one):
    supply, walk, flowed = one
    supply.ramp_to_A = lambda current_A: (_ for _ in ()).throw(
        LinkError("x", "lost", resource="", hint="")
    )
    with pytest.raises(LinkError):
        walk.set_A(-3.0)
    assert flowed == [-3.0]
    assert walk.sent_A is None
    with pytest.raises(LinkError):
        walk.set_A(-0.5)  # from where it is not known
    assert flowed == [-3.0, -0.5]


def test_a_walk_owes_nothing(one):
    _, walk, _ = one
    walk.pay()
    walk.passed(1.0)
    assert isinstance(walk, Walk)
    assert walk._clock.time_s == 0.0

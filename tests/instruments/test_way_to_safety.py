"""One attempt to bring one supply to its safe state, query by query: what it asks, sends, says."""

from __future__ import annotations

import math

import pytest
from simulated import SimulatedClock, SimulatedSupply, check_ramp

from instruments.clock import SteadyClock
from instruments.link_errors import LinkError, WrongInstrumentError
from instruments.ramp_down import SETTLE_S, NotTakenError, RampDown
from instruments.staircase import Staircase
from models.errors import TwinrigError

RAMP, SMALL_A = 10.0, 0.1


class Way:
    """A supply as it is found, and its way to safety; `broken`: queries that fail."""

    def __init__(self, *, sent_A=None, reported=(), broken=(), **found):
        clock = SimulatedClock()
        self.supply = SimulatedSupply(clock, **{"output_on": True, **found})
        self.stairs = Staircase(self.supply, RAMP, clock)
        self.stairs.sent_A = sent_A
        self.asked, self.told, self.off_s = [], [], []
        output = self.supply.output
        self.supply.output = lambda on: (self.off_s.append(clock.time_s), output(on))
        self.supply._link = self.asked.append
        for name in broken:
            setattr(self.supply, name, self._fails)
        self.clock = SteadyClock(clock)
        self.way = RampDown(
            self.supply, self.stairs, self.clock, SMALL_A, reported, self.told.append
        )

    def _fails(self):
        raise LinkError("x", "garbled", resource=self.supply.resource, hint="")

    def attempt(self, *, frugal=False):
        with self.clock.unfailing():
            return self.way.attempt(frugal)


def test_a_first_attempt_asks_for_the_state_walks_looks_and_switches_off():
    one = Way(setpoint_A=0.3)
    assert one.attempt() == (
        "x: found at 0.3 A (set 0.3 A), output on; walked to zero at 10 A/s at most, output off"
    )
    assert one.asked == [
        "state", "FUNC:MODE?", "CURR?", "CURR", "CURR?", "CURR", "CURR?", "MEAS:CURR?", "OUTP",
        "OUTP?",
    ]  # fmt: skip
    assert one.supply.log == ["CURR 0.100000", "CURR 0.000000", "OUTP OFF"]
    assert one.off_s == [pytest.approx(0.03)]  # the last set is earned, too
    assert one.told == []


def test_what_is_safe_already_is_sent_nothing():
    one = Way(output_on=False)
    assert one.attempt().endswith("already safe (zero current, output off)")
    assert one.asked == ["state"]


@pytest.mark.parametrize("setpoint_A", [5.0, -5.0])
def test_a_set_point_with_the_output_off_is_zeroed_and_has_to_be_there(setpoint_A):
    one = Way(setpoint_A=setpoint_A, output_on=False)
    assert one.attempt().endswith("; set-point brought to zero, output left off")
    assert one.supply.log == ["CURR 0.000000"]
    lost = Way(setpoint_A=setpoint_A, output_on=False)
    lost.supply.set_current_A = lambda current_A: None
    with pytest.raises(NotTakenError, match=f"set-point is {setpoint_A:g} A after it was brought"):
        lost.attempt()


def test_an_output_is_not_switched_off_where_the_sets_did_not_arrive():
    one = Way(setpoint_A=1.0)
    one.supply.set_current_A = lambda current_A: None
    with pytest.raises(NotTakenError, match="set-point is 1 A"):
        one.attempt()
    assert one.supply.on


def test_an_output_that_stays_on_is_not_called_safe():
    one = Way(setpoint_A=1.0)
    one.supply.output = lambda on: None
    with pytest.raises(TwinrigError, match="output stays on"):
        one.attempt()


def test_errors_that_were_read_and_not_told_outlive_an_attempt_that_fails():
    one = Way(setpoint_A=0.2, reported=["-100 told nobody"])
    one.supply.queue.append("-222 out of range")
    one.supply.down, link = 1, one.supply._link

    def fails_at_the_walk(command):
        link(command)
        if command == "CURR" and one.supply.down:
            one.supply.down = 0
            one._fails()

    one.supply._link = fails_at_the_walk
    with pytest.raises(LinkError):
        one.attempt()
    said = one.attempt()
    assert "-100 told nobody" in said
    assert "-222 out of range" in said


def test_what_the_supply_reports_on_the_way_is_told():
    one = Way(setpoint_A=0.1)
    take = one.supply.set_current_A

    def refuses_once(current_A):
        one.supply.queue.append("-221 settings conflict")
        take(current_A)

    one.supply.set_current_A = refuses_once
    assert one.attempt().endswith("output off; it reports -221 settings conflict")


# ---- a frugal attempt

UNREAD = {
    "nothing": ((), None, 1.8, "walked to zero at 10 A/s at most, output off"),
    "output": (("output_on",), None, 1.8, "Could not be read: output (x: garbled"),
    "set-point": (("setpoint_A",), None, 1.8, "Could not be read: set-point (x: garbled"),
    "set-point, another was sent": (("setpoint_A",), 5.0, 1.8, "Could not be read: set-point"),
    "current": (("measured_A",), None, 1.8, "an unknown current flowed before the output went off"),
    "all but what was sent": (("setpoint_A", "measured_A"), 2.0, 1.8, "an unknown current flowed"),
    "control": (("take_control",), None, 1.8, "Could not be read: control"),
    "error queue": (("errors",), None, 1.8, "Could not be read: error queue (x: garbled"),
}


@pytest.mark.parametrize("unread", UNREAD)
def test_a_frugal_attempt_does_without_each_answer(unread):
    broken, sent_A, first_A, words = UNREAD[unread]
    one = Way(setpoint_A=2.0, sent_A=sent_A)
    for name in broken:
        setattr(one.supply, name, lambda *_: one._fails())
    said = one.attempt(frugal=True)
    assert words in said
    assert ("Could not be read" in said) == bool(broken)
    assert one.supply.sets[0][1] == pytest.approx(first_A)
    check_ramp(one.supply.sets, 2.0, RAMP)
    assert one.supply.log[-2:] == ["CURR 0.000000", "OUTP OFF"]
    settled_s = one.off_s[0] - one.supply.sets[-1][0]
    assert settled_s == pytest.approx(0.02 + (SETTLE_S if "measured_A" in broken else 0.0))


def test_a_frugal_attempt_asks_who_is_there_and_no_state():
    one = Way(setpoint_A=0.1, broken=["state"])
    one.attempt(frugal=True)
    assert one.asked[0] == "*IDN?"


def test_a_frugal_attempt_of_another_instrument_sends_it_nothing():
    one = Way(setpoint_A=1.0)

    def another():
        raise WrongInstrumentError("x", "answered 'LSCI,…'", resource="", hint="")

    one.supply.identify = another
    with pytest.raises(WrongInstrumentError):
        one.attempt(frugal=True)
    assert one.supply.log == []


def test_a_frugal_attempt_that_knows_no_current_walks_from_none():
    one = Way(setpoint_A=1.0, broken=["setpoint_A", "measured_A"])
    with pytest.raises(TwinrigError, match="neither the current nor the set-point can be read"):
        one.attempt(frugal=True)
    assert one.supply.log == []


def test_a_frugal_attempt_takes_an_output_that_is_off_for_off():
    one = Way(setpoint_A=1.0, output_on=False)
    assert "set-point brought to zero, output left off" in one.attempt(frugal=True)
    assert one.supply.log == ["CURR 0.000000"]


def test_the_first_attempt_does_without_nothing():
    for name in ("state", "measured_A", "setpoint_A", "errors", "output_on"):
        one = Way(setpoint_A=1.0, broken=[name])
        with pytest.raises(LinkError):
            one.attempt()


# ---- after a program inside the supply, or another mode, was ended


@pytest.mark.parametrize(
    ("frugal", "broken", "first_A"),
    [
        (False, (), 2.8), (True, (), 2.8), (True, ("setpoint_A",), 2.8),
        (True, ("measured_A",), 2.8),
    ],
)  # fmt: skip
def test_what_control_changed_is_looked_at_anew(frugal, broken, first_A):
    one = Way(setpoint_A=5.0, sent_A=5.0)

    def take_control(reach_A):
        assert reach_A == pytest.approx(0.2)
        one.supply.programmed_A = one.supply.real_A = 3.0
        for name in (*broken, *(["state"] if frugal else ["identify"])):
            setattr(one.supply, name, one._fails)
        return ("running a program, which was ended",)

    one.supply.take_control = take_control
    said = one.attempt(frugal=frugal)
    assert "output on; running a program, which was ended; walked to zero" in said
    assert one.supply.sets[0][1] == pytest.approx(first_A)


# ---- a current that is measured at a set-point of zero


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize(
    ("falls_A_per_s", "waited_s", "told", "words"),
    [
        (2.0, 0.45, 0, "output off"),
        (0.2, 4.5, 2, "output off"),  # a large coil's: as long as it falls
        (0.0, SETTLE_S, 0, "A still flowed before the output went off"),
    ],
)
def test_the_output_goes_off_once_the_current_is_small_or_stands_still(
    falls_A_per_s, waited_s, told, words, sign
):
    one = Way(setpoint_A=0.0, current_A=sign)
    one.supply.measured_A = lambda: sign * (1.0 - falls_A_per_s * one.supply.clock.time_s)
    assert words in one.attempt()
    assert one.off_s[0] == pytest.approx(waited_s, abs=0.06)
    assert len(one.told) == told
    assert (one.stairs.moved_s > -math.inf) == (falls_A_per_s > 0)
    assert abs(one.stairs.passing_A) == pytest.approx(1.0 - falls_A_per_s * one.off_s[0])


def test_a_set_point_that_a_hand_moved_while_the_current_settled_is_noticed():
    one = Way(setpoint_A=0.0, current_A=1.0)

    def measured_A():
        one.supply.programmed_A = 1.0
        return 1.0

    one.supply.measured_A = measured_A
    with pytest.raises(NotTakenError, match="set-point is 1 A"):
        one.attempt()
    assert one.supply.on


@pytest.mark.parametrize("setpoint_A", [0.0, 2.0])
def test_a_current_though_the_output_is_off_is_told_only_where_it_stays(setpoint_A):
    for current_A in (3.0, -3.0):
        stays = Way(setpoint_A=setpoint_A, current_A=current_A, output_on=False)
        assert "ITS OUTPUT IS OFF AND 3 A STILL MEASURED" in stays.attempt()
    dies = Way(setpoint_A=setpoint_A, current_A=3.0, output_on=False)
    dies.supply.measured_A = lambda: max(0.0, 3.0 - 2.0 * dies.supply.clock.time_s)
    assert "STILL MEASURED" not in dies.attempt()
    unread = Way(setpoint_A=setpoint_A, current_A=3.0, output_on=False)
    answers = iter([3.0])
    unread.supply.measured_A = lambda: next(answers, None) or unread._fails()
    assert "OFF AND AN UNKNOWN CURRENT STILL MEASURED" in unread.attempt(frugal=True)

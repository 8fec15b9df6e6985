"""A magnet on its way to being energised and its steps: what each one asks, waits for, returns."""

from __future__ import annotations

import itertools
import threading
import time

import pytest
from simulated import SimulatedClock, SimulatedSupply, voice

from instruments import limits
from instruments.clock import Stop
from instruments.limits import LimitedMagnet, MagnetLimits, UnsafeError
from instruments.link_errors import LinkError
from instruments.watch import CHECK_EVERY_S
from models.errors import RefusedError, StoppedError, TwinrigError

RAMP = 10.0


def limited(*, confirms=False, duty=False, **found):
    clock, stop = SimulatedClock(), Stop()
    supply = SimulatedSupply(clock, **found)
    window = {"max_duty_A2s": 100.0, "duty_window_s": 10.0} if duty else {}
    magnet = LimitedMagnet(supply, MagnetLimits(4e-4, 11.0, RAMP, **window), clock, stop)
    magnet.confirms = confirms
    return magnet, supply, stop


def test_after_a_request_to_stop_nothing_is_energised():
    magnet, supply, stop = limited()
    stop.request()
    with pytest.raises(StoppedError):
        magnet.energise()
    assert supply.log == []


def test_a_second_time_that_fails_leaves_it_not_energised():
    magnet, supply, _ = limited()
    magnet.energise()
    supply.faults = ("at its voltage limit of 1 V",)
    with pytest.raises(TwinrigError, match="voltage limit"):
        magnet.energise()
    with pytest.raises(RefusedError, match="not energised"):
        magnet.step_to_A(1.0)


def test_what_a_supply_reported_before_is_no_fault_of_the_run():
    magnet, supply, _ = limited()
    supply.queue.append("-222 of a hand")
    assert magnet.state().errors == ("-222 of a hand",)
    magnet.energise()
    magnet.verify()


def test_a_program_that_was_ended_is_a_fault_and_the_walk_starts_from_what_it_left():
    magnet, supply, _ = limited(setpoint_A=5.0, output_on=True)

    def take_control(reach_A):
        assert reach_A == pytest.approx(0.2)
        supply.programmed_A = supply.real_A = 3.0
        return ("running a program, which was ended",) if next(turns) == 0 else ()

    turns = itertools.count()
    supply.take_control = take_control
    found = magnet.energise()
    assert found.faults == ("not as a run needs it: running a program, which was ended",)
    assert supply.sets[0][1] == pytest.approx(2.8)


def test_a_mode_that_does_not_stay_keeps_the_output_off():
    magnet, supply, _ = limited()
    supply.take_control = lambda reach_A: ("changed from voltage to current mode",)
    with pytest.raises(TwinrigError, match="not energised: changed from voltage to current mode a"):
        magnet.energise()
    assert not supply.on
    assert supply.sets == []


def test_a_zero_that_was_lost_keeps_the_output_off():
    magnet, supply, _ = limited(confirms=True, setpoint_A=5.0)
    supply.set_current_A = lambda current_A: None
    with pytest.raises(LinkError, match="5 A right after 0 A was sent"):
        magnet.energise()
    assert not supply.on


@pytest.mark.parametrize(("set_A", "shown_A"), [(1.0, 9.0), (-1.0, -9.0), (-9.0, -1.0)])
def test_the_duty_counts_the_larger_of_what_is_set_and_what_is_measured(set_A, shown_A):
    magnet, supply, _ = limited(duty=True, setpoint_A=set_A, current_A=shown_A, output_on=True)
    with pytest.raises(RefusedError, match="9 A found count as if they had flowed all the time"):
        magnet.energise()
    assert supply.sets == []


def test_the_duty_of_a_supply_found_at_zero_is_that_of_a_cold_coil():
    magnet, supply, _ = limited(duty=True, setpoint_A=9.0)
    magnet.energise()
    assert supply.on


def test_a_step_says_what_was_set_and_when_it_was_there():
    magnet, supply, _ = limited()
    magnet.energise()
    assert magnet.step_to_A(0.5000004) == pytest.approx(0.5)
    assert magnet.there_s == supply.sets[-1][0] == pytest.approx(0.04)
    assert magnet.step_to_T(-4e-5) == pytest.approx(-0.1)
    assert magnet.ramp_to_T(4e-5) == magnet.ramp_to_A(0.1) == pytest.approx(0.1)


def test_a_ramp_is_over_when_its_last_set_is_earned():
    magnet, supply, _ = limited()
    magnet.energise()
    magnet.step_to_A(0.15)
    assert supply.clock.time_s == 0.0
    magnet.ramp_to_A(0.1)
    assert supply.clock.time_s == pytest.approx(0.02)


def test_a_step_that_was_lost_is_found_out_where_sets_are_confirmed():
    magnet, supply, _ = limited(confirms=True)
    magnet.energise()
    usual, supply.set_current_A = supply.set_current_A, lambda current_A: None
    with pytest.raises(LinkError, match=r"0 A right after 0\.1 A was sent"):
        magnet.step_to_A(0.1)
    supply.set_current_A = usual
    magnet.step_to_A(0.1)
    supply.programmed_A = 0.3  # by hand, between two steps
    with pytest.raises(TwinrigError, match="changed by hand"):
        magnet.step_to_A(0.2)
    assert supply.programmed_A == 0.3


def test_a_step_whose_way_back_would_break_the_duty_is_not_begun():
    magnet, supply, _ = limited(duty=True)
    magnet.energise()
    magnet.ramp_to_A(3.0)
    magnet.hold(8.0)
    sent = list(supply.sets)
    with pytest.raises(TwinrigError, match=r"A²s.*not begun"):
        magnet.step_to_A(9.0)
    assert supply.sets == sent


def test_a_hold_is_foreseen_with_what_is_known_to_follow_it():
    magnet, supply, _ = limited(duty=True)
    magnet.energise()
    magnet.ramp_to_A(3.3)  # 10 s of it are too much
    magnet.hold(4.0, then_s=4.0)
    before_s = supply.clock.time_s
    with pytest.raises(TwinrigError, match=r"A²s.*not begun"):
        magnet.hold(2.0, then_s=8.0)
    assert supply.clock.time_s == before_s


def test_each_run_proves_its_first_current_anew():
    magnet, supply, _ = limited(confirms=True)
    magnet.energise()
    magnet.step_to_A(0.2)
    magnet.step_to_A(0.3)
    magnet.make_safe()
    magnet.energise()
    magnet.step_to_A(0.2)
    supply.real_A = 5.0  # what is set drives another current now
    with pytest.raises(TwinrigError, match="5 A"):
        magnet.step_to_A(0.3)


def test_a_hold_lasts_as_long_as_it_says_and_pays_for_the_last_set():
    magnet, supply, _ = limited()
    magnet.energise()
    magnet.step_to_A(0.15)
    magnet.hold(3.0)
    assert supply.clock.time_s == pytest.approx(3.0)
    magnet.step_to_A(0.1)
    assert supply.clock.time_s == pytest.approx(3.0)
    with pytest.raises(RefusedError, match="plays no list"):
        magnet.play_list([(0.1, 1.0)])
    assert magnet.list_problems([(0.1, 1.0)], 0.0) == ["simulated plays no list"]


def test_what_a_look_takes_is_part_of_a_hold_and_the_rest_of_a_longer_look_is_counted():
    magnet, supply, _ = limited()
    magnet.energise()
    magnet.step_to_A(0.1)
    state, clock = supply.state, supply.clock

    def slow():
        clock.time_s += 0.5
        return state()

    supply.state = slow
    begin_s = clock.time_s
    magnet.hold(3.5 * CHECK_EVERY_S)
    assert clock.time_s - begin_s == pytest.approx(3.5 * CHECK_EVERY_S)
    assert magnet.looked_s == 0.0
    magnet.passed(CHECK_EVERY_S)
    begin_s = clock.time_s
    magnet.hold(0.2)
    assert clock.time_s - begin_s == pytest.approx(0.5)
    assert magnet.looked_s == pytest.approx(0.3)


# ---- made safe by another thread


def waiting_in(supply, query):
    """Let a query of the supply wait: (it has begun, let it go on)."""
    begun, go_on = threading.Event(), threading.Event()
    usual = getattr(supply, query)

    def waits(*words):
        begun.set()
        assert go_on.wait(10)
        return usual(*words)

    setattr(supply, query, waits)
    return begun, go_on


def test_a_magnet_made_safe_while_it_is_energised_is_not_energised_afterwards():
    magnet, supply, _ = limited()
    begun, go_on = waiting_in(supply, "prepare")
    energising = threading.Thread(target=magnet.energise)
    energising.start()
    assert begun.wait(10)
    said = []
    making_safe = threading.Thread(target=lambda: said.append(magnet.make_safe()))
    making_safe.start()
    while not magnet._stairs.halted:  # it waits for the magnet now
        threading.Event().wait(0.001)
    go_on.set()
    energising.join(10)
    making_safe.join(10)
    assert said[0].endswith("output off")
    assert not supply.on
    with pytest.raises(RefusedError, match="made safe meanwhile"):
        magnet.step_to_A(0.1)


def test_a_walk_to_zero_before_a_run_is_ended_by_who_makes_it_safe():
    magnet, supply, _ = limited(setpoint_A=1.0, output_on=True)
    begun, go_on = waiting_in(supply, "take_control")
    errors = []

    def energise():
        try:
            magnet.energise()
        except StoppedError as error:
            errors.append(str(error))

    energising = threading.Thread(target=energise)
    energising.start()
    assert begun.wait(10)
    making_safe = threading.Thread(target=magnet.make_safe)
    making_safe.start()
    while not magnet._stairs.halted:
        threading.Event().wait(0.001)
    go_on.set()
    energising.join(10)
    making_safe.join(10)
    assert errors == ["x: made safe meanwhile"]
    assert supply.log[-2:] == ["CURR 0.000000", "OUTP OFF"]


def test_a_way_to_safety_begins_with_the_whole_state():
    magnet, supply, _ = limited(setpoint_A=0.1, output_on=True)
    asked, link = [], supply._link
    supply._link = lambda command: (asked.append(command), link(command))
    magnet.make_safe()
    assert asked[0] == "state"
    assert "*IDN?" not in asked


# ---- how long a way to safety is tried


@pytest.fixture
def at_once(monkeypatch):
    monkeypatch.setattr(limits, "TRY_AGAIN_S", 0.02)


@pytest.mark.usefixtures("at_once")
def test_a_supply_that_is_not_seen_to_follow_is_given_up_however_many_sets_it_takes():
    magnet, supply, _ = limited(setpoint_A=1.0, output_on=True)
    supply.set_current_A = lambda current_A: None
    with pytest.raises(UnsafeError, match="COULD NOT BE MADE SAFE"):
        magnet.make_safe(voice([], most=300), give_up_s=0.1)
    assert supply.on


@pytest.mark.usefixtures("at_once")
def test_a_way_that_goes_on_is_not_given_up_however_often_it_is_interrupted():
    magnet, supply, _ = limited(setpoint_A=3.0, output_on=True)
    usual, count = supply.set_current_A, [0]

    def fails_often(current_A):
        count[0] += 1
        if count[0] % 3 == 0:
            raise LinkError("x", "no answer", resource="", hint="")
        usual(current_A)

    supply.set_current_A = fails_often
    tries = []
    magnet.make_safe(voice(tries, most=300), give_up_s=0.05)
    assert len(tries) * 0.02 > 0.05
    assert supply.log[-2:] == ["CURR 0.000000", "OUTP OFF"]


@pytest.mark.usefixtures("at_once")
def test_without_any_patience_one_frugal_attempt_is_made_all_the_same():
    magnet, supply, _ = limited(setpoint_A=1.0, output_on=True)
    supply.down = 1
    magnet.make_safe(lambda words: None, give_up_s=0.0)
    assert not supply.on
    supply.down = 10**9
    with pytest.raises(UnsafeError):
        magnet.make_safe(lambda words: None, give_up_s=0.0)


@pytest.mark.usefixtures("at_once")
def test_with_endless_patience_it_is_tried_until_it_is_there_at_the_pace_of_the_tries():
    magnet, supply, _ = limited(setpoint_A=1.0, output_on=True)
    supply.down = 10
    tries, begin_s = [], time.monotonic()
    magnet.make_safe(voice(tries, most=300), give_up_s=None)
    assert not supply.on
    assert time.monotonic() - begin_s >= 0.02 * len(tries)

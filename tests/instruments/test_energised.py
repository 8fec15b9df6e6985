"""A magnet on its way to being energised and its steps: what each one asks, waits for, returns."""

from __future__ import annotations

import pytest
from simulated import SimulatedClock, SimulatedSupply

from instruments.clock import Stop
from instruments.limits import LimitedMagnet, MagnetLimits
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
        return ("running a program, which was ended",)

    supply.take_control = take_control
    found = magnet.energise()
    assert found.faults == ("not as a run needs it: running a program, which was ended",)
    assert supply.sets[0][1] == pytest.approx(2.8)


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


def test_each_run_proves_its_first_current_anew():
    magnet, supply, _ = limited(confirms=True)
    for _ in range(2):
        magnet.energise()
        magnet.step_to_A(0.2)
        supply.real_A = 5.0  # what is set there drives another current
        with pytest.raises(TwinrigError, match="5 A"):
            magnet.step_to_A(0.3)
        supply.real_A = 0.2
        magnet.make_safe()


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

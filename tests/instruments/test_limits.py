"""A magnet behind its limits: what is refused, where a ramp starts, how it gets safe."""

from __future__ import annotations

import math
import threading
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated import SimulatedClock, SimulatedSupply, check_ramp, voice

from instruments.clock import Stop
from instruments.limits import LimitedMagnet, MagnetLimits, UnsafeError
from models.errors import InputError, RefusedError, StoppedError, TwinrigError

RAMP = 10.0


def limited(*, ramp=RAMP, max_A=11.0, max_field_T=math.inf, on_wait=None, **state):
    stop = Stop()
    clock = SimulatedClock(stop=stop, on_wait=on_wait)
    supply = SimulatedSupply(clock, **state)
    limits = MagnetLimits(4e-4, max_A, ramp, max_field_T)
    return LimitedMagnet(supply, limits, clock, stop), supply, stop


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ((0.0, 1.0, 1.0), "tesla_per_ampere"),
        ((math.nan, 1.0, 1.0), "tesla_per_ampere"),
        ((1e-4, -1.0, 1.0), "max_current_A"),
        ((1e-4, math.inf, 1.0), "max_current_A"),
        ((1e-4, 1.0, 0.0), "max_ramp_A_per_s"),
        ((1e-4, 1.0, math.nan), "max_ramp_A_per_s"),
        ((1e-4, 1.0, 1.0, 0.0), "max_field_T"),
    ],
)
def test_limits_that_make_no_sense_are_refused_where_they_are_made(values, match):
    with pytest.raises(InputError, match=match):
        MagnetLimits(*values)


@pytest.mark.parametrize("current_A", [11.0001, -11.0001, 1e9, math.inf, math.nan])
def test_a_current_beyond_the_limit_is_refused_before_a_byte(current_A):
    magnet, supply, _ = limited()
    magnet.energise()
    sent = list(supply.log)
    with pytest.raises(RefusedError, match=r"nothing was sent"):
        magnet.step_to_A(current_A)
    assert supply.log == sent


def test_the_refusal_names_value_unit_and_limit():
    magnet, _, _ = limited()
    with pytest.raises(RefusedError, match=r"x: 12.5 A \(0.005 T\) is beyond max_current_A = 11 A"):
        magnet.step_to_T(0.005)


def test_a_field_beyond_its_own_limit_is_refused():
    magnet, _, _ = limited(max_field_T=0.003)
    magnet.energise()
    magnet.step_to_T(0.003)
    with pytest.raises(RefusedError, match="max_field_T"):
        magnet.step_to_T(-0.0031)


@pytest.mark.parametrize(
    ("max_field_T", "tesla_per_ampere", "highest_A"),
    [
        (math.inf, 4e-4, 11.0), (0.004, 4e-4, 10.0), (0.004, -4e-4, 10.0), (1.0, 4e-4, 11.0),
        (4e-5, 4e-4, 0.1), (1e-300, 1e300, 0.0), (1.0, 5e-324, 11.0),
    ],
)  # fmt: skip
def test_the_highest_current_is_what_both_limits_allow(max_field_T, tesla_per_ampere, highest_A):
    limits = MagnetLimits(tesla_per_ampere, 11.0, 1.0, max_field_T)
    assert limits.highest_A == pytest.approx(highest_A)
    assert limits.problem(limits.highest_A) is None


def test_what_counts_as_a_small_current_follows_the_field_limit_too():
    by_field, _, _ = limited(max_field_T=4e-5)  # at most 0.1 A: 1 % of 11 A would be all of it
    by_current, _, _ = limited()
    assert (by_field.small_A, by_current.small_A) == (6e-3, 0.11)


def test_the_limit_itself_is_allowed_in_spite_of_rounding():
    magnet, supply, _ = limited()
    magnet.energise()
    magnet.step_to_T(0.0044)  # 11.000000000000002 A
    assert supply.programmed_A == pytest.approx(11.0)


def test_a_supply_that_was_off_is_zeroed_before_its_output_goes_on():
    magnet, supply, _ = limited(setpoint_A=5.0)
    magnet.energise()
    assert supply.log == ["CURR 0.000000", "OUTP ON"]


def test_a_supply_found_at_current_is_walked_to_zero_with_its_output_on():
    magnet, supply, _ = limited(setpoint_A=1.0, output_on=True)
    found = magnet.energise()
    assert found.current_A == 1.0
    assert supply.log == [f"CURR {i / 10:.6f}" for i in (8, 6, 4, 2, 0)]
    check_ramp(supply.sets, 1.0, RAMP)


def test_a_set_point_that_is_there_already_is_not_sent_again():
    magnet, supply, _ = limited()
    magnet.energise()
    magnet.step_to_A(0.15)
    sent = len(supply.sets)
    magnet.step_to_A(0.15)
    assert len(supply.sets) == sent


def test_nothing_moves_before_it_is_energised_or_after_it_is_safe():
    magnet, _, _ = limited()
    with pytest.raises(RefusedError, match="not energised"):
        magnet.step_to_A(1.0)
    magnet.energise()
    magnet.make_safe()
    with pytest.raises(RefusedError, match="made safe"):
        magnet.step_to_A(1.0)


def test_an_output_whose_contactor_takes_its_time_is_waited_for():
    told = []

    def closes(now_s):
        if told and now_s >= told[0] + 1.5:
            supply.on = True

    magnet, supply, _ = limited(on_wait=closes)
    supply.output = lambda on: told.append(supply.clock.time_s)
    magnet.energise()
    assert 1.5 <= supply.clock.time_s - told[0] < 2.0


def test_an_output_that_does_not_go_on_is_an_error():
    magnet, supply, _ = limited()
    supply.output = lambda on: None
    with pytest.raises(TwinrigError, match="stays off"):
        magnet.energise()


def test_verify_is_quiet_while_all_is_as_it_was_sent():
    magnet, _, _ = limited()
    magnet.energise()
    magnet.step_to_A(3.0)
    magnet.verify()


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda supply: setattr(supply, "programmed_A", 2.9), "changed by hand"),
        (lambda supply: setattr(supply, "on", False), "went off without us"),
        (lambda supply: supply.queue.append("-222 Data out of range"), "reports -222"),
        (lambda supply: setattr(supply, "faults", ("at its voltage limit",)), "voltage limit"),
    ],
)
def test_verify_finds_what_changed_without_us(change, match):
    magnet, supply, _ = limited()
    magnet.energise()
    magnet.step_to_A(3.0)
    change(supply)
    with pytest.raises(TwinrigError, match=match):
        magnet.verify()


def test_after_a_lost_set_the_next_step_starts_from_what_is_there():
    magnet, supply, _ = limited()
    magnet.energise()
    magnet.ramp_to_A(2.0)
    supply.down = 1
    with pytest.raises(TwinrigError):
        magnet.step_to_A(2.1)
    supply.programmed_A = supply.real_A = 1.0  # somewhere else by now
    sent = len(supply.sets)
    magnet.step_to_A(2.0)
    check_ramp(supply.sets[sent:], 1.0, RAMP)


def test_a_power_cycle_ends_the_run():
    magnet, supply, _ = limited()
    magnet.energise()
    supply.down = 1
    with pytest.raises(TwinrigError):
        magnet.step_to_A(0.1)
    supply.on, supply.programmed_A, supply.real_A = False, 0.0, 0.0
    with pytest.raises(TwinrigError, match="power cycle"):
        magnet.step_to_A(0.1)


@pytest.mark.parametrize("state", [
    {"setpoint_A": 0.0, "output_on": False},
    {"setpoint_A": 7.0, "output_on": False},
    {"setpoint_A": 7.0, "output_on": True},
    {"setpoint_A": -0.05, "output_on": True},
    {"setpoint_A": 9.0, "current_A": 1.0, "output_on": True},
])  # fmt: skip
def test_make_safe_from_any_state(state):
    magnet, supply, _ = limited(**state)
    words = magnet.make_safe()
    assert not supply.on
    assert supply.programmed_A == 0.0
    assert "found at" in words
    if state["output_on"]:
        assert supply.log[-1] == "OUTP OFF"
        check_ramp(supply.sets, state["setpoint_A"], RAMP)


@pytest.mark.parametrize(
    ("set_A", "shown_A"),
    [(3, 30), (-3, -30), (0, 20), (-3, 3), (3, -1), (9, 1), (9, 0), (-9, -1)],
)
@pytest.mark.parametrize("energises", [True, False])
def test_a_meter_that_is_wrong_makes_no_set_point_jump(set_A, shown_A, energises):
    magnet, supply, _ = limited(setpoint_A=set_A, current_A=shown_A, output_on=True)
    supply.measured_A = lambda: supply.programmed_A
    act = magnet.energise if energises else magnet.make_safe
    act()
    assert all(abs(sent_A) <= abs(set_A) for _, sent_A in supply.sets)
    if set_A:
        check_ramp(supply.sets, set_A, RAMP)
    assert supply.programmed_A == 0.0


def test_a_ramp_finer_than_the_supply_is_refused_to_a_run_and_not_on_the_way_to_safety():
    magnet, supply, _ = limited(ramp=1e-6, setpoint_A=4e-3, output_on=True)
    supply.resolution_A = 1e-4
    magnet = LimitedMagnet(supply, magnet.limits, supply.clock, Stop())
    with pytest.raises(RefusedError, match=r"max_ramp_A_per_s = 1e-06 A/s is below the 0\.005 A/s"):
        magnet.energise()
    assert supply.sets == []
    assert "walked to zero at 1e-06 A/s at most, output off" in magnet.make_safe()
    times_s, currents_A = zip(*supply.sets, strict=True)
    assert currents_A == pytest.approx([i * 1e-4 for i in range(39, -1, -1)])
    assert [b - a for a, b in pairwise(times_s)] == pytest.approx([100.0] * 39)  # each is earned


def test_the_duty_of_a_supply_found_below_its_set_point_is_of_what_it_may_come_to():
    clock = SimulatedClock()
    supply = SimulatedSupply(clock, setpoint_A=9.0, current_A=1.0, output_on=True)
    limits = MagnetLimits(4e-4, 11.0, RAMP, max_duty_A2s=100.0, duty_window_s=10.0)
    with pytest.raises(RefusedError, match="the 9 A found count as if they had flowed all the"):
        LimitedMagnet(supply, limits, clock, Stop()).energise()
    assert supply.sets == []


def test_make_safe_is_not_interrupted_by_stop():
    magnet, supply, stop = limited()
    magnet.energise()
    magnet.ramp_to_A(2.0)
    stop.request()
    with pytest.raises(StoppedError):
        magnet.step_to_A(1.0)
    magnet.make_safe()
    assert supply.log[-1] == "OUTP OFF"
    assert stop.requested
    check_ramp(supply.sets, 0.0, RAMP)


def test_stop_in_the_middle_of_a_walk_leaves_the_ramp_intact():
    def stop_soon(time_s):
        if time_s > 0.1:
            magnet._stop.request()

    magnet, supply, _ = limited(on_wait=stop_soon)
    magnet.energise()
    with pytest.raises(StoppedError):
        magnet.step_to_A(5.0)
    assert 0 < supply.programmed_A < 5.0
    magnet.make_safe()
    assert supply.log[-2:] == ["CURR 0.000000", "OUTP OFF"]
    check_ramp(supply.sets, 0.0, RAMP)


def test_make_safe_keeps_trying_while_the_link_is_down_and_says_so(monkeypatch):
    monkeypatch.setattr("instruments.limits.TRY_AGAIN_S", 0.01)
    magnet, supply, _ = limited()
    magnet.energise()
    magnet.ramp_to_A(2.0)
    supply.down = 5
    said = []
    magnet.make_safe(said.append, give_up_s=5.0)
    assert supply.log[-1] == "OUTP OFF"
    assert len(said) == 5
    assert all("not safe yet" in words for words in said)


@pytest.mark.parametrize("at", range(1, 12))
def test_make_safe_survives_a_fault_at_each_of_its_commands(at, monkeypatch):
    monkeypatch.setattr("instruments.limits.TRY_AGAIN_S", 0.0)
    magnet, supply, _ = limited()
    magnet.energise()
    magnet.ramp_to_A(0.5)
    count, link = [0], supply._link

    def fail_once(command):
        count[0] += 1
        if count[0] == at:
            raise ZeroDivisionError("inside the ramp-down")
        link(command)

    supply._link = fail_once
    magnet.make_safe(lambda words: None)
    assert not supply.on
    assert supply.programmed_A == 0.0
    check_ramp(supply.sets, 0.0, RAMP)


def test_make_safe_survives_a_voice_that_fails(monkeypatch):
    monkeypatch.setattr("instruments.limits.TRY_AGAIN_S", 0.0)
    magnet, supply, _ = limited()
    magnet.energise()
    magnet.ramp_to_A(2.0)
    supply.down = 3

    def broken(words):
        raise BrokenPipeError("the terminal is gone")

    magnet.make_safe(broken)
    assert supply.log[-1] == "OUTP OFF"


def test_make_safe_gives_up_loudly_and_says_what_to_do_by_hand(monkeypatch):
    monkeypatch.setattr("instruments.limits.TRY_AGAIN_S", 0.01)
    magnet, supply, _ = limited()
    magnet.energise()
    magnet.step_to_A(0.1)
    supply.down = 10**9
    with pytest.raises(UnsafeError, match=r"COULD NOT BE MADE SAFE.*front panel"):
        magnet.make_safe(lambda words: None, give_up_s=0.1)


@pytest.mark.parametrize("left_A", [0.0, 4.0])
def test_make_safe_gives_up_an_output_that_stays_on(monkeypatch, left_A):
    monkeypatch.setattr("instruments.limits.TRY_AGAIN_S", 0.01)
    magnet, supply, _ = limited()
    magnet.energise()
    magnet.step_to_A(5.0)
    supply.output = lambda on: None
    if left_A:  # of another source, which never falls
        monkeypatch.setattr(type(supply), "measured_A", lambda _: left_A)
    tries = []
    with pytest.raises(UnsafeError, match=r"COULD NOT BE MADE SAFE.*output stays on"):
        magnet.make_safe(voice(tries, most=500), give_up_s=0.1)
    assert supply.programmed_A == 0.0


def test_make_safe_says_when_current_flows_at_zero_set_point():
    magnet, supply, _ = limited(setpoint_A=2.0, output_on=True)
    supply.set_current_A = lambda current_A: setattr(supply, "programmed_A", current_A)
    assert "still flowed" in magnet.make_safe()
    assert not supply.on


def walking_elsewhere(magnet):
    """A thread that walks to 5 A, and the list in which it tells that it was stopped."""
    ended = []

    def walk():
        try:
            magnet.step_to_A(5.0)
        except StoppedError:
            ended.append("stopped")

    thread = threading.Thread(target=walk)
    thread.start()
    threading.Event().wait(0.05)
    return thread, ended


def test_make_safe_from_another_thread_waits_for_the_walk_to_notice_stop():
    magnet, supply, stop = limited(ramp=0.01, on_wait=lambda _: threading.Event().wait(0.001))
    magnet.energise()
    thread, ended = walking_elsewhere(magnet)
    stop.request()
    magnet.make_safe()
    thread.join(5)
    assert ended == ["stopped"]
    assert supply.log[-1] == "OUTP OFF"
    check_ramp(supply.sets, 0.0, 0.01)


def test_make_safe_from_another_thread_ends_a_walk_without_a_stop_request():
    magnet, supply, _ = limited(ramp=0.01, on_wait=lambda _: threading.Event().wait(0.001))
    magnet.energise()
    thread, ended = walking_elsewhere(magnet)
    magnet.make_safe()
    thread.join(5)
    assert ended == ["stopped"]
    assert supply.programmed_A == 0.0
    assert supply.log[-1] == "OUTP OFF"


def test_errors_that_a_display_has_read_are_not_lost_to_verify():
    magnet, supply, _ = limited()
    magnet.energise()
    supply.queue.append("-222 Data out of range")
    assert magnet.state().errors
    with pytest.raises(TwinrigError, match="reports -222"):
        magnet.verify()
    magnet.verify()


ORDERS = st.one_of(
    st.tuples(st.just("step"), st.floats(allow_nan=True, allow_infinity=True)),
    st.tuples(st.just("step"), st.floats(-13.0, 13.0)),
    st.tuples(st.just("tesla"), st.floats(-0.006, 0.006)),
    st.tuples(st.sampled_from(["energise", "safe", "verify", "lose a set"]), st.just(0.0)),
)


@settings(max_examples=300, deadline=None)
@given(
    max_A=st.floats(0.1, 12.0),
    ramp=st.floats(5.0, 5000.0),
    found_A=st.floats(-12.0, 12.0),
    found_on=st.booleans(),
    orders=st.lists(ORDERS, max_size=12),
)
def test_no_order_of_commands_breaks_a_limit_or_the_ramp(max_A, ramp, found_A, found_on, orders):
    magnet, supply, _ = limited(ramp=ramp, max_A=max_A, setpoint_A=found_A, output_on=found_on)
    for order, value in orders:
        try:
            if order == "step":
                magnet.step_to_A(value)
            elif order == "tesla":
                magnet.ramp_to_T(value)
            elif order == "energise":
                magnet.energise()
            elif order == "safe":
                magnet.make_safe()
            elif order == "verify":
                magnet.verify()
            else:
                supply.down = 1
                magnet.step_to_A(0.0)
        except TwinrigError:
            supply.down = 0
    magnet.make_safe()
    assert not supply.on
    assert supply.programmed_A == pytest.approx(0.0, abs=supply.read_back_error_A(0.0))
    on_the_way_down_A = abs(found_A) if found_on else 0.0
    assert all(abs(a) <= max(max_A, on_the_way_down_A) + 1e-6 for _, a in supply.sets)
    if supply.sets:
        check_ramp(supply.sets, found_A if found_on else 0.0, ramp)

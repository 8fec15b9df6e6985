"""What else may forbid current: guards, the duty, a change that isn't ours; and when it is seen."""

from __future__ import annotations

import math
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated import SimulatedClock, SimulatedSupply

from instruments.clock import HostClock, Stop
from instruments.guards import Band
from instruments.limits import LimitedMagnet, MagnetLimits
from instruments.link_errors import LinkError
from instruments.protocols import SensorError
from instruments.watch import CHECK_EVERY_S, GUARD_EVERY_S
from models.errors import RefusedError, StoppedError, TwinrigError

NO_DUTY = (math.inf, math.inf)


class Sensor:
    """A number that a test changes; counts how often it is asked."""

    def __init__(self, value=300.0):
        self.value = value
        self.asked = 0

    def read(self):
        self.asked += 1
        if isinstance(self.value, Exception):
            raise self.value
        return self.value

    def guard(self):
        return Band("thermometer coil", "K", self.read, 290.0, 330.0, ("min_K", "max_K"))


def watched(*, duty=NO_DUTY, guards=(), compliance_V=None, clock=None, **state):
    stop = Stop()
    clock = clock or SimulatedClock(stop=stop)
    supply = SimulatedSupply(clock, **state)
    supply.asked = []
    link = supply._link
    supply._link = lambda command: (supply.asked.append(command), link(command))
    limits = MagnetLimits(4e-4, 11.0, 1000.0, math.inf, *duty, compliance_V)
    return LimitedMagnet(supply, limits, clock, stop, guards), supply, clock


# ---- guards


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (331.0, r"thermometer coil reads 331 K, current is allowed only below max_K = 330 K"),
        (289.0, r"thermometer coil reads 289 K, current is allowed only above min_K = 290 K"),
        (math.nan, r"thermometer coil reads nan K"),
        (SensorError("input A: sensor units over range (open?)"), r"coil: input A: .*open"),
    ],
)
def test_a_guard_refuses_to_energise_and_nothing_is_sent(value, words):
    sensor = Sensor(value)
    magnet, supply, _ = watched(guards=[sensor.guard()], setpoint_A=3.0, output_on=True)
    with pytest.raises(RefusedError, match=words):
        magnet.energise()
    assert supply.log == []
    with pytest.raises(RefusedError, match="not energised"):
        magnet.step_to_A(1.0)


def test_a_guard_ends_a_run_before_the_next_set_and_keeps_it_ended():
    sensor = Sensor()
    magnet, supply, _ = watched(guards=[sensor.guard()])
    magnet.energise()
    magnet.step_to_A(1.0)
    magnet.hold(GUARD_EVERY_S)
    sensor.value = 340.0
    sent = list(supply.log)
    with pytest.raises(TwinrigError, match="max_K = 330 K"):
        magnet.step_to_A(2.0)
    sensor.value = 300.0  # it cooled: the run is over all the same
    for order in (lambda: magnet.step_to_A(1.0), lambda: magnet.hold(0.1), magnet.verify):
        with pytest.raises(TwinrigError, match="max_K = 330 K"):
            order()
    assert supply.log == sent
    magnet.make_safe()
    assert supply.log[-1] == "OUTP OFF"
    magnet.energise()  # a new run
    magnet.step_to_A(1.0)


def test_a_guard_is_looked_at_each_second_of_device_time_within_a_hold():
    sensor = Sensor()
    magnet, _, clock = watched(guards=[sensor.guard()])
    magnet.energise()
    asked, begin_s = sensor.asked, clock.now_s()
    magnet.hold(20.0)
    assert clock.now_s() - begin_s == pytest.approx(20.0)
    assert 18 <= sensor.asked - asked <= 22 + 20 // CHECK_EVERY_S


def test_a_guard_that_trips_within_a_long_hold_ends_it_within_a_second():
    sensor = Sensor()
    magnet, _, clock = watched(guards=[sensor.guard()])
    magnet.energise()
    begin_s = clock.now_s()
    clock.on_wait = lambda now_s: setattr(sensor, "value", 340.0) if now_s > 10.0 else None
    with pytest.raises(TwinrigError, match="max_K"):
        magnet.hold(7200.0)
    assert clock.now_s() - begin_s <= 10.0 + 2 * GUARD_EVERY_S


def test_a_guard_is_looked_at_on_a_long_walk():
    sensor = Sensor()
    magnet, supply, clock = watched(guards=[sensor.guard()])
    magnet._stairs = type(magnet._stairs)(supply, 0.5, magnet._clock)
    magnet.energise()
    clock.on_wait = lambda now_s: setattr(sensor, "value", 340.0) if now_s > 3.0 else None
    with pytest.raises(TwinrigError, match="max_K"):
        magnet.step_to_A(10.0)  # 20 s of walking
    assert 0 < supply.programmed_A < 0.5 * (3.0 + 2 * GUARD_EVERY_S)


def test_a_guard_that_cannot_be_asked_is_asked_again_at_once():
    sensor = Sensor()
    magnet, _, _ = watched(guards=[sensor.guard()])
    magnet.energise()
    magnet.hold(GUARD_EVERY_S)
    sensor.value = LinkError("coil", "no answer", resource="r", hint="h")
    for _ in range(2):
        with pytest.raises(LinkError):
            magnet.step_to_A(1.0)
    sensor.value = 300.0
    magnet.step_to_A(1.0)


def test_an_error_that_was_queued_outlives_a_guard_that_cannot_be_asked():
    sensor = Sensor()
    magnet, supply, _ = watched(guards=[sensor.guard()])
    magnet.energise()
    supply.queue.append("-222 Data out of range")
    sensor.value = LinkError("coil", "no answer", resource="r", hint="h")
    with pytest.raises(LinkError):
        magnet.verify()
    sensor.value = 300.0
    with pytest.raises(TwinrigError, match="reports -222"):
        magnet.verify()


@pytest.mark.parametrize(
    ("bounds", "value", "allowed"),
    [
        ((2.0, math.inf), 5.0, True),
        ((2.0, math.inf), 2.0, False),
        ((2.0, math.inf), 0.0, False),
        ((-math.inf, 1.0), 0.2, True),
        ((-math.inf, 1.0), 1.0, False),
        ((-1.0, 1.0), -2.0, False),
    ],
)
def test_an_interlock_allows_within_its_bounds_only(bounds, value, allowed):
    guard = Band("interlock water", "V", lambda: value, *bounds, ("above_V", "below_V"))
    assert (guard.problem() is None) == allowed


# ---- a change that isn't ours


CHANGES = [
    (lambda supply: setattr(supply, "programmed_A", 2.9), "changed by hand"),
    (lambda supply: setattr(supply, "on", False), "went off without us"),
    (lambda supply: supply.queue.append("-222 Data out of range"), "reports -222"),
    (lambda supply: setattr(supply, "faults", ("at its voltage limit",)), "voltage limit"),
]


@pytest.mark.parametrize(("change", "match"), CHANGES)
def test_a_change_that_is_not_ours_ends_a_long_repeat_within_seconds(change, match):
    magnet, supply, clock = watched()
    magnet.energise()
    magnet.step_to_A(3.0)
    begin_s = clock.now_s()
    clock.on_wait = lambda now_s: change(supply) if now_s > 100.0 and not supply.faults else None
    with pytest.raises(TwinrigError, match=match):
        magnet.hold(7200.0)
    assert clock.now_s() - begin_s <= 100.0 + 2 * CHECK_EVERY_S


def test_a_change_ends_a_repeat_of_many_gated_steps_too():
    magnet, supply, _ = watched()
    magnet.energise()
    steps = []

    def repeat():
        for step in range(10_000):
            magnet.step_to_A(1.0 + step % 2)
            magnet.passed(0.027)  # a gated reading
            steps.append(step)
            if step == 1000:
                supply.faults = ("at its voltage limit",)

    with pytest.raises(TwinrigError, match="voltage limit"):
        repeat()
    assert len(steps) * 0.027 < 1000 * 0.027 + 2 * CHECK_EVERY_S


def test_a_repeat_shorter_than_the_interval_is_verified_at_its_end_only():
    magnet, supply, _ = watched()
    magnet.energise()
    supply.asked.clear()
    for _ in range(10):
        for step in range(int(0.9 * CHECK_EVERY_S / 0.027)):
            magnet.step_to_A(1.0 + step % 2)
            magnet.hold(0.0)
            magnet.passed(0.027)
        assert set(supply.asked) == {"CURR"}
        magnet.verify()
        assert supply.asked.count("state") == 1
        supply.asked.clear()


def test_a_run_on_a_real_rig_is_looked_after_by_the_computers_clock(monkeypatch):
    monkeypatch.setattr("instruments.watch.CHECK_EVERY_S", 0.1)
    stop = Stop()
    magnet, supply, _ = watched(clock=type("Real", (HostClock,), {"time_s": 0.0})(stop))
    magnet.energise()
    magnet.step_to_A(3.0)
    supply.faults = ("at its voltage limit",)
    begin_s = time.monotonic()
    with pytest.raises(TwinrigError, match="voltage limit"):
        magnet.hold(60.0)
    assert time.monotonic() - begin_s < 20.0


def test_a_hold_ends_when_the_magnet_is_made_safe_meanwhile():
    magnet, _, clock = watched()
    magnet.energise()
    clock.on_wait = lambda now_s: magnet.make_safe() if now_s > 50.0 and magnet._energised else None
    with pytest.raises(StoppedError, match="made safe meanwhile"):
        magnet.hold(7200.0)


def test_each_new_highest_current_is_proven_against_the_voltage_limit_before_the_next_set():
    magnet, supply, _ = watched(compliance_V=20.0)
    magnet.energise()
    magnet.step_to_A(5.0)
    magnet.hold(0.1)
    supply.faults = ("at its voltage limit of 20 V",)
    with pytest.raises(TwinrigError, match="voltage limit"):
        magnet.step_to_A(1.0)  # by now it would be within its limit again, and the step a false one
    assert supply.programmed_A == 5.0


# ---- duty


def test_a_hold_that_would_exceed_the_duty_is_refused_before_it_begins():
    magnet, _, clock = watched(duty=(500.0, 10.0))
    magnet.energise()
    magnet.step_to_A(10.0)
    begin_s = clock.now_s()
    with pytest.raises(TwinrigError, match=r"max_duty_A2s = 500 A²s.*not begun"):
        magnet.hold(5.0)
    assert clock.now_s() == begin_s


def test_the_reading_after_a_hold_is_foreseen_with_it():
    magnet, _, _ = watched(duty=(500.0, 10.0))
    magnet.energise()
    magnet.step_to_A(10.0)
    magnet.hold(3.0, 1.0)
    with pytest.raises(TwinrigError, match="not begun"):
        magnet.hold(1.1, 1.0)


def test_a_magnet_that_rests_may_go_on():
    magnet, _, _ = watched(duty=(500.0, 10.0))
    magnet.energise()
    for _ in range(20):
        magnet.step_to_A(10.0)
        magnet.hold(4.0)
        magnet.step_to_A(0.0)
        magnet.hold(6.5)
        magnet.verify()


def test_a_current_that_was_found_counts_for_the_whole_window():
    magnet, supply, _ = watched(duty=(500.0, 10.0), setpoint_A=8.0, output_on=True)
    with pytest.raises(RefusedError, match=r"640.* A²s.*the 8 A found count"):
        magnet.energise()
    assert supply.log == []
    magnet.make_safe()
    assert supply.log[-1] == "OUTP OFF"


def test_the_history_outlives_a_run():
    magnet, _, _ = watched(duty=(500.0, 10.0))
    magnet.energise()
    magnet.step_to_A(10.0)
    magnet.hold(4.0)
    magnet.make_safe()
    magnet.energise()
    magnet.step_to_A(10.0)
    with pytest.raises(TwinrigError, match="max_duty_A2s"):
        magnet.hold(1.0)


ORDERS = st.lists(
    st.one_of(
        st.tuples(st.just("step"), st.floats(-11.0, 11.0)),
        st.tuples(st.just("hold"), st.floats(0.0, 8.0)),
        st.tuples(st.just("rest"), st.floats(0.0, 8.0)),
        st.tuples(st.just("safe"), st.just(0.0)),
    ),
    max_size=25,
)


@settings(max_examples=300, deadline=None)
@given(limit=st.floats(20.0, 900.0), window_s=st.floats(1.0, 20.0), orders=ORDERS)
def test_no_order_of_commands_exceeds_the_duty_in_any_window(limit, window_s, orders):
    magnet, supply, _ = watched(duty=(limit, window_s))
    magnet.energise()
    for order, value in orders:
        try:
            if order == "step":
                magnet.step_to_A(value)
            elif order == "hold":
                magnet.hold(value)
            elif order == "rest":
                magnet.ramp_to_A(0.0)
                magnet.hold(value)
            else:
                magnet.make_safe()
                magnet.energise()
        except TwinrigError:
            magnet.make_safe()
            magnet.energise()
    magnet.make_safe()
    segments = [
        (start_s, stop_s, current_A)
        for (start_s, current_A), (stop_s, _) in zip(supply.sets, supply.sets[1:], strict=False)
    ]
    ends = [edge for a, b, _ in segments for edge in (a, b, a + window_s, b + window_s)]
    for end_s in ends:
        flowed = sum(
            max(0.0, min(stop, end_s) - max(start, end_s - window_s)) * a * a
            for start, stop, a in segments
        )
        assert flowed <= limit * (1 + 1e-6)


# ---- a measured current that is not the one set


def test_a_current_that_is_measured_otherwise_than_it_is_set_ends_the_run():
    magnet, supply, clock = watched()
    magnet.energise()
    magnet.step_to_A(2.0)
    magnet.verify()
    supply.real_A = 32.0  # scales of the bench file that are another unit's
    begin_s = clock.now_s()
    with pytest.raises(TwinrigError, match=r"measures 32 A in its coil where 2 A is set.*scales"):
        magnet.verify()
    assert clock.now_s() - begin_s == pytest.approx(2.0)
    with pytest.raises(TwinrigError, match="measures 32 A"):
        magnet.step_to_A(1.0)


def lags(supply, clock, from_A, after):
    """The measured current begins at `from_A`; `after(real_A, seconds)` is what a wait makes it."""
    supply.real_A, wait = from_A, clock.wait

    def follows(seconds):
        wait(seconds)
        supply.real_A = after(supply.real_A, seconds)

    clock.wait = follows


def test_a_current_that_lags_behind_its_set_point_is_waited_for():
    magnet, supply, clock = watched()
    magnet.energise()
    magnet.step_to_A(2.0)
    lags(supply, clock, 1.0, lambda real_A, _seconds: min(2.0, real_A + 0.1))
    magnet.verify()
    assert supply.real_A == pytest.approx(1.9)


def test_a_coil_that_follows_too_slowly_is_told_from_another_current():
    magnet, supply, clock = watched()
    magnet.energise()
    magnet.step_to_A(10.0)
    lags(supply, clock, 1.0, lambda real_A, seconds: real_A + 1.0 * seconds)
    with pytest.raises(TwinrigError, match=r"3 A in its coil where 10 A.*lower max_ramp_A_per_s"):
        magnet.verify()


def test_a_meter_that_is_a_little_off_is_no_other_current():
    magnet, supply, clock = watched()
    magnet.energise()
    for set_A, measured_A in ((10.0, 10.4), (0.0, 0.1), (-5.0, -4.8)):
        magnet.step_to_A(set_A)
        supply.real_A, begin_s = measured_A, clock.now_s()
        magnet.verify()
        assert clock.now_s() == begin_s
        supply.real_A = set_A


def test_the_first_current_of_a_real_supply_is_proven_before_the_second_set():
    magnet, supply, _ = watched()
    magnet.confirms = True
    magnet.energise()
    magnet.step_to_A(2.0)
    supply.real_A, before = 32.0, len(supply.sets)
    with pytest.raises(TwinrigError, match="measures 32 A in its coil where 2 A is set"):
        magnet.step_to_A(1.0)
    assert len(supply.sets) == before


def test_once_proven_the_next_sets_cost_no_more():
    magnet, supply, _ = watched()
    magnet.confirms = True
    magnet.energise()
    magnet.step_to_A(2.0)
    magnet.step_to_A(3.0)
    supply.asked.clear()
    magnet.step_to_A(4.0)
    assert supply.asked.count("state") == 0


def test_a_plan_is_refused_by_the_duty_of_what_it_lets_flow_and_of_what_has():
    magnet, _, _ = watched(duty=(100.0, 50.0))
    field_T = 2.0 * 4e-4  # 4 A²s a second
    assert magnet.foreseen([(field_T, 24.0)]) == []
    (words,) = magnet.foreseen([(field_T, 12.0), (-field_T, 14.0)])
    assert "100 A²s" in words
    magnet.energise()
    magnet.step_to_A(2.0)
    magnet.hold(20.0)
    magnet.step_to_A(0.0)
    assert magnet.foreseen([(field_T, 10.0)]) == []  # of a magnet that is cold before it
    (words,) = magnet.foreseen([(field_T, 10.0)], now=True)
    left_A2s = float(re.search(r"left (\S+) A²s in the window", words)[1])
    assert left_A2s == pytest.approx(80.0, abs=0.5)
    assert magnet.foreseen([(field_T, 4.0)], now=True) == []
    unlimited, _, _ = watched()
    assert unlimited.foreseen([(field_T, 1e9)], now=True) == []

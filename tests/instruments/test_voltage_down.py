"""Supplies that are found with something else than their set-point deciding the current."""

from __future__ import annotations

import math
from contextlib import contextmanager
from itertools import pairwise

import pytest
from beside import beside
from own_ramp import DeviceClock
from simulated import SimulatedClock, SimulatedSupply

from instruments.clock import SteadyClock, Stop
from instruments.drivers.keithley_2400 import Keithley2400
from instruments.drivers.keithley_2450 import Keithley2450
from instruments.drivers.kepco_bop import KepcoBop
from instruments.drivers.lakeshore_643 import LakeShore643
from instruments.limits import LimitedMagnet, MagnetLimits, UnsafeError
from instruments.link_errors import LinkError
from instruments.protocols import SourcesVoltageError
from instruments.ramp_down import SETTLE_S, NotTakenError, RampDown
from instruments.staircase import Staircase
from instruments.virtual import keithley_2400, keithley_2450, kepco_bop, lakeshore_643
from instruments.voltage_down import walk_voltage_down
from models.errors import RefusedError

RAMP = 0.5
LIMIT = {"keithley-2400": ":SENS:CURR:PROT", "keithley-2450": ":SOUR:VOLT:ILIM"}
SOURCES = {
    "keithley-2400": (Keithley2400, keithley_2400.Keithley2400),
    "keithley-2450": (Keithley2450, keithley_2450.Keithley2450),
}


class Found:
    """A supply as a hand left it, behind its limits; `trace`: (message, A) of each message."""

    def __init__(self, session, driver, unit, ramp_A_per_s):
        self.unit, self.trace = unit, []
        usual = unit.respond

        def traced(message):
            unit.supply.follow()
            self.trace.append((message, unit.supply.coil.current_A))
            return usual(message)

        unit.respond = traced
        supply = driver("x", session, {})
        supply.identify()
        supply.errors()
        limits = MagnetLimits(4e-4, 1.0, ramp_A_per_s)
        self.magnet = LimitedMagnet(supply, limits, DeviceClock(unit.time, session._stop), Stop())

    def sent(self, *starts):
        return [message for message, _ in self.trace if message.startswith(starts)]


@contextmanager
def found(driver, twin, orders, ramp_A_per_s=RAMP, prepare=lambda unit: None):
    units = []

    def make(device_time):
        units.append(twin(device_time))
        prepare(units[0])
        for order in orders:
            units[0].respond(order)
        device_time.advance(20.0)
        return units[0]

    with beside(make, driver.terminator("TCPIP0::x::5025::SOCKET")) as session:
        yield Found(session, driver, units[0], ramp_A_per_s)


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize(
    ("voltage_V", "limit_A", "flowing_A"),
    [(0.8, 1.0, 0.8), (-0.8, 1.0, -0.8), (3.0, 0.5, 0.5), (-3.0, 0.5, -0.5), (0.0, 1.0, 0.0)],
)
def test_a_voltage_source_is_walked_to_zero_volts_before_its_output_goes_off(
    name, voltage_V, limit_A, flowing_A
):
    driver, twin = SOURCES[name]
    orders = (
        ":SOUR:FUNC VOLT", f"{LIMIT[name]} {limit_A}", f":SOUR:VOLT {voltage_V}", ":OUTP ON",
    )  # fmt: skip
    with found(driver, twin, orders) as rig:
        said = rig.magnet.make_safe()
        rig.unit.supply.follow()
        assert f"found at {flowing_A:.4g} A" in said
        assert f"voltage was walked from {voltage_V:.4g} V to zero at 0.5 A/s at most" in said
        assert not rig.unit.supply.output_on
        assert rig.unit.supply.current_mode
        assert rig.unit.voltage_V == 0.0
        flows = [current_A for _, current_A in rig.trace]
        assert max(abs(b - a) for a, b in pairwise(flows)) <= RAMP * 0.020 * 1.01
        (off_A,) = [current_A for message, current_A in rig.trace if message == ":OUTP OFF"]
        assert abs(off_A) <= rig.magnet.small_A
        assert "already safe" in rig.magnet.make_safe()
        rig.magnet.energise()
        rig.magnet.make_safe()


@pytest.mark.parametrize("name", SOURCES)
def test_a_run_does_not_take_a_voltage_source_over(name):
    driver, twin = SOURCES[name]
    orders = (":SOUR:FUNC VOLT", f"{LIMIT[name]} 1", ":SOUR:VOLT 0.8", ":OUTP ON")
    with found(driver, twin, orders) as rig:
        with pytest.raises(RefusedError, match=r"sources voltage with its output on"):
            rig.magnet.energise()
        assert rig.sent(":SOUR:VOLT ", ":SOUR:CURR ", ":SOUR:FUNC ", ":OUTP O") == []


def test_a_2400_that_measures_no_current_and_switches_itself_off_is_walked_all_the_same():
    orders = (
        ":SOUR:FUNC VOLT", ":SENS:CURR:PROT 1", ":SENS:FUNC:OFF 'CURR'", ":SENS:FUNC:OFF 'VOLT'",
        ":FORM:ELEM VOLT", ":SOUR:VOLT -0.8", ":OUTP ON",
    )  # fmt: skip
    driver, twin = SOURCES["keithley-2400"]
    with found(driver, twin, orders) as rig:
        said = rig.magnet.make_safe(lambda words: None)
        assert "voltage was walked from -0.8 V to zero" in said
        assert len(rig.sent(":SOUR:VOLT ")) == 80
        assert not rig.unit.supply.output_on


def test_a_kepco_left_in_voltage_mode_is_not_energised_and_its_voltage_is_not_touched():
    class Least(kepco_bop.KepcoBop):
        def respond(self, message):
            reply = super().respond(message)
            if message.startswith("CURR ") and not self.supply.current_mode:
                self.supply.setpoint_A = max(1.0, self.supply.setpoint_A)
            return reply

    orders = ("FUNC:MODE VOLT", "CURR 12", "VOLT -0.5", "OUTP ON")
    with found(KepcoBop, Least, orders) as rig:
        with pytest.raises(RefusedError, match=r"is not the -0\.4999 A that flow.*`twinrig safe`"):
            rig.magnet.energise()
        assert rig.sent("VOLT ", "FUNC:MODE ", "OUTP O") == []
        assert "voltage was walked from -0.5 V" in rig.magnet.make_safe()
        assert not rig.unit.supply.output_on
        rig.magnet.energise()  # its voltage limit is what it had been


@pytest.mark.parametrize(("mode", "set_A", "flows_A"), [(1, 0.0, 20.0), (2, 5.0, 25.0)])
def test_what_a_643s_input_programs_is_told_and_nothing_is_sent(mode, set_A, flows_A, monkeypatch):
    monkeypatch.setattr("instruments.limits.TRY_AGAIN_S", 0.0)

    def programmed(unit):
        unit.external_A = 20.0

    orders = ("RATE 50", f"SETI {set_A}", f"XPGM {mode}")
    said = []
    with found(LakeShore643, lakeshore_643.LakeShore643, orders, 5.0, programmed) as rig:
        with pytest.raises(UnsafeError) as caught:
            rig.magnet.make_safe(said.append, 0.0)
        words = str(caught.value)
        assert f"{flows_A:g} A flow in its magnet, programmed by its" in words
        assert "Bring the current to zero at what drives that input" in words
        assert "front panel, after turning its current to zero there" not in words
        assert len(said) == 1
        assert rig.sent("SETI ", "XPGM ", "STOP", "RATE ") == []
        rig.unit.supply.follow()
        assert rig.unit.supply.coil.current_A == pytest.approx(flows_A)


def test_a_643_whose_input_is_at_zero_is_programmed_by_itself_again():
    with found(LakeShore643, lakeshore_643.LakeShore643, ("XPGM 1",), 5.0) as rig:
        assert "external programming was switched off" in rig.magnet.make_safe()
        assert rig.unit.programming == 0


# ---- what comes behind the walk


class Sourcing(SimulatedSupply):
    """Sources a voltage on 0.5 Ω until its output is off."""

    resolution_V = 1e-4

    def __init__(self, clock, voltage_V=1.0):
        super().__init__(clock, output_on=True)
        self.voltage_V, self.real_A = voltage_V, 2.0 * voltage_V

    def take_control(self, reach_A):
        if self.on:
            error = SourcesVoltageError("it sources a voltage")
            error.changed = ("running a LIST program, which was ended",)
            raise error
        return ("changed to current mode",)

    def sourced_V(self):
        self._link("VOLT?")
        return self.voltage_V

    def load_VA(self):
        self._link("MEAS")
        return self.voltage_V, self.real_A

    def set_voltage_V(self, voltage_V):
        self.log.append("VOLT")
        self.voltage_V, self.real_A = voltage_V, 2.0 * voltage_V


def way_of(supply, clock):
    clock = SteadyClock(clock)
    return clock, RampDown(supply, Staircase(supply, 5.0, clock), clock, 0.1)


@pytest.mark.parametrize("frugal", [False, True])
def test_what_was_ended_before_and_changed_behind_is_told_in_order(frugal):
    clock = SimulatedClock()
    supply = Sourcing(clock)
    steady, way = way_of(supply, clock)
    with steady.unfailing():
        said = way.attempt(frugal)
    assert "output on; running a LIST program, which was ended; its voltage was walked" in said
    assert said.endswith(
        "output off; changed to current mode; set-point brought to zero, output left off"
    )
    assert supply.log == ["VOLT"] * 20 + ["OUTP OFF", "CURR 0.000000"]


@pytest.mark.parametrize(
    ("left_A", "settles", "words"),
    [
        (0.5, 2, "output off; at zero volts 0.5 A still flowed before that"),
        (-0.5, 2, "output off; at zero volts 0.5 A still flowed before that"),
        (math.nan, 1, "output off; at zero volts an unknown current flowed before that"),
    ],
)
def test_a_current_that_stays_at_zero_volts_is_told(left_A, settles, words):
    clock = SimulatedClock()
    supply = Sourcing(clock)

    def measured_A():
        if math.isnan(left_A):
            raise LinkError("x", "garbled", resource="", hint="")
        return left_A

    supply.measured_A = measured_A
    steady, way = way_of(supply, clock)
    with steady.unfailing():
        assert words in way.attempt(frugal=True)
    assert clock.time_s == pytest.approx(0.4 + settles * SETTLE_S, abs=0.12)


def test_an_output_stays_on_where_the_voltage_is_not_seen_to_go_to_zero():
    for frugal in (False, True):
        clock = SimulatedClock()
        supply = Sourcing(clock)
        supply.set_voltage_V = lambda voltage_V: None
        steady, way = way_of(supply, clock)
        with steady.unfailing(), pytest.raises(NotTakenError, match="its voltage is 1 V"):
            way.attempt(frugal)
        assert supply.on
        assert supply.log == []


def test_a_voltage_that_cannot_be_read_is_no_reason_to_switch_off_under_current():
    clock = SimulatedClock()
    supply = Sourcing(clock)

    def garbled():
        raise LinkError("x", "garbled", resource="", hint="")

    supply.load_VA = garbled
    steady, way = way_of(supply, clock)
    for frugal in (False, True):
        with steady.unfailing(), pytest.raises(LinkError):
            way.attempt(frugal)
        assert supply.on
        assert supply.log == []


# ---- the walk itself


class Load:
    """A voltage source on a resistor, of so fine a wire."""

    name, resolution_A = "x", 1e-6

    def __init__(self, clock, voltage_V, measured_VA, resolution_V=1e-4):
        self.clock, self.voltage_V = clock, voltage_V
        self.load_VA = lambda: measured_VA
        self.resolution_V = resolution_V
        self.sets = []

    def sourced_V(self):
        return self.voltage_V

    def set_voltage_V(self, voltage_V):
        self.voltage_V = voltage_V
        self.sets.append((self.clock.time_s, voltage_V))


@pytest.mark.parametrize(
    ("voltage_V", "measured_VA", "resolution_V", "sets", "step_V", "tick_s"),
    [
        (2.0, (2.0, 4.0), 1e-4, 40, 0.05, 0.02),  # 0.5 Ω, 0.1 A a tick
        (2.01, (2.0, 4.0), 1e-4, 41, 2.01 / 41, 0.02),
        (-2.0, (-2.0, -4.0), 1e-4, 40, 0.05, 0.02),
        (2.0, (-2.0, 4.0), 1e-4, 40, 0.05, 0.02),  # the coil gives its energy back
        (8.0, (2.0, 4.0), 1e-4, 160, 0.05, 0.02),  # at a limit of its current
        (2.0, (2.0, 0.05), 1e-4, 1, 2.0, 0.02),  # open: 0.1 A at most, a tick's
        (2.0, (2.0, 4.0), 0.25, 8, 0.25, 0.1),  # its finest step is earned as well
        (0.3, (0.3, 4.0), 0.25, 2, 0.15, 0.4),
        (0.0, (0.0, 0.0), 1e-4, 0, 0.0, 0.0),
        (0.001, (0.0, 4.0), 1e-4, 10, 1e-4, 0.8),  # no resistance to be seen: no larger a step
    ],
)
def test_a_voltage_is_walked_by_what_flows_by_it(
    voltage_V, measured_VA, resolution_V, sets, step_V, tick_s
):
    clock, flowed = SimulatedClock(), []
    load = Load(clock, voltage_V, measured_VA, resolution_V)
    stairs = Staircase(load, 5.0, clock, flowed.append)
    said = walk_voltage_down(load, stairs, SteadyClock(clock), 0.1, lambda words: None)
    assert f"from {voltage_V:.4g} V to zero at 5 A/s at most" in said
    assert len(load.sets) == sets
    assert flowed[0] == measured_VA[1]
    assert all(abs(b) <= abs(a) and a * b >= 0 for a, b in pairwise(flowed))
    if sets:
        volts = [voltage_V, *(each for _, each in load.sets)]
        assert volts[-1] == 0.0
        assert flowed[-1] == 0.0
        steps = [abs(a) - abs(b) for a, b in pairwise(volts)]
        assert steps == pytest.approx([step_V] * sets)
        assert all(math.copysign(1.0, each) == math.copysign(1.0, voltage_V) for each in volts[:-1])
        assert [b[0] - a[0] for a, b in pairwise(load.sets)] == pytest.approx([tick_s] * (sets - 1))
        assert clock.time_s == pytest.approx(sets * tick_s)  # the last is earned, too


def test_a_long_way_is_told_and_a_word_that_fails_does_not_end_it():
    clock, told = SimulatedClock(), []

    def tell(words):
        told.append(words)
        raise OSError("no space left")

    load = Load(clock, 25.0, (2.0, 4.0))
    stairs = Staircase(load, 5.0, clock)
    walk_voltage_down(load, stairs, SteadyClock(clock), 0.1, tell)
    assert told == [
        f"x: at {left_V:g} V, on its way to zero volts" for left_V in (20, 15, 10, 5, 0)
    ]


class TurnedLoad(Load):
    """A hand, or a lost link, behind the fourth set: `then` takes its voltage, or raises."""

    def __init__(self, clock, then, found_V=2.0):
        super().__init__(clock, found_V, (found_V, 2 * found_V))
        self.then, self.asked = then, 0

    def sourced_V(self):
        self.asked += 1
        return self.then() if len(self.sets) >= 4 else self.voltage_V


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize(
    ("there_V", "then_V"),
    [
        (0.12, [0.08, 0.04, 0.0]),
        (-0.09, [-0.045, 0.0]),  # beyond zero
        (0.0, []),
        (1.79995, None),  # rounded by the supply
        (1.85, None),  # what was set before
        (2.5, [2.5 - 0.05 * k for k in range(1, 51)]),  # turned up
    ],
)
def test_a_voltage_that_a_hand_turns_is_walked_from_there(there_V, then_V, sign):
    clock, flowed = SimulatedClock(), []
    load = TurnedLoad(clock, lambda: load.voltage_V, 2.0 * sign)

    def turned():
        load.voltage_V, load.then = sign * there_V, lambda: load.voltage_V
        return load.voltage_V

    load.then = turned
    walk_voltage_down(
        load, Staircase(load, 5.0, clock, flowed.append), SteadyClock(clock), 0.1, str
    )
    begin_V = [1.95, 1.9, 1.85, 1.8]
    rest_V = [1.8 - 0.05 * k for k in range(1, 37)] if then_V is None else then_V
    volts = [sign * each for _, each in load.sets]
    assert volts == pytest.approx([*begin_V, *rest_V], abs=1e-9)
    assert flowed[-1] == 0.0 or there_V == 0.0
    times = [time_s for time_s, _ in load.sets]
    assert [b - a for a, b in pairwise(times)] == pytest.approx([0.02] * (len(times) - 1))


def test_a_garbled_voltage_on_the_way_is_not_believed():
    clock = SimulatedClock()
    readings = iter([0.18, 1.8])
    load = TurnedLoad(clock, lambda: next(readings, load.voltage_V))
    walk_voltage_down(load, Staircase(load, 5.0, clock), SteadyClock(clock), 0.1, str)
    assert len(load.sets) == 40


def test_a_voltage_that_is_always_read_as_another_one_is_walked_all_the_same():
    clock = SimulatedClock()
    load = TurnedLoad(clock, lambda: 1.05 * load.voltage_V + 0.1)
    walk_voltage_down(load, Staircase(load, 5.0, clock), SteadyClock(clock), 0.1, str)
    assert load.voltage_V == 0.0
    assert len(load.sets) < 60


def test_a_voltage_that_cannot_be_read_on_the_way_is_walked_on_and_not_asked_for_again():
    clock = SimulatedClock()

    def lost():
        raise LinkError("x", "no answer", resource="", hint="")

    load = TurnedLoad(clock, lost)
    walk_voltage_down(load, Staircase(load, 5.0, clock), SteadyClock(clock), 0.1, str)
    assert len(load.sets) == 40
    assert load.asked == 1 + 3 + 1

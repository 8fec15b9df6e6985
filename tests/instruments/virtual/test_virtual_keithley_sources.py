"""The virtual Keithley 2400 and 2450, by transcripts: what is sent, what comes back."""

from __future__ import annotations

import pytest

from instruments.virtual.instrument import DeviceTime
from instruments.virtual.keithley_2400 import IDENTITY, Keithley2400
from instruments.virtual.keithley_2450 import Keithley2450


@pytest.fixture
def k2400() -> Keithley2400:
    return Keithley2400(DeviceTime())


@pytest.fixture
def k2450() -> Keithley2450:
    return Keithley2450(DeviceTime())


def ask(unit, message: str) -> str:
    unit.receive(message.encode() + b"\n")
    reply = unit.transmit().decode()
    assert reply.endswith("\n")
    return reply[:-1]


def tell(unit, *messages: str) -> None:
    for message in messages:
        unit.receive(message.encode() + b"\n")
        assert unit.transmit() == b""


def errors(unit) -> list[str]:
    found = []
    while not (reply := ask(unit, ":SYST:ERR?")).startswith('0,"No error'):
        found.append(reply.partition(",")[0])
    return found


def test_a_2400_sources_a_current_through_the_coil(k2400):
    assert ask(k2400, "*IDN?") == IDENTITY
    tell(k2400, ":SOUR:CURR 0.5", ":OUTP ON")
    k2400.time.advance(0.1)
    volts, amperes, ohms, _, _ = map(float, ask(k2400, ":READ?").split(","))
    assert (volts, amperes) == pytest.approx((0.5, 0.5), rel=1e-3)
    assert ohms == 9.91e37  # not measured
    tell(k2400, ":SENS:FUNC 'RES'", ":FORM:ELEM RESISTANCE,CURRENT")
    assert ask(k2400, ":FORM:ELEM?") == "CURR,RES"
    assert float(ask(k2400, ":READ?").split(",")[1]) == pytest.approx(1.0)
    assert errors(k2400) == []


def test_a_2400_that_is_off_has_no_reading_and_error_803(k2400):
    tell(k2400, ":READ?")
    assert errors(k2400) == ["803"]


def test_a_2400_answers_what_it_sources_and_does_not_measure_as_set(k2400):
    tell(k2400, ":SENS:FUNC:OFF 'CURR'", ":FORM:ELEM CURR", ":SOUR:CURR 0.25;:OUTP ON")
    assert float(ask(k2400, ":READ?")) == 0.25
    tell(k2400, ":SENS:FUNC:CONC OFF", ":SENS:FUNC 'CURR'", ":FORM:ELEM VOLT")
    assert float(ask(k2400, ":READ?")) == 9.91e37


def test_a_2400s_reading_plays_the_sweep_that_is_set_up(k2400):
    tell(k2400, ":SOUR:CURR:MODE SWE", ":SOUR:CURR:STOP 0.5", ":FORM:ELEM CURR", ":OUTP ON")
    assert ask(k2400, ":SENS:FUNC?") == '"CURR:DC","VOLT:DC"'
    ask(k2400, ":READ?")
    assert k2400.supply.setpoint_A == 0.5
    tell(k2400, ":SOUR:CURR:MODE FIX", ":TRIG:COUN 3")
    assert ask(k2400, ":READ?").count(",") == 2


def test_a_2400s_auto_clear_switches_the_output_off_after_a_reading(k2400):
    tell(k2400, ":SOUR:CLE:AUTO ON", ":OUTP ON")
    ask(k2400, ":READ?")
    assert ask(k2400, ":OUTP?") == "0"


@pytest.mark.parametrize(("kind", "limit"), [
    (Keithley2400, ":SENS:VOLT:PROT"), (Keithley2450, ":SOUR:CURR:VLIM"),
])  # fmt: skip
def test_the_voltage_limit_holds_the_current_and_says_so(kind, limit):
    unit = kind(DeviceTime())
    tell(unit, f"{limit} 0.3", ":SOUR:CURR 1;:OUTP ON")
    unit.time.advance(0.1)
    assert ask(unit, f"{limit}:TRIP?") == "1"
    assert unit.supply.coil.current_A == pytest.approx(0.3)
    tell(unit, ":SOUR:CURR 0.1")
    unit.time.advance(0.1)
    assert ask(unit, f"{limit}:TRIP?;:SOUR:CURR?") == "0;1.000000E-01"


@pytest.mark.parametrize("kind", [Keithley2400, Keithley2450])
def test_ranges_functions_and_off_state(kind):
    unit = kind(DeviceTime())
    tell(unit, ":SOUR:CURR:RANG 0.05")
    assert float(ask(unit, ":SOUR:CURR:RANG?")) == 0.1
    tell(unit, ":SOUR:CURR 0.2")
    assert errors(unit) == ["-222"]
    tell(unit, ":SOUR:CURR:RANG:AUTO ON", ":SOUR:CURR 0.2", ":OUTP ON", ":SOUR:FUNC VOLT")
    assert ask(unit, ":SOUR:FUNC?;:OUTP?") == "VOLT;0"
    tell(unit, ":SOUR:VOLT 0.5", ":OUTP ON")
    unit.time.advance(1.0)
    unit.supply.follow()
    assert unit.supply.coil.current_A == pytest.approx(1.05e-4)  # the limit it was left with
    limit = ":SENS:CURR:PROT" if kind is Keithley2400 else ":SOUR:VOLT:ILIM"
    tell(unit, f"{limit} 0.2")
    unit.time.advance(1.0)
    unit.supply.follow()
    assert unit.supply.coil.current_A == pytest.approx(0.2)
    assert float(ask(unit, ":SOUR:CURR?")) == 0.2  # the current source's, which does nothing now
    tell(unit, "*RST", ":CURR:LEV", ":NO:SUCH")
    assert ask(unit, ":OUTP?") == "0"
    assert errors(unit) == ["-109", "-113"]


def test_a_reading_of_a_2400_has_no_more_values_than_it_holds():
    unit = Keithley2400(DeviceTime())
    tell(unit, ":ARM:COUN 50", ":TRIG:COUN 51")
    assert errors(unit) == ["-221"]
    assert ask(unit, ":ARM:COUN?;:TRIG:COUN?") == "50;1"


def test_a_2450_reads_its_source_back_or_answers_it_as_set(k2450):
    tell(k2450, ":SOUR:CURR:VLIM 0.3", ":SOUR:CURR 1;:OUTP ON")
    k2450.time.advance(0.1)
    assert float(ask(k2450, ':READ? "defbuffer1", SOUR')) == pytest.approx(0.3)
    assert len(ask(k2450, ':READ? "defbuffer1", SOUR, READ').split(",")) == 2
    tell(k2450, ":SOUR:CURR:READ:BACK OFF")
    assert float(ask(k2450, ':READ? "defbuffer1", SOUR')) == 1.0


def test_a_2450_in_another_language_understands_no_scpi_until_it_is_switched_on_again(k2450):
    tell(k2450, "*LANG TSP")
    assert ask(k2450, "*LANG?") == "SCPI"
    k2450.power_cycle()
    assert ask(k2450, "*LANG?") == "TSP"
    tell(k2450, ":OUTP?", "*LANG SCPI")
    k2450.power_cycle()
    assert ask(k2450, ":OUTP?") == "0"

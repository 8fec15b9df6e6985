"""A read-out whose trigger nobody gives: the check says that it waits, its silence what for."""

from __future__ import annotations

import pytest
from scripted import scripted
from served import served

from instruments.checks import check_bench
from instruments.clock import Stop
from instruments.drivers.keithley_2182a import Keithley2182A
from instruments.drivers.keysight_34465a import Keysight34465A
from instruments.drivers.keysight_pna import KeysightPNA
from instruments.link_errors import SilentError
from instruments.visa import VisaSession, resource_manager

READINGS = (b"READ?", b":READ?", b"SENS:SWE:MODE SING;*OPC?")
HINT = "an edge at its trigger input. Where nothing gives it, set the trigger to immediate"


@pytest.mark.parametrize("driver", [Keysight34465A, Keithley2182A, KeysightPNA])
def test_silence_is_told_as_a_trigger_that_did_not_come(driver):
    with scripted(lambda message: b"" if message in READINGS else b"1\n") as instrument:
        session = VisaSession(
            instrument.resource, rm=resource_manager(), name="meter", stop=Stop(), timeout_s=0.2
        )
        meter = driver("meter", session, {})
        session.identify = None
        meter._trigger = "external"
        with pytest.raises(SilentError, match=r"no answer to .*Its trigger is external") as caught:
            meter.read()
        assert HINT in str(caught.value)
        session.close()


@pytest.mark.parametrize(
    ("supply", "reader", "order"),
    [
        ("kepco-bop", "keysight-34465a", "TRIG:SOUR EXT"),
        ("kepco-bop", "keithley-2182a", ":TRIG:SOUR EXT"),
        ("kepco-bop", "keysight-pna", "TRIG:SOUR EXT"),
    ],
)
def test_the_check_says_that_a_reading_waits(supply, reader, order):
    with served((supply, reader)) as rig:
        (name,) = rig.spec().readouts
        before = {check.name: check for check in check_bench(rig.spec())}[name]
        assert "waits for" not in before.problem
        rig.order(reader, order)
        check = {check.name: check for check in check_bench(rig.spec())}[name]
    assert check.ok
    assert "a reading waits for an edge at its trigger input" in check.problem

"""Each read-out and probe driver on its virtual twin, through VISA, as a run uses it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from beside import Steady, beside

from instruments.drivers.keithley_2182a import Keithley2182A
from instruments.drivers.keithley_6221 import Keithley6221
from instruments.drivers.keysight_34465a import Keysight34465A
from instruments.drivers.keysight_pna import KeysightPNA
from instruments.drivers.lakeshore_425 import LakeShore425
from instruments.drivers.lakeshore_475 import LakeShore475
from instruments.drivers.lakeshore_f71 import LakeShoreF71
from instruments.drivers.sr860 import SR860
from instruments.virtual import (
    gaussmeter,
    keithley_2182a,
    keithley_6221,
    keysight_34465a,
    keysight_pna,
    lakeshore_f71,
    sr860,
)
from models.errors import RefusedError

SEED = np.random.SeedSequence(7)


def two_lines(source):
    return keysight_pna.TwoLines(source, full_signal_V=1.0e-4)


READOUTS = {
    "sr860": (
        SR860, sr860.SR860, {"channels": ("X", "Y", "R")}, [5.0e-5, -2.0e-5, math.hypot(5e-5, 2e-5)]
    ),
    "keithley-2182a": (Keithley2182A, keithley_2182a.Keithley2182A, {"nplc": 0.1}, [5.0e-5]),
    "keithley-6221": (
        Keithley6221, keithley_6221.Keithley6221,
        {"current_A": 2e-3, "count": 3, "channels": ("V", "R")}, [1.0e-4, 0.05],
    ),
    "keysight-34465a": (
        Keysight34465A,
        keysight_34465a.Keysight34465A,
        {"samples": 54, "interval_s": round(1 / 37 / 54, 6), "channels": ("X2", "Y2")},
        [5.0e-5, -2.0e-5],
    ),
    "keysight-pna": (
        KeysightPNA,
        lambda time, source: keysight_pna.KeysightPNA(time, two_lines(source)),
        {"points": 3, "start_Hz": 6.0e9, "stop_Hz": 11.0e9, "quantity": "magnitude"},
        [0.495, 0.502, 0.5],
    ),
}  # fmt: skip


MEASURE_WHEN_TOLD = ("keithley-2182a", "keysight-34465a", "keysight-pna")


@pytest.mark.parametrize("name", READOUTS)
def test_a_read_out_is_prepared_read_and_asked_for_everything(name):
    driver, twin, options, expected = READOUTS[name]
    sources = []

    def make(device_time):
        sources.append(Steady(device_time))
        return twin(device_time, sources[0])

    with beside(make) as session:
        readout = driver("unit", session, options)
        assert readout.driver == name
        assert readout.identify() == readout.identity
        readout.prepare()
        before = readout.settings()
        assert sources[0].gates == 0
        for _ in range(10):  # a lock-in's filter settles
            values = readout.read()
        assert sources[0].gates == 10
        assert values.shape == (len(readout.channels),) == (len(readout.units),)
        np.testing.assert_allclose(values, expected, rtol=2e-2)
        shown = readout.monitor()
        if name == "keithley-6221":  # a value would take a current through the sample
            assert np.isnan(shown).all()
        else:
            np.testing.assert_allclose(shown, values, rtol=1e-5)
        # what measures only when it is told to takes a reading of its own
        assert sources[0].gates == (11 if name in MEASURE_WHEN_TOLD else 10)
        assert readout.faults() == ()
        assert readout.settings() == before
    readout.close()


def test_a_multimeters_null_is_in_its_settings_for_it_is_in_its_readings():
    def make(device_time):
        return keysight_34465a.Keysight34465A(device_time, Steady(device_time))

    with beside(make) as session:
        meter = Keysight34465A("unit", session, {})
        meter.prepare()
        plain, before = meter.read()[0], meter.settings()
        for order in ("VOLT:DC:NULL:VAL 0.001", "VOLT:DC:NULL ON"):
            session.write(order)
        assert meter.read()[0] == pytest.approx(plain - 0.001, abs=1e-5)
        assert meter.settings() == before | {"null_V": 0.001}
        session.write("CALC:SMO ON")
        with pytest.raises(RefusedError, match="smooths its samples"):
            meter.prepare()


PROBES = {
    "lakeshore-425": (LakeShore425, gaussmeter.LakeShore425, {}, "UNIT 4"),
    "lakeshore-475": (LakeShore475, gaussmeter.LakeShore475, {}, "UNIT 3"),
    "lakeshore-f71": (LakeShoreF71, lakeshore_f71.LakeShoreF71, {"axis": "Z"}, "UNIT:FIELD TESLA"),
}


@pytest.mark.parametrize("name", PROBES)
def test_a_probe_reads_tesla_whatever_unit_somebody_chooses_meanwhile(name):
    driver, twin, options, other_unit = PROBES[name]
    end = driver.terminator("TCPIP0::virtual::5025::SOCKET")
    with beside(lambda device_time: twin(device_time, lambda: -0.0123, SEED), end) as session:
        probe = driver("gap", session, options)
        assert probe.driver == name
        probe.prepare()
        before = probe.settings()["unit"]
        assert probe.field_T() == pytest.approx(-0.0123, abs=1e-5)
        session.write(other_unit)
        assert probe.field_T() == pytest.approx(-0.0123, abs=1e-5)
        assert probe.settings()["unit"] != before
        assert probe.faults() == ()
    probe.close()


def test_a_fixed_range_that_is_too_low_is_a_fault_of_the_probes_that_tell_it():
    with beside(
        lambda device_time: gaussmeter.LakeShore475(device_time, lambda: 0.1, SEED), "\r\n"
    ) as session:
        probe = LakeShore475("gap", session, {})
        probe.prepare()
        session.write("RANGE 1")
        assert math.isnan(probe.field_T())
        assert probe.faults() == ("field beyond the range",)

"""Programs that know nothing of ours: PyMeasure's drivers on the served rig, over TCP.

`CALLS` names every property that is only read; what sets something is in the tests.
"""

from __future__ import annotations

import pytest
from pymeasure.instruments.ami import AMI430
from pymeasure.instruments.keithley import Keithley2182, Keithley2400, Keithley6221
from pymeasure.instruments.kepco import KepcoBOP3612
from pymeasure.instruments.lakeshore import LakeShore425
from pymeasure.instruments.srs import SR830, SR860
from served import served

LF = {"read_termination": "\n", "write_termination": "\n"}
CRLF = {"read_termination": "\r\n", "write_termination": "\r\n"}
# model of ours, driver of theirs, ends of lines on a socket, what is read
CALLS = {
    "kepco-bop": (
        KepcoBOP3612, {}, "id complete status confidence_test operating_mode voltage current "
        "voltage_setpoint current_setpoint output_enabled next_error",
    ),
    "sr830": (
        SR830, LF, "id status x y xy magnitude theta lia_status err_status aux_in_1 aux_in_2 "
        "aux_in_3 aux_in_4 buffer_count sample_frequency reserve frequency",
    ),
    "sr860": (
        SR860, LF, "x y magnitude theta frequency detectedfrequency extfreqency "
        "get_signal_strength_indicator aux_in_1 aux_in_2 aux_in_3 aux_in_4 snap_all",
    ),
    "keithley-2400": (
        Keithley2400, LF, "id source_enabled source_mode source_delay auto_zero_enabled "
        "output_off_state auto_output_off_enabled filter_enabled repeat_filter_enabled "
        "filter_count current_range current_nplc compliance_current source_current "
        "source_current_range source_current_range_auto_enabled voltage_range voltage_nplc "
        "compliance_voltage line_frequency display_enabled wires next_error",
    ),
    "keithley-2182a": (
        Keithley2182, LF, "id auto_zero_enabled line_frequency display_enabled active_channel "
        "channel_function voltage_nplc trigger_count trigger_delay",
    ),
    "keithley-6221": (
        Keithley6221, LF, "id delta_unit delta_high_source delta_low_source delta_delay "
        "delta_cycles delta_compliance_abort_enabled delta_cold_switch_enabled "
        "delta_buffer_points delta_connected source_compliance source_enabled next_error",
    ),
    "lakeshore-425": (LakeShore425, CRLF, "field unit range mode"),
    "ami-430": (
        AMI430, CRLF, "id coilconst voltage_limit target_current target_field "
        "ramp_rate_current magnet_current supply_current field state magnet_status",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def rig():
    with served(tuple(CALLS)) as one:
        yield one


@pytest.fixture
def opened(rig):
    """A PyMeasure instrument on the rig, closed at the end of the test."""
    drivers = []

    def open_one(model):
        driver, ends, _ = CALLS[model]
        resource = rig.resources[model]
        drivers.append(driver(resource, visa_library="@py", timeout=1000, **ends))
        return drivers[-1]

    yield open_one
    for one in drivers:
        one.adapter.close()


def put(instrument, **values):
    """Set properties, and read each back."""
    for name, value in values.items():
        setattr(instrument, name, value)
        found = getattr(instrument, name)
        assert found == (pytest.approx(value) if isinstance(value, float) else value), name


@pytest.mark.parametrize("model", CALLS)
def test_everything_that_is_read_is_answered(opened, model):
    instrument = opened(model)
    for name in CALLS[model][2].split():
        found = getattr(instrument, name)
        found = found() if callable(found) else found
        assert found is not None, name


def test_kepco(rig, opened):
    kepco = opened("kepco-bop")
    kepco.clear()
    put(
        kepco, operating_mode="CURR", voltage_setpoint=20.0, current_setpoint=2.5,
        output_enabled=True,
    )  # fmt: skip
    kepco.wait_to_continue()
    kepco.beep()
    assert kepco.current == pytest.approx(2.5, abs=1e-2)
    assert kepco.voltage == pytest.approx(2.5, abs=2e-2)
    assert rig.rig.field_T() == pytest.approx(1e-3, rel=1e-2)
    put(kepco, current_setpoint=0.0, output_enabled=False)
    assert kepco.check_errors() == []
    kepco.reset()
    assert kepco.operating_mode == "VOLT"


def test_sr830(rig, opened):
    lockin = opened("sr830")
    x_V, y_V = lockin.xy
    assert (x_V, y_V) != (0.0, 0.0)
    put(
        lockin, reference_source="Internal", frequency=137.0, phase=12.5, sine_voltage=0.5,
        sensitivity=1e-3, time_constant=0.03, filter_slope=12, filter_synchronous=False,
        harmonic=1, input_config="A - B", input_grounding="Ground", input_coupling="DC",
        input_notch_config="Both", reference_source_trigger="POS EDGE", aux_out_1=1.25,
        aux_out_4=-2.0, sample_frequency=64, reserve="Low Noise",
    )  # fmt: skip
    values = lockin.snap("X", "Y", "R", "Theta", "Frequency")
    assert values[2] == pytest.approx((values[0] ** 2 + values[1] ** 2) ** 0.5, rel=1e-3)
    assert values[4] == 137.0
    for command in ("auto_phase", "auto_gain", "auto_reserve", "quick_range"):
        getattr(lockin, command)()
    assert not lockin.is_out_of_range()
    lockin.reset_buffer()
    lockin.start_buffer(fast=False)
    lockin.write("STRT")
    assert lockin.buffer_count == 0
    rig.rig.time.advance(0.1)  # 6 points at 64 Hz
    lockin.pause_buffer()
    points = lockin.get_buffer(1, 0, lockin.buffer_count)
    assert points.size == 6
    assert points[0] == pytest.approx(lockin.x, rel=1e-5)
    for command in ("start_buffer", "pause_buffer", "reset_buffer", "clear", "reset"):
        getattr(lockin, command)()
    assert lockin.err_status == 0


def test_sr860(opened):
    lockin = opened("sr860")
    put(
        lockin, reference_source="INT", internalfrequency=1000.0, phase=10.0, harmonic=1,
        harmonicdual=2, sine_voltage=0.1, timebase=1, dcmode="DIF",
        reference_triggermode="POS", input_signal="VOLT", input_voltage_mode="A-B",
        input_coupling="DC", input_shields="Ground", input_range="100M",
        input_current_gain="1MEG", sensitivity=1e-3, time_constant=0.03, filter_slope=1,
        filter_synchronous="On", aux_out_1=1.0, aux_out_4=-1.0, frequency=500.0,
    )  # fmt: skip
    values = lockin.snap("X", "Y", "R")
    assert values[2] == pytest.approx((values[0] ** 2 + values[1] ** 2) ** 0.5, rel=1e-3)
    assert len(lockin.snap(0, 1)) == 2


def test_keithley_2400(opened):
    source = opened("keithley-2400")
    put(
        source, source_mode="current", source_current_range=1.0, compliance_voltage=10.0,
        source_current=0.05, voltage_nplc=1.0,
        output_off_state="zero", filter_count=3, wires=4, display_enabled=False,
    )  # fmt: skip
    source.enable_source()
    source.ramp_to_current(0.1, 5, 1e-3)
    assert source.current == pytest.approx(0.1, rel=1e-2)
    assert source.voltage == pytest.approx(1.0, rel=1e-2)  # 10 Ω
    everything = source.measure_all()
    assert everything["resistance"] == pytest.approx(10.0, rel=1e-2)
    source.disable_source()
    source.beep(1000, 0.1)
    assert source.check_errors() == []
    source.reset()


def test_keithley_2182(opened):
    meter = opened("keithley-2182a")
    meter.reset()
    put(
        meter, auto_zero_enabled=False, display_enabled=False, active_channel=1,
        channel_function="voltage", voltage_nplc=1.0,
    )  # fmt: skip
    assert abs(meter.voltage) < 1e-4
    meter.ch_1.setup_voltage(True, 1)
    put(
        meter.ch_1, voltage_range=0.1, voltage_range_auto_enabled=True, voltage_offset=0.0,
        voltage_offset_enabled=False,
    )  # fmt: skip
    assert abs(meter.voltage) < 1e-4
    assert meter.check_errors() == []


def test_keithley_6221_in_delta_mode(opened):
    source = opened("keithley-6221")
    put(
        source, delta_unit="V", delta_high_source=2e-3, delta_delay=0.01, delta_cycles=4,
        delta_buffer_points=4, source_compliance=5.0,
    )  # fmt: skip
    assert source.delta_low_source == -2e-3
    source.write(":TRAC:FEED:CONT NEXT")
    source.delta_arm()
    source.delta_start()
    values = source.delta_values
    assert len(values) == 8  # each with its time
    assert 0.0 < abs(values[0]) < 1e-3
    assert source.delta_sense == values[-2:]
    source.delta_abort()
    source.disable_source()
    assert source.source_enabled is False
    assert source.check_errors() == []


def test_lakeshore_425(rig, opened):
    kepco, probe = opened("kepco-bop"), opened("lakeshore-425")
    put(kepco, operating_mode="CURR", voltage_setpoint=20.0, current_setpoint=5.0)
    kepco.output_enabled = True
    assert kepco.current == pytest.approx(5.0, rel=1e-2)
    probe.auto_range()
    probe.dc_mode()
    put(probe, unit="T")
    mean_T, _ = probe.measure(5)
    assert mean_T == pytest.approx(5 * 4.0e-4, rel=2e-2)
    put(probe, unit="G", range=350)
    assert probe.field == pytest.approx(20.0, rel=2e-2)
    probe.ac_mode()
    assert probe.mode == (2, 1, 1)
    probe.dc_mode()
    put(kepco, current_setpoint=0.0, output_enabled=False)


def test_ami_430(rig, opened):
    magnet = opened("ami-430")
    put(magnet, voltage_limit=2.0, target_current=0.5)
    magnet.ramp_rate_current = 0.2
    assert magnet.ramp_rate_current[0] == 0.2  # the rate, and up to which current it holds
    magnet.ramp()
    assert magnet.magnet_status == "RAMPING"
    rig.rig.time.advance(1.0)
    magnet.pause()
    assert magnet.magnet_status == "PAUSED"
    assert magnet.magnet_current == pytest.approx(0.2, abs=5e-3)
    magnet.ramp()
    assert magnet.magnet_status == "RAMPING"
    rig.rig.time.advance(3.0)
    assert magnet.magnet_status == "HOLDING"
    assert magnet.field == pytest.approx(0.5 * magnet.coilconst, rel=1e-3)
    put(magnet, target_field=0.01)
    magnet.ramp_rate_field = 0.008  # kG/s, up to 1 kG
    assert magnet.ramp_rate_field == [0.008, 1.0]
    assert magnet.ramp_rate_current == [0.2, 25.0]
    magnet.ramp_to_field(0.01, 0.008)
    assert magnet.ask("SYST:ERR?").startswith("-107")  # it heats a switch that isn't there
    assert magnet.magnet_status == "RAMPING"
    assert magnet.ask("PSwitch?").strip() == "0"
    magnet.zero()
    assert magnet.magnet_status.startswith("ZEROING")
    rig.rig.time.advance(10.0)
    assert magnet.magnet_status == "AT ZERO CURRENT"
    assert magnet.magnet_current == pytest.approx(0.0, abs=1e-4)
    assert magnet.ask("SYST:ERR?").startswith("0")

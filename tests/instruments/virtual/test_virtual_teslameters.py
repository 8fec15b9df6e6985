"""The virtual field probes, by transcripts, in a field that the test sets."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from instruments.virtual.gaussmeter import LakeShore425, LakeShore475
from instruments.virtual.instrument import DeviceTime
from instruments.virtual.lakeshore_f71 import LakeShoreF71

MODELS = (LakeShore425, LakeShore475, LakeShoreF71)
SEED = np.random.SeedSequence(1)


class Gap:
    """The gap of a coil, at a field."""

    field_T = 0.01234

    def __call__(self) -> float:
        return self.field_T


@pytest.fixture
def gap() -> Gap:
    return Gap()


def raw(probe, message: str) -> bytes:
    probe.receive(message.encode() + b"\r\n")
    return probe.transmit()


def ask(probe, message: str) -> str:
    reply = raw(probe, message)
    assert reply.endswith(probe.terminator)
    return reply[: -len(probe.terminator)].decode()


def tell(probe, *messages: str) -> None:
    for message in messages:
        assert raw(probe, message) == b""


@pytest.mark.parametrize("model", [LakeShore425, LakeShore475])
def test_a_reading_is_in_the_unit_of_the_front_panel(gap, model):
    probe = model(DeviceTime(), gap, SEED)
    assert ask(probe, "UNIT?") == "1"
    assert float(ask(probe, "RDGFIELD?")) == pytest.approx(123.4, abs=0.02)
    for unit, field in ((2, 0.01234), (3, 123.4), (4, 9820.0)):
        tell(probe, f"UNIT {unit}")
        assert float(ask(probe, "RDGFIELD?")) == pytest.approx(field, rel=2e-4)
    assert ask(probe, "UNIT?;RDGFIELD?").startswith("4;+009.8")


@pytest.mark.parametrize("model", [LakeShore425, LakeShore475])
def test_a_fixed_range_ends_a_reading_and_autorange_follows(gap, model):
    probe = model(DeviceTime(), gap, SEED)
    ask(probe, "RDGFIELD?")
    assert ask(probe, "RANGE?;AUTO?") == "2;1"
    tell(probe, "RANGE 1")
    assert ask(probe, "AUTO?") == "0"
    assert float(ask(probe, "RDGFIELD?")) == pytest.approx(1.05 * 35.0)
    gap.field_T = -1.0
    tell(probe, "AUTO 1")
    assert float(ask(probe, "RDGFIELD?")) == pytest.approx(-1.0e4, rel=1e-3)


def test_475_tells_an_overload_and_a_missing_probe_in_its_status(gap):
    probe = LakeShore475(DeviceTime(), gap, SEED)
    tell(probe, "RANGE 1")
    assert ask(probe, "UNIT?;RDGFIELD?;OPST?").endswith(";6")
    probe.probe = False
    assert ask(probe, "UNIT?;RDGFIELD?;OPST?") == "1;+000.000E+00;1"


def test_475_latches_wrong_messages_in_its_event_register(gap):
    probe = LakeShore475(DeviceTime(), gap, SEED)
    assert ask(probe, "*ESR?") == "128"
    tell(probe, "NOPE 1")
    assert ask(probe, "*ESR?") == "32"
    tell(probe, "UNIT 5", "RDGMODE 1,1")
    assert ask(probe, "*ESR?;*ESR?") == "16;0"


def test_425_knows_no_event_register(gap):
    assert raw(LakeShore425(DeviceTime(), gap, SEED), "*ESR?") == b""


def test_425_reads_garbage_to_an_impatient_client_only(gap):
    probe = LakeShore425(DeviceTime(accelerate=1e-3), gap, SEED)  # 30 ms of its own are 30 s here
    clean = probe.respond("RDGFIELD?")
    assert float(clean) == pytest.approx(123.4, abs=0.02)
    with pytest.raises(ValueError, match="could not convert"):
        float(probe.respond("RDGFIELD?"))
    patient = LakeShore425(DeviceTime(accelerate=1e9), gap, SEED)
    for _ in range(5):
        float(patient.respond("RDGFIELD?"))


@pytest.mark.parametrize(
    ("field_T", "shown"),
    [
        (0.0999999, "+999.999E+00"), (0.09999999996, "+001.000E+03"), (-1e-7, "-001.000E-03"),
        (0.0, "+000.000E+00"),
    ],
)  # fmt: skip
def test_a_reading_has_three_digits_before_the_point_also_where_it_is_rounded_up(
    gap, field_T, shown
):
    assert LakeShore425(DeviceTime(), gap, SEED)._shown(field_T) == shown


def test_zeroing_takes_the_present_field_as_zero(gap):
    probe = LakeShore425(DeviceTime(), gap, SEED)
    tell(probe, "ZPROBE")
    assert abs(float(ask(probe, "RDGFIELD?"))) < 0.01


def test_f71_answers_the_magnitude_of_three_axes_unless_one_is_named(gap):
    probe = LakeShoreF71(DeviceTime(), gap, SEED)
    gap.field_T = -0.2
    assert ask(probe, "UNIT:FIELD?") == "GAUSS"
    assert float(ask(probe, "FETCH:DC?")) == pytest.approx(2000, rel=1e-3)
    assert float(ask(probe, "FETCH:DC? Z")) == pytest.approx(-2000, rel=1e-3)
    tell(probe, "UNIT:FIELD TESLA")
    magnitude, x, y, z = (float(part) for part in ask(probe, "FETCH:DC? ALL").split(","))
    assert magnitude == pytest.approx(0.2, rel=1e-3)
    assert z == pytest.approx(-0.2, rel=1e-3)
    assert max(abs(x), abs(y)) < 1e-4
    probe.axes = 1
    assert float(ask(probe, "FETC:DC?")) == pytest.approx(-0.2, rel=1e-3)


def test_f71_answers_several_queries_in_one_line_and_averages_in_device_time(gap):
    probe = LakeShoreF71(DeviceTime(), gap, SEED)
    tell(probe, "SENSE:AVERAGE:COUNT 25")
    start_s = probe.time.now_s
    reply = ask(probe, "UNIT:FIELD?;:FETCH:DC? Z;:STATus:OPERation:CONDition?")
    assert reply.startswith("GAUSS;1.23")
    assert reply.endswith(";0")
    assert probe.time.now_s - start_s == pytest.approx(0.25, abs=1e-3)


def test_f71_a_fixed_range_overloads_and_errors_come_all_at_once(gap):
    probe = LakeShoreF71(DeviceTime(), gap, SEED)
    tell(probe, "SENS:RANGE 300")
    gap.field_T = 0.2
    ask(probe, "FETCH:DC? Z")
    assert ask(probe, "STAT:OPER:COND?") == "2"
    assert float(ask(probe, "SENS:RANGE?")) == 350.0
    tell(probe, "SENS:RANGE 1e6", "NOPE")
    assert ask(probe, "SYST:ERR:ALL?") == '-222,"Data out of range",-113,"Undefined header"'
    assert ask(probe, "SYST:ERR:ALL?") == "No error"


@given(st.sampled_from(MODELS), st.binary(max_size=200))
def test_no_bytes_can_bring_them_down(model, data):
    probe = model(DeviceTime(), Gap(), SEED)
    probe.receive(data + b"\n")
    probe.transmit()
    assert model.model.split("-")[1].upper() in ask(probe, "*IDN?")

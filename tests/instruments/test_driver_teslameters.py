"""Field probes: transcripts; the unit of a reading is asked for with it, never assumed."""

from __future__ import annotations

import math
import time

import pytest
import pyvisa
from scripted import transcript

from instruments.clock import Stop
from instruments.drivers.field_units import TESLA
from instruments.drivers.lakeshore_425 import LakeShore425
from instruments.drivers.lakeshore_475 import LakeShore475
from instruments.drivers.lakeshore_f71 import LakeShoreF71
from instruments.link_errors import LinkError, WrongInstrumentError
from instruments.toml_table import Table
from instruments.virtual.faults import FaultScript, fault
from instruments.virtual.library import VirtualVisaLibrary, resource_name
from instruments.virtual.rig import VirtualRig
from instruments.visa import VisaSession
from models.errors import RefusedError

WHO_425 = (b"*IDN?", b"LSCI,MODEL425,4250022,1.0")
WHO_475 = (b"*IDN?", b"LSCI,MODEL475,4750042,1.0")
WHO_F71 = (b"*IDN?", b"Lake Shore,F71,LSA1234,1.8.2021092301")
ASK_425 = b"RDGFIELD?;UNIT?"
ASK_475 = b"RDGFIELD?;OPST?;UNIT?"
TAIL_F71 = b";:STATus:OPERation:CONDition?;:STATus:QUEStionable:CONDition?;:UNIT:FIELD?"
ASK_F71 = b"FETCH:DC? Z" + TAIL_F71
NO_ERROR = (b"SYSTem:ERRor:ALL?", b"No error")
UNITS = [
    (b"1", b"+123.400E+00", 0.01234),  # gauss
    (b"2", b"+012.340E-03", 0.01234),  # tesla
    (b"3", b"-123.400E+00", -0.01234),  # oersted
    (b"4", b"+009.820E+03", 0.01234),  # ampere per metre
]


def test_an_oersted_is_a_gauss_in_air():
    assert TESLA["G"] == TESLA["Oe"] == 1e-4
    assert TESLA["A/m"] == pytest.approx(4e-7 * math.pi)


@pytest.mark.parametrize(
    ("driver", "reply"),
    [
        (LakeShore425, b"LSCI,MODEL475,4750042,1.0"),
        (LakeShore475, b"LSCI,MODEL425,4250022,1.0"),
        (LakeShoreF71, b"LSCI,MODEL475,4750042,1.0"),
    ],
)
def test_another_probe_is_another_instrument(driver, reply):
    with transcript((b"*IDN?", reply)) as session, pytest.raises(WrongInstrumentError):
        driver("gap", session, {}).identify()


# ---- 425


@pytest.mark.parametrize(("code", "reply", "field_T"), UNITS)
def test_425_reads_unit_and_field_in_one_message(code, reply, field_T):
    with transcript((ASK_425, reply + b";" + code)) as session:
        assert LakeShore425("gap", session, {}).field_T() == pytest.approx(field_T, rel=1e-4)


def test_425_a_unit_changed_by_hand_is_followed():
    with transcript((ASK_425, b"+100.000E+00; 1"), (ASK_425, b"+010.000E-03; 2")) as session:
        probe = LakeShore425("gap", session, {})
        assert probe.field_T() == pytest.approx(probe.field_T())


def test_425_keeps_30_ms_between_messages():
    with transcript(WHO_425, *[(ASK_425, b"+010.000E-03;2")] * 4) as session:
        probe = LakeShore425("gap", session, {})
        begin_s = time.monotonic()
        probe.identify()
        for _ in range(4):
            probe.field_T()
        assert time.monotonic() - begin_s > 4 * 0.030


def test_425_is_read_again_after_one_reply_was_lost():
    lost = FaultScript([fault(LakeShore425.driver, 1, "silence")])
    rig = VirtualRig(models=["kepco-bop", LakeShore425.driver], accelerate=1.0, faults=lost)
    session = VisaSession(
        resource_name(LakeShore425.driver), rm=pyvisa.ResourceManager(VirtualVisaLibrary(rig)),
        name="gap", stop=Stop(), read_termination="\r\n", write_termination="\r\n", shared=False,
        timeout_s=0.5,
    )  # fmt: skip
    probe = LakeShore425("gap", session, {})
    probe.identify()
    with pytest.raises(LinkError, match="no answer"):
        probe.field_T()
    assert abs(probe.field_T()) < 1e-6  # behind a new identity, at the distance that it wants
    session.close()


def test_425_is_prepared_and_its_settings_are_words():
    with transcript(
        WHO_425, (b"RDGMODE?", b"1,0,1"), (b"RDGMODE?", b"1,1,2"), (b"UNIT?", b"1"),
        (b"RANGE?", b"3"), (b"AUTO?", b"0"),
    ) as session:  # fmt: skip
        probe = LakeShore425("gap", session, {})
        probe.prepare()
        assert probe.settings() == {
            "mode": "DC", "filter": "on", "band": "narrow band", "unit": "G", "range": 3,
            "autorange": "off",
        }  # fmt: skip
        assert probe.faults() == probe.errors() == ()


def test_425_an_alternating_field_is_refused():
    with (
        transcript(WHO_425, (b"RDGMODE?", b"2,0,1")) as session,
        pytest.raises(RefusedError, match="RMS, expected DC"),
    ):
        LakeShore425("gap", session, {}).prepare()


@pytest.mark.parametrize(
    "reply", [b"+1.0E-01", b"+1.0E-01;5", b"+1.0E-01;", b"+1.0E-0;2", b"OL;2", b"+1.0;2"]
)
def test_425_a_spoilt_reading_is_an_error(reply):
    with transcript((ASK_425, reply)) as session, pytest.raises(LinkError, match="field;"):
        LakeShore425("gap", session, {}).field_T()


# ---- 475


@pytest.mark.parametrize(("code", "reply", "field_T"), UNITS)
def test_475_reads_unit_field_and_status_in_one_message(code, reply, field_T):
    with transcript((ASK_475, reply + b";4;" + code)) as session:
        assert LakeShore475("gap", session, {}).field_T() == pytest.approx(field_T, rel=1e-4)


def test_475_a_field_beyond_the_range_is_no_number_and_a_fault_once():
    with transcript((ASK_475, b"+367.500E+00;6;1"), (b"*ESR?", b"16"), (b"*ESR?", b"0")) as session:
        probe = LakeShore475("gap", session, {})
        assert math.isnan(probe.field_T())
        assert probe.faults() == ("field beyond the range", "a command could not be executed")
        assert probe.faults() == ()


def test_475_is_prepared_and_its_settings_are_words():
    with transcript(
        WHO_475, (b"RDGMODE?", b"1,3,1,1,1"), (b"*ESR?", b"128"), (ASK_475, b"+1.0E+00;4;1"),
        (b"RDGMODE?", b"1,3,1,1,1"), (b"UNIT?", b"2"), (b"RANGE?", b"4"), (b"AUTO?", b"1"),
        (b"TYPE?", b"41"),
    ) as session:  # fmt: skip
        probe = LakeShore475("gap", session, {})
        probe.prepare()
        assert probe.settings() == {
            "mode": "DC", "unit": "T", "range": 4, "autorange": "on", "probe": "high stability",
        }  # fmt: skip


@pytest.mark.parametrize(
    ("exchanges", "words"),
    [
        (((b"RDGMODE?", b"3,3,1,1,1"),), "peak, expected DC"),
        (
            ((b"RDGMODE?", b"1,3,1,1,1"), (b"*ESR?", b"0"), (ASK_475, b"+0.0E+00;1;1")),
            "has no probe. Plug one in",
        ),
    ],
)
def test_475_a_mode_that_no_reading_can_rest_on_is_refused(exchanges, words):
    with transcript(WHO_475, *exchanges) as session, pytest.raises(RefusedError, match=words):
        LakeShore475("gap", session, {}).prepare()


@pytest.mark.parametrize(
    "reply",
    [b"+1.0E-01;4", b"+1.0E-01;4;", b"+1.0E-01;4;9", b"x;0;1", b"+1.0E-01;0;1;0", b"inf;0;1"],
)
def test_475_a_spoilt_reading_is_an_error(reply):
    with transcript((ASK_475, reply)) as session, pytest.raises(LinkError, match="field;"):
        LakeShore475("gap", session, {}).field_T()


# ---- F71


@pytest.mark.parametrize(("unit", "field"), [(b"TESLA", b"-1.234000E-02"), (b"GAUSS", b"-123.4")])
def test_f71_reads_unit_field_and_status_in_one_message(unit, field):
    with transcript((ASK_F71, field + b";0;0;" + unit)) as session:
        probe = LakeShoreF71("gap", session, {"axis": "Z"})
        assert probe.field_T() == pytest.approx(-0.01234)


def test_f71_an_overload_and_a_broken_sensor_are_faults():
    with transcript(
        (ASK_F71, b"1.0;2;4;TESLA"), (b"SYSTem:ERRor:ALL?", b'-222,"Data out of range"'), NO_ERROR
    ) as session:
        probe = LakeShoreF71("gap", session, {"axis": "Z"})
        assert math.isnan(probe.field_T())
        assert probe.faults() == (
            "field beyond the range", "Z sensor error", '-222,"Data out of range"',
        )  # fmt: skip
        assert probe.faults() == ()


def test_f71_is_prepared_and_its_settings_are_in_units():
    with transcript(
        WHO_F71, (b"SENS:MODE?", b"DC"), (b"PROBE:AXES?", b"3"), NO_ERROR,
        (ASK_F71, b"0.0;0;0;TESLA"), (b"SENS:AVERAGE:COUNT?", b"20"), (b"SENS:MODE?", b"DC"),
        (b"UNIT:FIELD?", b"TESLA"), (b"SENS:RANGE:AUTO?", b"1"), (b"SENS:RANGE?", b"0.35"),
        (b"PROBE:SNUM?", b'"LSA5678"'), (b"PROBE:AXES?", b"3"),
    ) as session:  # fmt: skip
        probe = LakeShoreF71("gap", session, {"axis": "Z"})
        probe.prepare()
        assert probe.settings() == {
            "mode": "DC", "unit": "T", "autorange": "on", "range_in_unit": 0.35,
            "averaging_s": pytest.approx(0.2), "probe": "LSA5678", "axes": 3, "axis": "Z",
        }  # fmt: skip


@pytest.mark.parametrize(
    ("exchanges", "words"),
    [
        (((b"SENS:MODE?", b"HIFR"),), "high frequency field, expected DC"),
        (((b"SENS:MODE?", b"DC"), (b"PROBE:AXES?", b"3")), "3 axes.*without a sign.*axis ="),
        (
            (
                (b"SENS:MODE?", b"DC"), (b"PROBE:AXES?", b"1"), NO_ERROR,
                (b"FETCH:DC?" + TAIL_F71, b"0.0;1;0;TESLA"),
            ),
            "has no probe",
        ),
    ],
)  # fmt: skip
def test_f71_a_mode_that_no_reading_can_rest_on_is_refused(exchanges, words):
    with transcript(WHO_F71, *exchanges) as session, pytest.raises(RefusedError, match=words):
        LakeShoreF71("gap", session, {}).prepare()


@pytest.mark.parametrize(
    "reply", [b"1.0", b"1;0;0;KELVIN", b"1;0;0;TESL", b"x;0;0;TESLA", b";;;", b"1;0;TESLA"]
)
def test_f71_a_spoilt_reading_is_an_error(reply):
    with transcript((ASK_F71, reply)) as session, pytest.raises(LinkError, match="field;"):
        LakeShoreF71("gap", session, {"axis": "Z"}).field_T()


@pytest.mark.parametrize(
    ("driver", "values", "problem"),
    [
        (LakeShore425, {}, ""),
        (LakeShore475, {"axis": "Z"}, "unknown key"),
        (LakeShoreF71, {"axis": "Z"}, ""),
        (LakeShoreF71, {"axis": "W"}, "X, Y or Z"),
    ],
)
def test_a_bench_file_may_name_the_axis_of_an_f71_only(driver, values, problem):
    table = Table(values, "teslameter.gap", [])
    table.known("driver", *driver.KEYS)
    driver.options(table)
    assert problem in "".join(table.problems)
    assert bool(table.problems) == bool(problem)


@pytest.mark.parametrize(
    ("axis", "axes", "count"), [(None, b"3", 1), (None, b"1", 0), ("Z", b"3", 0)]
)
def test_f71_a_probe_of_several_axes_is_told_without_one_named(axis, axes, count):
    exchanges = [(b"PROBE:AXES?", axes)]
    with transcript(*exchanges) as session:
        assert len(LakeShoreF71("gap", session, {"axis": axis}).unready()) == count


@pytest.mark.parametrize("spelled", [b"+9.91E+37", b"9.9E37", b"-9.9E37"])
def test_f71_what_scpi_spells_for_no_number_is_none(spelled):
    # with no bit of its status set it was a field of 9.9E37 T
    reply = spelled + b";0;0;TESLA"
    with transcript((b"FETCH:DC?" + TAIL_F71, reply)) as session:
        assert math.isnan(LakeShoreF71("gap", session, {}).field_T())

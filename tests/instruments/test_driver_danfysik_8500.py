"""The Danfysik 8500 driver, by transcripts and on its virtual twin."""

from __future__ import annotations

import pytest
from beside import beside
from scripted import transcript

from instruments.drivers.danfysik_8500 import Danfysik8500
from instruments.link_errors import LinkError, WrongInstrumentError
from instruments.protocols import MagnetState
from instruments.toml_table import Table
from instruments.virtual import danfysik_8500 as twin
from models.errors import RefusedError

PPM = {"set_counts_per_A": 6250.0, "read_counts_per_A": 100.0}  # 160 A: PyMeasure's unit
ON = b".!......................"
OFF = b"!!....................!."


def test_identifies_by_what_it_prints_and_its_status():
    with transcript((b"PRINT", b"SYSTEM 8500 S/N 1"), (b"S1", ON)) as session:
        supply = Danfysik8500("x", session, PPM)
        assert supply.identify() == "SYSTEM 8500 S/N 1"
        assert supply.rated_current_A == pytest.approx(160.0, rel=1e-5)
        assert supply.resolution_A == 1.6e-4


@pytest.mark.parametrize(
    "exchanges",
    [
        [(b"PRINT", b"?\x07 SYNTAX ERROR")],
        [(b"PRINT", b"KEPCO,BIT 4886"), (b"S1", b"-113")],
        [(b"PRINT", b"KEPCO,BIT 4886"), (b"S1", b"?\x07")],
    ],
)
def test_another_model_is_an_error_that_says_what_answered(exchanges):
    with transcript(*exchanges) as session, pytest.raises(WrongInstrumentError):
        Danfysik8500("x", session, PPM).identify()


def test_each_fault_of_its_status_is_an_input_of_an_interlock_and_none_is_waited_for():
    dry = (
        "!!" + "." * 7 + "!" + "." * 10 + "!.!."
    )  # off, sum of interlocks, magnet water, not ready
    with transcript((b"S1", dry.encode()), (b"S1", dry.encode()), (b"S1", ON)) as session:
        supply = Danfysik8500("x", session, PPM)
        assert supply.status_problem("magnet water flow failure") == "in magnet water flow failure"
        assert supply.status_problem("magnet too hot") is None
        assert supply.status_problem("magnet water flow failure") is None
    assert Danfysik8500.lasting_inputs == Danfysik8500.status_inputs


def test_sets_counts_and_switches_the_main_power():
    with transcript(
        (b"DA 0,6250", b""), (b"DA 0,-100000", b""), (b"DA 0", b"0 -100000"), (b"N", b""),
        (b"F", b""),
    ) as session:  # fmt: skip
        supply = Danfysik8500("x", session, PPM)
        supply.set_current_A(1.0)
        supply.set_current_A(-16.0)
        assert supply.setpoint_A() == -16.0
        supply.output(True)
        supply.output(False)


@pytest.mark.parametrize(("reply", "current_A"), [(b"123", 1.23), (b"8 000123", 1.23),
                                                 (b"-123", -1.23)])  # fmt: skip
def test_reads_the_current_with_or_without_the_channels_number(reply, current_A):
    with transcript((b"AD 8", reply)) as session:
        assert Danfysik8500("x", session, PPM).measured_A() == current_A


def test_reads_its_state_and_its_faults():
    with transcript(
        (b"S1", b"!!.......!..........!.!."), (b"DA 0", b"0 006250"), (b"AD 8", b"0")
    ) as session:
        assert Danfysik8500("x", session, PPM).state() == MagnetState(
            0.0, 1.0, output_on=False, status=("not ready",),
            faults=("in magnet water flow failure",),
            inputs=(("magnet water flow failure", "in magnet water flow failure"),),
        )  # fmt: skip
    with transcript((b"S1", b".!.......!.............."), (b"DA 0", b"0 0"), (b"AD 8", b"0")) as s:
        assert "does not name" in Danfysik8500("x", s, PPM).state().faults[0]


def test_local_control_is_taken_and_a_lock_is_said():
    with transcript((b"CMD", b"LOC"), (b"REM", b""), (b"CMD", b"REM"), (b"ERRT", b"")) as session:
        said = Danfysik8500("x", session, PPM).take_control(0.1)
        assert said == ("local control was taken over",)
    with (
        transcript((b"CMD", b"LOC"), (b"REM", b""), (b"CMD", b"LOC")) as session,
        pytest.raises(RefusedError, match="release LOCK"),
    ):
        Danfysik8500("x", session, PPM).take_control(0.1)


def test_a_refusal_is_an_error_in_its_own_words():
    with (
        transcript((b"DA 0", b"?\x07 OUT OF RANGE")) as session,
        pytest.raises(LinkError, match=r"OUT OF RANGE.*no refusal"),
    ):
        Danfysik8500("x", session, PPM).setpoint_A()


def test_settings_say_the_scales():
    with transcript((b"CMD", b"REM")) as session:
        assert Danfysik8500("x", session, PPM).settings() == {**PPM, "control": "REM"}


def test_the_scales_of_a_unit_are_keys_that_cannot_be_guessed():
    problems = []
    Danfysik8500.options(Table({}, "magnet.x", problems))
    assert problems == [
        "[magnet.x] set_counts_per_A is missing", "[magnet.x] read_counts_per_A is missing"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("ask", "command", "reply"),
    [
        (lambda supply: supply.setpoint_A(), b"DA 0", b"1 006250"),
        (lambda supply: supply.measured_A(), b"AD 8", b"E 100"),
        (lambda supply: supply.output_on(), b"S1", ON[:-1]),
        (lambda supply: supply.output_on(), b"S1", OFF + b"."),
    ],
)
def test_an_impossible_answer_is_an_error_that_quotes_it(ask, command, reply):
    with transcript((command, reply)) as session, pytest.raises(LinkError, match="answered"):
        ask(Danfysik8500("x", session, PPM))


# ---- on the virtual twin


@pytest.fixture
def rig():
    units = []

    def make(device_time):
        units.append(twin.Danfysik8500(device_time))
        return units[0]

    scales = {
        "set_counts_per_A": twin.SET_COUNTS_PER_A, "read_counts_per_A": twin.READ_COUNTS_PER_A
    }  # fmt: skip
    with beside(make, "\r") as session:
        yield Danfysik8500("x", session, scales), units[0], session


def test_driver_and_twin_drive_a_coil(rig):
    supply, unit, _ = rig
    assert supply.identify() == "SYSTEM 8500 MPS 854 S/N 0123456 20 A 30 V"
    assert not supply.output_on()
    assert supply.take_control(0.1) == ("local control was taken over",)
    supply.set_current_A(-1.5)
    supply.output(True)
    unit.time.advance(1.0)
    state = supply.state()
    assert (state.current_A, state.setpoint_A, state.output_on) == (
        pytest.approx(-1.5, abs=1e-3), pytest.approx(-1.5), True
    )  # fmt: skip
    assert state.faults == ()


def test_what_the_twin_refuses_the_driver_tells(rig):
    supply, unit, session = rig
    supply.identify()
    supply.set_current_A(1.0)  # local control
    with pytest.raises(LinkError, match="NOT IN COMMAND"):
        supply.setpoint_A()
    supply.take_control(0.1)
    unit.interlocks.add(20)
    assert supply.state().faults == ("in magnet water flow failure",)
    unit.interlocks.clear()
    supply.output(True)
    with pytest.raises(LinkError, match="INTERLOCK"):
        supply.output_on()
    session.write("RS")
    supply.output(True)
    assert supply.output_on()


def test_a_locked_panel_keeps_the_twin_in_local_control(rig):
    supply, unit, _ = rig
    unit.locked = True
    with pytest.raises(LinkError, match="LOCKED"):
        supply.take_control(0.1)
    assert not unit.remote

"""Faults by script: each does what it says, at its message, and a rig without any stays itself."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instruments.answers import numbers_of
from instruments.clock import Stop
from instruments.drivers.kepco_bop import NUMBER
from instruments.drivers.sr830 import SR830
from instruments.kept_settings import KeptSettings
from instruments.link_errors import LinkError, WrongInstrumentError
from instruments.virtual.faults import KINDS, FaultScript, fault, read_faults
from instruments.virtual.kepco_list import exponent_form
from instruments.virtual.rig import VirtualRig
from instruments.virtual.server import RigServer
from instruments.visa import VisaSession, resource_manager
from models.errors import InputError

DEVICE = "leaky-integrator"
KEPCO, LOCK_IN = "kepco-bop", "sr830"


def rig_with(*faults, **script):
    return VirtualRig(DEVICE, faults=FaultScript(faults, **script))


def asked(port, message):
    port.receive(message.encode() + b"\n")
    return port.transmit()


@contextmanager
def on_tcp(key, *faults, timeout_s=0.2):
    """A session to an instrument of a served rig; its identity is asked first (message 0)."""
    rig, until = rig_with(*faults), threading.Event()
    server = RigServer(rig)
    thread = threading.Thread(target=server.run, args=(until,), daemon=True)
    thread.start()
    session = VisaSession(
        server.resources[key], rm=resource_manager(), name="unit", stop=Stop(), timeout_s=timeout_s
    )
    SR830("unit", session, {}).identify()  # its driver: recovery asks *IDN? through it
    try:
        yield session, rig
    finally:
        session.close()
        until.set()
        thread.join(5)
        server.close()


def test_a_script_without_faults_changes_no_byte():
    def heard(rig):
        supply, lock_in = rig.connect(KEPCO), rig.connect(LOCK_IN)
        asked(supply, "OUTP ON")
        return [
            asked(supply, f"CURR {5 + i / 10};CURR?") + asked(lock_in, "SNAP? 1,2")
            for i in range(20)
        ]

    assert heard(VirtualRig(DEVICE)) == heard(rig_with())


def test_messages_are_counted_over_all_connections_of_an_instrument():
    happened = []
    rig = rig_with(fault(LOCK_IN, 2, "silence"), tell=happened.append)
    first, second = rig.connect(LOCK_IN), rig.connect(LOCK_IN)
    assert asked(first, "HARM?") == b"2\n"
    assert asked(rig.connect(KEPCO), "OUTP?") == b"0\n"
    assert asked(second, "HARM?") == b"2\n"
    assert not happened
    assert asked(first, "HARM?") == b""
    assert asked(second, "HARM?") == b"2\n"
    assert [one.kind for one in happened] == ["silence"]


def test_the_watch_sees_the_true_answer_behind_a_false_one():
    seen = []
    rig = rig_with(fault(LOCK_IN, 1, "garbage", text="7"), watch=lambda *what: seen.append(what))
    port = rig.connect(LOCK_IN)
    assert asked(port, "HARM?") + asked(port, "SENS?") == b"2\n7\n"
    assert seen == [(LOCK_IN, "HARM?", "2\n"), (LOCK_IN, "SENS?", "15\n")]


@pytest.mark.parametrize(
    ("given", "query", "reply"),
    [
        (fault(KEPCO, 0, "silence"), "VOLT?", b""),
        (fault(KEPCO, 0, "garbage", text="?#"), "VOLT?", b"?#\n"),
        (fault(KEPCO, 0, "truncated"), "VOLT?", b"3."),
        (fault(KEPCO, 0, "truncated", terminated=True), "VOLT?", b"3.\n"),
        (fault(KEPCO, 0, "truncated", terminated=True), "OUTP?", b"\n"),
        (fault(KEPCO, 0, "two-pieces", seconds=60.0), "VOLT?", b"3."),
        (fault(KEPCO, 0, "late", seconds=60.0), "VOLT?", b""),
    ],
)
def test_what_becomes_of_an_answer(given, query, reply):
    assert asked(rig_with(given).connect(KEPCO), query) == reply


def test_a_lost_set_is_not_carried_out_a_late_one_with_the_next_message():
    rig = rig_with(fault(KEPCO, 0, "silence", lost=True), fault(KEPCO, 2, "late"))
    port, supply = rig.connect(KEPCO), rig.instruments[KEPCO].supply
    asked(port, "CURR 1")
    assert supply.setpoint_A == 0.0
    asked(port, "CURR 2")
    asked(port, "CURR 3")
    assert supply.setpoint_A == 2.0
    assert asked(port, "OUTP?") == b"0\n"
    assert supply.setpoint_A == 3.0


def test_a_deaf_instrument_loses_what_comes_meanwhile():
    port = rig_with(fault(KEPCO, 0, "silence", seconds=0.1)).connect(KEPCO)
    assert asked(port, "OUTP?") + asked(port, "OUTP?") == b""
    time.sleep(0.12)
    assert asked(port, "OUTP?") == b"0\n"


def test_a_late_answer_is_not_overtaken_by_the_next():
    port = rig_with(fault(LOCK_IN, 0, "late", seconds=0.1)).connect(LOCK_IN)
    assert asked(port, "HARM?") + asked(port, "SENS?") == b""
    time.sleep(0.12)
    assert port.transmit() == b"2\n15\n"


def test_an_overload_clips_its_gates_and_is_latched():
    port = rig_with(fault(LOCK_IN, 1, "overload", size=2.0)).connect(LOCK_IN)
    values = [asked(port, "SNAP? 1,2") for _ in range(4)]
    assert values[1] == values[2] == b"0.000218,0.000218\n"
    assert b"0.000218" not in values[0] + values[3]
    assert int(asked(port, "LIAS?")) & 1
    assert asked(port, "LIAS?") == b"0\n"


@pytest.mark.parametrize(
    ("kind", "current_A"), [("quench", 36 / 50), ("compliance", 1.0), ("power-cycle", 0.0)]
)
def test_what_goes_wrong_with_a_supply_takes_its_current_away(kind, current_A):
    rig = rig_with(fault(KEPCO, 2, kind))
    port, supply = rig.connect(KEPCO), rig.instruments[KEPCO].supply
    asked(port, "OUTP ON")
    asked(port, "CURR 8")
    rig.time.advance(0.1)
    supply.follow()
    assert supply.coil.current_A == pytest.approx(8.0, abs=1e-3)
    asked(port, "OUTP?")
    rig.time.advance(0.1)
    supply.follow()
    assert supply.coil.current_A == pytest.approx(current_A, abs=1e-3)
    assert port.closed == (kind == "power-cycle")
    assert supply.output_on == (kind != "power-cycle")


@pytest.mark.parametrize(("key", "query"), [(KEPCO, "SYST:ERR?"), (LOCK_IN, "ERRS?")])
def test_an_entry_appears_in_the_error_queue(key, query):
    port = rig_with(fault(key, 1, "error-queue")).connect(key)
    assert asked(port, query).startswith(b"0")
    assert not asked(port, query).startswith(b"0")
    assert asked(port, query).startswith(b"0")


def test_a_dropped_link_is_noticed_at_the_next_message_and_opened_again():
    with on_tcp(LOCK_IN, fault(LOCK_IN, 1, "dropped")) as (session, _):
        session.write("HARM 2")  # lost, and nobody can know yet
        time.sleep(0.05)
        with pytest.raises(LinkError, match="the connection broke at 'PHAS 0'"):
            session.write("PHAS 0")
        assert session.number("HARM?") == 2


def test_connections_can_be_refused_for_a_while():
    with on_tcp(LOCK_IN, fault(LOCK_IN, 1, "dropped", seconds=0.3)) as (session, _):
        for _ in range(2):
            with pytest.raises(LinkError):
                session.query("HARM?")
        time.sleep(0.35)
        assert session.number("HARM?") == 2


def test_another_instrument_answers_after_the_link_was_lost():
    with on_tcp(LOCK_IN, fault(LOCK_IN, 1, "wrong-instrument")) as (session, _):
        with pytest.raises(LinkError):
            session.query("HARM?")
        for _ in range(2):
            with pytest.raises(WrongInstrumentError, match="OTHER,MODEL 1"):
                session.query("HARM?")


def test_pieces_are_joined_within_the_time_out_and_void_beyond():
    pauses = (
        fault(LOCK_IN, 1, "two-pieces", seconds=0.05),
        fault(LOCK_IN, 2, "two-pieces", seconds=0.4),
    )
    with on_tcp(LOCK_IN, *pauses) as (session, _):
        assert session.number("FREQ?") == 37
        with pytest.raises(LinkError, match="answered '3' to 'FREQ"):
            session.number("FREQ?")
        assert session.number("FREQ?") == 37


def test_a_file_of_faults(tmp_path):
    path = tmp_path / "faults.json"
    path.write_text(json.dumps([{"instrument": LOCK_IN, "at": 0, "kind": "garbage"}]))
    rig = VirtualRig(DEVICE, faults=read_faults(path))
    assert asked(rig.connect(LOCK_IN), "HARM?") == b"#?~!\n"


def test_every_problem_of_a_file_is_told_at_once(tmp_path):
    path = tmp_path / "faults.json"
    entries = [
        {"instrument": LOCK_IN, "at": -1, "kind": "silence"},
        {"instrument": LOCK_IN, "at": 0, "kind": "silent"},
        {"at": 0, "kind": "late", "seconds": "long"},
        {"instrument": LOCK_IN, "at": 0, "kind": "late", "text": "x"},
        7,
        {"instrument": LOCK_IN, "at": 1, "kind": "garbage", "text": "5 Ω"},
        {"instrument": LOCK_IN, "at": 2, "kind": "late", "seconds": 10**400},
    ]
    path.write_text(json.dumps(entries))
    with pytest.raises(InputError) as caught:
        read_faults(path)
    words = str(caught.value)
    for expected in (
        "fault 0: at = -1", "fault 1: kind = 'silent' is unknown", "fault 2: seconds = 'long'",
        "fault 2: instrument is missing", "fault 3: 'text' is nothing that late takes",
        "fault 4: '7' is no object", "fault 5: text = '5 Ω' must be of bytes",
        "fault 6: seconds = 1000",
    ):  # fmt: skip
        assert expected in words


@pytest.mark.parametrize("text", ["", "{}", "[", "[1", "\xff", "nonsense"])
def test_what_is_no_list_of_faults_is_one_clear_error(tmp_path, text):
    path = tmp_path / "faults.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(InputError, match="expected a JSON list of faults"):
        read_faults(path)


def test_faults_that_a_rig_cannot_have_are_refused():
    faults = [fault("sr860", 0, "late"), fault(LOCK_IN, 0, "quench"), fault(KEPCO, 0, "overload")]
    with pytest.raises(InputError) as caught:
        rig_with(*faults)
    assert "'sr860' is not in the rig" in str(caught.value)
    assert "sr830 can't have quench" in str(caught.value)
    assert "kepco-bop can't have overload" in str(caught.value)
    with pytest.raises(InputError, match="two faults at message 3"):
        FaultScript([fault(LOCK_IN, 3, "late"), fault(LOCK_IN, 3, "silence")])


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_made_from_its_name_alone(kind):
    assert fault(LOCK_IN, 0, kind).kind == kind


@given(st.floats(-36.0, 36.0), st.integers(4, 8), st.data())
def test_no_beginning_of_a_kepco_number_is_one(value, digits, data):
    text = exponent_form(value if abs(value) > 1e-9 else 0.0, digits)
    assert numbers_of(text, 1, NUMBER) == [float(text)]
    cut = data.draw(st.integers(0, len(text) - 1))
    assert numbers_of(text[:cut], 1, NUMBER) is None


@given(st.lists(st.floats(-1e-3, 1e-3), min_size=2, max_size=2), st.data())
def test_no_part_of_a_doubled_reading_is_a_reading(values, data):
    texts = [f"{value:.7g}" for value in values]
    reply = ",".join(texts + texts)
    assert numbers_of(reply, 2, copies=2) == [float(text) for text in texts]
    cut = data.draw(st.integers(0, len(reply) - 1))
    assert numbers_of(reply[:cut], 2, copies=2) is None
    at = data.draw(st.integers(0, len(reply) - 1))
    other = data.draw(st.sampled_from("0123456789.-e,").filter(lambda c: c != reply[at]))
    assert numbers_of(reply[:at] + other + reply[at + 1 :], 2, copies=2) is None


def test_settings_that_changed_are_named_and_a_measured_one_may_wobble():
    kept = KeptSettings()
    assert kept.differences({"lockin": {"sensitivity_V": 1.0}}) == []
    kept.keep({"lockin": {"sensitivity_V": 2e-4, "frequency_Hz": 37.0, "input": "A"}})
    now = {"lockin": {"sensitivity_V": 1.0, "frequency_Hz": 37.01, "input": "A"}}
    assert kept.differences(now) == ["lockin: sensitivity_V was 0.0002, now 1.0"]


def test_a_setting_that_is_told_only_while_it_is_on_is_another_when_it_comes_or_goes():
    kept = KeptSettings()
    kept.keep({"meter": {"range_V": 1.0}})
    on = {"meter": {"range_V": 1.0, "null_V": 0.002}}
    assert kept.differences(on) == ["meter: null_V was None, now 0.002"]
    kept.keep(on)
    assert kept.differences({"meter": {"range_V": 1.0}}) == ["meter: null_V was 0.002, now None"]

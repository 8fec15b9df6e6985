"""A query returns the answer to itself, or raises; whatever the instrument and the line do."""

from __future__ import annotations

import statistics
import threading
import time
from unittest.mock import Mock

import pytest
import pyvisa
from pyvisa.ctwrapper import highlevel
from scripted import closed_port, scripted

from instruments.clock import Stop
from instruments.link_errors import Faults, LinkError, WrongInstrumentError
from instruments.visa import VisaSession, resource_manager
from instruments.visa_wire import SLICE_S
from models.errors import StoppedError


def open_session(resource, **options):
    options.setdefault("stop", Stop())
    options.setdefault("timeout_s", 0.3)
    return VisaSession(resource, rm=resource_manager(), name="unit", **options)


def echo(message):
    """Answers a query by its own text without the question mark, a set by nothing."""
    return message.rstrip(b"?") + b"\n" if message.endswith(b"?") else b""


def test_a_write_and_a_query_take_well_under_2_ms():
    with scripted(echo) as instrument:
        session = open_session(instrument.resource)
        times = []
        for _ in range(200):
            begin = time.perf_counter()
            session.write("CURR 1.0")
            session.query("SNAP?")
            times.append(time.perf_counter() - begin)
        session.close()
    # with Nagle's algorithm on, as pyvisa-py leaves it, this is 44 ms
    assert statistics.median(times) < 2e-3


def test_a_reply_in_two_pieces_is_joined_over_a_pause_longer_than_a_slice(monkeypatch):
    monkeypatch.setattr("instruments.visa_wire.SLICE_S", 0.05)
    with scripted(lambda _: [b"1.2345", 0.2, b"6E-3\n"]) as instrument:
        session = open_session(instrument.resource, timeout_s=3.0)
        assert session.number("X?") == pytest.approx(1.23456e-3)
        session.close()


def test_crlf_and_cr_terminators():
    with scripted(lambda m: m + b"\r\n", end=b"\r") as instrument:
        session = open_session(instrument.resource, read_termination="\r\n", write_termination="\r")
        assert session.query("X?") == "X?"
        session.close()


def test_silence_is_an_error_that_names_address_command_and_hint():
    with scripted(lambda _: b"") as instrument:
        session = open_session(instrument.resource)
        begin = time.monotonic()
        with pytest.raises(
            LinkError, match=r"no answer to 'X\?' within 0\.\d+ s.*terminator"
        ) as caught:
            session.query("X?")
        assert time.monotonic() - begin < 5.0
        assert caught.value.resource == instrument.resource
        assert caught.value.command == "X?"
        assert str(caught.value).startswith(f"unit ({instrument.resource})")
        session.close()


def test_silence_of_one_that_has_answered_blames_no_terminator():
    with scripted(lambda m: b"" if m == b"MUTE?" else echo(m)) as instrument:
        session = open_session(instrument.resource)
        assert session.query("X?") == "X"
        with pytest.raises(LinkError, match=r"It has answered before.*`timeout_s`") as caught:
            session.query("MUTE?")
        assert "terminator" not in str(caught.value)
        session.close()


def test_a_reply_without_its_end_is_an_error_that_quotes_it():
    with scripted(lambda _: b"1.23") as instrument:
        session = open_session(instrument.resource)
        with pytest.raises(LinkError, match=r"answered '1.23'.*did not end it with") as caught:
            session.number("X?")
        assert caught.value.reply == "1.23"
        session.close()


def test_a_late_reply_never_answers_the_next_query():
    identified = []

    def answer(message):
        return [0.5, b"late\n"] if message == b"SLOW?" else echo(message)

    with scripted(answer) as instrument:
        session = open_session(instrument.resource, timeout_s=0.2)
        session.identify = lambda: identified.append(session.query("*IDN?"))
        with pytest.raises(LinkError, match="no answer to 'SLOW"):
            session.query("SLOW?")
        time.sleep(0.5)  # the late reply is in the socket now
        assert session.query("X?") == "X"
        assert identified == ["*IDN"]
        session.close()


def test_a_reply_that_comes_while_the_link_is_drained_for_it_does_not_pass_as_identity():
    """Later than the drain waits: the identity check meets it, and the link is opened anew."""

    def answer(message):
        return [0.55, b"late\n"] if message == b"SLOW?" else echo(message)

    with scripted(answer) as instrument:
        session = open_session(instrument.resource, timeout_s=0.3)

        def identify():
            reply = session.query("*IDN?")
            if reply != "*IDN":
                raise session.wrong_instrument(reply, "*IDN")

        session.identify = identify
        with pytest.raises(LinkError):
            session.query("SLOW?")
        assert session.query("X?") == "X"
        assert instrument.connections == 2
        session.close()


def test_one_whose_every_reply_is_slow_is_spoken_to_again_after_a_query_that_stop_ended(
    monkeypatch,
):
    """As a supply on its way to zero: slower than an instrument is given to identify itself."""
    monkeypatch.setattr("instruments.visa_wire.SLICE_S", 0.05)
    monkeypatch.setattr("instruments.visa.IDENTIFY_S", 0.1)
    stop = Stop()

    def answer(message):
        if message == b"MEAS:CURR?":
            stop.request()
        return [0.25, message.rstrip(b"?") + b"\n"]

    with scripted(answer) as instrument:
        session = open_session(instrument.resource, stop=stop, timeout_s=5.0)

        def identify():
            if (reply := session.query("*IDN?")) != "*IDN":
                raise session.wrong_instrument(reply, "*IDN")

        session.identify = identify
        identify()
        with pytest.raises(StoppedError):
            session.query("MEAS:CURR?")
        with stop.shield():
            assert session.query("CURR?") == "CURR"
        session.close()


def test_bytes_that_nobody_asked_for_spoil_the_next_query_once():
    with scripted(lambda m: b"1\n2\n" if m == b"TWICE?" else echo(m)) as instrument:
        session = open_session(instrument.resource)
        assert session.query("TWICE?") == "1"
        with pytest.raises(LinkError, match=r"sent '2\\n' which nobody asked for"):
            session.query("X?")
        assert session.query("X?") == "X"
        assert b"X?" in instrument.heard
        session.close()


def test_stop_ends_a_read_within_a_slice_and_nothing_is_sent_behind_it():
    stop = Stop()
    with scripted(lambda m: [5.0, b"late\n"] if m == b"SLOW?" else echo(m)) as instrument:
        session = open_session(instrument.resource, stop=stop, timeout_s=30.0)
        threading.Timer(0.1, stop.request).start()
        begin = time.monotonic()
        with pytest.raises(StoppedError):
            session.query("SLOW?")
        assert time.monotonic() - begin < 0.1 + SLICE_S + 2.0  # its reply comes after 5 s
        with pytest.raises(StoppedError):
            session.query("X?")
        assert b"X?" not in instrument.heard
        session.close()


def test_a_shielded_thread_talks_on_after_stop():
    stop = Stop()
    with scripted(echo) as instrument:
        session = open_session(instrument.resource, stop=stop)
        stop.request()
        with stop.shield():
            assert session.query("X?") == "X"
        session.close()


def test_a_closed_port_is_an_error_at_open():
    port = closed_port()
    with pytest.raises(LinkError, match="nothing listens") as caught:
        open_session(f"TCPIP0::127.0.0.1::{port}::SOCKET")
    assert "port" in caught.value.hint


def test_a_peer_that_closes_is_noticed_at_once_without_burning_the_time_out():
    with scripted(lambda _: [b"1.2", None]) as instrument:
        session = open_session(instrument.resource, timeout_s=20.0)
        begin, cpu = time.monotonic(), time.process_time()
        with pytest.raises(LinkError, match="the connection broke at 'X") as caught:
            session.query("X?")
        assert time.monotonic() - begin < 10.0
        assert time.process_time() - cpu < 1.0
        assert caught.value.reply == "1.2"
        session.close()


def test_reconnects_and_identifies_when_the_instrument_is_back():
    with scripted(echo) as instrument:
        port = instrument.port
        session = open_session(instrument.resource)
        seen = []
        session.identify = lambda: seen.append(session.query("*IDN?"))
        assert session.query("X?") == "X"
    for _ in range(3):  # gone: every use is an error, none hangs
        with pytest.raises(LinkError):
            session.query("X?")
    assert not seen
    with scripted(echo, port=port):
        assert session.query("X?") == "X"
        assert seen == ["*IDN"]
    session.close()


def test_another_instrument_after_a_reconnect_is_refused():
    with scripted(echo) as instrument:
        port = instrument.port
        session = open_session(instrument.resource)

        def identify():
            reply = session.query("*IDN?")
            if reply != "*IDN":
                raise session.wrong_instrument(reply, "*IDN")

        session.identify = identify
    with pytest.raises(LinkError):
        session.query("X?")
    with (
        scripted(lambda _: b"OTHER,MODEL\n", port=port),
        pytest.raises(WrongInstrumentError, match="OTHER,MODEL"),
    ):
        session.query("X?")
    session.close()


def test_threads_get_their_own_answers():
    wrong = []
    with scripted(echo) as instrument:
        session = open_session(instrument.resource, timeout_s=5.0)

        def ask(thread):
            for i in range(150):
                if session.query(f"T{thread}N{i}?") != f"T{thread}N{i}":
                    wrong.append((thread, i))

        threads = [threading.Thread(target=ask, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        session.close()
    assert not wrong


@pytest.mark.parametrize("reply", [b"nan", b"inf", b"1,2", b"12E", b"", b"\xfc\xff"])
def test_what_is_no_number_is_an_error_and_the_link_is_identified_before_its_next_use(reply):
    with scripted(lambda m: reply + b"\n" if m == b"X?" else echo(m)) as instrument:
        session = open_session(instrument.resource)
        session.identify = lambda: session.query("*IDN?")
        with pytest.raises(LinkError, match="expected"):
            session.number("X?")
        assert session.query("Y?") == "Y"
        assert instrument.heard[-2:] == [b"*IDN?", b"Y?"]
        session.close()


def test_a_closed_session_says_so():
    with scripted(echo) as instrument:
        session = open_session(instrument.resource)
        session.close()
        session.close()
        with pytest.raises(LinkError, match="the session is closed"):
            session.query("X?")


def test_a_session_closed_by_another_thread_ends_the_read_with_an_error():
    with scripted(lambda _: b"") as instrument:
        session = open_session(instrument.resource, timeout_s=3.0)
        threading.Timer(0.1, session.close).start()
        with pytest.raises(LinkError):
            session.query("X?")


@pytest.mark.parametrize("ask", ["query", "query_block"])
@pytest.mark.parametrize("fault", ["closed", "refused"])
def test_a_link_that_breaks_behind_a_message_is_told_as_every_other(ask, fault, monkeypatch):
    with scripted(lambda _: b"") as instrument:
        session = open_session(instrument.resource, timeout_s=0.5)
        send = session._send

        def sent(command):
            send(command)
            if fault == "closed":  # by another thread
                session.close()
            else:  # an installed VISA whose device was unplugged
                gone = pyvisa.VisaIOError(pyvisa.constants.StatusCode.error_connection_lost)
                for name in ("block", "receive"):
                    monkeypatch.setattr(session._port, name, Mock(side_effect=gone))

        monkeypatch.setattr(session, "_send", sent)
        with pytest.raises(LinkError, match="the connection broke at 'X"):
            getattr(session, ask)("X?")
        session.close()


def test_every_message_reaches_the_wire_log():
    seen = []
    with scripted(lambda m: [b"1", 0.05, b"2\n"] if b"?" in m else b"") as instrument:
        session = open_session(
            instrument.resource,
            wire_log=lambda *entry: seen.append(entry),
            device_s=lambda: 42.0,
            timeout_s=2.0,
        )
        session.write("SET 1")
        assert session.query("X?") == "12"
        session.close()
    assert [(name, way, data) for _, _, name, way, data in seen] == [
        ("unit", "out", b"SET 1\n"),
        ("unit", "out", b"X?\n"),
        ("unit", "in", b"1"),
        ("unit", "in", b"2\n"),
    ]
    assert all(abs(host_s - time.time()) < 60 and device_s == 42.0 for host_s, device_s, *_ in seen)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ZeroDivisionError()])
def test_whoever_listens_in_and_fails_ends_no_exchange(error, caplog):
    def listen(*_):
        raise error

    with scripted(lambda m: b"12\n" if b"?" in m else b"") as instrument:
        session = open_session(instrument.resource, wire_log=listen)
        session.write("SET 1")
        assert session.query("X?") == "12"
        session.close()
    assert caplog.text.count("unit: its messages are logged no further") == 1


@pytest.mark.parametrize("full_disk", [False, True])
def test_an_installed_visa_is_looked_for_and_pyvisa_py_taken_where_none_is_found(
    full_disk, monkeypatch
):
    asked = []

    def find(name):
        asked.append(name)
        if full_disk:  # the linker is asked by way of a temporary file
            raise OSError(28, "No space left on device")

    monkeypatch.delenv("PYVISA_LIBRARY", raising=False)
    monkeypatch.setattr("instruments.visa._libraries", {})
    monkeypatch.setattr(highlevel, "find_library", find)
    assert type(resource_manager().visalib).__module__.startswith("pyvisa_py")
    assert "visa" in asked
    assert highlevel.find_library is find
    first = len(asked)  # of a process: PyVISA starts three processes for each name
    resource_manager()
    assert len(asked) == (2 * first if full_disk else first)


def test_an_installed_visa_that_was_found_is_found_again_when_its_disk_is_gone(monkeypatch):
    monkeypatch.setattr("instruments.visa._libraries", {})
    monkeypatch.setattr(pyvisa, "ResourceManager", lambda: highlevel.find_library("visa"))
    for still_there in ({"visa": "/opt/libvisa.so"}, {}):  # a watchdog loads it, and needs it later
        monkeypatch.setattr(highlevel, "find_library", still_there.get)
        assert resource_manager() == "/opt/libvisa.so"


@pytest.mark.parametrize("timeout_s", [0.0, -1.0, float("inf"), float("nan")])
def test_an_endless_time_out_is_refused(timeout_s):
    with pytest.raises(ValueError, match="timeout_s"):
        open_session("TCPIP0::127.0.0.1::1::SOCKET", timeout_s=timeout_s)


def test_silence_of_a_rig_in_this_process_names_no_time():
    at_once = Faults("x", "TCPIP0::virtual-x::5025::SOCKET").silent(
        "X?", "", b"\n", 2e-5, spoke=True
    )
    assert "no answer to 'X?'. It has answered before" in str(at_once)

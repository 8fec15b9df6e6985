"""The virtual adapter answers as the Prologix manual has it, command by command."""

from __future__ import annotations

import socket
import time
from contextlib import contextmanager

import pytest
from served import served

from instruments.virtual.faults import FaultScript, fault
from instruments.virtual.prologix import VERSION

ALL = ("kepco-bop", "sr830", "lakeshore-475")
KEPCO, LOCKIN, PROBE = 1, 2, 3


class Client:
    """A program that talks to the adapter's port, byte by byte."""

    def __init__(self, rig):
        self.rig = rig
        port = int(rig.adapter.split("::")[2])
        self._link = socket.create_connection(("127.0.0.1", port), timeout=5)

    def put(self, *lines: bytes) -> None:
        for line in lines:
            self._link.sendall(line + b"\n")

    def asked(self, *lines: bytes) -> bytes:
        """What is said to these lines, which are carried out before the `++ver` behind them."""
        self.put(*lines, b"++ver")
        end, heard = VERSION.encode() + b"\r\n", b""
        while heard.count(end) < 1 + lines.count(b"++ver"):
            heard += self._link.recv(4096)
        assert heard.endswith(end)
        return heard.removesuffix(end)

    def close(self):
        self._link.close()


@contextmanager
def adapter(**options):
    with served(ALL, prologix=ALL, **options) as rig:
        client = Client(rig)
        try:
            yield client
        finally:
            client.close()


def at(address: int) -> bytes:
    return f"++addr {address}".encode()


TRANSCRIPT = [
    ([b"++ver"], VERSION.encode() + b"\r\n"),
    ([b"++addr"], b"1\r\n"),
    ([b"++addr 2", b"++addr"], b"2\r\n"),
    ([b"++addr 31"], b"Unrecognized command\r\n"),
    ([b"++auto"], b"0\r\n"),
    ([b"++mode", b"++eoi", b"++eos"], b"1\r\n1\r\n0\r\n"),
    ([b"++read_tmo_ms 3001"], b"Unrecognized command\r\n"),
    ([b"++read_tmo_ms 250", b"++read_tmo_ms"], b"250\r\n"),
    ([b"++eot_char 42", b"++eot_char", b"++eot_enable"], b"42\r\n0\r\n"),
    ([b"++srq"], b"0\r\n"),
    ([b"++bogus"], b"Unrecognized command\r\n"),
    ([b"++trg", b"++loc", b"++llo", b"++ifc", b"++savecfg 0"], b""),
    ([at(LOCKIN), b"HARM?"], b""),
    ([at(LOCKIN), b"HARM?", b"++read eoi"], b"2\n"),
    ([at(PROBE), b"*IDN?", b"++read eoi"], b"LSCI,MODEL475,4750042,1.0\r\n"),
    ([at(LOCKIN), b"++auto 1", b"HARM?"], b"2\n"),
    ([b"++eot_enable 1", b"++eot_char 4", at(LOCKIN), b"HARM?", b"++read eoi"], b"2\n\x04"),
    ([at(29), b"*IDN?", b"++read eoi", b"++addr"], b"29\r\n"),
]


@pytest.mark.parametrize(("lines", "reply"), TRANSCRIPT, ids=lambda value: repr(value)[:50])
def test_each_command_of_the_manual(lines, reply):
    with adapter() as client:
        client.put(b"++read_tmo_ms 100")
        assert client.asked(*lines) == reply


def test_what_the_adapter_would_take_for_itself_goes_through_behind_an_escape():
    with adapter() as client:
        client.put(at(LOCKIN), b"PHAS \x1b+30;\x1b\n", b"PHAS?")
        assert client.asked(b"++read eoi") == b"30\n"
        assert b"PHAS +30;\n" in client.rig.sent("sr830")
        client._link.sendall(b"PHAS 1\x1b")  # an escape at the end of what has come
        time.sleep(0.05)
        assert client.asked(b"+", b"PHAS?", b"++read eoi") == b"30\n"


def test_an_instrument_that_was_not_read_says_the_newer_reply_only():
    with adapter() as client:
        assert client.asked(at(LOCKIN), b"HARM?", b"OFLT?", b"++read eoi") == b"6\n"


def test_a_serial_poll_says_that_a_reply_waits_and_a_clear_drops_it():
    with adapter() as client:
        assert client.asked(at(LOCKIN), b"++spoll") == b"0\r\n"
        assert client.asked(b"HARM?", b"++spoll", b"++spoll 1") == b"16\r\n0\r\n"
        assert client.asked(b"++clr", b"++spoll") == b"0\r\n"


def test_an_sr830_ends_each_line_with_eoi_but_a_binary_one():
    with adapter() as client:
        client.put(b"++eot_enable 1", b"++eot_char 4", at(LOCKIN), b"HARM?;OFLT?")
        assert client.asked(b"++read eoi") == b"2\n\x04"
        assert client.asked(b"++read eoi") == b"6\n\x04"


def test_a_message_without_end_is_none():
    with adapter() as client:
        client.put(b"++eoi 0", b"++eos 3", at(LOCKIN), b"HA", b"RM?", b"++eos 2")
        assert client.asked(b"") == b""
        client.put(b"")
        assert client.asked(b"++eoi 1", b" ", b"++read eoi") == b"2\n"


def test_what_follows_a_read_waits_for_it_and_it_is_given_up_after_its_time():
    with adapter() as client:
        client.put(b"++read_tmo_ms 400", at(LOCKIN))
        begin_s = time.monotonic()
        assert client.asked(b"++read eoi", b"++addr") == b"2\r\n"
        assert 0.4 <= time.monotonic() - begin_s < 5.0


def test_a_reply_in_two_pieces_is_one_message():
    script = FaultScript([fault("sr830", 0, "two-pieces", seconds=0.3)])
    with adapter(faults=script) as client:
        client.put(b"++read_tmo_ms 500", b"++eot_enable 1", b"++eot_char 4", at(LOCKIN))
        heard = client.asked(b"*IDN?", b"++read eoi")
    assert heard.startswith(b"Stanford")
    assert heard.endswith(b"ver1.07\n\x04")

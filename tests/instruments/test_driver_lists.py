"""The Kepco's list and the SR830's buffer: transcripts of bytes sent and answered."""

from __future__ import annotations

import numpy as np
import pytest
from scripted import transcript

from instruments.drivers.kepco_bop import KepcoBop
from instruments.drivers.kepco_list import LINE_LIMIT, lines
from instruments.drivers.sr830 import SR830
from instruments.drivers.sr830_buffer import AT_ONCE, Sr830Buffer
from instruments.link_errors import LinkError
from models.errors import TwinrigError

LOADED = (
    (b"LIST:CLE", b""), (b"LIST:CURR 1.000000,-2.500000", b""), (b"LIST:CURR:POIN?", b"2"),
    (b"LIST:DWEL 0.027028", b""), (b"LIST:COUN 1", b""), (b"SYST:ERR?", b'0,"No error"'),
    (b"LIST:QUER 0", b""), (b"LIST:CURR?", b"1.0E0,-2.5E0"), (b"LIST:QUER 0", b""),
    (b"LIST:DWEL?", b"2.7028E-2"), (b"LIST:COUN?", b"1"),
)  # fmt: skip
ARMED = (
    (b"PAUS", b""), (b"DDEF 1,0,0", b""), (b"DDEF? 1", b"0,0"), (b"DDEF 2,0,0", b""),
    (b"DDEF? 2", b"0,0"), (b"SRAT 13", b""), (b"SEND 0", b""), (b"TSTR 0", b""), (b"REST", b""),
    (b"SRAT?", b"13"), (b"SEND?", b"0"), (b"TSTR?", b"0"), (b"SPTS?", b"0"),
)  # fmt: skip


def test_a_list_is_loaded_read_back_started_and_watched():
    with transcript(
        *LOADED,
        (b"CURR:MODE LIST", b""),
        (b"CURR:MODE?", b"LIST"),
        (b"CURR:MODE?", b"FIX"),
    ) as session:
        program = KepcoBop("x", session, {}).list
        program.load([(1.0, 0.027028), (-2.5, 0.027028)])
        program.start()
        assert program.running()
        assert not program.running()


def test_dwells_of_their_own_are_sent_a_point():
    exchanges = list(LOADED)
    exchanges[3] = (b"LIST:DWEL 0.027028,0.020000", b"")
    exchanges[9] = (b"LIST:DWEL?", b"2.7028E-2,2.0E-2")
    with transcript(*exchanges) as session:
        KepcoBop("x", session, {}).list.load([(1.0, 0.027028), (-2.5, 0.02)])


@pytest.mark.parametrize(
    ("at", "reply", "error", "match"),
    [
        (2, b"1", LinkError, "expected 2"),
        (
            5,
            b'-223,"Too much data"',
            TwinrigError,
            r"-223 .*\(after .* 2 points, -2\.5 A to 1 A",
        ),
        (7, b"1.0E0,-2.4E0", LinkError, r"-2.4.*expected -2\.500000 as point 1"),
        (7, b"1.0E0", LinkError, "expected 2 number"),
        (9, b"2.7E-2", LinkError, r"expected 0\.027028 as point 0"),
        (10, b"0", LinkError, "expected 1"),
    ],
)
def test_a_list_that_is_not_as_it_was_sent_is_told(at, reply, error, match):
    exchanges = [*LOADED[:at], (LOADED[at][0], reply)]
    if at == 5:
        exchanges.append((b"SYST:ERR?", b'0,"No error"'))
    with transcript(*exchanges) as session, pytest.raises(error, match=match):
        KepcoBop("x", session, {}).list.load([(1.0, 0.027028), (-2.5, 0.027028)])


def test_lines_are_as_long_as_the_card_takes_and_lose_nothing():
    values = [f"{-i / 7:.6f}" for i in range(1002)]
    sent = list(lines("LIST:CURR ", values))
    assert max(map(len, sent)) <= LINE_LIMIT
    assert [v for line in sent for v in line.removeprefix("LIST:CURR ").split(",")] == values


def test_a_buffer_is_armed_filled_and_fetched():
    with transcript(
        *ARMED,
        (b"STRT", b""),
        (b"SPTS?", b"3"),
        (b"PAUS", b""),
        (b"TRCA? 1,0,3", b"1e-05,2e-05,3e-05,"),
        (b"TRCA? 2,0,3", b"-1e-06,0,1e-06,"),
    ) as session:
        buffer = SR830("lockin", session, {"channels": ("X", "Y")}).buffer
        buffer.arm(512.0)
        buffer.start()
        assert buffer.count() == 3
        buffer.stop()
        np.testing.assert_array_equal(buffer.fetch(3), [[1e-5, -1e-6], [2e-5, 0.0], [3e-5, 1e-6]])


def test_a_long_buffer_is_fetched_in_parts_from_the_display_of_its_channel():
    part, rest = b"1," * AT_ONCE, b"2," * 7
    with transcript(
        (f"TRCA? 2,0,{AT_ONCE}".encode(), part), (f"TRCA? 2,{AT_ONCE},7".encode(), rest)
    ) as session:
        buffer = SR830("lockin", session, {"channels": ("theta",)}).buffer
        found = buffer.fetch(AT_ONCE + 7)
    assert found.shape == (AT_ONCE + 7, 1)
    assert found.sum() == AT_ONCE + 14


def test_on_a_serial_line_the_parts_are_as_long_as_the_line_carries_within_the_time_out():
    asked = []

    class SerialSession:
        resource_name, timeout_s = "ASRL3::INSTR", 2.0

        def query(self, command):
            first, count = map(int, command.split(",")[1:])
            asked.append(first)
            value = f"{-1.2345678e-05:.7g},"
            assert len(value) * count * 10 / 9600 < self.timeout_s - 1.0  # 9600 baud
            return value * count

    session = SerialSession()
    found = Sr830Buffer(session, ("X",)).fetch(250)
    assert asked == [0, 100, 200]
    assert found.shape == (250, 1)
    assert session.timeout_s == 2.0


@pytest.mark.parametrize("reply", [b"1e-05,2e-0", b"1e-05,", b"1e-05,2e-05,3e-05,", b"1,x,", b""])
def test_a_trace_that_was_cut_is_none(reply):
    exchange = (b"TRCA? 1,0,2", reply or b",")
    with transcript(exchange) as session, pytest.raises(LinkError, match="expected 2 numbers"):
        SR830("lockin", session, {"channels": ("X",)}).buffer.fetch(2)


def test_a_rate_that_did_not_arrive_is_told():
    exchanges = [*ARMED[:9], (b"SRAT?", b"4")]
    with transcript(*exchanges) as session, pytest.raises(LinkError, match="expected 13"):
        SR830("lockin", session, {"channels": ("X", "Y")}).buffer.arm(512.0)


def test_two_channels_of_one_display_can_not_be_stored():
    with transcript() as session:
        assert SR830("lockin", session, {"channels": ("R", "theta")}).buffer.problems() == []
        (words,) = SR830("lockin", session, {"channels": ("Y", "theta")}).buffer.problems()
    assert "one of Y, theta, not Y+theta: change the bench key channels" in words

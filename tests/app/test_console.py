"""The console of one instrument: what is sent, what is answered, what a supply is never told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from app.library.library import Library
from app.operations.console import send
from app.operations.instrument_care import check_one, reconnect_each, reconnect_one
from app.session import Session
from app.wire_tail import WireTail
from instruments.bench import Bench
from instruments.bench_file import read_bench
from instruments.console import refusal
from instruments.link_errors import LinkError
from models.errors import InputError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SPEC = read_bench("virtual")


@pytest.fixture
def tail() -> WireTail:
    return WireTail()


@pytest.fixture
def bench(tail: WireTail) -> Iterator[Bench]:
    with Bench.connect(SPEC, wire_log=tail) as made:
        yield made


def test_a_query_is_answered_and_a_write_is_taken(bench: Bench) -> None:
    answer = send(bench, "x", " *IDN? ")
    assert answer.reply is not None
    assert answer.reply.startswith("KEPCO")
    before = send(bench, "lockin", "SENS?").reply
    assert send(bench, "lockin", "SENS 20").reply is None
    assert send(bench, "lockin", "SENS?").reply == "20" != before


@pytest.mark.parametrize(
    "command",
    [
        "CURR 5", "CURR?;CURR 5", "CURR 5;CURR?", "OUTP ON", "OUTP 1;*IDN?", "*RST", "DIAG:TST?",
        "*TST?", "CAL:DATA?", "VOLT 3", "CURR? MAX;:CURR 1", "LIST:CURR 1,2,3", "CURR:MODE LIST",
        "FUNC:MODE VOLT", "MEAS:CURR?,CURR 3",
    ],
)  # fmt: skip
def test_a_supply_is_asked_and_never_told(bench: Bench, tail: WireTail, command: str) -> None:
    count = tail.count
    with pytest.raises(RefusedError, match="nothing was sent"):
        send(bench, "x", command)
    assert tail.count == count


@pytest.mark.parametrize("name", ["x", "lockin"])
def test_a_question_that_an_instrument_does_not_know_is_not_put_down_to_its_power(
    bench: Bench, name: str
) -> None:
    with pytest.raises(LinkError, match=r"no answer to 'FOO\?'.* names itself: .* manual"):
        send(bench, name, "FOO?")
    assert send(bench, name, "*IDN?").reply


@pytest.mark.parametrize("name", ["x", "lockin"])
@pytest.mark.parametrize(
    "command", ["", "*IDN?\nCURR 5", "*IDN?\rCURR 5", "µ?", "++addr 6", "A" * 300]
)
def test_one_line_of_plain_text_and_no_more(bench: Bench, name: str, command: str) -> None:
    with pytest.raises(RefusedError):
        send(bench, name, command)


@pytest.mark.parametrize(
    "command", ["CURR?", "MEAS:CURR?", "FUNC:MODE?;OUTP?", "SYST:ERR?", "volt?"]
)
def test_plain_queries_of_a_supply_are_sent(command: str) -> None:
    assert refusal(SPEC, "x", command) is None


@pytest.mark.parametrize(
    ("driver", "asks", "acts"),
    [
        ("mercury-ips", "READ:DEV:GRPZ:PSU:SIG:CURR", "SET:DEV:GRPZ:PSU:SIG:CSET:1"),
        ("danfysik-8500", "DA 0", "DA 0,500000"),
        ("danfysik-8500", "S1", "N"),
        ("keithley-2400", ":SOUR:CURR?", ":READ?"),
        ("keithley-2400", "*IDN?", ":MEAS:CURR?"),
        ("ami-430", "STATE?", "RAMP"),
        ("somebody-elses", "*IDN?", "GO 5"),
    ],
)
def test_each_family_of_supplies_is_only_asked(driver: str, asks: str, acts: str) -> None:
    magnets = {"x": replace(SPEC.magnets["x"], driver=driver)}
    spec = replace(SPEC, magnets=magnets)
    assert refusal(spec, "x", asks) is None
    assert refusal(spec, "x", acts) is not None


def test_an_unknown_instrument_is_named(bench: Bench) -> None:
    with pytest.raises(InputError, match="there are x, lockin"):
        send(bench, "lokin", "*IDN?")


def test_one_instrument_is_tested_and_its_link_opened_again(tmp_path: Path) -> None:
    session = Session(SPEC, Library(tmp_path))
    assert check_one(session, "lockin").ok  # not connected: asked by a link of its own
    session.connect()
    try:
        assert check_one(session, "x").identity.startswith("KEPCO")
        assert reconnect_one(session, "lockin").ok
        assert [one.name for one in reconnect_each(session) if one.ok] == ["x", "lockin"]
        with pytest.raises(InputError):
            check_one(session, "y")
    finally:
        session.close()

"""`bench check` says who answers in what state, or why not; and changes nothing."""

from __future__ import annotations

import pytest
from scripted import closed_port, scripted
from served import served

from instruments.bench_file import read_bench
from instruments.checks import check_bench


@pytest.fixture
def rig():
    with served() as opened:
        yield opened


def by_name(spec):
    return {check.name: check for check in check_bench(spec)}


def test_the_virtual_bench_is_found_well():
    checks = by_name(read_bench("virtual"))
    assert all(check.ok and not check.problem and not check.hint for check in checks.values())
    assert checks["x"].identity.startswith("KEPCO,BIT 4886")
    assert "output off" in checks["x"].found
    assert "harmonic = 2" in checks["lockin"].found


def test_says_what_state_a_supply_was_found_in_and_leaves_it(rig):
    for command in ("CURR 5", "OUTP ON", "CURR 99", "VOLT 4"):
        rig.order("kepco-bop", command)
    rig.rig.time.advance(1.0)
    found = by_name(rig.spec())["x"].found
    for words in ("output on", "4 A measured", "5 A set", "current mode", "rated 12 A"):
        assert words in found
    assert any("voltage limit of 4 V" in words for words in found)
    assert any("-222" in words for words in found)
    supply = rig.rig.instruments["kepco-bop"].supply
    assert (supply.output_on, supply.setpoint_A, supply.setpoint_V) == (True, 5.0, 4.0)


def test_sends_queries_only(rig):
    check_bench(rig.spec())
    orders = [data for _, _, way, data in rig.wire if way == "out" and b"?" not in data]
    assert orders == []


def test_says_overloads(rig):
    rig.order("sr830", "SENS 0")
    rig.order("sr830", "SNAP? 1,2")
    found = by_name(rig.spec())["lockin"].found
    assert any("overload" in words for words in found)


def test_a_limit_beyond_the_supply_is_a_problem_with_a_hint(rig):
    check = by_name(rig.spec(("max_current_A = 11.0", "max_current_A = 15.0")))["x"]
    assert not check.ok
    assert "max_current_A = 15 A is beyond the supply's 12 A" in check.problem
    assert "max_current_A" in check.hint
    assert check.identity


def test_every_failure_has_its_hint_and_the_others_are_checked_all_the_same(rig):
    nothing = f"TCPIP0::127.0.0.1::{closed_port()}::SOCKET"
    checks = by_name(rig.spec((rig.resources["sr830"], nothing)))
    assert checks["x"].ok
    assert not checks["lockin"].ok
    assert "nothing listens" in checks["lockin"].problem
    assert "port" in checks["lockin"].hint


@pytest.mark.parametrize(
    ("answer", "problem", "hint"),
    [
        (b"", "no answer to '*IDN?'", "terminator"),
        (b"KEPCO,BIT 4886 36-12", "did not end it with", "terminator"),
        (b"LSCI,MODEL643,1,1\n", "answered 'LSCI,MODEL643,1,1'", "driver"),
    ],
)
def test_hints_for_what_answers_wrongly(rig, answer, problem, hint):
    with scripted(lambda _: answer) as instrument:
        check = by_name(rig.spec((rig.resources["kepco-bop"], instrument.resource)))["x"]
    assert problem in check.problem
    assert hint in check.hint

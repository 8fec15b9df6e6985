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


def orders(rig):
    """What was sent that asks nothing, unit by unit."""
    sent = [data for *_, way, data in rig.wire if way == "out"]
    return [unit for data in sent for unit in data.split(b";") if b"?" not in unit]


def test_the_virtual_bench_is_found_well():
    checks = by_name(read_bench("virtual"))
    assert all(check.ok and not check.problem and not check.hint for check in checks.values())
    assert checks["x"].identity.startswith("KEPCO,BIT 4886")
    assert "output off" in checks["x"].found
    assert any("stops by: " in words and "output off" in words for words in checks["x"].found)
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


def test_says_overloads(rig):
    rig.order("sr830", "SENS 0")
    rig.order("sr830", "SNAP? 1,2")
    found = by_name(rig.spec())["lockin"].found
    assert any("overload" in words for words in found)


def test_a_limit_beyond_the_supply_is_a_problem_with_a_hint(rig):
    check = by_name(rig.spec(("max_current_A = 11.0", "max_current_A = 15.0")))["x"]
    assert not check.ok
    assert "max_current_A = 15 A is beyond" in check.problem
    assert "12 A" in check.problem
    assert "max_current_A" in check.hint
    assert check.identity


@pytest.mark.parametrize(
    ("was", "typed", "words", "ok"),
    [
        ("field_T = 0.0040", "field_T = 4.0", "reset: 10000 A (4 T) is beyond", False),
        ("high_T = 0.0034", "high_T = 3.4", "highest step: 8500 A (3.4 T) is beyond", True),
        ("per_ampere = 4.0e-4", "per_ampere = 4.0e-7", "reset: 10000 A (0.004 T) is", False),
    ],
)
def test_a_field_typed_in_another_unit_is_told_before_a_run(rig, was, typed, words, ok):
    check = by_name(rig.spec((was, typed)))["x"]
    assert check.ok is ok  # sequences of low drives may still run; none runs without its reset
    assert words in check.problem
    assert "in tesla" in check.hint


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
    soon = ("max_current_A", "timeout_s = 0.3\nmax_current_A")
    with scripted(lambda _: answer) as instrument:
        check = by_name(rig.spec((rig.resources["kepco-bop"], instrument.resource), soon))["x"]
    assert problem in check.problem
    assert hint in check.hint


@pytest.mark.parametrize(
    ("found", "words", "hint"),
    [
        (("CURR 5", "OUTP ON"), "its output is on: 5 A flow (2 mT)", "twinrig safe"),
        (("CURR 5",), "is set to 5 A with its output off", "twinrig safe"),
        (("FUNC:MODE VOLT",), "in voltage mode", "switches it to current mode"),
        (("CURR 99", "NONSENSE"), "had reported -222", "emptied the queue"),
        (("CURR 12", "OUTP ON"), "beyond max_current_A = 11 A", "hands off"),
    ],
)
def test_what_a_supply_is_found_in_is_remarked_with_what_to_do(rig, found, words, hint):
    for order in found:
        rig.order("kepco-bop", order)
    rig.rig.time.advance(1.0)
    check = by_name(rig.spec())["x"]
    assert check.ok  # a run begins from there by itself
    (remark,) = [one for one in check.findings if words in one.words]
    assert hint in remark.hint
    assert words in check.problem
    assert hint in check.hint


def test_a_voltage_limit_other_than_the_bench_files_is_remarked(rig):
    rig.order("kepco-bop", "VOLT 20")
    keyed = ("max_ramp_A_per_s = 2000.0", "max_ramp_A_per_s = 2000.0\ncompliance_V = 30.0")
    check = by_name(rig.spec(keyed))["x"]
    assert check.ok
    assert "voltage limit is 20 V, the bench file says 30 V" in check.problem
    assert "compliance_V = 20" in check.found


def test_a_voltage_limit_beyond_the_supply_is_a_problem(rig):
    keyed = ("max_ramp_A_per_s = 2000.0", "max_ramp_A_per_s = 2000.0\ncompliance_V = 40.0")
    check = by_name(rig.spec(keyed))["x"]
    assert not check.ok
    assert "compliance_V = 40 V is beyond" in check.problem
    assert "36 V" in check.problem


def test_a_current_that_a_supply_gives_only_below_its_voltage_limit_is_remarked():
    # a 2400 gives 1.05 A up to 21 V and 0.105 A above: a run ended where it went so far
    with served(("keithley-2400", "sr830")) as rig:
        assert "A at most" not in by_name(rig.spec())["x"].problem
        high = ("compliance_V = 21.0", "compliance_V = 100.0")
        asked = by_name(rig.spec(high))["x"]
        low = by_name(rig.spec(high, ("max_current_A = 0.917", "max_current_A = 0.1")))["x"]
        rig.order("keithley-2400", "SENS:VOLT:PROT 150")
        kept = by_name(rig.spec(("compliance_V = 21.0\n", "")))["x"]
    words = "gives 0.105 A at most with a voltage limit above 21 V: the bench allows 0.917 A, its"
    assert asked.ok  # what it drives may stay below
    assert f"{words} voltage limit is 100 V" in asked.problem
    assert "lower `compliance_V`, or the current" in asked.hint
    assert "A at most" not in low.problem
    assert f"{words} voltage limit is 150 V" in kept.problem


def test_a_window_that_the_set_points_do_not_resolve_is_remarked(rig):
    # ampere per tesla for tesla per ampere: every step of a run was set to the same microampere
    ratio = ("tesla_per_ampere = 4.0e-4", "tesla_per_ampere = 2500.0")
    assert "drives that differ may be one current" not in by_name(rig.spec())["x"].problem
    check = by_name(rig.spec(ratio))["x"]
    assert check.ok
    assert (
        "from drive 0 to 1 its current changes by 4.8e-07 A, 0.48 of the 1e-06 A" in check.problem
    )
    assert "not ampere a tesla" in check.hint


@pytest.mark.parametrize(
    ("model", "found", "words", "hint"),
    [
        ("keithley-2182a", "SENS:FUNC 'TEMP'", "measures temperature", "Press DCV1"),
        ("keithley-2182a", "TRIG:SOUR BUS", "waits for a bus trigger", "IMM or EXT"),
        ("keithley-2182a", "CALC:STAT ON", "computes mX+b or %", "mX+b and % off"),
        ("keysight-34465a", 'FUNC "RES"', "measures resistance", "Press DCV"),
        ("keysight-34465a", "TRIG:SOUR BUS", "waits for a bus trigger", "IMM or EXT"),
        ("keysight-34465a", "CALC:SCAL ON", "scales its readings", "Math off"),
        ("keysight-34465a", "VOLT:ZERO:AUTO ON", "is below the 0.00082 s that", "autozero off"),
        ("keysight-pna", "TRIG:SOUR MAN", "waits for a manual trigger", "internal"),
        ("keysight-pna", "OUTP OFF", "has its RF power off", "Switch it on"),
        ("keysight-pna", "SENS:SWE:TYPE LOG", "sweeps logarithmic", "linear sweep"),
    ],
)
def test_a_read_out_that_no_run_begins_with_is_told_by_the_check(model, found, words, hint):
    # each was "ok" here, and refused by the run
    with served(("kepco-bop", model)) as rig:
        (before,) = [check for check in check_bench(rig.spec()) if check.driver == model]
        rig.order(model, found)
        (check,) = [check for check in check_bench(rig.spec()) if check.driver == model]
    assert before.ok
    assert not check.ok
    assert words in check.problem
    assert hint in check.hint


def test_units_and_limits_are_read_back(rig):
    rig.order("sr830", "SENS 20")
    checks = by_name(rig.spec())
    assert "bench limits 11 A, 4.4 mT, 2000 A/s" in checks["x"].found
    assert "reads X in V, Y in V" in checks["lockin"].found
    assert "sensitivity_V = 0.01" in checks["lockin"].found


def test_a_lock_in_that_measures_a_current_is_remarked(rig):
    rig.order("sr830", "ISRC 2")
    check = by_name(rig.spec())["lockin"]
    assert check.ok
    assert "measures a current, its values are in A" in check.problem
    assert "reads X in A, Y in A" in check.found


def test_a_supply_that_another_input_programs_is_told_what_a_run_does_about_it():
    with served(("lakeshore-643", "sr830")) as rig:
        rig.order("lakeshore-643", "XPGM 1")
        check = by_name(rig.spec())["x"]
    assert "is programmed by its external input" in check.problem
    assert "A run switches it to internal programming" in check.hint  # "no run begins so" before
    assert "No run begins so" not in check.hint


@pytest.mark.parametrize("supply", ["ami-430", "mercury-ips"])
def test_a_coil_constant_in_another_unit_than_the_supplys_is_remarked(supply):
    with served((supply, "sr830")) as rig:
        right = by_name(rig.spec())["x"]
        assert "coil constant is" not in right.problem
        wrong = by_name(rig.spec(("tesla_per_ampere = 4.0e-3", "tesla_per_ampere = 4.0e-2")))["x"]
    assert wrong.ok
    assert "its coil constant is 0.004 T/A, the bench file's tesla_per_ampere 0.04" in wrong.problem
    assert "1 kG/A is 0.1 T/A" in wrong.hint


def test_a_served_rig_that_is_gone_is_told_instrument_by_instrument(rig):
    spec = rig.spec()
    rig.stop()
    checks = by_name(spec)
    assert set(checks) == {"x", "lockin", "clock"}
    assert all("nothing listens" in check.problem for check in checks.values())


def test_a_check_of_every_state_sends_queries_only(rig):
    for order in ("CURR 5", "VOLT 20", "FUNC:MODE VOLT", "OUTP ON", "NONSENSE"):
        rig.order("kepco-bop", order)
    for order in ("SENS 0", "SNAP? 1,2", "ISRC 2", "NONSENSE"):
        rig.order("sr830", order)
    rig.wire.clear()
    check_bench(rig.spec())
    assert len(rig.wire) > 40  # some twenty questions, and their answers
    assert orders(rig) == []


LOCK = '[interlock.door]\ninstrument = "lockin"\ninput = "aux1"\nabove_V = 2.0\n[drive]'


def test_a_guard_is_read_and_what_forbids_current_is_remarked():
    with served(("kepco-bop", "sr830", "lakeshore-336")) as rig:
        spec = rig.spec(("[drive]", LOCK))
        rig.rig.instruments["sr830"].aux_in_V[0] = 0.1
        checks = by_name(spec)
        assert checks["coil"].ok
        assert checks["coil"].identity.startswith("LSCI,MODEL336")
        assert any("thermometer coil allows current" in words for words in checks["coil"].found)
        assert checks["lockin"].ok  # the lock-in is well; the door is open
        assert "forbids current: interlock door" in checks["lockin"].problem
        assert "above_V = 2 V" in checks["lockin"].problem
        rig.rig.instruments["lakeshore-336"].broken["A"] = 128
        rig.wire.clear()
        assert "forbids current: thermometer coil" in by_name(spec)["coil"].problem
        assert orders(rig) == []

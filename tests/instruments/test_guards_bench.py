"""Duty, thermometer and interlock of a bench file, on the virtual rig's wire."""

from __future__ import annotations

import numpy as np
import pytest
from served import served
from simulated import check_ramp

from app.operations.runs import energised
from instruments.bench import Bench
from instruments.checks import check_bench
from instruments.virtual.lakeshore_336 import ROOM_K
from models.errors import RefusedError, TwinrigError
from models.sequence import DriveWindow, FieldSequence, Reset

WATER = """
[interlock.water]
instrument = "lockin"
input = "aux1"
above_V = 2.0
"""
HELD = DriveWindow("step", 0.0022, 0.0034, 2.0)


@pytest.fixture
def rig():
    with served(("kepco-bop", "sr830", "lakeshore-336")) as rig:
        rig.text += WATER
        rig.lockin = rig.rig.instruments["sr830"]
        rig.thermometer = rig.rig.instruments["lakeshore-336"]
        yield rig


def no_byte_moved_it(rig):
    return not any(
        data.startswith((b"CURR ", b"OUTP ", b"VOLT ", b"FUNC:MODE ", b"CURR:MODE "))
        for data in rig.sent()
    )


def played(bench, fields_T, window):
    for field_T in fields_T:
        bench.step(field_T, window)


def test_a_served_rig_with_a_thermometer_writes_its_guard():
    with served(("kepco-bop", "sr830", "lakeshore-336")) as rig:
        coil = rig.spec().thermometers["coil"]
        assert (coil.driver, coil.max_K) == ("lakeshore-336", 340.0)


def test_check_shows_the_temperature_and_changes_nothing(rig):
    checks = {check.name: check for check in check_bench(rig.spec())}
    assert checks["coil"].ok
    assert f"temperature_A_K = {ROOM_K:g}" in checks["coil"].found
    assert no_byte_moved_it(rig)


@pytest.mark.parametrize(
    ("hand", "words"),
    [
        (lambda rig: setattr(rig.thermometer, "room_K", 345.0), "thermometer coil reads 345 K"),
        (lambda rig: rig.thermometer.broken.update(A=129), "sensor units over range"),
        (lambda rig: rig.lockin.aux_in_V.__setitem__(0, 0.1), r"interlock water.*reads 0.1 V"),
    ],
)
def test_a_guard_refuses_to_energise_and_names_itself(rig, hand, words):
    rig.order("kepco-bop", "CURR 3")
    hand(rig)
    with Bench.connect(rig.spec()) as bench:
        rig.wire.clear()
        with pytest.raises(RefusedError, match=words):
            bench.energise()
        assert no_byte_moved_it(rig)


@pytest.mark.parametrize(
    ("hand", "words"),
    [
        (lambda rig: setattr(rig.thermometer, "room_K", 345.0), "thermometer coil reads 3"),
        (lambda rig: rig.thermometer.broken.update(A=16), "temperature under range"),
        (lambda rig: rig.lockin.aux_in_V.__setitem__(0, None), r"interlock water.*reads 0 V"),
    ],
)
def test_a_guard_ends_a_run_within_its_second_and_the_magnet_is_walked_down(rig, hand, words):
    slow = ("max_ramp_A_per_s = 2000.0", "max_ramp_A_per_s = 100.0")
    with Bench.connect(rig.spec(slow)) as bench:
        bench.energise()
        bench.step(0.0030, HELD)
        hand(rig)
        begin_s = bench.clock.now_s()
        with pytest.raises(TwinrigError, match=words):
            bench.step(0.0032, HELD)
        assert bench.clock.now_s() - begin_s < 1.5
        rig.wire.clear()
        bench.make_safe()
    assert b"OUTP OFF\n" in rig.sent()
    check_ramp(rig.sets(), 7.5, 100.0)


def test_a_coil_that_warms_ends_the_run_before_it_is_hotter_than_allowed(rig):
    hot = DriveWindow("step", 0.0022, 0.0040, 20.0)
    with Bench.connect(rig.spec(("max_K = 340.0", "max_K = 310.0"))) as bench:
        bench.energise()
        with pytest.raises(TwinrigError, match="max_K = 310 K"):
            played(bench, [0.0040] * 100, hot)
        kelvin = bench.thermometers["coil"].kelvin("A")
    assert 309.0 < kelvin < 310.6  # 0.4 K/s at 10 A: within a second


DUTY = (
    "max_ramp_A_per_s = 2000.0",
    "max_ramp_A_per_s = 2000.0\nmax_duty_A2s = 2000\nduty_window_s = 60",
)


def test_a_plan_that_must_break_the_duty_is_refused_before_a_byte(rig):
    with Bench.connect(rig.spec(DUTY)) as bench:
        rig.wire.clear()
        reset = Reset(0.0040, 1.0)
        light = [FieldSequence(np.zeros(10))]  # 5.5 A for 20 s: 605 A²s, reset 100 A²s
        bench.check_sequences(light, HELD, reset)
        with pytest.raises(RefusedError, match=r"I²t over 60 s would reach.*max_duty_A2s = 2000"):
            bench.check_sequences(light * 3, HELD, reset)
        with pytest.raises(RefusedError, match="max_duty_A2s"):
            bench.check_sequences([FieldSequence(np.ones(20))], HELD, reset)
        assert rig.sent() == []


def test_what_was_foreseen_as_allowed_is_played_and_what_was_refused_would_have_ended(rig):
    reset, steps = Reset(0.0040, 1.0), [0.0, 1.0, 0.5] * 10
    longest = 0
    with Bench.connect(rig.spec(DUTY)) as bench:
        for count in range(1, 31):
            try:
                bench.check_sequences([FieldSequence(np.array(steps[:count]))], HELD, reset)
            except RefusedError:
                break
            longest = count
        assert 0 < longest < 30
        bench.energise()
        bench.reset_device(reset, bench.spec.window)
        fields_T = HELD.field_T(np.array(steps)).tolist()
        played(bench, fields_T[:longest], HELD)
        bench.verify()
        with pytest.raises(TwinrigError, match="max_duty_A2s"):
            played(bench, fields_T[longest:], HELD)


def test_a_long_reading_that_would_break_the_duty_is_not_begun():
    # 20 s at 8.5 A were 1445 A²s: nobody looked before they had flowed
    with served(("kepco-bop", "keithley-2182a")) as rig:
        rig.order("keithley-2182a", ":SENS:VOLT:DFIL:COUN 100")
        rig.order("keithley-2182a", ":SENS:VOLT:DFIL:STAT ON")
        limit = (DUTY[0], DUTY[1].replace("2000\nduty", "1000\nduty"))
        silent = ("gate_s = 0.027027027", "gate_s = 0.0")
        with Bench.connect(rig.spec(limit, silent, ("nplc = 0.5", "nplc = 5"))) as bench:
            window = bench.spec.window
            bench.energise()
            bench.step(0.0022, window)  # 5.5 A: 605 A²s
            bench.magnets["x"].ramp_to_A(0.0)
            bench.magnets["x"].hold(60.0)
            begin_s = bench.clock.now_s()
            with pytest.raises(TwinrigError, match=r"I²t over 60 s would reach .* not begun"):
                bench.step(0.0034, window)
            assert bench.clock.now_s() - begin_s < 1.0


def test_compliance_beyond_the_supply_is_refused_at_connecting(rig):
    with pytest.raises(RefusedError, match="compliance_V = 40 V is beyond the 36 V of the supply"):
        Bench.connect(rig.spec(("max_current_A", "compliance_V = 40\nmax_current_A")))


def test_another_voltage_limit_is_brought_there_and_told(rig):
    rig.order("kepco-bop", "VOLT 5")
    with Bench.connect(rig.spec(("max_current_A", "compliance_V = 20\nmax_current_A"))) as bench:
        bench.energise()
        assert "voltage limit changed from 5 V to 20 V" in bench.found["x"].status
        assert rig.order("kepco-bop", "VOLT?") == "2.0E1"


def test_a_current_that_its_voltage_cannot_drive_ends_the_run_before_the_next_step(rig):
    with Bench.connect(rig.spec(("max_current_A", "compliance_V = 7\nmax_current_A"))) as bench:
        bench.energise()
        bench.step(0.0024, HELD)  # 6 A at 1 Ω
        bench.step(0.0034, HELD)  # 8.5 A: can't be reached
        with pytest.raises(TwinrigError, match="at its voltage limit of 7 V"):
            bench.step(0.0024, HELD)
        with pytest.raises(TwinrigError, match="at its voltage limit of 7 V"):
            bench.verify()


def test_a_reading_that_keeps_guards_waiting_is_told_and_a_quick_one_is_not():
    with served(("kepco-bop", "keithley-2182a", "lakeshore-336")) as rig:
        with Bench.connect(rig.spec()) as bench:
            bench.settings()
            assert bench.late_guards() == ""
        rig.order("keithley-2182a", ":SENS:VOLT:DFIL:COUN 100")
        rig.order("keithley-2182a", ":SENS:VOLT:DFIL:STAT ON")
        with Bench.connect(rig.spec(("nplc = 0.5", "nplc = 5"))) as bench:
            kept = []
            told = [note.text for note in energised(bench, kept.append)]
        assert any("up to 20 s, and thermometer coil can't be asked" in words for words in told)
        silent = ("gate_s = 0.027027027", "gate_s = 0.0")
        with Bench.connect(rig.spec(silent, ("nplc = 0.5", "nplc = 5"))) as bench:
            bench.settings()
            assert bench.predicted_s(10) >= 11 * 19.9  # the reset's and the steps' readings
        assert any("can't be asked meanwhile" in words for words in kept)

"""A filter that remembers longer than a step lasts is told by the check and by a run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from served import served

from app.operations.runs import energised
from instruments.bench import Bench
from instruments.checks import check_bench
from models.sequence import FieldSequence

WORDS = r"filter (time constant 3 s, 6 dB an octave) still shows 97 % of the step before"
DEVICE = "relaxation"  # steps that are held for 50 ms


@pytest.mark.parametrize(("lock_in", "slow"), [("sr830", "OFLT 11"), ("sr860", "OFLT 13")])
def test_a_time_constant_beyond_the_step_is_told_and_kept(lock_in, slow):
    with served(("kepco-bop", lock_in), device=DEVICE) as rig:
        quick = {check.name: check for check in check_bench(rig.spec())}["lockin"]
        assert "filter" not in quick.problem
        rig.order(lock_in, slow)
        check = {check.name: check for check in check_bench(rig.spec())}["lockin"]
        assert check.ok
        assert WORDS in check.problem
        with Bench.connect(rig.spec()) as bench:
            bench.settings()
            kept = []
            told = [note for note in energised(bench, kept.append) if WORDS in note.text]
        assert [note.level for note in told] == ["warning"]
        assert "shorter time constant, or a longer hold_s" in told[0].text
        assert told[0].text in kept


def test_a_step_that_only_the_read_out_gates_may_last_any_time():
    with served(("kepco-bop", "sr830"), device=DEVICE) as rig:
        rig.order("sr830", "OFLT 11")
        spec = rig.spec(("hold_s = 0.05\ngate_s = 0.027027027", "hold_s = 0.0"))
        with Bench.connect(spec) as bench:
            bench.settings()
            assert bench.slow_filters() == []
            window = replace(bench.spec.window, hold_s=0.05)  # a run brings its own
            bench.check_sequences([FieldSequence(np.array([0.5]))], window, bench.spec.reset)
            (told,) = bench.slow_filters()
        assert "of the step before at a reading, 50 ms behind it" in told


def test_a_moving_filter_is_told_and_a_repeating_one_is_not():
    # steps were recorded as averages over those before, without a word
    path = "SENS:VOLT:CHAN1:DFIL"
    with served(("kepco-bop", "keithley-2182a"), device=DEVICE) as rig:
        rig.order("keithley-2182a", f"{path} ON;:{path}:COUN 10;:{path}:TCON REP")
        assert "moving" not in of_voltmeter(rig).problem
        rig.order("keithley-2182a", f"{path}:TCON MOV")
        check = of_voltmeter(rig)
        assert check.ok
        assert "moving one, over 10 conversions" in check.problem
        assert "repeating filter, or none" in check.hint
        with Bench.connect(rig.spec()) as bench:
            bench.settings()
            told = [note for note in energised(bench, [].append) if "moving one" in note.text]
        assert [note.level for note in told] == ["warning"]
        rig.order("keithley-2182a", f"{path}:COUN 1")
        assert "moving" not in of_voltmeter(rig).problem


def of_voltmeter(rig):
    (check,) = [one for one in check_bench(rig.spec()) if one.driver == "keithley-2182a"]
    return check

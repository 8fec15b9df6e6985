"""A coil cools no faster because a program has ended: what has flowed goes on to the next one."""

from __future__ import annotations

import math
import re

import pytest
from served import served
from simulated import SimulatedClock, SimulatedSupply

from instruments import duty_kept
from instruments.bench import Bench
from instruments.calibration_walk import CalibrationPlan
from instruments.clock import Stop
from instruments.duty_kept import UNSAID_S, KeptDuty, Past
from instruments.limits import LimitedMagnet, MagnetLimits
from instruments.watch_duty import Duty, largest_A2s
from models.errors import RefusedError, TwinrigError

LIMIT_A2S, WINDOW_S = 500.0, 100.0


def program(clock, folder, **found):
    """The magnet as one program has it."""
    limits = MagnetLimits(4e-4, 11.0, 1000.0, math.inf, LIMIT_A2S, WINDOW_S)
    magnet = LimitedMagnet(SimulatedSupply(clock, **found), limits, clock, Stop())
    magnet.keep_duty(KeptDuty("TCPIP0::Magnet::1::SOCKET", folder))
    return magnet


def run(magnet, seconds):
    magnet.energise()
    try:
        magnet.ramp_to_A(10.0)
        magnet.hold(seconds)
    finally:
        magnet.make_safe()


def test_two_programs_in_a_row_keep_the_limit_together(tmp_path):
    clock = SimulatedClock()
    run(program(clock, tmp_path), 4.0)
    with pytest.raises(TwinrigError, match=r"runs before this one left 4\d\d\.?\d* A²s.*not begun"):
        run(program(clock, tmp_path), 4.0)
    clock.wait(WINDOW_S)
    run(program(clock, tmp_path), 4.0)


def test_a_magnet_found_at_zero_whose_past_leaves_no_room_is_not_energised_by_a_walk(tmp_path):
    clock = SimulatedClock()
    KeptDuty("TCPIP0::Magnet::1::SOCKET", tmp_path).save(
        Past(0.0, WINDOW_S, [0.0, 2 * LIMIT_A2S], 0.0)
    )
    with pytest.raises(RefusedError, match=r"let the magnet rest$"):
        program(clock, tmp_path).energise()


def test_a_program_that_was_killed_let_its_current_flow_until_its_watchdog_came(tmp_path):
    clock = SimulatedClock()
    killed = program(clock, tmp_path)
    killed.energise()
    killed.ramp_to_A(5.0)
    killed.hold(6.0)  # longer than two checks of the supply: written meanwhile
    clock.wait(50.0)
    magnet = program(clock, tmp_path)
    magnet.energise()
    spent_A2s = magnet._watch._duty.at_A2s(clock.now_s())
    assert 25.0 * 5.0 < spent_A2s <= 25.0 * (6.1 + UNSAID_S)


def test_a_plan_is_refused_before_it_begins_for_what_has_flowed_and_not_for_a_cold_magnet(tmp_path):
    clock = SimulatedClock()
    first = program(clock, tmp_path)
    run(first, 4.0)
    plan = [(10.0 * 4e-4, 4.0)]
    for magnet in (first, program(clock, tmp_path)):  # in the same program, and in the next
        assert magnet.foreseen(plan) == []
        (words,) = magnet.foreseen(plan, now=True)
        assert re.search(r"would reach 8\d\d.*left 40\d.* let the magnet rest", words)
    clock.wait(WINDOW_S)
    for magnet in (first, program(clock, tmp_path)):
        assert magnet.foreseen(plan, now=True) == []


def test_a_calibration_is_refused_before_it_begins_for_what_has_flowed(tmp_path):
    clock = SimulatedClock()
    magnet = program(clock, tmp_path)
    plan = CalibrationPlan(points=5, settle_s=0.2, readings=1)
    plan.refuse(magnet)
    run(magnet, 4.0)
    with pytest.raises(RefusedError, match=r"magnet x: .*left 4\d\d"):
        plan.refuse(magnet)
    clock.wait(WINDOW_S)
    plan.refuse(magnet)


def test_what_has_flowed_refuses_nothing_that_ends_when_it_has_left_the_window():
    before = [(1.0, 10.0)] * 4 + [(1.0, 0.0)] * 96
    assert largest_A2s([(1.0, 0.0)], WINDOW_S, before) == pytest.approx(400.0)
    assert largest_A2s([(1.0, 10.0)], WINDOW_S, before) == pytest.approx(400.0)
    assert largest_A2s([(5.0, 10.0)], WINDOW_S, before) == pytest.approx(500.0)
    assert largest_A2s([(1.0, 0.0)], 2.0, before) == 0.0


def test_one_found_at_a_current_counts_as_if_it_had_flowed_all_the_time(tmp_path):
    clock = SimulatedClock()
    run(program(clock, tmp_path), 1.0)
    magnet = program(clock, tmp_path, setpoint_A=3.0, output_on=True)
    with pytest.raises(RefusedError, match="the 3 A found count"):
        magnet.energise()


def test_what_a_way_to_safety_finds_counts_for_the_next_run(tmp_path):
    clock = SimulatedClock()
    program(clock, tmp_path, setpoint_A=5.0, output_on=True).make_safe()  # `twinrig safe`
    with pytest.raises(RefusedError, match="let the magnet rest"):
        program(clock, tmp_path).energise()
    clock.wait(WINDOW_S)
    run(program(clock, tmp_path), 4.0)
    clock.wait(3 * WINDOW_S)  # nobody knows of the 5 A but by finding them
    program(clock, tmp_path, setpoint_A=5.0, output_on=True).make_safe()
    with pytest.raises(RefusedError, match="let the magnet rest"):
        program(clock, tmp_path).energise()


def test_a_watchdog_counts_from_what_its_program_kept(tmp_path):
    clock = SimulatedClock()
    killed = program(clock, tmp_path)
    killed.energise()
    killed.ramp_to_A(4.0)
    killed.hold(6.0)
    clock.wait(20.0)  # until its supply could be reached
    program(clock, tmp_path, setpoint_A=4.0, output_on=True).make_safe()
    magnet = program(clock, tmp_path)
    magnet.energise()
    spent_A2s = magnet._watch._duty.at_A2s(clock.now_s())
    assert spent_A2s == pytest.approx(16.0 * 26.0, rel=0.01)


def test_one_found_at_rest_keeps_its_past_when_it_is_made_safe(tmp_path):
    clock = SimulatedClock()
    run(program(clock, tmp_path), 4.0)
    program(clock, tmp_path, setpoint_A=5.0).make_safe()  # set, its output off
    with pytest.raises(TwinrigError, match="runs before this one left 4"):
        run(program(clock, tmp_path), 4.0)


def test_what_goes_on_is_what_flowed():
    duty = Duty(LIMIT_A2S, WINDOW_S)
    duty.begin(0.0, 0.0)
    for now_s, current_A in ((1.0, 2.0), (31.0, 0.0), (60.0, 3.0), (70.0, 0.0)):
        duty.flows(now_s, current_A)
    next_one = Duty(LIMIT_A2S, WINDOW_S)
    next_one.recall(95.0, duty.past(80.0))
    for now_s in (95.0, 105.0, 120.0, 150.0, 165.0, 200.0):
        assert next_one.at_A2s(now_s) == pytest.approx(duty.at_A2s(now_s), abs=9.0 * 0.5)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\xff\x00", b"null", b"[1]", b"{}", b"[" * 10_000,
        b'{"at_s": 5.0, "window_s": 9.0, "square_A2": 1.0, "charge_A2s": [2, 1]}',
        b'{"at_s": 5.0, "window_s": 9.0, "square_A2": -1.0, "charge_A2s": [0, 1]}',
        b'{"at_s": 11.0, "window_s": 9.0, "square_A2": 1.0, "charge_A2s": [0, 1]}',
        b'{"at_s": NaN, "window_s": 9.0, "square_A2": 1.0, "charge_A2s": [0, 1]}',
    ],
)  # fmt: skip
def test_a_file_that_says_nothing_or_is_of_another_boot_is_none(tmp_path, content):
    kept = KeptDuty("GPIB0::6::INSTR", tmp_path)
    kept.save(Past(1.0, 9.0, [0.0, 1.0], 0.0))
    assert kept.load(10.0) == Past(1.0, 9.0, [0.0, 1.0], 0.0)
    (tmp_path / "gpib0__6__instr.duty").write_bytes(content)
    assert kept.load(10.0) is None
    kept.save(Past(1.0, 9.0, [0.0, 1.0], 0.0))
    assert kept.load(10.0) is not None


def test_a_folder_that_can_not_be_made_keeps_nothing_and_stops_nothing(tmp_path):
    (tmp_path / "file").write_text("")
    kept = KeptDuty("GPIB0::6::INSTR", tmp_path / "file" / "locks")
    kept.save(Past(1.0, 9.0, [0.0, 1.0], 0.0))
    assert kept.load(10.0) is None


def test_a_real_bench_keeps_it_and_a_virtual_one_does_not(tmp_path, monkeypatch):
    monkeypatch.setattr(duty_kept, "lock_folder", lambda: tmp_path)
    with served() as rig:
        duty = ("11.0", "11.0\nmax_duty_A2s = 500.0\nduty_window_s = 100.0")
        virtual = rig.text[rig.text.index("[virtual]") : rig.text.index("[magnet.x]")]
        for changes, files in (((duty,), 0), ((duty, (virtual, "")), 1)):
            with Bench.connect(rig.spec(*changes)) as bench:
                bench.watchdog = None
                bench.energise()
            assert len(list(tmp_path.iterdir())) == files


def test_one_supply_under_two_names_has_one_history(tmp_path, monkeypatch):
    monkeypatch.setattr(duty_kept, "lock_folder", lambda: tmp_path)
    with served() as rig:
        duty = ("11.0", "11.0\nmax_duty_A2s = 500.0\nduty_window_s = 100.0")
        virtual = rig.text[rig.text.index("[virtual]") : rig.text.index("[magnet.x]")]
        for host in ("127.0.0.1", "LOCALHOST"):
            spec = rig.spec(duty, (virtual, ""), ("127.0.0.1", host))
            with Bench.connect(spec) as bench:
                bench.watchdog = None
                bench.energise()
        assert len(list(tmp_path.iterdir())) == 1

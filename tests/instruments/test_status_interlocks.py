"""Interlocks fed by an instrument's own status: in the bench file, in the check, and in a run."""

from __future__ import annotations

import numpy as np
import pytest
from served import served

from app.operations.events import Held, StepRead
from app.operations.record import record
from app.store import read_recording
from instruments.bench import Bench
from instruments.bench_file import parse_bench
from instruments.checks import check_bench
from instruments.drivers import DRIVERS
from instruments.guards import StatusBit, forbidding, listed
from instruments.virtual.lakeshore_336 import ROOM_K
from instruments.virtual.lakeshore_643 import MAGNET_WATER
from models.errors import InputError, RefusedError, TwinrigError
from models.sequence import DriveWindow, FieldSequence

HELD = DriveWindow("step", 0.0022, 0.0034, 2.0)
WATER = """
[interlock.water]
instrument = "x"
input = "magnet water flow"
"""
WAITS = WATER + 'when_out = "hold"\n'
ALARM = """
[interlock.cryostat]
instrument = "coil"
input = "alarm A"
"""
SUPPLY = ("lakeshore-643", "sr830")


@pytest.fixture(scope="module")
def text():
    with served((*SUPPLY, "lakeshore-336")) as rig:
        return rig.text


# ---- the bench file


def test_a_status_bit_needs_no_volts_and_is_kept_with_the_limits(text):
    lock = parse_bench(text + WAITS, "b").interlocks["water"]
    assert (lock.is_status, lock.hold_at_most_s) == (True, 3600.0)
    spec = parse_bench(text + WATER + ALARM, "b")
    assert spec.interlocks["cryostat"].is_status
    assert spec.interlocks["water"].hold_at_most_s is None
    assert spec.limits["interlock water"] == {"x, magnet water flow": 0.0}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("magnet water flow", "magnet watre flow", "did you mean 'magnet water flow'"),
        ('flow"\n', 'flow"\nabove_V = 2.0\n', "above_V: .* is a status bit, which has no volts"),
        ('"x"', '"y"', "instrument 'y' is not on this bench; .*x, lockin, coil"),
        ('"magnet water flow"', '"aux1"', "input 'aux1' is unknown; known: magnet water flow"),
        ('"x"\ninput = "magnet water flow"', '"lockin"\ninput = "aux1"', "needs above_V or below"),
    ],
)
def test_a_mistake_is_one_sentence_with_its_place(text, old, new, words):
    assert old in WATER
    with pytest.raises(InputError, match=rf"\[interlock.water\] .*{words}"):
        parse_bench(text + WATER.replace(old, new), "b")


def test_an_instrument_with_a_problem_of_its_own_is_named_once(text):
    wrong = text.replace("max_current_A", "max_curent_A")
    with pytest.raises(InputError) as caught:
        parse_bench(wrong + WATER, "b")
    assert "interlock" not in str(caught.value)


def test_no_run_waits_for_a_quench():
    with served(("ami-430", "sr830")) as rig:
        quench = WAITS.replace("magnet water flow", "quench")
        with pytest.raises(InputError, match=r"under 'quench' no run can wait.*when_out = \"end\""):
            parse_bench(rig.text + quench, "b")


def test_what_a_driver_declares_it_answers():
    for kind in DRIVERS.values():
        for driver in kind.values():
            bits = getattr(driver, "status_inputs", ())
            assert len(set(bits)) == len(bits)
            assert set(getattr(driver, "lasting_inputs", ())) <= set(bits)
            assert not set(bits) & set(getattr(driver, "interlock_inputs", ()))
            assert hasattr(driver, "status_problem") == bool(bits)


def test_a_bench_lists_what_forbids_current_and_what_it_does(text):
    spec = parse_bench(text + WAITS + ALARM, "b")
    assert listed(spec) == [
        ("Thermometer coil", "below 340 K: ends a run"),
        ("Interlock water", "x, magnet water flow: holds a run"),
        ("Interlock cryostat", "coil, alarm A: ends a run"),
    ]


def test_what_can_not_be_asked_is_said_by_a_display_too():
    def gone():
        raise TwinrigError("coil: no reply")

    dead = StatusBit("interlock cryostat (coil, alarm A)", "coil", "alarm A", gone)
    well = StatusBit("interlock water", "x", "magnet water flow", lambda: None)
    assert forbidding([dead, well]) == (
        "interlock cryostat (coil, alarm A) can't be asked: coil: no reply",
    )


# ---- check and energise


def test_the_check_shows_each_and_what_forbids_current(text):
    with served((*SUPPLY, "lakeshore-336")) as rig:
        spec = rig.spec(("[drive]", WATER + ALARM + "[drive]"))
        checks = {one.name: one for one in check_bench(spec)}
        assert "interlock water (x, magnet water flow) allows current" in checks["x"].found
        assert "interlock cryostat (coil, alarm A) allows current" in checks["coil"].found
        rig.rig.instruments["lakeshore-643"].lose_water(0.0)
        rig.order("lakeshore-336", f"ALARM A,1,{ROOM_K - 5:g},0,0,0,0,0")
        rig.wire.clear()
        checks = {one.name: one for one in check_bench(spec)}
        assert "forbids current: interlock water" in checks["x"].problem
        assert "x is in magnet water flow fault" in checks["x"].problem
        assert "coil is ringing alarm A (high)" in checks["coil"].problem
        assert not [data for *_, way, data in rig.wire if way == "out" and b"?" not in data]


def test_nothing_is_sent_to_a_supply_whose_water_does_not_flow():
    with served(SUPPLY) as rig:
        rig.rig.instruments["lakeshore-643"].lose_water(0.0)
        with Bench.connect(rig.spec(("[drive]", WATER + "[drive]"))) as bench:
            rig.wire.clear()
            with pytest.raises(RefusedError, match=r"interlock water .*magnet water flow fault"):
                bench.energise()
            assert all(b"?" in data.partition(b";")[0] for data in rig.sent("lakeshore-643"))


# ---- a run


@pytest.mark.parametrize("lock", [WATER, WAITS])
def test_water_that_stops_ends_or_holds_within_its_second(lock):
    with served(SUPPLY) as rig, Bench.connect(rig.spec(("[drive]", lock + "[drive]"))) as bench:
        bench.energise()
        bench.step(0.0030, HELD)
        rig.rig.instruments["lakeshore-643"].lose_water(30.0)
        begin_s = bench.clock.now_s()
        with pytest.raises(TwinrigError, match=r"interlock water .*: x is in magnet water flow"):
            bench.step(0.0031, HELD)
        assert bench.clock.now_s() - begin_s < 1.5
        magnet = bench.magnets["x"]
        assert bool(magnet.held_by) == (lock is WAITS)
        if lock is WAITS:
            with magnet.at_rest() as watch:
                assert abs(magnet.magnet.measured_A()) < 0.05
                magnet.hold(5.0)
                assert watch.out
                magnet.hold(30.0)
                assert not watch.out
            bench.step(0.0031, HELD)
            bench.verify()
        else:
            bench.clock.wait(40.0)
            with pytest.raises(TwinrigError, match="water flow"):  # over is over
                bench.step(0.0031, HELD)


def test_a_fault_that_no_interlock_names_ends_the_run_as_ever():
    with served(SUPPLY) as rig:
        unit = rig.rig.instruments["lakeshore-643"]
        with Bench.connect(rig.spec(("[drive]", WAITS + "[drive]"))) as bench:
            bench.energise()
            bench.step(0.0030, HELD)
            unit.operational = 2 * MAGNET_WATER  # the supply's own water
            with pytest.raises(TwinrigError, match="supply water flow fault"):
                bench.verify()
            assert bench.magnets["x"].held_by == []


def test_a_supply_that_goes_to_zero_by_itself_meanwhile_is_no_hand_at_its_panel():
    with served(SUPPLY) as rig, Bench.connect(rig.spec(("[drive]", WAITS + "[drive]"))) as bench:
        unit, magnet = rig.rig.instruments["lakeshore-643"], bench.magnets["x"]
        bench.energise()
        bench.step(0.0030, HELD)
        unit.lose_water(30.0)
        unit.set_current("0")
        with pytest.raises(TwinrigError) as caught:
            bench.verify()
        assert "changed by hand" not in str(caught.value)
        assert magnet.held_by
        with magnet.at_rest():
            magnet.hold(40.0)
        bench.step(0.0031, HELD)
        bench.verify()
        unit.set_current("0")  # with its water flowing it is one
        with pytest.raises(TwinrigError, match="changed by hand"):
            bench.verify()


def test_an_alarm_of_a_thermometer_ends_a_run():
    change = ("[drive]", ALARM + "[drive]")
    models = ("kepco-bop", "sr830", "lakeshore-336")
    with served(models) as rig, Bench.connect(rig.spec(change)) as bench:
        bench.energise()
        bench.step(0.0030, HELD)
        rig.order("lakeshore-336", f"ALARM A,1,{ROOM_K - 5:g},0,0,0,0,0")
        with pytest.raises(TwinrigError, match=r"interlock cryostat .*ringing alarm A"):
            bench.step(0.0031, HELD)


def test_a_quench_is_named_by_its_interlock():
    change = ("[drive]", WATER.replace("magnet water flow", "quench") + "[drive]")
    with served(("ami-430", "sr830")) as rig, Bench.connect(rig.spec(change)) as bench:
        bench.energise()
        bench.step(0.0022, HELD)
        rig.rig.instruments["ami-430"].quench()
        with pytest.raises(TwinrigError, match=r"interlock water \(x, quench\): x is in a quench"):
            bench.verify()


def test_a_supply_at_its_voltage_limit_is_named_by_its_interlock():
    limit = WATER.replace("magnet water flow", "voltage limit")
    with served() as rig, Bench.connect(rig.spec(("[drive]", limit + "[drive]"))) as bench:
        bench.energise()
        bench.step(0.0024, HELD)
        bench.verify()  # as it does before a second current, which would see the other limit
        rig.rig.instruments["kepco-bop"].supply.setpoint_V = 7.0  # 8.5 A need 8.5 V
        with pytest.raises(TwinrigError, match=r"\(x, voltage limit\): x is at its vol"):
            bench.step(0.0034, HELD)


ROTATES = """
[interlock.water]
instrument = "lockin"
input = "aux1"
above_V = 2.0
when_out = "hold"
[drive]
encoding = "rotation"
points_per_rotation = 8
low_T = 0.001
high_T = 0.003
hold_s = 0.2
gate_s = 0.027027027
[reset]
field_T = 0.0030
hold_s = 0.2
"""


def test_a_run_is_held_where_the_second_magnet_of_a_rotation_sees_it_first(tmp_path):
    with served(("kepco-bop", "kepco-bop", "sr830")) as rig:
        rig.text = rig.text[: rig.text.index("[drive]")] + ROTATES
        volts = rig.rig.instruments["sr830"].aux_in_V
        drive = FieldSequence(np.array([1.0, 0.5, 1.0]))
        with Bench.connect(rig.spec()) as bench:
            held = []
            for event in record(bench, [drive], 2, tmp_path / "r"):
                if isinstance(event, StepRead) and not held:
                    volts[0] = 0.1
                    with pytest.raises(TwinrigError, match="interlock water"):
                        bench.magnets["y"].verify()
                    assert not bench.magnets["x"].held_by
                if isinstance(event, Held):
                    held.append(event)
                    volts[0] = 5.0
        recording = read_recording(tmp_path / "r")
        assert (recording.status, bool(recording.complete.all())) == ("done", True)
        assert held


def test_a_list_that_the_supply_plays_is_ended_by_a_guard_that_holds_and_played_again(tmp_path):
    water = ROTATES[: ROTATES.index("[drive]")] + '[drive]\ntiming = "hardware"'
    with served() as rig:
        volts, log, starts = rig.rig.instruments["sr830"].aux_in_V, rig._tap, []

        def tap(host_s, device_s, model, direction, data):
            if direction == "out" and data.startswith(b"CURR:MODE LIST"):
                starts.append(device_s)
                volts[0] = 0.1 if len(starts) == 2 else volts[0]
            log(host_s, device_s, model, direction, data)

        rig.rig.tap = tap
        drive = FieldSequence(np.tile([0.0, 1.0, 0.4], 30))  # 2.4 s
        with Bench.connect(rig.spec(("[drive]", water))) as bench:
            held = []
            for event in record(bench, [drive], 2, tmp_path / "r"):
                if isinstance(event, Held):
                    held.append(event)
                    assert rig.order("kepco-bop", "CURR?;CURR:MODE?") == "0.0E0;FIX"
                    volts[0] = 5.0
        recording = read_recording(tmp_path / "r")
        assert (recording.status, bool(recording.complete.all())) == ("done", True)
        assert (len(starts), bool(held)) == (3, True)


def test_a_water_fault_is_not_told_as_one_of_plugs_or_compliance():
    with served(SUPPLY) as rig:
        rig.rig.instruments["lakeshore-643"].operational |= MAGNET_WATER
        (check, *_) = check_bench(rig.spec())
        (hint,) = [one.hint for one in check.findings if "magnet water" in one.words]
        assert "plugs" not in hint
        with Bench.connect(rig.spec()) as bench, pytest.raises(TwinrigError) as refused:
            bench.energise()
        assert "magnet water flow fault" in str(refused.value)
        assert "compliance_V" not in str(refused.value)

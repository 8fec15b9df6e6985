"""A bench on the virtual rig: connected, energised, stepped, verified, safe on every way out."""

from __future__ import annotations

import dataclasses
import threading

import numpy as np
import pytest
from scripted import closed_port, scripted
from served import served
from simulated import check_ramp

from instruments.bench import Bench
from instruments.bench_file import parse_bench, read_bench
from instruments.clock import Stop
from instruments.connect import ConnectError
from instruments.limits import UnsafeError
from instruments.link_errors import LinkError
from models.errors import InputError, RefusedError, StoppedError, TwinrigError
from models.sequence import DriveWindow, FieldSequence, Reset

SLOW = ("max_ramp_A_per_s = 2000.0", "max_ramp_A_per_s = 20.0")  # 0.4 A a tick: walks show


@pytest.fixture
def rig():
    with served() as opened:
        yield opened


@pytest.fixture
def off_at_the_end(rig):
    yield
    assert not rig.rig.instruments["kepco-bop"].supply.output_on


def test_connects_identifies_and_looks_around(rig):
    with Bench.connect(rig.spec()) as bench:
        assert bench.identities()["x"].startswith("KEPCO,BIT 4886")
        assert "SR830" in bench.identities()["lockin"]
        assert (bench.channels, bench.units) == (("X", "Y"), ("V", "V"))
        assert not bench.found["x"].output_on
        assert bench.settings()["lockin"]["harmonic"] == 2
        assert bench.settings()["x"]["mode"] == "current"
        reading = bench.monitor()
        assert (reading.current_A, reading.output_on, reading.values.shape) == (0.0, False, (2,))


def test_units_are_those_of_the_settings_that_were_read_last(rig):
    with Bench.connect(rig.spec()) as bench:
        rig.order("sr830", "ISRC 3")
        bench.settings()
        assert (bench.units, bench.live_units) == (("A", "A"), ("A", "A"))


@pytest.mark.usefixtures("off_at_the_end")
def test_a_run_sets_reads_and_ends_safe_within_the_ramp(rig):
    spec = rig.spec(SLOW)
    with Bench.connect(spec) as bench:
        bench.energise()
        bench.reset_device(spec.reset, spec.window)
        step = bench.step(0.0030, spec.window)
        current_A, values = step.current_A, step.values
        assert current_A == pytest.approx(7.5)
        assert values.shape == (2,)
        assert np.isfinite(values).all()
        bench.verify()
        assert bench.state()["x"].current_A == pytest.approx(7.5, abs=1e-3)
    check_ramp(rig.sets(), 0.0, 20.0)
    assert rig.sets()[-1][1] == 0.0
    orders = [data for data in rig.sent() if b"?" not in data]
    assert orders[-2:] == [b"CURR 0.000000\n", b"OUTP OFF\n"]


def test_an_unchanged_set_point_is_read_without_being_sent_again(rig):
    spec = rig.spec()
    with Bench.connect(spec) as bench:
        bench.energise()
        for _ in range(2):  # the first current of a run is proven before the second set
            bench.step(0.0030, spec.window)
        before = len(rig.wire)
        bench.step(0.0030, spec.window)
        bench.step(0.0031, spec.window)
        assert [data for _, _, way, data in rig.wire[before:] if way == "out"] == [
            b"CURR?\n",  # a hand at the supply meanwhile would show
            b"SNAP? 1,2,1,2\n",
            b"TIME?\n",  # only a virtual rig's time has to be asked for
            b"CURR?\n",
            b"CURR 7.750000\n",
            b"CURR?\n",  # read back: a set that was lost would give a true reading elsewhere
            b"SNAP? 1,2,1,2\n",
            b"TIME?\n",
        ]


def test_the_same_seed_gives_the_same_readings_and_device_times():
    def run():
        spec = read_bench("virtual")
        with Bench.connect(spec) as bench:
            bench.energise()
            bench.reset_device(spec.reset, spec.window)
            steps = [bench.step(field_T, spec.window) for field_T in (0.0025, 0.003, 0.0028)]
            bench.verify()
            return np.array([(*step.values, step.set_s, step.read_s) for step in steps])

    first = run()
    np.testing.assert_array_equal(first, run())
    *_, set_s, read_s = first.T
    assert np.all(read_s - set_s == pytest.approx(1 / 37, abs=1e-3))  # the gate: one rotation
    assert np.all(np.diff(set_s) > 0.02)


@pytest.mark.usefixtures("off_at_the_end")
def test_a_rig_found_at_current_is_walked_from_there(rig):
    rig.order("kepco-bop", "CURR 5")
    rig.order("kepco-bop", "OUTP ON")
    rig.rig.time.advance(1.0)
    with Bench.connect(rig.spec(SLOW)) as bench:
        assert bench.found["x"].current_A == pytest.approx(5.0, abs=0.01)
        bench.energise()
    check_ramp(rig.sets(), 5.0, 20.0)


@pytest.mark.usefixtures("off_at_the_end")
def test_a_rig_found_in_voltage_mode_at_current_is_made_safe_without_a_jump(rig):
    for command in ("FUNC:MODE VOLT", "CURR 12", "VOLT 3", "OUTP ON"):
        rig.order("kepco-bop", command)
    rig.rig.time.advance(1.0)
    with Bench.connect(rig.spec(SLOW)) as bench:
        assert bench.found["x"].current_A == pytest.approx(3.0, abs=0.01)
        assert "voltage mode" in bench.found["x"].faults[0]
        words = bench.make_safe()
    assert "found at 3" in words[0]
    check_ramp(rig.sets(), 3.0, 20.0)


@pytest.mark.usefixtures("off_at_the_end")
@pytest.mark.parametrize("error", [ValueError("a bug"), KeyboardInterrupt(), LinkError(
    "x", "no answer", resource="r", hint="h")])  # fmt: skip
def test_an_exception_ends_safe(rig, error):
    spec = rig.spec(SLOW)

    def run():
        with Bench.connect(spec) as bench:
            bench.energise()
            bench.step(0.0030, spec.window)
            raise error

    with pytest.raises(type(error)):
        run()
    check_ramp(rig.sets(), 0.0, 20.0)


@pytest.mark.usefixtures("off_at_the_end")
def test_stop_in_a_walk_is_noticed_at_once_and_ends_safe(rig):
    stop = Stop()
    spec = rig.spec(("max_ramp_A_per_s = 2000.0", "max_ramp_A_per_s = 5.0"))  # 0.1 A a set
    with Bench.connect(spec, stop=stop) as bench:
        bench.energise()
        rig.when_set(20, stop.request)
        with pytest.raises(StoppedError):
            bench.step(0.0030, spec.window)
    check_ramp(rig.sets(), 0.0, 5.0)
    assert max(current_A for _, current_A in rig.sets()) < 2.05  # of 7.5 A


@pytest.mark.usefixtures("off_at_the_end")
def test_nothing_is_sent_after_stop_but_the_way_to_safety(rig):
    spec = rig.spec()
    with Bench.connect(spec) as bench:
        bench.energise()
        bench.stop.request()
        before = len(rig.wire)
        with pytest.raises(StoppedError):
            bench.step(0.0030, spec.window)
        assert len(rig.wire) == before


def drive(*values):
    return [FieldSequence(np.array(values))]


@pytest.mark.parametrize(
    ("window", "reset_T", "match"),
    [
        (DriveWindow("amplitude", 0.0022, 0.0050), 0.004, r"highest step: 12.5 A .* max_current_A"),
        (DriveWindow("step", -0.0050, 0.0030), 0.004, r"lowest step: -12.5 A"),
        (DriveWindow("amplitude", 0.0022, 0.0034), 0.005, r"reset: 12.5 A"),
        (DriveWindow("rotation", 0.0022, 0.0034), 0.004, "names none"),
    ],
)
def test_what_breaks_a_limit_is_refused_before_a_byte(rig, window, reset_T, match):
    with Bench.connect(rig.spec()) as bench:
        before = len(rig.wire)
        with pytest.raises(RefusedError, match=match) as caught:
            bench.check_sequences(drive(0.0, 1.0), window, Reset(reset_T))
        assert caught.value.exit_code == 4
        assert len(rig.wire) == before


def test_what_a_sequence_does_not_use_of_its_window_is_not_refused(rig):
    with Bench.connect(rig.spec()) as bench:
        window = DriveWindow("amplitude", 0.0022, 0.0050)
        bench.check_sequences(drive(0.0, 0.5), window, Reset(0.004))


def test_a_loop_whose_swing_the_ramp_cannot_follow_is_refused(rig):
    with Bench.connect(rig.spec(SLOW)) as bench:
        reset = Reset(0.003)
        with pytest.raises(RefusedError, match=r"a loop swings by 17 A in 0.5 s"):
            bench.check_sequences(drive(1.0), DriveWindow("loop", 0.0022, 0.0034, 0.5), reset)
        bench.check_sequences(drive(1.0), DriveWindow("loop", 0.0022, 0.0034, 1.0), reset)


def test_a_loop_goes_to_plus_and_to_minus_and_is_read_there(rig):
    window = DriveWindow("loop", 0.0022, 0.0034, 0.05)
    with Bench.connect(rig.spec()) as bench:
        bench.energise()
        bench.step(0.0030, window)  # the first current of a run is proven before the second set
        before = len(rig.wire)
        current_A = bench.step(0.0030, window).current_A
        sent = [data for _, model, way, data in rig.wire[before:] if way == "out"]
    assert current_A == pytest.approx(-7.5)
    assert [data for data in sent if not data.startswith((b"ADVANCE", b"TIME?"))] == [
        b"CURR?\n", b"CURR 7.500000\n", b"CURR?\n",
        b"CURR?\n", b"CURR -7.500000\n", b"CURR?\n", b"SNAP? 1,2,1,2\n",
    ]  # fmt: skip
    (plus_s, _), (minus_s, _) = rig.sets()[-3:-1]
    assert round(1e9 * minus_s) - round(1e9 * plus_s) >= 50_000_000  # the clock tells whole ns


def test_the_reset_of_a_run_is_encoded_as_the_run_is_not_as_the_bench_file_says(rig):
    spec, window = rig.spec(), DriveWindow("loop", 0.0022, 0.0034, 0.05)
    assert spec.window.encoding == "amplitude"
    with Bench.connect(spec) as bench:
        bench.energise()
        list(bench.repeat([0.0030], window, Reset(0.004, 0.05)))
    assert [current_A for _, current_A in rig.sets()[-5:-1]] == [10.0, -10.0, 7.5, -7.5]


@pytest.mark.parametrize("encoding", ["step", "loop"])  # a loop's reset is held on both sides
def test_predicts_the_device_time_of_a_run_whose_window_is_not_the_bench_s(rig, encoding):
    window, reset = DriveWindow(encoding, 0.0022, 0.0034, 0.7), Reset(0.004, 5.0)
    with Bench.connect(rig.spec()) as bench:
        bench.energise()
        begin_s = bench.clock.now_s()
        list(bench.repeat([0.0030] * 10, window, reset))
        took_s = bench.clock.now_s() - begin_s
        assert bench.predicted_s(10, None, window, reset) == pytest.approx(took_s, rel=0.05)
        assert bench.predicted_s(10) < 0.1 * took_s


@pytest.mark.parametrize("change", [("hold_s", "hold_s"), SLOW])
def test_predicts_the_device_time_of_a_repeat(rig, change):
    spec = rig.spec(change)
    drives = np.random.default_rng(1).random(100)
    with Bench.connect(spec) as bench:
        bench.energise()
        begin_s = bench.clock.now_s()
        bench.reset_device(spec.reset, spec.window)
        for field_T in spec.window.field_T(drives):
            bench.step(float(field_T), spec.window)
        assert bench.predicted_s(100) == pytest.approx(bench.clock.now_s() - begin_s, rel=0.15)


def step_and_verify(bench):
    bench.step(0.0030, bench.spec.window)
    bench.verify()


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ("CURR 3", r"set-point is 3 A, 7.5 A was sent.*by hand"),
        ("OUTP OFF", "output went off without us"),
        (
            "CURR 99",
            r"reports -222 .*7\.5 A was.* 11 A, it is rated 12 A; it refused",
        ),
        ("VOLT 2", "voltage limit of 2 V"),
    ],
)
@pytest.mark.usefixtures("off_at_the_end")
def test_a_change_behind_our_back_voids_the_repeat(rig, change, match):
    spec = rig.spec()
    with Bench.connect(spec) as bench:
        bench.energise()
        bench.step(0.0030, spec.window)
        bench.verify()
        rig.order("kepco-bop", change)
        with pytest.raises(TwinrigError, match=match):
            step_and_verify(bench)


def test_the_monitor_empties_no_error_queue_and_gates_nothing(rig):
    spec = rig.spec()
    with Bench.connect(spec) as bench:
        bench.energise()
        bench.step(0.0030, spec.window)
        rig.order("kepco-bop", "CURR 99")
        before = len(rig.wire)
        reading = bench.monitor()
        assert reading.setpoint_T == pytest.approx(0.0030)
        sent = b"".join(data for _, _, way, data in rig.wire[before:] if way == "out")
        assert b"SNAP" not in sent
        with pytest.raises(TwinrigError, match="reports -222"):
            bench.verify()


def test_an_overload_voids_the_repeat(rig):
    spec = rig.spec()
    with Bench.connect(spec) as bench:
        bench.energise()
        rig.order("sr830", "SENS 0")
        bench.step(0.0030, spec.window)
        with pytest.raises(TwinrigError, match=r"lockin: .*overload \(set a larger range"):
            bench.verify()


def test_a_limit_beyond_the_supply_is_refused(rig):
    with pytest.raises(RefusedError, match=r"max_current_A = 15 A is beyond the 12 A"):
        Bench.connect(rig.spec(("max_current_A = 11.0", "max_current_A = 15.0")))
    Bench.connect(rig.spec()).close()  # the links were given back


def test_all_failures_are_told_at_once_side_by_side(rig):
    nothing = f"TCPIP0::127.0.0.1::{closed_port()}::SOCKET"
    silent_y = '[magnet.y]\ndriver = "kepco-bop"\nresource = "{}"\ntesla_per_ampere = 1\n'
    silent_y += "max_current_A = 1.0\nmax_ramp_A_per_s = 1\n[magnet.x]"
    asked, beside = threading.Event(), []

    def unmoved(_):
        asked.set()
        return b""

    def answer(_):
        beside.append(asked.wait(10) and silent.talking)
        return b"ACME,1\n"

    with scripted(unmoved) as silent, scripted(answer) as other:
        spec = rig.spec(
            (rig.resources["sr830"], other.resource),
            (rig.resources["kepco-bop"], nothing),
            ("[magnet.x]", silent_y.format(silent.resource)),
        )
        with pytest.raises(ConnectError) as caught:
            Bench.connect(spec)
    assert beside[0]  # it answered while the other was still waited for
    message = str(caught.value)
    for part in (
        "3 of 3 instruments did not connect",
        f"x: kepco-bop at {nothing}", "nothing listens",
        "hint: On this computer: does `twinrig bench serve` still run?",
        f"y: kepco-bop at {silent.resource}", "no answer to '*IDN?'", "hint: Check `terminator`",
        f"lockin: sr830 at {other.resource}", "answered 'ACME,1'", "correct `resource` or `driver`",
    ):  # fmt: skip
        assert part in message
    assert caught.value.exit_code == 1


def test_a_link_in_use_is_said(rig):
    with Bench.connect(rig.spec()), pytest.raises(TwinrigError, match="open in this program"):
        Bench.connect(rig.spec())


def test_a_served_clock_that_does_not_answer_is_said(rig):
    nothing = f"TCPIP0::127.0.0.1::{closed_port()}::SOCKET"
    with pytest.raises(LinkError, match=r"clock .*nothing listens.*does `twinrig bench serve` st"):
        Bench.connect(rig.spec((rig.resources["virtual-clock"], nothing)))


def test_an_unknown_virtual_device_is_an_input_error():
    text = "\n".join(
        [
            '[virtual]\ndevice = "spin-vortex-fire"',
            '[magnet.x]\ndriver = "kepco-bop"',
            'resource = "TCPIP0::virtual-kepco-bop::5025::SOCKET"',
            "tesla_per_ampere = 4e-4\nmax_current_A = 11.0\nmax_ramp_A_per_s = 2000.0",
            '[readout.l]\ndriver = "sr830"\nresource = "TCPIP0::virtual-sr830::5025::SOCKET"',
            '[drive]\nencoding = "step"\nlow_T = 0.001\nhigh_T = 0.002\n[reset]\nfield_T = 0.003',
        ]
    )
    with pytest.raises(InputError, match="spin-vortex-fire"):
        Bench.connect(parse_bench(text, "b"))


def test_a_supply_that_is_gone_is_said_loudly_with_what_to_do(rig, monkeypatch):
    monkeypatch.setattr("instruments.limits.TRY_AGAIN_S", 0.05)
    spec = rig.spec()
    bench = Bench.connect(spec)
    said = []
    bench.tell, bench.give_up_s = said.append, 0.3
    bench.energise()
    rig.stop()
    with pytest.raises(LinkError):
        bench.step(0.0030, spec.window)
    with pytest.raises(UnsafeError, match=r"x .*COULD NOT BE MADE SAFE.*front panel"):
        bench.make_safe()
    assert said
    bench.close()


def test_every_magnet_is_made_safe_and_only_the_drives_is_energised():
    with served(("kepco-bop", "kepco-bop", "sr830", "sr830")) as rig:
        rig.order("kepco-bop#2", "CURR 2")
        rig.order("kepco-bop#2", "OUTP ON")
        spec = rig.spec()
        with Bench.connect(spec) as bench:
            assert bench.channels == ("lockin.X", "lockin.Y", "lockin2.X", "lockin2.Y")
            bench.energise()
            assert not rig.rig.instruments["kepco-bop#2"].supply.output_on
            assert bench.step(0.0030, spec.window).values.shape == (4,)
            words = bench.make_safe()
        assert [line.split(":")[0] for line in words] == ["x", "y"]
        assert not rig.rig.instruments["kepco-bop"].supply.output_on


def test_a_bench_without_read_outs_can_be_made_safe(rig):
    rig.order("kepco-bop", "CURR 2")
    rig.order("kepco-bop", "OUTP ON")
    with Bench.connect(dataclasses.replace(rig.spec(), readouts={})) as bench:
        assert bench.monitor().values.shape == (0,)
    assert not rig.rig.instruments["kepco-bop"].supply.output_on


TWO_SUPPLIES = """
[magnet.y]
driver = "keithley-2400"
resource = "TCPIP0::virtual-keithley-2400::5025::SOCKET"
tesla_per_ampere = 4.0e-3
max_current_A = 1.0
max_ramp_A_per_s = 50.0
"""


@pytest.mark.parametrize("comes_back", [True, False])
def test_no_magnet_waits_for_one_that_can_t_be_reached(monkeypatch, comes_back):
    monkeypatch.setattr("instruments.limits.TRY_AGAIN_S", 0.05)
    link = pytest.MonkeyPatch()
    spec = parse_bench(read_bench("virtual").text + TWO_SUPPLIES, "two supplies")
    with Bench.connect(spec) as bench:
        bench.energise()
        bench.magnets["y"].energise()
        bench.magnets["y"].step_to_A(0.5)
        dead, alive, tries = bench.magnets["x"].magnet, bench.magnets["y"].magnet, []

        def silent():
            tries.append(alive.output_on())
            if comes_back and len(tries) > 3:
                link.undo()
            raise LinkError("x", "no answer", resource="x", hint="")

        link.setattr(dead, "state", silent)
        link.setattr(dead, "identify", silent)
        bench.give_up_s = 1.0
        if comes_back:
            first, second = bench.make_safe()
            assert (first[:2], second[:2]) == ("x:", "y:")
            assert not dead.output_on()
        else:
            with pytest.raises(UnsafeError, match=r"x .* COULD NOT BE MADE SAFE") as caught:
                bench.make_safe()
            assert "y (" not in str(caught.value)
            link.undo()
        assert not alive.output_on()
        assert tries[:2] == [True, True]  # one try and one more; then the other's turn
        assert len(tries) > 3
        assert not any(tries[2:])


def test_no_magnet_waits_for_one_whose_output_stays_on(monkeypatch):
    monkeypatch.setattr("instruments.limits.TRY_AGAIN_S", 0.01)
    spec = parse_bench(read_bench("virtual").text + TWO_SUPPLIES, "two supplies")
    with Bench.connect(spec) as bench:
        bench.energise()
        bench.magnets["y"].energise()
        bench.magnets["y"].step_to_A(0.5)
        monkeypatch.setattr(bench.magnets["x"].magnet, "output", lambda on: None)
        bench.give_up_s, tries = 0.2, []

        def tell(words):
            tries.append(words)
            if len(tries) > 500:
                pytest.fail(f"goes on for ever: {words}")

        bench.tell = tell
        with pytest.raises(UnsafeError, match=r"x .* COULD NOT BE MADE SAFE.*output stays on"):
            bench.make_safe()
        assert not bench.magnets["y"].magnet.output_on()
        monkeypatch.undo()


def test_another_magnet_that_is_energised_is_part_of_each_reading():
    with served(("kepco-bop", "kepco-bop", "sr830")) as rig, Bench.connect(rig.spec()) as bench:
        assert bench.monitor().others == ()
        rig.order("kepco-bop#2", "CURR 5")
        rig.order("kepco-bop#2", "OUTP ON")
        now = bench.monitor()
        assert (now.current_A, now.output_on) == (0.0, False)
        assert now.others == ("y: 5 A, output on",)
        assert now.others_A == pytest.approx((5.0,), abs=1e-2)


def test_a_magnet_that_the_run_leaves_at_rest_must_stay_so():
    spec = parse_bench(read_bench("virtual").text + TWO_SUPPLIES, "two supplies")
    with Bench.connect(spec) as bench:
        bench.energise()
        bench.verify()
        by_hand = bench.magnets["y"].magnet
        by_hand.set_current_A(0.3)
        bench.verify()  # its output is off
        by_hand.output(True)
        with pytest.raises(TwinrigError, match=r"void: y, which this run leaves at rest, carries"):
            bench.verify()

"""A list behind the limits: refused before a byte, watched, ended safely; a device gated by it."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from list_bench import FIELDS_T, spec_of

from instruments.bench import Bench
from instruments.bench_file import parse_bench
from instruments.checks import check_bench
from instruments.clock import Stop
from instruments.drivers.kepco_list import KepcoList
from instruments.drivers.sr830 import SR830
from instruments.link_errors import LinkError
from instruments.list_play import NAMED
from models.errors import RefusedError, StoppedError, TwinrigError

if TYPE_CHECKING:
    from collections.abc import Callable

SLOW_A_PER_S = 50.0  # 1 A in 20 ms
DUTY = "max_ramp_A_per_s = 2000.0\nmax_duty_A2s = 100.0\nduty_window_s = 60.0"


class Wire:
    """What was sent to the supply; `on` is called with each message before it is answered."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.on: Callable[[str], Any] = lambda _: None

    def __call__(self, *record: Any) -> None:
        words = [value.decode() for value in record if isinstance(value, bytes)]
        if "kepco-bop" in record or "x" in record:
            self.sent += [word.strip() for word in words]
            for word in words:
                self.on(word.strip())


def bench_of(wire: Wire | None = None, stop: Stop | None = None, **changed: str) -> Bench:
    return Bench.connect(spec_of(**changed), stop=stop, wire_log=wire)


@pytest.mark.parametrize(
    ("points", "match"),
    [
        ([], r"0 points, the supply's list holds 1 to 1002"),
        ([(1.0, 0.02)] * 1003, r"1003 points"),
        ([(0.5, 0.02), (11.5, 0.02)], r"point 1: 11.5 A .*max_current_A = 11 A"),
        ([(0.5, 0.02), (float("nan"), 0.02)], r"point 1: a current of nan A is no number"),
        ([(0.5, 0.02), (1.6, 0.02)], r"point 1 is a step of 1.1 A, max_ramp_A_per_s = 50 A/s all"),
        ([(1.1, 0.02)], r"point 0 is a step of 1.1 A"),
        ([(0.5, 0.005)], r"point 0 is a step of 0.5 A.*allows 0.25 A"),
        ([(0.5, 10.5)], r"point 0 lasts 10.5 s, the supply's list takes 0.0005 to 10 s"),
        ([(0.5, float("nan"))], r"point 0 lasts nan s"),
    ],
)
def test_a_list_beyond_a_limit_is_refused_and_nothing_is_sent(
    points: list[tuple[float, float]], match: str
) -> None:
    wire = Wire()
    with bench_of(wire, max_ramp_A_per_s=str(SLOW_A_PER_S)) as bench:
        bench.energise()
        wire.sent.clear()
        with pytest.raises(RefusedError, match=match) as refused:
            bench.magnets["x"].play_list(points)
        assert wire.sent == []
    assert refused.value.exit_code == 4


def test_a_list_that_is_wrong_everywhere_is_told_in_a_few_words() -> None:
    with bench_of() as bench:
        bench.energise()
        with pytest.raises(RefusedError, match=f"{900 - NAMED} more"):
            bench.magnets["x"].play_list([(12.0, 0.02)] * 900)


def test_a_list_of_a_magnet_that_is_not_energised_is_refused() -> None:
    with bench_of() as bench, pytest.raises(RefusedError, match="not energised"):
        bench.magnets["x"].play_list([(0.5, 0.02)])


def test_a_list_beyond_the_duty_is_not_begun() -> None:
    wire = Wire()
    spec = spec_of()
    text = spec.text.replace("max_ramp_A_per_s = 2000.0", DUTY)
    with Bench.connect(parse_bench(text, "list bench"), wire_log=wire) as bench:
        bench.energise()
        magnet = bench.magnets["x"]
        magnet.play_list([(10.0, 0.5)])
        wire.sent.clear()
        with pytest.raises(TwinrigError, match=r"I²t over 60 s would reach 150\.\d A²s"):
            magnet.play_list([(10.0, 0.5), (10.0, 0.5)])
        assert not any(word.startswith("LIST") for word in wire.sent)


def test_a_list_keeps_its_own_account_of_the_duty() -> None:
    text = spec_of().text.replace("max_ramp_A_per_s = 2000.0", DUTY)
    with Bench.connect(parse_bench(text, "list bench")) as bench:
        bench.energise()
        magnet = bench.magnets["x"]
        magnet.play_list([(8.0, 1.0), (1.0, 1.0), (0.0, 1.0)])
        with pytest.raises(TwinrigError, match="I²t"):
            magnet.play_list([(8.0, 0.6)])  # 65 + 38


def test_a_list_with_ramp_points_keeps_to_the_ramp_on_the_wire() -> None:
    wire = Wire()
    with bench_of(wire, max_ramp_A_per_s=str(SLOW_A_PER_S)) as bench:
        bench.energise()
        magnet = bench.magnets["x"]
        groups = magnet.as_list([(4.0e-3, 0.05), (1.0e-3, 0.05)])
        points = [point for group in groups for point in group]
        magnet.play_list(points)
        assert magnet.magnet.measured_A() == pytest.approx(2.5, abs=1e-3)
        assert magnet.step_to_A(2.0) == 2.0  # the list's end is the set-point from now on
        bench.verify()
    assert len(groups[0]) == 10
    assert len(groups[1]) == 8  # from 10 to 2.5 A
    steps = np.diff([0.0, *(current_A for current_A, _ in points)])
    assert np.abs(steps).max() <= SLOW_A_PER_S * 0.020 + 1e-9
    loaded = [word for word in wire.sent if word.startswith("LIST:CURR ")]
    assert max(len(word) for word in wire.sent) <= 253
    values = [float(text) for word in loaded for text in word.split(" ")[1].split(",")]
    assert values == [current_A for current_A, _ in points]


@pytest.mark.parametrize("ramp_A_per_s", [2000.0, SLOW_A_PER_S])
def test_stop_ends_a_list_within_a_step_and_the_magnet_gets_safe(
    ramp_A_per_s: float, caplog: pytest.LogCaptureFixture
) -> None:
    wire, stop = Wire(), Stop()
    spec = spec_of(max_ramp_A_per_s=str(ramp_A_per_s))

    def request(word: str) -> None:
        if word == "CURR:MODE?" and wire.sent.count("CURR:MODE?") == 4:
            stop.request()

    with Bench.connect(spec, stop=stop, wire_log=wire) as bench:
        bench.energise()
        wire.sent.clear()  # energising has asked, too
        wire.on = request
        with pytest.raises(StoppedError):
            list(bench.repeat(FIELDS_T * 5, spec.window, spec.reset))
        assert "CURR:MODE FIX" in wire.sent
        bench.make_safe()
        with stop.shield():
            state = bench.magnets["x"].magnet.state()
    assert not state.output_on
    assert abs(state.setpoint_A) < 1e-6
    assert "OUTP OFF" in wire.sent[wire.sent.index("CURR:MODE LIST") :]
    (jump,) = re.findall(r"ended \((\S+) A → (\S+) A\)", caplog.text)
    assert abs(float(jump[0]) - float(jump[1])) <= ramp_A_per_s * 0.020 + 0.05


def test_a_list_that_was_ended_by_hand_ends_the_run_and_the_set_point_is_known() -> None:
    wire = Wire()
    with bench_of(wire) as bench:
        bench.energise()
        magnet = bench.magnets["x"]
        magnet.step_to_A(1.0)
        wire.sent.clear()

        def end(word: str) -> None:
            if word == "CURR:MODE?" and wire.sent.count("CURR:MODE?") == 3:
                magnet.magnet._session.write("CURR:MODE FIX")

        wire.on = end
        with pytest.raises(TwinrigError, match=r"list of 5 s was over after 0\.\d+ s: ended by"):
            magnet.play_list([(5.0, 5.0)])
        wire.on = lambda _: None
        assert magnet.step_to_A(1.5) == 1.5
        bench.verify()


def test_a_list_is_ended_by_who_makes_its_magnet_safe() -> None:
    wire, said = Wire(), list[str]()
    with bench_of(wire) as bench:
        bench.energise()
        magnet = bench.magnets["x"]
        making_safe = threading.Thread(target=lambda: said.append(magnet.make_safe()))
        wire.sent.clear()

        def make_safe(word: str) -> None:
            if word == "CURR:MODE?" and wire.sent.count("CURR:MODE?") == 3:
                making_safe.start()
                while not magnet._stairs.halted:  # it waits for the magnet now
                    threading.Event().wait(0.001)

        wire.on = make_safe
        with pytest.raises(StoppedError, match="made safe meanwhile"):
            magnet.play_list([(5.0, 5.0), (5.0, 5.0)])
        making_safe.join(10)
        assert said[0].endswith("output off")
        with pytest.raises(RefusedError, match="made safe meanwhile"):
            magnet.play_list([(1.0, 1.0)])


def test_a_set_point_that_a_hand_changed_is_found_before_a_list_overwrites_it() -> None:
    wire = Wire()
    with bench_of(wire) as bench:
        bench.energise()
        magnet = bench.magnets["x"]
        magnet.confirms = True
        magnet.step_to_A(1.0)
        magnet.magnet._session.write("CURR 3")
        wire.sent.clear()
        for _ in range(2):  # and the run is over
            with pytest.raises(TwinrigError, match="changed by hand"):
                magnet.play_list([(1.0, 1.0)])
        assert not any(word.startswith("LIST") for word in wire.sent)


def test_an_output_that_goes_off_ends_the_list() -> None:
    wire = Wire()
    with bench_of(wire) as bench:
        bench.energise()
        magnet = bench.magnets["x"]
        wire.sent.clear()

        def off(word: str) -> None:
            if word == "CURR:MODE?" and wire.sent.count("CURR:MODE?") == 3:
                magnet.magnet._session.write("OUTP OFF")

        wire.on = off
        with pytest.raises(TwinrigError, match=r"output went off|was over after"):
            magnet.play_list([(5.0, 5.0)])


def test_a_door_that_opens_ends_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    wire, looks = Wire(), [5.0, 5.0, 5.0, 0.0]
    door = '\n[interlock.door]\ninstrument = "lockin"\ninput = "aux1"\nabove_V = 2.0\n'
    monkeypatch.setattr(SR830, "input_V", lambda _lockin, _: looks.pop(0) if looks else 0.0)
    with Bench.connect(parse_bench(spec_of().text + door, "list bench"), wire_log=wire) as bench:
        bench.energise()
        wire.sent.clear()
        with pytest.raises(TwinrigError, match=r"interlock door .* reads 0 V"):
            bench.magnets["x"].play_list([(2.0, 0.5), (3.0, 9.0)])
        assert not bench.magnets["x"].magnet.list.running()
    assert wire.sent.count("MEAS:CURR?") > 0
    assert "CURR:MODE FIX" in wire.sent


def test_a_link_that_fails_while_a_list_runs_voids_it_and_the_next_begins_where_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    running, asked = KepcoList.running, []

    def lost(program: KepcoList) -> bool:
        asked.append(program)
        if len(asked) == 4:
            raise LinkError("x", "no answer", resource="here", hint="none")
        return running(program)

    spec = spec_of()
    with Bench.connect(spec) as bench:
        bench.energise()
        monkeypatch.setattr(KepcoList, "running", lost)
        with pytest.raises(LinkError, match="no answer"):
            list(bench.repeat(FIELDS_T, spec.window, spec.reset))
        again = list(bench.repeat(FIELDS_T, spec.window, spec.reset))
        bench.verify()
    assert len(again) == len(FIELDS_T)


def test_bench_check_says_what_can_be_timed_by_hardware_and_what_is_missing() -> None:
    checks = {check.name: check for check in check_bench(spec_of())}
    assert all(check.ok for check in checks.values())
    assert "plays lists of 1002 points" in checks["x"].found
    assert "samples into a buffer of 16383 points, at 512 Hz at most" in checks["lockin"].found
    checks = {check.name: check for check in check_bench(spec_of(channels='["X", "R"]'))}
    assert not checks["lockin"].ok
    assert 'timing = "hardware" is asked for: its buffers store' in checks["lockin"].problem
    assert checks["x"].ok


def test_a_list_that_holds_something_else_is_not_started() -> None:
    wire = Wire()
    with bench_of(wire) as bench:
        bench.energise()
        magnet = bench.magnets["x"]
        session, write = magnet.magnet._session, magnet.magnet._session.write

        def lossy(command: str) -> None:
            write(command.replace("2.500000", "2.400000"))

        session.write = lossy
        with pytest.raises(LinkError, match=r"2\.4.*expected 2\.500000 as point 1 of the list"):
            magnet.play_list([(1.0, 0.1), (2.5, 0.1)])
        session.write = write
        assert "CURR:MODE LIST" not in wire.sent


@pytest.mark.parametrize("device", ["nanoring", "leaky-integrator"])
def test_a_lists_points_gate_the_device_once_each_and_ramp_points_never(device: str) -> None:
    spec = spec_of("software", device)
    with Bench.connect(spec) as bench:
        bench.energise()
        magnet, lockin = bench.magnets["x"], bench.readouts["lockin"]
        buffer = lockin.buffer
        buffer.arm(512.0)
        buffer.start()
        magnet.play_list([(7.0, 0.02), (8.0, 0.03), (6.0, 0.02), (7.0, 0.3), (6.0, 0.0271)])
        magnet.hold(0.1)
        buffer.stop()
        samples = buffer.fetch(buffer.count())
        changes = np.flatnonzero(np.any(np.diff(samples, axis=0) != 0, axis=1))
        np.testing.assert_allclose(changes / 512, [0.05, 0.37, 0.3971], atol=2.5 / 512)
        magnet.play_list([(7.0, 0.1)])  # nobody samples: nothing is gated
        np.testing.assert_array_equal(lockin.monitor(), samples[-1])

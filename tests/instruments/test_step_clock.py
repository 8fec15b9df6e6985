"""`timing = "auto"`: the bench chooses what times its steps, and says which and why."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import pytest
from list_bench import ice_of, recorded, spec_of

from instruments.bench import Bench
from instruments.bench_file import parse_bench
from instruments.checks import check_bench
from instruments.drivers.kepco_list import KepcoList
from models.errors import RefusedError
from models.sequence import FieldSequence

PROBE = (
    '\n[teslameter.probe]\ndriver = "lakeshore-475"\n'
    'resource = "TCPIP0::virtual-lakeshore-475::5025::SOCKET"\n'
)
ONE_STEP = [FieldSequence(np.array([0.5]))]


def test_where_it_can_the_bench_chooses_the_hardware_and_says_why() -> None:
    with Bench.connect(spec_of("auto")) as bench:
        words = bench.timing_words()
        assert words.startswith("timed by hardware: the list of x (1002 points), 27.028 ms a step")
        assert "chosen because supply and read-outs can, and nothing asks the computer" in words
        assert bench.settings()["x"]["timing"] == "hardware"
    chosen, _ = recorded(spec_of("auto"))
    asked_for, _ = recorded(spec_of("hardware"))
    np.testing.assert_allclose(chosen, asked_for, atol=1e-9)


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({"channels": '["X", "R"]'}, "because read-out lockin: its buffers store one of X, R"),
        ({"hold_s": "11000.0"}, "because 1101 points, the supply's list holds 1 to 1002"),
        ({"gate_s": "0.002"}, "because read-out lockin samples at most at 512 Hz"),
        ({"encoding": '"loop"', "hold_s": "0.02"}, "because read-out lockin still shows 14 %"),
    ],
)
def test_where_it_can_not_it_says_why_it_is_timed_by_software(
    keys: dict[str, str], why: str
) -> None:
    spec = spec_of("auto", **keys)
    with Bench.connect(spec) as bench:
        assert bench.timing_words().startswith("timed by software, because ")
        assert why in bench.timing_words()
        assert "timing" not in bench.settings()["x"]


def test_a_read_out_without_a_buffer_is_timed_by_software() -> None:
    text = (files("resources") / "virtual-spin-vortex-ice.toml").read_text("utf-8")
    spec = parse_bench(text.replace("gate_s =", 'timing = "auto"\ngate_s ='), "ice bench")
    with Bench.connect(spec) as bench:
        assert "because read-out analyser (keysight-pna) has no buffer" in bench.timing_words()
    checks = {check.name: check for check in check_bench(spec)}
    assert checks["analyser"].ok
    assert "steps are timed by software: it has no buffer" in checks["analyser"].found
    assert checks["analyser"].findings == ()  # the bench leaves it open: nothing to attend to


def test_what_is_chosen_by_software_is_recorded_as_by_software() -> None:
    spec = spec_of("auto", channels='["X", "R"]')
    chosen, _ = recorded(spec)
    asked_for, _ = recorded(spec_of("software", channels='["X", "R"]'))
    np.testing.assert_array_equal(chosen, asked_for)


def test_a_probe_asks_for_the_computer() -> None:
    spec = parse_bench(spec_of("auto").text + PROBE, "bench")
    with Bench.connect(spec) as bench:
        assert "because a field probe measures the field of each step" in bench.timing_words()


def test_a_check_of_each_steps_field_is_not_dropped_silently() -> None:
    text = spec_of("hardware").text + PROBE
    spec = parse_bench(text, "bench")
    with Bench.connect(spec) as bench:
        bench.check_sequences(ONE_STEP, spec.window, spec.reset)  # measured where there is time
    spec = parse_bench(text + "tolerance_T = 1e-5\n", "bench")
    with Bench.connect(spec) as bench, pytest.raises(RefusedError, match="teslameter probe is to"):
        bench.check_sequences(ONE_STEP, spec.window, spec.reset)


def test_a_rotation_is_turned_by_software_and_says_why() -> None:
    text = spec_of("auto", hold_s="0.005").text
    second = text[text.index("[magnet.x]") : text.index("[readout.lockin]")]
    second = second.replace("[magnet.x]", "[magnet.y]").replace("5025", "5026")
    text = text.replace("[readout.lockin]", second + "[readout.lockin]")
    text = text.replace('encoding = "amplitude"', 'encoding = "rotation"')
    with Bench.connect(parse_bench(text, "bench")) as bench:
        assert "nothing starts two lists at the same time" in bench.timing_words()


def test_a_slow_link_is_found_before_anything_is_energised(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spec = spec_of("auto")
    with Bench.connect(spec) as bench:
        running = KepcoList.running

        def slow(program: KepcoList) -> bool:
            bench.clock.wait(0.02)
            return running(program)

        monkeypatch.setattr(KepcoList, "running", slow)
        bench.check_sequences(ONE_STEP, spec.window, spec.reset)
        assert "around the start of a list take 20" in bench.timing_words()
        assert "with marker_T, or a trigger, it could be timed by hardware" in bench.timing_words()


def test_the_sequences_decide_too() -> None:
    spec = ice_of("auto", max_ramp_A_per_s="700.0")  # a loop's ramps are points of 20 ms
    with Bench.connect(spec) as bench:
        bench.check_sequences(ONE_STEP, spec.window, spec.reset)
        assert bench.timing_words().startswith("timed by hardware")
        bench.check_sequences([FieldSequence(np.full(3, 0.2))], spec.window, spec.reset)
        assert bench.timing_words().startswith("timed by hardware")
        slower = spec_of("auto", gate_s="0.01", max_ramp_A_per_s="200.0")
    with Bench.connect(slower) as bench:
        far = [FieldSequence(np.array([0.0, 1.0]))]
        bench.check_sequences(far, slower.window, slower.reset)
        assert "because point 0 is a step of 3 A" in bench.timing_words()


def test_only_queries_choose() -> None:
    wire: list[bytes] = []

    def tap(*record: object) -> None:
        wire.extend(value for value in record if isinstance(value, bytes) and "out" in record)

    spec = spec_of("auto", encoding='"loop"', low_T="-0.0022", hold_s="0.06")
    with Bench.connect(spec, wire_log=tap) as bench:
        bench.check_sequences(ONE_STEP, spec.window, spec.reset)
        assert bench.timing_words().startswith("timed by hardware")
        assert len(wire) > 10
        assert all(b"?" in message for message in wire)


@pytest.mark.parametrize("timing", ["software", "hardware", "auto"])
def test_a_window_may_check_without_a_byte_on_the_wire(timing: str) -> None:
    wire: list[object] = []
    spec = spec_of(timing)
    with Bench.connect(spec, wire_log=lambda *record: wire.append(record)) as bench:
        wire.clear()
        bench.check_sequences(ONE_STEP, spec.window, spec.reset, ask=False)
        assert wire == []
    slow = spec_of("hardware", gate_s="0.01", max_ramp_A_per_s="200.0")
    far = [FieldSequence(np.array([0.0, 1.0]))]
    with Bench.connect(slow) as bench, pytest.raises(RefusedError, match="a step of 3 A"):
        bench.check_sequences(far, slow.window, slow.reset, ask=False)

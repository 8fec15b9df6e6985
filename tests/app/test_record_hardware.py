"""record on a bench whose steps are timed by hardware: the same recording comes out."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.operations.events import Held, Note, Result, StepRead
from app.operations.record import record
from app.recording_reader import read_recording
from instruments.bench import Bench
from instruments.bench_file import parse_bench
from instruments.drivers.sr830 import SR830
from instruments.drivers.sr830_buffer import Sr830Buffer
from models.errors import RefusedError
from models.sequence import make_sequences

if TYPE_CHECKING:
    from pathlib import Path

    from instruments.bench_spec import BenchSpec

SEQUENCES = make_sequences("mixed", 2, 12, 1)


def spec_of(timing: str, gate_s: str = "0.027027027") -> BenchSpec:
    text = (files("resources") / "virtual-nanoring.toml").read_text("utf-8")
    text = text.replace('"nanoring"', '"leaky-integrator"')
    return parse_bench(
        text.replace("gate_s = 0.027027027", f'timing = "{timing}"\ngate_s = {gate_s}'), "bench"
    )


def test_the_recording_is_as_one_timed_by_software(tmp_path: Path) -> None:
    found = {}
    for timing in ("software", "hardware"):
        with Bench.connect(spec_of(timing)) as bench:
            events = list(record(bench, SEQUENCES, 2, tmp_path / timing, seed=3))
        found[timing] = read_recording(tmp_path / timing)
        steps = [event for event in events if isinstance(event, StepRead)]
        assert [event.step for event in steps] == [*range(12)] * 4
        assert isinstance(events[-1], Result)
        assert events[-1].values["status"] == "done"
        words = [event.text for event in events if isinstance(event, Note)]
        assert any("timed by hardware" in text for text in words) == (timing == "hardware")
        assert any("by the supply's clock" in text for text in words) == (timing == "hardware")
        assert events[-1].values["timing"]["by"] == timing
    software, hardware = found["software"], found["hardware"]
    assert hardware.complete.all()
    assert hardware.channels == software.channels
    np.testing.assert_array_equal(hardware.order, software.order)
    assert np.nanmax(np.abs(hardware.response - software.response)) < 1e-6  # of 100 µV
    assert hardware.settings["x"]["timing"] == "hardware"
    assert "timing" not in software.settings["x"]


@pytest.mark.parametrize(
    ("begun", "gate_s", "said"),
    [
        pytest.param("software", {}, "timing", id="another timing"),
        pytest.param(
            "hardware", {"gate_s": "0.04"}, r"x gate_s was 0\.027027027, now 0\.04",
            id="steps of another length",
        ),
    ],
)  # fmt: skip
def test_a_run_is_not_gone_on_with_by_steps_that_are_timed_otherwise(
    tmp_path: Path, begun: str, gate_s: dict[str, str], said: str
) -> None:
    with Bench.connect(spec_of(begun)) as bench:
        events = record(bench, SEQUENCES, 2, tmp_path / "r")
        while not isinstance(next(events), StepRead):
            pass
        events.close()
    with (
        Bench.connect(spec_of("hardware", **gate_s)) as bench,
        pytest.raises(RefusedError, match=said),
    ):
        list(record(bench, SEQUENCES, 2, tmp_path / "r", resume=True))


def test_the_time_of_a_step_is_told_of_the_run_s_own_window(tmp_path: Path) -> None:
    with Bench.connect(spec_of("hardware")) as bench:
        window = replace(bench.spec.window, hold_s=0.1)
        events = list(record(bench, SEQUENCES, 1, tmp_path / "r", window=window))
    (told,) = [e.text for e in events if isinstance(e, Note) and "timed by hardware" in e.text]
    assert "127.028 ms a step" in told
    assert told in read_recording(tmp_path / "r").meta["remarks"]


def test_a_lost_alignment_voids_one_repeat_which_is_run_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count, late = Sr830Buffer.count, []

    def slow(buffer: Sr830Buffer) -> int:
        found = count(buffer)
        if len(late) < 2:  # what it says before and after the list's start, of the first repeat
            late.append(found)
            return found + 40 * (len(late) - 1)
        return found

    monkeypatch.setattr(Sr830Buffer, "count", slow)
    with Bench.connect(spec_of("hardware")) as bench:
        events = list(record(bench, SEQUENCES[:1], 2, tmp_path / "r"))
    words = [event.text for event in events if isinstance(event, Note)]
    assert any("alignment is lost" in text and "once more" in text for text in words), words
    assert read_recording(tmp_path / "r").complete.all()


def test_what_the_bench_can_not_is_refused_and_nothing_is_created(tmp_path: Path) -> None:
    with (
        Bench.connect(spec_of("hardware", gate_s="0.001")) as bench,
        pytest.raises(RefusedError, match="samples at most at 512 Hz"),
    ):
        list(record(bench, SEQUENCES, 2, tmp_path / "r"))
    assert not (tmp_path / "r").exists()


def test_a_door_that_opens_within_a_list_holds_the_run_which_then_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = spec_of("hardware").text
    door = (
        '\n[interlock.door]\ninstrument = "lockin"\ninput = "aux1"\nabove_V = 2.0\n'
        'when_out = "hold"\nhold_at_most_s = 60.0\n'
    )
    text = text.replace("hold_s = 0.0", "hold_s = 0.5")  # lists that last longer than a look
    asked = []

    def volts(lockin: SR830, _: str) -> float:
        asked.append(lockin)
        return 0.0 if 6 <= len(asked) < 9 else 5.0

    monkeypatch.setattr(SR830, "input_V", volts)
    with Bench.connect(parse_bench(text + door, "bench")) as bench:
        events = list(record(bench, SEQUENCES[:1], 3, tmp_path / "r"))
    assert any(isinstance(event, Held) for event in events)
    assert isinstance(events[-1], Result)
    assert events[-1].values["status"] == "done"
    found = read_recording(tmp_path / "r")
    assert found.complete.all()
    assert any("reads 0 V" in remark for remark in found.meta["remarks"])

"""A calibration on a whole bench, as the window has it connected: read-outs, rotation, timing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from calibrated import PLAN, TEXT, Orders, connected, with_second_magnet, with_two_axes

from app.operations.calibrate import calibrate
from app.operations.events import Note, RepeatRecorded, Result
from app.store import read_recording
from instruments.bench import Bench
from instruments.bench_file import parse_bench
from models.errors import InputError, StoppedError, TwinrigError

if TYPE_CHECKING:
    from pathlib import Path

BY_HARDWARE = TEXT.replace('encoding = "amplitude"', 'encoding = "amplitude"\ntiming = "hardware"')


def all_off(bench: Bench) -> bool:
    with bench.stop.shield():
        return not any(state.output_on for state in bench.state().values())


def test_the_second_axis_of_a_rotation_is_walked_and_the_first_rests(tmp_path: Path) -> None:
    """The virtual probe lies along the first axis: it sees nothing of the second, and says so."""
    tap = Orders()
    with Bench.connect(parse_bench(with_two_axes(TEXT), "b.toml"), wire_log=tap) as bench:
        with pytest.raises(TwinrigError, match="magnet y: the field at gap doesn't follow"):
            list(calibrate(bench, tmp_path / "c", plan=PLAN, magnet="y"))
        assert all_off(bench)
    sets = {
        name: [float(data.split()[1]) for data in tap.to(name, b"CURR ")] for name in ("x", "y")
    }
    assert max(map(abs, sets["x"]), default=0.0) == 0.0
    assert max(sets["y"]) == pytest.approx(0.9 * 9.0)


def test_a_magnet_that_the_bench_leaves_off_is_named(tmp_path: Path) -> None:
    text = with_second_magnet(TEXT).replace("[drive]", '[drive]\nmagnet = "x"')
    with Bench.connect(parse_bench(text, "b.toml")) as bench:
        with pytest.raises(InputError, match=r"calibrate --magnet y"):
            list(calibrate(bench, tmp_path / "c", plan=PLAN, magnet="y"))
        assert not (tmp_path / "c").exists()


def test_begun_on_a_whole_bench_it_goes_on_from_the_command_line(tmp_path: Path) -> None:
    with Bench.connect(parse_bench(BY_HARDWARE, "b.toml")) as bench:
        events = calibrate(bench, tmp_path / "c", plan=PLAN)
        said = []
        for event in events:
            said += [event.text] if isinstance(event, Note) else []
            if isinstance(event, RepeatRecorded):
                bench.stop.request()
                break
        with pytest.raises(StoppedError):
            list(events)
    assert not any("timed by hardware" in words for words in said)  # a walk has no steps
    with connected(BY_HARDWARE) as bench:
        values = list(calibrate(bench, tmp_path / "c", resume=True))[-1]
    assert isinstance(values, Result)
    assert values.values["status"] == "done"
    assert read_recording(tmp_path / "c").complete.all()

"""Disks that fill up, vanish or can't be written: a run ends safe, says why, and goes on later."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from exits_rig import ExitRig, exit_rig
from fit_device import record_device
from network_samples import saved_network
from small_disk import SmallDisk, small_disk

from app.operations.deploy import deploy
from app.operations.events import NodeMeasured, RepeatRecorded, Result, RunPlan, StepRead
from app.operations.fit import fit
from app.operations.import_measured import import_measured
from app.operations.learning_curve import learning_curve
from app.operations.learning_events import FitProgress, TrainProgress
from app.operations.monitor import BenchRead, monitor
from app.operations.record import record
from app.operations.record_room import recording_bytes
from app.operations.report import report
from app.operations.simulate import simulate
from app.operations.train import train
from app.store import load_network, load_twin, read_recording, write_recording
from instruments.bench import Bench
from instruments.wirelog import WireLog
from models.errors import InputError, TwinrigError
from models.recording import BY_STEP, stacked
from models.sequence import FieldSequence, make_sequences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from app.operations.events import Event

SEQUENCES = make_sequences(
    "steps", 2, 300
)  # 4.8 kB a repeat: more than a page of the disk has left
TASK = "mackey-glass:train=700,validation=200,test=60,washout=20"
POSIX = pytest.mark.skipif(os.name != "posix", reason="an open folder can't be removed on Windows")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk") as made:
        yield made


@pytest.fixture
def rig() -> Iterator[ExitRig]:
    with exit_rig(hold_s=0.0) as made:
        yield made


def until(events: Iterator[Event], kind: type[Event], count: int = 1) -> None:
    """Take events until so many of a kind have come."""
    for event in events:
        count -= isinstance(event, kind)
        if count == 0:
            return
    pytest.fail(f"no more {kind.__name__}")


def ends_with(events: Iterator[Event], words: str, place: Path) -> list[Event]:
    """Take what is left; it ends with an error that says this of that place."""
    seen: list[Event] = []
    with pytest.raises(TwinrigError, match=words) as caught:
        seen.extend(event for event in _into(events, seen))
    assert str(place) in str(caught.value)
    return seen


def _into(events: Iterator[Event], seen: list[Event]) -> Iterator[Event]:
    for event in events:
        seen.append(event)
    return iter(())


def recording_of(bench: Bench, out: Path, **options: Any) -> Iterator[Event]:
    return record(bench, SEQUENCES, 3, out, **options)


@pytest.mark.parametrize("after", [(RunPlan, 1), (StepRead, 10), (RepeatRecorded, 2)])
def test_a_recording_on_a_full_disk_ends_safe_and_goes_on(
    rig: ExitRig, disk: SmallDisk, after: tuple[type[Event], int]
) -> None:
    out = disk.path / "r"
    with Bench.connect(rig.spec()) as bench:
        events = recording_of(bench, out)
        until(events, *after)
        disk.fill()
        ends_with(events, "the disk is full; what was complete stays: free some space", out)
        assert rig.unsafe_ends() == []
        stopped = read_recording(out)
        assert stopped.status == "failed"
        assert int(stopped.complete.sum()) >= (after[1] if after[0] is RepeatRecorded else 0)
        kept = stopped.response[stopped.complete]
        disk.free()
        rig.sent.clear()
        assert isinstance(list(recording_of(bench, out, resume=True))[-1], Result)
    done = read_recording(out)
    assert (done.status, bool(done.complete.all())) == ("done", True)
    assert np.array_equal(done.response[stopped.complete], kept)
    assert rig.unsafe_ends() == []


def test_a_recording_can_t_begin_on_a_full_or_read_only_disk(rig: ExitRig, disk: SmallDisk) -> None:
    with Bench.connect(rig.spec()) as bench:
        disk.fill()
        words = "r: it needs .* of the disk, which has 0 B left in .*: free some space"
        ends_with(recording_of(bench, disk.path / "r"), words, disk.path / "r")
        assert not (disk.path / "r").exists()  # there is nothing that --resume could go on with
        disk.free()
        disk.read_only()
        words = r"can't be written \(Read-only file system\): check who may write"
        ends_with(recording_of(bench, disk.path / "q"), words, disk.path / "q")
    assert not any(m.text.startswith("OUTP ON") for m in rig.sent)


def test_a_run_that_could_not_be_sealed_does_not_begin(rig: ExitRig, disk: SmallDisk) -> None:
    """While it is sealed its growing file, its journal and the sealed one stand side by side."""
    out = disk.path / "r"
    needed = recording_bytes([300, 300], 3, 2, 0)
    with Bench.connect(rig.spec()) as bench:
        disk.fill()
        with (disk.path / "filler").open("r+b") as filler:
            filler.truncate((disk.path / "filler").stat().st_size - int(2.5 * needed))
        ends_with(recording_of(bench, out), "it needs .* of the disk", out)
        with (disk.path / "filler").open("r+b") as filler:
            filler.truncate((disk.path / "filler").stat().st_size - int(0.6 * needed))
        events = recording_of(bench, out)
        until(events, RepeatRecorded, 5)
        events.close()  # type: ignore[attr-defined]
        assert isinstance(list(recording_of(bench, out, resume=True))[-1], Result)
    assert read_recording(out).status == "done"


@pytest.mark.parametrize("lengths", [[100] * 6, [10] * 5 + [1000]])
def test_the_size_of_a_recording_is_foreseen(tmp_path: Path, lengths: list[int]) -> None:
    rng = np.random.default_rng(0)
    each = stacked([FieldSequence(rng.random(length)) for length in lengths])
    shape = (len(lengths), 4, max(lengths), 1)
    like = record_device(1, 2, seed=1, steps=10)
    whole = replace(
        like, response=np.zeros(shape), order=np.arange(24).reshape(6, 4),
        start_s=np.zeros((6, 4)), **each, **{name: np.zeros(shape[:3]) for name in BY_STEP},
    )  # fmt: skip
    path = write_recording(tmp_path / "r", whole)
    assert recording_bytes(lengths, 4, 1, 0) == pytest.approx(path.stat().st_size, rel=0.05)


def test_a_recording_whose_file_found_no_room_is_begun_by_resume(
    rig: ExitRig, disk: SmallDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal fits on the disk, the file of all repeats doesn't: the advice is --resume."""
    # as where another program takes the room after it was looked for
    monkeypatch.setattr("app.operations.record_begin.room_problems", lambda *_: [])
    out = disk.path / "r"
    with Bench.connect(rig.spec()) as bench:
        disk.fill()
        with (disk.path / "filler").open("r+b") as filler:
            filler.truncate((disk.path / "filler").stat().st_size - 40_000)
        ends_with(recording_of(bench, out), "recording.nc: the disk is full.*use --resume", out)
        assert [path.name for path in out.iterdir()] == ["journal.bin"]
        assert read_recording(out).status == "interrupted"
        ends_with(recording_of(bench, out, resume=True), "the disk is full.*use --resume", out)
        disk.free()
        assert isinstance(list(recording_of(bench, out, resume=True))[-1], Result)
    done = read_recording(out)
    assert (done.status, bool(done.complete.all())) == ("done", True)
    assert rig.unsafe_ends() == []


def test_a_finished_run_on_a_disk_that_became_read_only_is_not_resumed(
    rig: ExitRig, disk: SmallDisk
) -> None:
    with Bench.connect(rig.spec()) as bench:
        events = recording_of(bench, disk.path / "r")
        until(events, RepeatRecorded, 2)
        events.close()  # type: ignore[attr-defined]
        disk.read_only()
        resumed = recording_of(bench, disk.path / "r", resume=True)
        ends_with(resumed, r"can't be written \(Read-only file system\)", disk.path / "r")
        assert read_recording(disk.path / "r").status == "stopped"
        disk.writable()
        list(recording_of(bench, disk.path / "r", resume=True))
    assert read_recording(disk.path / "r").status == "done"
    assert rig.unsafe_ends() == []


def test_a_share_that_goes_away_ends_a_recording_safe(rig: ExitRig, disk: SmallDisk) -> None:
    out = disk.path / "r"
    with Bench.connect(rig.spec()) as bench:
        events = recording_of(bench, out)
        until(events, RepeatRecorded, 2)
        disk.vanish()
        ends_with(events, "the folder has vanished .*bring it back", out)
    assert rig.unsafe_ends() == []


@POSIX
@pytest.mark.parametrize("moved", [True, False])
def test_a_folder_that_is_moved_or_deleted_ends_a_recording_safe(
    rig: ExitRig, tmp_path: Path, moved: bool
) -> None:
    out = tmp_path / "r"
    with Bench.connect(rig.spec()) as bench:
        events = recording_of(bench, out)
        until(events, RepeatRecorded, 2)
        if moved:
            out.rename(tmp_path / "moved")
        else:
            shutil.rmtree(out)
        ends_with(events, "the folder has vanished", out)
        assert rig.unsafe_ends() == []
        if moved:
            (tmp_path / "moved").rename(out)
            assert int(read_recording(out).complete.sum()) == 2
            list(recording_of(bench, out, resume=True))
            assert read_recording(out).status == "done"


def test_a_file_that_others_hold_open_is_finished_nevertheless(
    rig: ExitRig, tmp_path: Path
) -> None:
    out = tmp_path / "r"
    code = (
        "import sys, xarray; d = xarray.open_dataset(sys.argv[1]); "
        "print('open', flush=True); input()"
    )
    with Bench.connect(rig.spec()) as bench:
        events = recording_of(bench, out)
        until(events, RepeatRecorded, 1)
        reader = subprocess.Popen(
            [sys.executable, "-c", code, out / "recording.nc"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert reader.stdout is not None
        assert reader.stdout.readline().strip() == b"open"
        list(events)
        reader.communicate(b"\n", timeout=20)
    assert read_recording(out).status == "done"


@pytest.mark.skipif(sys.platform == "win32", reason="a limit of POSIX")
def test_a_file_that_may_not_grow_ends_a_recording_safe(rig: ExitRig, tmp_path: Path) -> None:
    import resource

    out, before = tmp_path / "r", resource.getrlimit(resource.RLIMIT_FSIZE)
    with Bench.connect(rig.spec()) as bench:
        events = recording_of(bench, out)
        until(events, RepeatRecorded, 2)
        largest = (out / "journal.bin").stat().st_size + 100
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, before[1]))
        try:
            ends_with(events, "larger than this file system, or a quota, allows", out)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert rig.unsafe_ends() == []
        stopped = read_recording(out)
        assert (stopped.status, int(stopped.complete.sum())) == ("failed", 2)
        list(recording_of(bench, out, resume=True))
    assert read_recording(out).status == "done"


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trained on a rig like each test's."""
    with exit_rig(hold_s=0.0) as like, Bench.connect(like.spec()) as bench:
        return saved_network(bench, tmp_path_factory.mktemp("trained"))


@pytest.mark.parametrize("measured", [0, 2, 4])
def test_a_deployment_on_a_full_disk_ends_safe_and_goes_on(
    rig: ExitRig, disk: SmallDisk, network: Path, measured: int
) -> None:
    out = disk.path / "d"
    with Bench.connect(rig.spec()) as bench:
        events = deploy(network, bench, out)
        until(events, NodeMeasured if measured else RunPlan, measured or 1)
        disk.fill()
        ends_with(events, "the disk is full", out)
        assert rig.unsafe_ends() == []
        kept = read_recording(out / "nodes")
        assert measured <= int(kept.complete.sum()) <= 4
        disk.free()
        rig.sent.clear()
        result = list(deploy(None, bench, out, resume=True))[-1]
    assert isinstance(result, Result)
    nodes = read_recording(out / "nodes")
    assert nodes.status == "done"
    assert np.array_equal(nodes.response[kept.complete], kept.response[kept.complete])
    assert rig.unsafe_ends() == []


def test_a_deployment_whose_share_goes_away_ends_safe(
    rig: ExitRig, disk: SmallDisk, network: Path
) -> None:
    with Bench.connect(rig.spec()) as bench:
        events = deploy(network, bench, disk.path / "d")
        until(events, NodeMeasured, 1)
        disk.vanish()
        ends_with(events, "the folder has vanished", disk.path / "d")
    assert rig.unsafe_ends() == []


def fill_in(events: Iterator[Event], kind: type[Event], disk: SmallDisk, saved: Path) -> None:
    """Take events until a checkpoint is there and one more has come; then fill the disk."""
    while not saved.is_file():
        until(events, kind)
    disk.fill()


def test_a_fit_on_a_full_disk_keeps_its_checkpoint_and_goes_on(
    disk: SmallDisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.operations.fit.CHECKPOINT_EVERY_S", 0.0)
    monkeypatch.setattr("app.operations.fit.PROGRESS_EVERY_S", 0.0)
    write_recording(tmp_path / "rec", record_device(12, 4, seed=5))
    out = disk.path / "twin"
    events = fit([tmp_path / "rec"], out, iterations=20, latent=4, hidden=16)
    fill_in(events, FitProgress, disk, out / "checkpoint.safetensors")
    ends_with(events, "the disk is full; what was complete stays", out)
    disk.free()
    assert isinstance(list(fit([], out, resume=True))[-1], Result)
    assert load_twin(out).meta["iterations"] == 20


def test_a_training_on_a_full_disk_keeps_its_checkpoint_and_goes_on(
    disk: SmallDisk, network: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.operations.train.CHECKPOINT_EVERY_S", 0.0)
    out = disk.path / "network"
    events = train(TASK, [network.parents[1] / "twin"], [2, 2], out, iterations=4)
    fill_in(events, TrainProgress, disk, out / "checkpoint.safetensors")
    ends_with(events, "the disk is full; what was complete stays", out)
    disk.free()
    assert isinstance(list(train(None, None, None, out, resume=True))[-1], Result)
    assert load_network(out).meta["iterations"] == 4


def test_what_can_t_begin_on_a_full_disk_leaves_no_empty_folder(
    disk: SmallDisk, network: Path, tmp_path: Path
) -> None:
    np.savez(tmp_path / "a.npz", r=np.random.default_rng(1).normal(size=(4, 8)))
    twin = network.parents[1] / "twin"
    write_recording(tmp_path / "rec", record_device(12, 4, seed=5))
    disk.fill()
    out = disk.path / "out"
    for events in (
        import_measured(tmp_path / "a.npz", "response=r:repeat,step", out),
        simulate(twin, [FieldSequence(np.linspace(0.3, 0.6, 8))], 2, out),
        learning_curve([tmp_path / "rec"], out, iterations=2),
        train(TASK, [twin], [2, 2], out, iterations=2),
    ):
        ends_with(events, "the disk is full", out)
        assert not out.exists()


@pytest.mark.parametrize("left", [0, 90_000])
def test_a_simulation_or_report_that_finds_the_disk_full_leaves_nothing_and_begins_anew(
    rig: ExitRig, disk: SmallDisk, network: Path, tmp_path: Path, left: int
) -> None:
    """They have no --resume; half a report stood in the way of the next one."""
    with Bench.connect(rig.spec()) as bench:
        list(deploy(network, bench, tmp_path / "d"))
    twin, drive = network.parents[1] / "twin", FieldSequence(np.linspace(0.3, 0.6, 2000))
    (disk.path / "spare").write_bytes(bytes(left))
    disk.fill()
    (disk.path / "spare").unlink()
    out = disk.path / "out"
    for events in (simulate(twin, [drive], 20, out), report(tmp_path / "d", out)):
        ends_with(events, "the disk is full, and nothing was kept: .* begin again$", out)
        assert not out.exists()


def test_an_import_without_room_for_its_folder_begins_anew(tmp_path: Path) -> None:
    """It has no --resume, and was told to use it."""
    np.savez(tmp_path / "a.npz", r=np.random.default_rng(1).normal(size=(4, 8)))
    with small_disk(tmp_path / "disk", "64k,nr_inodes=1") as full:  # the disk's own folder
        out = full.path / "out"
        events = import_measured(tmp_path / "a.npz", "response=r:repeat,step", out)
        ends_with(events, "the disk is full, and nothing was kept: .* begin again$", out)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (SmallDisk.fill, "the disk is full"),
        (SmallDisk.read_only, "can't be written"),
        (SmallDisk.vanish, "no such"),
    ],
)
def test_a_report_that_can_t_be_written_says_where(
    disk: SmallDisk, spoil: Callable[[SmallDisk], None], words: str
) -> None:
    write_recording(disk.path / "rec", record_device(12, 4, seed=5))
    spoil(disk)
    ends_with(report(disk.path / "rec"), words, disk.path / "rec")


def test_what_is_damaged_while_a_report_is_built_is_one_error(tmp_path: Path) -> None:
    write_recording(tmp_path / "rec", record_device(12, 4, seed=5))
    (tmp_path / "rec" / "recording.nc").write_bytes(b"")
    with pytest.raises(InputError, match=r"recording\.nc: no netCDF-4 file"):
        list(report(tmp_path / "rec"))


def test_monitoring_into_a_full_disk_keeps_whole_lines(rig: ExitRig, disk: SmallDisk) -> None:
    out = disk.path / "seen.csv"
    with Bench.connect(rig.spec()) as bench:
        events = monitor(bench, interval_s=0.0, out=out)
        until(events, BenchRead, 3)
        disk.fill()
        ends_with(events, "the disk is full; what was complete stays", out)
    lines = out.read_text().splitlines()
    assert len(lines) > 3
    assert not [line for line in lines if line.count(",") != lines[0].count(",")][1:]


def test_monitoring_that_can_t_begin_on_a_full_disk_leaves_no_file(
    rig: ExitRig, disk: SmallDisk
) -> None:
    disk.fill()
    out = disk.path / "seen.csv"
    with Bench.connect(rig.spec()) as bench:
        ends_with(monitor(bench, seconds=0.0, out=out), "the disk is full", out)
        assert not out.exists()
        disk.free()
        assert isinstance(list(monitor(bench, seconds=0.0, out=out))[-1], Result)


def test_a_wire_log_on_a_full_disk_ends_itself_and_not_the_run(
    rig: ExitRig, disk: SmallDisk, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = disk.path / "wire.jsonl"
    wire = WireLog(path)
    with Bench.connect(rig.spec(), wire_log=wire) as bench:
        events = recording_of(bench, tmp_path / "r")
        until(events, RepeatRecorded, 1)
        disk.fill()
        assert isinstance(list(events)[-1], Result)
    wire.close()
    assert read_recording(tmp_path / "r").status == "done"
    assert rig.unsafe_ends() == []
    assert f"wire log {path} ends here, the run goes on: No space left" in caplog.text
    assert all(json.loads(line) for line in path.read_text().splitlines())  # whole lines

"""Recordings on disk: kills, full disks, vanished folders, damage; and what others open."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import artefact_samples as samples
import h5py
import numpy as np
import pytest
import xarray as xr

from app.journal import START, read_journal
from app.owner import Owner, process_start
from app.store import RecordingWriter, read_recording, write_recording
from models.errors import InputError, RefusedError, TwinrigError

POSIX = pytest.mark.skipif(os.name != "posix", reason="SIGKILL, mounts and limits of POSIX")
HERE = Path(__file__).resolve().parent


def append_all(writer: RecordingWriter, until: int = 1000) -> None:
    """Append the repeats of `samples.full` in its order."""
    whole = samples.full()
    for position in range(min(until, whole.order.size)):
        s, r = (int(i) for i in np.argwhere(whole.order == position)[0])
        response = whole.response[s, r, : whole.lengths[s]]
        writer.append(s, r, position, float(whole.start_s[s, r]), response)


def test_a_recording_comes_back_as_it_was(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "r", samples.full())
    for place in (path, path.parent):
        back = read_recording(place)
        assert samples.same(back, samples.full())
        assert back.meta == samples.full().meta


def test_xarray_and_h5py_open_it_with_names_and_units(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "r", samples.full())
    with xr.open_dataset(path) as dataset:
        response = dataset["response"]
        assert response.dims == ("sequence", "repeat", "step", "channel")
        assert response.attrs["units"] == "V"
        assert dataset["channel"].values.tolist() == ["X", "Y"]
        assert dataset["start"].attrs["units"] == "s"
        assert dataset["field"].attrs["units"] == "T"
        assert dataset["field"].values[0, -1] == pytest.approx(0.0034)
        assert dataset.attrs["status"] == "running"
        assert not [n for n, v in dataset.variables.items() if v.dtype == np.int64]
        mean = float(response.sel(sequence=0, channel="Y").mean())
    assert mean == pytest.approx(samples.full().response[0, :, :, 1].mean())
    with h5py.File(path) as file:
        assert file["response"].shape == (2, 4, 5, 2)
        assert [d.label for d in file["response"].dims] or file["response"].dims[0][0].name


def test_different_units_are_told_by_channel(tmp_path: Path) -> None:
    mixed = samples.full()
    object.__setattr__(mixed, "units", ("V", "deg"))
    path = write_recording(tmp_path / "r", mixed)
    assert read_recording(path).units == ("V", "deg")
    with xr.open_dataset(path) as dataset:
        assert dataset["channel_unit"].values.tolist() == ["V", "deg"]
        assert dataset["response"].attrs["units"] == "see channel_unit"


def test_while_it_runs_everyone_sees_each_repeat(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path / "r", samples.blank())
    append_all(writer, until=3)
    running = read_recording(tmp_path / "r")
    assert (running.status, int(running.complete.sum())) == ("running", 3)
    with xr.open_dataset(tmp_path / "r" / "recording.nc") as dataset:
        seen = dataset["order"].values >= 0
        assert seen.sum() == 3
        assert np.array_equal(
            dataset["response"].values[seen], running.response[running.complete], equal_nan=True
        )
    append_all_rest(writer)
    finished = writer.finish("done")
    assert finished.status == "done"
    assert samples.same(read_recording(tmp_path / "r"), samples.full())
    assert [p.name for p in (tmp_path / "r").iterdir()] == ["recording.nc"]
    assert writer.finish("failed").status == "done"


def append_all_rest(writer: RecordingWriter) -> None:
    """Append what `append_all(until=3)` left."""
    whole = samples.full()
    for s, r in np.argwhere(~writer.recording.complete):
        response = whole.response[s, r, : whole.lengths[s]]
        writer.append(int(s), int(r), int(whole.order[s, r]), float(whole.start_s[s, r]), response)


def test_a_header_with_responses_starts_empty(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path / "r", samples.full())
    assert not read_recording(tmp_path / "r").complete.any()
    assert np.isnan(read_recording(tmp_path / "r").response).all()
    writer.finish("stopped")


@pytest.mark.parametrize("status", ["done", "stopped", "failed"])
def test_the_status_is_kept(tmp_path: Path, status: str) -> None:
    writer = RecordingWriter(tmp_path / "r", samples.blank())
    writer.remark("the door was open")
    writer.finish(status)
    back = read_recording(tmp_path / "r")
    assert (back.status, back.meta["remarks"]) == (status, ["the door was open"])


def test_a_repeat_of_another_shape_or_twice_is_refused(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path / "r", samples.blank())
    with pytest.raises(InputError, match=r"shape \(5, 2\), expected \(3, 2\)"):
        writer.append(1, 0, 0, 0.0, np.zeros((5, 2)))
    writer.append(1, 0, 0, 0.0, np.zeros((3, 2)))
    with pytest.raises(InputError, match="recorded already"):
        writer.append(1, 0, 1, 0.0, np.zeros((3, 2)))
    writer.finish("done")


def test_never_overwrites(tmp_path: Path) -> None:
    write_recording(tmp_path / "r", samples.full())
    before = (tmp_path / "r" / "recording.nc").read_bytes()
    for again in (write_recording, RecordingWriter):
        with pytest.raises(InputError, match="nothing is ever overwritten"):
            again(tmp_path / "r", samples.full())
    assert (tmp_path / "r" / "recording.nc").read_bytes() == before


def test_resume_goes_on_with_a_stopped_run(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path / "r", samples.blank())
    append_all(writer, until=3)
    writer.finish("stopped")
    again, so_far = RecordingWriter.resume(tmp_path / "r" / "recording.nc")
    assert int(so_far.complete.sum()) == 3
    assert read_recording(tmp_path / "r").status == "running"
    append_all_rest(again)
    again.finish("done")
    assert samples.same(read_recording(tmp_path / "r"), samples.full())


def test_resume_refuses_a_run_whose_owner_lives(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path / "r", samples.blank())
    with pytest.raises(RefusedError, match=f"by process {os.getpid()} on "):
        RecordingWriter.resume(tmp_path / "r")
    writer.finish("stopped")


WRITE = """
import sys
sys.path.insert(0, {here!r})
import artefact_samples as samples
from pathlib import Path
from app.store import RecordingWriter
blank = samples.blank(lengths=(40, 30, 20), repeats=400)
writer = RecordingWriter(Path({out!r}), blank)
print("begun", flush=True)
position = 0
for r in range(400):
    for s in range(3):
        values = samples.response_of(s, r, int(blank.lengths[s]))
        writer.append(s, r, position, 0.5 * position, values)
        print(s, r, flush=True)
        position += 1
writer.finish("done")
"""


def killed(out: Path, delay_s: float, *, once_begun: bool) -> list[tuple[int, int]]:
    """Run a writer, SIGKILL it, return the repeats that it had reported."""
    code = WRITE.format(here=str(HERE), out=str(out))
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=HERE.parents[1]
    ) as child:
        assert child.stdout is not None
        if once_begun:
            assert child.stdout.readline() == "begun\n"
        time.sleep(delay_s)
        child.kill()
        lines = child.stdout.read().splitlines(keepends=True)
    reported = [line.split() for line in lines if line.endswith("\n") and " " in line]
    return [(int(s), int(r)) for s, r in reported]


def check_after_kill(out: Path, reported: list[tuple[int, int]]) -> None:
    """Nothing reported is lost or wrong; it opens everywhere; it goes on."""
    recording = read_recording(out)
    assert recording.status == ("interrupted" if (out / "journal.bin").exists() else "done")
    assert all(recording.complete[s, r] for s, r in reported)
    for s, r in np.argwhere(recording.complete):
        expected = samples.response_of(int(s), int(r), int(recording.lengths[s]))
        assert np.array_equal(recording.response[s, r, : len(expected)], expected)
    with xr.open_dataset(out / "recording.nc") as dataset:
        order, response = dataset["order"].values, dataset["response"].values
    with h5py.File(out / "recording.nc") as file:
        assert np.array_equal(file["order"][...], order)
    for s, r in reported:
        assert order[s, r] >= 0
        assert np.array_equal(response[s, r], recording.response[s, r], equal_nan=True)
    writer, so_far = RecordingWriter.resume(out)
    s, r = (int(i) for i in np.argwhere(~so_far.complete)[0])
    writer.append(s, r, 0, 0.0, samples.response_of(s, r, int(so_far.lengths[s])))
    writer.finish("stopped")
    assert int(read_recording(out).complete.sum()) == int(so_far.complete.sum()) + 1


@POSIX
def test_kill_9_loses_no_completed_repeat(tmp_path: Path) -> None:
    rng = random.Random(1)
    for attempt in range(8):
        out = tmp_path / str(attempt)
        reported = killed(out, rng.uniform(0, 0.12), once_begun=True)
        if len(reported) < 1200:
            check_after_kill(out, reported)


@POSIX
@pytest.mark.full
def test_kill_9_loses_nothing_in_200_runs(tmp_path: Path) -> None:
    rng = random.Random(2)
    checked = 0
    for attempt in range(200):
        out = tmp_path / str(attempt)
        reported = killed(out, rng.uniform(0, 0.12), once_begun=True)
        if len(reported) < 1200:
            check_after_kill(out, reported)
            checked += 1
        shutil.rmtree(out)
    assert checked > 150


@POSIX
def test_kill_9_while_it_is_created_leaves_a_recording_or_a_clear_error(tmp_path: Path) -> None:
    rng = random.Random(3)
    for attempt in range(5):
        out = tmp_path / str(attempt)
        killed(out, rng.uniform(0.1, 0.6), once_begun=False)
        if (out / "journal.bin").exists():
            assert read_recording(out).status == "interrupted"
        elif not (out / "recording.nc").exists():
            with pytest.raises(InputError, match=str(out)):
                read_recording(out)


def test_a_torn_tail_costs_only_itself(tmp_path: Path) -> None:
    out = interrupted(tmp_path)
    journal = out / "journal.bin"
    whole = journal.read_bytes()
    full_count = int(read_recording(out).complete.sum())
    for cut in range(1, 60, 7):
        journal.write_bytes(whole[:-cut])
        assert int(read_recording(out).complete.sum()) == full_count - 1
    journal.write_bytes(whole + b"\0" * 500)  # what a power cut may leave
    assert int(read_recording(out).complete.sum()) == full_count


def interrupted(tmp_path: Path, count: int = 5) -> Path:
    """A run whose process is gone."""
    out = tmp_path / "r"
    writer = RecordingWriter(out, samples.blank())
    append_all(writer, until=count)
    writer._close(None)
    return out


def test_an_abandoned_run_of_this_process_is_interrupted(tmp_path: Path) -> None:
    assert read_recording(interrupted(tmp_path)).status == "interrupted"


def test_every_flipped_bit_of_a_journal_is_noticed_or_harmless(tmp_path: Path) -> None:
    out = interrupted(tmp_path)
    journal = out / "journal.bin"
    whole, truth = journal.read_bytes(), samples.full()
    rng = random.Random(4)
    refused = 0
    for _ in range(400):
        at, bit = rng.randrange(len(whole)), rng.randrange(8)
        journal.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :])
        try:
            back = read_recording(out)
        except InputError:
            refused += 1
            continue
        assert int(back.complete.sum()) == 4  # the flip hit the last record: it counts as torn
        assert np.array_equal(
            back.response[back.complete], truth.response[back.complete], equal_nan=True
        )
    assert refused > 200


def test_a_journal_cut_into_its_header_is_an_error(tmp_path: Path) -> None:
    out = interrupted(tmp_path)
    journal = out / "journal.bin"
    whole = journal.read_bytes()
    for length in (0, 5, START, START + 30):
        journal.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"journal\.bin"):
            read_recording(out)
    assert read_journal_is_unchanged(journal, whole[:length])


def read_journal_is_unchanged(path: Path, content: bytes) -> bool:
    """A reader never changes an original."""
    return path.read_bytes() == content


def test_the_status_survives_where_sealing_failed(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path / "r", samples.blank())
    append_all(writer, until=2)
    os.makedirs(tmp_path / "r" / f".recording.nc.{os.getpid()}.partial")  # the way is blocked
    with pytest.raises(TwinrigError, match=r"recording\.nc"):
        writer.finish("failed")
    back = read_recording(tmp_path / "r")
    assert (back.status, int(back.complete.sum())) == ("failed", 2)


@POSIX
def test_a_vanished_folder_is_noticed_at_the_next_repeat(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path / "r", samples.blank())
    append_all(writer, until=1)
    shutil.rmtree(tmp_path / "r")
    with pytest.raises(TwinrigError, match="the folder has vanished"):
        writer.append(1, 3, 7, 0.0, np.zeros((3, 2)))
    with pytest.raises(TwinrigError, match="vanished"):
        writer.finish("failed")


def append_long(writer: RecordingWriter) -> None:
    """Append 30 repeats of 500 steps."""
    for r in range(30):
        writer.append(0, r, r, float(r), samples.response_of(0, r, 500))


@POSIX
def test_a_full_disk_keeps_what_was_complete(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(disk)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("this system lets nobody mount a small disk")
    try:
        writer = RecordingWriter(disk / "r", samples.blank((500,), repeats=30))
        with pytest.raises(TwinrigError, match="the disk is full") as caught:
            append_long(writer)
        written = int(writer.recording.complete.sum())
        assert str(disk) in str(caught.value)
        with pytest.raises(TwinrigError, match="the disk is full"):
            writer.finish("failed")
        back = read_recording(disk / "r")
        assert 0 < written < 30
        assert (back.status, int(back.complete.sum())) == ("failed", written)
        assert np.array_equal(back.response[0, 0], samples.response_of(0, 0, 500))
        with xr.open_dataset(disk / "r" / "recording.nc") as dataset:
            assert int((dataset["order"].values >= 0).sum()) == written
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_file_saved_by_another_program_is_refused_with_the_reason(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "r", samples.full())
    with xr.open_dataset(path) as dataset:
        dataset.load().to_netcdf(tmp_path / "copy.nc", engine="h5netcdf")
    with pytest.raises(InputError, match="no Twinrig seal"):
        read_recording(tmp_path / "copy.nc")


def test_another_schema_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.recording_format.SCHEMA", 7)
    path = write_recording(tmp_path / "r", samples.full())
    monkeypatch.undo()
    with pytest.raises(InputError, match="schema 7, this Twinrig reads schema 1"):
        read_recording(path)


def test_an_owner_is_this_very_process() -> None:
    here = Owner.here()
    assert here.alive(1e9)
    assert not Owner(here.pid, "earlier", here.host).alive(0.0)
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()
    assert process_start(child.pid) is None


def test_an_owner_on_another_host_lives_by_its_heartbeat(tmp_path: Path) -> None:
    other = Owner(1, "x", "elsewhere")
    assert other.alive(10.0)
    assert not other.alive(1000.0)
    out = interrupted(tmp_path)
    assert read_journal(out / "journal.bin").owner == Owner.here()


def test_the_heartbeat_renews_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.recording_store.BEAT_S", 0.0)
    writer = RecordingWriter(tmp_path / "r", samples.blank())
    journal = tmp_path / "r" / "journal.bin"
    os.utime(journal, (0, 0))
    writer.beat()
    assert time.time() - journal.stat().st_mtime < 60
    writer.finish("done")

"""Recordings on disk: kills, full disks, vanished folders, damage; and what others open."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import artefact_samples as samples
import h5py
import numpy as np
import pytest
import xarray as xr

from app import recording_store
from app.checked_json import canonical
from app.netcdf import HDF5_MAGIC, INDEX_LENGTH, SEAL, read_netcdf
from app.store import RecordingWriter, read_recording, write_recording
from models.errors import InputError, RefusedError, TwinrigError

if TYPE_CHECKING:
    from pathlib import Path

POSIX = pytest.mark.skipif(os.name != "posix", reason="SIGKILL, mounts and limits of POSIX")


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
    samples.append_all(writer, until=3)
    running = read_recording(tmp_path / "r")
    assert (running.status, int(running.complete.sum())) == ("running", 3)
    with xr.open_dataset(tmp_path / "r" / "recording.nc") as dataset:
        seen = dataset["order"].values >= 0
        assert seen.sum() == 3
        assert np.array_equal(
            dataset["response"].values[seen], running.response[running.complete], equal_nan=True
        )
    samples.append_rest(writer)
    finished = writer.finish("done")
    assert finished.status == "done"
    assert samples.same(read_recording(tmp_path / "r"), samples.full())
    assert [p.name for p in (tmp_path / "r").iterdir()] == ["recording.nc"]
    assert writer.finish("failed").status == "done"


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


def test_of_two_at_once_the_second_overwrites_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`simulate` and `import` begun twice were both done, and one recording was gone."""
    out, look = tmp_path / "r", recording_store.new_directory

    def another_is_faster(folder: Path) -> Path:
        free = look(folder)
        monkeypatch.setattr(recording_store, "new_directory", look)
        write_recording(folder, samples.full())
        return free

    monkeypatch.setattr(recording_store, "new_directory", another_is_faster)
    mine = replace(samples.full(), meta={"id": "mine"})
    with pytest.raises(InputError, match=r"recording\.nc: exists already"):
        write_recording(out, mine)
    assert samples.same(read_recording(out), samples.full())
    assert read_recording(out).meta == samples.full().meta
    assert [path.name for path in out.iterdir()] == ["recording.nc"]


def test_resume_goes_on_with_a_stopped_run(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path / "r", samples.blank())
    samples.append_all(writer, until=3)
    writer.finish("stopped")
    again, so_far = RecordingWriter.resume(tmp_path / "r" / "recording.nc")
    assert int(so_far.complete.sum()) == 3
    assert read_recording(tmp_path / "r").status == "running"
    samples.append_rest(again)
    again.finish("done")
    assert samples.same(read_recording(tmp_path / "r"), samples.full())


def test_resume_refuses_a_run_whose_owner_lives(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path / "r", samples.blank())
    with pytest.raises(RefusedError, match=f"by process {os.getpid()} on "):
        RecordingWriter.resume(tmp_path / "r")
    writer.finish("stopped")


def test_the_status_survives_where_sealing_failed(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path / "r", samples.blank())
    samples.append_all(writer, until=2)
    os.makedirs(tmp_path / "r" / f".recording.nc.{os.getpid()}.partial")  # the way is blocked
    with pytest.raises(TwinrigError, match=r"recording\.nc"):
        writer.finish("failed")
    back = read_recording(tmp_path / "r")
    assert (back.status, int(back.complete.sum())) == ("failed", 2)


@POSIX
def test_a_vanished_folder_is_noticed_at_the_next_repeat(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path / "r", samples.blank())
    samples.append_all(writer, until=1)
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
    mount = ["mount", "-t", "tmpfs", "-o", "size=900k", "tmpfs", str(disk)]
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


@pytest.mark.parametrize(
    ("arrays", "texts"),
    [
        ({"a": {"type": "<f8", "shape": [0, 2**53, 2**53], "at": 0}}, {}),
        ({"a": {"type": "<f8", "shape": [1] * 99, "at": 0}}, {}),
        ({}, {"a": {"shape": [0, 2**53, 2**53], "words": []}}),
        ({}, {"a": {"shape": [1] * 99, "words": ["x"]}}),
    ],
)
def test_a_forged_shape_beyond_any_array_s_is_refused(
    tmp_path: Path, arrays: dict[str, object], texts: dict[str, object]
) -> None:
    index = canonical({"attrs": {}, "arrays": arrays, "texts": texts})
    content = HDF5_MAGIC + bytes(64) + index + SEAL + INDEX_LENGTH.pack(len(index))
    (tmp_path / "r.nc").write_bytes(content + hashlib.sha256(content).digest())
    for whole in (True, False):
        with pytest.raises(InputError, match="its index: "):
            read_netcdf(tmp_path / "r.nc", whole=whole)


def test_another_schema_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.recording_format.SCHEMA", 7)
    made = samples.full()
    made.meta["code_version"] = "9.9"
    path = write_recording(tmp_path / "r", made)
    monkeypatch.undo()
    with pytest.raises(InputError, match="schema '7', this Twinrig reads schema 2 and 3") as caught:
        read_recording(path)
    assert "use the version that wrote it (9.9), or record again" in str(caught.value)


def test_the_heartbeat_renews_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.recording_store.BEAT_S", 0.0)
    writer = RecordingWriter(tmp_path / "r", samples.blank())
    journal = tmp_path / "r" / "journal.bin"
    os.utime(journal, (0, 0))
    writer.beat()
    assert time.time() - journal.stat().st_mtime < 60
    writer.finish("done")

"""Repeats that were marked bad: kept, never deleted, left out of every fit and score."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from artefact_samples import blank, full, response_of, times_of
from small_disk import small_disk

from app.cli.main import main
from app.operations.fit_input import FitInput, left_out_words, read_repeats, refuse_changed
from app.operations.mark import mark_one
from app.recording_marks import FILE_NAME, add_mark, bad_positions, left_out, read_kept, read_marks
from app.store import RecordingWriter, read_recording, sha256_of, write_recording
from models.errors import InputError, TwinrigError
from models.recording import faults_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def recorded(tmp_path):
    """A finished recording of 2 sequences × 4 repeats."""
    return write_recording(tmp_path / "rec", full()).parent


def result_of(capsys) -> dict:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return next(line for line in lines if line["event"] == "result")


def test_marks_are_counted_from_one_in_the_order_of_recording(recorded, capsys) -> None:
    assert main(["mark", str(recorded), "--bad", "2,5", "--why", "door", "--json"]) == 0
    values = result_of(capsys)
    assert (values["bad"], values["kept"], values["recorded"]) == ([2, 5], 6, 8)
    kept, whole = read_kept(recorded), read_recording(recorded)
    assert sorted(set(whole.order[whole.complete]) - set(kept.order[kept.complete])) == [1, 4]


def test_a_range_is_marked_and_told_as_one(recorded, capsys) -> None:
    assert main(["mark", str(recorded), "--bad", "1, 3-6", "--why", "door", "--json"]) == 0
    assert result_of(capsys)["bad"] == [1, 3, 4, 5, 6]
    assert main(["mark", str(recorded), "--good", "4-5,5"]) == 0
    said = "".join(capsys.readouterr())
    assert "bad 1, 3-6 (door)" in said
    assert "good 4, 5" in said
    assert bad_positions(recorded) == {0, 2, 5}


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such call")
def test_the_first_mark_survives_a_power_cut_with_its_name(recorded, monkeypatch) -> None:
    synced, sync = list[int](), os.fsync

    def watched(handle: int) -> None:
        synced.append(os.fstat(handle).st_ino)
        sync(handle)

    monkeypatch.setattr(os, "fsync", watched)
    add_mark(recorded, bad=[3])
    assert synced == [(recorded / FILE_NAME).stat().st_ino, recorded.stat().st_ino]


def test_a_mark_changes_no_byte_of_the_data(recorded) -> None:
    before = sha256_of(recorded / "recording.nc")
    mark_one(recorded, 3, bad=True)
    assert sha256_of(recorded / "recording.nc") == before
    assert faults_of(read_kept(recorded)) == []  # what is left is a recording like any


def test_taken_back_the_repeat_is_there_as_it_was(recorded, capsys) -> None:
    assert main(["mark", str(recorded), "--bad", "2,5"]) == 0
    capsys.readouterr()
    assert main(["mark", str(recorded), "--good", "2", "--json"]) == 0
    assert result_of(capsys)["bad"] == [5]
    assert [m.why for m in read_marks(recorded)] == ["", ""]
    assert main(["mark", str(recorded), "--good", "5"]) == 0
    assert np.array_equal(
        read_kept(recorded).response, read_recording(recorded).response, equal_nan=True
    )


def test_without_options_it_says_what_is_marked(recorded, capsys) -> None:
    add_mark(recorded, bad=[0], why="lamp")
    assert main(["mark", str(recorded)]) == 0
    said = "".join(capsys.readouterr())
    assert "bad 1 (lamp)" in said


def test_where_no_repeat_is_left_it_warns(recorded, capsys) -> None:
    assert main(["mark", str(recorded), "--bad", "1-7"]) == 0
    assert "no repeat is left" not in capsys.readouterr().err
    assert main(["mark", str(recorded), "--bad", "8"]) == 0
    said = capsys.readouterr().err
    assert "no repeat is left that isn't marked bad: no fit or score can use" in said
    assert "take back what is good (`twinrig mark RECORDING --good 1,2`" in said
    assert main(["mark", str(recorded), "--good", "4"]) == 0
    assert "no repeat is left" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--bad", "9"], "repeat 9: the run has repeats 1 to 8"),
        (["--bad", "2", "--good", "2"], "repeat 2: bad and good at once"),
        (["--why", "door"], "--why stands alone"),
        (["--bad", "0"], "is not a list of counts"),
        (["--bad", "0"], ": from 1 to 999999999, a range upwards and of 1000000 at most"),
        (["--bad", "99999999999999999999"], "from 1 to 999999999"),
        (["--bad", "door"], "is not a list of counts"),
        (["--bad", "4-2"], "is not a list of counts"),
        (["--bad", "1-999999999"], "is not a list of counts"),
        (["--bad", "6-9"], "repeat 9: the run has repeats 1 to 8"),
        (["--bad", "6-900000"], ": repeats 9-900000: the run has repeats 1 to 8"),
    ],
)
def test_what_makes_no_mark_is_said_and_leaves_none(recorded, capsys, options, words) -> None:
    assert main(["mark", str(recorded), *options]) == 2
    assert words in capsys.readouterr().err
    assert not (recorded / FILE_NAME).exists()


def test_a_repeat_that_was_not_recorded_is_no_bad_one(tmp_path, capsys) -> None:
    part = replace(left_out(full(), [7]), status="stopped")
    write_recording(tmp_path / "part", part)
    assert main(["mark", str(tmp_path / "part"), "--bad", "8"]) == 2
    assert (
        "repeat 8: not recorded, so that there is nothing to leave out" in capsys.readouterr().err
    )


def test_a_running_recording_is_marked_and_sealed_with_its_marks(tmp_path) -> None:
    writer = RecordingWriter(tmp_path / "rec", blank())
    writer.append(0, 0, 0, 0.0, response_of(0, 0, 5), times_of(0, 0, 5))
    assert mark_one(writer.folder, 0, bad=True) == {0}
    assert mark_one(writer.folder, 1, bad=True) == {0, 1}  # the one that is running now
    writer.append(1, 0, 1, 1.0, response_of(1, 0, 3), times_of(1, 0, 3))
    writer.append(0, 1, 2, 2.0, response_of(0, 1, 5), times_of(0, 1, 5))
    writer.finish("stopped")
    assert read_kept(tmp_path / "rec").complete.sum() == 1
    assert mark_one(writer.folder, 0, bad=False) == {1}


def test_a_torn_last_line_is_dropped_and_the_next_mark_is_whole(recorded) -> None:
    add_mark(recorded, bad=[1])
    with (recorded / FILE_NAME).open("ab") as file:
        file.write(b'{"at":"2026')
    assert bad_positions(recorded) == {1}
    add_mark(recorded, bad=[2])
    assert bad_positions(recorded) == {1, 2}


def test_a_damaged_mark_is_refused_rather_than_overlooked(recorded) -> None:
    add_mark(recorded, bad=[1])
    add_mark(recorded, bad=[2])
    path = recorded / FILE_NAME
    path.write_bytes(path.read_bytes().replace(b'"bad":[1]', b'"bad":[3]'))
    with pytest.raises(InputError, match=r"line 1.*checksum"):
        read_repeats(recorded)


def test_where_all_repeats_are_marked_bad_that_is_said(recorded, capsys) -> None:
    add_mark(recorded, bad=range(8), why="door")
    for verb in (["fit", str(recorded)], ["learning-curve", str(recorded)]):
        assert main([*verb, "--out", str(recorded.parent / "out")]) == 2
        assert f"all 8 repeats of {recorded}: marked bad" in capsys.readouterr().err
    add_mark(recorded, good=[3])
    assert read_kept(recorded).complete.sum() == 1


def test_a_fit_leaves_marked_repeats_out_and_keeps_which(tmp_path) -> None:
    whole = replace(full(range(13, 21), 8), status="done")
    folder = write_recording(tmp_path / "rec", whole).parent
    before = FitInput.read([folder], seed=0, deterministic=False)
    mark_one(folder, 17, bad=True)
    after = FitInput.read([folder], seed=0, deterministic=False)
    gone = before.recording.order == 17
    assert before.recording.complete.sum() - after.recording.complete.sum() == 1
    assert np.isnan(after.recording.response[gone]).all()
    assert after.parents[0]["left_out"] == [17]
    assert any("marked bad: repeat 18" in note for note in after.notes)
    assert left_out_words(folder).endswith("repeat 18")
    with pytest.raises(InputError, match="were marked since the fit began"):
        refuse_changed(after.parents, before.parents)


def test_a_fit_tells_missing_and_marked_repeats_apart(tmp_path) -> None:
    """Those marked bad were told twice, as missing, too."""
    part = replace(left_out(full(range(13, 21), 8), [5]), status="stopped")
    folder = write_recording(tmp_path / "rec", part).parent
    for marked in ([], [17], [17, 26]):
        add_mark(folder, bad=marked)
        notes = FitInput.read([folder], seed=0, deterministic=False).notes
        assert [note for note in notes if note.endswith("missing")] == ["1 repeat is missing"]
    done = replace(full(range(13, 21), 8), status="done")
    whole = write_recording(tmp_path / "all", done).parent
    add_mark(whole, bad=[17])
    notes = FitInput.read([whole], seed=0, deterministic=False).notes
    assert not any(note.endswith("missing") for note in notes)


def test_a_mark_that_a_full_disk_takes_a_part_of_is_refused_and_leaves_the_others(
    tmp_path: Path,
) -> None:
    """A write that is cut short raises nothing: the mark was told to be kept, and was gone."""
    with small_disk(tmp_path / "disk") as disk:
        write_recording(disk.path / "rec", full())
        add_mark(disk.path / "rec", bad=[0], why="y" * 3800)
        file = disk.path / "rec" / FILE_NAME
        before = file.read_bytes()
        disk.fill()
        with pytest.raises(TwinrigError, match="the disk is full"):
            add_mark(disk.path / "rec", bad=[1], why="z" * 1000)
        assert file.read_bytes() == before
        disk.free()
        add_mark(disk.path / "rec", bad=[1], why="again")
        assert bad_positions(disk.path / "rec") == {0, 1}


def test_marks_that_two_computers_made_count_both(tmp_path: Path) -> None:
    """What syncs a folder keeps both files; those of the other computer were fitted as good."""
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        write_recording(folder, full())
        add_mark(folder, bad=[0], why="both have it")
    (there / FILE_NAME).write_bytes((here / FILE_NAME).read_bytes())
    add_mark(here, bad=[1])
    add_mark(there, bad=[2])
    for name in ("marks (1).jsonl", "marks.sync-conflict-20261128-101010-ABC.jsonl"):
        (here / name).write_bytes((there / FILE_NAME).read_bytes())
    assert bad_positions(here) == {0, 1, 2}
    assert len(read_marks(here)) == 3
    (here / FILE_NAME).unlink()
    assert bad_positions(here) == {0, 2}

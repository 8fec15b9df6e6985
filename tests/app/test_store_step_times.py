"""Times of steps and the measured field on disk: kept, shown while a run lasts, not in schema 2."""

from __future__ import annotations

from typing import TYPE_CHECKING

import artefact_samples as samples
import numpy as np
import pytest
import xarray as xr

from app import journal, recording_format, recording_store
from app.store import RecordingWriter, read_recording, write_recording
from models.errors import InputError
from models.recording import BY_STEP, StepTimes

if TYPE_CHECKING:
    from pathlib import Path


def test_xarray_opens_them_with_dimensions_and_units_while_the_run_lasts(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path / "r", samples.blank())
    field_T = np.linspace(0.0, 0.003, 3)
    times = StepTimes(np.arange(3.0), np.arange(3.0) + 0.5, field_T)
    writer.append(1, 2, 0, 0.0, samples.response_of(1, 2, 3), times)
    running = read_recording(tmp_path / "r")
    with xr.open_dataset(tmp_path / "r" / "recording.nc", decode_timedelta=False) as dataset:
        for name, unit in zip(BY_STEP, ("s", "s", "T"), strict=True):
            assert dataset[name].dims == ("sequence", "repeat", "step")
            assert dataset[name].attrs["units"] == unit
            np.testing.assert_array_equal(dataset[name][1, 2, :3], getattr(times, name))
            np.testing.assert_array_equal(dataset[name], getattr(running, name))
            assert int(np.isfinite(dataset[name]).sum()) == 3
    writer.finish("stopped")
    assert samples.same(read_recording(tmp_path / "r"), running)


def test_a_file_of_schema_2_is_read_without_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = recording_format.variables_of

    def untimed(recording):  # type: ignore[no-untyped-def]
        found = variables(recording)
        return {name: found[name] for name in found if name not in BY_STEP}

    monkeypatch.setattr(recording_format, "SCHEMA", 2)
    monkeypatch.setattr(recording_store, "variables_of", untimed)
    path = write_recording(tmp_path / "r", samples.full())
    monkeypatch.undo()
    back = read_recording(path)
    np.testing.assert_array_equal(back.response, samples.full().response)
    assert all(np.isnan(getattr(back, name)).all() for name in BY_STEP)


def test_a_present_file_that_lacks_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = recording_format.variables_of
    monkeypatch.setattr(
        recording_store,
        "variables_of",
        lambda recording: {n: v for n, v in variables(recording).items() if n != "read_s"},
    )
    path = write_recording(tmp_path / "r", samples.full())
    with pytest.raises(InputError, match="array 'read_s' is missing"):
        read_recording(path)


def test_a_journal_of_schema_2_is_read_and_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    timed = journal.JournalRepeat.to_bytes

    def untimed(one: journal.JournalRepeat) -> bytes:
        return timed(one)[: -8 * len(BY_STEP) * len(one.response)]

    monkeypatch.setattr(journal.JournalRepeat, "to_bytes", untimed)
    monkeypatch.setattr(journal, "REPEAT_KIND", journal.UNTIMED_KIND)
    writer = RecordingWriter(tmp_path / "r", samples.blank())
    samples.append_all(writer, until=3)
    writer._close()
    monkeypatch.undo()
    before = read_recording(tmp_path / "r")
    assert (before.status, int(before.complete.sum())) == ("interrupted", 3)
    assert np.isnan(before.set_s).all()
    again, _ = RecordingWriter.resume(tmp_path / "r")
    samples.append_rest(again)
    again.finish("done")
    after = read_recording(tmp_path / "r")
    np.testing.assert_array_equal(after.response, samples.full().response)
    assert int(np.isfinite(after.set_s).any(axis=2).sum()) == after.order.size - 3


@pytest.mark.parametrize("value", [np.inf, 1e200])
def test_values_that_no_clock_gives_are_refused(tmp_path: Path, value: float) -> None:
    forged = samples.full()
    forged.set_s[0, 0, 0] = value
    path = write_recording(tmp_path / "r", forged)
    with pytest.raises(InputError, match="set_s holds values that no device gives"):
        read_recording(path)

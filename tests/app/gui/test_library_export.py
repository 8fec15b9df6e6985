"""Library → Export: a recording is written where the dialog says, in the format that was chosen."""

from __future__ import annotations

import csv
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from artefact_samples import full, twin
from fuzz_kinds import make_deployment
from PyQt6.QtWidgets import QLineEdit

from app.store import read_recording, save_twin, write_recording

if TYPE_CHECKING:
    from pathlib import Path

WAIT_MS = 60_000


@pytest.fixture
def page(make_window: Any, qtbot: Any, tmp_path: Path) -> Any:
    """The page over a recording and a twin; the recording is chosen."""
    recording = replace(full(), status="done")
    recording.meta.update(id="rec-a")
    write_recording(tmp_path / "library" / "rec-a", recording)
    save_twin(tmp_path / "library" / "twin-a", twin())
    page = make_window(connected=False, page="library").page()
    qtbot.waitUntil(lambda: len(page.rows) == 2, timeout=WAIT_MS)
    choose(page, "rec-a")
    return page


def choose(page: Any, name: str) -> None:
    page.list.clearSelection()
    page.list.choose({e.artefact.path for e in page.rows if e.artefact.path.name == name})


def said(page: Any) -> list[str]:
    return [toast.text for toast in page.shell.toasts.shown]


def test_a_recording_is_written_and_where_is_told(page: Any, qtbot: Any, tmp_path: Path) -> None:
    dialog = page.export.ask_place()
    assert not dialog.isModal()
    dialog.fileSelected.emit(str(tmp_path / "a.csv"))
    dialog.close()
    qtbot.waitUntil(lambda: any("is written" in words for words in said(page)), timeout=WAIT_MS)
    known = read_recording(tmp_path / "library" / "rec-a")
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as text:
        rows = list(csv.DictReader(text))
    assert len(rows) == int((known.complete * known.lengths[:, None]).sum())
    page.export.write(tmp_path / "library" / "rec-a", tmp_path / "a.csv")  # never over another
    qtbot.waitUntil(lambda: any("exists already" in words for words in said(page)), timeout=WAIT_MS)


def test_the_chosen_format_is_the_files_ending(page: Any, qtbot: Any, tmp_path: Path) -> None:
    """A proposed name with an ending of its own stays `.csv` whatever format is chosen after it."""
    dialog = page.export.ask_place()
    dialog.setDirectory(str(tmp_path))
    arrays = next(words for words in dialog.nameFilters() if "npz" in words)
    dialog.selectNameFilter(arrays)
    dialog.filterSelected.emit(arrays)
    name = dialog.findChild(QLineEdit, "fileNameEdit")
    assert name.text() == "rec-a"
    with qtbot.waitSignal(dialog.fileSelected):
        dialog.accept()
    qtbot.waitUntil((tmp_path / "rec-a.npz").exists, timeout=WAIT_MS)
    known = read_recording(tmp_path / "library" / "rec-a")
    np.testing.assert_array_equal(np.load(tmp_path / "rec-a.npz")["drive"], known.drive)


def test_of_what_has_no_data_there_is_nothing_to_export(page: Any) -> None:
    assert page.export.isEnabled()
    choose(page, "twin-a")
    assert not page.export.isEnabled()


def test_a_deployments_answers_are_written(make_window: Any, qtbot: Any, tmp_path: Path) -> None:
    make_deployment(tmp_path / "library" / "dep-a")
    page = make_window(connected=False, page="library").page()
    qtbot.waitUntil(lambda: len(page.rows) == 2, timeout=WAIT_MS)
    choose(page, "dep-a")
    page.export.ask_place().fileSelected.emit(str(tmp_path / "a.csv"))
    qtbot.waitUntil(lambda: any("is written" in words for words in said(page)), timeout=WAIT_MS)
    assert (tmp_path / "a.csv").read_text().startswith("answer,prediction,target,forecast_mean")

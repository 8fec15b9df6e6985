"""Files dropped on the window, where people try it: a bench, a recording, sequences, data."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from fit_device import record_device
from PyQt6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PyQt6.QtGui import QDragEnterEvent, QDropEvent
from PyQt6.QtWidgets import QApplication, QLineEdit
from window_disk import disk_of_the_window

from app.store import write_recording

if TYPE_CHECKING:
    from pathlib import Path

    from PyQt6.QtWidgets import QWidget

WAIT_MS = 60_000
HOW = (Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)


def drop(widget: QWidget, *paths: Path) -> bool:
    """Drop files on a widget as Qt would; whether they are taken."""
    carried = QMimeData()
    carried.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    entered = QDragEnterEvent(QPoint(3, 3), HOW[0], carried, *HOW[1:])
    QApplication.sendEvent(widget, entered)
    if entered.isAccepted():
        window = widget.window()
        QApplication.sendEvent(window, QDropEvent(QPointF(3, 3), HOW[0], carried, *HOW[1:]))
    return entered.isAccepted()


@pytest.fixture
def bench_file(tmp_path: Path) -> Path:
    path = tmp_path / "rig.toml"
    path.write_text(files("resources").joinpath("virtual-nanoring.toml").read_text("utf-8"))
    return path


def test_a_bench_file_is_opened_once_it_was_said_that_it_shall(
    window: Any, qtbot: Any, bench_file: Path
) -> None:
    assert drop(window, bench_file)
    qtbot.waitUntil(window.bar.isVisible, timeout=WAIT_MS)
    assert "open rig.toml in its place?" in window.bar.text
    assert window.bar.harmless is not None
    window.bar.harmless.click()
    assert window.bar.isHidden()
    assert not window.closing
    drop(window, bench_file)
    qtbot.waitUntil(window.bar.isVisible, timeout=WAIT_MS)
    window.bar.buttons[0].click()
    qtbot.waitUntil(lambda: window._closed, timeout=WAIT_MS)
    assert window.next_bench == bench_file


def test_a_question_of_the_window_is_not_covered_by_one_of_a_drop(
    window: Any, qtbot: Any, bench_file: Path
) -> None:
    window.bar.ask("by hand: switch the supply off", [])
    drop(window, bench_file)
    qtbot.waitUntil(lambda: "rig.toml is not opened" in str(window.log), timeout=WAIT_MS)
    assert window.bar.text == "by hand: switch the supply off"


def test_a_question_of_a_drop_stands_when_a_run_ends_that_of_closing_does_not(
    window: Any, qtbot: Any, bench_file: Path, press_record: Any
) -> None:
    press_record(window, until_over=False, count=2, steps=100, repeats=20)
    drop(window, bench_file)
    qtbot.waitUntil(window.bar.isVisible, timeout=WAIT_MS)
    assert window.job is not None
    window.stop()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    assert window.bar.isVisible()
    assert "open rig.toml in its place?" in window.bar.text
    window.bar.harmless.click()
    press_record(window, until_over=False, count=2, steps=100, repeats=20)
    window.close()
    assert "Stop it" in window.bar.text
    window.stop()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    assert window.bar.isHidden()


def test_each_kind_goes_to_the_page_that_takes_it(make_window: Any, qtbot: Any, tmp_path) -> None:
    window = make_window(connected=False)
    elsewhere = tmp_path / "elsewhere"
    write_recording(elsewhere / "rec-a", record_device(4, 2, seed=1, steps=12))
    sequences, data, text = (tmp_path / name for name in ("s.json", "run.npz", "readme.md"))
    sequences.write_text('{"sequences": [[0.1, 0.5, 0.9]]}')
    np.savez(data, response=np.zeros((2, 3, 4)))
    text.write_text("nothing")
    with disk_of_the_window(tmp_path) as touched:
        for one in (elsewhere / "rec-a" / "recording.nc", elsewhere / "rec-a"):
            window.open_page("log")
            drop(window, one)
            qtbot.waitUntil(lambda: window.page().key == "twin", timeout=WAIT_MS)
        chosen = window.pages["twin"]
        qtbot.waitUntil(lambda: elsewhere / "rec-a" in chosen.chosen, timeout=WAIT_MS)
        drop(window, sequences)
        qtbot.waitUntil(lambda: window.page().key == "record", timeout=WAIT_MS)
        assert window.pages["record"].rows.design().file == str(sequences)
        drop(window, data)
        qtbot.waitUntil(lambda: window.page().key == "import_data", timeout=WAIT_MS)
        assert window.pages["import_data"].file == data
        qtbot.waitUntil(lambda: window.pages["import_data"].seen is not None, timeout=WAIT_MS)
        drop(window, text)
        qtbot.waitUntil(lambda: "readme.md: dropped here are" in str(window.log), timeout=WAIT_MS)
    assert not touched


def test_an_entry_takes_no_file_as_a_text_that_nothing_reads(window: Any, bench_file: Path) -> None:
    window.open_page("bench")
    entries = [e for e in window.page().findChildren(QLineEdit) if e.isVisible()]
    assert entries
    before = [entry.text() for entry in entries]
    assert all(drop(entry, bench_file) for entry in entries)  # by the window around it
    assert [entry.text() for entry in entries] == before


def test_what_is_no_file_is_not_taken(window: Any) -> None:
    carried = QMimeData()
    carried.setText("2.5 mT")
    entered = QDragEnterEvent(QPoint(3, 3), HOW[0], carried, *HOW[1:])
    QApplication.sendEvent(window, entered)
    assert not entered.isAccepted()

"""What is fitted is what is ticked in view: recordings of elsewhere, and those that are gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fit_device import record_device

from app.gui.offered import GONE
from app.store import write_recording

if TYPE_CHECKING:
    from pathlib import Path

WAIT_MS = 60_000


def recorded(path: Path, sequences: int = 8) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_recording(path, record_device(sequences, 4, seed=2, steps=12))
    return path


@pytest.fixture
def page(make_window, qtbot):
    """The Twin page with two recordings in its library, none of them ticked."""
    window = make_window(connected=False, page="twin")
    for name in ("rec-a", "rec-b"):
        recorded(window.session.library.folder / name)
    window.open_page("twin")
    made = window.pages["twin"]
    qtbot.waitUntil(lambda: len(made.ticks) == 2, timeout=WAIT_MS)
    return made


def read(page, qtbot) -> None:
    qtbot.waitUntil(lambda: page.recordings.looked is not None, timeout=WAIT_MS)
    page.show_cost()


@pytest.mark.parametrize("file", ["", "recording.nc"])
def test_one_from_outside_the_library_has_a_tick_that_can_be_taken_away(
    page, qtbot, tmp_path, file
) -> None:
    other = recorded(tmp_path / "elsewhere" / "rec-of-a-colleague", 6)
    page.shell.open_page("twin", other / file)
    qtbot.waitUntil(lambda: other in page.ticks, timeout=WAIT_MS)
    tick = page.ticks[other]
    assert tick.isChecked()
    qtbot.waitUntil(lambda: "6 × 12 steps" in page.ticks[other].note, timeout=WAIT_MS)
    assert page.ticks[other].note.startswith("outside the library")
    page.refresh()  # as on coming back to the page
    page.ticks[page.session.library.folder / "rec-a"].setChecked(True)
    read(page, qtbot)
    assert page.recordings.note.text() == "14 sequences · 56 repeats"
    qtbot.wait(300)  # the library has been read again
    assert other in page.ticks
    for one in page.ticks.values():
        one.setChecked(False)
    read(page, qtbot)
    assert page.chosen == []
    assert not page.form.primary.isEnabled()
    page.refresh()
    qtbot.waitUntil(lambda: other not in page.ticks, timeout=WAIT_MS)


def test_one_that_is_gone_stays_ticked_and_refuses_the_fit_until_it_is_taken_away(
    page, qtbot, tmp_path
) -> None:
    gone = page.session.library.folder / "rec-b"
    for tick in page.ticks.values():
        tick.setChecked(True)
    read(page, qtbot)
    assert page.form.primary.isEnabled()
    gone.rename(tmp_path / "moved")
    page.refresh()
    qtbot.waitUntil(lambda: page.ticks[gone].text() == "rec-b, gone", timeout=WAIT_MS)
    assert page.ticks[gone].toolTip().endswith(GONE)
    read(page, qtbot)
    assert not page.form.primary.isEnabled()
    assert page.form.primary.cost == f"rec-b: {GONE}; untick it"
    page.ticks[gone].setChecked(False)
    read(page, qtbot)
    assert page.form.primary.isEnabled()
    page.refresh()
    qtbot.waitUntil(lambda: gone not in page.ticks, timeout=WAIT_MS)


def test_one_that_is_back_is_told_so(page, qtbot, tmp_path) -> None:
    path = page.session.library.folder / "rec-b"
    page.ticks[path].setChecked(True)
    path.rename(tmp_path / "moved")
    page.refresh()
    qtbot.waitUntil(lambda: page.ticks[path].text() == "rec-b, gone", timeout=WAIT_MS)
    (tmp_path / "moved").rename(path)
    page.refresh()
    qtbot.waitUntil(lambda: page.ticks[path].text() == "rec-b", timeout=WAIT_MS)
    assert page.ticks[path].isChecked()
    read(page, qtbot)
    assert page.form.primary.isEnabled()

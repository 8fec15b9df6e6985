"""Buttons, keys and clicks that no test of a page presses: Settings, Welcome, Keys, and others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from artefact_samples import full
from conftest import WAIT_MS
from PyQt6.QtCore import QPoint, QPointF, Qt, QTimer
from PyQt6.QtGui import QColor, QDesktopServices, QWheelEvent
from PyQt6.QtWidgets import QApplication, QPlainTextEdit, QPushButton

from app.gui.actions import PAGES, shortcut_sheet
from app.gui.live_record import LiveRecording
from app.gui.pages import library_trash
from app.gui.pages.record_drift import DriftPanel
from app.gui.pages.record_heat import HeatPanel
from app.gui.widgets.offer import OfferButton
from app.gui.widgets.schedule import ScheduleGrid
from app.operations.events import RepeatRecorded, RunPlan
from app.store import write_recording

if TYPE_CHECKING:
    from pathlib import Path

    from app.gui.theme import Theme
    from app.gui.widgets.panel import Panel
    from app.gui.window import Window

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def folders_shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the system was asked to show in place of its file browser."""
    shown: list[str] = []
    monkeypatch.setattr(
        QDesktopServices, "openUrl", lambda url: shown.append(url.toLocalFile()) or True
    )
    return shown


def copied() -> str:
    clipboard = QApplication.clipboard()
    assert clipboard is not None
    return clipboard.text()


def test_the_rail_is_clicked_and_the_menu_opens_by_its_button(make_window: Any, qtbot: Any) -> None:
    window: Window = make_window(connected=False, page="log")
    for key, _ in PAGES:
        qtbot.mouseClick(window.rail.items[key], LEFT)
        assert window.page().key == key
        assert [k for k, item in window.rail.items.items() if item.isChecked()] == [key]
    seen: list[bool] = []

    def look() -> None:
        seen.append(window.top.menu.isVisible())
        window.top.menu.close()

    QTimer.singleShot(0, look)  # the button waits for its menu
    qtbot.mouseClick(window.top.menu_button, LEFT)
    assert seen == [True]


def test_the_look_is_chosen_by_keys_and_clicks_and_follows_the_menu(
    make_window: Any, qtbot: Any
) -> None:
    window: Window = make_window(connected=False, page="settings")
    page: Any = window.page()
    look = page.look
    assert look.value == "light"
    qtbot.keyClick(look, Qt.Key.Key_Right)
    assert (look.value, window.theme.mode) == ("dark", "dark")
    qtbot.keyClick(look, Qt.Key.Key_Left)
    qtbot.keyClick(look, Qt.Key.Key_Left)  # once around
    assert (look.value, window.theme.mode) == ("system", "system")
    qtbot.mouseClick(look, LEFT, pos=QPoint(look.width() // 2, 5))
    assert window.theme.mode == "dark"
    window.actions_by_id["theme.light"].trigger()
    assert look.value == "light"


def test_settings_and_the_first_page_lead_where_their_buttons_say(
    make_window: Any, qtbot: Any
) -> None:
    window: Window = make_window(connected=False, page="settings")
    wanted = {
        "settings": ["welcome", "keys", "words", "log"],
        "welcome": ["demo", "bench_draft", "serve"],
    }
    for begin, keys in wanted.items():
        window.open_page(begin)
        reached = []
        for offer in window.pages[begin].findChildren(OfferButton):
            if offer.text().startswith(("Use the virtual", "A first run", "Open a bench", "Put ")):
                continue
            window.open_page(begin)
            qtbot.mouseClick(offer, LEFT)
            reached.append(window.page().key)
        assert reached == keys


def test_a_bench_file_is_opened_from_the_first_page_beside_the_window(
    make_window: Any, qtbot: Any, tmp_path: Path
) -> None:
    window: Window = make_window(connected=False, page="welcome")
    page: Any = window.page()
    bench = tmp_path / "rig.toml"
    bench.write_text(window.session.spec.text)
    qtbot.mouseClick(page.opener, LEFT)
    assert not page.dialog.isModal()
    page.dialog.fileSelected.emit(str(bench))
    page.dialog.close()
    qtbot.waitUntil(lambda: window._closed, timeout=WAIT_MS)
    assert window.next_bench == bench
    qtbot.waitUntil(lambda: page.dialog is None, timeout=WAIT_MS)


def test_a_double_click_opens_the_choice_of_a_bench_and_chooses_none(
    make_window: Any, qtbot: Any
) -> None:
    window: Window = make_window(connected=False, page="settings")
    chooses = next(
        one for one in window.page().findChildren(OfferButton) if one.text() == "Choose a bench"
    )
    at = chooses.mapTo(window, chooses.rect().center())
    qtbot.mouseClick(chooses, LEFT)
    assert window.page().key == "welcome"
    QApplication.processEvents()  # it is laid out
    below = window.childAt(at)
    assert isinstance(below, OfferButton)
    qtbot.mouseDClick(below, LEFT)  # the second press of the two
    qtbot.mouseRelease(below, LEFT)
    assert window.page().key == "welcome"


def test_the_sheet_of_keys_is_copied_whole(make_window: Any, qtbot: Any) -> None:
    page: Any = make_window(connected=False, page="keys").page()
    qtbot.mouseClick(page.form.primary, LEFT)
    lines = copied().splitlines()
    assert len(lines) == len(shortcut_sheet())
    assert all(key in line and words in line
               for line, (key, words) in zip(lines, shortcut_sheet(), strict=True))  # fmt: skip


def test_a_toast_unfolds_is_copied_and_put_away_by_its_buttons(
    make_window: Any, qtbot: Any
) -> None:
    window: Window = make_window(connected=False, page="log")
    window.toast("it failed", "error", "Traceback: deep inside")
    (toast,) = window.toasts.shown
    buttons = {button.text(): button for button in toast.findChildren(QPushButton)}
    details = toast.findChild(QPlainTextEdit)
    for seen in (True, False, True):
        qtbot.mouseClick(buttons["Details"], LEFT)
        assert details.isVisible() is seen
    assert details.toPlainText() == toast.trace
    qtbot.mouseClick(buttons["Copy"], LEFT)
    assert copied() == "it failed\n\nTraceback: deep inside"
    qtbot.mouseClick(buttons["Close"], LEFT)
    assert window.toasts.shown == []


@pytest.fixture
def library(make_window: Any, qtbot: Any, tmp_path: Path) -> Any:
    """The Library page over two recordings."""
    for name in ("rec-a", "rec-b"):
        recording = full()
        recording.meta.update(id=name)
        write_recording(tmp_path / "library" / name, recording)
    page = make_window(connected=False, page="library").page()
    qtbot.waitUntil(lambda: len(page.rows) == 2, timeout=WAIT_MS)
    return page


def test_folders_are_shown_as_the_system_does(
    library: Any, qtbot: Any, folders_shown: list[str]
) -> None:
    folder = library.session.library.folder
    qtbot.mouseClick(library.folder_button, LEFT)
    qtbot.waitUntil(lambda: folders_shown == [str(folder)], timeout=WAIT_MS)
    assert not library.reveal.isEnabled()  # nothing is chosen
    library.list.choose({folder / "rec-b"})
    qtbot.mouseClick(library.reveal, LEFT)
    qtbot.waitUntil(lambda: folders_shown[1:] == [str(folder / "rec-b")], timeout=WAIT_MS)
    (folder / "rec-b").rename(folder.with_name("elsewhere"))
    qtbot.mouseClick(library.reveal, LEFT)
    toasts = library.shell.toasts
    qtbot.waitUntil(lambda: bool(toasts.shown), timeout=WAIT_MS)
    assert "rec-b: there is no such folder" in toasts.shown[-1].text
    assert len(folders_shown) == 2


def test_the_trash_asks_anew_after_another_choice_and_after_a_while(
    library: Any, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved: list[Any] = []
    monkeypatch.setattr(library_trash, "moved_to_trash", lambda *asked: moved.append(asked))
    folder = library.session.library.folder
    library.list.choose({folder / "rec-a"})
    qtbot.mouseClick(library.trash, LEFT)
    assert library.trash.text() == "Sure?"
    library.list.clearSelection()
    library.list.choose({folder / "rec-b"})
    assert library.trash.text() == "Move to trash"
    library.trash.sure.setInterval(20)
    qtbot.mouseClick(library.trash, LEFT)
    assert library.trash.text() == "Sure?"
    qtbot.waitUntil(lambda: library.trash.text() == "Move to trash", timeout=60_000)
    assert moved == []


def test_the_list_is_ordered_by_lineage_or_by_age(library: Any, qtbot: Any) -> None:
    assert library.subheading.text().startswith("each under what it was made from")
    qtbot.keyClick(library.finder.order, Qt.Key.Key_Right)
    assert library.subheading.text().startswith("newest first")
    made = [entry.artefact.changed_s for entry in library.rows]
    assert made == sorted(made, reverse=True)


def test_instruments_and_what_went_over_the_wire_are_walked_through_by_keys_and_wheel(
    make_window: Any, qtbot: Any
) -> None:
    page: Any = make_window(page="bench").page()
    page.rows.choose("readout.lockin")
    for key, name in ((Qt.Key.Key_Up, "magnet.x"), (Qt.Key.Key_Up, "magnet.x"),
                      (Qt.Key.Key_Down, "readout.lockin")):  # fmt: skip
        qtbot.keyClick(page.rows, key)
        assert page.rows.current == name
    assert page.edit.table.currentData() == "readout.lockin"  # its part of the bench file
    page.wire.choose("lockin")
    page.wire.command.setText("*IDN?")
    qtbot.mouseClick(page.wire.send_button, LEFT)
    qtbot.waitUntil(lambda: "Stanford" in page.wire.answer.text(), timeout=WAIT_MS)
    view = page.wire.view
    view.show_messages(view.messages[:1] * (3 * view.lines))
    for key, back in ((Qt.Key.Key_Up, 1), (Qt.Key.Key_PageUp, view.lines + 1),
                      (Qt.Key.Key_Down, view.lines), (Qt.Key.Key_End, 0),
                      (Qt.Key.Key_Home, 2 * view.lines), (Qt.Key.Key_PageDown, view.lines),
                      (Qt.Key.Key_End, 0)):  # fmt: skip
        qtbot.keyClick(view, key)
        assert view.back == back, key
    up = QWheelEvent(QPointF(5, 5), QPointF(5, 5), QPoint(), QPoint(0, 120),
                     Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
                     Qt.ScrollPhase.NoScrollPhase, False)  # fmt: skip
    QApplication.sendEvent(view, up)
    assert view.back == 3


def recorded(channels: int) -> LiveRecording:
    """Five repeats of a sequence of four steps."""
    live, names = LiveRecording(), tuple(f"f{k}" for k in range(channels))
    live.take(RunPlan(1, 5, 4, names, ("V",) * channels, 1.0, "out", "rec-x"))
    for k in range(5):
        level = np.full((4, channels), 0.5 + 0.1 * k) + np.arange(channels)
        live.take(RepeatRecorded(0, k, k, level, float(k)))
    return live


def at(panel: Panel, x: float, y: float) -> QPoint:
    """Where a place of a plot is on its view."""
    there: QPointF = panel.plot.vb.mapViewToScene(QPointF(x, y))
    mapped: QPoint = panel.view.mapFromScene(there)
    return mapped


def clicked(panel: Panel, where: QPoint, qtbot: Any) -> list[int]:
    """What a panel tells of a click there."""
    told: list[int] = []
    panel.picked.connect(told.append)  # type: ignore[attr-defined]
    qtbot.mouseClick(panel.view.viewport(), LEFT, pos=where)
    QApplication.processEvents()
    panel.picked.disconnect(told.append)  # type: ignore[attr-defined]
    return told


def test_a_repeat_is_chosen_by_a_click_on_its_dot(theme: Theme, qtbot: Any) -> None:
    panel = DriftPanel(theme)
    qtbot.addWidget(panel)
    panel.resize(500, 300)
    panel.show()
    panel.draw(recorded(1), 0, 1.0, "V")
    panel.grab()  # it has its ranges
    x, y = (values[2] for values in panel.good.getData())
    assert clicked(panel, at(panel, x, y), qtbot) == [2]
    empty = at(panel, x + 0.5, y)
    empty.setY(empty.y() - 60)
    assert clicked(panel, empty, qtbot) == []


def test_a_channel_is_chosen_by_a_click_on_its_row_of_the_map(theme: Theme, qtbot: Any) -> None:
    panel = HeatPanel(theme)
    qtbot.addWidget(panel)
    panel.resize(500, 300)
    panel.show()
    live = recorded(40)
    panel.draw(live.mean_of_all(0), 0, "V")
    panel.grab()
    assert clicked(panel, at(panel, 2.0, 7.5), qtbot) == [7]


def test_a_node_of_a_deployment_is_chosen_by_a_click_on_its_box(theme: Theme, qtbot: Any) -> None:
    grid = ScheduleGrid(theme)
    qtbot.addWidget(grid)
    grid.resize(400, 200)
    grid.show_layers((2, 3))
    told: list[tuple[int, int]] = []
    grid.chosen.connect(lambda layer, node: told.append((layer, node)))
    for layer, node in ((1, 2), (0, 0)):
        qtbot.mouseClick(grid, LEFT, pos=grid._box(layer, node).center().toPoint())
    qtbot.mouseClick(grid, LEFT, pos=QPoint(2, 2))  # its name
    assert told == [(1, 2), (0, 0)]


def test_a_node_of_the_schedule_is_chosen_by_the_arrow_keys(theme, qtbot) -> None:
    grid = ScheduleGrid(theme)
    qtbot.addWidget(grid)
    grid.show_layers((3, 2))
    grid.show_measured((1, 1), 0.75)
    grid.resize(400, grid.height())
    grid.show()
    grid.activateWindow()
    told: list[tuple[int, int]] = []
    grid.chosen.connect(lambda layer, node: told.append((layer, node)))
    assert grid.focusPolicy() & Qt.FocusPolicy.TabFocus  # Tab never came there
    grid.setFocus()
    qtbot.waitUntil(grid.hasFocus, timeout=60_000)
    for key in ("Right", "Right", "Right", "Right", "Down", "Down", "Left", "Up"):
        qtbot.keyClick(grid, getattr(Qt.Key, f"Key_{key}"))
    assert told == [(0, 0), (0, 1), (0, 2), (1, 1), (1, 0), (0, 0)]
    qtbot.keyClick(grid, Qt.Key.Key_Right)
    qtbot.keyClick(grid, Qt.Key.Key_Down)
    assert grid.accessibleDescription() == "Node 2.02, misfit 0.8 times what is expected"
    corner = grid._box(1, 1).topLeft().toPoint()
    inked = grid.grab().toImage().pixelColor(corner.x() + 20, corner.y())
    assert abs(inked.lightnessF() - QColor(theme.tokens.ink).lightnessF()) < 0.2

"""Every page: names for a screen reader, keys, room at 1280 x 720; `test_bad_days`: at 200 %."""

from __future__ import annotations

from PyQt6.QtCore import QEvent, QObject, Qt
from PyQt6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QAbstractSpinBox,
    QApplication,
    QLabel,
    QPlainTextEdit,
    QScrollArea,
    QWidget,
)

from app.gui.actions import PAGES
from app.gui.widgets.basic import Tick
from app.gui.window import WITHIN

KEYS = [*(key for key, _ in PAGES), *WITHIN, "log", "settings"]


def named(widget: QWidget) -> bool:
    if widget.accessibleName().strip():
        return True
    if isinstance(widget, QAbstractButton) and widget.text().strip():
        return True
    parent = widget.parentWidget()
    labels = parent.window().findChildren(QLabel) if parent else []
    return any(label.buddy() is widget and label.text().strip() for label in labels)


def focusable(page: QWidget) -> list[QWidget]:
    found = []
    for widget in page.findChildren(QWidget):
        parent = widget.parentWidget()
        inner = isinstance(parent, QAbstractScrollArea) and parent.viewport() is widget
        popup = widget.window() is not page.window()  # the list of a combo box
        inner = inner or isinstance(widget, QScrollArea) or widget.focusProxy() is not None
        inner = inner or isinstance(parent, QAbstractSpinBox)
        inner = inner or isinstance(widget, QLabel)  # its text can be chosen, and is its name
        if widget.focusPolicy() != Qt.FocusPolicy.NoFocus and not inner and not popup:
            found.append(widget)
    return [widget for widget in found if widget.isEnabled()]


def test_tab_alone_goes_from_stop_along_the_rail_down_the_form_and_back(make_window, qtbot) -> None:
    window = make_window(connected=False)
    page = window.page()
    qtbot.waitUntil(lambda: page.whole, timeout=60_000)
    page.form.primary.setEnabled(True)
    window.activateWindow()
    window.top.stop_button.setFocus()
    qtbot.waitUntil(window.top.stop_button.hasFocus, timeout=60_000)
    reached = []
    for _ in range(200):
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        reached.append(QApplication.focusWidget())
        if reached[-1] is window.top.stop_button:
            break
    assert reached[-1] is window.top.stop_button  # nothing keeps the keyboard
    first_entry = page.rows.kind
    in_order = [window.rail.items["bench"], window.rail.items["library"], first_entry,
                page.form.primary, page.copy_button]  # fmt: skip
    places = [reached.index(widget) for widget in in_order]
    assert places == sorted(places)


def test_what_has_the_focus_in_rail_and_menu_has_a_frame_of_ink(make_window, qtbot) -> None:
    window = make_window(connected=False)
    window.open_page("record")
    window.activateWindow()
    ink = window.theme.tokens.ink.lower()
    items = window.rail.items
    for widget in (items["record"], items["twin"], window.top.menu_button):  # chosen, not, an icon

        def edge(widget: QWidget = widget) -> str:
            picture = widget.grab().toImage()
            return picture.pixelColor(picture.width() // 2, 0).name()

        window.top.stop_button.setFocus()
        assert edge() != ink
        widget.setFocus()
        qtbot.waitUntil(lambda edge=edge: edge() == ink, timeout=60_000)


def test_whatever_has_the_focus_shows_it_also_a_box_that_is_ticked_and_a_plot(
    window, qtbot
) -> None:
    window.open_page("bench")
    preview = window.page().edit.preview
    window.open_page("monitor")
    ticks = window.page().findChildren
    qtbot.waitUntil(lambda: any(t.isChecked() for t in ticks(Tick)), timeout=60_000)
    ticked = next(t for t in ticks(Tick) if t.isChecked())
    window.open_page("record")
    qtbot.waitUntil(lambda: window.page().whole, timeout=60_000)
    plot = window.page().plots.response.view
    window.activateWindow()
    window.open_page("bench_draft")
    choice = window.page().fields.encoding  # nothing is chosen: its edge asks for attention
    shows = ((preview, preview), (ticked, ticked), (plot, plot.parentWidget()), (choice, choice))
    pages = ("bench", "monitor", "record", "bench_draft")
    for key, (widget, shown) in zip(pages, shows, strict=True):
        window.open_page(key)
        qtbot.waitUntil(widget.isVisible, timeout=60_000)
        window.top.stop_button.setFocus()
        QApplication.processEvents()
        before = shown.grab().toImage()
        widget.setFocus(Qt.FocusReason.TabFocusReason)
        assert shown.grab().toImage() != before, key
        window.top.stop_button.setFocus()
        assert shown.grab().toImage() == before, key


class Shown(QObject):
    """Widgets that are shown as windows of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.windows: list[QObject] = []

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        shown = event is not None and event.type() == QEvent.Type.Show
        if shown and isinstance(watched, QWidget) and watched.isWindow():
            self.windows.append(watched)
        return False


def test_no_page_takes_the_keyboard_from_the_window(make_window, qapp, qtbot) -> None:
    """As one did whose part was a window for a moment: no key reached Stop after that."""
    window, shown = make_window(connected=False), Shown()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=60_000)
    qapp.installEventFilter(shown)
    try:
        for key in KEYS:
            window.open_page(key)
            qapp.processEvents()
            assert qapp.activeWindow() is window, key
    finally:
        qapp.removeEventFilter(shown)
    assert shown.windows == []


def too_large(page: QWidget) -> list[str]:
    """Scroll areas of forms that scroll sideways, and pages that ask for more than there is."""
    room = page.size()
    least = page.minimumSizeHint()
    found = []
    if least.width() > room.width() or least.height() > room.height():
        found.append(f"asks for {least.width()} x {least.height()} of {room}")
    for area in page.findChildren(QAbstractScrollArea):
        bar = area.horizontalScrollBar()
        text = isinstance(area, QPlainTextEdit)  # lines of a log or a file are as long as they are
        if area.isVisible() and not text and bar is not None and bar.maximum() > 0:
            found.append(f"{type(area).__name__} scrolls sideways by {bar.maximum()}")
    return found


def test_every_page_has_room_at_1280_by_720_and_names_for_what_can_have_the_focus(
    make_window, qtbot
) -> None:
    window, bare, found = make_window(connected=False, page="log"), {}, {}
    window.resize(1280, 720)
    for key in KEYS:
        window.open_page(key)
        page = window.page()
        assert page.key == key
        qtbot.waitUntil(lambda page=page: page.whole, timeout=60_000)
        QApplication.processEvents()  # it is laid out
        assert (window.width(), window.height()) == (1280, 720)
        found[key] = too_large(page)
        there = focusable(page)
        assert there, key
        bare[key] = [(type(w).__name__, type(w.parent()).__name__) for w in there if not named(w)]
    assert not any(bare.values()), bare
    assert not any(found.values()), found

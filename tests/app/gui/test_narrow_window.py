"""The narrowest window: buttons of a header never overlap, and no page is wider than its place."""

from __future__ import annotations

from itertools import pairwise

import pytest
from PyQt6.QtCore import QPoint, QRect, Qt
from PyQt6.QtGui import QFontMetricsF
from PyQt6.QtWidgets import QAbstractButton, QApplication, QScrollArea, QWidget

from app.gui.actions import PAGES
from app.gui.pages.twin_views import CHOICE_PX
from app.gui.theme import BODY_PX, sans
from app.gui.widgets.legend import Legend
from app.gui.widgets.panel import Panel
from app.gui.widgets.segments import BESIDE_PX, Segments
from app.gui.widgets.status import StatusLine
from app.gui.window import LEAST, WITHIN

NARROWEST = (1024, 700)
LEFT = Qt.MouseButton.LeftButton
CTRL_SHIFT = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier


def right_of(widget: QWidget, page: QWidget) -> int:
    """Its right edge on the page."""
    return widget.mapTo(page, widget.rect().bottomRight()).x()


def test_a_header_has_room_and_nothing_leaves_the_window(window, qtbot) -> None:
    window.resize(*NARROWEST)
    for key in ("record", "twin", "network", "deploy", "library"):
        looked_at(window, qtbot, key)


def test_a_word_that_is_pressed_stands_apart_from_its_edges(theme, qtbot) -> None:
    look = Segments(theme, (("Light", 0), ("Dark", 1), ("System", 2)), "Look")
    qtbot.addWidget(look)
    for width in (look.least_px, look.least_px + 20, 400):
        look.resize(width, 28)
        cells = list(pairwise(look.edges()))
        assert (cells[0][0], cells[-1][1]) == (0, pytest.approx(width))
        for (text, _), (left, right) in zip(look._items, cells, strict=True):
            wide = QFontMetricsF(sans(BODY_PX, 600)).horizontalAdvance(text)
            assert right - left >= wide + 2 * BESIDE_PX - 0.01
        for number, (left, right) in enumerate(cells):
            qtbot.mouseClick(look, LEFT, pos=QPoint(round((left + right) / 2), 5))
            assert look.value == number
    assert cells[0][1] == pytest.approx(400 / 3)  # where there is room they are equally wide


def test_the_twin_page_has_a_heading_in_the_smallest_window(window, qtbot) -> None:
    window.resize(1024, 768)
    window.open_page("twin")
    page = window.pages["twin"]
    qtbot.waitUntil(lambda: page.whole, timeout=60_000)
    QApplication.processEvents()  # it is laid out
    words = page.heading
    assert words.text() == "No twin shown"
    assert words.width() >= words.fontMetrics().horizontalAdvance(words.text())
    page.views.toggle.offer(("X", "Y"))  # as of a twin that was fitted
    page.views.toggle.show()
    page.train_button.show()
    page.import_button.hide()
    page.say("Twin fitted", "twin-20261202T060000-aaaaa2 · at the floor")
    buttons = page.views.choice
    qtbot.waitUntil(lambda: buttons.y() > page.subheading.geometry().bottom(), timeout=60_000)
    for words in (page.heading, page.subheading):
        assert words.width() >= words.fontMetrics().horizontalAdvance(words.text())
    window.resize(1440, 900)
    qtbot.waitUntil(lambda: buttons.width() == CHOICE_PX, timeout=60_000)
    qtbot.waitUntil(lambda: buttons.y() < page.subheading.geometry().bottom(), timeout=60_000)


def test_no_page_is_wider_than_its_place_in_the_smallest_window(window, qtbot) -> None:
    window.resize(LEAST)
    room = LEAST.width() - window.rail.width()
    for key in (*(key for key, _ in PAGES), *WITHIN, "log", "settings"):
        window.open_page(key)
        page = window.page()
        qtbot.waitUntil(lambda p=page: p.whole, timeout=60_000)
        for _ in range(3):  # some parts give way once they are laid out
            QApplication.processEvents()
        assert page.minimumSizeHint().width() <= room, key


def test_the_words_below_a_narrow_plot_end_in_dots_and_are_whole_in_their_tip(
    window, qtbot
) -> None:
    window.open_page("record")
    page = window.page()
    qtbot.waitUntil(lambda: page.whole, timeout=60_000)
    for width, tip in ((NARROWEST[0], "Drive now, next above"), (1700, "")):
        window.resize(width, 900)
        QApplication.processEvents()
        panels = [p for p in page.findChildren(Panel) if p.isVisible() and p.run_id is not None]
        assert len(panels) > 3
        for panel in panels:
            assert right_of(panel.x_label, panel) < panel.width(), panel.title.text()
        pairs = next(p for p in panels if p.title.text() == "Step pairs")
        qtbot.waitUntil(lambda p=pairs, said=tip: p.x_label.toolTip() == said, timeout=5_000)


def looked_at(window, qtbot, key: str) -> None:
    """One page; the Twin page as after a fit."""
    window.open_page(key)
    page = window.pages[key]
    qtbot.waitUntil(lambda: page.whole, timeout=60_000)
    if key == "twin":
        page.views.toggle.offer(("X", "Y"))
        page.views.toggle.show()
        page.train_button.show()
        page.import_button.hide()
    QApplication.processEvents()  # it is laid out
    items = [page._buttons.itemAt(k).widget() for k in range(page._buttons.count())]
    shown = sorted((w for w in items if w.isVisible()), key=lambda w: w.x())
    assert shown, key
    for one, other in pairwise(shown):
        assert one.geometry().right() < other.x(), (one, other)
    parts = [*page.content.findChildren(Legend), *page.content.findChildren(QAbstractButton)]
    edges = {right_of(w, page): w for w in parts if w.isVisible()}
    assert max(edges) < page.width(), edges[max(edges)]


def test_the_monitors_charts_take_the_width_that_loop_and_spectrum_leave_none_of(
    make_window, qtbot
) -> None:
    window = make_window(page="monitor")
    page = window.page()
    qtbot.waitUntil(lambda: page.live is not None and page.side.isVisible(), timeout=60_000)
    window.resize(*NARROWEST)
    qtbot.waitUntil(page.side.isHidden, timeout=60_000)
    window.resize(1280, 720)
    qtbot.waitUntil(page.side.isVisible, timeout=60_000)


def test_a_wider_window_leaves_no_plot_of_the_network_page_without_height(
    make_window, qtbot
) -> None:
    """A panel that showed a label amid the laying out left the topology beside it no height."""
    window = make_window(connected=False, page="network")
    page = window.page()
    qtbot.waitUntil(lambda: page.whole, timeout=60_000)
    plots = page.plots
    plots.verdict.setText("Foreseen, the network loses to AR-4, AR-18 and ESN-6. " * 6)
    plots.curve.x_label.setText("curve not kept")
    plots.show_run("net-20261202T060000-aaaaa3")
    for width, height in ((1024, 768), (1280, 800), (1024, 768), (1440, 900)):
        window.resize(width, height)
        QApplication.processEvents()
        beside = plots.topology.parentWidget()
        assert beside.height() == plots.curve.height() > 200, (width, height)


def test_a_command_can_be_read_as_it_is_typed_in_the_smallest_window(window, qtbot) -> None:
    window.resize(LEAST)
    window.open_page("bench")
    page = window.page()
    qtbot.waitUntil(lambda: page.whole, timeout=60_000)
    command = page.wire.command
    needed = command.fontMetrics().horizontalAdvance("SENS 22;SENS?")
    qtbot.waitUntil(lambda: command.width() > needed, timeout=5_000)
    window.resize(1280, 720)
    qtbot.waitUntil(lambda: command.y() == page.wire.name.y(), timeout=5_000)


def test_plots_are_copied_by_keys_where_the_header_has_no_room(make_window, qtbot) -> None:
    window = make_window(connected=False, page="twin")
    page = window.page()
    assert page.copy_button.isVisible()
    page.views.toggle.offer(("X", "Y"))
    page.views.toggle.show()
    window.resize(*NARROWEST)
    qtbot.waitUntil(page.copy_button.isHidden, timeout=60_000)
    clipboard = QApplication.clipboard()
    clipboard.clear()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=60_000)
    qtbot.keyClick(window, "C", CTRL_SHIFT)
    assert clipboard.pixmap().size() == page.content.size()
    window.resize(1440, 900)
    qtbot.waitUntil(page.copy_button.isVisible, timeout=60_000)


def test_on_a_screen_below_the_least_size_stop_and_pill_stay_and_pages_scroll(
    make_window, qtbot
) -> None:
    window = make_window(page="bench")
    wanted = window.pages["bench"].minimumSizeHint()
    window.setMinimumSize(0, 0)  # as it is made where the screen is no larger
    window.resize(853, 533)  # 1280 × 800 at 150 %
    qtbot.waitUntil(lambda: window.width() == 853 and window.height() == 533, timeout=60_000)
    top = window.top
    assert right_of(top.stop_button, window.sheet) < 853
    assert right_of(window.status, window.sheet) < 853
    shown = [c for c in top.cells.values() if c.isVisible()]
    assert shown[:2] == list(top.cells.values())[:2]
    assert all(right_of(c, top) < top.pill.x() for c in shown)
    assert window.pages["bench"].width() >= wanted.width()
    area = next(w for w in window.sheet.children() if isinstance(w, QScrollArea))
    assert area.horizontalScrollBar().maximum() > 0
    window.resize(1280, 720)
    qtbot.waitUntil(lambda: all(c.isVisible() for c in top.cells.values()), timeout=60_000)
    for key in ("keys", "bench"):  # the widest page makes no other scroll
        window.open_page(key)
    qtbot.waitUntil(lambda: area.horizontalScrollBar().maximum() == 0, timeout=60_000)
    assert area.verticalScrollBar().maximum() == 0


def test_the_time_left_never_lies_over_the_runs_id(theme, qtbot) -> None:
    status = StatusLine(theme)
    qtbot.addWidget(status)
    status.resize(1024, 32)
    status.say_right("", "rec-20261129T154336-3c0127")

    def at_right():
        return status.grab(QRect(830, 0, 194, 32)).toImage()

    status.say("Recording", fraction=0.5)
    alone = at_right()
    status.say("Recording", fraction=0.5, left="10 h 21 min left")
    assert at_right() == alone
    status.say_right("", "")
    status.say("Recording", fraction=0.5)
    free = at_right()
    status.say("Recording", fraction=0.5, left="10 h 21 min left")
    assert at_right() != free  # and with room it is where it was

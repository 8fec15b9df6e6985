"""The keyboard alone: where Tab goes on each page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PyQt6.QtCore import QPoint

from app.gui.widgets import form
from app.gui.widgets.form import PrimaryButton

if TYPE_CHECKING:
    from PyQt6.QtWidgets import QWidget


def tabbed(page) -> list[QWidget]:
    """What Tab comes to on a page, from its form's first row on, once around."""
    found, at = [], page.form.rows
    while at not in found:
        found.append(at)
        at = at.nextInFocusChain()
    return [w for w in found if page.isAncestorOf(w) and w.isVisible() and w.focusProxy() is None
            and w.focusPolicy().value & 1]  # fmt: skip


@pytest.mark.parametrize("key", ["record", "twin", "network", "deploy", "library"])
def test_tab_goes_down_the_form_to_its_button_then_along_the_header(window, qtbot, key) -> None:
    window.open_page(key)
    page = window.pages[key]
    qtbot.waitUntil(lambda: page.whole, timeout=60_000)
    order = tabbed(page)
    end = order.index(page.form.primary)
    rows = [w for w in order[1:end] if page.form.rows.isAncestorOf(w)]
    assert len(rows) >= 3
    places = [w.mapTo(page.form, QPoint(0, w.height() // 2)) for w in rows]
    lines = [(round(place.y() / 8), place.x()) for place in places]
    assert lines == sorted(lines)
    assert not any(page.form.isAncestorOf(w) for w in order[end + 1 :])
    header = [w for w in order[end + 1 :] if w.parent() is page.content and w.y() < 60]
    across = [w.x() for w in header]
    assert across
    assert across == sorted(across)


def test_on_the_bench_page_tab_goes_from_the_header_through_the_rows_to_the_field(
    window, qtbot
) -> None:
    window.open_page("bench")
    page = window.page()
    qtbot.waitUntil(lambda: page.whole and len(page.rows.buttons) == 4, timeout=60_000)
    order = tabbed(page)
    assert page.list_area not in order  # nothing showed that it had the keyboard
    begin, end = order.index(page.draft_button), order.index(page.manual.magnet)
    named = [page.rows, *(page.rows.buttons[key] for key in page.rows.buttons)]
    assert order[begin + 1 : end] == named  # they came after everything else


def test_rows_of_which_none_is_chosen_show_that_they_have_the_keyboard(window, qtbot) -> None:
    window.open_page("bench")
    rows = window.page().rows
    window.activateWindow()
    qtbot.waitUntil(lambda: bool(rows.rows), timeout=60_000)
    rows.current = ""

    def at_edge() -> float:
        return rows.grab().toImage().pixelColor(0, 30).lightnessF()

    without = at_edge()
    rows.setFocus()
    qtbot.waitUntil(rows.hasFocus, timeout=60_000)
    assert abs(at_edge() - without) > 0.4


@pytest.mark.parametrize("running", [False, True])
def test_the_primary_button_shows_that_it_has_the_keyboard(theme, qtbot, running) -> None:
    button = PrimaryButton(theme)
    qtbot.addWidget(button)
    button.resize(289, 56)
    button.say("Fit a twin", "1 core", fraction=0.5 if running else None)
    button.show()
    button.activateWindow()

    def at_ring() -> float:
        return button.grab().toImage().pixelColor(144, 3).lightnessF()

    without = at_ring()
    button.setFocus()
    qtbot.waitUntil(button.hasFocus, timeout=60_000)
    assert abs(at_ring() - without) > 0.4


def test_what_a_press_costs_is_told_whole_where_the_button_has_no_room(theme, qtbot) -> None:
    cost = "4 members, 6000 iterations, 30 minutes at most · 1 core"
    button = PrimaryButton(theme)
    qtbot.addWidget(button)
    button.say("Fit a twin", cost)
    assert button.toolTip() == cost


@pytest.mark.parametrize("moved", [False, True])
def test_the_primary_button_has_the_keyboard_again_once_its_plan_was_looked_at(
    window, qtbot, moved
) -> None:
    button = window.page().form.primary
    window.activateWindow()
    qtbot.waitUntil(button.isEnabled, timeout=60_000)
    button.setFocus()
    button.setEnabled(False)
    assert not button.hasFocus()
    if moved:
        window.page().seed.setFocus()
    button.setEnabled(True)
    assert button.hasFocus() is not moved


def test_a_focus_that_was_away_for_longer_stays_where_somebody_may_be_at_work(
    window, qtbot, monkeypatch
) -> None:
    button = window.page().form.primary
    window.activateWindow()
    qtbot.waitUntil(button.isEnabled, timeout=60_000)
    monkeypatch.setattr(form, "MOMENT_S", 0.0)
    button.setFocus()
    button.setEnabled(False)
    there = window.focusWidget()
    button.setEnabled(True)
    assert window.focusWidget() is there is not button

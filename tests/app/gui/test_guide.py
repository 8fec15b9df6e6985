"""The guided first run: it shows where to press, follows what is pressed, and can be left."""

from __future__ import annotations

from dataclasses import replace

import pytest
from conftest import WAIT_MS

from app.gui import guide
from app.gui.guide import LEGS

TINY = (
    {"count": 8, "steps": 40, "repeats": 8},
    {"iterations": 30, "hidden": 8},
    {"iterations": 5, "layers": "2, 2"},
    {},
)


@pytest.fixture(autouse=True)
def tiny(monkeypatch) -> None:
    legs = tuple(replace(leg, values=v) for leg, v in zip(LEGS, TINY, strict=True))
    monkeypatch.setattr(guide, "LEGS", legs)


def press(window, qtbot, page: str) -> None:
    primary = window.pages[page].form.primary
    assert window.guide.target is primary
    qtbot.waitUntil(primary.isEnabled, timeout=WAIT_MS)
    primary.click()
    assert window.job is not None, primary.cost
    assert window.guide.target is None  # nothing to press meanwhile
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)


def test_it_begins_on_the_virtual_rig_and_rings_the_button_to_press(make_window, qtbot) -> None:
    window = make_window(connected=False)
    window.open_page("welcome")
    window.pages["welcome"].guided.click()
    assert window.page() is window.pages["record"]
    assert window.guide_bar.isVisible()
    ring, button = window.guide.ring, window.pages["record"].form.primary
    qtbot.waitUntil(ring.isVisible, timeout=WAIT_MS)
    corner = button.mapTo(window.sheet, button.rect().topLeft())
    assert ring.geometry().contains(corner)
    window.open_page("bench")
    qtbot.waitUntil(lambda: not ring.isVisible(), timeout=WAIT_MS)  # what it rings is away
    qtbot.waitUntil(lambda: window.session.bench is not None, timeout=WAIT_MS)
    window.guide_bar.buttons[0].click()
    assert window.guide is None
    assert not window.guide_bar.isVisible()


def test_it_follows_from_page_to_page_and_can_be_left(window, qtbot) -> None:
    window.start_guide()
    press(window, qtbot, "record")
    fit = window.pages["record"].fit_button
    assert window.guide.target is fit
    fit.click()
    assert window.guide.leg.page == "twin"
    assert window.pages["twin"].iterations.value() == 30
    window.start_guide()  # from the start again: one guide, not two
    assert window.guide.leg.page == "record"
    window.guide.leave()
    assert window.guide is None


def test_a_run_that_was_stopped_is_offered_again(window, qtbot) -> None:
    window.start_guide()
    window.pages["record"].set_form_values({"count": 4, "steps": 100, "repeats": 200})
    qtbot.waitUntil(window.pages["record"].form.primary.isEnabled, timeout=WAIT_MS)
    window.pages["record"].form.primary.click()
    window.stop()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    assert window.guide.target is window.pages["record"].form.primary
    assert window.guide.leg.page == "record"


def test_it_drives_no_real_bench(window, monkeypatch) -> None:
    monkeypatch.setattr(window.session, "spec", replace(window.session.spec, virtual=None))
    window.start_guide()
    assert window.guide is None
    assert window.page() is window.pages["welcome"]
    assert "for the virtual rig" in window.toasts.shown[-1].text
    assert window.job is None
    monkeypatch.undo()


@pytest.mark.full
@pytest.mark.timeout(600)
def test_the_whole_way(window, qtbot) -> None:
    window.start_guide()
    for leg, following in zip(LEGS, [*LEGS[1:], None], strict=True):
        press(window, qtbot, leg.page)
        if following is not None:
            window.guide.target.click()
            assert window.guide.leg.page == following.page
    assert "whole path" in window.guide_bar.text
    window.guide.leave()

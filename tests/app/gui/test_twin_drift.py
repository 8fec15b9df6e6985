"""Does the device still match? A comparison by its button, while it runs and once it is over."""

from __future__ import annotations

import threading

import pytest
from fit_device import record_device

from app.operations.events import Note, Result
from app.store import write_recording

WAIT_MS = 120_000
SAID = ("Twin fitted", "twin-a · at the floor")


@pytest.fixture
def shown(make_window, qtbot, monkeypatch):
    """The Twin page with a twin and a new recording; comparisons last until the event is set."""
    over = threading.Event()

    def compared(_operation, _arguments, stop):
        while not over.wait(0.01) and not stop():
            pass
        yield Note("the twin knows 12 of its 16 drives", "warning")
        yield Result({"matches": True, "verdict": "the device still matches"})

    monkeypatch.setattr("app.gui.twin_drift.in_child", compared)
    said = {"changed": False, "words": "still matches"}
    monkeypatch.setattr("app.gui.twin_drift.latest_drift", lambda _: said)
    monkeypatch.setattr("app.gui.twin_drift.drift_words", lambda latest: latest["words"])
    window = make_window(connected=False, page="twin")
    path = window.session.library.folder / "rec-new"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_recording(path, record_device(12, 6, seed=2, steps=12))
    window.open_page("twin", path)
    page = window.pages["twin"]
    qtbot.waitUntil(lambda: page.chosen == [path], timeout=WAIT_MS)
    qtbot.waitUntil(lambda: page.recordings.looked is not None, timeout=WAIT_MS)
    page.twin = path.parent / "twin-a" / "twin.json"
    page._show_parts(page.twin)
    page.say(*SAID)
    page.show_cost()
    yield page, over
    over.set()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)


def header(page) -> tuple[str, str]:
    return page.heading.text(), page.subheading.text()


def test_a_double_click_compares_once_and_fits_nothing(shown, qtbot) -> None:
    page, over = shown
    page.drift.button.click()
    page.drift.button.click()
    page.drift.start(page.chosen)  # as a click whose turn came before the button was greyed
    assert page.drift.running
    over.set()
    qtbot.waitUntil(lambda: page.shell.job is None, timeout=WAIT_MS)
    assert page.twin.parent.name == "twin-a"
    assert header(page) == SAID
    assert not page.drift.running


def test_what_a_comparison_warned_of_stays_beside_its_word_until_another_twin_is_shown(
    shown, qtbot
) -> None:
    page, over = shown
    qtbot.waitUntil(lambda: page.drift.note.text() == "still matches", timeout=WAIT_MS)
    over.set()
    both = "still matches\nthe twin knows 12 of its 16 drives"
    for _ in range(2):  # the second one's words, once
        page.drift.button.click()
        qtbot.waitUntil(lambda: page.shell.job is None, timeout=WAIT_MS)
        qtbot.waitUntil(lambda: page.drift.note.text() == both, timeout=WAIT_MS)
    page._show_parts(page.twin.parent.with_name("twin-b") / "twin.json")
    qtbot.waitUntil(lambda: page.drift.note.text() == "still matches", timeout=WAIT_MS)


def test_while_a_comparison_runs_the_page_says_so_and_nothing_else_can_be_pressed(
    shown, qtbot
) -> None:
    page, over = shown
    buttons = (page.form.primary, page.drift.button)
    words = page.form.primary.text()
    assert all(button.isEnabled() for button in buttons)
    page.drift.button.click()
    page.form_changed()  # nor by what changes meanwhile
    qtbot.wait(300)
    assert header(page)[0] == "Comparing"
    assert not any(button.isEnabled() for button in buttons)
    over.set()
    qtbot.waitUntil(lambda: page.shell.job is None, timeout=WAIT_MS)
    assert all(button.isEnabled() for button in buttons)
    assert (page.form.primary.text(), header(page)) == (words, SAID)

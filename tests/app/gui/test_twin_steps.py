"""The Twin page steps through the held-out sequences of a fit or a score."""

from __future__ import annotations

import numpy as np
import pytest
from fit_device import record_device
from PyQt6.QtCore import Qt

from app.gui.live_fit import LiveFit
from app.gui.pages.twin_plots import TwinPlots
from app.operations.learning_events import TwinScored
from app.store import write_recording

WAIT_MS = 240_000


def sent(places, *, total: int, worst: int, repeats: int = 3, steps: int = 5) -> TwinScored:
    """Scores with constant traces: of sequence k about k + 1.05 V, its samples 0.5 V above."""
    real = np.ones((len(places), repeats, steps, 2)) + np.array(places)[:, None, None, None]
    real += np.linspace(0, 0.1, repeats)[:, None, None]
    details = {
        "real": real[0], "twin": real[0] + 0.5, "held_out_real": real, "held_out_twin": real + 0.5,
        "held_out_places": np.array(places), "held_out_sequences": total, "held_out_worst": worst,
    }  # fmt: skip
    return TwinScored({}, details)


@pytest.fixture
def shown(theme, qtbot):
    """Plots, and a function that draws the scores it is given."""
    plots = TwinPlots(theme)
    qtbot.addWidget(plots)
    plots.resize(1000, 800)
    plots.show()

    def show(event: TwinScored) -> TwinPlots:
        live = LiveFit()
        live.take(event)
        plots.draw(live, 0, ("X", "Y"), ("V", "V"))
        return plots

    yield show
    plots.hide()


def at(panel) -> float:
    return float(panel.mean.getData()[1][0])


def test_the_buttons_show_the_sequence_before_and_next_and_go_round(shown, qtbot) -> None:
    plots = shown(sent([0, 1, 2], total=3, worst=1))
    steps = plots.steps
    assert steps.word.text() == "sequence 1 of 3"
    assert at(plots.device) == pytest.approx(1.05)
    first = plots.device.mean.getData()[1].copy()
    qtbot.mouseClick(steps.next, Qt.MouseButton.LeftButton)
    assert steps.word.text() == "sequence 2 of 3, worst"
    assert at(plots.device) == pytest.approx(2.05)
    assert at(plots.twin) == pytest.approx(2.55)
    for words in ("sequence 3 of 3", "sequence 1 of 3"):
        qtbot.mouseClick(steps.next, Qt.MouseButton.LeftButton)
        assert steps.word.text() == words
    assert np.array_equal(plots.device.mean.getData()[1], first)
    qtbot.mouseClick(steps.before, Qt.MouseButton.LeftButton)
    assert at(plots.device) == pytest.approx(3.05)


def test_the_keyboard_reaches_and_presses_them(shown, qtbot) -> None:
    plots = shown(sent([0, 1], total=2, worst=0))
    steps = plots.steps
    assert steps.before.nextInFocusChain() is steps.next
    for button, words in ((steps.before, "before"), (steps.next, "next")):
        assert button.focusPolicy() & Qt.FocusPolicy.TabFocus
        assert words in button.accessibleName()
        assert words in button.toolTip()
    qtbot.keyClick(steps.next, Qt.Key.Key_Space)
    assert steps.word.text() == "sequence 2 of 2"


def test_of_many_those_that_were_sent_are_numbered_as_they_were_held_out(shown, qtbot) -> None:
    plots = shown(sent([0, 1, 90], total=100, worst=90))
    plots.steps.before.click()
    assert plots.steps.word.text() == "sequence 91 of 100, worst"
    assert at(plots.device) == pytest.approx(91.05)
    assert "3 of them" in plots.steps.word.toolTip()
    plots.resize(420, 800)
    qtbot.waitUntil(lambda: plots.steps.word.text() == "91 of 100, worst", timeout=60_000)


def test_a_sequence_stays_when_another_channel_is_chosen(shown) -> None:
    event = sent([0, 1], total=2, worst=0)
    event.details["held_out_real"][1, :, :, 1] = 7.0
    plots = shown(event)
    live = LiveFit()
    live.take(event)
    plots.draw(live, 0, ("X", "Y"), ("V", "V"))
    plots.steps.next.click()
    plots.draw(live, 1, ("X", "Y"), ("V", "V"))
    assert at(plots.device) == pytest.approx(7.0)


def test_a_shorter_sequence_with_one_repeat_is_drawn_without_what_another_left(shown) -> None:
    event = sent([0, 1], total=2, worst=0)
    for name in ("real", "twin"):
        event.details[f"held_out_{name}"][1, :, 3:] = np.nan
    event.details["held_out_real"][1, 1:] = np.nan
    plots = shown(event)
    assert plots.device.band_.fill.isVisible()
    plots.steps.next.click()
    assert len(plots.device.mean.getData()[1]) == len(plots.twin.mean.getData()[1]) == 3
    assert plots.device.unit.text().endswith(" · 1 repeat")
    assert not plots.device.band_.fill.isVisible()
    assert plots.spread_device.getData()[0] is None
    assert len(plots.spread_twin.getData()[1]) == 3


def test_without_several_sequences_there_are_no_buttons(shown) -> None:
    plots = shown(sent([0, 1], total=2, worst=0))
    assert plots.steps.next.isVisible()
    shown(TwinScored({}, {"real": np.zeros((2, 4, 2)), "twin": np.ones((2, 4, 2))}))
    assert plots.device.mean.getData()[1] is not None
    for hidden in (plots.steps.before, plots.steps.next):
        assert not hidden.isVisible()
    assert plots.steps.word.text() == ""
    shown(sent([0, 1], total=2, worst=0))
    plots.clear()  # a fit begins
    assert not plots.steps.next.isVisible()


@pytest.mark.timeout(500)
def test_after_a_fit_its_held_out_sequences_are_stepped_through_and_a_new_recording_is_compared(
    make_window, qtbot
) -> None:
    window = make_window(connected=False, page="twin")
    folder = window.session.library.folder
    path = folder / "rec-a"
    folder.mkdir(parents=True, exist_ok=True)
    write_recording(path, record_device(30, 6, seed=1, steps=12))
    window.open_page("twin", path)
    page = window.pages["twin"]
    steps = page.plots.steps
    qtbot.waitUntil(lambda: path in page.ticks and page.ticks[path].isChecked(), timeout=WAIT_MS)
    qtbot.waitUntil(lambda: page.recordings.looked is not None, timeout=WAIT_MS)
    page.set_form_values({"iterations": 12, "latent": 2, "hidden": 4})
    page.show_cost()
    page.form.primary.click()
    assert not steps.next.isVisible()
    qtbot.waitUntil(lambda: page.live.real is not None, timeout=WAIT_MS)
    assert steps.next.isVisible() == (page.live.held_out is not None)  # while it runs: none
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    held_out = page.live.held_out
    assert held_out.total == len(held_out.places) == 4
    assert steps.word.text().startswith("sequence 1 of 4")
    qtbot.mouseClick(steps.next, Qt.MouseButton.LeftButton)
    assert steps.word.text().startswith("sequence 2 of 4")
    expected = held_out.real[1, :, :, 0].mean(axis=0)
    assert np.corrcoef(page.plots.device.mean.getData()[1], expected)[0, 1] == pytest.approx(1.0)
    scored = {row.name: row.value for row in page.plots.errors.rows}
    qtbot.mouseClick(steps.next, Qt.MouseButton.LeftButton)
    assert scored == {row.name: row.value for row in page.plots.errors.rows}
    qtbot.mouseClick(page.drift.button, Qt.MouseButton.LeftButton)
    assert window.job is None or window.job.spec.title == "Comparing"
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    assert "the twin was fitted on" in window.toasts.shown[-1].text  # not with its own
    new = record_device(12, 6, seed=2, steps=12)
    write_recording(folder / "rec-b", new)
    window.open_page("twin", folder / "rec-b")
    qtbot.waitUntil(lambda: folder / "rec-b" in page.ticks, timeout=WAIT_MS)
    page.ticks[path].setChecked(False)
    page.ticks[folder / "rec-b"].setChecked(True)
    qtbot.waitUntil(page.drift.button.isEnabled, timeout=WAIT_MS)  # once it has been read
    qtbot.mouseClick(page.drift.button, Qt.MouseButton.LeftButton)
    assert window.job is not None, "\n".join(window.log)
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    told = f"Compared with {new.meta['id']} on "
    qtbot.waitUntil(lambda: page.drift.note.text().startswith(told), timeout=WAIT_MS)
    window.open_page("twin", page.twin.parent)  # as a twin that was fitted earlier
    qtbot.waitUntil(lambda: page.live.held_out is None, timeout=WAIT_MS)
    assert not steps.next.isVisible()
    assert steps.word.text() == ""
    assert "Score" in page.plots.twin.hint.text()

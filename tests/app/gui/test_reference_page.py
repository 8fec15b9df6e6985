"""The Record page with references: in the cost, live in words and plot, refused where it must."""

from __future__ import annotations

import numpy as np
from PyQt6.QtWidgets import QApplication

from app.store import read_recording

WAIT_MS = 120_000


def test_references_are_recorded_and_their_drift_is_shown(window, press_record, qtbot) -> None:
    page = window.pages["record"]
    page.set_form_values({"count": 1, "steps": 10, "repeats": 16})
    page.show_cost()
    plain = page.plan.cost
    page.reference.setValue(4)
    page.stop_at.setValue(900)
    page.show_cost()
    assert page.plan.cost != plain
    press_record(window)
    assert page.live.done == 16
    assert len(page.live.references) == 16
    assert abs(page.live.drifted) < 900
    position, level = page.live.drift(0)
    assert (len(position), len(level)) == (16, 16)
    assert read_recording(page.recorded.parent / "reference").complete.all()
    assert "done" in window.status.text
    QApplication.processEvents()


def test_a_run_that_goes_on_shows_the_references_of_its_earlier_part_too(
    window, press_record, qtbot
) -> None:
    page = window.pages["record"]
    page.set_form_values({"reference": 4})
    press_record(window, until_over=False, count=1, steps=60, repeats=8)
    window.stop()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    before = page.live.references.of(0).copy()
    assert 0 < len(before) < 8
    qtbot.waitUntil(lambda: len(page.rows.unfinished) == 1, timeout=WAIT_MS)
    page.rows.kind.choose("resume")
    page.show_cost()
    page.press()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    number, level = page.live.drift(0)
    assert number.tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert np.allclose(level[: len(before)], before)


def test_a_stop_without_a_reference_is_refused_before_it_is_pressed(window) -> None:
    page = window.pages["record"]
    page.set_form_values({"count": 4})  # a large design is looked at beside the window
    page.stop_at.setValue(5)
    page.show_cost()
    assert not page.form.primary.isEnabled()
    assert "needs a reference" in page.form.primary.cost


def test_a_run_that_stopped_itself_says_why(window, press_record) -> None:
    page = window.pages["record"]
    page.reference.setValue(3)
    page.stop_at.setValue(1)  # so low that chance crosses it
    press_record(window, count=2, steps=5, repeats=400)
    assert any("has drifted by" in line for line in window.log)
    assert page.heading.text().startswith("Stopped")
    assert not any(s.output_on for s in window.session.bench.state().values())

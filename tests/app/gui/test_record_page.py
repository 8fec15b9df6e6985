"""The Record page on the virtual rig: record, mark, queue, go on, and bad days."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QFontMetrics
from PyQt6.QtWidgets import QAbstractButton, QApplication, QScrollArea, QWidget
from recorded import is_safe, made_flaky, no_reply
from small_disk import small_disk

from app.gui.pages import record_mark
from app.gui.pages.record_mark import MarkPart
from app.gui.record_run import RecordRun
from app.gui.theme import LABEL_PX, sans
from app.library.library import Library
from app.operations.events import RunPlan, Stage
from app.operations.learning_events import FitProgress
from app.recording_marks import add_mark, bad_positions, read_kept
from app.store import read_recording
from models.slopes import slopes_of

WAIT_MS = 120_000
ROOT = Path(__file__).parents[3]
SAVE_NETWORK = """
import sys
from pathlib import Path
from network_samples import saved_network
from instruments.bench import Bench
from instruments.bench_file import read_bench

with Bench.connect(read_bench("virtual")) as bench:
    saved_network(bench, Path(sys.argv[1]))
"""
LITTLE = {"count": 2, "steps": 20, "repeats": 3}


@pytest.fixture
def page(window):
    window.open_page("record")
    return window.pages["record"]


def over(qtbot, window) -> None:
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)


# before anything runs


def test_what_will_be_applied_is_seen_with_its_coverage(page) -> None:
    page.set_form_values({**LITTLE, "holds": 3})
    page.show_cost()
    assert page.heading.text() == "Nothing recorded yet"
    assert "sequence 1 of 2" in page.subheading.text()
    assert "% of step pairs" in page.subheading.text()
    first = page.plan.sequences[0]
    edges, field_mT = page.plots.field_line.getData()
    assert edges[-1] == first.holds.sum()  # a step that is held longer is drawn longer
    assert np.allclose(field_mT, 1e3 * page.plan.window.field_T(first.drive))
    page.next_button.click()
    assert "sequence 2 of 2" in page.subheading.text()


@pytest.mark.parametrize(
    "asked", [{"kind": "twin", "budget": 10}, {"kind": "file"}, {"kind": "sequences", "low": 1.0}]
)
def test_what_has_no_plan_shows_none_of_another_choice(page, qtbot, asked) -> None:
    """Below a refusal stood the plan before it, "as it will be applied"."""
    page.set_form_values(LITTLE)
    page.show_cost()
    assert page.plots.field_line.getData()[0].size
    page.set_form_values(asked)
    if "low" in asked:
        page.low.setValue(asked["low"])  # above the window's upper end
    page.show_cost()
    qtbot.waitUntil(lambda: page.form.primary.cost_role == "fault", timeout=WAIT_MS)
    assert page.heading.text() == "Nothing recorded yet"
    assert page.subheading.text() == ""
    assert page.plots.field_line.getData()[0] is None
    assert len(page.plots.pair_dots.data) == 0
    assert page.plots.distribution.unit.text() == ""
    assert page.plots.pairs.hint.text() == "nothing is planned"
    page.set_form_values({**LITTLE, "kind": "sequences"})
    page.low.setValue(page.session.spec.window.low_T)
    page.show_cost()
    assert page.plots.pairs.hint.text() == ""
    assert len(page.plots.pair_dots.data)


def test_a_library_that_can_not_be_read_for_a_moment_takes_no_network_away(page) -> None:
    page.rows.network.addItem("net-a", "net-a")
    page.rows.network.choose("net-a")
    page.rows._offer(None, OSError("the share is gone"))
    assert page.rows.network.currentData() == "net-a"


def test_a_large_design_is_looked_at_beside_the_window(page, qtbot) -> None:
    page.set_form_values({"count": 2000, "steps": 1000, "repeats": 2})
    page.show_cost()
    assert page.plan is None  # told later; the window is not held up
    assert not page.form.primary.isEnabled()
    qtbot.waitUntil(lambda: page.plan is not None, timeout=WAIT_MS)
    assert "within limits" in page.form.primary.cost
    page.set_form_values(LITTLE)  # what is still under way for another design is dropped
    page.show_cost()
    assert len(page.plan.sequences) == 2


def test_the_cost_line_has_room_for_what_it_says(page) -> None:
    page.set_form_values({"count": 9000, "steps": 100, "repeats": 88})
    page.show_cost()
    room = page.form.primary.width() - 32
    for words in (page.form.primary.cost, "next · 23 h 59 min · 999 MB · within limits"):
        assert QFontMetrics(sans(LABEL_PX, 500)).horizontalAdvance(words) <= room


def test_at_1280_by_720_nothing_scrolls_and_nothing_is_cut(window, page, qtbot) -> None:
    page.show_cost()
    for _ in range(3):
        page.queue.add()
    window.resize(1280, 720)
    qtbot.waitUntil(lambda: page.queue.list.low, timeout=60_000)
    for kind in ("file", "twin", "resume", "sequences"):
        page.rows.kind.choose(kind)
        assert page.rows.kind.value == kind
        for _ in range(5):
            QApplication.processEvents()  # it is laid out
        for area in page.form.findChildren(QScrollArea):
            assert area.verticalScrollBar().maximum() == 0, kind
        for button in page.findChildren(QAbstractButton):
            if button.isVisible() and button is not page.form.primary:
                least = button.minimumSizeHint().width()
                assert button.width() >= least or button.width() in (28, 32), (kind, button.text())


def test_every_control_has_an_accessible_name(page) -> None:
    for control in page.findChildren(QWidget):
        if control.isVisible() and control.focusPolicy() & Qt.FocusPolicy.TabFocus:
            inner = control.parentWidget()
            named = control.accessibleName() or getattr(control, "text", lambda: "")()
            assert named or (inner is not None and inner.accessibleName()), control


# a run


def test_record_mark_a_repeat_bad_and_take_it_back(window, page, press_record, qtbot) -> None:
    press_record(window, count=2, steps=20, repeats=4)
    assert page.mark.isVisible()
    page.plots.drift.picked.emit(2)  # a click on the third dot
    assert page.mark.number.value() == 3
    assert page.plots.response.chosen_line.getData()[0].size == 20
    page.mark.button.click()
    qtbot.waitUntil(lambda: page.live.bad == {2}, timeout=60_000)
    assert bad_positions(page.recorded) == {2}
    assert read_kept(page.recorded).complete.sum() == 7
    assert read_recording(page.recorded).complete.sum() == 8
    assert len(page.plots.drift.crosses.getData()[0]) == 1
    assert "1 marked bad" in page.subheading.text()
    page.mark.choose(2)
    assert page.mark.button.text() == "Take back"
    page.mark.button.click()
    qtbot.waitUntil(lambda: not page.live.bad, timeout=60_000)
    assert read_kept(page.recorded).complete.sum() == 8


def test_after_a_run_a_second_press_takes_the_mark_back_and_marks_no_other_repeat(
    window, page, press_record, qtbot
) -> None:
    press_record(window, count=2, steps=20, repeats=4)
    page.mark.choose(2)
    page.mark.button.click()
    qtbot.waitUntil(lambda: page.live.bad == {2}, timeout=WAIT_MS)
    assert (page.mark.number.value(), page.mark.button.text()) == (3, "Take back")
    assert page.plots.chosen == 2
    page.mark.button.click()
    qtbot.waitUntil(lambda: not page.live.bad, timeout=WAIT_MS)
    assert page.mark.button.text() == "Mark bad"


def test_a_repeat_is_marked_while_the_run_goes_on(window, page, press_record, qtbot) -> None:
    press_record(window, until_over=False, count=2, steps=60, repeats=20)
    assert page.view.isVisible()
    page.mark.button.click()
    qtbot.waitUntil(lambda: len(page.live.bad) == 1, timeout=WAIT_MS)
    done = page.live.done
    qtbot.waitUntil(lambda: page.live.done > done + 1 or window.job is None, timeout=WAIT_MS)
    assert window.job is not None
    assert "1 marked bad" in page.subheading.text()
    window.stop()
    over(qtbot, window)
    assert len(bad_positions(page.recorded)) == 1


def test_what_was_marked_elsewhere_is_seen_at_the_end_and_once_somebody_looks(
    window, page, press_record, qtbot
) -> None:
    press_record(window, until_over=False, count=2, steps=60, repeats=20)
    qtbot.waitUntil(lambda: page.live.done > 1, timeout=WAIT_MS)
    add_mark(page.recorded, bad=[0], why="as a run does whose settings a hand has changed")
    window.stop()
    over(qtbot, window)
    reason = page.subheading.text().rpartition(" · ")[2]
    qtbot.waitUntil(lambda: page.live.bad == {0}, timeout=WAIT_MS)
    page.mark.choose(0)
    assert page.mark.button.text() == "Take back"
    assert "1 marked bad" in page.subheading.text()
    assert page.subheading.text().endswith(reason)  # why it ended stays there
    add_mark(page.recorded, good=[0])  # as the command line does beside the window
    page.refresh_in_view()
    qtbot.waitUntil(lambda: not page.live.bad, timeout=WAIT_MS)
    assert page.mark.button.text() == "Mark bad"
    page.view.choose(True)
    page.mark.button.click()
    qtbot.waitUntil(lambda: page.live.bad == {0}, timeout=WAIT_MS)
    assert page.heading.text() == "Next recording"  # what is in view is what is told of


def test_a_mark_of_the_run_before_is_none_of_the_next_one(qtbot, monkeypatch, tmp_path) -> None:
    part, told, share, asked = MarkPart(), [], threading.Event(), list[threading.Thread]()
    qtbot.addWidget(part)
    part.marked.connect(told.append)

    def mark_one(path: Path, position: int, *, bad: bool) -> frozenset[int]:
        asked.append(threading.current_thread())
        assert share.wait(WAIT_MS / 1000)
        return frozenset({position})

    monkeypatch.setattr(record_mark, "mark_one", mark_one)
    part.of_run(tmp_path / "rec-a")
    part.press()
    part.of_run(tmp_path / "rec-b")
    qtbot.waitUntil(lambda: bool(asked), timeout=WAIT_MS)
    share.set()
    qtbot.waitUntil(lambda: not asked[0].is_alive(), timeout=WAIT_MS)  # it has answered
    QApplication.processEvents()
    assert told == []
    part.press()  # of the next one it is told
    qtbot.waitUntil(lambda: told == [frozenset({0})], timeout=WAIT_MS)


def test_the_next_design_is_seen_while_a_run_goes_on(window, page, press_record, qtbot) -> None:
    press_record(window, until_over=False, count=2, steps=60, repeats=20)
    page.view.choose(True)
    page.steps.setValue(33)
    page.show_cost()
    assert page.heading.text() == "Next recording"
    assert page.plots.field_line.getData()[0][-1] == 33
    assert "repeats appear here" in page.plots.response.hint.text()
    assert page.plots.spread.run_id.text() == ""  # it is no run's picture
    page.view.choose(False)
    assert page.heading.text().startswith("Recording mixed:2x60")
    assert page.plots.field_line.getData()[0][-1] == 60
    window.stop()
    over(qtbot, window)


def test_sixty_channels_are_a_map_of_which_one_is_chosen(window, page) -> None:
    from app.gui.live_record import LiveRecording
    from app.operations.events import RepeatRecorded, RepeatStarted, RunPlan

    names = tuple(f"f{k:02d}" for k in range(60))
    page.job_started()
    plan = RunPlan(1, 4, 25, names, ("V",) * 60, 1.0, str(window.session.library.folder), "rec-x")
    drive, rng = np.linspace(0, 1, 25), np.random.default_rng(0)
    page.take([plan, RepeatStarted(0, 0, 0, drive, drive / 300)])
    responses = [1e-3 * rng.standard_normal((25, 60)) for _ in range(3)]
    page.take([RepeatRecorded(0, k, k, each, float(k)) for k, each in enumerate(responses)])
    assert isinstance(page.live, LiveRecording)
    assert page.plots.heat.isVisible()
    assert page.plots.response.isHidden()
    assert page.plots.heat.heat.image.image.shape == (60, 25)
    assert np.allclose(page.plots.heat.heat.image.image, 1e3 * np.mean(responses, axis=0).T)
    page.plots.heat.picked.emit(41)
    assert page.plots.response.isVisible()
    assert page.plots.channels.many.currentText() == "f41"
    assert page.plots.channel == 41
    drawn = page.plots.response.mean_line.getData()[1]  # without another frame of the run
    assert drawn == pytest.approx(1e3 * np.mean(responses, axis=0)[:, 41])
    page.running = False


def test_the_axis_of_a_small_drift_has_short_numbers(window, page) -> None:
    from app.gui.live_record import LiveRecording
    from app.operations.events import RepeatRecorded, RunPlan

    live = LiveRecording()
    live.take(RunPlan(1, 5, 4, ("S",), ("1",), 1.0, "out", "rec-x"))
    for k in range(5):
        live.take(RepeatRecorded(0, k, k, np.full((4, 1), 0.50432 + 2e-6 * k), float(k)))
        if k == 1:  # no line is known yet
            page.plots.drift.draw(live, 0, *live.scale(0, live.traces(0, 0)))
            assert page.plots.drift.unit.text() == "in 1e−6 from 0.504321"
    page.plots.drift.draw(live, 0, *live.scale(0, live.traces(0, 0)))
    assert np.abs(page.plots.drift.good.getData()[1]).max() < 10
    # what its numbers mean comes first: the end is cut in most windows
    assert page.plots.drift.unit.text().startswith("in 1e−6 from 0.504324 · +2 ± ")
    line = page.plots.drift.line.getData()[1]
    dots = page.plots.drift.good.getData()[1]
    assert line == pytest.approx(dots[[0, -1]])


def test_sequences_that_came_once_each_tell_no_drift(window, page) -> None:
    from app.gui.live_record import LiveRecording
    from app.operations.events import RepeatRecorded, RunPlan

    live = LiveRecording()
    live.take(RunPlan(40, 8, 4, ("S",), ("V",), 1.0, "out", "rec-x"))
    for k in range(7):
        live.take(RepeatRecorded(k, 0, k, np.full((4, 1), 0.3 * k), float(k)))
    page.plots.drift.draw(live, 0, 1e6, "µV")
    told = page.plots.drift.unit.text()
    assert told == "µV · told from second repeats on"  # it said +0 ± 4e−16 µV a repeat
    assert len(page.plots.drift.good.getData()[0]) == 7


# the queue


def test_the_queue_records_one_after_another_in_the_order_given(window, page, qtbot) -> None:
    page.set_form_values({"count": 1, "steps": 10, "repeats": 2})
    for seed in (3, 4, 5):
        page.seed.setValue(seed)
        page.show_cost()
        page.queue.add_button.click()
    page.queue.list.setCurrentRow(2)
    page.queue.up_button.click()
    page.queue.list.setFocus()
    qtbot.keyClick(page.queue.list, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    page.queue.list.setCurrentRow(2)
    qtbot.keyClick(page.queue.list, Qt.Key.Key_Delete)
    assert [q.design.seed for q in page.queue.queue.waiting] == [5, 3]
    page.queue.start_button.click()
    qtbot.waitUntil(lambda: window.job is None and not page.queue.queue.waiting, timeout=WAIT_MS)
    found = window.session.library.artefacts("rec")
    seeds = [read_recording(a.path).meta["seed"] for a in sorted(found, key=lambda a: a.path.name)]
    assert sorted(seeds) == [3, 5]
    assert page.heading.text() == "Recorded mixed:1x10@3"
    assert not page.queue.queue.going


def test_one_that_no_longer_fits_on_the_disk_is_skipped_and_the_next_one_runs(
    window, page, qtbot, monkeypatch
) -> None:
    for steps in (2000, 10):
        page.set_form_values({"count": 1, "steps": steps, "repeats": 20})
        page.show_cost()
        page.queue.add_button.click()
    monkeypatch.setattr("app.operations.record_room.free_bytes", lambda _: 1_000_000)
    page.queue.start_button.click()
    qtbot.waitUntil(lambda: "1x10@" in page.heading.text() and window.job is None, timeout=WAIT_MS)
    assert page.heading.text().startswith("Recorded")
    (skipped,) = page.queue.queue.waiting
    assert skipped.design.steps == 2000
    assert "it needs 5.0 MB of the disk, which has 1.0 MB left in" in skipped.skipped


def test_what_makes_no_recording_is_not_queued_and_says_why(window, page) -> None:
    page.set_form_values(LITTLE)
    page.high.setValue(0.02)
    page.queue.add_button.click()
    page.high.setValue(0.001)  # below the field of drive 0
    page.queue.add_button.click()
    page.rows.kind.choose("resume")
    page.queue.add_button.click()
    assert not page.queue.queue.waiting
    refused, empty, resumed = window.log[-3:]
    assert "Not queued: refused: magnet" in refused
    assert "must be a number below" in empty
    assert "goes on is not queued" in resumed


def test_a_press_while_one_runs_queues_the_form(window, page, press_record, qtbot) -> None:
    press_record(window, until_over=False, count=2, steps=60, repeats=6)
    page.set_form_values({"count": 1, "steps": 10, "repeats": 2, "seed": 9})
    page.show_cost()
    assert page.form.primary.text() == "Queue 2 repeats"
    page.form.primary.click()
    assert "1 recording" in page.queue.note.text()
    qtbot.waitUntil(lambda: page.heading.text() == "Recorded mixed:1x10@9", timeout=WAIT_MS)


def test_a_double_click_records_once_and_queues_nothing(window, page, qtbot) -> None:
    page.set_form_values({"count": 2, "steps": 60, "repeats": 20})
    page.show_cost()
    primary = page.form.primary
    qtbot.waitUntil(primary.isEnabled, timeout=WAIT_MS)
    qtbot.mouseClick(primary, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: primary.text().startswith("Queue"), timeout=WAIT_MS)
    qtbot.mouseDClick(primary, Qt.MouseButton.LeftButton)  # the second press of the two …
    qtbot.mouseRelease(primary, Qt.MouseButton.LeftButton)
    assert window.job is not None
    assert not page.queue.queue.waiting
    qtbot.mouseClick(primary, Qt.MouseButton.LeftButton)  # … and one that is meant
    assert len(page.queue.queue.waiting) == 1
    window.stop()
    over(qtbot, window)


def test_a_stop_holds_the_queue_and_it_comes_back_at_the_next_start(
    window, page, press_record, qtbot
) -> None:
    press_record(window, until_over=False, count=2, steps=60, repeats=30)
    page.queue.add_and_go()
    window.stop()
    over(qtbot, window)
    qtbot.wait(50)
    assert window.job is None
    assert any("queue is held" in line for line in window.log)
    queue = page.queue.queue
    for words in (queue.held, "held: one failed", "held: it could not begin"):
        for number in (1, 12):  # the form is as wide as it is: nothing may be pushed out of it
            queue.held, queue.waiting = words, queue.waiting[:1] * number
            page.queue.show()
            QApplication.processEvents()
            scroll = page.form.findChild(QScrollArea)
            assert scroll.widget().width() <= scroll.viewport().width()
            assert words in page.queue.note.text()
    queue.waiting = queue.waiting[:1]
    values = page.form_values()
    page.queue.queue.waiting.clear()
    page.set_form_values(values)
    assert len(page.queue.queue.waiting) == 1
    assert window.job is None


# to go on


def test_a_stopped_recording_goes_on_from_the_page(window, page, press_record, qtbot) -> None:
    press_record(window, until_over=False, count=2, steps=60, repeats=8)
    page.mark.button.click()
    qtbot.waitUntil(lambda: len(page.live.bad) == 1, timeout=60_000)
    window.stop()
    over(qtbot, window)
    folder, done = page.recorded.parent, page.live.done
    assert 0 < done < 16
    assert "Go on" in page.subheading.text()
    qtbot.waitUntil(lambda: len(page.rows.unfinished) == 1, timeout=WAIT_MS)
    page.rows.kind.choose("resume")
    page.show_cost()
    assert page.form.primary.text() == f"Record the {16 - done} missing repeats"
    assert page.rows.what.text().startswith("2 × 60 steps, ")
    begun = page.rows.unfinished[0]
    coil = {name: 7 * slope for name, slope in slopes_of(begun.so_far.meta).items()}
    with pytest.MonkeyPatch.context() as patch:  # on another bench it is refused before the press
        patch.setattr("app.operations.record_begin.slopes", lambda _bench: coil)
        plan = begun.foreseen(window.session.spec, window.session.bench)
    assert "magnet x: tesla_per_ampere was 0.0004, now 0.0028" in plan.problem
    page.press()
    qtbot.waitUntil(lambda: page.live.plan is not None, timeout=WAIT_MS)
    assert page.live.done >= done  # what was there is seen again
    said = page.form.primary.cost
    assert "a recording that goes on is not queued" in said, said
    over(qtbot, window)
    assert page.live.done == 16
    assert len(page.live.bad) == 1
    recording = read_recording(folder)
    assert (recording.status, recording.complete.all()) == ("done", True)
    qtbot.waitUntil(lambda: not page.rows.unfinished, timeout=WAIT_MS)


def test_a_recording_that_its_reference_stopped_goes_on_with_another_limit(
    window, page, press_record, qtbot
) -> None:
    press_record(window, count=2, steps=5, repeats=40, reference=3, stop_at=1)
    assert "(window: Go on) and a larger one" in window.log[-1]
    folder = page.recorded.parent
    qtbot.waitUntil(lambda: len(page.rows.unfinished) == 1, timeout=WAIT_MS)
    page.rows.kind.choose("resume")
    assert page.rows.then_stop_at.isEnabled()
    assert page.rows.then_stop_at.value() == 1  # with which it would stop again, at once
    page.rows.then_stop_at.setValue(900.5)
    page.refresh()
    qtbot.waitUntil(lambda: page.rows.unfinished and not page.rows.unread, timeout=WAIT_MS)
    assert page.rows.then_stop_at.value() == 900.5  # what is set stays
    page.press()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    recording = read_recording(folder)
    assert (recording.status, recording.complete.all()) == ("done", True)
    assert recording.meta["stop_at_drift"] == 900.5
    assert any("drift of 900.5 σ" in words for words in recording.meta["remarks"])
    qtbot.waitUntil(lambda: not page.rows.unfinished, timeout=WAIT_MS)
    assert not page.rows.then_stop_at.isEnabled()


# bad days


def test_an_instrument_lost_while_recording_is_said_and_what_was_measured_is_kept(
    window, page, press_record, qtbot
) -> None:
    made_flaky(window.session.bench, *range(90, 3000), fault=no_reply())
    page.queue.add()
    press_record(window, until_over=False, count=2, steps=20, repeats=20)
    page.queue.queue.start()
    over(qtbot, window)
    assert page.heading.text().startswith("Failed: mixed:2x20")
    assert "no reply within 3 s" in page.subheading.text()
    assert "repeats kept" in page.subheading.text()
    kept = read_recording(page.recorded)
    assert kept.status == "failed"
    assert kept.complete.sum() == page.live.done > 0
    assert is_safe(window.session.bench)
    assert len(page.queue.queue.waiting) == 1  # held, not lost
    assert not page.queue.queue.going
    assert page.form.primary.isEnabled()


def test_a_run_says_so_from_its_first_moment_and_what_ends_before_it_kept_nothing(
    window, page, press_record, qtbot
) -> None:
    press_record(window, count=1, steps=10, repeats=2)
    assert page.heading.text() == "Recorded mixed:1x10@0"
    page.count.setValue(500)
    page.show_cost()
    qtbot.waitUntil(lambda: page.plan is not None, timeout=WAIT_MS)
    page.press()
    assert page.heading.text() == "Recording mixed:500x10@0"  # its making takes a while
    window.stop()
    over(qtbot, window)
    assert page._ended == ("Stopped: mixed:500x10@0", "nothing recorded")


def test_after_an_early_end_the_plots_show_what_was_kept(window, page) -> None:
    from app.gui.live_record import LiveRecording
    from app.operations.events import RepeatRecorded, RepeatStarted, RunPlan

    live, drive = LiveRecording(), np.linspace(0, 1, 4)
    live.take(RunPlan(3, 8, 4, ("X", "Y"), ("V", "V"), 1.0, "out", "rec-x"))
    live.take(RepeatStarted(1, 0, 0, drive, drive))
    live.take(RepeatRecorded(1, 0, 0, np.full((4, 2), 0.3), 0.0))
    live.take(RepeatStarted(2, 0, 1, drive, drive))
    page.plots.draw(live, running=True)
    assert page.plots.shown == 2
    page.plots.draw(live, running=False)  # the second repeat is void: its sequence has none
    assert page.plots.shown == 1


def test_between_the_steps_of_a_slow_rig_all_plots_are_of_one_sequence(page, qtbot) -> None:
    from app.operations.events import RepeatRecorded, RepeatStarted, RunPlan

    drive = np.linspace(0, 1, 4)
    page.running, events = True, [RunPlan(2, 2, 4, ("X", "Y"), ("V", "V"), 1.0, "out", "rec-x")]
    for position, (sequence, repeat) in enumerate([(0, 0), (0, 1), (1, 0)]):
        level = np.full((4, 2), 0.3 + 0.1 * position)
        events.append(RepeatStarted(sequence, repeat, position, drive, drive))
        if sequence == 0:
            events.append(RepeatRecorded(sequence, repeat, position, level, 0.0))
    page.take(events[:-1])
    qtbot.waitUntil(lambda: "mean 70.7" in page.plots.spread.unit.text(), timeout=WAIT_MS)
    page.plots._since_s = -100.0  # it hops to the running sequence at once
    page.take(events[-1:])
    assert page.plots.shown == 1
    qtbot.waitUntil(lambda: page.plots.spread.unit.text() == "", timeout=WAIT_MS)
    page.running = False


def test_a_full_disk_ends_the_run_in_words_and_it_goes_on_once_there_is_room(
    tmp_path, make_window, press_record, qtbot
) -> None:
    with small_disk(tmp_path / "library", "2m") as disk:
        window = make_window()
        page = window.pages["record"]
        press_record(window, until_over=False, count=2, steps=60, repeats=30)
        disk.fill()
        over(qtbot, window)
        assert page.heading.text().startswith("Failed")
        assert "disk is full" in page.subheading.text()
        assert is_safe(window.session.bench)
        disk.free()
        kept = read_recording(page.recorded)
        assert kept.complete.sum() == page.live.done > 0
        page.refresh()
        qtbot.waitUntil(lambda: len(page.rows.unfinished) == 1, timeout=WAIT_MS)
        window.shut_down()
        qtbot.waitUntil(lambda: window._closed, timeout=WAIT_MS)
        window.link.wait(10)


def test_a_library_that_has_vanished_is_not_made_anew_in_silence(
    window, page, press_record, qtbot
) -> None:
    folder = window.session.library.folder
    press_record(window, count=1, steps=10, repeats=2)
    assert window.session.library.artefacts()  # as pages look at it, after each run, too
    away = folder.rename(folder.with_name("away"))
    page.queue.add()
    page.press()
    over(qtbot, window)
    assert "Recording: the library's folder" in window.log[-1]
    page.queue.start_button.click()
    over(qtbot, window)
    assert "was skipped: the library's folder" in window.log[-2]
    window.open_page("monitor")
    monitor = window.pages["monitor"]
    qtbot.waitUntil(lambda: monitor._seen() is not None, timeout=WAIT_MS)
    monitor.press()
    qtbot.waitUntil(lambda: "Export: the library's folder" in window.log[-1], timeout=WAIT_MS)
    assert not folder.exists()
    assert len(page.queue.queue.waiting) == 1
    away.rename(folder)
    page.queue.start_button.click()
    over(qtbot, window)
    assert len(window.session.library.artefacts("rec")) == 2


def test_a_share_that_hangs_does_not_hold_the_window(window, page, qtbot, monkeypatch) -> None:
    """Nothing of the disk is asked in the window's own thread: not for the cost, not at a start."""
    asked_in, let_go = [], threading.Event()

    def hangs(*_: object) -> int:
        asked_in.append(threading.current_thread())
        let_go.wait(WAIT_MS / 1000)
        return 10**12

    monkeypatch.setattr("app.operations.record_room.free_bytes", hangs)
    monkeypatch.setattr(window.session.library, "_drive_now", hangs)
    page.set_form_values(LITTLE)
    page.show_cost()
    assert "within limits" in page.form.primary.cost
    page.press()
    assert window.job is not None
    let_go.set()
    over(qtbot, window)
    assert page.heading.text().startswith("Recorded")
    assert asked_in
    assert threading.main_thread() not in asked_in


def test_a_library_that_is_closed_for_writing_refuses_before_anything_is_pressed(
    window, page, qtbot, tmp_path
) -> None:
    with small_disk(tmp_path / "library") as disk:
        page.set_form_values(LITTLE)
        page.show_cost()
        qtbot.waitUntil(page.form.primary.isEnabled, timeout=WAIT_MS)
        disk.read_only()
        page.show_cost()
        qtbot.waitUntil(lambda: "nothing can be written" in page.form.primary.cost, timeout=WAIT_MS)
        assert not page.form.primary.isEnabled()


def test_a_run_that_made_nothing_leaves_no_choice_between_it_and_the_next(
    window, page, qtbot, tmp_path
) -> None:
    page.set_form_values(LITTLE)
    page.show_cost()
    qtbot.waitUntil(page.form.primary.isEnabled, timeout=WAIT_MS)
    with small_disk(tmp_path / "library") as disk:
        disk.read_only()
        page._begin(page.design)
        over(qtbot, window)
        assert "nothing can be written" in window.log[-1]
        assert page.view.isHidden()


def test_the_empty_place_of_a_share_that_is_gone_is_not_filled(tmp_path) -> None:
    with small_disk(tmp_path / "library") as disk:
        library = Library(disk.path)
        library.new_path("rec").mkdir()
        assert library.vanished() == ""
        disk.vanish()
        assert library.artefacts() == []  # where it was mounted is an empty folder
        assert "has vanished" in library.vanished()
    with small_disk(tmp_path / "library") as disk:  # another number, as a share may have
        library.new_path("rec").mkdir()
        assert library.vanished() == ""


def test_no_bench_says_so_and_runs_nothing(make_window) -> None:
    window = make_window(connected=False)
    page = window.pages["record"]
    page.queue.add()
    page.queue.start_button.click()
    assert window.job is None
    assert len(page.queue.queue.waiting) == 1
    assert "no bench" in window.log[-1]


# for a twin


def test_a_round_is_not_told_by_the_plan_of_another_nor_its_fit_as_the_end(page, qtbot) -> None:
    """Beside each round's response stood where the first one's steps go, and 0.0 s left."""
    qtbot.waitUntil(lambda: page.whole, timeout=WAIT_MS)
    page.set_form_values({"kind": "twin", "budget": 60, "twin_steps": 12})
    page.show_cost()
    page.run = RecordRun(page.design, page.session)
    page.run.plan = page.plan
    page.running = True
    plan = RunPlan(24, 8, 12, ("X", "Y"), ("V", "V"), 1.0, "out", "rec-1")
    page.take([Stage("record round 1 (first), 48 measurements"), plan])
    assert page.plots.distribution.hint.text() == "chosen anew for each round"
    assert len(page.plots.pair_dots.data) == 0
    assert page.progress is None
    page.take([Stage("fit 3 twins on 48 measurements"), FitProgress(30, 120, 1.0, None, 2.0)])
    assert page.progress == (0.25, "of a fit, no end is foreseen")
    page.view.choose(True)
    page._choose_view(True)
    assert page.plots.distribution.hint.text() == ""
    page.view.choose(False)
    page._choose_view(False)
    assert page.plots.distribution.hint.text() == "chosen anew for each round"
    page.take([Stage("record round 2 (chosen), 24 measurements"), plan])
    assert page.progress is None
    page.running = False


@pytest.mark.full
@pytest.mark.parametrize("sends", [False, True], ids=["alone", "with-a-network"])
def test_a_recording_for_a_twin_runs_its_rounds_without_torch_in_the_window(
    sends, window, page, qtbot
) -> None:
    if sends:  # made by another process: torch is not to be loaded here
        folder, paths = (
            window.session.library.folder / "sends",
            [str(ROOT), str(ROOT / "tests/app")],
        )
        subprocess.run(
            [sys.executable, "-c", SAVE_NETWORK, str(folder)], check=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )  # fmt: skip
    loaded = "torch" in sys.modules
    page.rows.kind.choose("twin")
    if sends:
        page.refresh()
        qtbot.waitUntil(lambda: page.rows.network.count() == 2, timeout=WAIT_MS)
        page.rows.network.setCurrentIndex(1)
    page.set_form_values({"budget": 60, "twin_steps": 12, "twin_repeats": 2, "iterations": 3,
                          "twin_holds": 2})  # fmt: skip
    page.show_cost()
    assert "give [drive] a hold_s above zero" in page.form.primary.cost  # of this bench
    assert not page.form.primary.isEnabled()
    page.set_form_values({"twin_holds": 1})
    page.show_cost()
    assert page.form.primary.text() == "Record up to 60 for a twin"
    page.press()
    qtbot.waitUntil(lambda: "fitting twins" in page.subheading.text(), timeout=5 * WAIT_MS)
    qtbot.waitUntil(lambda: window.job is None, timeout=5 * WAIT_MS)
    assert page.heading.text().startswith("Recorded for a twin"), window.log
    assert ("torch" in sys.modules) == loaded
    recording = read_recording(page.recorded)
    assert recording.complete.sum(axis=1).tolist().count(2) == 30
    assert (recording.families.count("network") > 12) == sends
    assert "times the floor" in "\n".join(window.log)

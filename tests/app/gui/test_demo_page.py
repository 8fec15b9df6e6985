"""The page of the demo: its stages as they run, two at once, its end, what goes on."""

from __future__ import annotations

import json

import pytest

from app.gui.live_demo import REPORT, SETTINGS, DemoAsk, LiveDemo, begun_demos
from app.gui.pages import library_report
from app.library.library import Library
from app.operations.events import Note, Progress, Result, Stage, StepRead

WAIT_MS = 60_000
MOST_MS = 1_500_000
RESULT = {
    "measured": 0.0014, "predicted": {"value": 0.0009, "low": 0.0008, "high": 0.001},
    "path": "demo-a", "seconds": 75.2,
}  # fmt: skip


@pytest.fixture
def page(make_window):
    return make_window(connected=False, page="demo").page()


def test_stages_that_run_at_once_wait_together() -> None:
    live = LiveDemo()
    for event in (
        Note("--quick shows the whole thread", "warning"), Stage("record", 1, 4),
        Note("recording is there already"), Stage("fit", 2, 4), Stage("fit plainly", 3, 4),
        Note("about 2 min left in all"), Progress("fit", 5.0, 10.0, "iterations", 1.0, 1.0),
    ):  # fmt: skip
        live.take(event)
    assert [row.word for row in live.rows()] == ["running"] * 3
    assert live.left == "2 min left"
    live.take(Stage("report", 4, 4))
    assert [row.word for row in live.rows()] == ["done", "done", "done", "running"]
    assert live.done == 0.75
    assert live.ended("stopped")[0] == "Stopped"
    assert (live.rows()[-1].word, live.rows()[-1].level) == ("stopped", "attention")
    live.take(Result(RESULT))
    heading, words = live.ended("done")
    assert "0.0014, foreseen 0.00090 (0.00080 to 0.0010)" in heading
    assert words == "demo-a · 75 s"


def test_what_came_to_no_report_goes_on(tmp_path) -> None:
    for name in ("demo-a", "demo-b", "rec-c"):
        (tmp_path / name / "report").mkdir(parents=True)
    for name in ("demo-a", "demo-b"):
        (tmp_path / name / SETTINGS).write_text("{}")
    (tmp_path / "demo-b" / REPORT).write_text("<html>")
    assert begun_demos(Library(tmp_path)) == [tmp_path / "demo-a"]
    assert DemoAsk(begun=tmp_path / "demo-a").words()[0] == "Go on with demo-a"


@pytest.mark.timeout(180)
def test_stop_ends_it_and_it_is_offered_to_go_on(page, qtbot) -> None:
    window, steps, monitored = page.shell, [], []
    window.open_page("monitor")
    window.pages["monitor"].watch = monitored.extend
    window.open_page("demo")
    window.top.show_step = lambda *step: steps.append(step)
    page.form.primary.click()
    assert window.job is not None
    qtbot.waitUntil(lambda: page.live.share > 0, timeout=WAIT_MS)
    assert not steps  # it has a rig of its own: its field is not this bench's
    assert any(isinstance(event, Progress) for event in monitored)
    assert not any(isinstance(event, StepRead) for event in monitored)
    assert page.table.rows[0].word == "running"
    assert page.heading.text() == "Record repeats to fit"
    window.stop()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    assert page.heading.text() == "Stopped"
    assert json.loads((page.out / SETTINGS).read_text())["quick"] is True
    assert page.report_button.isHidden()
    qtbot.waitUntil(lambda: page.which.choose(page.out), timeout=WAIT_MS)
    page.show_cost()
    assert page.form.primary.text() == f"Go on with {page.out.name}"
    assert not page.size_choice.isEnabled()


@pytest.mark.full
@pytest.mark.timeout(1600)
def test_a_quick_demo_comes_to_its_report(page, qtbot, monkeypatch) -> None:
    shown = []
    monkeypatch.setattr(library_report.QDesktopServices, "openUrl",
                        lambda url: shown.append(url.toLocalFile()) or True)  # fmt: skip
    page.form.primary.click()
    qtbot.waitUntil(lambda: page.shell.job is None, timeout=MOST_MS)
    assert page.heading.text().startswith("On the device"), "\n".join(page.shell.log)
    assert {row.word for row in page.table.rows} == {"done"}
    assert shown == [str(page.out / REPORT)]
    assert (page.out / REPORT).is_file()

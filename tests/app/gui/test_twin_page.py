"""The Twin page by pressing: search, further fits, comparisons, curves; what doesn't fit."""

from __future__ import annotations

import threading
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from fit_device import record_device
from PyQt6.QtWidgets import QApplication

from app.gui.fit_rows import candidate_rows
from app.gui.job import Outcome
from app.gui.live_compare import LiveComparison, LiveCurve
from app.gui.live_fit import LiveFit
from app.gui.pages.twin_compared import ComparedPlots, CurvePlots
from app.gui.twin_asks import BesideAsk, CurveAsk, FitAsk, ObjectivesAsk, ScoreAsk
from app.gui.twin_looked import complaint, look
from app.gui.widgets.plot_menu import csv_of
from app.library.folders import Artefact
from app.operations.child import in_child
from app.operations.events import Note, Result, Stage
from app.operations.learning_events import CandidateScored, CurvePoint, FitProgress, TwinCompared
from app.recording_marks import add_mark
from app.store import load_twin, write_recording

WAIT_MS = 120_000
TINY = {"iterations": 12, "latent": 2, "hidden": 4}


def recorded(window, name: str, **changes) -> Path:
    path = window.session.library.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    write_recording(path, record_device(12, 6, seed=1, steps=12, **changes))
    return path


def pressed(window, qtbot, page) -> None:
    qtbot.waitUntil(lambda: page.recordings.looked is not None, timeout=WAIT_MS)
    page.show_cost()
    assert page.form.primary.isEnabled(), page.form.primary.cost
    page.form.primary.click()
    assert window.job is not None, page.form.primary.cost
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)


@pytest.fixture
def page(make_window, qtbot):
    window = make_window(connected=False, page="twin")
    path = recorded(window, "rec-a")
    window.open_page("twin", path)
    made = window.page()
    qtbot.waitUntil(lambda: path in made.ticks and made.ticks[path].isChecked(), timeout=WAIT_MS)
    return made


def test_older_recordings_can_be_ticked_and_each_says_what_it_is(page, qtbot) -> None:
    for at in range(8):
        recorded(page.shell, f"rec-{at}-of-a-nanoring-array-on-the-cold-stage-by-Ida")
    page.refresh()
    qtbot.waitUntil(page.recordings.older.isVisible, timeout=WAIT_MS)
    assert page.recordings.older.text() == "Show 3 older"  # of nine, the one that is ticked stays
    qtbot.waitUntil(
        lambda: all("12 × 12 steps, 6 repeats" in t.note for t in page.ticks.values()),
        timeout=WAIT_MS,
    )
    area = page.form.rows
    assert area.widget().width() == area.viewport().width()  # long names widen nothing
    page.recordings.older.click()
    assert len(page.ticks) == 9
    assert page.recordings.older.text() == "Show the newest only"
    tabbed = [*page.ticks.values(), page.recordings.older]
    qtbot.waitUntil(  # once the ticks before are gone
        lambda: all(one.nextInFocusChain() is other for one, other in pairwise(tabbed)),
        timeout=60_000,
    )
    page.recordings.older.click()
    assert len(page.ticks) == 6


def test_where_nothing_is_recorded_the_button_says_what_is_missing(make_window, qtbot) -> None:
    page = make_window(connected=False, page="twin").page()
    qtbot.waitUntil(lambda: page.form.primary.cost.startswith("record some"), timeout=WAIT_MS)
    assert not page.form.primary.isEnabled()


@pytest.mark.timeout(300)
def test_a_twin_is_fitted_further_and_stands_beside_the_first_one(page, qtbot) -> None:
    window = page.shell
    page.set_form_values(TINY)
    pressed(window, qtbot, page)
    first = page.twin.parent
    assert page.weakest.button.isVisible()
    qtbot.waitUntil(lambda: page.form.primary.text() == "Fit again", timeout=WAIT_MS)
    qtbot.waitUntil(lambda: page.form.primary.cost.startswith("about 10 s · "), timeout=WAIT_MS)
    page.opener.show_twin(page.twin)
    qtbot.waitUntil(lambda: not page.opener.reading, timeout=WAIT_MS)
    said = "Fit a twin"  # by the form, which may be of another
    qtbot.waitUntil(lambda: page.form.primary.text() == said, timeout=WAIT_MS)
    page.rows.fit.origin.choose(first)
    qtbot.waitUntil(lambda: page.rows.fit.origin.choose(first), timeout=WAIT_MS)
    assert not page.rows.fit.latent.isEnabled()  # it keeps its structure
    pressed(window, qtbot, page)
    second = page.twin.parent
    assert second != first
    page.rows.kind.choose("beside")
    qtbot.waitUntil(lambda: page.rows.beside.first.choose(first), timeout=WAIT_MS)
    pressed(window, qtbot, page)  # nothing beside it: scored alone
    assert page.views.choice.value == "fit"
    assert page.heading.text() == f"Scored {first.name}"
    assert "held out of the fit" in page.subheading.text()
    scored = {row.name: row.value for row in page.plots.errors.rows}
    asked = {"twin": first, "recording": page.chosen[0]}
    *_, told = in_child("app.operations.evaluate.evaluate", asked)
    assert scored["Mean"] == pytest.approx(told.values["errors"]["mean"]["value"])
    assert page.twin == first / "twin.json"
    qtbot.waitUntil(
        lambda: page.rows.beside.first.choose(first) and page.rows.beside.second.choose(second),
        timeout=WAIT_MS,
    )
    pressed(window, qtbot, page)
    assert page.views.choice.value == "compared"
    rows = {row.name: row for row in page.views.compared.table.rows}
    assert set(rows) == {first.name, second.name}
    assert sum("smallest CRPS" in row.word for row in rows.values()) == 1
    assert "is better than" in page.views.compared.verdict.text()


@pytest.mark.timeout(300)
def test_objectives_are_fitted_and_compared_as_they_come(page, qtbot) -> None:
    page.set_form_values({"kind": "objectives", "objectives": ["energy", "one-step"],
                          "compared_minutes": 0.02, "compared_seeds": 1})  # fmt: skip
    pressed(page.shell, qtbot, page)
    compared = page.views.compared
    assert compared.isVisible()
    assert [row.name for row in compared.table.rows] == ["energy", "one-step"]
    assert "CRPS" in compared.verdict.text()
    assert all(len(dots.getData()[0]) == 2 for dots in compared.dots.values())


@pytest.mark.timeout(300)
def test_a_learning_curve_grows_point_by_point(page, qtbot) -> None:
    page.set_form_values({"kind": "curve", "curve_iterations": 3})
    pressed(page.shell, qtbot, page)
    curve = page.views.curve
    assert curve.isVisible()
    assert len(curve.table.rows) == len(page.runs.curve.points) > 3
    assert "floor" in curve.verdict.text()
    assert len(curve.worst_lines[-1].getData()[0]) == len(
        {p.measurements for p in page.runs.curve.points if p.repeats == page.runs.curve.repeats[-1]}
    )
    level = page.views.curve.levels[0]
    told = level.value()
    page.rows.curve.target.setValue(10.0)  # asked for next
    page._redraw()
    assert level.value() == told


@pytest.mark.timeout(300)
def test_a_fit_pressed_before_its_recording_is_read_is_drawn_all_the_same(
    page, qtbot, monkeypatch
) -> None:
    import app.gui.pages.twin_recordings as ticks

    read, looked = threading.Event(), ticks.look

    def slow(path: Path, *before):
        assert read.wait(WAIT_MS / 1000)
        return looked(path)

    monkeypatch.setattr(ticks, "look", slow)
    qtbot.waitUntil(lambda: page.recordings.looked is not None, timeout=WAIT_MS)
    named = page.views.channels
    page.refresh()
    assert page.recordings.looked is None
    page.views.set_channels((), ())  # a window that was just opened
    page.set_form_values({"iterations": 6000, "searched": True})
    page.press()
    try:
        qtbot.waitUntil(lambda: bool(page.plots.search.rows), timeout=WAIT_MS)
        assert page.plots.search.isVisible()
        assert page.heading.text() == "Choosing the structure"
        assert named != page.views.channels == ()
    finally:
        read.set()
    qtbot.waitUntil(lambda: page.views.channels == named, timeout=WAIT_MS)
    page.shell.stop()
    qtbot.waitUntil(lambda: page.shell.job is None, timeout=WAIT_MS)


@pytest.mark.timeout(300)
def test_a_search_shows_each_structure_and_stop_says_what_stays(page, qtbot) -> None:
    window = page.shell
    page.set_form_values({"iterations": 6000, "searched": True})
    page.press()
    assert page.heading.text() == "Fitting a twin"  # at once, before its process tells anything
    assert page.form.primary.text() == "Fitting"
    qtbot.waitUntil(lambda: bool(page.plots.search.rows), timeout=WAIT_MS)
    assert page.plots.search.isVisible()
    assert page.heading.text() == "Choosing the structure"
    window.stop()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    assert page.heading.text() == "Stopped: no twin"
    so_far = page.runs.fit.so_far(page.runs.folder)
    assert (so_far / "twin.json").is_file()
    assert str(so_far) in page.subheading.text()
    assert page.subheading.text().startswith("kept: choose it under Begin with")
    folder = page.runs.folder
    qtbot.waitUntil(lambda: page.rows.fit.origin.choose(folder), timeout=WAIT_MS)
    page.show_cost()
    assert page.form.primary.text() == f"Go on with {folder.name}"


def test_more_is_recorded_where_twins_differ(page) -> None:
    page.weakest.show({"verdict": {"reasons": ["mean: worst at drive 0.8"], "at_floor": False}})
    assert page.weakest.words.text() == "Weakest: mean: worst at drive 0.8"
    folder = page.session.library.folder / "twin-held"
    page.rows.offer_twins([Artefact(folder, "twin", 0.0, {"meta": {"longest_hold": 3}})])
    page.twin = folder / "twin.json"
    page.weakest.button.click()
    record = page.shell.pages["record"]
    assert page.shell.page() is record
    assert record.rows.kind.value == "twin"
    assert record.rows.design().asked.holds == 3  # as long as the twin knows


def test_a_recording_that_does_not_fit_the_twin_is_refused_before_a_byte(page, qtbot) -> None:
    window = page.shell
    page.set_form_values(TINY)
    pressed(window, qtbot, page)
    twin = page.twin.parent
    other = recorded(window, "rec-b", channels=("Z",))
    page.refresh()
    qtbot.waitUntil(lambda: other in page.ticks, timeout=WAIT_MS)
    for path, tick in page.ticks.items():
        tick.setChecked(path == other)
    qtbot.waitUntil(lambda: page.recordings.looked is not None, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: page.rows.fit.origin.choose(twin), timeout=WAIT_MS)
    page.show_cost()
    assert not page.form.primary.isEnabled()
    assert "channels Z, the twin X" in page.form.primary.cost
    page.press()
    assert window.job is None


def test_a_damaged_recording_says_so_on_the_button(page, qtbot) -> None:
    broken = page.session.library.folder / "rec-c"
    write_recording(broken, record_device(8, 4, seed=2, steps=12))
    data = (broken / "recording.nc").read_bytes()
    (broken / "recording.nc").write_bytes(data[: len(data) // 2])
    page.refresh()
    qtbot.waitUntil(lambda: broken in page.ticks, timeout=WAIT_MS)
    page.ticks[broken].setChecked(True)
    qtbot.waitUntil(lambda: page.recordings.looked is not None, timeout=WAIT_MS)
    page.show_cost()
    assert not page.form.primary.isEnabled()
    assert "recording.nc" in page.form.primary.cost


def test_marked_repeats_are_left_out_of_what_is_looked_at(tmp_path) -> None:
    write_recording(tmp_path / "rec", record_device(8, 4, seed=2, steps=12))
    before = look(tmp_path / "rec")
    assert look(tmp_path / "rec", before) is before  # a large one takes seconds to read
    add_mark(tmp_path / "rec", bad={0, 1}, why="lamp on")
    after = look(tmp_path / "rec", before)
    assert (before.repeats, after.repeats) == (32, 30)
    assert after.first.shape[0] == before.first.shape[0] - 2
    assert complaint([after], deterministic=False) == ("", "")


def test_a_channel_that_never_moves_is_refused_before_a_press_where_it_moves_nowhere(
    tmp_path,
) -> None:
    looked = []
    for name, value in (("a", 0.5), ("b", 0.5), ("c", 0.6)):
        recording = record_device(12, 6, seed=1, steps=12)
        recording.response[..., 0] = value
        write_recording(tmp_path / name, recording)
        looked.append(look(tmp_path / name))
    said, role = complaint(looked[:2], deterministic=False)
    assert said.startswith("channel 'X' is 0.5 V at every step")
    assert role == "fault"
    assert "at every step" not in complaint(looked, deterministic=False)[0]
    head = {"channels": list(looked[0].channels), "units": list(looked[0].units)}
    assert "at every step" not in complaint(looked[:1], deterministic=False, like=head)[0]


def test_what_can_not_run_says_why(tmp_path) -> None:
    assert FitAsk().problem(0)
    assert "structure" in FitAsk(searched=True, origin=tmp_path).problem(1)
    assert "two" in ObjectivesAsk(("energy",)).problem(1)
    assert BesideAsk((tmp_path, tmp_path)).problem(1)
    assert "fit one" in ScoreAsk(None).problem(1)
    assert "one recording" in ScoreAsk(tmp_path).problem(2)
    assert "one recording" in BesideAsk((tmp_path, tmp_path / "b")).problem(2)
    assert CurveAsk().problem(1) == ""
    assert FitAsk(origin=tmp_path).arguments([], tmp_path).keys().isdisjoint({"latent", "search"})
    assert FitAsk(searched=True).arguments([], tmp_path)["search"] is True


def test_members_are_asked_of_a_new_twin_with_noise_only(page, qtbot, tmp_path) -> None:
    rows = page.rows
    assert rows.fit.members.text() == "usual"
    assert "members" not in rows.ask().arguments([], tmp_path)
    rows.fit.members.setValue(3)
    assert rows.fit.members.isEnabled()
    assert rows.ask().arguments([], tmp_path)["members"] == 3
    costs = page.form.primary
    qtbot.waitUntil(lambda: costs.cost.startswith("3 members, 6000 iter"), timeout=WAIT_MS)
    rows.fit.objective.choose("mean")
    assert not rows.fit.members.isEnabled()
    assert "members" not in rows.ask().arguments([], tmp_path)
    rows.fit.objective.choose("energy")
    values = rows.values()
    rows.fit.members.setValue(1)
    rows.set_values(values)
    assert rows.fit.members.value() == 3
    assert "members" not in FitAsk(origin=tmp_path, members=3).arguments([], tmp_path)


def test_the_losses_that_are_drawn_are_those_of_the_member_that_is_fitted() -> None:
    live, out = LiveFit(), Path("out")
    for member in (1, 2):
        begun = 10 * member
        live.take(Stage(f"fit the mean, member {member} of 2", 2, 4))
        assert live.turn is None
        assert live.losses == []
        assert (live.progress or (0, ""))[0] == (begun - 10) / 20
        live.take(FitProgress(begun - 4, 20, 3.0, 9.0, 1.0))
        live.take(Stage(f"fit mean and noise, member {member} of 2", 3, 4))
        live.take(FitProgress(begun, 20, 2.0, 8.0, 2.0))
        assert live.turn == begun - 4
        assert live.losses == [3.0, 2.0]
        assert live.words(out).startswith(f"member {member} of 2 · iteration {begun} of 20")
        assert live.so_far(out) == out / "so-far"
    live.take(Stage("score on held-out repeats", 4, 4))
    assert live.member == ""


def test_a_twin_of_two_members_is_fitted_by_pressing(page, qtbot) -> None:
    page.rows.set_values({**TINY, "members": 2})
    window = page.window()
    pressed(window, qtbot, page)
    assert page.twin is not None
    assert load_twin(page.twin).members == 2
    assert page.live.iterations[-1] == 12


def scored(name: str, seed: int, ratio: float) -> TwinCompared:
    row = {"value": ratio, "floor": 1.0, "ratio": ratio, "excess": ratio - 1}
    errors = dict.fromkeys(("mean", "spread", "autocovariance", "crps"), row)
    return TwinCompared(name, seed, errors, {"value": 0.9, "expected": 0.892})


def test_a_comparison_in_words() -> None:
    live = LiveComparison()
    live.take(Stage("energy, seed 0"))
    live.take(FitProgress(5, 10, 1.0, None, 1.0))
    assert [(r.name, r.fraction) for r in live.lines()] == [("energy, seed 0", 0.5)]
    for event in (scored("energy", 0, 1.2), scored("energy", 1, 1.4), scored("crps", 0, 1.1)):
        live.take(event)
    live.take(TwinCompared("published", 0, {}, {}, "diverged"))
    rows = {row.name: row for row in live.lines()}
    assert rows["energy, 2 seeds"].cells[0] == "1.30"
    assert rows["crps"].strong
    assert (rows["published"].word, rows["published"].level) == ("1 failed", "fault")
    live.take(Result({"verdict": ["crps has the smallest CRPS"]}))
    assert live.verdict == ["crps has the smallest CRPS"]
    assert live.ratios("mean")[1].tolist() == [0, 0, 1]


def test_a_curve_in_medians_over_seeds() -> None:
    live = LiveCurve()
    errors = {"mean": {"ratio": 2.0}}
    for seed, worst in ((0, 2.0), (1, 4.0)):
        live.take(CurvePoint(4, 2, seed, 8, errors, worst))
    live.take(CurvePoint(8, 2, 0, 16, {}, None, "diverged"))
    assert [a.tolist() for a in live.worst(2)] == [[8.0], [3.0]]
    assert live.lines()[-1].level == "fault"


def test_the_losses_of_a_short_fit_are_not_those_of_the_next_one(page) -> None:
    live = LiveFit()
    live.take(FitProgress(5, 10, 9.0, 9.0, 1.0))
    page.plots.draw(live, 0, ("X",), ("V",))
    assert page.plots.validation.getData()[1].tolist() == [9.0]
    live.take(FitProgress(1, 10, 9.0, None, 1.0))
    page.plots.draw(live, 0, ("X",), ("V",))
    assert page.plots.validation.getData() == (None, None)


def test_a_curve_is_saved_as_it_is_read_on_its_axes(theme, qtbot) -> None:
    plots, live = CurvePlots(theme), LiveCurve()
    qtbot.addWidget(plots)
    errors = {"mean": {"ratio": 2.0}}
    for sequences, measured, worst in ((4, 8, 4.0), (8, 16, 3.0)):
        live.take(CurvePoint(sequences, 2, 0, measured, errors, worst))
    plots.draw(live, 1.5)
    for panel, ratios in ((plots.worst, [4.0, 3.0]), (plots.each, [2.0, 2.0])):
        *_, first, second = csv_of(panel).decode().splitlines()
        for row, wanted in zip((first, second), zip((8.0, 16.0), ratios, strict=True), strict=True):
            numbers = [float(cell) for cell in row.split(",") if cell]
            assert numbers[:2] == pytest.approx(wanted)
    low, high = plots.worst.plot.getViewBox().viewRange()[0]
    assert low < np.log10(8.0) < np.log10(16.0) < high


def test_structures_of_a_search_the_best_marked() -> None:
    live = LiveFit()
    live.take(Stage("choose the structure among 2, in 40% of the time"))
    live.take(FitProgress(5, 10, 9.0, 9.0, 1.0))
    live.take(CandidateScored(4, 16, 8, 1, 2, 0.5, 1.0, best=True))
    live.take(CandidateScored(8, 32, 8, 1, 2, None, 1.0, best=False, problem="diverged"))
    rows = candidate_rows(live.candidates)
    assert [(row.strong, row.level) for row in rows] == [(True, "ok"), (False, "fault")]
    assert live.so_far(Path("out")) == Path("out") / "so-far"
    live.take(Stage("fit the mean", 2, 4))
    assert not live.losses  # those of the short fits are not the fit's
    assert not np.isfinite(live.validations).any()


@pytest.mark.timeout(300)
def test_a_fit_that_goes_on_shows_its_own_recording_whatever_is_ticked(page, qtbot) -> None:
    window = page.shell
    page.set_form_values({**TINY, "iterations": 4000})
    qtbot.waitUntil(lambda: page.recordings.looked is not None, timeout=WAIT_MS)
    page.show_cost()
    page.form.primary.click()
    qtbot.waitUntil(lambda: window.job is None or len(page.live.iterations) > 3, timeout=WAIT_MS)
    assert window.job is not None, "\n".join(window.log)
    window.stop()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    channels, units = page.views.channels, page.views.units
    other = recorded(window, "rec-b")
    window.open_page("twin", other)
    qtbot.waitUntil(lambda: other in page.ticks, timeout=WAIT_MS)
    for path, tick in page.ticks.items():
        tick.setChecked(path == other)
    qtbot.waitUntil(lambda: page.recordings.looked is not None, timeout=WAIT_MS)
    page.views.set_channels(("of another device",), ("Ω",))
    (begun,) = (one.parent for one in window.session.library.folder.glob("*/checkpoint*"))
    window.open_page("twin", begun)  # as the Library opens it
    qtbot.waitUntil(lambda: page.rows.fit.origin.currentData() == begun, timeout=WAIT_MS)
    page.show_cost()
    page.form.primary.click()
    assert page.form.primary.text() == "Fitting"
    assert page.plots.device.shown_run == ""
    qtbot.waitUntil(
        lambda: (page.views.channels, page.views.units) == (channels, units), timeout=WAIT_MS
    )
    assert page.plots.device.shown_run == "rec-a"
    window.stop()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)


@pytest.mark.timeout(300)
def test_a_stopped_curve_is_told_to_run_no_more_and_can_go_on(page, qtbot) -> None:
    window = page.shell
    qtbot.waitUntil(lambda: page.recordings.looked is not None, timeout=WAIT_MS)
    page.rows.kind.choose("curve")
    page.show_cost()
    page.form.primary.click()
    qtbot.waitUntil(lambda: "repeats" in page.runs.curve.running, timeout=WAIT_MS)
    folder = page.runs.folder
    window.stop()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    assert not [row for row in page.runs.curve.lines() if row.cells == ()]  # that one `running`
    assert "choose it under Begin with" in page.subheading.text()
    qtbot.waitUntil(lambda: page.rows.curve.grown.count() == 2, timeout=WAIT_MS)
    page.rows.curve.grown.setCurrentIndex(1)
    assert page.rows.ask().folder == folder


def test_what_a_score_warns_of_stays_beside_it_until_the_next_run(page, qtbot) -> None:
    shown, texts = page.views.warnings, ["repeats drift", "no drive above 0.8", "three", "four"]
    assert shown.isHidden()
    page.runs.asked = ScoreAsk(page.session.library.folder / "twin-a")
    page.job_started()
    page.take([*(Note(text, "warning") for text in texts), Note("scored")])
    page.take([Note("three", "warning")])  # said again
    page.job_finished(Outcome("stopped"))
    assert shown.isVisible()
    assert shown.text().splitlines()[:2] == texts[:2]
    assert "scored" not in shown.text()
    assert page.runs.warnings == texts
    page.job_started()
    assert shown.isHidden()
    page.job_finished(Outcome("stopped"))


@pytest.mark.parametrize("in_view", [True, False])
def test_a_warning_is_a_toast_only_where_the_page_is_out_of_view(
    page, qtbot, monkeypatch, in_view
) -> None:
    window = page.shell
    said = Note("repeats drift", "warning")
    monkeypatch.setattr("app.gui.pages.twin.in_child", lambda *_, **__: iter([said]))
    page.press()
    if not in_view:
        window.open_page("monitor")
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    assert page.runs.warnings == ["repeats drift"]
    assert [t.text for t in window.toasts.shown if "drift" in t.text] == ["repeats drift"] * (
        not in_view
    )
    assert any("warning: repeats drift" in line for line in window.log)


def test_two_twins_of_a_day_are_told_apart_below_their_dots(theme, qtbot) -> None:
    plots, live = ComparedPlots(theme), LiveComparison()
    qtbot.addWidget(plots)
    for name in ("twin-20261128T122129-069f67", "twin-20261128T130911-5bd542"):
        live.take(scored(name, 0, 1.2))
    plots.draw(live)
    (ticks,) = plots.panels["mean"].plot.getAxis("bottom")._tickLevels
    assert [text[-6:] for _, text in ticks] == ["069f67", "5bd542"]


@pytest.mark.parametrize(
    ("wide", "told"),
    [(900, ["e", "ie", "p"]), (2400, ["energy", "innovations-energy", "published"])],
)
def test_objectives_never_lie_over_each_other_below_their_dots(theme, qtbot, wide, told) -> None:
    plots, live = ComparedPlots(theme), LiveComparison()
    qtbot.addWidget(plots)
    plots.resize(wide, 600)
    plots.show()
    QApplication.processEvents()  # it is laid out
    for name in ("energy", "innovations-energy", "published"):
        live.take(scored(name, 0, 1.2))
    plots.draw(live)
    (ticks,) = plots.panels["mean"].plot.getAxis("bottom")._tickLevels
    assert [text for _, text in ticks] == told


def test_the_channel_that_is_pressed_is_the_one_that_is_drawn(page, tmp_path) -> None:
    page.twin = tmp_path  # one is shown, and no preview of a recording
    page.views.set_channels(("X", "Y", "R"), ("V", "V", "V"))
    page.views.toggle.choose(2)
    page.views.set_channels(("X", "Y"), ("V", "V"))
    assert (page.views.toggle.value, page.views.channel) == (0, 0)


def test_a_search_can_not_be_asked_for_where_the_form_does_not_offer_it(page, tmp_path) -> None:
    page.rows.fit.structure.choose(True)
    page.rows.fit.origin.addItem("twin-a", tmp_path)
    page.rows.fit.origin.choose(tmp_path)
    assert not page.rows.fit.structure.isEnabled()
    assert page.rows.ask().problem(1) == ""
    page.rows.fit.origin.choose(None)
    page.rows.fit.origin.setCurrentIndex(0)
    assert page.rows.ask().searched


def test_a_library_that_can_not_be_read_for_a_moment_takes_no_choice_away(page, tmp_path) -> None:
    page.rows.fit.origin.addItem("twin-a", tmp_path)
    page.rows.fit.origin.choose(tmp_path)
    ticked, gone = page.chosen, OSError("the share is gone")
    page.recordings._take(None, gone)
    page._offer(None, gone)
    assert page.chosen == ticked != []
    assert page.rows.fit.origin.currentData() == tmp_path

"""What ended early is opened on its page with itself chosen to go on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from app.checked_json import with_checksum
from app.gui.begun import Begun
from app.gui.begun_bench import DEPLOY, BegunRun
from app.gui.begun_fits import BegunCurve, begun_comparisons, begun_curves
from app.gui.network_asks import ONE as ONE_NETWORK
from app.gui.pages.deploy_form import DeployForm
from app.gui.pages.library_open import opening, page_of
from app.gui.pages.twin_form import TwinForm
from app.gui.twin_asks import CURVE, OBJECTIVES, CurveAsk, ObjectivesAsk
from app.gui.widgets.form import Form
from app.library import several
from app.library.facts import Facts
from app.library.folders import Artefact
from app.library.index import Entry
from app.library.library import Library

ONE = BegunRun(Path("/library/dep-1"), DEPLOY, Path("/library/net-1"), "1 of 6 runs measured")
OTHER = BegunRun(Path("/library/dep-2"), DEPLOY, Path("/library/net-2"), "2 of 6 runs measured")


def test_a_deployment_that_the_library_has_not_told_yet_is_chosen_once_it_has(theme, qtbot) -> None:
    form = Form(theme, "Deploy", "")
    qtbot.addWidget(form)
    rows = DeployForm(theme, form)
    rows.go_on_with(OTHER.path)
    assert rows.goes_on is None
    rows.offer_unfinished([ONE, OTHER])
    assert rows.goes_on == OTHER
    rows.which.setCurrentIndex(0)  # somebody wants a new run after all
    rows.offer_unfinished([ONE, OTHER])
    assert rows.goes_on is None
    rows.go_on_with(ONE.path)
    assert rows.goes_on == ONE
    rows.go_on_with(None)
    assert rows.goes_on is None


def test_a_training_is_chosen_under_go_on(make_window, qtbot) -> None:
    window = make_window(connected=False, page="network")
    rows = window.page().rows
    folder = window.session.library.folder / "net-1"
    rows.go_on_with(folder)
    begun = Begun(folder, ONE_NETWORK, "mackey-glass", (2,), "1 of 6 iterations")
    rows.offer_networks((), [replace(begun, path=folder.with_name("net-0")), begun])
    assert rows.kind.value == "begun"
    assert rows.which.currentData() == folder


def comparison(folder: Path, twins: int) -> Path:
    """A comparison of two objectives by two seeds with some of its four twins."""
    head = {"kind": "comparison", "schema": 1, "twins": [{}] * twins,
            "plan": {"objectives": ["energy", "crps"], "seeds": 2}}  # fmt: skip
    folder.mkdir(parents=True)
    (folder / "comparison.json").write_text(json.dumps(with_checksum(head)))
    return folder


def test_a_comparison_of_objectives_that_ended_early_goes_on_by_choosing_it(
    theme, qtbot, tmp_path
) -> None:
    ended = comparison(tmp_path / "cmp-1", 3)
    comparison(tmp_path / "cmp-2", 4)
    found = begun_comparisons(Library(tmp_path))
    assert found == [ended]
    form = Form(theme, "Twin", "")
    qtbot.addWidget(form)
    rows = TwinForm(theme, form)
    rows.kind.choose(OBJECTIVES)
    rows.offer_twins((), (), found)
    assert isinstance(rows.ask(), ObjectivesAsk)
    assert rows.compared.which.choose(ended)
    ask = rows.ask()
    assert ask.words(False)[0] == "Go on with cmp-1"
    assert ask.arguments([], Path("new")) == {"recordings": [], "out": ended, "resume": True}
    assert rows.compared.objectives["crps"].isHidden()
    rows.compared.which.setCurrentIndex(0)
    assert not rows.compared.objectives["crps"].isHidden()


def test_a_learning_curve_that_ended_early_goes_on_by_choosing_it(theme, qtbot, tmp_path) -> None:
    """The window told where it was kept, and could not go on with it."""
    grid = {"sequences": [4, 8], "repeats": [2], "seeds": 2, "target": 1.25}
    for name, points in (("curve-1", 3), ("curve-2", 4)):
        head = {"kind": "learning-curve", "schema": 1, "grid": grid, "points": [{}] * points}
        (tmp_path / name).mkdir()
        (tmp_path / name / "learning-curve.json").write_text(json.dumps(with_checksum(head)))
    (found,) = begun_curves(Library(tmp_path))
    form = Form(theme, "Twin", "")
    qtbot.addWidget(form)
    rows = TwinForm(theme, form)
    rows.kind.choose(CURVE)
    rows.offer_twins((), (), (), [found])
    assert isinstance(rows.ask(), CurveAsk)
    assert rows.curve.target.isVisibleTo(form)
    assert rows.curve.grown.choose(found)
    ask = rows.ask()
    assert ask.words(False)[0] == "Go on with curve-1"
    assert ask.target == 1.25
    out = tmp_path / "curve-1"
    assert ask.arguments([], Path("new")) == {"recordings": [], "out": out, "resume": True}
    assert not rows.curve.target.isVisibleTo(form)  # it keeps what it was asked
    rows.curve.grown.setCurrentIndex(0)
    assert rows.curve.target.isVisibleTo(form)


@pytest.mark.parametrize("kind", ["curve", "cmp"])
def test_several_fits_that_ended_early_are_opened_where_they_go_on(
    theme, qtbot, tmp_path, kind
) -> None:
    """The Library asked for their report, which they have at their end."""
    artefact = Artefact(tmp_path / "one", kind, 0.0, {"grid": {"target": 1.25}})
    entry = Entry(artefact, "one", Facts("several fits", status="1 of 4"))
    opened = opening(entry, read=True, any_there=True)
    assert (page_of(entry), opened.cost) == ("twin", "on the Twin page, where it goes on")
    whole = replace(entry, facts=Facts("several fits"))
    assert opening(whole, read=True, any_there=True).cost == "its report"
    form = Form(theme, "Twin", "")
    qtbot.addWidget(form)
    rows = TwinForm(theme, form)
    rows.go_on_with_several(artefact)  # before the library has told of it, and after
    assert rows.ask().folder == artefact.path
    rows.offer_twins((), (), [artefact.path], [BegunCurve(artefact.path, 1.25)])
    assert rows.ask().folder == artefact.path


def test_run_again_of_a_table_keeps_where_it_was_measured_its_kinds_and_its_wiring(
    make_window, tmp_path
) -> None:
    plan = {
        "task": "mackey-glass:h=5", "layers": [2, 2], "seeds": 2, "seed": 7, "folds": 0,
        "iterations": 20, "options": {"wiring": "forward", "taps": [0, 3], "cascade": True},
        "kinds": ["untrained"], "bench": ["virtual"],
    }  # fmt: skip
    head = {"rows": [], "status": "done", "plan": plan}
    facts = several.table(Artefact(tmp_path, "tab", 0.0, head))
    window = make_window(connected=False, page="network")
    rows = window.page().rows
    rows.set_values(facts.form)
    assert rows.measure.currentData() is True
    assert rows.kinds.chosen == ["untrained"]
    assert (rows.taps.text(), rows.cascade.isChecked()) == ("0,3", True)

"""The Network page by pressing: tasks, wiring, seeds side by side, the table; what is wrong."""

from __future__ import annotations

import json
from dataclasses import replace

import artefact_samples as samples
import numpy as np
import pytest
from PyQt6.QtCore import Qt

from app.artefacts import plain
from app.checked_json import with_checksum
from app.gui.live_trials import LiveTrials, table_rows, table_so_far
from app.gui.network_asks import Layout, TrainAsk
from app.gui.network_picture import Picture
from app.gui.scores import error_title, interval, said
from app.gui.table_asks import TableAsk
from app.gui.widgets.topology import Topology
from app.operations.events import Result
from app.operations.learning_events import TrialEnded, TrialProgress, TrialStarted
from app.operations.sweep_grid import Grid
from app.store import load_twin, save_network, save_twin

WAIT_MS = 240_000
SMALL = "train=300,validation=100,test=60,washout=20"


@pytest.fixture
def page(network_page):
    return network_page


def begun(page, qtbot) -> None:
    """What the form asks for is under way."""
    qtbot.waitUntil(lambda: page.tasks.wrong() == "" and page.form.primary.isEnabled(),
                    timeout=WAIT_MS)  # fmt: skip
    page.form.primary.click()
    assert page.shell.job is not None, page.form.primary.cost


def pressed(page, qtbot) -> None:
    begun(page, qtbot)
    qtbot.waitUntil(lambda: page.shell.job is None, timeout=WAIT_MS)


def test_every_task_is_offered_and_a_wrong_option_is_said_before_a_press(page, qtbot) -> None:
    names = [page.rows.task.itemText(k) for k in range(page.rows.task.count())]
    assert {"mackey-glass", "digits", "signals", "emg", "file"} <= set(names)
    assert "horizon=5" in page.rows.options.placeholderText()
    page.rows.options.setText("steps=4")
    qtbot.waitUntil(lambda: "steps" in page.form.primary.cost, timeout=WAIT_MS)
    assert not page.form.primary.isEnabled()
    page.press()
    assert page.shell.job is None


@pytest.mark.timeout(300)
def test_a_classification_is_told_as_accuracy_through_a_skip_wiring(page, qtbot) -> None:
    page.set_form_values({"task": "signals", "options": "train=60,validation=20,test=40"})
    page.set_form_values({"iterations": 4, "layers": "2, 2", "wiring": "skip", "taps": "0, 1"})
    pressed(page, qtbot)
    assert page.network is not None, "\n".join(page.shell.log)
    qtbot.waitUntil(lambda: page.form.primary.text() == "Train again", timeout=WAIT_MS)
    qtbot.waitUntil(lambda: page.form.primary.cost.startswith("about 10 s · "), timeout=WAIT_MS)
    assert page.plots.table.head == "accuracy, unseen part"
    shown = {row.name: row.text for row in page.plots.table.rows}
    value = page.live.predicted["value"]
    assert float(shown["This network"]) == pytest.approx(1 - value, abs=0.006)
    begins = {edge[0] for edge in page.plots.topology.edges if edge[2] == 2}
    assert begins == {0, 1}  # the second layer sees the inputs, too


@pytest.mark.timeout(300)
def test_seeds_stand_side_by_side_the_best_by_validation_is_the_network(page, qtbot) -> None:
    page.set_form_values({"options": SMALL, "iterations": 4, "layers": "2", "seeds": 2, "seed": 3})
    pressed(page, qtbot)
    rows = {row.name: row for row in page.plots.table.rows}
    assert {"Seed 3", "Seed 4", "AR-18"} <= set(rows)
    assert [r.word for r in rows.values()].count("best") == 1
    assert all(rows[f"Seed {n}"].low <= rows[f"Seed {n}"].high for n in (3, 4))
    assert page.network.name == "network.json"
    assert page.deploy_button.isVisible()
    qtbot.waitUntil(lambda: page.plots.picture is not None, timeout=WAIT_MS)
    page.show_cost()  # as after the library was read again
    assert page.plots.picture is not None  # the best stays in view
    qtbot.waitUntil(lambda: page.plots.drive.looked.sent is not None, timeout=WAIT_MS)


def test_layers_and_wiring_that_make_no_network_say_so(page, qtbot) -> None:
    page.layers.setText("4, x")
    page.show_cost()
    assert "16, 16, 16" in page.form.primary.cost
    for text in ("1000000", "500000 + 4, 499996"):
        page.layers.setText(text)
        page.show_cost()
        said = "1000000 nodes: a network has at most 4096"
        assert page.form.primary.cost == said
        assert not page.form.primary.isEnabled()
    page.layers.setText("4, 4")
    page.rows.wiring.setText("1:2")
    page.show_cost()
    assert "can't see layer 2" in page.form.primary.cost
    page.rows.wiring.setText("forward")
    page.rows.taps.setText("a")
    page.show_cost()
    assert "taps 'a'" in page.form.primary.cost
    assert not page.form.primary.isEnabled()


def test_scores_of_any_metric_in_words() -> None:
    predicted = {"value": 0.1, "low": 0.05, "high": 0.2}
    assert interval(predicted, "nmse") == "0.10 (0.050 to 0.20)"
    assert interval(predicted, "error-rate") == "0.900 (0.800 to 0.950)"
    assert interval(dict.fromkeys(predicted, 0.1), "nmse") == "0.10"  # of a twin without noise
    assert said(0.004, "error-rate") == "0.996"
    assert said(0.25, "balanced-error") == "0.750"
    assert (error_title("nmse"), error_title("error-rate")) == ("NMSE", "1 − accuracy")


def values(value: float, validation: float) -> dict:
    return {
        "metric": "nmse", "validation": validation,
        "predicted": {"value": value, "low": 0.9 * value, "high": 1.1 * value},
        "baselines": {"ar-1": 0.4, "ar-18": 0.01},
    }  # fmt: skip


def test_a_pool_in_words_failures_included(tmp_path) -> None:
    live = LiveTrials()
    live.take(TrialStarted("seed-0", 1, "here"))
    live.take(TrialProgress("seed-0", 50, 100, 0.3))
    live.take(TrialEnded("seed-1", "done", values(0.2, 0.1), "", 1, 3))
    live.take(TrialEnded("seed-2", "failed", {}, "diverged", 2, 3))
    rows = {row.name: row for row in live.seed_rows()}
    assert rows["Seed 0"].word == "50 of 100"
    assert rows["Seed 1"].word == "best so far"
    assert rows["Seed 2"].word == "diverged"
    assert np.isnan(rows["Seed 2"].value)
    assert rows["AR-18"].word == "beats it"
    assert live.share == pytest.approx(2.5 / 3)
    live.take(Result({"path": "x"}))
    assert {r.name: r.word for r in live.seed_rows()}["Seed 1"] == "best"


def test_the_table_grows_with_its_trials_and_marks_the_best(tmp_path) -> None:
    ask = TableAsk("mackey-glass", tmp_path / "twin", (4,), seeds=1, seed=0)
    plan, live = ask.plan(), LiveTrials()
    assert table_rows(table_so_far(plan, live))[0].cells[0] == "—"
    live.take(TrialEnded("noise-aware-seed0", "done", values(0.2, 0.1), "", 1, 4))
    live.take(TrialEnded("untrained-seed0", "done", values(0.1, 0.1), "", 2, 4))
    live.take(TrialEnded("deterministic-seed0", "failed", {}, "diverged", 3, 4))
    rows = {row.name: row for row in table_rows(table_so_far(plan, live))}
    best = [row for row in rows.values() if row.strong]
    assert [row.name for row in best] == ["linear model (ar-18)"]  # a lost comparison says so
    assert rows["noise-aware"].cells[0] == "0.20"
    assert rows["deterministic twin, at its best ridge"].level == "fault"


def test_why_trials_failed_is_told_before_where(tmp_path) -> None:
    live = LiveTrials()
    for number in (1, 2):
        where = tmp_path / "table: a" / "trials" / f"x-seed{number}"
        live.take(TrialEnded(f"a-{number}", "failed", {}, f"{where.parent.parent}: odd", 2, 3))
        where = tmp_path / "table-a" / "trials" / f"x-seed{number}"
        live.take(TrialEnded(f"b-{number}", "failed", {}, f"{where}: no bench: none", 2, 3))
    live.take(TrialEnded("c", "skipped", {}, "needs a-1, which is failed", 3, 3))
    odd = tmp_path / "table: a"
    assert live.failures() == [f"2 trials failed: {odd}: odd.", "2 trials failed: no bench: none."]
    assert {row.word for row in live.running_rows() if row.name[0] == "b"} == {"no bench: none"}
    live.error = "the supply is lost"
    assert live.failures()[0] == "Failed: the supply is lost"


def test_what_is_asked_for_is_what_the_command_line_would_say(tmp_path) -> None:
    layout = Layout("skip", "0, 2", (tmp_path,), True)
    assert layout.options() == {
        "wiring": "skip", "taps": (0, 2), "readout_taps": (0, 2),
        "ensemble": (str(tmp_path),), "cascade": True,
    }  # fmt: skip
    assert Layout().options() == {}
    assert layout.blocks(2) == ((-1, -1), (-1, -1, 0, 0))
    beside = Layout(parallel=(1,))
    assert beside.options() == {"parallel": (1,)}
    assert beside.blocks(3) == ((-1,), (-1,), (0, 1))  # the third layer sees both
    two = TrainAsk("mackey-glass", tmp_path, (4, 4), layout=layout, next_layers=(tmp_path / "b",))
    assert "leave those out" in two.problem()
    untrained = TrainAsk("mackey-glass", tmp_path, (4,), iterations=0, seeds=2)
    assert "one seed" in untrained.problem()


def test_a_drawn_weight_begins_in_the_block_that_its_layer_sees(qtbot, theme) -> None:
    picture = Topology(theme)
    qtbot.addWidget(picture)
    weights = (np.ones((2, 1)), np.arange(1.0, 11.0).reshape(2, 5))
    picture.show_picture(Picture(weights, np.ones((9, 1)), 2, ((-1,), (-1, 0))))
    second = {edge[:2] for edge in picture.edges if edge[2] == 2}
    assert second == {(0, 0), (1, 0), (1, 1)}


@pytest.mark.timeout(600)
def test_a_sweep_is_sorted_opened_and_found_in_the_library(page, qtbot) -> None:
    page.set_form_values({"options": SMALL, "iterations": 3, "layers": "2; 3", "kind": "sweep"})
    pressed(page, qtbot)
    view = page.several["sweep"]
    assert view.isVisible()
    rows = view.table.rows
    assert {row.name for row in rows} == {"2 nodes", "3 nodes"}
    assert [row.strong for row in rows] == [True, False]
    assert rows[0].dots[0].value <= rows[1].dots[0].value
    qtbot.keyClick(view.table, Qt.Key.Key_Down)
    qtbot.keyClick(view.table, Qt.Key.Key_Return)
    qtbot.waitUntil(page.deploy_button.isVisible, timeout=WAIT_MS)
    assert page.heading.text().endswith(rows[0].name.removesuffix(" nodes"))
    assert page.layers.text() == "2; 3"  # the grid that was typed; it had become the row's own
    page.back_button.click()
    assert view.isVisible()
    window, folder = page.shell, page.run.folder
    window.open_page("library")
    library = window.pages["library"]
    qtbot.waitUntil(lambda: len(library.rows) == 4, timeout=WAIT_MS)
    tree = [(depth, entry.kind) for depth, entry in library.list.entries.rows]
    assert tree == [(0, "twin"), (1, "sweep"), (2, "net"), (2, "net")]
    library.list.choose({folder})
    library.press()
    qtbot.waitUntil(view.isVisible, timeout=WAIT_MS)


@pytest.mark.timeout(300)
def test_software_without_a_device_is_scored_before_any_network(page, qtbot) -> None:
    page.set_form_values({"options": SMALL})
    qtbot.waitUntil(page.form.primary.isEnabled, timeout=WAIT_MS)
    page.software_button.click()
    assert page.shell.status.text.startswith("Scoring software, starting")
    assert page.run.foot.endswith("Stop: nothing is kept")
    assert page.heading.text() == f"Scoring software on {page.run.words}"  # at once
    assert page.form.primary.text() == page.shell.job.spec.title
    qtbot.waitUntil(lambda: page.shell.job is None, timeout=WAIT_MS)
    assert {"AR-1", "AR-18"} <= {row.name for row in page.plots.table.rows}
    assert page.heading.text() == "Software on mackey-glass"
    assert page.network is None
    assert not page.deploy_button.isVisible()
    assert page.form.primary.isEnabled()  # a network can be trained next


def test_what_ended_early_is_named_and_nothing_else_can_be_pressed(page, qtbot) -> None:
    page.set_form_values({"kind": "begun"})
    page.show_cost()
    assert page.form.primary.cost == "nothing ended early in this library"
    assert not page.form.primary.isEnabled()
    twin = page.twin.currentData()
    folder = twin.parent / "sweep-a"
    folder.mkdir()
    grid = Grid(("mackey-glass",), ((str(twin),),), ((2,),), options={"iterations": (1,)})
    body = {"kind": "sweep", "schema": 1, "grid": plain(grid.to_json()), "rows": []}
    (folder / "sweep.json").write_text(json.dumps(with_checksum(body)))
    page.refresh()
    qtbot.waitUntil(page.form.primary.isEnabled, timeout=WAIT_MS)
    assert page.form.primary.text() == "Go on with sweep-a"
    assert page.form.primary.cost == "0 of 1 trained"


def test_a_network_that_is_opened_while_something_runs_is_no_twin(page, qtbot) -> None:
    folder, twin = page.session.library.folder / "net-a", page.twin.currentData()
    save_network(folder, samples.network())
    page.running = True
    page.choose(folder)
    qtbot.waitUntil(lambda: bool(page.shell.log), timeout=WAIT_MS)
    page.running = False
    assert "can be opened here once" in page.shell.log[-1]
    assert page.twin.currentData() == twin


def test_a_network_that_is_opened_keeps_what_stands_beside_and_is_not_trained_again(
    page, qtbot
) -> None:
    folder, found = page.session.library.folder / "net-a", samples.network()
    meta = {**found.meta, "options": {"parallel": [1]}}
    save_network(folder, replace(found, meta=meta))
    page.choose(folder)
    qtbot.waitUntil(page.deploy_button.isVisible, timeout=WAIT_MS)
    assert page.layers.text() == "2+2"  # 2, 2: one layer after the other
    assert page.heading.text() == "Trained mackey-glass, 2+2"
    qtbot.waitUntil(page.form.primary.isEnabled, timeout=WAIT_MS)
    assert page.form.primary.text() == "Train a network"  # by the form, of which it has the layers


def test_a_network_that_is_trained_further_has_its_own_task_whatever_the_form_says(
    page, qtbot
) -> None:
    """It was refused for a task that it doesn't have, and the one that it has was not said."""
    folder = page.session.library.folder / "net-a"
    save_network(folder, samples.network())
    page.refresh()
    qtbot.waitUntil(lambda: page.rows.origin.choose(folder), timeout=WAIT_MS)
    page.rows.task.choose("file")  # and no file
    qtbot.waitUntil(lambda: bool(page.tasks.wrong()), timeout=WAIT_MS)
    page.show_cost()
    assert page.form.primary.text() == "Train net-a further"
    assert "on mackey-glass · 800 iterations" in page.form.primary.cost
    assert page.form.primary.isEnabled()
    page.rows.seeds.setValue(2)
    page.show_cost()
    assert "on mackey-glass · 800 iterations each" in page.form.primary.cost
    page.rows.origin.choose(None)
    page.show_cost()
    assert not page.form.primary.isEnabled()


def test_a_library_that_can_not_be_read_for_a_moment_takes_no_twin_of_a_layer_away(page) -> None:
    page.rows.layer_twins.choose(0, page.twin.currentData())
    page._offer(None, OSError("the share is gone"))
    assert page.rows.layer_twins.own == 1


def test_until_what_was_asked_for_is_there_nothing_acts_on_the_one_before(
    page, qtbot, slow_library
) -> None:
    folder, window = page.session.library.folder, page.shell
    for name in ("net-a", "net-b"):
        save_network(folder / name, samples.network())
    second = folder / "twin-b"
    save_twin(second, load_twin(folder / "twin-a"))
    page.choose(folder / "net-a")
    qtbot.waitUntil(page.deploy_button.isVisible, timeout=WAIT_MS)
    page.set_form_values({"options": SMALL, "iterations": 1, "layers": "2"})
    qtbot.waitUntil(page.form.primary.isEnabled, timeout=WAIT_MS)
    found = slow_library()
    window.open_page("network", second)
    page.press()
    assert window.job is None
    assert page.form.primary.cost == "twin-b is read …"
    found.set()
    qtbot.waitUntil(page.form.primary.isEnabled, timeout=WAIT_MS)
    assert page.ask().twin == second
    found.clear()
    page.choose(folder / "net-b")
    page.deploy_button.click()
    assert window.page() is page
    found.set()
    qtbot.waitUntil(page.deploy_button.isEnabled, timeout=WAIT_MS)
    assert page.network == folder / "net-b"

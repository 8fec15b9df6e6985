"""The Deploy page by pressing: averaged runs, diagnosis, what may follow, Stop; bad days."""

from __future__ import annotations

import shutil
import threading
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

import artefact_samples as samples
import numpy as np
import pytest
from apart import apart
from drift_samples import body_of
from PyQt6.QtCore import QPoint, QPointF, Qt
from PyQt6.QtGui import QWheelEvent
from PyQt6.QtWidgets import QApplication
from window_disk import disk_of_the_window

from app.drift_store import save_drift
from app.gui.live_deploy import LiveDeployment, diagnosis, transfer_rows, verdict
from app.gui.live_transfer import KEPT, LiveTransfer, Transfer
from app.gui.network_looked import piece_steps
from app.gui.pages.deploy_plots import DeployPlots
from app.gui.pages.deploy_verdict import VerdictBox
from app.gui.window import LEAST
from app.gui.words import about
from app.operations.deploy_place import Place
from app.operations.events import Note, Progress, Result, Stage
from app.operations.learning_events import TrainProgress
from app.store import save_twin
from instruments.bench_file import parse_bench, read_bench
from models.errors import RefusedError
from models.network_parts import TwinReference
from models.schedule import runs

if TYPE_CHECKING:
    from pathlib import Path

WAIT_MS = 240_000


@pytest.fixture(scope="module")
def network(tmp_path_factory) -> Path:
    """Twin and network of `make_network`, moved away from where they were made."""
    folder = tmp_path_factory.mktemp("network")
    apart("make_network", folder / "first")
    return (folder / "first").rename(folder / "moved")


@pytest.fixture
def page(make_window, qtbot, network):
    window = make_window(page="deploy")
    folder = window.session.library.folder
    shutil.copytree(network, folder)
    window.open_page("deploy", folder / "network")
    shown = window.pages["deploy"]
    qtbot.waitUntil(lambda: shown.network is not None, timeout=WAIT_MS)
    qtbot.waitUntil(shown.form.primary.isEnabled, timeout=WAIT_MS)
    return shown


def test_a_network_is_deployed_with_averaged_runs_and_its_loss_is_told(
    page, qtbot, monkeypatch
) -> None:
    drawn: list[int] = []  # nodes measured when the forecast was drawn
    draw_forecast = page.plots._draw_forecast
    monkeypatch.setattr(
        page.plots,
        "_draw_forecast",
        lambda told, live, network: (drawn.append(live.done), draw_forecast(told, live, network)),
    )
    page.set_form_values({"repeats": 2})
    names = {check.name: check for check in page.checks}
    assert names["Device as fitted"].level == "attention"  # it was never compared
    assert "to note" in page.rows.summary.text()
    page.show_cost()
    qtbot.waitUntil(page.form.primary.isEnabled, timeout=WAIT_MS)
    assert page.form.primary.cost.endswith("within limits")
    page.form.primary.click()
    assert not page.plots.verdict.buttons["polish"].isEnabled()
    qtbot.waitUntil(lambda: page.shell.job is None, timeout=WAIT_MS)
    assert page.deployed is not None, "\n".join(page.shell.log)
    assert page.live.result["hardware_runs"] == 4
    assert drawn.count(1) <= 1  # under load a frame takes both nodes: the first is not drawn alone
    assert drawn[-1] == 2
    frames = len(drawn)
    page._redraw()
    assert len(drawn) == frames  # once a node, not each frame
    rows = page.plots.table.rows
    assert rows[0].cells[1] != "—"
    assert {"AR-18", "AR-1"} <= {row.name for row in rows}
    assert page.plots.verdict.where.isVisible()
    said = diagnosis(page.live.result)
    assert said
    assert all(words in page.plots.verdict.where.text() for words in said)
    qtbot.waitUntil(page.form.primary.isEnabled, timeout=WAIT_MS)  # the pre-flight of what follows
    assert all(button.isEnabled() for button in page.plots.verdict.buttons.values())
    averaged = "Each node is the mean of 2 runs, foreseen is a single one."
    assert averaged in page.plots.verdict.text.text()
    assert "in the band" not in page.plots.node.unit.text()  # which is that of a single run


@pytest.mark.timeout(300)
def test_a_recalibrated_network_is_the_one_to_deploy_next(page, qtbot, monkeypatch) -> None:
    before, grid, far = page.path, page.plots.grid, []
    show = grid.show_measured
    monkeypatch.setattr(grid, "show_measured", lambda *told: (show(*told), far.append(grid.far(0))))
    button, window = page.plots.verdict.buttons["recalibrate"], page.window()
    button.setFocus()
    assert window.focusWidget() is button
    button.click()
    assert not button.isEnabled()
    assert window.focusWidget() is page  # a stray key opens no menu
    assert page.heading.text().startswith("Recalibrating") or page.shell.job is not None
    qtbot.waitUntil(lambda: page.shell.job is None, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: page.path != before, timeout=WAIT_MS)  # looked at beside the window
    qtbot.waitUntil(lambda: page.network is not None, timeout=WAIT_MS)
    assert "recalibrated" in page.network.meta
    assert far == ["1 of 2", "2 of 2"]  # as its nodes were run: it said `0 of 2` to the end
    assert grid.far(0) == "0 of 2"  # of the network that is to be deployed
    assert page.plots.verdict.heading.text().startswith("Recalibrated")
    assert "hardware runs" in page.plots.verdict.text.text()
    assert not any(s.output_on for s in page.session.bench.state().values())


@pytest.mark.timeout(300)
def test_stop_amid_a_polish_leaves_the_magnet_safe_and_says_so(page, qtbot) -> None:
    window = page.shell
    page.set_form_values({"passes": 4})
    page.plots.verdict.buttons["polish"].click()
    job = window.job
    assert job is not None
    assert page.form.primary.text() == "Polishing"  # before the first event, seconds later
    assert page.heading.text().startswith("Polishing ")
    qtbot.waitUntil(
        lambda: window.job is None or any(s.output_on for s in page.session.bench.state().values()),
        timeout=WAIT_MS,
    )
    assert page.plots.grid.far(0) == "2 nodes"  # none of them is run by itself
    window.stop()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    assert page.plots.grid.far(0) == "0 of 2"
    assert page.plots.verdict.heading.text() == "Stopped while polishing"
    assert "choose it under Go on with" in page.plots.verdict.text.text()
    assert not any(s.output_on for s in page.session.bench.state().values())


@pytest.mark.timeout(300)
def test_a_paused_polish_says_so_as_a_paused_deployment_does(page, qtbot) -> None:
    window = page.shell
    page.plots.verdict.buttons["polish"].click()
    window.pause()
    qtbot.waitUntil(lambda: window.job is None or bool(page.wait.words), timeout=WAIT_MS)
    assert window.status.text.startswith("Polishing, paused at zero field for ")
    assert page.form.primary.cost.startswith("paused at zero field for ")
    assert page.subheading.text().startswith("paused at zero field for ")
    window.pause()
    qtbot.waitUntil(lambda: window.job is None or not page.wait.words, timeout=WAIT_MS)
    assert "paused" not in window.status.text
    window.stop()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)


@pytest.mark.timeout(300)
def test_a_stopped_polish_leaves_the_deployments_verdict(page, qtbot) -> None:
    window, box = page.shell, page.plots.verdict
    page.form.primary.click()
    qtbot.waitUntil(lambda: page.deployed is not None, timeout=WAIT_MS)
    told = [part.text() for part in (box.value, box.heading, box.text, box.where)]
    assert all(told)
    qtbot.waitUntil(box.buttons["polish"].isEnabled, timeout=WAIT_MS)
    box.buttons["polish"].click()
    qtbot.waitUntil(lambda: box.heading.text().startswith("Polishing"), timeout=WAIT_MS)
    window.stop()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    assert [part.text() for part in (box.value, box.heading, box.text, box.where)] == told
    assert page.heading.text() == "Stopped while polishing"


@pytest.mark.timeout(300)
def test_a_stopped_deployment_goes_on_with_the_nodes_that_are_missing(
    page, qtbot, monkeypatch
) -> None:
    window, stopped, calls, node = page.shell, threading.Event(), count(1), Place.node

    def held(*arguments):  # Stop can't come too late: the last of six runs waits for it
        if next(calls) == 6:
            assert stopped.wait(WAIT_MS / 1000)
        return node(*arguments)

    monkeypatch.setattr(Place, "node", held)
    page.set_form_values({"repeats": 3})
    page.show_cost()
    qtbot.waitUntil(page.form.primary.isEnabled, timeout=WAIT_MS)
    page.form.primary.click()
    qtbot.waitUntil(lambda: window.job is None or len(page.live.scores) == 5, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: page.form.primary.text() == "Deploying, run 6 of 6", timeout=WAIT_MS)
    assert page.live.share(page.network.nodes) == pytest.approx(5 / 6)  # each node was run by then
    assert page.live.scores[0][0] == 1
    assert page.live.scores[0][2] <= page.live.scores[0][1] <= page.live.scores[0][3]
    window.stop()
    stopped.set()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: bool(page.rows.unfinished), timeout=WAIT_MS)
    qtbot.waitUntil(page.form.primary.isEnabled, timeout=WAIT_MS)  # looked at anew
    assert page.heading.text() == "Stopped: 5 of 6 runs measured"
    assert "Go on with" in page.subheading.text()
    (begun,) = page.rows.unfinished
    done = int(begun.far.split()[0])
    assert done == 5
    page.rows.which.setCurrentIndex(1)
    page.show_cost()
    qtbot.waitUntil(
        lambda: page.form.primary.text() == f"Go on with {begun.path.name}", timeout=WAIT_MS
    )
    ended = []  # what a press right after the run would begin
    window.job_ended.connect(
        lambda *_: ended.append((page.form.primary.isEnabled(), page.rows.goes_on))
    )
    page.form.primary.click()
    assert page.live.done == len(begun.measured) > 0
    assert np.isfinite(list(page.live.misfit.values())).all()  # as that of those to come
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    nodes = {(run.layer, run.node) for run in runs(page.network)}
    assert set(page.plots.grid.misfit) == nodes  # what was measured before stands there, too
    assert page.plots.forecast.unit.text().startswith(f"{len(nodes)} measured · ")
    assert page.deployed == begun.path / "deployment.json", "\n".join(window.log)
    assert len(page.live.scores) == 6 - done
    assert page.live.scores[-1][1] == pytest.approx(page.live.result["measured"])
    assert ended == [(False, None)]
    assert page.subheading.text().endswith("since it was continued")
    qtbot.waitUntil(lambda: not page.rows.unfinished, timeout=WAIT_MS)


def test_a_twin_that_is_gone_is_a_fault_before_a_byte_is_sent(page, qtbot) -> None:
    shutil.rmtree(page.session.library.folder / "twin")
    page.show_cost()
    qtbot.waitUntil(lambda: page.form.primary.cost.startswith("refused"), timeout=WAIT_MS)
    assert not page.form.primary.isEnabled()
    assert "missing" in page.form.primary.cost
    page.press()
    assert page.shell.job is None
    for button in page.plots.verdict.buttons.values():
        assert not button.isEnabled()
        assert button.toolTip() == page.form.primary.cost


def test_too_few_hours_for_a_deployment_refuse_nothing_that_may_follow(page, qtbot) -> None:
    page.set_form_values({"hours": 1e-4})
    qtbot.waitUntil(lambda: page.form.primary.cost.startswith("refused: Time"), timeout=WAIT_MS)
    assert not page.form.primary.isEnabled()
    assert all(button.isEnabled() for button in page.plots.verdict.buttons.values())


def test_a_network_that_is_damaged_says_so_once_until_it_is_back(page, qtbot) -> None:
    window, folder = page.shell, page.session.library.folder
    weights = folder / "network" / "weights.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-8])
    page.path = None  # as at the next start
    page.refresh()
    qtbot.waitUntil(lambda: bool(window.toasts.shown), timeout=WAIT_MS)
    assert page.form.primary.cost == "can't be read: choose another network"
    assert not page.form.primary.isEnabled()
    toasts = len(window.toasts.shown)
    read: list[object] = []
    page._loader.done.connect(lambda *_: read.append(page.form.primary.cost))
    window.open_page("library")
    window.open_page("deploy")
    qtbot.waitUntil(lambda: bool(read), timeout=WAIT_MS)
    assert len(window.toasts.shown) == toasts
    weights.write_bytes(whole)
    page.refresh()
    qtbot.waitUntil(page.form.primary.isEnabled, timeout=WAIT_MS)


def test_a_twin_of_other_settings_does_not_fit_this_bench(make_window, qtbot, network) -> None:
    text = read_bench("virtual").text
    assert "max_ramp_A_per_s = 2000.0" in text
    other = text.replace("max_ramp_A_per_s = 2000.0", "max_ramp_A_per_s = 1900.0")
    window = make_window(parse_bench(other, "rig.toml"), page="deploy")
    shutil.copytree(network, window.session.library.folder)
    window.open_page("deploy", window.session.library.folder / "network")
    page = window.pages["deploy"]
    qtbot.waitUntil(lambda: page.form.primary.cost.startswith("refused"), timeout=WAIT_MS)
    assert not page.form.primary.isEnabled()
    assert page.form.primary.cost == "refused: Settings, x differ"
    assert {check.name for check in page.checks if check.level == "fault"} == {"Settings"}


PREDICTED = {"value": 0.1, "low": 0.05, "high": 0.2}


def test_a_classification_s_verdict_is_in_accuracies() -> None:
    told = verdict({"measured": 0.3, "metric": "error-rate", "predicted": PREDICTED})
    assert told.heading == "Not transferred"
    assert told.text.startswith("Outside the foreseen 0.900 (0.800 to 0.950): ")
    rows = transfer_rows("noise-aware", PREDICTED, {"logistic": 0.02, "ar-1": 0.5}, 0.3,
                         "error-rate")  # fmt: skip
    assert rows[0].cells == ("0.900", "0.700", "× 3.00")
    assert [(row.name, row.cells[2]) for row in rows[1:]] == [("Logistic", "beats it"),
                                                          ("AR-1", "beaten")]  # fmt: skip


def test_what_is_not_measured_yet_is_held_against_baselines_as_the_network_page_does() -> None:
    """A baseline inside what is foreseen was `beaten` here and a `tie` there."""
    baselines = {"ar-18": 0.01, "esn-4": 0.07, "untrained network": 0.15, "ar-1": 0.5}
    before = transfer_rows("mine", PREDICTED, baselines, None, "nmse")
    assert [row.cells[2] for row in before[1:]] == ["beats it", "tie", "tie", "beaten"]
    after = transfer_rows("mine", PREDICTED, baselines, 0.1, "nmse")
    assert [row.cells[2] for row in after[1:]] == ["beats it", "beats it", "beaten", "beaten"]


def test_a_gain_that_is_none_is_called_none() -> None:
    live = LiveTransfer(Transfer("recalibrate"))
    live.take(Stage("run the stretch"))
    live.take(Progress("deploy", 3, 4, "nodes", 1.0, 2.0))
    assert (live.words, live.share) == ("run the stretch · 3 of 4 nodes", 0.75)
    live.take(TrainProgress(5, 10, 0.3, None, 1.0))
    assert live.share == 0.5
    live.take(Note("x"))
    live.take(Result({"predicted": PREDICTED, "predicted_before": PREDICTED, "metric": "nmse",
                      "gain": "no gain", "gain_is_real": False, "hardware_runs": 4}))  # fmt: skip
    heading, words = live.ended("done")
    assert heading == "Recalibrated, without a gain"
    assert words.startswith("no gain; foreseen 0.10 (0.050 to 0.20) before")
    assert live.ended("failed", "too few")[0] == "Failed while recalibrating"
    assert live.ended("failed", "too few")[1].endswith("too few")
    why = RefusedError("its twin was recorded otherwise")
    refused = LiveTransfer(Transfer("recalibrate")).ended("failed", why)
    assert refused == ("Not recalibrated: refused", "its twin was recorded otherwise")
    heading, words = live.ended("failed", why)  # having measured: that is kept
    assert heading == "Failed while recalibrating"
    assert words == f"{KEPT}. {why}"


def test_further_options_are_each_of_what_they_belong_to() -> None:
    more = "pieces=24 repeats=5 steps=300 rate=0.01 retries=2"
    assert Transfer("refine", more=more).options() == {"pieces": 24, "repeats": 5, "retries": 2}
    assert Transfer("refine", rounds=3, more=more).refinement().pieces == 24
    longer = Transfer("refine", more=f"{more} piece_steps=200").refinement()
    assert (longer.piece_steps, longer.pieces) == (200, 24)
    assert Transfer("recalibrate", more=more).options() == {"steps": 300, "retries": 2}
    assert Transfer("polish", more=more).options() == {"rate": 0.01, "retries": 2}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("piece=24", "option 'piece' is none of"),
        ("pieces=some", "pieces: 'some'"),
        ("pieces=1", "pieces = 1 must be at least 3"),
        ("piece_steps=1", "piece_steps = 1 must be at least 2"),
        ("pieces", "expected NAME=VALUE"),
    ],
)
def test_an_option_that_makes_no_sense_is_said_on_the_button(more, said) -> None:
    assert said in Transfer("refine", more=more).problem()
    assert said in Transfer("refine", more=more).cost(None, None)[0]


def test_what_may_follow_costs_time_on_the_device_before_it_is_pressed(page) -> None:
    network, bench = page.network, page.session.bench
    nodes, unseen_s = network.nodes, bench.predicted_s(network.steps)
    passes_s = nodes * (9 * bench.predicted_s(40 + 256) + 3 * unseen_s)  # 3 of them validate
    polish = Transfer("polish", passes=12)
    assert polish.cost(network, bench) == (about(passes_s), f"{12 * nodes} runs")
    recalibrate = Transfer("recalibrate", more="steps=50")
    alone_s = nodes * bench.predicted_s(50 + network.washout)
    assert recalibrate.cost(network, bench) == (about(alone_s), f"{nodes} runs")
    refine = Transfer("refine", more="pieces=10 repeats=4 scoring=3 scoring_repeats=8")
    told = (about(2 * 64 * bench.predicted_s(70)), "128 runs")
    assert refine.cost(network, bench, 70) == told
    assert refine.cost(network, bench) == refine.cost(network, None, 70) == told[1:]
    button = page.plots.verdict.buttons["refine"]
    assert button.cost == button.toolTip() == "1536 runs"  # its twin says no recording
    page.transfers._pieces_known((page.path, 70), None)
    assert button.cost == about(1536 * bench.predicted_s(70))
    assert button.toolTip() == f"{button.cost} · 1536 runs"


def test_a_refinement_s_pieces_are_as_long_as_what_its_twins_were_fitted_on(tmp_path) -> None:
    made = samples.twin()
    known = {"id": "rec-1", "path": "rec-1/recording.nc", "sha256": "", "sequences": 8}
    made.meta["held_out"] = {"test": [], "test_repeats": []}
    made.meta["parents"] = [{**known, "steps": 30}, {**known, "steps": 45}]
    new = TwinReference("twin-1", str(save_twin(tmp_path / "twin-1", made)), "")
    assert piece_steps(replace(samples.network(), twins=(new,)), tmp_path / "net-1") == 45
    made.meta["parents"] = [known]  # of an older version
    old = TwinReference("twin-0", str(save_twin(tmp_path / "twin-0", made)), "")
    assert piece_steps(replace(samples.network(), twins=(old,)), tmp_path / "net-1") is None


def test_of_a_twin_that_is_gone_no_time_is_foreseen(tmp_path) -> None:
    assert piece_steps(samples.network(), tmp_path / "net-1") is None


def test_without_a_network_no_axis_has_numbers(theme, qtbot) -> None:
    plots = DeployPlots(theme)
    qtbot.addWidget(plots)
    for panel in (plots.node, plots.forecast, plots.running_score):
        assert panel.hint.text() == "choose a network"
        assert not panel.plot.getAxis("left").style["showValues"]


def test_a_polishings_validation_is_told_as_the_best_of_its_passes() -> None:
    live = LiveTransfer(Transfer("polish"))
    foreseen = {"value": 0.002, "low": 0.001, "high": 0.003}
    live.result = {"metric": "nmse", "predicted": foreseen, "validation": 0.0012}
    assert "at 0.0012 (the best of its passes, a little too good);" in live.ended("done")[1]


def test_the_two_bands_of_the_running_score_say_what_they_are_of(theme, qtbot) -> None:
    plots = DeployPlots(theme)
    qtbot.addWidget(plots)
    told = plots.running_score.toolTip()
    assert "foreseen, of other noise on these data" in told
    assert "so far, of other stretches of data" in told


def test_a_finished_deployment_is_opened_with_what_was_measured_or_says_that_it_lacks_its_network(
    page, qtbot
) -> None:
    window = page.shell
    page.form.primary.click()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    made, measured = page.deployed, page.live.result["measured"]
    verdict_said, misfits = page.plots.verdict.heading.text(), dict(page.live.misfit)
    assert made is not None, "\n".join(window.log)
    page.live, page.network, page.path, page.deployed = LiveDeployment(), None, None, None
    window.open_page("deploy", made.parent)  # as the Library opens it
    assert page.subheading.text() == f"{made.parent.name} is read …"
    qtbot.waitUntil(lambda: page.deployed == made, timeout=WAIT_MS)
    assert page.live.result["measured"] == measured
    assert page.live.misfit == pytest.approx(misfits)
    assert page.live.scores[-1][1] == pytest.approx(measured)
    assert page.plots.verdict.heading.text() == verdict_said
    assert page.plots.forecast.unit.text().startswith("2 measured · ")
    assert set(page.plots.grid.misfit) == set(misfits)
    assert page.heading.text().endswith("on the device")
    qtbot.waitUntil(page.form.primary.isEnabled, timeout=WAIT_MS)
    assert page.form.primary.text() == "Deploy 2 nodes again"
    page.library_button.click()
    library = window.pages["library"]
    assert window.page() is library
    qtbot.waitUntil(lambda: library.list.selected() != [], timeout=WAIT_MS)
    assert library.list.selected()[0].artefact.path == made.parent
    page.deployed = None
    page.path.rename(page.path.with_name("elsewhere"))
    window.open_page("deploy", made.parent)
    qtbot.waitUntil(lambda: "its report shows" in window.log[-1], timeout=WAIT_MS)
    assert page.deployed is None


def test_to_deploy_despite_drift_is_said_of_one_network_alone(page, qtbot) -> None:
    window, own = page.shell, page.path
    page.form.primary.click()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    made, other = page.deployed, own.with_name("another")
    assert made is not None, "\n".join(window.log)
    shutil.copytree(own, other)
    save_drift(own.with_name("twin"), body_of(own.with_name("twin"), changed=True))
    window.open_page("deploy", other)
    qtbot.waitUntil(lambda: page.path == other and page.network is not None, timeout=WAIT_MS)
    qtbot.waitUntil(page.despite.isVisible, timeout=WAIT_MS)
    page.despite.setChecked(True)
    qtbot.waitUntil(page.form.primary.isEnabled, timeout=WAIT_MS)
    window.open_page("deploy", made.parent)  # the other one's, as the Library opens it
    qtbot.waitUntil(lambda: page.path == own, timeout=WAIT_MS)
    assert not page.despite.isChecked()
    qtbot.waitUntil(lambda: "refused" in page.form.primary.cost, timeout=WAIT_MS)
    assert not any(button.isEnabled() for button in page.plots.verdict.buttons.values())


def test_what_is_handed_over_is_looked_at_beside_the_window(make_window, qtbot) -> None:
    window = make_window(connected=False, page="deploy")
    folder = window.session.library.folder / "refined"
    folder.mkdir(parents=True)
    (folder / "refine.json").write_text("{}")
    page = window.page()
    with disk_of_the_window(folder) as touched:
        page.choose(folder)
        qtbot.waitUntil(lambda: page.rows._wanted == folder, timeout=WAIT_MS)
    assert not touched


def test_a_press_while_another_network_is_read_deploys_none(page, qtbot) -> None:
    before, other = page.path, page.session.library.folder / "recalibrated"
    shutil.copytree(before, other)
    page.choose(other)
    assert page.path == before  # it is read beside the window
    assert page.form.primary.cost == "recalibrated is read …"
    page.form.primary.click()
    page.press()
    for button in page.plots.verdict.buttons.values():
        button.click()
    assert page.shell.job is None
    qtbot.waitUntil(lambda: page.path == other, timeout=WAIT_MS)
    qtbot.waitUntil(page.form.primary.isEnabled, timeout=WAIT_MS)
    assert all(button.isEnabled() for button in page.plots.verdict.buttons.values())


def test_a_deployment_is_shown_in_the_library_by_a_button_of_its_own(make_window) -> None:
    window = make_window(connected=False, page="deploy")
    page = window.page()
    assert page.library_button.isHidden()
    page.deployed = window.session.library.folder / "dep-1" / "deployment.json"
    page.library_button.click()
    assert window.page() is window.pages["library"]
    assert window.pages["library"]._wanted == page.deployed.parent


def test_another_network_carries_no_run_of_the_one_before_it(page) -> None:
    plots = page.plots
    plots.show_run("dep-1")
    plots.node.title.setText("Node 2.03, response X")
    plots.node.unit.setText("µV · 20 % in the band")
    plots.show_network(page.network)
    assert (plots.node.title.text(), plots.node.unit.text()) == ("Node", "")
    assert plots.forecast.shown_run == ""
    assert page.library_button.isHidden()
    page.plots.toggle.offer(("of", "another", "device", "before"))
    page.plots.toggle.choose(3)
    page._show_network(page.network)
    assert page.plots.toggle.value == 0
    assert np.size(plots.foreseen_line.getData()[0])
    assert plots.score_band.fill.isVisible()
    plots.show_network(replace(page.network, predicted={"value": 0.1}))  # no interval of its own
    assert plots.foreseen_line.getData() == (None, None)
    assert not plots.score_band.fill.isVisible()


def test_what_runs_keeps_its_name_whatever_is_opened_meanwhile(page, qtbot) -> None:
    window, begun = page.shell, page.path
    other = begun.with_name("another")
    shutil.copytree(begun, other)
    page.form.primary.click()
    assert window.job is not None
    window.open_page("deploy", other)
    assert not page.choice.isEnabled()
    assert page.choice.currentData() == begun
    assert "another can be opened" in window.log[-1]
    window.stop()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    assert page.choice.isEnabled()
    window.open_page("deploy", other)
    qtbot.waitUntil(lambda: page.network is not None and page.path == other, timeout=WAIT_MS)


def test_in_a_narrow_window_the_verdict_is_whole_and_its_buttons_stand_apart(theme, qtbot) -> None:
    box = VerdictBox(theme)
    qtbot.addWidget(box)
    result = {"measured": 0.3, "predicted": PREDICTED, "baselines": {"ar-18": 0.0048}}
    box.show_verdict(verdict(result))
    box.resize(500, 200)
    box.show()
    refine = box.buttons["refine"]
    qtbot.waitUntil(
        lambda: box.heading.geometry().bottom() < refine.geometry().top(), timeout=60_000
    )
    assert all(box.rect().contains(button.geometry()) for button in box.buttons.values())
    assert box.heading.height() >= box.heading.heightForWidth(box.heading.width())


def test_in_the_smallest_window_a_result_lies_over_nothing_and_plots_scroll(page, qtbot) -> None:
    window, plots = page.shell, page.plots
    window.resize(LEAST)
    plots.grid.show_layers((12, 12, 12))
    result = {"measured": 0.3, "predicted": PREDICTED, "baselines": {"ar-18": 0.0048}}
    said = replace(verdict(result), text="Outside the foreseen, loses to one or the other. " * 6)
    plots.verdict.show_verdict(said)
    box = plots.verdict
    parts = [box.heading, box.buttons["refine"], box.text_cut]
    tops = [lambda part=part: part.geometry().top() for part in parts]
    bottoms = [lambda part=part: part.geometry().bottom() for part in parts]
    qtbot.waitUntil(lambda: bottoms[0]() < tops[1]() and bottoms[1]() < tops[2](), timeout=5_000)
    assert box.rect().contains(box.text_cut.geometry())
    assert not box.text.isVisible()
    qtbot.waitUntil(lambda: box.text_cut.toolTip() == said.text.strip(), timeout=5_000)
    for panel in (plots.node, plots.running_score, plots.forecast):
        assert panel.view.height() >= 60
        assert panel.view.geometry().bottom() < panel.x_label.geometry().top()
    inner = plots.node.parentWidget()
    assert inner.rect().contains(plots.table.geometry())
    assert plots.grid.geometry().bottom() < plots.node.geometry().top()
    hidden = inner.height() - inner.parentWidget().height()
    assert hidden > 0
    before = page.content.size()
    page.copy_plots()
    copied = QApplication.clipboard().pixmap()
    assert copied.height() == before.height() + hidden  # what scrolls is whole …
    assert page.content.size() == before  # … on the picture alone
    assert inner.height() - inner.parentWidget().height() == hidden
    axis, none = QPoint(10, 30), Qt.MouseButton.NoButton
    on_screen = QPointF(plots.forecast.view.viewport().mapToGlobal(axis))
    turned = QWheelEvent(
        QPointF(axis), on_screen, QPoint(), QPoint(0, -120), none, Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(plots.forecast.view.viewport(), turned)
    assert not turned.isAccepted()  # it is for what the plots scroll in
    for size in ((1366, 768), (1440, 930)):
        window.resize(*size)
        qtbot.waitUntil(box.text.isVisible, timeout=5_000)
        assert not box.text_cut.isVisible()
        assert inner.height() == inner.parentWidget().height()  # nothing scrolls


def test_where_score_was_lost_is_whole_unless_the_window_is_low(theme) -> None:
    box = VerdictBox(theme)
    box.resize(900, 160)
    box.show()
    box.show_where(["layer 1, node 10 costs most " * 9])
    assert box.where.isVisible()
    assert box.where.wordWrap()
    assert not box.where_cut.isVisible()
    box.set_low(True)
    assert not box.where.isVisible()
    assert box.where_cut.isVisible()
    box.show_where([])
    assert not box.where_cut.isVisible()
    box.deleteLater()
    box.hide()


def test_without_room_the_running_score_s_header_says_what_it_is_and_no_part_of_a_figure(
    page, qtbot
) -> None:
    unit = page.plots.running_score.unit
    unit.setText("NMSE 0.058 (0.042 to 0.084)")
    unit.setFixedWidth(400)
    wide = unit.grab().toImage()
    unit.setFixedWidth(60)
    cut = unit.grab().toImage()
    assert unit.toolTip() == "NMSE 0.058 (0.042 to 0.084)"
    unit.setText("NMSE")
    assert unit.grab().toImage() == cut
    unit.setFixedWidth(400)
    assert unit.grab().toImage() != wide


def test_a_small_error_is_read_whole_and_so_is_its_interval(page, qtbot) -> None:
    page.shell.resize(1280, 720)
    page.network.predicted.update(value=0.00095, low=0.00071, high=0.0013)
    page.rows.show_network(page.network, page.session.spec)
    QApplication.processEvents()  # it is laid out
    shown = [page.rows.predicted, page.rows.interval]
    assert [label.text() for label in shown] == ["0.00095", "0.00071–0.0013"]
    for label in shown:
        assert label.fontMetrics().horizontalAdvance(label.text()) <= label.width()

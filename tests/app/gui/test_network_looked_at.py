"""What the Network page tells of a network: its drives, its nodes, its foreseen interval."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import artefact_samples as samples
import numpy as np
import pytest
from PyQt6 import sip
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QFontMetrics
from PyQt6.QtWidgets import QApplication, QWidget

from app.artefacts import sha256_of
from app.gui.background import Latest
from app.gui.live_train import LiveTraining
from app.gui.network_drive import BINS, DriveAsk, Looked, ask_of, axis, fitted_of, look
from app.gui.network_looked import wiring_of
from app.gui.network_picture import Picture
from app.gui.network_run import NetworkRun
from app.gui.pages.deploy_plots import DeployPlots
from app.gui.pages.network_drive import DriveLook
from app.gui.pages.network_plots import NetworkPlots
from app.gui.theme import LABEL_PX, sans
from app.operations.learning_events import NetworkState, TrainProgress
from app.recording_store import write_recording
from app.store import load_network, save_network, save_twin
from models.network import ORIGIN_UNKNOWN, TwinReference

WAIT_MS = 30_000


@pytest.fixture
def library(tmp_path):
    """A recording, a twin that was fitted on its first sequence, and a network of it."""
    recording = write_recording(tmp_path / "rec-a", samples.full())
    made = samples.twin()
    meta = {
        **made.meta, "held_out": {"test": [1], "test_repeats": [3]},
        "parents": [{"id": "rec-test", "path": str(recording), "sha256": sha256_of(recording),
                     "sequences": 2}],
    }  # fmt: skip
    twin = save_twin(tmp_path / "twin-a", replace(made, meta=meta))
    reference = TwinReference("twin-test", str(twin), sha256_of(twin))
    save_network(tmp_path / "net-a", replace(samples.network(), twins=(reference,)))
    return tmp_path


@pytest.fixture
def plots(qtbot, theme):
    made = NetworkPlots(theme)
    qtbot.addWidget(made)
    made.resize(960, 700)
    made.show()
    return made


def shown(plots, looked: Looked, folder) -> None:
    """As the page does it."""
    network = load_network(folder)
    live = NetworkRun.of_network(folder, network).live
    plots.draw(live, 2, *wiring_of(network))
    plots.show_looked(looked)


def test_a_network_whose_origin_nobody_knows_says_so_beside_its_score() -> None:
    network = samples.network()
    assert "memory" not in NetworkRun.of_network(Path("net-a"), network).verdict
    kept = {**network.meta, ORIGIN_UNKNOWN: ["net-0, which it went on from, is gone"]}
    said = NetworkRun.of_network(Path("net-a"), replace(network, meta=kept)).verdict
    assert said.endswith("\nIt may score by memory: net-0, which it went on from, is gone")


def test_fitted_drives_are_those_of_the_recordings_without_what_was_held_out(library) -> None:
    found = fitted_of([library / "twin-a"])
    expected = np.histogram(np.linspace(0, 1, 5), BINS, (0, 1))[0] / 5
    assert np.allclose(found.fitted, expected)
    assert found.why == ()
    edges, words = axis(found.window)
    assert words == "Field, mT"
    assert (edges[0], edges[-1]) == pytest.approx((2.2, 3.4))


def test_where_a_recording_is_lost_the_fitted_drives_are_unknown_and_the_panel_says_so(
    library, plots
) -> None:
    (library / "rec-a" / "recording.nc").unlink()
    found = look(DriveAsk(library / "net-a"))
    shown(plots, found, library / "net-a")
    assert found.fitted.size == 0
    assert "fitted: unknown" in plots.drive.unit.text()
    assert "not there any more" in plots.drive.title.toolTip()
    assert plots.drive.sent_line.getData()[1].max() > 0


def test_a_network_s_drives_stand_over_the_fitted_ones_as_field(library, plots) -> None:
    network = load_network(library / "net-a")
    found = look(DriveAsk(library / "net-a"))
    shown(plots, found, library / "net-a")
    drive = network.drive(0, [])[network.washout :]
    assert np.allclose(found.sent.low[0], drive.min(axis=0))
    held = (drive <= 0.05 + 1e-9) | (drive >= 0.95 - 1e-9)
    assert np.allclose(found.sent.at_end[0], held.mean(axis=0))
    assert plots.drive.unit.text() == f"{100 * found.sent.in_range:.1f} % in range"
    assert plots.drive.x_label.text() == "Field, mT"
    x, y = plots.drive.sent_line.getData()
    assert (x[0], x[-1]) == pytest.approx((2.2, 3.4))
    assert sum(y) == pytest.approx(1.0)
    assert sum(plots.drive.fitted_bars.opts["height"]) == pytest.approx(1.0)


def test_a_node_tells_what_joins_it_its_gain_and_its_drive(library, plots, qtbot) -> None:
    shown(plots, look(DriveAsk(library / "net-a")), library / "net-a")
    picture, topology = plots.picture, plots.topology
    qtbot.mouseClick(topology, Qt.MouseButton.LeftButton,
                     pos=topology._places()[2][1].toPoint())  # fmt: skip
    assert topology.selected == (1, 1)
    name, lines = topology.words
    assert name == "Node 2.02"
    assert lines[0] == "2 inputs, 1 output"  # both nodes of layer 1; the read-out
    assert lines[1] == f"gain {np.linalg.norm(picture.weights[1][1]) / 4:.2f}"
    assert lines[2].startswith("drive ")
    assert "mT" in lines[2]
    assert "Node 2.02" in topology.accessibleDescription()
    for begins in (lambda edge: edge[0] < 2, lambda edge: edge[0] == 2):
        assert max(abs(e[4]) for e in topology.own_edges if begins(e)) == pytest.approx(1.0)
    assert {edge[:4] for edge in topology.own_edges} == {
        (1, 0, 2, 1), (1, 1, 2, 1), (2, 1, 3, 0),
    }  # fmt: skip
    qtbot.keyClick(topology, Qt.Key.Key_Left)
    qtbot.keyClick(topology, Qt.Key.Key_Up)
    assert topology.words[0] == "Node 1.01"
    assert topology.words[1][0] == "1 input, 3 outputs"  # u(t); layer 2 and the read-out
    qtbot.mouseClick(topology, Qt.MouseButton.LeftButton,
                     pos=topology._places()[1][0].toPoint())  # fmt: skip
    assert topology.selected is None
    assert topology.words == ("", [])


def test_a_weight_of_zero_joins_nothing() -> None:
    weights = (np.array([[1.0], [0.0]]), np.array([[0.0, 2.0]]))
    picture = Picture(weights, np.array([0.0, 0.0, 0.0, 1.0]), 1)
    assert (picture.joins(0, 0).inputs, picture.joins(0, 0).outputs) == (1, 0)
    assert (picture.joins(0, 1).inputs, picture.joins(0, 1).outputs) == (0, 1)
    assert picture.joins(1, 0).gain == pytest.approx(0.5)


def test_while_training_the_layers_drives_are_drawn_and_the_node_has_no_range(plots, qtbot) -> None:
    live = LiveTraining()
    live.take(TrainProgress(3, 10, 0.2, 0.3, 1.0))
    histogram = np.zeros((2, BINS))
    histogram[:, 4] = 1.0
    live.take(NetworkState((np.ones((2, 1)), np.ones((2, 4))), np.ones(9), histogram))
    plots.draw(live, 2)
    assert plots.drive.unit.text() == "as trained so far · fitted: unknown"
    assert plots.drive.sent_line.getData()[1].max() == pytest.approx(1.0)
    qtbot.keyClick(plots.topology, Qt.Key.Key_Down)
    assert plots.topology.words[0] == "Node 1.01"
    assert not any("drive" in line for line in plots.topology.words[1])
    before = plots.picture
    plots.draw(live, 2)
    assert plots.picture is before  # nothing new: not computed again every frame


def test_before_the_first_iteration_the_axis_has_no_numbers(plots) -> None:
    """With the baselines alone it went from −0.4 to 0.4 iterations."""
    live = LiveTraining(baselines={"persistence": 0.49})
    plots.draw(live, 2)
    axis = plots.curve.plot.getAxis("bottom")
    assert not axis.style["showValues"]
    assert plots.curve.plot.getViewBox().viewRange()[0][0] == 0
    live.take(TrainProgress(3, 10, 0.2, 0.3, 1.0))
    plots.draw(live, 2)
    assert axis.style["showValues"]
    assert plots.curve.plot.getViewBox().viewRange()[0] == [0, 10]


def test_the_foreseen_interval_is_a_band_over_the_training_once_it_is_known(plots) -> None:
    live = LiveTraining(iterations=[10], training=[0.1], validation=[0.1], total=10)
    plots.draw(live, 2)
    assert not plots.foreseen.fill.isVisible()
    live.predicted = {"value": 0.02, "low": 0.018, "high": 0.025}
    plots.draw(live, 2)
    assert plots.foreseen.fill.isVisible()
    low = plots.foreseen._low.getData()
    assert list(low[0]) == [0, 10]
    assert 10 ** low[1][0] == pytest.approx(0.018)
    assert plots.curve.plot.getAxis("bottom").style["showValues"]
    plots.clear()
    assert not plots.foreseen.fill.isVisible()


def test_what_stands_beside_a_run_is_read_once_beside_the_window(library, plots, qtbot) -> None:
    drives = DriveLook(plots)
    drives.show(NetworkRun(), [library / "twin-a"])
    assert plots.drive.looked.fitted.size == 0  # not in the window's own thread
    qtbot.waitUntil(lambda: plots.drive.looked.fitted.size > 0, timeout=WAIT_MS)
    first = plots.drive.looked
    drives.show(NetworkRun(), [library / "twin-a"])
    assert plots.drive.looked is first
    network = load_network(library / "net-a")
    drives.show(NetworkRun.of_network(library / "net-a", network), ())
    assert plots.drive.looked is first  # true of it, too, until it has been read
    qtbot.waitUntil(lambda: plots.drive.looked.sent is not None, timeout=WAIT_MS)
    drives.show(NetworkRun(), [library / "nowhere"])
    assert plots.drive.looked.sent is None
    qtbot.waitUntil(lambda: bool(plots.drive.looked.why), timeout=WAIT_MS)
    assert ask_of(NetworkRun(), ()) == DriveAsk()


def test_a_network_that_is_opened_has_no_iterations_that_nobody_kept(library, plots) -> None:
    shown(plots, Looked(), library / "net-a")
    assert plots.foreseen.fill.isVisible()
    assert not plots.curve.plot.getAxis("bottom").style["showValues"]
    assert plots.curve.x_label.text() == "curve not kept"


def test_in_a_low_narrow_window_every_plot_keeps_its_share(library, plots) -> None:
    shown(plots, look(DriveAsk(library / "net-a")), library / "net-a")
    plots.resize(776, 540)
    assert plots.minimumSizeHint().width() < 776
    assert plots.curve.width() > 0.33 * 776


def test_how_far_ahead_a_network_foretells_is_said(library, plots, theme, qtbot) -> None:
    network = samples.network()
    shown(plots, look(DriveAsk(library / "net-a")), library / "net-a")
    assert plots.topology.output == "y"  # its task has no horizon
    far = replace(network, task={**network.task, "options": {"h": 5}})
    save_network(library / "net-b", far)
    plots.show_looked(look(DriveAsk(library / "net-b")))
    assert plots.topology.output == "y(t+5)"
    deploying = DeployPlots(theme)
    qtbot.addWidget(deploying)
    deploying.show_network(far)
    assert deploying.forecast.title.text() == "Forecast, 5 steps ahead"
    deploying.show_network(network)
    assert deploying.forecast.title.text() == "Forecast"


def test_a_node_of_an_untrained_network_says_so(plots, qtbot) -> None:
    plots.show_layers((4, 4))
    qtbot.keyClick(plots.topology, Qt.Key.Key_Down)
    assert plots.topology.words == ("Node 1.01", ["not trained"])
    assert [key.text for key in plots.topology_keys._keys] == ["positive", "negative", "twins"]
    table = plots.table
    table.show_rows([])  # its head stands before the axis
    assert table._names_end() > QFontMetrics(sans(LABEL_PX)).horizontalAdvance(table.head) + 20


def test_an_answer_that_comes_when_its_page_is_gone_is_told_to_nobody(qtbot):
    told, asked = [], list[threading.Thread]()
    owner, go = QWidget(), threading.Event()
    latest = Latest(owner)
    latest.done.connect(lambda *answer: told.append(answer))
    latest.ask(lambda: (asked.append(threading.current_thread()), go.wait(WAIT_MS / 1000)))
    qtbot.waitUntil(lambda: bool(asked), timeout=WAIT_MS)
    sip.delete(owner)
    go.set()
    qtbot.waitUntil(lambda: not asked[0].is_alive(), timeout=WAIT_MS)
    QApplication.processEvents()
    assert told == []
    assert sip.isdeleted(latest)


def test_go_on_is_promised_only_where_a_checkpoint_was_written(tmp_path) -> None:
    run = NetworkRun(folder=tmp_path / "net-a")
    assert run.ended("failed") == (
        "Failed: no network",
        "it ended before there was anything to keep",
    )
    run.folder.mkdir()
    (run.folder / "checkpoint.safetensors").write_bytes(b"")
    assert "Go on" in run.ended("stopped")[1]


def test_a_task_of_ones_own_is_named_by_its_file_in_a_heading() -> None:
    of_own = NetworkRun(task="file:/data/of/last/year/gait.json", layers="8+4,16")
    assert of_own.words == "gait.json, 8+4·16"  # file, 8+4·16
    assert NetworkRun(task="file").words == "file"
    assert NetworkRun(task="mackey-glass:h=5,train=300,test=60").words == "mackey-glass"

"""Plots as they are seen: heights that fit, labels that keep their values."""

from __future__ import annotations

import artefact_samples as samples
import numpy as np
import pytest
from PyQt6.QtCore import QPoint, QRectF, Qt
from PyQt6.QtGui import QFontMetrics
from PyQt6.QtWidgets import QApplication

from app.gui.live_deploy import LiveDeployment
from app.gui.live_fit import LiveFit
from app.gui.pages.bench_rows import InstrumentRow, InstrumentRows
from app.gui.pages.deploy_plots import SHOWN_STEPS, DeployPlots
from app.gui.pages.record_plots import RecordPlots
from app.gui.pages.twin_plots import TwinPlots
from app.gui.theme import LABEL_PX, elided, sans
from app.gui.widgets.axis import Axis
from app.gui.widgets.columns import ColumnRow, ColumnTable
from app.gui.widgets.curve_panel import ScorePanel, apart, fitting, nearest
from app.gui.widgets.dots import DotRow, DotTable
from app.gui.widgets.error_table import ErrorRow, ErrorTable
from app.gui.widgets.tables import ScoreRow, ScoreTable
from app.gui.words import tick
from app.operations.events import NodeStarted, RunPlan, Stage, StepRead
from app.operations.learning_events import FitProgress


@pytest.fixture
def deploying(qtbot, theme):
    """A node of 400 steps whose response starts at 100 µV and is 0.1 µV small where it is seen."""
    plots, network = DeployPlots(theme), samples.network(steps=400)
    qtbot.addWidget(plots)
    plots.show_network(network)
    live = LiveDeployment(plan=RunPlan(4, 1, 400, ("X", "Y"), ("V", "V"), 1.0, "dep-a", "dep-a"))
    mean = np.full((400, 2), 0.1e-6)
    mean[:20] = 100e-6
    mean[1::2] = 0.0
    live.take(NodeStarted(0, 0, np.zeros(400), mean, np.full((400, 2), 1e-8)), network)
    return plots, live, network


def to_step(live: LiveDeployment, network, last: int) -> None:
    for step in range(live.step + 1, last + 1):
        live.take(StepRead(step, 0.003, 1.0, live.mean[step]), network)


def heights(plots: DeployPlots) -> tuple[float, float]:
    low, high = plots.node.plot.viewRange()[1]
    return low, high


def test_a_response_is_scaled_to_what_is_seen_of_it(deploying) -> None:
    plots, live, network = deploying
    to_step(live, network, 5)
    plots.draw(live, network, running=True)
    assert heights(plots)[1] > 100  # µV: the start is what is seen
    to_step(live, network, 350)
    plots.draw(live, network, running=True)
    shown = plots.node.plot.viewRange()[0]
    assert shown[0] > 20
    assert shown[1] - shown[0] == SHOWN_STEPS
    low, high = heights(plots)
    assert low < 0.0
    assert 0.1 < high < 0.3
    before = heights(plots)
    to_step(live, network, 351)
    plots.draw(live, network, running=True)
    assert heights(plots) == before  # it doesn't jitter step by step


@pytest.mark.parametrize("room", [70, 100, 122, 300])
def test_a_baseline_s_value_is_never_cut(qapp, room: int) -> None:
    metrics = QFontMetrics(sans(LABEL_PX))
    said = fitting("ESN-36 (5 % noise)", "0.056", room, metrics)
    assert said.endswith(" 0.056")
    assert metrics.horizontalAdvance(said) <= room
    assert said.startswith("ESN")


def test_every_baseline_is_told_whole_in_the_tool_tip_and_has_more_room_in_a_wider_panel(
    qtbot, theme
) -> None:
    panel = ScorePanel(theme, "Running score", "NMSE", "Nodes")
    qtbot.addWidget(panel)
    panel.resize(380, 300)
    panel.show()
    panel.show_baselines({"esn-36 with 5 % state noise": 0.056, "ar-1": 0.4})
    panel.show_value(0.02, "twin")
    assert panel.labels.toolTip().splitlines() == ["AR-1 0.40", "ESN-36 (5 % noise) 0.056", "0.020"]
    assert panel.labels.room_px == 132
    panel.resize(620, 300)
    assert panel.labels.room_px > 180


def numbers_at(panel: ScorePanel) -> list[str]:
    """What stands at its left axis."""
    return [words for _, words in panel.plot.getAxis("left")._tickLevels[0]]


@pytest.mark.parametrize(("low", "high"), [(0.012, 0.024), (0.3, 0.31), (0.004, 0.007)])
def test_scores_that_are_near_each_other_have_an_axis_with_numbers(
    qtbot, theme, low: float, high: float
) -> None:
    panel = ScorePanel(theme, "Running score", "NMSE", "Nodes")
    qtbot.addWidget(panel)
    panel.resize(400, 300)
    panel.show()
    panel.fit_range([low, high])
    numbers = numbers_at(panel)
    assert len(numbers) > 1
    assert all(0.8 * low < float(number) < 1.2 * high for number in numbers)


def test_only_a_row_that_is_seen_can_be_opened(qtbot, theme) -> None:
    table, opened = DotTable(theme, ("score",), shares=(0.5, 0.2), axis=0.2), list[str]()
    qtbot.addWidget(table)
    table.chosen.connect(opened.append)
    table.resize(700, table.HEAD_PX + 2 + 3 * 15)
    table.show_rows([DotRow(f"row {k}", ("1",), opens=f"net {k}") for k in range(9)])
    assert [row.name for row in table._fitting()] == ["row 0", "row 1", "and 7 more"]
    for _ in range(9):
        qtbot.keyClick(table, Qt.Key.Key_Down)
    qtbot.keyClick(table, Qt.Key.Key_Return)
    for k in (2, 1):
        at = QPoint(20, int(table.HEAD_PX + (k + 0.5) * table.row_px(3)))
        qtbot.mouseDClick(table, Qt.MouseButton.LeftButton, pos=at)
    assert opened == ["net 1"]


def test_in_a_low_panel_ticks_and_labels_that_have_no_room_are_left_out(qtbot, theme) -> None:
    panel = ScorePanel(theme, "Running score", "NMSE", "Nodes")
    qtbot.addWidget(panel)
    panel.resize(300, 400)
    panel.show()
    panel.show_baselines({"a": 2e-5, "ar-1": 0.4, "b": 0.01})
    many = numbers_at(panel)
    panel.resize(300, 130)
    few = numbers_at(panel)
    assert len(few) < len(many)
    assert len(few) <= max(2.0, panel.view.height() / 20)
    places = [(1.0, "a", "", ""), (40.0, "b", "", ""), (42.0, "", "0.02", ""), (90.0, "c", "", "")]
    assert [name for _, name, _, _ in nearest(places, 2)] == ["b", ""]


@pytest.mark.parametrize(("low", "high", "size"), [(0.86, 0.93, 34), (-22, 12, 20), (0, 0.17, 22)])
def test_numbers_beside_a_plot_of_a_few_pixels_do_not_touch(qapp, low, high, size) -> None:
    (spacing, offset), *finer = Axis("left").tickSpacing(low, high, size)
    assert spacing * size / (high - low) >= 13
    assert not finer
    assert offset == 0
    assert len(Axis("left").tickSpacing(low, high, 400)) > 1  # where there is room, as ever


def test_scores_without_room_are_counted_and_told_under_the_mouse(qtbot, theme) -> None:
    table = ScoreTable(theme, "NMSE")
    qtbot.addWidget(table)
    table.resize(600, table.HEAD_PX + 2 + 3 * 15)
    table.show_rows([ScoreRow(f"row {k}", 0.1 * k) for k in range(1, 6)])
    assert [row.name for row in table._fitting()] == ["row 1", "row 2", "and 3 more"]
    lines = table.tip_at(table.HEAD_PX + 2.5 * table.row_px(3)).splitlines()
    assert lines == ["row 3 0.30", "row 4 0.40", "row 5 0.50"]


def test_labels_that_would_collide_stand_apart_and_inside() -> None:
    assert apart([5.0, 8.0, 90.0], 15, 200.0) == [5.0, 20.0, 90.0]
    assert apart([5.0, 95.0, 98.0], 15, 100.0) == [5.0, 85.0, 100.0]


def test_a_fit_s_turn_from_the_mean_to_the_noise_is_marked(qtbot, theme) -> None:
    plots, live = TwinPlots(theme), LiveFit()
    qtbot.addWidget(plots)
    live.take(Stage("fit the mean", 2, 4))
    for iteration in (10, 20):
        live.take(FitProgress(iteration, 60, 1.0, None, 1.0))
    plots.draw(live, 0, ("X",), ("V",))
    assert not plots.turn.isVisible()
    live.take(Stage("fit mean and noise", 3, 4))
    live.take(FitProgress(30, 60, 3.0, 2.0, 1.0))
    plots.draw(live, 0, ("X",), ("V",))
    assert plots.turn.isVisible()
    assert plots.turn.value() == 20
    assert plots.loss.view.toolTip().startswith("Up to iteration 20 the mean alone")
    assert plots.loss.unit.text() == ""
    live.take(FitProgress(40, 60, 3.0, 2.0, 1.0, "1 % of the signal"))
    plots.draw(live, 0, ("X",), ("V",))
    assert plots.loss.unit.text() == "in 1 % of the signal, assumed"
    tip = plots.loss.view.toolTip()
    assert tip.startswith("Up to iteration 20 the mean alone")
    assert "in units of 1 % of the signal, assumed: no fitted sequence has two repeats" in tip
    plots.show_kept()
    assert not plots.turn.isVisible()


def test_a_deterministic_fit_has_no_turn() -> None:
    live = LiveFit()
    for stage in ("fit the mean", "fit the mean", "score on held-out repeats"):
        live.take(Stage(stage, 2, 4))
        live.take(FitProgress(10, 60, 1.0, None, 1.0))
    assert live.turn is None


def test_the_axis_of_ratios_is_of_the_ratios_that_are_there(theme, qtbot) -> None:
    table = ErrorTable(theme)
    qtbot.addWidget(table)
    table.show_rows([ErrorRow("Mean", 0.3, 0.27, 1.1, 0.9, 1.9, "at floor")])
    assert table.ends == (0.7, 2.2)
    wide = ErrorRow("Mean", 0.3, 0.27, 1.1, 0.4, 3.0, "can't tell", "attention")
    table.show_rows([wide, ErrorRow("Covered", 0.87, 0.89, None, None, None, "as expected")])
    assert table.ends == (0.4, 3.0)


def test_figures_of_two_digits_are_whole_in_the_table_of_the_smallest_window(
    theme, qtbot, monkeypatch
) -> None:
    """An autocovariance of 0.075 beside its floor was `…` and `…` at 1024 x 768."""
    table, said = ErrorTable(theme), []
    qtbot.addWidget(table)
    table.resize(248, 150)
    table.show_rows([ErrorRow("Autocovariance", 0.0751, 0.0403, 1.87, 1.1, 2.6, "likely off")])
    words = table.words
    monkeypatch.setattr(
        table, "words", lambda painter, where, text, **how: (
            said.append(text), words(painter, where, text, **how)
        )
    )  # fmt: skip
    table.grab()
    assert {"0.075", "0.040", "1.87"} < set(said)
    assert "…" not in said


def test_a_floor_and_a_large_ratio_stand_apart_in_the_smallest_window(
    theme, qtbot, monkeypatch
) -> None:
    """A floor of 0.016 and a ratio of 13.22 beside it were `0.01613.22` at 1024 x 768."""
    table, cells = ErrorTable(theme), {}
    qtbot.addWidget(table)
    table.resize(248, 150)
    table.show_rows([ErrorRow("Cross", 0.22, 0.016, 13.22, 9.0, 20.0, "above floor")])
    figure = table.figure
    monkeypatch.setattr(
        table, "figure", lambda painter, where, text, *how: (
            cells.update({text: where}), figure(painter, where, text, *how)
        )
    )  # fmt: skip
    table.grab()
    assert list(cells) == ["0.22", "0.016", "13.2"]
    value, floor, ratio = cells.values()
    assert value.right() <= floor.left()
    assert ratio.left() - floor.right() > 2


def test_a_sequence_with_one_repeat_shows_no_spread_of_another(qtbot, theme) -> None:
    plots = RecordPlots(theme)
    qtbot.addWidget(plots)
    plots._draw_spread(np.array([[1.0, 2.0], [1.5, 2.5]]), "µV")
    assert "mean" in plots.spread.unit.text()
    plots._draw_spread(np.array([[1.0, 2.0]]), "µV")
    assert plots.spread.unit.text() == ""
    assert plots.spread.hint.text() == "from the second repeat on"
    plots._draw_spread(np.array([[1.0, 2.0], [1.5, 2.5]]), "µV")
    assert plots.spread.hint.text() == ""


def test_a_score_s_row_is_told_whole_under_the_mouse_and_names_get_room(qtbot, theme) -> None:
    table = ScoreTable(theme, "NMSE")
    qtbot.addWidget(table)
    table.resize(600, 200)
    table.show_rows([ScoreRow("AR-1", 0.4, word="beaten")])
    short = table._names_end()
    name = "Read-out without the device at all"
    table.show_rows([ScoreRow("AR-1", 0.4, word="beaten"), ScoreRow(name, 0.1, word="tie")])
    assert table._names_end() > short
    told = table.tip_at(table.HEAD_PX + 1.5 * table.row_px(2)).splitlines()
    assert told[0] == f"{name} 0.10 tie"
    assert told[1].startswith("The same read-out on the task's input alone")
    assert table.tip_at(2) == ""


def test_ticks_of_small_scores_are_short() -> None:
    assert [tick(v) for v in (0.003, 3e-5, 1e-12)] == ["0.003", "3e−5", "1e−12"]


def test_rows_without_room_are_told_under_the_mouse(qtbot, theme) -> None:
    table = ColumnTable(theme, ("twin",), name="Transfer")
    qtbot.addWidget(table)
    table.resize(300, table.HEAD_PX + 2 + 3 * 15)
    table.show_rows([ColumnRow(f"row {k}", (f"{k}",)) for k in range(5)])
    height = table.row_px(3)
    assert table.tip_at(table.HEAD_PX + 0.5 * height) == "row 0 twin 0"
    assert table.tip_at(table.HEAD_PX + 2.5 * height).splitlines() == [
        "row 2 twin 2", "row 3 twin 3", "row 4 twin 4",
    ]  # fmt: skip


def test_an_instrument_s_address_and_identity_are_whole_under_the_mouse(qtbot, theme) -> None:
    table = InstrumentRows(theme)
    qtbot.addWidget(table)
    table.resize(500, 200)
    made = [
        InstrumentRow("ok", "Connected", name, "sr830", f"GPIB0::{k}::INSTR", "Stanford,SR830")
        for k, name in enumerate(("lockin", "second"))
    ]
    table.show_rows(made)
    assert table.tip_at(70).splitlines() == ["second", "GPIB0::1::INSTR", "Stanford,SR830"]
    assert table.tip_at(5).splitlines()[0] == "lockin"
    assert table.tip_at(400) == ""


@pytest.mark.parametrize(("wide", "pixels", "said"), [(80, 13, "0.00089"), (50, 11, "0.00089"),
                                                      (30, 11, "…")])  # fmt: skip
def test_a_figure_without_room_is_smaller_or_left_out_but_never_another_one(
    theme, qtbot, monkeypatch, wide, pixels, said
) -> None:
    table = ColumnTable(theme, ("twin",), name="Transfer")
    qtbot.addWidget(table)
    told = []
    monkeypatch.setattr(
        table, "words", lambda p, w, text, **how: told.append((text, how["pixels"]))
    )
    table.figure(None, QRectF(0, 0, wide, 24), "0.00089", "text1", 400)
    assert told == [(said, pixels)]


def test_what_is_said_of_a_figure_is_never_cut_at_any_width(theme, qtbot, monkeypatch) -> None:
    """A width between two pixels let the whole one through, and cut it: `0.00…` was 0.0048."""
    table = ColumnTable(theme, ("twin",), name="Transfer")
    qtbot.addWidget(table)
    told = []
    monkeypatch.setattr(
        table, "words", lambda p, w, text, **how: told.append((text, w.width(), how["pixels"]))
    )
    for wide in np.arange(20.0, 90.0, 0.25):
        table.figure(None, QRectF(0, 0, wide, 24), "0.0048", "text1", 400)
    assert {text for text, *_ in told} == {"0.0048", "…"}
    for text, wide, pixels in told:
        assert text == "…" or elided(text, sans(pixels, 400), int(wide)) == text, wide


def test_figures_of_a_narrow_table_do_not_lie_on_each_other(theme, qtbot, monkeypatch) -> None:
    """A deployment's row at 1024 px read 0.00620.0059× 0.96."""
    table = ColumnTable(theme, ("twin", "device", "ratio"), name="Transfer", shares=(0.37, 0.0))
    qtbot.addWidget(table)
    table.resize(179, 100)
    table.show_rows([ColumnRow("untrained", ("0.0062", "0.0059", "× 0.96"), strong=True)])
    told: list[tuple[str, float, float]] = []

    def seen(_painter, where, text, **how) -> None:
        font = sans(how.get("pixels", 13), how.get("weight", 400))
        wide = QFontMetrics(font).horizontalAdvance(text)
        told.append((text, where.right() - wide, where.right()))

    monkeypatch.setattr(table, "words", seen)
    table.grab()
    figures = told[-4:-1]
    assert [text for text, *_ in figures] == ["0.0062", "0.0059", "× 0.96"]
    assert figures[0][2] < figures[1][1] < figures[1][2] < figures[2][1]


def test_a_narrow_panel_of_scores_keeps_room_for_its_curve(qtbot, theme) -> None:
    panel = ScorePanel(theme, "Running score", "NMSE", "Nodes measured")
    qtbot.addWidget(panel)
    panel.resize(179, 130)
    panel.show()
    panel.show_baselines({"ar-4": 0.019})
    panel.show_value(0.061, "twin")
    panel.show_run("dep-20261201T051715-398066")
    QApplication.processEvents()
    assert panel.width() == 179
    assert panel.plot.getViewBox().width() > 40
    assert panel.x_label.width() >= panel.x_label.sizeHint().width()
    panel.resize(620, 300)
    QApplication.processEvents()
    assert panel.run_id.width() > 40
    assert panel.run_id.text()


@pytest.mark.parametrize("low", [-0.4, -3e-5])
def test_negative_numbers_at_an_axis_have_a_minus_sign(low: float) -> None:
    words = Axis("left").tickStrings([low, 0.0], 1.0, abs(low))
    assert words[0].startswith("−")
    assert "-" not in "".join(words)


def test_small_numbers_beside_an_axis_are_written_short() -> None:
    """`0.00015` was cut to `.00015`: a channel without a unit has no prefix."""
    values = [0.0, 5e-5, 1e-4, 1.5e-4]
    assert Axis("left").tickStrings(values, 1.0, 5e-5) == ["0", "5e−5", "1e−4", "1.5e−4"]
    assert Axis("bottom").tickStrings(values, 1.0, 5e-5)[-1] == "0.00015"
    assert Axis("left").tickStrings([0.0, 1e-4], 1.0, 1e-4) == ["0", "0.0001"]


@pytest.mark.parametrize(
    ("low", "high", "size", "numbers"),
    [(0, 36, 45, [0, 20]), (0, 800, 60, [0, 400, 800]), (0, 36, 100, [0, 10, 20, 30])],
)
def test_numbers_below_a_narrow_plot_do_not_touch(qapp, low, high, size, numbers) -> None:
    """The running score of a deployment has 45 px at 1024: 0102030 stood there."""
    assert list(Axis("bottom").tickValues(low, high, size)[0][1]) == numbers


def test_an_axis_without_a_range_has_no_numbers(qapp) -> None:
    assert Axis("bottom").tickSpacing(1.0, 1.0, 45.0) == []

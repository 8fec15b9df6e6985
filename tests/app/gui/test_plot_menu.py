"""A plot's menu: copy, PNG, SVG, CSV; the run's id is in the plot and in every file of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PyQt6.QtCore import QPoint, QRect, Qt
from PyQt6.QtGui import QContextMenuEvent, QFontMetrics, QGuiApplication, QImage, QPainter
from PyQt6.QtSvg import QSvgRenderer
from PyQt6.QtWidgets import QApplication, QFileDialog, QMenu
from window_disk import disk_of_the_window

from app.gui.pages.record_heat import HeatPanel
from app.gui.pages.twin_validation import PartPanel
from app.gui.theme import DARK, LIGHT
from app.gui.widgets.curve_panel import ScorePanel
from app.gui.widgets.legend import Key
from app.gui.widgets.lines import SEGMENTED
from app.gui.widgets.panel import Panel, brief
from app.gui.widgets.picture import on_paper
from app.gui.widgets.plot_menu import (
    copy_plot,
    csv_of,
    file_name,
    plot_menu,
    png_of,
    save_plot,
    svg_of,
)

if TYPE_CHECKING:
    from pathlib import Path

RUN = "rec-20261125T104400-7f3a01"


@pytest.fixture(params=["Step", ""])
def panel(request, qtbot, theme) -> Panel:
    made = Panel(theme, "Response X", "µV", x_label=request.param)
    qtbot.addWidget(made)
    made.resize(600, 300)
    line, band, dots = made.curve("measured"), made.band("twin"), made.dots("field")
    line.setData(np.arange(5.0), np.arange(5.0) ** 2)
    band.show(np.arange(4), np.zeros(4), np.full(4, 9.0))
    dots.setData([1, 2], [3, 4])
    made.show_run(RUN)
    made.show()
    return made


def test_the_run_is_painted_in_every_plot(panel: Panel) -> None:
    shown = panel.run_mark if panel.run_id is None else panel.run_id
    assert shown.text() == RUN
    assert shown.isVisible()
    assert panel.view.geometry().adjusted(0, 0, 0, 20).contains(shown.geometry().center())


def test_without_room_an_id_keeps_its_end_and_a_name_its_beginning(qapp) -> None:
    assert brief(RUN) == "7f3a01"
    assert brief("held-out") == "held-out"  # not `out`
    assert brief("nanorings-on-the-cold-stage").startswith("nano")


@pytest.mark.parametrize("wide", [300, 420, 600])
def test_an_id_is_never_cut_in_the_row_of_the_axis(qtbot, theme, wide) -> None:
    made = Panel(theme, "Training", "NMSE", x_label="Iteration")
    qtbot.addWidget(made)
    made.resize(wide, 300)
    made.show()
    made.show_run(RUN)
    qtbot.waitUntil(lambda: made.run_id.width() > 20, timeout=60_000)
    shown = QFontMetrics(made.run_id.font()).horizontalAdvance(made.run_id.text())
    assert shown <= made.run_id.width()


@pytest.mark.parametrize("wide", [220, 260, 300])
def test_a_folder_s_own_name_is_cut_at_its_end_and_told_so(qtbot, theme, wide) -> None:
    """Its beginning was cut off, beside the axis' words: `Iterationn-determin…`."""
    made = Panel(theme, "Loss", x_label="Iteration")
    qtbot.addWidget(made)
    made.resize(wide, 150)
    made.show()
    made.show_run("twin-deterministic")
    qtbot.waitUntil(lambda: made.run_id.width() > 20, timeout=60_000)
    shown = QFontMetrics(made.run_id.font()).horizontalAdvance(made.run_id.text())
    assert shown <= made.run_id.width()
    assert made.run_id.text().startswith("tw")


def test_an_id_that_has_no_room_at_all_is_not_shown(qtbot, theme) -> None:
    """Its end stood beside the axis' words: `Iterationa2`."""
    made = Panel(theme, "Loss", x_label="Iteration")
    qtbot.addWidget(made)
    made.resize(130, 150)
    made.show()
    made.show_run(RUN)
    assert made.run_id.text() == ""
    made.resize(300, 150)
    qtbot.waitUntil(lambda: made.run_id.text() == brief(RUN), timeout=60_000)


@pytest.mark.parametrize("wide", [300, 500, 1100])
def test_an_id_is_never_cut_under_the_names_of_baselines(qtbot, theme, wide) -> None:
    made = ScorePanel(theme, "Running score", "NMSE", "Nodes measured")
    qtbot.addWidget(made)
    made.resize(wide, 300)
    made.show()
    made.show_run(RUN)
    made.resize(wide + 1, 300)
    qtbot.waitUntil(lambda: made.run_id.width() > 100, timeout=60_000)
    shown = QFontMetrics(made.run_id.font()).horizontalAdvance(made.run_id.text())
    assert shown <= made.run_id.width()
    assert made.run_id.text() == (RUN if wide > 1000 else brief(RUN))


def test_the_menu_offers_all_four_and_opens_by_the_menu_key(panel: Panel, qtbot) -> None:
    words = [action.text() for action in plot_menu(panel).actions() if action.text()]
    assert words == ["Copy plot", "Save as PNG", "Save as SVG", "Save as CSV"]
    panel.view.customContextMenuRequested.emit(QPoint(5, 5))
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    menu.close()


def test_a_right_press_and_shift_f10_open_it(panel: Panel, qtbot) -> None:
    at = panel.view.geometry().center()
    under = panel.childAt(at)
    assert under is not None
    there = under.mapFrom(panel, at)
    how = QContextMenuEvent.Reason.Mouse
    QApplication.sendEvent(under, QContextMenuEvent(how, there, under.mapToGlobal(there)))
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    menu.close()
    panel.activateWindow()
    panel.view.setFocus()
    qtbot.waitUntil(panel.view.hasFocus, timeout=60_000)
    qtbot.keyClick(panel.view, Qt.Key.Key_F10, Qt.KeyboardModifier.ShiftModifier)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    menu.close()


def test_copy_puts_a_picture_on_the_clipboard(panel: Panel) -> None:
    copy_plot(panel)
    clipboard = QApplication.clipboard()
    assert clipboard is not None
    assert clipboard.pixmap().size() == panel.size()


def drawn_svg(panel: Panel) -> QImage:
    """The drawing of a panel as it is seen."""
    image = QImage(panel.size(), QImage.Format.Format_ARGB32)
    image.fill(0)
    painter = QPainter(image)
    QSvgRenderer(svg_of(panel)).render(painter)
    painter.end()
    return image


@pytest.mark.parametrize("made", [png_of, drawn_svg])
def test_a_picture_is_light_in_a_dark_window_which_stays_dark(panel: Panel, qapp, made) -> None:
    light = made(panel)
    panel.theme.apply(qapp, "dark")
    seen = panel.grab().toImage()
    assert made(panel) == light
    assert panel.grab().toImage() == seen
    assert panel.theme.tokens is DARK
    panel.theme.apply(qapp, "light")


def test_a_dot_in_a_drawing_is_a_circle(panel: Panel, qapp) -> None:
    """Once the theme had changed it was a strip of small dots of each theme's colour."""
    for mode in ("dark", "light"):
        panel.theme.apply(qapp, mode)
        panel.grab()
    dots = panel.items[2][0]
    drawing = svg_of(panel).decode("utf-8")
    assert 'width="8" height="8"' not in drawing  # a picture of 8 x 8 for each of 7 px
    assert drawing.count(LIGHT.field.lower()) >= 2
    assert dots.opts["useCache"]


def test_a_page_is_copied_light_and_without_its_buttons(make_window, qapp) -> None:
    window = make_window(connected=False, page="deploy")
    window.theme.apply(qapp, "dark")
    page = window.page()
    page.copy_plots()
    clipboard = QApplication.clipboard()
    assert clipboard is not None
    copied = clipboard.pixmap().toImage()
    for button in (page.copy_button, *page.plots.verdict.buttons.values()):
        at = button.mapTo(page.content, QPoint())
        here = copied.copy(QRect(at, button.size())).scaled(40, 10)
        colours = {here.pixelColor(x, y).name() for x in range(40) for y in range(10)}
        assert len(colours) == 1, button.text()
        assert colours <= {LIGHT.surface.lower(), LIGHT.window.lower()}  # no hole in the verdict
    assert page.copy_button.graphicsEffect() is None
    assert window.theme.tokens is DARK
    window.theme.apply(qapp, "light")


def test_a_table_has_every_line_and_the_run(panel: Panel) -> None:
    title, run, head, *rows = csv_of(panel).decode("utf-8").splitlines()
    assert title == "# Response X, µV"
    assert run == f"# {RUN}"
    names = head.split(",")
    table = [dict(zip(names, row.split(","), strict=True)) for row in rows]
    assert [float(row["measured"]) for row in table] == [0.0, 1.0, 4.0, 9.0, 16.0]
    assert {row["twin band high"] for row in table} == {"9", ""}
    assert [row["field dots"] for row in table] == ["3", "4", "", "", ""]


def test_a_table_of_a_logarithmic_panel_has_numbers_and_not_their_logarithms(qtbot, theme) -> None:
    made = Panel(theme, "Training", "NMSE", x_label="Iteration", log_y=True)
    qtbot.addWidget(made)
    line, band, dots = made.curve("measured"), made.band("twin"), made.dots("field")
    line.setData([1.0, 2.0], [0.1, 0.01])
    band.show([0.0, 2.0], *np.log10([[0.01, 0.01], [0.2, 0.2]]))
    dots.setData(x=[2.0], y=np.log10([0.01]))
    *_, head, first, _ = csv_of(made).decode("utf-8").splitlines()
    row = dict(zip(head.split(","), map(float, first.split(",")), strict=True))
    assert row == pytest.approx({
        "Iteration of measured": 1.0, "measured": 0.1, "Iteration of twin band": 0.0,
        "twin band low": 0.01, "twin band high": 0.2, "Iteration of field dots": 2.0,
        "field dots": 0.01,
    })  # fmt: skip


def test_a_table_calls_everything_as_the_legend_does(qtbot, theme) -> None:
    """Columns were named by colours: `text1` was a target, `measured` a forecast or a mean."""
    made = Panel(theme, "Forecast", x_label="Step")
    qtbot.addWidget(made)
    band, target, forecast = made.band("twin"), made.curve("text1"), made.curve("measured")
    dots = made.dots("measured")
    band.show([0, 1], [0, 0], [2, 2])
    for item in (target, forecast, dots):
        item.setData([0, 1], [1, 1])
    made.legend.show_keys([Key("line", "text1", "target"), Key("line", "measured", "forecast"),
                           Key("band", "twin", "90 %")])  # fmt: skip
    head = csv_of(made).decode("utf-8").splitlines()[1]
    assert [name for name in head.split(",") if not name.startswith("Step")] == [
        "90 % low", "90 % high", "target", "forecast", "forecast dots",
    ]  # fmt: skip


def test_a_table_of_parts_says_which_and_what_is_mean_and_spread(qtbot, theme) -> None:
    made = PartPanel(theme, "By channel")
    qtbot.addWidget(made)
    ratio = {"ratio": 1.2, "low": 1.0, "high": 1.5}
    made.show_parts([{"label": name, "mean": ratio, "spread": ratio} for name in ("X", "Y")])
    _, places, head, *_ = csv_of(made).decode("utf-8").splitlines()
    assert places == "# x: 0 is X; 1 is Y"
    assert [name for name in head.split(",") if not name.startswith("x of")] == [
        "mean", "mean interval", "spread", "spread interval",
    ]  # fmt: skip


@pytest.mark.parametrize("suffix", ["png", "svg", "csv"])
def test_files_are_written_whole(panel: Panel, qtbot, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"{file_name(panel)}.{suffix}"
    assert path.name == f"{RUN}-response-x.{suffix}"
    with disk_of_the_window(tmp_path) as touched:
        save_plot(panel, path)
        qtbot.waitUntil(path.exists, timeout=60_000)
    assert not touched
    if suffix == "png":
        assert QImage(str(path)).width() == 2 * panel.width()
    else:
        text = path.read_text("utf-8")
        assert RUN in text
        assert ("<svg" in text) == (suffix == "svg")


@pytest.mark.parametrize("screen", [1.0, 2.0])
def test_a_line_in_a_file_is_as_wide_beside_the_words_as_on_the_screen(
    panel: Panel, monkeypatch, screen: float
) -> None:
    monkeypatch.setattr(QGuiApplication, "devicePixelRatio", lambda _: screen)
    panel.restyle()
    line, band, dots = (item for item, *_ in panel.items)
    assert line.opts["pen"].widthF() == 2.0 * screen  # in the screen's dots
    drawn = re.findall(r'stroke-width="([\d.]+)"', svg_of(panel).decode("utf-8"))
    assert max(map(float, drawn)) == 2.0  # twice that on a screen at 200 %
    line.setData([0.0, 4.0], [5.0, 5.0])
    band.setVisible(False)
    dots.setData([], [])
    panel.settle()
    image = QImage.fromData(png_of(panel))
    colours = [image.pixelColor(image.width() // 2, y) for y in range(60, image.height() - 90)]
    strong = [c for c in colours if c.saturation() > 150]
    assert len(strong) in (3, 4, 5)  # 2 px of 2 dots; at 100 % it had 2 dots
    corners = {image.pixelColor(image.width() - 1, y).name() for y in (0, 150)}
    assert corners == {panel.theme.tokens.surface.lower()}  # as on the page, the head was grey
    assert line.opts["pen"].widthF() == 2.0 * screen


def test_a_line_is_one_piece_in_a_drawing_and_many_on_the_screen(panel: Panel) -> None:
    line = panel.items[0][0]
    noise = np.random.default_rng(0).standard_normal(100)
    line.setData(np.arange(100.0), noise)
    panel.settle()
    assert line.curve.opts["segmentedLineMode"] == SEGMENTED
    text = svg_of(panel).decode("utf-8")
    longest = max(re.findall(r'(?:points|d)="([^"]*)"', text), key=len)
    assert len(re.findall(r"-?[\d.]+,-?[\d.]+", longest)) >= 100
    assert line.curve.opts["segmentedLineMode"] == SEGMENTED


def test_what_the_disk_refuses_is_said_in_the_plots_head(panel: Panel, qtbot, tmp_path) -> None:
    save_plot(panel, tmp_path / "no" / "plot.csv")
    qtbot.waitUntil(lambda: panel.unit.text().startswith("not saved: "), timeout=60_000)
    assert "vanished" in panel.unit.text()


def test_asking_for_a_place_holds_up_nothing(panel: Panel, qtbot) -> None:
    action = next(a for a in plot_menu(panel).actions() if a.text() == "Save as SVG")
    action.trigger()
    dialog = panel.findChild(QFileDialog)
    assert dialog is not None
    assert not dialog.isModal()
    assert QApplication.activeModalWidget() is None
    dialog.close()


def test_a_map_is_saved_a_column_a_channel_and_light_in_a_dark_window(theme, qtbot) -> None:
    panel = HeatPanel(theme)
    qtbot.addWidget(panel)
    panel.draw(np.arange(6.0).reshape(2, 3), 0, "mV")
    title, head, *rows = csv_of(panel).decode("utf-8").splitlines()
    assert title.startswith("# Response, mV · 3 channels by step · empty")
    assert head == "step,channel 1,channel 2,channel 3"
    assert rows == ["0,0,1,2", "1,3,4,5"]
    theme.tokens = DARK
    panel.restyle()
    seen = panel.heat.image.lut[0].tolist()
    with on_paper(panel, theme):
        assert panel.heat.image.lut[0].tolist() != seen
        assert panel.heat.image.lut[0].tolist() == [255, 255, 255]
    assert panel.heat.image.lut[0].tolist() == seen

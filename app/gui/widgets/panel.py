"""A plot with its header: title, unit in grey, legend; run id in the axis-label row."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pyqtgraph as pg
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtGui import QFontMetrics, QKeySequence, QShortcut
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.gui.theme import ID_TIME, LABEL_PX, Theme, colour, elided, mono, pen, sans
from app.gui.widgets.axis import Axis
from app.gui.widgets.basic import Elided, label, show_focus
from app.gui.widgets.drawn_arrays import keep_views
from app.gui.widgets.legend import Legend
from app.gui.widgets.lines import SEGMENTED, Band, colours_between

if TYPE_CHECKING:
    from collections.abc import Callable

    from PyQt6.QtGui import QResizeEvent

keep_views()


BRIEF_PX = 96


def brief(run_id: str, room_px: float = BRIEF_PX) -> str:
    """An id's end, which tells it from others; of a folder with a name of its own the beginning."""
    if ID_TIME.search(run_id):
        return run_id.rpartition("-")[2]
    return elided(run_id, mono(LABEL_PX), int(min(BRIEF_PX, room_px)))


class PlotView(pg.PlotWidget):  # type: ignore[misc]
    """A plot that tells when it has the keyboard."""

    focused: Callable[[bool], None]

    def wheelEvent(self, event: Any) -> None:
        """It zooms nothing here: what the plot lies in scrolls."""
        event.ignore()

    def focusInEvent(self, event: Any) -> None:
        super().focusInEvent(event)
        self.focused(True)

    def focusOutEvent(self, event: Any) -> None:
        super().focusOutEvent(event)
        self.focused(False)


class Panel(QWidget):
    """Header, plot and axis-label row. Curves are made once; a frame calls `setData` once each."""

    def __init__(
        self, theme: Theme, title: str, unit: str = "", *, x_label: str = "", log_y: bool = False
    ) -> None:
        super().__init__()
        self.theme = theme
        self.shown_run = ""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self._styled: list[tuple[Any, str, dict[str, Any]]] = []
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        self.title, self.unit = label(title, "panel"), Elided(unit, "unit")
        self.legend = Legend(theme)
        self.head = QHBoxLayout()
        self.head.setContentsMargins(0, 0, 0, 0)
        self.head.setSpacing(10)
        self.title.setFixedHeight(28)
        self.head.addWidget(self.title)
        self.head.addWidget(self.unit, 1)
        self.head.addWidget(self.legend)
        layout.addLayout(self.head)
        axes = {side: Axis(side) for side in ("left", "bottom")}
        self.view = PlotView(axisItems=axes, enableMenu=False)  # ours: a third of its time
        self.view.focused = partial(show_focus, self.title)
        self.plot = self.view.getPlotItem()
        self.view.setAccessibleName(title)
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.view.customContextMenuRequested.connect(self._show_menu)
        keys = QShortcut(QKeySequence("Shift+F10"), self.view)  # Qt knows the menu key alone
        keys.setContext(Qt.ShortcutContext.WidgetShortcut)
        keys.activated.connect(lambda: self._show_menu(QPoint()))
        self._prepare(log_y)
        layout.addWidget(self.view, 1)
        self.bare: set[str] = set()
        self.hint = label("", "note", wrap=True)
        self.hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        # it lies over the plot, also when it says nothing: a press is the plot's
        self.hint.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        over = QHBoxLayout(self.view)
        over.setContentsMargins(52, 0, 16, 24)
        over.addWidget(self.hint)
        self._foot(layout, x_label)
        theme.changed.connect(self.restyle)
        self.restyle()

    def _prepare(self, log_y: bool) -> None:
        """Fast for long traces (on the PlotItem: on a curve it is reset), quiet to the mouse."""
        self.plot.setDownsampling(auto=True, mode="peak")
        self.plot.setClipToView(True)
        self.plot.hideButtons()
        self.plot.setMouseEnabled(False, False)
        self.plot.setLogMode(False, log_y)
        self.plot.showGrid(x=False, y=True, alpha=1.0)
        self.view.setMinimumHeight(40)
        self.plot.getAxis("left").setWidth(44)
        self.plot.getAxis("bottom").setHeight(20)
        self.plot.layout.setContentsMargins(0, 6, 14, 0)
        for side in ("left", "bottom"):
            axis = self.plot.getAxis(side)
            axis.setStyle(tickLength=0, tickTextOffset=6, tickFont=sans(LABEL_PX), tickAlpha=255,
                          maxTickLevel=0, maxTextLevel=1)  # fmt: skip
            axis.enableAutoSIPrefix(False)
            axis.setZValue(-10)

    def _show_menu(self, at: QPoint) -> None:
        from app.gui.widgets.plot_menu import show_menu

        show_menu(self, at)

    @property
    def items(self) -> list[tuple[Any, str, dict[str, Any]]]:
        """Everything that is drawn: item, token of its colour, style."""
        return self._styled

    def _foot(self, layout: QVBoxLayout, x_label: str) -> None:
        self.run_id: QLabel | None = None
        if not x_label:
            self.run_mark = label("", "id")
            self.run_mark.setParent(self.view)
            self.run_mark.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            return
        foot = self.foot = QHBoxLayout()
        foot.setContentsMargins(44, 0, 14, 0)
        self.x_label = Elided(x_label, "unit")
        self.x_label.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.x_label.setMinimumWidth(1)
        self.x_label.setFixedHeight(16)
        self.run_id = label("", "id")
        self.left_foot = QWidget()
        foot.addWidget(self.left_foot, 1)
        foot.addWidget(self.x_label)
        foot.addWidget(self.run_id, 1)
        self.run_id.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.run_id.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        layout.addLayout(foot)

    def restyle(self) -> None:
        """Give everything the colours of the theme in force."""
        t = self.theme.tokens
        self.view.setBackground(t.surface)
        for side in ("left", "bottom"):
            axis = self.plot.getAxis(side)
            axis.setPen(pen(t.axis))
            axis.setTextPen(pen(t.text2))
            axis.setTickPen(pen(t.grid))
        for item, token, style in self._styled:
            self._dress(item, token, style)
        self.legend.update()

    def _dress(self, item: Any, token: str, style: dict[str, Any]) -> None:
        t = self.theme.tokens
        name = str(getattr(t, token))
        kind = style["kind"]
        if kind == "curve":
            alpha = t.repeat_alpha if style["repeats"] else 255
            item.setPen(pen(name, style["width"], dashed=style["dashed"], alpha=alpha))
        elif kind in {"band", "bars"}:
            alpha = style.get("alpha") or t.band_alpha
            item.setBrush(colour(name, alpha))
        elif kind == "dots":
            item.setBrush(colour(name, style["alpha"]))
        elif kind == "map":
            item.setLookupTable(colours_between(t.surface, name))
        elif kind == "limit":
            item.setPen(pen(name, 1))

    def _own(self, item: Any, token: str, **style: Any) -> Any:
        self._styled.append((item, token, style))
        self._dress(item, token, style)
        return item

    def curve(
        self,
        token: str,
        width: float = 2.0,
        *,
        dashed: bool = False,
        repeats: bool = False,
        steps: bool = False,
        antialias: bool = True,
    ) -> Any:
        """A line; `repeats` joins many in one item (NaN between them) in translucent grey."""
        mode = {"stepMode": "center"} if steps else {}
        x, y = ([0.0, 1.0], [0.0]) if steps else ([], [])
        item = self.plot.plot(x, y, connect="finite", antialias=antialias, **mode)
        if repeats or steps:
            item.setDownsampling(auto=False, ds=1)
            item.setClipToView(False)
        if not (dashed or repeats):
            item.curve.setSegmentedLineMode(SEGMENTED)
        item.clear()
        return self._own(item, token, kind="curve", width=width, dashed=dashed, repeats=repeats)

    def band(self, token: str) -> Band:
        """A translucent band between two curves."""
        band = Band()
        self.plot.addItem(band.fill)
        self._own(band.fill, token, kind="band")
        return band

    def bars(self, token: str, alpha: int = 150) -> Any:
        """A histogram's bars; set with `setOpts(x=…, height=…, width=…)`."""
        item = pg.BarGraphItem(x=[], height=[], width=1.0, pen=None)
        self.plot.addItem(item)
        item.setBrush = lambda brush: item.setOpts(brush=brush)
        return self._own(item, token, kind="bars", alpha=alpha)

    def dots(self, token: str, pixels: int = 7, alpha: int = 255) -> Any:
        """Points of one size."""
        item = pg.ScatterPlotItem(size=pixels, pen=None, antialias=True)
        self.plot.addItem(item)
        return self._own(item, token, kind="dots", alpha=alpha)

    def image(self, token: str) -> Any:
        """A map of values, from the surface's colour to this one; hidden until it is needed."""
        item = pg.ImageItem(axisOrder="row-major")
        item.hide()
        self.plot.addItem(item)
        return self._own(item, token, kind="map")

    def cursor(self) -> Any:
        """A vertical line at the running step; hidden until it is needed."""
        item = pg.InfiniteLine(angle=90, movable=False)
        item.hide()
        self.plot.addItem(item, ignoreBounds=True)
        return self._own(item, "text3", kind="limit")

    def level(self, token: str = "text3") -> Any:
        """A horizontal line: a mean, a floor, a baseline; hidden until it is needed."""
        item = pg.InfiniteLine(angle=0, movable=False)
        item.hide()
        self.plot.addItem(item, ignoreBounds=True)
        return self._own(item, token, kind="limit")

    def empty(self, words: str) -> None:
        """Nothing to draw yet: words in place of axes without meaning."""
        self.hint.setText(words)
        self._show_axes(False)

    def filled(self) -> None:
        """There is something to draw."""
        if self.hint.text():
            self.hint.setText("")
            self._show_axes(True)

    def _show_axes(self, shown: bool) -> None:
        for side in ("left", "bottom"):
            self.plot.getAxis(side).setStyle(showValues=shown and side not in self.bare)
        self.plot.showGrid(x=False, y=shown and "left" not in self.bare, alpha=1.0)

    def settle(self) -> None:
        """Fit the range to what was set now: left to the paint, each frame is painted twice."""
        self.plot.getViewBox().prepareForPaint()

    def without_values(self, side: str) -> None:
        """An axis without numbers: its neighbour has them, or they mean nothing."""
        self.bare.add(side)
        self._show_axes(not self.hint.text())

    def show_values(self, side: str, shown: bool) -> None:
        """Give an axis its numbers, or take them."""
        if shown == (side in self.bare):
            (self.bare.discard if shown else self.bare.add)(side)
            self._show_axes(not self.hint.text())

    def show_run(self, run_id: str) -> None:
        """Paint the run's id small: in the axis-label row, or without one in the plot's corner."""
        self.shown_run = run_id
        if self.run_id is None:
            self._place_mark()
        if self.run_id is not None:
            self.run_id.setFont(mono(LABEL_PX))
            wide, room = QFontMetrics(mono(LABEL_PX)).horizontalAdvance, self.room_for_run()
            told = (run_id, brief(run_id, room), "")
            self.run_id.setText(next(text for text in told if wide(text) <= max(0, room)))

    def room_for_run(self) -> float:
        """Pixels for the run's id in the axis-label row."""
        margins = self.foot.contentsMargins()
        row = self.width() - margins.left() - margins.right()
        return (row - self.x_label.sizeHint().width()) / 2 - 8

    def _place_mark(self) -> None:
        narrow = self.width() < 400
        text = brief(self.shown_run) if narrow else self.shown_run
        self.run_mark.setText(text)
        self.run_mark.adjustSize()
        self.run_mark.move(
            self.view.width() - self.run_mark.width() - 18,
            self.view.height() - self.run_mark.height() - 24,
        )

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        if self.shown_run:
            self.show_run(self.shown_run)

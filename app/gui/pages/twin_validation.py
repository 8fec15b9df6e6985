"""Where a twin is off: its verdict in words, errors by part, coverage, spectrum, rank plots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from app.gui.widgets.basic import label, set_role
from app.gui.widgets.legend import Key
from app.gui.widgets.panel import Panel
from app.words import some_of
from training.verdict import AT_FLOOR
from training.verdict_places import EXPECTED_COVERAGE, ratio_range

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.gui.theme import Theme

AXES = (
    ("drive", "By drive"),
    ("step", "By step"),
    ("family", "By drive family"),
    ("channel", "By channel"),
)
MOST_REASONS = 6
RATIO_UNIT = "over its floor, 99 %"
NOISELESS = "the twin has no noise"
SHIFTS = {"mean": -0.1, "spread": 0.1}  # of dots that stand side by side


class PartPanel(Panel):
    """Mean and spread over their floors by part, with intervals; or the coverage.

    Ratios on a logarithmic axis: from few sequences an interval reaches over magnitudes.
    """

    def __init__(self, theme: Theme, title: str, unit: str = RATIO_UNIT) -> None:
        self.ratios = unit == RATIO_UNIT
        super().__init__(theme, title, unit, log_y=self.ratios)
        self.lines = {
            name: (self.dots(token, 7), self.curve(token, 1.6, antialias=False))
            for name, token in (("mean", "measured"), ("spread", "twin"))
        }
        for _, bars in self.lines.values():  # clipped to a view not yet set, some would be missing
            bars.setDownsampling(auto=False, ds=1)
            bars.setClipToView(False)
        self.target = self.level("text3")
        self.empty("after the fit")

    def show_parts(self, rows: Sequence[Mapping[str, Any]], *, noisy: bool = True) -> None:
        """Draw the parts of one axis; none clears the panel. Without noise the mean alone."""
        self.clear()
        if not rows or not (self.ratios or noisy):
            self.empty("not told apart" if not rows else NOISELESS)
            return
        self.filled()
        names = ("mean", "spread")[: 1 + noisy] if self.ratios else ("coverage",)
        cells = {name: [row[name] for row in rows] for name in names}
        for name in names:
            self._points(name, cells[name], SHIFTS[name] if len(names) > 1 else 0.0)
        if self.ratios:
            ends = ratio_range([cell for name in names for cell in cells[name]])
            self.plot.setYRange(*np.log10(ends))
        self.target.setValue(np.log10(AT_FLOOR) if self.ratios else EXPECTED_COVERAGE)
        self.target.show()
        self.plot.getAxis("bottom").places = tuple(str(row["label"]) for row in rows)
        self.plot.setXRange(-0.5, len(rows) - 0.5, padding=0)
        keys = [Key("dot", "measured", "mean"), Key("dot", "twin", "spread")]
        self.legend.show_keys(keys[: 1 + noisy] if self.ratios else [Key("dot", "twin", "twin")])

    def _points(self, name: str, cells: Sequence[Mapping[str, Any]], at: float) -> None:
        dots, bars = self.lines["mean" if name == "mean" else "spread"]
        key = "ratio" if self.ratios else "value"
        x = np.arange(len(cells)) + at
        y = np.array([np.nan if c.get(key) is None else c[key] for c in cells], dtype=float)
        good = np.isfinite(y) & ((y > 0) | (not self.ratios))
        dots.setData(x[good], np.log10(y[good]) if self.ratios else y[good])
        ends = [(p, c["low"], c["high"]) for p, c in zip(x, cells, strict=True)
                if c.get("low") is not None and c.get("high") is not None]  # fmt: skip
        if ends:
            place, low, high = (np.array(column, dtype=float) for column in zip(*ends, strict=True))
            gap = np.full(place.size, np.nan)
            bars.setData(
                np.stack([place, place, gap], 1).ravel(), np.stack([low, high, gap], 1).ravel()
            )

    def clear(self) -> None:
        """Nothing drawn."""
        for dots, bars in self.lines.values():
            dots.setData([], [])
            bars.setData([], [])
        self.target.hide()


class ValidationPlots(QWidget):
    """The verdict above; four axes of parts, coverage, spectrum and ranks below."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.verdict = label("", "panel", wrap=True)
        self.reasons = label("", "note", wrap=True)
        for words in (self.verdict, self.reasons):
            words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.parts = {axis: PartPanel(theme, title) for axis, title in AXES}
        self.coverage = {
            axis: PartPanel(theme, f"Coverage by {axis}", "of the 90 % interval")
            for axis, _ in AXES[:2]
        }
        self.spectrum = Panel(theme, "Noise spectrum", "dB", x_label="Cycles a step")
        self.spectrum_band = self.spectrum.band("measured")
        self.spectrum_real = self.spectrum.curve("measured", 1.6)
        self.spectrum_twin = self.spectrum.curve("twin", 1.6, dashed=True)
        self.ranks = Panel(theme, "Ranks of repeats", x_label="Level")
        self.ranks_band = self.ranks.band("repeat")
        pens = ((2.2, False), (1.6, True), (1.0, False))
        self.rank_lines = [self.ranks.curve("twin", width, dashed=dash) for width, dash in pens]
        self._lay_out()
        self.show_validation(None)

    def _lay_out(self) -> None:
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(4)
        outer.addWidget(self.verdict)
        outer.addWidget(self.reasons)
        grid = QGridLayout()
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(8)
        shown = (
            (self.parts["drive"], self.parts["step"]),
            (self.coverage["drive"], self.coverage["step"]),
            (self.parts["family"], self.parts["channel"]),
            (self.spectrum, self.ranks),
        )
        for line, panels in enumerate(shown):
            for column, panel in enumerate(panels):
                grid.addWidget(panel, line, column)
            grid.setRowStretch(line, 1)
        outer.addLayout(grid, 1)

    def show_validation(self, validation: Mapping[str, Any] | None, *, noisy: bool = True) -> None:
        """Draw what a twin keeps of its validation; None: nothing is known yet.

        Of a twin without noise the mean alone.
        """
        found = validation["verdict"] if validation else {"words": "", "reasons": []}
        self.verdict.setText(str(found["words"]) or "No verdict yet: fit a twin, or open one.")
        reached = found.get("at_floor")
        set_role(self.verdict, "panel" if reached is not False else "attention")
        reasons = [str(reason) for reason in found["reasons"]]
        self.reasons.setText("\n".join(some_of(reasons, MOST_REASONS)))
        self.reasons.setVisible(bool(reasons))
        where = validation["where"] if validation else {}
        for axis, panel in self.parts.items():
            panel.show_parts(where.get(axis, ()), noisy=noisy)
        for axis, panel in self.coverage.items():
            panel.show_parts(where.get(axis, ()), noisy=noisy)
        curves = validation["curves"] if validation and noisy else {}
        self._draw_spectrum(curves)
        self._draw_ranks(curves)
        if not noisy:
            self.spectrum.empty(NOISELESS)
            self.ranks.empty(NOISELESS)

    def _draw_spectrum(self, curves: Mapping[str, Any]) -> None:
        names = ("frequency", "real", "twin", "low", "high")
        if not all(curves.get(f"spectrum_{name}") is not None for name in names):
            self.spectrum.empty("needs sequences of 8 steps or more")
            for item in (self.spectrum_real, self.spectrum_twin):
                item.setData([], [])
            self.spectrum_band.clear()
            return
        x, *powers = (_numbers(curves[f"spectrum_{name}"]) for name in names)
        real, twin, low, high = (_decibel(power) for power in powers)
        self.spectrum.filled()
        self.spectrum_real.setData(x, real)
        self.spectrum_twin.setData(x, twin)
        self.spectrum_band.show(x, low, high)
        self.spectrum.legend.show_keys(
            [Key("line", "measured", "device"), Key("dash", "twin", "twin"),
             Key("band", "measured", "half-split")]
        )  # fmt: skip

    def _draw_ranks(self, curves: Mapping[str, Any]) -> None:
        lines: Mapping[str, Any] = curves.get("rank_lines") or {}
        for item in self.rank_lines:
            item.setData([], [])
        if not lines:
            self.ranks.empty("after the fit")
            self.ranks_band.clear()
            return
        self.ranks.filled()
        keys = []
        for item, (name, line) in zip(self.rank_lines, lines.items(), strict=False):
            y = _numbers(line)
            item.setData(np.linspace(0, 1, y.size), y)
            keys.append(Key("dash" if name == "roughness" else "line", "twin", name))
        band = float(curves.get("rank_band") or 0.0)
        self.ranks_band.show([0.0, 1.0], [-band, -band], [band, band])
        self.ranks.legend.show_keys([*keys, Key("band", "repeat", "perfect")])


def _decibel(power: Any) -> Any:
    return 10 * np.log10(np.where(power > 0, power, np.nan))


def _numbers(values: Any) -> Any:
    return np.array([np.nan if v is None else v for v in np.asarray(values, dtype=object).tolist()],
                    dtype=float)  # fmt: skip

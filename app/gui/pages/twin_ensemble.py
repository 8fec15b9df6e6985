"""A panel of one sequence's repeats, or of a twin's samples of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.gui.live_record import band
from app.gui.widgets.heat import Heat
from app.gui.widgets.legend import Key
from app.gui.widgets.lines import joined
from app.gui.widgets.panel import Panel
from app.gui.words import count, joined_words

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.gui.theme import Theme

    FloatArray = NDArray[np.float64]


class Ensemble(Panel):
    """Repeats (or samples), their mean and 90 % band; of many channels their mean as a map."""

    def __init__(self, theme: Theme, title: str, token: str, *, dashed: bool, noun: str) -> None:
        super().__init__(theme, title, x_label="Step")
        self.token, self.dashed, self.noun = token, dashed, noun
        self.lines = self.curve("repeat", 1, repeats=True)
        self.band_ = self.band(token)
        self.mean = self.curve(token, 2 if not dashed else 1.8, dashed=dashed)
        self.heat = Heat(self, token)

    def show_map(self, traces: FloatArray, unit: str, levels: tuple[float, float]) -> None:
        """Show the mean of `(R, T, C)`, already in `unit`, by step and channel."""
        self.clear_traces()
        words = self.heat.draw(traces.mean(axis=0), None, levels)
        self.filled()
        self.plot.setXRange(0, traces.shape[1], padding=0)
        many = count(len(traces), self.noun.removesuffix("s"))
        self.unit.setText(joined_words(unit, f"mean of {many}", words, by=" · "))
        self.legend.show_keys([])

    def clear_traces(self) -> None:
        """Neither repeats nor mean and band."""
        for item in (self.lines, self.mean):
            item.setData([], [])
        self.band_.clear()

    def show_traces(self, traces: FloatArray, unit: str, channel: str) -> None:
        """Show `(R, T)`, already in `unit`."""
        self.heat.hide()
        x = np.arange(traces.shape[1])
        self.lines.setData(*joined(x, traces))
        self.mean.setData(x, traces.mean(axis=0))
        if len(traces) > 1:
            self.band_.show(x, *band(traces))
        else:
            self.band_.clear()
        self.filled()
        self.plot.setXRange(0, traces.shape[1] - 1, padding=0)
        many = count(len(traces), self.noun.removesuffix("s"))
        self.unit.setText(f"{joined_words(channel, unit)} · {many}")
        self.legend.show_keys(
            [
                Key("repeats", "repeat", self.noun),
                Key("dash" if self.dashed else "line", self.token, "mean"),
                Key("band", self.token, "90 %"),
            ]
        )

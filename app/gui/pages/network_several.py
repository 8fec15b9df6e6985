"""Tables of many networks on the Network page: kinds compared, or a sweep's settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.gui.live_sweep import HEADS as SWEEP_HEADS
from app.gui.live_sweep import (
    metrics_of,
    setting_names,
    sweep_rows,
    sweep_so_far,
    sweep_words,
    trial_names,
)
from app.gui.live_trials import HEADS as TABLE_HEADS
from app.gui.live_trials import LiveTrials, table_rows, table_so_far
from app.gui.scores import NMSE, title
from app.gui.widgets.basic import label
from app.gui.widgets.columns import ColumnTable
from app.gui.widgets.dots import DotRow, DotTable
from app.gui.widgets.legend import Key, Legend

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.gui.theme import Theme
    from app.operations.compare_networks_plan import Plan
    from app.operations.sweep_grid import Grid

MOST_RUNNING = 4  # rows of what runs: a pool has as many as it has workers


class SeveralView(QWidget):
    """What they say, every score on one axis as it comes, and what runs; `chosen(trial)`."""

    chosen = pyqtSignal(str)

    def __init__(
        self, theme: Theme, heads: tuple[str, ...], keys: Sequence[Key], accessible: str,
        shares: tuple[float, float], axis: float,
    ) -> None:  # fmt: skip
        super().__init__()
        self.verdict = label("", "panel", wrap=True)
        self.sentences = label("", "note", wrap=True)
        for words in (self.verdict, self.sentences):
            words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.table = DotTable(theme, heads, shares=shares, axis=axis)
        self.table.setAccessibleName(accessible)
        self.table.chosen.connect(self.chosen)
        self.running = ColumnTable(theme, (), name="running", shares=(0.5, 0.5))
        self.running.setAccessibleName("Networks that are trained now")
        self.note = label("", "unit")
        legend = Legend(theme)
        legend.show_keys(keys)
        head = QHBoxLayout()
        head.setSpacing(10)
        head.addWidget(self.note)
        head.addStretch(1)
        head.addWidget(legend)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.verdict)
        layout.addWidget(self.sentences)
        layout.addLayout(head)
        layout.addWidget(self.table, 5)
        layout.addWidget(self.running)
        layout.addStretch(1)

    def show_all(
        self, words: Sequence[str], rows: Sequence[DotRow], live: LiveTrials,
        names: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        """Show sentences, what failed among them, rows and what runs, by these names."""
        words = [*words, *live.failures()]
        self.verdict.setText(words[0] if words else "Nothing yet.")
        self.sentences.setText("\n".join(words[1:]))
        self.sentences.setVisible(len(words) > 1)
        self.table.show_rows(rows)
        self.table.setMaximumHeight(self.table.HEAD_PX + 28 * max(3, len(rows)) + 4)
        running = live.running_rows(names)
        self.running.show_rows(running)
        self.running.setVisible(bool(running))
        height = self.running.HEAD_PX + 28 * min(MOST_RUNNING, len(running)) + 4
        self.running.setFixedHeight(height)
        behind = any(row.opens for row in rows)
        self.note.setText("↑ ↓ and Return, or a double click, show one of a row" if behind else "")


class KindsView(SeveralView):
    """The comparison table."""

    def __init__(self, theme: Theme) -> None:
        keys = [Key("ring", "twin", "foreseen"), Key("dot", "measured", "on the device"),
                Key("tick", "text2", "software")]  # fmt: skip
        super().__init__(theme, TABLE_HEADS, keys, "Kinds of networks compared", (0.44, 0.08), 0.18)
        self.draw(None, LiveTrials())

    def draw(self, plan: Plan | None, live: LiveTrials) -> None:
        """Draw the table so far."""
        table = None if plan is None else table_so_far(plan, live)
        rows = [] if table is None else table_rows(table)
        metric = (table.metric if table is not None else "") or NMSE
        self.table.name = f"{title(metric)}, means over seeds"
        said = [str(words) for words in live.result.get("verdict", ())]
        if not said and live.trials and not live.running_rows() and table is not None:
            said = list(table.to_json()["words"])
        waiting = f"{live.ended} of {live.total} trials done" if live.total else "Nothing yet."
        self.show_all(said or [waiting], rows, live)


class SweepView(SeveralView):
    """A sweep's settings, best validation first."""

    def __init__(self, theme: Theme) -> None:
        keys = [Key("ring", "twin", "validation, each seed")]
        super().__init__(theme, SWEEP_HEADS, keys, "Settings of the sweep", (0.56, 0.12), 0.24)
        self.draw(None, LiveTrials())

    def draw(self, grid: Grid | None, live: LiveTrials) -> None:
        """Draw the settings so far."""
        if grid is None:
            self.show_all([], [], live)
            return
        rows = sweep_so_far(grid, live)
        settings = [row.setting for row in rows]
        metrics = metrics_of(settings, grid, live)
        titles = {title(metric) for metric in metrics.values()} or {title(NMSE)}
        by = titles.pop() if len(titles) == 1 else "error"
        self.table.name = f"setting, by {by} on validation"
        words = sweep_words(rows, setting_names(settings), metrics)
        shown = sweep_rows(rows, metrics, grid.seeds)
        self.show_all(words, shown, live, trial_names(settings, grid))

"""The Library page's row that lets a twin answer sequences: a recording made by the twin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QWidget

from app.gui.job import JobSpec
from app.gui.widgets.number_entry import WholeEntry
from app.operations.child import in_child
from app.sequence_files import sequences_from

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from app.gui.pages.shell import Shell
    from app.library.library import Library
    from app.operations.events import Event

FIRST = "mixed:8x100@7"


class SimulateRow(QWidget):
    """Sequences as `record --sequences` takes them, repeats of each, and the button."""

    def __init__(self, shell: Shell, page: str, library: Library) -> None:
        super().__init__()
        self._shell, self._page, self._library = shell, page, library
        self._twin: Path | None = None
        self.sequences = QLineEdit(FIRST)
        self.sequences.setAccessibleName("Sequences to simulate")
        self.sequences.setToolTip("FAMILY:COUNTxSTEPS@SEED, a JSON file, or a recording's folder")
        self.repeats = WholeEntry(16, 1, 10_000, "", "Repeats of each sequence")
        self.repeats.setFixedWidth(60)
        self.button = QPushButton("Simulate")
        self.button.clicked.connect(self.press)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        for widget in (self.sequences, self.repeats, self.button):
            layout.addWidget(widget, int(widget is self.sequences))
        self.follow(None)

    def follow(self, twin: Path | None) -> None:
        """By this twin; None: by none."""
        self._twin = twin
        self.setVisible(twin is not None)

    def press(self) -> None:
        """Simulate, in a process of its own; the recording appears below the twin."""
        twin, text, repeats = self._twin, self.sequences.text().strip(), self.repeats.value()
        if twin is None:
            return
        out = self._library.new_path("rec")

        def start(stop: Callable[[], bool]) -> Iterator[Event]:
            sequences, window, reset = sequences_from(text, repeats, "simulate")
            asked = {
                "twin_path": twin, "sequences": sequences, "repeats": repeats, "out": out,
                "window": window, "reset": reset,
            }  # fmt: skip
            return in_child("app.operations.simulate.simulate", asked, stop)

        self._shell.run(JobSpec(self._page, "Simulating", out.name, start, hardware=False))

"""A button with a menu of ticks: any number of twins or kinds of network, on one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QMenu, QPushButton, QSizePolicy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PyQt6.QtGui import QAction


class TicksButton(QPushButton):
    """`chosen` holds the values that are ticked; `kept` can't be taken away.

    `words`: what it says of none, and of so many (`{}`).
    """

    changed = pyqtSignal()

    def __init__(
        self, name: str, tip: str, words: tuple[str, str], chosen: Sequence[Any] = (),
        kept: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.setAccessibleName(name)
        self.setToolTip(tip)
        self.setMenu(QMenu(self))
        self.setFixedHeight(28)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._words, self._kept = words, kept
        self.chosen: list[Any] = list(chosen)
        self._actions: list[tuple[Any, QAction]] = []
        self._say()

    def offer(self, items: Sequence[tuple[str, Any]]) -> None:
        """Values to tick; those that are ticked stay so where they are still there."""
        menu = self.menu()
        if menu is None:
            return
        menu.clear()
        self._actions = []
        values = [value for _, value in items]
        self.chosen = [value for value in self.chosen if value in values]
        for text, value in items:
            action = menu.addAction(text)
            if action is None:
                continue
            action.setCheckable(True)
            action.setChecked(value in self.chosen)
            action.setEnabled(value != self._kept)
            action.toggled.connect(lambda on, one=value: self._toggle(one, on))
            self._actions.append((value, action))
        self._say()

    def choose(self, values: Sequence[Any]) -> None:
        """Tick these of what is offered, and no others."""
        for value, action in self._actions:
            action.setChecked(value in values)

    def _toggle(self, value: Any, on: bool) -> None:
        self.chosen = [one for one in self.chosen if one != value] + ([value] if on else [])
        self._say()
        self.changed.emit()

    def _say(self) -> None:
        none, some = self._words
        self.setText(some.format(len(self.chosen)) if self.chosen else none)

"""Which channel is looked at: names side by side where they are few, else in a list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from app.gui.widgets.basic import Choice
from app.gui.widgets.segments import Segments
from models.channel_words import MANY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.gui.theme import Theme

EVERY = -1  # in place of a channel's number: all of them, as a map
LIST_PX, MOST_LIST_PX, MOST_PX = 100, 170, 300
LEAST_PX, LETTER_PX, EDGE_PX = 36, 9, 12  # of a name side by side with others


class Channels(QWidget):
    """Every channel of a device by name; `chosen` tells the number of one that is picked.

    `every`: what comes before the names of many, to look at all of them: then the number is
    `EVERY`. Empty: one is looked at always.
    """

    chosen = pyqtSignal(int)

    def __init__(self, theme: Theme, every: str = "") -> None:
        super().__init__()
        self._every, self._count = every, 0
        self.few, self.many = Segments(theme, (), "Channel"), Choice(theme, (), "Channel")
        self.many.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for widget in (self.few, self.many):
            row.addWidget(widget)
            widget.hide()
        self.few.chosen.connect(self.chosen.emit)
        self.many.currentIndexChanged.connect(lambda _: self.chosen.emit(self.value))

    @property
    def count(self) -> int:
        """Channels that are offered."""
        return self._count

    @property
    def value(self) -> int:
        """The number of the chosen one; 0 where none is offered."""
        return int((self.many.currentData() if self.count > MANY else self.few.value) or 0)

    def offer(self, names: Sequence[str]) -> None:
        """Replace the channels, telling nobody; the chosen one stays where it is still there."""
        before = EVERY if self._every and self._count <= MANY < len(names) else self.value
        self.blockSignals(True)
        items = [(name, number) for number, name in enumerate(names)]
        self._count = len(items)
        self.few.offer(items)
        self.many.offer([(self._every, EVERY), *items] if self._every else items)
        self.few.setVisible(len(names) <= MANY)
        self.many.setVisible(len(names) > MANY)
        wanted = LETTER_PX * max(map(len, names), default=0) + EDGE_PX
        listed = max(wanted, LETTER_PX * len(self._every) + EDGE_PX, LIST_PX)
        self.many.setFixedWidth(min(listed, MOST_LIST_PX))
        each = max(LEAST_PX, min(wanted, MOST_PX // max(1, len(names))))
        self.few.setFixedWidth(each * max(1, len(names)))
        self.choose(before)
        self.blockSignals(False)

    def choose(self, number: int) -> None:
        """Choose a channel by its number; one that isn't there changes nothing."""
        (self.many if self.count > MANY else self.few).choose(number)

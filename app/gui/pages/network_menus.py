"""Buttons with menus, on one line each: any number of ticks; a twin for each layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtGui import QActionGroup
from PyQt6.QtWidgets import QMenu, QPushButton, QSizePolicy

from app.gui.offered import Item, with_gone
from app.gui.words import tool_tip

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from app.gui.offered import Offered


class TicksButton(QPushButton):
    """`chosen` holds the values that are ticked; `kept` can't be taken away.

    `words`: what it says of none, and of so many (`{}`). What is ticked and damaged or gone by now
    stays so, marked, until it is unticked: `lost` tells.
    """

    changed = pyqtSignal()

    def __init__(
        self, name: str, tip: str, words: tuple[str, str], chosen: Sequence[Any] = (),
        kept: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.setAccessibleName(name)
        self.setToolTip(tip)
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        self.setMenu(menu)
        self.setFixedHeight(28)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._words, self._kept = words, kept
        self.chosen: list[Any] = list(chosen)
        self._items: list[Item] = []
        self._say()

    def offer(self, items: Sequence[Offered]) -> None:
        """Values to tick; those that are ticked stay so."""
        self._items = with_gone(items, self.chosen, self._items)
        values = [one.value for one in self._items]
        self.chosen = [value for value in self.chosen if value in values]
        self._build()

    def choose(self, values: Sequence[Any]) -> None:
        """Tick these, also what is still to be offered, and no others."""
        self.chosen = list(values)
        self._items = _with(self._items, values)
        self._build()
        self.changed.emit()

    @property
    def lost(self) -> list[Item]:
        """What is ticked and can't be used any more."""
        return [one for one in self._items if one.fault and one.value in self.chosen]

    def _build(self) -> None:
        menu = self.menu()
        if menu is None:
            return
        menu.clear()
        for item in self._items:
            value, action = item.value, menu.addAction(item.entry)
            if action is None:
                continue
            action.setCheckable(True)
            action.setChecked(value in self.chosen)
            barred = bool(item.fault) and value not in self.chosen
            action.setEnabled(value != self._kept and not barred)
            action.setToolTip(tool_tip(item.fault))
            action.toggled.connect(lambda on, one=value: self._toggle(one, on))
        self._say()

    def _toggle(self, value: Any, on: bool) -> None:
        self.chosen = [one for one in self.chosen if one != value] + ([value] if on else [])
        self._say()
        self.changed.emit()

    def _say(self) -> None:
        none, some = self._words
        self.setText(some.format(len(self.chosen)) if self.chosen else none)


class LayerTwins(QPushButton):
    """The twin of each layer, such as a nanoring's beside a spin-vortex ice's; else the usual one.

    `changed` when another is chosen. One that is damaged or gone by now stays a layer's, marked,
    until another is chosen: `lost` tells.
    """

    changed = pyqtSignal()
    MOST_LAYERS = 12

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Twins by layer")
        self.setToolTip(
            "A layer may have nodes of another device: its own twin, and its own bench when the "
            "network is deployed"
        )
        self._menu = QMenu(self)
        self.setMenu(self._menu)
        self.setFixedHeight(28)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._items: list[Item] = []
        self._layers = 0
        self._own: dict[int, Any] = {}
        self._say()

    def offer(self, items: Sequence[Offered]) -> None:
        """Twins to choose from; what was chosen stays."""
        self._items = with_gone(items, self._own.values(), self._items)
        self._build()

    def show_layers(self, layers: int) -> None:
        """Another number of layers."""
        if layers != self._layers:
            self._layers = layers
            self._build()

    def choose(self, layer: int, twin: Any) -> None:
        """Give a layer (counted from 0) its own twin; None: the usual one."""
        others = {at: one for at, one in self._own.items() if at != layer}
        self.choose_all(others if twin is None else {**others, layer: twin})

    def choose_all(self, own: Mapping[int, Any]) -> None:
        """Give these layers their own twin, all others the usual one."""
        self._own = dict(own)
        self._items = _with(self._items, own.values())
        self._build()
        self.changed.emit()

    def twins(self, usual: Any) -> tuple[Any, ...]:
        """The twin of each layer; none where all have the usual one."""
        made = tuple(self._own.get(layer, usual) for layer in range(self._layers))
        return made if any(twin != usual for twin in made) else ()

    def _build(self) -> None:
        self._menu.clear()
        for layer in range(min(self._layers, self.MOST_LAYERS)):
            below = self._menu.addMenu(f"Layer {layer + 1}")
            if below is None:
                continue
            group = QActionGroup(below)
            below.setToolTipsVisible(True)
            for item in (Item("the usual one", None), *self._items):
                twin, action = item.value, below.addAction(item.entry)
                if action is None:
                    continue
                action.setCheckable(True)
                action.setActionGroup(group)
                action.setChecked(self._own.get(layer) == twin)
                action.setEnabled(not item.fault)
                action.setToolTip(tool_tip(item.fault))
                action.triggered.connect(lambda _, a=layer, b=twin: self.choose(a, b))
        self._say()

    def _say(self) -> None:
        own = self.own
        self.setText(f"{own} of {self._layers} another" if own else "all the usual one")

    @property
    def own(self) -> int:
        """How many layers have another twin than the usual one."""
        return sum(layer < self._layers for layer in self._own)

    @property
    def lost(self) -> list[Item]:
        """What layers have and can't be used any more."""
        used = [twin for layer, twin in self._own.items() if layer < self._layers]
        return [one for one in self._items if one.fault and one.value in used]


def _with(items: Sequence[Item], values: Iterable[Any]) -> list[Item]:
    """Items, and behind them values that aren't offered (yet), under the names of their paths."""
    offered = [one.value for one in items]
    others = (value for value in dict.fromkeys(values) if value not in offered)
    return [*items, *(Item(getattr(one, "name", str(one)), one) for one in others)]

"""Buttons with menus, on one line each: any number of ticks; a twin for each layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtGui import QActionGroup
from PyQt6.QtWidgets import QMenu, QPushButton, QSizePolicy

from app.gui.offered import Item
from app.gui.words import tool_tip

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from PyQt6.QtGui import QAction

    from app.gui.offered import Offered


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
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        self.setMenu(menu)
        self.setFixedHeight(28)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._words, self._kept = words, kept
        self.chosen: list[Any] = list(chosen)
        self._wanted: list[Any] = []  # to be ticked once it is offered
        self._actions: list[tuple[Any, QAction]] = []
        self._say()

    def offer(self, items: Sequence[Offered]) -> None:
        """Values to tick; those that are ticked stay so where they are still there, and whole."""
        menu = self.menu()
        if menu is None:
            return
        menu.clear()
        self._actions = []
        every = [Item(*one) for one in items]
        values = [one.value for one in every if not one.fault]
        chosen = dict.fromkeys((*self.chosen, *self._wanted))
        self.chosen = [value for value in chosen if value in values]
        self._wanted = [value for value in self._wanted if value not in values]
        for item in every:
            value, action = item.value, menu.addAction(item.entry)
            if action is None:
                continue
            action.setCheckable(True)
            action.setChecked(value in self.chosen)
            action.setEnabled(value != self._kept and not item.fault)
            action.setToolTip(tool_tip(item.fault))
            action.toggled.connect(lambda on, one=value: self._toggle(one, on))
            self._actions.append((value, action))
        self._say()

    def choose(self, values: Sequence[Any]) -> None:
        """Tick these, also what is still to be offered, and no others."""
        offered = [value for value, _ in self._actions]
        self._wanted = [value for value in values if value not in offered]
        for value, action in self._actions:
            action.setChecked(value in values)

    def _toggle(self, value: Any, on: bool) -> None:
        self.chosen = [one for one in self.chosen if one != value] + ([value] if on else [])
        self._say()
        self.changed.emit()

    def _say(self) -> None:
        none, some = self._words
        self.setText(some.format(len(self.chosen)) if self.chosen else none)


class LayerTwins(QPushButton):
    """The twin of each layer, such as a nanoring's beside a spin-vortex ice's; else the usual one.

    `changed` when another is chosen.
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
        """Twins to choose from; what was chosen stays where it is still there, and whole."""
        self._items = [Item(*one) for one in items]
        known = [one.value for one in self._items if not one.fault]
        self._own = {layer: twin for layer, twin in self._own.items() if twin in known}
        self._build()

    def show_layers(self, layers: int) -> None:
        """Another number of layers."""
        if layers != self._layers:
            self._layers = layers
            self._build()

    def choose(self, layer: int, twin: Any) -> None:
        """Give a layer (counted from 0) its own twin; None: the usual one."""
        self._own.pop(layer, None)
        if twin is not None:
            self._own[layer] = twin
        self._build()
        self.changed.emit()

    def choose_all(self, own: Mapping[int, Any]) -> None:
        """Give these layers their own twin, all others the usual one."""
        self._own = dict(own)
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

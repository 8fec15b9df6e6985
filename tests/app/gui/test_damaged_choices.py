"""Twins and networks that are damaged are marked where they are chosen, and can't be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from artefact_samples import network, twin
from PyQt6.QtCore import Qt

from app.gui.offered import Item
from app.gui.pages.network_menus import LayerTwins, TicksButton
from app.gui.widgets.basic import Choice
from app.store import save_network, save_twin

if TYPE_CHECKING:
    from pathlib import Path

WAIT_MS = 60_000
WHY = "weights.safetensors is not the file that was written: damaged or exchanged"
TIP = Qt.ItemDataRole.ToolTipRole


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A whole twin and network; the newest ones damaged."""
    folder = tmp_path / "library"
    for name in ("a-whole", "z-damaged"):
        save_twin(folder / f"twin-{name}", twin())
        save_network(folder / f"net-{name}", network())
        if name == "z-damaged":
            for kind in ("twin", "net"):
                weights = folder / f"{kind}-{name}" / "weights.safetensors"
                weights.write_bytes(weights.read_bytes()[:-8] + b"01234567")
    return folder


def offered(choice: Choice, name: str) -> int:
    """Where a name stands among the choices; -1 while it isn't offered."""
    return choice.findText(f"{name}, damaged")


def barred(choice: Choice, name: str) -> bool:
    index = offered(choice, name)
    model = choice.model()
    assert model is not None
    return not model.flags(model.index(index, 0)) & Qt.ItemFlag.ItemIsEnabled


@pytest.mark.parametrize(
    ("page", "choices"),
    [
        ("deploy", {"choice": "net"}),
        ("network", {"rows.twin": "twin", "rows.origin": "net"}),
        ("twin", {"rows.origin": "twin", "rows.first": "twin", "rows.second": "twin"}),
        ("record", {"rows.network": "net"}),
    ],
)
def test_a_damaged_one_is_marked_and_says_why(make_window, qtbot, library, page, choices) -> None:
    window = make_window(page=page)
    shown = window.pages[page]
    for path, kind in choices.items():
        choice: Choice = shown
        for name in path.split("."):
            choice = getattr(choice, name)
        qtbot.waitUntil(lambda c=choice, k=kind: offered(c, f"{k}-z-damaged") >= 0, timeout=WAIT_MS)
        assert barred(choice, f"{kind}-z-damaged")
        assert choice.itemData(offered(choice, f"{kind}-z-damaged"), TIP) == WHY
        assert choice.findText(f"{kind}-a-whole") >= 0
        assert "damaged" not in choice.currentText()
        assert not choice.choose(choice.itemData(offered(choice, f"{kind}-z-damaged")))


def test_what_is_damaged_after_it_was_chosen_stays_and_is_told(theme, qtbot) -> None:
    """No other one takes its place unasked."""
    choice = Choice(theme, [("one", 1), ("two", 2)])
    qtbot.addWidget(choice)
    choice.choose(2)
    choice.offer([Item("one", 1), Item("two", 2, WHY)])
    assert (choice.currentData(), choice.fault) == (2, WHY)
    choice.choose(1)
    assert choice.fault == ""
    assert not choice.choose(2)
    choice.offer([Item("one", 1, WHY)])
    assert (choice.currentData(), choice.fault) == (1, WHY)
    fresh = Choice(theme, [Item("one", 1, WHY)])
    qtbot.addWidget(fresh)
    assert fresh.currentData() is None


def test_in_menus_it_is_marked_and_not_ticked_either(qtbot) -> None:
    items = [Item("one", 1), Item("two", 2, WHY)]
    ticks, layers = TicksButton("Twins", "", ("none", "{} more"), (1, 2)), LayerTwins()
    for button in (ticks, layers):
        qtbot.addWidget(button)
        button.offer(items)
    layers.show_layers(1)
    assert ticks.chosen == [1]
    below = layers.menu().actions()[0].menu()
    for action in (ticks.menu().actions()[-1], below.actions()[-1]):
        assert (action.text(), action.isEnabled()) == ("two, damaged", False)
        assert action.toolTip() == WHY

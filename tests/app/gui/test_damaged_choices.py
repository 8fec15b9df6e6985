"""Twins and networks that are damaged or gone are marked where they are chosen, and can't be."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

import pytest
from artefact_samples import network, twin
from PyQt6.QtCore import Qt

from app.gui.offered import GONE, Item
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
        (
            "twin",
            {"rows.fit.origin": "twin", "rows.beside.first": "twin", "rows.beside.second": "twin"},
        ),
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


def test_what_is_gone_after_it_was_chosen_stays_and_is_told(theme, qtbot) -> None:
    choice = Choice(theme, [("one", 1), Item("two", 2, about="newest")])
    qtbot.addWidget(choice)
    choice.choose(2)
    for _ in range(2):
        choice.offer([("one", 1)], keep=True)
        assert (choice.currentData(), choice.currentText()) == (2, "two, gone")
        assert choice.fault == choice.itemData(1, TIP) == GONE
    choice.offer([("one", 1), ("two", 2)], keep=True)
    assert (choice.currentText(), choice.fault) == ("two", "")
    choice.choose(1)
    choice.offer([("one", 1)], keep=True)
    assert choice.count() == 1


@pytest.mark.parametrize(
    ("page", "path", "kind"),
    [
        ("deploy", "choice", "net"),
        ("network", "rows.twin", "twin"),
        ("network", "rows.origin", "net"),
        ("twin", "rows.fit.origin", "twin"),
        ("record", "rows.network", "net"),
    ],
)
def test_a_page_goes_to_no_other_one_when_the_chosen_one_is_gone(
    make_window, qtbot, library, page, path, kind
) -> None:
    """Somebody else threw it away: what was pressed took another one, or began from nothing."""
    save_twin(library / "twin-other", twin())
    save_network(library / "net-other", network())
    window = make_window(page=page)
    shown = window.pages[page]
    choice: Choice = attrgetter(path)(shown)
    qtbot.waitUntil(lambda: choice.findText(f"{kind}-a-whole") >= 0, timeout=WAIT_MS)
    choice.setCurrentIndex(choice.findText(f"{kind}-a-whole"))
    if page == "deploy":
        qtbot.waitUntil(lambda: shown.network is not None, timeout=WAIT_MS)
    (library / f"{kind}-a-whole").rename(library.parent / "elsewhere")
    shown.refresh()
    qtbot.waitUntil(lambda: choice.currentText() == f"{kind}-a-whole, gone", timeout=WAIT_MS)
    primary = shown.form.primary
    if page in ("deploy", "network"):
        qtbot.waitUntil(lambda: "is gone: choose another" in primary.cost, timeout=WAIT_MS)
        assert not primary.isEnabled()
    if page == "twin":
        assert shown.rows.lost == "the twin is gone: choose another"
    if page == "network" and kind == "twin":
        assert shown.rows.note.text() == ""


def test_a_fit_that_goes_on_is_not_called_gone(make_window, tmp_path) -> None:
    """It is no longer among what ended early, and no twin yet."""
    rows = make_window(page="twin").page().rows
    rows.offer_twins((), [tmp_path])
    assert rows.fit.origin.choose(tmp_path)
    rows.offer_twins(())
    assert (rows.fit.origin.currentData(), rows.fit.origin.fault, rows.lost) == (None, "", "")


def test_in_menus_it_is_marked_and_not_ticked_either(qtbot) -> None:
    items = [Item("one", 1), Item("two", 2, WHY)]
    ticks, layers = TicksButton("Twins", "", ("none", "{} more"), (1,)), LayerTwins()
    for button in (ticks, layers):
        qtbot.addWidget(button)
        button.offer(items)
    layers.show_layers(1)
    assert ticks.chosen == [1]
    below = layers.menu().actions()[0].menu()
    for action in (ticks.menu().actions()[-1], below.actions()[-1]):
        assert (action.text(), action.isEnabled()) == ("two, damaged", False)
        assert action.toolTip() == WHY


@pytest.mark.parametrize(
    ("items", "said", "why"),
    [([Item("one", 1)], "two, gone", GONE), ([Item("one", 1), Item("two", 2, WHY)], "two, damaged",
                                             WHY)],
)  # fmt: skip
def test_what_menus_had_ticked_stays_marked_until_it_is_taken_away(qtbot, items, said, why) -> None:
    """`1 more` became `none`, a layer's own twin the usual one."""
    ticks, layers = TicksButton("Twins", "", ("none", "{} more")), LayerTwins()
    for button in (ticks, layers):
        qtbot.addWidget(button)
        button.offer([Item("one", 1), Item("two", 2, about="newest")])
    layers.show_layers(2)
    ticks.choose([2])
    layers.choose(1, 2)
    for _ in range(2):
        for button in (ticks, layers):
            button.offer(items)
            assert [(one.words, one.fault) for one in button.lost] == [(said, why)]
        assert (ticks.chosen, ticks.text()) == ([2], "1 more")
        assert (layers.twins(1), layers.text()) == ((1, 2), "1 of 2 another")
    action = ticks.menu().actions()[-1]
    assert (action.text(), action.isChecked(), action.isEnabled()) == (said, True, True)
    action.trigger()
    assert (ticks.chosen, ticks.lost) == ([], [])
    layers.show_layers(1)
    assert layers.lost == []  # no layer has it
    layers.show_layers(2)
    layers.choose(1, None)
    assert (layers.twins(1), layers.lost) == ((), [])
    for button in (ticks, layers):
        button.offer(items[:1])
        assert said not in str([one.words for one in button._items])


def test_what_is_ticked_before_it_is_offered_is_asked_for_at_once(qtbot, tmp_path) -> None:
    """As Run again does before the page has read the library."""
    twin, ticks = tmp_path / "twin-a", TicksButton("Twins", "", ("none", "{} more"))
    qtbot.addWidget(ticks)
    ticks.choose([twin])
    assert (ticks.chosen, ticks.lost) == ([twin], [])
    ticks.offer([Item("twin-a", twin, about="newest")])
    assert (ticks.chosen, ticks.lost) == ([twin], [])
    assert [one.text() for one in ticks.menu().actions()] == ["twin-a\tnewest"]
    ticks.offer([])
    assert [one.words for one in ticks.lost] == ["twin-a, gone"]


def test_no_network_is_trained_with_another_twin_than_was_chosen_for_a_layer_or_beside(
    make_window, qtbot, library
) -> None:
    other, away = library / "twin-other", library.parent / "elsewhere"
    save_twin(other, twin())
    page = make_window(page="network", connected=False).page()
    rows, primary = page.rows, page.form.primary
    qtbot.waitUntil(lambda: rows.twin.choose(library / "twin-a-whole"), timeout=WAIT_MS)
    qtbot.waitUntil(lambda: rows.task.count() > 5, timeout=WAIT_MS)

    def said_when_gone() -> str:
        page.show_cost()
        assert primary.isEnabled(), primary.cost
        other.rename(away)
        page.refresh()
        qtbot.waitUntil(lambda: not primary.isEnabled(), timeout=WAIT_MS)
        return str(primary.cost)

    rows.layer_twins.choose(1, other)
    assert said_when_gone() == "twin-other, gone: choose another twin for its layer"
    assert rows.layer_twins.text() == "1 of 3 another"
    rows.layer_twins.choose(1, None)
    away.rename(other)
    page.refresh()
    qtbot.waitUntil(lambda: other in rows.twin_heads, timeout=WAIT_MS)
    rows.ensemble.choose([other])
    assert said_when_gone() == "twin-other, gone: untick it"
    assert rows.ensemble.text() == "1 more"
    rows.ensemble.choose([])
    qtbot.waitUntil(primary.isEnabled, timeout=WAIT_MS)

"""Lists of twins and networks tell what each of them is: ids alone tell nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from artefact_samples import network, twin
from PyQt6.QtWidgets import QApplication

from app.gui.offered import about
from app.gui.widgets.choice_list import ABOUT_ROLE
from app.library.library import Library
from app.library.note import write_note
from app.store import save_network, save_twin

if TYPE_CHECKING:
    from pathlib import Path

    from app.gui.widgets.basic import Choice

WAIT_MS = 60_000


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A twin with a note, one without, and a network."""
    folder = tmp_path / "library"
    for name in ("a", "b"):
        save_twin(folder / f"twin-{name}", twin())
    write_note(folder / "twin-a", "sample B & <cold>\nat 80 K")
    save_network(folder / "net-a", network())
    return folder


def said_of(choice: Choice, name: str) -> str:
    return str(choice.itemData(choice.findText(name), ABOUT_ROLE))


def test_a_twin_by_its_note_its_bench_and_its_floor_a_network_by_its_score(
    make_window, qtbot, library
) -> None:
    window = make_window(page="network")
    rows = window.pages["network"].rows
    qtbot.waitUntil(lambda: rows.twin.findText("twin-a") >= 0, timeout=WAIT_MS)
    noted, other = (said_of(rows.twin, name) for name in ("twin-a", "twin-b"))
    assert noted.startswith("sample B & <cold> · ")
    assert "80 K" not in noted
    assert "sample B" not in other
    assert other.endswith(("not scored", "of the floor"))
    assert "foreseen" in said_of(rows.origin, "net-a")
    menu = rows.ensemble.menu()
    assert any("\tsample B && <cold>" in one.text() for one in menu.actions())
    rows.twin.choose(library / "twin-a")
    rows.twin.grab()
    assert "sample B &amp; &lt;cold&gt;" in rows.twin.toolTip()


def test_what_is_said_stands_behind_the_widest_name(make_window, qtbot, library) -> None:
    choice = make_window(page="network").pages["network"].rows.twin
    qtbot.waitUntil(lambda: choice.findText("twin-a") >= 0, timeout=WAIT_MS)
    narrow = choice.view().sizeHintForColumn(0)
    choice.showPopup()
    QApplication.processEvents()
    assert choice.view().minimumWidth() > narrow
    choice.hidePopup()


@pytest.mark.parametrize("head", [{}, {"meta": 3}, {"meta": {}, "errors": 4}, {"task": 1}])
def test_a_head_that_lacks_what_is_told_is_listed_all_the_same(tmp_path, head) -> None:
    save_twin(tmp_path / "twin-a", twin())
    (one,) = Library(tmp_path).checked("twin")
    for kind in ("twin", "net"):
        assert about(type(one)(one.path, kind, one.changed_s, head)).startswith(one.when)

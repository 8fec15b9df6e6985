from __future__ import annotations

import pytest
from PyQt6.QtWidgets import QMenu, QWidget

from app.gui.actions import ACTIONS, PAGES, make_actions, shortcut_sheet
from models.errors import InputError


def handlers() -> dict[str, object]:
    return {info.id: lambda: None for info in ACTIONS}


def test_no_two_actions_share_a_key() -> None:
    keys = [key for info in ACTIONS for key in (info.key, info.also) if key]
    assert len(keys) == len(set(keys))


def test_pages_have_ctrl_and_their_number() -> None:
    by_id = {info.id: info.key for info in ACTIONS}
    assert [by_id[f"page.{key}"] for key, _ in PAGES] == [f"Ctrl+{n}" for n in range(1, 8)]
    assert by_id["stop"] == "Ctrl+."


def test_an_unknown_handler_is_named_with_what_was_meant(qtbot) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    with pytest.raises(InputError, match=r"did you mean.*stop"):
        make_actions(parent, {**handlers(), "stopp": lambda: None}, QMenu(parent))


def test_an_action_without_handler_is_refused(qtbot) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    few = handlers()
    del few["quit"]
    with pytest.raises(InputError, match="no handler for quit"):
        make_actions(parent, few, QMenu(parent))


def test_the_sheet_lists_every_key() -> None:
    sheet = dict(shortcut_sheet())
    for info in ACTIONS:
        if info.key:
            keys = f"{info.key} or {info.also}" if info.also else info.key
            assert sheet[keys] == info.text

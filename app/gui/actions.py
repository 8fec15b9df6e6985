"""Actions as data: what the window can do, its keys, and where it stands in the menu."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QAction, QKeySequence

from models.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from PyQt6.QtWidgets import QMenu, QWidget


@dataclass(frozen=True)
class ActionInfo:
    """One action: its id, its words, its key, and whether a separator stands before it."""

    id: str
    text: str
    key: str = ""
    separated: bool = False


PAGES = (
    ("bench", "Bench"),
    ("monitor", "Monitor"),
    ("record", "Record"),
    ("twin", "Twin"),
    ("network", "Network"),
    ("deploy", "Deploy"),
    ("library", "Library"),
)
ACTIONS = (
    ActionInfo("stop", "Stop and make safe", "Ctrl+."),
    ActionInfo("pause", "Pause after this repeat, or go on", "Ctrl+P"),
    ActionInfo("reconnect", "Reconnect the bench"),
    *(
        ActionInfo(f"page.{key}", name, f"Ctrl+{n}", separated=n == 1)
        for n, (key, name) in enumerate(PAGES, start=1)
    ),
    ActionInfo("page.calibrate", "Calibrate a magnet"),
    ActionInfo("page.bench_draft", "New bench file"),
    ActionInfo("page.import_data", "Import measured repeats"),
    ActionInfo("page.log", "Log", "F8"),
    ActionInfo("copy", "Copy plots", "Ctrl+Shift+C", separated=True),
    ActionInfo("theme.light", "Light", separated=True),
    ActionInfo("theme.dark", "Dark"),
    ActionInfo("theme.system", "As the system"),
    ActionInfo("shortcuts", "Keyboard shortcuts", "F1", separated=True),
    ActionInfo("quit", "Quit", "Ctrl+Q"),
)


def make_actions(
    parent: QWidget, handlers: Mapping[str, Callable[[], None]], menu: QMenu
) -> dict[str, QAction]:
    """Qt actions of the table, in the menu and with their keys in force everywhere in the window.

    Raises
    ------
    InputError
        A handler for an action that is not in the table, or an action without a handler.
    """
    known = [info.id for info in ACTIONS]
    for name in handlers:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise InputError(f"action {name!r} is unknown; did you mean {near}?")
    missing = [name for name in known if name not in handlers]
    if missing:
        raise InputError(f"no handler for {', '.join(missing)}")
    made = {}
    for info in ACTIONS:
        action = QAction(info.text, parent)
        if info.key:
            action.setShortcut(QKeySequence(info.key))
            action.setShortcutContext(Qt.ShortcutContext.ApplicationShortcut)
        action.triggered.connect(lambda _=False, name=info.id: handlers[name]())
        if info.separated:
            menu.addSeparator()
        menu.addAction(action)
        parent.addAction(action)
        made[info.id] = action
    return made


def shortcut_sheet() -> str:
    """The table's keys, one a line."""
    lines = [f"{info.key:<14} {info.text}" for info in ACTIONS if info.key]
    return "\n".join([*lines, f"{'Esc':<14} Stop, where no entry or list has the focus"])

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
    """One action: its id, words, key, a second key, and whether a separator stands before it."""

    id: str
    text: str
    key: str = ""
    also: str = ""
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
    ActionInfo("page.serve", "Serve a virtual rig"),
    ActionInfo("page.import_data", "Import measured repeats"),
    ActionInfo("page.log", "Log", "F8"),
    ActionInfo("page.settings", "Settings", "Ctrl+,"),
    ActionInfo("copy", "Copy plots", "Ctrl+Shift+C", separated=True),
    ActionInfo("theme.light", "Light", separated=True),
    ActionInfo("theme.dark", "Dark"),
    ActionInfo("theme.system", "As the system"),
    ActionInfo("page.welcome", "Choose a bench", separated=True),
    ActionInfo("guide", "A first run in two minutes"),
    ActionInfo("page.demo", "Demo with a report"),
    ActionInfo("page.keys", "Keyboard shortcuts", "F1", "?"),
    ActionInfo("page.words", "What the words mean", "Shift+F1"),
    ActionInfo("problem", "Report a problem"),
    ActionInfo("quit", "Quit", "Ctrl+Q"),
)
OTHER_KEYS = (
    ("Esc", "Stop, where no entry or list has the focus"),
    ("Tab, Shift+Tab", "The next control, the one before"),
    ("Space", "Press the button, tick the box"),
    ("← →", "Choose among buttons side by side"),
    ("Menu or Shift+F10", "In a plot: copy it, save it as PNG, SVG or CSV"),
    ("↑ ↓, Return", "In the Library, in tables: choose a row, open it"),
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
            keys = [key for key in (info.key, info.also) if key]
            action.setShortcuts([QKeySequence(key) for key in keys])
            action.setShortcutContext(Qt.ShortcutContext.ApplicationShortcut)
        action.triggered.connect(lambda _=False, name=info.id: handlers[name]())
        if info.separated:
            menu.addSeparator()
        menu.addAction(action)
        parent.addAction(action)
        made[info.id] = action
    return made


def shortcut_sheet() -> list[tuple[str, str]]:
    """The table's keys and what they do, and the keys that no action has."""
    rows = [
        (f"{info.key} or {info.also}" if info.also else info.key, info.text)
        for info in ACTIONS
        if info.key
    ]
    return [*rows, *OTHER_KEYS]

"""The Settings page: look, bench, folders, and the way to report a problem."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PyQt6.QtWidgets import QVBoxLayout, QWidget

from app.artefacts import code_version
from app.config import settings_path
from app.gui.background import Latest
from app.gui.pages.page import Page
from app.gui.widgets.basic import label
from app.gui.widgets.offer import OfferButton
from app.gui.widgets.segments import Segments
from app.menu_entry import has_entry, put_entry, take_entry
from models.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.gui.pages.shell import Shell

COLUMN_PX = 440
LOOKS = (("Light", "light"), ("Dark", "dark"), ("System", "system"))
PUT = ("Put Twinrig in the system's menu", "it opens this window without a terminal")
TAKE = ("Take Twinrig out of the system's menu", "it opens this window from there")
PALETTE = (
    "Colours are those of Okabe and Ito, made to be told apart with every kind of colour vision; "
    "each has one meaning: blue what is applied, vermillion (orange on dark) what the device "
    "answers, green and dashed what the twin says. No state is told by colour alone."
)


class SettingsPage(Page):
    """What is kept for the next start, and where."""

    key, name = "settings", "Settings"

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell, "Settings", "kept for the next start")
        self.form.section("Look")
        self.look = Segments(self.theme, LOOKS, "Look")
        self.look.value = self.theme.mode
        self.look.chosen.connect(shell.set_theme)
        self.theme.changed.connect(self._themed)
        self.form.row("Look", self.look)
        self.form.widget(label(PALETTE, "note", wrap=True))
        self.form.section("Places")
        self.bench = self.form.fact("Bench")
        self.library = self.form.fact("Library", str(self.session.library.folder))
        self.file = self.form.fact("Settings", str(settings_path()))
        self.version = self.form.fact("Version")
        self._version = Latest(self)
        self._version.done.connect(lambda words, _: self.version.setText(words or ""))
        self.form.primary.say("Report a problem", "a file without names, places or serial numbers")
        self.copy_button.hide()
        self.say("Settings", "forms, window and page come back by themselves")
        column = QWidget()
        column.setMaximumWidth(COLUMN_PX)
        rows = QVBoxLayout(column)
        rows.setContentsMargins(0, 8, 0, 0)
        rows.setSpacing(12)
        for text, note, key in (
            ("Choose a bench", "the virtual rig, a bench file, a new one", "welcome"),
            ("Keyboard shortcuts", "every key on one page", "keys"),
            ("What the words mean", "errors, floors, objectives, baselines", "words"),
            ("Log", "everything that was said since the start", "log"),
        ):
            offer = OfferButton(self.theme, text, note)
            offer.clicked.connect(lambda _=False, key=key: shell.open_page(key))
            rows.addWidget(offer)
        self.menu = OfferButton(self.theme, *PUT)
        self.menu.hide()  # until it is known what is there; on macOS for ever
        self.menu.clicked.connect(self._menu_pressed)
        rows.addWidget(self.menu)
        self._menu = Latest(self)
        self._menu.done.connect(self._menu_told)
        self._is_in_menu = False
        self.body.addWidget(column)
        self.body.addStretch(1)

    def _themed(self) -> None:
        self.look.value = self.theme.mode
        self.look.update()

    def refresh(self) -> None:
        self.bench.setText(self.session.spec.name)
        self._version.ask(code_version)
        self._menu.ask(has_entry)

    def _menu_pressed(self) -> None:
        self._menu.ask(partial(_changed, take_entry if self._is_in_menu else put_entry))

    def _menu_told(self, is_in: bool | None, error: Exception | None) -> None:
        if isinstance(error, InputError):  # a system without such a menu
            return
        if error is not None:
            self.shell.toast(str(error), "error")
            return
        self._is_in_menu = bool(is_in)
        self.menu.say(*(TAKE if is_in else PUT))
        self.menu.show()

    def press(self) -> None:
        self.shell.report_problem()


def _changed(change: Callable[[], object]) -> bool:
    """Whether the entry is there after a change."""
    change()
    return has_entry()

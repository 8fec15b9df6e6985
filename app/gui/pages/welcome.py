"""The first start: no bench yet; the virtual rig, a bench file to write or open, a first run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtWidgets import QFileDialog, QVBoxLayout, QWidget

from app.gui.pages.page import Page
from app.gui.widgets.basic import label
from app.gui.widgets.file_dialog import beside
from app.gui.widgets.offer import OfferButton

if TYPE_CHECKING:
    from app.gui.pages.shell import Shell

COLUMN_PX = 440


class WelcomePage(Page):
    """One sentence and the buttons that fill the window."""

    key, name = "welcome", "Choose a bench"

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell, "Bench", "which rig this window speaks to")
        self.form.section("What a bench is")
        for words in (
            "A bench file names the rig's instruments, their limits and interlocks, the field "
            "window and the reset. Everything in this window works on one bench.",
            "The virtual rig is simulated below the wire: its instruments answer the commands "
            "that real ones do, so what works there works the same way on a bench.",
        ):
            self.form.widget(label(words, "note", wrap=True))
        self.form.primary.say("Use the virtual rig", "a nanoring array; nothing to wire")
        self.copy_button.hide()
        column = QWidget()
        column.setMaximumWidth(COLUMN_PX)
        rows = QVBoxLayout(column)
        rows.setContentsMargins(0, 8, 0, 0)
        rows.setSpacing(12)
        self.virtual = self._offer(
            rows, "Use the virtual rig", "a nanoring array; nothing to wire", shell.use_virtual
        )
        self.guided = self._offer(
            rows, "A first run in two minutes",
            "record, fit, train, deploy on the virtual rig; leave it at any time",
            shell.start_guide,
        )  # fmt: skip
        self.demo = self._offer(
            rows, "The whole demo, with a report",
            "records, fits, trains, runs three networks on the device; quick or whole",
            lambda: shell.open_page("demo"),
        )  # fmt: skip
        self.wizard = self._offer(
            rows, "Write a bench file",
            "asks what is connected who it is; you fill in limits and window",
            lambda: shell.open_page("bench_draft"),
        )  # fmt: skip
        self.opener = self._offer(
            rows,
            "Open a bench file",
            "a TOML file, checked before anything is connected",
            self._ask,
        )
        self.served = self._offer(
            rows, "Serve a virtual rig",
            "on TCP, for any program's driver; this window can open it as a bench",
            lambda: shell.open_page("serve"),
        )  # fmt: skip
        self.body.addWidget(column)
        self.body.addStretch(1)
        self.dialog: QFileDialog | None = None

    def _offer(self, rows: QVBoxLayout, text: str, note: str, press: object) -> OfferButton:
        made = OfferButton(self.theme, text, note)
        made.clicked.connect(lambda: press())  # type: ignore[operator]
        rows.addWidget(made)
        return made

    def press(self) -> None:
        self.shell.use_virtual()

    def bench_changed(self) -> None:
        self.refresh()

    def refresh(self) -> None:
        connected = self.session.bench is not None
        here = f"{self.session.spec.name} is connected"
        self.say(
            here if connected else "No bench is connected",
            "another one closes this one, safe as always"
            if connected
            else "choose one below; the last one comes back at the next start",
        )

    def _ask(self) -> None:
        """Ask for the file without holding up anything: Stop works behind it."""
        dialog = QFileDialog(self, "Open a bench file", str(Path.home()), "Bench files (*.toml)")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.destroyed.connect(self._asked)
        self.dialog = beside(dialog, lambda path: self.shell.open_bench(Path(path)))

    def _asked(self) -> None:
        self.dialog = None

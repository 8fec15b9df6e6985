"""The page that serves a virtual rig on TCP, reached from where a bench is chosen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.gui.pages.page import Page
from app.gui.pages.serve_form import ServeForm
from app.gui.widgets.basic import label
from app.gui.widgets.columns import ColumnRow, ColumnTable
from app.gui.words import count

if TYPE_CHECKING:
    from app.gui.pages.shell import Shell

EMPTY = (
    "A rig that is served answers the commands of its instruments on TCP ports of this computer: "
    "another program's driver, the command line and this window speak to it as to a real one. It "
    "runs in a process of its own until it is stopped, or until Twinrig is closed."
)
TABLE_PX = 240


class ServePage(Page):
    """What is served at the left; each instrument's address at the right."""

    key, name = "serve", "Served rig"

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell, "Served rig", "a virtual rig on TCP, for any program")
        self.rig = shell.served_rig()
        folder = Path(self.session.library.folder).parent
        self.rows = ServeForm(self.theme, self.form, folder, self.form_changed)
        self.remembers = self.rows
        self.copy_button.hide()
        self.open_button = self.button("Open its bench", self.open_written)
        self.open_button.setToolTip("Closes the present bench, safe as always, and opens this one")
        self.copy_resources_button = self.button("Copy resources", self.copy_resources)
        self.back_button = self.button("‹ Choose a bench", lambda: shell.open_page("welcome"))
        self.words = label(EMPTY, "label", wrap=True)
        self.table = ColumnTable(
            self.theme, ("VISA resource",), name="instrument", shares=(0.2, 0.2)
        )
        self.table.setAccessibleName("Instruments that are served")
        self.table.setMaximumHeight(TABLE_PX)
        self.body.addWidget(self.words)
        self.body.addWidget(self.table, 1)
        self.body.addStretch(1)
        self.rig.changed.connect(self.show_rig)
        self.show_rig()

    def press(self) -> None:
        """Serve the rig that the form says, or stop the one that is served."""
        if self.rig.running:
            self._stop()
            return
        self.show_cost()
        if self.form.primary.isEnabled():
            self.rig.start(self.rows.ask())

    def _stop(self) -> None:
        """Stop it, unless the bench of this window is on it."""
        asked = self.rig.asked
        own = asked is not None and self.shell.bench_file == str(asked.bench.absolute())
        if own and self.session.bench is not None:
            self.shell.toast(
                "This window's bench is on this rig: open another bench first, then stop it",
                "warning",
            )
            return
        self.rig.stop()

    def open_written(self) -> None:
        """Open the bench file that reaches the rig, in place of the present bench."""
        asked = self.rig.asked
        if asked is None or not self.rig.ready:
            return
        self.shell.open_bench(asked.bench.absolute())

    def copy_resources(self) -> None:
        """Put every instrument's VISA resource on the clipboard."""
        lines = [f"{one.model} {one.resource}" for one in self.rig.instruments]
        self.copy_text("\n".join(lines))
        self.shell.toast(f"{count(len(lines), 'resource')} copied")

    # what is shown

    def refresh(self) -> None:
        self.rows.file.look_again()
        self.show_rig()

    def show_rig(self) -> None:
        """What is served, and what a press does now."""
        rig, asked = self.rig, self.rig.asked
        if not rig.running and asked is not None and self.rows.ask().bench == asked.bench:
            self.rows.renew()
        rows = [] if asked is None else [
            ColumnRow(one.model, (one.resource,), asked.place(one)) for one in rig.instruments
        ]  # fmt: skip
        self.table.show_rows(rows)
        self.table.setVisible(bool(rows))
        self.words.setVisible(not rows)
        for button in (self.open_button, self.copy_resources_button):
            button.setVisible(rig.ready)
        self.rows.lock(running=rig.running)
        self._say()
        self.show_cost()

    def _say(self) -> None:
        rig, asked = self.rig, self.rig.asked
        if rig.running and asked is not None:
            heading = f"Serving {asked.device}" if rig.ready else f"Starting {asked.device}"
            self.say(heading, f"{rig.reach} · {asked.bench}" if rig.ready else "its process begins")
        elif rig.problem:
            self.say("Not served", rig.problem)
        else:
            self.say("No rig is served", "its bench file is written when it can be reached")

    def show_cost(self) -> None:
        rig, primary = self.rig, self.form.primary
        if rig.running:
            primary.setEnabled(not rig.stopping)
            primary.say("Stop serving", "its connections end, its bench file stays")
            return
        ask = self.rows.ask()
        problem, (words, cost) = ask.problem() or self.rows.file.problem(), ask.words()
        primary.setEnabled(not problem)
        primary.say(words, problem or cost, role="fault" if problem else "")

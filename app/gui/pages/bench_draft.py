"""The page that makes a new bench file, reached from the Bench page: found, asked, filled in."""

from __future__ import annotations

import traceback
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QPlainTextEdit, QVBoxLayout, QWidget

from app.gui.background import Latest
from app.gui.pages.bench_draft_card import InstrumentCard
from app.gui.pages.bench_draft_form import DraftForm
from app.gui.pages.page import Page
from app.gui.widgets.basic import label, scroll_area
from app.new_file import write_new
from instruments.bench_draft import Draft, DraftInstrument, is_missing, named, text_of
from instruments.clock import Stop
from instruments.discovery import Found, discover
from instruments.draft_of_bench import draft_of
from instruments.draft_settings import boards_of, known_by, on_a_clock
from instruments.ratings import rated
from instruments.who_answers import Answer, who_answers
from models.command import command_line
from models.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.gui.pages.shell import Shell

LEAST_PREVIEW_PX, MOST_PREVIEW_PX = 112, 240
EMPTY = (
    "Find resources lists what VISA sees and opens none of it. An instrument on the network is "
    "listed nowhere: add its address, as its front panel says it."
)


class BenchDraftPage(Page):
    """Bench, drive and reset at the left; the instruments and the file's text at the right."""

    key, name = "bench_draft", "New bench file"

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell, "New bench file", "every limit is yours to say, none is guessed")
        self.cards: list[InstrumentCard] = []
        self.virtual: Mapping[str, Any] = {}
        self.doing = ""
        self.written: tuple[Path, str] | None = None
        self._writing = False
        first = Path(self.session.library.folder).parent / "rig.toml"
        self.fields = DraftForm(self.theme, self.form, first, self.form_changed)
        self._instruments()
        self._preview()
        self.copy_button.hide()
        self.open_button = self.button("Open this bench", self.open_written)
        self.open_button.setToolTip("Closes the present bench, safe as always, and opens this one")
        self.open_button.hide()
        self.add_button = self.button("Add address", self.add)
        self.here_button = self.fields.here
        self.here_button.clicked.connect(lambda: self.take_bench())
        self.ask_button = self.button("Ask who they are", self.ask)
        self.ask_button.setToolTip("Opens each and sends *IDN?; nothing is set")
        self.find_button = self.button("Find resources", self.look)
        self.find_button.setToolTip("Lists what VISA sees; nothing is opened")
        self.back_button = self.button("‹ Bench", lambda: shell.open_page("bench"))
        self._later_found, self._later_asked, self._later_written = Latest(), Latest(), Latest()
        self._later_written.done.connect(self._told_written)
        self._later_found.done.connect(self._found)
        self._later_asked.done.connect(self._answered)
        self.show_cost()

    def _instruments(self) -> None:
        inside = QWidget()
        inside.setObjectName("content")
        self._column = QVBoxLayout(inside)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self.empty = label(EMPTY, "label", wrap=True)
        self._column.addWidget(self.empty)
        self._column.addStretch(1)
        cards = scroll_area(inside, sideways=True)
        cards.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.body.addWidget(cards, 3)

    def _preview(self) -> None:
        head = label("The file", "panel")
        head.setFixedHeight(20)
        self.body.addWidget(head)
        self.preview = QPlainTextEdit()
        self.preview.setReadOnly(True)
        self.preview.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.preview.setAccessibleName("The bench file as it will be written")
        self.preview.setMinimumHeight(LEAST_PREVIEW_PX)
        self.preview.setMaximumHeight(MOST_PREVIEW_PX)
        self.body.addWidget(self.preview, 1)

    # finding and asking

    def look(self) -> None:
        """List what VISA sees, in a thread."""
        if self._may("look for resources"):
            self.doing = "Looking for resources"
            self._later_found.ask(discover)
            self.show_cost()

    def ask(self) -> None:
        """Ask every resource who it is, in a thread."""
        shown = [card.instrument() for card in self.cards]
        asked = [(one.resource, one.driver) for one in shown if one.resource]
        if not asked:
            self.shell.toast("Nobody to ask yet: find resources, or add an address", "warning")
            return
        adapters = self.fields.boards().items()
        try:
            boards = boards_of(
                [f"board.{name}.resource={one['resource']}" for name, one in adapters]
            )
        except InputError as error:
            self.shell.toast(str(error), "error")
            return
        if self._may("ask instruments"):
            self.doing = f"Asking {len(asked)} resource{'s' * (len(asked) != 1)}"
            self._later_asked.ask(lambda: who_answers(asked, stop=Stop(), boards=boards))
            self.show_cost()

    def _may(self, what: str) -> bool:
        """Whether the links are free; said where they aren't."""
        busy = self.session.at_bench
        if busy:
            self.shell.toast(f"{busy} has the bench: {what} when it is done", "warning")
        return not busy and not self.doing

    def add(self) -> None:
        """A card for an address that is listed nowhere."""
        self._card(DraftInstrument("")).resource.setFocus()
        self.form_changed()

    def take_bench(self) -> None:
        """Begin with what the open bench file says, in place of what stands here."""
        draft = draft_of(self.session.spec.text)
        for card in self.cards:
            card.hide()
            card.deleteLater()
        self.cards, self.virtual = [], draft.virtual
        for one in draft.instruments:
            card = self._card(rated(self.session.bench, one))
            card.table_name.setText(one.name)
            card.take_interlocks(draft)
        self.fields.show_draft(draft)
        self.show_cost()

    def _card(self, one: DraftInstrument) -> InstrumentCard:
        card = InstrumentCard(self.theme, one, self.form_changed)
        self.cards.append(card)
        self._column.insertWidget(self._column.count() - 1, card)
        self.empty.hide()
        return card

    def _found(self, found: Found | None, error: Exception | None) -> None:
        self.doing = ""
        self._tell("Find resources", error)
        there = {card.resource.text().strip() for card in self.cards}
        listed = found.resources if found is not None else []
        new = [one for one in listed if one not in there and not one.upper().endswith("::INTFC")]
        for resource in new:
            self._card(DraftInstrument(resource))
        if found is not None and not new:
            self.shell.toast(f"{found.library} lists no resource that isn't here already")
        self.show_cost()

    def _answered(self, answers: list[Answer] | None, error: Exception | None) -> None:
        self.doing = ""
        self._tell("Ask who they are", error)
        by_resource = {answer.resource: answer for answer in answers or []}
        for card in self.cards:
            answer = by_resource.get(card.instrument().resource)
            if answer is not None:
                card.show_known(known_by(card.instrument(), answer))
        self.virtual = on_a_clock(self.draft(), answers or []).virtual or self.virtual
        for card in [c for c in self.cards if c.instrument().resource == self.virtual.get("clock")]:
            self.cards.remove(card)
            card.hide()
        self.show_cost()

    def _tell(self, what: str, error: Exception | None) -> None:
        if error is not None:
            trace = "".join(traceback.format_exception(error))
            self.shell.toast(f"{what}: {error}", "error", trace)

    # the draft

    def draft(self) -> Draft:
        """The bench as it stands on the page."""
        cards = [card for card in self.cards if card.instrument().resource]
        instruments = named(card.instrument() for card in cards)
        guards = [card.interlocks(one.name) for card, one in zip(cards, instruments, strict=True)]
        return Draft(
            self.fields.name.text().strip() or self.fields.path.stem,
            instruments,
            self.fields.drive(_magnets(instruments)),
            self.fields.reset(),
            interlocks={name: table for one in guards for name, table in one.items()},
            boards=self.fields.boards(),
            virtual=self.virtual,
        )

    def refresh(self) -> None:
        self.fields.new.look_again()
        self.show_cost()

    def show_cost(self) -> None:
        """Judge the draft by the reader of bench files; each problem stands at its entry."""
        draft = self.draft()
        problems = draft.problems()
        self._show_text(text_of(draft))
        cost, role = self._cost(problems)
        self.form.primary.setEnabled(not role)
        self.form.primary.say("Write the bench file", cost, role=role)
        self._judge(draft, list(problems))
        self._say(draft)

    def _cost(self, problems: list[str]) -> tuple[str, str]:
        """What stands below the button, and its role where it can't be pressed."""
        missing = sum(map(is_missing, problems))
        wrong = len(problems) - missing
        if problems:
            parts = [f"{missing} to fill in"] * bool(missing) + [f"{wrong} wrong"] * bool(wrong)
            return ", ".join(parts), "fault" if wrong else "attention"
        if self.written == (self.fields.path, self.preview.toPlainText()):
            return f"written: {self.fields.path.name}", "done"
        if self._writing:
            return "is written …", "done"
        if taken := self.fields.new.problem():
            return taken.removeprefix(f"{self.fields.path}: "), "fault"
        return "complete; drives nothing, check it next", ""

    def _show_text(self, text: str) -> None:
        """Show the file; the place that was looked at stays in view."""
        bar = self.preview.verticalScrollBar()
        if self.preview.toPlainText() == text or bar is None:
            return
        at = bar.value()
        self.preview.setPlainText(text)
        bar.setValue(at)

    def _judge(self, draft: Draft, problems: list[str]) -> None:
        in_order = iter(draft.instruments)
        for card in self.cards:
            if card.instrument().resource:
                one = next(in_order)
                card.suggest(one.name)
                card.judge(one.table, problems)
        self.fields.judge(problems, _magnets(draft.instruments))

    def _say(self, draft: Draft) -> None:
        known = len(draft.known)
        heading = f"{known} instrument{'s' * (known != 1)} on the new bench"
        more = len(self.cards) - known
        words = f"{more} more without a driver" if more else "nothing is opened by itself"
        self.say(f"{self.doing} …" if self.doing else heading, words)
        self.open_button.setVisible(self.written is not None)
        for button in (self.find_button, self.ask_button, self.add_button):
            button.setEnabled(not self.doing)

    def press(self) -> None:
        """Write the file, beside the window; it is judged once more as it stands now."""
        draft, path = self.draft(), self.fields.path
        if not draft.problems() and not self._writing:
            self._writing = True
            self._later_written.ask(partial(_written, path, text_of(draft)))
        self.show_cost()

    def _told_written(self, written: tuple[Path, str] | None, error: Exception | None) -> None:
        self._writing = False
        self.fields.new.look_again()
        if written is None:
            self.shell.toast(str(error), "error")
        else:
            self.written = written
            check = command_line(["twinrig", "bench", "check", str(written[0])])
            self.shell.toast(f"Written: {written[0]}\nCheck it: {check}")
        self.show_cost()

    def open_written(self) -> None:
        """Open the file that was written; as it is now, for an editor may have had it."""
        if self.written is not None:
            self.shell.open_bench(self.written[0])


def _written(path: Path, text: str) -> tuple[Path, str]:
    write_new(path, text)
    return path, text


def _magnets(instruments: tuple[DraftInstrument, ...]) -> int:
    return sum(one.kind == "magnet" for one in instruments)

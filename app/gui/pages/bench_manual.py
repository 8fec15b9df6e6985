"""Manual set on the Bench page: a field, a ramp, a question in place where the field is large."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from PyQt6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from app.artefacts import new_id
from app.gui.flowing import currents_of
from app.gui.job import JobSpec
from app.gui.widgets.basic import Choice, label, set_level, set_role
from app.gui.widgets.cost_button import CostButton
from app.gui.words import minus, reading
from app.operations.manual_set import USUAL_SHARE, Hand, Target, manual_set
from app.words import duration
from instruments.draft_values import typed
from models.errors import InputError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.gui.pages.shell import Shell
    from app.operations.bench_read import BenchRead
    from app.operations.events import Event
    from instruments.bench_reading import BenchReading

PAGE, TITLE, WIDTH_PX, LABEL_PX = "bench", "Manual set", 272, 64
HANDS = "Is everybody's hand out of the gap?"
FLOWS_SHARE = 1e-3  # of the limit: less is a supply's own zero


class ManualPanel(QWidget):
    """Field and ramp of one magnet; what is sent goes through `app.operations.manual_set`."""

    def __init__(self, shell: Shell) -> None:
        super().__init__()
        self.shell, self.session = shell, shell.session
        self.hand: Hand | None = None  # of the run under way
        self.currents_A: dict[str, float] = {}  # of every magnet, as last read
        self.output_on = False
        self.forbids: tuple[str, ...] = ()
        self.unread = False  # since a look at the bench failed
        self.setFixedWidth(WIDTH_PX)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(self._head())
        spec = self.session.spec
        driven = spec.rotation.magnets if spec.rotation is not None else (spec.drive_magnet,)
        self.magnet = Choice(shell.theme, [(name, name) for name in driven], "Magnet")
        self.field, self.ramp = QLineEdit(), QLineEdit()
        self.field.setPlaceholderText("2.5 mT")
        limits = spec.magnets[spec.drive_magnet].limits
        self.ramp.setText(f"{USUAL_SHARE * limits.max_ramp_A_per_s:g} A/s")
        for name, entry in (("Magnet", self.magnet), ("Field", self.field), ("Ramp", self.ramp)):
            column.addLayout(self._row(name, entry))
        for line in (self.field, self.ramp):
            line.textChanged.connect(lambda _: self.show_cost())
            line.returnPressed.connect(self.press)
        self.magnet.currentIndexChanged.connect(lambda _: self.show_cost())
        self.note = label("", "note", wrap=True)
        column.addWidget(self.note)
        self.go, self.end = CostButton(shell.theme), CostButton(shell.theme)
        self.go.clicked.connect(lambda: self.press())
        self.end.clicked.connect(lambda: self.to_zero())
        column.addWidget(self.go)
        column.addWidget(self.end)
        column.addWidget(self._question())
        column.addStretch(1)
        self.show_cost()

    def _head(self) -> QHBoxLayout:
        head = QHBoxLayout()
        title = label(TITLE, "panel")
        title.setFixedHeight(28)
        self.state = label("", "note")
        head.addWidget(title)
        head.addStretch(1)
        head.addWidget(self.state)
        return head

    @staticmethod
    def _row(name: str, entry: QWidget) -> QHBoxLayout:
        line = QHBoxLayout()
        line.setSpacing(8)
        text = label(name, "label")
        text.setFixedWidth(LABEL_PX)
        text.setBuddy(entry)
        entry.setAccessibleName(f"Manual {name.lower()}")
        line.addWidget(text)
        line.addWidget(entry, 1)
        return line

    def _question(self) -> QWidget:
        """The confirmation, in place of the buttons: no dialog while anything is energised."""
        self.question = QWidget()
        column = QVBoxLayout(self.question)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        self.asked = label("", "attention", wrap=True)
        column.addWidget(self.asked)
        answers = QHBoxLayout()
        self.yes, self.no = QPushButton("Yes"), QPushButton("No")
        self.yes.clicked.connect(lambda: self._set(confirmed=True))
        self.no.clicked.connect(lambda: self._ask(None))
        answers.addWidget(self.yes, 1)
        answers.addWidget(self.no)
        column.addLayout(answers)
        self.question.hide()
        return self.question

    # what is typed

    def target(self) -> Target:
        """Field and ramp as typed.

        Raises
        ------
        InputError
            One of them is no number with its unit.
        """
        field_T = _number(self.field, "field_T", "T", bare=1e-3)
        return Target(field_T, _number(self.ramp, "max_ramp_A_per_s", "A/s"))

    def _asked_of(self) -> Hand:
        return self.hand or Hand(self.session.spec, self.magnet.currentData())

    def show_cost(self) -> None:
        """What a press does and costs, by the code that will do it; what is wrong as one types."""
        self._ask(None)
        fault = role = ""
        hand, target = self._asked_of(), None
        try:
            target = self.target()
            fault = "; ".join(hand.problems(target))
        except InputError as error:
            fault = str(error) if self.field.text().strip() else ""
        self._mark_wrong()
        if target is not None and not fault:
            amperes = minus(f"{hand.limits.current_A(target.field_T):.4g} A")
            self.note.setText(f"{amperes} of at most {hand.limits.highest_A:.4g} A")
        else:
            self.note.setText(fault or "a field, such as 2.5 mT")
        set_role(self.note, "fault" if fault else "note")
        able = target is not None and not fault
        cost = self._cost(hand, target) if able and target is not None else "within the limits only"
        if able and (why := self._why_not()):
            able, cost, role = False, why, "attention"
        self.go.setEnabled(able)
        words = f"Ramp to {_mT(target.field_T)}" if target is not None else "Ramp to a field"
        self.go.say(words, cost, role=role)
        self._show_end()

    def _mark_wrong(self) -> None:
        """Edge the entry that is wrong; an empty field is none."""
        limits = self._asked_of().limits
        field, ramp = self.field.text().strip() and "fault", "fault"
        with suppress(InputError):
            field_T = _number(self.field, "field_T", "T", bare=1e-3)
            field = "fault" if limits.problem(limits.current_A(field_T)) else ""
        with suppress(InputError):
            rate_A_per_s = _number(self.ramp, "max_ramp_A_per_s", "A/s")
            ramp = "" if 0 < rate_A_per_s <= limits.max_ramp_A_per_s else "fault"
        set_level(self.field, field)
        set_level(self.ramp, ramp)

    def _cost(self, hand: Hand, target: Target) -> str:
        here_A = self.currents_A.get(hand.magnet, 0.0) if self.hand is not None else 0.0
        above = f"asks above {_mT(hand.asks_above_T)}"
        return f"{duration(hand.seconds(target, here_A))} · within limits · {above}"

    def _why_not(self) -> str:
        if self.session.bench is None:
            return "no bench is connected"
        if self.session.busy and self.hand is None:
            return f"{self.session.busy} is under way"
        if self.hand is not None and self.hand.ended:
            return "on its way to zero"
        if self.hand is None and self.unread:
            return "the bench can't be read now"
        if self.forbids and self.hand is None:
            return "no current allowed now"
        return ""

    def _show_end(self) -> None:
        running = self.hand is not None
        busy = "" if running else self.session.at_bench  # what was read before it is old
        self.magnet.setEnabled(not running)
        ending = self.hand is not None and self.hand.ended
        self.end.setEnabled(running and not ending)
        cost = "under way" if ending else "then the bench is free again"
        if not running:
            limits = {name: one.limits for name, one in self.session.spec.magnets.items()}
            flows = any(
                abs(each_A) > FLOWS_SHARE * limits[name].highest_A
                for name, each_A in self.currents_A.items()
            )
            cost = "not set from here: Stop takes it to zero" if flows else "already at zero"
            cost = "Stop tries to take it to zero" if self.unread else cost
            cost = f"{busy} has the bench: Stop ends it at zero" if busy else cost
        self.end.say("Ramp to zero, output off", cost)
        on = running or self.output_on
        found = f"output on, {_mT(self.field_T)}" if on else "output off"
        found = "not read" if self.unread and not running else found
        self.state.setText(f"{busy.lower()} has it" if busy else found)

    @property
    def field_T(self) -> float:
        """Where the magnet that is held is, else the one that is farthest from zero."""
        magnets = self.session.spec.magnets
        shown = magnets if self.hand is None else [self.hand.magnet]
        scale = {name: magnets[name].limits.tesla_per_ampere for name in shown}
        fields_T = [each * self.currents_A.get(name, 0.0) for name, each in scale.items()]
        return max(fields_T, key=abs)

    # what is pressed

    def press(self) -> None:
        """Go there; a large field is asked about first, here in the page."""
        if not self.go.isEnabled():
            return
        hand, target = self._asked_of(), self.target()
        if hand.asks(target):
            self._ask(
                f"{_mT(target.field_T)} is beyond {_mT(hand.asks_above_T)}, the largest field that "
                f"the bench file uses. {HANDS}"
            )
            return
        self._set(confirmed=False)

    def _ask(self, words: str | None) -> None:
        self.question.setVisible(words is not None)
        self.go.setVisible(words is None)
        self.end.setVisible(words is None)
        if words is not None:
            self.asked.setText(words)
            self.yes.setText(f"Ramp to {_mT(self.target().field_T)}")
            self.no.setFocus()  # a stray Enter says no

    def _set(self, *, confirmed: bool) -> None:
        hand, target = self._asked_of(), self.target()
        try:
            hand.ask(target, confirmed=confirmed)
        except RefusedError as error:
            self.shell.toast(str(error), "error")
            return
        if self.hand is None:
            self._begin(hand)
        self.show_cost()

    def _begin(self, hand: Hand) -> None:
        bench = self.session.bench
        if bench is None:
            return

        def start(stop: Callable[[], bool]) -> Iterator[Event]:
            return manual_set(bench, hand, looking=self.session.wire.idle)

        self.hand = hand
        if not self.shell.run(JobSpec(PAGE, TITLE, new_id("man"), start, hardware=True)):
            self.hand = None

    def to_zero(self) -> None:
        """Ramp to zero and switch the output off."""
        if self.hand is not None:
            self.hand.end()
            self.show_cost()

    # what comes back

    def show_reading(self, now: BenchRead | BenchReading) -> None:
        """Where the magnets are."""
        self.unread = False
        self.currents_A = currents_of(self.session.spec, now)
        self.output_on = now.output_on or any(one.endswith("output on") for one in now.others)
        self.forbids = now.forbids
        self._show_end()

    def lost(self) -> None:
        """A look at the bench failed: where the magnet is, is not known."""
        if not self.unread:
            self.unread = True
            self.show_cost()

    def finished(self) -> None:
        """The run is over: the bench is free, and safe unless the session knows better."""
        self.hand = None
        if not self.session.unsafe:
            self.currents_A, self.output_on = {}, False
        self.show_cost()


def _number(entry: QLineEdit, key: str, unit: str, bare: float = 1.0) -> float:
    """A number as typed; one without a unit is `bare` of it."""
    text = entry.text().strip()
    value = typed(key, text)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InputError(f"{text!r} is no number of {unit}")
    return float(value) if text.endswith(unit) else float(value) * bare


def _mT(field_T: float) -> str:
    return f"{reading(1e3 * field_T, 3)} mT"

"""What the Bench page knows of each instrument, as rows: connected, busy, lost, wrong."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from app.gui.flowing import currents_of
from app.gui.pages.bench_rows import InstrumentRow
from app.gui.widgets.checks import Check
from app.gui.words import count, minus, prefix, reading
from app.operations.bench_read import BenchRead
from app.operations.events import StepRead
from app.words import capitalised
from instruments.guards import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from app.operations.events import Event
    from app.session import Session
    from instruments.bench_spec import BenchSpec, InstrumentSpec
    from instruments.checks import InstrumentCheck
    from instruments.discovery import Found

IN_USE = "in use by"
LOST, UNREAD = "Lost", "Not read"
TEST, CONSOLE, RECONNECT, ADD = "Test", "Console", "Reconnect", "Add"


class Known:
    """Identities, last checks, last values and who is lost, by instrument."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.checks: dict[str, InstrumentCheck] = {}
        self.identities: dict[str, str] = {}
        self.values: dict[str, tuple[str, str]] = {}
        self.lost_words: dict[str, str] = {}
        self.unread = False  # since the last look failed
        self.read_by = ""  # the job that had the bench when the values were read; empty: none

    def connected(self) -> None:
        """The bench was connected, or it wasn't: what was known is old."""
        self.checks, self.values, self.lost_words, self.identities = {}, {}, {}, {}
        self.unread = False

    def add(self, checks: Iterable[InstrumentCheck]) -> None:
        """Checks of some or all; one that answers is lost no more."""
        for one in checks:
            self.checks[one.name] = one
            if one.ok:
                self.lost_words.pop(one.name, None)

    def lost(self, words: str) -> None:
        """A look at the bench failed: the instrument that the error names is lost.

        The others were not read either: what they last said is old.
        """
        if not self.unread:
            self.unread, self.values, self.checks = True, {}, {}
        for one in self.session.spec.instruments:
            if words.startswith(f"{one.name} (") or f"{one.resource})" in words:
                self.lost_words[one.name] = words
                self.checks.pop(one.name, None)

    def answered(self, events: Iterable[Event]) -> bool:
        """Whether a run's step tells that the bench, which could not be read, is there again."""
        back = self.unread and any(isinstance(event, StepRead) for event in events)
        if back:
            self.unread, self.lost_words = False, {}
        return back

    @staticmethod
    def sees(event: Event) -> bool:
        """Whether an event is a look at the whole bench."""
        return isinstance(event, BenchRead)

    def read(self, now: Any) -> None:
        """A look at the bench: every instrument has answered."""
        self.lost_words, self.unread, self.read_by = {}, False, self.session.at_bench
        spec, bench = self.session.spec, self.session.bench
        if bench is None:
            return
        if not self.identities:
            self.identities = bench.identities()
        states = {spec.drive_magnet: f"output {'on' if now.output_on else 'off'}"}
        states |= {each.partition(": ")[0]: each.rpartition(", ")[2] for each in now.others}
        for name, current_A in currents_of(spec, now).items():
            self.values[name] = (minus(f"{current_A:.3f} A"), states.get(name, "at rest"))
        at = 0
        for name, readout in bench.readouts.items():
            value, unit = float(now.values[at]), readout.units[0]
            factor, shown = prefix(abs(value), unit)
            self.values[name] = (f"{reading(value * factor)} {shown}", readout.channels[0])
            at += len(readout.channels)
        for name, kelvin in zip(bench.thermometers, now.temperatures_K, strict=False):
            self.values[name] = (f"{reading(kelvin)} K", spec.thermometers[name].input)
        if bench.probe is not None:
            field = f"{reading(1e3 * now.measured_field_T)} mT"
            self.values[bench.probe.name] = (field, "in the gap")

    def took(self, name: str) -> str:
        """How long its last answer took, in words; empty before the first."""
        seconds = self.session.wire.round_s.get(name)
        if seconds is None:
            return ""
        return f"{1e3 * seconds:.2f} ms" if seconds < 0.01 else f"{1e3 * seconds:.0f} ms"


def rows_of(known: Known, *, checking: bool) -> list[InstrumentRow]:
    """A row for each instrument of the bench, and for a served rig's clock that doesn't answer."""
    spec = known.session.spec
    groups = (
        ("magnet", spec.magnets), ("readout", spec.readouts),
        ("thermometer", spec.thermometers), ("teslameter", spec.teslameters),
    )  # fmt: skip
    rows = [
        _row(known, f"{group}.{name}", one, checking)
        for group, of in groups
        for name, one in of.items()
    ]
    others = {one.name for one in spec.instruments}
    rows += [_checked(known, n, c) for n, c in known.checks.items() if n not in others]
    if (busy := known.session.at_bench) and busy != known.read_by:
        rows = [
            replace(row, value="", below_value="") for row in rows
        ]  # of before: 0 A, output off
    return rows


def _row(known: Known, title: str, one: InstrumentSpec, checking: bool) -> InstrumentRow:
    session, check = known.session, known.checks.get(one.name)
    if one.name in known.lost_words:
        return _lost(known, title, one)
    if check is not None and (session.bench is None or not check.ok or check.findings):
        return _checked(known, title, check)
    level, state = "idle", "Not connected"
    actions: tuple[str, ...] = (TEST,)
    if session.bench is not None:
        level, state, actions = "ok", "Connected", (TEST, CONSOLE)
        if session.at_bench:
            level, state = "ok", "Busy"
        if known.unread:
            level, state = "idle", UNREAD
    elif checking:
        level, state = "wait", "Asking"
    if check is not None and not session.at_bench:
        level, state = "ok", "Answers"
    value, below = known.values.get(one.name, ("", ""))
    if check is not None and check.state is not None and not value:
        value, below = _of_magnet(check.state)
    identity = known.identities.get(one.name, "") or (check.identity if check else "")
    return InstrumentRow(
        level, state, title, one.driver, one.resource, identity, value, below, (), actions,
        known.took(one.name),
    )  # fmt: skip


def _lost(known: Known, title: str, one: InstrumentSpec) -> InstrumentRow:
    words = known.lost_words[one.name]
    what, _, hint = words.rpartition(". ")
    what = what.partition("): ")[2] or words
    remark = (capitalised(what), hint)
    identity = known.identities.get(one.name, "")
    return InstrumentRow(
        "fault", LOST, title, one.driver, one.resource, identity, "—", "tried each second",
        (remark,), (RECONNECT, CONSOLE),
    )  # fmt: skip


def _of_magnet(state: dict[str, Any]) -> tuple[str, str]:
    return minus(f"{state['current_A']:.3f} A"), f"output {'on' if state['output_on'] else 'off'}"


def _checked(known: Known, title: str, check: InstrumentCheck) -> InstrumentRow:
    level, state = "ok", "Answers"
    if not check.ok:
        level, state = "fault", "In use" if IN_USE in check.problem else "Wrong"
    elif check.findings:
        level, state = "attention", "Look"
    value = below = ""
    if check.state is not None:
        value, below = _of_magnet(check.state)
    elif not check.ok:
        value = "—"
    else:
        value, below = known.values.get(check.name, ("", ""))
    remarks = tuple((capitalised(one.words), one.hint) for one in check.findings)
    connected = known.session.bench is not None
    actions = (TEST if check.ok or not connected else RECONNECT, *([CONSOLE] * connected))
    return InstrumentRow(
        level, state, title, check.driver, check.resource, check.identity, value, below, remarks,
        actions,
    )  # fmt: skip


def found_rows(spec: BenchSpec, found: Found | None) -> list[InstrumentRow]:
    """A row for each resource that VISA lists and the bench doesn't have."""
    if found is None:
        return []
    here = {one.resource.upper() for one in spec.instruments}
    new = [r for r in found.resources if r.upper() not in here and not r.endswith("::INTFC")]
    return [InstrumentRow("idle", "Found", r, "in no table", r, actions=(ADD,)) for r in new]


def headline(rows: Sequence[InstrumentRow], *, checking: bool, doing: str) -> str:
    """How many answer, or what is under way."""
    if checking:
        return f"Asking {count(len(rows), 'instrument')}"
    if doing:
        return f"{doing} …"
    states = [row.state for row in rows]
    if lost := states.count(LOST):
        unread = f", {states.count(UNREAD)} not read" if UNREAD in states else ""
        return f"{lost} of {len(rows)} instruments lost{unread}"
    answers = sum(row.level in {"ok", "attention"} for row in rows)
    return f"{answers} of {len(rows)} instruments answer"


def guard_checks(spec: BenchSpec, forbids: Sequence[str]) -> list[Check]:
    """A line for each thermometer and interlock of the bench; `forbids` as of a reading."""
    checks = []
    for name, words in listed(spec):
        kind, _, own = name.partition(" ")
        label = re.compile(rf"{kind.lower()} {re.escape(own)}(?=[ :])( \([^)]*\))?:? ?")
        against = next((w[m.end() :] for w in forbids if (m := label.match(w))), "")
        does = words.replace(": ends a run", ", ends").replace(": holds a run", ", holds")
        checks.append(Check(own, against or does, "attention" if against else "ok"))
    return checks

"""A bench file in the making: what is known of a rig, what is missing, the text that says both.

Decision: no limit is ever guessed. A key that must be given and isn't stands as a comment marked
`TO FILL IN`, so that the file lacks it and the program refuses it: a draft can be opened in an
editor, and can't energise anything. What is given is judged by the reader of bench files itself.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from instruments.bench_file import parse_bench
from instruments.bench_keys import (
    EITHER,
    MUST,
    RESET_KEYS,
    USUAL,
    drive_keys,
    driver_keys,
    guard_inputs,
    kind_of,
)
from instruments.draft_values import toml
from instruments.drivers import KINDS
from models.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from instruments.bench_keys import Key
    from instruments.bench_spec import BenchSpec

FILL_IN = "TO FILL IN"
OFFERED = {"timing": "auto"}
"""What a draft says of [drive] where nobody did: timed by hardware where the bench can."""
WORD_COLUMN = 29  # where what stands behind a value begins
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
AXES = ("x", "y", "z")
USUAL_NAMES = {
    "sr830": "lockin", "sr860": "lockin", "keithley-2182a": "nanovoltmeter",
    "keithley-6221": "delta", "keysight-34465a": "multimeter", "keysight-pna": "analyser",
}  # fmt: skip
HEAD = """\
# A bench file, drafted by Twinrig.
# {state}
# Then, with the magnet's current at zero: twinrig bench check THIS_FILE
"""
WHOLE = "Look through it once: every limit in it was given by a person."
LACKS = f"The program refuses it until every line marked {FILL_IN} has its value."


@dataclass(frozen=True)
class DraftInstrument:
    """One resource: what is known of it, and the keys of its table that are given.

    `driver` is empty where it isn't known who is there, `remark` says why; `rated_A`, `rated_V` are
    what a supply says of itself.
    """

    resource: str
    driver: str = ""
    name: str = ""
    identity: str = ""
    remark: str = ""
    rated_A: float = math.inf
    rated_V: float = math.inf
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """Its group of tables; empty where the driver isn't known."""
        return kind_of(self.driver)

    @property
    def table(self) -> str:
        """`magnet.x`."""
        return f"{self.kind}.{self.name}"


@dataclass(frozen=True)
class Draft:
    """A bench file in the making; interlocks and boards by name, `virtual` of a served rig."""

    name: str
    instruments: tuple[DraftInstrument, ...] = ()
    drive: Mapping[str, Any] = field(default_factory=dict)
    reset: Mapping[str, Any] = field(default_factory=dict)
    interlocks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    boards: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    virtual: Mapping[str, Any] = field(default_factory=dict)

    @property
    def known(self) -> list[DraftInstrument]:
        """The instruments whose driver is known: those that get a table."""
        return [one for one in self.instruments if one.kind]

    def problems(self) -> list[str]:
        """Why this is no bench file yet, in words: what is missing, what is wrong."""
        found = _of_names(self)
        if found:  # a table that stands twice is no TOML
            return found
        try:
            spec = parse_bench(text_of(self), "draft")
        except InputError as error:
            return [*(error.problems or (str(error),)), *_of_ratings(self)]
        return [*_of_ratings(self), *window_problems(spec)]


def is_missing(problem: str) -> bool:
    """Whether a problem is a value that nobody has given yet; any other is a wrong one."""
    if problem.startswith("no [") or " is missing" in problem:
        return True
    return re.search(r"\] needs \w+ or \w+", problem) is not None


def named(instruments: Iterable[DraftInstrument]) -> tuple[DraftInstrument, ...]:
    """The same with a name for each that has a driver and none."""
    instruments = list(instruments)
    taken = {one.name for one in instruments if one.name}
    done = []
    for one in instruments:
        if one.kind and not one.name:
            one = replace(one, name=_free_name(one, taken))
            taken.add(one.name)
        done.append(one)
    return tuple(done)


def _free_name(one: DraftInstrument, taken: set[str]) -> str:
    word = "magnet" if one.kind == "magnet" else USUAL_NAMES.get(one.driver, _KIND_NAMES[one.kind])
    tried = AXES if one.kind == "magnet" else (word,)
    free = [name for name in tried if name not in taken]
    number = 2
    while not free:
        free = [name for name in (f"{word}{number}",) if name not in taken]
        number += 1
    return free[0]


_KIND_NAMES = {
    "magnet": "x", "readout": "readout", "thermometer": "thermometer", "teslameter": "probe",
}  # fmt: skip


def text_of(draft: Draft) -> str:
    """The bench file, with comments on what is missing and on what may be added."""
    parts = [f"name = {toml(draft.name)}\n"]
    if draft.virtual:
        note = "# a virtual rig: its time passes only as it is told to\n"
        parts.append("[virtual]\n" + note + _given(draft.virtual))
    for name, values in draft.boards.items():
        parts.append(f"[board.{_key(name)}]\n{_given(values)}")
    known = draft.known
    for kind in KINDS:
        of_kind = [one for one in known if one.kind == kind]
        parts += [_instrument(one) for one in of_kind]
        if not of_kind and kind in ("magnet", "readout"):
            parts.append(_line(f"# [{kind}.NAME]", f"{FILL_IN}: driver, resource and the rest"))
    for name, values in draft.interlocks.items():
        parts.append(f"[interlock.{_key(name)}]\n{_given(values)}")
    magnets = sum(one.kind == "magnet" for one in known)
    drive = _lines(drive_keys(draft.drive, magnets), {**OFFERED, **draft.drive})
    parts.append(_line("[drive]", "drive 0…1 becomes low_T…high_T") + drive)
    parts.append(f"[reset]\n{_lines(RESET_KEYS, draft.reset)}")
    parts += [_unknown(one) for one in draft.instruments if not one.kind]
    body = "\n".join(parts)
    return HEAD.format(state=LACKS if FILL_IN in body else WHOLE) + body


def _instrument(one: DraftInstrument) -> str:
    lines = [f"[{one.kind}.{_key(one.name)}]\n"]
    for words in filter(None, (one.identity and f"answers {one.identity}", one.remark)):
        lines.append(f"# {_plain(words)}\n")
    if math.isfinite(one.rated_A):
        lines.append(f"# the supply says it can give {one.rated_A:g} A; what the coil may carry, ")
        lines.append("a person has to say\n")
    volts, bits = guard_inputs(one.driver)
    if volts or bits:
        inputs = ", ".join((*bits, *(f"{name} (with above_V or below_V)" for name in volts)))
        lines.append(f"# can feed an [interlock.NAME] (instrument, input): {inputs}\n")
    lines.append(f"driver = {toml(one.driver)}\nresource = {toml(one.resource)}\n")
    return "".join(lines) + _lines(driver_keys(one.driver), one.values)


def _lines(keys: Iterable[Key], values: Mapping[str, Any]) -> str:
    """The keys of a table: what is given, what must be filled in, what may be, as comments."""
    keys = list(keys)
    lines = []
    either = [key.name for key in keys if key.need == EITHER]
    lacks = not any(name in values for name in either)
    for key in keys:
        if key.name in values:
            lines.append(_line(f"{_key(key.name)} = {toml(values[key.name])}", key.words))
        elif key.need == MUST or (key.need == EITHER and lacks):
            others = [name for name in either if name != key.name]
            words = f"{key.words} (or {', '.join(others)})" if others else key.words
            lines.append(_line(f"# {key.name} =", f"{FILL_IN}: {words}".rstrip(": ")))
        elif key.need == USUAL:
            words = f"{key.words} (the default)".strip()
            lines.append(_line(f"# {key.name} = {toml(key.usual)}", words))
        else:
            lines.append(_line(f"# {key.name} =", f"{key.words} (optional)".strip()))
    shown = {key.name for key in keys}
    return "".join(lines) + _given({k: v for k, v in values.items() if k not in shown})


def _line(text: str, words: str) -> str:
    return f"{text:<{WORD_COLUMN - 1}} # {_plain(words)}\n" if words else f"{text}\n"


def _given(values: Mapping[str, Any]) -> str:
    return "".join(f"{_key(name)} = {toml(value)}\n" for name, value in values.items())


def _unknown(one: DraftInstrument) -> str:
    return f"# {_plain(one.resource)}: {_plain(one.remark or 'nobody asked who it is')}\n"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else toml(name)


def _plain(words: str) -> str:
    """Words that stay on one line of comment, whatever an instrument has answered."""
    return " ".join("".join(c if c.isprintable() else " " for c in words).split())


def _of_names(draft: Draft) -> list[str]:
    """Names that can't be tables, or stand twice."""
    problems, seen = [], set[str]()
    for name in [one.name for one in draft.known] + list(draft.interlocks):
        if not NAME.fullmatch(name):
            problems.append(
                f"name {name!r}: letters, digits, - and _, a letter first, such as x or lockin"
            )
        if name in seen:
            problems.append(f"name {name!r}: two instruments have it")
        seen.add(name)
    return problems


def _of_ratings(draft: Draft) -> list[str]:
    """Limits beyond what a supply says it can give."""
    problems = []
    for one in draft.known:
        for key, rated, unit in (
            ("max_current_A", one.rated_A, "A"), ("compliance_V", one.rated_V, "V"),
        ):  # fmt: skip
            value = one.values.get(key)
            if isinstance(value, (int, float)) and value > rated:
                problems.append(
                    f"[{one.table}] {key} = {value:g} {unit} is beyond the {rated:g} {unit} "
                    "of the supply"
                )
    return problems


def window_problems(spec: BenchSpec) -> list[str]:
    """A drive or a reset beyond the limits of the magnets that make it."""
    problems = []
    driven = spec.rotation.magnets if spec.rotation else (spec.drive_magnet,)
    fields = {
        "[drive] low_T": spec.window.low_T,
        "[drive] high_T": spec.window.high_T,
        "[reset] field_T": spec.reset.field_T,
    }
    for name in driven:
        limits = spec.magnets[name].limits
        for where, field_T in fields.items():
            words = limits.problem(limits.current_A(field_T))
            if words is not None:
                problems.append(f"{where} = {field_T:g} T of magnet {name!r}: {words}")
    return problems

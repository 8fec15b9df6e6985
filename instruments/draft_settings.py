"""What a person says of a bench that is being drafted: addresses and values, as words.

`NAME=DRIVER@RESOURCE` (name and driver may be left out), and `TABLE.KEY=VALUE`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from instruments.bench_draft import Draft, DraftInstrument, named
from instruments.bench_keys import kind_of
from instruments.boards import read_boards, spelt
from instruments.draft_values import typed, value_of
from instruments.drivers import BROKEN, DRIVERS, KINDS
from instruments.toml_table import Table, near
from instruments.who_answers import CLOCK
from models.errors import InputError, raise_problems

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from instruments.who_answers import Answer

PLAIN_TABLES = ("drive", "reset", "virtual")
NAMED_TABLES = {"interlock": "interlocks", "board": "boards"}
SERVED_ACCELERATE = 1.0
"""Of a served rig whose speed isn't known: the rig's own, or slower, and never too fast for it."""
BOUNDS = {"above_V", "below_V"}
FORM = "TABLE.KEY=VALUE, such as drive.low_T=0.0022 or magnet.x.max_current_A=11"


def place(text: str) -> DraftInstrument:
    """An instrument of `RESOURCE`, `DRIVER@RESOURCE` or `NAME=DRIVER@RESOURCE`.

    Raises
    ------
    InputError
        No such driver, or a name without one.
    """
    name, _, rest = text.rpartition("=")
    driver, _, resource = rest.rpartition("@")
    if name and not driver:
        raise InputError(f"{text!r}: a name goes with a driver: NAME=DRIVER@RESOURCE")
    if not resource.strip():
        raise InputError(f"{text!r}: no resource: [NAME=][DRIVER@]RESOURCE")
    if driver and not kind_of(driver):
        known = [one for drivers in DRIVERS.values() for one in drivers]
        why = f": {BROKEN[driver]}" if driver in BROKEN else near(driver, known)
        raise InputError(f"{text!r}: driver {driver!r} is unknown{why}")
    return DraftInstrument(spelt(resource), driver, name)


def known_by(one: DraftInstrument, answer: Answer) -> DraftInstrument:
    """The instrument with what it has answered."""
    values = dict(one.values)
    if answer.terminator is not None:
        values["terminator"] = answer.terminator
    remark = ". ".join(filter(None, (answer.problem, answer.hint)))
    return replace(
        one, driver=answer.driver if kind_of(answer.driver) else "", identity=answer.identity,
        remark=remark, rated_A=answer.rated_A, rated_V=answer.rated_V, values=values,
    )  # fmt: skip


def interlocks_of(instrument: str, text: str) -> dict[str, dict[str, Any]]:
    """The [interlock.*] tables of `flow switch, aux1 > 2 V`: inputs of one instrument."""
    tables: dict[str, dict[str, Any]] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        bound = re.fullmatch(r"(.+?)\s*([<>])\s*(.+?)\s*V?", part)
        values: dict[str, Any] = {"instrument": instrument, "input": bound[1] if bound else part}
        if bound is not None:
            values["above_V" if bound[2] == ">" else "below_V"] = value_of(bound[3])
        name = _slug(f"{instrument}-{values['input']}")
        while values.keys() & tables.get(name, {}).keys() & BOUNDS:
            name += "-too"  # that bound is there already
        tables[name] = tables.get(name, {}) | values  # `aux1 > 2 V, aux1 < 4 V`: both bounds
    return tables


def _slug(words: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", words).strip("-")


def boards_of(settings: Sequence[str]) -> dict[str, str]:
    """The GPIB adapters among settings (`board.NAME.resource=…`): number of the board → adapter.

    Raises
    ------
    InputError
        One of them is no adapter, or can't be read.
    """
    about = [one for one in settings if one.strip().startswith("board.")]
    problems: list[str] = []
    given = with_settings(Draft(""), about).boards
    boards = read_boards(Table({"board": given}, "", problems))
    raise_problems(InputError, "bench write", problems)
    return boards


def on_a_clock(draft: Draft, answers: Iterable[Answer]) -> Draft:
    """The draft of a served virtual rig: its clock is no instrument of the bench."""
    clocks = [answer.resource for answer in answers if answer.driver == CLOCK]
    if not clocks:
        return draft
    others = tuple(one for one in draft.instruments if one.resource not in clocks)
    virtual: dict[str, Any] = {"clock": clocks[0], "accelerate": SERVED_ACCELERATE}
    return replace(draft, instruments=others, virtual=virtual)


def with_settings(draft: Draft, settings: Sequence[str]) -> Draft:
    """The draft with values of `TABLE.KEY=VALUE`; a value that is wrong is told by the draft.

    `KIND.KEY=VALUE` means the only instrument of that kind.

    Raises
    ------
    InputError
        Settings that can't be read, or of tables that aren't there: all of them.
    """
    draft = replace(draft, instruments=named(draft.instruments))
    problems: list[str] = []
    for setting in settings:
        try:
            draft = _with(draft, setting)
        except InputError as error:
            problems.append(str(error))
    raise_problems(InputError, "bench write", problems)
    return draft


def _with(draft: Draft, setting: str) -> Draft:
    path, equals, text = setting.partition("=")
    table, _, key = path.strip().rpartition(".")
    if not (equals and text.strip() and table and key):
        raise InputError(f"{setting!r}: expected {FORM}")
    if table in PLAIN_TABLES:
        values: Mapping[str, Any] = getattr(draft, table)
        changed: dict[str, Any] = {table: {**values, key: typed(key, text)}}
        return replace(draft, **changed)
    kind, _, name = table.partition(".")
    if kind in NAMED_TABLES and name:
        group: Mapping[str, Mapping[str, Any]] = getattr(draft, NAMED_TABLES[kind])
        inside = {**group.get(name, {}), key: typed(key, text)}
        changed = {NAMED_TABLES[kind]: {**group, name: inside}}
        return replace(draft, **changed)
    if kind not in KINDS:
        raise InputError(
            f"{setting!r}: no table [{table}]{near(kind, (*KINDS, *PLAIN_TABLES, *NAMED_TABLES))}"
        )
    one = _meant(draft.known, kind, name, setting)
    done = replace(one, values={**one.values, key: typed(key, text, one.driver)})
    return replace(draft, instruments=tuple(done if i is one else i for i in draft.instruments))


def _meant(known: Iterable[DraftInstrument], kind: str, name: str, setting: str) -> DraftInstrument:
    """The instrument that a setting is about."""
    of_kind = {one.name: one for one in known if one.kind == kind}
    if not of_kind:
        raise InputError(
            f"{setting!r}: no {kind} is known yet: name its driver, DRIVER@RESOURCE, or have the "
            "instruments asked (--identify)"
        )
    if not name and len(of_kind) > 1:
        raise InputError(f"{setting!r}: which {kind}? {', '.join(of_kind)}: {kind}.NAME.KEY=VALUE")
    if name and name not in of_kind:
        raise InputError(f"{setting!r}: no {kind} {name!r}{near(name, of_kind)}")
    return of_kind[name] if name else next(iter(of_kind.values()))

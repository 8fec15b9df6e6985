"""Write a bench file for what is on the bus: whole, or a draft that the program refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.new_file import refuse_taken, write_new
from app.operations.events import Note, Result, Stage
from app.words import counted
from models.errors import InputError, TwinrigError, raise_problems

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from pathlib import Path

    from app.operations.events import Event
    from instruments.bench_draft import Draft, DraftInstrument
    from instruments.clock import Stop
    from instruments.who_answers import Answer
    from instruments.wirelog import WireTap


def bench_write(
    out: Path,
    *,
    stop: Stop,
    resources: Sequence[str] = (),
    identify: bool = False,
    settings: Sequence[str] = (),
    name: str = "",
    wire_log: WireTap | None = None,
) -> Generator[Event, None, None]:
    """Draft a bench file; nothing is opened without `identify`, and nothing is ever set.

    The result's `complete` is False where values are `missing`: such a file can be opened in an
    editor, and is refused as a bench. `ok` of an instrument is None where it was not asked, or has
    not answered as it should. `left_out` names the resources that got no table, and why.

    Parameters
    ----------
    out
        A new file.
    stop
        Ends it.
    resources
        `[NAME=][DRIVER@]RESOURCE`; without any, those that the VISA library lists.
    identify
        Ask each of them who it is.
    settings
        `TABLE.KEY=VALUE`.
    name
        Of the bench; the file's, unless given.
    wire_log
        Called with every message.

    Raises
    ------
    InputError
        The file exists, or a value is wrong: all of them, and nothing is written.
    TwinrigError
        Another model than the driver that was named answers, or the disk refuses.
    StoppedError
        `stop` was requested.
    """
    # long by its arguments and what they mean: its steps are few, each a function of its own
    from instruments.bench_draft import Draft, is_missing, text_of
    from instruments.draft_settings import boards_of, on_a_clock, place, with_settings

    refuse_taken(out)
    found = [place(one) for one in resources]
    if not resources:
        yield Stage("list what VISA sees")
        found = _listed(stop)
    answers: list[Answer] = []
    if identify and found:
        yield Stage(f"ask {counted(len(found), 'resource')} who is there")
        answers = _asked(found, boards_of(settings), stop, wire_log)
    draft = Draft(name or out.stem, tuple(_put_together(found, answers)))
    draft = with_settings(on_a_clock(draft, answers), settings)
    problems = draft.problems()
    missing = [one for one in problems if is_missing(one)]
    wrong = [one for one in problems if not is_missing(one)]
    raise_problems(InputError, f"bench write: nothing was written to {out}", wrong)
    write_new(out, text_of(draft))
    yield from _said(draft, missing, identify=identify)
    yield Result(_result(out, draft, missing))


def _listed(stop: Stop) -> list[DraftInstrument]:
    from instruments.bench_draft import DraftInstrument
    from instruments.discovery import discover

    seen = discover(stop=stop).resources  # a board or an adapter is no instrument
    return [DraftInstrument(one) for one in seen if not one.upper().endswith("::INTFC")]


def _asked(
    found: Sequence[DraftInstrument],
    boards: Mapping[str, str],
    stop: Stop,
    wire_log: WireTap | None,
) -> list[Answer]:
    from instruments.who_answers import who_answers

    asked = [(one.resource, one.driver) for one in found]
    answers = who_answers(asked, stop=stop, boards=boards, wire_log=wire_log)
    wrong = [f"{a.resource}: {a.problem}. {a.hint}" for a in answers if a.wrong]
    raise_problems(TwinrigError, "bench write: another instrument than was named", wrong)
    return answers


def _put_together(
    found: Sequence[DraftInstrument], answers: Sequence[Answer]
) -> list[DraftInstrument]:
    from instruments.draft_settings import known_by

    if not answers:
        return list(found)
    return [known_by(one, answer) for one, answer in zip(found, answers, strict=True)]


def _said(draft: Draft, missing: Sequence[str], *, identify: bool) -> Generator[Event, None, None]:
    for one in draft.instruments:
        if one.remark:
            yield Note(f"{one.resource}: {one.remark}", "warning")
    if not identify and any(not one.kind for one in draft.instruments):
        yield Note(
            "nobody was asked who it is: --identify sends *IDN? to each, or name a driver, "
            "--resource DRIVER@RESOURCE"
        )
    if missing:
        yield Note(
            "a draft: no limit is ever guessed, and the program refuses the file until its lines "
            "marked TO FILL IN have their values",
            "warning",
        )


def _result(out: Path, draft: Draft, missing: Sequence[str]) -> dict[str, Any]:
    rows = {
        one.name: {
            "driver": one.driver, "resource": one.resource, "identity": one.identity,
            "ok": True if one.identity and not one.remark else None,
        }
        for one in draft.known
    }  # fmt: skip
    left = [f"{one.resource}: {one.remark or 'not asked'}" for one in draft.instruments
            if not one.kind]  # fmt: skip
    values: dict[str, Any] = {"path": str(out), "complete": not missing, "instruments": rows}
    return values | {"missing": list(missing), "left_out": left}

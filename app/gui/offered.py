"""Artefacts of a library as choices: names, folders, and why some can't be chosen; no Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from app.gui.words import unkeyed
from app.words import MISSING
from models.errors import TwinrigError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.library.folders import Artefact

GONE = "it is gone: moved, renamed or thrown away"
LONGEST_NOTE = 40  # characters of it beside a name


class Item(NamedTuple):
    """One to choose; with a `fault` it is shown, marked, and can't be.

    `about`: what stands beside its name in a list, where names alone tell nobody what is what.
    """

    text: str
    value: Any
    fault: str = ""
    about: str = ""

    @property
    def words(self) -> str:
        """What it is called where it is chosen."""
        return f"{self.text}, {state(self.fault)}" if self.fault else self.text

    @property
    def entry(self) -> str:
        """As an entry of a menu: its name and, in the column of short cuts, what it is."""
        said = f"{self.words}\t{self.about}" if self.about else self.words
        return unkeyed(said)


def state(fault: str) -> str:
    """What one with a fault is, in a word."""
    return "gone" if fault == GONE else "damaged"


Offered = Item | tuple[str, Any]
"""An item, or the text and value of one without a fault."""


def with_gone(
    items: Iterable[Offered], chosen: Iterable[Any], before: Iterable[Item]
) -> list[Item]:
    """Items, and behind them those from `before` that are chosen and there no more, as gone."""
    made, wanted = [Item(*one) for one in items], list(chosen)
    values = [one.value for one in made]
    lost = (one for one in before if one.value in wanted and one.value not in values)
    return [*made, *(one._replace(fault=GONE, about="") for one in lost)]


def items_of(found: Iterable[Artefact]) -> list[Item]:
    """An item each, with what it is; a damaged one says what is wrong."""
    return [Item(one.label, one.path, one.broken, about(one)) for one in found]


def about(artefact: Artefact) -> str:
    """Beside a name in a list: the note that somebody wrote, when, and what it is.

    Of a twin its bench and how far from the floor it was, of a network its task, layers and score.
    """
    note = artefact.note
    if len(note) > LONGEST_NOTE:
        note = f"{note[: LONGEST_NOTE - 1]}…"
    return " · ".join(part for part in (note, artefact.when, *_what(artefact)) if part)


def _what(artefact: Artefact) -> tuple[str, ...]:
    from app.library.facts import FORESEEN, facts_of  # imports numpy: not before the first frame

    head = artefact.head
    try:
        if artefact.kind == "twin":
            return str(head["meta"].get("bench") or ""), _quality(head)
        facts = facts_of(artefact)
        foreseen = dict(facts.rows).get(FORESEEN, MISSING)
    except (TwinrigError, KeyError, TypeError, ValueError, AttributeError):  # a head as it comes
        return ()
    return facts.title, "" if foreseen == MISSING else f"foreseen {foreseen}"


def _quality(head: dict[str, Any]) -> str:
    if head.get("deterministic"):
        return "deterministic"
    ratio = head["errors"].get("crps", {}).get("ratio")
    return f"CRPS {ratio:.2f} of the floor" if isinstance(ratio, float) else "not scored"

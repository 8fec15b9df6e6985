"""What a map to begin with takes for granted where names or attributes tell it, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.importing.guess_told import (
    UNNAMED,
    group_of,
    is_of_each,
    layout_of,
    own_name,
    told_guess,
    unnumbered,
)
from app.importing.names import last_word
from app.importing.spectra import SHOWN
from app.importing.told_check import doubt_words, told_words, unlike

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.foreign_files import Found
    from app.importing.guess_told import Layout

EXAMPLE = "write its value with its unit into each name, as in B_-5mT, or as an attribute field_mT"


def told_notes(found: Mapping[str, Found], whole: dict[str, Found]) -> list[str]:
    """Sentences about a guess of `import_guess.guess_map`; `whole`: those that it was made of."""
    notes = doubt_words(dict.fromkeys(map(group_of, found)))
    if groups := unnumbered(whole):
        listed = ", ".join(map(repr, groups[:SHOWN])) + " …" * (len(groups) > SHOWN)
        return [
            *notes,
            f"spectra whose names tell no number ({listed}): which step each is nobody can tell; "
            f"{EXAMPLE}",
        ]
    layout = layout_of(whole)
    return notes if layout is None else notes + _of_layout(layout, whole)


def listed_words(layout: Layout) -> str:
    """The words before the numbers that count."""
    return ", ".join(word or "one without a word" for word in layout.along)


def _of_layout(layout: Layout, whole: dict[str, Found]) -> list[str]:
    rows = whole[layout.response[0]].values.shape[len(layout.along) :]
    if layout.is_step:
        several = bool(rows) and rows[0] > 1
        each = f"its {rows[0]} rows are channels" if several else "one row of numbers"
        each = f"its {rows[0]} rows are samples, whose mean counts" if layout.clocked else each
    else:
        each = f"its {rows[0]} rows are steps"
    one = "step" if layout.is_step else "run"
    said = f"a guess: each file or group {layout.group!r} is one {one}, {each}"
    if layout.drive:
        notes = [f"{said}; its drive {told_words(layout.drive, whole[layout.drive])}"]
    else:
        notes = [said, f"the drive is not known: {EXAMPLE}"]
    if not told_guess(whole, layout, is_step=layout.is_step):
        return [
            f"of the names {layout.group!r} {len(layout.along)} numbers count "
            f"({listed_words(layout)}): more than sequences, repeats and steps do; import a folder "
            "of fewer"
        ]
    if not layout.sure:
        other = told_guess(whole, layout, is_step=not layout.is_step)
        what = f"; if it is a step: {other}" if other else ""
        notes.append(f"nothing tells whether a file is a run or a step{what}")
    if last_word(layout.axis) == UNNAMED:
        notes.append(
            f"its columns have no names: {own_name(layout.axis)} rises, and is taken for "
            f"{'frequencies' if layout.is_step else 'a time or the like'}"
        )
    others = [n for n, one in whole.items() if is_of_each(n, one) and n != layout.drive]
    notes += [f"told, too, and not used: {', '.join(others)}"] if others else []
    return notes + unlike(layout.response[0], whole)

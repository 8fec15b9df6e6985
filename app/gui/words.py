"""Numbers as a person reads them: durations, sizes, scores, fields."""

from __future__ import annotations

import math
import re
from html import escape

from app.words import MISSING, counted, duration
from app.words import joined_words as joined_words
from app.words import minus as minus
from app.words import prefix as prefix
from app.words import shown_name as shown_name
from app.words import size as size
from app.words import some_of as some_of
from app.words import written_unit as written_unit

BEING_READ = "the library is being read"
ROUND_TO_S = ((90, 10), (600, 30), (3600, 60), (math.inf, 600))
LEAST_MAGNITUDE = -7
MOST_WHOLE_DIGITS = 6
PATH = re.compile(r"(?:[A-Za-z]:)?(?:[/\\][^\s/\\:,;'\"]+){3,}")


def about(seconds: float | None) -> str:
    """`about 3 min 30 s`, no finer than can be known; empty where it isn't known at all."""
    if seconds is None:
        return ""
    step = next(step for below, step in ROUND_TO_S if seconds < below)
    whole = max(step, step * round(seconds / step))
    return f"about {duration(whole).removesuffix(' 0 s')}"


def score(value: float | None, significant: int = 2) -> str:
    """Two significant digits, without an exponent down to 1e-7; — where there is no number."""
    if value is None or not math.isfinite(value):
        return MISSING
    if value == 0:
        return "0"
    magnitude = math.floor(math.log10(abs(value)))
    if magnitude < LEAST_MAGNITUDE:
        return short(value, significant)
    return minus(f"{value:.{max(0, significant - 1 - magnitude)}f}")


def short(value: float, digits: int = 3) -> str:
    """A number of at most so many digits: `0.00321`, `−9.62e−5`."""
    return minus(f"{value:.{digits}g}")


def tick(value: float) -> str:
    """A tick of a logarithmic axis: `0.003`, `3e−5`."""
    return short(value, 6)


def reading(value: float | None, digits: int = 4) -> str:
    """A value of the instrument strip: four digits, fixed width in its range.

    Far off any scale it has few digits, too: `1e12`, no 1000000000000.
    """
    if value is None or not math.isfinite(value):
        return MISSING
    before = len(str(int(abs(value))))
    if before > MOST_WHOLE_DIGITS:
        return short(value, digits)
    return minus(f"{value:z.{max(0, digits - before)}f}")  # z: of nothing no `−0.000`


count = counted
"""As elsewhere in the program: `1 repeat`, `32 repeats`."""


def brief_paths(text: str) -> str:
    """Paths by their last two parts, `…/runs/recording`: a sentence is read for its reason."""
    return PATH.sub(lambda found: "…/" + "/".join(re.split(r"[/\\]", found[0])[-2:]), text)


def tool_tip(text: str) -> str:
    """What somebody wrote, as a tool tip: Qt takes `<I> = 3 mA` for markup and drops `<I>`."""
    if "<" not in text:
        return text
    return f'<span style="white-space: pre-wrap">{escape(text)}</span>'


def unkeyed(text: str) -> str:
    """A name as words of a button or a menu: of `R&D rig` Qt takes the D for a key."""
    return text.replace("&", "&&")


def opened_later(name: str) -> str:
    """Why a page that runs something shows nothing else: it tells of that, by its name."""
    return f"{name} can be opened here once what runs is over"

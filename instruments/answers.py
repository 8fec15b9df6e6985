"""Numbers as instruments answer them, read so strictly that a cut answer is none."""

from __future__ import annotations

import math
import re

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
"""Any number; a driver knows its instrument's form better."""


def numbers_of(
    reply: str, count: int, form: re.Pattern[str] = NUMBER, copies: int = 0
) -> list[float] | None:
    """The numbers of an answer, commas between; None where it is another answer, or a part of one.

    Parameters
    ----------
    reply
        The answer, without its end.
    count
        How many numbers.
    form
        What each looks like from its first to its last character. Where no beginning of such a
        text is of the form, too, a number that was cut is none.
    copies
        So many of the numbers, the last ones, were asked for once more behind the others. Both
        texts have to be the same: an answer that was cut or mixed shows, whatever the form.

    >>> numbers_of("1.5,2.5,2.5", 2, copies=1)
    [1.5, 2.5]
    >>> numbers_of("1.5,2.5,2.", 2, copies=1)
    """
    if count == 1 and not copies:  # most answers
        text = reply.strip()
        value = float(text) if form.fullmatch(text) else math.nan
        return [value] if math.isfinite(value) else None
    parts = [part.strip() for part in reply.split(",")]
    if len(parts) != count + copies or not all(map(form.fullmatch, parts)):
        return None
    kept = parts[:count]
    if copies and kept[-copies:] != parts[count:]:
        return None
    values = [float(part) for part in kept]
    return values if all(map(math.isfinite, values)) else None

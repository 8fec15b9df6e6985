"""Scales of a strip chart: ranges that don't jitter, round ticks, times before now; no Qt."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from app.gui.words import minus, short

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SHRINK = 0.55  # of the range in use: below it the range follows the values down
MARGIN = 0.08
FLAT = 1e-4  # of a value that stays as it is: its chart spans so much
ONE_TWO_FIVE = (1, 2, 5)
NOW = "now"
SPANS = ((86_400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))


def settled(
    low: float, high: float, before: tuple[float, float] | None, least: float = 0.0
) -> tuple[float, float]:
    """The range for values from `low` to `high`: as before, unless they leave it or need less.

    `least` is the smallest span: below it noise would fill the chart.
    """
    if not (math.isfinite(low) and math.isfinite(high)):
        return before or (0.0, 1.0)
    size = max(abs(low), abs(high))
    span = max(high - low, least, FLAT * size) or 2.0
    middle = (low + high) / 2
    if before is not None:
        inside = before[0] <= low and high <= before[1]
        if inside and span > SHRINK * (before[1] - before[0]) / (1 + 2 * MARGIN):
            return before
    half = span * (0.5 + MARGIN)
    return middle - half, middle + half


def ticks(low: float, high: float, most: int) -> list[float]:
    """At most so many round numbers between, at least one where there is any."""
    span = high - low
    if not span > 0 or most < 1:
        return []
    raw = span / most
    decade = 10.0 ** math.floor(math.log10(raw))
    for step in (1.0, 2.0, 2.5, 5.0, 10.0, 20.0, 50.0):
        width = step * decade
        first = math.ceil(low / width - 1e-9)
        count = math.floor(high / width + 1e-9) - first + 1
        if count <= most:
            return [(first + k) * width for k in range(max(count, 0))]
    return []


def log_ticks(low: float, high: float, most: int) -> list[float]:
    """Decimal logarithms of round numbers between 10^low and 10^high, room for so many in all.

    Decades, or every second, third… of them; of one or two decades 1-2-5 or each digit, where none
    of them comes nearer to the next than the range over `most`; of less, round numbers as `ticks`.
    """
    if not high > low or most < 1:
        return []
    least = (high - low) / most
    for digits in (range(1, 10), ONE_TWO_FIVE, (1, 3), (1,)):
        marks = _log_marks(low, high, digits)
        if min((b - a for a, b in pairwise(marks)), default=math.inf) >= least:
            return marks if len(marks) > 1 else _few_log_marks(low, high, most)
    every = math.ceil(least)
    return [mark for mark in marks if round(mark) % every == 0]


def _log_marks(low: float, high: float, digits: Iterable[int]) -> list[float]:
    decades = range(math.floor(low), math.ceil(high) + 1)
    marks = [decade + math.log10(digit) for decade in decades for digit in digits]
    return [mark for mark in marks if low <= mark <= high]


def _few_log_marks(low: float, high: float, most: int) -> list[float]:
    """Where decades give one mark or none: of 1-2-5, else of round numbers, those with room."""
    least = (high - low) / most
    found = _thinned(_log_marks(low, high, ONE_TWO_FIVE), least)
    if len(found) > 1:
        return found
    return _thinned([math.log10(m) for m in ticks(10**low, 10**high, most) if m > 0], least)


def _thinned(marks: list[float], least: float) -> list[float]:
    """From the first on, each that is so far from the one before it."""
    kept: list[float] = []
    for mark in marks:
        if not kept or mark - kept[-1] >= least:
            kept.append(mark)
    return kept


def tick_text(value: float, step: float) -> str:
    """A tick with as many digits as its neighbours need."""
    if value == 0:
        return "0"
    fits = (d for d in range(7) if abs(round(step, d) - step) <= 1e-6 * step)
    digits = next(fits, 7)
    if abs(value) >= 1e5 or digits > 5:
        return short(value)
    return minus(f"{value:.{digits}f}")


def labelled(
    low: float, high: float, most: int, fits: Callable[[str], bool]
) -> list[tuple[float, str]]:
    """Ticks and their words: at most so many, fewer where words don't fit or would be alike."""
    while True:
        marks = ticks(low, high, most)
        alone = 10.0 ** math.floor(math.log10(high - low)) if high > low else 1.0
        step = marks[1] - marks[0] if len(marks) > 1 else alone
        words = [tick_text(mark, step) for mark in marks]
        if most == 1 or (all(map(fits, words)) and len(set(words)) == len(words)):
            return list(zip(marks, words, strict=True))
        most = max(1, most // 2)


def ago(seconds: float) -> str:
    """A time before now, as the axis says it: `−10 s`, `−1.5 h`, `now`."""
    if abs(seconds) < 1e-9:
        return NOW
    for scale, unit in SPANS:
        if seconds >= scale:
            return f"−{seconds / scale:.3g} {unit}"
    return f"−{seconds:.3g} s"

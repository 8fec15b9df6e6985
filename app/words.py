"""Words that every front end and report writes alike."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import date

EXPONENT = re.compile(r"(?<=\d)e\+?(-?)0*(?=\d)")
MISSING = "—"
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
MOST_DIGITS = 15
PREFIXES = ((1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"), (1e-12, "p"))


def day(then: date) -> str:
    """A day as it is said here, `3 Dec`: the system's own `%b` is in the computer's language."""
    return f"{then.day} {MONTHS[then.month - 1]}"


def minus(text: str) -> str:
    """Numbers with a minus sign in place of a hyphen, their exponents without zeros: `−3e−5`."""
    return EXPONENT.sub(r"e\1", text).replace("-", "−")


def hyphens(text: str | None) -> str:
    """What somebody has typed or pasted, with a hyphen for each minus sign that `minus` writes."""
    return (text or "").replace("−", "-")


def signed(value: float, shape: str = ".1f") -> str:
    """With its sign, as of a change: `+0.4`, `−89.9`; of nothing no `−0.0`."""
    return minus(f"{value:+z{shape}}")


def size(count: float) -> str:
    """`900 B`, `24 kB`, `1.9 MB`."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= scale:
            value = count / scale
            return f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"
    return f"{count:.0f} B"


def prefix(scale: float, unit: str) -> tuple[float, str]:
    """Factor and unit that show values of about `scale` well: `(1e6, "µV")` for 3e-5 V.

    A dimensionless unit keeps its factor 1.
    """
    unit = written_unit(unit)
    if not unit or unit in {"°", "°C", "%"} or not math.isfinite(scale) or scale <= 0:
        return 1.0, unit
    for step, letter in PREFIXES:
        if scale >= step:
            return 1.0 / step, letter + unit
    return 1.0 / PREFIXES[-1][0], PREFIXES[-1][1] + unit


def written_unit(unit: str) -> str:
    """As a person writes it: the unit `1` is nothing."""
    return "" if unit == "1" else unit


def with_unit(name: str, unit: str) -> str:
    """`X (mV)`; of a channel without a unit `X`."""
    return f"{name} ({written_unit(unit)})" if written_unit(unit) else name


def joined_words(*parts: str, by: str = ", ") -> str:
    """Those that say something: `X, mV`, of a channel without a unit `X`."""
    return by.join(part for part in parts if part)


def shown_name(baseline: str) -> str:
    """A baseline's name as it is written: `AR-18`, `ESN-48 (5 % noise)`, `Untrained network`."""
    name, _, noise = baseline.replace(" state noise", " noise").partition(" with ")
    text = f"{name} ({noise})" if noise else name
    for small, tall in (("ar-", "AR-"), ("esn-", "ESN-")):
        if text.startswith(small):
            return tall + text[len(small) :]
    return capitalised(text)


def capitalised(words: str) -> str:
    """As a sentence begins; the rest as it is: `Kepco x` stays so."""
    return words[:1].upper() + words[1:]


def duration(seconds: float | None) -> str:
    """`0.4 s`, `41 s`, `2 min 8 s`, `1 h 14 min`."""
    if seconds is None or not math.isfinite(seconds):
        return MISSING
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min"


def left_s(done: int, total: int, elapsed_s: float) -> float | None:
    """Time left at the pace so far, in s; None before there is one."""
    return elapsed_s / done * (total - done) if done and total else None


def left_words(rest_s: float | None) -> str:
    """`12 min left`; empty before there is a pace."""
    return "" if rest_s is None else f"{duration(rest_s)} left"


def told_apart(paths: Iterable[str]) -> dict[str, str]:
    """Each path's last part; the whole path where another one ends so, too."""
    last = {path: Path(path).name for path in paths}
    ends = list(last.values())
    return {path: name if ends.count(name) == 1 else path for path, name in last.items()}


def some_of(lines: Sequence[str], most: int) -> list[str]:
    """The first `most` lines, and behind them how many more there are."""
    more = len(lines) - most
    return [*lines[:most], f"and {more} more"] if more > 0 else [*lines]


def counted(number: int, noun: str) -> str:
    """`1 seed`, `3 seeds`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def fixed(value: float | None, digits: int) -> str:
    """A number with so many digits; a dash where there is none."""
    return MISSING if value is None else f"{value:.{digits}f}"


def digits_apart(
    value: float, limits: Iterable[float], digits: int, write: Callable[[float, int], str]
) -> int:
    """So many digits that a value reads another than each limit that it isn't; `digits` or more.

    A score of 0.0472 that lies outside an interval up to 0.0467 is no `0.047 outside 0.047`.
    """
    others = [limit for limit in limits if limit != value]
    while digits < MOST_DIGITS and any(
        write(value, digits) == write(other, digits) for other in others
    ):
        digits += 1
    return digits


def place_in(layers: Sequence[int], node: int) -> str:
    """`layer 2, node 5`, counted from 1, of a place in the schedule, counted from 0.

    `layers`: nodes of each.
    """
    for index, nodes in enumerate(layers):
        if node < nodes:
            return f"layer {index + 1}, node {node + 1}"
        node -= nodes
    raise IndexError(node)


def by_memory(whose: str, words: str) -> str:
    """What a sentence of `Network.origin_unknown` means for a score."""
    return f"{whose} may score by memory: {words}"

"""Words of `twinrig import --map` that carry a value: units, field, features, parts of axes."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from models.sequence import ENCODINGS

if TYPE_CHECKING:
    from collections.abc import Callable

TESLA = {
    "T": 1.0, "mT": 1e-3, "uT": 1e-6, "µT": 1e-6, "G": 1e-4, "Oe": 1e-4,
    "kOe": 0.1,
    "A/m": 4e-7 * math.pi, "kA/m": 4e-4 * math.pi,
}  # fmt: skip
"""Tesla of one unit; oersted and ampere per metre as the flux density they have in vacuum."""
STATISTICS = ("mean", "rms", "std", "min", "max")
SAMPLES = "samples"  # the feature that keeps each sample as a channel of its own
HARMONIC = re.compile(r"([1-9]\d?)f")
ONLY = ("sequence", "repeat", "channel")
MOST_INDEX = 10_000_000
MOST_FIELD = 1e9  # in any unit: no magnet comes near it in A/m


@dataclass(frozen=True)
class Words:
    """Values of the map's words; what was not given stands at what changes nothing.

    Attributes
    ----------
    units, channels, family
        Names; one or one each.
    field, field_unit
        The drive's own numbers at drive 0 and 1; None: `auto`, or (where `field_unit` is empty and
        `scaled` False) not given: the drive is 0…1 already.
    scaled
        Whether `field` was given at all.
    encoding, reset
        As in a `DriveWindow`; the reset in the field's unit, None: nobody said, so 0.
    only
        Axis → indices from 0.
    cut
        `shortest`, or empty.
    order
        `falling`, of steps that stand by their drive; empty: rising.
    overload
        Largest magnitude that is a reading; None: not given.
    hold
        Time of one hold, in the unit of the hold times; 0: not given.
    samples, skip, rate_Hz, band_Hz, features
        Of waveforms.
    """

    units: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    family: tuple[str, ...] = ()
    field: tuple[float, float] | None = None
    field_unit: str = ""
    scaled: bool = False
    encoding: str = "step"
    reset: float | None = None
    only: tuple[tuple[str, tuple[int, ...]], ...] = ()
    cut: str = ""
    order: str = ""
    overload: float | None = None
    hold: float = 0.0
    samples: int = 0
    skip: int = 0
    rate_Hz: float = 0.0
    band_Hz: tuple[float, float] | None = None
    features: tuple[str, ...] = ()


def read_value(words: Words, word: str, value: str, problems: list[str]) -> Words:
    """`words` with one more; a fault of it is added to `problems`."""
    try:
        return VALUE_WORDS[word](words, value)
    except ValueError as fault:
        problems.append(f"{word}={value}: {fault}")
        return words


def _field(words: Words, value: str) -> Words:
    *numbers, last = value.split(",")
    unit = "" if _is_number(last) or last == "auto" else last
    numbers = numbers if unit else [*numbers, last]
    if unit and unit not in TESLA:
        raise ValueError(no_unit_words(unit))
    if numbers == ["auto"]:
        return replace(words, field=None, field_unit=unit, scaled=True)
    if len(numbers) != 2 or not all(_is_number(n) for n in numbers):
        raise ValueError("expected LOW,HIGH[,UNIT] or auto[,UNIT]")
    low, high = (float(n) for n in numbers)
    if not -MOST_FIELD < low < high < MOST_FIELD:
        raise ValueError(f"the first must be the smaller one, both within ±{MOST_FIELD:g}")
    return replace(words, field=(low, high), field_unit=unit, scaled=True)


def no_unit_words(unit: str) -> str:
    """That it is no unit of a field, and which are."""
    return (
        f"{unit!r} is no unit of a field; known: {', '.join(TESLA)} (ampere: times the magnet's "
        "tesla per ampere first)"
    )


def _encoding(words: Words, value: str) -> Words:
    if value not in ENCODINGS:
        raise ValueError(f"known: {', '.join(ENCODINGS)}")
    return replace(words, encoding=value)


def _only(words: Words, value: str) -> Words:
    axis, _, parts = value.partition(":")
    if axis not in ONLY:
        raise ValueError(f"expected {' or '.join(f'{a}:0-15' for a in ONLY)}")
    chosen: list[int] = []
    for part in parts.split(","):
        first, dash, last = part.partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise ValueError(f"{part!r} is neither a number nor a range such as 0-15")
        low, high = int(first), int(last or first)
        if high < low or high > MOST_INDEX:
            raise ValueError(f"{part!r} is no range")
        chosen += range(low, high + 1)
    if len(set(chosen)) != len(chosen):
        raise ValueError("names one twice")
    others = tuple(item for item in words.only if item[0] != axis)
    return replace(words, only=(*others, (axis, tuple(chosen))))


def _cut(words: Words, value: str) -> Words:
    if value != "shortest":
        raise ValueError("known: shortest")
    return replace(words, cut=value)


def _order(words: Words, value: str) -> Words:
    if value != "falling":
        raise ValueError("known: falling")
    return replace(words, order=value)


def _features(words: Words, value: str) -> Words:
    names = tuple(value.split(","))
    for name in names:
        if name not in (*STATISTICS, SAMPLES) and not HARMONIC.fullmatch(name):
            raise ValueError(f"{name!r} is none of 1f, 2f, …, {', '.join(STATISTICS)}, {SAMPLES}")
    if len(set(names)) != len(names):
        raise ValueError("names one twice")
    return replace(words, features=names)


def _band(words: Words, value: str) -> Words:
    parts = value.split(",")
    if len(parts) != 2 or not 0 < _positive(parts[0]) < _positive(parts[1]):
        raise ValueError("expected LOW,HIGH in Hz")
    return replace(words, band_Hz=(float(parts[0]), float(parts[1])))


def _positive(value: str) -> float:
    number = float(value) if _is_number(value) else math.nan
    if not (math.isfinite(number) and number > 0):
        raise ValueError(f"{value!r} is no number above 0")
    return number


def _whole(value: str) -> int:
    if not value.isdecimal() or int(value) > MOST_INDEX:
        raise ValueError(f"{value!r} is no whole number")
    return int(value)


def _samples(words: Words, value: str) -> Words:
    if _whole(value) < 2:
        raise ValueError("a waveform has at least 2 samples a step")
    return replace(words, samples=_whole(value))


def _reset(words: Words, value: str) -> Words:
    if not _is_number(value) or not abs(float(value)) < MOST_FIELD:
        raise ValueError(f"expected a number within ±{MOST_FIELD:g}, in the unit of the field")
    return replace(words, reset=float(value))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


VALUE_WORDS: dict[str, Callable[[Words, str], Words]] = {
    "units": lambda words, value: replace(words, units=tuple(value.split(","))),
    "channels": lambda words, value: replace(words, channels=tuple(value.split(","))),
    "family": lambda words, value: replace(words, family=tuple(value.split(","))),
    "field": _field,
    "encoding": _encoding,
    "reset": _reset,
    "only": _only,
    "cut": _cut,
    "order": _order,
    "overload": lambda words, value: replace(words, overload=_positive(value)),
    "hold": lambda words, value: replace(words, hold=_positive(value)),
    "samples": _samples,
    "skip": lambda words, value: replace(words, skip=_whole(value)),
    "rate": lambda words, value: replace(words, rate_Hz=_positive(value)),
    "band": _band,
    "features": _features,
}

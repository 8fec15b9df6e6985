"""Argument types of the command line: text to a value, or a usage error in words."""

from __future__ import annotations

import argparse
import math
import re
from pathlib import Path

from instruments.bench_spec import LEAST_ACCELERATE
from models.command import unquoted
from models.wiring import MOST_NODES, laid_out

HIGHEST_PORT = 65535
MOST_DIGITS = 15  # a JSON number is whole up to 2⁵³; seeds of parts are made from a seed


def named(text: str) -> str:
    """A text of at least one character that is no blank."""
    if not text.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is empty")
    return text


def file_or_word(text: str) -> str:
    """As `named`, of a file or a word in its place; quotes around it are none of it."""
    return _bare(named(text))


def path(text: str) -> Path:
    """A file or folder, quotes around it left out; an empty one would be the folder worked in."""
    if not text:
        raise argparse.ArgumentTypeError("'' is empty: name a file or folder, . is this folder")
    return Path(_bare(text))


def _bare(text: str) -> str:
    """Without the quotes that a shell has left; blanks at an end may be a name's own."""
    bare = unquoted(text)
    return text if bare == text.strip() else bare


def whole(text: str) -> int:
    """A whole number of 1 or more."""
    value = whole_or_zero(text)
    if value == 0:
        raise argparse.ArgumentTypeError("0 is too few: expected 1 or more")
    return value


def whole_or_zero(text: str) -> int:
    """A whole number of 0 or more."""
    if not re.fullmatch(r"\d+", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 0 or more")
    if len(text.lstrip("0")) > MOST_DIGITS:
        most = "9" * MOST_DIGITS
        raise argparse.ArgumentTypeError(f"{text[:60]} is too large: {most} at most")
    return int(text)


def port(text: str) -> int:
    """A TCP port's number, or 0."""
    value = whole_or_zero(text)
    if value > HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"{text} is no port: 0 to {HIGHEST_PORT}")
    return value


def _float_of(text: str) -> float:
    """The number that a text is; NaN where it is none, which no range holds."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def factor(text: str) -> float:
    """A finite number above zero."""
    value = _above_zero(text)
    if math.isinf(value):
        raise argparse.ArgumentTypeError(f"{text!r} is too large: a finite number above zero")
    return value


def factor_or_zero(text: str) -> float:
    """A finite number of 0 or more."""
    return 0.0 if _float_of(text) == 0 else factor(text)


def _above_zero(text: str) -> float:
    value = _float_of(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above zero")
    return value


def acceleration(text: str) -> float:
    """How much faster than the device's own time; infinite: a virtual bench waits for nothing."""
    value = _above_zero(text)
    if value < LEAST_ACCELERATE:
        raise argparse.ArgumentTypeError(
            f"{text!r} is too slow: {LEAST_ACCELERATE:g} at least; below it the virtual "
            "instruments answer too late for their time-outs"
        )
    return value


def kelvin(text: str) -> float:
    """A temperature in K, above zero."""
    value = _float_of(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a temperature in kelvin, above zero")
    return value


def tesla(text: str) -> float:
    """A field in T."""
    value = _float_of(text)
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r} is not a field in tesla such as 0.003")
    return value


def current(text: str) -> float:
    """A current in A, not zero."""
    value = _float_of(text)
    if not math.isfinite(value) or value == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a current in A other than zero")
    return value


def number(text: str) -> float:
    """A finite number; the bench file's reader, who knows unit and limit, says what it must be."""
    value = _float_of(text)
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number such as 0.5 or 4e-4")
    return value


def layout(text: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Node counts, `16,16` or `8+8,16`: nodes, and which layers stand beside the one before."""
    found = laid_out(text)
    if found is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a list of node counts such as 16,16,16, or 8+8,16 for layers beside "
            f"each other; 1 to {MOST_NODES} nodes a layer"
        )
    return found


def names(text: str) -> tuple[str, ...]:
    """Names with commas between."""
    names = tuple(part.strip() for part in text.split(","))
    if not all(names):
        raise argparse.ArgumentTypeError(f"{text!r} has an empty name: expected A,B,…")
    return names


def rates(text: str) -> tuple[float, ...]:
    """Numbers above zero with commas between."""
    return tuple(factor(part.strip()) for part in text.split(","))


def delays(text: str) -> tuple[int, ...]:
    """Delays in steps, `0,1,2`."""
    if not re.fullmatch(r"\d{1,3}(,\d{1,3})*", text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a list of delays such as 0,1,2; 0 to 999 steps"
        )
    return tuple(sorted({int(part) for part in text.split(",")}))


def share(text: str) -> float:
    """A number from 0 to below 1."""
    value = _float_of(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to below 1")
    return value

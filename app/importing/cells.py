"""Cells of a text table as numbers: decimal commas, words for nothing, overloads.

`app.importing.csv_text` says what is read and what is refused.
"""

from __future__ import annotations

import re
from itertools import islice, pairwise
from typing import TYPE_CHECKING

import numpy as np

from training.bad_data import MARK

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Row = tuple[int, list[str]]  # its line, its cells

FIRST, BLOCK = 20, 10_000  # rows
NOTHING = ("", "na", "n/a", "#n/a", "#nv", "nan", "null", "none", "-", "--")
OVERLOADS = ("ovld", "ovl", "ol", "over", "overload", "overflow", "ovrflw")
COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")
WHOLE, FRACTION = re.compile(r"[+-]?\d+"), re.compile(r"0\d+([eE][+-]?\d+)?")
POWER = re.compile(r"\d+[eE][+-]?\d+")  # of a number with a point there is one before the power
FORTRAN = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))[dD]([+-]?\d+)")  # double precision: 1.5D+03
ONE_NUMBER = "is a number with a decimal comma: write decimal points, or semicolons between columns"
EITHER = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
"""With a decimal comma or with thousands: nobody can tell."""
POINTED = re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})+")
"""With thousands, where other numbers of the table have decimal commas; or written by another."""


def refuse_decimal_commas(rows: Iterator[Row]) -> None:
    """Refuse `0,0512` in a table without names: it is one number, not the two 0 and 512.

    And `2,557E-3` where all lines are like it: one of many would be 2 and 5e-3, as `%g` writes it.
    """
    first, each = "", True
    for line, cells in rows:
        alike = False
        for whole, part in pairwise(cells):
            if not WHOLE.fullmatch(whole.strip()):
                continue
            said = f"line {line}: '{whole.strip()},{part}' {ONE_NUMBER}"
            if FRACTION.fullmatch(part):
                raise ValueError(said)
            if POWER.fullmatch(part):
                first, alike = first or said, True
        each &= alike
    if first and each:
        raise ValueError(first)


def decimal_commas(rows: Iterator[Row]) -> tuple[bool, bool]:
    """Whether numbers have commas, and whether one of them can only be a decimal one."""
    comma = False
    for _, row in rows:
        for cell in row:
            if "," in cell and _has_comma(cell):
                comma = True
                if not EITHER.fullmatch(cell.strip()):
                    return True, True
    return comma, False


def table_of(
    rows: Iterator[Row], names: Sequence[str], width: int, *, comma: bool, sure: bool
) -> NDArray[np.float64]:
    """The numbers `(rows, columns)`, block by block: as Python's objects they take twenty-fold."""
    blocks = []
    while block := [(line, row[:width]) for line, row in islice(rows, BLOCK)]:
        try:
            if comma:
                raise ValueError
            made = np.array([row for _, row in block], dtype=np.float64)
        except ValueError:
            made = np.array([_numbers(row, names, comma=comma, sure=sure) for row in block])
        blocks.append(made)
    return np.concatenate(blocks)


def _has_comma(cell: str) -> bool:
    return COMMA.fullmatch(cell.strip()) is not None


def _numbers(row: Row, names: Sequence[str], *, comma: bool, sure: bool) -> list[float]:
    """A row's numbers; NaN where a cell says that there is nothing.

    `comma`: the table has commas in numbers; `sure`: one of them can only be a decimal one.
    """
    line, cells = row
    made = []
    for k, cell in enumerate(cells):
        text = cell.strip()
        if comma and not sure and EITHER.fullmatch(text):
            raise ValueError(
                f"{_place(line, k, names)}: {text!r} is a thousand times as large without its "
                "comma, and nobody can tell which is meant: write decimal points"
            )
        if comma and POINTED.fullmatch(text):
            raise ValueError(
                f"{_place(line, k, names)}: {text!r} has a point where other numbers have a "
                "decimal comma: a thousand times as large, or not? Write all with decimal points"
            )
        if text.lower() in NOTHING:
            made.append(float("nan"))
            continue
        if _is_overload(text):
            made.append(MARK)
            continue
        try:
            made.append(_float(text.replace(",", ".") if comma and _has_comma(text) else text))
        except ValueError as fault:
            if line <= FIRST and not any(map(is_number, cells)):
                raise ValueError(
                    f"line {line} has words below the names and their units, numbers are needed; "
                    "put # before lines that are no part of the table"
                ) from fault
            raise ValueError(
                f"{_place(line, k, names)}: {text!r} is no number; leave a cell empty where "
                "nothing was measured"
            ) from fault
    return made


def _float(text: str) -> float:
    """A number as Python or Fortran writes it; ValueError for anything else."""
    fortran = FORTRAN.fullmatch(text)
    return float("e".join(fortran.groups()) if fortran else text)


def _place(line: int, column: int, names: Sequence[str]) -> str:
    return f"line {line}, column {names[column] if names and names[column] else column + 1}"


def is_word(cell: str) -> bool:
    """Whether it holds something, and no number, nor several with blanks between them."""
    parts = cell.split()
    numbers = bool(parts) and all(map(is_number, parts))
    return cell.strip().lower() not in NOTHING and not numbers


def says_nothing(cell: str) -> bool:
    """Whether it says in letters that nothing was measured; a dash or a blank may be no unit."""
    text = cell.strip().lower()
    return text in NOTHING and any(map(str.isalpha, text))


def is_number(cell: str) -> bool:
    """Whether it is a number in whatever hand, or an instrument's word for an overload."""
    text = cell.strip()
    try:
        _float(text)
    except ValueError:
        return _has_comma(text) or _is_overload(text)
    return True


def _is_overload(text: str) -> bool:
    """Whether it is an instrument's word for a value beyond its range."""
    return text.lstrip("+-").lower() in OVERLOADS


def counted_texts(rows: Iterator[Row], column: int) -> NDArray[np.float64]:
    """A column of texts that say which run a row is of, as numbers in the order of its texts.

    NaN where a cell says nothing: whether it means the text above nobody can tell.
    """
    texts = [row[column].strip() for _, row in rows]
    there = sorted({text for text in texts if is_word(text) or is_number(text)}, key=_natural)
    places = {text: float(place) for place, text in enumerate(there)}
    return np.array([places.get(text, np.nan) for text in texts])


def _natural(text: str) -> list[tuple[int, str]]:
    """To sort by: rep9 before rep10."""
    parts = re.split(r"(\d+)", text)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]

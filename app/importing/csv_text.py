"""Tables of text: CSV as instruments, spreadsheets and laboratories in Europe write it.

Decision. What can only mean one thing is read: semicolons with decimal commas, a row of units below
the names, empty cells and the usual words for nothing. What could mean two (`12,345`, unless a
cell such as `0,512` tells what its comma is) is refused with its line, for a number that is wrong
by a thousand is fitted without a word.
"""

from __future__ import annotations

import csv
import re
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Any

import numpy as np

from app.foreign_files import Found
from app.importing.cells import (
    FIRST,
    counted_texts,
    decimal_commas,
    is_number,
    is_word,
    refuse_decimal_commas,
    says_nothing,
    table_of,
)
from app.importing.lines import lines_of
from app.importing.names import RUNS, stem_of
from app.words import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from app.importing.cells import Row

DELIMITERS = (";", "\t", ",", " ")
COMMENTS = ("#", "%")
ABOVE = "lines_above"
MOST_ABOVE = 100  # rows that are looked at for where a table begins
SHEET_WORD = re.compile(r"\s*#(N/A|NV|DIV/0!|[^\W\d]+[!?])\s*([;,\t\"]|$)", re.IGNORECASE)
"""What a spreadsheet leaves in a cell without a value: no comment, though it begins like one."""
WORDS = re.compile(r"[^\W\d_].*|\d{1,4}([-./])\d{1,2}\1\d{1,4}([ T].*)?|\d{1,2}:\d{2}(:\d{2}.*)?")
"""A remark, a date, a time: no number that somebody wrote in another way, as `5 mV` is."""


def read_csv(file: Path) -> dict[str, Found]:
    """The table `(rows, columns)` as `values`, and each named column by its name.

    A unit in brackets behind a column's name, `X (V)` or `X [V]`, is its unit; so is what stands in
    a row of its own below the names. Of two columns with one name, `H`, there are `H.1` and `H.2`.
    A column of words alone, such as a date, is no part of the table; its first ones are given; of
    one that counts runs, `pattern` with A, B and C, their numbers 0, 1 and 2. Nor
    are an instrument's own lines above the names, `lines_above`. The last comment above a table
    without names has them, as NumPy's `savetxt` writes it.

    Raises
    ------
    ValueError
        What is no table of numbers, with the line.
    """
    read = lines_of(file)
    lines = ["" if _is_comment(line) else line for line in read]
    begin = _words_above(lines)
    above = [told for line in lines[:begin] if (told := line.rstrip(";,\t "))]
    lines[:begin] = [""] * begin
    delimiter = _delimiter(list(islice(filter(str.strip, lines), FIRST)))
    _refuse_open_quotes(lines, delimiter)
    heads = [cells for _, cells in islice(_rows(lines, delimiter), 2)]
    if not heads:
        raise ValueError("it has no rows")
    names: list[str] = []
    units: list[str] = []
    if any(is_word(cell) for cell in heads[0]):
        names = [name.strip() for name in heads[0]]
        if len(heads) > 1 and _is_of_units(heads[1]):
            units = [unit.strip().strip("()[]") for unit in heads[1]]
    elif delimiter == ",":
        refuse_decimal_commas(_rows(lines, delimiter))

    heads_taken = bool(names) + bool(units)

    def body() -> Iterator[Row]:
        return islice(_rows(lines, delimiter), heads_taken, None)

    if next(body(), None) is None:
        raise ValueError("below its names there are no numbers")
    width = _width(body, names)
    names = names[:width]
    _refuse_uneven(body(), names, width)
    text = _text_columns(list(islice(body(), FIRST)), names)
    names = names or _commented_names(read, delimiter, width)

    def numeric() -> Iterator[Row]:
        return _without(body(), text) if text else body()

    comma, sure = (False, False) if delimiter == "," else decimal_commas(numeric())
    kept = [k for k in range(width) if k not in text]
    words = _words(body, text, names)
    names, units = ([row[k] for k in kept if k < len(row)] for row in (names, units))
    table = table_of(numeric(), names, len(kept), comma=comma, sure=sure)
    words |= {ABOVE: Found(np.array(above))} if above else {}
    dims = () if names else ("row", "column")
    return {"values": Found(table, dims), **_columns(table, names, units), **words}


def lines_above(without: Mapping[str, str]) -> list[tuple[str, str]]:
    """What an import says of them, with its level: nobody applies a gain or a unit among them.

    `without`: what of a file is no numbers, in words.
    """
    return [
        (f"lines above the columns' names are not applied to the numbers ({words})", "info")
        for name, words in without.items()
        if name.rpartition("/")[2] == ABOVE
    ]


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith(COMMENTS) and not SHEET_WORD.match(line)


def _words_above(lines: Sequence[str]) -> int:
    """How many lines stand above a table's names: an instrument's own, of a date or its number.

    They are rows with words, of another length than the names and all below them, or filled up with
    empty cells, as by a spreadsheet. 0: none, or one of them could be the table's.
    """
    for one in DELIMITERS:
        rows = list(islice(_rows(lines, one), MOST_ABOVE))
        begin = _even_from([len(cells) for _, cells in rows])
        if len(next((cells for _, cells in rows[begin:]), [])) < 2:
            continue
        found = next((k for k in (begin, _even_from(_lengths(rows))) if _begins(rows, k)), 0)
        if found or begin == 0:
            return rows[found - 1][0] if found else 0
    return 0


def _begins(rows: Sequence[Row], begin: int) -> bool:
    """Whether there are rows of words, then one of names, then numbers."""
    names, *below = [cells for _, cells in rows[begin : begin + 3]] or [[]]
    words = all(any(map(is_word, cells)) or not any(cells) for _, cells in rows[:begin])
    numbers = any(is_number(cell) for cells in below for cell in cells)
    named = names[: _used(names)]
    return begin > 0 and words and numbers and bool(named) and all(map(is_word, named))


def _used(cells: Sequence[str]) -> int:
    """How many cells there are without the empty ones at the end."""
    return max((k + 1 for k, cell in enumerate(cells) if cell.strip()), default=0)


def _lengths(rows: Sequence[Row]) -> list[int]:
    """Of each row; of words alone without the empty cells at its end, where the last has more."""
    most = _used(rows[-1][1])
    shorter = [_used(c) < most and not any(map(is_number, c)) for _, c in rows]
    return [_used(c) if s else len(c) for s, (_, c) in zip(shorter, rows, strict=True)]


def _even_from(counts: Sequence[int]) -> int:
    """Where the last run of equal counts begins."""
    return next((k for k in range(len(counts), 0, -1) if counts[k - 1] != counts[-1]), 0)


def _is_of_units(cells: Sequence[str]) -> bool:
    """Whether the row below the names has their units; one of NA alone is a first step."""
    if any(map(is_number, cells)):
        return False
    return any(map(is_word, cells)) or not any(map(says_nothing, cells))


def _delimiter(lines: Sequence[str]) -> str:
    """What makes as many columns of every line; else what there is most of, or blanks alone."""
    for one in DELIMITERS:
        counts = {len(cells) for _, cells in _rows(lines, one)}
        if len(counts) == 1 and counts != {1}:
            return one
    sample = "\n".join(lines)
    by_blanks = any(len(cells := line.split()) > 1 and all(map(is_number, cells)) for line in lines)
    if by_blanks and not any(one in sample for one in DELIMITERS[:3]):
        return " "
    return max(DELIMITERS[:3], key=sample.count)


def _commented_names(lines: Sequence[str], delimiter: str, width: int) -> list[str]:
    """Words of the last comment above a table's first line, where there is one for each column."""
    above = list(takewhile(lambda line: not line.strip() or _is_comment(line), lines))
    last = [line.strip().lstrip("".join(COMMENTS)) for line in above if line.strip()][-1:]
    last = [line.rstrip(f"{delimiter} ") for line in last]
    cells = next((cells for _, cells in _rows(last, delimiter)), [])
    return (
        [cell.strip() for cell in cells] if len(cells) == width and all(map(is_word, cells)) else []
    )


def _reader(lines: Sequence[str], delimiter: str) -> Any:
    return csv.reader(lines, delimiter=delimiter, skipinitialspace=delimiter == " ")


def _refuse_open_quotes(lines: Sequence[str], delimiter: str) -> None:
    """Refuse a cell that begins with a stray quotation mark: it would take the rows below it."""
    reader, begin = _reader(lines, delimiter), 0
    for cells in reader:
        for taken in lines[begin + 1 : reader.line_num]:
            parts = taken.partition('"')[0].split(delimiter)
            if len(parts) >= len(cells) and any(map(is_number, parts)):
                raise ValueError(
                    f"line {begin + 1} has a quotation mark at a cell's begin, and the rows from "
                    f"there to line {reader.line_num} would be that one cell: take the mark out"
                )
        begin = reader.line_num


def _rows(lines: Sequence[str], delimiter: str) -> Iterator[Row]:
    reader = _reader(lines, delimiter)
    for cells in reader:
        if delimiter == " ":
            cells = [cell for cell in cells if cell]
        if cells and not _is_comment(cells[0]):
            yield reader.line_num, cells


def _width(body: Callable[[], Iterator[Row]], names: Sequence[str]) -> int:
    """Columns of the table: those with a name or a value, as delimiters may end its lines."""
    head = names or next(body())[1]
    if head[-1].strip() and (not names or all(len(row) == len(names) for _, row in body())):
        return len(head)
    return max([_used(names), *(_used(row) for _, row in body())])


def _refuse_uneven(rows: Iterator[Row], names: Sequence[str], width: int) -> None:
    first, columns = 0, len(names) or width
    for line, row in rows:
        has = len(row)
        while has > width and not row[has - 1].strip():
            has -= 1
        if has != columns:
            of = "its names" if names else f"line {first}" if first else "the longest"
            header = columns == 1 or line <= FIRST
            words = "; put # before lines that are no part of the table" if header else ""
            raise ValueError(f"line {line} has {counted(has, 'column')}, {of} {columns}{words}")
        first = first or line


def _text_columns(first: Sequence[Row], names: Sequence[str]) -> frozenset[int]:
    """Named columns that begin with words and have no number: dates, remarks; never all of them."""
    text = frozenset(
        k
        for k in range(len(names))
        if any(is_word(row[k]) for _, row in first)
        and all(WORDS.fullmatch(row[k].strip()) for _, row in first if is_word(row[k]))
        and not any(is_number(row[k]) for _, row in first)
    )
    return text if len(text) < len(names) else frozenset()


def _words(
    body: Callable[[], Iterator[Row]], text: frozenset[int], names: Sequence[str]
) -> dict[str, Found]:
    """Columns of words: of one that counts runs its numbers, of others the first ones."""
    found = {}
    for k in sorted(text):
        name = _head(names[k])[0]
        if stem_of(name) in RUNS:
            found[name] = Found(counted_texts(body(), k))
        else:
            first = [row[k] for _, row in islice(body(), FIRST)]
            found[names[k].strip()] = Found(np.array(first))
    return found


def _without(rows: Iterator[Row], text: frozenset[int]) -> Iterator[Row]:
    """Rows without the columns of words; ValueError where one of those has a number after all."""
    for line, row in rows:
        for k in text:
            if is_number(row[k]):
                raise ValueError(
                    f"line {line}, column {k + 1}: {row[k].strip()!r}, and above it are words: a "
                    "column has either"
                )
        yield line, [cell for k, cell in enumerate(row) if k not in text]


def _columns(table: np.ndarray, names: Sequence[str], units: Sequence[str]) -> dict[str, Found]:
    heads = [_head(name) for name in names]
    all_names = [name for name, _ in heads]
    found: dict[str, Found] = {}
    for i, (name, unit) in enumerate(heads):
        which = f".{all_names[: i + 1].count(name)}" if all_names.count(name) > 1 else ""
        if name:
            found[name + which] = Found(
                table[:, i], (), unit or (units[i] if i < len(units) else "")
            )
    return found


def _head(head: str) -> tuple[str, str]:
    """Name and unit of a column's head; blanks in a name become `_`, as a map has none."""
    name, unit = head, ""
    for left, right in ("()", "[]"):
        before, bracket, rest = head.partition(left)
        if bracket and rest.endswith(right) and before.strip():
            name, unit = before, rest[:-1].strip()
    return "_".join(name.split()), unit

"""Touchstone files of a vector network analyser, `.s2p`: frequencies and complex parameters.

Version 1 of the format (EIA/IBIS Open Forum, Touchstone File Format Specification, rev. 1.1): an
option line `# GHz S MA R 50`, comments behind `!`, one frequency and 2 N² numbers after another.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from app.foreign_files import Found

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SUFFIXES = (".s1p", ".s2p", ".s3p", ".s4p")
UNITS = {"hz": "Hz", "khz": "kHz", "mhz": "MHz", "ghz": "GHz"}
FORMATS = ("ma", "db", "ri")
PARAMETERS = ("s", "y", "z", "h", "g")
SHOWN = 60
TWO_PORT, NOISE = 9, 5  # numbers of a frequency, and of a row of noise figures


def read_touchstone(file: Path) -> dict[str, Found]:
    """Frequencies `freq` in their own unit, and `S11`, `S21`, … as complex numbers.

    Raises
    ------
    ValueError
        Another version, an option that is none, or numbers that are no whole frequencies.
    """
    lines = file.read_text("utf-8", "replace").splitlines()
    bare = [(k, line.partition("!")[0].strip()) for k, line in enumerate(lines, start=1)]
    unit, parameter, form = _options([line for _, line in bare if line.startswith("#")])
    ports = int(file.suffix[2])
    width = 1 + 2 * ports**2
    rows = _numbers([(k, line) for k, line in bare if line and not line.startswith("#")], width)
    if not rows.size or rows.size % width:
        raise ValueError(
            f"it has {rows.size} numbers, and a frequency of {ports} ports takes {width}"
        )
    table = rows.reshape(-1, width)
    pairs = table[:, 1:].reshape(len(table), ports, ports, 2)
    if ports == 2:  # S11 S21 S12 S22
        pairs = pairs.transpose(0, 2, 1, 3)
    complex_ = _complex(pairs[..., 0], pairs[..., 1], form)
    found = {"freq": Found(table[:, 0], (), unit)}
    for i, j in np.ndindex(ports, ports):
        found[f"{parameter.upper()}{i + 1}{j + 1}"] = Found(complex_[:, i, j])
    return found


def _options(lines: list[str]) -> tuple[str, str, str]:
    """Unit, parameter and format of the option line; what it leaves out is GHz, S and MA."""
    unit, parameter, form = "GHz", "s", "ma"
    words = re.sub(r"\br\s+\S+", "", lines[0][1:].lower()).split() if lines else []
    for word in words:
        if word in UNITS:
            unit = UNITS[word]
        elif word in PARAMETERS:
            parameter = word
        elif word in FORMATS:
            form = word
        else:
            raise ValueError(f"{word!r} of its option line {lines[0]!r} is not known")
    return unit, parameter, form


def _numbers(lines: list[tuple[int, str]], width: int) -> NDArray[np.float64]:
    """All numbers, without the noise figures that may stand below a two-port's."""
    made: list[float] = []
    for k, line in lines:
        if line.startswith("["):
            raise ValueError(f"line {k}: {line[:SHOWN]!r} is of version 2: save it as version 1")
        try:
            row = [float(word) for word in line.split()]
        except ValueError as fault:
            raise ValueError(f"line {k}: {line[:SHOWN]!r} is no row of numbers") from fault
        if width == TWO_PORT and len(row) == NOISE and made:
            break
        if width == TWO_PORT and len(row) != width:  # all on one line, as the format has it
            raise ValueError(f"line {k} has {len(row)} numbers, that of a two-port has {width}")
        made += row
    return np.array(made)


def _complex(
    first: NDArray[np.float64], second: NDArray[np.float64], form: str
) -> NDArray[np.complex128]:
    if form == "ri":
        return np.asarray(first + 1j * second)
    size = 10 ** (first / 20) if form == "db" else first
    return np.asarray(size * np.exp(1j * np.deg2rad(second)))

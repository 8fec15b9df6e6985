"""The drive 0…1 of a file's own numbers, and the field window that it spans."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from app.importing.words import TESLA
from models.errors import InputError
from models.sequence import DriveWindow, Reset

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from app.importing.prepare import Measured
    from app.importing.words import Words

    Array = NDArray[np.float64]

DIGITS = 7  # of decimals that float32 keeps


def drive_window(
    made: Measured, words: Words, file: Path
) -> tuple[Array, DriveWindow, Reset, str | None]:
    """Drive in 0…1, the field window and reset in tesla, and a sentence where they are unknown.

    Raises
    ------
    InputError
        A drive outside of what the map says it spans.
    """
    made = replace(made, drive=decimals(made.drive)) if words.scaled else made
    factor = TESLA.get(words.field_unit, 1.0)
    if not words.scaled or not made.is_known:
        window = DriveWindow(words.encoding, 0.0, 1.0)
        said = "the field window and the reset are unknown: 0…1 T stands for drive 0…1"
        return made.drive, window, Reset(words.reset or 0.0), said
    low, high = words.field or (float(np.nanmin(made.drive)), float(np.nanmax(made.drive)))
    if not low < high:
        raise InputError(f"{file}: the drive is {low:g} everywhere: it has no range; give field=")
    drive = (made.drive - low) / (high - low)
    tolerance = 1e-9
    drive = np.where((drive < 0) & (drive > -tolerance), 0.0, drive)
    drive = np.where((drive > 1) & (drive < 1 + tolerance), 1.0, drive)
    if not words.field_unit:
        told = (
            f"drive 0…1 is the file's {low:g}…{high:g}, whose unit is not known (field=…,UNIT): "
            "0…1 T stands for it"
        )
        reset = (words.reset - low) / (high - low) if words.reset else 0.0
        return drive, DriveWindow(words.encoding, 0.0, 1.0), Reset(reset), told
    low_T, high_T, reset_T = (_rounded(value * factor) for value in (low, high, words.reset or 0.0))
    return drive, DriveWindow(words.encoding, low_T, high_T), Reset(reset_T), None


def _rounded(field_T: float) -> float:
    """Without the last digits of a unit's factor: 34 Oe are the 3.4 mT of a bench file."""
    return float(f"{field_T:.12g}")


def decimals(values: Array) -> Array:
    """Numbers that were kept as float32 as the decimals that somebody wrote: 3.4000001 as 3.4.

    Others as they are. Else a file of float32 had another field window than one of float64.
    """
    used = np.isfinite(values) & (values != 0)
    with np.errstate(over="ignore"):
        single = values.astype(np.float32).astype(np.float64)
    if not used.any() or not np.array_equal(single[used], values[used]):
        return values
    scale = 10.0 ** (DIGITS - 1 - np.floor(np.log10(np.abs(np.where(used, values, 1.0)))))
    written = np.round(values * scale) / scale
    same = written.astype(np.float32).astype(np.float64) == values
    made: Array = np.where(used & same, written, values)
    return made


def window_words(words: Words, window: DriveWindow) -> list[str]:
    """What of a field's window and reset is taken for granted, and how the map says it."""
    if not words.scaled or not words.field_unit:
        return []
    said = []
    low, high = (f"{1e3 * field_T:.6g}" for field_T in (window.low_T, window.high_T))
    if words.field is None:
        said.append(
            f"drive 0…1 is {low}…{high} mT, the smallest and the largest field of this file: of "
            f"files that one twin is to see give all the same, such as field={low},{high},mT"
        )
    if words.reset is None:
        said.append(
            "the field of the reset before each repeat is not known: 0 mT stands for it "
            f"(reset=FIELD, in {words.field_unit})"
        )
    return said

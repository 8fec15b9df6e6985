"""What a map to begin with leaves out, or can't say, of a file's arrays, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.operations.import_guess import fits_drive, fits_holds, mapped
from app.operations.import_join import longer
from app.operations.import_names import says_drive, says_holds
from app.operations.import_words import TESLA, no_unit_words

if TYPE_CHECKING:
    from app.foreign_files import Found

NONE = ("", "1")  # units of a drive that is no field


def notes_on_guess(found: dict[str, Found], guess: str) -> list[str]:
    """Sentences about a guess of `import_guess.guess_map` for these arrays."""
    if not guess:
        named = ", ".join(repr(n) for n in found if says_drive(n)) or "none of these arrays"
        return [
            f"no response is seen: {named} is named as a drive is; if it is the response, say "
            "response=NAME:AXES"
        ]
    words = dict(word.partition("=")[::2] for word in guess.split())
    array, colon, axes = words["response"].rpartition(":")
    notes = _left_out(found, words, array.split("+"), axes.split(",")) if colon else []
    drive = words.get("drive", "").partition(":")[0]
    unit = found[drive].unit if drive else ""
    if unit not in (*NONE, *TESLA):
        notes.append(f"drive {drive!r}: {no_unit_words(unit)}: 0…1 T stands for its range")
    return notes


def _left_out(
    found: dict[str, Found], words: dict[str, str], response: list[str], axes: list[str]
) -> list[str]:
    """Drives and hold times by their names that the map is without, for they fit no response."""
    shape = mapped(found[response[0]].values.shape)
    notes = []
    for name, one in found.items():
        size = longer(one.values.shape)
        if name in response or not size:
            continue
        drive = "drive" not in words and says_drive(name) and not fits_drive(size, shape)
        holds = "holds" not in words and says_holds(name) and not fits_holds(size, shape, axes)
        if drive or holds:
            notes.append(
                f"{name!r} ({_by(size)}) is named as {'a drive is' if drive else 'hold times are'} "
                f"but does not fit the response {response[0]!r} ({_by(shape)}): the map leaves it "
                "out; if it belongs to it, name its axes, or give it as many steps in the file"
            )
    return notes


def _by(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))

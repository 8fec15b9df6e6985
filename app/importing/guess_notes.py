"""What a map to begin with leaves out, or can't say, of a file's arrays, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.importing.guess import UNNAMED, drive_axes, fits_drive, fits_holds, mapped
from app.importing.guess_told import is_frequency, layout_of, unnumbered
from app.importing.join import longer
from app.importing.mapping import INDEX_WORDS
from app.importing.names import AXIS_WORDS, CLOCKS, says_drive, says_holds, stem_of
from app.importing.runs import RUN
from app.importing.words import TESLA, no_unit_words

if TYPE_CHECKING:
    from app.foreign_files import Found

NONE = ("", "1")  # units of a drive that is no field
ALIKE = 0.5  # of what they move by: repeats of most devices differ by less
NO_WAVES = "if it belongs to it, name its axes, or give it as many steps in the file"
FEWEST = 3  # of alike channels: X and Y may be


def notes_on_guess(found: dict[str, Found], guess: str) -> list[str]:
    """Sentences about a guess of `import_guess.guess_map` for these arrays."""
    if not guess and (unnumbered(found) or layout_of(found)):
        return []
    if not guess:
        named = ", ".join(repr(n) for n in found if says_drive(n)) or "none of these arrays"
        return [
            f"no response is seen: {named} is named as a drive is; if it is the response, say "
            "response=NAME:AXES"
        ]
    words = dict(word.partition("=")[::2] for word in guess.split())
    array, colon, axes = words["response"].rpartition(":")
    response = (array or words["response"]).split("+")
    notes = _left_out(found, words, response, axes.split(",")) if colon else []
    notes += _columns_left_out(found, words, response)
    if found[response[0]].dims == UNNAMED and words["response"].endswith("step,repeat"):
        notes.append(
            "its columns have no names, and all of them are taken for repeats: if one is the drive "
            "or a time, write their names above, such as `field (mT),rep1,rep2`"
        )
    notes += _alike(found, response, axes.split(",")) if colon else []
    drive = words.get("drive", "").partition(":")[0]
    unit = found[drive].unit if drive else ""
    if unit not in (*NONE, *TESLA):
        notes.append(f"drive {drive!r}: {no_unit_words(unit)}: 0…1 T stands for its range")
    return notes


def _left_out(
    found: dict[str, Found], words: dict[str, str], response: list[str], axes: list[str]
) -> list[str]:
    """Drives and hold times by their names that the map is without, for they fit no response.

    And, where there is no drive, what has the size of one.
    """
    shape = mapped(found[response[0]].values.shape)
    notes = []
    for name, one in found.items():
        size = longer(one.values.shape)
        if name in response or not size or is_frequency(name, one):
            continue
        fits = fits_drive(size, shape)
        drive = "drive" not in words and says_drive(name) and not fits
        holds = "holds" not in words and says_holds(name) and not fits_holds(size, shape, axes)
        if drive or holds:
            notes.append(
                f"{name!r} ({_by(size)}) is named as {'a drive is' if drive else 'hold times are'} "
                f"but does not fit the response {response[0]!r} ({_by(shape)}): the map leaves it "
                f"out; {_waves(size, shape, axes) or NO_WAVES}"
            )
        elif "drive" not in words and fits and len(size) > 1 and not _tells_time(name):
            known = drive_axes(one.values.shape, shape, axes)
            notes.append(
                f"{name!r} ({_by(size)}) has the size of a drive: if it is one, add "
                f"drive={name}:{known} field=auto"
            )
    return notes


def _waves(drive: tuple[int, ...], shape: tuple[int, ...], axes: list[str]) -> str:
    """What to write where the response is a whole number of times as long as the drive."""
    longest = dict(zip(axes, shape, strict=False)).get("step", 0)
    times, rest = divmod(longest, drive[-1])
    if rest or times < 2:
        return ""
    return (
        f"if a step has {times} samples, write `time` for `step` there, samples={times}, and "
        "drive=NAME"
    )


def _columns_left_out(
    found: dict[str, Found], words: dict[str, str], response: list[str]
) -> list[str]:
    """Columns of a table that the map is without, and steps that come again without a repeat."""
    columns = [n for n, one in found.items() if one.values.ndim == 1]
    if "values" not in found or len(columns) < 2:
        return []
    used = {words.get(word, "").partition(":")[0] for word in (*INDEX_WORDS, "drive", "holds")}
    rest = [n for n in columns if n not in used and n not in response]
    notes = [f"columns that the map leaves out: {', '.join(rest)}"] if rest else []
    steps = [n for n in rest if stem_of(n) in AXIS_WORDS["step"]]
    for name in steps if not {"repeat", "sequence", RUN} & set(words) else ():
        values = found[name].values
        different = np.unique(values).size
        again = values.size / different
        if different > 1 and again > 1 and again == int(again):
            notes.append(
                f"{name!r} begins anew {int(again) - 1} times: repeats that stand one below "
                "another? Add a column that counts them, repeat=NAME"
            )
    return notes


def _alike(found: dict[str, Found], response: list[str], axes: list[str]) -> list[str]:
    """Channels that differ as little as repeats do, where there are no repeats."""
    if "channel" not in axes or {"repeat", RUN} & set(axes):
        return []
    parts = [found[name].values.reshape(longer(found[name].values.shape)) for name in response]
    values = np.stack(parts, axis=-1) if len(parts) > 1 else parts[0]
    along = len(axes) - 1 if len(parts) > 1 else axes.index("channel")
    if values.ndim != len(axes) or values.shape[along] < FEWEST:
        return []
    apart, moves = float(np.nanvar(values, axis=along).mean()), float(np.nanvar(values))
    if not apart < ALIKE**2 * moves:
        return []
    as_repeats = ",".join("repeat" if axis == "channel" else axis for axis in axes)
    return [
        f"the {values.shape[along]} channels differ by {100 * (apart / moves) ** 0.5:.1f} % of "
        f"what they move by, as repeats do: if they are, write :{as_repeats} behind the response"
    ]


def _tells_time(name: str) -> bool:
    return says_holds(name) or stem_of(name) in (*AXIS_WORDS["step"], *CLOCKS)


def _by(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))

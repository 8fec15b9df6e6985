"""The grammar of `twinrig import --map`: which array is what, and the order of its axes.

Entries are separated by blanks (or given as several arguments):

    response=repeat,channel,step          the array `response`, its axes in order
    response:repeat,channel,step          the same
    response=spectra:repeat,channel,step  the array `spectra` is the response
    spectra=repeat,channel,step           the same: `spectra` is no other word of the map
    axes=repeat,channel,step              the response's axes, given apart
    drive=u:sequence,step                 the array `u` is the drive, 0…1 (`drive=none`: unknown)
    units=V   units=V,deg                 one for all channels, or one each
    channels=X,Y                          names; otherwise c0, c1, …

Axes are sequence, repeat, step, channel.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from models.errors import InputError, raise_problems

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    Shapes = dict[str, tuple[int, ...]]

AXES = ("sequence", "repeat", "step", "channel")
DRIVE_AXES = ("sequence", "step")
WORDS = ("response", "drive", "units", "channels", "axes")
USUAL_DRIVE_AXES = {1: ("step",), 2: DRIVE_AXES}


@dataclass(frozen=True)
class Mapping:
    """A map that fits its file: arrays by name with their axes, channel names and units."""

    response: str = ""
    response_axes: tuple[str, ...] = ()
    drive: str | None = None
    drive_axes: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    units: tuple[str, ...] = ("1",)
    text: str = ""


def parse_map(mapping: str | Sequence[str], shapes: Shapes, file: Path) -> Mapping:
    """Read a map for a file whose arrays have these shapes.

    Raises
    ------
    InputError
        Every fault of the map at once, with what the file holds.
    """
    text = mapping if isinstance(mapping, str) else " ".join(mapping)
    problems: list[str] = []
    made = Mapping(text=text)
    for entry in text.split():
        made = _entry(made, entry, shapes, problems)
    made = _with_only_array(made, shapes)
    if not problems:
        problems = _faults(made, shapes)
    if problems:
        held = ", ".join(f"{name} {shape}" for name, shape in sorted(shapes.items()))
        problems[-1] += f" (the file holds: {held})"
    raise_problems(InputError, f"{file}, --map {text!r}", problems)
    return made


def _entry(made: Mapping, entry: str, shapes: Shapes, problems: list[str]) -> Mapping:
    word, equals, value = entry.partition("=")
    if not equals:
        word, _, value = entry.partition(":")
    parts = tuple(value.split(","))
    if word == "units":
        return replace(made, units=parts)
    if word == "channels":
        return replace(made, channels=parts)
    if word == "axes":
        return replace(made, response_axes=parts)
    if word == "drive":
        return _drive_entry(made, value, shapes)
    array, colon, axes = value.rpartition(":")
    if not colon and (value in shapes or not _looks_like_axes(value)):
        array, axes = value, ""
    if word == "response":
        array = array or ("response" if "response" in shapes or len(shapes) > 1 else "")
    elif word in shapes and not array:
        array = word
    elif not value and _looks_like_axes(word):
        array, axes = "", word
    else:
        near = _near(word, (*WORDS, *shapes))
        problems.append(f"{entry!r}: {word!r} is no word of the map and no array{near}")
        return made
    return replace(
        made,
        response=array or made.response,
        response_axes=tuple(axes.split(",")) if axes else made.response_axes,
    )


def _drive_entry(made: Mapping, value: str, shapes: Shapes) -> Mapping:
    if value in ("", "none", "step"):
        return replace(made, drive=None, drive_axes=())
    array, colon, axes = value.rpartition(":")
    if not colon:
        is_axes = value not in shapes and _looks_like_axes(value)
        array, axes = ("drive", value) if is_axes else (value, "")
    usual = USUAL_DRIVE_AXES.get(len(shapes.get(array, ())), ())
    return replace(made, drive=array, drive_axes=tuple(axes.split(",")) if axes else usual)


def _with_only_array(made: Mapping, shapes: Shapes) -> Mapping:
    """A file of one array needs no name for it."""
    if made.response == "" and len(shapes) == 1:
        return replace(made, response=next(iter(shapes)))
    if made.response == "" and "response" in shapes:
        return replace(made, response="response")
    return made


def _faults(made: Mapping, shapes: Shapes) -> list[str]:
    if not made.response:
        return ["says nothing of the response; say e.g. response=NAME:repeat,channel,step"]
    problems = _axis_faults("response", made.response, made.response_axes, AXES, shapes)
    if made.drive is not None:
        problems += _axis_faults("drive", made.drive, made.drive_axes, DRIVE_AXES, shapes)
    if problems:
        return problems
    shape = shapes[made.response]
    axes = made.response_axes
    count = shape[axes.index("channel")] if "channel" in axes else 1
    if made.channels and len(made.channels) != count:
        problems.append(f"names {len(made.channels)} channels, the response has {count}")
    if len(set(made.channels)) != len(made.channels):
        problems.append(f"names a channel twice: {', '.join(made.channels)}")
    if len(made.units) not in (1, count):
        problems.append(f"gives {len(made.units)} units, the response has {count} channels")
    return problems


def _axis_faults(
    role: str, array: str, axes: tuple[str, ...], known: tuple[str, ...], shapes: Shapes
) -> list[str]:
    if array not in shapes:
        return [f"{role}: there is no array {array!r}{_near(array, shapes)}"]
    problems = [
        f"{role}: {axis!r} is none of the axes {', '.join(known)}{_near(axis, known)}"
        for axis in axes
        if axis not in known
    ]
    if len(set(axes)) != len(axes):
        problems.append(f"{role}: an axis stands twice in {','.join(axes)}")
    if len(axes) != len(shapes[array]):
        given = ",".join(axes) or "none"
        problems.append(
            f"{role}: {array!r} has shape {shapes[array]}, the map gives it the axes {given}"
        )
    return problems


def _looks_like_axes(text: str) -> bool:
    """Whether at least one word of a list is an axis: then the others are misspelt ones."""
    return any(part in AXES for part in text.split(","))


def _near(word: str, known: object) -> str:
    near = difflib.get_close_matches(word, list(known), n=1)  # type: ignore[call-overload]
    return f"; did you mean {near[0]!r}?" if near else ""

"""The units that a file gives its numbers, beside those that a map says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from app.importing.join import longer, sizes
from app.importing.names import named_unit
from app.importing.words import TESLA
from models.errors import InputError, raise_problems

if TYPE_CHECKING:
    from pathlib import Path

    from app.foreign_files import Found
    from app.importing.mapping import Mapping
    from app.importing.words import Words


def with_units(asked: Mapping, found: dict[str, Found], file: Path) -> Mapping:
    """The map with the file's own units; refused where the map says others.

    Raises
    ------
    InputError
        A unit of the file, or of the drive's name, that the map contradicts.
    """
    names, own = _own_units(asked, found)
    words, problems = asked.words, []
    given = words.units * len(own) if len(words.units) == 1 else words.units
    for name, unit, said in zip(names, own, given, strict=False):
        if unit and said not in ("", "1", unit):
            problems.append(
                f"units={said}: the file says that {name!r} is in {unit}; leave units= out, or "
                "convert the numbers first"
            )
    alike, channels = len(set(own)) == 1, asked.joined in ("", "channel")
    if not channels and not alike:
        held = ", ".join(f"{n} {u or 'in none'}" for n, u in zip(names, own, strict=True))
        problems.append(f"arrays joined along {asked.joined} need one unit ({held}): convert them")
    elif any(own) and not words.units:
        words = replace(words, units=own[:1] if alike else tuple(unit or "1" for unit in own))
    if asked.drive:
        problems += _drive_faults(asked.drive, found[asked.drive].unit, words)
        if found[asked.drive].unit in TESLA:
            words = replace(words, field_unit=found[asked.drive].unit)
    raise_problems(InputError, str(file), list(dict.fromkeys(problems)))
    return replace(asked, words=words)


def _drive_faults(drive: str, unit: str, words: Words) -> list[str]:
    """What a drive's unit in the file, or that in its name, says against the map's `field=`."""
    if words.scaled and unit and words.field_unit not in ("", unit):
        return [f"field=…,{words.field_unit}: the file says that {drive!r} is in {unit}"]
    if unit in TESLA and not words.scaled:
        return [
            f"the file says that the drive {drive!r} is in {unit}: say what drive 0 and 1 are, "
            f"field=LOW,HIGH,{unit} or field=auto,{unit}"
        ]
    named = "" if unit else named_unit(drive)
    if named and words.field_unit and TESLA[named] != TESLA[words.field_unit]:
        return [
            f"field=…,{words.field_unit}: the name of {drive!r} says {named}: write "
            f"field=…,{named}, or rename the array if its numbers are in {words.field_unit}"
        ]
    return []


def _own_units(asked: Mapping, found: dict[str, Found]) -> tuple[list[str], tuple[str, ...]]:
    """Arrays or columns of the response, and the unit that the file gives each; empty: none.

    Of an array with several channels as often as it has them; of those that `only=` takes.
    """
    several = asked.index or asked.joined
    pairs = [
        (name, unit)
        for name in (asked.columns if several else (asked.response,))
        for unit in _by_channel(found[name], asked)
    ]
    part = dict(asked.words.only).get("channel", ())
    if part and asked.joined in ("", "channel") and max(part) < len(pairs):
        pairs = [pairs[k] for k in part]
    return [name for name, _ in pairs], tuple(unit for _, unit in pairs)


def _by_channel(one: Found, asked: Mapping) -> list[str]:
    """The unit of each channel of an array."""
    units, axes = one.unit.split(","), asked.response_axes
    shape = longer(one.values.shape) if asked.joined else one.values.shape
    if len(units) > 1 or "channel" not in axes or (asked.joined and len(shape) < len(axes)):
        return units
    return units * sizes(shape, axes)["channel"]

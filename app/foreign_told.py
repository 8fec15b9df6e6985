"""Drives that the attributes of an HDF5 file tell, of each of its groups or datasets one value."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from app.foreign_files import Found
from app.importing.names import named_unit, says_drive

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping

REALS = "iuf"
WITH_UNIT = re.compile(r"\s*([-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)\s*([^\W\d_]+(?:/m)?)?\s*")
CURRENT = re.compile(r"(?:coil_|magnet_)?(?:current|strom|i)(?:_(m?A))?", re.IGNORECASE)
BRACKETS = re.compile(r"^(.*\w)\s*[(\[](.*)[)\]]$")
UNIT_KEYS = ("{}_unit", "{}_units", "{} unit", "{} units")


def told_by_attributes(
    items: Mapping[str, Any], taken: Container[str]
) -> Iterator[tuple[str, Found]]:
    """The drives among the attributes of groups and datasets, as arrays of one number in each.

    A number by itself, `field_mT = 5`, `Field (mT) = 5`, or a text of one with its unit, `5 mT`;
    none of a name that is `taken` by a dataset.
    """
    for name, item in items.items():
        for key in item.attrs:
            own, unit = _drive_of(key)
            where = f"{name}/{own}" if name else own
            value = _value(item.attrs[key]) if own and where not in taken else None
            if value is not None:
                unit = value[1] or unit or _beside(key, item.attrs)
                yield where, Found(np.array(value[0]), (), unit, told=f"attribute {key!r}")


def _drive_of(key: str) -> tuple[str, str]:
    """The name and the unit of the drive that an attribute's key names; empty: of none."""
    split = BRACKETS.match(key)
    own, unit = (split[1], split[2]) if split else (key, "")
    own = re.sub(r"\W+", "_", own).strip("_")
    current = CURRENT.fullmatch(own)
    if not (says_drive(own) or named_unit(own) or current):
        return "", ""
    return own, unit or named_unit(own) or (current[1] if current else "") or ""


def _beside(key: str, attributes: Mapping[str, Any]) -> str:
    """The unit that another attribute gives, `field_unit`."""
    kept = next((k for words in UNIT_KEYS if (k := words.format(key)) in attributes), "")
    return str(np.asarray(attributes[kept]).ravel()[0]) if kept else ""


def _value(value: Any) -> tuple[float, str] | None:
    """An attribute's one number and the unit that is written behind it; None: it is no number."""
    array = np.asarray(value)
    if array.size != 1:
        return None
    one = array.ravel()[0]
    if array.dtype.kind in REALS:
        return float(one), ""
    text = one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one)
    match = WITH_UNIT.fullmatch(text) if array.dtype.kind in "OSU" else None
    return (float(match[1]), match[2] or "") if match else None

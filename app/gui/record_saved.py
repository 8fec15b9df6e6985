"""Designs of new recordings as the settings keep them; no Qt."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

from app.gui.record_about import TOLD
from app.gui.record_design import Design, TwinDesign
from app.gui.record_file import FileDesign
from models.errors import InputError

NewDesign = Design | FileDesign | TwinDesign
DESIGNS: dict[str, type[NewDesign]] = {each.kind: each for each in (Design, FileDesign, TwinDesign)}


def to_json(design: NewDesign) -> dict[str, Any]:
    """A design as plain values, for the settings."""
    return {"kind": design.kind, **asdict(design)}


def from_json(body: Any) -> NewDesign:
    """The design of `to_json`; InputError where a value is missing or of another type.

    What a person tells may be missing: earlier versions did not ask.
    """
    kind = DESIGNS.get(body.get("kind", "")) if isinstance(body, dict) else None
    if kind is None:
        raise InputError(f"{body!r} is no design of a recording")
    values: dict[str, Any] = {}
    for one in fields(kind):
        like = one.default
        value = body.get(one.name, like if one.name in TOLD else None)
        if isinstance(like, float) and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if type(value) is not type(like):
            raise InputError(f"{one.name} = {value!r} is no {type(like).__name__}")
        values[one.name] = value
    return kind(**values)

"""A bench file as a draft: to add an instrument to it, or to take one away."""

from __future__ import annotations

import tomllib
from typing import Any

from instruments.bench_draft import Draft, DraftInstrument
from instruments.drivers import KINDS
from instruments.sequenced import TIMINGS
from models.errors import InputError

APART = ("driver", "resource")


def draft_of(text: str) -> Draft:
    """The draft that says what a bench file says; its remarks are lost.

    Raises
    ------
    InputError
        No TOML.
    """
    try:
        body: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"bench file: no TOML: {error}") from error
    instruments = tuple(
        DraftInstrument(
            str(table.get("resource", "")),
            str(table.get("driver", "")),
            name,
            values={key: value for key, value in table.items() if key not in APART},
        )
        for kind in KINDS
        for name, table in body.get(kind, {}).items()
    )
    return Draft(
        str(body.get("name", "")),
        instruments,
        {"timing": TIMINGS[0], **body.get("drive", {})},  # what an empty draft would say is another
        body.get("reset", {}),
        body.get("interlock", {}),
        body.get("board", {}),
        body.get("virtual", {}),
    )


def guard_text(draft: Draft, instrument: str) -> str:
    """The interlocks that an instrument feeds, as `draft_settings.interlocks_of` reads them."""
    parts = []
    for table in draft.interlocks.values():
        if table.get("instrument") != instrument:
            continue
        bounds = [
            f"{table['input']} {sign} {table[key]:g} V"
            for key, sign in (("above_V", ">"), ("below_V", "<"))
            if key in table
        ]
        parts += bounds or [str(table["input"])]
    return ", ".join(parts)

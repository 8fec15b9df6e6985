"""JSON that is checked: no NaN, no bomb, one canonical spelling, and a checksum over all of it.

A JSON artefact carries `checksum`, the SHA-256 of its canonical spelling without that key. A bit
that flips anywhere in it (a score, a gain) is noticed; how it is indented doesn't matter.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from app.disk import RESTORE, advised, read_bytes
from models.errors import InputError
from models.paths import file_at

LONGEST_JSON_BYTES = 256 * 2**20  # the header of a 46 h recording is about 10 MB
DEEPEST = 100  # tables in tables; Twinrig's own are six deep
CHECKSUM = "checksum"
VERSION, LONGEST_VERSION = "code_version", 80


def plain(value: Any) -> Any:
    """A value as JSON knows it: numpy scalars and arrays become numbers and lists, NaN null.

    Half a character becomes `?`: the bytes of a name that are no UTF-8 (a folder of an old share,
    a word of another terminal) can be written by nobody, and would end the run that took hours.
    """
    if isinstance(value, Mapping):
        return {plain(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    if isinstance(value, (str, Path)):
        return str(value).encode("utf-8", "replace").decode("utf-8")
    return value


def canonical(value: Any) -> bytes:
    """The one JSON spelling of a plain value, for checksums."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8")


def parse_json(content: bytes, where: object) -> dict[str, Any]:
    """The object in a JSON text; InputError where it is cut short, not JSON, or no object.

    Refused, too: numbers beyond float64, a key twice in one object, more than `DEEPEST` levels,
    half a character (a lone surrogate).
    """
    if len(content) > LONGEST_JSON_BYTES:
        raise InputError(
            f"{where}: {len(content)} bytes are too long for a Twinrig JSON file; {RESTORE}"
        )
    try:
        value: Any = json.loads(
            content.decode("utf-8-sig"),  # Windows' editors put a mark before UTF-8
            parse_constant=_no_constant,
            parse_float=_finite,
            object_pairs_hook=_no_key_twice,
        )
        if rb"\u" in content:  # half a character can't be written anywhere again
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as fault:
        raise InputError(
            f"{where}: not a JSON file, or cut short ({shown(fault)}); {RESTORE}"
        ) from fault
    if not isinstance(value, dict):
        raise InputError(
            f"{where}: holds a {type(value).__name__}, expected a JSON object; {RESTORE}"
        )
    if _is_deep(value):
        raise InputError(advised(f"{where}: is nested more than {DEEPEST} levels deep"))
    return value


def read_json(path: Path) -> dict[str, Any]:
    """`parse_json` of a file, whose size is looked at first; OSError where the disk fails."""
    if file_at(path) and path.stat().st_size > LONGEST_JSON_BYTES:
        raise InputError(advised(f"{path}: is too long for a Twinrig JSON file"))
    return parse_json(read_bytes(path), path)


def with_checksum(body: Mapping[str, Any]) -> dict[str, Any]:
    """A body, made `plain`, with its `checksum`."""
    whole = plain(body)
    return {**whole, CHECKSUM: _digest(whole)}


def _digest(whole: Mapping[str, Any]) -> str:
    """SHA-256 of a plain body; what `parse_json` has read is plain."""
    return hashlib.sha256(canonical(whole)).hexdigest()


def check(body: dict[str, Any], where: object, kind: str, schema: int) -> dict[str, Any]:
    """The body of a JSON artefact without kind, schema and checksum, which all fit.

    Raises
    ------
    InputError
        Another kind or schema, or changed since it was written.
    """
    if body.get("kind") != kind:
        raise InputError(
            f"{where}: is of kind {shown(body.get('kind'))}, expected {kind!r}; {RESTORE}"
        )
    found = body.get("schema")
    if found != schema or isinstance(found, bool):
        raise InputError(
            f"{where}: has schema {shown(found)}, this Twinrig reads schema {schema}: "
            f"use the version that wrote it{version_of(body)}, or make it again"
        )
    content = {key: value for key, value in body.items() if key != CHECKSUM}
    if _digest(content) != body.get(CHECKSUM):
        raise InputError(
            f"{where}: does not match its checksum: damaged or changed by hand; "
            "restore it from a copy, or make it again"
        )
    del content["kind"], content["schema"]
    return content


def version_of(body: Mapping[str, Any]) -> str:
    """Which Twinrig wrote an artefact, in brackets behind a space; empty where it doesn't say.

    The attributes of a recording's file have their parts as JSON.
    """
    meta = body.get("meta")
    if isinstance(meta, str):
        with suppress(ValueError, RecursionError):
            meta = json.loads(meta)
    found = body.get(VERSION, meta.get(VERSION) if isinstance(meta, dict) else None)
    return f" ({found})" if isinstance(found, str) and 0 < len(found) <= LONGEST_VERSION else ""


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:40]} is beyond a 64-bit number")
    return value


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key stands twice in one table")
    return made


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        level = [
            item
            for part in level
            for item in (part.values() if isinstance(part, dict) else part)
            if isinstance(item, (dict, list))
        ]
        if not level:
            return False
    return True


def shown(value: object) -> str:
    """What a message shows of a value or a fault."""
    text = str(value) if isinstance(value, Exception) else repr(value)
    return text if len(text) <= 120 else f"{text[:117]}…"

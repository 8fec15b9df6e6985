"""A bench file with another calibration: a copy, in which one number and its reason are new."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app import new_file
from instruments.bench_file import parse_bench
from models.errors import InputError
from models.paths import file_at

if TYPE_CHECKING:
    from app.calibration_store import Stored
    from instruments.bench_spec import BenchSpec

KEY = "tesla_per_ampere"
TABLE = re.compile(r"\s*\[")
VALUE = re.compile(rf"(?P<key>\s*{KEY}\s*=\s*)(?P<value>[^#\s]+)(?P<rest>.*)")


def calibrated_text(text: str, magnet: str, tesla_per_ampere: float, reason: str = "") -> str:
    """The bench file's text with this calibration of a magnet; every other byte stays.

    Parameters
    ----------
    text
        TOML.
    magnet
        Its `[magnet.NAME]`.
    tesla_per_ampere
        To six significant digits: no probe knows a field better.
    reason
        A comment above the number; empty: none.

    Raises
    ------
    InputError
        The number does not stand on a line of its own in a table of that name.
    """
    shown = f"{tesla_per_ampere:.6g}"
    lines = text.splitlines(keepends=True)
    for at in _lines_of(lines, magnet):
        found = VALUE.match(lines[at])
        if found is None:
            continue
        end = lines[at][len(lines[at].rstrip("\r\n")) :] or "\n"
        remark = f"# {reason}{end}" if reason else ""
        lines[at] = f"{remark}{found['key']}{shown}{found['rest'].rstrip()}{end}"
        new = "".join(lines)
        if tomllib.loads(new) == _with_value(text, magnet, float(shown)):
            return new
        break
    raise InputError(
        f"[magnet.{magnet}] of the bench file has no line `{KEY} = …` of its own that could be "
        f"changed: write `{KEY} = {shown}` into it by hand"
    )


def _lines_of(lines: list[str], magnet: str) -> range:
    """The lines of a magnet's table, its head not among them."""
    name = re.escape(magnet)
    head = re.compile(rf"""\s*\[\s*magnet\s*\.\s*("{name}"|'{name}'|{name})\s*\]\s*(#.*)?$""")
    begin = next((at for at, line in enumerate(lines) if head.match(line)), len(lines))
    after = range(begin + 1, len(lines))
    return range(begin + 1, next((at for at in after if TABLE.match(lines[at])), len(lines)))


def _with_value(text: str, magnet: str, value: float) -> dict[str, Any]:
    body = tomllib.loads(text)
    body["magnet"][magnet][KEY] = value
    return body


def refuse_unwritable(spec: BenchSpec, magnet: str, path: Path | None) -> None:
    """Raise before anything is measured where `write_calibrated` could not write its copy.

    Raises
    ------
    InputError
        `path` exists, its folder doesn't, or the number has no line of its own.
    """
    if path is not None:
        new_file.refuse_taken(path)
        calibrated_text(spec.text, magnet, spec.magnets[magnet].limits.tesla_per_ampere)


def write_calibrated(spec: BenchSpec, stored: Stored, path: Path) -> Path:
    """Write a copy of the bench file with a stored calibration; returns its path.

    Raises
    ------
    InputError
        `path` exists, or the copy would be no bench file (a reset beyond a limit, say).
    TwinrigError
        The disk refuses.
    """
    found = stored.calibration
    reason = (
        f"{stored.created} {stored.recording}: {found.tesla_per_ampere:.6g} ± "
        f"{found.tesla_per_ampere_error:.1g} T/A by {stored.teslameter}; "
        f"was {stored.bench_tesla_per_ampere:.6g}"
    )
    text = calibrated_text(spec.text, stored.magnet, found.tesla_per_ampere, reason)
    parse_bench(text, f"{path}, not written")
    new_file.write_new(path, text)
    return path


def free_name(spec: BenchSpec, folder: Path) -> Path:
    """A name for such a copy that is free: beside a bench file, else in `folder`."""
    source = Path(spec.source.removeprefix("bench file "))
    stem = (
        source.stem
        if file_at(source)
        else "".join(letter if letter.isalnum() else "-" for letter in spec.name)
    )
    where = source.parent if file_at(source) else folder
    return new_file.free_name(where / f"{stem}-calibrated.toml", ".toml")

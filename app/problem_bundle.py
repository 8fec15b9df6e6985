"""A bundle for reporting a problem: log, versions, bench and settings, without names and places.

What is masked: VISA resource names, IP, MAC and e-mail addresses, serial numbers in identities, the
user's and the computer's name, sample, operator and notes as the window remembers them, and all but
the last two parts of every path.
"""

from __future__ import annotations

import dataclasses
import getpass
import ipaddress
import json
import platform
import re
import sys
import zipfile
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.artefacts import code_version
from app.checked_json import plain
from app.crash_trace import last_crash
from app.disk import replacing, writing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from app.config import Settings
    from instruments.bench_spec import BenchSpec

PACKAGES = (
    "numpy", "torch", "scipy", "xarray", "h5py", "h5netcdf", "safetensors", "pyvisa", "pyvisa-py",
    "pyserial", "PyQt6", "PyQt6-Qt6", "pyqtgraph",
)  # fmt: skip
RESOURCE = re.compile(
    r"\b(?:PRLGX-)?(?:(?:TCPIP|GPIB|USB|VXI|PXI)\d*|ASRL[^\s:'\"]*)::[^\s,;'\")\]]*[^\s,;:'\")\]]",
    re.I,
)
IP = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b")
COLONS = re.compile(
    r"(?<![\w:.])[0-9a-f]*(?::[0-9a-f]*){2,}(?:(?:\.\d+){3})?(?:%\w+)?(?![\w:])", re.I
)
MAC = re.compile(r"(?<![\w:-])[0-9a-f]{2}(?:([:-])[0-9a-f]{2})(?:\1[0-9a-f]{2}){4}(?![\w:-])", re.I)
MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*")
TOLD = ("sample", "operator", "notes")  # of a form: who, and on what
SERIAL = re.compile(r"(?i)\b(s/n\s*|serial(?: number)?\s*[:=]?\s*)[\w-]*\d[\w-]*")
IDENTITY = re.compile(r"\b([A-Z][\w ]*,[^,\n]+,)\s*([\w/#-]*\d[\w/#-]*)(?=,)")
PART = r"[^\\/\s:'\",;()\[\]]"  # a character of a path's last part, which ends at a blank
INNER = rf"{PART}(?:[^\\/:'\";()\[\]\n]*{PART})?"  # between two others a part may hold some
PATH = re.compile(rf"(?<![\w.])(?:[A-Za-z]:)?[\\/]+(?:{INNER}[\\/]+){{2,}}{PART}+")
README = """\
A report of a problem with Twinrig. Look through it before you send it; it is plain text.

log.txt        what the window said since its start, tracebacks included
versions.json  Python, system, and the packages that Twinrig uses
bench.json     the bench as it was read: drivers, limits, options
settings.json  the window's settings
crash.txt      what its threads were doing when a window last crashed, if one did

Masked: resource names, IP, MAC and e-mail addresses, serial numbers, your name and that of this
computer, sample, operator and notes, and all but the last two parts of every path. No recording,
twin or network is in it.
"""


class Mask:
    """Takes out of a text what says who and where."""

    def __init__(
        self, spec: BenchSpec, identities: Mapping[str, str], settings: Settings | None = None
    ) -> None:
        serials = [part.strip() for text in identities.values() for part in text.split(",")[2:3]]
        numbers = {re.sub(r"(?i)^s/n", "", serial) for serial in serials}
        self._words = _longest_first(
            [
                *((text, "RESOURCE") for text in _resources(spec)),
                *((text, "SERIAL") for text in numbers if len(text) >= 4),
                *((text, "HOST") for text in _hosts()),
                *((text, "USER") for text in _users()),
                *_told(settings.forms if settings else {}),
            ]
        )

    def __call__(self, text: str) -> str:
        """The text with everything masked."""
        text = RESOURCE.sub("RESOURCE", text)
        text = MAIL.sub("MAIL", text)
        text = PATH.sub(_short, text)
        for word, name in self._words:
            text = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", name, text, flags=re.IGNORECASE)
        text = IDENTITY.sub(r"\1SERIAL", text)
        text = SERIAL.sub(r"\1SERIAL", text)
        text = COLONS.sub(_ip_6, MAC.sub("MAC", text))
        return IP.sub("IP", text)


def write_bundle(
    folder: Path,
    log: Sequence[str],
    settings: Settings,
    spec: BenchSpec,
    identities: Mapping[str, str],
) -> Path:
    """Write `problem-….zip` into a folder; returns its path.

    Parameters
    ----------
    folder
        Made where it is missing.
    log
        What the window said.
    settings, spec
        Of the window and its bench.
    identities
        Instrument → what it answered to `*IDN?`, to know serial numbers by.

    Raises
    ------
    TwinrigError
        The disk refuses.
    """
    mask = Mask(spec, identities, settings)
    parts = {
        "README.txt": README,
        "log.txt": mask("\n\n".join(log)) or "Nothing was said.",
        "versions.json": _json(versions()),
        "bench.json": _json(_masked(_bench(spec, identities), mask)),
        "settings.json": _json(_masked(dataclasses.asdict(settings), mask)),
    }
    if crash := last_crash():
        parts["crash.txt"] = mask(crash)
    path = folder / f"problem-{datetime.now(UTC):%Y%m%dT%H%M%S}.zip"
    with writing(path):
        folder.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, text in parts.items():
            bundle.writestr(name, text.encode("utf-8", "replace"))
    return path


def versions() -> dict[str, str]:
    """Versions of Twinrig, Python, the system and the packages; nothing is imported for it."""
    from importlib import metadata

    found = {
        "twinrig": code_version(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "frozen": str(bool(getattr(sys, "frozen", False))),
    }
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def _bench(spec: BenchSpec, identities: Mapping[str, str]) -> dict[str, Any]:
    models = {name: ",".join(text.split(",")[:2]) for name, text in identities.items()}
    return {"bench": plain(_table(spec)), "answered": models}


def _table(value: Any) -> Any:
    """A dataclass, and what is in it, as tables; what JSON doesn't know as its words."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _table(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): _table(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_table(item) for item in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def _masked(value: Any, mask: Mask) -> Any:
    """Every text in a table, masked; one by one, so that quotes and brackets stay in place."""
    if isinstance(value, dict):
        return {mask(str(key)): _masked(item, mask) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item, mask) for item in value]
    return mask(value) if isinstance(value, str) else value


def _json(value: Any) -> str:
    return json.dumps(plain(value), indent=1, ensure_ascii=False)


def _resources(spec: BenchSpec) -> list[str]:
    groups = (spec.magnets, spec.readouts, spec.teslameters, spec.thermometers)
    found = [text for g in groups for one in g.values() for text in (one.resource, one.board)]
    hosts = [parts[1] for text in found if text and len(parts := text.split("::")) > 2]
    return [*filter(None, found), *(one for one in hosts if len(one) >= 4 and not one.isdecimal())]


def _hosts() -> list[str]:
    name = platform.node()
    return [text for text in {name, name.split(".")[0]} if len(text) >= 2]


def _users() -> list[str]:
    names = {Path.home().name}
    with suppress(OSError, KeyError, ImportError):  # no such user in the system's list
        names.add(getpass.getuser())
    return [name for name in names if len(name) >= 2]


def _told(value: Any, key: str = "") -> list[tuple[str, str]]:
    """What forms and their queues remember of who measures what: text and what stands for it."""
    if isinstance(value, dict):
        return [pair for name, item in value.items() for pair in _told(item, str(name))]
    if isinstance(value, (list, tuple)):
        return [pair for item in value for pair in _told(item, key)]
    text = value.strip() if isinstance(value, str) and key in TOLD else ""
    return [(text, key.upper())] if len(text) >= 2 else []


def _ip_6(found: re.Match[str]) -> str:
    """What has colons: an IPv6 address, or what it is (a time, a VISA name's `::`)."""
    with suppress(ValueError):
        return "IP" if int(ipaddress.IPv6Address(found.group())) else found.group()
    return found.group()


def _short(found: re.Match[str]) -> str:
    """The last two parts of a path."""
    parts = re.split(r"[\\/]+", found.group())
    return "…/" + "/".join(parts[-2:])


def _longest_first(words: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return sorted(words, key=lambda pair: -len(pair[0]))

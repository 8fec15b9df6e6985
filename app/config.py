"""Settings of the window: read without ever stopping the start, written whole or not at all."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import platformdirs

from models.paths import anything_at

THEMES = ("system", "light", "dark")


@dataclass(frozen=True)
class Settings:
    """What comes back at the next start.

    Attributes
    ----------
    theme
        `system`, `light` or `dark`.
    bench
        The last bench file, or `virtual`; empty before one was chosen.
    geometry
        Window geometry as Qt wrote it, in hexadecimal.
    forms
        Page → control → value.
    page
        The page that was in view.
    """

    theme: str = "system"
    bench: str = ""
    geometry: str = ""
    forms: dict[str, dict[str, Any]] = field(default_factory=dict)
    page: str = ""


def settings_path() -> Path:
    """Where settings live; `TWINRIG_CONFIG` names another folder (tests, portable installs)."""
    folder = os.environ.get("TWINRIG_CONFIG")
    base = Path(folder) if folder else Path(platformdirs.user_config_dir("twinrig", False))
    return base / "window.json"


def load_settings(path: Path) -> tuple[Settings, str]:
    """Settings of a file and a note; a broken file gives the defaults and says so.

    Parameters
    ----------
    path
        The file; a missing one gives the defaults without a note.
    """
    try:
        body = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return Settings(), ""
    except (OSError, ValueError, RecursionError) as fault:
        return Settings(), f"{path} can't be read ({fault}): {_put_aside(path)}"
    if not isinstance(body, dict):
        return Settings(), f"{path} holds no table of settings: {_put_aside(path)}"
    settings, wrong = Settings(), []
    for item in fields(Settings):
        value = body.get(item.name, getattr(settings, item.name))
        if _fits(item.name, value):
            settings = replace(settings, **{item.name: value})
        else:
            wrong.append(item.name)
    note = f"{path}: {', '.join(wrong)} had no usable value and is the default" if wrong else ""
    return settings, note


def _put_aside(path: Path) -> str:
    """Keep a broken file under another name, so that the next one doesn't overwrite it."""
    aside = path.with_name(f"{path.name}.broken")
    try:
        os.replace(path, aside)
    except OSError as fault:
        return f"starting with default settings (it stays where it is: {fault})"
    return f"starting with default settings; the old file is {aside.name}"


def _fits(name: str, value: Any) -> bool:
    if name == "theme":
        return value in THEMES
    if name == "forms":
        return isinstance(value, dict) and all(isinstance(v, dict) for v in value.values())
    return isinstance(value, str)


def keep_settings(path: Path, before: Settings, now: Settings) -> str:
    """Write what has changed since `before` over what the file holds; a note as `save_settings`.

    Another window on the same file has its own queue and forms there: they stay.
    """
    found, broken = load_settings(path)
    if broken or not anything_at(path):
        return save_settings(path, now)
    changed = {
        item.name: getattr(now, item.name)
        for item in fields(Settings)
        if getattr(now, item.name) != getattr(before, item.name)
    }
    if "forms" in changed:
        pages = dict(found.forms)
        for page, values in now.forms.items():
            was, there = before.forms.get(page, {}), pages.get(page, {})
            new = {k: v for k, v in values.items() if k not in there or v != was.get(k, v)}
            pages[page] = {**there, **new}
        changed["forms"] = pages
    return save_settings(path, replace(found, **changed))


def save_settings(path: Path, settings: Settings) -> str:
    """Write the settings (temporary file, rename); returns a note where the disk refuses."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(asdict(settings), indent=1), "utf-8")
        os.replace(partial, path)
    except OSError as fault:
        return f"{path} can't be written ({fault}): these settings last until the window closes"
    return ""

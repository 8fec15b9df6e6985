"""The report's part on a twin's line and on its comparisons with the device since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.drift_store import drift_words, drifts_of
from models.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from app.report.page import Page
    from models.twin import Twin


def add_drift(page: Page, path: Path, twin: Twin) -> list[str]:
    """Add versions and comparisons where there are any; returns a sentence for the headline.

    That there is one: the latest comparison says that the twin no longer matches.
    """
    line: list[dict[str, Any]] = twin.meta.get("ancestors", [])
    if line:
        page.text(f"Version {len(line) + 1} of this twin, fitted further from the one before.")
        rows = [
            [str(k + 1), one["id"], ", ".join(str(r.get("id", "")) for r in one["recordings"])]
            if "recordings" in one else [str(k + 1), one["id"], "—"]
            for k, one in enumerate(line)
        ]  # fmt: skip
        own = ", ".join(str(parent["id"]) for parent in twin.meta.get("parents", []))
        rows.append([str(len(line) + 1), str(twin.meta.get("id", path.name)), own])
        page.table(["version", "twin", "fitted on"], rows)
    try:
        drifts = drifts_of(path)
    except InputError as fault:
        page.text(f"Its comparisons with the device can't be read: {fault}")
        return []
    if not drifts:
        return []
    page.table(
        ["compared on", "recording", "p", ""],
        [
            [d["created"][:10], d["recording"]["id"], _p(d["p_value"]), d["words"]]
            for d in drifts
        ],
    )  # fmt: skip
    latest = drifts[-1]
    return (
        [f"Twin {path.name} no longer matches. {drift_words(latest)}"] if latest["changed"] else []
    )


def _p(value: float | None) -> str:
    return "—" if value is None else f"{value:.2g}"

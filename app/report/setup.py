"""How recordings and deployments were measured: rig, field, order and every instrument's settings.

What a paper's supplement has to say of a measurement, and what a reader needs to make it again; one
list for all that were measured alike.
"""

from __future__ import annotations

from itertools import count, takewhile
from typing import TYPE_CHECKING, Any

from app.deployment import nodes_folder
from app.device_words import told
from app.store import read_recording
from app.words import with_unit
from models.paths import folder_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from app.report.page import Page
    from models.recording import Recording

    Rows = tuple[tuple[str, str], ...]


def section(page: Page, recordings: Sequence[Path], deployments: Sequence[Path]) -> None:
    """Add a list of each way in which something was measured, headed by what was."""
    alike: dict[Rows, list[str]] = {}
    for name, recording in _measured(page, recordings, deployments):
        alike.setdefault(setup_rows(recording), []).append(name)
    if alike:
        page.heading("How it was measured")
    for rows, names in alike.items():
        page.text(f"{', '.join(dict.fromkeys(names))}:")
        page.definitions(rows)


def _measured(
    page: Page, recordings: Sequence[Path], deployments: Sequence[Path]
) -> Iterable[tuple[str, Recording]]:
    """What ran on a rig, by its name on the page; a deployment's nodes by the deployment's."""
    for path in recordings:
        recording = read_recording(path)
        known = recording.settings or not recording.meta.get("imported")  # an export has them
        if known and not recording.meta.get("simulated"):
            yield page.named(path), recording
    for path in deployments:
        for played in takewhile(folder_at, (path / nodes_folder(k) for k in count())):
            yield page.named(path), read_recording(played)


def setup_rows(recording: Recording) -> Rows:
    """Rows of name and words: bench, drive, reset, order of the repeats, each instrument."""
    meta = recording.meta
    channels = zip(recording.channel_words, recording.units, strict=True)
    rows = [
        ("bench", str(meta.get("bench", "—"))),
        ("drive 0…1 of each step", str(recording.window)),
        ("reset before each repeat", str(recording.reset)),
        ("channels", told(tuple(with_unit(name, unit) for name, unit in channels))),
    ]
    if isinstance(mixed := meta.get("interleave"), bool):
        words = "at random over all sequences" if mixed else "all of one sequence, then the next"
        rows.append(("order of repeats", words))
    if steps := meta.get("reference_steps"):
        rows.append(("reference", f"{steps} steps of a fixed drive before each repeat"))
    limits = meta.get("limits")
    limits = limits if isinstance(limits, dict) else {}
    for name in dict.fromkeys([*recording.identities, *recording.settings, *limits]):
        said = {**_known(limits.get(name)), **_known(recording.settings.get(name))}
        settings = [f"{key} = {value}" for key, value in said.items()]
        rows.append((name, " · ".join(filter(None, [recording.identities.get(name), *settings]))))
    return tuple(rows)


def _known(values: object) -> Mapping[str, Any]:
    """An instrument's settings or limits as words; what is not set is left out."""
    if not isinstance(values, dict):
        return {}
    return {name: _plain(value) for name, value in values.items() if value is not None}


def _plain(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)

"""The report of a run: what was found in a folder, as one page with its figures beside it."""

from __future__ import annotations

import os
import platform
import re
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np

from app.disk import reading
from app.glossary import words_of
from app.library.facts import facts_of
from app.library.folders import artefact_of
from app.library.kinds import BEGUN, SEVERAL
from app.library.unfinished import NODES
from app.report import calibration, commands, network, setup
from app.report import twin as twin_part
from app.report.page import PAGE, Page
from models.errors import InputError
from models.paths import anything_at, file_at, folder_at

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from app.library.facts import Facts
    from models.recording import Recording

FILES = {
    "recordings": "recording.nc",
    "twins": "twin.json",
    "networks": "network.json",
    "deployments": "deployment.json",
    "tables": "networks-table.json",
    "calibrations": "calibration.json",
}
LINKED = (
    *FILES.values(),
    "result.nc",
    "nodes*/recording.nc",
    "weights.safetensors",
)
PARTS = {
    "adaptive.json": ("rounds",),
    "recalibrate.json": ("stretch", "run"),
    "polish.json": ("runs",),
}
"""Folders that are only parts of what a plan beside them made: rounds stand in its own recording, a
recalibration's run is over known data and no result. So are the nodes of a deployment."""
OF_DEVICE = re.compile(r"-\d+$")  # what a second device's folders have behind their names
DEEPEST = 3  # folders below the run: a demo's are one deep, a deployment's nodes two
GOES_ON, STILL_RUNS = "Goes on by", "This run has no result yet: it still runs."
SAMPLE_KEYS = ("sample", "operator", "notes", "temperature_K")


@dataclass(frozen=True)
class Found:
    """The artefacts below a run's folder, by kind, in the order of their names."""

    run: Path
    recordings: tuple[Path, ...]
    twins: tuple[Path, ...]
    networks: tuple[Path, ...]
    deployments: tuple[Path, ...]
    tables: tuple[Path, ...] = ()
    calibrations: tuple[Path, ...] = ()

    @property
    def all(self) -> tuple[Path, ...]:
        """Every artefact's folder."""
        data = (*self.calibrations, *self.recordings)
        return (*data, *self.twins, *self.networks, *self.deployments, *self.tables)


def find_artefacts(run: Path) -> Found:
    """Every artefact in `run` or below it; a deployment's own node runs are part of it.

    Raises
    ------
    InputError
        No such folder, or nothing in it to report.
    """
    with reading(run):
        is_file = file_at(run)
        of_artefact = is_file and any(file_at(run.parent / name) for name in FILES.values())
        folder = run.parent if of_artefact else run
        is_there = folder_at(folder)
    if not is_there:
        what = "a file beside no artefact" if is_file else "no such folder"
        raise InputError(f"{run}: {what}; name a recording, twin, network, deployment or demo")
    names = {name: kind for kind, name in FILES.items()}
    found: dict[str, list[Path]] = {kind: [] for kind in FILES}
    for here, folders, files in os.walk(folder):
        place = folder.__class__(here)
        folders.sort()
        whole = {"deployment.json", FILES["tables"]} & set(files)
        if len(place.relative_to(folder).parts) >= DEEPEST or whole:
            folders.clear()
        parts = {NODES, *(part for plan in PARTS.keys() & set(files) for part in PARTS[plan])}
        folders[:] = [
            name
            for name in folders
            if OF_DEVICE.sub("", name) not in parts and not name.startswith(".")
        ]  # what a kill or a drive's trash has left is hidden
        calibrated = {FILES["recordings"]} if FILES["calibrations"] in files else set()
        for name in sorted(set(files) & set(names) - calibrated):
            found[names[name]].append(place)
    if not any(found.values()) and (begun := _unfinished(folder)) is not None:
        goes_on = dict(begun.rows).get(GOES_ON, "it runs, wait for its end")
        raise InputError(f"{run}: has no result yet ({begun.title}): {goes_on}")
    if not any(found.values()):
        todo = "name a recording, twin, network, deployment or demo folder"
        if file_at(folder / PAGE):  # as a learning curve's, which is made with it
            todo = f"its own page is there: {folder / PAGE}"
        raise InputError(f"{run}: holds none of {', '.join(FILES.values())}; {todo}")
    return Found(folder, **{kind: tuple(sorted(paths)) for kind, paths in found.items()})


def build_page(found: Found, folder: Path) -> Iterator[str | Page]:
    """Build the page section by section; yields words of progress, and last the page.

    Parameters
    ----------
    found
        What to report.
    folder
        Where the page will stand, for the links to the data.
    """
    from app.store import load_twin

    page = Page(f"Twinrig report: {found.run.resolve().name}", run=found.run)
    yield "recordings"
    calibrated = calibration.section(page, found.calibrations)
    _recordings(page, found)
    setup.section(page, found.recordings, found.deployments)
    verdicts, of_means = list[str](), list[str]()
    noisy = [twin for twin in found.twins if not load_twin(twin).deterministic]
    for twin in found.twins:
        yield f"twin {twin.name}"
        several = len(noisy if twin in noisy else found.twins) > 1
        said = twin_part.section(page, twin, found.recordings, one_of_several=several)
        verdicts, of_means = verdicts + said[0], of_means + said[1]
    if found.networks or found.deployments:
        yield "networks and deployments"
        verdicts = network.section(page, found.networks, found.deployments) + verdicts
    if found.tables:
        yield "networks compared"
        verdicts = _tables(page, found) + verdicts
    verdicts = verdicts or of_means
    nothing = ["Recordings only: nothing has been fitted yet."] if found.recordings else []
    page.lead = [*_goes_on(found.run), *calibrated, *(verdicts or nothing)]
    if words := words_of(page.explained):
        page.heading("What the words mean")
        page.definitions((word.name, word.meaning) for word in words)
    _repeat_it(page, found, folder)
    page.values = {"verdict": page.lead, **page.values}
    yield page


def _unfinished(run: Path) -> Facts | None:
    """What is known of a run without its result yet, one of several fits or trainings, too."""
    whole = artefact_of(run)
    if whole is None or whole.broken or whole.kind not in (BEGUN, *SEVERAL):
        return None
    known = facts_of(whole)
    return known if known.status else None


def _goes_on(run: Path) -> list[str]:
    """What is said of a run that has parts to report, but no result yet: the command for it."""
    begun = _unfinished(run)
    if begun is None:
        return []
    goes_on = dict(begun.rows).get(GOES_ON)
    return [f"This run has no result yet; go on with: {goes_on}" if goes_on else STILL_RUNS]


def _recordings(page: Page, found: Found) -> None:
    from app.recording_marks import bad_positions, left_out
    from app.store import read_recording

    if not found.recordings:
        return
    page.heading("Recordings")
    rows = []
    for path in found.recordings:
        recording = read_recording(path)
        s, r, t, _ = recording.response.shape
        good = left_out(recording, bad_positions(path))  # what is fitted and scored
        spread = twin_part.spread_over_signal(good)
        rows.append(
            [
                page.named(path),
                _status(recording),
                f"{s} × {r} × {t}",
                f"{int(good.complete.sum())} of {s * r}",
                ", ".join(sorted(set(recording.families))),
                f"{100 * spread:.1f} %" if np.isfinite(spread) else "—",
            ]
        )
        words = [f"{k} {recording.meta[k]}" for k in SAMPLE_KEYS if recording.meta.get(k)]
        if words:
            page.text(f"{page.named(path)}: {', '.join(words)}", note=True)
    head = ["recording", "status", "sequences × repeats × steps", "repeats kept", "families"]
    page.table([*head, "spread of repeats / signal"], rows)


def _status(recording: Recording) -> str:
    """Of a recording, and where it was not measured here."""
    origins = [word for word in ("simulated", "imported") if recording.meta.get(word)]
    return ", ".join([recording.status, *origins])


def _tables(page: Page, found: Found) -> list[str]:
    from app.operations.compare_networks import read_table
    from app.report import networks_table

    return networks_table.sections(page, [read_table(path) for path in found.tables])


def _repeat_it(page: Page, found: Found, folder: Path) -> None:
    page.heading("Repeat it")
    page.code(commands.commands_of(found))
    for words in commands.notes_of(found):
        page.text(words, note=True)
    page.text(versions(), note=True)
    rows = []
    for path in found.all:
        meta = _meta(path)
        seed = meta.get("seed")
        rows.append(
            [
                page.named(path),
                str(meta.get("id", "—")),
                "—" if seed is None else str(seed),
                str(meta.get("created", "—")),
                str(meta.get("code_version", "—")),
            ]
        )
    page.table(["artefact", "id", "seed", "made", "code version"], rows)
    page.heading("Data")
    files = [f for path in found.all for name in LINKED for f in sorted(path.glob(name))]
    page.links([_link(file, found.run, folder) for file in files])


def _link(file: Path, run: Path, folder: Path) -> tuple[str, str]:
    """Address of a file as seen from the page's folder, and its words."""
    words = file.relative_to(run).as_posix()
    try:
        way = os.path.relpath(file, folder).replace(os.sep, "/")
        return quote(os.fsencode(way)), words  # its bytes: they may be no UTF-8
    except ValueError:  # another drive of Windows: there is no relative way
        return file.resolve().as_uri(), words


def versions() -> str:
    """Versions of what the figures rest on."""
    words = [f"Python {platform.python_version()} on {platform.system()}"]
    for name in ("numpy", "scipy", "torch"):
        with suppress(metadata.PackageNotFoundError):
            words.append(f"{name} {metadata.version(name)}")
    return ", ".join(words)


def _meta(path: Path) -> dict[str, Any]:
    """Id, seed, date and code version of an artefact, from its own file."""
    from app.deployment_store import load_deployment
    from app.store import load_network, load_twin, read_recording

    if anything_at(path / "recording.nc"):
        return read_recording(path).meta
    if anything_at(path / "twin.json"):
        return load_twin(path).meta
    if anything_at(path / "network.json"):
        return load_network(path).meta
    if anything_at(path / FILES["tables"]):
        from app.operations.compare_networks import table_head

        return table_head(path)
    return load_deployment(path).body

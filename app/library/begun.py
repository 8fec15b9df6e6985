"""Runs of a library without their result yet: how far each is, and the command that goes on."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.checked_json import read_json
from app.fit_checkpoint import load_checkpoint
from app.library.facts import Facts
from app.library.unfinished import NODES, OF_PLAN, goes_on_now
from models.command import command_line
from models.errors import TwinrigError
from models.paths import file_at, folder_at
from models.wiring import layers_text

if TYPE_CHECKING:
    from app.library.folders import Artefact

ON_BENCH = ("record", "deploy", "recalibrate", "refine", "polish")


def facts(artefact: Artefact) -> Facts:
    """Verb, how far it is, the command; `form` holds the verb.

    Raises
    ------
    InputError
        A checkpoint or plan is damaged.
    """
    verb, known = read_begun(artefact.path)
    command = how(verb, artefact.path)
    running = goes_on_now(artefact.path)
    status = "running" if running else f"stopped, goes on by twinrig {verb} --resume"
    rows = _far(verb, known)
    title = ", ".join([verb, *(value for name, value in rows if name != "Network")])
    rows += [] if running else [("Goes on by", command)]
    return Facts(title, tuple(rows), form={"verb": verb}, status=status)


def how(verb: str, folder: Path) -> str:
    """The command that goes on with a run of a folder."""
    bench = ["--bench", "B.toml"] if verb in ON_BENCH else []
    return command_line(["twinrig", verb, *bench, "--resume", str(folder)])


def parents(folder: Path) -> list[dict[str, Any]]:
    """What it is made from, as an artefact's own `parents`; empty where it can't be read."""
    with suppress(TwinrigError, OSError, KeyError, TypeError, ValueError):
        verb, known = read_begun(folder)
        if verb == "fit":
            return list(known["parents"])
        named = known.get("network") or _asked(known).get("twins") or []
        files = [Path(one) for one in ([named] if isinstance(named, str) else named)]
        folders = [file.parent if file.suffix == ".json" else file for file in files]
        return [{"id": one.name, "path": str(one / "x.json")} for one in dict.fromkeys(folders)]
    return []


def read_begun(folder: Path) -> tuple[str, dict[str, Any]]:
    """The verb that goes on with the run of a folder, and what the run keeps of itself.

    Raises
    ------
    InputError
        It is damaged.
    """
    for name, verb in OF_PLAN.items():
        if file_at(folder / name):
            return verb, read_json(folder / name)
    if folder_at(folder / NODES):
        return "deploy", _of_nodes(folder / NODES)
    numbers = load_checkpoint(folder)[1]
    return "train" if "request" in numbers else "fit", numbers


def _of_nodes(nodes: Path) -> dict[str, Any]:
    from app.recording_reader import read_recording

    recording = read_recording(nodes)
    done = int(recording.complete.sum()), recording.complete.size
    return {"network": recording.meta.get("network"), "done": done}


def _asked(known: dict[str, Any]) -> dict[str, Any]:
    """What a training was asked for."""
    asked = known.get("request") or known.get("asked") or {}
    return asked if isinstance(asked, dict) else {}


def _far(verb: str, known: dict[str, Any]) -> list[tuple[str, str]]:
    rows = []
    asked = _asked(known)
    if verb == "train":
        rows.append(("Task", str(asked.get("task") or "as its origin")))
        rows.append(("Layers", layers_text(asked.get("layers") or ()) or "as its origin"))
    if verb == "fit":
        rows.append(("Objective", str(known["settings"]["objective"])))
    if verb == "deploy":
        rows.append(("Measured", "{} of {} runs".format(*known["done"])))
    elif verb in ("fit", "train"):
        seeds, begun = known.get("numbers"), known.get("iteration", 0)
        rows.append(("So far", f"of {len(seeds)} seeds" if seeds else f"iteration {begun}"))
    if verb in ON_BENCH[1:]:
        rows.append(("Network", str(known["network"])))
    return rows

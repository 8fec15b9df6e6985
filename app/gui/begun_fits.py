"""Fits, comparisons of objectives and learning curves of the library that ended early; no Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.artefacts import read_head
from app.fit_checkpoint import FILE_NAME, load_checkpoint
from app.library.kinds import head_of
from app.weights_store import TWIN_FILE
from models.paths import file_at

if TYPE_CHECKING:
    from pathlib import Path

    from app.library.library import Library

COMPARISON, GROWN = head_of("cmp"), head_of("curve")  # their operations load torch
OF_A_FIT = {"settings", "parents"}  # keys of its checkpoint, which that of a training has not


def begun_of_twins(library: Library) -> tuple[list[Path], list[Path], list[BegunCurve]]:
    """Fits, comparisons and curves that can go on."""
    return begun_fits(library), begun_comparisons(library), begun_curves(library)


def begun_fits(library: Library) -> list[Path]:
    """Folders of fits that can go on from their checkpoint, newest first; damaged ones left out."""
    return library.readable(_goes_on, named=(FILE_NAME,))


def _goes_on(folder: Path) -> Path | None:
    begun = file_at(folder / FILE_NAME) and not file_at(folder / TWIN_FILE)
    return folder if begun and set(load_checkpoint(folder)[1]) >= OF_A_FIT else None


def begun_comparisons(library: Library) -> list[Path]:
    """Folders of comparisons of objectives that lack twins, newest first; damaged ones left out."""
    return library.readable(_lacking, named=(COMPARISON[0],))


def _lacking(folder: Path) -> Path | None:
    name, kind, schema = COMPARISON
    if not file_at(folder / name):
        return None
    head = read_head(folder / name, kind, schema)
    plan = head.get("plan")  # an older version kept none, and was written at its end
    whole = plan is None or len(head["twins"]) == len(plan["objectives"]) * plan["seeds"]
    return None if whole else folder


@dataclass(frozen=True)
class BegunCurve:
    """A learning curve that lacks points: its folder, and the ratio that it is to reach."""

    folder: Path
    target: float


def begun_curves(library: Library) -> list[BegunCurve]:
    """Learning curves that lack points, newest first; damaged ones left out."""
    return library.readable(_without_points, named=(GROWN[0],))


def _without_points(folder: Path) -> BegunCurve | None:
    name, kind, schema = GROWN
    if not file_at(folder / name):
        return None
    head = read_head(folder / name, kind, schema)
    grid = head["grid"]
    asked = len(grid["sequences"]) * len(grid["repeats"]) * grid["seeds"]
    whole = len(head["points"]) >= asked
    return None if whole else BegunCurve(folder, float(grid["target"]))

"""Recordings as the Twin page looks at them, in a thread beside the window; no Qt."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from app.device_words import told
from app.gui.fit_complaints import Finding, find, first_of, still_in_all
from app.gui.offered import GONE
from app.library.begun import parents
from app.library.folders import entries_of, stamp_of
from app.recording_marks import read_kept
from app.recording_reader import folder_of
from models.errors import InputError, TwinrigError
from models.paths import folder_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from app.library.folders import Artefact, Stamp
    from models.twin import Twin

    FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Looked:
    """What the page needs of a recording, without the repeats that were marked bad.

    `steps`: of the longest sequence; `first` `(R, T, C)`: the repeats of the first one; `broken`:
    why it can't be read; `names`: the channels as people read them; `stamp`: of its files, empty
    where nobody may list them.
    """

    path: Path
    sequences: int = 0
    steps: int = 0
    repeats: int = 0
    channels: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    first: FloatArray | None = None
    finding: Finding | None = None
    broken: str = ""
    stamp: Stamp = ()


def look(path: Path, before: Looked | None = None) -> Looked:
    """Read one recording, unless it is as it was `before`; one that can't be read says why."""
    stamp = _stamp(path)
    if before is not None and stamp and stamp == before.stamp:
        return before
    try:
        recording = read_kept(path)
    except TwinrigError as error:
        gone = f"{path.name}: {GONE}; untick it"
        return Looked(path, broken=str(error) if _is_there(path) else gone)
    kept, length = recording.complete[0], int(recording.lengths[0])
    return Looked(
        path,
        int(recording.response.shape[0]),
        int(recording.lengths.max()),
        int(recording.complete.sum()),
        tuple(recording.channels),
        recording.channel_words,
        tuple(recording.units),
        np.array(recording.response[0, kept, :length]),
        find(recording),
        stamp=stamp,
    )


def _is_there(path: Path) -> bool:
    """Whether its folder is; where nobody may look it may be."""
    try:
        return folder_at(path)
    except OSError:
        return True


def _stamp(path: Path) -> Stamp:
    """Of a recording's files, its marks among them; empty where nobody may list them."""
    try:
        return stamp_of(entries_of(folder_of(path)).values())
    except (OSError, TwinrigError):
        return ()


def first_fitted(begun: Path) -> Looked | None:
    """The first recording of a fit that ended early, as far as it is still there."""
    named = [folder_of(Path(str(parent["path"]))) for parent in parents(begun)]
    return look(named[0]) if named else None


def described(artefact: Artefact) -> str:
    """A recording in a few words: its size, what became of it, when; or damaged, gone."""
    from app.library.facts import facts_of

    if not _is_there(artefact.path):
        return GONE
    try:
        facts = artefact.broken or facts_of(artefact)
    except (TwinrigError, KeyError, TypeError, ValueError, OSError):
        facts = "damaged"
    if isinstance(facts, str):
        return f"can't be read · {artefact.when}"
    status = "" if facts.status in ("", "done") else f" · {facts.status}"
    return f"{facts.title}{status} · {artefact.when}"


@dataclass(frozen=True)
class HeldOut:
    """Repeats `(R, T, C)` of a sequence of a recording, which a twin's fit held out."""

    twin: Path
    recording: str
    sequence: int
    repeats: FloatArray


def held_out(path: Path, twin: Twin) -> HeldOut:
    """The first sequence that a twin's fit held out and that is still there, as far as it did.

    Of a single sequence a fit holds out some repeats.

    Raises
    ------
    InputError
        None of its recordings is there, or nothing was held out of those that are.
    """
    from app.operations.fitted_on import fitted_on

    made = fitted_on(twin, folder_of(path))
    for old, file in zip(made.found, made.paths, strict=True):
        recording = old.recording
        for sequence in old.sequences:
            there = [r for r in old.repeats if recording.complete[sequence, r]]
            if there:
                length = int(recording.lengths[sequence])
                repeats = np.array(recording.response[sequence, there, :length])
                return HeldOut(path, folder_of(Path(file)).name, sequence, repeats)
    raise InputError("; ".join(made.missing) or "it names no recording that it was fitted on")


def complaint(
    looked: Iterable[Looked], *, deterministic: bool, like: Mapping[str, object] | None = None
) -> tuple[str, str]:
    """The first thing to say before a fit or a score, and its role; both empty where all is well.

    `like`: channels and units of a twin that they must fit.
    """
    read = list(looked)
    for one in read:
        if one.broken:
            return one.broken, "fault"
    channels = {one.channels for one in read}
    if len(channels) > 1:
        words = " and ".join(told(names) for names in sorted(channels))
        return f"recordings of other channels can't be joined: {words}", "fault"
    if like is not None and read:
        for name in ("channels", "units"):
            own, theirs = list(getattr(read[0], name)), list(like.get(name) or [])  # type: ignore[call-overload]
            if own != theirs:
                return (
                    f"the recording has {name} {', '.join(own)}, the twin {', '.join(theirs)}: "
                    "it doesn't fit this twin", "fault",
                )  # fmt: skip
    findings = [one.finding for one in read if one.finding is not None]
    if like is None and (still := still_in_all(findings)):
        return f"{still[0]} Leave it out or record again", "fault"
    return first_of(findings, deterministic)

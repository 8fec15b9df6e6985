"""The recordings that a twin was fitted on, found again: where they were, or beside the twin."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.artefacts import sha256_of
from app.recording_marks import read_kept
from app.recording_reader import FILE_NAME
from models.errors import InputError
from models.paths import file_at
from training.drift import Old

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from models.recording import Recording
    from models.twin import Twin


@dataclass(frozen=True)
class FittedOn:
    """What was found of a twin's recordings, by path, and a sentence for each that was not."""

    found: list[Old]
    paths: list[str]
    missing: list[str]


def fitted_on(twin: Twin, folder: Path, against: Sequence[Path] = ()) -> FittedOn:
    """Read the recordings that a twin was fitted on, or those named in their place.

    Parameters
    ----------
    twin, folder
        The twin and its folder: a recording that moved with it is found beside it.
    against
        Named by the user. One that the twin wasn't fitted on counts as unseen by it.

    Raises
    ------
    InputError
        One that was named can't be read.
    """
    made = FittedOn([], [], [])
    if against:
        for path in against:
            recording = read_kept(Path(path))
            made.found.append(held_out_of(twin, recording))
            made.paths.append(str(path))
        return made
    for parent in twin.meta.get("parents", []):
        file = file_of(parent, folder)
        if file is None:
            made.missing.append(
                f"{parent['path']}, which the twin was fitted on, is not there any more, or has "
                "changed: name it with --against"
            )
            continue
        made.found.append(held_out_of(twin, read_kept(file)))
        made.paths.append(str(file))
    return made


def is_parent(twin: Twin, recording: Recording) -> bool:
    """Whether the twin was fitted on this recording."""
    own = str(recording.meta.get("id", ""))
    return bool(own) and any(parent["id"] == own for parent in twin.meta.get("parents", []))


def held_out_of(twin: Twin, recording: Recording) -> Old:
    """A recording with what the fit held out of it; all of it where the fit never saw it."""
    before, own, repeats = 0, str(recording.meta.get("id", "")), recording.response.shape[1]
    for parent in twin.meta.get("parents", []):
        count = int(parent["sequences"])
        if own and parent["id"] == own:
            held_out = twin.meta["held_out"]
            sequences = tuple(int(s) - before for s in held_out["test"] if 0 <= s - before < count)
            kept = tuple(int(r) for r in held_out["test_repeats"] if r < repeats)
            return Old(recording, sequences, kept)
        before += count
    return Old(recording, tuple(range(len(recording.lengths))), tuple(range(repeats)))


def file_of(parent: Mapping[str, Any], folder: Path) -> Path | None:
    """A recording's file, unchanged, where it was or beside the twin's folder; None: it is lost.

    `parent` as of a twin's `parents`.
    """
    there = Path(parent["path"])
    known = parent.get("sha256")
    for file in (there, folder.parent / there.parent.name / FILE_NAME):
        with suppress(OSError, InputError):  # of another account or machine: it is not there
            if file_at(file) and (known is None or sha256_of(file) == known):
                return file
    return None

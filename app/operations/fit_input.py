"""What a fit rests on, from disk: recordings joined, checked and divided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from app.operations.scoring_round import scoring_of
from app.operations.seen_before import seen_of_all
from app.recording_marks import bad_positions, kept_of
from app.store import read_recording, sha256_of
from models.errors import InputError, raise_problems
from models.paths import folder_at
from models.sample_told import samples_apart
from models.sequence import PLAYED
from training.doubtful_repeats import doubtful_between, numbers
from training.floors import notes_of, too_few_repeats
from training.held_out import Scoring
from training.joined import join
from training.reads import in_single_holds
from training.validation import hold_out
from training.windows import doubts, refuse_unfit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from models.recording import Recording
    from models.twin import Twin
    from training.held_out import HeldOut

    Array = NDArray[np.float64]


@dataclass(frozen=True)
class FitInput:
    """What a fit rests on: the joined recording, its parts, and where it came from."""

    recording: Recording
    parts: HeldOut
    parents: list[dict[str, Any]]
    notes: list[str]

    @classmethod
    def read(
        cls,
        paths: Sequence[Path],
        *,
        seed: int,
        deterministic: bool,
        begun: tuple[Twin, Path] | None = None,
    ) -> FitInput:
        """Read, join, check and divide recordings; InputError names what can't be fitted.

        `begun`: the twin that a fit goes on from, and its folder; what it has seen is not held out
        anew.
        """
        recordings = [read_repeats(path) for path in paths]
        raise_problems(InputError, "fit", _deployed(paths, recordings))
        joined = join(recordings, [str(path) for path in paths])
        refuse_unfit(joined, deterministic=deterministic, where=", ".join(map(str, paths)))
        notes = []
        for path, one in zip(paths, recordings, strict=True):
            of = f"{path}: " if len(paths) > 1 else ""  # a repeat's position is that in its own run
            marked = len(bad_positions(path))
            said = doubts(one, deterministic=deterministic, marked=marked)
            notes += [of + words for words in said]
        if len(paths) > 1 and not deterministic:
            notes += doubtful_between(joined, recordings)
        notes += [words for path in paths if (words := left_out_words(path))]
        notes += [words for r in recordings if (words := simulated_words(r))]
        notes += _of_several(paths, recordings)
        parents = [
            {
                "id": str(r.meta.get("id", "")),
                "path": str(_file_of(path).resolve()),
                "sha256": sha256_of(_file_of(path)),
                "sequences": int(r.response.shape[0]),
                "steps": int(r.lengths.max()),
                **_marked(path),
            }
            for path, r in zip(paths, recordings, strict=True)
        ]
        seen = None if begun is None else seen_of_all(begun[0], recordings, begun[1])
        return cls(joined, hold_out(joined, seed, seen, _scoring(recordings)), parents, notes)

    def refuse_divided(self, before: dict[str, Any] | None) -> None:
        """Raise InputError where a fit was begun on other parts; None: an older one kept none."""
        now = self.parts.to_json()
        if before is not None and any(before.get(k) != now[k] for k in now if k != "note"):
            raise InputError(
                "--resume: this version holds other sequences out than the one that began, or a "
                "recording of the twin that it goes on from is not where it was, so that what was "
                "fitted would be scored: put that back, or begin anew into another --out"
            )

    def unscorable(self) -> str:
        """Why what is held out can't score a twin, in words; empty where it can."""
        return too_few_repeats(self.parts.responses("test", self.recording.measured()))

    def scoring_notes(self) -> list[str]:
        """What a reader of any score on what is held out must know of it."""
        return notes_of(self.part("test")[1], self.recording.channel_words)

    def part(self, name: str) -> tuple[Array, Array]:
        """Drives `(S, T)` and responses `(S, R, T, C)` of `training`, `validation` or `test`.

        In steps of one hold (`training.reads`).
        """
        r = self.recording
        index = getattr(self.parts, name)
        response = self.parts.responses(name, r.measured())
        return in_single_holds(r.drive[index], response, r.holds[index])


def read_repeats(path: Path) -> Recording:
    """A device's repeats, to fit a twin to or to score it with; InputError for a calibration.

    Those that were marked bad are left out, as if they had not been recorded.
    """
    recording = read_recording(path)
    if recording.meta.get("kind") == "calibration":
        raise InputError(
            f"{path}: is a magnet's calibration, one walk without repeats of a device; give a "
            "recording that `twinrig record` or `twinrig import` made"
        )
    return kept_of(path, recording)


def _deployed(paths: Sequence[Path], recordings: Sequence[Recording]) -> list[str]:
    """Which are a deployment's nodes, that play a task's test part: what no twin may know."""
    return [
        f"{path}: is what a deployment played, drives of a task's test part: a twin that knew "
        "them would foresee a score of what it knew. `twinrig refine`, or `record --for-twin "
        "--network`, measures what the network sends over the training part"
        for path, one in zip(paths, recordings, strict=True)
        if "network_sha256" in one.meta or PLAYED in one.families  # it, or its drives again
    ]


def _of_several(paths: Sequence[Path], recordings: Sequence[Recording]) -> list[str]:
    """What says that joined recordings are of several devices, in words."""
    return [
        f"{path}: {words} in {paths[0]}: if these are two devices, a twin of both is one of "
        "neither: fit them apart"
        for path, one in zip(paths[1:], recordings[1:], strict=True)
        if (words := samples_apart(recordings[0].meta, one.meta))
    ]


def _scoring(recordings: Sequence[Recording]) -> Scoring:
    """What of joined recordings was measured to score alone, as they say themselves."""
    found = [scoring_of(one) for one in recordings]
    return Scoring(np.concatenate([mask for mask, _ in found]), any(ended for _, ended in found))


def left_out_words(path: Path) -> str:
    """Which repeats of a recording are left out, in words; empty where none is."""
    bad = bad_positions(path)
    return f"{path}: left out as marked bad: repeat {numbers(bad)}" if bad else ""


def simulated_words(recording: Recording) -> str:
    """That a recording is a twin's samples, and whose; empty for one of a device."""
    if not recording.meta.get("simulated"):
        return ""
    by = ", ".join(str(one.get("id", "")) for one in recording.meta.get("parents", []))
    return f"{recording.meta.get('id', 'the recording')} was simulated by {by}, not measured"


def _marked(path: Path) -> dict[str, Any]:
    """What a twin keeps of the marks: positions in the run's order, where there are any."""
    bad = bad_positions(path)
    return {"left_out": sorted(bad)} if bad else {}


def refuse_changed(
    now: list[dict[str, Any]],
    before: list[dict[str, Any]],
    begun: str = "the fit began; fit anew",
) -> None:
    """Raise InputError where a recording is no longer the one that a work began with.

    `begun` says which work, and what to do.
    """
    for one, other in zip(now, before, strict=True):
        if one["sha256"] != other["sha256"]:
            raise InputError(f"{one['path']}: has changed since {begun} into another --out")
        if one.get("left_out", []) != other.get("left_out", []):
            raise InputError(
                f"{one['path']}: repeats were marked since {begun} into another --out, or take the "
                "marks back"
            )


def _file_of(path: Path) -> Path:
    return path / "recording.nc" if folder_at(path) else path

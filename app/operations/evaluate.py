"""Score a twin on another recording: the errors beside their half-split floors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from app.artefacts import find_file
from app.device_words import told
from app.operations.events import Note, Result, Stage
from app.operations.fit_input import left_out_words, read_repeats, simulated_words
from app.operations.fitted_on import held_out_of, is_parent
from app.operations.learning_events import TwinScored
from app.operations.scored import scored_details, scored_values
from app.operations.seen_before import flatters, played_again
from app.so_far import unfinished_words
from app.store import load_twin
from app.weights_store import TWIN_FILE
from models.errors import InputError, raise_problems
from models.network_parts import Device
from models.sample_told import samples_apart
from models.settings import as_told, differing
from models.simulated import module_of
from models.slopes import slopes_apart
from training.bad_data import clipped_of, problems_of, scale_beside, still_of
from training.drive_gaps import guessed_words
from training.ensembles import sequences_kept, whole_repeats
from training.exchanged_channels import exchanged_channels
from training.floors import FEWEST_REPEATS
from training.import_again import import_again
from training.reads import in_single_holds
from training.score_notes import part_words
from training.validation import drawn_to_score, drawn_words, score_model

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from numpy.typing import NDArray

    from app.operations.events import Event
    from models.recording import Recording
    from models.twin import Twin

    Array = NDArray[np.float64]

BEYOND = 1e-6  # of the drive's range: rounding is no new drive


def evaluate(twin: Path, recording: Path, *, seed: int = 0) -> Generator[Event, None, Path]:
    """Score a twin on a recording, free-running from the reset; returns the twin's path.

    Of a recording that the twin was fitted on, only the part held out then is scored.

    Raises
    ------
    InputError
        Either can't be read; they differ in channels, units, drive window or reset; too few
        repeats to score.
    """
    torch.set_num_threads(1)
    yield Stage("read twin and recording", 1, 2)
    fitted, measured = load_twin(Path(twin)), read_repeats(Path(recording))
    refuse_another_device(fitted, measured, "evaluate")
    if words := left_out_words(Path(recording)):
        yield Note(words)
    doubts = [*warnings_beside(fitted, measured), *known_drives(fitted, twin, measured)]
    for text in doubts:
        yield Note(text, "warning")
    drive, real, which, families = _unseen(fitted, measured, seed)
    yield Note(which)
    yield Stage("score", 2, 2)
    model = module_of(fitted)
    channels = measured.channel_words
    scores = score_model(model, drive, real, seed, families=families, channels=channels)
    for text in scores.notes:
        yield Note(text)
    yield TwinScored(scores.errors, scored_details(model, drive, real, scores))
    values: dict[str, Any] = {
        "path": str(find_file(Path(twin), TWIN_FILE)),  # as every verb: the artefact's file
        "recording": str(recording),
        **scored_values(scores, deterministic=fitted.deterministic),
        "scored_on": which,
        "notes": [*doubts, *scores.notes],
    }
    yield Result(values)
    return Path(twin)


def refuse_another_device(twin: Twin, recording: Recording, where: str) -> None:
    """Raise InputError for a recording of other channels, drive window or reset, or overloaded."""
    raise_problems(
        InputError,
        where,
        [
            f"the recording has {name} {told(getattr(recording, name))}, the twin was fitted with "
            f"{told(getattr(twin, name))}: choose a recording of the same kind, or fit a new twin"
            f"{import_again(recording, name, getattr(twin, name))}"
            for name in ("channels", "units", "window", "reset")
            if getattr(recording, name) != getattr(twin, name)
        ]
        + problems_of(recording),
    )


def warnings_beside(twin: Twin, recording: Recording) -> Iterator[str]:
    """What of a recording may explain errors of a twin: settings, drives beyond the fitted ones.

    The drives are those that are scored: of a recording that it was fitted on, the part held out.
    And that the twin is unfinished, where it is.
    """
    if words := unfinished_words(twin.meta):
        yield words
    if words := simulated_words(recording):
        yield f"{words}: such scores say nothing about the device"
    both = twin.settings and recording.settings  # an import knows none
    for instrument, key, one, other in differing(twin.settings, recording.settings) if both else ():
        yield (
            f"setting {instrument}.{key} is {as_told(other)}, the twin was fitted with "
            f"{as_told(one)}: its errors may come from that"
        )
    if words := samples_apart(twin.meta, recording.meta):
        yield f"{words}, which the twin was fitted on: if it is another device, so is the answer"
    then, now = (Device.of(known).tesla_per_ampere for known in (twin, recording))
    for words in slopes_apart(then, now):
        yield f"{words}, so that an unchanged device may answer otherwise"
    if scored := held_out_of(twin, recording).sequences:
        yield from _guesses(twin, recording.select(np.array(scored)))
    if flatters(twin, recording):
        yield (
            "an earlier version of this twin was fitted on this recording: its scores here flatter"
        )
    yield from (f"{words} It can't score the twin" for words in still_of(recording))
    for words in scale_beside(twin.weights["scale"], recording):
        yield f"{words} Its errors may come from that alone"
    yield from exchanged_channels(twin.weights["offset"], twin.weights["scale"], recording)
    yield from clipped_of(recording)


def _guesses(twin: Twin, recording: Recording) -> Iterator[str]:
    """Which of a recording's drives and holds the twin was not fitted on."""
    low, high = float(np.nanmin(recording.drive)), float(np.nanmax(recording.drive))
    if low < twin.drive_low - BEYOND or high > twin.drive_high + BEYOND:
        known = recording.drive[np.isfinite(recording.drive)]
        outside = (known < twin.drive_low - BEYOND) | (known > twin.drive_high + BEYOND)
        yield (
            f"the recording's drive reaches {low:g}…{high:g}, the twin was fitted on "
            f"{twin.drive_low:g}…{twin.drive_high:g}: beyond that it guesses "
            f"({100 * outside.mean():.3g} % of the steps)"
        )
    if words := guessed_words(twin, recording.drive):
        yield words
    longest, most = int(recording.holds.max()), int(twin.meta.get("longest_hold", 1))
    if longest > most:
        yield (
            f"the recording holds steps up to {longest} times, the twin was fitted on up to "
            f"{most}: of longer ones it guesses"
        )


def known_drives(twin: Twin, path: Path, recording: Recording) -> Iterator[str]:
    """Where another recording plays drives that the twin, or one that it goes on from, fitted."""
    if is_parent(twin, recording):
        return
    again = played_again(twin, recording, find_file(Path(path), TWIN_FILE).parent)
    if again:
        yield (
            f"{again} of the recording's {len(recording.lengths)} sequences play drives that "
            "the twin was fitted on, or their beginnings: of those its scores say nothing about "
            "drives it has not seen"
        )


def _unseen(twin: Twin, recording: Recording, seed: int) -> tuple[Array, Array, str, list[str]]:
    """Drives, repeats and families that the fit has not seen, and a sentence that says so.

    Of so many that their samples fill the memory some are drawn.
    """
    response = recording.measured()
    held_out = held_out_of(twin, recording)
    test, repeats = list(held_out.sequences), list(held_out.repeats)
    parent = is_parent(twin, recording)
    if not test:
        raise InputError(
            "evaluate: the twin was fitted on every sequence of this recording; choose one that it "
            "has not seen"
        )
    whole = whole_repeats(response[test][:, repeats]).sum(axis=1)
    kept, each = sequences_kept(whole, FEWEST_REPEATS)
    words = f"scored on all {len(test)} sequences"
    if parent:
        words = f"scored on the {part_words(kept.size, each)} of this recording that were held out "
        words += "of the fit"
    elif kept.size < len(test):
        words = f"scored on {part_words(kept.size, each)}, of {len(test)} sequences"
    drive, real, holds = recording.drive[test], response[test][:, repeats], recording.holds[test]
    families = [recording.families[s] for s in test]
    steps = int(np.where(np.isfinite(drive), holds, 0).sum(axis=1).max())
    drawn = drawn_to_score(real, steps, families, seed)
    if len(drawn) < len(test):
        held = " that were held out of the fit" * parent
        words = f"scored on {drawn_words(len(drawn), len(test), held)}"
        drive, real, holds = drive[drawn], real[drawn], holds[drawn]
        families = [families[s] for s in drawn]
    return *in_single_holds(drive, real, holds), words, families

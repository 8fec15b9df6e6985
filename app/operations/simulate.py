"""A recording made by a twin, in the same format as one of the device."""

from __future__ import annotations

import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from app.artefacts import code_version, find_file, new_directory, new_id, now_iso, sha256_of
from app.disk import anew
from app.operations.events import Note, Progress, Result
from app.operations.results import result_values
from app.recording_store import write_recording
from app.so_far import unfinished_words
from app.weights_store import TWIN_FILE, load_twin
from models.errors import InputError, raise_problems
from models.recording import Recording, stacked
from models.sequence import refuse_endless
from training.drive_gaps import guessed_words

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from app.operations.events import Event
    from models.sequence import DriveWindow, FieldSequence, Reset
    from models.twin import Twin

BEYOND = 1e-6  # of the drive's range: rounding is no new drive


def simulate(
    twin_path: Path,
    sequences: Sequence[FieldSequence],
    repeats: int,
    out: Path,
    *,
    seed: int = 0,
    window: DriveWindow | None = None,
    reset: Reset | None = None,
) -> Generator[Event, None, Path]:
    """Let a twin answer; the last event is the Result, the value its path.

    Sequences are simulated one after another, so that memory stays small and progress shows; the
    same seed gives the same recording.

    Parameters
    ----------
    twin_path
        The twin's folder or `twin.json`.
    sequences, repeats
        What to play, and how often each.
    out
        A new folder.
    seed
        Of the twin's noise.
    window, reset
        What the sequences ask for; None: the twin's.

    Raises
    ------
    InputError
        No twin there, one of another window or reset, nothing to simulate, or `out` holds something
        already.
    TwinrigError
        The disk refuses.
    """
    # long by its arguments and what they mean: its steps are few, each a function of its own
    from models.simulated import (
        module_of,
        played,
    )  # torch: only a command that needs it waits for it

    refuse_endless(sequences, repeats, "simulate")
    begin_s = time.monotonic()
    twin_file = find_file(twin_path, TWIN_FILE)
    twin = load_twin(twin_file)
    raise_problems(
        InputError,
        "simulate",
        [
            f"the sequences ask for {name} {asked}, the twin was fitted with "
            f"{getattr(twin, name)}: the same drive is another field there; write their drives for "
            "the twin's, without window and reset"
            for name, asked in (("window", window), ("reset", reset))
            if asked not in (None, getattr(twin, name))
        ],
    )
    with anew():
        new_directory(out)  # refused before the work, not after it
    model = module_of(twin)
    if words := unfinished_words(twin.meta):
        yield Note(words, "warning")
    if warning := beyond_fit(twin, sequences):
        yield Note(warning, "warning")
    steps = max(sequence.steps for sequence in sequences)
    response = np.full((len(sequences), repeats, steps, len(twin.channels)), np.nan)
    for index, sequence in enumerate(sequences):
        response[index, :, : sequence.steps] = played(
            model, sequence, repeats, _noise_seed(seed, index, sequence)
        )
        elapsed_s = time.monotonic() - begin_s
        left_s = elapsed_s / (index + 1) * (len(sequences) - index - 1)
        yield Progress("simulate", index + 1, len(sequences), "sequences", elapsed_s, left_s)
    recording = _recording(twin, twin_file, sequences, response, seed, out)
    path = write_recording(out, recording)
    yield Result(result_values(recording, path, time.monotonic() - begin_s))
    return path


def _noise_seed(seed: int, index: int, sequence: FieldSequence) -> int:
    """Of a sequence's noise, its own: no other seed has it, nor another drive in its place."""
    drive = zlib.crc32(sequence.drive.tobytes())
    (own,) = np.random.SeedSequence([seed, index, drive]).generate_state(1, np.uint64)
    return int(own >> np.uint64(1))  # PyTorch's seeds have a sign


def beyond_fit(twin: Twin, sequences: Sequence[FieldSequence]) -> str | None:
    """A sentence where drives or holds leave the range that the twin was fitted on; else None."""
    low = min(float(sequence.drive.min()) for sequence in sequences)
    high = max(float(sequence.drive.max()) for sequence in sequences)
    longest = max(int(sequence.holds.max()) for sequence in sequences)
    known = int(twin.meta.get("longest_hold", 1))
    said = []
    if low < twin.drive_low - BEYOND or high > twin.drive_high + BEYOND:
        said.append(
            f"drives of {low:.4g}…{high:.4g} leave the range {twin.drive_low:.4g}…"
            f"{twin.drive_high:.4g} that the twin was fitted on: its answers there are guesses"
        )
    if words := guessed_words(twin, np.concatenate([sequence.drive for sequence in sequences])):
        said.append(words)
    if longest > known:
        said.append(
            f"steps are held up to {longest} times, the twin was fitted on up to {known}: of "
            "longer ones it guesses"
        )
    return "; ".join(said) or None


def _recording(
    twin: Twin,
    twin_file: Path,
    sequences: Sequence[FieldSequence],
    response: np.ndarray,
    seed: int,
    out: Path,
) -> Recording:
    s, r = response.shape[:2]
    parent = {
        "id": str(twin.meta.get("id", "")),
        "path": str(Path(twin_file).resolve()),
        "sha256": sha256_of(twin_file),
    }
    return Recording(
        response,
        order=np.arange(s * r, dtype=np.int64).reshape(s, r),
        start_s=np.zeros((s, r)),
        channels=twin.channels,
        units=twin.units,
        window=twin.window,
        reset=twin.reset,
        settings=twin.settings,
        identities=twin.identities,
        meta={
            "id": new_id("rec", out),
            "created": now_iso(),
            "code_version": code_version(),
            "seed": seed,
            "simulated": True,
            "parents": [parent],
        },
        **stacked(sequences),
    )

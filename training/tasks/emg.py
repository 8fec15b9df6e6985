"""Gestures of the hand from the forearm's EMG, across sessions."""

from __future__ import annotations

import re
import warnings
import zipfile
import zlib
from dataclasses import dataclass
from importlib.resources import as_file, files
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.errors import InputError, raise_problems
from models.paths import folder_at
from training.tasks.windowed import Split, joined_windows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from training.tasks.task import Task

RATE_Hz = 200
BINS = 10
CHANNELS = 8
GESTURES = (
    "rest", "flexion", "extension", "radial deviation", "ulnar deviation", "pronation",
    "supination", "fist",
)  # fmt: skip
TEST_SESSION = 3
EXCERPT_UNIT = 256.0  # of the excerpt's amplitudes, per count of the armband
LATE = 5 / 6  # with validation=0: the last rest and the last gesture of each recording
WITHIN = 0  # in place of a session: validation by late windows of all training sessions
FLOOR = 0.1  # counts: what a silent bin's logarithm is taken of
UNREADABLE = (
    OSError, ValueError, AttributeError, TypeError, EOFError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
ARRAY = re.compile(r"participant(\d+)_session(\d+)_gesture(\d+)")
SESSION_FOLDER = re.compile(r"(\d{5})-(\d+)")


@dataclass(frozen=True)
class Windows:
    """Mean absolute value of ten bins of every window, and where each comes from.

    `amplitude` float64 `(N, 10, 8)` in counts; `participant`, `session`, `label`, `late` `(N,)`.
    """

    amplitude: NDArray[np.float64]
    participant: NDArray[np.int64]
    session: NDArray[np.int64]
    label: NDArray[np.int64]
    late: NDArray[np.float64]


def emg(
    *, participant: int = 1, validation: int = 2, file: str = "", folder: str = "",
    pool: str = "late", shift: float = 0.4, washout: int = 4, seed: int = 0,
) -> Task:  # fmt: skip
    """Tell the gesture from 1 s of eight EMG channels; sessions 1–2 train, session 3 tests.

    A window is ten steps: log amplitude (mean absolute value of 0.1 s) of each channel, scaled
    by mean and spread of the training part. Rest windows are kept, so the error is balanced.

    The validation part is a whole session, as the test part is one: what is chosen must hold on a
    day that nothing was fitted to. Late windows of the training sessions can't say that: within
    one session plain models get 98 %. Read-outs are fitted to both sessions in the end.

    Read-outs see the mean of each window's later half: in the first one the device still answers
    to the window before, and a gesture that was just asked for is only beginning. Validation,
    2 × 30 untrained nodes, participants 1 and 2, session 1 → 2 and 2 → 1 (2026-11-26): 75.6, 88.0,
    75.8 and 87.7 %, the inputs alone 75.8, 86.6, 75.4, 88.1; with whole means 79.5, 83.1, 79.9 and
    81.9 % by the inputs alone, the device 77.5 in the first of them.

    Parameters
    ----------
    participant
        1, 2, …, in the order of their numbers, or the number itself.
    validation
        The session, 1 or 2, that is for validation; the other one trains. 0: the last sixth of
        each recording of both.
    shift
        Of the training's log amplitudes, in their standard deviations: electrodes sit and conduct
        otherwise on another day.
    file
        NPZ of arrays `participant{P}_session{S}_gesture{G}`, `(samples, 9)`.
    folder
        Of the public layout: `<five digits>-<session>/<gesture>.txt`, nine columns.
        Without file and folder: the excerpt that comes along.

    Raises
    ------
    InputError
        Files that can't be read or hold something else, an unknown participant or session.
    """
    # long by its arguments and what they mean: its steps are few, each a function of its own
    if not WITHIN <= validation < TEST_SESSION:
        raise InputError(
            f"task 'emg': validation = {validation} must be session 1 or 2, or {WITHIN}: the last "
            "sixth of both"
        )
    data, source = _windows_and_source(file, folder)
    number = _participant(data, participant)
    own = data.participant == number
    split = _split(data, own, number, validation)
    log = np.log(np.maximum(data.amplitude, FLOOR))
    seen = log[split.train]
    offset, unit = seen.mean(axis=(0, 1)), np.maximum(seen.std(axis=(0, 1)), 1e-9)
    return joined_windows(
        "emg",
        (log - offset) / unit,
        data.label,
        split,
        classes=GESTURES,
        pool=pool,
        metric="balanced-error",
        washout=washout,
        seed=seed,
        options={"participant": number, "shift": shift, "seed": seed},
        quantity="log amplitudes",
        about=f"{_parts(validation)}; 1 s in ten log amplitudes; {source}",
        shift=shift,
        scaling=(offset, unit),
    )


def _windows_and_source(file: str, folder: str) -> tuple[Windows, str]:
    """The windows of what is named, or of the excerpt, and where they are from in words."""
    if file and folder:
        raise InputError("task 'emg': file and folder exclude each other")
    if file:
        return windows_of(_of_npz(Path(file)), file), f"raw samples of {file}"
    if folder:
        return windows_of(_of_folder(Path(folder)), folder), f"raw samples of {folder}"
    return excerpt(), "the excerpt in resources/emg (amplitudes, no raw samples)"


def _parts(validation: int) -> str:
    if validation == WITHIN:
        return "sessions 1–2 train, their last sixth is for validation, session 3 tests"
    return f"session {3 - validation} trains, {validation} is for validation, 3 tests"


def _participant(data: Windows, asked: int) -> int:
    known = np.unique(data.participant)
    if asked in known:
        return asked
    if not 1 <= asked <= len(known):
        numbers = ", ".join(map(str, known))
        raise InputError(
            f"task 'emg': participant = {asked} is none of {numbers}, nor of 1…{len(known)}"
        )
    return int(known[asked - 1])


def _split(data: Windows, own: NDArray[np.bool_], number: int, validation: int) -> Split:
    test = own & (data.session == TEST_SESSION)
    within = validation == WITHIN
    chosen = data.late >= LATE if within else data.session == validation
    judged = own & ~test & chosen
    rest = own & ~test & ~chosen
    needed = {"session 3": test, "late window": judged, "session 1 or 2": rest}
    if not within:
        needed = {"session 3": test, f"session {validation}": judged,
                  f"session but {validation} to train on": rest}  # fmt: skip
    problems = [f"participant {number} has no {what}" for what, m in needed.items() if not m.any()]
    raise_problems(InputError, "task 'emg'", problems)
    return Split(np.flatnonzero(rest), np.flatnonzero(judged), np.flatnonzero(test))


def excerpt() -> Windows:
    """The two participants that come along (resources/emg)."""
    place = files("resources").joinpath("emg", "myo_gestures.npz")
    with as_file(place) as path, np.load(path, allow_pickle=False) as stored:
        return Windows(
            stored["amplitude"] / EXCERPT_UNIT,
            stored["participant"].astype(np.int64),
            stored["session"].astype(np.int64),
            stored["label"].astype(np.int64),
            stored["late"].astype(np.float64),
        )


def windows_of(
    recordings: Iterator[tuple[str, int, int, NDArray[Any]]], where: str
) -> Windows:  # fmt: skip
    """Windows of raw recordings (its file or array, participant, session, samples `(T, 9)`).

    Each stretch of one label is cut into whole seconds from its start; what is left is dropped.
    """
    rows: list[tuple[NDArray[np.float64], int, int, int, float]] = []
    problems = []
    for place, participant, session, samples in recordings:
        if samples.ndim != 2 or samples.shape[1] != CHANNELS + 1 or not len(samples):
            problems.append(f"{place}: shape {samples.shape}, expected (samples, 9)")
            continue
        numbers = samples.dtype.kind in "biuf"
        whole = (np.nan_to_num(samples) if numbers else np.zeros(1)).astype(np.int64)
        if not numbers or (whole != samples).any():
            problems.append(f"{place}: holds other than whole numbers: counts of −128…127 needed")
            continue
        label, values = whole[:, CHANNELS], whole[:, :CHANNELS]
        if np.abs(values).max() > 128 or label.min() < 0 or label.max() >= len(GESTURES):
            problems.append(f"{place}: samples beyond ±128, or labels beyond 0…{len(GESTURES) - 1}")
            continue
        for start in _seconds(label):
            bins = np.abs(values[start : start + RATE_Hz].astype(float))
            bins = bins.reshape(BINS, -1, CHANNELS).mean(axis=1)
            rows.append((bins, participant, session, int(label[start]), start / len(label)))
    if not rows and not problems:
        problems.append("holds no recording of a whole second")
    raise_problems(InputError, f"task 'emg': {where}", problems)
    amplitude, participants, sessions, labels, late = zip(*rows, strict=True)
    return Windows(
        np.asarray(amplitude),
        np.asarray(participants, dtype=np.int64),
        np.asarray(sessions, dtype=np.int64),
        np.asarray(labels, dtype=np.int64),
        np.asarray(late),
    )


def _seconds(label: NDArray[np.int64]) -> Iterator[int]:
    """First samples of the whole seconds within stretches of one label."""
    edges = [0, *(np.flatnonzero(np.diff(label)) + 1), len(label)]
    for start, stop in pairwise(edges):
        yield from range(int(start), int(stop) - RATE_Hz + 1, RATE_Hz)


def _of_npz(path: Path) -> Iterator[tuple[str, int, int, NDArray[Any]]]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files if ARRAY.fullmatch(name)}
    except UNREADABLE as error:
        raise InputError(f"task 'emg': {path} can't be read as NPZ: {error}") from error
    for name, samples in arrays.items():
        match = ARRAY.fullmatch(name)
        if match is not None:
            yield name, int(match[1]), int(match[2]), samples


def _of_folder(folder: Path) -> Iterator[tuple[str, int, int, NDArray[Any]]]:
    """Recordings of https://github.com/aljazfrancic/myo-readings-dataset, as its README says."""
    if not folder_at(folder):
        raise InputError(f"task 'emg': {folder} is no folder")
    for place in sorted(folder.iterdir()):
        match = SESSION_FOLDER.fullmatch(place.name)
        if match is None:
            continue
        for path in sorted(place.glob("*.txt")):
            if path.stem.isdecimal() and int(path.stem) < len(GESTURES):
                name = f"{place.name}/{path.name}"
                yield name, int(match[1]), int(match[2]), _table(path)


def _table(path: Path) -> NDArray[np.int64]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of a file without a row NumPy only warns
            return np.loadtxt(path, delimiter=",", dtype=np.int64, ndmin=2)
    except (OSError, ValueError, UserWarning) as error:
        raise InputError(f"task 'emg': {path}: {error}") from error

"""The public nanoring layout: a folder of pairs of `.npy` files, one pair a field pattern.

`Input_Fields_sig7.npy` holds the field amplitude of each rotation, `(1, 100)`;
`Measured_signals_sig7.npy` the samples, `(1, 100 repeats, 7 channels, 5300)`. As its authors state:
3200 samples a second, 50 a rotation (64 Hz), six rotations of transient before the first of the 100
that the amplitudes belong to; they band-pass 40…200 Hz with a zero-phase filter. The unit of the
field is not stated. (Names and shapes: github.com/Neuromorphic-Spintronics/neural-sde,
data/nanorings; the cutting: …/diffusion, paper/sections/experimental.tex.)

All pairs together are some 30 GB: they are read one after another, and only features are kept.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from app.artefacts import reading
from app.foreign_files import unreadable_words
from app.importing.mapping import Mapping, parse_map
from app.importing.prepare import Measured, measured
from models.errors import InputError, raise_problems
from models.paths import file_at, folder_at

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

FIELDS, SIGNALS = "Input_Fields_sig", "Measured_signals_sig"
NUMBER = re.compile(rf"{SIGNALS}(\d+)\.npy")
USUAL = (
    "response=response:sequence,repeat,channel,time drive=drive:sequence,step "
    "samples=50 skip=300 rate=3200 encoding=rotation field=auto"
)
MOST_REMARKS = 5
MOST_BYTES = 2**33  # of the response that is kept


def is_nanoring(folder: Path) -> bool:
    """Whether a folder has the public nanoring layout."""
    with reading(folder):
        return folder_at(folder) and any(NUMBER.fullmatch(p.name) for p in folder.iterdir())


def pairs_in(folder: Path) -> list[tuple[int, Path, Path]]:
    """Number, fields and signals of each pattern, in the order of the numbers.

    Raises
    ------
    InputError
        A measured file without its fields.
    """
    found = sorted((int(m[1]), p) for p in folder.iterdir() if (m := NUMBER.fullmatch(p.name)))
    problems = [
        f"{FIELDS}{n}.npy is missing beside {signals.name}"
        for n, signals in found
        if not file_at(folder / f"{FIELDS}{n}.npy")
    ]
    raise_problems(InputError, str(folder), problems)
    return [(n, folder / f"{FIELDS}{n}.npy", signals) for n, signals in found]


def nanoring_map(folder: Path, mapping: str | Sequence[str]) -> Mapping:
    """The map of the layout, with the words given after it: the later one counts.

    Raises
    ------
    InputError
        Faults of the map, or a first pair of other shapes.
    """
    given = mapping if isinstance(mapping, str) else " ".join(mapping)
    _, fields, signals = pairs_in(folder)[0]
    shapes = {"response": load_pattern(signals).shape, "drive": load_pattern(fields).shape}
    words = [w for w in given.split() if w not in ("auto", "nanoring")]
    text = " ".join([USUAL, *words])
    sequences = [w for w in words if w.startswith("only=sequence:")]
    shown = parse_map(" ".join(w for w in text.split() if w not in sequences), shapes, folder)
    if not sequences:
        return replace(shown, text=text)
    whole = (len(pairs_in(folder)), *shapes["response"][1:])
    chosen = parse_map(text, {**shapes, "response": whole}, folder)
    return replace(chosen, text=text)


def read_nanoring(folder: Path, asked: Mapping) -> Generator[tuple[int, int], None, Measured]:
    """Features of every pattern; yields how many of how many are read.

    Returns
    -------
    Measured
        All patterns as sequences.

    Raises
    ------
    InputError
        A file that can't be read or has another shape than the first.
    """
    pairs = pairs_in(folder)
    only = dict(asked.words.only)
    if "sequence" in only:
        pairs = [pairs[k] for k in only["sequence"]]
    kept = tuple(item for item in asked.words.only if item[0] != "sequence")
    inside = replace(asked, words=replace(asked.words, only=kept))
    parts: list[Measured] = []
    for count, (_, fields, signals) in enumerate(pairs):
        arrays = {"response": load_pattern(signals), "drive": load_pattern(fields)}
        steps = arrays["drive"].size
        part = measured(_cut(arrays, steps, inside, signals), inside, signals)
        if parts and part.response.shape != parts[0].response.shape:
            raise InputError(
                f"{signals}: gives {part.response.shape[1:]} repeats × steps × channels, the first "
                f"{parts[0].response.shape[1:]}: import them apart (only=sequence:…)"
            )
        if part.response.nbytes * len(pairs) > MOST_BYTES:
            gigabytes = part.response.nbytes * len(pairs) / 2**30
            raise InputError(
                f"{folder}: {len(pairs)} patterns make {gigabytes:.1f} GiB of features: take a "
                "part with only=sequence:0-199, only=repeat:0-15 or only=channel:0"
            )
        parts.append(part)
        yield count + 1, len(pairs)
    return replace(
        parts[0],
        response=np.concatenate([p.response for p in parts]),
        drive=np.concatenate([p.drive for p in parts]),
        over=np.concatenate([p.over for p in parts if p.over is not None]),
        remarks=_joined([(n, p) for (n, _, _), p in zip(pairs, parts, strict=True)]),
    )


def _joined(parts: list[tuple[int, Measured]]) -> tuple[tuple[str, str], ...]:
    """Remarks of the patterns, the first few with their number, the others counted."""
    every = [(f"pattern {n}: {text}", level) for n, part in parts for text, level in part.remarks]
    if len(every) > MOST_REMARKS:
        rest = (f"{len(every) - MOST_REMARKS} more remarks of this kind", "warning")
        every = [*every[:MOST_REMARKS], rest]
    return tuple(every)


def _cut(
    arrays: dict[str, np.ndarray], steps: int, asked: Mapping, file: Path
) -> dict[str, np.ndarray]:
    """The samples of as many rotations as there are amplitudes."""
    wanted = asked.words.skip + steps * asked.words.samples
    there = arrays["response"].shape[-1]
    if there < wanted:
        raise InputError(
            f"{file}: {there} samples a repeat; {steps} amplitudes × {asked.words.samples} samples "
            f"after {asked.words.skip} of transient need {wanted}: give samples= and skip="
        )
    response = arrays["response"][..., :wanted]
    return {
        "response": np.asarray(response, dtype=np.float64),
        "drive": np.asarray(arrays["drive"], dtype=np.float64),
    }


def load_pattern(file: Path) -> np.ndarray:
    """One file of a pair; InputError where it holds no numbers."""
    try:
        with file.open("rb") as opened:
            array = np.load(opened, allow_pickle=False)
    except (OSError, ValueError, EOFError) as fault:
        raise InputError(f"{file}: no readable .npy file ({unreadable_words(fault)})") from fault
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf" or not array.size:
        raise InputError(f"{file}: holds no array of real numbers")
    return array

"""Handwritten digits presented row by row: scikit-learn's 8×8 ones, and files in MNIST's format."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.errors import InputError, raise_problems
from models.paths import file_at
from training.tasks.windowed import Split, joined_windows, last_share, stratified_folds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from training.tasks.task import Task

FOLDS = 5
DIGITS = tuple("0123456789")
VALIDATION_SHARE = 0.2
LEAST_IMAGES = 10  # of a part
IDX_NAMES = {
    "train images": "train-images-idx3-ubyte",
    "train labels": "train-labels-idx1-ubyte",
    "test images": "t10k-images-idx3-ubyte",
    "test labels": "t10k-labels-idx1-ubyte",
}


def digit_images() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The 1797 digits: images `(1797, 8, 8)` in 0…1 and classes `(1797,)`.

    E. Alpaydin, C. Kaynak, UCI repository, doi 10.24432/C50P49, CC BY 4.0; 0.06 MB in
    `resources/`, where scikit-learn as a dependency would be some 40 MB for this one file.
    """
    packed = files("resources").joinpath("digits", "digits.csv.gz").read_bytes()
    table = np.loadtxt(gzip.decompress(packed).decode().splitlines(), delimiter=",", dtype=int)
    return table[:, :64].reshape(-1, 8, 8) / 16.0, table[:, 64].astype(np.int64)


def digits(*, fold: int = 0, pool: str = "last", washout: int = 8, seed: int = 0) -> Task:
    """Tell a handwritten digit from its eight rows of eight pixels, shown one a step.

    Fold `fold` of a shuffled stratified 5-fold (seed 0, as scikit-learn draws it) is the test
    part; a fifth of each class of the rest is the validation part.

    Raises
    ------
    InputError
        A fold beyond 0…4, or a washout of no window.
    """
    if not 0 <= fold < FOLDS:
        raise InputError(f"task 'digits': fold = {fold} must be within 0…{FOLDS - 1}")
    images, labels = digit_images()
    of_fold = stratified_folds(labels, FOLDS, 0)
    rest = last_share(np.flatnonzero(of_fold != fold), labels, VALIDATION_SHARE, seed)
    return joined_windows(
        "digits",
        images,
        labels,
        Split(rest.train, rest.validation, np.flatnonzero(of_fold == fold)),
        classes=DIGITS,
        pool=pool,
        metric="error-rate",
        washout=washout,
        seed=seed,
        options={"fold": f"{fold} of {FOLDS}", "seed": seed},
        quantity="pixels",
        about=f"8×8 pixels, a row a step; {_seen(pool, 8)}",
    )


def _seen(pool: str, columns: int) -> str:
    words = {
        "last": f"the read-out sees the last row's {columns} pixels beside the device",
        "mean": f"the read-out sees the {columns} column means beside the device",
        "late": f"the read-out sees the {columns} column means of the lower half beside the device",
        "all": "the read-out sees every pixel beside the device",
    }
    return words.get(pool, pool)


def mnist(
    *,
    folder: str = "",
    train: int = 4000,
    validation: int = 1000,
    test: int = 1000,
    shrink: int = 1,
    pool: str = "last",
    washout: int = 4,
    seed: int = 0,
) -> Task:
    """Tell an image of files in MNIST's format from its rows, shown one a step.

    Parameters
    ----------
    folder
        Holds the four IDX files under their usual names, packed (`.gz`) or not.
    train, validation, test
        Images of each part, drawn by `seed`; the test part from the test files alone.
    shrink
        2: blocks of 2×2 pixels become one, so 14 steps of 14; 1: as they are.

    Raises
    ------
    InputError
        No folder, missing or damaged files, more images asked for than there are.
    """
    # long by its arguments and what they mean: its steps are few, each a function of its own
    if not folder:
        raise InputError(
            "task 'mnist': mnist:folder=PATH is missing; the four files "
            f"{', '.join(IDX_NAMES.values())} (also as .gz) are at "
            "https://ossci-datasets.s3.amazonaws.com/mnist/"
        )
    arrays = {what: read_idx(Path(folder), name) for what, name in IDX_NAMES.items()}
    seen, unseen = (_images(arrays, part, shrink) for part in ("train", "test"))
    if seen.shape[1:] != unseen.shape[1:]:
        sizes = " and ".join("×".join(map(str, part.shape[1:])) for part in (seen, unseen))
        raise InputError(
            f"task 'mnist': training and test images are of {sizes} pixels: files that belong "
            "together have one size"
        )
    _refuse_counts((train, validation, test), (len(seen), len(unseen)))
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(seen))[: train + validation]
    tested = rng.permutation(len(unseen))[:test]
    labels = np.concatenate([arrays["train labels"][chosen], arrays["test labels"][tested]])
    index = np.arange(len(labels))
    size = seen.shape[1]
    return joined_windows(
        "mnist",
        np.concatenate([seen[chosen], unseen[tested]]),
        labels.astype(np.int64),
        Split(index[:train], index[train : train + validation], index[train + validation :]),
        classes=tuple(str(i) for i in range(int(labels.max()) + 1)),
        pool=pool,
        metric="error-rate",
        washout=washout,
        seed=seed,
        options={"folder": folder, "shrink": shrink, "seed": seed},
        quantity="pixels",
        about=f"{size}×{seen.shape[2]} pixels, a row a step; {_seen(pool, seen.shape[2])}",
    )


def _refuse_counts(parts: tuple[int, int, int], there: tuple[int, int]) -> None:
    """Raise InputError where a part is too small, or more images are asked for than `there` are."""
    wanted = {"train + validation": (parts[0] + parts[1], there[0]), "test": (parts[2], there[1])}
    problems = [
        f"{name} = {count} images, but the files hold {held}"
        for name, (count, held) in wanted.items()
        if count > held
    ]
    problems += [
        f"{name} = {count} images must be at least {LEAST_IMAGES}"
        for name, count in zip(("train", "validation", "test"), parts, strict=True)
        if count < LEAST_IMAGES
    ]
    raise_problems(InputError, "task 'mnist'", problems)


def _images(arrays: dict[str, NDArray[np.uint8]], part: str, shrink: int) -> NDArray[np.float64]:
    """Images `(N, rows, columns)` in 0…1, shrunk by averaging blocks."""
    images, labels = arrays[f"{part} images"], arrays[f"{part} labels"]
    problems = []
    if images.ndim != 3 or labels.ndim != 1 or len(images) != len(labels):
        problems.append(f"{part} images {images.shape} and labels {labels.shape} don't belong")
    elif shrink < 1 or images.shape[1] % shrink or images.shape[2] % shrink:
        problems.append(f"shrink = {shrink} doesn't divide {images.shape[1]}×{images.shape[2]}")
    raise_problems(InputError, "task 'mnist'", problems)
    count, rows, columns = images.shape
    blocks = images.reshape(count, rows // shrink, shrink, columns // shrink, shrink)
    return np.asarray(blocks.mean(axis=(2, 4)) / 255.0)


def read_idx(folder: Path, name: str) -> NDArray[np.uint8]:
    """Array of an IDX file of bytes, `name` or `name`.gz in `folder`.

    The format is that of http://yann.lecun.com/exdb/mnist: two zero bytes, type 8 (bytes), the
    number of dimensions, each as a big-endian 32-bit integer, then the values.

    Raises
    ------
    InputError
        No such file, another format, or a length that its head doesn't say.
    """
    found = [folder / name, folder / f"{name}.gz", folder / name.replace("-idx", ".idx")]
    path = next((p for p in found if file_at(p)), None)
    if path is None:
        raise InputError(f"task 'mnist': {folder} holds neither {name} nor {name}.gz")
    try:
        body = path.read_bytes()
        body = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"task 'mnist': {path} can't be read: {error}") from error
    if len(body) < 4 or body[:3] != b"\x00\x00\x08":
        raise InputError(f"task 'mnist': {path} is no IDX file of bytes")
    head = 4 + 4 * body[3]
    shape = struct.unpack(f">{body[3]}I", body[4:head]) if len(body) >= head else ()
    if not shape or len(body) - head != math.prod(shape):
        raise InputError(
            f"task 'mnist': {path} holds {len(body) - head} values, its head says {shape}: "
            "fetch it again"
        )
    return np.frombuffer(body, np.uint8, offset=head).reshape(shape)

"""Recordings of one device as one: what a twin is fitted on together must be of one setting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.errors import InputError, raise_problems
from models.recording import Recording
from models.settings import as_told, differing
from models.slopes import slopes_apart, slopes_of
from training.bad_data import scale_words
from training.exchanged_channels import exchanged_channels, moments
from training.import_again import import_again, import_both_again

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]


def join(recordings: Sequence[Recording], names: Sequence[str] = ()) -> Recording:
    """Join recordings of one device into one, padded with NaN to the longest and most repeated.

    `names`: what faults call them; by default their ids.

    Raises
    ------
    InputError
        No recording, one given twice, no complete repeat, or recordings that differ in channels,
        units, drive window, reset or instrument settings: a twin is valid for one set of them; or
        channels of one unit whose values are a hundred times larger in one of them.
    """
    if not recordings:
        raise InputError("fit: no recording given; name at least one")
    first = recordings[0]
    called = list(names) or [str(r.meta.get("id", "a recording")) for r in recordings]
    named = list(zip(called, recordings, strict=True))
    problems = [
        f"{name} differs from {called[0]} in {difference}; a twin is valid for one "
        "setting: fit them apart or record again"
        for name, other in named[1:]
        for difference in _differences(first, other)
    ]
    problems += [
        f"{name} holds no complete repeat (status {r.status})"
        for name, r in named
        if not r.complete.any()
    ]
    problems += [
        f"{name} is still being recorded: wait until it is done, or stop it"
        for name, r in named
        if r.status == "running"
    ]
    ids = [str(r.meta["id"]) for r in recordings if r.meta.get("id")]
    problems += [
        f"{one} is given {ids.count(one)} times: its repeats would be fitted and scored at once"
        for one in dict.fromkeys(ids)
        if ids.count(one) > 1
    ]
    if not problems:
        problems += _apart(first, called[0], named[1:])
    raise_problems(InputError, "recordings", problems)
    if len(recordings) == 1:
        return first
    steps = max(r.response.shape[2] for r in recordings)
    repeats = max(r.response.shape[1] for r in recordings)
    return Recording(
        np.concatenate([_padded(r.response, repeats, steps) for r in recordings]),
        np.concatenate([_widened(r.drive, steps, np.nan) for r in recordings]),
        np.concatenate([r.lengths for r in recordings]),
        tuple(f for r in recordings for f in r.families),
        np.concatenate([_widened(r.order, repeats, -1) for r in recordings]),
        np.concatenate([_widened(r.start_s, repeats, np.nan) for r in recordings]),
        first.channels, first.units, first.window, first.reset, first.settings,
        first.identities, "done", first.meta,
        holds=np.concatenate([_widened(r.holds, steps, 1) for r in recordings]),
    )  # fmt: skip


def _apart(first: Recording, called: str, others: Sequence[tuple[str, Recording]]) -> list[str]:
    """Recordings of one kind whose numbers are of another unit, or in other channels."""
    return [
        f"{name} beside {called}: {words} Convert it, or fit them apart"
        for name, other in others
        for words in scale_words(first, other)
    ] + [
        f"{name} beside {called}: {words}, or fit them apart"
        for name, other in others
        for words in exchanged_channels(*moments(first), other)
    ]


def _differences(a: Recording, b: Recording) -> Iterator[str]:
    for name in ("channels", "units", "window", "reset"):
        if getattr(a, name) != getattr(b, name):
            again = (
                import_both_again(a, b)
                if name == "window"
                else import_again(b, name, getattr(a, name))
            )
            yield f"{name}: {getattr(b, name)} instead of {getattr(a, name)}{again}"
    for instrument, key, one, other in differing(a.settings, b.settings):
        yield f"setting {instrument}.{key}: {as_told(other)} instead of {as_told(one)}"
    yield from slopes_apart(slopes_of(a.meta), slopes_of(b.meta))


def _padded(response: Array, repeats: int, steps: int) -> Array:
    _, r, t, _ = response.shape
    return np.pad(
        response, ((0, 0), (0, repeats - r), (0, steps - t), (0, 0)), constant_values=np.nan
    )


def _widened(array: NDArray[np.generic], columns: int, fill: float) -> NDArray[np.generic]:
    return np.pad(array, ((0, 0), (0, columns - array.shape[1])), constant_values=fill)

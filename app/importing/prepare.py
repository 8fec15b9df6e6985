"""From named arrays and a map to response and drive: axes in order, features, field window."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from app.importing.features import (
    USUAL,
    feature_names,
    features_of,
    filtered,
    in_steps,
)
from app.importing.join import join_arrays, joined_names, longer
from app.importing.mapping import AXES, BY_REPEAT
from app.importing.runs import RUN, by_drive, table_by_drive
from app.importing.table import one_drive, pivot
from app.importing.words import ONLY
from app.words import counted
from models.errors import InputError, raise_problems
from training.bad_data import OVERLOAD, clipped_words, is_overload

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from app.importing.mapping import Mapping
    from app.importing.words import Words

    Array = NDArray[np.float64]
    Arrays = dict[str, Array]

WAVE_AXES = ("sequence", "repeat", "channel", "step", "sample")
RUN_AXES = ("sequence", "repeat", "channel", "time")


@dataclass(frozen=True)
class Measured:
    """What a file gave: response `(S, R, T, C)`, drive `(S, T)`, names, and what is known of them.

    `drive` is in the file's own numbers; `is_known` False: none was given, and the step's index
    stands for it. `raw` holds the samples that the response was made of, `(S, R, C, …)`, or is the
    response with its axes so: overloads and clipping are looked for in it, then it is let go.
    `remarks` are sentences with their level about what was found. `holds` `(S, R, T)`, R 1 where
    repeats don't differ, says how long each step was held, in its own numbers; None: all alike.
    `over` `(S, R)` says which repeats were left out for their overloads.
    """

    response: Array
    drive: Array
    channels: tuple[str, ...]
    units: tuple[str, ...]
    is_known: bool
    raw: Array
    raw_channels: tuple[str, ...]
    remarks: tuple[tuple[str, str], ...] = ()
    holds: Array | None = None
    over: NDArray[np.bool_] | None = None


def measured(arrays: Arrays, asked: Mapping, file: Path) -> Measured:
    """Put axes in order, cut to the parts wanted, make features of waveforms.

    Raises
    ------
    InputError
        Drive and response don't fit, the drive is no number of a device, or the waveforms can't
        be cut into steps.
    """
    _refuse_overloads(arrays, asked, file)
    if asked.index:
        table, words = pivot(arrays, asked, file), ""
        if RUN in dict(asked.index):
            table, words = table_by_drive(table, asked)
        response, driven, holds = table
        drive, said = (None, ()) if driven is None else one_drive(driven, str(asked.drive), file)
        said = ((words, "info"), *said) if words else said
        made = replace(_with_names(response, drive, asked), holds=holds, remarks=said)
    else:
        array, said = join_arrays(arrays, asked), ()
        if RUN in asked.response_axes:
            array, arrays, asked, words = by_drive(array, arrays, asked)
            said = ((words, "info"),)
        made = _of_arrays(array, arrays, asked, file)
        holds = _holds(arrays, asked, made.response, file)
        made = replace(made, holds=holds, remarks=(*said, *made.remarks))
    _refuse_beyond(made, asked.words, file)
    return _judged(_part(made, asked.words), asked.words)


def _refuse_overloads(arrays: Arrays, asked: Mapping, file: Path) -> None:
    """Refuse drives, hold times and counts of a table that are no numbers of a device."""
    names = [asked.drive, asked.holds, *(column for _, column in asked.index)]
    problems = []
    for name in dict.fromkeys(n for n in names if n in arrays):
        over = arrays[str(name)][is_overload(arrays[str(name)])]
        if over.size:
            problems.append(
                f"{name!r} holds {over[0]:g}{' and more such' * (over.size > 1)}: an overload, or "
                f"a mark of a missing value ({OVERLOAD:g} or more): mend it in the file"
            )
    raise_problems(InputError, str(file), problems)


def _refuse_beyond(made: Measured, words: Words, file: Path) -> None:
    """Refuse an `only=` of more than there is, of a table's rows, too, which no shape tells."""
    sizes = (*made.response.shape[:2], len(made.raw_channels))
    there = dict(zip(ONLY, sizes, strict=True))
    problems = [
        f"only={axis}:{max(chosen)}: there are {there[axis]}, counted from 0"
        for axis, chosen in words.only
        if max(chosen) >= there[axis]
    ]
    raise_problems(InputError, str(file), problems)


def _judged(made: Measured, words: Words) -> Measured:
    """Leave out repeats with overloads, and say what else of the samples is suspicious."""
    marks = is_overload(made.raw) | np.isinf(made.raw)
    if words.overload is not None:
        marks |= np.abs(np.nan_to_num(made.raw)) >= words.overload
    over = np.asarray(marks.any(axis=tuple(range(2, made.raw.ndim))))
    remarks = []
    if over.any():
        limit = OVERLOAD if words.overload is None else words.overload
        hold, count = ("holds", "counts") if over.sum() == 1 else ("hold", "count")
        remarks.append(
            f"{counted(int(over.sum()), 'repeat')} {hold} overloads (a magnitude of {limit:g} or "
            f"more) and {count} as not recorded"
        )
    raw = np.where(over.reshape(over.shape + (1,) * (made.raw.ndim - 2)), np.nan, made.raw)
    remarks += list(clipped_words(np.moveaxis(raw, 2, -1), made.raw_channels))
    response = np.where(over[:, :, None, None], np.nan, made.response)
    return replace(
        made, response=response, raw=np.empty(0), over=over,
        remarks=(*made.remarks, *((text, "warning") for text in remarks)),
    )  # fmt: skip


def _of_arrays(array: Array, arrays: Arrays, asked: Mapping, file: Path) -> Measured:
    words = asked.words
    if not asked.is_raw:
        response = in_order(array, asked.response_axes)
        drive, said = _drive(arrays, asked, response, file)
        return replace(_with_names(response, drive, asked), remarks=said)
    if "time" in asked.response_axes:
        run = in_order(array, asked.response_axes, RUN_AXES)
        waves = in_steps(filtered(run, words), words)
    else:
        run = waves = in_order(array, asked.response_axes, WAVE_AXES)
        if words.band_Hz is not None:
            flat = waves.reshape(*waves.shape[:3], -1)
            waves = filtered(flat, words).reshape(waves.shape)
    names = words.features or USUAL
    response = features_of(waves.transpose(0, 1, 3, 2, 4), names)
    drive, said = _drive(arrays, asked, response, file)
    return replace(_with_names(response, drive, asked, run, waves.shape[-1]), remarks=said)


def in_order(array: Array, axes: tuple[str, ...], wanted: tuple[str, ...] = AXES) -> Array:
    """An array with its axes moved into the order `wanted`; absent ones get length 1."""
    if len(axes) != array.ndim:
        array = array.reshape(longer(array.shape))
    present = [axis for axis in wanted if axis in axes]
    moved = np.transpose(array, [axes.index(axis) for axis in present])
    return moved.reshape([array.shape[axes.index(a)] if a in axes else 1 for a in wanted])


def _with_names(
    response: Array,
    drive: Array | None,
    asked: Mapping,
    run: Array | None = None,
    samples: int = 0,
) -> Measured:
    """Name the channels; those of features after the channel that they were made of.

    `run`, `samples`: the waveforms, and the samples of a step.
    """
    words, count = asked.words, response.shape[3]
    raw = response.transpose(0, 1, 3, 2) if run is None else run
    channels = joined_names(asked, raw.shape[2])
    if len(words.channels) == raw.shape[2]:  # else they name the part that `only` takes
        channels = words.channels
    units = words.units if len(words.units) in (1, raw.shape[2]) else ("1",)
    units = units * raw.shape[2] if len(units) == 1 else units
    if run is not None:
        names = words.features or USUAL
        made = feature_names(channels, names, samples)
        each = len(made) // len(channels)
        return Measured(
            response, _steps(response) if drive is None else drive, made,
            tuple(u for u in units for _ in range(each)), drive is not None, raw, channels,
        )  # fmt: skip
    known = _steps(response) if drive is None else drive
    return Measured(response, known, channels[:count], units, drive is not None, raw, channels)


def _steps(response: Array) -> Array:
    """The step's index, scaled to 0…1, for each sequence: one fixed, unknown drive."""
    return np.tile(np.linspace(0.0, 1.0, response.shape[2]), (response.shape[0], 1))


def _drive(
    arrays: Arrays, asked: Mapping, response: Array, file: Path
) -> tuple[Array | None, tuple[tuple[str, str], ...]]:
    """The drive `(S, T)` in its own numbers, None where it is unknown, and what to say of it."""
    sequences, repeats, steps = response.shape[:3]
    if asked.drive is None:
        return None, ()
    each = in_order(arrays[asked.drive], asked.drive_axes, BY_REPEAT)
    if each.shape[1] not in (1, repeats):
        raise InputError(
            f"{file}: drive {asked.drive!r} gives {each.shape[1]} repeats, the response {repeats}"
        )
    drive, said = one_drive(each, asked.drive, file)
    if drive.shape[0] == 1:
        drive = np.tile(drive, (sequences, 1))
    if "step" not in asked.drive_axes:  # one value a run
        drive = np.repeat(drive, steps, axis=1)
    if drive.shape != (sequences, steps):
        times, rest = divmod(drive.shape[1], steps)
        todo = f": give it one value a step, such as every {times}th" * (times > 1 and not rest)
        raise InputError(
            f"{file}: drive {asked.drive!r} gives {drive.shape[0]} sequences × {drive.shape[1]} "
            f"steps, the response {sequences} × {steps}{todo}"
        )
    return drive, said


def _holds(arrays: Arrays, asked: Mapping, response: Array, file: Path) -> Array | None:
    """How long each step was held `(S, 1 or R, T)`, in its own numbers; None: all alike."""
    if asked.holds is None:
        return None
    times = in_order(arrays[asked.holds], asked.holds_axes, BY_REPEAT)
    wanted = response.shape[:3]
    if any(n not in (1, m) for n, m in zip(times.shape[:2], wanted, strict=False)) or (
        times.shape[2] != wanted[2]
    ):
        raise InputError(
            f"{file}: holds {asked.holds!r} gives {times.shape} sequences × repeats × steps, the "
            f"response {wanted}"
        )
    return np.broadcast_to(times, (wanted[0], *times.shape[1:]))


def _part(made: Measured, words: Words) -> Measured:
    """Sequences, repeats and channels that `only=` names."""
    for axis, chosen in words.only:
        index = np.array(chosen)
        if axis == "channel":
            each = len(made.channels) // len(made.raw_channels)
            wide = np.array([i * each + k for i in chosen for k in range(each)])
            names = tuple(made.channels[i] for i in wide)
            units = tuple(made.units[i] for i in wide)
            if len(words.units) == len(chosen):
                units = tuple(unit for unit in words.units for _ in range(each))
            if words.channels and len(words.channels) == len(chosen):
                names = tuple(
                    name.replace(made.raw_channels[i], new, 1)
                    for i, new in zip(chosen, words.channels, strict=True)
                    for name in made.channels[i * each : (i + 1) * each]
                )
            made = replace(
                made, response=made.response[..., wide], channels=names, units=units,
                raw=made.raw[:, :, index], raw_channels=tuple(made.raw_channels[i] for i in chosen),
            )  # fmt: skip
        elif axis == "sequence":
            made = replace(
                made, response=made.response[index], drive=made.drive[index], raw=made.raw[index],
                holds=None if made.holds is None else made.holds[index],
            )  # fmt: skip
        else:
            each = made.holds is not None and made.holds.shape[1] > 1
            made = replace(
                made, response=made.response[:, index], raw=made.raw[:, index],
                holds=made.holds[:, index] if made.holds is not None and each else made.holds,
            )  # fmt: skip
    return made

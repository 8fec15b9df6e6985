"""Features of raw waveforms, one set a step: harmonics of a rotation, or plain statistics.

A field that turns once a step gives a response periodic in the step; what the step did to the
device is in the amplitude and phase of its first harmonics. The k-th is the sum over the step's
samples of 2/N · y · cos(2πkn/N), and the same with sin: in phase and quadrature, as a lock-in at
the k-th harmonic gives them, over exactly one period. Where the form within a step is what the
device computes with (time-multiplexed nodes), `samples` keeps each sample as a channel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.importing.words import HARMONIC, SAMPLES
from app.words import counted
from models.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from app.importing.mapping import Mapping
    from app.importing.words import Words

    Array = NDArray[np.float64]

USUAL = ("1f", "2f")
ORDER = 5  # of the Butterworth filter, as the public nanoring work states it


def features_of(waves: Array, names: Sequence[str]) -> Array:
    """Features `(…, C·F)` of waveforms `(…, C, N)`; a harmonic gives two, `samples` N.

    Raises
    ------
    InputError
        A harmonic beyond half the samples of a step.
    """
    count = waves.shape[-1]
    angle = 2 * np.pi * np.arange(count) / count
    made: list[Array] = []
    for name in names:
        if name == SAMPLES:
            made += [waves[..., n] for n in range(count)]
            continue
        match = HARMONIC.fullmatch(name)
        if match is None:
            made.append(_statistic(waves, name))
            continue
        order = int(match[1])
        if 2 * order >= count:
            raise InputError(
                f"features={name}: {count} samples a step hold harmonics up to "
                f"{(count - 1) // 2}f; choose a lower one"
            )
        made += [waves @ (2 / count * wave(order * angle)) for wave in (np.cos, np.sin)]
    stacked = np.stack(made, axis=-1)
    return stacked.reshape(*stacked.shape[:-2], -1)


def _statistic(waves: Array, name: str) -> Array:
    if name == "rms":
        return np.asarray(np.sqrt((waves**2).mean(axis=-1)))
    return np.asarray(getattr(waves, name)(axis=-1))


def feature_names(channels: Sequence[str], names: Sequence[str], count: int) -> tuple[str, ...]:
    """Channel names of the features, in the order of `features_of`: `c0.1f.x`, `c0.1f.y`, ….

    `count`: samples a step, which `samples` names `c0.0`, `c0.1`, ….
    """
    parts: list[str] = []
    for name in names:
        if name == SAMPLES:
            parts += [str(n) for n in range(count)]
        else:
            parts += [f"{name}.x", f"{name}.y"] if HARMONIC.fullmatch(name) else [name]
    return tuple(f"{channel}.{part}" for channel in channels for part in parts)


def in_steps(run: Array, words: Words) -> Array:
    """Waveforms by step `(…, T, N)` of runs `(…, samples)`: the first `skip` samples are left out.

    A rest shorter than a step at the end is left out too.

    Raises
    ------
    InputError
        Nothing is left.
    """
    steps = (run.shape[-1] - words.skip) // words.samples
    if steps < 1:
        raise InputError(
            f"samples={words.samples} skip={words.skip}: {run.shape[-1]} samples hold no whole step"
        )
    kept = run[..., words.skip : words.skip + steps * words.samples]
    return kept.reshape(*run.shape[:-1], steps, words.samples)


def filtered(run: Array, words: Words) -> Array:
    """Runs `(…, samples)` through a zero-phase band-pass filter, where the map asks for one.

    Raises
    ------
    InputError
        The band needs `rate=`, and must lie below half of it; runs must be long enough.
    """
    if words.band_Hz is None:
        return run
    low, high = words.band_Hz
    if not 2 * high < words.rate_Hz:
        raise InputError(
            f"band={low:g},{high:g}: needs rate= above {2 * high:g} Hz, the samples a second "
            f"(it is {words.rate_Hz:g})"
        )
    from scipy.signal import butter, sosfiltfilt

    sections = butter(ORDER, (low, high), "bandpass", fs=words.rate_Hz, output="sos")
    if run.shape[-1] <= 6 * ORDER + 3:
        raise InputError(f"band={low:g},{high:g}: {run.shape[-1]} samples are too few to filter")
    return np.asarray(sosfiltfilt(sections, run, axis=-1))


def channel_faults(made: Mapping, count: int) -> list[str]:
    """What does not fit `count` channels, before waveforms become features; words of no effect."""
    words = made.words
    problems = [
        f"{word}= needs waveforms: an axis `sample` or `time`"
        for word, given in (("features", words.features), ("band", words.band_Hz))
        if given and not made.is_raw
    ]
    problems += [
        f"{word}= needs an axis `time`, of which it makes steps"
        for word, given in (("samples", words.samples), ("skip", words.skip))
        if given and "time" not in made.response_axes
    ]
    if words.hold and made.holds is None:
        problems.append("hold= needs holds=NAME, the times that steps were held")
    if words.channels and len(words.channels) != count:
        problems.append(f"names {len(words.channels)} channels, the response has {count}")
    if len(set(words.channels)) != len(words.channels):
        problems.append(f"names a channel twice: {', '.join(words.channels)}")
    if words.units and len(words.units) not in (1, count):
        has = counted(count, "channel")
        problems.append(f"gives {len(words.units)} units, the response has {has}")
    return problems

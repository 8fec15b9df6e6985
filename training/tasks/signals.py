"""Quick tasks to teach with: tell sines from square waves, make a sine's harmonics."""

from __future__ import annotations

import numpy as np

from models.errors import InputError, raise_problems
from training.tasks.lengths import Lengths
from training.tasks.task import Task
from training.tasks.windowed import Split, joined_windows

LEAST_NOISE = 1e-3  # without any, two square waves of a window are alike: a leak
PERIODS = (7.0, 9.0)  # steps of a wave: windows of 16 hold about two


def signals(
    *,
    window: int = 16,
    noise: float = 0.05,
    train: int = 400,
    validation: int = 100,
    test: int = 300,
    pool: str = "mean",
    washout: int = 4,
    seed: int = 0,
) -> Task:
    """Tell a sine from a square wave of the same power, at any phase.

    Each window holds one wave of a random phase and of a period of 7…9 steps, with white noise.
    No linear model of the samples can tell the two apart: their means are the same, zero.

    Parameters
    ----------
    window
        Steps of a window.
    noise
        Standard deviation of the noise, a share of the sine's amplitude.
    train, validation, test
        Windows of each part.

    Raises
    ------
    InputError
        A part or window too small, too little noise.
    """
    small = (("window", window, 8), ("train", train, 20), ("validation", validation, 10),
             ("test", test, 10), ("noise", noise, LEAST_NOISE))  # fmt: skip
    problems = [
        f"{name} = {value} must be at least {low}" for name, value, low in small if value < low
    ]
    raise_problems(InputError, "task 'signals'", problems)
    rng = np.random.default_rng(seed)
    count = train + validation + test
    labels = rng.permutation(np.arange(count) % 2).astype(np.int64)
    period, phase = rng.uniform(*PERIODS, count), rng.uniform(0, 2 * np.pi, count)
    sine = np.sin(phase[:, None] + 2 * np.pi * np.arange(window) / period[:, None])
    square = np.sign(sine) / np.sqrt(2)
    waves = np.where(labels[:, None] == 1, square, sine)
    waves = waves + noise * rng.standard_normal(waves.shape)
    index = np.arange(count)
    return joined_windows(
        "signals",
        waves[:, :, None],
        labels,
        Split(index[:train], index[train : train + validation], index[train + validation :]),
        classes=("sine", "square"),
        pool=pool,
        metric="error-rate",
        washout=washout,
        seed=seed,
        options={"noise": noise, "seed": seed},
        quantity="samples",
        about="one wave a window, any phase, periods of 7…9 steps",
    )


def transform(
    *,
    period: float = 20.0,
    train: int = 1500,
    validation: int = 300,
    test: int = 600,
    washout: int = 60,
    seed: int = 0,
) -> Task:
    """Make the second and third harmonic of a sine whose frequency wanders by a tenth.

    Input sin φ, targets sin 2φ and sin 3φ; dφ = 2π/`period` a step, wandering, so that the test
    part is another wave than the training part.

    Raises
    ------
    InputError
        A period below 6 steps (its third harmonic has two samples then), or a part too short.
    """
    lengths = Lengths(train, validation, test, washout)
    lengths.check("transform", {"period": (period, 6)})
    rng = np.random.default_rng(seed)
    wander = np.zeros(lengths.steps)
    for step in range(1, lengths.steps):
        wander[step] = 0.98 * wander[step - 1] + 0.02 * rng.standard_normal()
    phase = 2 * np.pi * rng.uniform() + np.cumsum(2 * np.pi / period * (1 + wander))
    masks = lengths.parts()
    return Task(
        name="transform",
        inputs=np.sin(phase)[:, None],
        targets=np.stack([np.sin(2 * phase), np.sin(3 * phase)], axis=1),
        train=masks[0],
        validation=masks[1],
        test=masks[2],
        washout=washout,
        options={"period": period, "seed": seed},
        about="sin φ → sin 2φ, sin 3φ",
    )

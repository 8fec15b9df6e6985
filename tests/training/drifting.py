"""A leaky integrator whose parameters can be changed, and whose offset wanders: for drift tests."""

from __future__ import annotations

import numpy as np

from models.recording import Recording
from models.sequence import DriveWindow, Reset, make_sequences

STEPS, RATE = 40, 0.2


def drives(count, seed, steps=STEPS, family="mixed"):
    """`(count, steps)`."""
    return np.stack([s.drive for s in make_sequences(family, count, steps, seed)])


def true_mean(drive):
    """`(S, T, 1)` of the unchanged device."""
    x, out = np.zeros(len(drive)), []
    for u in drive.T:
        x = (1 - RATE) * x + RATE * u
        out.append(x)
    return np.stack(out, axis=1)[..., None]


def recorded(
    drive, repeats, seed, *, rate=RATE, noise=0.03, shift=0.0, wander=0.0, wander_repeats=0.0,
    family="mixed", blocked=False,
):  # fmt: skip
    """A sitting: offset `shift`, plus one draw of `wander`, plus one of each repeat's round."""
    rng = np.random.default_rng(seed)
    sequences, steps = drive.shape
    x, coloured = np.zeros((sequences, repeats)), np.zeros((sequences, repeats))
    response = np.empty((sequences, repeats, steps, 1))
    offset = shift + wander * rng.standard_normal()
    rounds = offset + wander_repeats * rng.standard_normal(repeats)
    for t in range(steps):
        x = (1 - rate) * x + rate * drive[:, t, None]
        coloured = 0.7 * coloured + noise * rng.standard_normal(x.shape)
        response[:, :, t, 0] = x + coloured + 0.01 * rng.standard_normal(x.shape) + rounds
    order = np.arange(sequences * repeats).reshape(repeats, sequences).T
    if blocked:
        order = np.arange(sequences * repeats).reshape(sequences, repeats)
    return Recording(
        response, drive, np.full(sequences, steps), (family,) * sequences, order,
        np.zeros((sequences, repeats)), ("X",), ("V",), DriveWindow("step", 0.0, 1.0), Reset(2.0),
        meta={"id": f"rec-{seed}"},
    )  # fmt: skip

"""A leaky integrator with coloured noise as a recording, for the tests of fit and evaluate."""

from __future__ import annotations

import numpy as np

from app.store import new_id
from models.recording import Recording
from models.sequence import DriveWindow, Reset, make_sequences


def record_device(sequences, repeats, seed, steps=30, **changes):
    rng = np.random.default_rng(seed)
    drive = np.stack([s.drive for s in make_sequences("mixed", sequences, steps, seed)])
    x, noise = np.zeros((sequences, repeats)), np.zeros((sequences, repeats))
    response = np.empty((sequences, repeats, steps, 1))
    for t in range(steps):
        x = 0.8 * x + 0.2 * drive[:, t, None]
        noise = 0.7 * noise + 0.03 * rng.standard_normal(x.shape)
        response[:, :, t, 0] = x + noise + 0.01 * rng.standard_normal(x.shape)
    values = {
        "response": response,
        "drive": drive,
        "lengths": np.full(sequences, steps),
        "families": ("mixed",) * sequences,
        "order": np.arange(sequences * repeats).reshape(sequences, repeats),
        "start_s": np.zeros((sequences, repeats)),
        "channels": ("X",),
        "units": ("V",),
        "window": DriveWindow("step", 0.0, 1.0),
        "reset": Reset(2.0),
        "settings": {"lockin": {"time_constant_s": 0.01}},
        "meta": {"id": new_id("rec")},
    }
    return Recording(**{**values, **changes})

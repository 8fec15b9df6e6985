"""Sittings at a virtual nanoring array, without the wire: each with fresh thermal history."""

from __future__ import annotations

import numpy as np

from instruments.virtual.devices import DRIVES
from instruments.virtual.nanoring import NanoringArray, NanoringParameters
from models.recording import Recording
from models.sequence import DriveWindow, Reset

DRIVE = DRIVES["nanoring"]
ROOM_K = NanoringParameters().temperature_K


def sitting(drive, repeats, seed, **changed):
    """A recording `(S, repeats)` of an array with some parameters changed.

    Read-out noise is white; the offset wanders by the rig's own fraction and correlation time, from
    an unknown value at the sitting's begin.
    """
    rng = np.random.default_rng(seed)
    parameters = NanoringParameters(**changed)
    array = NanoringArray(parameters, seed)
    fields = DRIVE.low_T + (DRIVE.high_T - DRIVE.low_T) * drive
    sequences, steps = drive.shape
    own, gate_s = DRIVE.electronics, 1 / parameters.field_frequency_Hz
    keep = np.exp(-(steps + 1) * gate_s / own.drift_time_s)
    response, wander = np.empty((sequences, repeats, steps, 2)), rng.standard_normal(2)
    for r in range(repeats):
        for s in range(sequences):
            wander = keep * wander + np.sqrt(1 - keep**2) * rng.standard_normal(2)
            array.rotate(DRIVE.reset_T)
            response[s, r] = [array.rotate(float(field)) for field in fields[s]]
            response[s, r] += own.drift_fraction * wander
    response += own.noise_fraction * rng.standard_normal(response.shape)
    return Recording(
        response, drive, np.full(sequences, steps), ("mixed",) * sequences,
        np.arange(sequences * repeats).reshape(repeats, sequences).T,
        np.zeros((sequences, repeats)), ("X", "Y"), ("1", "1"),
        DriveWindow(DRIVE.encoding, DRIVE.low_T, DRIVE.high_T), Reset(DRIVE.reset_T),
        meta={"id": f"rec-{seed}"},
    )  # fmt: skip

"""Small recordings, twins and networks for the tests of the stores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.network import Device, Layer, Network, TwinReference
from models.recording import BY_STEP, Recording, StepTimes
from models.sequence import DriveWindow, Reset
from models.twin import Twin, weight_shapes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.store import RecordingWriter

WINDOW, RESET = DriveWindow("amplitude", 0.0022, 0.0034), Reset(0.004)


def blank(lengths: tuple[int, ...] = (5, 3), repeats: int = 4, channels: int = 2) -> Recording:
    """A recording to come, sequences of these lengths."""
    s, t = len(lengths), max(lengths)
    drive = np.full((s, t), np.nan)
    for row, length in zip(drive, lengths, strict=True):
        row[:length] = np.linspace(0, 1, length)
    return Recording(
        np.full((s, repeats, t, channels), np.nan),
        drive,
        np.array(lengths),
        ("steps",) * s,
        np.full((s, repeats), -1),
        np.full((s, repeats), np.nan),
        ("X", "Y", "Z", *(f"c{k}" for k in range(3, channels)))[:channels],
        ("V",) * channels,
        WINDOW,
        RESET,
        {"lockin": {"time_constant_s": 0.01, "channels": ["X", "Y"]}},
        {"lockin": "Stanford,SR830"},
        "running",
        {"id": "rec-test", "seed": 1, "notes": "μ₀H, 4 µm"},
    )


def response_of(sequence: int, repeat: int, steps: int, channels: int = 2) -> NDArray[np.float64]:
    """A repeat's values, known from its indices."""
    return np.random.default_rng([sequence, repeat]).standard_normal((steps, channels))


def times_of(sequence: int, repeat: int, steps: int) -> StepTimes:
    """When a repeat's steps were set and read, known from its indices; no field probe."""
    set_s = np.asarray(repeat + 0.1 * sequence + 0.03 * np.arange(steps), dtype=np.float64)
    return StepTimes(set_s, set_s + 0.027, np.full(steps, np.nan))


def full(lengths: tuple[int, ...] = (5, 3), repeats: int = 4) -> Recording:
    """A complete recording."""
    recording = blank(lengths, repeats)
    for s, length in enumerate(lengths):
        for r in range(repeats):
            recording.response[s, r, :length] = response_of(s, r, length)
            times = times_of(s, r, length)
            recording.set_s[s, r, :length] = times.set_s
            recording.read_s[s, r, :length] = times.read_s
            recording.order[s, r] = r * len(lengths) + s
            recording.start_s[s, r] = 0.25 * recording.order[s, r]
    return recording


def same(one: Recording, other: Recording) -> bool:
    """Whether all arrays and values of two recordings agree (status and remarks aside)."""
    arrays = ("response", "drive", "lengths", "order", "start_s", *BY_STEP)
    values = ("families", "channels", "units", "window", "reset", "settings", "identities")
    return all(
        np.array_equal(getattr(one, a), getattr(other, a), equal_nan=True) for a in arrays
    ) and all(getattr(one, v) == getattr(other, v) for v in values)


def twin(latent: int = 3, hidden: int = 4, channels: int = 2) -> Twin:
    """A twin of small random weights."""
    rng = np.random.default_rng(5)
    shapes = weight_shapes(latent, hidden, channels)
    weights = {n: 0.1 * rng.standard_normal(s).astype(np.float32) for n, s in shapes.items()}
    recording = blank(channels=channels)
    return Twin(
        weights,
        recording.channels,
        recording.units,
        latent,
        hidden,
        False,
        WINDOW,
        RESET,
        recording.settings,
        recording.identities,
        0.05,
        0.95,
        {"mean": {"value": 0.03, "floor": 0.02, "low": float("nan")}},
        {"value": 0.88, "expected": 0.892},
        {"id": "twin-test", "seed": 3},
    )


def network(steps: int = 12, washout: int = 2) -> Network:
    """A network of two layers of two nodes, two channels each."""
    rng = np.random.default_rng(6)
    features = 1 + 2 * 4
    unseen = steps - washout
    return Network(
        layers=(
            Layer(rng.standard_normal((2, 1)), rng.standard_normal(2), 0.05, 0.95),
            Layer(rng.standard_normal((2, 4)), rng.standard_normal(2), 0.05, 0.95),
        ),
        feature_mean=np.zeros(features),
        feature_scale=np.ones(features),
        readout_weights=rng.standard_normal((features, 1)),
        readout_bias=np.zeros(1),
        task={"name": "mackey-glass", "metric": "nmse", "options": {}, "description": ""},
        inputs=rng.random((steps, 1)),
        targets=rng.random((steps, 1)),
        washout=washout,
        twins=(TwinReference("twin-test", "twin.json", "0" * 64),),
        devices=(Device(("X", "Y"), ("V", "V"), WINDOW, RESET),),
        predicted={"value": 0.01, "low": 0.008, "high": 0.012},
        baselines={"AR-4": 0.02},
        forecast_mean=rng.random((unseen, 1)),
        forecast_low=rng.random((unseen, 1)),
        forecast_high=rng.random((unseen, 1)),
        node_mean=rng.random((4, steps, 2)),
        node_std=rng.random((4, steps, 2)),
        meta={"id": "net-test"},
    )


def append_all(writer: RecordingWriter, until: int = 1000) -> None:
    """Append the repeats of `full` in its order."""
    whole = full()
    for position in range(min(until, whole.order.size)):
        s, r = (int(i) for i in np.argwhere(whole.order == position)[0])
        response = whole.response[s, r, : whole.lengths[s]]
        times = times_of(s, r, len(response))
        writer.append(s, r, position, float(whole.start_s[s, r]), response, times)


def append_rest(writer: RecordingWriter) -> None:
    """Append what `append_all(until=3)` left."""
    whole = full()
    for s, r in np.argwhere(~writer.recording.complete).tolist():
        response = whole.response[s, r, : whole.lengths[s]]
        position, start_s = int(whole.order[s, r]), float(whole.start_s[s, r])
        writer.append(s, r, position, start_s, response, times_of(s, r, len(response)))

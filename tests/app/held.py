"""A virtual device that relaxes in time, recorded with steps of irregular hold times."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

from app.operations.record import record
from app.recording_reader import read_recording
from instruments.bench import Bench
from instruments.bench_file import parse_bench
from models.sequence import make_sequences

if TYPE_CHECKING:
    from pathlib import Path

    from instruments.bench_spec import BenchSpec
    from models.recording import Recording
    from models.sequence import FieldSequence


def bench_text(timing: str = "software", hold_s: float = 0.05, encoding: str = "step") -> str:
    """The bench file of the built-in rig with that device."""
    text = (files("resources") / "virtual-nanoring.toml").read_text("utf-8")
    for old, new in (
        ('"nanoring"', '"relaxation"'),
        ('encoding = "amplitude"', f'encoding = "{encoding}"'),
        ("hold_s = 0.0", f"hold_s = {hold_s}"),
        ("gate_s = 0.027027027", f'timing = "{timing}"\ngate_s = 0.027027027'),
    ):
        assert old in text, old
        text = text.replace(old, new)
    return text


def spec_of(**changes: Any) -> BenchSpec:
    """The same, parsed."""
    return parse_bench(bench_text(**changes), "bench")


def recorded(
    out: Path, sequences: list[FieldSequence], repeats: int, **changes: Any
) -> tuple[Recording, list[Any]]:
    """A recording of it in a new folder, and its events."""
    with Bench.connect(spec_of(**changes)) as bench:
        events = list(record(bench, sequences, repeats, out, seed=3))
    return read_recording(out), events


def relaxed(count: int, steps: int, holds: int, repeats: int, seed: int) -> dict[str, Any]:
    """Repeats of the device without a rig: sequences of one seed, `holds` at most.

    `x` relaxes by 0.3 and 0.1 a hold of its way to the drive, with noise of its own and a little
    white noise on the read-out.
    """
    sequences = make_sequences("mixed", count, steps, seed, holds)
    rng, leak = np.random.default_rng(seed), np.array([0.3, 0.1])
    kick = 0.04 * np.sqrt(1 - (1 - leak) ** 2)
    response = np.empty((count, repeats, steps, 2))
    for s, sequence in enumerate(sequences):
        x = np.zeros((repeats, 2))
        for t, (u, n) in enumerate(zip(sequence.drive, sequence.holds, strict=True)):
            for _ in range(n):
                x = x + leak * (u - x) + kick * rng.standard_normal(x.shape)
            response[s, :, t] = x + 0.005 * rng.standard_normal(x.shape)
    return {
        "drive": np.stack([e.drive for e in sequences]),
        "holds": np.stack([e.holds for e in sequences]),
        "response": response,
    }

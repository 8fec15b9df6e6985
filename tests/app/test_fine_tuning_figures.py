"""What fitting further from an old twin is worth: errors against a twin that is fitted anew."""

from __future__ import annotations

import numpy as np
import pytest
from fit_device import record_device

from app.operations.evaluate import evaluate
from app.operations.events import Result
from app.operations.fit import fit
from app.store import write_recording

SMALL = {"latent": 6, "hidden": 32}


def device(sequences, repeats, seed, steps=40, rate=0.2, noise=0.03):
    """The device of `record_device` with another memory and noise."""
    blank = record_device(sequences, repeats, seed, steps)
    rng = np.random.default_rng([seed, 3])
    x, coloured = np.zeros((sequences, repeats)), np.zeros((sequences, repeats))
    for t in range(steps):
        x = (1 - rate) * x + rate * blank.drive[:, t, None]
        coloured = 0.7 * coloured + noise * rng.standard_normal(x.shape)
        white = 0.01 * rng.standard_normal(x.shape)
        blank.response[:, :, t, 0] = x + coloured + white
    return blank


def scored(twin, recording):
    values = next(e.values for e in evaluate(twin, recording) if isinstance(e, Result))
    return {name: values["errors"][name]["ratio"] for name in ("mean", "spread", "crps")}


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_few_repeats_are_worth_more_to_an_old_twin_than_to_a_new_one(tmp_path):
    changed = {"rate": 0.26, "noise": 0.04}
    write_recording(tmp_path / "old", device(120, 4, 1))
    write_recording(tmp_path / "test", device(20, 16, 2, **changed))
    list(fit([tmp_path / "old"], tmp_path / "twin", iterations=3000, **SMALL))
    lines = {"the old twin as it is": scored(tmp_path / "twin", tmp_path / "test")}
    for count in (6, 12, 24):
        few = tmp_path / f"few-{count}"
        write_recording(few, device(count, 4, 10 + count, **changed))
        for name, how in (
            ("fitted further", {"origin": tmp_path / "twin"}),
            ("fitted anew", {"iterations": 3000, **SMALL}),
        ):
            out = tmp_path / f"{name[-3:]}-{count}"
            list(fit([few], out, **how))
            lines[f"{name}, {count} × 4 repeats"] = scored(out, tmp_path / "test")
    for name, row in lines.items():
        words = ", ".join(f"{k} {v:.2f}" for k, v in row.items())
        print(f"{name}: over floor {words}")  # noqa: T201 - the README's figures
    further = lines["fitted further, 6 × 4 repeats"]["crps"]
    assert further < lines["the old twin as it is"]["crps"]
    assert further < lines["fitted anew, 6 × 4 repeats"]["crps"]

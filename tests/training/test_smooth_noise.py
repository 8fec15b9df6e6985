"""A mean that is measured through noise which is smooth from channel to channel."""

from __future__ import annotations

import numpy as np
import pytest
from test_four_devices import CHANNELS as LINES
from test_four_devices import EVENLY, MOSTLY_MIXED, Case, Recorder, excess_of_mean

from training.fit import FitSettings, begin_fit
from training.objectives import MeanSquares
from training.validation import score_model
from training.verdict import DECIDING

CHANNELS, STEPS, SEQUENCES = 12, 40, 24
LINE = 5  # the one channel that has a signal: narrow, where the noise is wide


def memory_of(drive: np.ndarray) -> np.ndarray:
    """What the device remembers of drives `(S, T)`, after each step."""
    memory, now = np.zeros_like(drive), np.zeros(len(drive))
    for t in range(drive.shape[1]):
        now = 0.8 * now + 0.2 * np.tanh(4.0 * drive[:, t] - 2.0 + now)
        memory[:, t] = now
    return memory


def repeats_of(drive: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    apart = np.subtract.outer(np.arange(CHANNELS), np.arange(CHANNELS))
    smooth = np.linalg.cholesky(np.exp(-((apart / 4.0) ** 2) / 2) + 1e-3 * np.eye(CHANNELS))
    response = rng.standard_normal((len(drive), 2, drive.shape[1], CHANNELS)) @ smooth.T
    response[..., LINE] += memory_of(drive)[:, None]
    return response


def error_of_mean(seed: int) -> float:
    """Of a twin of few sequences, on unseen ones, over the signal."""
    rng = np.random.default_rng(seed)
    drive = rng.random((SEQUENCES, STEPS))
    response, kept = repeats_of(drive, rng), SEQUENCES * 3 // 4
    fit = begin_fit(
        (drive[:kept], response[:kept]),
        (drive[kept:], response[kept:]),
        FitSettings("mean", deterministic=True, iterations=300, latent=4, hidden=16, head=0),
    )
    for _ in fit.steps():
        pass
    unseen = rng.random((100, STEPS))
    clean = memory_of(unseen)
    error = fit.best_model().simulate(unseen, 1, 0)[:, 0, :, LINE] - clean
    return float(np.sqrt(np.mean(error**2)) / clean.std())


def test_a_line_is_found_that_the_noise_spares(monkeypatch: pytest.MonkeyPatch) -> None:
    by_noise = np.mean([error_of_mean(seed) for seed in range(4)])
    monkeypatch.setattr(MeanSquares, "of_noise", classmethod(lambda cls, _batch: cls()))
    alike = np.mean([error_of_mean(seed) for seed in range(4)])
    assert by_noise < 0.6 * alike


@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("sequences", [160, 640, 2560])
def test_few_sequences_tell_a_spectrum(
    sequences: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Virtual spin-vortex ice, 2 repeats, whole fits, unseen sequences; prints the README's row."""
    recorder = Recorder(Case("spin-vortex-ice", sequences, STEPS, 0, 0.0, LINES))
    drive, real = recorder.record(40, 64, 1000, EVENLY)
    driven, response = recorder.record(sequences, 2, 0, MOSTLY_MIXED)
    order = np.random.default_rng(5).permutation(sequences)
    parts = [(driven[k], response[k]) for k in np.split(order, [max(sequences // 40, 8)])]
    excess = {}
    for how in ("by the noise", "all alike"):
        if how == "all alike":
            monkeypatch.setattr(MeanSquares, "of_noise", classmethod(lambda cls, _batch: cls()))
        fit = begin_fit(parts[1], parts[0], FitSettings())
        for _ in fit.steps():
            pass
        model = fit.best_model()
        scores = score_model(model, drive, real[:, :16], 1)
        excess[how] = 100 * excess_of_mean(model, drive, real)
        over = [f"{scores.errors[e]['ratio']:.2f}" for e in DECIDING]
        with capsys.disabled():
            print(  # noqa: T201 - the README's figures
                f"\n{sequences} × 2, {how}: mean {excess[how]:.1f} % of the signal off; "
                f"{', '.join(DECIDING)} over the floor {' / '.join(over)}; "
                f"coverage {scores.coverage['value']:.3f}"
            )
    assert excess["by the noise"] < excess["all alike"]

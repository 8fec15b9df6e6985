"""Read-out noise of many channels: what they share, in few sources, and what is each one's own."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.errors import InputError
from models.latent import TwinModel
from models.sequence import make_sequences
from training.fit import Fit, FitSettings

torch.set_num_threads(1)
CHANNELS, RANK = 12, 2


def known_noise():
    """What the sources give each channel `(C, 2)`, and each one's own spread `(C,)`."""
    place = np.linspace(0, np.pi, CHANNELS)
    return 0.05 * np.stack([np.cos(place), np.sin(place)], axis=1), np.linspace(0.02, 0.04, 12)


def covariance():
    shared, own = known_noise()
    return shared @ shared.T + np.diag(own**2)


def seen(sequences, repeats, seed):
    """A leaky integrator through twelve gains: `(S, T)` and `(S, R, T, 12)`."""
    rng, (shared, own) = np.random.default_rng(seed), known_noise()
    drive = np.stack([s.drive for s in make_sequences("mixed", sequences, 20, seed)])
    x, out = np.zeros(sequences), np.empty((sequences, repeats, 20, CHANNELS))
    for t in range(20):
        x = 0.7 * x + 0.3 * drive[:, t]
        out[:, :, t] = (x[:, None] * np.linspace(0.5, 1.5, CHANNELS))[:, None]
    out += rng.standard_normal((*out.shape[:3], RANK)) @ shared.T
    return drive, out + own * rng.standard_normal(out.shape)


def relative(found, wanted):
    return np.linalg.norm(found - wanted) / np.linalg.norm(wanted)


def test_the_model_takes_a_covariance_apart_into_sources_and_own_noise():
    model, shared_and_own = TwinModel(CHANNELS, 2, 4, noise_rank=RANK), known_noise()
    model.set_white(torch.as_tensor(covariance()))
    assert relative(model.white_covariance().detach().numpy(), covariance()) < 1e-3
    np.testing.assert_allclose(model.white_own.detach().numpy(), shared_and_own[1], rtol=0.02)
    assert model.white_factor.shape == (CHANNELS, RANK)


@pytest.mark.parametrize("rank", [None, 0, RANK])
def test_samples_have_the_covariance_that_the_model_says(rank):
    torch.manual_seed(0)
    model = TwinModel(CHANNELS, 2, 4, noise_rank=rank)
    model.set_white(torch.as_tensor(covariance()))
    drawn = model.white((40_000,), torch.Generator().manual_seed(1)).detach().double()
    assert relative(np.cov(drawn.numpy().T), model.white_covariance().detach().numpy()) < 0.03


def test_a_fit_recovers_what_the_channels_share():
    """Few repeats: what the full covariance has beside the true one is chance."""
    settings = {"iterations": 300, "latent": 2, "hidden": 8, "head": 0, "mean_share": 0.3}
    fit = Fit(seen(40, 3, 1), seen(8, 3, 2), FitSettings(**settings, noise_rank=RANK))
    for _ in fit.steps():
        pass
    model, scale = fit.best_model(), fit.scales.scale
    assert fit.structure()["noise_rank"] == RANK
    found = model.white_covariance().detach().numpy() * np.outer(scale, scale)
    assert relative(found, covariance()) < 0.25


def test_what_has_no_such_noise_is_refused():
    with pytest.raises(InputError, match="12 shared sources of read-out noise for 12 channels"):
        Fit(seen(4, 2, 1), seen(2, 2, 2), FitSettings(noise_rank=12))
    with pytest.raises(InputError, match="must be zero"):
        FitSettings(noise_rank=-1)
    for other in ({"objective": "mean", "deterministic": True}, {"objective": "published"}):
        with pytest.raises(InputError, match="only a latent twin with noise"):
            FitSettings(noise_rank=1, **other)

"""Likelihoods of a twin whose read-out has a head: it is taken as linear about the state."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.latent import TwinModel
from models.sequence import make_sequences
from training.fit import Fit, FitSettings
from training.likelihood import InnovationsLikelihood, OneStepLikelihood, readout_slope

torch.set_num_threads(1)
CHANNELS = 10


def bent_read_out(drive, repeats, seed):
    """One leaky state seen through ten saturating channels: `(S, R, T, 10)`."""
    rng = np.random.default_rng(seed)
    sequences, steps = drive.shape
    x, gain = np.zeros((sequences, repeats)), np.linspace(1.0, 6.0, CHANNELS)
    out = np.empty((sequences, repeats, steps, CHANNELS))
    for t in range(steps):
        x = 0.8 * x + 0.2 * drive[:, t, None] + 0.02 * rng.standard_normal(x.shape)
        out[:, :, t] = np.tanh(gain * x[..., None])
    return out + 0.01 * rng.standard_normal(out.shape)


def drives(count, seed):
    return np.stack([s.drive for s in make_sequences("mixed", count, 30, seed)])


@pytest.mark.parametrize(("head", "slow"), [(12, 0), (0, 2), (12, 2)])
def test_the_slope_is_that_of_what_is_decoded(head, slow):
    torch.manual_seed(0)
    model = TwinModel(CHANNELS, 4, 8, head=head, slow=slow).double()
    with torch.no_grad():
        for weight in (model.decoder, model.gain) if slow else ():
            weight.normal_(0, 0.5)
    state, drive = torch.randn(5, 4).double(), torch.rand(5).double()
    slope = readout_slope(model, state, drive)
    for b in range(5):
        right = torch.autograd.functional.jacobian(
            lambda x, b=b: model.decode(x, drive[b]), state[b]
        )
        torch.testing.assert_close(slope[b], right)


@pytest.mark.parametrize("objective", [OneStepLikelihood, InnovationsLikelihood])
def test_without_units_a_head_changes_nothing(objective):
    """A head whose weights out are zero is the linear read-out."""
    torch.manual_seed(0)
    linear, headed = TwinModel(CHANNELS, 4, 8), TwinModel(CHANNELS, 4, 8, head=12)
    headed.load_state_dict({**headed.state_dict(), **linear.state_dict()})
    with torch.no_grad():
        headed.head_out.zero_()
    drive = drives(6, 1)
    fit = Fit(
        (drive, bent_read_out(drive, 3, 0)), (drive, bent_read_out(drive, 3, 1)),
        FitSettings(iterations=1, latent=4, hidden=8),
    )  # fmt: skip
    losses = [
        objective().loss(model, fit._training, torch.Generator().manual_seed(1)).item()
        for model in (linear, headed)
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


@pytest.mark.parametrize("name", ["one-step", "innovations", "innovations-energy"])
def test_a_fit_of_ten_channels_has_a_head_and_learns_by_it(name):
    drive = drives(12, 1)
    fit = Fit(
        (drive, bent_read_out(drive, 3, 0)), (drive[:3], bent_read_out(drive[:3], 3, 1)),
        FitSettings(objective=name, iterations=22, latent=4, hidden=16, mean_share=0.05),
    )  # fmt: skip
    assert fit.structure()["head"] == 64
    before = fit.sequence_scores()
    losses = [step.loss for step in fit.steps()]
    assert losses[18] < losses[2]  # of the likelihood, behind two steps of the mean's phase
    assert sum(fit.sequence_scores()) < sum(before)

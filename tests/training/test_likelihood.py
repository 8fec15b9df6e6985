from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from test_fit import drives, leaky_integrator, small_fit

from models.errors import TwinrigError
from models.latent import TwinModel
from models.latent_path import NOISE_SCALE
from training.likelihood import (
    InnovationsLikelihood,
    OneStepLikelihood,
    innovations,
    moved,
    moved_with_slope,
)
from training.objectives import EnergyScore, phases_named, scored_by
from training.windows import Batch, Scales

torch.set_num_threads(1)
SPREAD = 0.3


def linear_twin(latent=3, channels=2):
    """A twin whose goal, rate and noise don't depend on its state: x′ = (1 − r) x + r g + s ξ."""
    torch.manual_seed(1)
    model = TwinModel(channels, latent, 8).double()
    with torch.no_grad():
        model.out.zero_()
        model.out_bias[:latent] = torch.tensor([0.3, -0.2, 0.5])[:latent]
        model.start_mean.normal_()
        model.start_spread.uniform_(0.1, 0.5)
        model.white_factor.copy_(torch.tensor([[0.3, 0.0], [0.1, 0.2]])[:channels, :channels])
    return model


def noise_of(model):
    white = torch.tril(model.white_factor)
    return white @ white.t()


def joint(model, steps):
    """Mean `(T C,)` and covariance of all responses of a linear twin, written out."""
    goal, rate, spread = (
        part.detach().numpy()
        for part in (
            torch.tanh(model.out_bias[:3]),
            torch.sigmoid(model.out_bias[3:6]),
            NOISE_SCALE * torch.nn.functional.softplus(model.out_bias[6:]),
        )
    )
    decoder, c = model.decoder.detach().numpy(), model.channels
    mean, variance = model.start_mean.detach().numpy(), model.start_spread.detach().numpy() ** 2
    means, covariance = [], np.zeros((steps * c, steps * c))
    for t in range(steps):
        mean = mean + rate * (goal - mean)
        variance = (1 - rate) ** 2 * variance + spread**2
        means.append(decoder @ mean + model.decoder_bias.detach().numpy())
        for later in range(t, steps):
            block = decoder @ np.diag((1 - rate) ** (later - t) * variance) @ decoder.T
            covariance[later * c : later * c + c, t * c : t * c + c] = block
            covariance[t * c : t * c + c, later * c : later * c + c] = block.T
    covariance += np.kron(np.eye(steps), noise_of(model).detach().numpy())
    return np.concatenate(means), covariance


def test_what_a_precise_reading_leaves_unknown_stays_a_covariance():
    """In single precision it didn't: the likelihood was NaN, and with it the fit."""
    torch.manual_seed(0)
    model = TwinModel(2, 6, 16)
    with torch.no_grad():
        model.start_spread.fill_(10.0)
        model.white_factor.copy_(1e-3 * torch.eye(2))
        model.out_bias[6:12], model.out_bias[12:] = -6.0, -8.0
        model.decoder[1] = model.decoder[0] + 1e-3 * torch.randn(6)
    drive, real, known = torch.rand(60, 8), 0.1 * torch.randn(60, 8, 2), torch.ones(60, 8)
    single = innovations(model, drive, real, known, noise_of(model))
    assert not torch.isfinite(single)
    spread = torch.full((2,), 1e-6)
    batch = Batch(drive, real.unsqueeze(2), known.unsqueeze(2), spread)
    loss = InnovationsLikelihood().loss(model, batch, torch.Generator().manual_seed(0))
    loss.backward()
    assert torch.isfinite(loss)
    given = [p for p in model.parameters() if p.grad is not None]
    assert {p.dtype for p in given} == {torch.float32}
    assert any(p is model.white_factor for p in given)
    assert all(torch.isfinite(p.grad).all() for p in given)


def test_of_a_linear_twin_the_innovations_likelihood_is_the_joint_gaussian_of_all_steps():
    model, steps, batch = linear_twin(), 6, 5
    generator = torch.Generator().manual_seed(2)
    real = torch.randn(steps, batch, 2, generator=generator, dtype=torch.double)
    drive = torch.rand(steps, batch, generator=generator, dtype=torch.double)
    got = innovations(model, drive, real, torch.ones(steps, batch).double(), noise_of(model))
    mean, covariance = joint(model, steps)
    sign, size = np.linalg.slogdet(covariance)
    total = 0.0
    for b in range(batch):
        error = real[:, b].numpy().ravel() - mean
        quadratic = error @ np.linalg.solve(covariance, error)
        total += 0.5 * (quadratic + size + error.size * math.log(2 * math.pi))
    assert sign == 1
    assert float(got.detach()) == pytest.approx(total / (steps * batch * 2), rel=1e-9)


def test_what_was_not_measured_tells_the_filter_nothing():
    model, steps = linear_twin(), 6
    generator = torch.Generator().manual_seed(3)
    real = torch.randn(steps, 1, 2, generator=generator, dtype=torch.double)
    known = torch.tensor([1.0, 1, 0, 1, 1, 0], dtype=torch.double).unsqueeze(1)
    spoilt = torch.where(known.bool().unsqueeze(2), real, torch.tensor(0.0).double())
    drive = torch.full((steps, 1), 0.5, dtype=torch.double)
    got = innovations(model, drive, spoilt, known, noise_of(model))
    mean, covariance = joint(model, steps)
    there = np.repeat(known[:, 0].numpy().astype(bool), 2)
    error = (real[:, 0].numpy().ravel() - mean)[there]
    inside = covariance[np.ix_(there, there)]
    quadratic = error @ np.linalg.solve(inside, error)
    expected = 0.5 * (quadratic + np.linalg.slogdet(inside)[1] + error.size * math.log(2 * math.pi))
    assert float(got.detach()) == pytest.approx(expected / error.size, rel=1e-9)


def test_a_step_and_its_slope_are_those_of_the_twins_own_path():
    torch.manual_seed(0)
    model = TwinModel(2, 4, 16).double()
    state, drive = torch.randn(5, 4, dtype=torch.double), torch.rand(5, dtype=torch.double)
    mean, variance = moved(model, state, drive)
    drift, diffusion = model.drift_diffusion(state, drive)
    torch.testing.assert_close(mean, state + drift)
    torch.testing.assert_close(variance, diffusion.square())
    again, same, slope = moved_with_slope(model, state, drive)
    torch.testing.assert_close(again, mean)
    torch.testing.assert_close(same, variance)
    for b in range(5):
        exact = torch.autograd.functional.jacobian(
            lambda x, b=b: moved(model, x.unsqueeze(0), drive[b : b + 1])[0][0], state[b]
        )
        torch.testing.assert_close(slope[b], exact)


def samples_of(model, repeats=32, sequences=8, steps=40):
    """Repeats made by a twin, as a batch in its own normalised units."""
    drive = drives(sequences, 3, steps)
    response = model.simulate(drive, repeats, seed=1)
    scales = Scales(np.zeros(model.channels), np.ones(model.channels), np.full(2, SPREAD))
    return Batch.of(drive, response, scales, torch.device("cpu"))


@pytest.mark.parametrize("wrong", ["quieter", "louder", "slower", "white"])
def test_the_twin_that_made_the_repeats_is_the_likeliest(wrong):
    true, other = linear_twin().float(), linear_twin().float()
    batch = samples_of(true)
    with torch.no_grad():
        if wrong == "slower":
            other.out_bias[3:6] -= 1.5
        elif wrong == "white":
            other.white_factor *= 2.5
        else:
            other.out_bias[6:] += -1.5 if wrong == "quieter" else 1.5
    likelihood = InnovationsLikelihood(repeats=24)
    losses = [
        float(likelihood.loss(m, batch, torch.Generator().manual_seed(0)).detach())
        for m in (true, other)
    ]
    assert losses[0] < losses[1] - 0.005


def test_a_measured_step_taken_as_the_state_agrees_with_the_filter_where_nothing_is_hidden():
    model = linear_twin(latent=2).float()
    with torch.no_grad():
        model.white_factor.mul_(1e-3)
        model.decoder.copy_(torch.tensor([[1.0, 0.2], [-0.3, 1.0]]))
        model.start_spread.fill_(1e-4)
    batch = samples_of(model)
    batch = Batch(batch.drive, batch.real, batch.known, torch.full((2,), 1e-3))
    one, whole = (
        float(k(repeats=8).loss(model, batch, torch.Generator().manual_seed(0)).detach())
        for k in (OneStepLikelihood, InnovationsLikelihood)
    )
    assert one == pytest.approx(whole, abs=0.02)


@pytest.mark.parametrize("likelihood", [OneStepLikelihood(), InnovationsLikelihood()])
def test_a_likelihood_has_a_gradient_for_every_weight(likelihood):
    model = TwinModel(1, 3, 8)
    drive = drives(5, 1, 12)
    response = leaky_integrator(drive, 3, 0)
    batch = Batch.of(drive, response, Scales.of(response), torch.device("cpu"))
    likelihood.loss(model, batch, torch.Generator().manual_seed(0)).backward()
    for name, parameter in model.named_parameters():
        if isinstance(likelihood, OneStepLikelihood) and name == "start_spread":
            continue  # there the state after the reset counts as known
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_repeats_that_are_missing_are_not_drawn():
    drive = drives(4, 1, 10)
    response = leaky_integrator(drive, 5, 0)
    scales = Scales.of(response)
    response[:, 1:] = np.nan
    model, generator = TwinModel(1, 3, 8), torch.Generator().manual_seed(0)
    batch = Batch.of(drive, response, scales, torch.device("cpu"))
    alone = Batch.of(drive, response[:, :1], scales, torch.device("cpu"))
    one, other = (InnovationsLikelihood().loss(model, b, generator) for b in (batch, alone))
    assert float(one.detach()) == pytest.approx(float(other.detach()), rel=1e-6)


def test_a_recipe_runs_its_objectives_one_after_another_from_the_fitted_mean():
    assert [type(p) for p in phases_named("innovations-energy")] == [
        InnovationsLikelihood,
        EnergyScore,
    ]
    assert isinstance(scored_by("innovations"), EnergyScore)
    fit = small_fit(20, objective="innovations-energy", mean_share=0.4)
    phases = []
    for _ in fit.steps():
        phases.append(fit.phase)
    assert phases == [0] * 8 + [1] * 11 + [2]  # of few sequences the likelihood has most of it


@pytest.mark.parametrize("objective", ["one-step", "innovations", "innovations-energy"])
def test_a_resumed_fit_of_a_likelihood_goes_on_exactly_where_it_was(objective):
    whole, first, second = (small_fit(10, objective=objective) for _ in range(3))
    losses = [step.loss for step in whole.steps()]
    before = [step.loss for _, step in zip(range(8), first.steps(), strict=False)]
    second.restore(first.arrays(), first.numbers())
    assert before + [step.loss for step in second.steps()] == losses


def test_the_innovations_likelihood_brings_a_fit_nearer_to_the_repeats_noise():
    fit = small_fit(40, objective="innovations")
    losses = [step.loss for step in fit.steps()][16:]
    assert np.mean(losses[-8:]) < np.mean(losses[:4]) - 0.2


def test_a_likelihood_without_a_covariance_any_more_says_what_to_do():
    fit = small_fit(10, objective="innovations", mean_share=0.05)
    steps = fit.steps()
    next(steps)
    with torch.no_grad():
        fit.model.out.fill_(float("nan"))
    with pytest.raises(TwinrigError, match="learning rate"):
        list(steps)


def test_innovations_that_become_chaotic_leave_the_rest_to_the_energy_score():
    """Of 20 × 4 repeats of a leaky integrator a fit of 4000 iterations ended as a failure."""
    broken = small_fit(40, objective="innovations-energy", mean_share=0.25)
    begun, phases, losses = broken.steps(), [], []
    for step in begun:
        phases.append(broken.phase)
        losses.append(step.loss)
        if step.iteration == 20:
            kept = {name: value.copy() for name, value in broken._best.items()}
            with torch.no_grad():
                broken.model.out.fill_(float("nan"))
        if step.iteration == 21:
            halfway = broken.arrays(), broken.numbers()
            assert all(np.array_equal(kept[k], broken._best[k]) for k in kept)
    assert phases == [0] * 10 + [1] * 11 + [2] * 19
    assert np.isfinite(losses).all()
    assert all(torch.isfinite(p).all() for p in broken.best_model().parameters())
    assert "innovations' fit ended after 50% of the budget" in broken.remarks[0]
    again = small_fit(40, objective="innovations-energy", mean_share=0.25)
    again.restore(*halfway)
    assert [step.loss for step in again.steps()] == losses[21:]

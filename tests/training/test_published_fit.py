from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from test_fit import drives, leaky_integrator

from models.errors import InputError
from models.published import STEP
from training.critic import Critic, feature_distance, gradient_penalty
from training.fit import FitSettings, begin_fit
from training.published import PublishedFit, Recipe, delays_of, first_step, whole_lengths
from training.windows import Batch, Scales

torch.set_num_threads(1)
TINY = Recipe(horizon=20, batch=16, layers=(24, 16), auxiliaries=3, delays=1, drift_rate=3e-3)


def parts(repeats=4, steps=40):
    drive, held_out = drives(30, 1, steps), drives(3, 2, steps)
    return (
        (drive, leaky_integrator(drive, repeats, 0)),
        (held_out, leaky_integrator(held_out, repeats, 1)),
    )


def small(iterations=20, recipe=TINY, data=None, **settings):
    chosen = FitSettings(objective="published", iterations=iterations, **settings)
    return PublishedFit(*(data or parts()), chosen, recipe=recipe)


def run(fit):
    return [step.loss for step in fit.steps()]


def test_the_objective_published_begins_the_published_fit_with_the_published_sizes():
    fit = begin_fit(*parts(), FitSettings(objective="published", iterations=4))
    assert isinstance(fit, PublishedFit)
    assert fit.form.layers == (300, 250, 200)
    assert fit.structure()["latent"] == 10
    assert (fit.recipe.critic_steps, fit.recipe.penalty) == (5, 10.0)
    assert (fit.recipe.horizon, fit.recipe.batch) == (50, 50)
    assert fit.horizon == 40  # no segment is longer than the sequences
    for adam in fit._optimisers()[1:]:
        assert adam.param_groups[0]["betas"] == (0.0, 0.9)
    assert [delays_of(c) for c in (1, 2, 60)] == [4, 4, 0]


def test_the_first_phase_moves_the_drift_and_the_critic_only_and_the_second_all_but_the_drift():
    fit = small(iterations=8, mean_share=0.5)
    before = fit.arrays()
    steps = fit.steps()
    for _ in range(4):
        next(steps)
    between = fit.arrays()
    for _ in range(4):
        next(steps)
    after = fit.arrays()

    def moved(one, other):
        names = [n for n in one if n.startswith(("model.", "critic."))]
        return {".".join(n.split(".")[:2]) for n in names if not np.array_equal(one[n], other[n])}

    noise = {"model.diffusion", "model.coupling", "model.rates"}
    assert moved(before, between) == {"model.drift", "model.start", "critic.body", "critic.head"}
    assert moved(between, after) == noise | {"critic.body", "critic.head"}


def test_a_segment_starts_from_the_measured_history_and_ends_where_it_was_measured():
    fit = small()
    fit.model.start.data.fill_(7.0)
    with torch.no_grad():
        part = fit._segments()
    t, batch = part.drive.shape
    assert (t, batch) == (20, 16)
    real = fit._training.real[:, :, :, 0]  # (T, S, R)
    drive = fit._training.drive
    found, from_reset = 0, 0
    for b in range(batch):
        for s in range(drive.shape[1]):
            for begin in range(21):
                if not torch.equal(drive[begin : begin + 20, s], part.drive[:, b]):
                    continue
                for r in range(real.shape[2]):
                    run_ = real[begin : begin + 20, s, r]
                    if not torch.equal(run_, part.real[:, b, 0]):
                        continue
                    found += 1
                    assert torch.equal(part.real[1:, b, 1], run_[:-1])  # the delay follows
                    now = real[begin - 1, s, r] if begin else None
                    from_reset += begin == 0
                    if now is None:
                        assert part.state[b, 0] == pytest.approx(7.0, abs=1.0)  # near the reset
                        assert part.state[b, 1] == part.state[b, 0]
                    else:
                        assert part.state[b, 0] == now
    assert found == batch
    assert from_reset >= 3  # a fifth of them
    assert not part.state[:, 2:].any()  # the auxiliaries start at zero


def test_a_whole_sequence_as_one_segment_starts_from_the_reset():
    fit = small(recipe=Recipe(horizon=500, batch=8, layers=(8,), auxiliaries=2, delays=2))
    part = fit._segments()
    assert fit.horizon == 40
    assert torch.equal(part.state[:, 0], part.state[:, 1])
    mean, spread = (float(x) for x in first_step(fit._training))
    assert 0 < spread < 1
    starts = torch.cat([fit._segments().state[:, 0] for _ in range(60)])
    assert float(starts.std().detach()) == pytest.approx(spread, rel=0.2)
    assert float(starts.mean().detach()) == pytest.approx(mean, abs=0.3 * spread)


def test_only_what_is_whole_from_the_first_step_on_is_drawn():
    drive = np.full((2, 6), 0.5)
    response = np.random.default_rng(0).standard_normal((2, 3, 6, 1))
    response[0, 1] = np.nan
    response[1, 2, 3:] = np.nan
    batch = Batch.of(drive, response, Scales.of(response), torch.device("cpu"))
    assert whole_lengths(batch).tolist() == [[6, 0, 6], [6, 6, 3]]
    nothing = Batch(batch.drive, batch.real, torch.zeros_like(batch.known), batch.spread)
    with pytest.raises(InputError, match="first step"):
        whole_lengths(nothing)


def test_the_penalty_is_that_of_the_slope_between_real_and_fake():
    critic = Critic(6, (5, 4))
    generator = torch.Generator().manual_seed(0)
    real, fake = (torch.randn(7, 6, generator=generator) for _ in range(2))
    got = gradient_penalty(critic, real, fake, torch.Generator().manual_seed(3))
    share = torch.rand(7, 1, generator=torch.Generator().manual_seed(3))
    expected = []
    for row in share * real + (1 - share) * fake:
        point = row.clone().requires_grad_()
        critic(point[None]).backward()
        expected.append((float(point.grad.norm()) - 1) ** 2)
    assert float(got.detach()) == pytest.approx(np.mean(expected), rel=1e-4)


def test_features_match_in_mean_and_spread_and_a_dead_unit_gives_a_finite_slope():
    real = torch.tensor([[0.0, 1.0], [0.0, 3.0]])
    fake = torch.tensor([[0.0, 4.0], [0.0, 4.0]], requires_grad=True)
    distance = feature_distance(fake, real)
    distance.backward()
    assert float(distance.detach()) == pytest.approx((0 + 4) / 2 + (0 + 2) / 2, rel=1e-4)
    assert torch.isfinite(fake.grad).all()


def test_the_same_seed_gives_the_same_twin_and_another_seed_another():
    one, same, other = (run(small(5, seed=s)) for s in (0, 0, 1))
    assert one == same
    assert one != other


def test_a_resumed_fit_goes_on_exactly_where_it_was_in_either_phase():
    for stop in (2, 5):
        whole, first, second = (small(6, mean_share=0.5) for _ in range(3))
        losses = run(whole)
        before = [step.loss for _, step in zip(range(stop), first.steps(), strict=False)]
        second.restore(first.arrays(), first.numbers())
        assert before + run(second) == losses
        for name, weight in whole.best_model().weights().items():
            np.testing.assert_array_equal(second.best_model().weights()[name], weight)


def test_a_checkpoint_of_another_form_is_refused():
    other = small(recipe=Recipe(horizon=20, batch=4, layers=(8,), auxiliaries=2, delays=0))
    fit = small()
    with pytest.raises(InputError, match="another fit or is damaged"):
        other.restore(fit.arrays(), fit.numbers())


def test_the_first_phase_learns_the_mean_and_the_second_gives_it_noise():
    eager = replace(TINY, drift_rate=1e-2, noise_rate=2e-2)
    fit, drive = small(iterations=60, mean_share=0.6, recipe=eager), drives(1, 5)
    losses, spread = [], {}
    for step in fit.steps():
        losses.append(step.loss)
        if step.iteration in (36, 60):
            samples = fit.module().simulate(drive, 64, seed=0)[0, :, 20:]
            spread[step.iteration] = samples.std(axis=0).mean()
    assert np.mean(losses[28:36]) < 0.7 * losses[0]
    assert spread[60] > 2 * spread[36]


def test_no_snapshot_is_chosen_from_before_the_noise_was_fitted(monkeypatch):
    """However well it scores: of few repeats one may do so by chance."""
    losses = iter(torch.linspace(1.0, 5.0, 40))
    monkeypatch.setattr(PublishedFit, "_validation_loss", lambda self, generator: next(losses))
    fit = small(iterations=8, mean_share=0.5)
    run(fit)
    assert fit.best_iteration == 5  # the first of the second phase, and the best of these


def test_a_step_of_the_clock_is_that_of_the_rings():
    assert pytest.approx(math.pi / 10) == STEP


def test_the_rate_of_the_noise_can_be_chosen_and_the_rest_of_the_recipe_stays():
    assert small(noise_rate=5e-3).recipe == replace(TINY, noise_rate=5e-3)
    assert small().recipe == TINY
    with pytest.raises(InputError, match="noise_rate = 0"):
        FitSettings(objective="published", noise_rate=0.0)

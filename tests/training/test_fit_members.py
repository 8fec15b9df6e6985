"""A fit of several members: its budget, its checkpoint, what it is good for."""

from __future__ import annotations

import numpy as np
import pytest
from test_fit import drives, leaky_integrator

from models.errors import InputError
from models.mixture import Mixture
from training.fit import FitSettings, begin_fit
from training.fit_members import MembersFit
from training.validation import score_model

SIZES = {"latent": 3, "hidden": 16}


def parts(sequences=12, repeats=4):
    drive, held_out = drives(sequences, 1), drives(6, 2)
    return (
        (drive, leaky_integrator(drive, repeats, 0)),
        (held_out, leaky_integrator(held_out, repeats, 1)),
    )


def run(fit):
    for _ in fit.steps():
        pass
    return fit


def test_members_share_the_budget_and_the_first_is_the_fit_alone():
    whole = run(begin_fit(*parts(), FitSettings(iterations=60, members=3, **SIZES)))
    assert isinstance(whole, MembersFit)
    assert whole.done
    assert whole.iteration == whole.expected_iterations == 60
    made = whole.best_model()
    assert isinstance(made, Mixture)
    alone = run(begin_fit(*parts(), FitSettings(iterations=20, **SIZES))).best_model()
    first, second, _ = (model.weights() for model in made.members)
    for name, weights in alone.weights().items():
        np.testing.assert_array_equal(first[name], weights)
    assert np.abs(first["out"] - second["out"]).max() > 0.01
    np.testing.assert_array_equal(first["scale"], second["scale"])
    assert whole.structure()["members"] == 3


@pytest.mark.parametrize("stopped", [10, 20, 33])
def test_a_fit_that_was_stopped_ends_as_one_that_was_not(stopped):
    settings = FitSettings(iterations=40, members=2, **SIZES)
    whole = run(begin_fit(*parts(), settings)).best_model().weights()
    cut = begin_fit(*parts(), settings)
    for step in cut.steps():
        if step.iteration == stopped:
            break
    resumed = begin_fit(*parts(), settings)
    resumed.restore(cut.arrays(), cut.numbers())
    assert resumed.iteration == stopped
    for name, weights in run(resumed).best_model().weights().items():
        np.testing.assert_array_equal(whole[name], weights)
    other = begin_fit(*parts(), settings)
    with pytest.raises(InputError, match="belongs to another fit"):
        other.restore(cut.arrays(), {**cut.numbers(), "finished": {"members": 2}})


def test_what_there_is_amid_a_fit_has_no_member_without_its_noise():
    fit = begin_fit(*parts(), FitSettings(iterations=80, members=2, **SIZES))
    seen = []
    for step in fit.steps():
        made = fit.best_model()
        count = len(made.members) if isinstance(made, Mixture) else 1
        assert fit.structure()["members"] == count
        seen.append((step.iteration, fit.member, fit.in_first_phase, count))
    assert all(count == 1 for _, member, _, count in seen if member == 1)
    second = [(first, count) for _, member, first, count in seen if member == 2]
    assert (True, 1) in second
    assert (True, 2) not in second
    assert second[-1] == (False, 2)


def test_members_go_on_each_from_its_own_weights():
    before = run(begin_fit(*parts(), FitSettings(iterations=40, members=2, **SIZES))).best_model()
    settings = FitSettings(iterations=2, members=2, learning_rate=1e-9, mean_learning_rate=1e-9)
    fit = begin_fit(*parts(), settings, None, before.weights())
    for name, weights in run(fit).best_model().weights().items():
        np.testing.assert_allclose(before.weights()[name], weights, atol=1e-5)


def test_a_twin_without_noise_or_of_the_published_method_has_one():
    for words, given in (
        ("without noise", {"objective": "mean", "deterministic": True}),
        ("of the published method", {"objective": "published"}),
    ):
        with pytest.raises(InputError, match=f"members = 2: a twin {words} has one"):
            FitSettings(members=2, **given)
    with pytest.raises(InputError, match="members = 17 must be 16 or fewer"):
        FitSettings(members=17)


def test_the_members_together_foretell_more_than_one_of_them_by_chance():
    """CRPS is convex: a mixture scores better than its members do in the mean."""
    fit = run(begin_fit(*parts(10, 2), FitSettings(iterations=900, members=3, **SIZES)))
    unseen = drives(24, 4)
    real = leaky_integrator(unseen, 16, 5)
    crps = [
        score_model(model, unseen, real, seed=0).errors["crps"]["ratio"]
        for model in (fit.best_model(), *fit.best_model().members)
    ]
    assert crps[0] < np.mean(crps[1:])

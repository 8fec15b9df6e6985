"""A batch whose gradient is far too large, or no number, must not end a fit."""

from __future__ import annotations

import math

import pytest
import torch
from test_fit import small_fit
from torch import nn

from models.errors import TwinrigError
from training.steepness import BURST, GROWTH, LOST, Clip

torch.set_num_threads(1)


def parameter(*gradient: float) -> nn.Parameter:
    found = nn.Parameter(torch.zeros(len(gradient)))
    found.grad = torch.tensor(gradient)
    return found


def test_a_burst_is_left_out_and_an_ordinary_gradient_clipped():
    clip = Clip(1.0)
    for _ in range(50):
        assert clip.usable([parameter(0.03, 0.04)])
    assert clip.usual == pytest.approx(0.05)
    assert not clip.usable([parameter(3e5, 4e5)])
    assert clip.left_out == 1
    assert clip.usual == pytest.approx(0.05 * GROWTH)
    steep = parameter(0.9 * BURST * 0.03, 0.9 * BURST * 0.04)
    assert clip.usable([steep])
    assert steep.grad.tolist() == pytest.approx([0.6, 0.8])
    assert clip.usual == pytest.approx(0.99 * 0.05 * GROWTH + 0.01 * 0.9 * BURST * 0.05)


def test_a_gradient_below_the_limit_is_no_burst_however_small_the_usual_one():
    clip = Clip(1.0)
    assert clip.usable([parameter(0.0)])
    assert clip.usable([parameter(0.9)])
    assert clip.left_out == 0


def test_where_ordinary_gradients_are_clipped_as_well_a_burst_is_one_of_them():
    clip = Clip(1.0)
    clip.usable([parameter(4.0)])
    burst = parameter(3e5, 4e5)
    assert clip.usable([burst])
    assert burst.grad.tolist() == pytest.approx([0.6, 0.8])


def test_what_has_become_steep_for_good_is_usual_after_a_hundred_steps():
    clip = Clip(1.0)
    clip.usable([parameter(0.02)])
    taken = [clip.usable([parameter(100.0)]) for _ in range(100)]
    assert not any(taken[:70])
    assert all(taken[85:])


def test_another_phase_has_a_usual_gradient_of_its_own():
    clip = Clip(1.0)
    clip.usable([parameter(0.001)])
    clip.enter_phase()
    assert clip.usable([parameter(3e4, 4e4)])


@pytest.mark.parametrize("wrong", [math.inf, math.nan])
def test_a_gradient_that_is_no_number_is_left_out_but_not_for_ever(wrong):
    clip = Clip(1.0)
    assert not clip.usable([parameter(0.1, wrong)])
    assert clip.usable([parameter(0.1)])
    for _ in range(LOST - 1):
        assert not clip.usable([parameter(wrong)])
    with pytest.raises(TwinrigError, match=f"for {LOST} steps in a row.*lower the learning rate"):
        clip.usable([parameter(wrong)])
    assert clip.left_out == LOST
    assert math.isfinite(clip.usual)


class Breaking:
    """An objective whose slope is infinite in some of its losses, which are as ever."""

    def __init__(self, objective, wrong):
        self._objective, self._wrong, self._asked = objective, wrong, 0

    def loss(self, model, batch, generator):
        self._asked += 1
        loss = self._objective.loss(model, batch, generator)
        if self._asked in self._wrong:
            loss = loss + (0 * model.decoder.sum()).sqrt()
        return loss


@pytest.mark.parametrize("phase", [0, 1])
def test_a_fit_goes_on_where_a_gradient_is_no_number_and_says_so(phase):
    fit = small_fit(40)
    fit._phases.all = [
        each._replace(objective=Breaking(each.objective, {5, 6} if k == phase else ()))
        for k, each in enumerate(fit._phases.all)
    ]
    losses = [step.loss for step in fit.steps()]
    assert len(losses) == 40
    assert all(math.isfinite(loss) for loss in losses)
    assert fit.remarks == [
        "2 of 40 steps of the fit were left out, since their gradient was far beyond the usual "
        "one: the path is at the edge of chaos"
    ]
    weights = fit.best_model().weights().values()
    assert all(torch.isfinite(torch.as_tensor(weight)).all() for weight in weights)


def test_a_fit_that_is_gone_on_with_knows_what_was_usual_and_left_out():
    whole, half = (small_fit(40) for _ in range(2))
    first = half._phases.all[0]
    half._phases.all[0] = first._replace(objective=Breaking(first.objective, {3}))
    steps = half.steps()
    for _ in range(8):
        next(steps)
    numbers = half.numbers()
    assert numbers["steepness"]["left_out"] == 1
    assert numbers["steepness"]["usual"] > 0
    whole.restore(half.arrays(), numbers)
    assert whole.numbers()["steepness"] == numbers["steepness"]
    assert whole.remarks == half.remarks

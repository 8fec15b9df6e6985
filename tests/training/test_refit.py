"""A training once more on both parts, for as long as validation said."""

from __future__ import annotations

import pytest
import torch
from test_train import generator, layers_of

from training.foresee import best_readout, fit_readout
from training.refit import Refit
from training.tasks import Task, make_task
from training.train import Trainer, TrainSettings, train_layers
from training.trainer_state import arrays_of, numbers_of, restore

SETTINGS = TrainSettings(iterations=40, validate_every=10)


@pytest.fixture(scope="module")
def task() -> Task:
    return make_task("mackey-glass:train=900,validation=200,test=200,washout=40")


@pytest.fixture(scope="module")
def first(task: Task) -> Trainer:
    trainer = Trainer(task, layers_of(), SETTINGS)
    trainer.begin()
    for _ in train_layers(trainer):
        pass
    trainer.best_iteration = 20  # as if it had been best half-way
    return trainer


def follower(task: Task, first: Trainer) -> Refit:
    again = Refit(task, layers_of(), SETTINGS)
    again.follow(first)
    return again


def test_it_learns_from_both_parts_for_as_long_as_was_best(task: Task, first: Trainer) -> None:
    again = follower(task, first)
    both = task.train | task.validation
    assert torch.equal(again.learned, torch.as_tensor(task.answers(both)))
    assert again.end == both.nonzero()[0][-1] + 1 > first.end
    begun = [one.detach().clone() for one in again.parameters]
    for one, other in zip(begun, layers_of().parameters(), strict=True):
        torch.testing.assert_close(one, other.detach(), rtol=0, atol=0)
    states = list(train_layers(again, every_s=0.0))
    assert [state.iteration for state in states] == list(range(1, 21))
    assert {state.validation for state in states} == {None}
    for now, kept in zip(again.parameters, first.best, strict=True):
        assert not torch.equal(now.detach(), kept)


def test_read_outs_are_chosen_by_layers_to_which_the_validation_part_is_new(
    task: Task, first: Trainer
) -> None:
    again = follower(task, first)
    for _ in train_layers(again):
        pass
    chosen = again.chosen_layers()
    for now, kept in zip([*chosen.weights, *chosen.biases], first.best, strict=True):
        assert torch.equal(now.detach(), kept)
    assert torch.equal(chosen.mean, first.layers.mean)
    assert torch.equal(chosen.scale, first.layers.scale)


def test_a_read_out_chosen_through_some_layers_is_fitted_through_others(task: Task) -> None:
    some, others = layers_of(seed=1), layers_of(seed=2)
    for layers in (some, others):
        layers.standardise(torch.as_tensor(task.inputs[:900]).float(), 2, generator())
    for ridges in ([1e-3], [1e-3, 1e3]):
        found = best_readout(some, task, ridges, generator(1), final=others)
        own = fit_readout(others, task, [1e-3], generator(1), whole=True)[0]
        assert found.ridge == 1e-3
        assert found.weights.shape == own.weights.shape
        torch.testing.assert_close(found.weights, own.weights, rtol=0.5, atol=0.05)


def test_a_resumed_one_is_the_one_that_was_never_stopped(task: Task, first: Trainer) -> None:
    whole, stopped = follower(task, first), follower(task, first)
    for _ in train_layers(whole):
        pass
    for _ in range(7):
        stopped.step()
    resumed = Refit(task, layers_of(seed=9), SETTINGS)
    restore(resumed, arrays_of(stopped), numbers_of(stopped))
    for _ in train_layers(resumed):
        pass
    for one, other in zip(whole.parameters, resumed.parameters, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)
    assert resumed.best_validation == first.best_validation

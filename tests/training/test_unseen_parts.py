"""What may not be looked at: the test part by anything, the validation part by what it judges."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
import torch
from test_train import generator, layers_of, twin_model

from models.score import nmse
from training import foresee as foreseeing
from training.baselines.linear import chosen_on_validation, ridge_scores
from training.design import Design
from training.fitted import gathered
from training.foresee import (
    DRAWS,
    RIDGES,
    Readout,
    best_readout,
    device_spread,
    fit_readout,
    foresee,
    simulated_passes,
    untrained_layers,
)
from training.layers import NodeLayers
from training.stretch import Stretch
from training.tasks import Task
from training.train import Trainer, TrainSettings, train_layers

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.latent import TwinModel

INDEX = np.arange(800)
PARTS = {  # as a user's file may have them: validation first, and steps that are run and not used
    "validation": (INDEX >= 40) & (INDEX < 140),
    "train": (INDEX >= 160) & (INDEX < 600),
    "test": INDEX >= 640,
}


def given(**changes: Any) -> Task:
    """A test part behind all others; each target is the input of the step before."""
    values = np.random.default_rng(0).uniform(0, 1, (800, 1))
    return Task("given", values, np.roll(values, 1, axis=0), washout=40, **{**PARTS, **changes})


def with_inputs(task: Task) -> Task:
    """The same task with other inputs in its test part."""
    return replace(task, inputs=np.where(task.test[:, None], 7.0 - 9 * task.inputs, task.inputs))


def with_targets(task: Task, part: np.ndarray) -> Task:
    """The same task with other targets in a part."""
    return replace(task, targets=np.where(part[:, None], 5.0 - 9 * task.targets, task.targets))


def small(task: Task) -> NodeLayers:
    layers = NodeLayers(
        [[twin_model()]], [(0.05, 0.95)], Design.of((3,), 2, task), 1, generator()
    )  # fmt: skip
    layers.standardise(torch.as_tensor(task.inputs[task.train]).float(), 2, generator())
    return layers


def trained(task: Task) -> list[Any]:
    """All that a training has found, its read-out included."""
    trainer = Trainer(task, small(task), TrainSettings(iterations=6, validate_every=3))
    trainer.begin()
    for _ in train_layers(trainer):
        pass
    layers, readout = trainer.layers, best_readout(trainer.layers, task, RIDGES, generator(1))
    return [trainer.readout, trainer.training, trainer.best_validation, *found_of(layers, readout)]


def untrained(task: Task) -> list[Any]:
    """All that is found for a network of initial weights."""
    layers, gain = untrained_layers(
        [[twin_model()]], [(0.05, 0.95)], Design.of((2,), 2, task), task, 0
    )
    readout = best_readout(layers, task, RIDGES, generator(1))
    return [gain, *found_of(layers, readout)]


def found_of(layers: NodeLayers, readout: Readout) -> list[Any]:
    """Weights, biases and scales of layers, and the read-out with its score of validation."""
    learned = [one.detach() for one in (*layers.weights, *layers.biases)]
    chosen = [readout.weights, readout.bias, readout.ridge, readout.validation]
    return [*learned, layers.mean, layers.scale, *chosen]


@pytest.mark.parametrize("made", [trained, untrained])
def test_other_inputs_and_targets_of_the_test_part_change_nothing_that_is_found(
    made: Callable[[Task], list[Any]],
) -> None:
    """Of a test part before others the inputs did: the penalty and the device's state had them."""
    task = given()
    known = made(task)
    for other in (with_inputs(task), with_targets(task, task.test)):
        for one, same in zip(known, made(other), strict=True):
            np.testing.assert_array_equal(one, same)
    moved = replace(task, inputs=np.where(task.train[:, None], task.inputs**2, task.inputs))
    assert not np.array_equal(made(moved)[-4], known[-4])


def test_what_is_judged_by_the_validation_part_was_not_fitted_to_it_and_the_end_is_to_both(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fitted: list[bool] = []

    def noted(*given: Any, whole: bool, few: bool) -> Any:
        fitted.append(whole)
        return gathered(*given, whole=whole, few=few)

    monkeypatch.setattr(foreseeing, "gathered", noted)
    task = given()
    best_readout(small(task), task, RIDGES, generator(1))
    best_readout(small(task), task, RIDGES[:1], generator(1))
    assert fitted == [False, True, True]


def test_a_baseline_is_fitted_to_nothing_that_judges_it() -> None:
    task, fits = given(), list[tuple[bool, bool, bool]]()

    def fit(rows: np.ndarray, knob: float) -> np.ndarray:
        parts = (task.train, task.validation, task.test)
        fits.append(tuple(bool((rows & part).any()) for part in parts))  # type: ignore[arg-type]
        return knob * task.targets

    every = np.ones(800, dtype=bool)
    validation, test = chosen_on_validation(task, fit, (0.2, 0.9, 0.5), every)
    assert fits == [(True, False, False)] * 3 + [(True, True, False)]
    held, unseen = (task.targets[part] for part in (task.validation, task.test))
    assert validation == pytest.approx(nmse(0.9 * held, held))
    assert test == pytest.approx(nmse(0.9 * unseen, unseen))
    columns = np.concatenate([task.inputs, np.roll(task.inputs, 2, axis=0)], axis=1)
    huge = np.where(task.test[:, None], 1e3 * columns, columns)  # what columns are scaled by
    assert ridge_scores(task, columns)[0] == ridge_scores(task, huge)[0]


def test_what_the_device_answers_while_it_forgets_its_reset_is_fitted_to_by_no_read_out() -> None:
    parts = {"train": INDEX < 400, "validation": (INDEX >= 400) & (INDEX < 500)}
    task = given(**parts, test=INDEX >= 600)
    other = with_targets(task, task.washout > INDEX)
    one, same = (
        fit_readout(small(task), each, RIDGES[:1], generator(1), whole=True)[0]
        for each in (task, other)
    )
    torch.testing.assert_close(one.weights, same.weights, rtol=0, atol=0)


@pytest.mark.parametrize(("metric", "rare"), [("balanced-error", 0.5), ("error-rate", 0.2)])
def test_classes_count_alike_under_a_read_out_where_the_error_is_balanced(
    metric: str, rare: float
) -> None:
    labels = (np.arange(160) % 5 == 0).astype(np.int64)
    part = np.repeat(np.repeat([0, 1, 2], [100, 20, 40]), 5)
    task = Task(
        "rare", given().inputs, np.eye(2)[labels], part == 0, part == 1, part == 2, 40, metric,
        window=5, pool="last", labels=labels, classes=("often", "rare"),
    )  # fmt: skip
    sums = gathered(small(task), task, generator(), whole=True, few=False).running.moments
    assert float(sums[0, -1] / sums[0, 0]) == pytest.approx(rare, abs=0.02)


@pytest.mark.parametrize(("scores", "gain"), [((3.0, 1.0, 2.0), 1.0), ((3.0, 2.0, 1.0), 2.0)])
def test_an_untrained_network_has_the_gain_that_validation_prefers(
    monkeypatch: pytest.MonkeyPatch, scores: tuple[float, ...], gain: float
) -> None:
    told = iter(scores)
    monkeypatch.setattr(foreseeing, "validation_scores", lambda *_: [9.0, next(told)])
    task = given()
    layers, found = untrained_layers(
        [[twin_model()]], [(0.05, 0.95)], Design.of((2,), 2, task), task, 0
    )
    plain = NodeLayers(
        [[twin_model()]], [(0.05, 0.95)], Design.of((2,), 2, task), 1, generator(), gain
    )  # fmt: skip
    assert found == gain
    torch.testing.assert_close(layers.weights[0], plain.weights[0])


def test_what_is_foreseen_is_that_of_each_deployment_by_itself() -> None:
    """As they will run: washout and test part from the reset, each with noise of its own."""
    task = given(test=INDEX >= 700, train=INDEX < 400, validation=(INDEX >= 420) & (INDEX < 600))
    layers = layers_of((2,))
    layers.standardise(torch.as_tensor(task.inputs).float(), 2, generator())
    readout = best_readout(layers, task, [1e-4], generator(1))
    seen = foresee(layers, readout, task, 3)
    passed = list(simulated_passes(layers, task, slice(660, 800), DRAWS, generator(3)))
    answers = torch.cat([readout.answers(one.columns) for one in passed]).numpy()[40:]
    target = task.targets[700:]
    scores = [nmse(answers[:, k], target) for k in range(DRAWS)]
    np.testing.assert_allclose(seen.scores, scores)
    assert seen.predicted["value"] == pytest.approx(np.median(scores))
    np.testing.assert_allclose(seen.outputs, [np.median(scores)])
    np.testing.assert_allclose(seen.forecast_mean, answers.mean(axis=1))
    responses = torch.cat([one.responses[0] for one in passed]).double().numpy()
    offset, scale = (part.double().numpy() for part in layers.units[0])
    each = (offset + scale * responses).transpose(1, 2, 0, 3)  # passes, nodes, steps, channels
    np.testing.assert_allclose(seen.node_mean, each.mean(axis=0), rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(seen.node_std, each.std(axis=0), rtol=1e-5, atol=1e-12)


def test_the_spread_of_a_device_is_that_of_its_repeats_over_its_signal() -> None:
    """Echo-state networks stand beside a network with this much noise."""

    def simulate(drive: np.ndarray, repeats: int, seed: int = 0) -> np.ndarray:
        shape = (len(drive), repeats, drive.shape[1], 2)
        noise = np.random.default_rng(seed).standard_normal(shape)
        signal = np.sqrt(12) * (drive % 0.1 * 10 - 0.5)  # about uniform: of spread one
        return np.array([3.0, 5e-6]) * (signal[:, None, :, None] + np.array([0.1, 0.3]) * noise)

    found = device_spread(cast("TwinModel", SimpleNamespace(simulate=simulate)))
    assert found == pytest.approx(0.2, rel=0.05)


def test_a_stretch_that_is_run_on_the_device_holds_no_test_step() -> None:
    task = given()
    assert not Stretch.last(task, 300).test[task.test].any()

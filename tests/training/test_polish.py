"""Polishing of classes: a read-out is fitted as it was when the network was trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from test_train import twin_model

from models.errors import InputError
from training.design import Design
from training.foresee import Readout
from training.layers import NodeLayers
from training.polish import Polisher
from training.polish_settings import PolishSettings
from training.tasks import Task

if TYPE_CHECKING:
    from models.latent import TwinModel


def rare(metric: str) -> Task:
    """Windows of two classes, one of them four times as frequent."""
    rng = np.random.default_rng(0)
    labels = (np.arange(300) % 5 == 0).astype(np.int64)
    windows = rng.uniform(0, 0.5, (300, 10)) + 0.5 * labels[:, None] * rng.uniform(0, 1, (300, 10))
    step = np.repeat(np.repeat([0, 1, 2, 3], [200, 40, 10, 50]), 10)
    return Task(
        "rare", windows.reshape(-1, 1), np.eye(2)[labels], step == 0, step == 1, step == 3, 100,
        metric, window=10, pool="mean", labels=labels, classes=("often", "rare"),
    )  # fmt: skip


def series(parts: list[int], steps: list[int]) -> Task:
    """A series whose part changes after so many steps."""
    part = np.repeat(parts, steps)
    inputs = np.random.default_rng(0).normal(size=(len(part), 1))
    return Task(
        "series", inputs, np.cumsum(inputs, axis=0), part == 1, part == 2, part == 3, 20
    )  # fmt: skip


def test_a_network_of_three_twins_is_judged_by_the_device_alone() -> None:
    task = series([1, 0, 2, 3], [300, 20, 60, 60])

    def polished(members: int) -> list[float]:
        layers = NodeLayers(
            [[twin_model()] * 2] * members, [(0.05, 0.95)] * 2, Design.of((3, 2), 2, task), 1,
            torch.Generator().manual_seed(0),
        )  # fmt: skip
        readout = Readout(torch.zeros(layers.design.columns(1, 2), 1), torch.zeros(1), 0.1)
        polisher = Polisher(layers, readout, task, PolishSettings(passes=3, steps=60))
        polisher.begin()
        return [score_of(polisher, index) for index in range(3)]

    one, three = polished(1), polished(3)
    assert one[0] == pytest.approx(three[0], rel=1e-5)
    assert np.isfinite(three).all()


def test_the_gradient_of_an_ensemble_is_the_mean_of_its_members() -> None:
    """Of the first member alone it would have that twin's own faults."""
    task = series([1, 0, 2, 3], [300, 20, 60, 60])
    first, second = twin_model(deterministic=True), twin_model(deterministic=True)
    with torch.no_grad():
        for weights in second.parameters():
            weights.mul_(1.3)

    def gradients(*twins: TwinModel) -> list[torch.Tensor]:
        layers = NodeLayers(
            [[twin] * 2 for twin in twins], [(0.05, 0.95)] * 2, Design.of((3, 2), 2, task), 1,
            torch.Generator().manual_seed(0),
        )  # fmt: skip
        columns = layers.design.columns(1, 2)
        weights = torch.randn(columns, 1, generator=torch.Generator().manual_seed(1))
        settings = PolishSettings(passes=3, steps=60, clip=1e9)
        polisher = Polisher(layers, Readout(weights, torch.zeros(1), 0.1), task, settings)
        polisher.begin()
        for index in range(2):
            score_of(polisher, index)
        return [weights.grad.clone() for weights in polisher.parameters if weights.grad is not None]

    one, other, both = gradients(first), gradients(second), gradients(first, second)
    assert len(both) == 4
    for a, b, found in zip(one, other, both, strict=True):
        assert not torch.allclose(a, b, rtol=0.02)
        torch.testing.assert_close(found, (a + b) / 2, rtol=1e-3, atol=1e-5)


def score_of(polisher: Polisher, index: int) -> float:
    """That of a pass whose nodes all answer nothing."""
    running = polisher.run(index)
    drives = next(running)
    try:
        while True:
            drives = running.send(np.zeros((*drives.shape, 2)))
    except StopIteration as end:
        return float(end.value)


def pieces(task: Task) -> list[slice]:
    """Of 40 training passes of 40 masked and 60 counted steps."""
    layers = NodeLayers(
        [[twin_model()]], [(0.05, 0.95)], Design.of((3,), 2, task), 1,
        torch.Generator().manual_seed(0),
    )  # fmt: skip
    readout = Readout(torch.zeros(layers.design.columns(1, 1), 1), torch.zeros(1), 0.1)
    settings = PolishSettings(passes=48, steps=60)
    polisher = Polisher(layers, readout, task, settings)
    return [polisher.stretch(k) for k in range(48) if settings.kind(k) == "training"]


@pytest.mark.parametrize("passes", range(3, 24))
def test_no_two_passes_in_a_row_validate_the_same_weights(passes: int) -> None:
    """Of 9 passes two did: a run of every node for nothing but the better of two scores."""
    kinds = "".join(PolishSettings(passes=passes).kind(k)[0] for k in range(passes))
    assert kinds[0] == kinds[-1] == "v"
    assert "vv" not in kinds


def test_no_piece_holds_a_test_step() -> None:
    task = series([0, 2, 1, 3], [20, 100, 300, 300])
    assert not any(task.test[piece].any() for piece in pieces(task))


def test_every_piece_has_training_steps_that_count_where_others_come_first() -> None:
    """Else its error is that of no steps at all: not a number, in the middle of a run."""
    task = series([2, 0, 1, 3], [400, 100, 200, 100])
    assert all(task.train[piece][40:].any() for piece in pieces(task))


def test_a_training_part_too_short_for_a_piece_is_refused() -> None:
    task = series([1, 2, 3], [30, 100, 100])
    with pytest.raises(InputError, match="no stretch of 30 steps before holds"):
        pieces(task)


def shares(task: Task) -> tuple[torch.Tensor, torch.Tensor]:
    """What each class counts in the sums under the read-out: at first, and of a training pass."""
    layers = NodeLayers(
        [[twin_model()]], [(0.05, 0.95)], Design.of((3,), 2, task), 1,
        torch.Generator().manual_seed(0),
    )  # fmt: skip
    layers.standardise(torch.as_tensor(task.inputs[:2000]).float(), 2, torch.Generator())
    columns = layers.design.columns(1, 1)
    readout = Readout(torch.zeros(columns, 2), torch.zeros(2), 0.1)
    polisher = Polisher(layers, readout, task, PolishSettings(passes=4, steps=1900))
    polisher.begin()
    found = [polisher.running.moments[0, -2:] / polisher.running.moments[0, 0]]
    score_of(polisher, 1)
    found.append(polisher.running.moments[0, -2:] / polisher.running.moments[0, 0])
    return found[0], found[1]


def test_every_class_counts_alike_where_the_error_is_balanced() -> None:
    """Else the frequent one, as the rest between gestures, would draw the answers to itself."""
    for found in shares(rare("balanced-error")):
        torch.testing.assert_close(found, torch.tensor([0.5, 0.5]).double(), atol=0.03, rtol=0)
    for found in shares(rare("error-rate")):
        torch.testing.assert_close(found, torch.tensor([0.8, 0.2]).double(), atol=0.03, rtol=0)


def test_a_polishing_that_goes_on_is_the_one_that_was_never_stopped() -> None:
    """Of two outputs the read-out came back in another layout, and products rounded by it."""
    task = rare("error-rate")

    def begun() -> Polisher:
        layers = NodeLayers(
            [[twin_model()] * 2], [(0.05, 0.95)] * 2, Design.of((5, 4), 2, task), 1,
            torch.Generator().manual_seed(0),
        )  # fmt: skip
        columns = layers.design.columns(1, 2)
        readout = Readout(torch.zeros(columns, 2), torch.zeros(2), 0.1)
        return Polisher(layers, readout, task, PolishSettings(passes=12))

    whole, stopped, resumed = begun(), begun(), begun()
    for polisher in (whole, stopped):
        polisher.begin()
    scores = [score_of(whole, index) for index in range(12)]
    for index in range(5):
        score_of(stopped, index)
    resumed.restore(stopped.arrays(), stopped.numbers())
    assert [score_of(resumed, index) for index in range(5, 12)] == scores[5:]
    for one, other in zip(whole.parameters, resumed.parameters, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)

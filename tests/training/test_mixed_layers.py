"""Layers of different devices: other channels, units, ranges; trained and foreseen as one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from test_train import generator
from test_wired_layers import computes_the_same

from models.errors import InputError
from models.latent import TwinModel
from models.network import Device, TwinReference
from models.sequence import DriveWindow, Reset
from training.compile import compile_network
from training.course import TrainSettings
from training.design import Design
from training.foresee import best_readout, foresee
from training.layers import NodeLayers
from training.origin import design_of, take_over
from training.stretch import layers_of, on_task, readout_of
from training.tasks import Task, make_task
from training.train import Trainer, train_layers

RINGS = Device(("X", "Y"), ("V", "V"), DriveWindow("amplitude", 0.0022, 0.0034), Reset(0.004))
ICE = Device(("a", "b", "c"), ("dB",) * 3, DriveWindow("loop", 0.018, 0.0235, 0.05), Reset(0.032))
RANGES = [(0.1, 0.9), (0.2, 0.7), (0.1, 0.9)]
TASK = "mackey-glass:train=400,validation=100,test=100,washout=40"


def model_of(channels: int, seed: int) -> TwinModel:
    """A twin that nobody fitted, in units of its own."""
    torch.manual_seed(seed)
    model = TwinModel(channels, latent=3, hidden=12)
    with torch.no_grad():
        model.offset.copy_(torch.linspace(-1e-6, 2e-6, channels))
        model.scale.copy_(torch.linspace(1e-6, 3e-6, channels) * 10.0**seed)
    return model


@pytest.fixture(scope="module")
def task() -> Task:
    return make_task(TASK)


@pytest.fixture(scope="module")
def members() -> list[list[TwinModel]]:
    rings, ice = model_of(2, 0), model_of(3, 3)
    return [[rings, ice, rings]]


def built(task: Task, members: list[list[TwinModel]]) -> NodeLayers:
    """Four nanorings and two of ice beside them, then three nanorings that see both."""
    design = Design.of(
        (4, 2, 3), (2, 3, 2), task, parallel=(1,), readout_taps=(0, 2),
        use=[(0, 1), (0, 2), (1,)],
    )  # fmt: skip
    layers = NodeLayers(members, RANGES, design, 1, generator())
    layers.standardise(torch.as_tensor(task.inputs[task.train]).float(), 4, generator())
    return layers


def test_what_is_trained_is_what_the_devices_compute_and_what_the_twins_foresee(
    task: Task, members: list[list[TwinModel]]
) -> None:
    layers = built(task, members)
    readout = best_readout(layers, task, [1e-4], generator(1))
    seen = foresee(layers, readout, task, 2)
    reference = [TwinReference("t", "t", "0")]
    network = compile_network(layers, readout, seen, task, [RINGS, ICE, RINGS], reference)
    assert network.devices == (RINGS, ICE)
    assert [layer.device for layer in network.layers] == [0, 1, 0]
    assert network.node_mean.shape == (9, 140, 3)
    assert np.all(network.node_std[:4, :, 2] == 0)
    mean, std = network.foreseen(1)
    assert (mean.shape, std.min() > 0) == ((2, 140, 3), True)
    assert 1e-5 < np.abs(mean).max() < 1e-1  # in the ice's units, not in the rings'
    computes_the_same(network, readout, layers, task)
    again = on_task(network, layers_of(network, task, members), readout_of(network), task, 2)
    assert again.devices == network.devices
    assert again.predicted["value"] == pytest.approx(network.predicted["value"], rel=1e-3)


def test_weights_of_every_device_learn_and_a_network_goes_on_from_its_file(
    task: Task, members: list[list[TwinModel]]
) -> None:
    layers = built(task, members)
    before = [weights.detach().clone() for weights in layers.weights]
    trainer = Trainer(task, layers, TrainSettings(iterations=12, cascade=True, validate_every=6))
    trainer.begin()
    for _ in train_layers(trainer):
        pass
    moved = [
        float((a - b.detach()).abs().max()) for a, b in zip(before, layers.weights, strict=True)
    ]
    assert min(moved) > 1e-3
    readout = best_readout(layers, task, [1e-4], generator(1))
    seen = foresee(layers, readout, task, 2)
    reference = [TwinReference("t", "t", "0")]
    network = compile_network(layers, readout, seen, task, [RINGS, ICE, RINGS], reference)
    other = NodeLayers(members, RANGES, design_of(network, task), 1, generator(5))
    take_over(other, network)
    torch.testing.assert_close(other.mean, layers.mean, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(other.scale, layers.scale, rtol=1e-5, atol=1e-8)
    with pytest.raises(InputError, match="inputs 1 of the network, 2 of the task"):
        design_of(network, _of_two_inputs(task))


def _of_two_inputs(task: Task) -> Task:
    return replace(task, inputs=np.repeat(task.inputs, 2, axis=1))

"""Wiring, delays, windows, ensembles and supplies: what is trained is what is deployed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from test_train import generator, twin_model

from models.errors import InputError
from models.network import Device, TwinReference
from models.sequence import DriveWindow, Reset
from models.supply import Supply
from models.twin import Twin
from models.wiring import Source
from training.compile import compile_network
from training.course import TrainSettings
from training.design import Design, used_channels
from training.fitted import gathered, judging, of_device
from training.foresee import best_readout, foresee
from training.layers import NodeLayers
from training.origin import design_of, take_over
from training.tasks import Task, make_task
from training.train import Trainer, train_layers
from training.trainer_state import arrays_of, numbers_of, restore

if TYPE_CHECKING:
    from models.latent import TwinModel
    from models.network import Network
    from training.foresee import Readout

WIRED: dict[str, Any] = {
    "wiring": "2:in@3,1@1 3:1,2@5", "readout_taps": (0, 2), "use": [(0,), (0, 1), (1,)],
    "sparsity": 0.5, "supply": Supply(0.01, 0.4),
}  # fmt: skip


def windowed(pool: str = "all", window: int = 8, seed: int = 0) -> Task:
    """Windows of a slow or a fast oscillation: which of the two is it?"""
    rng, count = np.random.default_rng(seed), 120
    labels = rng.integers(0, 2, count)
    labels[:4] = labels[-4:] = [0, 1, 0, 1]
    phase = rng.uniform(0, 2 * np.pi, (count, 1))
    speed = np.where(labels, 2.0, 0.5)[:, None]
    inputs = 0.5 + 0.5 * np.sin(phase + speed * np.arange(window)) + 0.05 * rng.normal(
        size=(count, window)
    )  # fmt: skip
    part = np.repeat(np.searchsorted([70, 90, 95], np.arange(count), side="right"), window)
    return Task(
        "speeds", inputs.reshape(-1, 1), np.eye(2)[labels], part == 0, part == 1, part == 3,
        washout=5 * window, metric="error-rate", window=window, pool=pool, labels=labels,
        classes=("slow", "fast"),
    )  # fmt: skip


def built(task: Task, members: list[TwinModel] | None = None, **words: Any) -> NodeLayers:
    models = members or [twin_model()]
    design = Design.of((4, 3, 3), 2, task, **words)
    return NodeLayers(
        [[model] * 3 for model in models], [(0.1, 0.9)] * 3, design, task.inputs.shape[1],
        generator(),
    )  # fmt: skip


def other_fit() -> TwinModel:
    """Another fit of the same device: other normalised units, a bias of its own."""
    model = twin_model()
    with torch.no_grad():
        model.offset.add_(2e-6)
        model.scale.mul_(0.5)
        model.decoder.mul_(2.0)
        model.decoder_bias.mul_(2.0).sub_(2e-6 / model.scale).add_(0.8)
        model.white_factor.mul_(2.0)
    return model


def compiled(layers: NodeLayers, task: Task) -> tuple[Network, Readout]:
    readout = best_readout(layers, task, [1e-4], generator(1))
    twin = Twin(
        twin_model().weights(), ("X", "Y"), ("V", "V"), 4, 16, False,
        DriveWindow("amplitude", 0.0022, 0.0034), Reset(0.004),
    )  # fmt: skip
    seen = foresee(layers, readout, task, 2)
    devices, reference = [Device.of(twin)] * layers.depth, TwinReference("t", "t", "0")
    return compile_network(layers, readout, seen, task, devices, [reference]), readout


@pytest.mark.parametrize("pool", ["step", "last", "mean", "late", "all"])
def test_the_device_computes_what_was_trained_with_every_pool_and_across_chunks(pool: str) -> None:
    task = (
        make_task("mackey-glass:train=400,validation=100,test=100,washout=40")
        if pool == "step"
        else windowed(pool)
    )
    layers = built(task, **WIRED)
    layers.standardise(torch.as_tensor(task.inputs[task.train]).float(), 4, generator())
    network, readout = compiled(layers, task)
    computes_the_same(network, readout, layers, task)


def computes_the_same(network: Network, readout: Readout, layers: NodeLayers, task: Task) -> None:
    """Assert that a network says of one noisy pass what the layers do."""
    inputs = torch.as_tensor(task.inputs[task.run]).float()
    chunks = list(layers.walk(inputs, 1, generator(3)))
    assert len(chunks) > 1
    units = [(o.double().numpy(), s.double().numpy()) for o, s in layers.units]
    responses = []
    for k, (offset, scale) in enumerate(units):
        drives = torch.cat([c.drives[k] for c in chunks])[:, 0].numpy()
        np.testing.assert_allclose(network.drive(k, responses), drives, atol=0.0101)
        # but for a value that rounds to the neighbouring step the two agree
        assert np.mean(np.abs(network.drive(k, responses) - drives) > 1e-4) < 0.02
        normal = torch.cat([c.responses[k] for c in chunks])[:, 0].double().numpy()
        responses.append(offset + scale * normal)
    expected = readout.answers(torch.cat([c.columns for c in chunks])[:, 0]).numpy()
    np.testing.assert_allclose(
        network.answer(responses), expected[task.washout // task.window :], atol=2e-3
    )
    assert network.score(network.answer(responses)) >= 0


def test_delays_carry_over_the_borders_of_chunks() -> None:
    task = make_task("mackey-glass:train=400,validation=100,test=100,washout=40")
    layers = built(task, members=[twin_model(deterministic=True)], **WIRED)
    layers.standardise(torch.as_tensor(task.inputs[:300]).float(), 1, generator())
    inputs = torch.as_tensor(task.inputs[:192]).float()
    one = layers.forward(inputs.unsqueeze(1), layers.start(1, generator()), generator())
    parts = torch.cat([p.columns for p in layers.walk(inputs, 1, generator())])
    torch.testing.assert_close(one.columns, parts, atol=1e-4, rtol=1e-4)


def test_what_a_slow_supply_plays_carries_over_the_borders_of_chunks() -> None:
    task = make_task("mackey-glass:train=400,validation=100,test=100,washout=40")
    members = [twin_model(deterministic=True)]
    layers = built(task, members=members, supply=Supply(0.02, 0.015))
    layers.standardise(torch.as_tensor(task.inputs[:300]).float(), 1, generator())
    inputs = torch.as_tensor(task.inputs[:192]).float()
    one = layers.forward(inputs.unsqueeze(1), layers.start(1, generator()), generator())
    parts = torch.cat([p.drives[0] for p in layers.walk(inputs, 1, generator())])
    torch.testing.assert_close(one.drives[0], parts, atol=1e-4, rtol=0)


def test_a_resumed_training_is_the_one_that_was_never_stopped_also_in_a_cascade() -> None:
    task = windowed()
    settings = TrainSettings(iterations=30, cascade=True, validate_every=5)
    members = [twin_model(), other_fit()]

    def begun() -> Trainer:
        return Trainer(task, built(task, members=members, **WIRED), settings)

    whole, first, second = begun(), begun(), begun()
    whole.begin()
    for _ in train_layers(whole):
        pass
    first.begin()
    for state in train_layers(first, every_s=0.0):
        if state.iteration == 7:
            break
    assert first.stage.depth == 2
    restore(second, arrays_of(first), numbers_of(first))
    for _ in train_layers(second):
        pass
    for one, other in zip(whole.parameters, second.parameters, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_a_cascade_trains_layer_by_layer_and_then_all() -> None:
    task = windowed()
    trainer = Trainer(task, built(task), TrainSettings(iterations=36, cascade=True))
    assert [(s.begin, s.end, s.depth) for s in trainer.stages] == [
        (0, 6, 1), (6, 12, 2), (12, 18, 3), (18, 36, 3),
    ]  # fmt: skip
    trainer.begin()
    at_first = [w.detach().clone() for w in trainer.layers.weights]
    for _ in range(6):
        trainer.step()
    moved = [not torch.equal(a, b) for a, b in zip(at_first, trainer.layers.weights, strict=True)]
    assert moved == [True, False, False]
    trainer.best_validation = float("inf")
    trainer.validate()
    trainer.next_stage()
    for _ in range(6):
        trainer.step()
    assert torch.equal(at_first[2], trainer.layers.weights[2])
    assert not torch.equal(at_first[1], trainer.layers.weights[1])


def test_windows_are_classified_better_after_training() -> None:
    task = windowed("mean")
    trainer = Trainer(task, built(task), TrainSettings(iterations=60, validate_every=20))
    trainer.begin()
    for _ in train_layers(trainer):
        pass
    network, _ = compiled(trainer.layers, task)
    assert network.predicted["value"] < 0.3
    assert network.classes == ("slow", "fast")
    assert network.targets.shape == (30, 2)
    assert network.forecast_mean.shape == (25, 2)


def test_windows_are_moved_as_a_whole_while_layers_are_trained_and_only_then() -> None:
    task = replace(windowed("mean"), shift=0.3)
    trainer = Trainer(task, built(task), TrainSettings(iterations=1))
    still = torch.zeros(2 * task.window, 400, 1)
    moved = trainer._shifted(still).reshape(2, task.window, 400)
    assert torch.equal(moved.amin(dim=1), moved.amax(dim=1))  # each window by one number
    assert float(moved[:, 0].std()) == pytest.approx(0.3, rel=0.1)
    assert float((moved[0, 0] * moved[1, 0]).mean()) == pytest.approx(0.0, abs=0.02)
    plain = Trainer(windowed("mean"), built(task), TrainSettings(iterations=1))
    assert torch.equal(plain._shifted(still), still)
    begun = []
    for which in (task, windowed("mean")):
        fresh = Trainer(which, built(which), TrainSettings(iterations=1))
        fresh.begin()
        begun.append((fresh.layers.scale, fresh.readout))
    for one, other in zip(*begun, strict=True):
        torch.testing.assert_close(one, other)
    with pytest.raises(InputError, match="shift -1 must be 0 or more"):
        replace(task, shift=-1.0)


def test_layers_stay_as_they_began_where_nothing_that_they_learn_carries_over() -> None:
    task = windowed("mean")
    trainer = Trainer(task, built(task), TrainSettings(iterations=40, validate_every=20))
    before = [weights.detach().clone() for weights in trainer.layers.weights]
    trainer.begin()
    assert 0 <= trainer.best_validation < 1  # the weights that it begins with are scored, too
    trainer.best_validation = -1.0  # nothing will be better
    for _ in train_layers(trainer):
        pass
    assert trainer.best_iteration == 0
    assert all(map(torch.equal, before, trainer.layers.weights))


def test_a_snapshot_is_judged_by_the_read_out_that_can_be_chosen_for_it() -> None:
    """Not worse than by the one that the gradient came through, which is among the candidates."""
    task = windowed("mean")
    trainer = Trainer(task, built(task), TrainSettings(iterations=1, ridge=1e-3))
    trainer.begin()
    layers, running = trainer.layers, trainer.running
    found = judging(running, layers, layers.depth, 1e-3)
    torch.testing.assert_close(found[0], (trainer.readout, trainer.bias))
    device = of_device(layers).bool()
    sizes = [float(weights[device].abs().sum()) for weights, _ in found[:4]]
    assert sizes == sorted(sizes, reverse=True)  # stricter and stricter with the device's columns
    assert judging(running, layers, layers.depth, 1e-1)[0][0].shape == trainer.readout.shape


def test_masked_weights_stay_zero_and_every_node_keeps_some() -> None:
    task = windowed()
    trainer = Trainer(task, built(task, **WIRED), TrainSettings(iterations=20))
    trainer.begin()
    masks = [trainer.layers.weight(k) != 0 for k in range(3)]
    assert all((mask.sum(dim=1) >= 1).all() for mask in masks)
    assert 0.4 < masks[2].float().mean() < 0.6
    for _ in train_layers(trainer):
        pass
    for k, mask in enumerate(masks):
        assert torch.equal(trainer.layers.weight(k) != 0, mask)


def test_no_better_score_for_too_long_ends_a_training_early() -> None:
    task = windowed()
    settings = TrainSettings(iterations=500, patience=10, validate_every=5, rate=1e-12)
    trainer = Trainer(task, built(task), settings)
    trainer.begin()
    trainer.best_validation = -1.0  # never reached
    states = list(train_layers(trainer))
    assert trainer.iteration == 10
    assert states[-1].iteration == 10


def test_a_patience_shorter_than_between_two_scores_waits_for_the_next_one() -> None:
    """It had ended before the first score, with weights that nobody had judged."""
    task = windowed()
    settings = TrainSettings(iterations=500, patience=3, validate_every=5, rate=1e-12)
    trainer = Trainer(task, built(task), settings)
    trainer.begin()
    trainer.best_validation = float("inf")
    list(train_layers(trainer))
    assert trainer.iteration % 5 == 0
    assert 0 <= trainer.best_validation < float("inf")


def test_weight_decay_pulls_the_weights_but_not_the_biases() -> None:
    task, found = windowed(), []
    for decay in (0.0, 2.0):
        settings = TrainSettings(iterations=40, weight_decay=decay, warm_up=1)
        trainer = Trainer(task, built(task), settings)
        trainer.begin()
        for _ in range(40):
            trainer.step()
        found.append([float(p.detach().abs().mean()) for p in trainer.parameters])
    assert found[1][0] < 0.8 * found[0][0]
    assert found[1][3] == pytest.approx(found[0][3], rel=0.2)


def test_an_ensembles_interval_holds_the_bias_of_its_members() -> None:
    task = make_task("mackey-glass:train=500,validation=100,test=100,washout=40")
    single = built(task)
    single.standardise(torch.as_tensor(task.inputs[:400]).float(), 4, generator())
    both = single.through([[twin_model()] * 3, [other_fit()] * 3])
    readout = best_readout(single, task, [1e-6], generator(1))
    one, other = foresee(single, readout, task, 2), foresee(both, readout, task, 2)
    assert len(other.scores) == 64
    narrow = one.predicted["high"] - one.predicted["low"]
    assert other.predicted["high"] - other.predicted["low"] > 1.5 * narrow
    through_first = np.median(other.scores[::2])
    assert one.predicted["low"] < through_first < one.predicted["high"]


def test_each_column_of_a_batch_goes_through_one_member() -> None:
    task = windowed()
    quiet, far = (twin_model(deterministic=True) for _ in range(2))
    with torch.no_grad():
        far.decoder_bias.add_(100.0)
    layers = built(task, members=[quiet, far])
    passed = next(layers.walk(torch.zeros(64, 1), 5, generator()))
    means = passed.responses[0].mean(dim=(0, 2, 3))
    assert (means > 50).tolist() == [False, True, False, True, False]


@pytest.mark.parametrize(("members", "passes"), [(1, 4), (3, 6), (4, 4), (6, 6)])
def test_a_logistic_read_out_is_fitted_to_as_many_passes_of_every_member(
    members: int, passes: int
) -> None:
    """It was to the first four: of six members it knew nothing of two."""
    task, far = windowed("mean"), 100.0
    twins = [twin_model(deterministic=False) for _ in range(members)]
    with torch.no_grad():
        for number, twin in enumerate(twins):
            twin.decoder_bias.add_(far * number)
    fitted = gathered(built(task, members=twins), task, generator(), whole=False, few=True)
    levels = fitted.few[..., -1].mean(dim=0) / far
    assert levels.round().int().tolist() == [k % members for k in range(passes)]


def test_what_the_supply_can_not_play_has_a_gradient_and_a_penalty() -> None:
    task = windowed()
    layers = built(task, supply=Supply(0.05, 0.1))
    seen = torch.linspace(-3, 3, 40).repeat(2).reshape(-1, 1, 1)
    drive, excess, _ = layers.activation(0, seen)
    on_grid = drive / 0.05
    torch.testing.assert_close(on_grid, on_grid.round(), atol=1e-4, rtol=0)
    assert (drive[1:] - drive[:-1]).abs().max() <= 0.1 + 0.05 + 1e-6
    (drive.sum() + excess).backward()
    assert layers.weights[0].grad is not None
    assert layers.weights[0].grad.abs().sum() > 0
    free, without, _ = built(task).activation(0, seen)
    assert excess > without
    assert free.max() > drive[:3].max()


def test_a_network_that_goes_on_computes_what_it_did() -> None:
    task = windowed()
    layers = built(task, **WIRED)
    layers.standardise(torch.as_tensor(task.inputs[task.train]).float(), 4, generator())
    network, _ = compiled(layers, task)
    design = design_of(network, task)
    assert design.sources[1] == (Source(-1, 3), Source(0, 1))
    again = NodeLayers([[other_fit()] * 3], [(0.1, 0.9)] * 3, design, 1, generator(9))
    take_over(again, network)
    same, _ = compiled(again, task)
    for one, two in zip(network.layers, same.layers, strict=True):
        np.testing.assert_allclose(one.weights, two.weights, atol=1e-6)
    np.testing.assert_allclose(network.feature_mean, same.feature_mean, rtol=1e-4, atol=1e-9)
    np.testing.assert_allclose(network.feature_scale, same.feature_scale, rtol=1e-4)
    with pytest.raises(InputError, match=r"(?s)outputs 2 of the network, 1 of the task.*pool"):
        design_of(network, make_task("mackey-glass:train=400,validation=100,test=100"))


def test_channels_are_chosen_for_all_layers_or_for_one() -> None:
    both = [("X", "Y")] * 2
    assert used_channels([], both) == [(0, 1), (0, 1)]
    assert used_channels(["Y", "2:X,Y"], both) == [(1,), (0, 1)]
    with pytest.raises(
        InputError, match=r"(?s)'Z': there are X, Y, not Z.*there are layers 1 to 2"
    ):
        used_channels(["Z", "3:X"], both)
    with pytest.raises(InputError, match="there are layers 1 to 2"):
        used_channels(["²:X"], both)
    with pytest.raises(InputError, match="'X,': there are X, Y, not an empty name"):
        used_channels(["X,"], both)


def test_channels_are_chosen_of_the_layers_whose_twin_has_them() -> None:
    apart = [("X", "Y"), ("a", "b", "c"), ("X", "Y")]
    assert used_channels(["Y", "a,c", "3:X"], apart) == [(1,), (0, 2), (0,)]
    with pytest.raises(InputError, match="'2:X': there are a, b, c, not X"):
        used_channels(["2:X"], apart)
    with pytest.raises(InputError, match="'X,a': no layer has all of these channels"):
        used_channels(["X,a"], apart)


def test_so_many_channels_are_spread_evenly_over_those_that_are_there() -> None:
    spectrum = [f"S21[{k}]" for k in range(60)]
    mixed = [spectrum, ("X", "Y")]
    assert used_channels(["6"], mixed) == [(5, 15, 25, 35, 45, 55), (0, 1)]
    assert used_channels(["1:1", "2:1"], mixed) == [(30,), (1,)]
    assert used_channels(["60"], mixed)[0] == tuple(range(60))
    assert used_channels(["2"], [("1", "2")]) == [(1,)]  # a name, where there is one
    for wrong, most in (("61", 60), ("0", 60), ("2:3", 2)):
        with pytest.raises(InputError, match=rf"'{wrong}': of {most} channels .*take 1 to {most}"):
            used_channels([wrong], mixed)

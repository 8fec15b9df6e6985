from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from models.errors import InputError, TwinrigError
from models.latent import TwinModel
from models.network import Device, TwinReference
from models.sequence import DriveWindow, Reset
from models.twin import Twin
from training.compile import compile_network
from training.design import Design
from training.fitted import Fitted, of_device
from training.foresee import (
    DEVICES,
    RIDGES,
    best_readout,
    device_spread,
    fit_readout,
    foresee,
    simulated_passes,
    untrained_layers,
)
from training.layers import NodeLayers
from training.readout import RunningRidge
from training.streams import Streams
from training.tasks import Task, make_task
from training.train import Trainer, TrainSettings, train_layers
from training.trainer_state import arrays_of, numbers_of, restore

if TYPE_CHECKING:
    from collections.abc import Sequence


@pytest.fixture(scope="module")
def task() -> Task:
    return make_task("mackey-glass:train=900,validation=200,test=200,washout=40")


def twin_model(*, deterministic: bool = False) -> TwinModel:
    """A twin of a bent fading memory; its noise as a fitted one's, or none."""
    model = TwinModel(2, latent=4, hidden=16, deterministic=deterministic)
    model.load_state_dict(fading_weights())
    return model


def test_only_learned_steps_have_a_say_in_the_features_scale() -> None:
    """Steps of the validation part, or of none, may stand before them: they are run alone."""
    index = np.arange(800)
    values = np.random.default_rng(0).uniform(0, 1, (800, 1))
    parts = {
        "validation": (index >= 40) & (index < 140),
        "train": (index >= 160) & (index < 600),
        "test": index >= 640,
    }
    found = []
    for shift in (0.0, 1.0):
        inputs = values + shift * ~parts["train"][:, None]
        own = Task("own", inputs, np.roll(values, 1, axis=0), washout=40, **parts)
        design = Design.of((2,), 2, own)
        draw = torch.Generator().manual_seed(0)
        layers = NodeLayers([[twin_model()]], [(0.05, 0.95)], design, 1, draw)
        trainer = Trainer(own, layers, TrainSettings(iterations=1))
        trainer.begin()
        found.append((float(layers.mean[0]), float(layers.scale[0])))
    seen = values[parts["train"]]
    assert found[0] == pytest.approx(found[1])
    assert found[0] == pytest.approx((seen.mean(), seen.std()), rel=2e-3)


@functools.cache
def fading_weights() -> dict[str, torch.Tensor]:
    """Weights fitted to x ← x + 0.2 (u² − x), y ← y + 0.5 (u − y), with some noise added."""
    torch.manual_seed(0)
    model = TwinModel(2, latent=4, hidden=16, deterministic=True)
    optimiser = torch.optim.Adam(model.parameters(), 2e-2)
    for _ in range(150):
        drive, state, real = torch.rand(60, 24), torch.zeros(24, 2), []
        drive[20:] = (drive[20:].cumsum(0) * 0.7) % 1
        for u in drive:
            state = state + torch.tensor([0.2, 0.5]) * (torch.stack([u**2, u], -1) - state)
            real.append(4 * state - 2)
        path = model.path(model.initial(24), drive, torch.zeros(60, 24, model.latent))
        error = ((model.decode(path, drive) - torch.stack(real)) ** 2).mean()
        optimiser.zero_grad()
        error.backward()
        optimiser.step()
    assert error < 0.1
    noisy = TwinModel(2, latent=4, hidden=16)
    with torch.no_grad():
        model.white_factor.copy_(0.05 * torch.eye(2))
        model.start_spread.copy_(noisy.start_spread)
        model.offset.copy_(torch.tensor([1e-6, -2e-6]))
        model.scale.copy_(torch.tensor([3e-6, 5e-6]))
    return {name: value.clone() for name, value in model.state_dict().items()}


def layers_of(
    nodes: Sequence[int] = (6, 6), *, seed: int = 0, low: float = 0.0, high: float = 1.0,
    deterministic: bool = False,
) -> NodeLayers:  # fmt: skip
    members = [[twin_model(deterministic=deterministic)] * len(nodes)]
    draw = torch.Generator().manual_seed(seed)
    design = Design.of(nodes, 2)
    return NodeLayers(members, [(low, high)] * len(nodes), design, 1, draw)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_initial_weights_are_steep_and_diverse() -> None:
    layers = layers_of((200, 100))
    first = layers.weights[0].detach().abs()
    assert 1.0 <= first.min() < 1.2
    assert 5.8 < first.max() <= 6.0
    assert 0.4 < (layers.weights[0] > 0).float().mean() < 0.6
    assert layers.weights[1].std().item() == pytest.approx(1.2 / np.sqrt(400), rel=0.02)
    for biases in layers.biases:
        assert -2.0 <= biases.min() < -1.8
        assert 0.8 < biases.max() <= 1.0


def test_features_are_standardised_by_what_they_are_at_first() -> None:
    layers = layers_of()
    inputs = torch.rand(600, 1, generator=generator())
    layers.standardise(inputs, 4, generator(1))
    standard = layers.run(inputs, 16, generator(2))
    assert standard.mean((0, 1)).abs().max() < 0.3
    assert (standard.std((0, 1)) - 1).abs().max() < 0.3


def test_every_node_and_every_pass_has_its_own_noise() -> None:
    layers = layers_of((5,))
    with torch.no_grad():
        layers.weights[0].zero_()
        layers.biases[0].zero_()
    features = layers.run(torch.zeros(400, 1), 3, generator())[50:, :, 1:]
    flat = features.reshape(350, -1)  # 3 passes × 5 nodes × 2 channels under one and the same drive
    columns = flat[:, ::2]
    correlation = np.corrcoef(columns.numpy().T)
    assert np.abs(correlation - np.eye(15)).max() < 0.5
    assert columns.std(0).min() > 0


def test_drives_stay_in_the_fitted_range_and_the_excess_is_what_the_clamp_cut() -> None:
    layers = layers_of((4,), low=0.2, high=0.7)
    with torch.no_grad():
        layers.weights[0].copy_(torch.tensor([[10.0], [-10.0], [0.1], [0.0]]))
        layers.biases[0].zero_()
    inputs = torch.linspace(-1, 1, 101).reshape(-1, 1, 1)
    drive, excess, _ = layers.activation(0, inputs)  # nothing was measured: mean 0, scale 1
    assert drive.min().item() == pytest.approx(0.2)
    assert drive.max().item() == pytest.approx(0.7)
    free = inputs[:, 0] * torch.tensor([10.0, -10.0, 0.1, 0.0]) / 4 + 0.5
    cut = ((free - free.clamp(0, 1)) ** 2).mean()
    assert excess.item() == pytest.approx(cut.item(), rel=1e-5)


def test_the_running_ridge_solves_what_numpy_solves() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((500, 6)) + 3, rng.standard_normal((500, 2))
    ridge = RunningRidge(6, 2, decay=1.0)
    ridge.update(torch.as_tensor(X[:200]), torch.as_tensor(y[:200]))
    ridge.update(torch.as_tensor(X[200:]), torch.as_tensor(y[200:]))
    weights, bias = ridge.solve(1e-3)
    Xc, yc = X - X.mean(0), y - y.mean(0)
    gram = Xc.T @ Xc / 500
    expected = np.linalg.solve(gram + 1e-3 * np.diag(gram).mean() * np.eye(6), Xc.T @ yc / 500)
    np.testing.assert_allclose(weights.numpy(), expected, rtol=1e-9)
    np.testing.assert_allclose(bias.numpy(), y.mean(0) - X.mean(0) @ expected, rtol=1e-7)


def test_the_running_ridge_forgets() -> None:
    rng = np.random.default_rng(0)
    ridge = RunningRidge(1, 1, decay=0.5)
    for slope in [5.0] * 10 + [1.0] * 10:
        x = torch.as_tensor(rng.standard_normal((100, 1)))
        ridge.update(x, slope * x)
    weights, _ = ridge.solve(0.0)
    assert weights.item() == pytest.approx(1.0, abs=0.02)


def test_streams_walk_on_and_what_follows_a_jump_is_masked() -> None:
    streams, draw = Streams(end=640, count=4, masked=40), generator()
    assert streams.steps()[0].tolist() == [0, 144, 288, 432]
    assert not streams.counted()[:40].any()
    assert streams.counted()[40:].all()
    jumps = 0
    for _ in range(40):
        before = streams.position.copy()
        jumped = streams.walk(draw).numpy()
        jumps += int(jumped.sum())
        assert (streams.position[~jumped] == before[~jumped] + 64).all()
        assert streams.steps().max() < 640
        assert not streams.counted()[:40, torch.as_tensor(jumped)].any()
        assert streams.counted()[:, torch.as_tensor(~jumped)].all()
    assert 10 < jumps < 30


def test_streams_of_windows_begin_with_a_window_and_count_by_its_last_step() -> None:
    streams, draw = Streams(end=1200, count=5, masked=40, chunk=60, window=10), generator()
    assert streams.answers().shape == streams.counted().shape == (6, 5)
    assert streams.counted()[:, 0].tolist() == [False] * 4 + [True] * 2
    for _ in range(60):
        assert (streams.position % 10 == 0).all()
        assert streams.steps().max() < 1200
        assert streams.answers()[0].tolist() == (streams.position // 10).tolist()
        jumped = streams.walk(draw)
        assert (streams.counted().sum(0)[jumped] == 2).all()
        assert streams.counted()[:, ~jumped].all()


def trained(task: Task, iterations: int = 120, **settings: float) -> Trainer:
    trainer = Trainer(task, layers_of(), TrainSettings(iterations=iterations, **settings))
    trainer.begin()
    for _ in train_layers(trainer):
        pass
    return trainer


def test_training_lowers_the_error_on_steps_that_it_does_not_see(task: Task) -> None:
    trainer = Trainer(task, layers_of(), TrainSettings(iterations=120))
    trainer.begin()
    before = trainer.validate() or 0.0
    for _ in train_layers(trainer):
        pass
    assert trainer.best_validation < 0.7 * before
    assert trainer.validate() == pytest.approx(trainer.best_validation, rel=0.2)


def test_a_resumed_training_is_the_one_that_was_never_stopped(task: Task) -> None:
    whole = trained(task, iterations=30)
    first = Trainer(task, layers_of(), TrainSettings(iterations=30))
    first.begin()
    for _ in range(17):
        first.step()
    second = Trainer(task, layers_of(seed=9), TrainSettings(iterations=30))
    restore(second, arrays_of(first), numbers_of(first))
    for _ in train_layers(second):
        pass
    for one, other in zip(whole.parameters, second.parameters, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)
    assert second.best_validation == whole.best_validation


def test_of_several_outputs_a_resumed_training_is_the_very_same_too() -> None:
    """Their read-out was kept row by row, and products with it rounded another way from there."""
    waves = make_task("transform:train=600,validation=100,test=100")
    whole, first, second = (
        Trainer(waves, layers_of(), TrainSettings(iterations=60)) for _ in range(3)
    )
    for trainer in (whole, first):
        trainer.begin()
    for _ in range(27):
        first.step()
    restore(second, arrays_of(first), numbers_of(first))
    for trainer in (whole, second):
        for _ in train_layers(trainer):
            pass
    for one, other in zip(whole.parameters, second.parameters, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_a_checkpoint_of_another_network_is_refused(task: Task) -> None:
    first = Trainer(task, layers_of((3, 3)), TrainSettings(iterations=30))
    first.begin()
    first.step()
    with pytest.raises(InputError, match="belongs to another training"):
        restore(
            Trainer(task, layers_of((6, 6)), TrainSettings()), arrays_of(first), numbers_of(first)
        )


def test_an_error_that_is_no_number_ends_the_training_with_advice(task: Task) -> None:
    trainer = Trainer(task, layers_of(), TrainSettings(iterations=30))
    trainer.begin()
    trainer.inputs[:] = float("nan")
    with pytest.raises(TwinrigError, match="gradient nan, at iteration 1: lower the learning"):
        trainer.step()


def test_the_rate_warms_up_and_falls_to_two_percent() -> None:
    settings = TrainSettings(iterations=1000)
    assert settings.rate_at(0) == pytest.approx(2e-2 / 50, rel=1e-3)
    assert settings.rate_at(60) == pytest.approx(2e-2, rel=0.02)
    assert settings.rate_at(1000) == pytest.approx(4e-4)


def test_states_say_what_a_page_draws(task: Task) -> None:
    trainer = Trainer(task, layers_of(), TrainSettings(iterations=5))
    trainer.begin()
    state = list(train_layers(trainer, every_s=0.0))[-1]
    assert state.iteration == 5
    assert state.validation is not None
    assert [w.shape for w in state.weights] == [(6, 1), (6, 12)]
    assert state.readout.shape == (25,)
    np.testing.assert_allclose(state.histogram.sum(axis=1), 1)


def test_the_compiled_network_computes_in_the_devices_units_what_was_trained(task: Task) -> None:
    layers = layers_of(low=0.1, high=0.9)
    layers.standardise(torch.as_tensor(task.inputs[:695]).float(), 4, generator())
    readout = best_readout(layers, task, [1e-6], generator(1))
    model = layers.members[0][0]
    twin = Twin(
        model.weights(), ("X", "Y"), ("V", "V"), 4, 16, False,
        DriveWindow("amplitude", 0.0022, 0.0034), Reset(0.004),
    )  # fmt: skip
    reference = TwinReference("t", "t.json", "0")
    seen = foresee(layers, readout, task, 2)
    network = compile_network(layers, readout, seen, task, [Device.of(twin)] * 2, [reference])

    inputs = torch.as_tensor(task.inputs[task.run]).float()
    with torch.no_grad():
        passed = layers.forward(inputs.unsqueeze(1), layers.start(1, generator(3)), generator(3))
    normal = passed.features[:, 0].double().numpy()
    offset, scale = (x.double().numpy() for x in (model.offset, model.scale))
    responses = [offset + scale * normal[:, network.block(k)].reshape(-1, 6, 2) for k in range(2)]
    np.testing.assert_allclose(network.drive(0, []), passed.drives[0][:, 0].numpy(), atol=1e-5)
    np.testing.assert_allclose(
        network.drive(1, responses[:1]), passed.drives[1][:, 0].numpy(), atol=1e-5
    )
    expected = readout.answers(passed.columns[:, 0])
    got = network.read_out(network.features(network.inputs, responses))
    np.testing.assert_allclose(got, expected.numpy(), atol=1e-4)
    assert network.node_mean.shape == (12, 240, 2)
    assert 1e-7 < np.abs(network.node_mean).max() < 1e-3


def test_the_predicted_score_is_that_of_single_noisy_passes(task: Task) -> None:
    layers = layers_of()
    layers.standardise(torch.as_tensor(task.inputs[:695]).float(), 4, generator())
    readout = best_readout(layers, task, [1e-6], generator(1))
    seen = foresee(layers, readout, task, 2)
    assert len(seen.scores) == 64
    assert seen.predicted["low"] < seen.predicted["value"] < seen.predicted["high"]
    mean_of_passes = np.mean((seen.forecast_mean - task.targets[task.test]) ** 2)
    assert mean_of_passes / task.targets[task.test].var() < seen.predicted["low"]
    assert (seen.forecast_low <= seen.forecast_high).all()
    other = foresee(layers, readout, task, 3).predicted
    assert seen.predicted["low"] < other["value"] < seen.predicted["high"]
    assert foresee(layers, readout, task, 2).predicted == seen.predicted


def test_without_noise_the_ridge_is_the_best_under_the_judges_noise(task: Task) -> None:
    layers = layers_of(deterministic=True)
    layers.standardise(torch.as_tensor(task.inputs[:695]).float(), 1, generator())
    judge = layers.through([[twin_model()] * 2])
    assert judge.noisy
    assert not layers.noisy
    alone = best_readout(layers, task, RIDGES, generator(1))
    judged = best_readout(layers, task, RIDGES, generator(1), judge=judge)
    assert alone.ridge < judged.ridge
    lenient, strict = (foresee(judge, r, task, 2).predicted["value"] for r in (alone, judged))
    assert strict < lenient


def test_other_twins_take_over_a_network_in_the_devices_units(task: Task) -> None:
    layers = layers_of(deterministic=True)
    layers.standardise(torch.as_tensor(task.inputs[:695]).float(), 1, generator())
    other = twin_model(deterministic=True)
    with torch.no_grad():  # the same device, written in other normalised units
        other.offset.add_(2e-6)
        other.scale.mul_(0.5)
        other.decoder.mul_(2.0)
        other.decoder_bias.mul_(2.0).sub_(2e-6 / other.scale)
    moved = layers.through([[other] * 2])
    readout = best_readout(layers, task, [1e-3], generator(1))
    steps = slice(0, 200)
    one, two = (
        torch.cat([
            readout.answers(passed.columns)
            for passed in simulated_passes(each, task, steps, 1, generator(2))
        ]).numpy()
        for each in (layers, moved)
    )  # fmt: skip
    np.testing.assert_allclose(one, two, atol=1e-3)


def test_the_read_out_is_fitted_to_training_steps_only_until_all_choices_are_made(
    task: Task,
) -> None:
    layers = layers_of(deterministic=True)
    layers.standardise(torch.as_tensor(task.inputs[:695]).float(), 1, generator())
    other = np.where(task.validation[:, None], 7.0 - task.targets, task.targets)
    changed = Task(
        task.name, task.inputs, other, task.train, task.validation, task.test, task.washout,
    )  # fmt: skip
    fits = {
        (name, whole): fit_readout(layers, which, [1e-6], generator(1), whole=whole)[0].weights
        for name, which in (("kept", task), ("changed", changed))
        for whole in (False, True)
    }
    torch.testing.assert_close(fits["kept", False], fits["changed", False])
    assert (fits["kept", True] - fits["changed", True]).abs().max() > 0.01


def test_an_untrained_network_is_judged_at_its_best_gain(task: Task) -> None:
    layers, gain = untrained_layers(
        [[twin_model()] * 2], [(0.0, 1.0)] * 2, Design.of((6, 6), 2), task, 0
    )
    assert gain in (0.5, 1.0, 2.0)
    again, same = untrained_layers(
        [[twin_model()] * 2], [(0.0, 1.0)] * 2, Design.of((6, 6), 2), task, 0
    )
    assert same == gain
    torch.testing.assert_close(layers.weights[1], again.weights[1])


def test_the_spread_of_a_device_is_read_off_its_twin() -> None:
    assert device_spread(twin_model(deterministic=True)) == 0
    assert 0.01 < device_spread(twin_model()) < 5


def test_a_read_out_of_classes_is_fitted_by_ridge_and_by_logistic_regression() -> None:
    signals = make_task("signals:train=80,validation=20,test=40")
    design = Design.of((3,), 1, signals)
    layers = NodeLayers([[twin_model()]], [(0.0, 1.0)], design, 1, generator())
    layers.standardise(torch.as_tensor(signals.inputs[:400]).float(), 2, generator())
    found = fit_readout(layers, signals, [1e-3], generator(1), whole=False, strengths=[1e-2, 1e-1])
    assert [one.logistic for one in found] == [False, True, True]
    strict, lenient = (float(one.weights.abs().sum()) for one in (found[2], found[1]))
    assert strict < lenient
    best = best_readout(layers, signals, [1e-3, 1e-2], generator(1))
    assert best.weights.shape == found[0].weights.shape


def test_a_penalty_of_the_devices_columns_leaves_the_inputs_as_they_are() -> None:
    """A strict enough one gives the read-out without the device, by ridge and by logistic."""
    signals = make_task("signals:train=80,validation=20,test=40")
    design = Design.of((3,), 1, signals, readout_taps=(0, 2))
    layers = NodeLayers([[twin_model()]], [(0.0, 1.0)], design, 1, generator())
    layers.standardise(torch.as_tensor(signals.inputs[:400]).float(), 2, generator())
    device = of_device(layers).bool()
    assert device.tolist() == [False] * 2 + [True] * 6  # two delays of one input and of 3 nodes
    given: dict[str, Any] = {"strengths": [1e-3], "devices": [1.0, 1e12]}
    found = fit_readout(layers, signals, [1e-3], generator(1), whole=False, **given)
    assert [(one.logistic, one.device) for one in found] == [
        (False, 1.0), (False, 1e12), (True, 1.0), (True, 1e12),
    ]  # fmt: skip
    for one in found:
        sizes = one.weights[device].abs().max(), one.weights[~device].abs().max()
        assert sizes[1] > 1e-3
        assert sizes[0] > 1e-3 if one.device == 1.0 else sizes[0] < 1e-6


@pytest.mark.parametrize(("told", "chosen"), [(-1.0, max(DEVICES)), (1.0, min(DEVICES))])
def test_the_penalty_of_the_devices_columns_is_chosen_by_validation(
    monkeypatch: pytest.MonkeyPatch, told: float, chosen: float
) -> None:
    """Columns that tell the class in training alone are not listened to; those that do later are.

    Columns are made up: one of the inputs, that knows the class somewhat, and one of the device.
    """
    signals = make_task("signals:train=80,validation=20,test=40")
    rng = np.random.default_rng(0)

    def rows(sign: float) -> tuple[torch.Tensor, np.ndarray]:
        truth = rng.integers(0, 2, 400)
        own = (2 * truth - 1) + 2.0 * rng.standard_normal(400)
        device = sign * (2 * truth - 1) + 0.5 * rng.standard_normal(400)
        columns = torch.as_tensor(np.stack([own, device], axis=1)).unsqueeze(1)
        return columns, np.eye(2)[truth]

    def gathered(*_: object, **__: object) -> Fitted:
        columns, targets = rows(1.0)
        running = RunningRidge(2, 2, decay=1.0)
        running.update(columns[:, 0], torch.as_tensor(targets))
        return Fitted(running, columns, targets, torch.tensor([0.0, 1.0]).double(), False)

    monkeypatch.setattr("training.foresee.gathered", gathered)
    monkeypatch.setattr("training.foresee.validation_columns", lambda *_: rows(told))
    best = best_readout(layers_of(), signals, RIDGES, generator(1))
    assert best.device == chosen

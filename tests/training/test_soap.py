"""SOAP: ahead of Adam where weights pull on each other; still weights stay; it resumes exactly."""

from __future__ import annotations

import copy

import pytest
import torch

from training.soap import Soap


def lying_across(seed: int) -> tuple[torch.nn.Linear, torch.Tensor, torch.Tensor]:
    """A regression whose inputs are nearly one: its loss is steep across the weights."""
    generator = torch.Generator().manual_seed(seed)
    common = torch.randn(400, 1, generator=generator)
    inputs = common + 0.03 * torch.randn(400, 6, generator=generator)
    targets = inputs @ torch.randn(6, 3, generator=generator) + 0.5
    torch.manual_seed(seed)
    return torch.nn.Linear(6, 3), inputs, targets


def descended(optimiser: torch.optim.Optimizer, model: torch.nn.Linear, x, y, steps: int) -> float:  # type: ignore[no-untyped-def]
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = 0.03 * (1 - step / steps)
        optimiser.zero_grad()
        loss = (model(x) - y).square().mean()
        loss.backward()
        optimiser.step()
    return float((model(x) - y).detach().square().mean())


@pytest.mark.parametrize("seed", range(3))
def test_where_weights_pull_on_each_other_it_is_far_ahead_of_adam(seed: int) -> None:
    model, x, y = lying_across(seed)
    other = copy.deepcopy(model)
    by_adam = descended(torch.optim.Adam(other.parameters(), betas=(0.9, 0.99)), other, x, y, 400)
    by_soap = descended(Soap([[model.weight, model.bias]]), model, x, y, 400)
    assert by_soap < by_adam / 10


def test_the_first_step_only_measures() -> None:
    weight = torch.nn.Parameter(torch.ones(2, 3))
    weight.grad = torch.ones(2, 3)
    Soap([[weight]]).step()
    assert torch.equal(weight, torch.ones(2, 3))


def test_a_weight_that_never_had_a_gradient_stays_where_it_is() -> None:
    torch.manual_seed(0)
    weight = torch.nn.Parameter(torch.randn(5, 4))
    before, there = weight.detach().clone(), torch.ones(5, 4)
    there[2] = 0.0
    there[4, 1] = 0.0
    optimiser = Soap([[weight]], rate=0.1)
    for _ in range(50):
        weight.grad = torch.randn(5, 4) * there
        optimiser.step()
    still = there == 0
    assert torch.equal(weight[still], before[still])
    assert (weight != before)[~still].all()


def test_a_block_without_a_gradient_is_left_out_and_half_of_one_counts_as_zero() -> None:
    a, b, c = (torch.nn.Parameter(torch.ones(3, 2)) for _ in range(3))
    optimiser = Soap([[a], [b, c]], rate=0.1)
    for _ in range(3):
        b.grad = torch.randn(3, 2)
        optimiser.step()
    assert torch.equal(a, torch.ones(3, 2))
    assert torch.equal(c, torch.ones(3, 2))
    assert not torch.equal(b, torch.ones(3, 2))


def test_decay_pulls_matrices_but_not_vectors() -> None:
    weight, bias = torch.nn.Parameter(torch.ones(3, 2)), torch.nn.Parameter(torch.ones(3))
    optimiser = Soap([[weight, bias]], rate=0.1, decay=1.0)
    for _ in range(11):
        weight.grad, bias.grad = torch.zeros(3, 2), torch.zeros(3)
        optimiser.step()
    assert weight.detach().numpy() == pytest.approx(0.9**10)
    assert torch.equal(bias, torch.ones(3))


def test_the_state_survives_a_checkpoint_to_the_last_bit() -> None:
    torch.manual_seed(1)
    weight, gradients = torch.nn.Parameter(torch.randn(6, 5)), torch.randn(60, 6, 5)
    optimiser = Soap([[weight]], rate=0.05)
    for one in gradients[:35]:
        weight.grad = one.clone()
        optimiser.step()
    other = torch.nn.Parameter(weight.detach().clone())
    resumed = Soap([[other]], rate=0.05)
    resumed.state[other] = {
        name: torch.as_tensor(value.numpy().copy())
        for name, value in optimiser.state[weight].items()
    }
    for one in gradients[35:]:
        for parameter, by in ((weight, optimiser), (other, resumed)):
            parameter.grad = one.clone()
            by.step()
    assert torch.equal(weight, other)

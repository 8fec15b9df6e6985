"""The C kernel of the innovations likelihood is the PyTorch path, loss and gradient."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.latent import TwinModel
from training import innovations as kernel
from training.likelihood import followed, innovations

needs_kernel = pytest.mark.skipif(kernel.load()[0] is None, reason=kernel.load()[1])


def case(latent, hidden, channels, batch, steps, **sizes):
    """A twin in double precision and what was measured, a tenth of it missing."""
    torch.manual_seed(latent + hidden)
    model = TwinModel(channels, latent, hidden, **sizes).double()
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.2 * torch.randn_like(weight))
        factor = 0.05 * torch.tril(torch.randn(channels, channels))
        model.white_factor.copy_(0.3 * torch.eye(channels) + factor)
    drive = torch.rand(steps, batch).double()
    known = (torch.rand(steps, batch) > 0.1).double()
    real = torch.randn(steps, batch, channels).double()
    return model, drive, real, known


def loss_and_gradients(way, model, drive, real, known):
    model.zero_grad()
    loss = way(model, drive, real, known, model.white_covariance())
    loss.backward()
    return loss.detach(), {
        n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None
    }


@needs_kernel
@pytest.mark.parametrize(
    "sizes", [(16, 64, 2, 48, 20), (6, 20, 1, 5, 12), (16, 50, 3, 9, 7), (24, 96, 8, 8, 6),
              (32, 128, 2, 33, 4), (3, 8, 2, 1, 1)],
)  # fmt: skip
@pytest.mark.parametrize("threads", ["1", "2"])
def test_loss_and_gradients_are_those_of_autograd(sizes, threads, monkeypatch):
    monkeypatch.setenv("TWINRIG_THREADS", threads)
    given = case(*sizes)
    loss, gradients = loss_and_gradients(kernel.by_kernel, *given)
    expected, others = loss_and_gradients(followed, *given)
    torch.testing.assert_close(loss, expected, rtol=1e-11, atol=0)
    assert gradients.keys() == others.keys()
    for name, gradient in gradients.items():
        size = float(others[name].abs().max())
        torch.testing.assert_close(gradient, others[name], rtol=0, atol=1e-10 * size + 1e-300)


@needs_kernel
def test_far_from_the_usual_range_they_are_still_the_same():
    """Saturated units, a nearly still state, a response that is known almost exactly."""
    model, drive, real, known = case(8, 24, 2, 6, 15)
    with torch.no_grad():
        model.out_bias[:8] = torch.linspace(-30, 30, 8)
        model.out_bias[8:16] = torch.linspace(-40, 40, 8)
        model.out_bias[16:] = torch.linspace(-60, 60, 8)
        model.hidden_bias.copy_(torch.linspace(-200, 200, 24))
        model.white_factor.copy_(1e-4 * torch.eye(2))
    loss, gradients = loss_and_gradients(kernel.by_kernel, model, drive, real, known)
    expected, others = loss_and_gradients(followed, model, drive, real, known)
    torch.testing.assert_close(loss, expected, rtol=1e-9, atol=0)
    for name, gradient in gradients.items():
        size = float(others[name].abs().max())
        torch.testing.assert_close(gradient, others[name], rtol=0, atol=1e-7 * size)


@needs_kernel
def test_where_it_is_no_covariance_any_more_loss_and_gradients_are_nan():
    model, drive, real, known = case(6, 16, 2, 9, 5)
    noise = (-1e3 * torch.eye(2)).double()
    loss = kernel.by_kernel(model, drive, real, known, noise)
    loss.backward()
    assert torch.isnan(loss)
    assert torch.isnan(model.out.grad).all()
    assert torch.isnan(innovations(model, drive, real, known, noise))


@needs_kernel
def test_without_a_gradient_the_loss_is_the_same():
    given = case(16, 64, 2, 20, 8)
    with torch.no_grad():
        alone = kernel.by_kernel(*given, given[0].white_covariance())
    assert not alone.requires_grad
    both, _ = loss_and_gradients(kernel.by_kernel, *given)
    assert float(alone) == float(both)


@pytest.mark.parametrize(
    "sizes",
    [{"latent": 33}, {"hidden": 129}, {"channels": 9}, {"head": 4}, {"slow": 2}],
)
def test_what_the_kernel_does_not_hold_pytorch_computes(sizes):
    usual = {"latent": 8, "hidden": 16, "channels": 2, "batch": 3, "steps": 4}
    given = case(**{**usual, **sizes})
    assert kernel.by_kernel(*given, given[0].white_covariance()) is None
    loss = innovations(*given, given[0].white_covariance())
    assert np.isfinite(float(loss.detach()))


def test_single_precision_and_a_drive_with_a_gradient_are_left_to_pytorch():
    model, drive, real, known = case(8, 16, 2, 3, 4)
    noise = model.white_covariance()
    assert kernel.by_kernel(model, drive, real.float(), known, noise) is None
    loss = innovations(model, drive.requires_grad_(), real, known, noise)
    loss.backward()
    assert drive.grad is not None
    assert float(drive.grad.abs().sum()) > 0

"""The innovations likelihood by its C kernel, `innovations.c`: loss and gradient in one call.

The filter of `training.likelihood` in double precision, for the twins of few channels; what the
kernel doesn't hold PyTorch computes there, some eight times as slowly (`tests/benchmarks`).
"""

from __future__ import annotations

import ctypes
import functools
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from models import compiled

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.latent import TwinModel

ROOMS, MAX_HIDDEN, MAX_CHANNELS = (16, 32), 128, 8  # states it is built for; what it holds
TILE = 8  # paths that share a vector of the widest processors
SMALLEST_PART = 16  # paths that are worth a thread
Addresses = ctypes.c_void_p * 10


def kernel_of(model: TwinModel) -> ctypes.CDLL | None:
    """The kernel, where it is to be had and holds a twin of these sizes."""
    few = model.latent <= ROOMS[-1] and model.hidden <= MAX_HIDDEN
    if not few or model.channels > MAX_CHANNELS or model.head or model.slow:
        return None
    return load(next(room for room in ROOMS if model.latent <= room))[0]


def by_kernel(
    model: TwinModel, drive: Tensor, real: Tensor, known: Tensor, noise: Tensor
) -> Tensor | None:
    """Sum over steps and paths of (eᵀ S⁻¹ e + ln det S) / 2; None: the kernel can't.

    Arguments as those of `training.likelihood.innovations`. Differentiable in weights and noise;
    NaN, gradients too, where an innovation's covariance is none any more.
    """
    suits = real.dtype == torch.float64 and real.device.type == "cpu" and not drive.requires_grad
    kernel = kernel_of(model) if suits else None
    if kernel is None:
        return None
    weights = (
        model.state_in, model.drive_in, model.hidden_bias, model.out, model.out_bias,
        model.start_mean, model.start_spread.square(), model.decoder, model.decoder_bias, noise,
    )  # fmt: skip
    apply: Callable[..., Tensor] = KernelInnovations.apply  # untyped in some versions of PyTorch
    return apply(kernel, *(t.contiguous() for t in (2 * drive - 1, real, known, *weights)))


@functools.cache
def load(room: int = ROOMS[0]) -> tuple[ctypes.CDLL | None, str]:
    """The kernel for so many latent states, or None, and the reason in words."""
    kernel, words = compiled.library("training", "innovations", (f"-DSTATE={room}",))
    if kernel is not None:
        kernel.innovations.restype = ctypes.c_double
    return kernel, words


class KernelInnovations(torch.autograd.Function):
    """Of drive `(T, B)` in −1…1, real `(T, B, C)`, known `(T, B)` and `by_kernel`'s weights."""

    @staticmethod
    def forward(
        ctx: Any, kernel: ctypes.CDLL, drive: Tensor, real: Tensor, known: Tensor, *weights: Tensor
    ) -> Tensor:
        """The gradient is computed with the loss, where one is wanted."""
        wanted = any(ctx.needs_input_grad[4:])
        steps, batch, channels = real.shape
        sizes = (steps, batch, weights[5].numel(), weights[1].numel(), channels)

        def part(first: int, count: int) -> tuple[float, list[Tensor]]:
            gradients = [torch.empty_like(w) for w in weights] if wanted else []
            loss = kernel.innovations(
                *(ctypes.c_void_p(t.data_ptr()) for t in (drive, real, known)),
                Addresses(*(w.data_ptr() for w in weights)),
                *(ctypes.c_int(n) for n in (*sizes, first, count)),
                Addresses(*(g.data_ptr() for g in gradients)) if wanted else None,
            )
            return loss, gradients

        parts = compiled.in_parts(
            batch, min(compiled.threads(), batch // SMALLEST_PART), TILE, part
        )
        loss = real.new_tensor(sum(one for one, _ in parts))
        gradients = [
            torch.stack(same).sum(dim=0) for same in zip(*(g for _, g in parts), strict=True)
        ]
        if bool(loss.isnan()):
            gradients = [torch.full_like(g, torch.nan) for g in gradients]
        ctx.save_for_backward(*gradients)
        return loss

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Those of the weights; drive and repeats have none."""
        return (None, None, None, None, *(grad * g for g in ctx.saved_tensors))

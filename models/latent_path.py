"""The path of a latent neural SDE with its gradient written by hand: the hot loop of everything.

One step, with h = silu(A x + a u + b) and (f, z) = C h + c:

    x′ = R tanh((x + f) / R) + s softplus(z) ξ,      ξ ~ N(0, 1)

that is the Euler-Maruyama step of dx = F dt + G dW with dt = 1 input step,
F = R tanh((x + f)/R) − x and G = s softplus(z): the drift keeps the state within about R.

On the CPU in float32 the C kernel of `latent_path.c` runs where it could be built (`kernel`);
elsewhere the loop below does the same with nine launches a step forward and seven backward,
against some forty of plain autograd.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import functional

from models import kernel

aten = torch.ops.aten
REACH = 3.0
NOISE_SCALE = 0.15


def latent_path(start: Tensor, drive: Tensor, noise: Tensor, weights: tuple[Tensor, ...]) -> Tensor:
    """States `(T, B, D)` from start `(B, D)`, drive `(T, B)` in −1…1 and noise `(T, B, D)`.

    `weights` are A `(H, D)`, a `(H,)`, b `(H,)`, C `(2D, H)`, c `(2D,)`. Differentiable in all but
    the noise.
    """
    built = kernel.load()[0] if kernel.suits(noise, weights[1].shape[0]) else None
    path = LatentPath if built is None else KernelPath
    contiguous = (t.contiguous() for t in (start, drive, noise, *weights))
    return cast("Tensor", path.apply(*contiguous))  # type: ignore[no-untyped-call]


class KernelPath(torch.autograd.Function):
    """The path by the C kernel; it stores the states only and recomputes the rest."""

    @staticmethod
    def forward(ctx: Any, start: Tensor, drive: Tensor, noise: Tensor, *weights: Tensor) -> Tensor:
        """Arguments of `latent_path`."""
        states = _kernel().forward(start, drive, noise, weights)
        ctx.save_for_backward(start, drive, noise, states, *weights)
        return states

    @staticmethod
    def backward(ctx: Any, grad_states: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients in the order of the arguments."""
        start, drive, noise, states, *weights = ctx.saved_tensors
        wanted = any(ctx.needs_input_grad[3:])
        grad_start, grad_drive, grads = _kernel().backward(
            start, drive, noise, weights, states, grad_states.contiguous(), wanted
        )
        return (grad_start, grad_drive, None, *grads)


def _kernel() -> kernel.Kernel:
    built, reason = kernel.load()
    if built is None:
        raise RuntimeError(f"the C kernel is gone: {reason}")
    return built


class LatentPath(torch.autograd.Function):
    """The path in PyTorch, on any device and in any precision."""

    @staticmethod
    def forward(
        ctx: Any,
        start: Tensor,
        drive: Tensor,
        noise: Tensor,
        state_in: Tensor,
        drive_in: Tensor,
        hidden_bias: Tensor,
        out: Tensor,
        out_bias: Tensor,
    ) -> Tensor:
        """Arguments of `latent_path`."""
        steps, batch, latent = noise.shape
        before = start.new_empty(steps, batch, drive_in.shape[0])
        hidden = torch.empty_like(before)
        raw = start.new_empty(steps, batch, 2 * latent)
        bent, states = torch.empty_like(noise), torch.empty_like(noise)
        weights_in = torch.cat([state_in, drive_in.unsqueeze(1)], 1).t().contiguous()
        out_t = out.t().contiguous()
        inputs = start.new_empty(steps + 1, batch, latent + 1)
        inputs[:-1, :, latent] = drive
        inputs[0, :, :latent] = start
        rows = [t.unbind() for t in (before, hidden, raw, bent, states, noise, inputs[:-1])]
        following = inputs[1:, :, :latent].unbind()
        for before_t, hidden_t, raw_t, bent_t, state_t, noise_t, input_t, next_t in zip(
            *rows, following, strict=True
        ):
            torch.addmm(hidden_bias, input_t, weights_in, out=before_t)
            aten.silu.out(before_t, out=hidden_t)
            torch.addmm(out_bias, hidden_t, out_t, out=raw_t)
            torch.add(input_t[:, :latent], raw_t[:, :latent], out=bent_t)
            bent_t.mul_(1.0 / REACH).tanh_()
            torch.mul(bent_t, REACH, out=state_t)
            state_t.addcmul_(functional.softplus(raw_t[:, latent:]), noise_t, value=NOISE_SCALE)
            next_t.copy_(state_t)
        ctx.save_for_backward(
            noise, before, hidden, raw, bent, inputs[:-1], state_in, drive_in, out
        )
        return states

    @staticmethod
    def backward(ctx: Any, grad_states: Tensor) -> tuple[Tensor | None, ...]:
        """Walk the steps backwards, then collect the weights' gradients over all steps at once."""
        noise, before, hidden, raw, bent, inputs, state_in, drive_in, out = ctx.saved_tensors
        steps, batch, latent = bent.shape
        grad_raw, grad_before = torch.empty_like(raw), torch.empty_like(before)
        grad_hidden = torch.empty_like(before[0])
        carried = torch.zeros_like(bent[0])
        rows = [t.unbind() for t in (noise, before, raw, bent, grad_raw, grad_before, grad_states)]
        for noise_t, before_t, raw_t, bent_t, graw_t, gbefore_t, grad_t in reversed(
            list(zip(*rows, strict=True))
        ):
            grad_x = carried.add_(grad_t)
            through = aten.tanh_backward(grad_x, bent_t)
            graw_t[:, :latent] = through
            spread = torch.sigmoid(raw_t[:, latent:]).mul_(noise_t).mul_(grad_x)
            torch.mul(spread, NOISE_SCALE, out=graw_t[:, latent:])
            torch.mm(graw_t, out, out=grad_hidden)
            aten.silu_backward.grad_input(grad_hidden, before_t, grad_input=gbefore_t)
            carried = torch.addmm(through, gbefore_t, state_in)
        grad_drive = grad_before @ drive_in if ctx.needs_input_grad[1] else None
        if not any(ctx.needs_input_grad[3:]):
            return (carried, grad_drive, *(None,) * 6)
        flat_raw = grad_raw.reshape(steps * batch, -1)
        flat_before = grad_before.reshape(steps * batch, -1)
        grad_in = flat_before.t() @ inputs.reshape(steps * batch, -1)
        return (
            carried,
            grad_drive,
            None,
            grad_in[:, :latent],
            grad_in[:, latent],
            flat_before.sum(0),
            flat_raw.t() @ hidden.reshape(steps * batch, -1),
            flat_raw.sum(0),
        )

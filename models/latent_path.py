"""The path of a latent neural SDE with its gradient written by hand: the hot loop of everything.

One step, with h = silu(A x + a u + b) and (f, k, z) = C h + c:

    x′ = x + σ(k) (tanh f − x) + s softplus(z) ξ,      ξ ~ N(0, 1)

that is the Euler-Maruyama step of dx = F dt + G dW with dt = 1 input step,
F = σ(k) (tanh f − x) and G = s softplus(z). Each state relaxes towards a goal at a rate, both set
by state and drive: thermally activated devices do just that, their rate a steep function of field.
(Measured on the nanoring array, error of the mean after the same 20 s: 0.047 of the signal, against
0.090 with the residual step R tanh((x + f)/R) of the same size, and 0.054 of a GRU with 64 units
after 71 s.)

On the CPU in float32 the C kernel of `latent_path.c` runs where it could be built (`kernel`);
elsewhere `LatentPath` does the same by some thirty launches a step, against a hundred of autograd.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor
from torch.nn import functional

from models import kernel

if TYPE_CHECKING:
    from collections.abc import Callable

NOISE_SCALE = 0.15
COLUMNS = 256  # of a part on the CPU
Weights = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]


def latent_path(start: Tensor, drive: Tensor, noise: Tensor, weights: tuple[Tensor, ...]) -> Tensor:
    """States `(T, B, D)` from start `(B, D)`, drive `(T, B)` in −1…1 and noise `(T, B, D)`.

    `weights` are A `(H, D)`, a `(H,)`, b `(H,)`, C `(3D, H)`, c `(3D,)`. Differentiable in all but
    the noise.
    """
    suits = kernel.suits(noise, weights[1].shape[0])
    built = kernel.load(noise.shape[2])[0] if suits else None
    path = LatentPath if built is None else KernelPath
    apply: Callable[..., Tensor] = path.apply  # untyped in some versions of PyTorch
    return apply(*(t.contiguous() for t in (start, drive, noise, *weights)))


class KernelPath(torch.autograd.Function):
    """The path by the C kernel; it stores the states only and recomputes the rest."""

    @staticmethod
    def forward(ctx: Any, start: Tensor, drive: Tensor, noise: Tensor, *weights: Tensor) -> Tensor:
        """Arguments of `latent_path`."""
        states = _kernel(noise).forward(start, drive, noise, weights)
        ctx.save_for_backward(start, drive, noise, states, *weights)
        return states

    @staticmethod
    def backward(ctx: Any, grad_states: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients in the order of the arguments."""
        start, drive, noise, states, *weights = ctx.saved_tensors
        wanted = any(ctx.needs_input_grad[3:])
        grad_start, grad_drive, grads = _kernel(noise).backward(
            start, drive, noise, weights, states, grad_states.contiguous(), wanted
        )
        return (grad_start, grad_drive, None, *grads)


def _kernel(noise: Tensor) -> kernel.Kernel:
    built, reason = kernel.load(noise.shape[2])
    if built is None:
        raise RuntimeError(f"the C kernel is gone: {reason}")
    return built


class LatentPath(torch.autograd.Function):
    """The path in PyTorch, on any device and in any precision.

    Units lie along the rows and paths along the columns, so that f, k and z are whole blocks of
    memory; bias and drive are rows of the input. As in the kernel only the states are kept and the
    way back computes a step again, and on the CPU some hundred paths go through all steps together:
    what a step touches stays in the cache, which new memory never is in.
    """

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
        weights = (state_in, drive_in, hidden_bias, out, out_bias)
        states = torch.empty_like(noise)
        for part in _column_parts(noise):
            states[:, part] = _walk(start[part], drive[:, part], noise[:, part], weights)
        ctx.save_for_backward(start, drive, noise, states, *weights)
        return states

    @staticmethod
    def backward(ctx: Any, grad_states: Tensor) -> tuple[Tensor | None, ...]:
        """Walk the steps of each part backwards, the weights' gradients collected on the way."""
        start, drive, noise, states, *given = ctx.saved_tensors
        weights = cast("Weights", tuple(given))
        latent, hidden = start.shape[1], weights[1].shape[0]
        grad_start, grad_drive = torch.empty_like(start), torch.empty_like(drive)
        sums = None
        if any(ctx.needs_input_grad[3:]):
            sums = (
                start.new_zeros(hidden, latent + 2),
                start.new_zeros(3 * latent, hidden + 1),
            )
        for part in _column_parts(noise):
            before = torch.cat([start[part].unsqueeze(0), states[:-1, part]])
            grad_start[part], grad_drive[:, part] = _walk_back(
                grad_states[:, part], before, drive[:, part], noise[:, part], weights, sums
            )
        if sums is None:
            return (grad_start, grad_drive, *(None,) * 6)
        into, onto = sums
        return (
            grad_start, grad_drive, None,
            into[:, :latent], into[:, latent], into[:, latent + 1], onto[:, :-1], onto[:, -1],
        )  # fmt: skip


def _column_parts(noise: Tensor) -> list[slice]:
    batch = noise.shape[1]
    size = COLUMNS if noise.device.type == "cpu" else max(batch, 1)
    return [slice(first, min(first + size, batch)) for first in range(0, batch, size)]


class _Step:
    """One step of some paths in memory that is used again by every step."""

    def __init__(self, weights: Weights, batch: int) -> None:
        state_in, drive_in, hidden_bias, out, out_bias = weights
        units, self.latent = state_in.shape
        self.into = torch.cat([state_in, drive_in.unsqueeze(1), hidden_bias.unsqueeze(1)], 1)
        onto = torch.cat([out, out_bias.unsqueeze(1)], 1)
        # tanh f = 2 σ(2 f) − 1, at half the cost
        self.onto = torch.cat([2 * onto[: self.latent], onto[self.latent :]])
        self.before, self.gate = (out.new_empty(units, batch) for _ in range(2))
        self.with_one = out.new_ones(units + 1, batch)
        self.h = self.with_one[:-1]
        self.raw, self.bent = (out.new_empty(3 * self.latent, batch) for _ in range(2))
        self.kick = self.raw[2 * self.latent :]
        self.goal, self.rate, self.by_kick = self.bent.view(3, self.latent, batch).unbind()
        self.away = torch.empty_like(self.goal)

    def evaluate(self, inputs: Tensor, x: Tensor) -> None:
        """Hidden layer and f, k, z of `inputs` `(D + 2, B)`, whose first rows are `x`."""
        torch.mm(self.into, inputs, out=self.before)
        torch.sigmoid(self.before, out=self.gate)
        torch.mul(self.before, self.gate, out=self.h)
        torch.mm(self.onto, self.with_one, out=self.raw)
        torch.sigmoid(self.raw, out=self.bent)
        self.goal.mul_(2).sub_(1)
        torch.sub(self.goal, x, out=self.away)

    def slopes(self, noise: Tensor, rest: Tensor) -> Tensor:
        """Of the new state by f, k, z `(3, D, B)`; `rest` becomes that by the old state.

        `before` becomes the slope of the hidden layer, and goal, rate and the rest are used up.
        """
        self.before.sub_(self.h).mul_(self.gate).add_(self.gate)  # σ + σ (a − a σ)
        torch.neg(self.rate, out=rest).add_(1)
        self.goal.square_().neg_().add_(1).mul_(self.rate)
        self.rate.mul_(rest).mul_(self.away)
        self.by_kick.mul_(noise).mul_(NOISE_SCALE)
        return self.bent.view(3, *rest.shape)


def _inputs(x: Tensor, drive: Tensor) -> Tensor:
    """`(T, D + 2, B)` from states `(T, B, D)` and drive `(T, B)`; the last row is one."""
    steps, batch, latent = x.shape
    inputs = x.new_empty(steps, latent + 2, batch)
    inputs[:, :latent] = x.transpose(1, 2)
    inputs[:, latent] = drive
    inputs[:, latent + 1] = 1
    return inputs


def _walk(start: Tensor, drive: Tensor, noise: Tensor, weights: Weights) -> Tensor:
    """States `(T, B, D)` of a part."""
    steps, batch, latent = noise.shape
    step = _Step(weights, batch)
    noise = noise.transpose(1, 2).contiguous()
    inputs = start.new_empty(steps + 1, latent + 2, batch)
    inputs[0, :latent] = start.t()
    inputs[:-1, latent] = drive
    inputs[:, latent + 1] = 1
    states = inputs[:, :latent]
    for at, x, x_next, noise_t in zip(inputs[:-1], states[:-1], states[1:], noise, strict=True):
        step.evaluate(at, x)
        torch.addcmul(x, step.rate, step.away, out=x_next)
        x_next.addcmul_(functional.softplus(step.kick), noise_t, value=NOISE_SCALE)
    return states[1:].transpose(1, 2)


def _walk_back(
    grad_states: Tensor,
    states: Tensor,
    drive: Tensor,
    noise: Tensor,
    weights: Weights,
    sums: tuple[Tensor, Tensor] | None,
) -> tuple[Tensor, Tensor]:
    """Gradients of start `(B, D)` and drive `(T, B)` of a part; those of the weights to `sums`.

    `states` are those before each step.
    """
    steps, batch, latent = noise.shape
    step = _Step(weights, batch)
    inputs = _inputs(states, drive)
    back = torch.cat([weights[0], weights[1].unsqueeze(1)], 1).t().contiguous()
    out_back = weights[3].t().contiguous()
    grads, noise = (e.transpose(1, 2).contiguous() for e in (grad_states, noise))
    grad_drive = grads.new_empty(steps, batch)
    carried, rest = torch.zeros_like(grads[0]), torch.empty_like(grads[0])
    of_hidden, of_inputs = torch.empty_like(step.before), grads.new_empty(latent + 1, batch)
    of_raw = torch.empty_like(step.raw)
    raw_parts, of_states, of_drive = of_raw.view(3, latent, batch), of_inputs[:-1], of_inputs[-1]
    hidden_rows = step.with_one.t()
    rows = list(zip(inputs, inputs[:, :latent], noise, grads, grad_drive, strict=True))
    for at, x, noise_t, grad_t, grad_drive_t in reversed(rows):
        carried += grad_t
        step.evaluate(at, x)
        torch.mul(step.slopes(noise_t, rest), carried, out=raw_parts)
        torch.mm(out_back, of_raw, out=of_hidden)
        of_hidden *= step.before
        torch.mm(back, of_hidden, out=of_inputs)
        torch.addcmul(of_states, carried, rest, out=carried)
        grad_drive_t.copy_(of_drive)
        if sums is not None:
            sums[0].addmm_(of_hidden, at.t())
            sums[1].addmm_(of_raw, hidden_rows)
    return carried.t(), grad_drive

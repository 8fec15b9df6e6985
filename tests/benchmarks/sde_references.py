"""The same path by other means, each a call of forward and backward: what a speed is held against.

The work is one for all: a batch of B paths, D = 16 states, H hidden units, T Euler steps of unit
length under a drive given step by step; gradients of all weights and of the start from a given
gradient of all states.

* `torchsde`: `sdeint`, drift and diffusion networks apart, as its users write them
* `torchsde, f_and_g`: the twin's own shared network through `models.standard_sde`
* `loop`: a plain loop of autograd over the shared network
* `diffrax`: the same two networks, `Euler` with a direct adjoint, compiled (where it is installed)
* `products`: nothing but the matrix products that the path can't do without
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
import torchsde
from torch import Tensor, nn

from models.latent import TwinModel
from models.standard_sde import standard_path

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Work:
    """Sizes of the work, and what all references are given."""

    batch: int
    hidden: int = 64
    steps: int = 100
    latent: int = 16

    def arrays(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Start `(B, D)`, drive `(T, B)` in 0…1, noise and gradient `(T, B, D)`."""
        generator = torch.Generator().manual_seed(0)
        shape = (self.steps, self.batch, self.latent)
        return (
            torch.zeros(self.batch, self.latent, requires_grad=True),
            torch.rand(shape[:2], generator=generator),
            torch.randn(shape, generator=generator),
            torch.randn(shape, generator=generator),
        )


class UsersSDE(nn.Module):
    """Drift and diffusion as two networks, the drive indexed within: torchsde's examples do so."""

    noise_type, sde_type = "diagonal", "ito"

    def __init__(self, work: Work, drive: Tensor) -> None:
        super().__init__()
        d, h = work.latent, work.hidden
        self.drift = nn.Sequential(nn.Linear(d + 1, h), nn.SiLU(), nn.Linear(h, d))
        self.spread = nn.Sequential(nn.Linear(d + 1, h), nn.SiLU(), nn.Linear(h, d), nn.Softplus())
        self.rows = drive.unbind()  # indexing in the loop is slower still

    def _inputs(self, t: Tensor, x: Tensor) -> Tensor:
        row = self.rows[min(int(t), len(self.rows) - 1)]
        return torch.cat([x, row.unsqueeze(-1)], 1)

    def f(self, t: Tensor, x: Tensor) -> Tensor:
        return self.drift(self._inputs(t, x))

    def g(self, t: Tensor, x: Tensor) -> Tensor:
        return self.spread(self._inputs(t, x))


def twinrig(work: Work, *, backward: bool = True) -> Callable[[], Any]:
    start, drive, noise, grad = work.arrays()
    model = TwinModel(2, work.latent, work.hidden)
    return _call(lambda: model.path(start, drive, noise), grad, backward)


def torchsde_of_users(work: Work, *, backward: bool = True) -> Callable[[], Any]:
    start, drive, _, grad = work.arrays()
    sde, times = UsersSDE(work, 2 * drive - 1), torch.arange(work.steps + 1.0)
    return _call(
        lambda: torchsde.sdeint(sde, start, times, dt=1.0, method="euler")[1:], grad, backward
    )


def torchsde_shared(work: Work, *, backward: bool = True) -> Callable[[], Any]:
    start, drive, noise, grad = work.arrays()
    model = TwinModel(2, work.latent, work.hidden)
    return _call(lambda: standard_path(model, start, drive, noise), grad, backward)


def plain_loop(work: Work, *, backward: bool = True) -> Callable[[], Any]:
    start, drive, noise, grad = work.arrays()
    model = TwinModel(2, work.latent, work.hidden)

    def walk() -> Tensor:
        x, states = start, []
        for drive_t, noise_t in zip(drive.unbind(), noise.unbind(), strict=True):
            drift, spread = model.drift_diffusion(x, drive_t)
            x = x + drift + spread * noise_t
            states.append(x)
        return torch.stack(states)

    return _call(walk, grad, backward)


def matrix_products(work: Work, *, backward: bool = True) -> Callable[[], Any]:
    """The products of one forward and, with `backward`, of its two gradients, step by step."""
    b, d, h = work.batch, work.latent, work.hidden
    inputs, hidden, raw = torch.randn(b, d + 1), torch.randn(b, h), torch.randn(b, 3 * d)
    into, onto = torch.randn(d + 1, h), torch.randn(h, 3 * d)

    def multiply() -> None:
        for _ in range(work.steps):
            torch.mm(inputs, into, out=hidden)
            torch.mm(hidden, onto, out=raw)
            if backward:
                torch.mm(raw, onto.t())
                torch.mm(hidden, into.t())
                torch.mm(inputs.t(), hidden)
                torch.mm(hidden.t(), raw)

    return multiply


def diffrax_of_users(work: Work, *, backward: bool = True) -> Callable[[], Any] | None:
    """None where diffrax is not installed (`pip install -e .[compare]`)."""
    if importlib.util.find_spec("diffrax") is None:
        return None
    import diffrax
    import jax
    from jax import numpy as jnp

    d, h, b = work.latent, work.hidden, work.batch
    keys = jax.random.split(jax.random.PRNGKey(0), 5)
    weights = [
        jax.random.normal(key, shape) / shape[0] ** 0.5
        for key, shape in zip(
            keys, ((d + 1, h), (h, d), (d + 1, h), (h, d), (work.steps, b)), strict=True
        )
    ]
    *weights, drive = weights
    grad = jax.random.normal(keys[4], (work.steps, b, d))

    def one(weights: list[Any], start: Any, drive: Any, key: Any) -> Any:
        def inputs(t: Any, x: Any) -> Any:
            at = jnp.clip(t.astype(int), 0, work.steps - 1)
            return jnp.concatenate([x, drive[at][None]])

        def drift(t: Any, x: Any, _: Any) -> Any:
            return jax.nn.silu(inputs(t, x) @ weights[0]) @ weights[1]

        def spread(t: Any, x: Any, _: Any) -> Any:
            raw = jax.nn.silu(inputs(t, x) @ weights[2]) @ weights[3]
            return lineax.DiagonalLinearOperator(jax.nn.softplus(raw))

        import lineax

        path = diffrax.VirtualBrownianTree(0.0, work.steps, tol=0.5, shape=(d,), key=key)
        terms = diffrax.MultiTerm(diffrax.ODETerm(drift), diffrax.ControlTerm(spread, path))
        found = diffrax.diffeqsolve(
            terms, diffrax.Euler(), 0.0, float(work.steps), 1.0, start,
            saveat=diffrax.SaveAt(ts=jnp.arange(1.0, work.steps + 1.0)),
            adjoint=diffrax.DirectAdjoint(), max_steps=work.steps + 1,
        )  # fmt: skip
        return found.ys

    def loss(weights: list[Any], start: Any) -> Any:
        seeds = jax.random.split(keys[3], b)
        paths = jax.vmap(one, in_axes=(None, 0, 1, 0))(weights, start, drive, seeds)
        return (paths.transpose(1, 0, 2) * grad).sum()

    run = jax.jit(jax.value_and_grad(loss, argnums=(0, 1)) if backward else loss)
    start = jnp.zeros((b, d))
    return lambda: jax.block_until_ready(run(weights, start))


def _call(walk: Callable[[], Tensor], grad: Tensor, backward: bool) -> Callable[[], Any]:
    def forward_only() -> None:
        with torch.no_grad():
            walk()

    return (lambda: torch.autograd.backward(walk(), grad)) if backward else forward_only


REFERENCES: dict[str, Callable[..., Callable[[], Any] | None]] = {
    "torchsde": torchsde_of_users,
    "torchsde, f_and_g": torchsde_shared,
    "loop": plain_loop,
    "diffrax": diffrax_of_users,
    "products": matrix_products,
}

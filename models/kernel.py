"""The C kernel of the latent path (`latent_path.c`), where a compiler was found (`compiled`).

Without one the PyTorch path does the same; `describe()` says which one runs.
"""

from __future__ import annotations

import ctypes
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import torch

from models import compiled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

T = TypeVar("T")
ROOMS, MAX_HIDDEN = (16, 32), 128  # latent states that a kernel is built for; units
TILE = 16  # paths that the kernel takes at a time
SMALLEST_PART, SMALLEST_SHARE = 32, 1000  # paths, and steps of paths, that are worth a thread


@dataclass(frozen=True)
class Kernel:
    """The loaded library.

    Calls share a batch between threads (`ctypes` lets go of Python's lock) where each gets enough
    of it; `threads` of 1 keeps to the caller's.
    """

    library: ctypes.CDLL
    threads: int = 1

    def forward(
        self, start: Tensor, drive: Tensor, noise: Tensor, weights: Sequence[Tensor]
    ) -> Tensor:
        """States `(T, B, D)`; arguments as `LatentPath.forward`, contiguous float32 on the CPU."""
        states = torch.empty_like(noise)

        def part(first: int, count: int) -> None:
            self.library.forward(
                *_addresses(start, drive, noise, *weights),
                *_sizes(noise, weights, first, count),
                *_addresses(states),
            )

        self._in_parts(noise, part)
        return states

    def backward(
        self,
        start: Tensor,
        drive: Tensor,
        noise: Tensor,
        weights: Sequence[Tensor],
        states: Tensor,
        grad_states: Tensor,
        with_weights: bool,
    ) -> tuple[Tensor, Tensor, list[Tensor | None]]:
        """Gradients of start, drive and (if wanted) of the weights."""
        grad_start, grad_drive = torch.empty_like(start), torch.empty_like(drive)

        def part(first: int, count: int) -> list[Tensor | None]:
            grads = [torch.empty_like(w) if with_weights else None for w in weights]
            self.library.backward(
                *_addresses(start, drive, noise, *weights),
                *_sizes(noise, weights, first, count),
                *_addresses(states, grad_states, grad_start, grad_drive, *grads),
            )
            return grads

        total, *others = self._in_parts(noise, part)
        for grads in others:
            for one, other in zip(total, grads, strict=True):
                if one is not None and other is not None:
                    one += other
        return grad_start, grad_drive, total

    def _in_parts(self, noise: Tensor, part: Callable[[int, int], T]) -> list[T]:
        """What `part(first, count)` returns for the batch's parts, in their order."""
        steps, batch, _ = noise.shape
        most = min(self.threads, batch // SMALLEST_PART, steps * batch // SMALLEST_SHARE)
        return compiled.in_parts(batch, most, TILE, part)


def _addresses(*tensors: Tensor | None) -> list[ctypes.c_void_p]:
    return [ctypes.c_void_p(0 if t is None else t.data_ptr()) for t in tensors]


def _sizes(noise: Tensor, weights: Sequence[Tensor], first: int, count: int) -> list[ctypes.c_int]:
    numbers = (*noise.shape, weights[1].shape[0], first, count)
    return [ctypes.c_int(n) for n in numbers]


def suits(noise: Tensor, hidden: int) -> bool:
    """Whether a kernel's arrays hold this problem: float32 on the CPU, D ≤ 32, H ≤ 128."""
    fits = noise.shape[2] <= ROOMS[-1] and hidden <= MAX_HIDDEN
    return fits and noise.dtype == torch.float32 and noise.device.type == "cpu"


def load(latent: int = ROOMS[0]) -> tuple[Kernel | None, str]:
    """The kernel for so many latent states, or None, and the reason in words."""
    return _loaded(next((room for room in ROOMS if latent <= room), ROOMS[-1]))


@functools.cache
def _loaded(room: int) -> tuple[Kernel | None, str]:
    library, words = compiled.library("models", "latent_path", (f"-DSTATE={room}",))
    if library is None:
        return None, words
    library.forward.restype = library.backward.restype = None
    return Kernel(library, compiled.threads()), words


def describe(latent: int = ROOMS[0], hidden: int = 0) -> str:
    """Which path a twin of these sizes runs by on this processor, in words."""
    if latent > ROOMS[-1] or hidden > MAX_HIDDEN:
        return (
            f"PyTorch (the C kernel, which is faster, holds {ROOMS[-1]} latent states and "
            f"{MAX_HIDDEN} hidden units at most: this twin has {latent} and {hidden})"
        )
    return load(latent)[1]

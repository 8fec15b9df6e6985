"""Initial weights of a network of twins, and which of them stay zero."""

from __future__ import annotations

import math

import torch
from torch import Tensor

FIRST_WEIGHTS = (1.0, 6.0)  # magnitude, either sign: steep, so that nodes differ
LATER_GAIN = 1.2  # later weights ~ N(0, gain² / fan-in)
BIASES = (-2.0, 1.0)  # diverse biases put nodes at different working points


def initial_weights(
    nodes: int, seen: int, generator: torch.Generator, *, only_inputs: bool, kept: float = 1.0
) -> Tensor:
    """Weights `(nodes, seen)`: steep where a layer sees the task's inputs alone.

    `kept`: share of them that will not be zero; the others are the larger for it.
    """
    fan_in = max(1.0, kept * seen)
    if only_inputs:
        low, high = FIRST_WEIGHTS
        size = low + (high - low) * torch.rand(nodes, seen, generator=generator)
        sign = 2 * torch.randint(0, 2, (nodes, seen), generator=generator) - 1
        return size * sign / math.sqrt(fan_in)
    return LATER_GAIN / math.sqrt(fan_in) * torch.randn(nodes, seen, generator=generator)


def initial_biases(nodes: int, generator: torch.Generator) -> Tensor:
    """Biases `(nodes,)`, spread over `BIASES`."""
    low, high = BIASES
    return low + (high - low) * torch.rand(nodes, generator=generator)


def input_mask(nodes: int, seen: int, sparsity: float, generator: torch.Generator) -> Tensor:
    """Ones and zeros `(nodes, seen)`: each node keeps as many of its weights, at least one."""
    kept = max(1, round((1 - sparsity) * seen))
    ranks = torch.rand(nodes, seen, generator=generator).argsort(dim=1).argsort(dim=1)
    return (ranks < kept).float()

"""The Wasserstein critic of the published method, its gradient penalty, and feature matching."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.published import relu_network

TINY = 1e-12  # under roots, whose slope at 0 has no bound: the spread of a unit that never fires


class Critic(nn.Module):
    """Wasserstein critic of segments with their drive, `(B, H (C + 1))`."""

    def __init__(self, inputs: int, layers: tuple[int, ...]) -> None:
        super().__init__()
        self.body = nn.Sequential(relu_network((inputs, *layers)), nn.ReLU())
        self.head = nn.Linear(layers[-1], 1)

    def features(self, segments: Tensor) -> Tensor:
        """Last hidden layer `(B, layers[-1])` of segments."""
        out: Tensor = self.body(segments)
        return out

    def forward(self, segments: Tensor) -> Tensor:
        """Scores `(B,)` of segments: high for what looks real."""
        out: Tensor = self.head(self.features(segments))
        return out.squeeze(1)


def gradient_penalty(
    critic: nn.Module, real: Tensor, fake: Tensor, generator: torch.Generator
) -> Tensor:
    """Mean of (‖slope of the critic‖ − 1)² at random points between real and fake `(B, ·)`."""
    share = torch.rand(len(real), 1, generator=generator, device=real.device)
    between = (share * real + (1 - share) * fake).requires_grad_()
    (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    return (slope.square().sum(dim=1).add(TINY).sqrt() - 1).square().mean()


def feature_distance(fake: Tensor, real: Tensor) -> Tensor:
    """Squared differences of mean and spread over segments of features `(B, F)`, averaged."""
    spread = [(x.var(dim=0) + TINY).sqrt() for x in (fake, real)]
    means = (fake.mean(dim=0) - real.mean(dim=0)).square().mean()
    return means + (spread[0] - spread[1]).square().mean()

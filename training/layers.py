"""Layers of twins: the network as torch sees it, one batched path a layer, always fresh noise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.latent import TwinModel

FIRST_WEIGHTS = (1.0, 6.0)  # magnitude, either sign: steep, so that nodes differ
LATER_GAIN = 1.2  # later weights ~ N(0, gain² / fan-in)
BIASES = (-2.0, 1.0)  # diverse biases put nodes at different working points
CHUNK_STEPS = 64


@dataclass(frozen=True)
class Passed:
    """What one chunk gave: features `(T, B, F)`, end states, drives `(T, B, nodes)` a layer.

    `excess` is the mean square by which activations left the range of drives.
    """

    features: Tensor
    states: list[Tensor]
    drives: list[Tensor]
    excess: Tensor


class NodeLayers(nn.Module):
    """Trainable weights between layers of frozen twins.

    Parameters
    ----------
    twins
        One twin a layer.
    ranges
        Lowest and highest drive each twin was fitted on.
    nodes
        Number of nodes a layer.
    inputs
        Number of task inputs.
    generator
        Draws the initial weights (science of the values: diverse and steep, see the constants).
    gain
        Multiplies the initial weights; 1 for training.
    """

    def __init__(
        self,
        twins: Sequence[TwinModel],
        ranges: Sequence[tuple[float, float]],
        nodes: Sequence[int],
        inputs: int,
        generator: torch.Generator,
        gain: float = 1.0,
    ) -> None:
        super().__init__()
        self.twins = list(twins)  # a plain list: the twins are not this module's parameters
        self.ranges, self.nodes, self.inputs = list(ranges), list(nodes), inputs
        self.channels = self.twins[0].channels
        for twin in self.twins:
            twin.requires_grad_(False)
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        before = inputs
        for index, count in enumerate(self.nodes):
            self.weights.append(nn.Parameter(gain * _initial(index, count, before, generator)))
            low, high = BIASES
            draw = torch.rand(count, generator=generator)
            self.biases.append(nn.Parameter(low + (high - low) * draw))
            before = count * self.channels
        self.register_buffer("mean", torch.zeros(self.features))
        self.register_buffer("scale", torch.ones(self.features))

    mean: Tensor
    scale: Tensor

    @property
    def features(self) -> int:
        """Number of features: the inputs and every node's channels."""
        return self.inputs + self.channels * sum(self.nodes)

    @property
    def noisy(self) -> bool:
        """Whether two passes differ."""
        return not all(twin.deterministic for twin in self.twins)

    def block(self, layer: int) -> slice:
        """Where a layer's channels stand among the features; −1: the task's inputs."""
        if layer < 0:
            return slice(0, self.inputs)
        start = self.inputs + self.channels * sum(self.nodes[:layer])
        return slice(start, start + self.channels * self.nodes[layer])

    def through(self, twins: Sequence[TwinModel]) -> NodeLayers:
        """The same network of other twins, one a layer: same weights, scales in device units."""
        draw = torch.Generator().manual_seed(0)
        other = NodeLayers(twins, self.ranges, self.nodes, self.inputs, draw)
        other.load_state_dict(self.state_dict())
        for layer, (old, new) in enumerate(zip(self.twins, twins, strict=True)):
            block, count = self.block(layer), self.nodes[layer]
            ratio = (old.scale / new.scale).repeat(count)
            shift = ((old.offset - new.offset) / new.scale).repeat(count)
            other.mean[block] = shift + ratio * self.mean[block]
            other.scale[block] = ratio * self.scale[block]
        return other

    def start(self, batch: int, generator: torch.Generator) -> list[Tensor]:
        """States `(B · nodes, D)` of each layer after a reset."""
        pairs = zip(self.twins, self.nodes, strict=True)
        return [twin.initial(batch * count, generator).clone() for twin, count in pairs]

    def activation(self, layer: int, before: Tensor) -> tuple[Tensor, Tensor]:
        """Drives `(T, B, nodes)` inside the fitted range, and the mean squared excess.

        `before` `(T, B, ·)` are the raw features of the layer before. d = clamp(a/4 + 1/2, 0, 1),
        mapped onto the range: a hard clamp beat a sigmoid; the excess is what a penalty needs,
        since the clamp has no gradient outside.
        """
        block = self.block(layer - 1)
        standard = (before - self.mean[block]) / self.scale[block]
        free = standard @ self.weights[layer].t() / 4 + (self.biases[layer] / 4 + 0.5)
        inside = free.clamp(0.0, 1.0)
        low, high = self.ranges[layer]
        return low + (high - low) * inside, ((free - inside) ** 2).mean()

    def respond(
        self, layer: int, drive: Tensor, state: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Noisy normalised responses `(T, B, nodes · C)` to drives, and the states after them."""
        twin, (steps, batch, count) = self.twins[layer], drive.shape
        flat = drive.reshape(steps, batch * count)
        states = twin.path(state, flat, twin.draw(steps, batch * count, generator))
        noisy = twin.decode(states, flat) + twin.white((steps, batch * count), generator)
        return noisy.reshape(steps, batch, count * self.channels), states[-1].detach()

    def forward(self, inputs: Tensor, states: list[Tensor], generator: torch.Generator) -> Passed:
        """Run inputs `(T, B, n_in)` through all layers from `states`, with fresh noise."""
        parts, drives, ends, excess = [inputs], [], [], inputs.new_zeros(())
        for layer, state in enumerate(states):
            drive, outside = self.activation(layer, parts[-1])
            response, end = self.respond(layer, drive, state, generator)
            parts.append(response)
            drives.append(drive)
            ends.append(end)
            excess = excess + outside / len(states)
        return Passed(torch.cat(parts, dim=-1), ends, drives, excess)

    @torch.no_grad()
    def run(self, inputs: Tensor, passes: int, generator: torch.Generator) -> Tensor:
        """Features `(T, passes, F)` of `passes` independent runs of `inputs` `(T, n_in)`."""
        states, parts = self.start(passes, generator), []
        for chunk in torch.split(inputs.unsqueeze(1).expand(-1, passes, -1), CHUNK_STEPS):
            passed = self.forward(chunk, states, generator)
            states = passed.states
            parts.append(passed.features)
        return torch.cat(parts)

    @torch.no_grad()
    def standardise(self, inputs: Tensor, passes: int, generator: torch.Generator) -> None:
        """Set mean and scale of all features from runs of `inputs` `(T, n_in)`, layer by layer.

        They then stay: what training moves are the weights on a fixed scale.
        """
        before = inputs.unsqueeze(1).expand(-1, passes, -1)
        self._measure(-1, before)
        for layer, state in enumerate(self.start(passes, generator)):
            parts = []
            for chunk in torch.split(before, CHUNK_STEPS):
                drive, _ = self.activation(layer, chunk)
                response, state = self.respond(layer, drive, state, generator)
                parts.append(response)
            before = torch.cat(parts)
            self._measure(layer, before)

    def _measure(self, layer: int, features: Tensor) -> None:
        block = self.block(layer)
        spread = features.std(dim=(0, 1))
        self.mean[block] = features.mean(dim=(0, 1))
        # a node stuck at one end of its range answers a constant: leave it unscaled
        self.scale[block] = torch.where(spread > 1e-6, spread, torch.ones_like(spread))


def _initial(layer: int, nodes: int, inputs: int, generator: torch.Generator) -> Tensor:
    if layer == 0:
        low, high = FIRST_WEIGHTS
        size = low + (high - low) * torch.rand(nodes, inputs, generator=generator)
        return size * (2 * torch.randint(0, 2, (nodes, inputs), generator=generator) - 1)
    draw = torch.randn(nodes, inputs, generator=generator)
    return LATER_GAIN / math.sqrt(inputs) * draw

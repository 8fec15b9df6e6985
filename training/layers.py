"""Layers of twins: the network as torch sees it, one batched path a layer, always fresh noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from models.mixture import woven
from models.wiring import INPUTS, Source
from training.carried import Carried, Passed
from training.initial import initial_biases, initial_weights, input_mask
from training.played import play
from training.readout import pooled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from models.latent import TwinModel
    from models.wiring import Sources
    from training.design import Design


def unasked() -> None:
    """Between two chunks where nobody can ask for anything."""


class NodeLayers(nn.Module):
    """Trainable weights between layers of frozen twins.

    Parameters
    ----------
    members
        The twins, by ensemble member and layer, those of a layer with as many channels; column b
        of a batch goes through member b mod members in all layers.
    ranges
        Lowest and highest drive each layer's twins were fitted on.
    design
        The layout.
    inputs
        Number of task inputs.
    generator
        Draws the initial weights and masks.
    gain
        Multiplies the initial weights; 1 for training.
    units
        By layer, offset and scale `(C,)` of the features' units; default: the first member's.

    Attributes
    ----------
    between
        Called before each chunk of a `walk` or `standardise`, which may last minutes: it raises
        where somebody has asked to stop.
    """

    def __init__(
        self,
        members: Sequence[Sequence[TwinModel]],
        ranges: Sequence[tuple[float, float]],
        design: Design,
        inputs: int,
        generator: torch.Generator,
        gain: float = 1.0,
        units: list[tuple[Tensor, Tensor]] | None = None,
    ) -> None:
        super().__init__()
        # plain lists: the twins are not this module's parameters
        self.members = [list(twins) for twins in members]
        self.ranges, self.design, self.inputs = list(ranges), design, inputs
        self.between: Callable[[], None] = unasked
        first = self.members[0]
        self.units = units or [(twin.offset, twin.scale) for twin in first]
        self.channels = [twin.channels for twin in first]
        for twin in (twin for twins in self.members for twin in twins):
            twin.requires_grad_(False)
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for layer, count in enumerate(design.nodes):
            sources = design.sources[layer]
            seen = sum(design.width(source.layer, inputs) for source in sources)
            only = all(source.layer == INPUTS for source in sources)
            kept = 1 - design.sparsity
            draw = initial_weights(count, seen, generator, only_inputs=only, kept=kept)
            self.weights.append(nn.Parameter(gain * draw))
            self.biases.append(nn.Parameter(initial_biases(count, generator)))
            if design.sparsity:
                mask = input_mask(count, seen, design.sparsity, generator)
                self.register_buffer(f"mask{layer}", mask)
        self.register_buffer("mean", torch.zeros(self.features))
        self.register_buffer("scale", torch.ones(self.features))

    mean: Tensor
    scale: Tensor

    @property
    def features(self) -> int:
        """Number of features: the inputs and every node's channels in use."""
        return int(self.block(len(self.design.nodes) - 1).stop)

    @property
    def depth(self) -> int:
        """Number of layers."""
        return len(self.design.nodes)

    @property
    def noisy(self) -> bool:
        """Whether two passes through one member differ."""
        return not all(twin.deterministic for twins in self.members for twin in twins)

    def block(self, layer: int) -> slice:
        """Where a layer's channels stand among the features; −1: the task's inputs."""
        return self.design.block(layer, self.inputs)

    def weight(self, layer: int) -> Tensor:
        """Weights `(nodes, seen)` of a layer, those that are masked zero."""
        weights: Tensor = self.weights[layer]
        if not self.design.sparsity:
            return weights
        return weights * self.get_buffer(f"mask{layer}")

    def through(self, members: Sequence[Sequence[TwinModel]]) -> NodeLayers:
        """The same network of other twins: same weights, features in the same units."""
        draw = torch.Generator().manual_seed(0)
        other = NodeLayers(members, self.ranges, self.design, self.inputs, draw, units=self.units)
        other.load_state_dict(self.state_dict())
        other.between = self.between
        return other

    def start(self, batch: int, generator: torch.Generator, depth: int | None = None) -> Carried:
        """What a batch begins with after a reset, for the first `depth` layers (all)."""
        depth, parts = self.depth if depth is None else depth, len(self.members)
        states, drives = [], []
        for layer, count in enumerate(self.design.nodes[:depth]):
            sizes = [len(range(member, batch, parts)) * count for member in range(parts)]
            states.append(
                [
                    twins[layer].initial(size, generator).clone()
                    for twins, size in zip(self.members, sizes, strict=True)
                ]
            )
            drives.append(torch.full((batch, count), torch.nan))
        known = self.mean[: self.block(depth - 1).stop]  # before the start: the mean, that is 0
        past = known.expand(self.design.past, batch, -1).clone()
        return Carried(states, past, drives)

    def activation(
        self, layer: int, seen: Tensor, last: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Drives `(T, B, nodes)` that can be played, the mean squared excess, the next `last`.

        `seen` `(T, B, ·)` is what the layer sees, standardised. d = clamp(a/4 + 1/2, 0, 1), mapped
        onto the fitted range, then what the supply makes of it after `last` `(B, nodes)`: a hard
        clamp beat a sigmoid; the excess is what a penalty needs, since the clamp has no gradient
        outside.
        """
        free = seen @ self.weight(layer).t() / 4 + (self.biases[layer] / 4 + 0.5)
        inside = free.clamp(0.0, 1.0)
        low, high = self.ranges[layer]
        wanted = low + (high - low) * inside
        drive, lag, ended = play(wanted, last, self.design.supply, low, high)
        return drive, ((free - inside) ** 2).mean() + lag, ended

    def respond(
        self, layer: int, drive: Tensor, states: list[Tensor], generator: torch.Generator
    ) -> tuple[Tensor, list[Tensor]]:
        """Noisy responses `(T, B, nodes, C)` to drives, and the states after them."""
        steps, _, count = drive.shape
        parts, ends, (offset, scale) = [], [], self.units[layer]
        for member, twins in enumerate(self.members):
            twin, part = twins[layer], drive[:, member :: len(self.members)]
            flat = part.reshape(steps, part.shape[1] * count)
            columns = flat.shape[1]
            path = twin.path(states[member], flat, twin.draw(steps, columns, generator))
            noisy = twin.decode(path, flat) + twin.white((steps, columns), generator)
            if twin.scale is not scale or twin.offset is not offset:  # another twin's units
                noisy = (twin.offset - offset) / scale + (twin.scale / scale) * noisy
            parts.append(noisy.reshape(steps, part.shape[1], count, twin.channels))
            ends.append(path[-1].detach())
        return (parts[0] if len(parts) == 1 else woven(parts)), ends

    def used(self, layer: int, responses: Tensor) -> Tensor:
        """Features `(T, B, ·)` of a layer from its responses `(T, B, nodes, C)`."""
        use = self.design.use[layer]
        if use != tuple(range(self.channels[layer])):
            responses = responses[..., list(use)]
        return responses.flatten(2)

    def seen(self, sources: Sources, parts: Sequence[Tensor], past: Tensor) -> Tensor:
        """Standardised features `(T, B, ·)` of sources; `parts` are those blocks of this chunk."""
        return torch.cat(
            [self._one(source, parts[source.layer + 1], past) for source in sources], -1
        )

    def _one(self, source: Source, part: Tensor, past: Tensor) -> Tensor:
        block, before = self.block(source.layer), past.shape[0]
        if source.delay:
            whole = torch.cat([past[:, :, block], part])
            part = whole[before - source.delay : len(whole) - source.delay]
        return (part - self.mean[block]) / self.scale[block]

    def forward(self, inputs: Tensor, carried: Carried, generator: torch.Generator) -> Passed:
        """Run inputs `(T, B, n_in)` through as many layers as `carried` has, with fresh noise."""
        design, depth = self.design, len(carried.states)
        parts, excess = [inputs], inputs.new_zeros(())
        drives, responses, ends = list[Tensor](), list[Tensor](), list[list[Tensor]]()
        slewed = list[Tensor]()
        for layer in range(depth):
            seen = self.seen(design.sources[layer], parts, carried.past)
            drive, outside, last = self.activation(layer, seen, carried.drives[layer])
            response, end = self.respond(layer, drive, carried.states[layer], generator)
            parts.append(self.used(layer, response))
            drives.append(drive)
            responses.append(response)
            ends.append(end)
            slewed.append(last)
            excess = excess + outside / depth
        features = torch.cat(parts, dim=-1)
        sources = tuple(source for source in design.readout if source.layer < depth)
        columns = pooled(self.seen(sources, parts, carried.past), design.window, design.pool)
        past = (
            torch.cat([carried.past, features.detach()])[-design.past :]
            if design.past
            else (carried.past)
        )
        on = Carried(ends, past, slewed)
        return Passed(features, columns, on, drives, responses, excess)

    @torch.no_grad()
    def walk(
        self, inputs: Tensor, passes: int, generator: torch.Generator, depth: int | None = None
    ) -> Iterator[Passed]:
        """Chunk by chunk, `passes` independent runs of `inputs` `(T, n_in)` from the reset."""
        carried = self.start(passes, generator, depth)
        for chunk in torch.split(inputs.unsqueeze(1).expand(-1, passes, -1), self.design.chunk):
            self.between()
            passed = self.forward(chunk, carried, generator)
            carried = passed.carried
            yield passed

    def run(
        self, inputs: Tensor, passes: int, generator: torch.Generator, depth: int | None = None
    ) -> Tensor:
        """What the read-out sees of `passes` runs of `inputs`, `(T / window, passes, columns)`."""
        return torch.cat([p.columns for p in self.walk(inputs, passes, generator, depth)])

    @torch.no_grad()
    def standardise(
        self,
        inputs: Tensor,
        passes: int,
        generator: torch.Generator,
        learned: Tensor | None = None,
    ) -> None:
        """Set mean and scale of all features from runs of `inputs` `(T, n_in)`, layer by layer.

        They then stay: what training moves are the weights on a fixed scale. `learned` `(T,)`: the
        steps that are measured; all others are run, and nothing is known of them. None: all.
        """
        parts = [inputs.unsqueeze(1).expand(-1, passes, -1)]
        seen = slice(None) if learned is None or learned.all() else learned
        self._measure(INPUTS, parts[0][seen])
        begin = self.start(passes, generator)
        for layer, (states, last) in enumerate(zip(begin.states, begin.drives, strict=True)):
            past = self.mean.expand(self.design.past, passes, -1)
            made = []
            for chunk in torch.split(self.seen(self.design.sources[layer], parts, past), 64):
                self.between()
                drive, _, last = self.activation(layer, chunk, last)
                response, states = self.respond(layer, drive, states, generator)
                made.append(self.used(layer, response))
            parts.append(torch.cat(made))
            self._measure(layer, parts[-1][seen])

    def _measure(self, layer: int, features: Tensor) -> None:
        block = self.block(layer)
        spread = features.std(dim=(0, 1))
        self.mean[block] = features.mean(dim=(0, 1))
        # a node stuck at one end of its range answers a constant: leave it unscaled
        self.scale[block] = torch.where(spread > 1e-6, spread, torch.ones_like(spread))

"""A network of nodes that one or several devices play: weights, and what its twins foresee."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from models.errors import InputError, raise_problems
from models.network_faults import not_numbers, wrong_shapes
from models.network_form import COMPUTED_WITH, FORECAST_ARRAYS, values_of
from models.network_parts import Device, Layer, TwinReference
from models.schemas import NETWORK
from models.score import pooled, score
from models.supply import Supply
from models.wiring import INPUTS, Source, Sources, delayed, longest_delay, with_taps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = [
    "KNOWN_DATA",
    "ORIGIN_UNKNOWN",
    "Device",
    "Layer",
    "Network",
    "TwinReference",
]
KNOWN_DATA = "known data, no unseen part"  # of a network's task: what a recalibration runs
ORIGIN_UNKNOWN = "origin_unknown"
"""Where `meta` keeps what can't be told of what a network before this one was trained on."""


@dataclass(frozen=True)
class Network:
    """Layers of time-multiplexed nodes, a linear read-out, the task's unseen part, predictions.

    Features are the task's inputs, then each layer's channels in use (node by node), `F` in all, in
    its device's units; layers and read-out see them standardised, as they are or were some steps
    ago. A series of T steps is answered once every `answer_every` steps. Where nodes of one layer
    are of several devices, they are several layers beside each other: they see the same.

    Attributes
    ----------
    layers
        One `Layer` each; a layer sees the task's inputs and earlier layers only.
    feature_mean, feature_scale
        float64 `(F,)`: standardised = (feature − mean) / scale.
    readout_weights, readout_bias
        float64 `(columns, n_out)` and `(n_out,)`, on standardised features.
    task
        `name`, `metric`, `options`, `description`.
    inputs, targets
        `(T, n_in)`, `(T / answer_every, n_out)`: the deployment run, `washout` steps first, then
        the unseen part.
    washout
        Steps at the start of the run that are not scored.
    twins
        One reference for all layers, or one a layer; then those of an ensemble's other members.
    devices
        Those that the layers name, each as it was recorded: its bench must be the same.
    predicted
        `value`, `low`, `high`: score of one pass foreseen by the twin, median and 90 % interval.
    baselines
        Name → score on the unseen part.
    forecast_mean, forecast_low, forecast_high
        `(answers, n_out)` of the unseen part: the twin's forecasts, mean and 90 % interval.
    node_mean, node_std
        `(nodes, T, C)` over the ensemble, in units, nodes in schedule order; C is that of the
        device with the most channels, the others' further ones are zero.
    meta
        id, created, seed, code_version, parents, how it was trained.
    answer_every, pool
        As `window` and `pool` of a `Task`.
    readout
        What the read-out sees; empty: the inputs and all layers, undelayed.
    classes
        Names of the outputs where they are classes.
    supply
        What the supply can play of a drive.
    """

    layers: tuple[Layer, ...]
    feature_mean: FloatArray
    feature_scale: FloatArray
    readout_weights: FloatArray
    readout_bias: FloatArray
    task: dict[str, Any]
    inputs: FloatArray
    targets: FloatArray
    washout: int
    twins: tuple[TwinReference, ...]
    devices: tuple[Device, ...]
    predicted: dict[str, float]
    baselines: dict[str, float]
    forecast_mean: FloatArray
    forecast_low: FloatArray
    forecast_high: FloatArray
    node_mean: FloatArray
    node_std: FloatArray
    meta: dict[str, Any] = field(default_factory=dict)
    answer_every: int = 1
    pool: str = "step"
    readout: Sources = ()
    classes: tuple[str, ...] = ()
    supply: Supply = field(default_factory=Supply)

    def __post_init__(self) -> None:
        raise_problems(InputError, "network", [*wrong_shapes(self), *not_numbers(self)])

    @property
    def nodes(self) -> int:
        """Number of nodes in all layers."""
        return sum(layer.nodes for layer in self.layers)

    @property
    def steps(self) -> int:
        """Steps of one node's run: washout and the unseen part."""
        return int(self.inputs.shape[0])

    @property
    def unscored(self) -> int:
        """Answers of the washout."""
        return self.washout // self.answer_every

    @property
    def unseen_targets(self) -> FloatArray:
        """Targets `(answers, n_out)` of the unseen part."""
        return self.targets[self.unscored :]

    @property
    def origin_unknown(self) -> tuple[str, ...]:
        """What can't be told of what a network that this one went on from was trained on.

        Sentences; with any of them, scores on the unseen part may be ones of memory.
        """
        kept = self.meta.get(ORIGIN_UNKNOWN)
        return tuple(str(words) for words in kept) if isinstance(kept, list) else ()

    @property
    def past(self) -> int:
        """Steps of the past that a layer or the read-out looks at."""
        return longest_delay(*(self.seen_by(layer) for layer in range(len(self.layers) + 1)))

    @property
    def columns(self) -> int:
        """Columns that the read-out sees."""
        wide = self.answer_every if self.pool == "all" else 1
        return wide * sum(self.width(source.layer) for source in self.seen_by(len(self.layers)))

    def seen_by(self, layer: int) -> Sources:
        """What a layer sees; the read-out is the layer after the last."""
        if layer == len(self.layers):
            return self.readout or with_taps(range(INPUTS, layer))
        return self.layers[layer].sources or (Source(layer - 1),)

    def device_of(self, layer: int) -> Device:
        """What plays the nodes of a layer."""
        return self.devices[self.layers[layer].device]

    def layers_on(self, device: int) -> list[int]:
        """The layers that a device plays."""
        return [index for index, layer in enumerate(self.layers) if layer.device == device]

    def foreseen(self, layer: int) -> tuple[FloatArray, FloatArray]:
        """Mean and spread `(nodes, T, C)` that its twin foresees of a layer, in its units."""
        first = sum(before.nodes for before in self.layers[:layer])
        nodes = slice(first, first + self.layers[layer].nodes)
        width = len(self.device_of(layer).channels)
        return self.node_mean[nodes, :, :width], self.node_std[nodes, :, :width]

    def used(self, layer: int) -> tuple[int, ...]:
        """Channels of a layer that others see."""
        return self.layers[layer].use or tuple(range(len(self.device_of(layer).channels)))

    def width(self, layer: int) -> int:
        """Features of a layer; −1: the task's inputs."""
        if layer == INPUTS:
            return int(self.inputs.shape[1])
        return len(self.used(layer)) * self.layers[layer].nodes

    def block(self, layer: int) -> slice:
        """Where a layer's channels stand among the features; −1: the task's inputs."""
        start = sum(self.width(before) for before in range(INPUTS, layer))
        return slice(start, start + self.width(layer))

    def drive(self, layer: int, responses: Sequence[FloatArray]) -> FloatArray:
        """Drives `(T, nodes)` in 0…1 of a layer, as its supply plays them.

        Parameters
        ----------
        layer
            Index of the layer.
        responses
            Those of the layers before it, `(T, nodes, C)` each, in units; none for layer 0.
        """
        of, parts = self.layers[layer], []
        for source in self.seen_by(layer):
            block = self.block(source.layer)
            raw = self._flat(source.layer, responses)
            standard = (raw - self.feature_mean[block]) / self.feature_scale[block]
            parts.append(delayed(standard, source.delay))
        activation = np.concatenate(parts, axis=1) @ of.weights.T + of.biases
        span = of.drive_high - of.drive_low
        drive = of.drive_low + span * np.clip(activation / 4 + 0.5, 0.0, 1.0)
        return self.supply.play(drive, of.drive_low, of.drive_high)

    def _flat(self, layer: int, responses: Sequence[FloatArray]) -> FloatArray:
        if layer == INPUTS:
            return self.inputs
        chosen = np.asarray(responses[layer])[..., list(self.used(layer))]
        return chosen.reshape(len(chosen), -1)

    def features(self, inputs: FloatArray, responses: Sequence[FloatArray]) -> FloatArray:
        """Features `(T, F)` of inputs `(T, n_in)` and each layer's responses `(T, nodes, C)`."""
        flat = [self._flat(layer, responses) for layer in range(len(self.layers))]
        return np.concatenate([inputs, *flat], axis=1)

    def rows(self, features: FloatArray) -> FloatArray:
        """What the read-out sees of features `(T, F)`: `(T / answer_every, columns)`."""
        standard = (features - self.feature_mean) / self.feature_scale
        seen = [
            delayed(standard[:, self.block(source.layer)], source.delay)
            for source in self.seen_by(len(self.layers))
        ]
        return pooled(np.concatenate(seen, axis=1), self.answer_every, self.pool)

    def read_out(self, features: FloatArray) -> FloatArray:
        """Answers `(T / answer_every, n_out)` from features `(T, F)`."""
        return np.asarray(self.rows(features) @ self.readout_weights + self.readout_bias)

    def answer(self, responses: Sequence[FloatArray]) -> FloatArray:
        """Answers `(answers, n_out)` of the unseen part from all layers' responses."""
        return self.read_out(self.features(self.inputs, responses))[self.unscored :]

    def score(self, prediction: FloatArray) -> float:
        """Score of answers `(answers, n_out)` of the unseen part, by the task's metric."""
        return score(self.task["metric"], prediction, self.unseen_targets)

    def weight_arrays(self) -> dict[str, FloatArray]:
        """Arrays of `weights.safetensors`: all that a deployment computes with."""
        arrays = {name: getattr(self, name) for name in COMPUTED_WITH}
        for index, layer in enumerate(self.layers):
            arrays[f"layer{index}.weights"] = layer.weights
            arrays[f"layer{index}.biases"] = layer.biases
        return {**arrays, "inputs": self.inputs, "targets": self.targets}

    def forecast_arrays(self) -> dict[str, FloatArray]:
        """Arrays of `forecast.safetensors`: what the twin foresees."""
        return {name: getattr(self, name) for name in FORECAST_ARRAYS}

    def to_json(self) -> dict[str, Any]:
        """Everything but the arrays, for `network.json`."""
        return {
            "layers": [
                {
                    "nodes": x.nodes,
                    "drive_low": x.drive_low,
                    "drive_high": x.drive_high,
                    "sources": [asdict(source) for source in self.seen_by(index)],
                    "use": list(self.used(index)),
                    "device": x.device,
                }
                for index, x in enumerate(self.layers)
            ],
            "task": self.task,
            "washout": self.washout,
            "twins": [asdict(twin) for twin in self.twins],
            "devices": [device.to_json() for device in self.devices],
            "predicted": self.predicted,
            "baselines": self.baselines,
            "meta": self.meta,
            "answer_every": self.answer_every,
            "pool": self.pool,
            "readout": [asdict(source) for source in self.seen_by(len(self.layers))],
            "classes": list(self.classes),
            "supply": asdict(self.supply),
        }

    @classmethod
    def from_json(
        cls, body: dict[str, Any], arrays: dict[str, FloatArray], schema: int = NETWORK
    ) -> Network:
        """Network of `to_json` and the arrays of both files together.

        Raises
        ------
        InputError
            Missing keys or arrays, shapes that don't fit, values that are not finite.
        """
        return cls(**values_of(body, arrays, schema))

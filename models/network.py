"""A network of nodes that are all one device: trained weights, and what it foresees."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from models.errors import InputError, raise_problems
from models.json_form import (
    ABOVE_ZERO,
    ANYTHING,
    COUNT,
    FLAG,
    IDENTITIES,
    NUMBER,
    RESET,
    SETTINGS,
    TEXT,
    WHOLE,
    WINDOW,
    Rows,
    Table,
    faults,
)
from models.recording import BEYOND_ANY_DEVICE
from models.score import score
from models.sequence import DriveWindow, Reset

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

SCHEMA = 2
KIND = "network"
DEPLOYMENT_SCHEMA = 2
TWIN_REFERENCE = Table({"id": TEXT, "path": TEXT, "sha256": TEXT})
PREDICTED = Table({"value": ABOVE_ZERO}, optional={"low": NUMBER, "high": NUMBER})
BASELINES = Table(others=NUMBER)
TASK = Table(
    {"name": TEXT, "metric": TEXT},
    optional={"options": Table(others=ANYTHING), "description": TEXT},
)
FORM = Table(
    {
        "task": TASK, "washout": COUNT, "channels": Rows(TEXT),
        "units": Rows(TEXT), "window": WINDOW, "reset": RESET, "settings": SETTINGS,
        "layers": Rows(Table({"nodes": COUNT, "drive_low": NUMBER, "drive_high": NUMBER})),
        "twins": Rows(TWIN_REFERENCE), "identities": IDENTITIES, "predicted": PREDICTED,
        "baselines": BASELINES,
        "meta": Table(
            optional={
                "id": TEXT, "created": TEXT, "code_version": TEXT, "seed": WHOLE,
                "iterations": COUNT, "deterministic": FLAG, "seconds": NUMBER,
            },
            others=ANYTHING,
        ),
    }
)  # fmt: skip
"""What `network.json` must look like; kind, schema, checksum and files are the store's."""
FORECAST_ARRAYS = ("forecast_mean", "forecast_low", "forecast_high", "node_mean", "node_std")


def _is_usable(array: FloatArray) -> NDArray[np.bool_]:
    return np.asarray(np.abs(array) < BEYOND_ANY_DEVICE)


@dataclass(frozen=True)
class TwinReference:
    """Which twin file a network was trained through: id, path, and the file's sha256."""

    id: str
    path: str
    sha256: str


@dataclass(frozen=True)
class Layer:
    """Weights `(nodes, inputs)` and biases `(nodes,)` over standardised inputs.

    `drive_low`, `drive_high`: the drive range that the twin was fitted on; nodes stay inside.
    """

    weights: FloatArray
    biases: FloatArray
    drive_low: float = 0.0
    drive_high: float = 1.0

    @property
    def nodes(self) -> int:
        """Number of nodes."""
        return int(self.biases.size)


@dataclass(frozen=True)
class Network:
    """Layers of time-multiplexed nodes, a linear read-out, the task's unseen part, predictions.

    Features are the task's inputs, then each layer's channels (node by node), `F` in all, in
    the device's units; layers and read-out see them standardised.

    Attributes
    ----------
    layers
        One `Layer` each; layer 0 sees the task's inputs, later ones the layer before.
    feature_mean, feature_scale
        float64 `(F,)`: standardised = (feature − mean) / scale.
    readout_weights, readout_bias
        float64 `(F, n_out)` and `(n_out,)`, on standardised features.
    task
        `name`, `metric`, `options`, `description`.
    inputs, targets
        `(T, n_in)`, `(T, n_out)`: the deployment run, `washout` steps first, then the unseen part.
    washout
        Steps at the start of the run that are not scored.
    twins
        One reference for all layers, or one a layer.
    channels, units, window, reset, settings, identities
        What the twin was recorded with: the bench must be the same.
    predicted
        `value`, `low`, `high`: score of one pass foreseen by the twin, median and 90 % interval.
    baselines
        Name → score on the unseen part.
    forecast_mean, forecast_low, forecast_high
        `(T − washout, n_out)`: ensemble of the twin's forecasts, mean and 90 % interval.
    node_mean, node_std
        `(nodes, T, C)` over the ensemble, in units, nodes in schedule order.
    meta
        id, created, seed, code_version, parents, how it was trained.
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
    channels: tuple[str, ...]
    units: tuple[str, ...]
    window: DriveWindow
    reset: Reset
    settings: dict[str, dict[str, Any]]
    identities: dict[str, str]
    predicted: dict[str, float]
    baselines: dict[str, float]
    forecast_mean: FloatArray
    forecast_low: FloatArray
    forecast_high: FloatArray
    node_mean: FloatArray
    node_std: FloatArray
    meta: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        raise_problems(InputError, "network", [*self._wrong_shapes(), *self._not_numbers()])

    @property
    def nodes(self) -> int:
        """Number of nodes in all layers."""
        return sum(layer.nodes for layer in self.layers)

    @property
    def steps(self) -> int:
        """Steps of one node's run: washout and the unseen part."""
        return int(self.inputs.shape[0])

    def block(self, layer: int) -> slice:
        """Where a layer's channels stand among the features; −1: the task's inputs."""
        n_in, width = self.inputs.shape[1], len(self.channels)
        if layer < 0:
            return slice(0, n_in)
        start = n_in + width * sum(other.nodes for other in self.layers[:layer])
        return slice(start, start + width * self.layers[layer].nodes)

    def drive(self, layer: int, before: FloatArray) -> FloatArray:
        """Drives `(T, nodes)` in 0…1 of a layer.

        Parameters
        ----------
        layer
            Index of the layer.
        before
            Task inputs `(T, n_in)` for layer 0, else the responses `(T, nodes, C)` of the layer
            before, in units.
        """
        block, weights = self.block(layer - 1), self.layers[layer]
        flat = before.reshape(before.shape[0], -1)
        inputs = (flat - self.feature_mean[block]) / self.feature_scale[block]
        activation = inputs @ weights.weights.T + weights.biases
        span = weights.drive_high - weights.drive_low
        drive = weights.drive_low + span * np.clip(activation / 4 + 0.5, 0.0, 1.0)
        return np.asarray(drive, dtype=np.float64)

    def features(self, inputs: FloatArray, responses: Sequence[FloatArray]) -> FloatArray:
        """Features `(T, F)` of inputs `(T, n_in)` and each layer's responses `(T, nodes, C)`."""
        flat = [np.asarray(part).reshape(inputs.shape[0], -1) for part in (inputs, *responses)]
        return np.concatenate(flat, axis=1)

    def read_out(self, features: FloatArray) -> FloatArray:
        """Prediction `(T, n_out)` from features `(T, F)`."""
        standard = (features - self.feature_mean) / self.feature_scale
        return np.asarray(standard @ self.readout_weights + self.readout_bias)

    def score(self, prediction: FloatArray) -> float:
        """Score of a prediction `(T − washout, n_out)` of the unseen part."""
        return score(self.task["metric"], prediction, self.targets[self.washout :])

    def weight_arrays(self) -> dict[str, FloatArray]:
        """Arrays of `weights.safetensors`: all that a deployment computes with."""
        arrays = {
            name: getattr(self, name)
            for name in ("feature_mean", "feature_scale", "readout_weights", "readout_bias")
        }
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
                {"nodes": x.nodes, "drive_low": x.drive_low, "drive_high": x.drive_high}
                for x in self.layers
            ],
            "task": self.task,
            "washout": self.washout,
            "twins": [asdict(twin) for twin in self.twins],
            "channels": list(self.channels),
            "units": list(self.units),
            "window": asdict(self.window),
            "reset": asdict(self.reset),
            "settings": self.settings,
            "identities": self.identities,
            "predicted": self.predicted,
            "baselines": self.baselines,
            "meta": self.meta,
        }

    @classmethod
    def from_json(cls, body: dict[str, Any], arrays: dict[str, FloatArray]) -> Network:
        """Network of `to_json` and the arrays of both files together.

        Raises
        ------
        InputError
            Missing keys or arrays, shapes that don't fit, values that are not finite.
        """
        raise_problems(InputError, "network", faults(body, FORM))
        named = ("feature_mean", "feature_scale", "readout_weights", "readout_bias")
        names = [*named, "inputs", "targets", *FORECAST_ARRAYS]
        for index in range(len(body["layers"])):
            names += [f"layer{index}.weights", f"layer{index}.biases"]
        problems = [
            f"array {name!r} is missing or holds no 64-bit numbers"
            for name in names
            if name not in arrays or arrays[name].dtype != np.float64
        ]
        problems += [f"array {name!r} is unknown" for name in arrays if name not in names]
        raise_problems(InputError, "network", problems)
        layers = tuple(
            Layer(
                arrays[f"layer{index}.weights"],
                arrays[f"layer{index}.biases"],
                float(layer["drive_low"]),
                float(layer["drive_high"]),
            )
            for index, layer in enumerate(body["layers"])
        )
        if [layer.nodes for layer in layers] != [layer["nodes"] for layer in body["layers"]]:
            raise InputError("network: the layers' nodes are others than their biases")
        plain = ("task", "washout", "settings", "identities", "predicted", "baselines", "meta")
        values: dict[str, Any] = {name: body[name] for name in plain}
        for name in (*named, "inputs", "targets", *FORECAST_ARRAYS):
            values[name] = arrays[name]
        return cls(
            layers=layers,
            **values,
            twins=tuple(TwinReference(**twin) for twin in body["twins"]),
            channels=tuple(body["channels"]),
            units=tuple(body["units"]),
            window=DriveWindow(**body["window"]),
            reset=Reset(**body["reset"]),
        )

    def _wrong_shapes(self) -> list[str]:
        if not self.layers or self.inputs.ndim != 2 or self.targets.ndim != 2:
            return ["needs layers, inputs (T, n_in) and targets (T, n_out)"]
        (steps, n_in), n_out = self.inputs.shape, self.targets.shape[1]
        width, unseen = len(self.channels), steps - self.washout
        features = n_in + width * self.nodes
        expected = {
            "feature_mean": (features,), "feature_scale": (features,),
            "readout_weights": (features, n_out), "readout_bias": (n_out,),
            "targets": (steps, n_out),
            "forecast_mean": (unseen, n_out), "forecast_low": (unseen, n_out),
            "forecast_high": (unseen, n_out),
            "node_mean": (self.nodes, steps, width), "node_std": (self.nodes, steps, width),
        }  # fmt: skip
        problems = [
            f"{name} has shape {getattr(self, name).shape}, expected {shape}"
            for name, shape in expected.items()
            if getattr(self, name).shape != shape
        ]
        before = n_in
        for index, layer in enumerate(self.layers):
            if layer.weights.shape != (layer.nodes, before):
                shape = (layer.nodes, before)
                problems.append(f"layer {index} weights {layer.weights.shape}, expected {shape}")
            if layer.biases.ndim != 1 or not 0 <= layer.drive_low < layer.drive_high <= 1:
                shape, low, high = layer.biases.shape, layer.drive_low, layer.drive_high
                problems.append(f"layer {index}: biases {shape}, or drive {low}…{high}, don't fit")
            before = width * layer.nodes
        if len(self.units) != width:
            problems.append(f"{len(self.units)} units for {width} channels")
        if unseen < 2 or self.washout < 0:
            problems.append(f"washout {self.washout} leaves {unseen} of {steps} steps to score")
        if len(self.twins) not in (1, len(self.layers)):
            problems.append(f"{len(self.twins)} twins for {len(self.layers)} layers")
        return problems

    def _not_numbers(self) -> list[str]:
        arrays = {**self.weight_arrays(), **self.forecast_arrays()}
        return [
            f"{name} holds {int(np.sum(~_is_usable(array)))} values that are not finite numbers"
            for name, array in arrays.items()
            if not _is_usable(array).all()
        ]

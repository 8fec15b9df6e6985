"""What `network.json` must look like, of this version and of those before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from models.errors import InputError, raise_problems
from models.json_form import (
    ANYTHING,
    COUNT,
    FLAG,
    IDENTITIES,
    NUMBER,
    RESET,
    SETTINGS,
    SLOPES,
    TEXT,
    WHOLE,
    WINDOW,
    Form,
    Leaf,
    Rows,
    Table,
    faults,
    is_number,
)
from models.network_parts import Device, Layer, TwinReference
from models.schemas import NETWORK
from models.sequence import DriveWindow, Reset
from models.slopes import SLOPE
from models.supply import Supply
from models.wiring import Source, Sources

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

KIND = "network"
COMPUTED_WITH = ("feature_mean", "feature_scale", "readout_weights", "readout_bias")
FORECAST_ARRAYS = ("forecast_mean", "forecast_low", "forecast_high", "node_mean", "node_std")
ACHIEVED = Leaf("a number, zero or more", lambda value: is_number(value) and value >= 0)
"""A score: an error rate may be zero."""
TWIN_REFERENCE = Table({"id": TEXT, "path": TEXT, "sha256": TEXT})
PREDICTED = Table({"value": ACHIEVED}, optional={"low": NUMBER, "high": NUMBER})
BASELINES = Table(others=NUMBER)
TASK = Table(
    {"name": TEXT, "metric": TEXT},
    optional={"options": Table(others=ANYTHING), "description": TEXT},
)
SOURCES = Rows(Table({"layer": WHOLE, "delay": COUNT}))
LAYER: dict[str, Form] = {"nodes": COUNT, "drive_low": NUMBER, "drive_high": NUMBER}
DEVICE: dict[str, Form] = {
    "channels": Rows(TEXT), "units": Rows(TEXT), "window": WINDOW, "reset": RESET,
    "settings": SETTINGS, "identities": IDENTITIES,
}  # fmt: skip
COMMON: dict[str, Form] = {
    "task": TASK, "washout": COUNT, "twins": Rows(TWIN_REFERENCE),
    "predicted": PREDICTED, "baselines": BASELINES,
    "meta": Table(
        optional={
            "id": TEXT, "created": TEXT, "code_version": TEXT, "seed": WHOLE,
            "iterations": COUNT, "deterministic": FLAG, "seconds": NUMBER,
        },
        others=ANYTHING,
    ),
}  # fmt: skip
WIRED: dict[str, Form] = {**LAYER, "sources": SOURCES, "use": Rows(COUNT)}
SUPPLY = Table({"step": NUMBER, "slew": NUMBER})
ANSWERING: dict[str, Form] = {
    "readout": SOURCES, "answer_every": COUNT, "pool": TEXT, "classes": Rows(TEXT),
    "supply": SUPPLY,
}  # fmt: skip
FORM = Table(
    {
        **COMMON, **ANSWERING, "layers": Rows(Table({**WIRED, "device": COUNT})),
        "devices": Rows(Table({**DEVICE, "bench": TEXT}, optional={SLOPE: SLOPES})),
    }
)  # fmt: skip
"""Of `NETWORK`; kind, schema, checksum and files are the store's."""
PLAIN = (
    "task", "washout", "predicted", "baselines", "meta", "answer_every", "pool",
)  # fmt: skip
FORMS = {
    2: Table({**COMMON, **DEVICE, "layers": Rows(Table(LAYER))}),
    3: Table({**COMMON, **DEVICE, **ANSWERING, "layers": Rows(Table(WIRED))}),
    NETWORK: FORM,
}


def upgraded(body: dict[str, Any], schema: int) -> dict[str, Any]:
    """A body of an earlier schema, which `FORMS` passed, as one of this schema."""
    if schema == 2:
        body = _wired(body)
    if schema < NETWORK:
        body = {
            **body,
            "layers": [{**layer, "device": 0} for layer in body["layers"]],
            "devices": [{**{name: body[name] for name in DEVICE}, "bench": ""}],
        }
    return body


def _wired(body: dict[str, Any]) -> dict[str, Any]:
    """A body of schema 2 as one of schema 3: plain and feed-forward."""
    width, layers = len(body["channels"]), body["layers"]
    return {
        **body,
        "layers": [
            {**layer, "sources": [{"layer": index - 1, "delay": 0}], "use": list(range(width))}
            for index, layer in enumerate(layers)
        ],
        "readout": [{"layer": block, "delay": 0} for block in range(-1, len(layers))],
        "answer_every": 1,
        "pool": "step",
        "classes": [],
        "supply": {"step": 0.0, "slew": 0.0},
    }


def values_of(body: dict[str, Any], arrays: dict[str, FloatArray], schema: int) -> dict[str, Any]:
    """Everything that a `Network` is made of, from its JSON and the arrays of both files.

    Raises
    ------
    InputError
        Missing keys or arrays, or of another type.
    """
    raise_problems(InputError, "network", faults(body, FORMS[schema]))
    body = upgraded(body, schema)
    named = (*COMPUTED_WITH, "inputs", "targets", *FORECAST_ARRAYS)
    names = [*named]
    for index in range(len(body["layers"])):
        names += [f"layer{index}.weights", f"layer{index}.biases"]
    problems = [
        f"array {name!r} is missing or holds no 64-bit numbers"
        for name in names
        if name not in arrays or arrays[name].dtype != np.float64
    ]
    problems += [f"array {name!r} is unknown" for name in arrays if name not in names]
    raise_problems(InputError, "network", problems)
    return {
        **{name: body[name] for name in PLAIN},
        **{name: arrays[name] for name in named},
        "layers": _layers(body["layers"], arrays),
        "twins": tuple(TwinReference(**twin) for twin in body["twins"]),
        "devices": tuple(_device(row) for row in body["devices"]),
        "readout": _sources(body["readout"]),
        "classes": tuple(body["classes"]),
        "supply": Supply(float(body["supply"]["step"]), float(body["supply"]["slew"])),
    }


def _layers(rows: list[dict[str, Any]], arrays: dict[str, FloatArray]) -> tuple[Layer, ...]:
    layers = tuple(
        Layer(
            arrays[f"layer{index}.weights"],
            arrays[f"layer{index}.biases"],
            float(row["drive_low"]),
            float(row["drive_high"]),
            _sources(row["sources"]),
            tuple(row["use"]),
            row["device"],
        )
        for index, row in enumerate(rows)
    )
    if [layer.nodes for layer in layers] != [row["nodes"] for row in rows]:
        raise InputError("network: the layers' nodes are others than their biases")
    return layers


def _device(row: dict[str, Any]) -> Device:
    return Device(
        tuple(row["channels"]),
        tuple(row["units"]),
        DriveWindow(**row["window"]),
        Reset(**row["reset"]),
        row["settings"],
        row["identities"],
        row["bench"],
        row.get(SLOPE, {}),
    )


def _sources(rows: list[dict[str, int]]) -> Sources:
    return tuple(Source(row["layer"], row["delay"]) for row in rows)

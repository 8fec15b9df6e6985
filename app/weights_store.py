"""Twins and networks on disk: JSON beside safetensors, never a pickled module. No torch."""

from __future__ import annotations

import time
from pathlib import Path

from app.artefacts import load_artefact, save_artefact, schema_of
from app.disk import advised
from models import network_form, schemas
from models import twin as twin_module
from models.errors import InputError
from models.network import Network
from models.twin import Twin

TWIN_FILE = "twin.json"
NETWORK_FILE = "network.json"
WEIGHTS_FILE = "weights.safetensors"
SO_FAR = "so-far"  # the folder of a twin whose fit goes on (`app.so_far`)
REPLACED_WITHIN_S = 0.1
FORECAST_FILE = "forecast.safetensors"


def save_twin(out: Path, twin: Twin) -> Path:
    """Write a twin into the folder `out`; returns its `twin.json`.

    Raises
    ------
    InputError
        There is a twin already.
    TwinrigError
        The disk refuses.
    """
    body = {"kind": twin_module.KIND, "schema": schemas.TWIN, **twin.to_json()}
    return save_artefact(out, TWIN_FILE, body, {WEIGHTS_FILE: twin.weights})


def load_twin(path: Path) -> Twin:
    """Read a twin: its folder, or the `twin.json` in it.

    Raises
    ------
    InputError
        Missing, cut short, damaged, of another schema, or no twin.
    """
    expected = (path, TWIN_FILE, twin_module.KIND, schemas.TWIN, [WEIGHTS_FILE])
    try:
        body, files = load_artefact(*expected)
    except InputError:
        if SO_FAR not in Path(path).resolve().parts[-2:]:
            raise
        time.sleep(REPLACED_WITHIN_S)  # a fit may just be replacing it
        body, files = load_artefact(*expected)
    try:
        return Twin.from_json(body, files[WEIGHTS_FILE])
    except InputError as fault:
        raise InputError(advised(f"{path}: {fault}")) from fault


def save_network(out: Path, network: Network) -> Path:
    """Write a network into the folder `out`; returns its `network.json`.

    Raises
    ------
    InputError
        There is a network already.
    TwinrigError
        The disk refuses.
    """
    body = {"kind": network_form.KIND, "schema": schemas.NETWORK, **network.to_json()}
    files = {WEIGHTS_FILE: network.weight_arrays(), FORECAST_FILE: network.forecast_arrays()}
    return save_artefact(out, NETWORK_FILE, body, files)


def load_network(path: Path) -> Network:
    """Read a network: its folder, or the `network.json` in it.

    Raises
    ------
    InputError
        Missing, cut short, damaged, of another schema, or no network.
    """
    names = [WEIGHTS_FILE, FORECAST_FILE]
    schema = schema_of(path, NETWORK_FILE, schemas.NETWORKS)
    body, files = load_artefact(path, NETWORK_FILE, network_form.KIND, schema, names)
    try:
        return Network.from_json(body, {**files[WEIGHTS_FILE], **files[FORECAST_FILE]}, schema)
    except InputError as fault:
        raise InputError(advised(f"{path}: {fault}")) from fault

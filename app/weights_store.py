"""Twins and networks on disk: JSON beside safetensors, never a pickled module. No torch."""

from __future__ import annotations

import time
from pathlib import Path

from app.artefacts import find_file, load_artefact, reading, save_artefact
from app.checked_json import read_json
from app.disk import advised
from models import network_form
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
    body = {"kind": twin_module.KIND, "schema": twin_module.SCHEMA, **twin.to_json()}
    return save_artefact(out, TWIN_FILE, body, {WEIGHTS_FILE: twin.weights})


def load_twin(path: Path) -> Twin:
    """Read a twin: its folder, or the `twin.json` in it.

    Raises
    ------
    InputError
        Missing, cut short, damaged, of another schema, or no twin.
    """
    expected = (path, TWIN_FILE, twin_module.KIND, twin_module.SCHEMA, [WEIGHTS_FILE])
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
    body = {"kind": network_form.KIND, "schema": network_form.SCHEMA, **network.to_json()}
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
    schema = network_schema(path)
    body, files = load_artefact(path, NETWORK_FILE, network_form.KIND, schema, names)
    try:
        return Network.from_json(body, {**files[WEIGHTS_FILE], **files[FORECAST_FILE]}, schema)
    except InputError as fault:
        raise InputError(advised(f"{path}: {fault}")) from fault


def network_schema(path: Path) -> int:
    """The schema to read a network by: its own where it can be read, else the present one.

    Raises
    ------
    InputError
        Missing, cut short, or no JSON.
    """
    file = find_file(path, NETWORK_FILE)
    with reading(file):
        found = read_json(file).get("schema")
    if isinstance(found, int) and found in network_form.READABLE:
        return found
    return network_form.SCHEMA

"""The kinds of artefact that are fuzzed: made, forged, read, and what their files say.

`said` reads a folder's files without Twinrig's readers (all digests taken for granted): what a
reader accepts must be just that.
"""

from __future__ import annotations

import hashlib
import json
import platform
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import artefact_samples as samples
import fuzz_forgeries as forgeries
import numpy as np
from safetensors.numpy import load

from app.checked_json import plain
from app.deployment_store import load_deployment, write_deployment
from app.journal import JournalRepeat
from app.recording_format import DESCRIBED, UNTIMED, header_of
from app.store import (
    RecordingWriter,
    load_network,
    load_twin,
    read_recording,
    save_network,
    save_twin,
    write_recording,
)
from models.recording import BY_STEP, READABLE, SCHEMA

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from pathlib import Path

    from models.recording import Recording

STORE_KEYS = ("kind", "schema", "checksum", "files", "beside")


@dataclass(frozen=True)
class Kind:
    """One kind of artefact: make an original, read it, say what a folder's files say, forge it."""

    name: str
    make: Callable[[Path], object]
    read: Callable[[Path], Any]
    said: Callable[[Path], Any]
    forge: Callable[[Path, random.Random], object]


def exact(value: Any) -> Any:
    """A value to compare with `==`: true is not 1, 1.0 is 1, arrays are their bytes."""
    if isinstance(value, bool):
        return ("flag", value)
    if isinstance(value, (int, float)):
        return ("number", float(value) if abs(value) < 2**53 else value)
    if isinstance(value, dict):
        return {key: exact(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [exact(item) for item in value]
    if isinstance(value, np.ndarray):
        values = np.where(np.isnan(value), np.nan, value) if value.dtype.kind == "f" else value
        return [str(value.dtype), value.shape, hashlib.sha256(values.tobytes()).hexdigest()]
    return value


def body_of(path: Path) -> dict[str, Any]:
    """A JSON artefact's own keys."""
    body = json.loads(path.read_bytes())
    return {key: value for key, value in body.items() if key not in STORE_KEYS}


def read_twin(folder: Path) -> Any:
    twin = load_twin(folder)
    return exact([plain(twin.to_json()), twin.weights])


def said_by_twin(folder: Path) -> Any:
    weights = load((folder / "weights.safetensors").read_bytes())
    return exact([body_of(folder / "twin.json"), weights])


def forge_twin(folder: Path, rng: random.Random) -> None:
    if rng.random() < 0.7:
        forgeries.forge_json(folder / "twin.json", rng)
    else:
        forgeries.forge_weights(folder / "twin.json", "weights.safetensors", rng)


def read_network(folder: Path) -> Any:
    network = load_network(folder)
    arrays = {**network.weight_arrays(), **network.forecast_arrays()}
    return exact([plain(network.to_json()), arrays])


def said_by_network(folder: Path) -> Any:
    files = ("weights.safetensors", "forecast.safetensors")
    arrays = [load((folder / file).read_bytes()) for file in files]
    return exact([body_of(folder / "network.json"), {**arrays[0], **arrays[1]}])


def forge_network(folder: Path, rng: random.Random) -> None:
    if rng.random() < 0.6:
        forgeries.forge_json(folder / "network.json", rng)
    else:
        file = rng.choice(("weights.safetensors", "forecast.safetensors"))
        forgeries.forge_weights(folder / "network.json", file, rng)


def shown(recording: Recording) -> Any:
    """All that a recording says, its status aside where it depends on who lives."""
    arrays = [recording.response, recording.order, recording.start_s, recording.lengths]
    arrays += [getattr(recording, name) for name in BY_STEP]
    body = {key: plain(value) for key, value in header_of(recording).items()}
    return exact([body, arrays, recording.status])


def read_rec(folder: Path) -> Any:
    return shown(read_recording(folder))


def said_by_recording(folder: Path) -> Any:
    hdf5, index = forgeries.parts_of_netcdf((folder / "recording.nc").read_bytes())
    arrays = {
        name: np.frombuffer(hdf5, entry["type"], int(np.prod(entry["shape"])), entry["at"]).reshape(
            entry["shape"]
        )
        for name, entry in index["arrays"].items()
    }
    texts = {name: entry["words"] for name, entry in index["texts"].items()}
    lengths = arrays["length"].astype(np.int64)
    body = {
        "kind": index["attrs"]["kind"],
        "schema": read_as(index["attrs"]["schema"]),
        "repeats": arrays["response"].shape[1],
        "steps": arrays["response"].shape[2],
        "channels": texts["channel"],
        "units": texts["channel_unit"],
        "families": texts["family"],
        "drives": [
            plain(row[:n]) for row, n in zip(arrays["drive"], lengths.tolist(), strict=True)
        ],
        **{key: json.loads(index["attrs"][key]) for key in DESCRIBED},
    }
    found = [arrays["response"], arrays["order"].astype(np.int64), arrays["start"], lengths]
    unknown = np.full(arrays["response"].shape[:3], np.nan)
    timed = index["attrs"]["schema"] != UNTIMED
    found += [arrays[name] if timed else unknown for name in BY_STEP]
    return exact([body, found, index["attrs"]["status"]])


def read_as(schema: Any) -> Any:
    """The schema that a recording has once it is read: an earlier one is read as the present."""
    return SCHEMA if str(schema) in map(str, READABLE) else schema


def forge_recording(folder: Path, rng: random.Random) -> None:
    forgeries.forge_netcdf(folder / "recording.nc", rng)


def make_running(folder: Path) -> None:
    """What a killed run leaves: journal and open file, five of eight repeats."""
    writer = RecordingWriter(folder, samples.blank())
    samples.append_all(writer, until=5)
    writer.remark("the door was open")
    writer._close()


def said_by_journal(folder: Path) -> Any:
    """The header, and every repeat that stands in the journal."""
    records = forgeries.records_of((folder / "journal.bin").read_bytes())
    header = next(json.loads(payload) for kind, payload in records if kind == ord("H"))
    remarks = [json.loads(payload)["text"] for kind, payload in records if kind == ord("N")]
    s, r, t = len(header["drives"]), int(header["repeats"]), int(header["steps"])
    response = np.full((s, r, t, len(header["channels"])), np.nan)
    order, start_s = np.full((s, r), -1, dtype=np.int64), np.full((s, r), np.nan)
    times = [np.full((s, r, t), np.nan) for _ in BY_STEP]
    for kind, payload in records:
        if kind in b"RS":
            one = JournalRepeat.from_bytes(payload, timed=kind == ord("S"))
            for array, name in zip(times, BY_STEP, strict=True):
                array[one.sequence, one.repeat, : len(one.response)] = getattr(one.times, name)
            response[one.sequence, one.repeat, : len(one.response)] = one.response
            order[one.sequence, one.repeat] = one.position
            start_s[one.sequence, one.repeat] = one.start_s
    lengths = np.array([len(row) for row in header["drives"]])
    if remarks:
        header["meta"]["remarks"] = [*header["meta"].get("remarks", []), *remarks]
    content = (folder / "journal.bin").read_bytes()
    status = content[len(b"twinrig journal 2\n") :].split(b"\n")[0].decode().strip()
    if status in ("begun", "running"):  # of another host nobody knows but by the file's fresh time
        owner = [json.loads(payload) for kind, payload in records if kind == ord("O")][-1]
        status = "interrupted" if owner["host"] == platform.node() else "running"
    header["schema"] = read_as(header["schema"])
    return exact([header, [response, order, start_s, lengths, *times], status])


def forge_running(folder: Path, rng: random.Random) -> None:
    forgeries.forge_journal(folder / "journal.bin", rng)


def make_deployment(folder: Path) -> None:
    """A finished deployment of the sample network."""
    network = samples.network()
    where = folder.parent / "network-of-it"
    save_network(where, network)
    nodes = replace(
        samples.full((network.steps,) * network.nodes, 1),
        channels=network.devices[0].channels,
        meta={"id": "dep-x", "network": str(where), "network_sha256": "0" * 64, "layers": [2, 2]},
        status="done",
    )
    folder.mkdir()
    write_recording(folder / "nodes", nodes)
    write_deployment(folder, network, [nodes], network.forecast_mean + 0.01, 1.0)


def read_dep(folder: Path) -> Any:
    made = load_deployment(folder)
    arrays = {name: a for name, a in made.arrays.items() if a.dtype.kind in "fi"}
    return [exact([made.body, arrays]), shown(made.nodes[0])]


def said_by_deployment(folder: Path) -> Any:
    hdf5, index = forgeries.parts_of_netcdf((folder / "result.nc").read_bytes())
    arrays = {
        name: np.frombuffer(hdf5, entry["type"], int(np.prod(entry["shape"])), entry["at"]).reshape(
            entry["shape"]
        )
        for name, entry in index["arrays"].items()
    }
    body = body_of(folder / "deployment.json")
    return [exact([body, arrays]), said_by_recording(folder / "nodes")]


def forge_deployment(folder: Path, rng: random.Random) -> None:
    path = folder / "deployment.json"
    part = rng.choice(("json", "json", "result.nc", "nodes/recording.nc"))
    if part == "json":
        forgeries.forge_json(path, rng)
        return
    forgeries.forge_netcdf(folder / part, rng)
    body = json.loads(path.read_bytes())
    body["beside"][part] = hashlib.sha256((folder / part).read_bytes()).hexdigest()
    path.write_bytes(forgeries.spelled(body))


KINDS = (
    Kind(
        "recording",
        lambda folder: write_recording(folder, replace(samples.full(), status="done")),
        read_rec, said_by_recording, forge_recording,
    ),
    Kind("running recording", make_running, read_rec, said_by_journal, forge_running),
    Kind(
        "twin", lambda folder: save_twin(folder, samples.twin()), read_twin, said_by_twin,
        forge_twin,
    ),
    Kind(
        "network", lambda folder: save_network(folder, samples.network()), read_network,
        said_by_network, forge_network,
    ),
    Kind("deployment", make_deployment, read_dep, said_by_deployment, forge_deployment),
)  # fmt: skip

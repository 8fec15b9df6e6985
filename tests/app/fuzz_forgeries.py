"""Files that are written by hand: every digest fits, and the content is not what Twinrig writes."""

from __future__ import annotations

import copy
import hashlib
import json
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import save

from app import journal as journal_module
from app.netcdf import DIGEST_BYTES, FOOT_BYTES, INDEX_LENGTH, SEAL

if TYPE_CHECKING:
    import random
    from pathlib import Path

    from numpy.typing import NDArray

ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 1e308, -1e308, 2**63, -(2**63), 10**400, 10**9, 0.5, "", "x",
    "9", "a\0b", "\ud800", "μ" * 3000, [], {}, [[]], [None], [1, "2"], {"a": 1}, [0.1] * 3000,
    {"value": "x"}, [{}], "../../etc/passwd", "__reduce__",
)  # fmt: skip
KEYS = ("extra", "", "kind", "__class__", "widow", "schema", "\ud800", "x" * 3000)
DEEP = 5000


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value inside a JSON value."""
    found = [path] if path else []
    if isinstance(value, (dict, list)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            found += places(item, (*path, key))
    return found


def changed(body: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """A body with one to three values of another kind, keys missing, or keys added."""
    body = copy.deepcopy(body)
    for _ in range(rng.choice((1, 1, 2, 3))):
        known = places(body)
        if not known:
            break
        *way, last = rng.choice(known)
        parent = body
        for key in way:
            parent = parent[key]
        kind = rng.choice(("odd", "odd", "drop", "add", "nudge"))
        if kind == "drop":
            del parent[last]
        elif kind == "add" and isinstance(parent, dict):
            parent[rng.choice(KEYS)] = copy.deepcopy(rng.choice(ODD))
        elif kind == "nudge" and isinstance(parent[last], (int, float)) and abs(parent[last]) < 1e9:
            parent[last] = parent[last] * rng.choice((2, 0.5, -1)) + rng.choice((0, 1))
        else:
            parent[last] = copy.deepcopy(rng.choice(ODD))
    return body


def spelled(body: dict[str, Any]) -> bytes:
    """A JSON text with the checksum of its content, as far as it has one."""
    content = {key: value for key, value in body.items() if key != "checksum"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    content["checksum"] = hashlib.sha256(text.encode()).hexdigest()
    return json.dumps(content).encode()


def forge_json(path: Path, rng: random.Random) -> None:
    """A JSON artefact with other content and a checksum that fits; sometimes nested too deep."""
    body = json.loads(path.read_bytes())
    if rng.random() < 0.03:
        head = path.read_bytes()[:-2].rstrip()
        path.write_bytes(head + b',"deep":' + b"[" * DEEP + b"]" * DEEP + b"}")
        return
    path.write_bytes(spelled(changed(body, rng)))


def odd_array(array: NDArray[Any], rng: random.Random) -> NDArray[Any]:
    """An array of another type or shape, or with odd numbers in it."""
    kind = rng.choice(("type", "shape", "number", "number", "empty"))
    if kind == "type":
        return array.astype(rng.choice((np.float16, np.float64, np.int32, np.uint8, np.bool_)))
    if kind == "shape":
        return np.concatenate([array.ravel(), array.ravel()[:1]])
    if kind == "empty":
        return array[:0]
    made = np.array(array, copy=True)
    if made.size:
        made.ravel()[rng.randrange(made.size)] = rng.choice((np.nan, np.inf, -1e30, 0.0, 7.0))
    return made


def odd_arrays(arrays: dict[str, NDArray[Any]], rng: random.Random) -> dict[str, NDArray[Any]]:
    """One array odd, missing, renamed or added."""
    arrays, name = dict(arrays), rng.choice(sorted(arrays))
    kind = rng.choice(("odd", "odd", "odd", "drop", "add"))
    if kind == "odd":
        arrays[name] = odd_array(arrays[name], rng)
    elif kind == "drop":
        del arrays[name]
    else:
        arrays[f"{name}.more"] = arrays[name]
    return arrays


def forge_weights(json_path: Path, file: str, rng: random.Random) -> dict[str, NDArray[Any]]:
    """Other arrays in a safetensors file, its digest in the JSON beside it; returns them."""
    from safetensors.numpy import load

    path = json_path.parent / file
    arrays = odd_arrays(load(path.read_bytes()), rng)
    content = save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
    if rng.random() < 0.1:  # a header that claims more than there is
        head = {"huge": {"dtype": "F64", "shape": [2**40], "data_offsets": [0, 2**43]}}
        text = json.dumps(head).encode()
        content = struct.pack("<Q", len(text)) + text
    path.write_bytes(content)
    body = json.loads(json_path.read_bytes())
    body["files"][file] = hashlib.sha256(content).hexdigest()
    json_path.write_bytes(spelled(body))
    return arrays


def parts_of_netcdf(content: bytes) -> tuple[bytes, dict[str, Any]]:
    """The HDF5 part and the index of a sealed file."""
    foot = len(content) - FOOT_BYTES
    (length,) = INDEX_LENGTH.unpack_from(content, foot + len(SEAL))
    return content[: foot - length], json.loads(content[foot - length : foot])


def sealed(hdf5: bytes, index: dict[str, Any]) -> bytes:
    """A sealed file of any content."""
    text = json.dumps(index).encode()
    whole = hdf5 + text + SEAL + INDEX_LENGTH.pack(len(text))
    digest = hashlib.sha256(whole).digest()
    assert len(digest) == DIGEST_BYTES
    return whole + digest


def forge_netcdf(path: Path, rng: random.Random) -> None:
    """A sealed file with another index, other attributes, or other numbers."""
    hdf5, index = parts_of_netcdf(path.read_bytes())
    kind = rng.choice(("index", "index", "attribute", "numbers", "numbers", "huge", "long index"))
    if kind == "index":
        index = changed(index, rng)
    elif kind == "attribute":
        name = rng.choice(sorted(index["attrs"]))
        try:
            inside = json.loads(index["attrs"][name])
        except ValueError:
            inside = None
        if isinstance(inside, dict):
            index["attrs"][name] = json.dumps(changed(inside, rng))
        else:
            index["attrs"][name] = rng.choice([*map(str, ODD), "3", "done"])
    elif kind == "numbers":
        entry = index["arrays"][rng.choice(sorted(index["arrays"]))]
        width = int(entry["type"][2])
        at = entry["at"] + width * rng.randrange(max(int(np.prod(entry["shape"])), 1))
        number: Any = rng.choice((np.nan, np.inf, -1.0, 0.5, 1e300, 3.0))
        if width == 4:
            number = rng.choice((-5, 0, 1, 2**31 - 1))
        value = np.array([number], dtype=entry["type"]).tobytes()
        hdf5 = hdf5[:at] + value + hdf5[at + width :]
    elif kind == "huge":
        entry = index["arrays"][rng.choice(sorted(index["arrays"]))]
        entry["shape"] = [rng.choice((2**20, 2**40, 2**62)) for _ in entry["shape"]]
    content = sealed(hdf5, index)
    if kind == "long index":
        start = len(content) - FOOT_BYTES + len(SEAL)
        whole = content[:start] + INDEX_LENGTH.pack(rng.choice((2**60, 0, len(content))))
        content = whole + hashlib.sha256(whole).digest()
    path.write_bytes(content)


def records_of(content: bytes) -> list[tuple[int, bytes]]:
    """Kind and payload of every record of a whole journal."""
    found, at = [], journal_module.START
    while (record := journal_module._record_at(content, at)) is not None:
        kind, payload, at = record
        found.append((kind, payload))
    return found


def forge_journal(path: Path, rng: random.Random) -> None:
    """A journal of records that all fit their checksums, in another order or with other content."""
    content = path.read_bytes()
    records = records_of(content)
    number = rng.randrange(len(records))
    kind, payload = records[number]
    how = rng.choice(("body", "body", "body", "drop", "double", "swap", "kind", "status"))
    status = content[: journal_module.START]
    if how == "body":
        records[number] = (kind, _other_payload(kind, payload, rng))
    elif how == "drop":
        del records[number]
    elif how == "double":
        records.append(records[number])
    elif how == "swap":
        rng.shuffle(records)
    elif how == "kind":
        records[number] = (rng.randrange(256), payload)
    else:
        words = rng.choice(("done", "stopped", "interrupted", "begun", "DONE", ""))
        status = journal_module.PREAMBLE + journal_module._status_bytes(words)
    path.write_bytes(status + b"".join(journal_module._frame(*record) for record in records))


def _other_payload(kind: int, payload: bytes, rng: random.Random) -> bytes:
    if kind != journal_module.REPEAT_KIND:
        return json.dumps(changed(json.loads(payload), rng)).encode()
    head = list(journal_module.REPEAT.unpack_from(payload))
    values = payload[journal_module.REPEAT.size :]
    if rng.random() < 0.7:
        place = rng.randrange(6)
        head[place] = rng.choice(
            (float("nan"), -1.0, 1e300) if place == 5 else (0, 1, 7, 2**32 - 1)
        )
    else:
        numbers = np.frombuffer(values, dtype="<f8").copy()
        numbers[rng.randrange(numbers.size)] = rng.choice((np.nan, np.inf, 2.0))
        values = numbers.tobytes()
    return journal_module.REPEAT.pack(*head) + values

"""Fuzzed texts: bench files, sequence files, measured files and their maps; from a seed."""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np
from fuzz_forgeries import changed

if TYPE_CHECKING:
    import random
    from pathlib import Path

BENCH = """
name = "rotating-field rig"
[magnet.x]
driver = "kepco-bop"
resource = "TCPIP0::127.0.0.1::5025::SOCKET"
tesla_per_ampere = 4.0e-4
max_current_A = 11.0
max_ramp_A_per_s = 2000.0
compliance_V = 20.0
max_duty_A2s = 5000.0
duty_window_s = 600.0
timeout_s = 1.0
terminator = "\\n"
[readout.lockin]
driver = "sr830"
resource = "GPIB0::8::INSTR"
channels = ["X", "Y"]
[interlock.water]
instrument = "lockin"
input = "aux1"
above_V = 2.0
[drive]
encoding = "amplitude"
low_T = 0.0022
high_T = 0.0034
hold_s = 0.0
[reset]
field_T = 0.0040
hold_s = 0.0
"""
TOML_VALUES = (
    "nan", "inf", "-inf", "-1", "0", "1e308", "-1e308", "9" * 400, "true", '"x"', '""', "[]", "{}",
    "[[[]]]", '["X", "X"]', "[1, 2]", "1979-05-27T07:32:00Z", "07:32:00", '"\\u0000"', "0x7fffffff",
    '"' + "y" * 5000 + '"', '{a = {b = {c = 1}}}', "'''\n'''", "1_000", "[" * 3000 + "]" * 3000,
    '"TCPIP0::::SOCKET"', '"GPIB0::99999999999::INSTR"', '"../../x"', "1e-320", "12.5", "0.001",
)  # fmt: skip
MAP_WORDS = (
    "response=repeat,channel,step", "response:step", "drive=u:sequence,step", "units=V", "=", ":",
    "units=V,deg,s", "channels=X,X", "channels=", "axes=repeat,step", "response=", "values:step",
    "drive=none", "response=a:b:c", "μ=1", "response=repeat,repeat", "\0", "x" * 300, ",,,",
    "values=repeat,step", "step,repeat", "response=values:step,channel", "drive=values:step",
)  # fmt: skip
SEQUENCES = {
    "sequences": [[0, 0.5, 1.0], {"drive": [0.25, 0.75], "family": "steps"}],
    "window": {"encoding": "amplitude", "low_T": 0.0022, "high_T": 0.0034, "hold_s": 0.0},
    "reset": {"field_T": 0.004, "hold_s": 0.0},
    "schema": 1,
    "notes": "by hand",
}


def damaged_text(text: bytes, rng: random.Random) -> bytes:
    """Cut, flipped, doubled or spoilt anywhere."""
    at = rng.randrange(len(text))
    kind = rng.choice(("cut", "flip", "insert", "double", "rubbish"))
    if kind == "cut":
        return text[:at]
    if kind == "flip":
        return text[:at] + bytes([text[at] ^ 1 << rng.randrange(8)]) + text[at + 1 :]
    if kind == "insert":
        return text[:at] + rng.choice((b"\0", b"\xff", b"\n", b'"', b"[", b"=", b"#")) + text[at:]
    if kind == "double":
        return text + text[at:]
    return rng.randbytes(rng.randrange(300))


def fuzzed_bench(rng: random.Random) -> bytes:
    """A bench file with odd values, keys missing, doubled or misspelt, or damaged bytes."""
    lines = BENCH.splitlines()
    for _ in range(rng.choice((0, 1, 1, 2, 4))):
        number = rng.randrange(len(lines))
        key, equals, _ = lines[number].partition(" = ")
        kind = rng.choice(("value", "value", "value", "drop", "double", "misspell", "move"))
        if kind == "value" and equals:
            lines[number] = f"{key} = {rng.choice(TOML_VALUES)}"
        elif kind == "drop":
            del lines[number]
        elif kind == "double":
            lines.insert(rng.randrange(len(lines)), lines[number])
        elif kind == "misspell" and key:
            lines[number] = lines[number].replace(rng.choice(key), rng.choice("xq_-. "), 1)
        elif kind == "move":
            lines.insert(rng.randrange(len(lines)), lines.pop(number))
    text = "\n".join(lines).encode()
    return damaged_text(text, rng) if rng.random() < 0.3 else text


def fuzzed_sequences(rng: random.Random) -> bytes:
    """A sequence file with odd values, or damaged bytes."""
    body = changed(SEQUENCES, rng) if rng.random() < 0.7 else SEQUENCES
    text = json.dumps(body).encode()
    return damaged_text(text, rng) if rng.random() < 0.3 else text


def measured(rng: random.Random) -> dict[str, Any]:
    """Arrays as a measurement leaves them, and some that it doesn't."""
    shape = rng.choice(((3, 2, 7), (5, 7), (7,), (5, 7), (1,), (0, 3), (), (2, 3, 4, 2)))
    numbers = np.random.default_rng(rng.randrange(2**32)).standard_normal(shape)
    usual = (np.float64, np.float64, np.float64, np.float32)
    kind = rng.choice((*usual, np.int16, np.complex128, np.str_, np.bool_))
    array = np.array(numbers * 9).astype(kind)
    if array.size and array.dtype.kind == "f" and rng.random() < 0.3:
        array.ravel()[0] = rng.choice((np.nan, np.inf))
    return {"values": array, "u": np.clip(np.abs(numbers.ravel()[:7]), 0, 1), "response": array}


RIGHT_MAPS = {1: "values=step", 2: "values=repeat,step", 3: "values=sequence,repeat,step"}


def write_measured(folder: Path, rng: random.Random) -> tuple[Path, str]:
    """A measured file of any of the known formats (`.nc` aside), often damaged, and its map."""
    arrays = measured(rng)
    suffix = rng.choice((".npz", ".npy") * 3 + (".csv", ".txt", ".json"))
    path = folder / f"measured{suffix}"
    stream = io.BytesIO()
    if suffix == ".npz":
        np.savez_compressed(stream, **arrays)
    elif suffix == ".npy":
        np.save(stream, arrays["values"], allow_pickle=False)
    else:
        rows = np.random.default_rng(rng.randrange(99)).standard_normal((4, 3)).tolist()
        text = "\n".join(rng.choice(",,,;").join(map(str, row)) for row in rows)
        stream.write((rng.choice(("", "a,b,c\n", "# x\n", "a,a,\n")) + text).encode())
    content = stream.getvalue()
    if suffix == ".npy" and rng.random() < 0.2:
        wider = rng.choice((b"(99999999999,), ", b"(-5, -5), ", b"(4, 2**9), "))
        content = re.sub(rb"\([^)]*\), ", wider, content, count=1)
    path.write_bytes(damaged_text(content, rng) if rng.random() < 0.3 else content)
    dimensions = arrays["values"].ndim if suffix in (".npz", ".npy") else 2
    return path, RIGHT_MAPS.get(dimensions, "values=sequence,repeat,step,channel")


def fuzzed_map(rng: random.Random) -> str:
    """Words of the map's grammar in any order, some of them broken."""
    words = [rng.choice(MAP_WORDS) for _ in range(rng.randrange(4))]
    text = " ".join(words)
    return text[: rng.randrange(len(text) + 1)] if rng.random() < 0.2 else text

"""A checkpoint comes back as it was, or with one clear error: a flipped bit is never a weight."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from fuzz_damage import RUBBISH
from safetensors.numpy import load, save

from app.fit_checkpoint import FILE_NAME, load_checkpoint, remove_checkpoint, save_checkpoint
from app.operations.fit import fit
from models.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

CASES = 400
NUMBERS = {"iteration": 7, "best": float("inf"), "settings": {"seed": 1}}


def arrays() -> dict[str, NDArray[Any]]:
    rng = np.random.default_rng(1)
    return {"w": rng.standard_normal((3, 4)).astype(np.float32), "step": np.array([5.0])}


def test_a_checkpoint_comes_back_as_it_was_and_is_replaced_whole(tmp_path: Path) -> None:
    for iteration in (7, 8):
        save_checkpoint(tmp_path, arrays(), {**NUMBERS, "iteration": iteration})
    found, numbers = load_checkpoint(tmp_path)
    assert {name: array.tolist() for name, array in found.items()} == {
        name: array.tolist() for name, array in arrays().items()
    }
    assert (numbers["iteration"], numbers["best"]) == (8, float("inf"))
    assert [p.name for p in tmp_path.iterdir()] == [FILE_NAME]
    remove_checkpoint(tmp_path)
    with pytest.raises(InputError, match="no fit was begun there"):
        load_checkpoint(tmp_path)


def test_every_damage_is_noticed(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, arrays(), NUMBERS)
    path, rng = tmp_path / FILE_NAME, random.Random(5)
    whole = path.read_bytes()
    for case in range(CASES):
        spoilt = bytearray(whole)
        for _ in range(rng.choice((1, 1, 2, 40))):
            spoilt[rng.randrange(len(spoilt))] ^= 1 << rng.randrange(8)
        path.write_bytes(spoilt if case % 3 else whole[: rng.randrange(len(whole))])
        with pytest.raises(InputError, match=FILE_NAME):
            load_checkpoint(tmp_path)
    for content in RUBBISH:
        path.write_bytes(content)
        with pytest.raises(InputError, match=FILE_NAME):
            load_checkpoint(tmp_path)


@pytest.mark.parametrize("change", [{"schema": 1}, {"schema": None}])
def test_another_schema_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    save_checkpoint(tmp_path, arrays(), NUMBERS)
    path = tmp_path / FILE_NAME
    content = load(path.read_bytes())
    text = json.dumps({**json.loads(content["numbers.json"].tobytes()), **change}).encode()
    content["numbers.json"] = np.frombuffer(text, dtype=np.uint8)
    path.write_bytes(save(content))
    with pytest.raises(InputError, match="this Twinrig reads 2"):
        load_checkpoint(tmp_path)


def test_a_checkpoint_of_no_fit_is_refused(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, arrays(), {"kind": "training"})
    with pytest.raises(InputError, match="not that of a fit"):
        list(fit([], tmp_path, resume=True))

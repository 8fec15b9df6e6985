"""A virtual rig that begins with each command: the same sample, but noise that was never before."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.cli.main import main
from app.connect import bench_of
from app.store import read_recording

ASKED = ("record", "--bench", "virtual", "--sequences", "steps:2x4@3", "--repeats", "2")


def recorded(out: Path, *more: str) -> np.ndarray:
    assert main([*ASKED, "--out", str(out), *more]) == 0
    return read_recording(out).response


def test_the_same_command_draws_the_same_and_another_seed_other_noise(tmp_path: Path) -> None:
    first, again = recorded(tmp_path / "a"), recorded(tmp_path / "b")
    other = recorded(tmp_path / "c", "--seed", "1")
    assert np.array_equal(first, again)
    # neither of another order of the repeats alone: not one value is met again
    assert not np.isin(other, first).any()


@pytest.mark.parametrize(
    "changed",
    [
        {"verb": "deploy"}, {"resume": Path("run")}, {"seed": 1},
        {"bench": "virtual-leaky-integrator"}, {"sequences": "steps:2x4@4"},
        {"network": Path("other")},
    ],
    ids=lambda changed: next(iter(changed)),
)  # fmt: skip
def test_no_other_command_lives_the_same_noise(changed: dict[str, Any]) -> None:
    command = {
        "bench": "virtual", "verb": "record", "resume": None, "seed": 0, "accelerate": None,
        "sequences": "steps:2x4@3", "network": None,
    }  # fmt: skip
    seeds = []
    for one in (command, command, command | changed):
        virtual = bench_of(argparse.Namespace(**one)).virtual
        assert virtual is not None
        seeds.append(virtual.seed)
    assert seeds[0] == seeds[1] != seeds[2]


def test_each_resumption_lives_noise_of_its_own(tmp_path: Path) -> None:
    seeds = set()
    for measured in range(3):
        command = argparse.Namespace(
            bench="virtual", verb="record", resume=tmp_path, seed=0, accelerate=None
        )
        virtual = bench_of(command).virtual
        assert virtual is not None
        seeds.add(virtual.seed)
        (tmp_path / f"{measured}.bin").write_bytes(b"a repeat")
    assert len(seeds) == 3

"""A small untrained network and its twin in a folder: made by `apart`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from network_samples import saved_network

from instruments.bench import Bench
from instruments.bench_file import read_bench

if TYPE_CHECKING:
    from pathlib import Path


def make(folder: Path) -> None:
    with Bench.connect(read_bench("virtual")) as bench:
        saved_network(bench, folder, (2,))

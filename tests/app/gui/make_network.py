"""Make a small untrained network and its twin in a folder: `python make_network.py FOLDER [other]`.

A program of its own: what trains leaves threads behind that a test of the window counts as leaks.
With `other` the twin's settings are not those of the virtual bench.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from network_samples import TASK, run, twin_of

from app.operations.train import train
from app.store import save_twin
from instruments.bench import Bench
from instruments.bench_file import read_bench


def make(folder: Path, *, other: bool) -> None:
    bench = Bench.connect(read_bench("virtual"))
    twin = twin_of(bench)
    bench.close()
    if other:
        changed = {name: {**values, "range_V": 7.0} for name, values in twin.settings.items()}
        twin = replace(twin, settings=changed)
    save_twin(folder / "twin", twin)
    run(train(TASK, [folder / "twin"], (2,), folder / "network", iterations=0))


if __name__ == "__main__":
    make(Path(sys.argv[1]), other=len(sys.argv) > 2)

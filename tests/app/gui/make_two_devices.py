"""Two recordings, their twins and a network through both: made by `apart`.

Small as the operations let it be: what is pressed is tried here, not how good it gets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from network_samples import TASK, run

from app.operations.fit import fit
from app.operations.record import record
from app.operations.train import train
from instruments.bench import Bench
from instruments.bench_file import read_bench
from models.sequence import make_sequences

if TYPE_CHECKING:
    from pathlib import Path

RIGS = {"rings": "virtual", "leaky": "virtual-leaky-integrator"}


def make(folder: Path) -> None:
    for name, word in RIGS.items():
        with Bench.connect(read_bench(word)) as bench:
            run(record(bench, make_sequences("mixed", 10, 40, 0), 4, folder / f"rec-{name}"))
        run(fit([folder / f"rec-{name}"], folder / f"twin-{name}", iterations=40, seed=0))
    twins = [folder / f"twin-{name}" for name in ("rings", "leaky", "rings")]
    run(train(TASK, twins, [2, 1, 2], folder / "net", iterations=4, options={"parallel": [1]}))

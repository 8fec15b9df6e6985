"""The echo-state networks' figures in the README, without the twins that they stand beside.

    pytest -m full -s tests/training/test_baselines_figures.py -k demo

The device's spread is the demo's, 10 %; a table's seeds and folds are those of `compare-networks`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest

from training.baselines.echo_state import NETWORKS, Search
from training.baselines.software import NOISE_LEVELS
from training.tasks import make_task

if TYPE_CHECKING:
    from numpy.typing import NDArray

pytestmark = [pytest.mark.full, pytest.mark.timeout(1800)]
SPREAD = 0.1


@dataclass(frozen=True)
class Case:
    """A row: a network for each task and seed, and the error that others have measured."""

    tasks: tuple[str, ...]
    nodes: int
    delays: tuple[int, ...]
    seeds: tuple[int, ...]
    noises: tuple[float, ...]


SERIES, FIVE = "mackey-glass:h=5", (0, 1, 2, 3, 4)
CASES = {
    "demo": Case((SERIES,), 72, (0, 3, 6), (0,), NOISE_LEVELS),
    "delays": Case((SERIES,), 72, (0, 3, 6), FIVE, NOISE_LEVELS),
    "without-delays": Case((SERIES,), 120, (0,), FIVE, NOISE_LEVELS),
    "two-devices": Case((SERIES,), 18, (0,), (0,), NOISE_LEVELS),
    "digits": Case(tuple(f"digits:fold={k}" for k in range(5)), 100, (0, 2, 4), (0,), (0.0,)),
    "emg-1": Case(("emg:participant=1",), 120, (0,), FIVE, (0.0,)),
    "emg-2": Case(("emg:participant=2",), 120, (0,), FIVE, (0.0,)),
}


def found(case: Case, task: str, seed: int) -> NDArray[np.float64]:
    """Test scores `(networks, levels)`; their mean is what `echo_state_trials` gives."""
    search = Search(make_task(task), case.nodes, case.noises, case.delays, SPREAD)
    scores = np.empty((NETWORKS, len(search.passes)))
    for _ in search.run(range(seed * NETWORKS, (seed + 1) * NETWORKS), scores):
        pass
    return scores


@pytest.mark.parametrize("name", CASES)
def test_the_readmes_figures(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    case, began = CASES[name], time.process_time()
    each = np.stack([found(case, task, seed) for task in case.tasks for seed in case.seeds])
    rows, networks = each.mean(axis=1), each.reshape(-1, each.shape[2])
    words = [f"{100 * noise:g} % noise" for noise in case.noises] + [f"spread {SPREAD:.0%}"]
    with capsys.disabled():
        print(f"\n{name}: {time.process_time() - began:.0f} s of one core")  # noqa: T201
        for level, word in enumerate(words):
            over = f" ± {rows[:, level].std(ddof=1):.2g} over {len(rows)}" if len(rows) > 1 else ""
            one = networks[:, level].std(ddof=1)
            print(f"  {word}: {rows[:, level].mean():.4g}{over}; ± {one:.2g} a network")  # noqa: T201
    if case.tasks == (SERIES,):  # elsewhere noise may keep from learning by heart
        assert networks[:, 0].mean() < networks[:, -1].mean()

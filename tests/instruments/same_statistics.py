"""Two ways to record the same: whether means and spreads of every step and channel agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from list_bench import recorded
from scipy import stats

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from instruments.bench_spec import BenchSpec

ALPHA = 1e-3  # of a whole comparison: every step and channel, means and spreads


def check_same_statistics(
    name: str,
    spec_of: Callable[[str, int], BenchSpec],
    runs: int,
    fields_T: Sequence[float],
) -> None:
    """Assert it for one repeat of each seed by software and by hardware, seeds of their own.

    One repeat of each seed: drift makes repeats of one run alike.
    """
    ways = []
    for timing, first in (("software", 1), ("hardware", 10_001)):
        specs = (spec_of(timing, seed) for seed in range(first, first + runs))
        ways.append(np.array([recorded(spec, fields_T=fields_T)[0][0] for spec in specs]))
    software, hardware = ways
    p_means = stats.ttest_ind(software, hardware, axis=0, equal_var=False).pvalue
    p_spreads = [
        stats.levene(software[:, t, c], hardware[:, t, c]).pvalue
        for t in range(software.shape[1])
        for c in range(software.shape[2])
    ]
    p_mean, p_spread = float(np.min(p_means)), float(np.min(p_spreads))
    print(  # noqa: T201
        f"{name}: hardware- against software-timed, {runs} runs each, {p_means.size} comparisons: "
        f"smallest p of the means {p_mean:.2g}, of the spreads {p_spread:.2g} "
        f"(refused below {ALPHA / p_means.size:.2g})"
    )
    assert min(p_mean, p_spread) > ALPHA / p_means.size

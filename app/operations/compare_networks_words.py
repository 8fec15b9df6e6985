"""What the comparison table says, in sentences; where noise-aware is not better, so it is said."""

from __future__ import annotations

from math import hypot
from statistics import fmean, stdev
from typing import TYPE_CHECKING

from app.operations.compare_networks_plan import NOISE_AWARE
from app.words import signed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.operations.compare_networks_plan import Place
    from app.operations.compare_networks_table import Row, Table

COVERED = 0.9  # of the measured scores should be inside the foreseen interval
CHANCE = "better, perhaps by chance, than"
UNLIKELY = 0.05  # a binomial probability below it contradicts
SHARED_TWIN = (
    ", as of independent networks; those of one twin share its errors and miss together, so that "
    "chance reaches further"
)


def sentences(table: Table) -> list[str]:
    """What the table says; where noise-aware is not better, so it is said."""
    first = table.row(NOISE_AWARE)
    if first is None or not first.predicted:
        return ["No noise-aware network is there yet."]
    deployed = bool(first.measured)
    said = [_headline(table, first)]
    for row in table.rows[1:]:
        if row.by_place(deployed=deployed):
            said.append(_against(first, row, deployed))
    if deployed:
        said.append(f"Of noise-aware networks {inside_words([first])}")
        others = [row for row in table.rows if row.scores]
        if len(others) > 1:
            said.append(f"Of all networks, by the stochastic twin, {inside_words(others)}")
    return said


def standing(table: Table) -> str:
    """What noise-aware is better than, perhaps, or not, in one sentence; empty: not known."""
    first = table.row(NOISE_AWARE)
    if first is None or not first.predicted:
        return ""
    deployed = bool(first.measured)
    ours = first.by_place(deployed=deployed)
    sides: dict[str, list[str]] = {"better than": [], CHANCE: [], "NOT better than": []}
    for row in table.rows[1:]:
        other = row.by_place(deployed=deployed)
        if not other:
            continue
        side = "NOT better than"
        if fmean(ours.values()) < fmean(other.values()):
            side = CHANCE if _alike(ours, other) else "better than"
        sides[side].append(row.label)
    words = [f"{side} {' · '.join(labels)}" for side, labels in sides.items() if labels]
    return f"Noise-aware is {'; '.join(words)}." if words else ""


def _headline(table: Table, first: Row) -> str:
    metric = table.metric.upper() if table.metric == "nmse" else table.metric
    words = f"{table.plan.task}, {metric}: the noise-aware networks are foreseen at "
    words += mean_words(first.predicted)
    if not first.measured:
        return f"{words}; nothing was deployed."
    lost = f" (× {first.ratio:.2f})" if first.ratio is not None else ""
    if table.by_error and first.points is not None:
        lost = f" ({signed(first.points)} points)"
    return f"{words} and measured at {mean_words(first.measured)} on the device{lost}."


def _against(first: Row, row: Row, deployed: bool) -> str:
    """Noise-aware beside another row, by the measured scores where there are any."""
    ours, theirs = (one.by_place(deployed=deployed) for one in (first, row))
    where = " on the device" if deployed and row.scores else ""
    mine, other = fmean(ours.values()), fmean(theirs.values())
    figures = f"{mine:.4g} against {other:.4g}{where}"
    chance = ", perhaps by chance" * _alike(ours, theirs)
    if len(ours) == len(theirs) == 1:
        chance = ", from one network: how far chance reaches nobody knows"
    if mine >= other:
        return f"Noise-aware is NOT better than {row.label}: {figures}{chance}."
    factor = f"× {other / mine:.2f}" if mine > 0 else "no error left"
    return f"Noise-aware is better than {row.label}: {figures} ({factor}{chance})."


def _alike(ours: Mapping[Place, float], theirs: Mapping[Place, float]) -> bool:
    """Whether two means over seeds and folds may differ by chance.

    By a t-test at 5 %: paired by seed and fold, and where these are not the same, as some failed,
    unpaired, with the degrees of freedom of the fewer; one value alone counts as known exactly.
    True for one of each: nobody knows.
    """
    from scipy.stats import t

    samples = [list(ours.values()), list(theirs.values())]
    if ours.keys() == theirs.keys():
        samples = [[one - theirs[place] for place, one in ours.items()]]
    scattered = [one for one in samples if len(one) > 1]
    if not scattered:
        return True
    error = hypot(*(stdev(one) / len(one) ** 0.5 for one in scattered))
    most = float(t.ppf(1 - UNLIKELY / 2, min(map(len, scattered)) - 1))
    return abs(fmean(ours.values()) - fmean(theirs.values())) < most * error


def inside_words(rows: Sequence[Row]) -> str:
    """Whether as many measured scores are inside their 90 % interval as 0.9 would give.

    By the binomial of independent networks, which is narrower than that of networks of one twin.
    """
    inside, of = (sum(row.within[i] for row in rows) for i in (0, 1))
    if of == 0:
        return "none was measured."
    from scipy.stats import binomtest

    probability = float(binomtest(inside, of, COVERED).pvalue)
    verdict = "consistent with" if probability >= UNLIKELY else "NOT consistent with"
    shared = SHARED_TWIN if of > 1 else ""
    better = sum(row.better for row in rows)
    sides = f" ({better} better than it, {of - inside - better} worse)" if inside < of else ""
    return (
        f"{inside} of {of} measured scores are inside the foreseen 90 % interval{sides}: {verdict} "
        f"0.9 (two-sided binomial p = {probability:.2g}){shared}."
    )


def mean_words(values: Sequence[float]) -> str:
    """Mean and standard deviation over seeds and folds."""
    if not values:
        return "—"
    spread = f" ± {stdev(values):.2g}" if len(values) > 1 else ""
    return f"{fmean(values):.4g}{spread}"

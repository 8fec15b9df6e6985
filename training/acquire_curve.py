"""Learning curves: how the errors of a twin fall with sequences and repeats."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from training.validation import VALIDATION_SHARE
from training.verdict import DECIDING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Index = NDArray[np.int64]


TARGET = 1.5  # error over floor for which the measurements are told


@dataclass(frozen=True)
class Grid:
    """What is fitted: each number of sequences with each number of repeats, from each seed.

    Attributes
    ----------
    sequences, repeats
        Ascending; those that select are among them.
    iterations, minutes
        Of each fit, as `training.fit_settings`.
    seeds, seed
        Fits of each, from the first weights and subsets of `seed` on.
    target
        Ratio to the floor for which the measurements are told.
    """

    sequences: tuple[int, ...]
    repeats: tuple[int, ...]
    iterations: int = 4000
    minutes: float | None = None
    seeds: int = 1
    seed: int = 0
    target: float = TARGET

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> Grid:
        """The grid of `asdict`, whose tuples JSON made lists."""
        values: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in body.items()
        }
        return cls(**values)

    @property
    def points(self) -> list[tuple[int, int, int]]:
        """(sequences, repeats, seed), the cheapest first."""
        seeds = range(self.seed, self.seed + self.seeds)
        pairs = [(s, r) for s in self.sequences for r in self.repeats]
        return [(s, r, k) for s, r in sorted(pairs, key=lambda p: (p[0] * p[1], p)) for k in seeds]


def nested(families: Sequence[str], seed: int) -> Index:
    """An order of sequences whose every beginning holds the families in proportion."""
    rng = np.random.default_rng([seed, 23])
    shuffled = rng.permutation(len(families))
    place: dict[int, float] = {}
    for family in sorted(set(families)):
        members = [int(i) for i in shuffled if families[int(i)] == family]
        place |= {m: (k + rng.random()) / len(members) for k, m in enumerate(members)}
    return np.array(sorted(place, key=lambda i: place[i]), dtype=np.int64)


def parts_of(chosen: Index, alike: Sequence[int] = ()) -> tuple[Index, Index]:
    """Training and validation part of a subset: both are paid for, both count as measured.

    Parameters
    ----------
    chosen
        The subset's sequences.
    alike
        Of each what all have in common that play the same (`training.alike_drives`); those go
        together, so that nothing selects that was fitted. Left out: each plays another drive. Where
        all play one drive there is no other to select by.
    """
    kept = max(round(VALIDATION_SHARE * chosen.size), 1)
    places = np.unique(np.linspace(0, chosen.size - 1, kept + 2).round().astype(int)[1:-1])
    drives = np.asarray(alike if len(alike) else np.arange(chosen.size))
    most = np.unique(drives).size - 1  # one at least is fitted
    selecting = np.isin(np.arange(chosen.size), [] if most else places)
    for drive in list(dict.fromkeys(drives[places].tolist()))[:most]:
        if selecting.sum() < places.size:
            selecting |= drives == drive
    validation = chosen[selecting]
    return np.setdiff1d(chosen, validation), validation


def worst_ratio(errors: Mapping[str, Mapping[str, Any]], end: str = "ratio") -> float:
    """The largest ratio to the floor of the scores that decide; infinite where one has none.

    `end`: `low` or `high` for that end of their intervals.
    """
    ratios = [errors.get(name, {}).get(end) for name in DECIDING]
    return math.inf if None in ratios else max(float(r) for r in ratios if r is not None)


def needed(measured: Sequence[float], ratios: Sequence[float], target: float) -> float | None:
    """Measurements from which on the ratio stays at or below `target`; None: not reached.

    Between two points the logarithm of the ratio goes with that of the measurements; where the
    first point is there already, its own number is the answer (it may be fewer).
    """
    order = np.argsort(measured)
    n, ratio = np.asarray(measured, float)[order], np.asarray(ratios, float)[order]
    above = np.flatnonzero(~(ratio <= target))
    if above.size == 0:
        return float(n[0])
    last = int(above[-1])
    if last + 1 == n.size:
        return None
    if not np.isfinite(ratio[last]):
        return float(n[last + 1])
    over, under = math.log(ratio[last]), math.log(ratio[last + 1])
    part = (over - math.log(target)) / (over - under)
    return float(n[last] * (n[last + 1] / n[last]) ** part)


def needed_between(
    rows: Sequence[Mapping[str, Any]], target: float
) -> tuple[float | None, float | None]:
    """As `needed`, by the lower and by the upper ends of the errors' intervals; of `medians`' rows.

    What few held-out sequences can tell: a point whose interval reaches over the target decides
    nothing.
    """
    n = [row["measurements"] for row in rows]
    low, high = ([row[end] for row in rows] for end in ("worst_low", "worst_high"))
    return needed(n, low, target), needed(n, high, target)


def medians(points: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row for each number of sequences and repeats: medians over its seeds, by measurements.

    `errors` of each deciding error, and `worst`, the largest, with `worst_low` and `worst_high` of
    their intervals (infinite where there is none); fits that failed are left out.
    """
    pairs = sorted(
        {(p["sequences"], p["repeats"]) for p in points if not p["problem"]},
        key=lambda pair: (pair[0] * pair[1], pair),
    )
    rows = []
    for s, r in pairs:
        same = [p for p in points if (p["sequences"], p["repeats"]) == (s, r) and p["errors"]]
        errors = {
            name: {
                key: _median([p["errors"][name][key] for p in same])
                for key in ("value", "floor", "ratio", "excess")
            }
            for name in DECIDING
        }
        worst = _median([p["worst"] for p in same])
        coverage = _median([p["coverage"]["value"] for p in same])
        ends = {
            f"worst_{end}": float(
                np.median([worst_ratio(p["errors"], end) for p in same] or [np.inf])
            )
            for end in ("low", "high")
        }
        rows.append({"sequences": s, "repeats": r, "measurements": s * r, "errors": errors,
                     "worst": worst, **ends, "coverage": coverage, "seeds": len(same)})  # fmt: skip
    return rows


def _median(values: Sequence[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return float(np.median(known)) if known else None

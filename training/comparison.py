"""Twins of several objectives beside each other: medians over seeds, who is best, in words."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

COMPARED = ("mean", "spread", "autocovariance", "crps")
KEYS = ("value", "floor", "ratio", "excess")
NOISELESS = "mean"  # the objective of a twin without noise
NO_NOISE = "no noise, and the other errors say only that"
TOO_FEW = "has no score"


@dataclass(frozen=True)
class Fitted:
    """One twin of a comparison.

    Attributes
    ----------
    objective, seed
        Which.
    errors, coverage
        As `training.floors.Scores`; empty where the fit failed.
    iterations, seconds
        What its budget gave.
    path
        Of its `twin.json`; empty where the fit failed.
    problem
        Why it failed, in words.
    """

    objective: str
    seed: int
    errors: Mapping[str, Mapping[str, float | None]]
    coverage: Mapping[str, float | None]
    iterations: int = 0
    seconds: float = 0.0
    path: str = ""
    problem: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        errors = {name: dict(row) for name, row in self.errors.items()}
        return {**vars(self), "errors": errors, "coverage": dict(self.coverage)}


def summarise(fitted: Sequence[Fitted]) -> dict[str, dict[str, Any]]:
    """Medians over seeds, by objective in the order given.

    Each holds for every error of `COMPARED` `{value, floor, ratio, excess, low, high}` (`low` and
    `high`: the smallest and the largest ratio of its seeds), `coverage` `{value, expected}`,
    `iterations`, `seeds` that gave a twin and `failed`. None where no seed gave a number.
    """
    return {
        name: _medians([f for f in fitted if f.objective == name])
        for name in dict.fromkeys(f.objective for f in fitted)
    }


def best_of(summary: Mapping[str, Mapping[str, Any]], error: str = "crps") -> str | None:
    """The objective with the smallest ratio of an error; None where none has one.

    One whose fits failed with some seeds is best only where all such did: what is left of it are
    the seeds that went well.
    """
    known = {n: s[error]["ratio"] for n, s in summary.items() if s[error]["ratio"] is not None}
    whole = {n: ratio for n, ratio in known.items() if not summary[n]["failed"]} or known
    return min(whole, key=lambda name: whole[name]) if whole else None


def verdict(
    summary: Mapping[str, Mapping[str, Any]], noiseless: Collection[str] = (NOISELESS,)
) -> str:
    """Which objective has the smallest CRPS, and where another beats it.

    `noiseless`: names of twins without noise, whose spread and correlation are no better by chance.
    """
    best = best_of(summary)
    if best is None:
        return "No objective gave a twin that could be scored."
    words = f"{best} has the smallest CRPS, {summary[best]['crps']['ratio']:.3f} times its floor"
    alike = [n for n in summary if n != best and _overlap(summary[best], summary[n], "crps")]
    words += f", its seeds overlapping those of {' and '.join(alike)}" if alike else ""
    noisy = {name: row for name, row in summary.items() if name not in noiseless}
    for error in COMPARED[:-1]:
        other = best_of(summary if error == "mean" else noisy, error)
        if other is not None and other != best:
            own, theirs = summary[best][error]["ratio"], summary[other][error]["ratio"]
            by_chance = ", seeds overlap" * _overlap(summary[best], summary[other], error)
            figures = f"{theirs:.2f} against {_fixed(own)}{by_chance}"
            words += f"; in {error} {other} is better ({figures})"
    for name, row in summary.items():
        if row["failed"]:
            words += f"; of {name} {row['failed']} of {row['failed'] + row['seeds']} fits failed"
    return words + "."


def _overlap(one: Mapping[str, Any], other: Mapping[str, Any], error: str) -> bool:
    """Whether the ratios of some seeds of both are alike: then the medians differ by little."""
    a, b = one[error], other[error]
    if None in (a["low"], a["high"], b["low"], b["high"]) or one["seeds"] + other["seeds"] < 3:
        return False
    return bool(a["low"] <= b["high"] and b["low"] <= a["high"])


def against(
    summary: Mapping[str, Mapping[str, Any]],
    one: str,
    other: str,
    noiseless: Collection[str] = (NOISELESS,),
) -> str:
    """How much better `one` is than `other`, error by error: the quotient of their values.

    A mean without noise has no scatter of few samples: where one of the two is `noiseless` their
    ratios to their own floors are compared, and nothing of the noise.
    """
    silent = [name for name in (one, other) if name in noiseless]
    errors, key = (("mean", "crps"), "ratio") if silent else (COMPARED, "value")
    parts, better = [], 0
    for error in errors:
        own, theirs = (summary[name][error][key] for name in (one, other))
        if own is None or theirs is None:
            parts.append(f"{error} {TOO_FEW}")
            continue
        better += own < theirs
        parts.append(f"{error} {own:.4g} against {theirs:.4g} ({theirs / own:.2f} times)")
    count = "every error" if better == len(COMPARED) else f"{better} of {len(errors)} errors"
    words = f"{one} is better than {other} in {count}: {', '.join(parts)}"
    if not silent:
        return f"{words}."
    return f"{words}, times their floors ({' and '.join(silent)}: {NO_NOISE})."


def _medians(fitted: Sequence[Fitted]) -> dict[str, Any]:
    scored = [f for f in fitted if not f.problem]
    out: dict[str, Any] = {
        error: {
            **{key: _median([f.errors[error].get(key) for f in scored]) for key in KEYS},
            "low": _extreme([f.errors[error].get("ratio") for f in scored], min),
            "high": _extreme([f.errors[error].get("ratio") for f in scored], max),
        }
        for error in COMPARED
    }
    out["coverage"] = {
        key: _median([f.coverage.get(key) for f in scored]) for key in ("value", "expected")
    }
    out["iterations"] = _median([f.iterations for f in scored])
    out["seeds"], out["failed"] = len(scored), len(fitted) - len(scored)
    return out


def _median(values: Sequence[float | None]) -> float | None:
    """The median; None where any is missing: a twin without a score isn't left out unsaid."""
    known = [v for v in values if v is not None]
    return median(known) if known and len(known) == len(values) else None


def _extreme(values: Sequence[float | None], choose: Any) -> float | None:
    known = [v for v in values if v is not None]
    return float(choose(known)) if known else None


def _fixed(value: float | None) -> str:
    return TOO_FEW if value is None else f"{value:.2f}"

"""Where a twin is off, in words: the parts of each axis that stand out, neighbours together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

AT_FLOOR = 1.25
"""The target for mean, spread, autocovariance, CRPS over the half-split floor (halves of 8)."""
COVERED = (0.87, 0.92)
"""The target for the coverage of the 90 % interval."""
EXPECTED_COVERAGE = 0.891
"""Of a perfect twin's 90 % interval from 200 samples: its ends are the 10.95th and the 190.05th of
them in order, and the n-th lies at n / 201 in the mean, whatever the distribution."""
AXES = ("drive", "step", "change", "channel", "family")
MOST_NAMED = 3  # parts of an axis
ALIKE = 1.3  # parts within this factor of each other are alike
UNEVEN = 0.03  # of the coverage between parts: less is alike
ONE_SEQUENCE = 1.6  # a part of one sequence has no interval: named from this ratio on


def worst_places(where: Mapping[str, Sequence[Mapping[str, Any]]], measure: str) -> list[str]:
    """Parts whose error stands out, in words with their ratios: `at drives 0.4–0.6 (3.1 ×)`.

    A part is named where even the low end of its 99 % interval is above the target; an axis whose
    parts are all alike says nothing and is left out.
    """
    found = []
    for axis in AXES:
        rows = [r for r in where.get(axis, ()) if _ratio(r, measure) is not None]
        ratios = [_ratio(r, measure) or 0.0 for r in rows]
        if len(rows) < 2 or max(ratios) < ALIKE * min(ratios):
            continue
        bad = [k for k, row in enumerate(rows) if _stands_out(row[measure])]
        bad = [k for k in bad if ratios[k] * ALIKE >= max(ratios)]
        if bad and len(bad) < len(rows):
            found.append(_named(axis, rows, bad, max(ratios[k] for k in bad)))
    return found


def uncovered_places(
    where: Mapping[str, Sequence[Mapping[str, Any]]], state: str, whole: float
) -> list[str]:
    """Parts whose coverage is off, `state`, and not less than the `whole`, with their coverage.

    Those of one sequence have no interval, and are not named: chance moves them by some hundredths.
    """
    found = []
    for axis in AXES:
        rows = [r for r in where.get(axis, ()) if r.get("coverage", {}).get("low") is not None]
        off = [_uncovered_by(r["coverage"], state) for r in rows]
        if len(rows) < 2 or max(off) <= 0 or max(off) - min(off) < UNEVEN:
            continue
        bad = [k for k, amount in enumerate(off) if amount > 0 and amount >= 0.6 * max(off)]
        bad = [k for k in bad if _as_far(rows[k]["coverage"]["value"], whole, state)]
        if bad and len(bad) < len(rows):
            worst = rows[max(bad, key=lambda k: off[k])]["coverage"]["value"]
            found.append(_named(axis, rows, bad, worst, digits=3, sign=""))
    return found


def _as_far(part: float, whole: float, state: str) -> bool:
    return part <= whole if state == "too narrow" else part >= whole


def ratio_range(cells: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """What an axis of these ratios shows: them, the target, and intervals ten times as far."""
    ratios, lows, highs = ([c[k] for c in cells if c.get(k)] for k in ("ratio", "low", "high"))
    least, most = min([1.0, *ratios]), max([AT_FLOOR, *ratios])
    return max(min([least, *lows]), least / 10), min(max([most, *highs]), most * 10)


def _uncovered_by(cell: Mapping[str, Any], state: str) -> float:
    """How far even the nearer end of a part's interval is from the target; below 0 within it."""
    if state == "too narrow":
        return COVERED[0] - float(cell["high"])
    return float(cell["low"]) - COVERED[1]


def _ratio(row: Mapping[str, Any], measure: str) -> float | None:
    value = row.get(measure, {}).get("ratio")
    return None if value is None else float(value)


def _stands_out(cell: Mapping[str, Any]) -> bool:
    low = cell.get("low")
    return bool(low > AT_FLOOR if low is not None else cell["ratio"] > ONE_SEQUENCE)


def _named(
    axis: str,
    rows: Sequence[Mapping[str, Any]],
    chosen: Sequence[int],
    worst: float,
    *,
    digits: int = 1,
    sign: str = " ×",
) -> str:
    runs = _runs(axis, chosen)
    labels = [_label(axis, rows[first], rows[last]) for first, last in runs[:MOST_NAMED]]
    more = f" and {len(runs) - MOST_NAMED} more" if len(runs) > MOST_NAMED else ""
    return f"{_before(axis, len(labels))} {', '.join(labels)}{more} ({worst:.{digits}f}{sign})"


def _runs(axis: str, chosen: Sequence[int]) -> list[tuple[int, int]]:
    """Neighbours together, where the axis has an order."""
    runs: list[tuple[int, int]] = []
    for k in chosen:
        if runs and axis in ("drive", "step") and k == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], k)
        else:
            runs.append((k, k))
    return runs


def _label(axis: str, first: Mapping[str, Any], last: Mapping[str, Any]) -> str:
    if axis in ("drive", "step"):
        return f"{first['bounds'][0]:g}–{last['bounds'][1]:g}"
    if axis == "change":
        low, high = first["bounds"]
        return "that stay" if high == 0 else f"of {low:g}–{high:g}"
    return str(first["label"])


def _before(axis: str, count: int) -> str:
    return {
        "drive": "at drives",
        "step": "at steps",
        "change": "at changes of drive",
        "channel": "in channel" if count == 1 else "in channels",
        "family": "in family" if count == 1 else "in families",
    }[axis]

"""A verdict in words: at the floor, or not yet, and where. No torch: windows and reports read it.

One place says what counts as reached, so that command line, window and report never disagree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

AT_FLOOR = 1.25
"""The target for mean, spread, autocovariance, CRPS over the half-split floor (halves of 8)."""
COVERED = (0.87, 0.92)
"""The target for the coverage of the 90 % interval; a perfect twin's is 0.892."""
DECIDING = ("mean", "spread", "autocovariance", "crps")
"""Scores that decide. The others rest on few numbers (`cross_correlation` of two channels on one)
and are named where they are off beyond doubt."""
LOCAL = ("mean", "spread", "crps")  # scores that are also told by part (`training.where`)
AXES = ("drive", "step", "change", "channel", "family")
NAMES = {
    "mean": "mean",
    "spread": "spread",
    "autocovariance": "autocovariance",
    "crps": "CRPS",
    "energy16": "energy score of 16 steps",
    "cross_correlation": "cross-channel correlation",
}
NO_FLOOR = (
    "Can't be told: the held-out repeats are all the same, so that the errors have no floor beside "
    "them."
)
MOST_NAMED = 3  # parts of an axis
ALIKE = 1.3  # parts within this factor of each other are alike
UNEVEN = 0.03  # of the coverage between parts: less is alike
ONE_SEQUENCE = 1.6  # a part of one sequence has no interval: named from this ratio on


@dataclass(frozen=True)
class Verdict:
    """What the scores come to.

    Attributes
    ----------
    at_floor
        Whether every deciding score and the coverage are reached; None where nothing was scored.
    sure
        False where an interval reaches over its target: more sequences could decide otherwise.
    words
        One sentence.
    reasons
        One more for each score that is not reached, and where.
    """

    at_floor: bool | None
    sure: bool
    words: str
    reasons: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values for a result line."""
        return {
            "at_floor": self.at_floor,
            "sure": self.sure,
            "words": self.words,
            "reasons": list(self.reasons),
        }


def state_of(row: Mapping[str, Any]) -> str:
    """`reached`, `reached, not surely`, `missed, not surely`, `missed` or `not scored`."""
    ratio = row.get("ratio")
    if ratio is None:
        return "not scored"
    low, high = row.get("low"), row.get("high")
    if ratio <= AT_FLOOR:
        return "reached" if high is None or high <= AT_FLOOR else "reached, not surely"
    return "missed" if low is None or low > AT_FLOOR else "missed, not surely"


def coverage_state(coverage: Mapping[str, Any]) -> str:
    """`reached`, `too narrow`, `too wide`, or `not scored`."""
    value = coverage.get("value")
    if value is None:
        return "not scored"
    if value < COVERED[0]:
        return "too narrow"
    return "reached" if value <= COVERED[1] else "too wide"


def verdict(
    errors: Mapping[str, Mapping[str, Any]],
    coverage: Mapping[str, Any],
    where: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    *,
    deterministic: bool = False,
    curves: Mapping[str, Any] | None = None,
) -> Verdict:
    """Weigh scores as in `training.floors.Scores`; a deterministic twin is judged by its mean.

    Parameters
    ----------
    errors, coverage, where
        Of `Scores`; a coverage of None is no fault (an older twin).
    deterministic
        It has no noise to be judged.
    curves
        `Scores.details` (or what a twin keeps of them): the lag and frequencies that are off.
    """
    names = ("mean",) if deterministic else DECIDING
    states = {name: state_of(errors.get(name, {})) for name in names}
    covered = "not scored" if deterministic else coverage_state(coverage)
    if all(state == "not scored" for state in states.values()):
        if errors.get("mean", {}).get("value") is not None:
            return Verdict(None, False, NO_FLOOR)
        return Verdict(None, False, "Not scored yet: it needs held-out repeats.")
    others = [] if deterministic else _others(errors, where or {})  # those are of the noise
    reasons = [
        _reason(name, errors[name], where or {})
        + (_memory_words(curves or {}) if name == "autocovariance" else "")
        for name, state in states.items()
        if state.startswith("missed")
    ]
    if covered in ("too narrow", "too wide"):
        reasons.append(_coverage_reason(coverage, covered, where or {}))
    unsure = [n for n, state in states.items() if state.endswith("not surely")]
    if reasons:
        surely = any(state == "missed" for state in states.values()) or covered != "reached"
        missed = [NAMES[n] for n, state in states.items() if state.startswith("missed")]
        missed += ["coverage"] if covered.startswith("too") else []
        words = f"Not yet at the floor: {_listed(missed)} {'is' if len(missed) == 1 else 'are'} off"
        words += "" if surely else ", though not beyond what few sequences can tell"
        return Verdict(False, surely, f"{words}.", (*reasons, *others))
    best = max(errors[n]["ratio"] for n in names if errors.get(n, {}).get("ratio") is not None)
    words = f"At the floor: no error above {best:.2f} times what two halves of the repeats differ"
    words += " by" if deterministic or covered == "not scored" else _covers(coverage)
    if unsure:
        reach = max(errors[n]["high"] for n in unsure)
        words += f"; {_listed([NAMES[n] for n in unsure])} could be up to {reach:.2f} times"
    hidden = _hidden(names, where or {}, states, with_noise=not deterministic)
    return Verdict(True, not unsure, f"{words}.", (*hidden, *others))


def _hidden(
    names: Sequence[str], where: Mapping[str, Any], states: Mapping[str, str], *, with_noise: bool
) -> list[str]:
    """What is off in parts although it is reached over all of them."""
    reasons = []
    for name in names:
        places = worst_places(where, name) if name in LOCAL and states[name] != "missed" else []
        if places:
            reasons.append(f"in parts {NAMES[name]} is above the floor: {_listed(places)}")
    for state in ("too narrow", "too wide") if with_noise else ():
        places = _uncovered(where, state)
        if places:
            reasons.append(f"in parts the 90 % interval is {state}: {_listed(places)}")
    return reasons


def _covers(coverage: Mapping[str, Any]) -> str:
    return (
        f" by, and its 90 % interval covers {coverage['value']:.3f} of the real values "
        f"(a perfect twin's {coverage.get('expected') or 0.892:.3f})"
    )


def _reason(name: str, row: Mapping[str, Any], where: Mapping[str, Any]) -> str:
    words = f"{NAMES[name]} {row['ratio']:.2f} times the floor"
    if row.get("low") is not None and row.get("high") is not None:
        words += f" ({row['low']:.2f}…{row['high']:.2f})"
    if name == "mean" and row.get("excess") is not None:
        words += f", {100 * row['excess']:.1f} % of the signal too far"
    places = worst_places(where, name) if name in LOCAL else []
    return words + (f": most {_listed(places)}" if places else "")


def _memory_words(curves: Mapping[str, Any]) -> str:
    """Where the memory of the noise differs most: lag, and share of the power beyond it."""
    real, twin = (curves.get(f"autocorrelation_{k}") for k in ("real", "twin"))
    if real is None or twin is None or len(real) == 0:
        return ""
    gaps = [abs(float(a) - float(b)) for a, b in zip(real, twin, strict=True)]
    lag = max(range(len(gaps)), key=gaps.__getitem__)
    kept = f"{twin[lag]:.2f} of itself, the device's {real[lag]:.2f}"
    return f": at lag {lag + 1} its noise keeps {kept}"


def _others(errors: Mapping[str, Mapping[str, Any]], where: Mapping[str, Any]) -> list[str]:
    """Scores that don't decide and are off beyond doubt."""
    return [
        _reason(name, row, where)
        for name, row in errors.items()
        if name in NAMES and name not in DECIDING
        and state_of(row) == "missed" and row.get("low") is not None
    ]  # fmt: skip


def _coverage_reason(coverage: Mapping[str, Any], state: str, where: Mapping[str, Any]) -> str:
    words = f"90 % interval covers {coverage['value']:.3f}"
    if coverage.get("low") is not None and coverage.get("high") is not None:
        words += f" ({coverage['low']:.3f}…{coverage['high']:.3f})"
    words += f" of the real values, {state} (a perfect twin's {coverage.get('expected') or 0.892})"
    places = _uncovered(where, state)
    return words + (f": most {_listed(places)}" if places else "")


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


def _uncovered(where: Mapping[str, Sequence[Mapping[str, Any]]], state: str) -> list[str]:
    found = []
    for axis in AXES:
        rows = [r for r in where.get(axis, ()) if r.get("coverage", {}).get("value") is not None]
        off = [_uncovered_by(r["coverage"], state) for r in rows]
        if len(rows) < 2 or max(off) <= 0 or max(off) - min(off) < UNEVEN:
            continue
        bad = [k for k, amount in enumerate(off) if amount > 0 and amount >= 0.6 * max(off)]
        if bad and len(bad) < len(rows):
            worst = rows[max(bad, key=lambda k: off[k])]["coverage"]["value"]
            found.append(_named(axis, rows, bad, worst, digits=3, sign=""))
    return found


def _uncovered_by(cell: Mapping[str, Any], state: str) -> float:
    """How far even the nearer end of a part's interval is from the target; below 0 within it."""
    if state == "too narrow":
        return COVERED[0] - float(cell["value"] if cell.get("high") is None else cell["high"])
    return float(cell["value"] if cell.get("low") is None else cell["low"]) - COVERED[1]


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


def _listed(parts: Sequence[str]) -> str:
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"

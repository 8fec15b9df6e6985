"""A verdict in words: at the floor, or not yet, and where. No torch: windows and reports read it.

One place says what counts as reached, so that command line, window and report never disagree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from training.verdict_places import AT_FLOOR, COVERED, uncovered_places, worst_places

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "AT_FLOOR", "COVERED", "DECIDING", "LOCAL", "NAMES", "NO_NOISE", "Verdict", "coverage_state",
    "state_of", "telling", "verdict", "worst_places",
]  # fmt: skip

DECIDING = ("mean", "spread", "autocovariance", "crps")
"""Scores that decide. The others rest on few numbers (`cross_correlation` of two channels on one)
and are named where they are off beyond doubt."""
LOCAL = ("mean", "spread", "crps")  # scores that are also told by part (`training.where`)
NAMES = {
    "mean": "mean",
    "spread": "spread",
    "autocovariance": "autocovariance",
    "crps": "CRPS",
    "energy16": "energy score of 16 steps",
    "cross_correlation": "cross-channel correlation",
}
EVERYWHERE = {"too narrow": 1.0, "too wide": 0.0}  # a coverage that every part is as far off as
NO_NOISE = (
    "the twin has no noise: beside its mean stands what a perfect mean would score, 1/√2 of what "
    "two halves of the repeats differ by; its other errors say only that it has no noise"
)
NO_FLOOR = (
    "Can't be told: the held-out repeats are all the same, so that the errors have no floor beside "
    "them."
)


@dataclass(frozen=True)
class Verdict:
    """What the scores come to.

    Attributes
    ----------
    at_floor
        Whether the coverage and every deciding score that has a floor are reached; None where
        nothing was scored.
    sure
        False where an interval reaches over its target, or a score has no floor: more sequences
        could decide otherwise.
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


def telling(
    errors: Mapping[str, Any], coverage: Mapping[str, Any], *, deterministic: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Errors and coverage that say something of a twin: of one without noise its mean alone."""
    if deterministic:
        return {name: row for name, row in errors.items() if name == "mean"}, {}
    return dict(errors), dict(coverage)


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
    """`reached`, `too narrow`, `too wide`, these two with `, not surely`, or `not scored`."""
    value, low, high = (coverage.get(key) for key in ("value", "low", "high"))
    if value is None:
        return "not scored"
    if value < COVERED[0]:
        return "too narrow" if high is None or high < COVERED[0] else "too narrow, not surely"
    if value > COVERED[1]:
        return "too wide" if low is None or low > COVERED[1] else "too wide, not surely"
    return "reached"


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
        return Verdict(None, False, "Not scored yet.")
    others = [] if deterministic else _others(errors, where or {})  # those are of the noise
    reasons = [
        _reason(name, errors[name], where or {})
        + (_memory_words(curves or {}) if name == "autocovariance" else "")
        for name, state in states.items()
        if state.startswith("missed")
    ]
    narrow_or_wide = covered.partition(",")[0]
    if narrow_or_wide in EVERYWHERE:
        reasons.append(_coverage_reason(coverage, narrow_or_wide, where or {}))
    unsure = [n for n, state in states.items() if state.endswith("not surely")]
    if reasons:
        surely = "missed" in states.values() or covered in EVERYWHERE
        missed = [NAMES[n] for n, state in states.items() if state.startswith("missed")]
        missed += ["coverage"] if narrow_or_wide in EVERYWHERE else []
        words = f"Not yet at the floor: {_listed(missed)} {'is' if len(missed) == 1 else 'are'} off"
        words += "" if surely else ", though not beyond what few sequences can tell"
        return Verdict(False, surely, f"{words}.", (*reasons, *others))
    untold = [n for n, state in states.items() if state == "not scored"]
    best = max(errors[n]["ratio"] for n in names if errors.get(n, {}).get("ratio") is not None)
    words = (
        f"At the floor: no error above {best:.2f} times what two halves of the repeats differ by"
        + _aside(errors, best)
    )
    if deterministic:
        words = f"At the floor in its mean: {best:.2f} times what a perfect mean scores"
    words += "" if covered == "not scored" else _covers(coverage)
    if unsure:
        reach = max(errors[n]["high"] for n in unsure)
        words += f"; {_listed([NAMES[n] for n in unsure])} could be up to {reach:.2f} times"
    if untold:
        words += f"; {_listed([NAMES[n] for n in untold])} can't be told: there is no floor to it"
    hidden = _hidden(names, where or {}, states, with_noise=not deterministic)
    return Verdict(True, not (unsure or untold), f"{words}.", (*hidden, *others))


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
        places = uncovered_places(where, state, EVERYWHERE[state])
        if places:
            reasons.append(f"in parts the 90 % interval is {state}: {_listed(places)}")
    return reasons


def _covers(coverage: Mapping[str, Any]) -> str:
    return (
        f", and its 90 % interval covers {coverage['value']:.3f} of the real values "
        f"(a perfect twin's {coverage.get('expected') or 0.891:.3f})"
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


def _aside(errors: Mapping[str, Mapping[str, Any]], best: float) -> str:
    """The errors that don't decide and lie above those that do, off perhaps or beyond doubt."""
    above = {n: row["ratio"] for n, row in errors.items() if n in NAMES and n not in DECIDING
             and state_of(row).startswith("missed") and row["ratio"] > best}  # fmt: skip
    if not above:
        return ""
    said = _listed([f"{NAMES[name]} ({ratio:.2f} times)" for name, ratio in above.items()])
    return f", but {said}, which {'decides' if len(above) == 1 else 'decide'} nothing"


def _coverage_reason(coverage: Mapping[str, Any], state: str, where: Mapping[str, Any]) -> str:
    words = f"90 % interval covers {coverage['value']:.3f}"
    if coverage.get("low") is not None and coverage.get("high") is not None:
        words += f" ({coverage['low']:.3f}…{coverage['high']:.3f})"
    words += f" of the real values, {state} (a perfect twin's {coverage.get('expected') or 0.891})"
    places = uncovered_places(where, state, coverage["value"])
    return words + (f": most {_listed(places)}" if places else "")


def _listed(parts: Sequence[str]) -> str:
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"

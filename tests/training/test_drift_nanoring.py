from __future__ import annotations

import numpy as np
import pytest
from drifting import drives
from nanoring_sittings import ROOM_K, sitting

from training.drift import SAME, Old, compare

OLDS, OLD_SEQUENCES, OLD_REPEATS = 5, 12, 8
CHECKED, REPEATS, STEPS = 6, 5, 40


def old_sitting(k):
    recording = sitting(drives(OLD_SEQUENCES, k, STEPS), OLD_REPEATS, 100 + k)
    return Old(recording, tuple(range(OLD_SEQUENCES)), tuple(range(OLD_REPEATS)))


def no_forecast(drive):
    raise AssertionError("the same drives need no twin")


def found(old, seed, **changed):
    new = sitting(old.recording.drive[:CHECKED], REPEATS, seed, **changed)
    drift = compare([old], new, no_forecast, (0.0, 1.0), seed=seed)
    assert drift.method == SAME
    return drift


def test_a_hotter_array_is_told_from_the_one_that_was_fitted():
    old = old_sitting(0)
    hotter = found(old, 1, temperature_K=ROOM_K + 40)
    assert hotter.changed
    assert "of the spread" in hotter.words or "spread" in hotter.words


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_false_alarms_and_what_is_seen_of_a_change_of_temperature():
    olds = [old_sitting(k) for k in range(OLDS)]
    cases = {"unchanged": (40, 0.0), "+5 K": (8, 5.0), "+10 K": (8, 10.0), "+20 K": (8, 20.0)}
    shares = {}
    for name, (trials, hotter_K) in cases.items():
        changed = [
            found(old, 1000 * k + trial, temperature_K=ROOM_K + hotter_K).changed
            for k, old in enumerate(olds, start=1)
            for trial in range(trials)
        ]
        shares[name] = float(np.mean(changed))
        print(  # noqa: T201 - the README's figures
            f"nanoring, {CHECKED} sequences × {REPEATS} repeats × {STEPS} steps, {name}: called "
            f"changed at 5 % in {100 * shares[name]:.1f} % of {len(changed)}"
        )
    count = OLDS * cases["unchanged"][0]
    assert shares["unchanged"] <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / count)
    assert shares["+20 K"] > 0.5

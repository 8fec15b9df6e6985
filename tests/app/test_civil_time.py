"""Dates of monotonic moments while the wall clock is set, and while the computer sleeps."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from app.civil_time import CivilTime


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Both clocks of the computer, moved by hand."""
    both = SimpleNamespace(monotonic_s=50.0, wall_s=1e9)
    made = SimpleNamespace(monotonic=lambda: both.monotonic_s, time=lambda: both.wall_s)
    monkeypatch.setattr("app.civil_time.time", made)
    return both


@pytest.mark.parametrize("jump_s", [3600.0, -3600.0])
def test_what_was_read_before_and_after_a_jump_has_the_date_of_its_time(
    clocks: SimpleNamespace, jump_s: float
) -> None:
    civil = CivilTime()
    clocks.monotonic_s, clocks.wall_s = 60.0, 1e9 + 10.0
    civil.look()
    clocks.monotonic_s, clocks.wall_s = 61.0, 1e9 + 11.0 + jump_s
    civil.look()
    moments = civil.of([50.0, 60.0, 60.5, 61.0])
    assert moments == pytest.approx([1e9, 1e9 + 10, 1e9 + 10.5 + jump_s, 1e9 + 11 + jump_s])
    assert float(civil.of(61.0)) == moments[-1]


def test_a_clock_that_is_slewed_and_one_that_flaps_for_days(clocks: SimpleNamespace) -> None:
    civil = CivilTime()
    clocks.wall_s += 0.3
    civil.look()
    assert float(civil.of(50.0)) == 1e9
    for number in range(3000):
        clocks.monotonic_s += 1.0
        clocks.wall_s += 1.0 + (-1) ** number
        civil.look()
    now = float(civil.of(clocks.monotonic_s))
    assert now == pytest.approx(clocks.wall_s, abs=0.5)
    assert np.isfinite(civil.of([50.0])).all()  # older than what is remembered

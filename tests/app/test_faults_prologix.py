"""One fault at one message of a recording behind a GPIB adapter: never wrong, hung or unsafe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fault_sweep import cases_of, run_case, sweep, table
from fault_truth import CLOCK, LOCK_IN, SUPPLY

if TYPE_CHECKING:
    from pathlib import Path

BEHIND = (SUPPLY, LOCK_IN)
EVERY = 797  # of the cases in CI
EVERY_IN_FULL = 7


def judged(folder: Path, every: int, workers: int) -> None:
    """Run every so-manieth case; say what came of them."""
    plain = run_case("", "", 0, folder / "plain", prologix=BEHIND)
    assert plain.status == "done"
    assert plain.counts[SUPPLY] > 60
    cases = cases_of(folder, {**plain.counts, CLOCK: 0})[3::every]
    outcomes = sweep(cases, workers, prologix=BEHIND)
    print(f"\nrecording behind an adapter, {len(outcomes)} cases\n{table(outcomes)}")  # noqa: T201
    assert [str(one) for one in outcomes if one.problems] == []
    assert any(one.happened for one in outcomes)


def test_some_faults_at_some_messages_behind_an_adapter(tmp_path: Path) -> None:
    judged(tmp_path, EVERY, 2)


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_every_seventh_fault_behind_an_adapter(tmp_path: Path) -> None:
    judged(tmp_path, EVERY_IN_FULL, 4)

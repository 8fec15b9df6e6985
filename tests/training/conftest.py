"""What the tests of scores share."""

from __future__ import annotations

import pytest

from training.halves import RESAMPLED


@pytest.fixture
def few_splits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The least number of halves: that the usual one is enough is proved where it is asked."""
    monkeypatch.setattr("training.halves.SPLITS", RESAMPLED)

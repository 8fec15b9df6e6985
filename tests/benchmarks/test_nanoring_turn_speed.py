"""A virtual nanoring's rotation with its C source, against the same in numpy, on one core."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from test_latent_path_speed import fastest_s, one_core, told

from instruments.virtual import nanoring_turn
from instruments.virtual.nanoring import NanoringArray, NanoringParameters

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["one_core"]  # for each test of this file, too
ASKED = 2.5  # times faster
DRIVE_T = np.random.default_rng(0).uniform(22e-4, 34e-4, 500).tolist()


@pytest.mark.skipif(nanoring_turn.built() is None, reason="no C compiler")
def test_the_c_source_outruns_numpy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def call() -> Callable[[], None]:
        array = NanoringArray(NanoringParameters(), 0)
        return lambda: [array.rotate(amplitude_T) for amplitude_T in DRIVE_T] and None

    compiled = call()
    monkeypatch.setattr(nanoring_turn, "built", lambda: None)
    ours, theirs = fastest_s(compiled), fastest_s(call())
    each_us = 1e6 * ours / len(DRIVE_T)
    told(capsys, f"nanoring: {each_us:.0f} us a rotation, in numpy × {theirs / ours:.1f}")
    assert theirs / ours >= ASKED

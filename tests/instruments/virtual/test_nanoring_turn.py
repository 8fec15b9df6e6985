"""The array's turn in C beside the one in numpy: the same bits, whatever array and drive."""

from __future__ import annotations

import numpy as np
import pytest

from instruments.virtual import nanoring_turn
from instruments.virtual.nanoring import NanoringArray, NanoringParameters

OE = 1e-4  # tesla


@pytest.mark.skipif(nanoring_turn.built() is None, reason="no C compiler")
@pytest.mark.parametrize("seed", range(24))
def test_the_c_source_moves_the_same_walls(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(seed)
    rows, columns = (int(n) for n in rng.integers(1, 18, 2))
    parameters = NanoringParameters(
        rows=rows,
        columns=columns,
        disorder_seed=seed,
        release_s=float(rng.choice([0.0, 1.6e-3, 5e-3, 1e-2])),
        roughness_spread_Oe=float(rng.choice([0.0, 0.5, 4.0])),
        H0_spread_Oe=float(rng.choice([0.0, 1.0, 8.0])),
    )
    ours = NanoringArray(parameters, seed)
    monkeypatch.setattr(nanoring_turn, "built", lambda: None)
    reference = NanoringArray(parameters, seed)
    signals, states = [], []
    for amplitude_T in rng.uniform(0, 45, 150) * OE:
        arrays = (ours, reference)
        signals.append([array.rotate(amplitude_T) for array in arrays])
        states.append([(a.wall_population, a.net_magnetisation) for a in arrays])
    for same in (np.array(signals), np.array(states)):
        np.testing.assert_array_equal(same[:, 0], same[:, 1])
    assert np.ptp(states, axis=0).min() > 0

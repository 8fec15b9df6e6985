"""Where a list began in the samples: counts around its start, a marker's edge, and when not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instruments.alignment import AlignmentError, Bracket, Seen, edge

RATE_HZ = 512.0
GATE_S = 1 / 37


def marked(start_s: float, noise: float, size: float = 1.0, seed: int = 0) -> np.ndarray:
    """Samples of a read-out whose outputs change at each gate's end: marker, reset, steps."""
    rng = np.random.default_rng(seed)
    times_s = (np.arange(300) + 1) / RATE_HZ
    gate = np.floor((times_s - start_s) / GATE_S).astype(int)
    levels = np.concatenate([[0.0, size, 0.2], rng.uniform(0, 0.5, 40)])
    values = np.where(gate < 1, levels[0], levels[np.clip(gate, 0, len(levels) - 1)])
    return (values + noise * rng.standard_normal(len(values)))[:, None]


@given(
    start_s=st.floats(0.002, 0.05),
    early=st.integers(0, 6),
    late=st.integers(1, 6),
    noise=st.sampled_from([0.0, 0.01, 0.03]),
    seed=st.integers(0, 1000),
)
@settings(deadline=None)
def test_a_markers_edge_is_found_to_a_sample(start_s, early, late, noise, seed):
    taken = int(start_s * RATE_HZ)
    bracket = Bracket("lockin", RATE_HZ, max(0, taken - early), taken + late)
    found_s = edge(marked(start_s, noise, seed=seed), bracket, GATE_S, GATE_S)
    assert abs(found_s - start_s) <= 1.01 / RATE_HZ


@given(start_s=st.floats(0.002, 0.05), early=st.integers(0, 4), late=st.integers(1, 4))
def test_the_counts_hold_the_start_between_them(start_s, early, late):
    taken = int(start_s * RATE_HZ)
    bracket = Bracket("lockin", RATE_HZ, max(0, taken - early), taken + late)
    assert abs(bracket.middle_s - start_s) <= bracket.half_s
    if bracket.half_s <= GATE_S / 4:
        assert bracket.origin_s(GATE_S) == bracket.middle_s
    else:
        with pytest.raises(AlignmentError, match="set marker_T"):
            bracket.origin_s(GATE_S)


def test_no_marker_in_the_noise_is_a_lost_alignment():
    bracket = Bracket("lockin", RATE_HZ, 5, 7)
    with pytest.raises(AlignmentError, match=r"lockin: the alignment is lost .*choose a marker_T"):
        edge(marked(0.012, 0.5, size=0.1), bracket, GATE_S, GATE_S)


def test_an_edge_at_another_time_than_the_list_began_is_a_lost_alignment():
    bracket = Bracket("lockin", RATE_HZ, 5, 7)  # begun at 0.012 s, and the edge comes later
    with pytest.raises(AlignmentError, match="due between"):
        edge(marked(0.026, 0.001), bracket, GATE_S, GATE_S)


@pytest.mark.parametrize(
    ("count", "end", "match"),
    [
        (16383, 600, "buffer of 16383 samples overflowed"),
        (620, 500, "495 samples were taken while the list ran, 512 were due at 512 Hz"),
        (510, 520, "taken while the list ran"),
    ],
)
def test_a_count_that_can_not_be_voids_the_repeat(count, end, match):
    with pytest.raises(AlignmentError, match=match):
        Bracket("lockin", RATE_HZ, 5, 7).check_count(count, end, 1.0, 16383)


def test_a_sample_that_was_not_taken_voids_the_repeat():
    bracket = Bracket("lockin", RATE_HZ, 5, 7)
    bracket.check_count(540, 520, 1.0, 16383)
    assert bracket.rows(np.array([1 / RATE_HZ, 0.5]), 540).tolist() == [0, 255]
    with pytest.raises(AlignmentError, match="samples 255 to 1023 are needed, the buffer has 540"):
        bracket.rows(np.array([0.5, 2.0]), 540)
    with pytest.raises(AlignmentError, match="samples -3 to 255 are needed"):
        bracket.rows(np.array([-2 / RATE_HZ, 0.5]), 540)


@given(
    total_s=st.floats(0.1, 100.0),
    start_s=st.floats(0.01, 0.05),
    off_s=st.floats(-0.1, 0.1),
    seen_every_s=st.floats(0.001, 0.02),
    late_s=st.floats(0.0, 0.02),
)
def test_clocks_that_differ_by_a_share_of_a_value_are_let_pass_and_no_more(
    total_s, start_s, off_s, seen_every_s, late_s
):
    """The list began at `start_s` of the buffer's time and lasted `total_s + off_s` of it."""
    over_s = start_s + total_s + off_s
    seen = Seen(int((over_s + seen_every_s + late_s) * RATE_HZ), over_s + seen_every_s + late_s,
                over_s - seen_every_s, over_s + seen_every_s)  # fmt: skip
    taken = int(start_s * RATE_HZ)
    bracket = Bracket("lockin", RATE_HZ, taken, taken)
    unsure_s = GATE_S / 4 + seen_every_s + 3 / RATE_HZ
    if abs(off_s) <= GATE_S / 4:
        bracket.check_clocks(seen, bracket.middle_s, total_s, GATE_S)
    elif abs(off_s) > unsure_s:
        with pytest.raises(AlignmentError, match="the clocks differ too much"):
            bracket.check_clocks(seen, bracket.middle_s, total_s, GATE_S)


def test_a_trigger_is_the_buffers_own_begin():
    armed = Bracket("lockin", RATE_HZ, 0, 3)
    assert armed.triggered(300).half_s == pytest.approx(0.5 / RATE_HZ)
    with pytest.raises(AlignmentError, match="no trigger came"):
        armed.triggered(0)
    with pytest.raises(AlignmentError, match="2 samples were taken before the list began"):
        Bracket("lockin", RATE_HZ, 2, 3).triggered(300)

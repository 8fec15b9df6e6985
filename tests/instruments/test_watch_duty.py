"""I²t over a sliding window, exactly, whatever the staircase."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instruments.watch_duty import Duty, largest_A2s


def by_hand_A2s(segments, ends_s, window_s):
    """The integral of I² over (end − window, end) of each end; segments are (begin, end, A)."""
    starts_s, stops_s, currents_A = np.array(segments).T
    ends_s = np.asarray(ends_s)[..., None]
    inside_s = np.minimum(stops_s, ends_s) - np.maximum(starts_s, ends_s - window_s)
    return np.maximum(inside_s, 0.0) @ currents_A**2


STEPS = st.lists(st.tuples(st.floats(0.0, 5.0), st.floats(-12.0, 12.0)), min_size=1, max_size=20)


def told(steps, window_s, found_A=0.0):
    """A duty that was told of these steps, the segments it was told of, and the time."""
    duty = Duty(1.0, window_s)
    duty.begin(0.0, found_A)
    segments, now_s = [(-window_s, 0.0, found_A)], 0.0
    for seconds, current_A in steps:
        duty.flows(now_s, current_A)
        segments.append((now_s, now_s + seconds, current_A))
        now_s += seconds
    return duty, segments, now_s


@settings(max_examples=300, deadline=None)
@given(STEPS, st.floats(0.1, 20.0), st.floats(-12.0, 12.0))
def test_the_integral_now_is_that_of_the_staircase(steps, window_s, found_A):
    duty, segments, now_s = told(steps, window_s, found_A)
    expected = by_hand_A2s(segments, now_s, window_s)
    assert duty.at_A2s(now_s) == pytest.approx(expected, abs=1e-6)


@settings(max_examples=300, deadline=None)
@given(STEPS, STEPS, st.floats(0.1, 20.0))
def test_the_worst_of_a_plan_is_no_less_and_no_more_than_a_fine_scan_finds(past, plan, window_s):
    duty, segments, now_s = told(past, window_s)
    worst = duty.worst_A2s(now_s, plan)
    time_s = now_s
    for seconds, current_A in plan:
        segments.append((time_s, time_s + seconds, current_A))
        time_s += seconds
    edges = [edge for start, stop, _ in segments for edge in (start, stop)]
    ends = [now_s, time_s, *edges, *(edge + window_s for edge in edges)]
    ends += np.linspace(now_s, time_s, 200).tolist()
    scanned = by_hand_A2s(segments, [end for end in ends if now_s <= end <= time_s], window_s)
    assert worst == pytest.approx(scanned.max(), abs=1e-6)


@settings(max_examples=200, deadline=None)
@given(STEPS, st.floats(0.1, 20.0))
def test_a_plan_as_a_whole_gives_what_its_steps_give_one_by_one(steps, window_s):
    duty = Duty(1.0, window_s)
    duty.begin(0.0, 0.0)
    worst = duty.worst_A2s(0.0, steps)
    assert largest_A2s(steps, window_s) == pytest.approx(worst, abs=1e-6)


def test_what_is_forgotten_was_out_of_the_window():
    duty = Duty(1.0, 1.0)
    duty.begin(0.0, 0.0)
    for number in range(30_000):
        duty.flows(number * 0.01, 2.0 if number % 2 else 0.0)
    assert duty.at_A2s(299.99) == pytest.approx(2.0, abs=0.05)
    assert len(duty._edges_s) < 10_000


def test_a_plan_at_the_limit_is_allowed_and_one_beyond_it_is_named():
    duty = Duty(400.0, 10.0)
    duty.begin(0.0, 0.0)
    assert duty.problem(0.0, [(100.0, 6.3)]) is None  # 396.9 A²s in any 10 s
    assert duty.problem(0.0, [(4.0, 10.0)]) is None  # 400 A²s
    words = duty.problem(0.0, [(4.01, 10.0)])
    assert "I²t over 10 s would reach 401 A²s, max_duty_A2s = 400 A²s" in words
    assert duty.problem(0.0, [(4.0, 10.0), (6.0, 0.0), (4.0, 10.0)]) is None  # the first has left
    assert duty.problem(0.0, [(4.0, 10.0), (5.9, 0.0), (4.0, 10.0)]) is not None

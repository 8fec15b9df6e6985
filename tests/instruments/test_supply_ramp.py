"""A supply with a ramp of its own is walked by it: limited, awaited, halted; on virtual twins."""

from __future__ import annotations

import itertools
import logging

import pytest
from own_ramp import KINDS, rig

from instruments.link_errors import LinkError
from instruments.supply_ramp import MARGIN_S, PATIENCE
from instruments.virtual import ami_430
from models.errors import RefusedError, StoppedError, TwinrigError


@pytest.fixture(params=KINDS)
def one(request):
    with rig(request.param) as built:
        yield built


def test_a_walk_ends_when_the_current_is_there_and_no_sooner(one):
    begin_s = one.clock.now_s()
    for target_A in (1.0, -0.5, -0.5003, 0.0):
        start_A, start_s = one.current_A, one.clock.now_s()
        one.ramp.walk_to_A(target_A)
        assert one.current_A == pytest.approx(target_A, abs=1e-9)
        took_s = one.clock.now_s() - start_s
        expected_s = abs(target_A - start_A) / 0.05
        assert expected_s <= took_s + 0.01 <= expected_s + 1.0
        assert one.ramp.sent_A == target_A
        one.ramp.confirm()
    assert one.clock.now_s() - begin_s == pytest.approx(sum((20, 30, 10.0)), rel=0.05)


def test_the_current_never_changes_faster_than_the_limit(one):
    seen = [(one.clock.now_s(), one.current_A)]
    one.clock.tick = lambda: seen.append((one.clock.now_s(), one.current_A))
    one.twin.supply.segments = [(upper, 5.0) for upper, _ in one.twin.supply.segments]
    for target_A in (2.0, -1.0):
        one.ramp.walk_to_A(target_A)
    for (s, a), (later_s, later_A) in itertools.pairwise(seen):
        assert abs(later_A - a) <= 0.05 * (later_s - s) * 1.001 + 1e-9
    assert len(seen) > 100


def test_what_flows_is_told_on_the_way_and_never_too_low(one):
    low = []
    one.clock.tick = lambda: low.append(abs(one.flowed[-1]) - abs(one.current_A))
    one.ramp.walk_to_A(1.0)
    one.ramp.walk_to_A(0.0)
    assert min(low) > -1e-3
    assert one.flowed[-1] == 0.0


def test_stop_halts_the_supply_where_it_is(one):
    one.clock.tick = lambda: one.stop.request() if one.current_A > 0.5 else None
    with pytest.raises(StoppedError):
        one.ramp.walk_to_A(2.0)
    one.stop.clear()
    one.twin.time.advance(5.0)
    here_A = one.current_A
    assert here_A == pytest.approx(0.5, abs=0.1)
    one.twin.time.advance(100.0)
    assert one.current_A == here_A
    assert one.supply.setpoint_A() == pytest.approx(here_A, abs=0.02)
    assert one.ramp.sent_A is None  # the next walk starts from what is measured


def test_another_threads_make_safe_ends_a_walk_and_halts(one):
    one.clock.tick = lambda: setattr(one.ramp, "halted", one.current_A > 0.5)
    with pytest.raises(StoppedError, match="made safe"):
        one.ramp.walk_to_A(2.0)
    one.twin.time.advance(100.0)
    assert one.current_A < 0.7
    one.ramp.sent_A = 0.5
    with pytest.raises(StoppedError):
        one.ramp.walk_to_A(0.0)


def test_a_guard_that_raises_on_the_way_halts(one):
    def look():
        if one.current_A > 0.3:
            raise TwinrigError("water lost")

    with pytest.raises(TwinrigError, match="water lost"):
        one.ramp.walk_to_A(2.0, look)
    one.twin.time.advance(100.0)
    assert one.current_A < 0.5


def test_a_done_that_never_comes_ends_within_the_patience(one):
    one.twin.supply.walk_to = lambda target_A: setattr(one.twin.supply, "ramping", True)
    one.twin.supply._walk = lambda seconds: 0.0
    begin_s = one.clock.now_s()
    with pytest.raises(TwinrigError, match=r"has not reached 1 A within .* at 0\.05 A/s: it is at"):
        one.ramp.walk_to_A(1.0)
    assert one.clock.now_s() - begin_s < PATIENCE * 20.0 + MARGIN_S + 2.0


def test_a_done_that_is_not_true_is_not_believed():
    with rig("lakeshore-643", 50.0) as one:  # 35 V and 1 Ω: no more than 35 A
        one.ramp.sent_A = 0.0
        with pytest.raises(TwinrigError, match=r"not reached 40 A.*at 35 A.*ramp is done"):
            one.ramp.walk_to_A(40.0)


def test_a_ramp_that_stays_too_fast_is_refused_and_no_target_is_sent():
    with rig("ami-430", 0.01) as one:
        lines = ami_430._COMMANDS["CONF:RAMP:RATE:CURR"]
        ami_430._COMMANDS["CONF:RAMP:RATE:CURR"] = lambda unit, text: None
        try:
            with pytest.raises(RefusedError, match=r"keeps 0\.1 A/s"):
                one.ramp.walk_to_A(1.0)
        finally:
            ami_430._COMMANDS["CONF:RAMP:RATE:CURR"] = lines
        assert one.twin.target_A == 0.0


def test_a_slower_segment_of_the_owner_stays_slower():
    with rig("ami-430", 0.05) as one:
        one.twin.segments = [(0.1, 1.0), (0.02, 100.0)]
        one.twin.apply_rates()
        one.ramp.walk_to_A(1.5)
        assert one.twin.segments == [(0.05, 1.0), (0.02, 100.0)]
        assert one.ramp.walk_s(1.0) == pytest.approx(50.0)


def test_a_quench_on_the_way_ends_the_walk():
    with rig("ami-430") as one:
        one.clock.tick = lambda: one.twin.quench() if one.current_A > 0.5 else None
        with pytest.raises(TwinrigError, match="in a quench"):
            one.ramp.walk_to_A(2.0)
        with pytest.raises(TwinrigError, match=r"in a quench.*nothing was sent"):
            one.ramp.set_A(0.0)


def test_a_set_point_that_is_changed_behind_us_shows():
    with rig("lakeshore-643") as one:
        one.ramp.walk_to_A(0.1)
        one.twin.receive(b"SETI 0.2\r\n")
        with pytest.raises(LinkError, match=r"0\.2 A right after 0\.1 A"):
            one.ramp.confirm()


def test_a_supply_that_cannot_even_be_halted_is_logged_and_the_first_error_told(caplog):
    with rig("lakeshore-643") as one:

        def halt():
            raise LinkError("x", "gone", resource="", hint="")

        one.supply.halt = halt
        one.clock.tick = lambda: one.stop.request() if one.current_A > 0.05 else None
        with caplog.at_level(logging.WARNING), pytest.raises(StoppedError):
            one.ramp.walk_to_A(1.0)
        assert "could not be halted: x: gone" in caplog.text


def test_plans_are_never_shorter_or_lower_than_the_walk():
    with rig("lakeshore-643", 0.1) as one:
        plan = one.ramp.plan(1.0, -1.0, 0.0)
        assert plan[0] == (0.0, 1.0)
        assert plan[-1] == (0.0, 0.0)
        assert sum(s for s, _ in plan) == pytest.approx(30.0)
        exact_A2s = (1 / 3 + 1 / 3 + 1 / 3) * 10.0
        assert exact_A2s < sum(s * a * a for s, a in plan) < 1.1 * exact_A2s
        flow = list(one.ramp.flow([(1.0, 5.0)]))
        assert (5.0, 1.0) in flow
        assert sum(s for s, _ in flow) == pytest.approx(25.0)
        assert one.ramp.on_grid_A(0.12345) == pytest.approx(0.1234, abs=1e-4)
        assert one.ramp.plan(0.5) == [(0.0, 0.5), (0.0, 0.5)]


def test_a_walk_to_zero_that_cannot_be_watched_goes_on_but_another_is_halted():
    with rig("lakeshore-643", 0.1) as one:
        one.ramp.walk_to_A(1.0)

        def garbled():
            raise LinkError("x", "garbled", resource="", hint="")

        measured, one.supply.measured_A = one.supply.measured_A, garbled
        with pytest.raises(LinkError, match="garbled"):
            one.ramp.walk_to_A(0.0)
        one.twin.time.advance(20.0)
        assert one.current_A == 0.0
        one.ramp.sent_A = 0.0
        with pytest.raises(LinkError, match="garbled"):
            one.ramp.walk_to_A(2.0)
        one.supply.measured_A = measured
        one.twin.time.advance(20.0)
        assert one.current_A < 0.2

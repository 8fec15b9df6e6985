"""Limits, energise and the safe way of supplies that ramp by themselves, on virtual twins."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from own_ramp import KINDS, rig

from instruments import limits
from instruments.bench import Bench
from instruments.bench_file import parse_bench
from instruments.drivers.lakeshore_643 import LakeShore643
from instruments.limits import LimitedMagnet, MagnetLimits, UnsafeError
from instruments.link_errors import LinkError
from instruments.supply_ramp import SupplyRamp, walk_of
from instruments.virtual import ami_rates
from models.errors import RefusedError, StoppedError, TwinrigError
from models.sequence import FieldSequence

LIMITS = MagnetLimits(tesla_per_ampere=4e-4, max_current_A=10.0, max_ramp_A_per_s=0.1)


@pytest.fixture(params=KINDS)
def one(request):
    with rig(request.param) as built:
        yield built


def limited(one, its_limits=LIMITS):
    return LimitedMagnet(one.supply, its_limits, one.clock, one.stop)


def test_a_supply_that_ramps_is_walked_by_its_own_ramp(one):
    walk = walk_of(one.supply, 0.1, one.clock, lambda _: None, one.stop.shield)
    assert isinstance(walk, SupplyRamp)
    assert isinstance(limited(one)._stairs, SupplyRamp)


def test_a_run_energises_steps_holds_and_is_made_safe(one):
    magnet = limited(one)
    magnet.confirms = True
    assert magnet.energise().faults == ()
    for field_T in (4e-4, -2e-4):
        target_A = magnet.step_to_T(field_T)
        assert one.current_A == pytest.approx(target_A, abs=1e-9)
        magnet.hold(2.0)
        magnet.verify()
    with pytest.raises(RefusedError, match="max_current_A"):
        magnet.step_to_A(10.1)
    begin_s = one.clock.now_s()
    words = magnet.make_safe()
    assert "walked to zero at 0.1 A/s at most" in words
    assert "output off" not in words
    assert one.current_A == 0.0
    assert one.clock.now_s() - begin_s == pytest.approx(5.0, abs=1.0)
    assert "already safe" in magnet.make_safe()


def test_a_current_that_is_found_ramping_is_halted_first_and_brought_to_zero_within_the_limit(one):
    if one.supply.driver == "ami-430":
        ami_rates.set_current_rate(one.twin, "1,2,100")
    one.twin.supply.segments = [(upper, 2.0) for upper, _ in one.twin.supply.segments]
    one.supply.ramp_to_A(8.0)
    one.twin.time.advance(2.0)
    seen = []
    one.clock.tick = lambda: seen.append(one.current_A)
    words = limited(one).make_safe()
    assert "paused" in words or "held" in words or "stopped" in words
    assert one.current_A == 0.0
    assert max(seen) < 4.0 + 2.0
    assert max(a - b for a, b in itertools.pairwise(seen[1:])) < 0.05


def test_energise_brings_what_it_finds_to_zero(one):
    one.supply.set_ramp_A_per_s(0.5)
    one.supply.ramp_to_A(1.0)
    one.twin.time.advance(20.0)
    found = limited(one).energise()
    assert found.current_A == pytest.approx(1.0)
    assert one.current_A == 0.0


def test_stop_on_the_way_halts_and_make_safe_still_brings_it_to_zero(one):
    magnet = limited(one)
    magnet.energise()
    one.clock.tick = lambda: one.stop.request() if one.current_A > 1.0 else None
    with pytest.raises(StoppedError):
        magnet.step_to_A(5.0)
    one.clock.tick = lambda: None
    one.twin.time.advance(100.0)
    assert 0.9 < one.current_A < 1.2
    magnet.make_safe()
    assert one.current_A == 0.0


def test_the_way_to_zero_does_without_a_current_that_is_garbled(one):
    magnet = limited(one)
    magnet.energise()
    magnet.step_to_A(0.3)

    def garbled():
        raise LinkError("x", "garbled", resource="", hint="")

    one.supply.measured_A = garbled
    with pytest.raises(UnsafeError, match=r"COULD NOT BE MADE SAFE.*garbled"):
        magnet.make_safe(lambda _: None, give_up_s=0.0)
    one.twin.time.advance(10.0)
    assert one.current_A == 0.0  # it was told to, and goes on by itself


def test_one_whose_current_can_not_be_read_goes_on_to_zero_and_is_not_called_safe(one, monkeypatch):
    monkeypatch.setattr(limits, "TRY_AGAIN_S", 0.0)
    magnet = limited(one)
    magnet.energise()
    magnet.step_to_A(3.0)

    def garbled():
        raise LinkError("x", "garbled", resource="", hint="")

    one.supply.measured_A = garbled
    with pytest.raises(UnsafeError, match="COULD NOT BE MADE SAFE"):
        magnet.make_safe(lambda _: None, give_up_s=0.3)
    one.twin.time.advance(40.0)
    assert one.current_A == 0.0  # it was not left halted on its way
    del one.supply.measured_A
    assert "safe" in magnet.make_safe()


def test_one_that_takes_its_target_and_does_not_move_is_given_up(one, monkeypatch):
    monkeypatch.setattr(limits, "TRY_AGAIN_S", 0.01)
    magnet = limited(one)
    magnet.energise()
    magnet.step_to_A(3.0)
    monkeypatch.setattr(one.twin.supply, "walk_to", lambda _: None)  # and says that it ramps
    monkeypatch.setattr(one.twin.supply, "_walk", lambda _: 0.0)
    tries = []

    def tell(words):
        tries.append(words)
        if len(tries) > 300:
            pytest.fail(f"goes on for ever: {words}")

    with pytest.raises(UnsafeError, match="COULD NOT BE MADE SAFE"):
        magnet.make_safe(tell, give_up_s=0.2)


def test_a_quench_is_reported_not_fought_and_nothing_is_energised_in_it():
    with rig("ami-430") as one:
        magnet = limited(one)
        magnet.energise()
        magnet.step_to_A(2.0)
        one.twin.quench()
        with pytest.raises(TwinrigError, match="in a quench"):
            magnet.verify()
        words = magnet.make_safe()
        assert "LEFT ALONE: it is in a quench" in words
        assert one.twin.state == 7
        with pytest.raises(RefusedError, match=r"not energised.*in a quench"):
            magnet.energise()


def test_an_external_rampdown_is_reported_not_fought_and_energising_goes_on_behind_it():
    with rig("ami-430") as one:
        magnet = limited(one)
        magnet.energise()
        magnet.step_to_A(2.0)
        one.twin.external_rampdown()
        with pytest.raises(TwinrigError, match="in an external rampdown"):
            magnet.verify()
        assert "LEFT ALONE: it is in an external rampdown" in magnet.make_safe()
        with pytest.raises(RefusedError, match=r"not energised.*in an external rampdown"):
            magnet.energise()
        one.twin.time.advance(60.0)
        assert one.current_A == 0.0
        magnet.energise()


@pytest.mark.parametrize("name", ["ami-430", "mercury-ips"])
def test_a_magnet_behind_a_cold_switch_is_left_alone(name):
    with rig(name) as one:
        one.twin.supply.jump(3.0)
        if name == "ami-430":
            one.twin.switch_installed = one.twin.persistent = True
        else:
            one.twin.heat("OFF")
        magnet = limited(one)
        assert "LEFT ALONE" in magnet.make_safe()
        with pytest.raises(RefusedError, match=r"not energised.*switch"):
            magnet.energise()
        assert one.current_A == 3.0


def test_a_supply_that_keeps_a_faster_ramp_gets_no_target(monkeypatch):
    monkeypatch.setattr(LakeShore643, "set_ramp_A_per_s", lambda supply, ramp: 2 * ramp)
    with rig("lakeshore-643") as one:
        one.twin.supply.jump(1.0)
        one.twin.set_A = 1.0
        magnet = limited(one)
        with pytest.raises(RefusedError, match=r"its ramp is 0\.2 A/s.*no target was sent"):
            magnet.energise()
        assert one.current_A == 1.0


def test_a_limit_below_its_slowest_ramp_is_refused_to_a_run_and_not_on_the_way_to_safety():
    with rig("lakeshore-643") as one:
        one.twin.receive(b"RATE 50\r\n")
        one.twin.receive(b"SETI 0.02\r\n")
        one.twin.time.advance(5.0)
        magnet = limited(one, MagnetLimits(4e-4, 10.0, 1e-6))
        with pytest.raises(RefusedError, match=r"1e-06 A/s is below the 0\.0001 A/s"):
            magnet.energise()
        begin_s, before_A = one.clock.now_s(), one.current_A
        assert before_A == pytest.approx(0.02)
        assert "walked to zero at 0.0001 A/s at most" in magnet.make_safe()
        assert one.current_A == pytest.approx(0.0, abs=1e-6)
        assert one.clock.now_s() - begin_s == pytest.approx(200.0, rel=0.05)


def test_a_set_point_changed_at_the_front_panel_ends_the_run():
    with rig("lakeshore-643") as one:
        magnet = limited(one)
        magnet.energise()
        magnet.step_to_A(1.0)
        one.twin.receive(b"SETI 1.01\r\n")
        with pytest.raises(TwinrigError, match="changed by hand"):
            magnet.verify()


def test_the_duty_of_a_ramp_counts():
    limits = MagnetLimits(
        tesla_per_ampere=4e-4, max_current_A=10.0, max_ramp_A_per_s=0.1,
        max_duty_A2s=30.0, duty_window_s=100.0,
    )  # fmt: skip
    with rig("lakeshore-643") as one:
        magnet = limited(one, limits)
        magnet.energise()
        magnet.step_to_A(1.0)  # up and down: 2 · 10 s/3
        magnet.hold(15.0)
        with pytest.raises(TwinrigError, match="A²s"):
            magnet.hold(15.0)
        assert magnet.foreseen([(4e-4, 15.0)]) == []
        assert magnet.foreseen([(4e-4, 30.0)]) != []


SLOW = """
[virtual]
device = "leaky-integrator"
[magnet.x]
driver = "ami-430"
resource = "TCPIP0::virtual-ami-430::5025::SOCKET"
tesla_per_ampere = 4.0e-4
max_current_A = 10.0
max_ramp_A_per_s = 1.0
max_duty_A2s = 20.0
duty_window_s = 1000.0
[readout.lockin]
driver = "sr830"
resource = "TCPIP0::virtual-sr830::5025::SOCKET"
[drive]
encoding = "step"
low_T = 0.0
high_T = 0.0008
hold_s = 1.0
[reset]
field_T = 0.0008
"""


def test_a_ramp_that_its_owner_made_slower_is_foreseen_from_the_start():
    with Bench.connect(parse_bench(SLOW, "b.toml")) as bench:
        magnet, window = bench.magnets["x"], bench.spec.window
        assert magnet.magnet.settings()["ramp_A_per_s"] == [0.1]  # of the twin
        assert magnet.walk_s(2.0) == pytest.approx(20.0)
        up_and_down_A2s = 2 * 20.0 * 2.0**2 / 3
        (words,) = magnet.foreseen([(0.0008, 0.0)])
        assert float(words.split("reach ")[1].split()[0]) == pytest.approx(up_and_down_A2s, rel=0.1)
        with pytest.raises(RefusedError, match="max_duty_A2s"):
            bench.check_sequences([FieldSequence(np.array([1.0]))], window, bench.spec.reset)
        assert bench.predicted_s(1) > 20.0


def test_a_supply_without_a_rate_is_refused_when_it_is_to_walk_not_before(monkeypatch):
    with rig("mercury-ips") as one:
        one.twin.receive(b"SET:DEV:GRPZ:PSU:SIG:RCST:0\n")
        magnet = limited(one)
        magnet.ask_ramp()
        assert magnet.walk_s(1.0) == pytest.approx(10.0)

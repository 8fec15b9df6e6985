"""The small current that proves a magnet: within limits on the wire, refused where it must be."""

from __future__ import annotations

import sys
import time

import pytest
from served import served
from simulated import check_ramp

from instruments.clock import Stop
from instruments.proof import prove, refuse_current
from instruments.virtual.faults import FaultScript, fault
from models.errors import RefusedError, StoppedError, TwinrigError

SLOW = ("max_ramp_A_per_s = 2000.0", "max_ramp_A_per_s = 1.0")  # 0.1 A: five sets and more


@pytest.fixture
def rig():
    with served(models=("kepco-bop", "kepco-bop", "sr830")) as opened:
        yield opened


def orders(rig, key="kepco-bop"):
    """What was sent to a model that is no query."""
    return [data.decode().strip() for data in rig.sent(key) if b"?" not in data]


def assert_safe(rig):
    for key in ("kepco-bop", "kepco-bop#2"):
        supply = rig.rig.instruments[key].supply
        assert (supply.output_on, supply.setpoint_A) == (False, 0.0)


@pytest.mark.parametrize("current_A", [0.1, -0.1])
def test_a_magnet_is_set_read_back_ramped_down_and_switched_off_last(rig, current_A):
    done = prove(rig.spec(SLOW), "x", current_A, stop=Stop())
    assert done.ok
    assert done.setpoint_A == pytest.approx(current_A)
    assert done.measured_A == pytest.approx(current_A, abs=2e-3)
    assert abs(done.left_A) < 2e-3
    sets = rig.sets()
    assert max(abs(current) for _, current in sets) == pytest.approx(0.1)
    check_ramp(sets, 0.0, 1.0)
    assert orders(rig)[-1] == "OUTP OFF"
    assert sets[-1][1] == 0
    assert_safe(rig)


def test_each_magnet_is_proved_alone(rig):
    assert prove(rig.spec(), "y", 0.05, stop=Stop()).ok
    assert orders(rig).count("OUTP ON") == 1
    assert rig.rig.instruments["kepco-bop"].supply.coil.current_A == 0.0
    assert_safe(rig)


def test_more_than_one_per_cent_of_a_limit_is_refused_with_every_magnet_named(rig):
    with pytest.raises(RefusedError, match=r"x: 0\.12 A is beyond 0\.11 A(.|\n)*y: 0\.12 A"):
        prove(rig.spec(), "x", 0.12, stop=Stop())
    assert rig.wire == []


def test_a_field_limit_counts_too(rig):
    keyed = ("max_ramp_A_per_s = 2000.0", "max_ramp_A_per_s = 2000.0\nmax_field_T = 1e-5")
    with pytest.raises(RefusedError, match="max_field_T"):
        refuse_current(rig.spec(keyed), 0.1)


def test_what_the_supply_can_not_tell_from_zero_is_refused(rig):
    with pytest.raises(RefusedError, match=r"can't be told from zero.*choose 0\.024 to 0\.11 A"):
        prove(rig.spec(), "x", 0.01, stop=Stop())
    assert orders(rig) == []


@pytest.mark.parametrize("key", ["kepco-bop", "kepco-bop#2"])
def test_a_magnet_found_energised_is_refused_and_left_as_it_is(rig, key):
    for order in ("CURR 3", "OUTP ON"):
        rig.order(key, order)
    rig.rig.time.advance(1.0)
    with pytest.raises(RefusedError, match="energised, 3 A flow"):
        prove(rig.spec(), "x", 0.1, stop=Stop())


def test_stop_on_the_way_ends_safe(rig):
    stop = Stop()
    rig.when_set(20, stop.request)
    slow = (SLOW[0], "max_ramp_A_per_s = 0.05")  # a hundred sets up
    with pytest.raises(StoppedError):
        prove(rig.spec(slow), "x", 0.1, stop=stop)
    check_ramp(rig.sets(), 0.0, 0.05)
    assert max(current_A for _, current_A in rig.sets()) < 0.0205
    assert orders(rig)[-1] == "OUTP OFF"
    assert_safe(rig)


def test_a_supply_at_its_voltage_limit_is_told_and_safe(rig):
    keyed = (SLOW[0], f"{SLOW[1]}\ncompliance_V = 0.01")
    with pytest.raises(TwinrigError, match="voltage limit"):
        prove(rig.spec(keyed), "x", 0.1, stop=Stop())
    assert_safe(rig)


def test_a_current_that_does_not_arrive_is_a_problem(rig, monkeypatch):
    """Another programming input has the supply: it takes the set-point, its current stays 0."""
    coil = rig.rig.instruments["kepco-bop"].supply.coil
    monkeypatch.setattr(type(coil), "advance", lambda self, *_: 0.0)
    done = prove(rig.spec(), "x", 0.1, stop=Stop())
    assert not done.ok
    assert "0 A measured where 0.1 A was set" in done.problem
    assert_safe(rig)


KINDS = {
    "silence": {"seconds": 0.3}, "garbage": {}, "truncated": {"terminated": True}, "dropped": {},
    "compliance": {"size": 0.001}, "error-queue": {}, "power-cycle": {},
}  # fmt: skip
COUNTED = 2  # faults of each kind, spread over the run; `full`: at every message


def swept(kind, count=None):
    """One proof for each place of a fault; (wrong proofs, unsafe ends, longest time, number)."""
    with served() as rig:
        prove(rig.spec(SLOW), "x", 0.1, stop=Stop())
        messages = len(rig.sent())
    places = range(messages) if count is None else range(1, messages, max(1, messages // count))
    wrong = unsafe = 0
    longest_s = 0.0
    for at in places:
        script = FaultScript([fault("kepco-bop", at, kind, **KINDS[kind])])
        with served(faults=script) as rig:
            begin = time.monotonic()
            try:
                done = prove(rig.spec(SLOW), "x", 0.1, stop=Stop())
                wrong += done.ok and abs(done.measured_A - 0.1) > 0.02
            except TwinrigError:
                pass
            longest_s = max(longest_s, time.monotonic() - begin)
            supply = rig.rig.instruments["kepco-bop"].supply
            unsafe += supply.output_on or abs(supply.setpoint_A) > 1e-9
    sys.stdout.write(
        f"{kind}: {len(places)} faults, {wrong} wrong, {unsafe} unsafe, longest {longest_s:.1f} s\n"
    )
    return wrong, unsafe, longest_s


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_fails_on_the_way_the_proof_ends_safe_and_says_nothing_wrong(kind):
    wrong, unsafe, _ = swept(kind, COUNTED)
    assert (wrong, unsafe) == (0, 0)


@pytest.mark.full
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_at_every_message(kind):
    wrong, unsafe, _ = swept(kind)
    assert (wrong, unsafe) == (0, 0)

"""Stop is noticed by every wait; a shielded thread is deaf to it; device time is told, not read."""

from __future__ import annotations

import math
import threading
import time

import pytest
import pyvisa

from instruments.clock import HostClock, RemoteClock, SteadyClock, Stop, passed_s
from instruments.virtual.library import VirtualVisaLibrary, resource_name
from instruments.virtual.rig import CLOCK, VirtualRig
from instruments.visa import VisaSession
from models.errors import StoppedError


def test_a_wait_ends_soon_after_stop():
    stop = Stop()
    threading.Timer(0.05, stop.request).start()
    begin = time.monotonic()
    with pytest.raises(StoppedError):
        HostClock(stop).wait(30.0)
    assert time.monotonic() - begin < 10.0


def test_a_wait_takes_its_time():
    begin = time.monotonic()
    HostClock(Stop()).wait(0.15)
    assert time.monotonic() - begin >= 0.15


@pytest.mark.parametrize("ask", [Stop.request, Stop.flag])
def test_a_wait_after_stop_does_not_begin(ask):
    stop = Stop()
    ask(stop)
    with pytest.raises(StoppedError):
        HostClock(stop).wait(0.0)
    stop.clear()
    HostClock(stop).wait(0.0)


def test_a_shield_covers_its_own_thread_only():
    stop = Stop()
    stop.request()
    seen = []
    with stop.shield():
        with stop.shield():
            HostClock(stop).wait(0.01)
        assert not stop.requested
        other = threading.Thread(target=lambda: seen.append(stop.requested))
        other.start()
        other.join()
    assert seen == [True]
    assert stop.requested


def test_a_shield_ends_with_an_exception():
    stop = Stop()
    stop.request()
    with pytest.raises(ValueError, match="inside"), stop.shield():
        raise ValueError("inside")
    assert stop.requested


@pytest.fixture
def virtual_clock():
    """A clock of a virtual rig in this process, for an acceleration."""
    opened = []

    def make(accelerate, stop):
        manager = pyvisa.ResourceManager(VirtualVisaLibrary(VirtualRig(accelerate=accelerate)))
        session = VisaSession(
            resource_name(CLOCK), rm=manager, name="clock", stop=stop, shared=False
        )
        opened.append((session, manager))
        return RemoteClock(session, stop, accelerate)

    yield make
    for session, manager in opened:
        session.close()
        manager.close()


def test_device_time_passes_by_what_is_waited_for_only(virtual_clock):
    clock = virtual_clock(math.inf, Stop())
    begin = time.monotonic()
    before_s = clock.now_s()
    clock.wait(1000.0)
    assert time.monotonic() - begin < 10.0
    assert clock.now_s() - before_s == pytest.approx(1000.0)
    assert clock.last_s() == clock.now_s()


def test_an_accelerated_wait_takes_its_share_of_host_time(virtual_clock):
    clock = virtual_clock(10.0, Stop())
    begin = time.monotonic()
    clock.wait(3.0)
    assert 0.25 < time.monotonic() - begin < 2.5
    assert clock.now_s() == pytest.approx(3.0)


def test_stop_ends_a_long_wait_of_a_virtual_rig(virtual_clock):
    stop = Stop()
    clock = virtual_clock(1.0, stop)
    threading.Timer(0.2, stop.request).start()
    begin = time.monotonic()
    with pytest.raises(StoppedError):
        clock.wait(60.0)
    assert time.monotonic() - begin < 10.0


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="the system doesn't tell it")
def test_time_that_the_computer_was_suspended_has_passed_for_the_rig(monkeypatch):
    boot = time.clock_gettime
    assert abs(passed_s() - boot(time.CLOCK_BOOTTIME)) < 1.0
    clock = HostClock(Stop())
    before_s = clock.now_s()
    # what a suspension of two hours looks like: one of the two clocks has stood still
    monkeypatch.setattr(time, "clock_gettime", lambda which: boot(which) + 7200.0)
    assert clock.now_s() - before_s >= 7200.0
    assert (clock.last_s() or 0.0) - before_s >= 7200.0


class Flaky:
    """A clock that can be down; remembers what was waited for."""

    by_itself = False

    def __init__(self):
        self.down, self.waited = False, []

    def now_s(self):
        if self.down:
            raise OSError("gone")
        return sum(self.waited)

    def wait(self, seconds):
        self.now_s()
        self.waited.append(seconds)

    def last_s(self):
        return sum(self.waited)


def test_a_clock_that_was_lost_on_the_way_to_safety_is_asked_again_by_the_next_run():
    clock = Flaky()
    steady = SteadyClock(clock)
    with steady.unfailing():
        clock.down = True
        steady.wait(0.001)
        assert steady.lost
        assert steady.now_s() == 0.0
    with pytest.raises(OSError, match="gone"):
        steady.now_s()
    clock.down = False
    steady.wait(1000.0)  # as that clock has it, and Stop ends: not asleep in this process
    assert clock.waited == [1000.0]
    assert steady.now_s() == 1000.0

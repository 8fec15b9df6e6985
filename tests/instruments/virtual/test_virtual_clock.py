"""The virtual clock and device time itself."""

from __future__ import annotations

import math
import time

import pytest

from instruments.virtual.clock import VirtualClock
from instruments.virtual.instrument import DeviceTime, Port
from models.errors import InputError


def ask(clock: VirtualClock, message: str) -> str:
    clock.receive(message.encode() + b"\n")
    return clock.transmit().decode().rstrip("\n")


def test_it_tells_device_time_and_lets_it_pass():
    clock = VirtualClock(DeviceTime())
    assert ask(clock, "TIME?") == "0.000000000"
    assert ask(clock, "ADVANCE 1.5") == "1.500000000"
    assert ask(clock, "advance 0.000000001") == "1.500000001"
    assert ask(clock, "TIME?") == "1.500000001"
    assert ask(clock, "*IDN?").startswith("TWINRIG")


@pytest.mark.parametrize("message", ["ADVANCE -1", "ADVANCE", "ADVANCE nan", "ADVANCE 1e9", "FOO"])
def test_what_makes_no_sense_is_answered_with_the_reason_and_changes_nothing(message):
    clock = VirtualClock(DeviceTime())
    assert ask(clock, message).startswith("ERROR")
    assert clock.time.now_s == 0.0


def test_sums_of_device_time_do_not_depend_on_their_order():
    parts = [2e-4, 0.01, 1 / 37, 0.3, 2e-4] * 50
    forward, backward = DeviceTime(), DeviceTime()
    for seconds in parts:
        forward.advance(seconds)
    for seconds in reversed(parts):
        backward.advance(seconds)
    assert forward.now_ns == backward.now_ns


@pytest.mark.parametrize("accelerate", [0.0, -1.0, math.nan])
def test_an_acceleration_of_zero_or_less_is_refused(accelerate):
    with pytest.raises(InputError, match="must be above 0"):
        DeviceTime(accelerate)


def test_a_reply_is_held_until_its_host_time_while_device_time_is_there_at_once():
    device_time = DeviceTime(accelerate=10.0)
    port = Port(VirtualClock(device_time))
    start_s = time.monotonic()
    port.receive(b"ADVANCE 1\nADVANCE 100\n")
    assert device_time.now_s == 101.0
    assert port.transmit() == b""
    due_s = port.due_host_s
    assert due_s is not None
    assert 0.1 <= due_s - start_s < 1.0
    time.sleep(max(0.0, due_s - time.monotonic()))
    assert port.transmit() == b"1.000000000\n"
    assert port.due_host_s == pytest.approx(due_s + 10.0, abs=0.01)


def test_a_connection_is_not_held_up_by_what_another_waits_for():
    device_time = DeviceTime(accelerate=1.0)
    clock, other = Port(VirtualClock(device_time)), Port(VirtualClock(device_time))
    clock.receive(b"ADVANCE 1000\n")
    other.receive(b"TIME?\n")
    assert other.transmit() == b"1000.000000000\n"
    assert clock.transmit() == b""


def test_a_device_clear_forgets_half_a_message_and_held_replies():
    port = Port(VirtualClock(DeviceTime(accelerate=1.0)))
    port.receive(b"ADVANCE 5\nTIM")
    port.clear()
    assert port.due_host_s is None
    port.receive(b"E?\n")  # the rest of a message that was forgotten: answered as nonsense
    assert port.pending is False


def test_a_flood_without_a_line_end_is_one_message_not_endless_memory():
    clock = VirtualClock(DeviceTime())
    clock.receive(b"x" * 200_000)
    assert clock.transmit().startswith(b"ERROR")

"""A supply and a clock of a few lines each, so that a property test can run 10^4 cases."""

from __future__ import annotations

import math

import pytest

from instruments.link_errors import LinkError
from instruments.protocols import MagnetState


class SimulatedClock:
    """Device time that passes when it is waited for; `late_s` is added to every wait."""

    by_itself = False

    def __init__(self, late_s=0.0, stop=None, on_wait=None):
        self.time_s = 0.0
        self.late_s = late_s
        self.stop = stop
        self.on_wait = on_wait

    def now_s(self):
        return self.time_s

    def last_s(self):
        return self.time_s

    def wait(self, seconds):
        if self.stop is not None:
            self.stop.check()
        if self.on_wait is not None:
            self.on_wait(self.time_s)
        self.time_s += seconds + self.late_s


class SimulatedSupply:
    """A bipolar supply without lag; remembers each set with its device time."""

    driver = "simulated"
    resource = "TCPIP0::simulated::1::SOCKET"
    safe_state = "zero current, output off"
    stop_action = "the next step of the ramp is not sent"
    identity = "SIMULATED,1"
    resolution_A = 1e-6
    rated_current_A = 12.0
    rated_voltage_V = 36.0

    def __init__(self, clock, *, setpoint_A=0.0, current_A=None, output_on=False):
        self.name = "x"
        self.clock = clock
        self.programmed_A = setpoint_A
        self.real_A = current_A if current_A is not None else (setpoint_A if output_on else 0.0)
        self.on = output_on
        self.sets = []
        self.log = []
        self.queue = []
        self.faults = ()
        self.down = 0  # how many of the next commands fail

    def _link(self, command):
        if self.down:
            self.down -= 1
            raise LinkError("x", "no answer", resource=self.resource, command=command, hint="h")

    def read_back_error_A(self, current_A):
        return 6e-3 + 5e-4 * abs(current_A)

    def state(self):
        self._link("state")
        errors, self.queue = tuple(self.queue), []
        return MagnetState(self.real_A, self.programmed_A, self.on, (), errors, tuple(self.faults))

    def setpoint_A(self):
        self._link("CURR?")
        return self.programmed_A

    def measured_A(self):
        self._link("MEAS:CURR?")
        return self.real_A

    def take_control(self, reach_A):
        self._link("FUNC:MODE?")
        return ()

    def prepare(self):
        self._link("VOLT?")
        return ()

    def output_on(self):
        self._link("OUTP?")
        return self.on

    def set_current_A(self, current_A):
        self._link("CURR")
        assert math.isfinite(current_A)
        self.sets.append((self.clock.time_s, round(current_A, 6)))
        self.log.append(f"CURR {current_A:.6f}")
        self.programmed_A = current_A
        if self.on:
            self.real_A = current_A

    def output(self, on):
        self._link("OUTP")
        self.log.append("OUTP ON" if on else "OUTP OFF")
        self.on = on
        self.real_A = self.programmed_A if on else 0.0

    def errors(self):
        errors, self.queue = tuple(self.queue), []
        return errors

    def identify(self):
        self._link("*IDN?")
        return self.identity

    def settings(self):
        return {}

    def close(self):
        pass


def check_ramp(sets, start_A, ramp_A_per_s):
    """The rule of design.md on a list of (device time, set-point), from a first current on.

    No set is larger than a tick of 20 ms, and each is earned before the next: what was set drains
    at the ramp, and never more than a tick is open.
    """
    assert sets, "nothing was set"
    tick_A = ramp_A_per_s * 0.020
    open_A, previous_s, previous_A = 0.0, -math.inf, start_A
    for time_s, current_A in sets:
        earned_A = ramp_A_per_s * (time_s - previous_s + 2e-9)
        open_A = max(0.0, open_A - earned_A) + abs(current_A - previous_A)
        assert open_A <= tick_A + 1.1e-6, f"{previous_A} → {current_A} A at {time_s} s: too much"
        previous_s, previous_A = time_s, current_A


def voice(tries, most):
    """What a way to safety says goes into `tries`; one that would go on for ever fails its test."""

    def tell(words):
        tries.append(words)
        if len(tries) > most:
            pytest.fail(f"goes on for ever: {words}")

    return tell

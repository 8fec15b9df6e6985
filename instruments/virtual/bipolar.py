"""What a bipolar supply does to its coil: mode, set-points, output switch, a running list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from instruments.virtual.coil import Coil, CoilHeat, CoilParameters

if TYPE_CHECKING:
    from instruments.virtual.instrument import DeviceTime

MAX_V, MAX_A = 36.0, 12.0
_STEPS = 32767  # of the 16-bit converters, from zero to full scale
_SETTLED_A = 1e-9


class BipolarSupply:
    """A 36 V, 12 A output with a coil on it.

    It is found as a technician left it: current mode, full compliance, 0 A, output off.

    Parameters
    ----------
    device_time
        The rig's time.
    parameters
        The coil.
    """

    def __init__(self, device_time: DeviceTime, parameters: CoilParameters) -> None:
        self._time = device_time
        self._seen_ns = device_time.now_ns
        self.coil = Coil(parameters)
        self.current_mode = True
        self.fixed_A = 0.0
        self.setpoint_V = MAX_V
        self.output_on = False
        self.full_scale_A = MAX_A
        self._list: list[tuple[float, float]] = []
        self._list_rounds = 0.0
        self._list_index = 0
        self._list_left_s = 0.0
        self._list_A = 0.0
        self.heat = CoilHeat()

    @property
    def setpoint_A(self) -> float:
        """What decides the current now: the programmed set-point, or the point a list is at."""
        return self._list_A if self._list else self.fixed_A

    @setpoint_A.setter
    def setpoint_A(self, current_A: float) -> None:
        self.fixed_A = current_A

    @property
    def list_running(self) -> bool:
        """Whether a list drives the set-point now."""
        self.follow()
        return bool(self._list)

    @property
    def at_compliance(self) -> bool:
        """Whether the voltage limit holds the current below its set-point."""
        self.follow()
        coil = self.coil
        return self.output_on and self.current_mode and abs(coil.voltage_V) >= self.limit_V * 0.999

    @property
    def limit_V(self) -> float:
        """Largest voltage the supply may use now."""
        return abs(self.setpoint_V) if self.current_mode and self.output_on else MAX_V

    def follow(self) -> float:
        """Move the coil up to the present; returns its mean current since the last call (A)."""
        seconds = (self._time.now_ns - self._seen_ns) * 1e-9
        self._seen_ns = self._time.now_ns
        if seconds <= 0:
            return self.coil.current_A
        return (self._follow_list(seconds) if self._list else self._move(seconds)) / seconds

    def start_list(self, points: list[tuple[float, float]], rounds: float) -> None:
        """Run (A, s) points one after another, `rounds` times (inf: until stopped)."""
        self.follow()
        self._list, self._list_rounds, self._list_index = list(points), rounds, 0
        self._list_A, self._list_left_s = points[0]

    def stop_list(self) -> None:
        """Stop a list: the set-point from before it decides again (BOP 1KW-MG manual, B.27)."""
        self.follow()
        self._list = []

    def _follow_list(self, seconds: float) -> float:
        charge = 0.0
        while self._list and seconds >= self._list_left_s:
            charge += self._move(self._list_left_s)
            seconds -= self._list_left_s
            self._next_point()
        if self._list:
            self._list_left_s -= seconds
        return charge + self._move(seconds)

    def _next_point(self) -> None:
        self._list_index += 1
        if self._list_index == len(self._list):
            self._list_index = 0
            self._list_rounds -= 1
            if self._list_rounds <= 0:  # run to its end: the last point stays (B.27)
                self.fixed_A, self._list = self._list_A, []
                return
        self._list_A, self._list_left_s = self._list[self._list_index]

    def _move(self, seconds: float) -> float:
        coil, parameters = self.coil, self.coil.parameters
        if not self.output_on:
            target_A, tau_s = 0.0, parameters.decay_s
            if abs(coil.current_A) < _SETTLED_A:
                coil.current_A = 0.0
        elif self.current_mode:
            step_A = self.full_scale_A / _STEPS
            target_A, tau_s = round(self.setpoint_A / step_A) * step_A, parameters.loop_s
        else:
            limit_A = abs(self.setpoint_A)
            target_A = self.setpoint_V / parameters.resistance_Ohm
            target_A, tau_s = max(-limit_A, min(limit_A, target_A)), parameters.decay_s
        charge = coil.advance(target_A, tau_s, self.limit_V, seconds)
        self.heat.advance(charge / seconds, seconds)
        return charge

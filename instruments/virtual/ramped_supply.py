"""What a supply with a ramp of its own does to its coil: rates by segment, stop, quench."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from instruments.virtual.coil import Coil, CoilHeat, CoilParameters

if TYPE_CHECKING:
    from collections.abc import Callable

    from instruments.virtual.instrument import DeviceTime

FELT_STEPS = 100  # of the present current: how finely a device in the coil feels a ramp
QUENCH_S = 0.5  # judgement: a magnet of this inductance dumps its current into its own resistance


class RampedSupply:
    """A current that walks to its target by itself, exactly in device time.

    The loop that makes the coil follow is fast against any ramp: its lag is left out.

    Parameters
    ----------
    device_time
        The rig's time.
    parameters
        The coil.
    rate_A_per_s
        As it was left.
    limit_V
        The voltage it has for the coil's resistance; the current stays below V/R.
    resistive
        False: a superconducting magnet, which takes voltage only while the current changes.

    Attributes
    ----------
    target_A
        Where it walks.
    demand_A
        Where it is on the way; the coil's current unless the voltage doesn't suffice.
    ramping
        Whether it walks now.
    segments
        (largest |A|, A/s) of each part of the ramp, from zero outwards.
    quenched
        The magnet became resistive: the current dies away.
    felt
        Told of every mean current (A) and how long it flowed (s), in order, by what is in the coil.
    """

    def __init__(
        self,
        device_time: DeviceTime,
        parameters: CoilParameters,
        rate_A_per_s: float,
        *,
        limit_V: float = math.inf,
        resistive: bool = True,
    ) -> None:
        self._time = device_time
        self._seen_ns = device_time.now_ns
        self.coil = Coil(parameters)
        self.heat = CoilHeat()
        self.limit_V = limit_V
        self.segments = [(math.inf, rate_A_per_s)]
        self.target_A = 0.0
        self.demand_A = 0.0
        self.ramping = False
        self.quenched = False
        self.felt: Callable[[float, float], None] | None = None
        self._resistance_Ohm = parameters.resistance_Ohm if resistive else 0.0

    def follow(self) -> float:
        """Move the coil up to the present; returns its mean current since the last call (A)."""
        seconds = (self._time.now_ns - self._seen_ns) * 1e-9
        self._seen_ns = self._time.now_ns
        if seconds <= 0:
            return self.coil.current_A
        charge = self._die(seconds) if self.quenched else self._walk(seconds)
        if self._resistance_Ohm:
            self.heat.advance(charge / seconds, seconds)
        return charge / seconds

    def walk_to(self, target_A: float) -> None:
        """Begin to walk to a target."""
        self.follow()
        self.target_A = target_A
        self.ramping = target_A != self.demand_A
        self._show_voltage()

    def stop(self, after_s: float = 0.0) -> None:
        """End the walk where it is after so long; that is the target then."""
        self.follow()
        if self.ramping:
            left_A = self.target_A - self.demand_A
            further_A = min(abs(left_A), self._piece()[1] * after_s)
            self.target_A = self.demand_A + math.copysign(further_A, left_A)
            self.ramping = further_A > 0
        self._show_voltage()

    def jump(self, current_A: float) -> None:
        """Be at a current at once, at rest: what somebody did before, or a trip."""
        self.follow()
        self.target_A = self.demand_A = current_A
        self.ramping = False
        self._settle()

    def quench(self) -> None:
        """Let the magnet become resistive."""
        self.follow()
        self.quenched, self.ramping = True, False

    def recover(self) -> None:
        """Let it be cold again, at the current that is left."""
        self.follow()
        self.quenched = False
        self.jump(self.coil.current_A)

    @property
    def at_compliance(self) -> bool:
        """Whether the voltage limit holds the current below its demand."""
        self.follow()
        return abs(self.demand_A) > self._reach_A

    @property
    def _reach_A(self) -> float:
        return self.limit_V / self._resistance_Ohm if self._resistance_Ohm else math.inf

    def _walk(self, seconds: float) -> float:
        charge = 0.0
        while self.ramping and seconds > 0:
            end_A, rate_A_per_s = self._piece()
            piece_s = abs(end_A - self.demand_A) / rate_A_per_s if rate_A_per_s else math.inf
            before_A = self._clipped()
            if piece_s <= seconds:
                self.demand_A = end_A
            else:
                piece_s = seconds
                side = math.copysign(1.0, end_A - self.demand_A)
                self.demand_A += side * rate_A_per_s * piece_s
            charge += 0.5 * (before_A + self._clipped()) * piece_s
            self._feel(before_A, self._clipped(), piece_s)
            seconds -= piece_s
            self.ramping = self.demand_A != self.target_A
        charge += self._clipped() * max(0.0, seconds)
        self._feel(self._clipped(), self._clipped(), seconds)
        self._settle()
        return charge

    def _piece(self) -> tuple[float, float]:
        """Where the present rate ends on the way to the target, and that rate."""
        here_A = abs(self.demand_A)
        side = math.copysign(1.0, self.target_A - self.demand_A)
        outwards = self.demand_A * side >= 0
        edges = [0.0, *(upper for upper, _ in self.segments), self._reach_A]
        if outwards:
            end_A = side * min((edge for edge in edges if edge > here_A), default=math.inf)
            rates = [rate for upper, rate in self.segments if upper > here_A]
        else:
            end_A = -side * max(edge for edge in edges if edge < here_A)
            rates = [rate for upper, rate in self.segments if upper >= here_A]
        if side * (end_A - self.target_A) > 0:
            end_A = self.target_A
        return end_A, rates[0] if rates else self.segments[-1][1]

    def _die(self, seconds: float) -> float:
        left = math.exp(-seconds / QUENCH_S)
        charge = self.coil.current_A * QUENCH_S * (1.0 - left)
        self._feel(self.coil.current_A, self.coil.current_A * left, seconds)
        self.coil.current_A *= left
        self.coil.voltage_V = 0.0
        return charge

    def _feel(self, before_A: float, after_A: float, seconds: float) -> None:
        """Tell a device of a ramp by steps that are small against the current there."""
        if self.felt is None or seconds <= 0:
            return
        largest_A = max(abs(before_A), abs(after_A))
        count = math.ceil(FELT_STEPS * abs(after_A - before_A) / largest_A) if largest_A else 1
        count = max(1, count)
        for number in range(count):
            share = (number + 0.5) / count
            self.felt(before_A + share * (after_A - before_A), seconds / count)

    def _clipped(self) -> float:
        return max(-self._reach_A, min(self._reach_A, self.demand_A))

    def _settle(self) -> None:
        self.coil.current_A = self._clipped()
        self._show_voltage()

    def _show_voltage(self) -> None:
        voltage_V = self._resistance_Ohm * self.coil.current_A
        if self.ramping and self.coil.current_A == self.demand_A:
            end_A, rate_A_per_s = self._piece()
            side = math.copysign(1.0, end_A - self.demand_A)
            voltage_V += side * rate_A_per_s * self.coil.parameters.inductance_H
        self.coil.voltage_V = max(-self.limit_V, min(self.limit_V, voltage_V))

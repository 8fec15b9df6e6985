"""A coil on a bipolar supply: the current lags its set-point, and the voltage has a limit.

While the voltage suffices, the supply's current loop closes the gap with time constant τ; where
it doesn't, L di/dt = ±V − R i. Both are exponentials, so that any interval is exact in closed form.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from models.errors import InputError, raise_problems


@dataclass(frozen=True)
class CoilParameters:
    """A Helmholtz pair as one inductance, and the supply's current loop on it.

    Judgement: 3 mH and 1 Ω let a 36 V, 12 A supply cross its whole range in about 3 ms; the loop
    of 1 ms is what a bipolar supply in current mode reaches on such a coil. A step of the whole
    drive window then costs its first rotation (27 ms) some 4 % of the step.
    """

    inductance_H: float = 3.0e-3
    resistance_Ohm: float = 1.0
    loop_s: float = 1.0e-3
    tesla_per_ampere: float = 4.0e-4

    def __post_init__(self) -> None:
        problems = [
            f"{name} = {value} must be above zero"
            for name, value in vars(self).items()
            if not value > 0
        ]
        if not problems and self.loop_s > self.decay_s:
            problems.append(
                f"loop_s = {self.loop_s} s must not exceed L/R = {self.decay_s:.3g} s: "
                "a current loop is faster than the coil alone"
            )
        raise_problems(InputError, "coil", problems)

    @property
    def decay_s(self) -> float:
        """L/R: how the current dies away without a current loop."""
        return self.inductance_H / self.resistance_Ohm


class Coil:
    """The current in a coil, moved through time by `advance`."""

    def __init__(self, parameters: CoilParameters) -> None:
        self.parameters = parameters
        self.current_A = 0.0
        self.voltage_V = 0.0

    def advance(self, target_A: float, tau_s: float, limit_V: float, seconds: float) -> float:
        """Let the current move towards a target; returns its integral over time in A s.

        Parameters
        ----------
        target_A
            Where the supply wants it; held back to what `limit_V` can drive through R.
        tau_s
            Time constant of the approach: the loop's, or L/R where the voltage is fixed.
        limit_V
            The largest voltage of either sign.
        seconds
            How long.
        """
        if self.current_A == target_A == 0.0:
            self.voltage_V = 0.0
            return 0.0
        R, L = self.parameters.resistance_Ohm, self.parameters.inductance_H
        reach_A = limit_V / R
        target_A = max(-reach_A, min(reach_A, target_A))
        demand_V = R * self.current_A + L * (target_A - self.current_A) / tau_s
        charge = 0.0
        if abs(demand_V) > limit_V * (1 + 1e-12):
            side = math.copysign(1.0, demand_V)
            saturated_s = min(seconds, self._until_free_s(target_A, tau_s, side * limit_V))
            charge = self._approach(side * reach_A, self.parameters.decay_s, saturated_s)
            seconds -= saturated_s
        if seconds > 0:
            charge += self._approach(target_A, tau_s, seconds)
        demand_V = R * self.current_A + L * (target_A - self.current_A) / tau_s
        self.voltage_V = max(-limit_V, min(limit_V, demand_V))
        return charge

    def _until_free_s(self, target_A: float, tau_s: float, rail_V: float) -> float:
        """Time at the rail until the loop asks for no more than it; inf where it always does."""
        R, L = self.parameters.resistance_Ohm, self.parameters.inductance_H
        free_A = (L * target_A / tau_s - rail_V) / (L / tau_s - R)
        ratio = (rail_V / R - self.current_A) / ((rail_V / R - free_A) or math.nan)
        return self.parameters.decay_s * math.log(ratio) if ratio > 1 else math.inf

    def _approach(self, end_A: float, tau_s: float, seconds: float) -> float:
        gap_A = self.current_A - end_A
        left = math.exp(-seconds / tau_s)
        self.current_A = end_A + gap_A * left
        return end_A * seconds + gap_A * tau_s * (1.0 - left)


class CoilHeat:
    """How much warmer than the room a coil is: it rises with I² and relaxes, one time constant.

    Judgement: 0.25 K/A² makes 11 A a coil of 325 K, warm to the hand; 60 s is a coil of some
    hundred grams of copper. Exact for a constant current; a step counts by its mean current.
    """

    kelvin_per_A2 = 0.25
    relax_s = 60.0

    def __init__(self) -> None:
        self.rise_K = 0.0

    def advance(self, mean_A: float, seconds: float) -> None:
        """Let a current flow for a while."""
        if self.rise_K == mean_A == 0.0 or seconds <= 0:
            return
        end_K = self.kelvin_per_A2 * mean_A * mean_A
        self.rise_K = end_K + (self.rise_K - end_K) * math.exp(-seconds / self.relax_s)

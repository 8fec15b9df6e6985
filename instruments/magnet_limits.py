"""What a magnet may be asked for, as its bench file says; checked where it is made."""

from __future__ import annotations

import math
from dataclasses import dataclass

from instruments.watch_duty import ROUNDING, Duty, words_of
from models.errors import InputError, raise_problems


@dataclass(frozen=True)
class MagnetLimits:
    """What a magnet may be asked for.

    Attributes
    ----------
    tesla_per_ampere
        Field calibration; may be negative (a coil wired the other way round).
    max_current_A
        Refused beyond.
    max_ramp_A_per_s
        Larger steps are walked at this rate.
    max_field_T
        Refused beyond; inf where only the current decides.
    max_duty_A2s, duty_window_s
        The integral of I² over the last window may not go beyond; inf: no such limit.
    compliance_V
        The voltage limit that the supply is given; None: it keeps its own.
    """

    tesla_per_ampere: float
    max_current_A: float
    max_ramp_A_per_s: float
    max_field_T: float = math.inf
    max_duty_A2s: float = math.inf
    duty_window_s: float = math.inf
    compliance_V: float | None = None

    def __post_init__(self) -> None:
        problems = []
        if not (math.isfinite(self.tesla_per_ampere) and self.tesla_per_ampere != 0):
            problems.append(f"tesla_per_ampere = {self.tesla_per_ampere} T/A must not be zero")
        for name, unit, top in (
            ("max_current_A", "A", False), ("max_ramp_A_per_s", "A/s", False),
            ("max_field_T", "T", True), ("max_duty_A2s", "A²s", True), ("duty_window_s", "s", True),
        ):  # fmt: skip
            value = getattr(self, name)
            if not value > 0 or (math.isinf(value) and not top):
                problems.append(f"{name} = {value} {unit} must be a number above 0")
        if math.isinf(self.max_duty_A2s) != math.isinf(self.duty_window_s):
            problems.append("max_duty_A2s and duty_window_s go together: give both or neither")
        if self.compliance_V is not None and not 0 < self.compliance_V < math.inf:
            problems.append(f"compliance_V = {self.compliance_V} V must be a number above 0")
        raise_problems(InputError, "magnet limits", problems)

    @property
    def highest_A(self) -> float:
        """The largest current that both current and field limit allow."""
        return min(self.max_current_A, self.max_field_T / abs(self.tesla_per_ampere))

    def duty(self) -> Duty | None:
        """An account of the duty, nothing on it; None where it isn't limited."""
        if math.isinf(self.max_duty_A2s):
            return None
        return Duty(self.max_duty_A2s, self.duty_window_s)

    def beyond_duty(self, worst_A2s: float, before_A2s: float = 0.0) -> list[str]:
        """Why a duty is refused, in words; empty where it is allowed.

        `before_A2s`: what runs before left in the window.
        """
        if worst_A2s <= self.max_duty_A2s * (1 + ROUNDING):
            return []
        return [words_of(self.max_duty_A2s, self.duty_window_s, worst_A2s, before_A2s)]

    def beyond(self, rated_A: float, rated_V: float, slowest_A_per_s: float) -> list[str]:
        """What a supply of this rating and slowest ramp can't keep, in words."""
        problems = []
        if self.max_current_A > rated_A:
            problems.append(
                f"max_current_A = {self.max_current_A:g} A is beyond the {rated_A:g} A "
                "of the supply (its rating, or the limit set at it)"
            )
        if self.compliance_V is not None and self.compliance_V > rated_V:
            problems.append(
                f"compliance_V = {self.compliance_V:g} V is beyond the {rated_V:g} V of the supply"
            )
        if self.max_ramp_A_per_s < slowest_A_per_s * (1 - 1e-9):
            problems.append(
                f"max_ramp_A_per_s = {self.max_ramp_A_per_s:g} A/s is below the "
                f"{slowest_A_per_s:g} A/s of the supply, the slowest that it can be walked"
            )
        return problems

    def sent_words(self, current_A: float | None, rated_A: float) -> str:
        """A set-point that was sent, beside what may be; empty where it isn't known."""
        if current_A is None:
            return ""
        rated = f", it is rated {rated_A:g} A" if math.isfinite(rated_A) else ""
        return (
            f"{current_A:.6g} A was the last set-point sent, the bench allows "
            f"{self.highest_A:g} A{rated}"
        )

    def current_A(self, field_T: float) -> float:
        """Current that gives a field."""
        return field_T / self.tesla_per_ampere

    def problem(self, current_A: float) -> str | None:
        """Why a current is refused, in words; None where it is allowed."""
        if not math.isfinite(current_A):
            return f"a current of {current_A} A is no number"
        # a field is given in decimals: 11 A may come out as 11.000000000000002 A
        if abs(current_A) > self.max_current_A * (1 + 1e-12):
            return (
                f"{current_A:.6g} A ({current_A * self.tesla_per_ampere:.6g} T) is beyond "
                f"max_current_A = {self.max_current_A:g} A"
            )
        if abs(current_A * self.tesla_per_ampere) > self.max_field_T * (1 + 1e-12):
            return (
                f"{current_A * self.tesla_per_ampere:.6g} T is beyond "
                f"max_field_T = {self.max_field_T:g} T"
            )
        return None

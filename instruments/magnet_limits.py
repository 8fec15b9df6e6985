"""What a magnet may be asked for, as its bench file says; checked where it is made."""

from __future__ import annotations

import math
from dataclasses import dataclass

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
    """

    tesla_per_ampere: float
    max_current_A: float
    max_ramp_A_per_s: float
    max_field_T: float = math.inf

    def __post_init__(self) -> None:
        problems = []
        if not (math.isfinite(self.tesla_per_ampere) and self.tesla_per_ampere != 0):
            problems.append(f"tesla_per_ampere = {self.tesla_per_ampere} T/A must not be zero")
        for name, unit, top in (
            ("max_current_A", "A", False), ("max_ramp_A_per_s", "A/s", False),
            ("max_field_T", "T", True),
        ):  # fmt: skip
            value = getattr(self, name)
            if not value > 0 or (math.isinf(value) and not top):
                problems.append(f"{name} = {value} {unit} must be a number above 0")
        raise_problems(InputError, "magnet limits", problems)

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

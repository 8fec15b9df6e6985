"""What the judge of a wire knows: messages, what a supply truly does, and what it has been told."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

TICK_S = 0.020
SWING_S = 0.05  # a current that the hand has moved is still under way for so long


@dataclass(frozen=True)
class Truth:
    """What a supply really does: output, mode, programmed current and voltage, coil current."""

    output_on: bool
    current_mode: bool
    setpoint_A: float
    setpoint_V: float
    coil_A: float

    def driven_A(self, ohm: float) -> float:
        """Where the output drives the coil's current."""
        if not self.output_on:
            return 0.0
        if self.current_mode:
            reach_A = abs(self.setpoint_V) / ohm
            return max(-reach_A, min(reach_A, self.setpoint_A))
        reach_A = abs(self.setpoint_A)
        return max(-reach_A, min(reach_A, self.setpoint_V / ohm))


@dataclass(frozen=True)
class Message:
    """One message as the rig had it, and the truth of its supply before it was carried out."""

    device_s: float
    key: str
    direction: str  # "out" to the instrument, "in" from it
    data: bytes
    by_hand: bool = False
    before: Truth | None = None


@dataclass(frozen=True)
class Finding:
    """One thing that must not happen."""

    kind: str
    sentence: str


@dataclass
class Supply:
    """A supply's limits (from the TOML) and what its wire has told so far."""

    max_A: float
    max_T: float
    tesla_per_ampere: float
    ramp_A_per_s: float
    compliance_V: float | None
    max_duty_A2s: float = math.inf
    window_s: float = math.inf
    flowed: list[tuple[float, float, float]] = field(default_factory=list)  # (from s, to s, A²)
    moved_by_hand: bool = False
    rating_A: float = math.inf
    rating_V: float = math.inf
    sent_A: float | None = None  # the program's last set, or what it was told instead
    measured: tuple[float, float] = (-math.inf, 0.0)  # the last reading told: device time, A
    on: bool | None = None  # the output, as the program switched it or was told
    asked: str = ""
    level_A: float = 0.0  # of the bucket that max_ramp drains and that one tick fills
    level_s: float = 0.0
    hand_s: float = -math.inf  # when the hand last did something
    hand: set[str] = field(default_factory=set)  # what the program hasn't looked at since
    due: tuple[float, float] | None = None  # set-points that the last set may have led to

    @property
    def tick_A(self) -> float:
        return self.ramp_A_per_s * TICK_S

    @property
    def small_A(self) -> float:
        """Zero, as far as a supply's reading can tell."""
        return max(0.01 * self.max_A, 0.012)

    @property
    def read_on_the_swing(self) -> bool:
        """Whether the hand moved the current after, or just before, the program measured it."""
        return "coil" in self.hand or 0 <= self.measured[0] - self.hand_s < SWING_S


def key_of(resource: str) -> str:
    """The virtual rig's key of an address: `TCPIP0::virtual-kepco-bop::5026::SOCKET` → `…#2`."""
    parts = resource.split("::")
    if len(parts) < 3 or not parts[2].isdecimal():
        return f"nothing at {resource!r}"  # no address of the rig's: nobody will hear of it
    model, port = parts[1].removeprefix("virtual-"), parts[2]
    number = int(port) - 5024
    return model if number == 1 else f"{model}#{number}"

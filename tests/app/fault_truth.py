"""What the virtual rig really did, noted on its side of the wire before a fault touches it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from instruments.virtual.rig import VirtualRig

SUPPLY, LOCK_IN, CLOCK = "kepco-bop", "sr830", "virtual-clock"


@dataclass(frozen=True)
class Gate:
    """One gate as the rig lived it."""

    values: tuple[float, ...]
    setpoint_A: float
    current_A: float
    true: bool  # not clipped, and measured with the settings that the run began with


@dataclass
class Truth:
    """What the rig really did; `heard` is the script's watch."""

    rig: VirtualRig | None = None
    gates: list[Gate] = field(default_factory=list)
    settings: tuple[float, ...] = ()

    def heard(self, key: str, message: str, reply: str) -> None:
        if key != LOCK_IN or not message.startswith("SNAP?") or self.rig is None:
            return
        lock_in: Any = self.rig.instruments[LOCK_IN]
        supply = self.supply
        settings = tuple(lock_in._set.values())
        self.settings = self.settings or settings
        true = settings == self.settings and not lock_in._path._clipped
        values = tuple(float(part) for part in reply.split(","))
        self.gates.append(Gate(values, supply.setpoint_A, supply.coil.current_A, true))

    @property
    def supply(self) -> Any:
        rig: Any = self.rig
        return rig.instruments[SUPPLY].supply

    def is_safe(self) -> bool:
        """Output off and no current, a moment later."""
        assert self.rig is not None
        self.rig.time.advance(0.1)
        self.supply.follow()
        return not self.supply.output_on and abs(self.supply.coil.current_A) < 0.05

    def is_true(self, response: Any, currents_A: list[float]) -> bool:
        """Whether a repeat is the values of consecutive gates, each at its current."""
        steps, channels = response.shape
        for first in range(1, len(self.gates) - steps + 2):
            gates = self.gates[first - 1 : first + steps]
            if len(gates) == steps + 1 and all(
                gate.values[:channels] == tuple(row)
                for gate, row in zip(gates[1:], response.tolist(), strict=True)
            ):
                return all(
                    gate.true
                    and abs(gate.setpoint_A - current_A) < 2e-6
                    and abs(gate.current_A - current_A) < 0.01
                    for gate, current_A in zip(gates, currents_A, strict=True)
                )
        return False

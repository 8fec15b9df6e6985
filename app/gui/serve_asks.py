"""A virtual rig on TCP as the window is asked for it: device, instruments, port; no Qt."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.gui.words import count

if TYPE_CHECKING:
    from app.operations.serve import Listening

OPERATION = "app.operations.serve.serve"
HIGHEST_PORT = 65535


@dataclass(frozen=True)
class ServeAsk:
    """One rig; `supply` and `readout` are joined to the device, `others` stand beside it.

    `port`: of the first instrument, the others follow; 0: free ones. `bench`: its new bench file.
    """

    device: str = "nanoring"
    supply: str = "kepco-bop"
    readout: str = "sr830"
    others: tuple[str, ...] = ()
    seed: int = 0
    accelerate: int = 1
    port: int = 0
    bench: Path = Path("served.toml")

    @property
    def models(self) -> tuple[str, ...]:
        """Every instrument, those of the device first."""
        return (self.supply, self.readout, *self.others)

    def problem(self) -> str:
        """Why it can't be served; empty where it can, if its bench file can be made."""
        last = self.port + len(self.models)  # the rig's clock has a port, too
        if self.port and last > HIGHEST_PORT:
            return f"ports {self.port} to {last}: the highest is {HIGHEST_PORT}"
        if self.bench.suffix != ".toml":
            return f"bench file {str(self.bench)!r}: a name that ends in .toml"
        return ""

    def words(self) -> tuple[str, str]:
        """What a press does, and what it means."""
        where = f"ports from {self.port}" if self.port else "free ports"
        return "Serve a rig", f"{count(len(self.models), 'instrument')} · {where} · own process"

    def arguments(self) -> dict[str, Any]:
        """Of the operation."""
        return {
            "device": self.device, "models": self.models, "seed": self.seed,
            "accelerate": float(self.accelerate), "port": self.port, "wire_log": None,
            "write_bench": self.bench,
        }  # fmt: skip

    def place(self, one: Listening) -> str:
        """Where an instrument stands."""
        if one.model in (self.supply, self.readout):
            return "at the device"
        return "beside it" if one.model in self.others else "device time"

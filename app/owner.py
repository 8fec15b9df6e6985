"""Who runs a recording: process, its start, host; so that a dead run is never called running."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, dataclass
from typing import Any

from instruments.processes import process_start

SILENT_S = 120.0
"""An owner on another host whose heartbeat stands still longer is dead (it beats each second)."""


@dataclass(frozen=True)
class Owner:
    """One process of one host; `started` tells a process from a later one with the same pid."""

    pid: int
    started: str
    host: str

    @classmethod
    def here(cls) -> Owner:
        """Name this process."""
        pid = os.getpid()
        return cls(pid, process_start(pid) or "", platform.node())

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Owner:
        """Read `to_json`; TypeError, KeyError or ValueError where it is something else."""
        return cls(int(value["pid"]), str(value["started"]), str(value["host"]))

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    def alive(self, heartbeat_age_s: float) -> bool:
        """Whether the owner lives; of another host only its heartbeat is known."""
        return self.here_alive() if self.is_here else heartbeat_age_s < SILENT_S

    @property
    def is_here(self) -> bool:
        """Whether it is, or was, a process of this host."""
        return self.host == platform.node()

    def here_alive(self) -> bool:
        """Whether it is a living process of this host."""
        return self.is_here and process_start(self.pid) == self.started

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"

"""Who runs a recording: process, its start, host; so that a dead run is never called running."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

SILENT_S = 120.0
"""Heartbeat of an owner on another host older than this: no living owner (it beats each second)."""


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


def process_start(pid: int) -> str | None:
    """When a process of this host started, in the system's own spelling; None: no such process."""
    if sys.platform == "win32":
        return _windows_start(pid)
    else:
        return _linux_start(pid) if Path("/proc/self/stat").exists() else _ps_start(pid)


def _linux_start(pid: int) -> str | None:
    """Clock ticks since boot (field 22 of proc(5) stat) and the boot's id; a zombie is dead."""
    with suppress(OSError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        if fields[0] in "ZX":
            return None
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}:{fields[19]}"
    return None


def _ps_start(pid: int) -> str | None:
    command = ["ps", "-o", "lstart=", "-p", str(pid)]
    alike = {**os.environ, "LC_ALL": "C", "TZ": "UTC0"}  # else each asker's language and clock
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=10, check=False, env=alike
    )
    return done.stdout.strip() or None


if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    def _windows_start(pid: int) -> str | None:
        """Creation time in 100 ns ticks; `os.kill(pid, 0)` would end the process here."""
        query_limited, still_active = 0x1000, 259
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.OpenProcess.restype = wintypes.HANDLE
        handle = kernel.OpenProcess(query_limited, False, pid)
        if not handle:
            return None
        process = wintypes.HANDLE(handle)
        try:
            code = wintypes.DWORD()
            if not kernel.GetExitCodeProcess(process, ctypes.byref(code)):
                return None
            if code.value != still_active:
                return None
            times = [wintypes.FILETIME() for _ in range(4)]
            if not kernel.GetProcessTimes(process, *(ctypes.byref(t) for t in times)):
                return None
            return str((times[0].dwHighDateTime << 32) | times[0].dwLowDateTime)
        finally:
            kernel.CloseHandle(process)

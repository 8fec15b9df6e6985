"""Which processes of this computer live, and since when: nothing but what the system tells."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from models.paths import anything_at


def process_start(pid: int) -> str | None:
    """When a process of this host started, in the system's own spelling; None: no such process."""
    if sys.platform == "win32":
        return _windows_start(pid)
    else:
        return _linux_start(pid) if anything_at("/proc/self/stat") else _ps_start(pid)


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

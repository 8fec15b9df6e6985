"""Shared by all tests: one BLAS and one torch thread, Qt without a screen."""

from __future__ import annotations

import atexit
import gc
import os
import shutil
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")
# a user's Python keeps what a stream didn't take, and fails by it at its end: exit code 120
os.environ.pop("PYTHONUNBUFFERED", None)
# PyVISA looks for an installed VISA by 15 processes each time that it is asked: a third of the time
os.environ.setdefault("PYVISA_LIBRARY", "@py")
# what watchdogs of these tests write is no concern of this computer's user
os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="twinrig-state-")
atexit.register(shutil.rmtree, os.environ["XDG_STATE_HOME"], ignore_errors=True)
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # in the background (nohup, CI) Ctrl-C is ignored, which the programs under test would inherit
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # likewise: a program under nohup stays alive


def pytest_collection_finish() -> None:
    """What 5000 collected tests are made of is kept out of every later look through all objects."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """Tests share two cores; importing torch is left to those that need it."""
    import sys

    torch = sys.modules.get("torch")
    if torch is not None and torch.get_num_threads() != 1:
        torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _no_watchdog_stays() -> Iterator[None]:
    """A rig that a test takes away for good would be looked for by its watchdog for an hour."""
    yield
    for pid in left_watchdogs():
        os.kill(pid, signal.SIGTERM if os.name == "nt" else signal.SIGKILL)


def left_watchdogs() -> list[int]:
    """Watchdogs of these tests whose program is gone and that still look for their rig."""
    from instruments.watchdog import LEFT
    from instruments.watchdog_log import log_path

    try:
        lines = log_path().read_text("utf-8").splitlines()
    except OSError:
        return []
    left = {int(line.split("[")[1].split("]")[0]) for line in lines if line.endswith(LEFT)}
    return sorted(pid for pid in left if _is_watchdog(pid))


def _is_watchdog(pid: int) -> bool:
    try:
        return b"instruments.watchdog" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # gone, or a system without /proc, where it stays until it gives up
        return False

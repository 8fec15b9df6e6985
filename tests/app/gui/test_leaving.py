"""The window's process ends by its own code, whatever a library does when it is torn down."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SCRIPT = """
import atexit, ctypes, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from app.gui.leaving import leave

libc = ctypes.CDLL(None)
libc.__cxa_atexit(libc.abort, None, None)  # a library whose teardown fails

def write():
    time.sleep(0.3)
    print("written")

threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()
threading.Thread(target=write).start()
pool = ThreadPoolExecutor(1)  # as asyncio has one, and with it a Dask client: nobody shuts it down
pool.submit(int)
atexit.register(print, "exit functions run")
sys.stderr.write("last words")
{way}(3)
"""


def ended(way: str) -> subprocess.CompletedProcess[str]:
    """A process that ends this way."""
    return subprocess.run(
        [sys.executable, "-c", SCRIPT.format(way=way)],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="names a function of glibc")
def test_the_window_leaves_by_its_code_with_everything_said_and_written() -> None:
    assert ended("sys.exit").returncode < 0, "the teardown did not fail: nothing is tested here"
    done = ended("leave")
    assert done.returncode == 3
    assert done.stdout.split("\n") == ["written", "exit functions run", ""]
    assert done.stderr == "last words"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a full device is Linux's")
def test_a_stream_that_is_gone_changes_nothing() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT.format(way="leave")],
            cwd=ROOT, stdout=full, stderr=subprocess.PIPE, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 3

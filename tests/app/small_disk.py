"""A disk of its own that can fill up, become read-only or go away; needs root on Linux."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILLER = "filler"


class SmallDisk:
    """A tmpfs."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def fill(self) -> None:
        """Take every byte that is left."""
        with (self.path / FILLER).open("ab", buffering=0) as file:
            size = 65536
            while size:
                try:
                    file.write(b"\1" * size)
                except OSError:
                    size //= 2

    def free(self) -> None:
        """Give the space back."""
        (self.path / FILLER).unlink()

    def read_only(self) -> None:
        """Nothing can be written any more; fails while a file is open for writing."""
        subprocess.run(["mount", "-o", "remount,ro", self.path], check=True)

    def writable(self) -> None:
        """It can be written again."""
        subprocess.run(["mount", "-o", "remount,rw", self.path], check=True)

    def vanish(self) -> None:
        """Like a share that is gone: nothing is left at its path; open files keep their space."""
        subprocess.run(["umount", "-l", self.path], check=True)


@contextmanager
def small_disk(folder: Path, size: str = "4m") -> Iterator[SmallDisk]:
    """Mount a small disk; skips the test where this system doesn't let us."""
    if sys.platform != "linux":
        pytest.skip("a small disk is mounted on Linux only")
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("this system lets nobody mount a small disk (it takes root)")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False, capture_output=True)

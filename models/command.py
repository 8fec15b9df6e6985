"""Commands as people paste them, in messages of every package."""

from __future__ import annotations

import os
import shlex
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def command_line(words: Sequence[str], windows: bool = os.name == "nt") -> str:
    """`twinrig record --out 'my data'`: a command to paste, as the system's shell reads it.

    Windows' cmd knows double quotes only, and there a backslash needs none.
    """
    return subprocess.list2cmdline(words) if windows else shlex.join(words)

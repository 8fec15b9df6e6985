"""Commands and paths as people paste them, in messages and entries of every package."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

CMD = re.compile(r"[&|<>^]")


def command_line(words: Sequence[str], windows: bool = os.name == "nt") -> str:
    """`twinrig record --out 'my data'`: a command to paste, as the system's shell reads it.

    Windows' cmd knows double quotes only, and there a backslash needs none; a folder `R&D` does.
    """
    return " ".join(map(_for_cmd, words)) if windows else shlex.join(words)


def unquoted(text: str) -> str:
    """A path as it was typed or pasted: Windows' "Copy as path" puts it in quotes."""
    path = text.strip()
    quoted = len(path) > 2 and path[0] == path[-1] and path[0] in "\"'"
    return path[1:-1] if quoted else path


def _for_cmd(word: str) -> str:
    """Quoted where it holds a blank, as programs need it, or what cmd itself would take."""
    quoted = subprocess.list2cmdline([word])
    if quoted != word or not CMD.search(word):
        return quoted
    ending = word[len(word.rstrip("\\")) :]  # before a quote backslashes count twice
    return f'"{word}{ending}"'

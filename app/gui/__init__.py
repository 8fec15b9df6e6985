"""The window: PyQt6 and pyqtgraph live only here."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Open the window; returns the exit code.

    Parameters
    ----------
    argv
        Options without the program's name; None takes those of the process.
    """
    began_s = time.perf_counter()
    gc.disable()  # a start makes much and drops nothing: looking for it is a fifteenth of its time
    try:
        from app.gui.start import run  # Qt is loaded for the window only

        return run(argv, began_s)
    finally:
        gc.enable()

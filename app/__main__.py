"""`python -m app` and the console script `twinrig`: without a verb they open the window."""

from __future__ import annotations

import atexit
import os
import signal
import sys

from app.home_folder import find_home
from app.standard_streams import forget_unwritten, open_closed_streams

STOPPED = 3  # `models.errors.StoppedError.exit_code`, which is not imported yet


def main() -> int:
    """Run the command line and return its exit code, or the window, which ends the process itself.

    The window's own options are `--bench`, `--library`, `--theme`, `--smoke`, `--screenshot`.

    Ctrl-C ends the process at once, and without a traceback, before a command has begun (while it
    is imported) and after it is done; between the two `app.stopping` and `app.gui.hooks` hear it.
    While the interpreter itself ends it changes nothing: what a command did is told by then.
    """
    open_closed_streams()
    find_home()
    code = STOPPED
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda _number, _frame: os._exit(code))
        # Python gives our handler back before modules go, which takes PyTorch's some time: a Ctrl-C
        # there made 130 of a command that was done. Registered first, so that it is called last
        atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)
    first = sys.argv[1] if len(sys.argv) > 1 else "--bench"
    # the window has no `--json`: whoever asks for it, in whatever place, reads lines of it
    told = first in ("--help", "--version") or "--json" in sys.argv
    if first.startswith("--") and not told:
        from app.gui import main as window  # Qt is loaded for the window only
        from app.gui.leaving import leave

        code = int(window() or 0)
        leave(code)
    from app.cli.main import main as command_line

    code = command_line(sys.argv[1:])
    forget_unwritten()
    return code


if __name__ == "__main__":
    sys.exit(main())

"""`python -m app` and the console script `twinrig`: no arguments open the window."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line, or the window where there are no arguments; returns the exit code."""
    if len(sys.argv) == 1:
        from app.gui import main as window  # Qt is loaded for the window only

        return int(window() or 0)
    from app.cli import main as command_line

    return command_line(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())

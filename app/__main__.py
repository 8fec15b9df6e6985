"""`python -m app` and the console script `twinrig`: without a verb they open the window."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line, or the window where no verb is given; returns the exit code.

    The window's own options are `--bench`, `--library`, `--theme`, `--smoke`, `--screenshot`.
    """
    first = sys.argv[1] if len(sys.argv) > 1 else "--bench"
    if first.startswith("--") and first != "--help":
        from app.gui import main as window  # Qt is loaded for the window only

        return int(window() or 0)
    from app.cli import main as command_line

    return command_line(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())

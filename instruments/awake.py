"""The computer kept awake while a bench is energised: each system's own way, or a sentence why not.

Context: an automatic suspend in the night stops the program with current flowing. wakepy knows
Windows' SetThreadExecutionState, macOS' caffeinate, and on Linux the desktop's session manager
(GNOME, KDE and others over the session's D-Bus). It knows no way on a Linux machine without a
desktop session (ssh, a service).
Decision: wakepy first; on Linux also logind's own `systemd-inhibit`, which needs no desktop.
`sleep` may be refused to a remote session by the computer's policy, `idle` (the automatic suspend)
is not. Each way ends with this process, however it ends.
Consequence: suspending by hand, closing a lid that is set to suspend, and an empty battery are not
prevented everywhere; where nothing works, people are told.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator

WHAT = ("idle:sleep", "idle")  # the most that can be had; see above
ANSWER = "held"
HOLD = f"echo {ANSWER}; exec cat"  # runs once the lock is held, and ends with its input
CANNOT = (
    "the computer can't be kept awake: switch its automatic suspend off before you leave it alone "
    "with current flowing ({})"
)


class CannotKeepAwakeError(Exception):
    """A way to keep the computer awake that is not there, with its reason."""


def keep_awake(
    until: threading.Event, say: Callable[[str], None], log: Callable[[str], object]
) -> None:
    """Keep the computer awake until the event is set; to be run in a thread of its own.

    Parameters
    ----------
    until
        Set when the rig is safe.
    say
        Called with a sentence for people where the computer can't be kept awake.
    log
        Called with the way that works.
    """
    ways = [_by_wakepy, *([_by_logind] if sys.platform.startswith("linux") else [])]
    with ExitStack() as stack:
        held, reasons = [], []
        for way in ways:
            try:
                held.append(stack.enter_context(way()))
            except Exception as error:  # whatever ails one way, the other holds, or people are told
                reasons.append(str(error))
        if held:
            log(f"the computer is kept awake by {' and '.join(held)}")
        else:
            say(CANNOT.format("; ".join(reasons)))
        until.wait()


@contextmanager
def _by_wakepy() -> Iterator[str]:
    """The desktop's, Windows' or macOS' way; gives its name."""
    from wakepy import keep

    with keep.running(on_fail="pass") as mode:
        if not mode.result.real_success:
            tried = mode.result.list_methods(ignore_unused=True)
            names = ", ".join(method.method_name for method in tried)
            raise CannotKeepAwakeError(f"nobody answers for {names or 'this system'}")
        yield str(mode.method.name if mode.method else "wakepy")


@contextmanager
def _by_logind() -> Iterator[str]:
    """An inhibitor lock of systemd's logind; gives its name."""
    program = shutil.which("systemd-inhibit")
    if program is None:
        raise CannotKeepAwakeError("no systemd-inhibit")
    said = ""
    for what in WHAT:
        holder = _holder(program, what)
        assert holder.stdin is not None
        assert holder.stdout is not None
        try:
            said = holder.stdout.readline().strip()
            if said == ANSWER:
                yield f"systemd-inhibit --what={what}"
                return
        finally:
            with suppress(OSError):
                holder.stdin.close()  # its `cat` ends, and with it the lock
            said += holder.stdout.read().strip()
            holder.stdout.close()
            holder.wait()
    raise CannotKeepAwakeError(f"systemd-inhibit: {said}")


def _holder(program: str, what: str) -> subprocess.Popen[str]:
    """`systemd-inhibit` around a `cat`; without a terminal on which to ask for a password."""
    command = [program, f"--what={what}", "--who=Twinrig", "--why=a magnet is energised"]
    return subprocess.Popen(
        [*command, "--mode=block", "sh", "-c", HOLD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )

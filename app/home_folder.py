"""A home folder that is there, however the program was started.

Context: a container, a service or `setpriv` may start a program as a user that the system has no
account of, without HOME. `platformdirs` raises RuntimeError then, wherever a log, a report of the
watchdog, a setting or a kernel is looked for: `twinrig safe` of a real bench ended by it, and left
the magnet as it was; so did `record`, `fit` and the window.
Decision: before anything asks, HOME is set: to the account's folder where the system knows it, else
to one of this user's own among the temporary files, which is told.
"""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress
from pathlib import Path

if sys.platform == "win32":

    def find_home() -> None:
        """Windows knows the folder by itself."""

else:
    import pwd

    def find_home() -> None:
        """Set HOME where it is missing or no absolute path."""
        if os.path.isabs(os.environ.get("HOME", "")):
            return
        with suppress(KeyError):
            home = pwd.getpwuid(os.getuid()).pw_dir
            if os.path.isabs(home):
                os.environ["HOME"] = home
                return
        with suppress(OSError):  # then whoever needs one says so
            os.environ["HOME"] = str(folder := _among_temporary_files(os.getuid()))
            sys.stderr.write(
                "HOME is not set, and the system has no account of user "
                f"{os.getuid()}: settings, logs and, without --library, what the window makes are "
                f"kept in {folder}, which a restart may clear; set HOME to a folder that stays\n"
            )


def _among_temporary_files(user: int) -> Path:
    """A folder of the user's own, the same each time; where another has the name, a new one."""
    import tempfile  # 4 ms that no other start should pay

    folder = Path(tempfile.gettempdir()) / f"twinrig-home-{user}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if stat.S_ISDIR(found.st_mode) and found.st_uid == user:
        return folder
    return Path(tempfile.mkdtemp(prefix=f"{folder.name}-"))

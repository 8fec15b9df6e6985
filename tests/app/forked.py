"""Children that fork from a process with torch loaded: importing it costs each of them 2.7 s.

The program spawns its children (app/operations/child.py). Those of the tests take their arguments
through the same pickle and see the test's environment, but begin where torch is there already.
"""

from __future__ import annotations

import multiprocessing
import os
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext, ForkServerProcess
from types import SimpleNamespace
from typing import Any

from lighter import lighten_child

from app.operations import child

SERVER = forkserver._forkserver
LOADED = (
    "app.operations.fit", "app.operations.train", "app.operations.trial_verbs",
    "instruments.connect", "instruments.virtual.rig", "h5netcdf",
    "torch._dynamo",  # which the first step of an optimizer imports
)  # fmt: skip


class Forked(ForkServerProcess):
    """A child that sees the environment as it is when the child is made; its children fork, too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.environment = dict(os.environ)
        SERVER.ensure_running()
        self.server = SERVER._forkserver_address

    def run(self) -> None:
        os.environ.clear()
        os.environ.update(self.environment)
        # the server of the process that made this one, which waits for it
        SERVER._forkserver_address, SERVER.ensure_running = self.server, lambda: None
        children_fork()
        lighten_child()
        super().run()


class Forks(ForkServerContext):
    """What `multiprocessing.get_context` gives in place of spawned children."""

    Process = Forked


def children_fork() -> None:
    """From here on the operations of this process and of its children run in forked ones."""
    forks = Forks()
    forks.set_forkserver_preload([*LOADED])
    child.multiprocessing = SimpleNamespace(
        get_context=lambda _: forks, process=multiprocessing.process
    )

"""Workers of this machine: a spawned process a trial, one torch thread each.

Each process is the one of `app.operations.child`: it dies with its parent, is stopped between two
events, and says so where it ends without a word.
"""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Any

from app.operations.child import ChildDiedError, in_child
from app.operations.pool_trial import run_trial
from app.operations.trial import DONE, FAILED, LOST, STOPPED, LostError
from models.errors import StoppedError, TwinrigError

if TYPE_CHECKING:
    from app.operations.trial import Trial

RUNNER = f"{run_trial.__module__}.{run_trial.__qualname__}"


class LocalWorkers:
    """At most `count` processes at once.

    Parameters
    ----------
    count
        Processes, 1 or more.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._said: queue.Queue[tuple[str, str, Any]] = queue.Queue()
        self._threads: list[threading.Thread] = []
        self._stop = threading.Event()

    @property
    def room(self) -> int:
        """Processes that are free."""
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        return self.count - len(self._threads)

    def at_work(self, given: int) -> str:
        """How many run: each begins as it is given."""
        return f"{given} running"

    def start(self, trial: Trial) -> None:
        """Run a trial in a process of its own."""
        thread = threading.Thread(target=self._drive, args=(trial,), name=trial.name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def heard(self, timeout_s: float) -> tuple[str, str, Any] | None:
        """The next that a trial said."""
        try:
            return self._said.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def close(self) -> None:
        """Stop what still runs: a training keeps its checkpoint."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _drive(self, trial: Trial) -> None:
        try:
            values = self._driven(trial)
        except (ChildDiedError, LostError) as error:
            said = (trial.name, LOST, str(error))
        except StoppedError as error:
            kind = STOPPED if self._stop.is_set() else LOST  # only its own process was ended
            said = (trial.name, kind, str(error))
        except TwinrigError as error:
            said = (trial.name, FAILED, str(error))
        except Exception as error:  # no process or pipe to be had: who waits must hear of it
            said = (trial.name, FAILED, f"unexpected {type(error).__name__}: {error}")
        else:
            said = (trial.name, DONE, values)
        self._said.put(said)

    def _driven(self, trial: Trial) -> Any:
        events = in_child(RUNNER, {"text": trial.text()}, self._stop.is_set)
        try:
            while not self._stop.is_set():
                try:
                    self._said.put((trial.name, "event", next(events)))
                except StopIteration as end:
                    return end.value
        finally:
            events.close()
        raise StoppedError(f"{trial.name}: stopped by the user")

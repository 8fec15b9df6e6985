"""Workers of a Dask cluster: trials go there as JSON text, results come back as files.

Every worker needs this Twinrig installed and sees the same folders; one thread a worker, as a trial
takes a core for itself (`dask worker tcp://… --nthreads 1`). The scheduler runs a trial again whose
worker died, and gives up where that happens too often; both is counted in the trial's own file.
"""

from __future__ import annotations

import importlib
import json
import logging
import math
import queue
import time
from collections import deque
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from app.operations.event_json import as_json
from app.operations.learning_events import TrialProgress, TrialStarted
from app.operations.pool_trial import run_trial
from app.operations.trial import DONE, FAILED, LOST, STOPPED, LostError
from app.words import counted
from instruments.clock import Stop
from models.errors import InputError, StoppedError, TwinrigError

if TYPE_CHECKING:
    from app.operations.events import Event
    from app.operations.trial import Trial

ANSWERS_WITHIN_S = 10.0
STOPS_WITHIN_S = 30.0
ASKED_EVERY_S = 1.0
CANCELLED = "cancelled"
ROOM = 10**6  # the scheduler has the queue
TOLD = {kind.__name__.lower(): kind for kind in (TrialStarted, TrialProgress)}


def _dask(address: str = "here") -> Any:
    """The package `distributed`, which has no types of its own."""
    try:
        return importlib.import_module("distributed")
    except ImportError as missing:
        raise InputError(
            f"--scheduler {address}: needs Dask, which is not installed: "
            "pip install distributed (the extra `cluster`)"
        ) from missing


class DaskWorkers:
    """Those of the scheduler at `address`, e.g. `tcp://10.0.0.1:8786`.

    Raises
    ------
    InputError
        The extra `cluster` isn't installed, or the address is none.
    TwinrigError
        No scheduler answers there.
    """

    def __init__(self, address: str) -> None:
        distributed = _dask(address)
        try:
            distributed.comm.get_address_host_port(address)  # a client of none is 20 s in ending
            # no default of this process: xarray would lock its files by a scheduler that is gone
            self._client: Any = distributed.Client(
                address, timeout=ANSWERS_WITHIN_S, set_as_default=False
            )
        except ValueError as wrong:
            raise InputError(f"--scheduler {address}: {wrong}; expected tcp://HOST:PORT") from wrong
        except OSError as silent:
            raise TwinrigError(
                f"--scheduler {address}: no Dask scheduler answers there within "
                f"{ANSWERS_WITHIN_S:g} s; start one (dask scheduler), or leave the option out"
            ) from silent
        # a scheduler that goes is told in words, not by Dask's traceback
        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
        self._address = address
        self._topic = f"twinrig-{token_hex(6)}"
        self._stop = distributed.Event(f"{self._topic}-stop", client=self._client)
        self._said: queue.Queue[tuple[str, str, Any]] = queue.Queue()
        self._futures: dict[str, Any] = {}
        self._client.subscribe_topic(self._topic, self._heard_event)

    @property
    def room(self) -> int:
        """All: the scheduler has the queue."""
        return ROOM

    def at_work(self, given: int) -> str:
        """How many workers have those that were given, in words; none of them may have come yet."""
        workers = self._workers()
        if workers is None:
            return f"{given} given to {self._address}, which does not answer"
        if not workers:
            return f"none running: {self._address} has no worker (dask worker {self._address})"
        return f"{given} given to {counted(workers, 'worker')}"

    def _workers(self) -> int | None:
        """How many the scheduler has; None: it does not answer."""
        if self._client.status != "running":
            return None
        try:
            return len(self._client.nthreads())
        except OSError:
            return None

    def start(self, trial: Trial) -> None:
        """Hand a trial to the scheduler."""
        key = f"{self._topic}-{trial.name}-{token_hex(3)}"
        future = self._client.submit(on_worker, trial.text(), self._topic, key=key, pure=False)
        self._futures[trial.name] = future
        future.add_done_callback(lambda ended: self._ended(trial.name, ended))

    def heard(self, timeout_s: float) -> tuple[str, str, Any] | None:
        """The next that a trial said.

        Raises
        ------
        TwinrigError
            The scheduler is gone, or somebody cancelled a trial there.
        """
        try:
            said = self._said.get(timeout=timeout_s)
        except queue.Empty:
            return None
        if said[1] == CANCELLED:
            raise TwinrigError(
                f"--scheduler {self._address}: is gone, or {said[0]} was cancelled there; what is "
                "done and its checkpoints are kept: start it again, then go on with --resume"
            )
        return said

    def close(self) -> None:
        """Stop what still runs, wait for the checkpoints, leave the cluster as it was; once."""
        if self._client.status == "closed":
            return
        every = list(self._futures.values())  # one that ends is taken out by Dask's own thread
        running = [future for future in every if not future.done()]
        if running:
            self._stop.set()
            waiting = [future for future in running if future.status == "pending"]
            within_s = STOPS_WITHIN_S if self._workers() else 0
            ended = _dask().as_completed(waiting, loop=self._client.loop, timeout=within_s)
            try:
                deque(ended, maxlen=0)  # `wait` asks the client that is this process' default
            except TimeoutError:
                self._client.cancel(waiting)
        self._client.unsubscribe_topic(self._topic)
        self._futures.clear()
        self._client.close()

    def _heard_event(self, stamped: tuple[float, str]) -> None:
        body = json.loads(stamped[1])
        kind = TOLD[body.pop("event")]
        event: Event = kind(**body)
        self._said.put((body["name"], "event", event))

    def _ended(self, name: str, future: Any) -> None:
        """What a task left: its own words, or that its workers died."""
        if future.cancelled():
            said = (name, CANCELLED, "")
        elif (error := future.exception()) is None:
            kind, content = json.loads(future.result())
            said = (name, kind, content)
        elif type(error).__name__ == "KilledWorker":
            said = (name, LOST, f"its workers died: {error}")
        else:
            said = (name, FAILED, f"unexpected {type(error).__name__}: {error}")
        self._futures.pop(name, None)
        future.release()  # else it is run again where the worker dies that keeps its result
        self._said.put(said)


class _ClusterStop(Stop):
    """A stop that is requested on the cluster, asked for now and then wherever it is checked."""

    def __init__(self, event: Any) -> None:
        super().__init__()
        self._cluster, self._asked_s = event, -math.inf

    def check(self) -> None:
        """Raise StoppedError where it is requested there."""
        if time.monotonic() - self._asked_s >= ASKED_EVERY_S:
            self._asked_s = time.monotonic()
            if self._cluster.is_set():
                self.request()
        super().check()


def on_worker(text: str, topic: str) -> str:
    """Run the trial of a JSON text on a worker; returns what became of it as JSON, too."""
    distributed = _dask()
    worker, stop = distributed.get_worker(), _ClusterStop(distributed.Event(f"{topic}-stop"))
    events = run_trial(text, stop)
    try:
        stop.check()
        while True:
            worker.log_event(topic, json.dumps(as_json(next(events))))
            stop.check()
    except StopIteration as end:
        return json.dumps([DONE, end.value])
    except StoppedError as error:
        return json.dumps([STOPPED, str(error)])
    except LostError as error:
        return json.dumps([LOST, str(error)])
    except TwinrigError as error:
        return json.dumps([FAILED, str(error)])
    finally:
        events.close()

"""What the command line shows: JSON lines for programs, progress and plain words for people."""

from __future__ import annotations

import errno
import json
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from app.cli.words import result_lines, words_of
from app.disk import STANDARD_OUTPUT, waiting_for, writing
from app.operations.event_json import as_json
from app.operations.events import Event, Held, Paused, Progress, Result, StepHeld
from app.operations.learning_events import FitProgress, TrainProgress, TrialProgress
from app.operations.monitor import BenchRead
from app.operations.serve import Listening
from app.standard_streams import forget
from instruments.handed_over import HandedOver
from models.errors import TwinrigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

PLAIN_INTERVAL_S = 5.0  # a log of a night stays readable
OFTEN = (Held, StepHeld, Paused, Progress, FitProgress, TrainProgress, TrialProgress)


@contextmanager
def to_standard_output() -> Iterator[None]:
    """Write there; a disk that is full under it is said like any other full disk.

    A reader or a terminal that has gone is for `app.cli.main`, which knows what that means.

    Raises
    ------
    TwinrigError
        The disk refuses.
    """
    try:
        with waiting_for(STANDARD_OUTPUT):
            yield
    except OSError as fault:
        if isinstance(fault, BrokenPipeError) or fault.errno == errno.EIO:
            raise
        forget(sys.stdout)
        with writing(Path(STANDARD_OUTPUT)):
            raise


class Output(Protocol):
    """Where events go."""

    def show(self, event: Event) -> None:
        """Show one event."""

    def say(self, text: str) -> None:
        """Show a sentence for people."""

    def close(self) -> None:
        """Leave the terminal as it was found."""


class JsonLines:
    """One JSON object a line, flushed, so that a program reads along."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def show(self, event: Event) -> None:
        """Write one event."""
        self.write(as_json(event))

    def write(self, body: dict[str, Any]) -> None:
        """Write one object."""
        with to_standard_output():
            self._stream.write(json.dumps(body, allow_nan=False) + "\n")
            self._stream.flush()

    def say(self, text: str) -> None:
        """Sentences are for people: nothing is written."""

    def close(self) -> None:
        """Nothing to restore."""


class PlainLines:
    """Words on a stream that is no terminal: stages, notes, and progress every few seconds."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._last_s = -PLAIN_INTERVAL_S

    def show(self, event: Event) -> None:
        """Write the words of an event, if it has any and it is time for them."""
        text = words_of(event)
        if text is None or not self._due(event):
            return
        self.say(text)

    def _due(self, event: Event) -> bool:
        begun = isinstance(event, (Held, Paused)) and event.seconds == 0
        if begun or not isinstance(event, OFTEN):
            return True
        now_s = time.monotonic()
        ended = isinstance(event, Progress) and event.done >= event.total
        if now_s - self._last_s < PLAIN_INTERVAL_S and not ended:
            return False
        self._last_s = now_s
        return True

    def say(self, text: str) -> None:
        """Write one sentence."""
        self._stream.write(text + "\n")
        self._stream.flush()

    def close(self) -> None:
        """Nothing to restore."""


class Screen:
    """Everything a command shows: a result for its reader, JSON or words, and live progress.

    Parameters
    ----------
    as_json_lines
        Write events to standard output as JSON; progress for people stays on standard error.
    """

    def __init__(self, *, as_json_lines: bool) -> None:
        self._json = JsonLines(sys.stdout) if as_json_lines else None
        self._people = self._for_people()
        self._aside = HandedOver("sentences")
        self.result: Result | None = None
        self._only_lines = False

    @staticmethod
    def _for_people() -> Output:
        if not sys.stderr.isatty():
            return PlainLines(sys.stderr)
        from app.cli.live import LiveProgress  # rich is loaded for terminals only

        return LiveProgress()

    def show(self, event: Event) -> None:
        """Show one event; a result ends the progress first."""
        if isinstance(event, Result):
            self.result = event
            self._people.close()
        if isinstance(event, Listening):
            JsonLines(sys.stdout).show(event)  # programs read these lines, whoever started it
            self._only_lines = True
            return
        if isinstance(event, BenchRead) and self._json is None:
            with to_standard_output():
                sys.stdout.write(f"{words_of(event)}\n")  # the values are what was asked for
                sys.stdout.flush()
            return
        if self._json is not None:
            self._json.show(event)
        if not isinstance(event, Result):
            with suppress(OSError):
                self._people.show(event)
        elif self._json is None and not self._only_lines:
            with to_standard_output():
                sys.stdout.write("\n".join(result_lines(event.values)) + "\n")
                sys.stdout.flush()

    def error(self, kind: str, message: str, exit_code: int) -> None:
        """Show one error: words for people, one object for programs."""
        self._people.close()
        if self._json is not None:
            body = {"event": "error", "kind": kind, "message": message, "exit_code": exit_code}
            with suppress(OSError, TwinrigError):  # nobody takes it: people are told below
                self._json.write(body)
        self.say(f"twinrig: {message}")

    def say(self, text: str) -> None:
        """Show a sentence for people; a terminal that is gone is no reason to fail.

        Nor is one that nobody reads (Ctrl-S, a pager, a connection that stands still) a reason to
        wait: who brings a magnet to zero speaks, too.
        """

        def say() -> None:
            with suppress(OSError):
                self._people.say(text)

        self._aside(say)

    def __enter__(self) -> Screen:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._aside.finish()
        self._people.close()

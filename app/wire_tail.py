"""The end of the wire log in memory: the last messages of a bench, for whoever looks at them."""

from __future__ import annotations

import json
import threading
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from app.disk import writing
from app.new_file import write_new

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

KEPT = 20_000  # messages: some minutes of a run, and a few MB


@dataclass(frozen=True)
class Message:
    """One message: when, whose, `out` or `in`, its bytes; `round_s` from the question to it.

    `idle`: it belongs to a reading that the program takes by itself while nothing runs.
    """

    number: int
    host_s: float
    device_s: float | None
    name: str
    direction: str
    data: bytes
    round_s: float | None = None
    idle: bool = False

    @property
    def text(self) -> str:
        """Its bytes for people, without the end of the line."""
        text = self.data.decode("latin-1").rstrip("\r\n")
        return text if text.isprintable() else repr(text)[1:-1]


class WireTail:
    """A wire tap that keeps the last `kept` messages; may be called from several threads.

    Attributes
    ----------
    count
        How many there have been since the start.
    round_s
        The last time from a question to its answer, by instrument.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self.count = 0
        self.round_s: dict[str, float] = {}
        self._kept: deque[Message] = deque(maxlen=kept)
        self._asked_s: dict[str, float] = {}
        self._idle = threading.local()
        self._lock = threading.Lock()

    def __call__(
        self, host_s: float, device_s: float | None, name: str, direction: str, data: bytes
    ) -> None:
        """Keep one message."""
        idle = getattr(self._idle, "on", False)
        with self._lock:
            round_s = None
            if direction == "out":
                self._asked_s[name] = host_s
            elif name in self._asked_s:
                round_s = self.round_s[name] = host_s - self._asked_s.pop(name)
            one = Message(self.count, host_s, device_s, name, direction, data, round_s, idle)
            self._kept.append(one)
            self.count += 1

    @contextmanager
    def idle(self) -> Iterator[None]:
        """What this thread says in here belongs to an idle reading."""
        self._idle.on = True
        try:
            yield
        finally:
            self._idle.on = False

    def latest(
        self, most: int, *, name: str = "", words: str = "", idle: bool = False
    ) -> list[Message]:
        """The last messages that fit, oldest first.

        Parameters
        ----------
        most
            So many at most.
        name
            Of this instrument only; empty: of all.
        words
            All of these occur, whatever their case; one with a `-` before it doesn't.
        idle
            Idle readings, too.
        """
        with self._lock:
            kept = list(self._kept)
        wanted, unwanted = _words(words)
        fit = (
            one
            for one in reversed(kept)
            if (idle or not one.idle)
            and (not name or one.name == name)
            and _fits(one.text.casefold(), wanted, unwanted)
        )
        return list(islice(fit, most))[::-1]


def _words(text: str) -> tuple[list[str], list[str]]:
    words = text.casefold().split()
    unwanted = [word[1:] for word in words if word.startswith("-") and len(word) > 1]
    return [word for word in words if not word.startswith("-")], unwanted


def _fits(text: str, wanted: list[str], unwanted: list[str]) -> bool:
    return all(word in text for word in wanted) and not any(word in text for word in unwanted)


def save_messages(path: Path, messages: Iterable[Message]) -> Path:
    """Write messages as `--wire-log` does, one JSON object a line; returns the path.

    Raises
    ------
    InputError
        The file exists.
    TwinrigError
        The disk refuses.
    """
    lines = [
        json.dumps({
            "host_s": one.host_s, "device_s": one.device_s, "name": one.name,
            "direction": one.direction, "data": one.data.decode("latin-1"),
        })
        for one in messages
    ]  # fmt: skip
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_new(path, "".join(f"{line}\n" for line in lines))
    return path

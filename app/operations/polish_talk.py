"""What a polishing's torch and its rig say to each other: drives there, responses back."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from app.operations.child import pipe
from app.operations.events import Event

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[Any]


@dataclass(frozen=True)
class PassesPlanned(Event):
    """Steps of every pass, and how many are done already."""

    lengths: tuple[int, ...]
    done: int


@dataclass(frozen=True)
class DrivesAsked(Event):
    """A layer's drives `(T, nodes)` are to be played; responses `(T, nodes, C)` are waited for."""

    index: int
    layer: int
    drives: FloatArray


@dataclass(frozen=True)
class PassScored(Event):
    """A pass of all nodes is over: `kind` training or validation, and its score on the device."""

    index: int
    total: int
    kind: str
    score: float


@dataclass(frozen=True)
class PassesDone(Event):
    """Nothing more is asked of the rig; how many of its runs were void is waited for."""


class Answers(Protocol):
    """Where responses come from or go to; a connection between processes is one."""

    def recv(self) -> Any:
        """The next response; EOFError where none will come."""

    def send(self, value: Any, /) -> None:
        """Hand over a response."""

    def close(self) -> None:
        """Nothing will come any more."""


class Mailbox:
    """Both ends of `Answers` within one thread."""

    def __init__(self) -> None:
        self._waiting: deque[Any] = deque()

    def recv(self) -> Any:
        """The response that was handed over."""
        if not self._waiting:
            raise EOFError("no response was handed over")
        return self._waiting.popleft()

    def send(self, value: Any, /) -> None:
        """Hand over a response."""
        self._waiting.append(value)

    def close(self) -> None:
        """Forget what was not taken."""
        self._waiting.clear()


def both_ends(*, in_child: bool) -> tuple[Answers, Answers]:
    """The rig's end and torch's, which goes to the child."""
    if not in_child:
        box = Mailbox()
        return box, box
    return pipe()


def sent(answers: Answers, value: Any) -> None:
    """Hand a value over; of who is gone the events will tell."""
    with suppress(OSError):
        answers.send(value)


def closed(answers: Answers) -> None:
    """Close an end that may be closed already."""
    with suppress(OSError):
        answers.close()

"""SCPI as instruments speak it: header spellings, paths, compound messages, the error queue."""

from __future__ import annotations

import itertools
import re
from collections import deque
from typing import TYPE_CHECKING, Any, ClassVar

from instruments.virtual.instrument import VirtualInstrument

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from instruments.virtual.instrument import DeviceTime

    Commands = dict[str, Callable[[Any, str], str | None]]

QUEUE_LENGTH = 15
ERROR_WORDS = {  # SCPI-99 volume 2, chapter 21
    -102: "Syntax error",
    -104: "Data type error",
    -108: "Parameter not allowed",
    -109: "Missing parameter",
    -113: "Undefined header",
    -120: "Numeric data error",
    -213: "Init ignored",
    -214: "Trigger deadlock",
    -221: "Settings conflict",
    -222: "Data out of range",
    -223: "Too much data",
    -224: "Illegal parameter value",
    -226: "Lists not same length",
    -230: "Data corrupt or stale",
    -350: "Queue overflow",
    -363: "Input buffer overrun",
}
_ESR_BITS = {1: 32, 2: 16, 3: 8, 4: 4}  # hundreds of the code: command, execution, device, query
_NODE = re.compile(r"(\[?):?([A-Za-z]+)(\]?)")


class ScpiError(Exception):
    """A command can't be carried out; goes into the error queue, not to the user."""

    def __init__(self, code: int) -> None:
        super().__init__(ERROR_WORDS[code])
        self.code = code


def spellings(header: str) -> Iterable[str]:
    """Every accepted spelling, in capitals, of a header such as `[SOURce:]CURRent[:LEVel]?`.

    Optional nodes stand in brackets; capitals are a node's short form (SCPI-99 volume 1, 6.2).
    """
    if header.startswith("*"):
        return [header.upper()]
    query = "?" if header.endswith("?") else ""
    choices = []
    for opened, node, _closed in _NODE.findall(header):
        short = "".join(c for c in node if c.isupper())
        choices.append({short, node.upper()} | ({""} if opened else set()))
    return (":".join(filter(None, nodes)) + query for nodes in itertools.product(*choices))


def command_table(commands: Commands) -> Commands:
    """Every spelling of every header → its handler."""
    return {word: handler for header, handler in commands.items() for word in spellings(header)}


def boolean(text: str) -> bool:
    """`ON`, `OFF`, `1` or `0`."""
    word = text.upper()
    if word in {"ON", "1"}:
        return True
    if word in {"OFF", "0"}:
        return False
    raise ScpiError(-109 if not word else -224)


def integer(text: str, low: int, high: int) -> int:
    """A whole number within limits."""
    if not text:
        raise ScpiError(-109)
    try:
        value = int(text)
    except ValueError:
        raise ScpiError(-104) from None
    if not low <= value <= high:
        raise ScpiError(-222)
    return value


class StatusRegisters:
    """The IEEE 488.2 event registers and the SCPI error queue (first in, first out)."""

    def __init__(self) -> None:
        self._queue: deque[int] = deque()
        self.event = 128  # power on
        self.event_enable = 0
        self.service_enable = 0

    def report(self, code: int) -> None:
        """Queue an error and set its event bit; a full queue ends in −350."""
        self.event |= _ESR_BITS[-code // 100]
        if len(self._queue) < QUEUE_LENGTH:
            self._queue.append(code)
        else:
            self._queue[-1] = -350

    def next_error(self) -> str:
        """Answer `SYST:ERR?`: the oldest error, removed from the queue."""
        if not self._queue:
            return '0,"No error"'
        code = self._queue.popleft()
        return f'{code},"{ERROR_WORDS[code]}"'

    def read_event(self) -> str:
        """Answer `*ESR?`: the event register, cleared by reading."""
        event, self.event = self.event, 0
        return str(event)

    def status_byte(self) -> str:
        """Answer `*STB?`: bit 2 errors queued, bit 5 an enabled event."""
        summary = 32 if self.event & self.event_enable else 0
        return str((4 if self._queue else 0) | summary)

    def clear(self) -> None:
        """`*CLS`."""
        self._queue.clear()
        self.event = 0


def carry_out(
    instrument: object,
    message: str,
    table: Commands,
    status: StatusRegisters,
) -> list[str]:
    """Carry a compound message out; the answers of its queries, in order.

    Behind a `;` a header continues the path of the one before (SCPI-99 volume 1, 6.2.4) unless it
    starts with `:`. A command error ends the message, an execution error doesn't (IEEE 488.2).
    """
    path, replies = "", []
    for unit in message.split(";"):
        header, argument = _header_and_argument(unit)
        if not header:
            continue
        if header[0] == ":":
            path, header = "", header[1:]
        if header[:1] != "*":
            header = path + header
            path = header[: header.rfind(":") + 1]
        handler = table.get(header)
        if handler is None:
            status.report(-113)
            break
        try:
            reply = handler(instrument, argument)
        except ScpiError as error:
            status.report(error.code)
            if error.code > -200:
                break
        else:
            if reply is not None:
                replies.append(reply)
    return replies


class ScpiInstrument(VirtualInstrument):
    """An instrument with a table of commands, event registers and an error queue.

    Parameters
    ----------
    device_time
        The rig's time.

    Attributes
    ----------
    commands
        What it understands, by every spelling of a header.
    """

    commands: ClassVar[Commands]

    def __init__(self, device_time: DeviceTime) -> None:
        super().__init__(device_time)
        self.status = StatusRegisters()

    def respond(self, message: str) -> str:
        """Carry a line out; the answers of its queries, joined by `;`, in one reply."""
        replies = carry_out(self, message, self.commands, self.status)
        return ";".join(replies) + "\n" if replies else ""


def _set_event_enable(instrument: ScpiInstrument, text: str) -> None:
    instrument.status.event_enable = integer(text, 0, 255)


COMMON: Commands = {
    "*CLS": lambda one, _: one.status.clear(),
    "*ESR?": lambda one, _: one.status.read_event(),
    "*STB?": lambda one, _: one.status.status_byte(),
    "*ESE": _set_event_enable,
    "*OPC?": lambda _one, _: "1",
    "SYSTem:ERRor[:NEXT]?": lambda one, _: one.status.next_error(),
}
"""What most of them have alike, for `command_table`."""


def _header_and_argument(unit: str) -> tuple[str, str]:
    unit = unit.strip()
    mark = unit.find("?")
    if mark >= 0:
        return unit[: mark + 1].upper(), unit[mark + 1 :].strip()
    header, _, argument = unit.partition(" ")
    return header.upper(), argument.strip()

"""What an AMI programmer finds wrong with a message: numbers, switches, its error buffer."""

from __future__ import annotations

import math
from collections import deque

ERROR_WORDS = {
    -101: "Unrecognized command",
    -102: "Invalid argument",
    -103: "Non-boolean argument",
    -104: "Missing parameter",
    -105: "Out of range",
    -107: "No switch installed",
    -201: "Unrecognized query",
    -303: "Command unrecognized, input overflow",
    -304: "Error buffer overflow",
}
BUFFER = 10


class AmiError(Exception):
    """A command can't be carried out; goes into the error buffer."""

    def __init__(self, code: int) -> None:
        super().__init__(ERROR_WORDS[code])
        self.code = code


class ErrorBuffer:
    """Errors, first in, first out; a full buffer ends in −304."""

    def __init__(self) -> None:
        self._codes: deque[int] = deque()

    def report(self, code: int) -> None:
        """Note an error."""
        if len(self._codes) < BUFFER:
            self._codes.append(code)
        else:
            self._codes[-1] = -304

    def next(self) -> str:
        """Answer `SYST:ERR?`: the oldest error, removed."""
        if not self._codes:
            return '0,"No errors"'
        code = self._codes.popleft()
        return f'{code},"{ERROR_WORDS[code]}"'

    def clear(self) -> None:
        """`*CLS`."""
        self._codes.clear()


def number(text: str) -> float:
    """A finite number."""
    if not text.strip():
        raise AmiError(-104)
    try:
        value = float(text)
    except ValueError:
        raise AmiError(-102) from None
    if not math.isfinite(value):
        raise AmiError(-102)
    return value


def whole(text: str, low: int, high: int) -> int:
    """A whole number within limits."""
    value = int(number(text))
    if not low <= value <= high:
        raise AmiError(-105)
    return value


def switch(text: str) -> bool:
    """`0` or `1`."""
    if text not in {"0", "1"}:
        raise AmiError(-103 if text else -104)
    return text == "1"

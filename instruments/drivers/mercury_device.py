"""What a Mercury (iPS, iTC) says: nouns of a device, values with units, refusals.

Source: Mercury iPS Operator's Manual, issue 14 (2016), 10.3.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from models.errors import TwinrigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from instruments.visa import VisaSession

REFUSALS = {
    "INVALID": "a command that it doesn't know, or a value that it doesn't take",
    "NOT_FOUND": "no such device: check the key `axis`",
    "N/A": "a function that this device doesn't have",
    "DENIED": "no permission: is it in local mode, or its front panel locked?",
}
PREFIXES = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6}


class MercuryDevice:
    """One device of a Mercury, by its nouns.

    Parameters
    ----------
    session
        The unit's open VISA session.
    device
        Its name and kind, e.g. `GRPZ:PSU`.
    """

    def __init__(self, session: VisaSession, device: str) -> None:
        self._session = session
        self._device = device

    def noun(self, noun: str) -> str:
        """The whole name of one of the device's nouns."""
        return f"DEV:{self._device}:{noun}"

    def read(self, noun: str) -> str:
        """The value of a noun, as text; raises where it is refused, but for N/A."""
        query = f"READ:{self.noun(noun)}"
        reply = self._session.query(query)
        head = f"STAT:{self.noun(noun)}:"
        if reply == f"{head}N/A":
            return "N/A"
        self._refuse(query, reply)
        if not reply.startswith(head):
            raise self._session.reject(query, reply, f"{head}…")
        return reply[len(head) :]

    def set(self, noun: str, value: str) -> None:
        """Set a noun; its answer says whether it was taken."""
        message = f"SET:{self.noun(noun)}:{value}"
        reply = self._session.query(message)
        self._refuse(message, reply)
        if not re.fullmatch(rf"STAT:SET:{re.escape(self.noun(noun))}:[^:]+:VALID", reply):
            raise self._session.reject(message, reply, f"STAT:{message}:VALID")

    def _refuse(self, message: str, reply: str) -> None:
        refusal = refusal_of(reply)
        if refusal is not None:
            where = f"{self._session.name} ({self._session.resource_name})"
            raise TwinrigError(f"{where}: answered {reply!r} to {message!r}: {REFUSALS[refusal]}")

    def number(self, noun: str, unit: str) -> float:
        """A number with prefix and unit, which end it: one that was cut is none."""
        text = self.read(noun)
        found = re.fullmatch(rf"([+-]?\d+(?:\.\d+)?)([numkM]?){unit}", text)
        if found is None:
            raise self._session.reject(f"READ:{self.noun(noun)}", text, f"a number of {unit}")
        return float(found[1]) * PREFIXES[found[2]]

    def word(self, noun: str, words: Mapping[str, Any]) -> Any:
        """What one of the manual's words means."""
        text = self.read(noun)
        if text not in words:
            raise self._session.reject(f"READ:{self.noun(noun)}", text, " or ".join(words))
        return words[text]


def refusal_of(reply: str) -> str | None:
    """Which of the manual's refusals a reply ends with; None where it is none."""
    last = reply.rpartition(":")[2].strip()
    return last if last in REFUSALS else None

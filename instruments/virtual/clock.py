"""The virtual clock: an instrument whose only work is to let the rig's device time pass."""

from __future__ import annotations

import math

from instruments.virtual.instrument import VirtualInstrument

IDENTITY = "TWINRIG,VIRTUAL CLOCK,0,1"
LONGEST_S = 1.0e6  # of one ADVANCE: eleven days


class VirtualClock(VirtualInstrument):
    """Answers `TIME?` and `ADVANCE s` with the device time in s; a query takes no time here.

    A request that makes no sense is answered with `ERROR` and the reason, so that nobody waits.
    """

    model = "virtual-clock"
    processing_s = 0.0

    def answers(self, message: str) -> bool:
        """Every message is answered."""
        return True

    def respond(self, message: str) -> str:
        """One reply a message."""
        word, _, argument = message.strip().partition(" ")
        word = word.upper()
        if word == "*IDN?":
            return IDENTITY + "\n"
        if word == "ADVANCE":
            problem = self._advance(argument)
            if problem:
                return problem + "\n"
        elif word != "TIME?":
            return f"ERROR {message.strip()[:40]!r}: expected ADVANCE s, TIME? or *IDN?\n"
        return f"{self.time.now_ns / 1e9:.9f}\n"

    def _advance(self, text: str) -> str:
        try:
            seconds = float(text)
        except ValueError:
            seconds = math.nan
        if not 0 <= seconds <= LONGEST_S:
            return f"ERROR ADVANCE {text[:40]!r}: expected 0 to {LONGEST_S:.0f} s"
        self.time.advance(seconds)
        return ""

"""The virtual Danfysik 8500: bipolar, 20 A, its words as public drivers agree on them.

Sources: as in `instruments.drivers.danfysik_8500`. A refused set answers `?` BELL and words,
unasked (PyMeasure); what no source states is marked "judgement".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from instruments.virtual.bipolar import BipolarSupply
from instruments.virtual.coil import CoilParameters
from instruments.virtual.instrument import VirtualInstrument

if TYPE_CHECKING:
    from instruments.virtual.instrument import DeviceTime

FULL_SCALE_A = 20.0
SET_COUNTS_PER_A = 1e6 / FULL_SCALE_A
READ_COUNTS_PER_A = 1e5 / FULL_SCALE_A
MAX_V = 30.0
PRINTED = "SYSTEM 8500 MPS 854\n\rS/N 0123456 20 A 30 V\n\r"
PLACES = 24
OFF, POLARITY_NORMAL, POLARITY_REVERSED, SUM_INTERLOCK, NOT_READY = 0, 1, 2, 9, 22


class Danfysik8500(VirtualInstrument):
    """An 8500 in local control, its main power off, at 0 A.

    Parameters
    ----------
    device_time
        The rig's time.
    coil
        What is connected to the output.

    Attributes
    ----------
    interlocks
        Places of `S1` that are in fault; whoever holds the rig may add some. It is off with any.
    locked
        Its control panel keeps it in local control.
    """

    model = "danfysik-8500"
    terminator = b"\n\r"

    def __init__(self, device_time: DeviceTime, coil: CoilParameters | None = None) -> None:
        super().__init__(device_time)
        self.supply = BipolarSupply(device_time, coil or CoilParameters())
        self.supply.full_scale_A, self.supply.setpoint_V = FULL_SCALE_A, MAX_V
        self.interlocks: set[int] = set()
        self.locked = False
        self.remote = False
        self._latched: set[int] = set()
        self._counts = 0
        self._words = True

    def answers(self, message: str) -> bool:
        """What reads has no question mark."""
        return message in {"PRINT", "S1", "CMD", "DA 0", "AD 8", "PO", "ADR"}

    def respond(self, message: str) -> str:
        """Carry a line out; a set answers only where it is refused."""
        self._look()
        reply = self._carry_out(message.strip())
        return f"{reply}\n\r" if reply and not reply.endswith("\n\r") else reply

    def _look(self) -> None:
        self.supply.follow()
        self._latched |= self.interlocks
        if self._latched:
            self.supply.output_on = False

    def _carry_out(self, message: str) -> str:
        simple = {
            "PRINT": PRINTED,
            "CMD": "REM" if self.remote else "LOC",
            "S1": self._status(),
            "DA 0": f"0 {self._counts:06d}",
            "AD 8": f"{round(self.supply.coil.current_A * READ_COUNTS_PER_A)}",
            "PO": "-" if self._counts < 0 else "+",
            "ADR": "000",
        }
        if message in simple:
            return simple[message]
        if message in {"ERRT", "NERR"}:
            self._words = message == "ERRT"
            return ""
        if message in {"REM", "LOC"}:
            if self.locked and message == "REM":
                return self._error("LOCKED")
            self.remote = message == "REM"
            return ""
        return self._command(message) if self.remote else self._error("NOT IN COMMAND")

    def _command(self, message: str) -> str:
        found = re.fullmatch(r"DA 0[ ,]([+-]?\d+)", message)
        if found:
            counts = int(found[1])
            if abs(counts) > 999_999:
                return self._error("OUT OF RANGE")
            self._counts = counts
            self.supply.setpoint_A = counts / SET_COUNTS_PER_A
        elif message == "N":
            if self._latched:
                return self._error("INTERLOCK")
            self.supply.output_on = True
        elif message == "F":
            self.supply.output_on = False
        elif message == "RS":
            self._latched = set(self.interlocks)
        else:
            return self._error("SYNTAX ERROR")
        return ""

    def _status(self) -> str:
        places = ["."] * PLACES
        marks = set(self._latched)
        if not self.supply.output_on:
            marks |= {OFF, NOT_READY}
        marks.add(POLARITY_REVERSED if self._counts < 0 else POLARITY_NORMAL)
        if self._latched:
            marks.add(SUM_INTERLOCK)
        for place in marks:
            places[place] = "!"
        return "".join(places)

    def _error(self, words: str) -> str:
        return f"?\x07 {words}" if self._words else "?\x07"

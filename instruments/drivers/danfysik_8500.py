"""Danfysik System 8500 (and 8000, 8800, 7000 with the same words) magnet supplies.

Commands as far as public drivers agree on them: PyMeasure's danfysik8500.py, ISIS' emulator
(EPICS-DeviceEmulator, dfkps_8500.py), ESS' EPICS support (jeonghanlee/danfysik-mps8500) and INFN's
(infn-epics/danfysik-sys8x00). CR ends a message; a reply ends with LF CR or CR. A set has no
answer; a refused one answers `?` BELL and words, unasked: every set is read back.

Counts: `DA 0` is ppm of full scale for some units (PyMeasure: 160 A) and mA for others (ESS, a
7000), `AD 8` hundredths of an ampere or 1e-5 of full scale: both are keys of the bench file.

Struck, because no two sources agree: the unit's own ramp (`RAMP`, `W1`, `R3`, `WR`, `WAR`), `WA`
and `RA` beside `DA 0`, polarity relays (`PO +`), sequences. The current is walked by
`instruments.limits`, and its sign is that of `DA 0` (a bipolar unit).
Never sent: `RS` (an interlock is its user's to reset), `UNLOCK`, `LOCK`, `LOC`.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, ClassVar

from instruments.link_errors import WrongInstrumentError
from instruments.protocols import MagnetState
from models.errors import RefusedError, TwinrigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from instruments.toml_table import Table
    from instruments.visa import VisaSession

BELL = "\x07"
HIGHEST_COUNT = 999_999
STATUS_LENGTH = 24
OFF, READY = 0, 22  # places of S1 that say off, and not ready
FAULTS = {
    8: "transistor fault", 10: "DC overcurrent", 11: "DC overload", 12: "regulation module failure",
    13: "preregulator failure", 14: "phase failure", 15: "supply water flow failure",
    16: "earth leakage", 17: "thermal breaker or fuses", 18: "supply too hot",
    19: "panic button or door switch", 20: "magnet water flow failure", 21: "magnet too hot",
}  # fmt: skip
IN_FAULT = {word: place for place, word in FAULTS.items()}  # inputs of an interlock
INTERLOCK = 9  # sum of them, some of which have no place of their own


class Danfysik8500:
    """A System 8500 supply of one address.

    Parameters
    ----------
    name
        The instrument's name on the bench.
    session
        Its open VISA session.
    options
        `set_counts_per_A`, `read_counts_per_A`: of `DA 0` and `AD 8`.
    """

    driver = "danfysik-8500"
    safe_state = "zero current, main power off"
    stop_action = "the next step of the ramp is not sent"
    own_ramp = False
    has_output = True
    rated_voltage_V = math.inf
    status_inputs = tuple(IN_FAULT)
    lasting_inputs = tuple(IN_FAULT)  # it has switched itself off until its user resets it
    MADE: ClassVar[Mapping[str, Any]] = {"control": "REM"}  # of the settings, by energising
    KEYS: tuple[str, ...] = ("set_counts_per_A", "read_counts_per_A")

    def __init__(self, name: str, session: VisaSession, options: Mapping[str, Any]) -> None:
        self.name = name
        self.resource = session.resource_name
        self.identity = ""
        self._session = session
        self._per_A: float = options["set_counts_per_A"]
        self._read_per_A: float = options["read_counts_per_A"]
        self.resolution_A = 1.0 / self._per_A
        self.rated_current_A = HIGHEST_COUNT / self._per_A
        session.identify = self.identify

    @staticmethod
    def terminator(resource: str) -> str:
        """What ends a message, and a reply too, in which an LF may stand before it."""
        return "\r"

    @staticmethod
    def options(table: Table) -> dict[str, Any]:
        """The keys of a bench file that are this driver's own; problems are noted in the table."""
        return {key: table.number(key, above=0.0) or 1.0 for key in Danfysik8500.KEYS}

    def identify(self) -> str:
        """`PRINT`: one line or more, then `S1`, whose form no other instrument has."""
        first = self._session.query("PRINT")
        more = self._session.drain().decode("latin-1")
        lines = [line.strip() for line in (first + "\r" + more).split("\r")]
        identity = " ".join(line for line in lines if line)
        if BELL in identity or not identity or not identity.startswith(self.identity):
            raise self._session.wrong_instrument(identity, self.identity or "what PRINT answers")
        try:
            self._status()
        except TwinrigError as error:
            if isinstance(error, WrongInstrumentError):
                raise
            raise self._session.wrong_instrument(identity, "a Danfysik, which knows S1") from error
        self.identity = identity
        return identity

    def settings(self) -> dict[str, Any]:
        """The scales that the bench file gives, and who commands."""
        return {
            "set_counts_per_A": self._per_A,
            "read_counts_per_A": self._read_per_A,
            "control": self._query("CMD"),
        }

    def errors(self) -> tuple[str, ...]:
        """It queues none: what it refuses, it says at once."""
        return ()

    def state(self) -> MagnetState:
        """`S1`, `DA 0`, `AD 8`."""
        status = self._status()
        setpoint_A, current_A = self.setpoint_A(), self.measured_A()
        inputs = [(word, f"in {word}") for place, word in FAULTS.items() if status[place] == "!"]
        faults = [words for _, words in inputs]
        if not faults and status[INTERLOCK] == "!":
            faults.append("in an interlock that S1 does not name")
        ready = "not ready" if status[READY] == "!" else "ready"
        on = status[OFF] == "."
        told = (tuple(faults), tuple(inputs))
        return MagnetState(current_A, setpoint_A, on, (ready,), (), *told)

    def status_problem(self, input_name: str) -> str | None:
        """`S1`: the place of a fault."""
        return f"in {input_name}" if self._status()[IN_FAULT[input_name]] == "!" else None

    def take_control(self, reach_A: float) -> tuple[str, ...]:
        """`CMD`, `REM`, and a look whether it was taken; `ERRT`: errors in words."""
        changed: tuple[str, ...] = ()
        if self._query("CMD") != "REM":
            self._session.write("REM")
            if self._query("CMD") != "REM":
                raise RefusedError(
                    f"{self.name} ({self.resource}): it stays in local control: release LOCK at "
                    "its control panel"
                )
            changed = ("local control was taken over",)
        self._session.write("ERRT")
        return changed

    def prepare(self) -> tuple[str, ...]:
        """Nothing beyond control."""
        return ()

    def set_current_A(self, current_A: float) -> None:
        """`DA 0,n`: one step; a refusal is noticed when it is read back."""
        self._session.write(f"DA 0,{round(current_A * self._per_A)}")

    def setpoint_A(self) -> float:
        """`DA 0`: `0 n`."""
        return self._counts("DA 0", r"0[ ,]+([+-]?\d+)") / self._per_A

    def measured_A(self) -> float:
        """`AD 8`: the real current, the channel's number before it on some units."""
        return self._counts("AD 8", r"(?:8 +)?([+-]?\d+)") / self._read_per_A

    def output_on(self) -> bool:
        """First place of `S1`: `!` is main power off."""
        return self._status()[OFF] == "."

    def read_back_error_A(self, current_A: float) -> float:
        """One count of `DA 0`."""
        return 1.0 / self._per_A

    def output(self, on: bool) -> None:
        """`N` or `F`: the main contactor."""
        self._session.write("N" if on else "F")

    def close(self) -> None:
        """Close the session; never raises."""
        self._session.close()

    def _status(self) -> str:
        reply = self._query("S1")
        if not re.fullmatch(rf"[!.]{{{STATUS_LENGTH}}}", reply):
            raise self._session.reject("S1", reply, f"{STATUS_LENGTH} of `!` and `.`")
        return reply

    def _counts(self, command: str, form: str) -> int:
        reply = self._query(command)
        found = re.fullmatch(form, reply)
        if found is None:
            raise self._session.reject(command, reply, "a number of counts")
        return int(found[1])

    def _query(self, command: str) -> str:
        """The answer without the LF that some units send before their CR."""
        reply = self._session.query(command).strip("\n ")
        if BELL in reply:  # of a set before, perhaps: the answer to this may still come
            raise self._session.reject(
                command, reply, "no refusal of it or of what was sent before"
            )
        return reply

"""Lake Shore 335 and 336 temperature controllers, as thermometers only.

Commands: Lake Shore 335/336 manuals, chapter 6 (`KRDG?`, `RDGST?`, `ALARMST?`, `RELAYST?`), the
latter two as in Lake Shore's own Python driver (temperature_controllers.py); the bits of `RDGST?`
are those of the 331, 332 and 340 manuals too (331S manual p. 6-37). Nothing is ever set: whatever
the controller regulates goes on.
Ethernet (336: TCP 7777), GPIB and USB (a serial port of 7 data bits and odd parity); replies end
with CR LF.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from instruments.drivers.exchange import bits, identified, whole
from instruments.protocols import SensorError
from instruments.serial_line import LAKE_SHORE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from instruments.toml_table import Table
    from instruments.visa import VisaSession

INPUTS = ("A", "B", "C", "D")
MODEL_335, INPUTS_335 = "LSCI,MODEL335", ("A", "B")
READING_STATUS = {
    0: "invalid reading", 1: "old reading", 4: "temperature under range",
    5: "temperature over range", 6: "sensor units zero (shorted?)",
    7: "sensor units over range (open?)",
}  # fmt: skip
READING = re.compile(r"[+-](?=[\d.]{7}$)\d+\.\d*")
"""Six digits, sign and point, always (manual: `±nnnnnn`): a reading that was cut is none."""
ALARMS = {f"alarm {letter}": letter for letter in INPUTS}  # of ALARMST?
RELAYS = {f"relay {number}": number for number in (1, 2)}  # of RELAYST?
EVENT_STATUS = {2: "query error", 4: "execution error", 5: "command error"}


class LakeShore336:
    """A Model 335 or 336 that is only read.

    Parameters
    ----------
    name
        The instrument's name on the bench.
    session
        Its open VISA session.
    options
        `input`: the letter of the input that `settings` shows.
    """

    driver = "lakeshore-336"
    serial_line = LAKE_SHORE
    KEYS: tuple[str, ...] = ()
    status_inputs = (*ALARMS, *RELAYS)
    lasting_inputs: tuple[str, ...] = ()

    def __init__(self, name: str, session: VisaSession, options: Mapping[str, Any]) -> None:
        self.name = name
        self.resource = session.resource_name
        self.identity = ""
        self._session = session
        self._input: str = options.get("input", "A")
        session.identify = self.identify

    @staticmethod
    def terminator(resource: str) -> str:
        """What ends a line on this interface."""
        return "\r\n"

    @staticmethod
    def options(table: Table) -> dict[str, Any]:
        """The keys of a bench file that are this driver's own: none."""
        return {}

    def identify(self) -> str:
        """`*IDN?`, e.g. `LSCI,MODEL336,LSA2833/#######,2.9`."""
        self.identity = identified(
            self._session, self.identity, "^LSCI,MODEL33[56]", "LSCI,MODEL336,…"
        )
        return self.identity

    def kelvin(self, input_name: str) -> float:
        """`RDGST?`, then `KRDG?`: a reading counts only where its status says that it is valid.

        Raises
        ------
        SensorError
            The status names a fault; a 336 then answers 0 K or the last value. A 335 has no such
            input: it is not asked.
        """
        if missing := self._missing(input_name):
            raise SensorError(missing)
        status = whole(self._session, f"RDGST? {input_name}", 255)
        if status:
            words = [word for bit, word in READING_STATUS.items() if status >> bit & 1]
            raise SensorError(f"input {input_name}: {', '.join(words) or f'status {status}'}")
        return self._session.number(f"KRDG? {input_name}", READING)

    def status_problem(self, input_name: str) -> str | None:
        """`ALARMST? A` (high, low), or `RELAYST? 1`: as its owner has set alarms and relays up."""
        if input_name in RELAYS:
            on = self._flags(f"RELAYST? {RELAYS[input_name]}", 1)[0]
            return f"keeping {input_name} on" if on else None
        if missing := self._missing(ALARMS[input_name]):
            return f"without an {missing}"
        high, low = self._flags(f"ALARMST? {ALARMS[input_name]}", 2)
        sides = [side for side, rings in (("high", high), ("low", low)) if rings]
        return f"ringing {input_name} ({' and '.join(sides)})" if sides else None

    def settings(self) -> dict[str, Any]:
        """The temperature now, or why there is none."""
        try:
            return {f"temperature_{self._input}_K": self.kelvin(self._input)}
        except SensorError as error:
            return {f"temperature_{self._input}_K": str(error)}

    def errors(self) -> tuple[str, ...]:
        """`*ESR?`, cleared by reading."""
        return tuple(bits(self._session, "*ESR?", EVENT_STATUS))

    def close(self) -> None:
        """Close the session; never raises."""
        self._session.close()

    def _missing(self, letter: str) -> str | None:
        """Why there is no such input, in words."""
        if not self.identity.startswith(MODEL_335) or letter in INPUTS_335:
            return None
        return f"input {letter}: a 335 has inputs {' and '.join(INPUTS_335)}"

    def _flags(self, command: str, count: int) -> list[bool]:
        reply = self._session.query(command)
        parts = [part.strip() for part in reply.split(",")]
        if len(parts) != count or not all(part in {"0", "1"} for part in parts):
            raise self._session.reject(command, reply, f"{count} of 0 or 1")
        return [part == "1" for part in parts]

"""Lake Shore 475 DSP gaussmeter.

Commands: Model 475 user's manual, section 6.3 (`RDGFIELD?`, `UNIT?`, `RDGMODE?`,
`RANGE?`, `AUTO?`, `TYPE?`, `*ESR?`); the bits of `OPST?` as public drivers take them from the
Model 455's section 6.1.4.2.2, the same register set.
The reply's unit follows the front panel: each reading asks field, status and unit in one message,
`RDGFIELD?;OPST?;UNIT?`, answered in one line (the unit last: an answer that was cut
lacks it). Never sent: `ZPROBE` and `CMODE`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from instruments.answers import numbers_of
from instruments.drivers.exchange import SWITCH, bits, identified, refused, word
from instruments.drivers.field_units import LAKE_SHORE_CODES, LAKE_SHORE_FIELD, TESLA
from instruments.serial_line import SerialLine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from instruments.toml_table import Table
    from instruments.visa import VisaSession

MODE = {"1": "DC", "2": "RMS", "3": "peak"}
PROBE = {
    "40": "high sensitivity", "41": "high stability", "42": "ultra-high sensitivity",
    "50": "own cable, high sensitivity", "51": "own cable, high stability",
    "52": "own cable, ultra-high sensitivity",
}  # fmt: skip
STATUS = {0: "no probe", 1: "field beyond the range"}
EVENT_STATUS = {
    2: "output queue overflow", 4: "a command could not be executed", 5: "command error",
}  # fmt: skip


class LakeShore475:
    """A 475 whose mode, range and unit stay as its front panel has them.

    Parameters
    ----------
    name
        The instrument's name on the bench.
    session
        Its open VISA session.
    options
        None.
    """

    driver = "lakeshore-475"
    serial_line = SerialLine(9600, 7, "odd")
    KEYS: tuple[str, ...] = ()

    def __init__(self, name: str, session: VisaSession, options: Mapping[str, Any]) -> None:
        self.name = name
        self.resource = session.resource_name
        self.identity = ""
        self._session = session
        self._status = 0
        session.identify = self.identify

    @staticmethod
    def terminator(resource: str) -> str:
        """What ends a line on every interface."""
        return "\r\n"

    @staticmethod
    def options(table: Table) -> dict[str, Any]:
        """The keys of a bench file that are this driver's own: none."""
        return {}

    def identify(self) -> str:
        """`*IDN?`, e.g. `LSCI,MODEL475,4750042,1.0`."""
        self.identity = identified(
            self._session, self.identity, r"LSCI,MODEL475,", "LSCI,MODEL475,…"
        )
        return self.identity

    def settings(self) -> dict[str, Any]:
        """Every setting that a reading rests on."""
        session = self._session
        return {
            "mode": self._mode(),
            "unit": word(session, "UNIT?", LAKE_SHORE_CODES),
            "range": round(session.number("RANGE?")),
            "autorange": word(session, "AUTO?", SWITCH),
            "probe": word(session, "TYPE?", PROBE),
        }

    def prepare(self) -> None:
        """Make sure that it measures a constant field; nothing is set.

        Raises
        ------
        RefusedError
            It measures RMS or peaks, or has no probe.
        """
        self.identify()
        mode = self._mode()
        if mode != "DC":
            what = f"measures the field's {mode}, expected DC"
            raise refused(self.name, self.resource, what, "Choose DC on its front panel")
        self.errors()
        self._status = 0
        self.field_T()
        if self._status & 1:
            raise refused(self.name, self.resource, "has no probe", "Plug one in")

    def field_T(self) -> float:
        """The field now, in the unit that the instrument says; NaN where it is beyond the range."""
        command = "RDGFIELD?;OPST?;UNIT?"
        reply = self._session.query(command)
        text, status_text, code = (*(part.strip() for part in reply.split(";")), "", "")[:3]
        field = numbers_of(text, 1, LAKE_SHORE_FIELD)
        unit = LAKE_SHORE_CODES.get(code)
        if field is None or unit is None or not status_text.isdigit() or reply.count(";") != 2:
            raise self._session.reject(command, reply, "field;status;unit")
        status = int(status_text)
        self._status |= status
        return math.nan if status & 3 else field[0] * TESLA[unit]

    def faults(self) -> tuple[str, ...]:
        """No probe or a field beyond the range since the last call, and errors."""
        found = tuple(name for bit, name in STATUS.items() if self._status >> bit & 1)
        self._status = 0
        return (*found, *self.errors())

    def errors(self) -> tuple[str, ...]:
        """`*ESR?`, cleared by reading; there is no error queue."""
        return tuple(bits(self._session, "*ESR?", EVENT_STATUS))

    def close(self) -> None:
        """Close the session; never raises."""
        self._session.close()

    def _mode(self) -> str:
        """`RDGMODE?`: mode, DC digits, RMS filter, peak mode, peak display."""
        reply = self._session.query("RDGMODE?")
        code, *others = reply.split(",")
        if code.strip() not in MODE or len(others) != 4:
            raise self._session.reject("RDGMODE?", reply, "five numbers, the first 1 to 3")
        return MODE[code.strip()]

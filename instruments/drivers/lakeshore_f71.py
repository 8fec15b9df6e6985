"""Lake Shore F71 and F41 teslameters.

Commands: Lake Shore's own Python driver (`lakeshore/teslameter.py`, `xip_instrument.py`), which
follows the F41/F71 manual's SCPI chapter. Queries joined by `;:` are answered in one line.
Each reading asks for field, both status registers and unit in one message (the unit last: an
answer that was cut lacks it). A three-axis probe
answers `FETCH:DC?` with the magnitude, which has no sign: there the bench has to name an axis.
Never sent: anything of `SOURCE:FIELD` (closed-loop control) and `SENS:MRESET`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NoReturn

from instruments.answers import numbers_of
from instruments.drivers.exchange import SWITCH, identified, refused, word
from instruments.drivers.field_units import SCPI_WORDS, TESLA
from instruments.serial_line import SerialLine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from instruments.toml_table import Table
    from instruments.visa import VisaSession

AXES = ("X", "Y", "Z")
MODE = {"DC": "DC", "AC": "AC", "HIFR": "high frequency"}
OPERATION = {0: "no probe", 1: "field beyond the range"}
QUESTIONABLE = {
    0: "X sensor error", 1: "Y sensor error", 2: "Z sensor error", 3: "probe memory unreadable",
    4: "temperature compensation error", 5: "invalid probe", 8: "calibration error",
    9: "heartbeat error",
}  # fmt: skip
NO_NUMBER = 9.8e37  # from here on: infinity is 9.9E37, not a number 9.91E37 (SCPI-99, 1, 7.2.1.4)
AVERAGE_S = 0.01  # one sample of SENS:AVERAGE:COUNT


class LakeShoreF71:
    """An F71 or F41 whose mode, range, averaging and unit stay as they are.

    Parameters
    ----------
    name
        The instrument's name on the bench.
    session
        Its open VISA session.
    options
        `axis`: X, Y or Z of a three-axis probe; None for a probe of one axis.
    """

    driver = "lakeshore-f71"
    serial_line = SerialLine(115200, flow="rts/cts")
    KEYS: tuple[str, ...] = ("axis",)

    def __init__(self, name: str, session: VisaSession, options: Mapping[str, Any]) -> None:
        self.name = name
        self.resource = session.resource_name
        self.identity = ""
        self._session = session
        self._axis: str | None = options.get("axis")
        reading = "FETCH:DC?" if self._axis is None else f"FETCH:DC? {self._axis}"
        self._command = (
            f"{reading};:STATus:OPERation:CONDition?;:STATus:QUEStionable:CONDition?;:UNIT:FIELD?"
        )
        self._operation = 0
        self._questionable = 0
        session.identify = self.identify

    @staticmethod
    def terminator(resource: str) -> str:
        """What ends a line on every interface."""
        return "\n"

    @staticmethod
    def options(table: Table) -> dict[str, Any]:
        """The keys of a bench file that are this driver's own; problems are noted in the table."""
        axis = table.value("axis", str, None)
        if axis is not None and axis not in AXES:
            table.add(f"axis = {axis!r} must be X, Y or Z")
        return {"axis": axis}

    def identify(self) -> str:
        """`*IDN?`; the model is its second field, F71 or F41."""
        self.identity = identified(
            self._session, self.identity, r"^Lake ?Shore.*,F[47]1", "Lake Shore…,F71,…"
        )
        return self.identity

    def settings(self) -> dict[str, Any]:
        """Every setting that a reading rests on, in units."""
        session = self._session
        averages = session.number("SENS:AVERAGE:COUNT?")
        return {
            "mode": word(session, "SENS:MODE?", MODE),
            "unit": word(session, "UNIT:FIELD?", SCPI_WORDS),
            "autorange": word(session, "SENS:RANGE:AUTO?", SWITCH),
            "range_in_unit": session.number("SENS:RANGE?"),
            "averaging_s": averages * AVERAGE_S,
            "probe": session.query("PROBE:SNUM?").strip().strip('"'),
            "axes": round(session.number("PROBE:AXES?")),
            "axis": self._axis or "the only one",
        }

    def prepare(self) -> None:
        """Make sure that it measures a constant field along one axis; nothing is set.

        Raises
        ------
        RefusedError
            Another mode, no probe, or a probe of several axes and none named.
        """
        self.identify()
        mode = word(self._session, "SENS:MODE?", MODE)
        if mode != "DC":
            self._refuse(f"measures the {mode} field, expected DC", "Set its mode to DC")
        for words, do in self.unready():
            self._refuse(words, do)
        self.faults()
        self.field_T()
        if self._operation & 1:
            self._refuse("has no probe", "Plug one in")

    def unready(self) -> list[tuple[str, str]]:
        """`PROBE:AXES?`: why no run begins with this probe, and what to do."""
        axes = round(self._session.number("PROBE:AXES?"))
        if axes <= 1 or self._axis is not None:
            return []
        words = f"its probe has {axes} axes and would answer the magnitude, without a sign"
        return [(words, 'Name one in the bench file: axis = "X", "Y" or "Z"')]

    def field_T(self) -> float:
        """The field now, in the unit that the instrument says; NaN where it is beyond the range."""
        reply = self._session.query(self._command)
        parts = [part.strip() for part in reply.split(";")]
        unit = SCPI_WORDS.get(parts[-1].upper())
        if len(parts) != 4 or unit is None or not (parts[1].isdigit() and parts[2].isdigit()):
            raise self._session.reject(self._command, reply, "field;status;status;unit")
        field = numbers_of(parts[0], 1)
        if field is None:
            raise self._session.reject(self._command, reply, "field;status;status;unit")
        operation, questionable = int(parts[1]), int(parts[2])
        self._operation |= operation
        self._questionable |= questionable
        return math.nan if operation & 3 or abs(field[0]) >= NO_NUMBER else field[0] * TESLA[unit]

    def faults(self) -> tuple[str, ...]:
        """What the status registers said at the readings since the last call, and errors."""
        found = [name for bit, name in OPERATION.items() if self._operation >> bit & 1]
        found += [name for bit, name in QUESTIONABLE.items() if self._questionable >> bit & 1]
        self._operation = self._questionable = 0
        return (*found, *self.errors())

    def errors(self) -> tuple[str, ...]:
        """`SYST:ERR:ALL?`: the whole queue in one answer, or `No error`."""
        reply = self._session.query("SYSTem:ERRor:ALL?").strip()
        return () if "No error" in reply else (reply,)

    def close(self) -> None:
        """Close the session; never raises."""
        self._session.close()

    def _refuse(self, what: str, do: str) -> NoReturn:
        raise refused(self.name, self.resource, what, do)

"""Lake Shore 425 gaussmeter.

Commands: Model 425 user's manual, section 6.3.1 (pages 52 to 57), and PyMeasure's
`lakeshore425.py`. The unit of a reading follows the front panel: each reading asks for unit and
field in one message, `RDGFIELD?;UNIT?`, answered in one line (the unit
last: an answer that was cut lacks it).
The manual (page 58) wants at least 30 ms between messages and one outstanding query: a faster loop
reads garbage now and then. The driver keeps the distance. The 425 has no `*ESR?` and no queue.
Never sent: `ZPROBE`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from instruments.answers import numbers_of
from instruments.drivers.exchange import SWITCH, identified, refused
from instruments.drivers.field_units import LAKE_SHORE_CODES, LAKE_SHORE_FIELD, TESLA
from instruments.serial_line import LAKE_SHORE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from instruments.toml_table import Table
    from instruments.visa import VisaSession

GAP_S = 0.034  # at least 30 ms between messages, at most 30 messages in a second
MODE = {"1": "DC", "2": "RMS"}
BAND = {"1": "wide band", "2": "narrow band"}


class LakeShore425:
    """A 425 whose mode, range and unit stay as its front panel has them.

    Parameters
    ----------
    name
        The instrument's name on the bench.
    session
        Its open VISA session.
    options
        None.
    """

    driver = "lakeshore-425"
    serial_line = LAKE_SHORE
    KEYS: tuple[str, ...] = ()

    def __init__(self, name: str, session: VisaSession, options: Mapping[str, Any]) -> None:
        self.name = name
        self.resource = session.resource_name
        self.identity = ""
        self._session = session
        self._free_at_s = 0.0
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
        """`*IDN?`, e.g. `LSCI,MODEL425,4250022,1.0`."""
        self._keep_distance()
        try:
            self.identity = identified(
                self._session, self.identity, r"LSCI,MODEL425,", "LSCI,MODEL425,…"
            )
        finally:
            self._spoken()
        self._keep_distance()  # a link that recovers sends its message right behind this answer
        return self.identity

    def settings(self) -> dict[str, Any]:
        """Every setting that a reading rests on."""
        mode, reading_filter, band = self._mode()
        return {
            "mode": mode,
            "filter": reading_filter,
            "band": band,
            "unit": self._word("UNIT?", LAKE_SHORE_CODES),
            "range": self._word("RANGE?", {str(n): n for n in range(1, 5)}),
            "autorange": self._word("AUTO?", SWITCH),
        }

    def prepare(self) -> None:
        """Make sure that it measures a constant field; nothing is set.

        Raises
        ------
        RefusedError
            It measures an alternating field.
        """
        self.identify()
        mode = self._mode()[0]
        if mode != "DC":
            what = f"measures the field's {mode}, expected DC"
            raise refused(self.name, self.resource, what, "Choose DC on its front panel")

    def field_T(self) -> float:
        """The field now, in the unit that the instrument says."""
        command = "RDGFIELD?;UNIT?"
        reply = self._ask(command)
        text, _, code = reply.partition(";")
        field = numbers_of(text, 1, LAKE_SHORE_FIELD)
        unit = LAKE_SHORE_CODES.get(code.strip())
        if field is None or unit is None:
            raise self._session.reject(command, reply, "field;unit")
        return field[0] * TESLA[unit]

    def faults(self) -> tuple[str, ...]:
        """Nothing: no query for an overload is documented, a reading that is no number raises."""
        return ()

    def errors(self) -> tuple[str, ...]:
        """Nothing: it has no error queue and no event register."""
        return ()

    def close(self) -> None:
        """Close the session; never raises."""
        self._session.close()

    def _mode(self) -> tuple[str, str, str]:
        """`RDGMODE?`: mode, filter, band."""
        reply = self._ask("RDGMODE?")
        codes = [part.strip() for part in reply.split(",")]
        if (
            len(codes) != 3
            or codes[0] not in MODE
            or codes[2] not in BAND
            or codes[1] not in SWITCH
        ):
            raise self._session.reject("RDGMODE?", reply, "mode,filter,band")
        return MODE[codes[0]], SWITCH[codes[1]], BAND[codes[2]]

    def _word(self, command: str, words: Mapping[str, Any]) -> Any:
        reply = self._ask(command)
        if reply.strip() not in words:
            raise self._session.reject(command, reply, " or ".join(words))
        return words[reply.strip()]

    def _ask(self, command: str) -> str:
        """A query, at its distance from the message before."""
        self._keep_distance()
        try:
            return self._session.query(command)
        finally:
            self._spoken()

    def _keep_distance(self) -> None:
        time.sleep(max(0.0, self._free_at_s - time.monotonic()))

    def _spoken(self) -> None:
        self._free_at_s = time.monotonic() + GAP_S

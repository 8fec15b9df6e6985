"""Kepco BOP-MG and BOP-GL of 1 kW: a BOP whose list gives a pulse when it begins.

Sources: BOP 1KW-MG manual (firmware 3.05 and higher), 3.6.3.4: dwells of 93 µs to 34 ms, 2950
points where they differ; figure B-7: `LIST:SET:TRIGGER .001,ON` makes a pulse of 1 ms, whose
transistor (EXT_C, EXT_E: pins 5 and 6 of the External Protection port) is off before; with a
pull-up the pulse is low. Manual of the firmware kit 219-0533: `LIST:TRIG value` is a point that
gives that pulse, and wants dwells and currents of the same number before it.

What `OUTP OFF` does is its load type (`OUTP:MODE`: 1KW-MG manual, B.15 and 3.3.6; BOP-GL, 3.3.7):
with ACTIVE it goes to 0 V and takes up what a coil holds; with BATTERY it becomes a current source
of 0 A with its voltage limit at the highest, which a coil's current drives there.
So a run sets ACTIVE, at zero current. The manual's warning for coils: in the OFF state the unit's
offset may drive a current through a low resistance.

Judgement: `LIST:TRIG` puts its duration into the list of dwells; the read-back before a list is
started shows whether it does. What else differs from a BIT 4886 card: that pulses need `LIST:SET`
(firmware before 3.05 reports −113, and the list is not played).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from instruments.drivers.exchange import word
from instruments.drivers.kepco_bop import NUMBER, PROGRAMMED, KepcoBop
from instruments.drivers.kepco_list import KepcoList, texts
from models.errors import TwinrigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from instruments.visa import VisaSession

COIL = "ACTIVE"
LOAD_TYPES = {
    "ACTIVE": COIL, "ACT": COIL, "RESISTIVE": "RESISTIVE", "RESI": "RESISTIVE",
    "RES": "RESISTIVE", "BATTERY": "BATTERY", "BATT": "BATTERY",
}  # fmt: skip
"""What `OUTP:MODE?` answers, by the manuals in long form; newer firmware takes short ones."""


class KepcoPulsedList(KepcoList):
    """The list of a BOP-MG or -GL.

    Parameters
    ----------
    session, number, modes, errors, flowing
        As for `KepcoList`.
    """

    most_points = 2950
    dwell_s = (9.3e-5, 0.034)
    lead_s = (0.005, 0.001)  # at the set-point found; then the pulse, as in figure B-7

    def load(self, points: Sequence[tuple[float, float]], pulse_at: int | None = None) -> None:
        """As on a card; the point `pulse_at` is `LIST:TRIG`, as long as `LIST:SET:TRIG` says."""
        if pulse_at is None:
            super().load(points)
            return
        currents, dwells = texts(points)
        self._session.write("LIST:CLE")
        self._session.write(f"LIST:SET:TRIG {dwells[pulse_at]},ON")
        self._append(currents[:pulse_at], 0)
        self._append_dwells(dwells[:pulse_at])
        self._session.write(f"LIST:TRIG {currents[pulse_at]}")
        self._expect("LIST:CURR:POIN?", float(pulse_at + 1))
        self._append(currents[pulse_at + 1 :], pulse_at + 1)
        self._append_dwells(dwells[pulse_at + 1 :])
        self._finish(currents, dwells)


class KepcoBopMg(KepcoBop):
    """A BOP-MG or BOP-GL in current mode.

    Parameters
    ----------
    name, session, options
        As for `KepcoBop`.
    """

    driver = "kepco-bop-mg"
    IDENTITY = re.compile(r"^KEPCO,.*BOP.*(MG|GL)", re.IGNORECASE)
    EXPECTED = "KEPCO,BOP …MG or KEPCO,BOP …GL"
    PLAYS = IDENTITY
    safe_state = (
        "zero current, output off; its offset may still drive a current: read 0 V and 0 A on its "
        "panel before you touch a cable"
    )

    def prepare(self) -> tuple[str, ...]:
        """As a BOP; and the load type that an output on a coil goes off with, read back.

        Raises
        ------
        TwinrigError
            It keeps another load type.
        """
        changed = super().prepare()
        found = word(self._session, "OUTP:MODE?", LOAD_TYPES)
        if found == COIL:
            return changed
        self._session.write(f"OUTP:MODE {COIL}")
        if word(self._session, "OUTP:MODE?", LOAD_TYPES) != COIL:
            raise TwinrigError(
                f"{self.name} ({self.resource}): its load type stays {found}, with which its "
                f"output does not go off on a coil: choose {COIL} on its panel"
            )
        return (*changed, f"load type changed from {found} to {COIL} (a coil is on it)")

    def _list_of(self, session: VisaSession) -> KepcoList:
        return KepcoPulsedList(session, NUMBER, PROGRAMMED, self.errors, self._flowing)

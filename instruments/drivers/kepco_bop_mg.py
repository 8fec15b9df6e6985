"""Kepco BOP-MG and BOP-GL of 1 kW: a BOP whose list gives a pulse when it begins.

Sources: BOP 1KW-MG manual (firmware 3.05 and higher), 3.6.3.4: dwells of 93 µs to 34 ms, 2950
points where they differ; figure B-7: `LIST:SET:TRIGGER .001,ON` makes a pulse of 1 ms, whose
transistor (EXT_C, EXT_E: pins 5 and 6 of the External Protection port) is off before; with a
pull-up the pulse is low. Manual of the firmware kit 219-0533: `LIST:TRIG value` is a point that
gives that pulse, and wants dwells and currents of the same number before it.

Judgement: `LIST:TRIG` puts its duration into the list of dwells; the read-back before a list is
started shows whether it does. What else differs from a BIT 4886 card: that pulses need `LIST:SET`
(firmware before 3.05 reports −113, and the list is not played).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from instruments.drivers.kepco_bop import NUMBER, PROGRAMMED, KepcoBop
from instruments.drivers.kepco_list import KepcoList, texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from instruments.visa import VisaSession


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
    IDENTITY = re.compile(r"^KEPCO.*BOP.*(MG|GL)", re.IGNORECASE)
    EXPECTED = "KEPCO,BOP …MG or KEPCO,BOP …GL"
    PLAYS = IDENTITY

    def _list_of(self, session: VisaSession) -> KepcoList:
        return KepcoPulsedList(session, NUMBER, PROGRAMMED, self.errors, self._flowing)

"""What a Truevolt multimeter computes of a reading before it answers it: null, scaling, smoothing.

Commands: Truevolt operating and service guide, `[SENSe:]VOLTage[:DC]:NULL`, `CALCulate:SCALe` (dB
and dBm; of a 34465A and 34470A percent and Mx-B, too) and `CALCulate:SMOothing` (of these two
only). The front panel's keys Null and Math leave them on, and `READ?` answers what they make.
A null is a voltage less in each reading: it belongs to the settings. Scaled readings are no volts,
and the samples of a smoothed burst are a moving average: no reading can rest on them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from instruments.drivers.exchange import is_on

if TYPE_CHECKING:
    from instruments.drivers.truevolt_models import Truevolt
    from instruments.visa import VisaSession

NULL, SCALING, SMOOTHING = "SENS:VOLT:DC:NULL", "CALC:SCAL", "CALC:SMO"
SPOILS = {
    "scaling": "scales its readings (dB, dBm, % or Mx-B), expected volts",
    "smoothing": "smooths its samples, of which a burst's are a moving average then",
}


def computed(session: VisaSession, model: Truevolt) -> dict[str, Any]:
    """What is on, as settings: nothing where a reading is answered as it was measured."""
    found: dict[str, Any] = {}
    if _on(session, NULL):
        found["null_V"] = session.number(f"{NULL}:VAL?")
    if _on(session, SCALING):
        found["scaling"] = "on"
    if model.has_timer and _on(session, SMOOTHING):
        found["smoothing"] = "on"
    return found


def spoiling(session: VisaSession, model: Truevolt) -> list[tuple[str, str]]:
    """Why its readings are no volts as they were measured, and what to do; empty where they are."""
    do = "Switch its Math off on its front panel (Math)"
    return [(SPOILS[what], do) for what in computed(session, model) if what in SPOILS]


def _on(session: VisaSession, header: str) -> bool:
    return is_on(session, f"{header}:STAT?")

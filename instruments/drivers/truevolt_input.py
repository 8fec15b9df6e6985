"""What of a Truevolt multimeter's input its front panel may have changed: impedance, aperture.

Commands: Truevolt operating and service guide, `[SENSe:]VOLTage[:DC]:IMPedance:AUTO` (10 MOhm, or
more than 10 GOhm up to the range of 10 V) and, of a 34465A and 34470A, `APERture`, which integrates
for a time that is no number of power line cycles; `NPLCycles` that is set ends it.
Both are settings where they aren't as from the factory: a source of 100 kOhm reads 1 % less at
10 MOhm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from instruments.drivers.exchange import is_on

if TYPE_CHECKING:
    from instruments.drivers.truevolt_models import Truevolt
    from instruments.visa import VisaSession

IMPEDANCE, APERTURE = "SENS:VOLT:DC:IMP:AUTO?", "SENS:VOLT:DC:APER"
HIGH = "above 10 GOhm up to 10 V"


def changed_input(session: VisaSession, model: Truevolt) -> dict[str, Any]:
    """What isn't as from the factory, as settings."""
    found: dict[str, Any] = {}
    if is_on(session, IMPEDANCE):
        found["input_impedance"] = HIGH
    if model.has_timer and is_on(session, f"{APERTURE}:ENAB?"):
        found["aperture_s"] = session.number(f"{APERTURE}?")
    return found

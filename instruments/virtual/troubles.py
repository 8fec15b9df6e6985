"""What goes wrong inside a virtual instrument, whatever its connections do."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from instruments.virtual.ami_430 import Ami430
from instruments.virtual.kepco_bop import KepcoBop
from instruments.virtual.lakeshore_643 import LakeShore643
from instruments.virtual.scpi import StatusRegisters
from instruments.virtual.sr830 import SR830

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from instruments.virtual.instrument import VirtualInstrument

    Trouble = Callable[[float], None]

KINDS = ("overload", "quench", "compliance", "error-queue", "power-cycle", "water")
HARDWARE_CODE = -222  # SCPI "data out of range": what a card queues when something is refused
GPIB_ERROR_BIT = 5  # of the SR830's ERRS?


def of(instrument: VirtualInstrument) -> Mapping[str, Trouble]:
    """The troubles an instrument can have, by kind; each is called with the size of the fault."""
    if isinstance(instrument, KepcoBop):
        return _of_supply(instrument)
    if isinstance(instrument, SR830):
        return {
            "overload": lambda gates: instrument.overload(int(gates)),
            "error-queue": lambda _: instrument.report(GPIB_ERROR_BIT),
            "power-cycle": lambda _: instrument.power_cycle(),
        }
    if isinstance(instrument, LakeShore643):
        return {"water": instrument.lose_water}
    if isinstance(instrument, Ami430):
        return {"quench": lambda _: instrument.quench()}
    status = getattr(instrument, "status", None)
    if isinstance(status, StatusRegisters):
        return {"error-queue": lambda _: status.report(HARDWARE_CODE)}
    return {}


def _of_supply(kepco: KepcoBop) -> Mapping[str, Trouble]:
    def quench(factor: float) -> None:
        kepco.supply.follow()
        coil = kepco.supply.coil
        resistance_Ohm = coil.parameters.resistance_Ohm * factor
        # the loop stays faster than the coil alone (`CoilParameters`)
        loop_s = min(coil.parameters.loop_s, coil.parameters.inductance_H / resistance_Ohm)
        coil.parameters = dataclasses.replace(
            coil.parameters, resistance_Ohm=resistance_Ohm, loop_s=loop_s
        )

    def compliance(volts: float) -> None:
        kepco.supply.follow()
        kepco.supply.setpoint_V = volts

    def power_cycle(_: float) -> None:
        kepco.reset("")  # output off and zero, voltage mode: the coil's current dies away with L/R
        kepco.status = StatusRegisters()

    return {
        "quench": quench,
        "compliance": compliance,
        "error-queue": lambda _: kepco.status.report(HARDWARE_CODE),
        "power-cycle": power_cycle,
    }

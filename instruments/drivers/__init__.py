"""Drivers: one file a model, each reads like its manual's command table.

A driver is `Driver(name, session, options)`; it satisfies `Magnet`, `Readout`, `Thermometer` or
`Teslameter` of `instruments.protocols`, sends what the manual says and checks no limit:
`instruments.limits` does. `KEYS` names the keys that its bench table has beside the address, and
`options(table)` reads them. `serial_line` says how its serial port is set where that isn't 9600
baud, 8-N-1 (`instruments.serial_line`).

A driver of another package joins by an entry point of the group `twinrig.drivers`; its class says
by `kind` what it is (`magnet`, `readout`, `thermometer`, `teslameter`).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from instruments.drivers.ami_430 import Ami430
from instruments.drivers.danfysik_8500 import Danfysik8500
from instruments.drivers.keithley_2182a import Keithley2182A
from instruments.drivers.keithley_2400 import Keithley2400
from instruments.drivers.keithley_2450 import Keithley2450
from instruments.drivers.keithley_6221 import Keithley6221
from instruments.drivers.kepco_bop import KepcoBop
from instruments.drivers.kepco_bop_mg import KepcoBopMg
from instruments.drivers.keysight_34465a import Keysight34465A
from instruments.drivers.keysight_pna import KeysightPNA
from instruments.drivers.lakeshore_336 import LakeShore336
from instruments.drivers.lakeshore_425 import LakeShore425
from instruments.drivers.lakeshore_475 import LakeShore475
from instruments.drivers.lakeshore_643 import LakeShore643
from instruments.drivers.lakeshore_f71 import LakeShoreF71
from instruments.drivers.mercury_ips import MercuryIps
from instruments.drivers.sr830 import SR830
from instruments.drivers.sr860 import SR860
from instruments.protocols import Magnet, Readout, Teslameter, Thermometer
from models.paths import file_at

GROUP = "twinrig.drivers"
PROTOCOLS = {
    "magnet": Magnet, "readout": Readout, "thermometer": Thermometer, "teslameter": Teslameter,
}  # fmt: skip
KINDS = tuple(PROTOCOLS)
BUILT_IN: dict[str, tuple[Any, ...]] = {
    "magnet": (
        KepcoBop, KepcoBopMg, LakeShore643, Ami430, MercuryIps, Keithley2400, Keithley2450,
        Danfysik8500,
    ),
    "readout": (SR830, SR860, Keithley2182A, Keithley6221, Keysight34465A, KeysightPNA),
    "thermometer": (LakeShore336,),
    "teslameter": (LakeShore425, LakeShore475, LakeShoreF71),
}  # fmt: skip

BROKEN: dict[str, str] = {}
"""Entry points that gave no driver: name → why; told when a bench file asks for one."""


def _entry_points() -> list[Any]:
    """Entry points of our group; `importlib.metadata` (45 ms) only where a package has some."""
    head = f"[{GROUP}]".encode()
    for place in map(Path, sys.path):
        try:
            if file_at(place):  # a zip archive: importlib.metadata can read it
                break
            infos = ("*.dist-info/entry_points.txt", "*.egg-info/entry_*.txt")
            files = [file for info in infos for file in place.glob(info)]
            if any(head in file.read_bytes() for file in files):
                break
        except OSError:  # somebody else's folder, say: importlib.metadata passes over it
            break
    else:
        return []
    from importlib import metadata

    return list(metadata.entry_points(group=GROUP))


def lacking(driver: Any, kind: str) -> list[str]:
    """Methods that a driver of this kind needs and hasn't got: a magnet's without `output`, say.

    One that turned up while current flows would be found missing by the walk to zero.
    """
    parts = (vars(part) for part in PROTOCOLS[kind].__mro__)
    methods = {name for part in parts for name, what in part.items() if callable(what)}
    needed = {*(name for name in methods if name[0] != "_"), "options", "terminator"}
    return sorted(name for name in needed if not callable(getattr(driver, name, None)))


def _registered() -> dict[str, dict[str, Any]]:
    """Drivers by kind and name: the built-in ones, and those of other packages' entry points."""
    found = {kind: {one.driver: one for one in classes} for kind, classes in BUILT_IN.items()}
    taken = {name for drivers in found.values() for name in drivers}
    for point in _entry_points():
        try:
            driver = point.load()
            kind = driver.kind
        except Exception as error:  # whatever another package does, this program starts
            BROKEN[point.name] = f"{point.value} can't be loaded: {error!r}"
            continue
        if kind not in KINDS:
            BROKEN[point.name] = f"{point.value} has kind {kind!r}, expected {', '.join(KINDS)}"
        elif point.name in taken:
            BROKEN[point.name] = f"{point.value}: the name is a built-in driver's"
        elif lacks := lacking(driver, kind):
            BROKEN[point.name] = (
                f"{point.value} lacks {', '.join(lacks)}: see instruments/protocols.py"
            )
        else:
            found[kind][point.name] = driver
    return found


DRIVERS = _registered()
MAGNET_DRIVERS = DRIVERS["magnet"]
READOUT_DRIVERS = DRIVERS["readout"]
THERMOMETER_DRIVERS = DRIVERS["thermometer"]
TESLAMETER_DRIVERS = DRIVERS["teslameter"]

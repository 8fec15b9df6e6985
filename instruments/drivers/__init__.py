"""Drivers: one file a model, each reads like its manual's command table.

A driver is `Driver(name, session, options)`; it satisfies `Magnet`, `Readout` or
`Thermometer` of `instruments.protocols`, sends what the manual says and checks no limit:
`instruments.limits` does.
"""

from __future__ import annotations

from instruments.drivers.kepco_bop import KepcoBop
from instruments.drivers.lakeshore_336 import LakeShore336
from instruments.drivers.sr830 import SR830

MAGNET_DRIVERS: dict[str, type[KepcoBop]] = {"kepco-bop": KepcoBop}
READOUT_DRIVERS: dict[str, type[SR830]] = {"sr830": SR830}
THERMOMETER_DRIVERS: dict[str, type[LakeShore336]] = {"lakeshore-336": LakeShore336}

PLANNED = (
    "lakeshore-643", "ami-430", "mercury-ips", "keithley-2400", "keithley-2450", "danfysik-8500",
    "sr860", "keithley-2182a", "keithley-6221", "keysight-34465a", "keysight-pna",
    "lakeshore-425", "lakeshore-475", "lakeshore-f71",
)  # fmt: skip
"""Names that later versions give a driver; `instruments.bench_file` says so."""

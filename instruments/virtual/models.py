"""Every model a virtual rig can hold: how its twin is made, and what its bench table says.

A row makes a model one of `bench serve --models`; nothing else knows the models by name. Each
supply has a coil that its rating can fill: the field per ampere is the device's coil's times the
supply's `turns`.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from instruments.virtual.ami_430 import Ami430
from instruments.virtual.danfysik_8500 import READ_COUNTS_PER_A, SET_COUNTS_PER_A, Danfysik8500
from instruments.virtual.electronics import ElectronicsParameters
from instruments.virtual.gaussmeter import LakeShore425, LakeShore475
from instruments.virtual.keithley_2182a import Keithley2182A
from instruments.virtual.keithley_2400 import Keithley2400
from instruments.virtual.keithley_2450 import Keithley2450
from instruments.virtual.keithley_6221 import Keithley6221
from instruments.virtual.kepco_bop import KepcoBop
from instruments.virtual.kepco_bop_mg import KepcoBopMg
from instruments.virtual.keysight_34465a import Keysight34465A
from instruments.virtual.keysight_pna import OVERHEAD_S, KeysightPNA, Spectrum, TwoLines
from instruments.virtual.lakeshore_336 import LakeShore336
from instruments.virtual.lakeshore_643 import LakeShore643
from instruments.virtual.lakeshore_f71 import LakeShoreF71
from instruments.virtual.mercury_ips import MercuryIps
from instruments.virtual.sr830 import SR830
from instruments.virtual.sr860 import SR860
from models.errors import InputError, raise_problems

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

    from instruments.virtual.coil import CoilParameters
    from instruments.virtual.electronics import Source
    from instruments.virtual.instrument import DeviceTime, VirtualInstrument

    Probe = Callable[[DeviceTime, Callable[[], float], np.random.SeedSequence], VirtualInstrument]

REFERENCE_A = 11.0  # of the reference coil, whose supply gives 12 A
PNA_POINTS, PNA_BANDWIDTH_HZ = 60, 1.0e4


@dataclass(frozen=True)
class SupplyModel:
    """A supply on its coil.

    Attributes
    ----------
    make
        From the device time and a coil.
    turns
        Of its coil beside the reference coil: field per ampere, and the inverse of its current.
    max_ramp_A_per_s
        A ramp that the supply can do.
    coil
        What else its coil has of its own.
    keys
        More lines of its bench table.
    """

    make: Callable[[DeviceTime, CoilParameters], VirtualInstrument]
    turns: float = 1.0
    max_ramp_A_per_s: float = 2000.0
    coil: dict[str, float] = field(default_factory=dict)
    keys: str = ""

    @property
    def max_current_A(self) -> float:
        """The limit of its coil, within the supply's rating."""
        return round(REFERENCE_A / self.turns, 3)

    def coil_of(self, coil: CoilParameters) -> CoilParameters:
        """Its coil, where the reference coil of the device is this."""
        return replace(coil, tesla_per_ampere=coil.tesla_per_ampere * self.turns, **self.coil)


@dataclass(frozen=True)
class ReadoutModel:
    """A read-out.

    Attributes
    ----------
    make
        From the device time and what its input is connected to.
    word
        Its name on a bench.
    keys
        The lines of its bench table beside the address.
    reading_s
        What one reading takes at least.
    """

    make: Callable[[DeviceTime, Source], VirtualInstrument]
    word: str
    keys: str
    reading_s: float = 0.0


def _analyser(device_time: DeviceTime, source: Source) -> KeysightPNA:
    """On a device with a spectrum of its own, or on one whose two signals become two lines."""
    if isinstance(source, Spectrum):
        return KeysightPNA(device_time, source)
    return KeysightPNA(device_time, TwoLines(source, ElectronicsParameters().full_signal_V))


# Small coils right at the sample for 1 A, one layer of fine wire: 10 Ω, 30 mH.
_FINE = {"resistance_Ohm": 10.0, "inductance_H": 3.0e-2}
SUPPLIES: dict[str, SupplyModel] = {
    KepcoBop.model: SupplyModel(KepcoBop),
    KepcoBopMg.model: SupplyModel(KepcoBopMg),
    LakeShore643.model: SupplyModel(LakeShore643, max_ramp_A_per_s=40.0),
    Ami430.model: SupplyModel(Ami430, turns=10.0, max_ramp_A_per_s=0.5),
    MercuryIps.model: SupplyModel(MercuryIps, turns=10.0, max_ramp_A_per_s=0.5),
    Keithley2400.model: SupplyModel(
        Keithley2400, turns=12.0, max_ramp_A_per_s=50.0, coil=_FINE, keys="compliance_V = 21.0\n"
    ),
    Keithley2450.model: SupplyModel(
        Keithley2450, turns=12.0, max_ramp_A_per_s=50.0, coil=_FINE, keys="compliance_V = 21.0\n"
    ),
    Danfysik8500.model: SupplyModel(
        Danfysik8500,
        max_ramp_A_per_s=500.0,
        keys=(f"set_counts_per_A = {SET_COUNTS_PER_A}\nread_counts_per_A = {READ_COUNTS_PER_A}\n"),
    ),
}
_XY = 'channels = ["X", "Y"]\n'
READOUTS: dict[str, ReadoutModel] = {
    SR830.model: ReadoutModel(SR830, "lockin", _XY),
    SR860.model: ReadoutModel(SR860, "lockin", _XY),
    Keithley2182A.model: ReadoutModel(
        Keithley2182A, "nanovoltmeter", "input = 1\nnplc = 0.5\n", reading_s=0.02
    ),
    Keithley6221.model: ReadoutModel(
        Keithley6221,
        "delta",
        "current_A = 1e-3             # through the sample, both ways; within a reading only\n"
        "delay_s = 2e-3\n"
        "count = 1\n",
        reading_s=0.066,  # three conversions of a power line cycle, behind the delay
    ),
    Keysight34465A.model: ReadoutModel(  # a burst of one gate; what it finds at twice the rate
        Keysight34465A, "multimeter", 'channels = ["X2", "Y2"]\nsamples = 54\ninterval_s = 5e-4\n'
    ),
    KeysightPNA.model: ReadoutModel(
        _analyser,
        "analyser",
        f"points = {PNA_POINTS}                  # each a channel\n"
        'quantity = "magnitude"       # S21 = 0.5 (1 + 0.02 (signal + noise)): linear in both\n'
        "start_Hz = 4.0e9\n"
        "stop_Hz = 10.0e9\n"
        f"if_bandwidth_Hz = {PNA_BANDWIDTH_HZ}\n",
        reading_s=PNA_POINTS * (1.0 / PNA_BANDWIDTH_HZ + OVERHEAD_S),
    ),
}
TESLAMETERS: dict[str, Probe] = {
    one.model: one for one in (LakeShore425, LakeShore475, LakeShoreF71)
}
THERMOMETERS = {LakeShore336.model: LakeShore336}
MODELS = (*SUPPLIES, *READOUTS, *TESLAMETERS, *THERMOMETERS)


def check_models(models: Sequence[str]) -> None:
    """Raise an `InputError` that names every model there is no twin of."""
    problems = [] if models else [f"no models named; known: {', '.join(MODELS)}"]
    for model in models:
        if model not in MODELS:
            near = difflib.get_close_matches(model, MODELS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"available: {', '.join(MODELS)}"
            problems.append(f"no virtual instrument for model {model!r}; {hint}")
    raise_problems(InputError, "virtual rig", problems)

"""The virtual rig: instruments on one device and one device time, from one seed."""

from __future__ import annotations

import hashlib
import json
import math
import threading
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from instruments.virtual.bipolar import BipolarSupply
from instruments.virtual.clock import VirtualClock
from instruments.virtual.coil import CoilParameters
from instruments.virtual.devices import DRIVES, Feeling, Resonant, make_device
from instruments.virtual.electronics import DeviceSource, OpenInput, ResonantSource, Source
from instruments.virtual.instrument import DeviceTime, Port, VirtualInstrument
from instruments.virtual.kepco_bop import KepcoBop
from instruments.virtual.keysight_pna import KeysightPNA
from instruments.virtual.models import READOUTS, SUPPLIES, TESLAMETERS, THERMOMETERS, check_models
from instruments.virtual.sr830 import SR830
from instruments.virtual.sr830_signal import INTEGERS, REALS
from models.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from instruments.virtual.faults import FaultScript

DEFAULT_MODELS = (KepcoBop.model, SR830.model)
DEFAULT_DEVICE = "nanoring"
CLOCK = VirtualClock.model


class VirtualRig:
    """Instruments by key, joined to one device.

    It sits in the first supply's coil and the first read-out sees it; field probes are in that
    coil, too. Further instruments stand beside: a supply with a coil of its own, a read-out with an
    open input. The first supply's trigger output, if it has one, is wired to every trigger input.
    The same seed and the same commands give the same replies, however slow the host is.

    Parameters
    ----------
    device
        A name of `devices.DEVICES`.
    models
        Names of `models.MODELS`, one instrument each; a virtual clock is always added.
    seed
        Of the device, the read-out noise and the drift, each a stream of its own.
    accelerate
        Device seconds in one second of the host; `inf`: nothing waits.
    wire_log
        Called with host time, device time, model, direction and bytes of every message.
    faults
        What goes wrong, and when; None: nothing does.

    Raises
    ------
    InputError
        Unknown device or model, `accelerate` or seed out of range, faults of no instrument here.
    """

    def __init__(
        self,
        device: str = DEFAULT_DEVICE,
        models: Sequence[str] = DEFAULT_MODELS,
        seed: int = 0,
        accelerate: float = math.inf,
        wire_log: Callable[[float, float, str, str, bytes], None] | None = None,
        faults: FaultScript | None = None,
    ) -> None:
        if seed < 0:
            raise InputError(f"virtual rig: seed = {seed} must be zero or more")
        check_models(models)
        self.device_name = device
        self.accelerate = accelerate
        self.time = DeviceTime(accelerate)
        self._lock = threading.RLock()
        self.tap = wire_log
        streams = np.random.SeedSequence(seed).spawn(3 + len(models))
        device_seed, self._noise_seed, self._drift_seed = streams[:3]
        self._device = make_device(device, device_seed)
        self.drive = DRIVES[device]
        self.electronics = self.drive.electronics
        self._coil = replace(CoilParameters(), tesla_per_ampere=self.drive.tesla_per_ampere)
        supplies = [model for model in models if model in SUPPLIES]
        readouts = [model for model in models if model in READOUTS]
        self._joined_models = (*supplies[:1], *readouts[:1])
        self.coil = SUPPLIES[supplies[0]].coil_of(self._coil) if supplies else self._coil
        self.instruments: dict[str, VirtualInstrument] = {}
        self._build(models, streams[3:])
        self._faults = faults
        if faults is not None:
            faults.check(self.instruments)

    def _build(self, models: Sequence[str], streams: Sequence[np.random.SeedSequence]) -> None:
        supplies: list[Any] = [
            SUPPLIES[model].make(self.time, SUPPLIES[model].coil_of(self._coil))
            for model in models
            if model in SUPPLIES
        ]
        outputs = [one.supply for one in supplies]
        self._output = outputs[0] if outputs else None
        joined = self._joined()
        waiting_supplies, seen_readout = iter(supplies), False
        for model, stream in zip(models, streams, strict=True):
            if model in SUPPLIES:
                self._add(next(waiting_supplies))
            elif model in THERMOMETERS:
                self._add(THERMOMETERS[model](self.time, outputs))
            elif model in TESLAMETERS:
                self._add(TESLAMETERS[model](self.time, self.field_T, stream))
            else:
                source = OpenInput(self.electronics, stream) if seen_readout else joined
                self._add(READOUTS[model].make(self.time, source))
                seen_readout = True
        self._add(VirtualClock(self.time))
        if isinstance(self._output, BipolarSupply):
            for instrument in self.instruments.values():
                if hasattr(instrument, "trigger_in"):
                    instrument.trigger_in = self._output.edges

    def _joined(self) -> Source:
        """What the first read-out sees: the device, which feels the first supply's coil."""
        device, output = self._device, self._output
        seeds = self._noise_seed, self._drift_seed
        if isinstance(device, Feeling) and output is not None:
            tesla_per_ampere, feel, gate = self.coil.tesla_per_ampere, device.feel, device.gate
            output.felt = lambda current_A, seconds: feel(current_A * tesla_per_ampere, seconds)
            if isinstance(output, BipolarSupply):
                output.seen = lambda mean_A: gate(mean_A * tesla_per_ampere)
        if isinstance(device, Resonant):
            return ResonantSource(device, output, self.time, self.electronics, *seeds)
        return DeviceSource(device, output, self.time, self.electronics, *seeds)

    def field_T(self) -> float:
        """The field in the first supply's coil now; 0 where there is no supply."""
        if self._output is None:
            return 0.0
        self._output.follow()
        return float(self._output.coil.current_A * self._output.coil.parameters.tesla_per_ampere)

    def _add(self, instrument: VirtualInstrument) -> None:
        number = sum(other.model == instrument.model for other in self.instruments.values()) + 1
        instrument.key = instrument.model if number == 1 else f"{instrument.model}#{number}"
        self.instruments[instrument.key] = instrument

    def connect(self, key: str) -> Port:
        """Open a connection to an instrument; the messages of all connections take turns."""
        if self._faults is not None:
            return self._faults.connect(self.instruments[key], self._lock, self.tap)
        return Port(self.instruments[key], self._lock, self.tap)

    def refuses(self, key: str) -> bool:
        """Whether a fault keeps an instrument from taking a connection now."""
        return self._faults is not None and self._faults.refuses(key)

    @property
    def gate_s(self) -> float:
        """Device time of one gate (one rotation)."""
        return self._device.duration_s

    def spectral(self, model: str) -> bool:
        """Whether a read-out of that model, joined to the device, sees a spectrum of its own."""
        return model == KeysightPNA.model and isinstance(self._device, Resonant)

    def fingerprint(self) -> str:
        """SHA-256 over every physical parameter: device, coil, read-out chain, lock-in as left.

        Neither seed nor acceleration enter: they choose a run, not the rig.
        """
        parameters: dict[str, object] = {
            "device": self.device_name,
            "device_parameters": dict(self._device.parameters),
            "gate_s": self._device.duration_s,
            "coil": asdict(self.coil),
            "electronics": asdict(self.electronics),
            "sr830": {name: left for name, (_, _, left) in (INTEGERS | REALS).items()},
        }
        others = [one for one in self._joined_models if one not in DEFAULT_MODELS]
        if others:
            parameters["joined"] = others
        canonical = json.dumps(parameters, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

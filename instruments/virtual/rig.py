"""The virtual rig: instruments on one device and one device time, from one seed."""

from __future__ import annotations

import difflib
import hashlib
import json
import math
import threading
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from instruments.virtual.clock import VirtualClock
from instruments.virtual.coil import CoilParameters
from instruments.virtual.devices import make_device
from instruments.virtual.electronics import DeviceSource, ElectronicsParameters, OpenInput, Source
from instruments.virtual.instrument import DeviceTime, Port, VirtualInstrument
from instruments.virtual.kepco_bop import KepcoBop
from instruments.virtual.lakeshore_336 import LakeShore336
from instruments.virtual.sr830 import SR830
from instruments.virtual.sr830_signal import INTEGERS, REALS
from models.errors import InputError, raise_problems

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from instruments.virtual.faults import FaultScript

SUPPLIES = (KepcoBop.model,)
READOUTS = (SR830.model,)
THERMOMETERS = (LakeShore336.model,)
DEFAULT_MODELS = (KepcoBop.model, SR830.model)
DEFAULT_DEVICE = "nanoring"
CLOCK = VirtualClock.model


class VirtualRig:
    """Instruments by key, joined to one device.

    It sits in the first supply's coil and the first read-out sees it. Further instruments stand
    beside: a supply with a coil of its own, a read-out with an open input. The same seed and the
    same commands give the same replies, however slow the host is.

    Parameters
    ----------
    device
        `nanoring` or `leaky-integrator`.
    models
        Driver names, one instrument each; a virtual clock is always added.
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
        _check_models(models)
        self.device_name = device
        self.accelerate = accelerate
        self.time = DeviceTime(accelerate)
        self.coil = CoilParameters()
        self.electronics = ElectronicsParameters()
        self._lock = threading.RLock()
        self.tap = wire_log
        streams = np.random.SeedSequence(seed).spawn(3 + len(models))
        device_seed, self._noise_seed, self._drift_seed = streams[:3]
        self._device = make_device(device, device_seed)
        self.instruments: dict[str, VirtualInstrument] = {}
        self._build(models, streams[3:])
        self._faults = faults
        if faults is not None:
            faults.check(self.instruments)

    def _build(self, models: Sequence[str], streams: Sequence[np.random.SeedSequence]) -> None:
        supplies = [KepcoBop(self.time, self.coil) for model in models if model in SUPPLIES]
        joined: Source = DeviceSource(
            self._device,
            supplies[0].supply if supplies else None,
            self.time,
            self.electronics,
            self._noise_seed,
            self._drift_seed,
        )
        waiting_supplies, seen_readout = iter(supplies), False
        for model, stream in zip(models, streams, strict=True):
            if model in SUPPLIES:
                self._add(next(waiting_supplies))
            elif model in THERMOMETERS:
                self._add(LakeShore336(self.time, [one.supply for one in supplies]))
            else:
                source = OpenInput(self.electronics, stream) if seen_readout else joined
                self._add(SR830(self.time, source))
                seen_readout = True
        self._add(VirtualClock(self.time))

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

    def fingerprint(self) -> str:
        """SHA-256 over every physical parameter: device, coil, read-out chain, lock-in as left.

        Neither seed nor acceleration enter: they choose a run, not the rig.
        """
        parameters = {
            "device": self.device_name,
            "device_parameters": dict(self._device.parameters),
            "gate_s": self._device.duration_s,
            "coil": asdict(self.coil),
            "electronics": asdict(self.electronics),
            "sr830": {name: left for name, (_, _, left) in (INTEGERS | REALS).items()},
        }
        canonical = json.dumps(parameters, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


def _check_models(models: Sequence[str]) -> None:
    known = SUPPLIES + READOUTS + THERMOMETERS
    problems = [] if models else [f"no models named; known: {', '.join(known)}"]
    for model in models:
        if model not in known:
            near = difflib.get_close_matches(model, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"available: {', '.join(known)}"
            problems.append(f"no virtual instrument for model {model!r}; {hint}")
    raise_problems(InputError, "virtual rig", problems)

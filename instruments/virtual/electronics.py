"""Between device and lock-in: the gate, volts, read-out noise, thermal drift of the offset."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from instruments.virtual.bipolar import BipolarSupply
from instruments.virtual.spectrum_noise import SpectrumNoise, SpectrumNoiseParameters

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from instruments.virtual.devices import Device, Resonant
    from instruments.virtual.instrument import DeviceTime

_BLOCK = 4096  # normal draws fetched at once
MOST_POINTS = 2001  # of an axis that are computed one by one


@dataclass(frozen=True)
class ElectronicsParameters:
    """What the read-out adds; part of the frozen reference rig.

    `full_signal_V` is the lock-in voltage of a signal of 1 (rig strip: about 100 µV). Noise and
    drift are fractions of it: white Gaussian noise on each reading and channel, and an offset that
    wanders as an Ornstein-Uhlenbeck process with this standard deviation and correlation time.
    """

    full_signal_V: float = 1.0e-4
    noise_fraction: float = 3.0e-3
    drift_fraction: float = 1.0e-3
    drift_time_s: float = 3600.0


class Normals:
    """Independent standard normal draws, fetched in blocks because one at a time is slow."""

    def __init__(self, seed: np.random.SeedSequence) -> None:
        self._rng = np.random.default_rng(seed)
        self._block: list[float] = []

    def pair(self) -> tuple[float, float]:
        """Two draws."""
        if not self._block:
            self._block = self._rng.standard_normal(_BLOCK).tolist()
        return self._block.pop(), self._block.pop()


class Source(Protocol):
    """What a lock-in's input is connected to."""

    frequency_Hz: float
    harmonic: int

    def gate(self) -> tuple[float, float]:
        """Let one gate pass; in-phase and quadrature signal in V, without read-out noise."""

    def noise(self) -> tuple[float, float]:
        """Read-out noise of one reading, in V."""

    def watch_list(self, watching: bool) -> None:
        """Let a supply's list gate the device from now on, or no longer."""

    def list_gates(self) -> Iterator[tuple[int, tuple[float, float]]]:
        """Each gate by a list's point since the last call: its end in ns, and signal as `gate`."""


class DeviceSource:
    """The device in the coil of a supply, seen through wires and amplifiers.

    Parameters
    ----------
    device
        What answers.
    supply
        Whose coil makes the field; None: no field.
    device_time
        The rig's time.
    parameters
        Volts, noise and drift.
    noise_seed, drift_seed
        Their streams.
    """

    harmonic = 2  # anisotropic magnetoresistance goes with cos² of an angle: twice a turn

    def __init__(
        self,
        device: Device,
        supply: BipolarSupply | None,
        device_time: DeviceTime,
        parameters: ElectronicsParameters,
        noise_seed: np.random.SeedSequence,
        drift_seed: np.random.SeedSequence,
    ) -> None:
        self._device = device
        self._supply = supply
        self._time = device_time
        self._parameters = parameters
        self._noise = Normals(noise_seed)
        self._drift_draws = Normals(drift_seed)
        self._drift = self._drift_draws.pair()  # stationary from the start, in standard deviations
        self._drift_seen_ns = device_time.now_ns
        self.frequency_Hz = 1.0 / device.duration_s

    def gate(self) -> tuple[float, float]:
        """One rotation at the coil's mean current over it, with the drift of the offset."""
        field_T = 0.0
        if self._supply is None:
            self._time.advance(self._device.duration_s)
        else:
            self._supply.follow()
            self._time.advance(self._device.duration_s)
            field_T = self._supply.follow() * self._supply.coil.parameters.tesla_per_ampere
        return self._signal(self._device.gate(field_T), self._time.now_ns)

    def watch_list(self, watching: bool) -> None:
        """Let the points of the supply's list gate the device, or no longer."""
        if isinstance(self._supply, BipolarSupply):
            self._supply.watch_list(self._device.duration_s if watching else None)

    def list_gates(self) -> Iterator[tuple[int, tuple[float, float]]]:
        """One rotation for each point of a list that lasts for one: its end, and its signal."""
        if isinstance(self._supply, BipolarSupply):
            scale = self._supply.coil.parameters.tesla_per_ampere
            for end_ns, mean_A, seen in self._supply.take_gates():
                yield end_ns, self._signal(seen or self._device.gate(mean_A * scale), end_ns)

    def _signal(self, seen: tuple[float, float], now_ns: int) -> tuple[float, float]:
        """What a gate that ends now gives, with the drift of the offset."""
        x, y = seen
        drift_x, drift_y = self._wander(now_ns)
        full_V, drift = self._parameters.full_signal_V, self._parameters.drift_fraction
        return full_V * (x + drift * drift_x), full_V * (y + drift * drift_y)

    def noise(self) -> tuple[float, float]:
        """White Gaussian noise of one reading."""
        sigma_V = self._parameters.full_signal_V * self._parameters.noise_fraction
        x, y = self._noise.pair()
        return sigma_V * x, sigma_V * y

    def _wander(self, now_ns: int) -> tuple[float, float]:
        """Exact step of the Ornstein-Uhlenbeck process over the device time since the last gate.

        A list's gate may have ended within one that was read meanwhile: no time passed between.
        """
        seconds = max(0, now_ns - self._drift_seen_ns) * 1e-9
        self._drift_seen_ns = max(now_ns, self._drift_seen_ns)
        keep = math.exp(-seconds / self._parameters.drift_time_s)
        kick = math.sqrt(-math.expm1(-2.0 * seconds / self._parameters.drift_time_s))
        (x, y), (a, b) = self._drift, self._drift_draws.pair()
        self._drift = (keep * x + kick * a, keep * y + kick * b)
        return self._drift


class ResonantSource(DeviceSource):
    """A device with a resonance spectrum: a lock-in sees two frequencies, an analyser all of it.

    S21 = `loss` (1 + `depth` (signal + noise)): the noise of the spectrum is that which was
    measured on a real array, in units of the signal, and |S21| is linear in both. Both are smooth
    over 0.4 GHz and more: of an axis of more than `MOST_POINTS` (at most 13 MHz apart) so many are
    computed, and the others lie between, for the memory grows with their square.

    Parameters
    ----------
    device, supply, device_time, parameters, noise_seed, drift_seed
        As for `DeviceSource`.
    """

    loss = 0.5
    depth = 0.02

    def __init__(
        self,
        device: Resonant,
        supply: BipolarSupply | None,
        device_time: DeviceTime,
        parameters: ElectronicsParameters,
        noise_seed: np.random.SeedSequence,
        drift_seed: np.random.SeedSequence,
    ) -> None:
        super().__init__(device, supply, device_time, parameters, noise_seed, drift_seed)
        self._resonant = device
        (seed,) = noise_seed.spawn(1)
        self._spectrum_noise = SpectrumNoise(SpectrumNoiseParameters(), device_time, seed)

    def sweep(self, frequency_Hz: NDArray[np.float64]) -> NDArray[np.complex128]:
        """S21 `(N,)` in the present field, as the history of fields left the device."""
        field_T = 0.0
        if self._supply is not None:
            self._supply.follow()
            coil = self._supply.coil
            field_T = coil.current_A * coil.parameters.tesla_per_ampere
        seen_Hz = frequency_Hz
        if frequency_Hz.size > MOST_POINTS:
            seen_Hz = np.linspace(frequency_Hz[0], frequency_Hz[-1], MOST_POINTS)
        signal = self._resonant.spectrum(seen_Hz, field_T)
        signal += self._spectrum_noise.draw(seen_Hz)
        if seen_Hz is not frequency_Hz:
            signal = np.interp(frequency_Hz, seen_Hz, signal)
        trace: NDArray[np.complex128] = (self.loss * (1.0 + self.depth * signal)).astype(complex)
        return trace


class OpenInput:
    """An input with nothing on it: read-out noise only."""

    frequency_Hz = 37.0
    harmonic = 2

    def __init__(self, parameters: ElectronicsParameters, seed: np.random.SeedSequence) -> None:
        self._sigma_V = parameters.full_signal_V * parameters.noise_fraction
        self._noise = Normals(seed)

    def gate(self) -> tuple[float, float]:
        """Nothing to wait for, nothing to see."""
        return 0.0, 0.0

    def watch_list(self, watching: bool) -> None:
        """No list gates anything here."""

    def list_gates(self) -> Iterator[tuple[int, tuple[float, float]]]:
        """None."""
        return iter(())

    def noise(self) -> tuple[float, float]:
        """White Gaussian noise of one reading."""
        x, y = self._noise.pair()
        return self._sigma_V * x, self._sigma_V * y

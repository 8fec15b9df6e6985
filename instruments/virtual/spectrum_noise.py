"""Noise of a spectrum: white from sweep to sweep, smooth from channel to channel, on slow drift.

Measured on 117 repeats of a real spin-vortex ice (60 channels): Gaussian, lag-1 correlation in time
0.02 once the drift is taken off, correlation over neighbouring channels 0.96, 0.87, 0.75, 0.60 …,
zero at 8 and −0.17 at 12 channels. A Gaussian times a cosine follows that within 0.06.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from instruments.virtual.instrument import DeviceTime

    Array = NDArray[np.float64]

JITTER = 1e-6  # of the variance: neighbours that are nearly equal keep the matrix invertible


@dataclass(frozen=True)
class SpectrumNoiseParameters:
    """Noise and drift in units of the signal, and how they go over frequency.

    `noise` and `drift` are standard deviations; the correlation of two channels Δf apart is
    exp(−Δf²/2 width²) cos(2π Δf/period); the drift follows an Ornstein-Uhlenbeck process.
    """

    noise: float = 1.34e-2
    drift: float = 1.4e-3
    width_Hz: float = 0.68e9
    period_Hz: float = 3.36e9
    drift_time_s: float = 600.0


class SpectrumNoise:
    """Draws the noise of one sweep after another on a frequency axis that may change."""

    def __init__(
        self,
        parameters: SpectrumNoiseParameters,
        device_time: DeviceTime,
        seed: np.random.SeedSequence,
    ) -> None:
        self.parameters = parameters
        self._time = device_time
        self._rng = np.random.default_rng(seed)
        self._axis: bytes = b""
        self._root = np.empty((0, 0))
        self._drift = np.empty(0)
        self._seen_ns = device_time.now_ns

    def draw(self, frequency_Hz: Array) -> Array:
        """Noise and drift of one sweep over these frequencies `(N,)`."""
        if self._axis != frequency_Hz.tobytes():
            self._root = self._root_of(frequency_Hz)
            self._axis = frequency_Hz.tobytes()
            self._drift = self._smooth()
        p, now_ns = self.parameters, self._time.now_ns
        seconds = (now_ns - self._seen_ns) * 1e-9
        self._seen_ns = now_ns
        keep = math.exp(-seconds / p.drift_time_s)
        kick = math.sqrt(-math.expm1(-2.0 * seconds / p.drift_time_s))
        self._drift = keep * self._drift + kick * self._smooth()
        total: Array = p.noise * self._smooth() + p.drift * self._drift
        return total

    def _smooth(self) -> Array:
        smooth: Array = self._root @ self._rng.standard_normal(len(self._root))
        return smooth

    def _root_of(self, frequency_Hz: Array) -> Array:
        p = self.parameters
        apart_Hz = frequency_Hz[:, None] - frequency_Hz
        covariance = np.exp(-0.5 * (apart_Hz / p.width_Hz) ** 2)
        covariance *= np.cos(2.0 * np.pi * apart_Hz / p.period_Hz)
        covariance += JITTER * np.eye(len(frequency_Hz))
        root: Array = np.linalg.cholesky(covariance)
        return root

"""Inside the SR860: its settings' ranges, the way from input to outputs, overloads.

The sensitivity only scales analogue outputs and display; a number on the bus is what the filters
hold, and the input range is what can overload. That the status word then also shows the outputs'
overload at 109 % of full scale is judgement, as is the factor between peak and r.m.s. at the input.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from instruments.virtual.lock_in_filter import LockInFilter, turned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from instruments.virtual.electronics import Source

SENSITIVITY_V = tuple(float(f"{m}e{e}") for e in range(-1, -11, -1) for m in (10, 5, 2))[:28]
TIME_CONSTANT_S = tuple(float(f"{m}e{e}") for e in range(-6, 5) for m in (1, 3))
INPUT_RANGE_V = (1.0, 0.3, 0.1, 0.03, 0.01)  # peak
OUTPUT_HEADROOM = 1.09
OUTPUT_1, OUTPUT_2, UNLOCKED, INPUT = 1, 2, 8, 16  # bits of LIAS?

# mnemonic: (lowest, highest, as the bench was left)
INTEGERS: dict[str, tuple[int, int, int]] = {
    "TBMODE": (0, 1, 0),
    "HARM": (1, 99, 2),
    "HARMDUAL": (1, 99, 1),
    "RSRC": (0, 3, 1),  # external reference: the field's rotation
    "RTRG": (0, 2, 1),
    "REFZ": (0, 1, 1),
    "REFM": (0, 1, 0),
    "IVMD": (0, 1, 0),
    "ISRC": (0, 1, 0),
    "ICPL": (0, 1, 0),
    "IGND": (0, 1, 0),
    "IRNG": (0, 4, 4),  # 10 mV
    "ICUR": (0, 1, 0),
    "SCAL": (0, 27, 11),  # 200 µV: the full signal is half of it
    "OFLT": (0, 21, 8),  # 10 ms: about a third of a rotation
    "OFSL": (0, 3, 0),
    "SYNC": (0, 1, 1),
    "ADVFILT": (0, 1, 0),
    "DBLK": (0, 1, 1),
    "OVRM": (0, 1, 1),
    "*ESE": (0, 255, 0),
    "*SRE": (0, 255, 0),
    "LIAE": (0, 65535, 0),
}
REALS: dict[str, tuple[float, float, float]] = {
    "PHAS": (-3.6e5, 3.6e5, 0.0),
    "FREQ": (0.001, 500000.0, 1000.0),
    "FREQINT": (0.001, 500000.0, 1000.0),
    "SLVL": (1.0e-9, 2.0, 0.004),
    "SOFF": (-5.0, 5.0, 0.0),
}
# *RST: the factory's settings, not the bench's
FACTORY: dict[str, float] = {
    "HARM": 1, "RSRC": 0, "IRNG": 0, "SCAL": 0, "OFLT": 10, "OFSL": 1, "SYNC": 0, "SLVL": 0.0,
}  # fmt: skip


class SignalPath:
    """From the input to X and Y: range, reference, phase, filter, noise.

    Parameters
    ----------
    source
        What the input is connected to.
    settings
        The instrument's settings by mnemonic; read at every gate.
    """

    def __init__(self, source: Source, settings: dict[str, float]) -> None:
        self._source = source
        self._set = settings
        self._filter = LockInFilter()
        self.status = 0

    @property
    def _poles(self) -> int:
        """6 dB an octave each."""
        return int(self._set["OFSL"]) + 1

    @property
    def frequency_Hz(self) -> float:
        """Reference frequency: the source's, or the internal oscillator's."""
        return self._set["FREQINT"] if self._set["RSRC"] == 0 else self._source.frequency_Hz

    @property
    def detected_Hz(self) -> float:
        """The harmonic that is detected."""
        return self.frequency_Hz * self._set["HARM"]

    def gate(self) -> None:
        """Let one gate of the source pass: each filter pole sees it for the gate's duration."""
        self._take(self._source.gate())

    def watch_list(self, watching: bool) -> None:
        """Let the points of a supply's list gate the source, or no longer."""
        self._source.watch_list(watching)

    def list_gates(self) -> Iterator[int]:
        """The end in ns of each gate by a list; the outputs change when the next is asked for."""
        for end_ns, signal in self._source.list_gates():
            yield end_ns
            self._take(signal)

    def _take(self, seen: tuple[float, float]) -> None:
        """One gate's signal: through the range and the filters, with the noise of a reading."""
        signal = self._limited(seen)
        on = (
            self._set["HARM"] == self._source.harmonic
            and abs(self.frequency_Hz - self._source.frequency_Hz) < 1e-3
            and self._set["IVMD"] == 0
        )
        stage = turned(signal if on else (0.0, 0.0), self._set["PHAS"])
        gate_s = 1.0 / self._source.frequency_Hz
        share = -math.expm1(-gate_s / TIME_CONSTANT_S[int(self._set["OFLT"])])
        self._filter.take(stage, share, self._poles, self._source.noise())
        full_V = OUTPUT_HEADROOM * SENSITIVITY_V[int(self._set["SCAL"])]
        for bit, value in zip((OUTPUT_1, OUTPUT_2), self.outputs(), strict=True):
            self.status |= bit if abs(value) > full_V else 0

    def _limited(self, signal: tuple[float, float]) -> tuple[float, float]:
        """The signal as the input's range lets it through."""
        peak_V = math.hypot(*signal) * math.sqrt(2.0)
        range_V = INPUT_RANGE_V[int(self._set["IRNG"])]
        if peak_V <= range_V:
            return signal
        self.status |= INPUT
        return signal[0] * range_V / peak_V, signal[1] * range_V / peak_V

    def outputs(self) -> tuple[float, float]:
        """X and Y in V."""
        return self._filter.reading(self._poles)

    def turn(self, degrees: float) -> None:
        """Turn what the filters hold, with the reference phase."""
        self._filter.turn(degrees)

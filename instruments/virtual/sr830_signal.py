"""Inside the SR830: its settings' ranges, the way from input to outputs, overloads."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from instruments.virtual.lock_in_filter import LockInFilter, turned
from instruments.virtual.output_offsets import OutputOffsets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from instruments.virtual.electronics import Source

SENSITIVITY_V = tuple(float(f"{m}e{e}") for e in range(-9, 1) for m in (1, 2, 5))[1:28]
TIME_CONSTANT_S = tuple(float(f"{m}e{e}") for e in range(-5, 5) for m in (1, 3))
OUTPUT_HEADROOM = 1.09  # outputs saturate at 109 % of full scale
RESERVE = (1000.0, 50.0, 5.0)  # RMOD high, normal, low noise: signal over full scale at overload
INPUT_OVERLOAD, OUTPUT_OVERLOAD = 1, 4  # bits of LIAS?

# mnemonic: (lowest, highest, as the bench was left)
INTEGERS: dict[str, tuple[int, int, int]] = {
    "OUTX": (0, 1, 1),  # replies on GPIB, which is this port
    "FMOD": (0, 1, 0),  # external reference: the field's rotation
    "RSLP": (0, 2, 0),
    "HARM": (1, 19999, 2),
    "ISRC": (0, 3, 0),
    "IGND": (0, 1, 0),
    "ICPL": (0, 1, 0),
    "ILIN": (0, 3, 0),
    "SENS": (0, 26, 15),  # 2 nV … 1 V; 200 µV: the full signal is half of it
    "RMOD": (0, 2, 1),
    "OFLT": (0, 19, 6),  # 10 µs … 30 ks; 10 ms: about a third of a rotation
    "OFSL": (0, 3, 0),
    "SYNC": (0, 1, 1),  # below 200 Hz: averages over a whole period, so that 2f ripple is gone
    "SRAT": (0, 14, 4),
    "SEND": (0, 1, 1),
    "OVRM": (0, 1, 1),
    "LOCL": (0, 2, 0),
    "KCLK": (0, 1, 0),
    "ALRM": (0, 1, 0),
    "*ESE": (0, 255, 0),
    "*SRE": (0, 255, 0),
    "*PSC": (0, 1, 1),
    "ERRE": (0, 255, 0),
    "LIAE": (0, 255, 0),
}
REALS: dict[str, tuple[float, float, float]] = {
    "PHAS": (-360.0, 729.99, 0.0),
    "FREQ": (0.001, 102000.0, 37.0),
    "SLVL": (0.004, 5.0, 0.004),
}
# *RST: the factory's settings, not the bench's
FACTORY: dict[str, float] = {
    "FMOD": 1, "FREQ": 1000.0, "SLVL": 1.0, "HARM": 1, "SENS": 26, "OFLT": 8, "OFSL": 1,
    "SYNC": 0, "RMOD": 0,
}  # fmt: skip


class SignalPath:
    """From the input to X and Y: reference, phase, filter, noise, saturation.

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
        self.overloads = 0
        self.overdriven = 0  # gates still to come whose input is overloaded from outside
        self._clipped = False
        self.shown = [0, 0]  # displays: X or R, Y or θ
        self.offsets = OutputOffsets()

    @property
    def _poles(self) -> int:
        """6 dB an octave each."""
        return int(self._set["OFSL"]) + 1

    @property
    def frequency_Hz(self) -> float:
        """Reference frequency: the source's, or the internal oscillator's."""
        return self._set["FREQ"] if self._set["FMOD"] == 1 else self._source.frequency_Hz

    def gate(self) -> None:
        """Let one gate of the source pass: each filter pole sees it for the gate's duration."""
        self._take(*self._source.gate())

    def watch_list(self, watching: bool) -> None:
        """Let the points of a supply's list gate the source, or no longer."""
        self._source.watch_list(watching)

    def list_gates(self) -> Iterator[int]:
        """The end in ns of each gate by a list; the outputs change when the next is asked for."""
        for end_ns, (x_V, y_V) in self._source.list_gates():
            yield end_ns
            self._take(x_V, y_V)

    def _take(self, x_V: float, y_V: float) -> None:
        """One gate's signal: through the filters, with the noise of a reading."""
        if not self._on_signal():
            x_V = y_V = 0.0
        stage = turned((x_V, y_V), self._set["PHAS"])
        gate_s = 1.0 / self._source.frequency_Hz
        share = -math.expm1(-gate_s / TIME_CONSTANT_S[int(self._set["OFLT"])])
        self._filter.take(stage, share, self._poles, self._source.noise())
        self._judge(math.hypot(x_V, y_V))
        self._clipped = self.overdriven > 0
        if self._clipped:
            self.overdriven -= 1
            self.overloads |= INPUT_OVERLOAD | OUTPUT_OVERLOAD

    def _on_signal(self) -> bool:
        source = self._source
        return (
            self._set["HARM"] == source.harmonic
            and abs(self.frequency_Hz - source.frequency_Hz) < 1e-3
        )

    def _judge(self, input_V: float) -> None:
        full_V = SENSITIVITY_V[int(self._set["SENS"])]
        if input_V > RESERVE[int(self._set["RMOD"])] * full_V:
            self.overloads |= INPUT_OVERLOAD
        if max(map(abs, self.unclipped())) > OUTPUT_HEADROOM * full_V:
            self.overloads |= OUTPUT_OVERLOAD

    def unclipped(self) -> tuple[float, float]:
        """X and Y in V as unlimited outputs would show them."""
        return self._filter.reading(self._poles)

    def outputs(self) -> tuple[float, float]:
        """X and Y in V, saturated at 109 % of full scale."""
        limit_V = OUTPUT_HEADROOM * SENSITIVITY_V[int(self._set["SENS"])]
        if self._clipped:
            return limit_V, limit_V
        x, y = self.unclipped()
        return max(-limit_V, min(limit_V, x)), max(-limit_V, min(limit_V, y))

    def turn(self, degrees: float) -> None:
        """Turn what the filters hold, with the reference phase."""
        self._filter.turn(degrees)

    def displays(self) -> tuple[float, float]:
        """What the two displays show: that is what the buffer stores."""
        return self.value(3 if self.shown[0] else 1), self.value(4 if self.shown[1] else 2)

    def value(self, quantity: int) -> float:
        """X, Y or R (1, 2, 3) less its offset, or θ (4) in degrees."""
        x, y = self.outputs()
        if quantity == 4:
            return math.degrees(math.atan2(y, x))
        found = math.hypot(x, y) if quantity == 3 else (x, y)[quantity - 1]
        percent = self.offsets.percent[quantity]
        return found - percent / 100.0 * SENSITIVITY_V[int(self._set["SENS"])] if percent else found

"""The SR830's data buffers: what its two displays show, sampled by its own clock.

Commands: SR830 manual, chapter 5, "Data storage" and "Data transfer": `SRAT i` (62.5 mHz · 2ⁱ up to
512 Hz), `SEND 0` (stop at the end of the buffer), `REST`, `STRT`, `PAUS`, `SPTS?`, `TRCA? i,j,k`
(a comma behind each value, the last one too), `TSTR 1` (a rising edge at the trigger input starts
the storage; for the rates of `SRAT 0` to `13`). Buffer 1 stores display 1 (`DDEF 1,j,0`: X, R),
buffer 2 display 2 (Y, θ). Only displays and storage are set, nothing that a measurement rests on.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from instruments.answers import NUMBER
from instruments.drivers.exchange import entry, waiting, whole
from instruments.sequenced import poles_left_over

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from instruments.visa import VisaSession

SHOWN = {"X": (1, 0), "R": (1, 1), "Y": (2, 0), "theta": (2, 1)}  # display, and its `j` of DDEF
TIME_CONSTANT_S = tuple((1, 3)[i % 2] * 10.0 ** (i // 2 - 5) for i in range(20))  # 10 µs … 30 ks
POLES = (1, 2, 3, 4)  # OFSL: 6 dB an octave each
AT_ONCE = 500  # samples in one answer: about 6 kB, …
SERIAL_AT_ONCE = 100  # … and on RS-232, where a dead instrument must be noticed soon, too
SERIAL_SAMPLE_S = 16 * 10 / 9600  # a sample of 16 characters at the rate it leaves the factory with


class Sr830Buffer:
    """Both buffers as one memory of the bench's channels.

    Parameters
    ----------
    session
        The lock-in's open session.
    channels
        The bench's.
    """

    trigger_rises = True
    most_points = 16383
    rates_Hz = tuple(0.0625 * 2.0**i for i in range(14))

    def __init__(self, session: VisaSession, channels: tuple[str, ...]) -> None:
        self._session = session
        self._channels = channels
        self._by_trigger = False
        serial = session.resource_name.startswith("ASRL")
        self._at_once = SERIAL_AT_ONCE if serial else AT_ONCE
        self._sample_s = SERIAL_SAMPLE_S if serial else 0.0

    def problems(self) -> list[str]:
        """Two of the channels on one display can't be stored together."""
        displays = [SHOWN[channel][0] for channel in self._channels]
        if len(set(displays)) == len(displays):
            return []
        return [
            f"its buffers store one of X, R and one of Y, theta, not {'+'.join(self._channels)}: "
            "change the bench key channels"
        ]

    def left_over(self, seconds: float) -> float:
        """`OFLT?`, `OFSL?`: what the filter still shows of an earlier value so long after it."""
        time_constant_s = entry(self._session, "OFLT?", TIME_CONSTANT_S)
        return poles_left_over(seconds, time_constant_s, entry(self._session, "OFSL?", POLES))

    def arm(self, rate_Hz: float) -> None:
        """`PAUS`, `DDEF`, `SRAT`, `SEND 0`, `TSTR 0`, `REST`; what counts is read back."""
        self._arm(rate_Hz, by_trigger=False)

    def arm_trigger(self, rate_Hz: float) -> None:
        """The same with `TSTR 1`: the next rising edge at the trigger input starts it."""
        self._arm(rate_Hz, by_trigger=True)

    def _arm(self, rate_Hz: float, *, by_trigger: bool) -> None:
        index = self.rates_Hz.index(rate_Hz)
        self._session.write("PAUS")
        for channel in self._channels:
            display, shown = SHOWN[channel]
            self._session.write(f"DDEF {display},{shown},0")
            self._expect(f"DDEF? {display}", f"{shown},0")
        self._session.write(f"SRAT {index}")
        self._session.write("SEND 0")
        self._by_trigger = by_trigger
        self._session.write(f"TSTR {by_trigger:d}")
        self._session.write("REST")
        self._expect("SRAT?", str(index))
        self._expect("SEND?", "0")
        self._expect("TSTR?", f"{by_trigger:d}")
        self._expect("SPTS?", "0")

    def start(self) -> None:
        """`STRT`."""
        self._session.write("STRT")

    def count(self) -> int:
        """`SPTS?`."""
        return whole(self._session, "SPTS?", self.most_points)

    def stop(self) -> None:
        """`PAUS`; no trigger starts it any more."""
        self._session.write("PAUS")
        if self._by_trigger:
            self._session.write("TSTR 0")

    def fetch(self, count: int) -> NDArray[np.float64]:
        """`TRCA?` of each channel's buffer, in parts."""
        found = np.empty((count, len(self._channels)))
        for column, channel in enumerate(self._channels):
            for first in range(0, count, self._at_once):
                part = min(self._at_once, count - first)
                found[first : first + part, column] = self._trace(SHOWN[channel][0], first, part)
        return found

    def _trace(self, buffer: int, first: int, count: int) -> list[float]:
        command = f"TRCA? {buffer},{first},{count}"
        with waiting(self._session, count * self._sample_s):
            reply = self._session.query(command)
        *parts, rest = reply.strip().split(",")
        texts = [part.strip() for part in parts]
        numbers = all(map(NUMBER.fullmatch, texts))
        if rest or len(texts) != count or not numbers:  # a reply that was cut lacks its last comma
            short = f"{reply[:20]}… ({len(texts)} values)"
            raise self._session.reject(command, short, f"{count} numbers, a comma behind each")
        values = [float(text) for text in texts]
        if not all(map(math.isfinite, values)):
            raise self._session.reject(command, reply[:40], "finite numbers")
        return values

    def _expect(self, command: str, wanted: str) -> None:
        reply = self._session.query(command)
        if reply.replace(" ", "") != wanted:
            raise self._session.reject(command, reply, wanted)

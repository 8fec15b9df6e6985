"""The SR860's capture buffer: X, Y, R, θ sampled by its own clock, fetched as binary blocks.

Commands: SR860 manual, "Capture commands", as QCoDeS' `SR86x.py` sends them. `CAPTURERATE n` sets
the fastest rate over 2ⁿ and answers hertz; `CAPTURELEN` is in kB and even; the buffer is read only
once the capture has stopped, at most 64 kB a message, each block of little-endian float32 without
a terminator behind it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from models.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from instruments.visa import VisaSession

CONFIGS = {("X",): 0, ("X", "Y"): 1, ("R", "theta"): 2, ("X", "Y", "R", "theta"): 3}
TRIGGERS = {"now": "IMM", "start": "TRIG", "each sample": "SAMP"}
LONGEST_KB, MOST_KB_AT_ONCE, KB = 4096, 64, 1024
SAMPLE_BYTES = 4
MOST_HALVINGS = 20
RUNNING = 1  # bit of CAPTURESTAT?


class Capture:
    """One capture after another into the instrument's buffer.

    Parameters
    ----------
    session
        The lock-in's open session.
    name
        Its name on the bench, for messages.
    """

    def __init__(self, session: VisaSession, name: str) -> None:
        self._session = session
        self._name = name
        self._width = 1

    def configure(self, channels: tuple[str, ...], samples: int, rate_Hz: float) -> float:
        """Choose channels, length and rate; returns the rate that the instrument then has, in Hz.

        That is the nearest one, the fastest (by the time constant) over a power of two.

        Raises
        ------
        InputError
            Channels that can't be captured together, more samples than the buffer holds, or a rate
            beyond the fastest or below the slowest.
        """
        where = f"{self._name}: capture"
        if channels not in CONFIGS:
            known = ", ".join("+".join(names) for names in CONFIGS)
            raise InputError(f"{where}: channels {'+'.join(channels)}; possible: {known}")
        size = samples * SAMPLE_BYTES * len(channels)
        if not 0 < size <= LONGEST_KB * KB:
            most = LONGEST_KB * KB // (SAMPLE_BYTES * len(channels))
            raise InputError(
                f"{where}: {samples} samples of {len(channels)} channel(s), expected 1 to {most}; "
                "capture in several parts, or fewer channels"
            )
        fastest_Hz = self._session.number("CAPTURERATEMAX?")
        halvings = round(math.log2(fastest_Hz / rate_Hz)) if rate_Hz > 0 else -1
        if not 0 <= halvings <= MOST_HALVINGS:
            slowest_Hz = fastest_Hz / 2.0**MOST_HALVINGS
            raise InputError(
                f"{where}: {rate_Hz:g} Hz, expected {slowest_Hz:.3g} to {fastest_Hz:g} Hz at this "
                "time constant"
            )
        self._width = len(channels)
        self._session.write(f"CAPTURECFG {CONFIGS[channels]}")
        self._session.write(f"CAPTURELEN {2 * math.ceil(size / (2 * KB))}")
        self._session.write(f"CAPTURERATE {halvings}")
        return self._session.number("CAPTURERATE?")

    def start(self, trigger: str = "now") -> None:
        """`CAPTURESTART ONE`: once, until the buffer is full; what was captured is forgotten.

        `trigger`: `now`, or the rear panel's TTL at the `start` or at `each sample`.
        """
        self._session.write(f"CAPTURESTART ONE, {TRIGGERS[trigger]}")

    def running(self) -> bool:
        """Whether samples are still to come."""
        return bool(round(self._session.number("CAPTURESTAT?")) & RUNNING)

    def captured(self) -> int:
        """How many samples there are; while it runs, too."""
        return round(self._session.number("CAPTUREBYTES?")) // (SAMPLE_BYTES * self._width)

    def stop(self) -> None:
        """`CAPTURESTOP`: no harm where it has ended."""
        self._session.write("CAPTURESTOP")

    def fetch(self) -> NDArray[np.float64]:
        """Stop, and return what was captured `(samples, channels)`; the fill behind it is cut off.

        Raises
        ------
        LinkError
            A block is shorter or longer than what was asked for.
        """
        self.stop()
        return self.blocks(self.captured())

    def blocks(self, count: int) -> NDArray[np.float64]:
        """The first samples `(count, channels)` of a capture that has ended; errors as `fetch`."""
        left = size = count * SAMPLE_BYTES * self._width
        received = bytearray()
        while left > 0:
            length_kB = min(MOST_KB_AT_ONCE, 2 * math.ceil(left / (2 * KB)))
            command = f"CAPTUREGET? {len(received) // KB}, {length_kB}"
            block = self._session.query_block(command, terminated=False)
            if len(block) != length_kB * KB:
                found = f"a block of {len(block)} bytes"
                raise self._session.reject(command, found, f"{length_kB} kB")
            received += block
            left -= len(block)
        values = np.frombuffer(bytes(received[:size]), dtype="<f4").astype(np.float64)
        return values.reshape(count, self._width)

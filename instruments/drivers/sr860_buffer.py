"""The SR860's capture as the bench's buffer: rates that the time constant allows, blocks of floats.

Commands: SR860 manual, "Capture commands", as QCoDeS' `SR86x.py` sends them. `CAPTURERATE n` sets
the fastest rate over 2ⁿ and answers hertz; `CAPTURELEN` is in kB and even; the buffer is read only
once the capture has stopped, at most 64 kB a message, each block of little-endian float32 without
a terminator behind it. What is captured is the smallest of X, XY, Rθ and XYRθ that holds the
bench's channels; the buffer is always as long as it can be, 4096 kB.
`CAPTURESTART ONE, TRIG`: a falling edge at the trigger input starts it (SR865A manual, p. 135; that
it is so on an SR860 is judgement: were it the rising one, samples of 1 ms later were taken).
The fastest rate follows from the time constant and is asked for (`CAPTURERATEMAX?`); the others
are it over 2ⁿ. The lock-in rounds what it answers (2441.41 Hz is 1.25 MHz / 512): rates within
1e-5 of such a one are taken for it, else 1000 s of samples would be 1.5 ms out.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from instruments.drivers.exchange import entry
from instruments.sequenced import poles_left_over

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from instruments.visa import VisaSession

CONFIGS = {("X",): 0, ("X", "Y"): 1, ("R", "theta"): 2, ("X", "Y", "R", "theta"): 3}
LONGEST_KB, MOST_KB_AT_ONCE, KB = 4096, 64, 1024
SAMPLE_BYTES = 4
MOST_HALVINGS = 20
TIME_CONSTANT_S = tuple((1, 3)[i % 2] * 10.0 ** (i // 2 - 6) for i in range(22))  # 1 µs … 30 ks
POLES = (1, 2, 3, 4)  # OFSL: 6 dB an octave each
SAMPLING_HZ = 1.25e6
ROUNDED = 1e-5  # relative: six digits


class Sr860Buffer:
    """The capture buffer as one memory of the bench's channels.

    Parameters
    ----------
    session
        The lock-in's open session.
    channels
        The bench's.
    """

    trigger_rises = False

    def __init__(self, session: VisaSession, channels: tuple[str, ...]) -> None:
        self._session = session
        captured = min(
            (names for names in CONFIGS if set(channels) <= set(names)),
            key=len,
            default=max(CONFIGS, key=len),
        )
        self._captured: tuple[str, ...] = captured
        self._columns = [captured.index(channel) for channel in channels]
        self._sample_bytes = SAMPLE_BYTES * len(captured)
        self._rates_Hz: tuple[float, ...] = ()

    @property
    def most_points(self) -> int:
        """What 4096 kB hold of the channels that are captured."""
        return LONGEST_KB * KB // self._sample_bytes

    @property
    def rates_Hz(self) -> tuple[float, ...]:
        """The rates that the time constant allows; asked of the lock-in once a run."""
        if not self._rates_Hz:
            fastest_Hz = exact_Hz(self._session.number("CAPTURERATEMAX?"))
            halvings = range(MOST_HALVINGS, -1, -1)
            self._rates_Hz = tuple(fastest_Hz / 2.0**each for each in halvings)
        return self._rates_Hz

    def forget_rates(self) -> None:
        """The time constant may be another now."""
        self._rates_Hz = ()

    def problems(self) -> list[str]:
        """Any of its channels can be captured."""
        return []

    def left_over(self, seconds: float) -> float:
        """`OFLT?`, `OFSL?`: what the filter still shows of an earlier value so long after it."""
        time_constant_s = entry(self._session, "OFLT?", TIME_CONSTANT_S)
        return poles_left_over(seconds, time_constant_s, entry(self._session, "OFSL?", POLES))

    def arm(self, rate_Hz: float) -> None:
        """`CAPTURESTOP`, then channels, length and rate; each is read back."""
        session, config = self._session, CONFIGS[self._captured]
        self.stop()
        fastest_Hz = session.number("CAPTURERATEMAX?")
        session.write(f"CAPTURECFG {config}")
        session.write(f"CAPTURELEN {LONGEST_KB}")
        session.write(f"CAPTURERATE {round(math.log2(fastest_Hz / rate_Hz))}")
        told_Hz = session.number("CAPTURERATE?")
        if not math.isclose(told_Hz, rate_Hz, rel_tol=ROUNDED):
            raise session.reject("CAPTURERATE?", f"{told_Hz:g}", f"{rate_Hz:g}")
        self._expect("CAPTURECFG?", config)
        self._expect("CAPTURELEN?", LONGEST_KB)

    def arm_trigger(self, rate_Hz: float) -> None:
        """The same, and `CAPTURESTART ONE, TRIG`: the next falling edge starts it."""
        self.arm(rate_Hz)
        self._session.write("CAPTURESTART ONE, TRIG")

    def start(self) -> None:
        """`CAPTURESTART ONE, IMM`: what was captured before is forgotten."""
        self._session.write("CAPTURESTART ONE, IMM")

    def count(self) -> int:
        """`CAPTUREBYTES?`; while it runs, too."""
        found = round(self._session.number("CAPTUREBYTES?")) // self._sample_bytes
        if not 0 <= found <= self.most_points:
            wanted = f"the bytes of up to {self.most_points} samples"
            raise self._session.reject("CAPTUREBYTES?", f"those of {found}", wanted)
        return found

    def stop(self) -> None:
        """`CAPTURESTOP`: no harm where it has ended."""
        self._session.write("CAPTURESTOP")

    def fetch(self, count: int) -> NDArray[np.float64]:
        """`CAPTUREGET?` in blocks of 64 kB; the fill behind the samples is cut off."""
        left = size = count * self._sample_bytes
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
        if not np.isfinite(values).all():
            raise self._session.reject("CAPTUREGET?", "a value that is none", "finite numbers")
        return values.reshape(count, len(self._captured))[:, self._columns]

    def _expect(self, command: str, wanted: int) -> None:
        told = self._session.number(command)
        if told != wanted:
            raise self._session.reject(command, f"{told:g}", str(wanted))


def exact_Hz(told_Hz: float) -> float:
    """The rate that a rounded answer means.

    >>> exact_Hz(2441.41)
    2441.40625
    >>> exact_Hz(1000.0)
    1000.0
    """
    if told_Hz <= 0:
        return told_Hz
    exact = SAMPLING_HZ / 2.0 ** round(math.log2(SAMPLING_HZ / told_Hz))
    return exact if math.isclose(told_Hz, exact, rel_tol=ROUNDED) else told_Hz

"""The reading memory of a Keysight 34465A or 34470A as the bench's buffer: one long timed burst.

Commands: Truevolt operating and service guide, as QCoDeS' `Keysight_344xxA_submodules.py` sends
them: `SAMP:SOUR TIM`, `SAMP:TIM x`, `TRIG:SOUR IMM|EXT`, `TRIG:SLOP POS|NEG`, `TRIG:DEL`, `INIT`,
`DATA:POIN?` (also while it samples), `ABOR` (the readings stay), `R? n` (a block of the oldest n,
which are erased). What is set for it is set back afterwards.

A value is made of the bench's `samples` readings, as a burst is when the computer times the steps:
row n of `fetch` is the burst that ends with reading n. It looks back so long, and the steps of a
list last longer. Where in a rotation of the field a burst begins is not known here: amplitudes (R1,
R2) and means can be had, the parts X and Y of an amplitude can't.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from instruments.answers import numbers_of

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

    from numpy.typing import NDArray

    from instruments.drivers.truevolt_models import Truevolt
    from instruments.visa import VisaSession

AT_ONCE = 2000  # readings in one answer: about 32 kB
HALVINGS = 12  # of the fastest rate, where the bench file gives no interval
TIMER_STEP_S = 1e-6
REMEMBERED = ("SAMP:COUN", "SAMP:SOUR", "SAMP:TIM", "TRIG:SOUR", "TRIG:SLOP", "TRIG:DEL")


class TruevoltBuffer:
    """The reading memory, filled by the meter's own timer.

    Parameters
    ----------
    session
        The meter's open session.
    channels
        The bench's.
    samples
        Readings of one value.
    interval_s
        Between two of them; None: what the meter can.
    reading
        What a reading on the wire looks like.
    judged
        Makes NaN of readings beyond the range, and notes them as faults.

    Attributes
    ----------
    model
        Known once the meter has identified itself.
    armed
        How often it was: what was measured before is gone.
    trigger_rises
        A rising edge at Ext Trig starts it, see `arm_trigger`.
    """

    trigger_rises = True

    def __init__(
        self,
        session: VisaSession,
        channels: tuple[str, ...],
        samples: int,
        interval_s: float | None,
        reading: re.Pattern[str],
        judged: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    ) -> None:
        self._session = session
        self._channels = channels
        self._samples = samples
        self._interval_s = interval_s
        self._reading = reading
        self._judged = judged
        self._shortest_s = 0.0
        self._before: list[str] = []
        self._rate_Hz = 0.0
        self.model: Truevolt | None = None
        self.armed = 0

    @property
    def most_points(self) -> int:
        """The model's memory."""
        return 0 if self.model is None else self.model.memory

    @property
    def rates_Hz(self) -> tuple[float, ...]:
        """The bench file's rate; without one, for single readings, the fastest and its halves."""
        if self._interval_s is not None:
            return (1.0 / _stepped(self._interval_s),)
        if not self._shortest_s:
            self._shortest_s = self._asked_s()
        halvings = HALVINGS if self._samples == 1 else 0
        return tuple(1.0 / (self._shortest_s * 2**each) for each in range(halvings, -1, -1))

    @property
    def looks_back_s(self) -> float:
        """How long before its end the first reading of a value begins."""
        return self._samples / (self._rate_Hz or self.rates_Hz[-1])

    def forget_rates(self) -> None:
        """Integration time and range may be others now."""
        self._shortest_s = 0.0

    def problems(self) -> list[str]:
        """Channels whose phase a buffer does not know."""
        parts = [channel for channel in self._channels if channel[0] in "XY"]
        if not parts:
            return []
        return [
            f"{', '.join(parts)} rest on where in a rotation the readings begin, which a buffer "
            "does not know: change the bench key channels (R1, R2, mean)"
        ]

    def arm(self, rate_Hz: float) -> None:
        """One burst as long as the memory, without a delay; timer and length are read back."""
        self._arm(rate_Hz, ("TRIG:SOUR IMM",))

    def arm_trigger(self, rate_Hz: float) -> None:
        """As `arm`; the next rising edge at Ext Trig starts it."""
        self._arm(rate_Hz, ("TRIG:SOUR EXT", "TRIG:SLOP POS"))
        self._session.write("INIT")

    def start(self) -> None:
        """`INIT`: the memory is emptied."""
        self._session.write("INIT")

    def count(self) -> int:
        """`DATA:POIN?`."""
        told = self._session.number("DATA:POIN?")
        if not 0 <= told <= self.most_points:
            raise self._session.reject("DATA:POIN?", f"{told:g}", f"0 to {self.most_points}")
        return round(told)

    def stop(self) -> None:
        """`ABOR`: no harm where it has ended; the readings stay."""
        self._session.write("ABOR")

    def fetch(self, count: int) -> NDArray[np.float64]:
        """`R?` in parts; the values `(count, C)`, NaN before the first whole one."""
        parts = [self._part(min(AT_ONCE, count - at)) for at in range(0, count, AT_ONCE)]
        self.set_back()
        return self.values(self._judged(np.concatenate([np.empty(0), *parts])))

    def values(self, volts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Each channel of the burst that ends with each reading: `(N,)` to `(N, C)`."""
        found = np.full((volts.size, len(self._channels)), math.nan)
        if volts.size < self._samples:
            return found
        bursts = sliding_window_view(volts, self._samples)
        for column, channel in enumerate(self._channels):
            found[self._samples - 1 :, column] = components(bursts, channel)
        return found

    def set_back(self) -> None:
        """Set what it was armed with back to what it was before; nothing where it wasn't armed."""
        while self._before:
            self._session.write(self._before[0])
            del self._before[0]  # not before it was sent: a link that breaks here leaves the rest

    def _arm(self, rate_Hz: float, trigger: tuple[str, ...]) -> None:
        session = self._session
        self.set_back()
        automatic = session.number("TRIG:DEL:AUTO?")
        found = [f"{name} {session.query(f'{name}?').strip()}" for name in REMEMBERED]
        self._before = ["ABOR", *found]  # it may still sample, or wait for its trigger
        if automatic:  # a delay that is set would end it
            self._before[-1] = "TRIG:DEL:AUTO 1"
        self.armed += 1
        self._rate_Hz = rate_Hz
        interval_s = _stepped(1.0 / rate_Hz)
        settings = (
            "SAMP:SOUR TIM", f"SAMP:TIM {interval_s:.6f}", f"SAMP:COUN {self.most_points}",
            "TRIG:COUN 1", *trigger, "TRIG:DEL 0",
        )  # fmt: skip
        for command in settings:
            session.write(command)
        self._expect("SAMP:TIM?", interval_s)
        self._expect("SAMP:COUN?", self.most_points)

    def _asked_s(self) -> float:
        """The shortest interval that its settings allow, in whole steps of the timer."""
        shortest_s = self._session.number("SAMP:TIM? MIN")
        return math.ceil(shortest_s / TIMER_STEP_S - 1e-6) * TIMER_STEP_S

    def _part(self, count: int) -> NDArray[np.float64]:
        command = f"R? {count}"
        text = self._session.query_block(command).decode("latin-1")
        values = numbers_of(text, count, self._reading)
        if values is None:
            short = f"{text[:30]}… ({text.count(',') + 1} readings)"
            raise self._session.reject(command, short, f"{count} readings")
        return np.array(values)

    def _expect(self, command: str, wanted: float) -> None:
        told = self._session.number(command)
        if not math.isclose(told, wanted, rel_tol=1e-9, abs_tol=TIMER_STEP_S / 2):
            raise self._session.reject(command, f"{told:g}", f"{wanted:g}")


def _stepped(interval_s: float) -> float:
    """An interval as the timer has it."""
    return round(interval_s / TIMER_STEP_S) * TIMER_STEP_S


def components(bursts: NDArray[np.float64], channel: str) -> NDArray[np.float64]:
    """One channel of bursts `(…, N)`: `mean`, or what has n periods in the burst.

    Of that, `Xn` is the amplitude of its cosine, `Yn` of its sine, `Rn` of both together.
    """
    if channel == "mean":
        return np.asarray(bursts.mean(axis=-1))
    count = bursts.shape[-1]
    angle = 2.0 * np.pi * int(channel[1]) * np.arange(count) / count
    in_phase = 2.0 * (bursts @ np.cos(angle)) / count
    if channel[0] == "X":
        return np.asarray(in_phase)
    quadrature = 2.0 * (bursts @ np.sin(angle)) / count
    return np.asarray(quadrature if channel[0] == "Y" else np.hypot(in_phase, quadrature))

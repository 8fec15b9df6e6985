"""Keysight 34465A and its family (34460A, 34461A, 34470A): DC voltage, single or in bursts.

Commands: Truevolt series operating and service guide, "SCPI programming reference", as QCoDeS'
`private/Keysight_344xxA_submodules.py` sends them.
A burst is `SAMP:COUN` samples of one `READ?`. Its time-out is computed: samples × the time of one
(the timer's interval, or what the instrument itself calls the shortest, `SAMP:TIM? MIN`), behind
the trigger's delay. What the models differ in is in `truevolt_models`. A sample beyond the range is
±9.9E37.
From a burst a reading is made of its mean and of its Fourier components over the burst's length:
X1, Y1 at one period, X2, Y2 at two (a burst over one rotation of the field has 1f and 2f there),
and their amplitudes R1, R2, which don't rest on where in a rotation the burst begins.
"""

from __future__ import annotations

import math
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from instruments.drivers.exchange import (
    LOOK_S,
    SWITCH,
    channel_names,
    identified,
    queued_errors,
    refused,
    waiting,
    word,
)
from instruments.drivers.truevolt_buffer import TIMER_STEP_S, TruevoltBuffer, components
from instruments.drivers.truevolt_input import changed_input
from instruments.drivers.truevolt_math import computed, spoiling
from instruments.drivers.truevolt_models import MODELS, Truevolt, too_quick
from models.errors import RefusedError, raise_problems

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from instruments.toml_table import Table
    from instruments.visa import VisaSession

READING = re.compile(r"[+-]\d\.\d+E[+-]\d\d")  # two digits of exponent: a cut one shows
OVERLOAD_V = 9.8e37
CHANNELS = ("mean", "X1", "Y1", "R1", "X2", "Y2", "R2")
MOST_SAMPLES = max(one.memory for one in MODELS.values())
LONGEST_INTERVAL_S = 3600.0
FUNCTION = {
    "VOLT": "DC voltage", "VOLT:AC": "AC voltage", "CURR": "DC current", "CURR:AC": "AC current",
    "RES": "resistance", "FRES": "4-wire resistance", "FREQ": "frequency", "PER": "period",
    "CONT": "continuity", "DIOD": "diode", "CAP": "capacitance", "TEMP": "temperature",
    "VOLT:RAT": "DC voltage ratio",
}  # fmt: skip
TRIGGER = {"IMM": "immediate", "EXT": "external", "INT": "level", "BUS": "bus"}
TIMING = {"IMM": "immediate", "TIM": "timer"}
SLOWEST_SHARE = 2.0  # with autozero a reading takes two conversions


class Keysight34465A:
    """A Truevolt multimeter as a DC voltmeter; its range stays as the front panel has it.

    Parameters
    ----------
    name
        The instrument's name on the bench.
    session
        Its open VISA session.
    options
        `channels`: which of mean, X1, Y1, R1, X2, Y2, R2 a reading has; `samples`: of one burst;
        `interval_s`: between two of them, None for as fast as it can; `nplc`: integration time in
        power line cycles, None to leave it.

    Attributes
    ----------
    burst_V
        The last burst `(samples,)`; NaN where a sample was beyond the range.
    """

    driver = "keysight-34465a"
    KEYS: tuple[str, ...] = ("channels", "samples", "interval_s", "nplc")

    def __init__(self, name: str, session: VisaSession, options: Mapping[str, Any]) -> None:
        self.name = name
        self.resource = session.resource_name
        self.channels = tuple(options.get("channels", ("mean",)))
        self.units: tuple[str, ...] = ("V",) * len(self.channels)
        self.identity = ""
        self.samples = int(options.get("samples", 1))
        self.burst_s = 0.0  # of one burst, known after `prepare`, …
        self._delay_s = 0.0  # … and what it waits for behind its trigger
        self.burst_V: NDArray[np.float64] = np.full(self.samples, np.nan)
        self._interval_s: float | None = options.get("interval_s")
        self._nplc: float | None = options.get("nplc")
        self._session = session
        self._shows: bool | None = None  # whether a display may take a burst; None: not looked at
        self._overloads = 0
        self._trigger = ""  # known after `prepare`
        self._memory = TruevoltBuffer(
            session, self.channels, self.samples, self._interval_s, READING, self._in_range
        )
        session.identify = self._found_again

    @staticmethod
    def terminator(resource: str) -> str:
        """What ends a line on this interface."""
        return "\n"

    @staticmethod
    def options(table: Table) -> dict[str, Any]:
        """The keys of a bench file that are this driver's own; problems are noted in the table."""
        channels = channel_names(table, CHANNELS, ("mean",), len(CHANNELS))
        samples = table.value("samples", int, 1)
        if not 1 <= samples <= MOST_SAMPLES:
            table.add(f"samples = {samples} must be from 1 to {MOST_SAMPLES}, the reading memory")
        needed = max((2 * int(name[1]) + 1 for name in channels if name[1:].isdigit()), default=1)
        if samples < needed:
            table.add(f"samples = {samples}: the channels {list(channels)} need {needed} or more")
        numbers: dict[str, float | None] = {}
        for key in ("interval_s", "nplc"):
            numbers[key] = table.number(key, above=0.0) if key in table.values else None
        interval_s = numbers["interval_s"]
        if interval_s is not None and not TIMER_STEP_S <= interval_s <= LONGEST_INTERVAL_S:
            limits = f"from {TIMER_STEP_S:g} s to {LONGEST_INTERVAL_S:g} s"
            table.add(f"interval_s = {interval_s} s must be {limits}")
        return {"channels": channels, "samples": samples, **numbers}

    def identify(self) -> str:
        """`*IDN?`, e.g. `Keysight Technologies,34465A,MY54506462,A.02.14-02.40-…`."""
        self.identity = identified(
            self._session, self.identity, r"(Keysight|Agilent) Technologies,344(60|61|65|70)A,",
            "Keysight Technologies,34465A,…",
        )  # fmt: skip
        self._memory.model = self._model
        return self.identity

    def _found_again(self) -> None:
        """After a link that broke: it may have been off meanwhile, and have lost what a run set."""
        self._shows = None
        self.identify()

    def settings(self) -> dict[str, Any]:
        """Every setting that a reading rests on, in units."""
        session = self._session
        self._memory.set_back()
        found = {
            "function": word(session, "SENS:FUNC?", FUNCTION),
            "range_V": session.number("SENS:VOLT:DC:RANG?"),
            "autorange": word(session, "SENS:VOLT:DC:RANG:AUTO?", SWITCH),
            "autozero": word(session, "SENS:VOLT:DC:ZERO:AUTO?", SWITCH),
            "nplc": session.number("SENS:VOLT:DC:NPLC?"),
            "trigger": word(session, "TRIG:SOUR?", TRIGGER),
            "trigger_delay_s": session.number("TRIG:DEL?"),
            "samples": round(session.number("SAMP:COUN?")),
        }
        if self._model.has_timer:
            found["sample_timing"] = word(session, "SAMP:SOUR?", TIMING)
            found["interval_s"] = session.number("SAMP:TIM?")
        found |= computed(session, self._model) | changed_input(session, self._model)
        return found | {"burst_s": self.burst_s, "channels": list(self.channels)}

    def unfit(self) -> list[tuple[str, str]]:
        """What the bench file asks of the family and this model can't, and what to do."""
        return self._model.unfit(self.samples, self._interval_s, self._nplc)

    def unready(self) -> list[tuple[str, str]]:
        """Why no run begins as it is set now, and what to do."""
        found = [*self._misused(), *spoiling(self._session, self._model)]
        if self._model.has_timer and self._interval_s is not None and self._integrates():
            found += too_quick(self._interval_s, self._session.number("SAMP:TIM? MIN"))
        return found

    def _misused(self) -> Iterator[tuple[str, str]]:
        """Function and trigger, each asked when it is wanted."""
        function = word(self._session, "SENS:FUNC?", FUNCTION)
        if function != "DC voltage":
            yield f"measures {function}, expected DC voltage", "Press DCV"
        self._trigger = word(self._session, "TRIG:SOUR?", TRIGGER)
        if self._trigger == "bus":
            yield "waits for a bus trigger at each reading", "Set it to IMM or EXT"

    def prepare(self) -> None:
        """Make each `READ?` one burst as the bench names it; compute how long that takes.

        Raises
        ------
        RefusedError
            It measures something else than DC voltage or computes something of it, waits for a
            trigger that nobody sends, or can't sample so many, at that interval, with that
            integration time.
        """
        session = self._session
        self.identify()
        self._memory.set_back()
        for words, do in self._misused():
            self._refuse(words, do)
        found = [f"{words}. {do}" for words, do in self.unfit()]
        raise_problems(RefusedError, f"{self.name} ({self.resource})", found)
        for words, do in spoiling(session, self._model):
            self._refuse(words, do)
        if self._nplc is not None:
            self._integrate(self._nplc)
        session.write("TRIG:COUN 1")
        session.write(f"SAMP:COUN {self.samples}")
        self.burst_s = self.samples * self._sample_s()
        self._delay_s = session.number("TRIG:DEL?")
        self._memory.forget_rates()
        self._shows = self._trigger == "immediate" and self.reading_s <= LOOK_S
        self.faults()

    @property
    def reading_s(self) -> float:
        """Of one reading: a burst, behind the trigger's delay."""
        return self._delay_s + self.burst_s

    def read(self) -> NDArray[np.float64]:
        """`READ?`: a new burst, as its channels `(C,)`; NaN, and a fault, where it overloaded."""
        self._memory.set_back()
        with waiting(self._session, self.reading_s, self._trigger):
            return self._judged("READ?")

    def monitor(self) -> NDArray[np.float64]:
        """A burst of its own, as `read`; nothing else is set than what a buffer had changed.

        NaN where the meter isn't set up for what the bench names, waits for a trigger, or takes
        longer than a display waits.
        """
        if self._shows is None:
            self._shows = self._is_set_up()
        return self.read() if self._shows else np.full(len(self.channels), math.nan)

    def faults(self) -> tuple[str, ...]:
        """Samples beyond the range since the last call, and the error queue."""
        found = (f"{self._overloads} sample(s) beyond the range",) if self._overloads else ()
        self._overloads = 0
        return (*found, *self.errors())

    def errors(self) -> tuple[str, ...]:
        """`SYST:ERR?` until it answers 0."""
        return queued_errors(self._session)

    def close(self) -> None:
        """Close the session, what a buffer was armed with set back first; never raises."""
        with suppress(Exception), self._session.shield():
            self._memory.set_back()
        self._session.close()

    @property
    def buffer(self) -> TruevoltBuffer | None:
        """Its reading memory as the bench's buffer; None on a model without a sample timer."""
        known = bool(self.identity)
        return self._memory if not known or self._model.has_timer else None

    @property
    def _model(self) -> Truevolt:
        return MODELS[self.identity.split(",")[1].upper()]

    def _refuse(self, what: str, do: str) -> NoReturn:
        raise refused(self.name, self.resource, what, do)

    def _integrate(self, nplc: float) -> None:
        """Set the integration time and read it back: a meter without the option keeps its own."""
        self._session.write(f"SENS:VOLT:DC:NPLC {nplc:g}")
        told = self._session.number("SENS:VOLT:DC:NPLC?")
        if not math.isclose(told, nplc, rel_tol=1e-6):
            self._refuse(
                f"stays at nplc = {told:g} where {nplc:g} is asked for",
                "The shortest ones need firmware A.03 or the option DIG: give a longer one",
            )

    def _sample_s(self) -> float:
        """Set the timing, and say how long one sample takes."""
        session = self._session
        if not self._model.has_timer:
            return self._cycles_s()
        shortest_s = session.number("SAMP:TIM? MIN")
        if self._interval_s is None:
            session.write("SAMP:SOUR IMM")
            return shortest_s
        for words, do in too_quick(self._interval_s, shortest_s):
            self._refuse(words, do)
        session.write("SAMP:SOUR TIM")
        session.write(f"SAMP:TIM {self._interval_s:.6f}")
        return self._interval_s

    def _integrates(self) -> bool:
        """Whether it integrates already as long as a run makes it."""
        return self._nplc is None or math.isclose(
            self._session.number("SENS:VOLT:DC:NPLC?"), self._nplc, rel_tol=1e-6
        )

    def _is_set_up(self) -> bool:
        """Whether `READ?` is a burst as the bench names it, and a quick one, as the meter is."""
        session = self._session
        counts = [round(session.number(f"{each}:COUN?")) for each in ("TRIG", "SAMP")]
        if (
            word(session, "SENS:FUNC?", FUNCTION) != "DC voltage"
            or word(session, "TRIG:SOUR?", TRIGGER) != "immediate"
            or counts != [1, self.samples]
        ):
            return False
        self.burst_s = self.samples * self._found_sample_s()
        self._delay_s = session.number("TRIG:DEL?")
        return self.reading_s <= LOOK_S

    def _found_sample_s(self) -> float:
        """How long one sample takes as the meter is set."""
        session = self._session
        if not self._model.has_timer:
            return self._cycles_s()
        timed = word(session, "SAMP:SOUR?", TIMING) == "timer"
        return session.number("SAMP:TIM?" if timed else "SAMP:TIM? MIN")

    def _cycles_s(self) -> float:
        cycles = self._session.number("SENS:VOLT:DC:NPLC?")
        return SLOWEST_SHARE * cycles / self._session.number("SYST:LFR?")

    def _judged(self, command: str) -> NDArray[np.float64]:
        self.burst_V = self._in_range(
            np.array(self._session.numbers(command, self.samples, READING))
        )
        return np.array([float(components(self.burst_V, channel)) for channel in self.channels])

    def _in_range(self, volts: NDArray[np.float64]) -> NDArray[np.float64]:
        """The samples, NaN where one was beyond the range; those are counted."""
        over = np.abs(volts) >= OVERLOAD_V
        self._overloads += int(np.count_nonzero(over))
        return np.where(over, np.nan, volts)

"""Keithley 2182A (and 2182) nanovoltmeter.

Commands: Model 2182/2182A user's manual, sections 12 to 15, as PyMeasure's `keithley2182.py` and
public drivers for the analogue and digital filter send them.
A reading takes the integration time × 2 with autozero × the digital filter's count, 125 ms more
with the analogue filter, and the trigger's delay before it: the time-out is computed from these,
never guessed (PyMeasure #419).
`:READ?` is abort, init, fetch: a new reading; `:FETC?` may repeat the last one.
Of the keys V1/V2, V1-V2 and mX+b or % (sections 4 and 5) a reading is no voltage of its input, or
no source says that it is one: refused. What REL subtracts belongs to the settings.

Struck: its buffer (`TRAC:`, up to 1024 readings) as the bench's. No source has a query for how many
readings there are while it fills (`TRAC:FREE?` counts bytes), by which a list would be aligned, and
its timer (`TRIG:TIM`) has steps of 1 ms: steps that it reads are timed by software.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from instruments.drivers.exchange import (
    LOOK_S,
    SWITCH,
    identified,
    is_on,
    queued_errors,
    refused,
    waiting,
    word,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from instruments.toml_table import Table
    from instruments.visa import VisaSession

READING = re.compile(r"[+-]?\d\.\d+E([+-]\d\d|37)")  # two digits of exponent: a cut one shows
OVERFLOW_V = 9.8e37  # a reading beyond the range is told as ±9.9E37
ANALOGUE_FILTER_S = 0.125
SHORTEST_NPLC, LONGEST_NPLC = 0.01, 60.0  # 50 where the line has 50 Hz
NPLC_STEP = 0.01
FUNCTION = {"VOLT:DC": "voltage", "VOLT": "voltage", "TEMP": "temperature"}
FILTER = {"MOV": "moving", "REP": "repeating"}
TRIGGER = {
    "IMM": "immediate", "TIM": "timer", "EXT": "external", "BUS": "bus", "MAN": "manual",
}  # fmt: skip
COMPUTED = {  # by its keys, of what it measures
    ":SENS:VOLT:RAT": "the ratio V1/V2", ":SENS:VOLT:DELT": "delta readings",
    ":CALC:STAT": "mX+b or %",
}  # fmt: skip
READING_ONLY = ("READ", "READING")  # :FORM:ELEM?
NEVER_FIRES = ("bus", "manual")  # :READ? would wait for what nobody sends


class Keithley2182A:
    """A 2182A as a voltmeter; range and filters stay as its front panel has them.

    Parameters
    ----------
    name
        The instrument's name on the bench.
    session
        Its open VISA session.
    options
        `input`: 1 or 2, the channel that is measured; `nplc`: integration time in power line
        cycles, None to leave it.
    """

    driver = "keithley-2182a"
    KEYS: tuple[str, ...] = ("input", "nplc")

    def __init__(self, name: str, session: VisaSession, options: Mapping[str, Any]) -> None:
        self.name = name
        self.resource = session.resource_name
        self.channels: tuple[str, ...] = ("V",)
        self.units: tuple[str, ...] = ("V",)
        self.identity = ""
        self.reading_s = 0.0  # of one reading, known after `prepare`
        self._session = session
        self._input = int(options.get("input", 1))
        self._nplc: float | None = options.get("nplc")
        self._path = f":SENS:VOLT:CHAN{self._input}"
        self._shows: str | None = None  # what a display asks; None: not looked at yet
        self._overflow = False
        self._trigger = ""  # known after `prepare`
        session.identify = self._found_again

    @staticmethod
    def terminator(resource: str) -> str:
        """What ends a line on this interface (RS-232: as the unit leaves the factory)."""
        return "\r" if resource.startswith("ASRL") else "\n"

    @staticmethod
    def options(table: Table) -> dict[str, Any]:
        """The keys of a bench file that are this driver's own; problems are noted in the table."""
        channel = table.value("input", int, 1)
        if channel not in (1, 2):
            table.add(f"input = {channel} must be 1 or 2")
        nplc = table.number("nplc", above=0.0) if "nplc" in table.values else None
        if nplc is not None and not SHORTEST_NPLC <= nplc <= LONGEST_NPLC:
            table.add(f"nplc = {nplc} must be from {SHORTEST_NPLC} to {LONGEST_NPLC:g}")
        return {"input": channel, "nplc": nplc}

    def identify(self) -> str:
        """`*IDN?`, e.g. `KEITHLEY INSTRUMENTS INC.,MODEL 2182A,1340129,C02  /A02`."""
        self.identity = identified(
            self._session, self.identity, r"KEITHLEY.*MODEL 2182A?,",
            "KEITHLEY INSTRUMENTS INC.,MODEL 2182A,…",
        )  # fmt: skip
        return self.identity

    def _found_again(self) -> None:
        """After a link that broke: it may have been off meanwhile, and have lost what a run set."""
        self._shows = None
        self.identify()

    def settings(self) -> dict[str, Any]:
        """Every setting that a reading rests on, in units."""
        session = self._session
        found = {
            "function": word(session, ":SENS:FUNC?", FUNCTION),
            "input": round(session.number(":SENS:CHAN?")),
            "range_V": session.number(f"{self._path}:RANG?"),
            "autorange": word(session, f"{self._path}:RANG:AUTO?", SWITCH),
            "relative": word(session, f"{self._path}:REF:STAT?", SWITCH),
            "trigger": word(session, ":TRIG:SOUR?", TRIGGER),
        }
        if found["relative"] == "on":
            found["relative_V"] = session.number(f"{self._path}:REF?")
        if computed := self._computed():
            found["computes"] = " and ".join(computed)
        return found | self._timing()

    def prepare(self) -> None:
        """Make each `:READ?` one new reading of the input; compute how long that takes.

        Raises
        ------
        RefusedError
            It measures temperatures, computes something of its voltages, waits for a trigger that
            nobody sends, or does not take the bench's integration time.
        """
        session = self._session
        self.identify()
        for words, do in self.unready():
            raise refused(self.name, self.resource, words, do)
        self._ensure(":SENS:CHAN", str(self._input))
        self._ensure(":INIT:CONT", "0")  # else :READ? is answered with error -213
        self._ensure(":TRIG:COUN", "1")
        self._ensure(":SAMP:COUN", "1")
        if session.query(":FORM:ELEM?").strip().upper() not in READING_ONLY:
            session.write(":FORM:ELEM READ")
        if self._nplc is not None:
            session.write(f":SENS:VOLT:NPLC {self._nplc:g}")
        told = self._timing()["nplc"]
        if self._nplc is not None and abs(told - self._nplc) > NPLC_STEP:
            what = f"stays at nplc = {told:g} where {self._nplc:g} is asked for"
            do = "Above 50 it needs a power line of 60 Hz: give a shorter one"
            raise refused(self.name, self.resource, what, do)
        self._shows = self._quick(":READ?") if self._trigger == "immediate" else ""
        self.faults()

    def unready(self) -> Iterator[tuple[str, str]]:
        """Why no run begins as it is set now, and what to do; each is asked when it is wanted."""
        if word(self._session, ":SENS:FUNC?", FUNCTION) != "voltage":
            yield "measures temperature, expected voltage", "Press DCV1 or DCV2"
        self._trigger = word(self._session, ":TRIG:SOUR?", TRIGGER)
        if self._trigger in NEVER_FIRES:
            words = f"waits for a {self._trigger} trigger at each reading"
            yield words, "Set its trigger source to IMM or EXT"
        for words in self._computed():
            do = f"Press DCV{self._input}, and switch mX+b and % off, on its front panel"
            yield f"computes {words}, expected voltages", do

    def read(self) -> NDArray[np.float64]:
        """`:READ?`: a new reading `(1,)`; NaN, and a fault, where it is beyond the range."""
        with waiting(self._session, self.reading_s, self._trigger):
            return self._judged(":READ?")

    def monitor(self) -> NDArray[np.float64]:
        """`:FETC?` of a unit that measures continuously, else a new `:READ?`; nothing is set.

        NaN where it is set up for something else than single readings of the input, waits for a
        trigger, or takes longer than a display waits.
        """
        if self._shows is None:
            self._shows = self._found_showing()
        if not self._shows:
            return np.array([math.nan])
        with waiting(self._session, self.reading_s):
            return self._judged(self._shows)

    def faults(self) -> tuple[str, ...]:
        """An overflow since the last call, and the error queue."""
        found = (f"input {self._input} beyond its range",) if self._overflow else ()
        self._overflow = False
        return (*found, *self.errors())

    def errors(self) -> tuple[str, ...]:
        """`:SYST:ERR?` until it answers 0."""
        return queued_errors(self._session, ":SYST:ERR?")

    def close(self) -> None:
        """Close the session; never raises."""
        self._session.close()

    def _judged(self, command: str) -> NDArray[np.float64]:
        value_V = self._session.number(command, READING)
        if abs(value_V) >= OVERFLOW_V:
            self._overflow = True
            value_V = math.nan
        return np.array([value_V])

    def _found_showing(self) -> str:
        """What a display may ask of the unit as its front panel has it; empty: nothing."""
        session = self._session
        if (
            word(session, ":SENS:FUNC?", FUNCTION) != "voltage"
            or round(session.number(":SENS:CHAN?")) != self._input
            or session.query(":FORM:ELEM?").strip().upper() not in READING_ONLY
        ):
            return ""
        self._timing()
        if round(session.number(":INIT:CONT?")):
            return self._quick(":FETC?")
        counts = [round(session.number(f":{each}:COUN?")) for each in ("TRIG", "SAMP")]
        alone = counts == [1, 1] and word(session, ":TRIG:SOUR?", TRIGGER) == "immediate"
        return self._quick(":READ?") if alone else ""

    def _computed(self) -> list[str]:
        """What it computes of its voltages, in words."""
        switches = COMPUTED.items()
        return [words for header, words in switches if is_on(self._session, f"{header}?")]

    def _quick(self, command: str) -> str:
        return command if self.reading_s <= LOOK_S else ""

    def _ensure(self, header: str, wanted: str) -> None:
        """Set what `:READ?` rests on, where it isn't so already."""
        if round(self._session.number(f"{header}?")) != int(wanted):
            self._session.write(f"{header} {wanted}")

    def _timing(self) -> dict[str, Any]:
        """What a reading's duration follows from, and the duration behind its trigger's delay."""
        session = self._session
        found = {
            "nplc": session.number(":SENS:VOLT:NPLC?"),
            "line_Hz": session.number(":SYST:LFR?"),
            "autozero": word(session, ":SYST:AZER:STAT?", SWITCH),
            "analogue_filter": word(session, f"{self._path}:LPAS:STAT?", SWITCH),
            "digital_filter": word(session, f"{self._path}:DFIL:STAT?", SWITCH),
            "filter_count": round(session.number(f"{self._path}:DFIL:COUN?")),
            "filter_type": word(session, f"{self._path}:DFIL:TCON?", FILTER),
        }
        seconds = found["nplc"] / found["line_Hz"] * (2 if found["autozero"] == "on" else 1)
        if found["digital_filter"] == "on":  # a moving filter, too, begins by filling its stack
            seconds *= found["filter_count"]
        if found["analogue_filter"] == "on":
            seconds += ANALOGUE_FILTER_S
        delay_s = session.number(":TRIG:DEL?")
        self.reading_s = seconds + delay_s
        if delay_s > 0.0:
            found["trigger_delay_s"] = delay_s
        return found | {"reading_s": seconds}

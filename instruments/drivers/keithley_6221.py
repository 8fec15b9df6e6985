"""Keithley 6221 (and 6220) current source with a 2182A behind it: delta mode as a read-out.

Commands: PyMeasure's `keithley6221.py` (delta mode); Model 6220/6221 reference manual, section 5
(delta, read commands) and 13 (`FORM:ELEM`, overflow +9.9E37); public programs for the low level,
the unit, the buffer's `TRAC:FEED:CONT NEXT` and `TRAC:POIN:ACT?`. Section 6: from the factory the
buffer is fed what Math makes of the readings (`TRAC:FEED CALC1`, mX+b or m/X+b where the front
panel has it on): they are taken before it. An averaging filter that is on belongs to the settings.
A delta reading is the half difference of the voltages at +I and at -I, from three of them in a
row: thermal voltages drop out. The 2182A hangs on the source's RS-232 and is arranged by it; its
range and integration time stay as they are.
Current flows through the sample within a reading only: each arms, runs and reads, then aborts and
switches the output off, whatever ended it. Arming costs seconds: the unit talks to the 2182A.
Whether a reading was in compliance is not told: no public source says how the answer is spelled.
"""

from __future__ import annotations

import math
import re
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from instruments.drivers.exchange import (
    SWITCH,
    channel_names,
    identified,
    is_on,
    queued_errors,
    refused,
    waiting,
    word,
)
from instruments.remedies import reported
from models.errors import TwinrigError, raise_problems

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from instruments.toml_table import Table
    from instruments.visa import VisaSession

READING = re.compile(r"[+-]?\d(\.\d+)?E([+-]\d\d|37)")  # two digits of exponent: a cut one shows
OVERFLOW_V = 9.8e37  # a reading beyond the 2182A's range is told as +9.9E37
UNITS = {"V": "V", "R": "Ohm"}
MAX_A = 0.105
SHORTEST_DELAY_S, LONGEST_DELAY_S = 1e-3, 9999.999
FACTORY_DELAY_S = 2e-3
MOST_READINGS = 65536
CONVERSION_S = 1.0  # the 2182A's longest: 50 cycles of 50 Hz, 60 of 60 Hz
ARMING_S = 10.0  # judgement: public programs wait 1 s to 10 s
POLL_S = 0.02
READ_BACK = 1e-5  # judgement: how far a current that is read back may be from the one sent
FILTER = {"MOV": "moving", "REP": "repeating"}
UNIT = {"V": "V", "OHMS": "Ohm", "W": "W", "SIEM": "S"}


class Keithley6221:
    """A 6221 in delta mode; compliance stays as its front panel has it.

    Parameters
    ----------
    name
        The instrument's name on the bench.
    session
        Its open VISA session.
    options
        `current_A`: the sample's, in both directions; `delay_s`: from a reversal to the
        conversion; `count`: delta readings that one reading is the mean of; `channels`: which of
        V and R = V/I.
    """

    driver = "keithley-6221"
    KEYS: tuple[str, ...] = ("channels", "current_A", "delay_s", "count")

    def __init__(self, name: str, session: VisaSession, options: Mapping[str, Any]) -> None:
        self.name = name
        self.resource = session.resource_name
        self.channels = tuple(options.get("channels", ("V",)))
        self.units: tuple[str, ...] = tuple(UNITS[channel] for channel in self.channels)
        self.identity = ""
        self.current_A = float(options["current_A"])
        self.delay_s = float(options.get("delay_s", FACTORY_DELAY_S))
        self.count = int(options.get("count", 1))
        self.reading_s = (self.count + 2) * (self.delay_s + CONVERSION_S)
        self._session = session
        self._overflows = 0
        self._driven = False  # a reading began that the output's end isn't known of
        session.identify = self.identify

    @staticmethod
    def terminator(resource: str) -> str:
        """What ends a line on GPIB and LAN; the RS-232 port is the 2182A's."""
        return "\n"

    @staticmethod
    def options(table: Table) -> dict[str, Any]:
        """The keys of a bench file that are this driver's own; problems are noted in the table."""
        channels = channel_names(table, tuple(UNITS), ("V",), len(UNITS))
        current_A = table.number("current_A", above=0.0)
        if current_A is not None and current_A > MAX_A:
            table.add(f"current_A = {current_A:g} A must be at most {MAX_A} A")
        delay_s = table.number("delay_s", FACTORY_DELAY_S)
        if delay_s is not None and not SHORTEST_DELAY_S <= delay_s <= LONGEST_DELAY_S:
            table.add(f"delay_s = {delay_s} s must be {SHORTEST_DELAY_S} s to {LONGEST_DELAY_S} s")
        count = table.value("count", int, 1)
        if not 1 <= count <= MOST_READINGS:
            table.add(f"count = {count} must be from 1 to {MOST_READINGS}, the buffer")
        return {"channels": channels, "current_A": current_A, "delay_s": delay_s, "count": count}

    def identify(self) -> str:
        """`*IDN?`, e.g. `KEITHLEY INSTRUMENTS INC.,MODEL 6221,4559777,D04  /700x`."""
        self.identity = identified(
            self._session, self.identity, r"KEITHLEY.*MODEL 622[01],",
            "KEITHLEY INSTRUMENTS INC.,MODEL 6221,…",
        )  # fmt: skip
        return self.identity

    def settings(self) -> dict[str, Any]:
        """Every setting that a reading rests on, in units."""
        session = self._session
        return self._filter() | {
            "high_A": session.number(":SOUR:DELT:HIGH?"),
            "low_A": session.number(":SOUR:DELT:LOW?"),
            "delay_s": session.number(":SOUR:DELT:DEL?"),
            "count": round(session.number(":SOUR:DELT:COUN?")),
            "compliance_V": session.number(":SOUR:CURR:COMP?"),
            "compliance_abort": word(session, ":SOUR:DELT:CAB?", SWITCH),
            "unit": word(session, ":UNIT?", UNIT),
            "channels": list(self.channels),
        }

    def prepare(self) -> None:
        """End what runs, output off, and set the delta mode that the bench names.

        Raises
        ------
        RefusedError
            There is no 2182A on its RS-232 port.
        LinkError
            It doesn't take the current.
        TwinrigError
            It reports an error to one of the settings.
        """
        session = self._session
        self.identify()
        self._off()
        self.errors()  # what was queued is no fault of this run
        for words, do in self.unready():
            raise refused(self.name, self.resource, words, do)
        for command in (
            ":FORM:ELEM READ",
            ":TRAC:FEED:CONT NEV",  # while it stores, its feed is not to be changed
            ":TRAC:FEED SENS1",
            ":UNIT V",
            f":SOUR:DELT:HIGH {self.current_A:.6g}",
            f":SOUR:DELT:LOW {-self.current_A:.6g}",
            f":SOUR:DELT:DEL {self.delay_s:g}",
            f":SOUR:DELT:COUN {self.count}",
            f":TRAC:POIN {self.count}",
        ):
            session.write(command)
        for header, wanted_A in ((":SOUR:DELT:HIGH?", 1.0), (":SOUR:DELT:LOW?", -1.0)):
            found_A = session.number(header)
            if not math.isclose(found_A, wanted_A * self.current_A, rel_tol=READ_BACK):
                expected = f"{wanted_A * self.current_A:g} A as it was set"
                raise session.reject(header, f"{found_A:g}", expected)
        if (unit := word(session, ":UNIT?", UNIT)) != "V":
            raise session.reject(":UNIT?", unit, "V as it was set")
        conversion_s = self.delay_s + CONVERSION_S
        self.reading_s = (self.count + 2) * conversion_s * self._conversions()
        self._overflows = 0
        sent = f"±{self.current_A:g} A, a delay of {self.delay_s:g} s and {self.count} reading(s)"
        sent += f" were set; it takes {MAX_A:g} A at most"
        told = [reported(one, sent) for one in self.errors() if one.startswith("-")]
        raise_problems(TwinrigError, f"{self.name} ({self.resource})", told)  # positive: an event

    def unready(self) -> list[tuple[str, str]]:
        """`:SOUR:DELT:NVPR?`: why no run begins as it is set now, and what to do."""
        if round(self._session.number(":SOUR:DELT:NVPR?")) == 1:
            return []
        do = "Switch the 2182A on, set it to RS-232, and look at the cable"
        return [("finds no 2182A on its RS-232 port", do)]

    def read(self) -> NDArray[np.float64]:
        """One run of delta readings, its mean `(C,)`; NaN, and a fault, where one is overflown.

        Raises
        ------
        LinkError
            It didn't arm, didn't finish in time, or its output is on afterwards.
        """
        self._driven = True
        try:
            volts = self._run()
        except BaseException:
            with suppress(TwinrigError):  # what ended the reading is told; `close` tries again
                self._off()
            raise
        self._off()
        over = np.abs(volts) >= OVERFLOW_V
        self._overflows += int(np.count_nonzero(over))
        mean_V = math.nan if over.any() else float(np.mean(volts))
        values = {"V": mean_V, "R": mean_V / self.current_A}
        return np.array([values[channel] for channel in self.channels])

    def monitor(self) -> NDArray[np.float64]:
        """NaN, without a byte: a value would take a current through the sample."""
        return np.full(len(self.channels), math.nan)

    def faults(self) -> tuple[str, ...]:
        """Readings beyond the 2182A's range since the last call, and the error queue."""
        found = (f"{self._overflows} delta reading(s) overflown",) if self._overflows else ()
        self._overflows = 0
        return (*found, *self.errors())

    def errors(self) -> tuple[str, ...]:
        """`:SYST:ERR?` until it answers 0."""
        return queued_errors(self._session, ":SYST:ERR?")

    def close(self) -> None:
        """Close the session, output off first where a reading's end isn't known; never raises."""
        if self._driven:
            with suppress(Exception):
                self._off()
        self._session.close()

    def _filter(self) -> dict[str, Any]:
        """The averaging filter, as settings; nothing where it is off."""
        if not is_on(self._session, ":SENS:AVER:STAT?"):
            return {}
        kind = word(self._session, ":SENS:AVER:TCON?", FILTER)
        return {"filter": kind, "filter_count": round(self._session.number(":SENS:AVER:COUN?"))}

    def _conversions(self) -> int:
        """How many conversions a delta reading takes at most: a repeating filter fills anew."""
        return int(self._filter().get("filter_count", 1))

    def _run(self) -> NDArray[np.float64]:
        """Arm, start, wait, and read the buffer `(count,)` in V."""
        session = self._session
        session.write(":TRAC:CLE")
        session.write(":TRAC:FEED:CONT NEXT")
        with waiting(session, ARMING_S):
            session.write(":SOUR:DELT:ARM")
            armed = session.query(":SOUR:DELT:ARM?")
        if armed.strip() != "1":
            raise session.reject(":SOUR:DELT:ARM?", armed, "1, armed")
        session.write(":INIT:IMM")
        with waiting(session, self.reading_s):  # the unit may answer only when it has finished
            self._wait(session.timeout_s)
            return np.array(session.numbers(":TRAC:DATA?", self.count, READING))

    def _wait(self, longest_s: float) -> None:
        """Until the buffer has all the readings; each question sees a request to stop."""
        end = time.monotonic() + longest_s
        while (stored := round(self._session.number(":TRAC:POIN:ACT?"))) < self.count:
            if time.monotonic() > end:
                expected = f"{self.count} reading(s) within {longest_s:.3g} s"
                raise self._session.reject(":TRAC:POIN:ACT?", str(stored), expected)
            time.sleep(POLL_S)

    def _off(self) -> None:
        """No current through the sample, a request to stop or not; asks whether that is so."""
        session = self._session
        with session.shield():
            session.write(":SOUR:SWE:ABOR")
            session.write(":OUTP OFF")
            output = session.query(":OUTP?")
            if output.strip() != "0":
                raise session.reject(":OUTP?", output, "0, output off")
        self._driven = False

"""Keysight (Agilent) PNA family: S21 spectra of a two-port network analyser, a channel a frequency.

Commands: Keysight PNA help, "SCPI command tree", as QCoDeS' `Keysight/N52xx.py` and public scripts
send them. A reading is one sweep (`SENS:SWE:MODE SING;*OPC?`; where sweeps are averaged, a group of
them; where each point is, `SENS:AVER:MODE POIN`, one sweep has all its averages) and the selected
trace's complex data (`CALC:DATA? SDATA`) as a block of 64-bit floats, least significant byte first
(`FORM REAL,64`, `FORM:BORD SWAP`). The time-out follows from the averages and the sweep time
(judgement: this doesn't count a point's averages), which is one port's: a trace that is corrected
for all ports takes a sweep from each (judgement: at most four). The S21 trace has to exist: none is
made, no calibration is touched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

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

MODELS = r"(Keysight|Agilent) Technologies,(N52|N53|E83|E88|P93|P50|M93|M98)\w+,"
QUANTITIES = {"dB": "dB", "magnitude": "1", "real": "1", "imag": "1", "phase_deg": "deg"}
MOST_POINTS = 10_001  # judgement: channels of one step
MOST_PORTS = 4  # whose sweeps a corrected trace may take; a two-port calibration takes two
RESOLUTION_HZ = 1.0  # of its frequency axis
SMALLEST = 1.0e-15  # |S21| below it (−300 dB) is nothing, and has a logarithm
SWEEP_TYPE = {"LIN": "linear", "LOG": "logarithmic", "SEGM": "segments", "CW": "one frequency",
              "POW": "power", "PHAS": "phase"}  # fmt: skip
TRIGGER = {"IMM": "immediate", "EXT": "external", "MAN": "manual"}
AVERAGING = {"SWE": "on", "SWEEP": "on", "POIN": "point by point", "POINT": "point by point"}
BYTE_ORDER = {"NORM": "NORM", "SWAP": "SWAP"}
OWN_KEYS = ("start_Hz", "stop_Hz", "if_bandwidth_Hz")


class KeysightPNA:
    """A PNA whose power, averaging and calibration stay as they are.

    Parameters
    ----------
    name
        The instrument's name on the bench.
    session
        Its open VISA session.
    options
        `points`: of a sweep, each a channel; `quantity`: dB, magnitude, real, imag or phase_deg;
        `start_Hz`, `stop_Hz`, `if_bandwidth_Hz`: None to leave them.

    Attributes
    ----------
    frequency_Hz
        Of each channel `(C,)`, known after `prepare`.
    """

    driver = "keysight-pna"
    KEYS: tuple[str, ...] = ("points", "quantity", *OWN_KEYS)

    def __init__(self, name: str, session: VisaSession, options: Mapping[str, Any]) -> None:
        self.name = name
        self.resource = session.resource_name
        self.identity = ""
        self.quantity = str(options.get("quantity", "dB"))
        points = int(options.get("points", 201))
        self.channels = tuple(f"S21[{index}]" for index in range(points))
        self.units: tuple[str, ...] = (QUANTITIES[self.quantity],) * points
        self.frequency_Hz: NDArray[np.float64] = np.full(points, np.nan)
        self.sweep_s = 0.0
        self._axis: dict[str, float | None] = {key: options.get(key) for key in OWN_KEYS}
        self._group = 1  # sweeps of one reading
        self.reading_s = 0.0  # at most, known after `prepare`
        self._shows = False  # whether a display may take a sweep
        self._trigger = self._trace = ""  # known after `prepare`
        self._session = session
        session.identify = self._found_again

    @staticmethod
    def terminator(resource: str) -> str:
        """What ends a line on this interface."""
        return "\n"

    @staticmethod
    def options(table: Table) -> dict[str, Any]:
        """The keys of a bench file that are this driver's own; problems are noted in the table."""
        points = table.value("points", int, 201)
        if not 2 <= points <= MOST_POINTS:
            table.add(f"points = {points} must be from 2 to {MOST_POINTS}")
        quantity = table.value("quantity", str, "dB")
        if quantity not in QUANTITIES:
            table.add(f"quantity = {quantity!r} must be one of {', '.join(QUANTITIES)}")
        axis = {key: table.number(key, above=0.0) if key in table.values else None
                for key in OWN_KEYS}  # fmt: skip
        start_Hz, stop_Hz = axis["start_Hz"], axis["stop_Hz"]
        if (start_Hz is None) != (stop_Hz is None):
            table.add("start_Hz and stop_Hz: both or neither")
        if start_Hz is not None and stop_Hz is not None and not start_Hz < stop_Hz:
            table.add(f"stop_Hz = {stop_Hz:g} Hz must be above start_Hz = {start_Hz:g} Hz")
        return {"points": points, "quantity": quantity, **axis}

    def identify(self) -> str:
        """`*IDN?`, e.g. `Keysight Technologies,N5222B,US12345678,A.20.25.04`."""
        expected = "Keysight Technologies,N52…, P93… or P50…"
        self.identity = identified(self._session, self.identity, MODELS, expected)
        return self.identity

    def _found_again(self) -> None:
        """After a link that broke: it may have been off meanwhile, and have lost what a run set."""
        self._shows = False
        self.identify()

    def settings(self) -> dict[str, Any]:
        """Every setting that a spectrum rests on, in units."""
        session = self._session
        off = {} if self._has_power() else {"rf_power": "off"}
        return off | {
            "start_Hz": session.number("SENS:FREQ:STAR?"),
            "stop_Hz": session.number("SENS:FREQ:STOP?"),
            "points": round(session.number("SENS:SWE:POIN?")),
            "sweep_type": word(session, "SENS:SWE:TYPE?", SWEEP_TYPE),
            "sweep_s": session.number("SENS:SWE:TIME?"),
            "if_bandwidth_Hz": session.number("SENS:BAND?"),
            "power_dBm": session.number("SOUR:POW?"),
            "averaging": self._averaging(),
            "averages": round(session.number("SENS:AVER:COUN?")),
            "correction": word(session, "SENS:CORR:STAT?", SWITCH),
            "trigger": word(session, "TRIG:SOUR?", TRIGGER),
            "quantity": self.quantity,
        }

    def prepare(self) -> None:
        """Select the S21 trace, hold the sweep, set what the bench names, compute the time.

        Raises
        ------
        RefusedError
            No S21 trace, no sweep over a linear frequency axis, no RF power, a manual trigger, or
            another number of points or other ends of the axis than the bench names.
        """
        session = self._session
        self.identify()
        for words, do in self._misused():
            self._refuse(words, do)
        session.write(f"CALC:PAR:SEL '{self._trace}'")
        session.write("SENS:SWE:MODE HOLD")
        for key, header in zip(OWN_KEYS, ("FREQ:STAR", "FREQ:STOP", "BAND"), strict=True):
            if self._axis[key] is not None:
                session.write(f"SENS:{header} {self._axis[key]:.3f}")
        if self._axis["start_Hz"] is not None:
            session.write(f"SENS:SWE:POIN {len(self.channels)}")
        session.write("FORM REAL,64")
        session.write("FORM:BORD SWAP")
        if (order := word(session, "FORM:BORD?", BYTE_ORDER)) != "SWAP":  # its numbers are finite
            raise session.reject("FORM:BORD?", order, "SWAP as it was set")
        self._measure_axis()
        self._shows = self._trigger == "immediate" and self.reading_s <= LOOK_S
        self.errors()

    def read(self) -> NDArray[np.float64]:
        """One sweep, or one group of averages, as its channels `(C,)`; it gates a step."""
        session = self._session
        mode = "SING"
        if self._group > 1:
            session.write("SENS:AVER:CLE")
            session.write(f"SENS:SWE:GRO:COUN {self._group}")
            mode = "GRO"
        command = f"SENS:SWE:MODE {mode};*OPC?"
        with waiting(session, self.reading_s, self._trigger):
            reply = session.query(command)
        if reply.strip().lstrip("+") != "1":
            raise session.reject(command, reply, "1")
        return as_quantity(self.complex_trace(), self.quantity)

    def monitor(self) -> NDArray[np.float64]:
        """A sweep of its own, as `read`; NaN before a run has selected trace and format.

        So it is where it waits for a trigger, or takes longer than a display waits.
        """
        return self.read() if self._shows else np.full(len(self.channels), np.nan)

    def complex_trace(self) -> NDArray[np.complex128]:
        """`CALC:DATA? SDATA`: S21 as the last sweep left it `(C,)`, corrected, complex."""
        command = "CALC:DATA? SDATA"
        block = self._session.query_block(command)
        expected = 16 * len(self.channels)
        if len(block) != expected:
            found = f"a block of {len(block)} bytes"
            raise self._session.reject(command, found, f"{expected}: two doubles a point")
        pairs = np.frombuffer(block, dtype="<f8").reshape(-1, 2)
        if not np.all(np.isfinite(pairs)):
            raise self._session.reject(command, "a block with no numbers in it", "finite numbers")
        return pairs[:, 0] + 1j * pairs[:, 1]

    def faults(self) -> tuple[str, ...]:
        """The error queue, which tells an unlocked source and a receiver overload, too."""
        return self.errors()

    def errors(self) -> tuple[str, ...]:
        """`SYST:ERR?` until it answers 0."""
        return queued_errors(self._session)

    def close(self) -> None:
        """Close the session; never raises."""
        self._session.close()

    def _refuse(self, what: str, do: str) -> NoReturn:
        raise refused(self.name, self.resource, what, do)

    def _has_power(self) -> bool:
        """`OUTP?`: whether its source is on; `SOUR:POW?` tells its level in both cases."""
        return is_on(self._session, "OUTP?")

    def unready(self) -> list[tuple[str, str]]:
        """Why no run begins as it is set now, and what to do."""
        sets_points = self._axis["start_Hz"] is not None
        return [*self._misused(), *(() if sets_points else self._other_points())]

    def _misused(self) -> Iterator[tuple[str, str]]:
        """Trace, trigger, sweep and power, each asked when it is wanted."""
        self._trace = self._found_trace()
        if not self._trace:
            yield "has no trace of S21", "Make one on its front panel (Trace, Measure, S21)"
        self._trigger = word(self._session, "TRIG:SOUR?", TRIGGER)
        if self._trigger == "manual":
            yield "waits for a manual trigger at each sweep", "Set it to internal"
        sweep = word(self._session, "SENS:SWE:TYPE?", SWEEP_TYPE)
        if sweep != "linear":
            yield f"sweeps {sweep}, expected linear frequency", "Set a linear sweep"
        if not self._has_power():
            yield "has its RF power off: a spectrum would be noise", "Switch it on (Power)"

    def _found_trace(self) -> str:
        """`CALC:PAR:CAT:EXT?`: names and parameters in turn; the first trace of S21, or empty."""
        listed = self._session.query("CALC:PAR:CAT:EXT?").strip().strip('"').split(",")
        pairs = zip(listed[::2], listed[1::2], strict=False)
        return next((trace.strip() for trace, one in pairs if one.strip().upper() == "S21"), "")

    def _other_points(self) -> Iterator[tuple[str, str]]:
        points = round(self._session.number("SENS:SWE:POIN?"))
        if points != len(self.channels):
            words = f"sweeps {points} points, the bench file says {len(self.channels)}"
            yield words, f"Set points = {points}, or name start_Hz and stop_Hz so that it is set"

    def _measure_axis(self) -> None:
        session = self._session
        for words, do in self._other_points():
            self._refuse(words, do)
        start_Hz, stop_Hz = session.number("SENS:FREQ:STAR?"), session.number("SENS:FREQ:STOP?")
        for key, told_Hz in (("start_Hz", start_Hz), ("stop_Hz", stop_Hz)):
            wanted_Hz = self._axis[key]
            if wanted_Hz is not None and abs(told_Hz - wanted_Hz) > RESOLUTION_HZ:
                what = f"stays at {key} = {told_Hz:g} where {wanted_Hz:g} is asked for"
                self._refuse(what, "Give a frequency within its range")
        self.frequency_Hz = np.linspace(start_Hz, stop_Hz, len(self.channels))
        self.sweep_s = session.number("SENS:SWE:TIME?")
        averaging = self._averaging()
        averages = 1 if averaging == "off" else round(session.number("SENS:AVER:COUN?"))
        self._group = averages if averaging == AVERAGING["SWE"] else 1
        corrected = is_on(session, "SENS:CORR:STAT?")
        self.reading_s = self.sweep_s * averages * (MOST_PORTS if corrected else 1)

    def _averaging(self) -> str:
        """`SENS:AVER?` and, where it is on, `SENS:AVER:MODE?`: off, on (over sweeps), by points."""
        if not is_on(self._session, "SENS:AVER?"):
            return SWITCH["0"]
        return str(word(self._session, "SENS:AVER:MODE?", AVERAGING))


def as_quantity(trace: NDArray[np.complex128], quantity: str) -> NDArray[np.float64]:
    """What a reading holds of a complex trace."""
    if quantity == "real":
        return trace.real
    if quantity == "imag":
        return trace.imag
    if quantity == "phase_deg":
        return np.degrees(np.angle(trace))
    size: NDArray[np.float64] = np.abs(trace)
    return size if quantity == "magnitude" else 20.0 * np.log10(np.maximum(size, SMALLEST))

"""Stanford Research SR860 and SR865A lock-in amplifiers.

Commands: SR860 operation manual, chapter 4, as PyMeasure's `srs/sr860.py` and QCoDeS'
`stanford_research/SR86x.py` send them; bits of `LIAS?` and `*ESR?` as public drivers for the
SR865A take them from its manual (revision 2.11).
Same mnemonics as the SR830, other numbers: parameters count from 0 (X is 0), the sensitivity is
`SCAL` and *falls* from 1 V, time constants begin at 1 µs, `SNAP?` takes two or three. A compound
query answers in one line. Nothing is shared with the SR830's tables.
X, Y and R have an offset (`COFA`, `COFP`) and a ratio (`CRAT`) for the outputs: no source says that
they leave the numbers on the bus alone, as it says of the expand. One that is on is a setting.
Where `SNAP?` has room for it the last value is asked for twice: a reply that was cut shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from instruments.drivers.exchange import bits, channel_names, entry, identified, is_on, steady_V
from instruments.drivers.sr860_buffer import TIME_CONSTANT_S, Sr860Buffer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from instruments.toml_table import Table
    from instruments.visa import VisaSession

OFFSETS = ("X", "Y", "R")  # theta has none
CHANNELS = {"X": 0, "Y": 1, "R": 2, "theta": 3}  # numbers of SNAP? and OUTP?
MOST_CHANNELS = 3  # SNAP? takes 2 or 3
AUX_INPUTS = {f"aux{number + 1}": number for number in range(4)}  # numbers of OAUX?, from 0

SENSITIVITY = tuple((10, 5, 2)[i % 3] * 10.0 ** (-1 - i // 3) for i in range(28))  # 1 … 1e-9
SENSITIVITY_A_PER_V = 1.0e-6  # the same table in current mode: 1 µA … 1 fA
SLOPE_DB_OCT = (6, 12, 18, 24)
INPUT_RANGE_V = (1.0, 0.3, 0.1, 0.03, 0.01)
SIGNAL = ("voltage", "current")
INPUT = ("A", "A-B")
CURRENT_GAIN_OHM = (1.0e6, 1.0e8)
COUPLING = ("AC", "DC")
SHIELD = ("float", "ground")
REFERENCE = ("internal", "external", "dual", "chop")
TRIGGER = ("sine", "TTL rising", "TTL falling")
SWITCH = ("off", "on")

LOCK_IN_STATUS = {
    0: "channel 1 output overload", 1: "channel 2 output overload", 3: "reference unlocked",
    4: "input overload", 5: "synchronous filter out of range", 6: "synchronous filter overload",
    8: "data channel 1 overload", 9: "data channel 2 overload", 10: "data channel 3 overload",
    11: "data channel 4 overload",
}  # fmt: skip
ERROR_STATUS = {bit: f"error status bit {bit} (manual, ERRS?)" for bit in (0, 1, 4, 5, 6, 7)}
EVENT_STATUS = {
    1: "input queue overflow", 3: "output queue overflow", 4: "a command could not be executed",
    5: "an illegal command was received",
}  # fmt: skip


class SR860:
    """An SR860 or SR865A whose measuring settings stay as its front panel has them.

    Parameters
    ----------
    name
        The instrument's name on the bench.
    session
        Its open VISA session.
    options
        `channels`: which of X, Y, R, theta a reading has (1 to 3).
    """

    driver = "sr860"
    KEYS: tuple[str, ...] = ("channels",)
    interlock_inputs = tuple(AUX_INPUTS)

    def __init__(self, name: str, session: VisaSession, options: Mapping[str, Any]) -> None:
        self.name = name
        self.resource = session.resource_name
        self.channels = tuple(options.get("channels", ("X", "Y")))
        self.units: tuple[str, ...] = self._units("voltage")
        self.identity = ""
        self._session = session
        self.buffer = Sr860Buffer(session, self.channels)
        self._copies = 1 if len(self.channels) < MOST_CHANNELS else 0
        asked = (*self.channels, *self.channels[-1:] * self._copies)
        self._read_command = f"SNAP? {','.join(str(CHANNELS[channel]) for channel in asked)}"
        self._monitor_commands = [f"OUTP? {CHANNELS[channel]}" for channel in self.channels]
        session.identify = self.identify

    @staticmethod
    def terminator(resource: str) -> str:
        """What ends a line on this interface."""
        return "\r" if resource.startswith("ASRL") else "\n"

    @staticmethod
    def options(table: Table) -> dict[str, Any]:
        """The keys of a bench file that are this driver's own; problems are noted in the table."""
        return {"channels": channel_names(table, tuple(CHANNELS), ("X", "Y"), MOST_CHANNELS)}

    def identify(self) -> str:
        """`*IDN?`, e.g. `Stanford_Research_Systems,SR860,003693,V1.51`; and the input's unit."""
        self.identity = identified(
            self._session,
            self.identity,
            r"Stanford.*,SR86(0|5A?),",
            "Stanford_Research_Systems,SR860,…",
        )
        self._measured()
        return self.identity

    def settings(self) -> dict[str, Any]:
        """Every setting that a reading rests on, in units."""
        session = self._session
        signal = self._measured()
        full_scale = entry(session, "SCAL?", SENSITIVITY)
        found = {
            "time_constant_s": entry(session, "OFLT?", TIME_CONSTANT_S),
            "slope_dB_oct": entry(session, "OFSL?", SLOPE_DB_OCT),
            "synchronous_filter": entry(session, "SYNC?", SWITCH),
            "advanced_filter": entry(session, "ADVFILT?", SWITCH),
            "harmonic": round(session.number("HARM?")),
            "reference": entry(session, "RSRC?", REFERENCE),
            "reference_trigger": entry(session, "RTRG?", TRIGGER),
            "frequency_Hz": session.number("FREQ?"),
            "phase_deg": session.number("PHAS?"),
            "amplitude_V": session.number("SLVL?"),
            "offset_V": session.number("SOFF?"),
            "signal": signal,
            "coupling": entry(session, "ICPL?", COUPLING),
            "shield": entry(session, "IGND?", SHIELD),
        }
        if found["reference"] == "dual":  # it detects at harmonics of both
            found["dual_harmonic"] = round(session.number("HARMDUAL?"))
        if signal == "voltage":
            found["sensitivity_V"] = full_scale
            found["input"] = entry(session, "ISRC?", INPUT)
            found["input_range_V"] = entry(session, "IRNG?", INPUT_RANGE_V)
        else:
            found["sensitivity_A"] = full_scale * SENSITIVITY_A_PER_V
            found["current_gain_Ohm"] = entry(session, "ICUR?", CURRENT_GAIN_OHM)
        return {**found, **self._outputs(), "channels": list(self.channels)}

    def _outputs(self) -> dict[str, Any]:
        """`COFA? j`, `COFP? j`, `CRAT? j`: offset and ratio of the channels, where one is on."""
        found: dict[str, Any] = {}
        for name in (one for one in self.channels if one in OFFSETS):
            if is_on(self._session, f"COFA? {CHANNELS[name]}"):
                found[f"{name}_offset_percent"] = self._session.number(f"COFP? {CHANNELS[name]}")
            if is_on(self._session, f"CRAT? {CHANNELS[name]}"):
                found[f"{name}_ratio"] = "over Aux In 3"
        return found

    def prepare(self) -> None:
        """Make sure who answers, and drop what the status words had latched."""
        self.identify()
        self.faults()
        self.buffer.forget_rates()

    def read(self) -> NDArray[np.float64]:
        """`SNAP?`: all channels of one instant; it gates a step where the rig does so."""
        count = len(self.channels)
        return np.array(self._session.numbers(self._read_command, count, copies=self._copies))

    def monitor(self) -> NDArray[np.float64]:
        """`OUTP?` of each channel: the latest values, nothing is gated."""
        return np.array([self._session.number(command) for command in self._monitor_commands])

    def input_V(self, input_name: str) -> float:
        """`OAUX? j`, twice: the volts at a rear input."""
        return steady_V(self._session, f"OAUX? {AUX_INPUTS[input_name]}")

    def faults(self) -> tuple[str, ...]:
        """`LIAS?` and the errors, all cleared by reading."""
        return (*bits(self._session, "LIAS?", LOCK_IN_STATUS, 16), *self.errors())

    def errors(self) -> tuple[str, ...]:
        """`ERRS?` and `*ESR?`, cleared by reading."""
        return (
            *bits(self._session, "ERRS?", ERROR_STATUS),
            *bits(self._session, "*ESR?", EVENT_STATUS),
        )

    def close(self) -> None:
        """Close the session; never raises."""
        self._session.close()

    def _measured(self) -> str:
        """`IVMD?`: whether the input measures a voltage or a current; the units follow."""
        signal: str = entry(self._session, "IVMD?", SIGNAL)
        self.units = self._units(signal)
        return signal

    def _units(self, signal: str) -> tuple[str, ...]:
        unit = "V" if signal == "voltage" else "A"
        return tuple("deg" if channel == "theta" else unit for channel in self.channels)

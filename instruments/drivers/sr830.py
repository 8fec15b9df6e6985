"""Stanford Research SR830 lock-in amplifier.

Commands: SR830 manual, chapter 5 (remote programming). Replies end with LF on GPIB and CR on
RS-232, and all go to the port that `OUTX` chose: it is sent first.
The tables are the SR830's own: an SR860 has the same mnemonics and other numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from instruments.drivers.exchange import bits, channel_names, entry, identified, steady_V
from instruments.drivers.sr830_buffer import TIME_CONSTANT_S, Sr830Buffer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from instruments.toml_table import Table
    from instruments.visa import VisaSession

OFFSETS = ("X", "Y", "R")  # theta has none
CHANNELS = {"X": 1, "Y": 2, "R": 3, "theta": 4}  # numbers of SNAP? and OUTP?
MOST_CHANNELS = 6  # SNAP? takes 2 to 6
AUX_INPUTS = {f"aux{number}": number for number in range(1, 5)}  # numbers of OAUX?

SENSITIVITY_V = tuple((2, 5, 10)[i % 3] * 10.0 ** (i // 3 - 9) for i in range(27))  # 2 nV … 1 V
SENSITIVITY_A_PER_V = 1.0e-6  # the same table with a current input: 2 fA … 1 µA
SLOPE_DB_OCT = (6, 12, 18, 24)
RESERVE = ("high", "normal", "low noise")
INPUT = ("A", "A-B", "I (1 MOhm)", "I (100 MOhm)")
CURRENT = INPUT[2:]
COUPLING = ("AC", "DC")
SHIELD = ("float", "ground")
NOTCH = ("none", "line", "2 x line", "line and 2 x line")
REFERENCE = ("external", "internal")
TRIGGER = ("sine", "TTL rising", "TTL falling")
SWITCH = ("off", "on")

LOCK_IN_STATUS = {
    0: "input overload", 1: "filter overload", 2: "output overload", 3: "reference unlocked",
}  # fmt: skip
ERROR_STATUS = {
    1: "battery error", 2: "RAM error", 4: "ROM error", 5: "GPIB error", 6: "DSP error",
    7: "math error",
}  # fmt: skip


class SR830:
    """An SR830 whose measuring settings stay as its front panel has them.

    Parameters
    ----------
    name
        The instrument's name on the bench.
    session
        Its open VISA session.
    options
        `channels`: which of X, Y, R, theta a reading has (1 to 6).
    """

    driver = "sr830"
    KEYS: tuple[str, ...] = ("channels",)
    interlock_inputs = tuple(AUX_INPUTS)

    def __init__(self, name: str, session: VisaSession, options: Mapping[str, Any]) -> None:
        self.name = name
        self.resource = session.resource_name
        self.channels = tuple(options.get("channels", ("X", "Y")))
        self.units = self._units("V")
        self._session = session
        self.buffer = Sr830Buffer(session, self.channels)
        self.identity = ""
        numbers = [str(CHANNELS[channel]) for channel in self.channels]
        # SNAP? is what gates a step, so that no reading can be repeated; what it takes beyond the
        # channels is asked a second time, of the same instant: a reply that was cut shows
        self._copies = min(len(numbers), MOST_CHANNELS - len(numbers))
        asked = numbers + numbers[len(numbers) - self._copies :]
        self._read_command = f"SNAP? {','.join(asked)}"
        self._monitor_commands = [f"OUTP? {number}" for number in numbers]
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
        """`*IDN?`, e.g. `Stanford_Research_Systems,SR830,s/n70000,ver1.07`."""
        if self.resource.startswith("GPIB"):
            self._session.write("OUTX 1")
        elif self.resource.startswith("ASRL"):
            self._session.write("OUTX 0")
        expected = "Stanford_Research_Systems,SR830,…"
        self.identity = identified(self._session, self.identity, "SR830", expected)
        return self.identity

    def settings(self) -> dict[str, Any]:
        """Every setting that a reading rests on, in units; those of the channels follow `ISRC?`."""
        found: dict[str, Any] = {
            "time_constant_s": entry(self._session, "OFLT?", TIME_CONSTANT_S),
            "slope_dB_oct": entry(self._session, "OFSL?", SLOPE_DB_OCT),
            "sensitivity_V": entry(self._session, "SENS?", SENSITIVITY_V),
            "reserve": entry(self._session, "RMOD?", RESERVE),
            "harmonic": round(self._session.number("HARM?")),
            "reference": entry(self._session, "FMOD?", REFERENCE),
            "reference_trigger": entry(self._session, "RSLP?", TRIGGER),
            "frequency_Hz": self._session.number("FREQ?"),
            "phase_deg": self._session.number("PHAS?"),
            "amplitude_V": self._session.number("SLVL?"),
            "input": self._input(),
            "coupling": entry(self._session, "ICPL?", COUPLING),
            "shield": entry(self._session, "IGND?", SHIELD),
            "notch": entry(self._session, "ILIN?", NOTCH),
            "synchronous_filter": entry(self._session, "SYNC?", SWITCH),
            "channels": list(self.channels),
        }
        if found["input"] in CURRENT:
            found["sensitivity_A"] = found.pop("sensitivity_V") * SENSITIVITY_A_PER_V
        return found | self._offsets()

    def _offsets(self) -> dict[str, float]:
        """`OEXP? i`: what is taken off a channel, in % of full scale; of those that have one."""
        asked = {name: f"OEXP? {CHANNELS[name]}" for name in self.channels if name in OFFSETS}
        told = {name: self._session.numbers(query, 2)[0] for name, query in asked.items()}
        return {f"{name}_offset_percent": value for name, value in told.items() if value}

    def prepare(self) -> None:
        """Point replies at this interface (`OUTX`) and drop what the status bytes had latched."""
        self.identify()
        self.faults()

    def read(self) -> NDArray[np.float64]:
        """`SNAP?`: all channels of one instant; it gates a step where the rig does so."""
        command, count = self._read_command, len(self.channels)
        return np.array(self._session.numbers(command, count, copies=self._copies))

    def monitor(self) -> NDArray[np.float64]:
        """`OUTP?` of each channel: the latest values, nothing is gated."""
        return np.array([self._session.number(command) for command in self._monitor_commands])

    def input_V(self, input_name: str) -> float:
        """`OAUX? i`, twice: the volts at a rear input."""
        return steady_V(self._session, f"OAUX? {AUX_INPUTS[input_name]}")

    def faults(self) -> tuple[str, ...]:
        """`LIAS?` and `ERRS?`, both cleared by reading."""
        return (*bits(self._session, "LIAS?", LOCK_IN_STATUS), *self.errors())

    def errors(self) -> tuple[str, ...]:
        """`ERRS?`, cleared by reading."""
        return tuple(bits(self._session, "ERRS?", ERROR_STATUS))

    def close(self) -> None:
        """Close the session; never raises."""
        self._session.close()

    def _input(self) -> str:
        """`ISRC?`: a voltage or a current; the units follow."""
        source: str = entry(self._session, "ISRC?", INPUT)
        self.units = self._units("A" if source in CURRENT else "V")
        return source

    def _units(self, unit: str) -> tuple[str, ...]:
        return tuple("deg" if channel == "theta" else unit for channel in self.channels)

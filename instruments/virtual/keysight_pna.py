"""The virtual Keysight N5222B network analyser: its SCPI dialect, sweep times, binary blocks.

Commands: `shared/rig.md` 3.9, QCoDeS' `N52xx.py`, Keysight's help. A sweep (`SENS:SWE:MODE SING`,
each one of a group) gates one step of what is connected; `CALC:DATA?` shows what the last sweep
left. It is found as somebody works on it: sweeping continuously, where a query still gates nothing.
Judgement: `SENS:SWE:TIME?` doesn't count averages over points, and their noise is a sweep's.
Quirks that bite: `CALC:DATA?` with no trace selected is −221 and no answer; numbers go out as the
format says, ASCII as it is found; a block has a line feed behind it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from instruments.ieee_block import as_block
from instruments.virtual.scpi import COMMON, ScpiError, ScpiInstrument, command_table, integer
from instruments.virtual.scpi_settings import (
    Number,
    Setting,
    Switch,
    Word,
    after_reset,
    as_left,
    handlers,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from instruments.virtual.electronics import Source
    from instruments.virtual.instrument import DeviceTime

IDENTITY = "Keysight Technologies,N5222B,US12345678,A.20.25.04"
LOWEST_HZ, HIGHEST_HZ = 1.0e7, 2.65e10
OVERHEAD_S = 2.0e-5  # judgement: of a point, beside 1 / bandwidth
TRACES = {"CH1_S11_1": "S11", "CH1_S21_2": "S21"}

_SETTINGS: dict[str, tuple[str, Setting]] = {
    "start": ("SENSe:FREQuency:STARt", Number(LOWEST_HZ, HIGHEST_HZ, 2.0e9, 1.0e7)),
    "stop": ("SENSe:FREQuency:STOP", Number(LOWEST_HZ, HIGHEST_HZ, 1.2e10, HIGHEST_HZ)),
    "points": ("SENSe:SWEep:POINts", Number(1, 100001, 201, whole=True)),
    "type": ("SENSe:SWEep:TYPE",
             Word(("LINear", "LOGarithmic", "POWer", "CW", "SEGMent", "PHASe"), "LIN")),
    "group": ("SENSe:SWEep:GROups:COUNt", Number(1, 2000000, 1, whole=True)),
    "bandwidth": ("SENSe:BANDwidth[:RESolution]", Number(1.0, 1.5e7, 1.0e4, 1.0e5)),
    "averaging": ("SENSe:AVERage[:STATe]", Switch(False)),
    "average_by": ("SENSe:AVERage:MODE", Word(("SWEep", "POINt"), "SWE")),
    "averages": ("SENSe:AVERage:COUNt", Number(1, 65536, 1, whole=True)),
    "correction": ("SENSe:CORRection[:STATe]", Switch(True, False)),
    "power": ("SOURce:POWer[:LEVel]", Number(-95.0, 30.0, -10.0)),
    "output": ("OUTPut[:STATe]", Switch(True)),
    "trigger": ("TRIGger:SOURce", Word(("IMMediate", "EXTernal", "MANual"), "IMM")),
    "border": ("FORMat:BORDer", Word(("NORMal", "SWAPped"), "NORM")),
    "format": ("FORMat[:DATA]", Word(("ASCii,0", "ASCii", "REAL,32", "REAL,64"), "ASC,0")),
}  # fmt: skip


@runtime_checkable
class Spectrum(Protocol):
    """What sits between the two ports."""

    def sweep(self, frequency_Hz: NDArray[np.float64]) -> NDArray[np.complex128]:
        """One step of it: S21 `(N,)` at these frequencies, read-out noise included."""


class TwoLines:
    """A lock-in's source seen by a network analyser: its X and Y are the strengths of two lines.

    Parameters
    ----------
    source
        A two-component signal with a gate.
    full_signal_V
        Signal at which a line absorbs `depth` of the transmission.
    """

    depth = 0.02
    lines_Hz = (6.0e9, 8.5e9)
    half_width_Hz = 0.25e9
    loss = 0.5

    def __init__(self, source: Source, full_signal_V: float) -> None:
        self._source = source
        self._full_V = full_signal_V

    def sweep(self, frequency_Hz: NDArray[np.float64]) -> NDArray[np.complex128]:
        """One gate; noise of each point from the source's own."""
        strengths = [value / self._full_V for value in self._source.gate()]
        trace = np.full(frequency_Hz.size, self.loss, dtype=np.complex128)
        for strength, line_Hz in zip(strengths, self.lines_Hz, strict=True):
            detuning = (frequency_Hz - line_Hz) / self.half_width_Hz
            trace -= self.loss * self.depth * strength / (1.0 + 1j * detuning)
        noise = np.array([self._source.noise() for _ in range(frequency_Hz.size)])
        scale = self.loss * self.depth / self._full_V
        trace += scale * (noise[:, 0] + 1j * noise[:, 1])
        return trace


class KeysightPNA(ScpiInstrument):
    """An N5222B as the bench left it: 2 to 12 GHz, 201 points, 10 kHz, traces of S11 and S21.

    Parameters
    ----------
    device_time
        The rig's time.
    spectrum
        What is between its ports; S11 is a matched load.
    """

    model = "keysight-pna"

    def __init__(self, device_time: DeviceTime, spectrum: Spectrum) -> None:
        super().__init__(device_time)
        self.set: dict[str, Any] = as_left(_SETTINGS)
        self.mode = "CONT"
        self._spectrum = spectrum
        self._selected: str | None = None
        self._sum = np.zeros(self.set["points"], dtype=np.complex128)
        self._swept = 0  # sweeps in the average

    def takes_s(self, message: str) -> float:
        """As usual; its byte order is answered from memory and takes none, as its set."""
        return 0.0 if message == "FORM:BORD?" else super().takes_s(message)

    def changed(self, name: str) -> None:
        """A new axis or filter empties the trace; a stop below the start takes it along."""
        if name in {"start", "stop"} and self.set["start"] > self.set["stop"]:
            self.set["stop" if name == "start" else "start"] = self.set[name]
        if name == "format" and self.set["format"] == "ASC":
            self.set["format"] = "ASC,0"
        if name in {"start", "stop", "points", "type", "bandwidth"}:
            self._clear()

    def _clear(self) -> None:
        self._sum = np.zeros(self.set["points"], dtype=np.complex128)
        self._swept = 0

    @property
    def frequency_Hz(self) -> NDArray[np.float64]:
        """Of each point."""
        start, stop, points = self.set["start"], self.set["stop"], self.set["points"]
        if self.set["type"] == "LOG":
            return np.geomspace(start, stop, points)
        return np.linspace(start, stop, points)

    @property
    def sweep_s(self) -> float:
        """`SENS:SWE:TIME?`: each point takes 1 / bandwidth."""
        return float(self.set["points"] * (1.0 / self.set["bandwidth"] + OVERHEAD_S))

    @property
    def _by_points(self) -> bool:
        """Each point is averaged before the next one: a sweep is slow, and none joins another."""
        return bool(self.set["averaging"]) and self.set["average_by"] == "POIN"

    # ---- sweeps

    def set_mode(self, text: str) -> None:
        """`SENS:SWE:MODE HOLD|CONT|SING|GRO`: the last two sweep, then hold."""
        mode = Word(("HOLD", "CONTinuous", "SINGle", "GROups"), "HOLD").read(text)
        if mode in {"SING", "GRO"}:
            if self.set["trigger"] == "MAN":
                raise ScpiError(-214)
            for _ in range(self.set["group"] if mode == "GRO" else 1):
                self._sweep()
            mode = "HOLD"
        self.mode = mode

    def _sweep(self) -> None:
        start_ns = self.time.now_ns
        trace = self._spectrum.sweep(self.frequency_Hz)
        if not self.set["output"]:
            trace = np.zeros_like(trace)
        passed_s = (self.time.now_ns - start_ns) * 1e-9
        often = self.set["averages"] if self._by_points else 1
        self.time.advance(max(0.0, often * self.sweep_s - passed_s))
        if self.set["averaging"] and not self._by_points:
            kept = min(self._swept, self.set["averages"] - 1)
            self._sum = (self._sum * kept + trace) / (kept + 1)
        else:
            self._sum = trace
        self._swept += 1

    def clear_averages(self, _: str) -> None:
        """`SENS:AVER:CLE`: the next sweep begins a new average."""
        self._swept = 0

    # ---- traces

    def catalogue(self, _: str) -> str:
        """`CALC:PAR:CAT:EXT?`: names and parameters in turn."""
        return '"' + ",".join(f"{name},{parameter}" for name, parameter in TRACES.items()) + '"'

    def select(self, text: str) -> None:
        """`CALC:PAR:SEL 'name'[,fast]`."""
        name = text.split(",")[0].strip().strip("\"'")
        if name not in TRACES:
            raise ScpiError(-224)
        self._selected = name

    def select_number(self, text: str) -> None:
        """`CALC:PAR:MNUM n`."""
        self._selected = list(TRACES)[integer(text, 1, len(TRACES)) - 1]

    def ask_number(self, _: str) -> str:
        """`CALC:PAR:MNUM?`: 0 where none is selected."""
        return str(0 if self._selected is None else list(TRACES).index(self._selected) + 1)

    def data(self, text: str) -> str:
        """`CALC:DATA? SDATA|FDATA`: complex pairs, or the magnitude in dB."""
        kind = Word(("SDATA", "FDATA"), "SDATA").read(text)
        if self._selected is None:
            raise ScpiError(-221)
        trace = self._sum if TRACES[self._selected] == "S21" else np.zeros_like(self._sum)
        if kind == "SDATA":
            return self._out(trace.view(np.float64))
        return self._out(20.0 * np.log10(np.maximum(np.abs(trace), 1e-10)))

    def axis(self, _: str) -> str:
        """`CALC:X?`: the frequencies."""
        return self._out(self.frequency_Hz)

    def _out(self, values: NDArray[np.float64]) -> str:
        """Numbers as the format says."""
        kind = self.set["format"]
        if kind == "ASC,0":
            return ",".join(f"{value:+.11E}" for value in values.tolist())
        order = "<" if self.set["border"] == "SWAP" else ">"
        width = 8 if kind == "REAL,64" else 4
        return as_block(values.astype(f"{order}f{width}").tobytes()).decode("latin-1")

    def reset(self, _: str) -> None:
        """`*RST`: the factory's settings, no trace selected."""
        self.set = after_reset(_SETTINGS)
        self.mode, self._selected = "CONT", None
        self._clear()

    def ask_time(self, _: str) -> str:
        """`SENS:SWE:TIME?`."""
        return f"{self.sweep_s:+.11E}"


KeysightPNA.commands = command_table(
    {
        **handlers(_SETTINGS),
        **COMMON,
        "*IDN?": lambda _analyser, _: IDENTITY,
        "*OPT?": lambda _analyser, _: '"200"',
        "*RST": KeysightPNA.reset,
        "*OPC?": lambda _analyser, _: "+1",  # a sweep is over when its command was carried out
        "*WAI": lambda _analyser, _: None,
        "SENSe:SWEep:MODE": KeysightPNA.set_mode,
        "SENSe:SWEep:MODE?": lambda analyser, _: analyser.mode,
        "SENSe:SWEep:TIME?": KeysightPNA.ask_time,
        "SENSe:AVERage:CLEar": KeysightPNA.clear_averages,
        "CALCulate:PARameter:CATalog:EXTended?": KeysightPNA.catalogue,
        "CALCulate:PARameter:SELect": KeysightPNA.select,
        "CALCulate:PARameter:MNUMber": KeysightPNA.select_number,
        "CALCulate:PARameter:MNUMber?": KeysightPNA.ask_number,
        "CALCulate:DATA?": KeysightPNA.data,
        "CALCulate:X?": KeysightPNA.axis,
    }
)

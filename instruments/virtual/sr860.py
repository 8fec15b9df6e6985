"""The virtual Stanford Research SR860 lock-in: its mnemonics, filters, overloads, capture buffer.

Commands: `shared/rig.md` 3.7, PyMeasure's `srs/sr860.py`, QCoDeS' `SR86x.py`. A line with several
queries answers in one line, joined by `;` (the SR830 doesn't). `SNAP?` and `SNAPD?` gate one step
of the device, and while it captures each point of a supply's list does (`virtual.bipolar`); every
other query shows the outputs as the last gate left them and draws nothing.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from instruments.ieee_block import as_block
from instruments.virtual.aux_outputs import AuxOutputs
from instruments.virtual.instrument import VirtualInstrument
from instruments.virtual.sr860_capture import LONGEST_KB, MOST_KB_AT_ONCE, CaptureBuffer
from instruments.virtual.sr860_outputs import ChannelOutputs
from instruments.virtual.sr860_signal import (
    FACTORY,
    INPUT_RANGE_V,
    INTEGERS,
    REALS,
    SENSITIVITY_V,
    TIME_CONSTANT_S,
    SignalPath,
)
from instruments.virtual.sr860_words import MESSAGE, parameter, quantity
from instruments.virtual.stanford_words import (
    COMMAND_ERROR,
    EXECUTION_ERROR,
    POWER_ON,
    CommandError,
    one_of,
)
from instruments.virtual.trigger_wire import TriggerIn, not_wired

if TYPE_CHECKING:
    from collections.abc import Callable

    from instruments.virtual.electronics import Source
    from instruments.virtual.instrument import DeviceTime

IDENTITY = "Stanford_Research_Systems,SR860,003693,V1.51"
_RANGES = INTEGERS | REALS


class SR860(VirtualInstrument):
    """An SR860 as the bench left it: second harmonic of the field's rotation, 200 µV, 10 ms.

    Parameters
    ----------
    device_time
        The rig's time.
    source
        What its input is connected to.
    """

    model = "sr860"

    def __init__(self, device_time: DeviceTime, source: Source) -> None:
        super().__init__(device_time)
        self._set: dict[str, float] = {name: left for name, (_, _, left) in _RANGES.items()}
        self.path = SignalPath(source, self._set)
        self.aux_out = AuxOutputs(first=0)
        self._outputs = ChannelOutputs().commands()
        self.shown = [0, 1, 2, 3]
        self._capture = CaptureBuffer(device_time)
        self.trigger_in: TriggerIn = not_wired
        self._event = POWER_ON

    def respond(self, message: str) -> str:
        """Carry a line out; the answers of its queries in one line, joined by `;`."""
        replies = []
        for part in message.split(";"):
            if not part.strip():
                continue
            try:
                reply = self._carry_out(part.strip())
            except CommandError as error:
                self._event |= error.bit
                continue
            if reply is not None:
                replies.append(reply)
        if not replies:
            return ""
        line = ";".join(replies)
        return line if line.startswith("#") else line + "\n"  # a block has no terminator behind it

    def _carry_out(self, command: str) -> str | None:
        parts = MESSAGE.fullmatch(command)
        if parts is None:
            raise CommandError(COMMAND_ERROR)
        name, asking, arguments = parts[1].upper(), parts[2], parts[3].strip()
        handler = _COMMANDS.get(name + asking)
        if handler is not None:
            return handler(self, arguments)
        if name + asking in self._outputs:
            return self._outputs[name + asking](arguments)
        if name not in self._set:
            raise CommandError(COMMAND_ERROR)
        if asking:
            return self._setting(name)
        self._change(name, arguments)
        return None

    def _setting(self, name: str) -> str:
        return f"{int(self._set[name])}" if name in INTEGERS else f"{self._set[name]:.9g}"

    def _change(self, name: str, text: str) -> None:
        low, high, _ = _RANGES[name]
        value = quantity(text)
        if not low <= value <= high or (name in INTEGERS and value != int(value)):
            raise CommandError(EXECUTION_ERROR)
        if name == "FREQ":
            if self._set["RSRC"] == 1:
                raise CommandError(EXECUTION_ERROR)  # the reference is outside
            self._set["FREQINT"] = value
        if name == "PHAS":
            value = (value + 180.0) % 360.0 - 180.0
        self._catch_up()
        self._set[name] = int(value) if name in INTEGERS else value

    def _value(self, index: int) -> str:
        """One of the sixteen parameters: 0 X, 1 Y, 2 R, 3 θ, … 15 and 16 frequencies."""
        x, y = self.path.outputs()
        values = {
            0: x, 1: y, 2: math.hypot(x, y), 3: math.degrees(math.atan2(y, x)),
            10: self.aux_out.volts[0], 11: self.aux_out.volts[1], 12: self._set["PHAS"],
            13: self._set["SLVL"], 14: self._set["SOFF"], 15: self._set["FREQINT"],
            16: self.path.frequency_Hz if self._set["RSRC"] else 0.0,
        }  # fmt: skip
        return f"{values.get(index, 0.0):.9g}"

    # ---- readings

    def snap(self, text: str) -> str:
        """`SNAP? j,k[,l]`: two or three values of one instant, after one gate."""
        indices = [parameter(part) for part in text.split(",")]
        if not 2 <= len(indices) <= 3:
            raise CommandError(COMMAND_ERROR)
        return self._gated(indices)

    def snap_display(self, _: str) -> str:
        """`SNAPD?`: the four that the display shows."""
        return self._gated(self.shown)

    def _gated(self, indices: list[int]) -> str:
        self._catch_up()
        self.path.gate()
        return ",".join([self._value(index) for index in indices])

    def ask_output(self, text: str) -> str:
        """`OUTP? j`: a value as the last gate left it."""
        return self._value(parameter(text))

    def show(self, text: str) -> None:
        """`CDSP i,j`: what data channel i shows."""
        channel, _, index = text.partition(",")
        self.shown[one_of(channel, 0, 3)] = parameter(index)

    def ask_aux_in(self, text: str) -> str:
        """`OAUX? j`: nothing is connected there."""
        self.aux_out.place(text)
        return "0"

    def ask_strength(self, _: str) -> str:
        """`ILVL?`: 0 … 4, how much of the input range the signal fills."""
        share = math.hypot(*self.path.outputs()) / INPUT_RANGE_V[int(self._set["IRNG"])]
        return str(min(4, max(0, math.floor(4 + math.log10(max(share, 1e-9)) / 0.5))))

    # ---- auto functions

    def auto_phase(self, _: str) -> None:
        """`APHS`: turn the reference until Y is zero."""
        x, y = self.path.outputs()
        turn = math.degrees(math.atan2(y, x))
        self._change("PHAS", repr(self._set["PHAS"] + turn))
        self.path.turn(turn)

    def auto_scale(self, _: str) -> None:
        """`ASCL`: the smallest sensitivity that shows the signal."""
        self._set["SCAL"] = self._tightest(SENSITIVITY_V, 1.0)

    def auto_range(self, _: str) -> None:
        """`ARNG`: the smallest input range that holds the signal's peak."""
        self._set["IRNG"] = self._tightest(INPUT_RANGE_V, math.sqrt(2.0))

    def _tightest(self, falling: tuple[float, ...], factor: float) -> int:
        size_V = factor * math.hypot(*self.path.outputs())
        return max((i for i, full_V in enumerate(falling) if full_V >= size_V), default=0)

    # ---- status

    def ask_lock_in_status(self, _: str) -> str:
        """`LIAS?`, cleared by reading."""
        found, self.path.status = self.path.status, 0
        return str(found)

    def ask_event(self, _: str) -> str:
        """`*ESR?`, cleared by reading."""
        found, self._event = self._event, 0
        return str(found)

    def clear(self, _: str) -> None:
        """`*CLS`."""
        self._event = self.path.status = 0

    def reset(self, _: str) -> None:
        """`*RST`: the factory's settings, not the bench's."""
        self._set |= {name: left for name, (_, _, left) in _RANGES.items()} | FACTORY
        self._outputs = ChannelOutputs().commands()
        self._capture = CaptureBuffer(self.time)
        self.path.watch_list(False)

    # ---- capture

    def capture_setting(self, name: str, text: str) -> None:
        """`CAPTURECFG`, `CAPTURELEN`, `CAPTURERATE`; not while a capture runs."""
        self._catch_up()
        self._capture.configure(name, text)

    @property
    def _fastest_Hz(self) -> float:
        return self._capture.fastest_Hz(TIME_CONSTANT_S[int(self._set["OFLT"])])

    def capture_start(self, text: str) -> None:
        """`CAPTURESTART ONE|CONT, IMM`, or `ONE, TRIG`: a falling edge at the input starts it."""
        words = [part.strip().upper() for part in text.split(",")]
        if len(words) != 2 or words[0] not in {"ONE", "CONT", "0", "1"}:
            raise CommandError(COMMAND_ERROR)
        once, by_trigger = words[0] in {"ONE", "0"}, words[1] in {"TRIG", "1"}
        if words[1] not in {"IMM", "0", "TRIG", "1"} or (by_trigger and not once):
            raise CommandError(EXECUTION_ERROR)
        self._catch_up()
        fastest_Hz = self._fastest_Hz
        self._capture.start(continuous=not once, fastest_Hz=fastest_Hz, by_trigger=by_trigger)
        self.path.watch_list(True)

    def capture_stop(self, _: str) -> None:
        """`CAPTURESTOP`."""
        self._catch_up()
        self._capture.stop()
        self.path.watch_list(False)

    def _catch_up(self) -> None:
        """Capture up to now, gate by gate of a list that ran meanwhile."""
        self._capture.look(self.trigger_in)
        for end_ns in self.path.list_gates():
            self._capture.catch_up(self.path.outputs(), end_ns)
        self._capture.catch_up(self.path.outputs())

    def ask_capture(self, name: str) -> str:
        """`CAPTURESTAT?` and its like."""
        self._catch_up()
        return self._capture.answer(name, self._fastest_Hz)

    def capture_get(self, text: str) -> str:
        """`CAPTUREGET? offset,length` in kB: a definite-length block, once the capture stopped."""
        offset, _, length = text.partition(",")
        self._catch_up()
        first_kB, many_kB = one_of(offset, 0, LONGEST_KB), one_of(length, 1, MOST_KB_AT_ONCE)
        data = self._capture.block(first_kB, many_kB)
        if not data:
            raise CommandError(EXECUTION_ERROR)
        return as_block(data).decode("latin-1")


_COMMANDS: dict[str, Callable[[SR860, str], str | None]] = {
    "*IDN?": lambda _lockin, _: IDENTITY,
    "*RST": SR860.reset,
    "*CLS": SR860.clear,
    "*ESR?": SR860.ask_event,
    "*OPC?": lambda _lockin, _: "1",
    "ERRS?": lambda _lockin, _: "0",
    "LIAS?": SR860.ask_lock_in_status,
    "CUROVLDSTAT?": lambda lockin, _: str(lockin.path.status),
    "SNAP?": SR860.snap,
    "SNAPD?": SR860.snap_display,
    "OUTP?": SR860.ask_output,
    "CDSP": SR860.show,
    "CDSP?": lambda lockin, text: str(lockin.shown[one_of(text, 0, 3)]),
    "OAUX?": SR860.ask_aux_in,
    "AUXV": lambda lockin, text: lockin.aux_out.set(text),
    "AUXV?": lambda lockin, text: f"{lockin.aux_out.asked(text):.9g}",
    "FREQ?": lambda lockin, _: f"{lockin.path.frequency_Hz:.9g}",
    "FREQEXT?": lambda lockin, _: lockin.ask_output("16"),
    "FREQDET?": lambda lockin, _: f"{lockin.path.detected_Hz:.9g}",
    "ILVL?": SR860.ask_strength,
    "APHS": SR860.auto_phase,
    "ASCL": SR860.auto_scale,
    "ARNG": SR860.auto_range,
    "CAPTURECFG": lambda lockin, text: lockin.capture_setting("CFG", text),
    "CAPTURELEN": lambda lockin, text: lockin.capture_setting("LEN", text),
    "CAPTURERATE": lambda lockin, text: lockin.capture_setting("RATE", text),
    "CAPTURESTART": SR860.capture_start,
    "CAPTURESTOP": SR860.capture_stop,
    "CAPTUREGET?": SR860.capture_get,
    "CAPTURESTAT?": lambda lockin, _: lockin.ask_capture("STAT"),
    "CAPTUREBYTES?": lambda lockin, _: lockin.ask_capture("BYTES"),
    "CAPTUREPROG?": lambda lockin, _: lockin.ask_capture("PROG"),
    "CAPTURECFG?": lambda lockin, _: lockin.ask_capture("CFG"),
    "CAPTURELEN?": lambda lockin, _: lockin.ask_capture("LEN"),
    "CAPTURERATE?": lambda lockin, _: lockin.ask_capture("RATE"),
    "CAPTURERATEMAX?": lambda lockin, _: lockin.ask_capture("RATEMAX"),
}

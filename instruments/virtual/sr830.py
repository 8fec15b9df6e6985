"""The virtual Stanford Research SR830 lock-in: its mnemonics, filters, overloads and buffers.

Commands: `shared/rig.md` 3.7 and the SR830 manual, chapter 5 (remote programming). Every query
answers with a terminator of its own, but for `TRCB?`. `SNAP?` gates one step of the device, and
while its buffer runs each point of a supply's list does (`virtual.bipolar`); every other query
shows the outputs as the last gate left them and draws no random numbers.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from instruments.virtual.aux_outputs import AuxOutputs
from instruments.virtual.instrument import VirtualInstrument
from instruments.virtual.sr830_buffer import Buffer
from instruments.virtual.sr830_signal import FACTORY, INTEGERS, REALS, SENSITIVITY_V, SignalPath
from instruments.virtual.stanford_words import (
    COMMAND_ERROR,
    EXECUTION_ERROR,
    POWER_ON,
    CommandError,
    integers,
    number,
    one_of,
    taken,
)
from instruments.virtual.trigger_wire import TriggerIn, not_wired

if TYPE_CHECKING:
    from collections.abc import Callable

    from instruments.virtual.electronics import Source
    from instruments.virtual.instrument import DeviceTime

IDENTITY = "Stanford_Research_Systems,SR830,s/n37210,ver1.07"
_RANGES = INTEGERS | REALS


class SR830(VirtualInstrument):
    """An SR830 as the bench left it: second harmonic of the field's rotation, 200 µV, 10 ms.

    Parameters
    ----------
    device_time
        The rig's time.
    source
        What its input is connected to.
    """

    model = "sr830"

    def __init__(self, device_time: DeviceTime, source: Source) -> None:
        super().__init__(device_time)
        self._set: dict[str, float] = {name: left for name, (_, _, left) in _RANGES.items()}
        self._path = SignalPath(source, self._set)
        # rear inputs: 1 sees a closed interlock contact, the others their own aux output (None)
        self.aux_in_V: list[float | None] = [5.0, None, None, None]
        self.aux_out = AuxOutputs(first=1)
        self._buffer = Buffer(device_time)
        self.offsets = self._path.offsets
        self.trigger_in: TriggerIn = not_wired
        self._event = POWER_ON
        self._errors = 0

    def respond(self, message: str) -> str:
        """Carry a line out; one reply, with its terminator, for each query of it."""
        out = ""
        for part in message.split(";"):
            command = part.strip()
            if not command:
                continue
            try:
                reply = self._carry_out(command)
            except CommandError as error:
                self._event |= error.bit
                continue
            if reply is not None and self._set["OUTX"] == 1:
                out += reply if command[:4].upper() == "TRCB" else reply + "\n"
        return out

    def _carry_out(self, command: str) -> str | None:
        name, rest = command[:4].upper(), command[4:]
        asking = rest[:1] == "?"
        arguments = rest[1:].strip() if asking else rest.strip()
        handler = _COMMANDS.get(name + "?" if asking else name)
        if handler is not None:
            return handler(self, arguments)
        if name not in self._set:
            raise CommandError(COMMAND_ERROR)
        if asking:
            if arguments:
                raise CommandError(COMMAND_ERROR)
            return f"{self._set[name]:.7g}"
        self._change(name, arguments)
        return None

    def _change(self, name: str, text: str) -> None:
        low, high, _ = _RANGES[name]
        value = number(text)
        if not low <= value <= high or (name in INTEGERS and value != int(value)):
            raise CommandError(EXECUTION_ERROR)
        if name == "FREQ" and self._set["FMOD"] == 0:
            raise CommandError(EXECUTION_ERROR)  # the reference is outside
        if name == "HARM" and value * self._path.frequency_Hz > REALS["FREQ"][1]:
            raise CommandError(EXECUTION_ERROR)
        if name == "PHAS":
            value = (value + 180.0) % 360.0 - 180.0
        self._catch_up()
        self._set[name] = int(value) if name in INTEGERS else value
        if name in {"SRAT", "SEND"}:
            self._buffer.configure(int(self._set["SRAT"]), loop=self._set["SEND"] == 1)

    def _value(self, index: int) -> str:
        """One value of `SNAP?`: 1 X, 2 Y, 3 R, 4 θ, 5–8 aux in, 9 frequency, 10 and 11 displays."""
        if index <= 4:
            value = self._path.value(index)
        elif index in (10, 11):
            value = self._path.displays()[index - 10]
        else:
            value = self._path.frequency_Hz if index == 9 else self._aux_V(index - 5)
        return f"{value:.7g}"

    # ---- commands of their own

    def snap(self, text: str) -> str:
        """`SNAP? i,j,…`: two to six values of one instant, after one gate."""
        indices = integers(text)
        if not 2 <= len(indices) <= 6:
            raise CommandError(COMMAND_ERROR)
        if not all(1 <= index <= 11 for index in indices):
            raise CommandError(EXECUTION_ERROR)
        self._catch_up()
        self._path.gate()
        return ",".join([self._value(index) for index in indices])

    def ask_output(self, text: str) -> str:
        """`OUTP? i`: X, Y, R or θ as the last gate left it."""
        return self._value(one_of(text, 1, 4))

    def ask_display(self, text: str) -> str:
        """`OUTR? i`: what display 1 or 2 shows."""
        return self._value(9 + one_of(text, 1, 2))

    def ask_aux_in(self, text: str) -> str:
        """`OAUX? i`: volts at a rear input."""
        return f"{self._aux_V(self.aux_out.place(text)):.7g}"

    def _aux_V(self, place: int) -> float:
        volts = self.aux_in_V[place]
        return self.aux_out.volts[place] if volts is None else volts

    def ask_frequency(self) -> str:
        """`FREQ?`: of the reference in use."""
        return f"{self._path.frequency_Hz:.7g}"

    def auto_phase(self, _: str) -> None:
        """`APHS`: turn the reference until Y is zero."""
        x, y = self._path.outputs()
        turn = math.degrees(math.atan2(y, x))
        self._change("PHAS", repr(self._set["PHAS"] + turn))
        self._path.turn(turn)

    def auto_gain(self, _: str) -> None:
        """`AGAN`: the smallest sensitivity that shows the signal."""
        size_V = max(map(abs, self._path.unclipped()))
        fitting = [i for i, full_V in enumerate(SENSITIVITY_V) if full_V >= size_V]
        self._set["SENS"] = fitting[0] if fitting else len(SENSITIVITY_V) - 1

    def ask_overloads(self, text: str) -> str:
        """`LIAS? [i]`: bits 0 input, 1 filter, 2 output, 3 unlock; cleared by reading."""
        reply, self._path.overloads = taken(self._path.overloads, text)
        return reply

    def ask_event(self, text: str) -> str:
        """`*ESR? [i]`, cleared by reading."""
        reply, self._event = taken(self._event, text)
        return reply

    def ask_status(self, _: str) -> str:
        """`*STB?`: bits 0 no scan, 1 no command in progress, 3 LIA, 5 event."""
        byte = (0 if self._buffer.running else 1) | 2
        byte |= 8 if self._path.overloads & int(self._set["LIAE"]) else 0
        byte |= 32 if self._event & int(self._set["*ESE"]) else 0
        return str(byte)

    def clear(self, _: str) -> None:
        """`*CLS`."""
        self._event = self._path.overloads = self._errors = 0

    def reset(self, _: str) -> None:
        """`*RST`: the factory's settings, not the bench's."""
        self._set |= {name: left for name, (_, _, left) in _RANGES.items()} | FACTORY
        self._buffer.configure(int(self._set["SRAT"]), loop=self._set["SEND"] == 1)
        self._path.shown = [0, 0]
        self.offsets.clear()
        self.set_trigger_start("0")

    def ask_errors(self, _: str) -> str:
        """`ERRS?`: the error status byte, cleared by reading."""
        found, self._errors = self._errors, 0
        return str(found)

    def report(self, bit: int) -> None:
        """Something goes wrong inside it: a bit of the error status byte."""
        self._errors |= 1 << bit

    def overload(self, gates: int) -> None:
        """Its input is overloaded during the next gates."""
        self._path.overdriven += gates

    def power_cycle(self) -> None:
        """As after switching on: the factory's settings (a worn-out battery), nothing latched."""
        self.reset("")
        self.clear("")
        self._event = POWER_ON

    def on_buffer(self, verb: str) -> None:
        """`STRT`, `PAUS`, `REST`, `TRIG`."""
        self._catch_up()
        self._buffer.command(verb, self._path.displays())
        self._path.watch_list(self._buffer.awaited)

    def set_trigger_start(self, text: str) -> None:
        """`TSTR 1`: a rising edge at the trigger input starts the storage; `TSTR 0`: none does."""
        self._catch_up()
        self._buffer.by_trigger = one_of(text, 0, 1) == 1
        self._path.watch_list(self._buffer.awaited)

    def ask_trigger_start(self, _: str) -> str:
        """`TSTR?`."""
        return f"{self._buffer.by_trigger:d}"

    def _catch_up(self) -> None:
        """Fill the buffer up to now, gate by gate of a list that ran meanwhile."""
        if self._buffer.by_trigger and not self._buffer.running:
            edges = self.trigger_in(self._buffer.idle_ns)
            self._buffer.triggered([edge_ns for edge_ns, rises in edges if rises])
        for end_ns in self._path.list_gates():
            self._buffer.catch_up(self._path.displays(), end_ns)
        self._buffer.catch_up(self._path.displays())

    def set_display(self, text: str) -> None:
        """`DDEF i,j,k`: display 1 shows X or R (j 0, 1), 2 Y or θ; other choices are not here."""
        arguments = integers(text)
        if len(arguments) != 3:
            raise CommandError(COMMAND_ERROR)
        display, shown, ratio = arguments
        if display not in (1, 2) or shown not in (0, 1) or ratio != 0:
            raise CommandError(EXECUTION_ERROR)
        self._catch_up()
        self._path.shown[display - 1] = shown

    def ask_display_choice(self, text: str) -> str:
        """`DDEF? i`: what a display shows, and its ratio (none)."""
        return f"{self._path.shown[one_of(text, 1, 2) - 1]},0"

    def ask_buffer(self, kind: str, text: str) -> str:
        """`SPTS?`, or `TRCA? i,j,k` and its like: points of a trace from bin j on."""
        self._catch_up()
        if kind == "SPTS":
            return str(self._buffer.points)
        arguments = integers(text)
        if len(arguments) != 3:
            raise CommandError(COMMAND_ERROR)
        trace, start, count = arguments
        if trace not in (1, 2) or start < 0 or count < 1 or start + count > self._buffer.points:
            raise CommandError(EXECUTION_ERROR)
        if kind == "TRCB":
            return self._buffer.binary(trace, start, count)
        return self._buffer.trace(trace, start, count)


_COMMANDS: dict[str, Callable[[SR830, str], str | None]] = {
    "*IDN?": lambda _lockin, _: IDENTITY,
    "*RST": SR830.reset,
    "*CLS": SR830.clear,
    "*ESR?": SR830.ask_event,
    "*STB?": SR830.ask_status,
    "ERRS?": SR830.ask_errors,
    "LIAS?": SR830.ask_overloads,
    "SNAP?": SR830.snap,
    "OUTP?": SR830.ask_output,
    "OUTR?": SR830.ask_display,
    "OAUX?": SR830.ask_aux_in,
    "DDEF": SR830.set_display,
    "DDEF?": SR830.ask_display_choice,
    "OEXP": lambda lockin, text: lockin.offsets.set(text),
    "OEXP?": lambda lockin, text: lockin.offsets.ask(text),
    "AUXV": lambda lockin, text: lockin.aux_out.set(text),
    "AUXV?": lambda lockin, text: f"{lockin.aux_out.asked(text):.7g}",
    "APHS": SR830.auto_phase,
    "AGAN": SR830.auto_gain,
    "FREQ?": lambda lockin, _: lockin.ask_frequency(),
    "STRT": lambda lockin, _: lockin.on_buffer("STRT"),
    "PAUS": lambda lockin, _: lockin.on_buffer("PAUS"),
    "REST": lambda lockin, _: lockin.on_buffer("REST"),
    "TSTR": SR830.set_trigger_start,
    "TSTR?": SR830.ask_trigger_start,
    "TRIG": lambda lockin, _: lockin.on_buffer("TRIG"),
    "SPTS?": lambda lockin, text: lockin.ask_buffer("SPTS", text),
    "TRCA?": lambda lockin, text: lockin.ask_buffer("TRCA", text),
    "TRCB?": lambda lockin, text: lockin.ask_buffer("TRCB", text),
}

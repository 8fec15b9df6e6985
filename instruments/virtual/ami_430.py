"""The virtual AMI Model 430 on a superconducting magnet: greeting, units, states, quench, switch.

Commands: Model 430 manual rev. 5, chapter 4, as in QCoDeS' AMI430_visa.py and PyMeasure's
ami430.py. What no source states is marked "judgement".
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from instruments.virtual import ami_rates
from instruments.virtual.ami_errors import AmiError, ErrorBuffer, number, switch
from instruments.virtual.coil import CoilParameters
from instruments.virtual.instrument import VirtualInstrument
from instruments.virtual.ramped_supply import RampedSupply
from instruments.virtual.scpi import command_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from instruments.virtual.instrument import DeviceTime

IDENTITY = "AMERICAN MAGNETICS INC.,MODEL 430,2.01"
QUEUE = 4  # commands that may wait; a fifth is ignored
QUEUED_S = 0.02  # judgement: what one of them takes to be carried out
MOST_A = 100.0
HEAT_S, COOL_S = 10.0, 20.0
RAMPING, HOLDING, PAUSED, UP, DOWN, ZEROING, QUENCH, AT_ZERO, HEATING, COOLING = range(1, 11)
EXTERNAL = 11  # rampdown, asked for at the rear input
WALKING = (RAMPING, UP, DOWN, ZEROING, EXTERNAL)
DEAF = (QUENCH, HEATING, COOLING, EXTERNAL)  # to commands that move the current


class Ami430(VirtualInstrument):
    """A Model 430 at zero, its target 0 A, rates per second, fields in kG, no switch installed.

    Parameters
    ----------
    device_time
        The rig's time.
    coil
        The magnet: superconducting, whatever resistance it gives.
    inductance_H
        Of the magnet; the coil's own would be a normal one's.

    Attributes
    ----------
    state
        The number that `STATE?` answers.
    target_A, segments, per_minute, tesla, current_limit_A, voltage_limit_V
        Its settings; rates are kept in A/s, whatever unit they are told in.
    switch_installed, switch_hot, persistent
        The persistent switch.
    """

    model = "ami-430"
    terminator = b"\r\n"
    greeting = b"American Magnetics Model 430 IP Interface\r\nHello.\r\n"

    def __init__(
        self,
        device_time: DeviceTime,
        coil: CoilParameters | None = None,
        inductance_H: float = 5.0,
    ) -> None:
        super().__init__(device_time)
        magnet = replace(coil or CoilParameters(), inductance_H=inductance_H)
        self.supply = RampedSupply(device_time, magnet, 1.0, resistive=False)
        self.state = AT_ZERO
        self.per_minute = False
        self.tesla = False
        self.segments = [(0.1, MOST_A)]  # A/s, up to A
        self.switch_installed = False
        self.switch_hot = False
        self.persistent = False
        self.current_limit_A = MOST_A
        self.voltage_limit_V = 5.0
        self.target_A = 0.0
        self.errors = ErrorBuffer()
        self._switch_until_ns = 0
        self._left_A = 0.0  # what the magnet was left with when its switch went cold
        self._arrivals: deque[int] = deque()
        self.apply_rates()

    def respond(self, message: str) -> str:
        """Carry a line out; each query answers a line of its own."""
        self.follow()
        replies = []
        for part in message.split(";"):
            header, _, argument = part.strip().partition(" ")
            if not header:
                continue
            try:
                reply = self._carry_out(header.upper(), argument.strip())
            except AmiError as error:
                self.errors.report(error.code)
            else:
                replies += [] if reply is None else [f"{reply}\r\n"]
        return "".join(replies)

    def _carry_out(self, header: str, argument: str) -> str | None:
        query = header.endswith("?")
        if query:
            self._arrivals.clear()  # it waits for what was sent before
        if not query and not self._has_place():
            raise AmiError(-303)
        stem, _, segment = header.rstrip("?").rpartition(":")
        if query and stem in ami_rates.QUERIES and segment.isdigit():
            return ami_rates.ask_rate(self, int(segment), ami_rates.QUERIES[stem])
        handler = _COMMANDS.get(header)
        if handler is None:
            raise AmiError(-201 if query else -101)
        return handler(self, argument)

    def _has_place(self) -> bool:
        """Whether the queue takes a command: what was sent lately still waits."""
        now_ns = self.time.now_ns
        while self._arrivals and now_ns - self._arrivals[0] >= QUEUED_S * 1e9:
            self._arrivals.popleft()
        if len(self._arrivals) == QUEUE:
            return False
        self._arrivals.append(now_ns)
        return True

    def follow(self) -> None:
        """Let states that end by themselves end."""
        self.supply.follow()
        if self.state in (HEATING, COOLING) and self.time.now_ns >= self._switch_until_ns:
            self.switch_hot = self.state == HEATING
            if self.state == COOLING:
                self.persistent, self._left_A = True, self.supply.coil.current_A
            self.state = PAUSED
        if self.state in WALKING and not self.supply.ramping:
            self.state = AT_ZERO if self.state in (ZEROING, EXTERNAL) else HOLDING

    # ---- ramp

    def set_target(self, text: str) -> None:
        """`CONF:CURR:TARG x`; while it ramps, it ramps there."""
        value = number(text)
        if abs(value) > self.current_limit_A:
            raise AmiError(-105)
        self.target_A = value
        if self.state == RAMPING:
            self.supply.walk_to(value)

    def ramp(self, _: str) -> None:
        """`RAMP`: to the target; nothing happens in a quench or while the switch changes."""
        self._walk(RAMPING, self.target_A)

    def zero(self, _: str) -> None:
        """`ZERO`: to zero, and it stays AT ZERO there."""
        self._walk(ZEROING, 0.0)

    def manual(self, state: int) -> None:
        """`INCR`, `DECR`: to the current limit."""
        self._walk(state, self.current_limit_A if state == UP else -self.current_limit_A)

    def _walk(self, state: int, target_A: float) -> None:
        if self.state in DEAF:
            return
        self.supply.walk_to(target_A)
        self.state = state
        self.follow()

    def pause(self, _: str) -> None:
        """`PAUSE`: at rest at once, wherever it is."""
        if self.state in DEAF:
            return
        self.supply.stop()
        self.state = PAUSED

    def external_rampdown(self) -> None:
        """To zero, whatever it is told: what a contact at the rear input asks for."""
        self.supply.walk_to(0.0)
        self.state = EXTERNAL
        self.follow()

    def apply_rates(self) -> None:
        """Let the output walk by the segments' rates."""
        self.supply.follow()
        self.supply.segments = [(upper_A, rate) for rate, upper_A in self.segments]

    # ---- quench and switch

    def quench(self) -> None:
        """Let the magnet quench: what a user of the rig may do."""
        self.supply.quench()
        self.state = QUENCH

    def set_quench(self, text: str) -> None:
        """`QU 0` resets a quench, `QU 1` makes one."""
        if switch(text):
            self.quench()
        elif self.state == QUENCH:
            self.supply.recover()
            self.state = PAUSED

    def set_switch(self, text: str) -> None:
        """`PS 0|1`: the heater; the switch follows after its heating or cooling time."""
        hot = switch(text)
        if not self.switch_installed:
            raise AmiError(-107)
        self.state = HEATING if hot else COOLING
        self.persistent = False if hot else self.persistent
        self._switch_until_ns = self.time.now_ns + round((HEAT_S if hot else COOL_S) * 1e9)

    # ---- readings

    def magnet_A(self) -> str:
        """`CURR:MAG?`: in persistent mode the current that the magnet was left with."""
        value = self._left_A if self.persistent else self.supply.coil.current_A
        return f"{value:.4f}"

    def coil_constant(self) -> float:
        """`COIL?`, in the present field unit a ampere."""
        tesla_per_ampere = self.supply.coil.parameters.tesla_per_ampere
        return tesla_per_ampere if self.tesla else 10.0 * tesla_per_ampere

    def ask_field(self, of_A: float) -> str:
        """A field in the present unit."""
        return f"{of_A * self.coil_constant():.4f}"

    def set_field_target(self, text: str) -> None:
        """`CONF:FIELD:TARG x`, in the present field unit."""
        self.set_target(f"{number(text) / self.coil_constant():.6f}")


def _configure(name: str, read: Callable[[str], object]) -> Callable[[Ami430, str], None]:
    return lambda unit, text: setattr(unit, name, read(text))


def _limit(text: str) -> float:
    value = number(text)
    if not 0 < value <= MOST_A:
        raise AmiError(-105)
    return value


_COMMANDS: dict[str, Callable[[Ami430, str], str | None]] = command_table(
    {
        "*IDN?": lambda _unit, _: IDENTITY,
        "*CLS": lambda unit, _: unit.errors.clear(),
        "SYSTem:ERRor?": lambda unit, _: unit.errors.next(),
        "SYSTem:REMote": lambda _unit, _: None,
        "SYSTem:LOCal": lambda _unit, _: None,
        "STATE?": lambda unit, _: str(unit.state),
        "RAMP": Ami430.ramp,
        "PAUSE": Ami430.pause,
        "ZERO": Ami430.zero,
        "INCR": lambda unit, _: unit.manual(UP),
        "DECR": lambda unit, _: unit.manual(DOWN),
        "CONFigure:CURRent:TARGet": Ami430.set_target,
        "CURRent:TARGet?": lambda unit, _: f"{unit.target_A:.4f}",
        "CONFigure:FIELD:TARGet": Ami430.set_field_target,
        "FIELD:TARGet?": lambda unit, _: unit.ask_field(unit.target_A),
        "CURRent:MAGnet?": lambda unit, _: unit.magnet_A(),
        "CURRent:SUPPly?": lambda unit, _: f"{unit.supply.coil.current_A:.4f}",
        "FIELD:MAGnet?": lambda unit, _: unit.ask_field(float(unit.magnet_A())),
        "VOLTage:SUPPly?": lambda unit, _: f"{unit.supply.coil.voltage_V:.4f}",
        "CONFigure:CURRent:LIMit": _configure("current_limit_A", _limit),
        "CURRent:LIMit?": lambda unit, _: f"{unit.current_limit_A:.4f}",
        "CONFigure:VOLTage:LIMit": _configure("voltage_limit_V", number),
        "VOLTage:LIMit?": lambda unit, _: f"{unit.voltage_limit_V:.4f}",
        "COIL?": lambda unit, _: f"{unit.coil_constant():.6f}",
        "CONFigure:FIELD:UNITS": _configure("tesla", switch),
        "FIELD:UNITS?": lambda unit, _: str(int(unit.tesla)),
        "CONFigure:RAMP:RATE:UNITS": _configure("per_minute", switch),
        "RAMP:RATE:UNITS?": lambda unit, _: str(int(unit.per_minute)),
        "CONFigure:RAMP:RATE:SEGments": ami_rates.set_segments,
        "RAMP:RATE:SEGments?": lambda unit, _: str(len(unit.segments)),
        "CONFigure:RAMP:RATE:CURRent": ami_rates.set_current_rate,
        "CONFigure:RAMP:RATE:FIELD": ami_rates.set_field_rate,
        "QUench": Ami430.set_quench,
        "QUench?": lambda unit, _: str(int(unit.state == QUENCH)),
        "PERSistent?": lambda unit, _: str(int(unit.persistent)),
        "CONFigure:PSwitch": _configure("switch_installed", switch),
        "PSwitch:INSTalled?": lambda unit, _: str(int(unit.switch_installed)),
        "PSwitch": Ami430.set_switch,
        "PSwitch?": lambda unit, _: str(int(unit.switch_hot)),
    }
)

"""The virtual Kepco BOP 36-12 with its BIT 4886 card: the SCPI dialect, quirks included.

Command set, forms and limits: `shared/rig.md` 3.1 (BIT 4886 manual p. 45, 79; PyMeasure's
kepcobop driver). What no source states is marked "judgement".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from instruments.virtual.bipolar import MAX_A, MAX_V, BipolarSupply
from instruments.virtual.coil import CoilParameters
from instruments.virtual.kepco_list import ListMemory, exponent_form, kept_digits
from instruments.virtual.scpi import (
    COMMON,
    ScpiError,
    ScpiInstrument,
    boolean,
    command_table,
    integer,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from instruments.virtual.instrument import DeviceTime

IDENTITY = "KEPCO,BIT 4886 36-12  08-04-2023,H249977,4.04-1.82"
LINE_LIMIT = 253
MEASURE_S = 0.01  # judgement: a MEAS reading takes the converter one reading period
_CONVERTER_STEPS = 32768


class KepcoBop(ScpiInstrument):
    """A BOP 36-12 (36 V, 12 A) on a coil.

    Parameters
    ----------
    device_time
        The rig's time.
    coil
        What is connected to the output.
    """

    model = "kepco-bop"
    identity = IDENTITY
    rating = (MAX_V, MAX_A)

    def __init__(self, device_time: DeviceTime, coil: CoilParameters | None = None) -> None:
        super().__init__(device_time)
        self.supply = BipolarSupply(device_time, coil or CoilParameters(), *self.rating)
        self._auto_range = True
        self.list = self._memory()

    def _memory(self) -> ListMemory:
        return ListMemory(self.supply)

    def takes_s(self, message: str) -> float:
        """As usual; the programmed current is answered from memory and takes none, as its set.

        So a program that reads each set back, where a line may lose one, records what one records
        that has no line.
        """
        return 0.0 if message == "CURR?" else super().takes_s(message)

    def respond(self, message: str) -> str:
        """Carry a line out that is none too long."""
        if len(message) > LINE_LIMIT:
            self.status.report(-363)
            return ""
        return super().respond(message)

    # ---- set-points and measurements

    def set_current(self, text: str) -> None:
        """`CURR x`: the set-point in current mode, the limit in voltage mode."""
        supply = self.supply
        value = self._level(text, supply.max_A if self._auto_range else supply.full_scale_A)
        self.list.refuse_while_running()
        self.supply.follow()
        self.supply.setpoint_A = value
        if self._auto_range:
            supply.full_scale_A = supply.max_A / (1 if abs(value) > supply.max_A / 4 else 4)

    def set_voltage(self, text: str) -> None:
        """`VOLT x`: the set-point in voltage mode, the compliance in current mode."""
        value = self._level(text, self.supply.max_V)
        self.list.refuse_while_running()
        self.supply.follow()
        self.supply.setpoint_V = value

    @staticmethod
    def _level(text: str, limit: float) -> float:
        word = text.upper()
        if word in {"MIN", "MINIMUM", "MAX", "MAXIMUM"}:
            return limit if word.startswith("MAX") else -limit
        value = kept_digits(text)
        if abs(value) > limit:
            raise ScpiError(-222)
        return value

    def ask_current(self, text: str) -> str:
        """`CURR?`: the programmed current; `CURR? MAX` its limit.

        Judgement: while a list runs, it is the set-point that the end of the list returns to.
        """
        value = self._level(text, self.supply.full_scale_A) if text else self.supply.fixed_A
        return exponent_form(value, 7)

    def ask_voltage(self, text: str) -> str:
        """`VOLT?`: the programmed voltage; `VOLT? MAX` its limit."""
        supply = self.supply
        return exponent_form(self._level(text, supply.max_V) if text else supply.setpoint_V, 7)

    def measure_current(self, _: str) -> str:
        """`MEAS:CURR?`: the coil's real current, at the end of the converter's period."""
        self.time.advance(MEASURE_S)
        self.supply.follow()
        step_A = self.supply.max_A / _CONVERTER_STEPS
        return exponent_form(round(self.supply.coil.current_A / step_A) * step_A, 5)

    def measure_voltage(self, _: str) -> str:
        """`MEAS:VOLT?`: the voltage at the terminals."""
        self.time.advance(MEASURE_S)
        self.supply.follow()
        step_V = self.supply.max_V / _CONVERTER_STEPS
        return exponent_form(round(self.supply.coil.voltage_V / step_V) * step_V, 5)

    # ---- mode, output, range

    def set_mode(self, text: str) -> None:
        """`FUNC:MODE CURR|VOLT`."""
        word = text.upper()
        if word not in {"CURR", "CURRENT", "VOLT", "VOLTAGE"}:
            raise ScpiError(-224 if word else -109)
        self.list.refuse_while_running()
        self.supply.follow()
        self.supply.current_mode = word.startswith("CURR")

    def ask_mode(self, _: str) -> str:
        """`FUNC:MODE?`: 0 for VOLT, 1 for CURR; not the word."""
        return "1" if self.supply.current_mode else "0"

    def set_output(self, text: str) -> None:
        """`OUTP ON|OFF|1|0`; off is a hard step: the current dies away with L/R."""
        on = boolean(text)
        self.supply.follow()
        if not on:
            self.supply.stop_list()
        self.supply.output_on = on

    def ask_output(self, _: str) -> str:
        """`OUTP?`: 0 or 1."""
        return "1" if self.supply.output_on else "0"

    def set_range(self, text: str) -> None:
        """`CURR:RANG 1|4`: full or quarter scale."""
        if text not in {"1", "4"}:
            raise ScpiError(-224 if text else -109)
        full_scale_A = self.supply.max_A / int(text)
        if abs(self.supply.setpoint_A) > full_scale_A:
            raise ScpiError(-221)
        self.supply.follow()
        self._auto_range, self.supply.full_scale_A = False, full_scale_A

    def ask_range(self, _: str) -> str:
        """`CURR:RANG?`: 1 or 4."""
        return "1" if self.supply.full_scale_A == self.supply.max_A else "4"

    def set_auto_range(self, text: str) -> None:
        """`CURR:RANG:AUTO ON|OFF`."""
        self._auto_range = boolean(text)

    def ask_auto_range(self, _: str) -> str:
        """`CURR:RANG:AUTO?`: 0 or 1."""
        return "1" if self._auto_range else "0"

    def set_list_mode(self, text: str) -> None:
        """`CURR:MODE LIST` starts the list; `FIX` ends it, the set-point from before it is back."""
        word = text.upper()
        if word in {"FIX", "FIXED"}:
            self.supply.stop_list()
        elif word == "LIST":
            self.list.start()
        else:
            raise ScpiError(-224 if word else -109)

    # ---- status

    def reset(self, _: str) -> None:
        """`*RST`: output off, 0 A and 0 V at once: on a coil at current a hard step."""
        self.set_output("OFF")
        self.supply.current_mode = False
        self.supply.setpoint_A = self.supply.setpoint_V = 0.0
        self.supply.full_scale_A, self._auto_range = self.supply.max_A, True
        self.list.clear()

    def operation_condition(self, _: str) -> str:
        """`STAT:OPER:COND?`: bit 8 constant voltage, bit 10 constant current."""
        if not self.supply.output_on:
            return "0"
        held_back = self.supply.at_compliance
        return "1024" if self.supply.current_mode and not held_back else "256"


def _of_list(
    method: Callable[[ListMemory, str], str | None],
) -> Callable[[KepcoBop, str], str | None]:
    return lambda kepco, text: method(kepco.list, text)


def _set_service_enable(kepco: KepcoBop, text: str) -> None:
    kepco.status.service_enable = integer(text, 0, 255)


def _complete(kepco: KepcoBop, _: str) -> None:
    kepco.status.event |= 1


def _remote(_: KepcoBop, text: str) -> None:
    boolean(text)  # RS-232 needs it before anything else; here it is only checked


_LEVEL = "[:LEVel][:IMMediate][:AMPLitude]"
KepcoBop.commands = command_table(
    {
        **COMMON,
        "*IDN?": lambda kepco, _: kepco.identity,
        "*RST": KepcoBop.reset,
        "*ESE?": lambda kepco, _: str(kepco.status.event_enable),
        "*SRE": _set_service_enable,
        "*SRE?": lambda kepco, _: str(kepco.status.service_enable),
        "*OPC": _complete,
        "*WAI": lambda _kepco, _: None,
        "*TST?": lambda _kepco, _: "0",
        "SYSTem:BEEP": lambda _kepco, _: None,
        "SYSTem:VERSion?": lambda _kepco, _: "1997.0",
        "SYSTem:REMote": _remote,
        "STATus:OPERation:CONDition?": KepcoBop.operation_condition,
        "[SOURce:]FUNCtion:MODE": KepcoBop.set_mode,
        "[SOURce:]FUNCtion:MODE?": KepcoBop.ask_mode,
        f"[SOURce:]CURRent{_LEVEL}": KepcoBop.set_current,
        f"[SOURce:]CURRent{_LEVEL}?": KepcoBop.ask_current,
        f"[SOURce:]VOLTage{_LEVEL}": KepcoBop.set_voltage,
        f"[SOURce:]VOLTage{_LEVEL}?": KepcoBop.ask_voltage,
        "[SOURce:]CURRent:RANGe": KepcoBop.set_range,
        "[SOURce:]CURRent:RANGe?": KepcoBop.ask_range,
        "[SOURce:]CURRent:RANGe:AUTO": KepcoBop.set_auto_range,
        "[SOURce:]CURRent:RANGe:AUTO?": KepcoBop.ask_auto_range,
        "MEASure[:SCALar]:CURRent[:DC]?": KepcoBop.measure_current,
        "MEASure[:SCALar][:VOLTage][:DC]?": KepcoBop.measure_voltage,
        "OUTPut[:STATe]": KepcoBop.set_output,
        "OUTPut[:STATe]?": KepcoBop.ask_output,
        "[SOURce:]CURRent:MODE": KepcoBop.set_list_mode,
        "[SOURce:]CURRent:MODE?": _of_list(ListMemory.ask_mode),
        "[SOURce:]VOLTage:MODE?": lambda _kepco, _: "FIX",
        "[SOURce:]LIST:CLEar": _of_list(ListMemory.clear),
        "[SOURce:]LIST:CURRent": _of_list(ListMemory.append_currents),
        "[SOURce:]LIST:CURRent?": _of_list(ListMemory.ask_currents),
        "[SOURce:]LIST:CURRent:POINts?": _of_list(ListMemory.ask_current_points),
        "[SOURce:]LIST:VOLTage": _of_list(ListMemory.append_voltages),
        "[SOURce:]LIST:VOLTage?": _of_list(ListMemory.ask_voltages),
        "[SOURce:]LIST:DWELl": _of_list(ListMemory.append_dwells),
        "[SOURce:]LIST:DWELl?": _of_list(ListMemory.ask_dwells),
        "[SOURce:]LIST:COUNt": _of_list(ListMemory.set_count),
        "[SOURce:]LIST:COUNt?": _of_list(ListMemory.ask_count),
        "[SOURce:]LIST:QUERy": _of_list(ListMemory.set_query),
        "[SOURce:]LIST:QUERy?": _of_list(ListMemory.ask_query),
    }
)

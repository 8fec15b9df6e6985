"""What the virtual Keithley SourceMeters have alike: a current or voltage source on a coil.

Commands: manuals as in `instruments.drivers.keithley_2400` and `keithley_2450`. What no source
states is marked "judgement".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from instruments.virtual.bipolar import BipolarSupply
from instruments.virtual.coil import CoilParameters
from instruments.virtual.scpi import COMMON, ScpiError, ScpiInstrument, boolean
from instruments.virtual.scpi_settings import Number, Setting, Switch, Word, as_left, handlers

if TYPE_CHECKING:
    from instruments.virtual.instrument import DeviceTime
    from instruments.virtual.scpi import Commands

LINE_HZ = 50
MAX_A, MAX_V = 1.05, 210.0
RANGES_A = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
OVERRANGE = 1.05
NOT_MEASURED = 9.91e37


class KeithleySource(ScpiInstrument):
    """A SourceMeter as the bench left it: a current source at 0 A, output off.

    Parameters
    ----------
    device_time
        The rig's time.
    coil
        What is connected to the output.

    Attributes
    ----------
    set
        Its settings by name.
    """

    settings: ClassVar[dict[str, tuple[str, Setting]]]

    def __init__(self, device_time: DeviceTime, coil: CoilParameters | None = None) -> None:
        super().__init__(device_time)
        self.supply = BipolarSupply(device_time, coil or CoilParameters())
        self.supply.full_scale_A = MAX_A
        self.set: dict[str, Any] = as_left(self.settings)
        self.current_A = 0.0  # set-point of the current source
        self.voltage_V = 0.0  # … and of the voltage source
        self._apply()

    def changed(self, name: str) -> None:
        """A range that is set turns auto range off and takes the next one up."""
        if name == "range":
            self.set["range"] = next(r for r in RANGES_A if self.set["range"] <= r * OVERRANGE)
            self.set["auto_range"] = False
        elif name == "function":
            self.set_output("OFF")  # judgement: as the front panel does
        self._apply()

    def _apply(self) -> None:
        self.supply.follow()
        self.supply.current_mode = self.set["function"] == "CURR"
        self.supply.setpoint_V = self.set["limit"] if self.supply.current_mode else self.voltage_V
        self.supply.setpoint_A = (
            self.current_A if self.supply.current_mode else self.set["current_limit"]
        )

    def set_current(self, text: str) -> None:
        """`:SOUR:CURR x`: one step, beyond a fixed range an error."""
        value = Number(-MAX_A, MAX_A, 0.0).read(text)
        if not self.set["auto_range"] and abs(value) > OVERRANGE * self.set["range"]:
            raise ScpiError(-222)
        self.current_A = value
        self._apply()
        if self.set["auto_range"]:
            fitting = (r for r in RANGES_A if abs(value) <= OVERRANGE * r)
            self.set["range"] = next(fitting)

    def set_voltage(self, text: str) -> None:
        """`:SOUR:VOLT x`."""
        self.voltage_V = Number(-MAX_V, MAX_V, 0.0).read(text)
        self._apply()

    def set_output(self, text: str) -> None:
        """`:OUTP ON|OFF`; off is a hard step: the current dies away with L/R."""
        on = boolean(text)
        self.supply.follow()
        self.supply.output_on = on

    def tripped(self, _: str) -> str:
        """Whether the voltage limit holds the current below its set-point."""
        return "1" if self.supply.at_compliance else "0"

    def measure(self) -> tuple[float, float]:
        """Volts and amperes, after the converter's time."""
        self.time.advance(self.set["nplc"] / LINE_HZ)
        self.supply.follow()
        return self.supply.coil.voltage_V, self.supply.coil.current_A

    def reset(self, _: str) -> None:
        """`*RST`: a voltage source at 0 V, output off."""
        self.set_output("OFF")
        self.set = as_left(self.settings) | {"function": "VOLT"}
        self.current_A = self.voltage_V = 0.0
        self._apply()


def common_settings(
    limit: str, off_state: str, current_limit: str
) -> dict[str, tuple[str, Setting]]:
    """The settings that every model has; headers of its limits and of its off-state."""
    return {
        "function": ("SOURce:FUNCtion[:MODE]",
                     Word(("CURRent", "VOLTage", "MEMory"), "CURR")),
        "range": ("[SOURce:]CURRent:RANGe", Number(0.0, MAX_A, 1.0, form="E")),
        "auto_range": ("[SOURce:]CURRent:RANGe:AUTO", Switch(False)),
        "limit": (limit, Number(0.2, MAX_V, 21.0, form="E")),
        "current_limit": (current_limit, Number(0.0, MAX_A, 1.05e-4, form="E")),
        "nplc": ("[SENSe:]VOLTage[:DC]:NPLCycles", Number(0.01, 10.0, 1.0, form=".2f")),
        "off_state": (off_state, Word(("NORMal", "HIMPedance", "ZERO", "GUARd"), "NORM")),
        "terminals": ("ROUTe:TERMinals", Word(("FRONt", "REAR"), "FRON")),
    }  # fmt: skip


def common_commands(
    settings: dict[str, tuple[str, Setting]], identity: str, no_error: str
) -> Commands:
    """The handlers that every model has."""

    def next_error(unit: KeithleySource, _: str) -> str:
        reply = unit.status.next_error()
        return no_error if reply.startswith("0,") else reply

    return {
        **handlers(settings),
        **COMMON,
        "*IDN?": lambda _unit, _: identity,
        "*RST": KeithleySource.reset,
        "SYSTem:ERRor[:NEXT]?": next_error,
        "[SOURce:]CURRent[:LEVel][:IMMediate][:AMPLitude]": KeithleySource.set_current,
        "[SOURce:]CURRent[:LEVel][:IMMediate][:AMPLitude]?": lambda unit, _: (
            f"{unit.current_A:.6E}"
        ),
        "[SOURce:]VOLTage[:LEVel][:IMMediate][:AMPLitude]": KeithleySource.set_voltage,
        "[SOURce:]VOLTage[:LEVel][:IMMediate][:AMPLitude]?": lambda unit, _: (
            f"{unit.voltage_V:.6E}"
        ),
        "OUTPut[:STATe]": KeithleySource.set_output,
        "OUTPut[:STATe]?": lambda unit, _: "1" if unit.supply.output_on else "0",
    }

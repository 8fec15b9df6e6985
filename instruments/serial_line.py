"""A serial line as an instrument leaves the factory: rate, frame, flow control.

A driver says so by `serial_line`; without it 9600 baud, 8 data bits, no parity, 1 stop bit: what
VISA sets by itself. The rate alone can be chosen at most instruments, so it is a bench key
(`baud_rate`); the frame is the model's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyvisa.resources import Resource

FLOWS = {"none": "none", "rts/cts": "rts_cts", "xon/xoff": "xon_xoff"}
"""Names of the flow controls here and among pyvisa's constants."""
STOP_BITS = {1: "one", 2: "two"}


class LineRefusedError(OSError):
    """A serial port that can't be set as an instrument needs it."""


@dataclass(frozen=True)
class SerialLine:
    """Baud rate, data bits, parity (`none`, `odd`), stop bits, flow control (a key of `FLOWS`)."""

    baud_rate: int = 9600
    data_bits: int = 8
    parity: str = "none"
    stop_bits: int = 1
    flow: str = "none"

    def __str__(self) -> str:
        return f"{self.baud_rate} baud, {self.data_bits}-{self.parity[0].upper()}-{self.stop_bits}"

    def set_on(self, resource: Resource) -> None:
        """Set an open serial resource so.

        Raises
        ------
        LineRefusedError
            The port, its driver or the VISA library can't.
        """
        try:
            self._set_on(resource)
        except Exception as error:  # each library raises its own: pyvisa, pyserial, termios
            raise LineRefusedError(f"the port refuses {self} ({error})") from error

    def _set_on(self, resource: Resource) -> None:
        from pyvisa import constants  # 40 ms that no start of the window should pay

        line: Any = resource
        line.baud_rate = self.baud_rate
        line.data_bits = self.data_bits
        line.parity = constants.Parity[self.parity]
        line.stop_bits = constants.StopBits[STOP_BITS[self.stop_bits]]
        line.flow_control = constants.ControlFlow[FLOWS[self.flow]]


LAKE_SHORE = SerialLine(57600, 7, "odd")
"""USB of the 335, 336, 425, 643 and 648: Lake Shore's own Python driver (lakeshore 1.10.0)."""


def line_of(driver: Any, baud_rate: int | None) -> SerialLine:
    """The line of a driver's class, at the bench file's rate where it names one."""
    line: SerialLine = getattr(driver, "serial_line", SerialLine())
    return line if baud_rate is None else replace(line, baud_rate=baud_rate)

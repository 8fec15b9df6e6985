"""Why an instrument can't be reached at all, by what opening it raised, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyvisa
from pyvisa.constants import StatusCode

from instruments.boards import underlying
from instruments.link_errors import refused_hint
from instruments.prologix import AdapterError
from instruments.serial_line import LineRefusedError

if TYPE_CHECKING:
    from instruments.bench_spec import InstrumentSpec


def unreachable(spec: InstrumentSpec, cause: BaseException | None) -> tuple[str, str]:
    """Problem (empty: as the error says it) and hint, by what opening or the first byte raised."""
    words = str(cause)
    if isinstance(cause, AdapterError):
        return words, (
            "Correct the `resource` of its [board] table; on the network an adapter listens on "
            "port 1234"
        )
    if isinstance(cause, LineRefusedError):
        return words, "Correct `baud_rate`, or use an adapter whose driver has this rate and frame"
    kind = place_of(spec).upper()
    if "Please install" in words or "No class registered" in words:
        return no_backend(kind)
    if isinstance(cause, pyvisa.VisaIOError):
        return "", STATUS.get(cause.error_code, "")
    if kind.startswith("ASRL") and cause is not None:
        return _serial(words)
    if isinstance(cause, ConnectionRefusedError):
        return "nothing listens there (connection refused)", refused_hint(place_of(spec))
    if isinstance(cause, ConnectionResetError):
        return "it takes the connection and hangs up", (
            "Another program may hold the only connection it has: close that, or switch the "
            "instrument's interface off and on"
        )
    if "Errno -2" in words or "Errno -3" in words or "Errno 11001" in words:
        return "no computer of that name is known", (
            "Check the host of `resource`, or write its IP address there"
        )
    if "error_timeout" in words or isinstance(cause, TimeoutError):
        return f"nobody answers at this address within {spec.timeout_s:g} s", (
            "Is it switched on, is its IP address right (front panel), and is this computer in "
            "the same network?"
        )
    if "port must be" in words:
        return "its port is none", "Correct the port of `resource`: 1 to 65535"
    return "", ""


def place_of(spec: InstrumentSpec) -> str:
    """What is opened: the instrument, or the adapter that it is behind."""
    return underlying(spec.board) if spec.board else spec.resource


def no_backend(kind: str) -> tuple[str, str]:
    """Problem and hint where pyvisa-py has no package for a kind of interface."""
    name = next((k for k in ("GPIB", "USB") if kind.startswith(k)), kind.partition(":")[0])
    package = {"GPIB": "linux-gpib and gpib-ctypes", "USB": "pyusb"}.get(name, "a package for it")
    return f"the VISA of this computer has no way to {name}", (
        f"Install NI-VISA or Keysight's, or {package} for pyvisa-py in Twinrig's .venv"
        + (_PROLOGIX * (name == "GPIB"))
    )


def _serial(words: str) -> tuple[str, str]:
    if "ermission" in words or "ccess is denied" in words or "busy" in words:
        return "the serial port is there and can't be opened", (
            "Another program has it, or (Linux) you are not in the group dialout"
        )
    return "there is no such serial port", (
        "Plug the adapter in; `twinrig bench list` names the ports that are there"
    )


_PROLOGIX = (
    "; a Prologix adapter needs neither: name it in a [board] table (`bench write`: --set "
    "board.gpib.resource=PRLGX-…)"
)
STATUS = {
    int(StatusCode.error_resource_not_found): (
        "The VISA library knows no such resource: check address and cable; `twinrig bench list` "
        "names those it sees"
    ),
    int(StatusCode.error_resource_busy): "Another program has it: close that",
    int(StatusCode.error_resource_locked): "Another program has locked it: close that",
    int(StatusCode.error_timeout): "Nobody answers at this address: is it on, and right?",
    int(StatusCode.error_no_listeners): "Nobody listens at this GPIB address: is it on, and right?",
    int(StatusCode.error_library_not_found): "A part of the VISA library is missing: repair it",
}
"""Hints for what an installed VISA answers to opening a resource."""

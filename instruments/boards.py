"""GPIB boards that are adapters: `[board.NAME]` of a bench file, and the name behind the name.

A Prologix adapter (or an AR488, or another that takes its commands) is named as PyVISA names it,
`PRLGX-TCPIP0::host::1234::INTFC` or `PRLGX-ASRL0::/dev/ttyUSB0::INTFC`; its number says which
instruments are behind it: `GPIB0::12::INSTR`.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from models.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyvisa import rname

    from instruments.bench_spec import BenchSpec
    from instruments.toml_table import Table

EXAMPLES = "PRLGX-TCPIP0::192.168.0.9::1234::INTFC or PRLGX-ASRL0::/dev/ttyUSB0::INTFC (or COM3)"
PREFIX = "PRLGX-"
NAMED = re.compile(r"^(PRLGX-)?(ASRL|GPIB|TCPIP|USB|VXI|PXI)", re.IGNORECASE)
LEADING_ZEROS = re.compile(r"(?<![0-9])0+(?=[0-9])")
CLASSES = ("INSTR", "SOCKET", "INTFC", "RAW")
COM_PORT = re.compile(r"(?:ASRL)?COM([0-9]+)(::INSTR)?", re.IGNORECASE)
HIGHEST_ADDRESS = 30  # IEEE 488.1; the adapter's own is none of the instruments'


def spelt(resource: str) -> str:
    """A VISA resource name in the one spelling that every VISA library takes.

    VISA knows no upper and lower case, PyVISA does; Windows says COM3, VISA ASRL3.

    >>> spelt("gpib0::06::instr"), spelt("COM3")
    ('GPIB0::6::INSTR', 'ASRL3::INSTR')
    """
    resource = resource.strip()
    if (com_port := COM_PORT.fullmatch(resource)) is not None:
        return f"ASRL{com_port[1]}::INSTR"
    resource = NAMED.sub(lambda found: found[0].upper(), resource)
    if resource.startswith("GPIB"):  # a front panel shows 06, VISA takes both for one address
        resource = LEADING_ZEROS.sub("", resource)
    head, _, kind = resource.rpartition("::")
    return f"{head}::{kind.upper()}" if head and kind.upper() in CLASSES else resource


def underlying(adapter: str) -> str:
    """The socket or serial port that an adapter's name stands for, as any VISA opens it.

    Raises
    ------
    InputError
        It is no adapter's name.
    """
    from pyvisa import rname  # 40 ms: benches without an adapter do without

    parsed = _parsed(adapter)
    if isinstance(parsed, rname.PrlgxTCPIPIntfc):
        return f"TCPIP0::{parsed.host_address}::{parsed.port}::SOCKET"
    device = parsed.serial_device
    return f"ASRL{re.sub(r'(?i)^COM(?=[0-9]+$)', '', device)}::INSTR"


def _parsed(adapter: str) -> rname.PrlgxTCPIPIntfc | rname.PrlgxASRLIntfc:
    from pyvisa import rname

    try:
        parsed = rname.ResourceName.from_string(spelt(adapter))
    except rname.InvalidResourceName:
        parsed = None
    if not isinstance(parsed, (rname.PrlgxTCPIPIntfc, rname.PrlgxASRLIntfc)):
        raise InputError(f"resource {adapter!r} is no GPIB adapter's name; examples: {EXAMPLES}")
    return parsed


def as_board(adapter: str) -> str:
    """How a draft is told that a resource is its GPIB adapter: no instrument is at that address.

    >>> as_board("PRLGX-TCPIP2::10.0.0.9::1234::INTFC").rpartition(" ")[2]
    'GPIB2::ADDRESS::INSTR'
    """
    found = re.match(rf"{PREFIX}[A-Z]+([0-9]+)", adapter)
    number = found[1] if found else "0"
    return (
        f"Give it as the board, --set board.gpib.resource={adapter} (window: GPIB adapter), and "
        f"each instrument behind it as GPIB{number}::ADDRESS::INSTR"
    )


def bus_address(resource: str) -> str:
    """What follows `++addr` for an instrument: primary address, and the secondary where it has one.

    Raises
    ------
    InputError
        No GPIB instrument, or an address that there is none of.
    """
    from pyvisa import rname

    parsed = rname.ResourceName.from_string(resource)
    numbers = [getattr(parsed, "primary_address", ""), getattr(parsed, "secondary_address", None)]
    given = [number for number in numbers if number is not None]
    if not all(str(n).isdecimal() and int(n) <= HIGHEST_ADDRESS for n in given):
        raise InputError(
            f"resource {resource!r}: a GPIB address is a whole number from 0 to {HIGHEST_ADDRESS}"
        )
    primary, *secondary = (int(number) for number in given)
    return " ".join(str(number) for number in (primary, *(96 + n for n in secondary)))


def read_boards(table: Table) -> dict[str, str]:
    """The [board.*] tables of a bench file: number of the board → its adapter; notes problems."""
    boards: dict[str, str] = {}
    for _, one in table.table("board").tables():
        one.known("resource")
        resource = one.value("resource", str)
        if resource is None:
            continue
        try:
            number = _parsed(resource).board
        except InputError as error:
            one.add(str(error))
            continue
        if number in boards:
            one.add(f"GPIB{number} is {boards[number]} already: give the second another number")
        boards[number] = spelt(resource)
    return boards


def board_of(resource: str, boards: Mapping[str, str]) -> str | None:
    """The adapter that an instrument is reached through; None where the computer has its board.

    Raises
    ------
    InputError
        It is behind an adapter at an address that there is none of.
    """
    if not boards:
        return None
    from pyvisa import rname

    try:
        parsed = rname.ResourceName.from_string(resource)
    except rname.InvalidResourceName:
        return None  # said where resource names are read
    if not isinstance(parsed, rname.GPIBInstr) or parsed.board not in boards:
        return None
    bus_address(resource)
    return boards[parsed.board]


def with_boards(spec: BenchSpec, boards: Mapping[str, str]) -> BenchSpec:
    """The bench whose instruments know what adapter they are behind."""
    if not boards:
        return spec
    groups: dict[str, Any] = {
        kind: {
            name: replace(one, board=board_of(one.resource, boards))
            for name, one in getattr(spec, kind).items()
        }
        for kind in ("magnets", "readouts", "teslameters", "thermometers")
    }
    return replace(spec, **groups)


def device_of(serial_port: str) -> str:
    """The serial device of a port's name: links such as /dev/serial/by-id/… lead to one device."""
    return os.path.realpath(serial_port) if serial_port.startswith("/") else serial_port

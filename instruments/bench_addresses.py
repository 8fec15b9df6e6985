"""The keys that every instrument of a bench file has: its driver, and where it is reached."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from instruments.boards import board_of, spelt
from instruments.drivers import BROKEN, DRIVERS
from instruments.locks import link_of, own_part
from models.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from instruments.toml_table import Table

VIRTUAL_HOST = "virtual-"  # hosts of the instruments inside this process begin so
ADDRESSED = ("driver", "resource", "timeout_s", "terminator", "baud_rate")


def address_keys(
    name: str, table: Table, drivers: Mapping[str, Any], usual_s: float
) -> dict[str, Any] | None:
    """The keys that every instrument has."""
    driver = table.value("driver", str)
    resource = table.value("resource", str)
    if resource is not None:
        resource = spelt(resource)
    timeout_s = table.number("timeout_s", usual_s, above=0.0)
    baud_rate = table.value("baud_rate", int, None)
    if baud_rate is not None and baud_rate <= 0:
        table.add(f"baud_rate = {baud_rate} must be above 0")
    if driver is not None and driver not in drivers:
        table.add(_unknown(driver, drivers))
        return None
    if driver is None or resource is None:
        return None
    terminator = table.value("terminator", str, drivers[driver].terminator(resource))
    if not terminator or not terminator.isascii():
        table.add(f"terminator {terminator!r} must be ASCII and not empty")
    return {
        "name": name, "driver": driver, "resource": resource, "timeout_s": timeout_s,
        "terminator": terminator, "baud_rate": baud_rate,
    }  # fmt: skip


def refuse_shared(
    table: Table, groups: Iterable[Table], inside: bool, boards: Mapping[str, str]
) -> None:
    """Names and resources: readable, each used once, all inside this process or all outside."""
    seen = {link_of(adapter): f"board GPIB{number}" for number, adapter in boards.items()}
    names: set[str] = set()
    for name, values in [pair for group in groups for pair in group.values.items()]:
        if name in names:
            table.add(f"{name}: two instruments have this name")
        names.add(name)
        resource = values.get("resource") if isinstance(values, dict) else None
        if not isinstance(resource, str):
            continue  # said already
        resource = spelt(resource)
        try:
            link = link_of(resource)
            board_of(resource, boards)
        except InputError as error:
            table.add(f"{name}: {error}")
            continue
        if (key := own_part(resource, link)) in seen:
            table.add(
                f"{name}: resource {resource} is {seen[key]}'s already: correct it, or name all "
                "that is wanted of one instrument in one table"
            )
        seen[key] = name
        virtual = link.startswith(f"tcpip {VIRTUAL_HOST}")
        if inside and not virtual:
            table.add(
                f"{name}: resource {resource} is outside this process, [virtual] device is inside "
                f"it: TCPIP0::{VIRTUAL_HOST}{values.get('driver')}::5025::SOCKET, or no [virtual]"
            )
        if virtual and not inside:
            table.add(
                f"{name}: resource {resource} is a virtual instrument in this process: "
                "add [virtual] device"
            )


def _unknown(driver: str, drivers: Mapping[str, Any]) -> str:
    available = f"available: {', '.join(drivers)}"
    if driver in BROKEN:
        return f"driver {driver!r} comes from another package: {BROKEN[driver]}"
    if any(driver in one for one in DRIVERS.values()):
        return f"driver {driver!r} is another kind of instrument; {available}"
    close = difflib.get_close_matches(driver, list(drivers), n=1)
    meant = f"; did you mean {close[0]!r}?" if close else ""
    return f"driver {driver!r} is unknown{meant} ({available})"

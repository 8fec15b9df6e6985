"""What a person may type to an instrument: a magnet's supply is asked, never told.

Decision: a set-point reaches a supply through `instruments.limits` and no other way, so that the
console sends a supply nothing but queries of a form that changes nothing; what isn't known to be
one is refused, of a driver of another package too. A query can act all the same (`DIAG:TST?` of a
Kepco drives to full scale, `READ?` of a Keithley switches its output on): those are refused by
name.
Other instruments take what they are told: their settings are compared when a run goes on.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from instruments.bench_spec import BenchSpec, InstrumentSpec

LONGEST = 256  # characters: no command of a manual is longer
QUERY = re.compile(r"[*:]?[A-Z][A-Z0-9:_]*\?( +[A-Z0-9.,: ]*)?", re.IGNORECASE)
ACTS = re.compile(r"TST|TEST|CAL|DIAG", re.IGNORECASE)
"""Self-tests and calibrations drive a supply's output, whatever their question mark says."""
ALSO_ACTS = {
    "keithley-2400": re.compile(r"READ|MEAS|INIT|CONF", re.IGNORECASE),
    "keithley-2450": re.compile(r"READ|MEAS|INIT|CONF|TRAC:TRIG", re.IGNORECASE),
}
ASKS = {
    "mercury-ips": re.compile(r"\*IDN\?|READ:[A-Z0-9:]+", re.IGNORECASE),
    "danfysik-8500": re.compile(r"PRINT|S1|CMD|DA 0|AD \d{1,2}"),
}
"""Of supplies whose queries have no question mark: all that is known to ask only."""


def is_query(spec: InstrumentSpec, command: str) -> bool:
    """Whether an answer is to be read behind a command."""
    return spec.driver in ASKS or "?" in command


def refusal(bench: BenchSpec, name: str, command: str) -> str | None:
    """Why a command is not sent to an instrument of the bench, in words; None where it is."""
    if not command.strip():
        return "nothing was typed"
    if not (command.isascii() and command.isprintable()) or len(command) > LONGEST:
        return f"a command is one line of plain ASCII, {LONGEST} characters at most"
    if command.lstrip().startswith("++"):
        return f"{command.strip()!r} speaks to the GPIB adapter, not to an instrument"
    magnet = bench.magnets.get(name)
    return None if magnet is None else _of_magnet(magnet, command)


def _of_magnet(spec: InstrumentSpec, command: str) -> str | None:
    form, also = ASKS.get(spec.driver, QUERY), ALSO_ACTS.get(spec.driver)
    for part in (part.strip() for part in command.split(";")):
        if form.fullmatch(part) is None:
            return (
                f"{part!r} is no plain query, and {spec.name} is a magnet's supply: it is only "
                "asked here; a field is set by Manual set, where the limits are"
            )
        if ACTS.search(part) or (also is not None and also.search(part)):
            return f"{part!r} may drive the output of {spec.name}, whatever it asks"
    return None

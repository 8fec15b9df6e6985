"""What is behind an instrument that doesn't connect, in words, and what to do about it.

`explain` reads what is known already: the kind of failure, the bytes that came. `probe` asks the
instrument itself, within the same connection and by nothing but `*IDN?` (and `*LANG?` of a Keithley
that has named itself): people run it with hands in the gap.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from instruments.link_errors import LinkError, WrongInstrumentError
from instruments.lock_files import LinkInUseError, lock_folder, locked_file
from instruments.locks import link_of
from instruments.parallel import HangsError
from instruments.unreachable import place_of, unreachable
from models.errors import StoppedError, TwinrigError

if TYPE_CHECKING:
    from instruments.bench_spec import InstrumentSpec
    from instruments.visa import VisaSession

MODELS = (
    (r"^KEPCO\b.*\bBOP.*(MG|GL)\b", "kepco-bop-mg", "a Kepco BOP-MG or -GL"),
    (r"^KEPCO\b.*\b(BIT|BOP)", "kepco-bop", "a Kepco BOP"),
    (r"\bSR830\b", "sr830", "an SR830"),
    (r"\bSR86[05]", "sr860", "an SR860 or SR865A"),
    (r"^LSCI,MODEL64[38]", "lakeshore-643", "a Lake Shore 643 or 648"),
    (r"^LSCI,MODEL33[56]", "lakeshore-336", "a Lake Shore 335 or 336"),
    (r"^LSCI,MODEL425", "lakeshore-425", "a Lake Shore 425"),
    (r"^LSCI,MODEL475", "lakeshore-475", "a Lake Shore 475"),
    (r"^(LSCI|Lake ?Shore).*,F[47]1", "lakeshore-f71", "a Lake Shore F41 or F71"),
    (r"American Magnetics.*430", "ami-430", "an AMI 430"),
    (r"MERCURY iPS", "mercury-ips", "an Oxford Mercury iPS"),
    (r"KEITHLEY.*MODEL 24[567]\d", "keithley-2450", "a Keithley 2450 or a sister of it"),
    (r"KEITHLEY.*MODEL 24\d\d", "keithley-2400", "a Keithley 2400"),
    (r"KEITHLEY.*MODEL 622[01]", "keithley-6221", "a Keithley 6220 or 6221"),
    (r"KEITHLEY.*MODEL 2182", "keithley-2182a", "a Keithley 2182A"),
    (r"344(60|61|65|70)A", "keysight-34465a", "a Keysight 34465A or a sister of it"),
    (r"KEYSIGHT.*(PNA|N52)|AGILENT.*(PNA|N52)", "keysight-pna", "a Keysight PNA"),
)  # fmt: skip
"""What models answer to `*IDN?` (rig.md 3.1 to 3.8), the driver's name, the model in words."""

ENDS = {"\n": "LF", "\r\n": "CR LF", "\r": "CR"}
PROBE_WAITS = 3  # quiet tenths of a second that an instrument has to answer a probe
ECHO_OFF = "switch its echo off (Kepco BIT: ECHO), or a plug joins its two lines"
TELNET = "\xff"  # begins what a telnet server says first


def explain(spec: InstrumentSpec, error: TwinrigError) -> tuple[str, str]:
    """Problem and hint for an error of connecting; from what is known, without a byte more."""
    if isinstance(error, LinkInUseError):
        return str(error).partition(";")[0], "Close that program or its bench, or work there"
    if isinstance(error, HangsError):
        return _hangs(spec, error)
    if isinstance(error, WrongInstrumentError):
        return error.what, _wrong(error)
    if not isinstance(error, LinkError):
        return str(error), ""
    if error.reply:
        return error.what, _spoilt(spec, error) or error.hint
    problem, hint = unreachable(spec, error.__cause__)
    return problem or error.what, hint or error.hint


def driver_of(identity: str) -> str:
    """The driver's name for an answer to `*IDN?`; empty where the model isn't known."""
    return next((driver for form, driver, _ in MODELS if re.search(form, identity, re.I)), "")


def speaks_tsp(session: VisaSession, identity: str) -> bool:
    """Whether this is a Keithley that takes TSP scripts, not SCPI; asks `*LANG?` of those only."""
    return driver_of(identity) == "keithley-2450" and session.query("*LANG?").strip() == "TSP"


TSP = "is in TSP mode: it takes scripts and no SCPI command"
TSP_HINT = "At its front panel: Menu, System, Settings, Command Set, SCPI; then restart it"


def probe(session: VisaSession, spec: InstrumentSpec, error: LinkError) -> tuple[str, str]:
    """Problem and hint for an instrument that was reached; asks it once more, in other ways.

    Raises
    ------
    StoppedError
        Stop was requested.
    """
    problem, hint = explain(spec, error)
    session.identify = None  # what is there is another instrument, or speaks otherwise
    try:
        if isinstance(error, WrongInstrumentError) and speaks_tsp(session, error.reply):
            return f"{problem}; it {TSP}", f"{hint}. {TSP_HINT}"
        if error.command == "*IDN?" and not error.reply and error.__cause__ is None:
            return _other_ends(session, spec) or (problem, _silent(spec))
    except StoppedError:
        raise
    except TwinrigError:  # the link is no better than it was: what is known stays
        pass
    return problem, hint


def _other_ends(session: VisaSession, spec: InstrumentSpec) -> tuple[str, str] | None:
    """Ask `*IDN?` with other line ends; None where it stays silent.

    Each is asked twice: the first may complete what an instrument still takes for one long line.
    """
    for end in ENDS:
        if end == spec.terminator:
            continue
        for _ in range(2):
            # the session adds its own end, which an instrument of this kind takes for a blank
            session.write(f"*IDN?{end}")
            reply = _heard(session)
            if reply.strip():
                answers = end_of(reply)
                said = reply.strip().splitlines()[-1]
                problem = (
                    f"no answer to a line that ends with {_words(spec.terminator)}; with "
                    f"{_words(end)} it answers {said!r}, ended by {_words(answers)}"
                )
                return problem, _set_terminator(answers or end)
    return None


def _heard(session: VisaSession) -> str:
    """What an instrument says within the time of a probe."""
    for _ in range(PROBE_WAITS):
        heard = session.drain()
        if heard:
            return heard.decode("latin-1")
    return ""


def end_of(reply: str) -> str:
    """The line end of a reply: LF, CR LF or CR; empty where it has none."""
    return next((end for end in ("\r\n", "\n", "\r") if reply.endswith(end)), "")


def _words(end: str) -> str:
    return ENDS.get(end, repr(end)) if end else "no line end"


def _set_terminator(end: str) -> str:
    return f"Set terminator = {json.dumps(end)} for it in the bench file ({_words(end)})"


def _wrong(error: WrongInstrumentError) -> str:
    reply = error.reply.strip()
    if reply == error.command:
        return f"It sends back what it hears: {ECHO_OFF}"
    if reply.startswith(TELNET):
        return "This is a telnet port: use the raw socket's port (often 5025, of `resource`)"
    for form, driver, words in MODELS:
        if re.search(form, reply, re.IGNORECASE):
            return f"That is {words} (driver {driver!r}): correct `resource` or `driver`"
    if reply.count(",") < 2:
        return (
            "That is no answer to *IDN?: it talks without being asked (a greeting, continuous "
            "output), or is no instrument: switch that off, or correct `resource` or `driver`"
        )
    return error.hint


def _spoilt(spec: InstrumentSpec, error: LinkError) -> str:
    """The hint for a reply that came in another form than expected."""
    reply = error.reply
    if TELNET in reply:
        return "This is a telnet port: use the raw socket's port (often 5025, of `resource`)"
    if "nobody asked" in error.what:
        if not reply.strip():
            return _set_terminator(f"{spec.terminator}{reply}" if reply == "\n" else reply)
        return (
            "It talks without being asked: switch its greeting, its continuous output or its echo "
            "off, or use its raw socket's port"
        )
    end = end_of(reply)
    if end and end != spec.terminator:
        return _set_terminator(end)
    if len(reply.splitlines()) > 1:
        return "It talks without being asked: switch its continuous output off"
    return ""


def _silent(spec: InstrumentSpec) -> str:
    tried = ", ".join(ENDS.values())
    where = {"ASRL": "the port's baud rate and frame", "GPIB": "its GPIB address"}
    check = where.get(spec.resource[:4].upper(), "the port")
    reached = "Its adapter answers, it does not" if spec.board else "It is reached and says nothing"
    return (
        f"{reached}, whatever the `terminator` ({tried}): check {check}, "
        "that its remote interface is switched on, and that no other program holds it"
    )


def _hangs(spec: InstrumentSpec, error: HangsError) -> tuple[str, str]:
    """Problem and hint for an instrument that has kept its thread: a watchdog's, a name, a VISA."""
    try:
        locked_file(link_of(spec.resource, spec.board), lock_folder()).close()
    except LinkInUseError as owner:
        if owner.by_watchdog:
            return str(owner).partition(";")[0], "It brings the magnets to zero: wait, then again"
    except TwinrigError:
        pass  # what keeps the thread is another thing
    if place_of(spec).startswith("TCPIP"):
        hint = "The name look-up or the VISA library hangs: write the IP address into `resource`"
        return str(error), hint
    return str(error), "The VISA library hangs: unplug the adapter, plug it in, and try once more"

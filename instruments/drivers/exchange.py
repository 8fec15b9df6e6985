"""Exchanges that several drivers have alike: identity, an index, a SCPI queue, a long reading."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from instruments.link_errors import SilentError
from instruments.toml_table import near
from models.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from instruments.toml_table import Table
    from instruments.visa import VisaSession

LONGEST_ERROR_QUEUE = 64
SLACK = 1.25  # judgement, as in QCoDeS' 344xxA driver: how much longer a reading may take
MARGIN_S = 1.0  # … and what transfer and a busy instrument may add
AUX_NOISE_V = 0.1  # judgement: lock-ins' inputs resolve mV; a contact that chatters is no contact
SWITCH = {"0": "off", "1": "on"}
"""How most instruments answer a switch, and how settings tell it."""
WAITS_FOR = {
    "external": "an edge at its trigger input", "level": "its input to pass its trigger level",
}  # fmt: skip
"""What a reading waits for, by the trigger that the drivers' settings tell."""
NO_TRIGGER = "Where nothing gives it, set the trigger to immediate"
LOOK_S = 3.0  # judgement: the longest reading that a display takes, which has the bench meanwhile


def identified(session: VisaSession, before: str, model: str, expected: str) -> str:
    """The answer to `*IDN?` where it matches the pattern `model` and is the one heard before.

    One that was cut short when it was heard first goes on now: an identity is told as a whole from
    then on, and no supply is lost on its way to zero for the end of a line.

    Raises
    ------
    WrongInstrumentError
        Another model, or another unit than before, answers.
    """
    reply = session.query("*IDN?")
    if not re.search(model, reply, re.IGNORECASE) or not reply.startswith(before):
        raise session.wrong_instrument(reply, before or expected)
    return reply


def entry(session: VisaSession, command: str, table: Sequence[Any]) -> Any:
    """The entry of a table that the answer is the index of."""
    reply = session.query(command)
    if not (reply.strip().isdigit() and int(reply) < len(table)):
        raise session.reject(command, reply, f"an index 0…{len(table) - 1}")
    return table[int(reply)]


def whole(session: VisaSession, command: str, highest: int) -> int:
    """The answer as a whole number up to the highest, without a sign."""
    reply = session.query(command).strip()
    if not (reply.isdigit() and int(reply) <= highest):
        raise session.reject(command, reply, f"a whole number 0…{highest}")
    return int(reply)


def word(session: VisaSession, command: str, words: Mapping[str, Any]) -> Any:
    """What one of the manual's codes means; quotes, blanks and case of the answer don't count."""
    reply = session.query(command)
    code = reply.strip().strip("\"'").upper()
    if code not in words:
        raise session.reject(command, reply, " or ".join(words))
    return words[code]


def is_on(session: VisaSession, query: str) -> bool:
    """Whether a switch that is asked for is on; raises as `word` where the answer is none."""
    return bool(word(session, query, SWITCH) == "on")


def bits(session: VisaSession, command: str, names: Mapping[int, str], width: int = 8) -> list[str]:
    """The names of the bits that are set in the answer, a status register."""
    reply = session.query(command)
    try:
        register = int(reply)
    except ValueError:
        register = -1
    if not 0 <= register < 1 << width:
        raise session.reject(command, reply, f"a status register 0…{(1 << width) - 1}")
    return [name for bit, name in names.items() if register >> bit & 1]


def steady_V(session: VisaSession, command: str) -> float:
    """The volts at an input, which an interlock contact may hold up; asked for twice.

    A reply that was cut (`3.3e-4` to `3.3`) must not close a contact: the lower one counts where
    two differ by less than the noise, else there is none.
    """
    first_V, second_V = session.number(command), session.number(command)
    if abs(first_V - second_V) > AUX_NOISE_V:
        raise session.reject(command, f"{first_V:g}, then {second_V:g}", "a steady input")
    return min(first_V, second_V)


def queued_errors(session: VisaSession, command: str = "SYST:ERR?") -> tuple[str, ...]:
    """The errors of a SCPI queue, oldest first, until it answers 0 (SCPI-99 volume 2, 21.8)."""
    found = []
    for _ in range(LONGEST_ERROR_QUEUE):
        reply = session.query(command)
        code, _, words = reply.partition(",")
        if not re.fullmatch(r"[+-]?\d+", code.strip()):
            raise session.reject(command, reply, "a number and words")
        if int(code) == 0:
            break
        found.append(f"{int(code)} {words.strip().strip(chr(34))}".strip())
    return tuple(found)


@contextmanager
def waiting(session: VisaSession, expected_s: float, trigger: str = "") -> Iterator[None]:
    """Let replies take as long as the instrument's settings say, with slack, and not less.

    Silence of one whose `trigger` somebody has to give is told as that.
    """
    usual_s = session.timeout_s
    session.timeout_s = max(usual_s, SLACK * expected_s + MARGIN_S)
    try:
        yield
    except SilentError as error:
        if trigger not in WAITS_FOR:
            raise
        where, place = f"{session.name} ({session.resource_name})", session.resource_name
        hint = f"Its trigger is {trigger}: it waits for {WAITS_FOR[trigger]}. {NO_TRIGGER}"
        raise SilentError(
            where, error.what, resource=place, command=error.command, hint=hint
        ) from error
    finally:
        session.timeout_s = usual_s


def refused(name: str, resource: str, what: str, do: str) -> RefusedError:
    """The error for an instrument in a mode that a reading can't rest on; nothing was changed."""
    return RefusedError(f"{name} ({resource}): {what}. {do}")


def channel_names(
    table: Table, known: Sequence[str], default: Sequence[str], most: int
) -> tuple[str, ...]:
    """The key `channels`; every unknown or doubled name, and too many, are noted."""
    channels = tuple(str(channel) for channel in table.value("channels", list, list(default)))
    for channel in channels:
        if channel not in known:
            table.add(f"channel {channel!r} is unknown{near(channel, known)}")
    if len(set(channels)) != len(channels):
        table.add(f"channels {list(channels)} name one twice")
    if not 1 <= len(channels) <= most:
        table.add(f"{len(channels)} channels, expected 1 to {most}")
    return channels

"""One command to one instrument of a connected bench, and its answer."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from instruments.console import is_query, refusal
from instruments.link_errors import LinkError, SilentError
from models.errors import InputError, RefusedError

if TYPE_CHECKING:
    from instruments.bench import Bench
    from instruments.visa import VisaSession


@dataclass(frozen=True)
class Answer:
    """What came back: `reply` is None where nothing was asked; `seconds` it took."""

    name: str
    command: str
    reply: str | None
    seconds: float


def send(bench: Bench, name: str, command: str) -> Answer:
    """Send a command over the instrument's own locked session.

    Parameters
    ----------
    bench
        Connected; no run has it (`Session.with_bench`).
    name
        Of the instrument.
    command
        Without a terminator.

    Raises
    ------
    InputError
        No such instrument.
    RefusedError
        More than a plain query to a magnet's supply (`instruments.console`); nothing was sent.
    LinkError
        No answer, or a broken link: it recovers before its next use.
    StoppedError
        Stop was requested.
    """
    known = {one.name: one for one in bench.spec.instruments}
    if name not in known:
        raise InputError(f"{name!r} is not on the bench; there are {', '.join(known)}")
    command = command.strip()
    if problem := refusal(bench.spec, name, command):
        raise RefusedError(f"{name}: {problem}; nothing was sent")
    session, begin_s = bench.session(name), time.monotonic()
    if is_query(known[name], command):
        reply = _reply(session, command)
        return Answer(name, command, reply, time.monotonic() - begin_s)
    session.write(command)
    return Answer(name, command, None, time.monotonic() - begin_s)


def _reply(session: VisaSession, command: str) -> str:
    """The answer; where there is none, whether the instrument still answers decides the advice."""
    try:
        return session.query(command)
    except SilentError as error:
        try:
            session.clear()
            if session.identify is not None:
                session.identify()
        except LinkError:
            raise error from None
        raise LinkError(
            f"{session.name} ({session.resource_name})",
            error.what,
            resource=session.resource_name,
            command=command,
            hint="It is there and names itself: look in its manual whether it knows this command; "
            "the bench key `timeout_s` gives it longer",
        ) from None

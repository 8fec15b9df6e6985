"""What goes wrong on a link, in words: address, command, what came back, what to check."""

from __future__ import annotations

from dataclasses import dataclass

from models.errors import TwinrigError

MIXED = "The reply was cut, mixed with another, or comes from another model"
SHORTEST_SHOWN_S = 0.01  # a rig in this process answers at once, or not at all
LONGEST_SHOWN = 80  # characters of a reply in an error


class LinkError(TwinrigError):
    """An instrument could not be reached, did not answer, or answered something else.

    Attributes
    ----------
    what
        What happened, without place and hint.
    resource, command, reply
        The address, what was sent, what came back (may be a part, or empty).
    hint
        What to check.
    """

    def __init__(
        self, where: str, what: str, *, resource: str, command: str = "", reply: str = "", hint: str
    ) -> None:
        super().__init__(f"{where}: {what}. {hint}")
        self.what = what
        self.resource = resource
        self.command = command
        self.reply = reply
        self.hint = hint


class SilentError(LinkError):
    """No answer came in time, not a byte."""


class WrongInstrumentError(LinkError):
    """Another instrument answers at this address."""


@dataclass(frozen=True)
class Faults:
    """Makes the errors of one instrument's link."""

    name: str
    resource: str

    def unreachable(self, error: Exception) -> LinkError:
        """It can't be opened."""
        is_refused = isinstance(error, ConnectionRefusedError)
        return self._error(
            f"nothing listens or the address is wrong ({_reason(error)})",
            refused_hint(self.resource)
            if is_refused
            else "Is it switched on and in the network? Check host and port of `resource`",
        )

    def broken(self, command: str, reply: str, error: Exception) -> LinkError:
        """The connection is gone."""
        during = f" at {command!r}" if command else ""
        return self._error(
            f"the connection broke{during} ({_reason(error)})",
            "Nothing listens there (any more): check power, cable, and host and port of `resource`",
            command,
            reply,
        )

    def closed(self) -> LinkError:
        """The session was closed by us."""
        return self._error("the session is closed", "Connect the bench again")

    def silent(
        self, command: str, part: str, end: bytes, waited_s: float, *, spoke: bool
    ) -> LinkError:
        """No reply in time, or one without its end; `spoke`: it has answered before."""
        within = f" within {waited_s:.2g} s" if waited_s >= SHORTEST_SHOWN_S else ""
        if part:
            return self._error(
                f"answered {_shown(part)} to {command!r} and did not end it with {end!r}{within}",
                "Check `terminator`; a reply that was cut ends so, too",
                command,
                part,
            )
        return SilentError(
            self._where,
            f"no answer to {command!r}{within}",
            resource=self.resource,
            command=command,
            hint="It has answered before: look at its power and its cable; the bench key "
            "`timeout_s` gives it longer"
            if spoke
            else "Check `terminator`, the port, and that the model is the right one",
        )

    def stray(self, command: str, stray: str) -> LinkError:
        """Bytes that nobody asked for."""
        return self._error(
            f"sent {_shown(stray)} which nobody asked for, before {command!r}",
            "An earlier reply may have been taken for another, that reading is void",
            command,
            stray,
        )

    def unexpected(self, command: str, reply: str, expected: str) -> LinkError:
        """A reply that is none of those possible."""
        return self._error(
            f"answered {_shown(reply)} to {command!r}, expected {expected}",
            MIXED,
            command,
            reply,
        )

    def wrong(self, reply: str, expected: str) -> WrongInstrumentError:
        """Another model's answer to `*IDN?`."""
        return WrongInstrumentError(
            self._where,
            f"answered {reply!r} to '*IDN?', expected {expected}",
            resource=self.resource,
            command="*IDN?",
            reply=reply,
            hint="Another instrument is at this address: correct `resource` or `driver`",
        )

    @property
    def _where(self) -> str:
        return f"{self.name} ({self.resource})"

    def _error(self, what: str, hint: str, command: str = "", reply: str = "") -> LinkError:
        return LinkError(
            self._where, what, resource=self.resource, command=command, reply=reply, hint=hint
        )


def refused_hint(resource: str) -> str:
    """What to do where a computer answers at an address, but not on this port."""
    if any(f"::{host}::" in resource.lower() for host in ("127.0.0.1", "localhost")):
        return (
            "On this computer: does `twinrig bench serve` still run? Its ports change with each "
            "start: use the bench file that it writes"
        )
    return (
        "The computer at this address answers, but not on this port: check the port of "
        "`resource`, and that the instrument's LAN interface is on"
    )


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error) or type(error).__name__


def _shown(text: str) -> str:
    """A reply as an error quotes it: a long one, or a block of binary numbers, by its begin."""
    if len(text) <= LONGEST_SHOWN:
        return repr(text)
    return f"{text[:LONGEST_SHOWN]!r}… ({len(text)} bytes)"

"""What to do about what an instrument says of itself, behind its words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from instruments.link_errors import LinkError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

TOO_MUCH = "set a larger range (a lock-in: sensitivity, input range) or less signal, and begin anew"
UNLOCKED = "look at the reference's cable, level and trigger edge"
REMEDIES = {  # by a part of the drivers' words
    "overload": TOO_MUCH,
    "overflown": TOO_MUCH,
    "beyond": TOO_MUCH,
    "unlocked": UNLOCKED,
}
VALUE = (
    "it refused a value: look for a fixed range or a limit of its own below what was sent, and for "
    "another program on its line"
)
REPORTED = (  # codes of a SCPI error queue, from … to: SCPI-99, volume 2, 21.8
    (-222, -222, VALUE),
    (-221, -221, "another setting forbids it: end a list, a sweep or another mode first"),
    (-350, -350, "older errors are lost: clear its queue (*CLS), then begin anew"),
    (-199, -100, "it didn't understand a message: look for a line that garbles, another program on "
     "it, or a firmware that lacks the command"),
    (-299, -200, "it could not do what a message asked: look at its front panel, and for another "
     "program on its line"),
    (-399, -300, "a fault of its own: look at its front panel"),
    (-499, -400, "an answer was lost or cut short: look for another program on its line"),
)  # fmt: skip


def reported(error: str, sent: str = "") -> str:
    """One error of an instrument's queue for people: what it follows, and what to do.

    Parameters
    ----------
    error
        Number and words, as `queued_errors` has them.
    sent
        What was sent last and may be, in words with units; empty: not known.

    >>> reported("-350 Queue overflow", "7 A was the last set-point sent")
    'reports -350 Queue overflow (7 A was the last set-point sent; older errors are lost: …)'
    """
    notes = "; ".join(filter(None, (sent, _of_code(error))))
    return f"reports {error} ({notes})" if notes else f"reports {error}"


def _of_code(error: str) -> str:
    code = re.match(r"-\d+\b", error)
    number = int(code[0]) if code else 0
    return next((words for low, high, words in REPORTED if low <= number <= high), "")


def with_remedy(name: str, faults: Iterable[str]) -> list[str]:
    """One sentence for each fault of an instrument, with what to do where that is known.

    >>> with_remedy("lockin", ["reference unlocked"])
    ["lockin: reference unlocked (look at the reference's cable, level and trigger edge)"]
    """
    return [f"{name}: {fault}{_remedy(fault)}" for fault in faults]


def with_faults(problems: Sequence[str], others: Mapping[str, Any]) -> list[str]:
    """Problems of supplies, and what read-outs and probes say of themselves since.

    Silence of one doesn't hide what was found before: a rack without mains is the supply's end.

    Raises
    ------
    LinkError
        One doesn't answer, and there is no problem beside.
    """
    found = list(problems)
    try:
        for name, other in others.items():
            found += with_remedy(name, other.faults())
    except LinkError as error:
        if not found:
            raise
        found.append(str(error))
    return found


def _remedy(fault: str) -> str:
    found = next((remedy for part, remedy in REMEDIES.items() if part in fault), _of_code(fault))
    return f" ({found})" if found else ""

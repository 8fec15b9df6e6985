"""The errors a user meets: one clear message each, with the exit code of the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class TwinrigError(Exception):
    """Failed on the way: instrument, link, disk or numbers (exit code 1).

    The message says value, unit, limit, place and what to do. `problems` holds the sentences of
    `raise_problems` one by one; empty otherwise.
    """

    exit_code = 1
    problems: tuple[str, ...] = ()


class InputError(TwinrigError):
    """Wrong use: arguments, or a bench, sequence or artefact file (exit code 2)."""

    exit_code = 2


class StoppedError(TwinrigError):
    """Stopped by the user (exit code 3)."""

    exit_code = 3


class RefusedError(TwinrigError):
    """Refused by a limit, an interlock or a pre-flight check, nothing energised (exit code 4)."""

    exit_code = 4


def raise_problems(kind: type[TwinrigError], where: str, problems: Iterable[str]) -> None:
    """Raise `kind` with every problem of one input at once; nothing where there is none.

    Parameters
    ----------
    kind
        The error to raise.
    where
        The place: a file, a table of the bench, an argument.
    problems
        One sentence each.
    """
    found = tuple(problems)
    if not found:
        return
    words = found[0]
    if len(found) > 1:
        words = f"{len(found)} problems\n" + "\n".join(f"  - {p}" for p in found)
    error = kind(f"{where}: {words}")
    error.problems = found
    raise error

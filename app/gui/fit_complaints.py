"""What the Twin page says of recordings before a fit: what it will refuse, what is suspicious."""

from __future__ import annotations

from typing import TYPE_CHECKING

from training.bad_data import clipped_of, problems_of, warnings_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from models.recording import Recording

SINGLE = "one repeat of each has no noise to learn: choose the objective mean only, or record more"


class Complaints:
    """Sentences by recording, each looked at once."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, bool], tuple[list[str], list[str]]] = {}

    def of(self, recordings: Iterable[Recording], *, deterministic: bool) -> tuple[str, str]:
        """The first thing to say, and its role: `fault` (refused), `attention`, or both empty."""
        read = list(recordings)
        found = [self._one(r, deterministic) for r in read]
        problems = [text for refused, _ in found for text in refused]
        most = max((int(r.complete.sum(axis=1).max(initial=0)) for r in read), default=0)
        if not deterministic and read and most < 2:
            problems.append(SINGLE)
        if problems:
            return problems[0], "fault"
        warned = [text for _, said in found for text in said]
        more = f" (and {len(warned) - 1} more)" if len(warned) > 1 else ""
        return (f"{warned[0]}{more}", "attention") if warned else ("", "")

    def _one(self, recording: Recording, deterministic: bool) -> tuple[list[str], list[str]]:
        key = (id(recording), deterministic)
        if key not in self._known:
            said = clipped_of(recording) if deterministic else warnings_of(recording)
            self._known[key] = (problems_of(recording), said)
        return self._known[key]

    def forget(self) -> None:
        """Recordings are read anew."""
        self._known = {}

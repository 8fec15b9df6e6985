"""The queue of recordings: what runs next, in which order, and what holds it; no Qt.

What an experimentalist expects of a night: after a recording that is done the next one begins. One
that is refused before anything was energised (a limit, a full disk) says why, keeps its place in
the list, and the next one runs: nothing happened to the rig. One that failed or was stopped holds
the queue: whatever it was, the next one would most likely meet it, too, and a person decides.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from app.gui.record_saved import from_json, to_json
from app.gui.words import count, size
from app.words import duration
from models.errors import InputError, RefusedError

if TYPE_CHECKING:
    from app.gui.job import Outcome
    from app.gui.record_design import Plan
    from app.gui.record_saved import NewDesign

MOST = 100  # of the settings: more is no queue


@dataclass(frozen=True)
class Queued:
    """One place: what to record, its cost as far as it is known, and why it was skipped.

    `bench`: that whose fields and limits it was made for; empty: kept by a version that knew none.
    """

    design: NewDesign
    seconds: float | None = None
    bytes: float = 0.0
    skipped: str = ""
    bench: str = ""

    def on(self, bench: str) -> Queued:
        """It as it waits on a bench: skipped there where it was made for another one."""
        other = f"it was queued for {self.bench}, this is {bench}: open that bench, or add it anew"
        if not self.bench:
            other = f"an earlier version kept no bench with it: add it anew if {bench} is its bench"
        return replace(self, skipped=other if self.bench != bench else "")

    @property
    def time(self) -> str:
        """Its time, or that it was skipped."""
        if self.skipped:
            return "skipped"
        return duration(self.seconds) if self.seconds is not None else ""


@dataclass
class RecordQueue:
    """Recordings that wait. `going`: the next one begins when the running one is done.

    `bench`: the name of the one that they are recorded on.
    """

    bench: str = ""
    waiting: list[Queued] = field(default_factory=list)
    going: bool = False
    held: str = ""
    _running: Queued | None = None

    def add(self, design: NewDesign, plan: Plan | None) -> None:
        """Put a design at the end."""
        known = (plan.seconds, plan.bytes) if plan is not None else (None, 0.0)
        self.waiting.append(Queued(design, *known, bench=self.bench))

    def move(self, index: int, to: int) -> int:
        """Move one to another place, as far as the list goes; returns where it is now."""
        to = max(0, min(len(self.waiting) - 1, to))
        self.waiting.insert(to, self.waiting.pop(index))
        return to

    def remove(self, index: int) -> None:
        """Take one out."""
        del self.waiting[index]

    def start(self) -> str:
        """Go on, also with what was skipped; returns a sentence where some are of another bench."""
        self.going, self.held = True, ""
        self.waiting = [each.on(self.bench) for each in self.waiting]
        others = [each for each in self.waiting if each.skipped]
        return f"{others[0].design.name} is skipped: {others[0].skipped}" if others else ""

    def next(self) -> Queued | None:
        """The first one that was not skipped; None where there is none."""
        return next((each for each in self.waiting if not each.skipped), None)

    def took(self, one: Queued) -> None:
        """It runs: it waits no more."""
        self.waiting.remove(one)
        self._running = one

    def put_back(self, one: Queued) -> None:
        """It could not begin: it is the first again, and nothing begins by itself."""
        self._running = None
        self.waiting.insert(0, one)
        self.hold("held: it could not begin")

    def hold(self, why: str) -> None:
        """Nothing begins by itself any more."""
        self.going, self.held = False, why if self.waiting else ""

    def skip(self, one: Queued, why: str) -> None:
        """It was refused: it keeps its place at the front, and says why."""
        self.waiting.insert(0, replace(one, skipped=why))

    def ended(self, outcome: Outcome) -> str:
        """A recording has ended; returns a sentence for the user where the queue is not as before.

        After this `going` says whether the next one begins.
        """
        one, self._running = self._running, None
        if outcome.status == "done" or not self.going:
            self.going = self.going and self.next() is not None
            return ""
        if one is not None and isinstance(outcome.error, (RefusedError, InputError)):
            self.skip(one, str(outcome.error))
            self.going = self.next() is not None
            return f"{one.design.name} was skipped: {outcome.error}"
        word = "was stopped" if outcome.status == "stopped" else "failed"
        self.hold(f"held: one {word}")
        number = len(self.waiting)
        waits = f"{count(number, 'recording')} wait{'s' if number == 1 else ''}"
        return f"The queue is held, because a recording {word}: {waits}" if self.held else ""

    @property
    def words(self) -> str:
        """How many wait, how long they take, how large they are; or what holds them."""
        if not self.waiting:
            return "empty"
        number = count(len(self.waiting), "recording")
        if self.held:
            return f"{number}, {self.held}"
        known = [each.seconds for each in self.waiting if each.seconds is not None]
        if len(known) < len(self.waiting):
            return number
        return f"{number} · {duration(sum(known))} · {size(sum(q.bytes for q in self.waiting))}"

    def to_json(self) -> list[dict[str, Any]]:
        """What comes back at the next start: it never begins by itself there."""
        return [
            {"design": to_json(q.design), "seconds": q.seconds, "bytes": q.bytes, "bench": q.bench}
            for q in self.waiting
        ]

    def load(self, body: Any) -> None:
        """Take what `to_json` gave; what doesn't fit is left out."""
        for row in body[:MOST] if isinstance(body, list) else []:
            with suppress(InputError):
                design = from_json(row.get("design") if isinstance(row, dict) else None)
                seconds, length = row.get("seconds"), row.get("bytes")
                known = seconds if isinstance(seconds, (int, float)) else None
                room = float(length) if isinstance(length, (int, float)) else 0.0
                one = Queued(design, known, room, bench=str(row.get("bench") or ""))
                self.waiting.append(one.on(self.bench))

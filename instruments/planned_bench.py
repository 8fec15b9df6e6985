"""What a run on a bench will take, and whether its limits let it: nothing is driven."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

from instruments import encoding
from instruments.asked_bench import AskedBench
from instruments.watched_magnet import NOT_ENERGISED
from models.errors import RefusedError, raise_problems

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.sequence import DriveWindow, FieldSequence, Reset

TYPICAL_CHANGE = 1 / 3  # of the window: mean difference of two independent drives 0…1


class PlannedBench(AskedBench):
    """A bench with the foresight of what runs on it."""

    def check_sequences(
        self,
        sequences: Sequence[FieldSequence],
        window: DriveWindow,
        reset: Reset,
        *,
        ask: bool = True,
    ) -> None:
        """Raise `RefusedError` for what would break a limit; only queries are sent.

        The duty is that of the sequences one after another, each with its reset, after what has
        flowed. Without `ask` not even a query is sent, and the magnets count as cold: what only the
        instruments know, and what has flowed, is checked when a run begins.
        """
        if ask:  # a run begins, not a form that is filled in
            self._window = window
        if self.rotation is not None:
            self.rotation.refuse(sequences, window, reset, now=ask)
            return
        drives = [float(d) for s in sequences for d in (s.drive.min(), s.drive.max())]
        found = encoding.problems(window, reset, drives or [0.0, 1.0], self._drive.limits)
        if any(sequence.held for sequence in sequences):
            found += encoding.holds_problems(window)
        if not found:
            fields = [window.field_T(sequence.drive).tolist() for sequence in sequences]
            holds = [sequence.holds.tolist() for sequence in sequences]
            plan = encoding.plan_T(window, reset, fields, self.spec.gate_s, holds)
            found = self._drive.foreseen(plan, now=ask)
            found += self._steps.refuse(window, reset, fields, holds, ask=ask)
        raise_problems(RefusedError, f"magnet {self._drive.name}", found)

    def refuse_forbidden(self) -> None:
        """Raise `RefusedError` where a guard or a supply forbids current now; only asks.

        `energise` would refuse, too: this is for whoever makes a folder before.
        """
        for drive in self.drives:
            found = drive.forbidden()
            raise_problems(RefusedError, f"{drive.name} {NOT_ENERGISED}", found)

    def predicted_s(
        self,
        steps: int,
        length: int | None = None,
        window: DriveWindow | None = None,
        reset: Reset | None = None,
    ) -> float:
        """Device time of one repeat of so many steps, reset included.

        `length`: how many steps of one hold they last; None: as many as they are. `window` and
        `reset`: of the run; None: the bench's.
        """
        window, reset = window or self.spec.window, reset or self.spec.reset
        gate_s = self.spec.gate_s or self._told_reading_s
        if self.rotation is not None:
            return self.rotation.predicted_s(steps, window, reset)
        span_T = window.high_T - window.low_T
        far_T = max(abs(reset.field_T - window.low_T), abs(reset.field_T - window.high_T))
        visits = len(encoding.fields_T(window.encoding, 0.0))
        if visits > 1:  # from one side to the other
            far_T = 2 * max(abs(window.low_T), abs(window.high_T), abs(reset.field_T))
        step_s = encoding.step_s(self._drive, window, TYPICAL_CHANGE * span_T, gate_s)
        walks_s = 2 * self._drive.walk_s(self._drive.limits.current_A(far_T))
        longer_s = ((length or steps) - steps) * (window.hold_s + gate_s)
        return walks_s + visits * reset.hold_s + gate_s + steps * step_s + longer_s

    def planned_s(
        self, fields_T: Sequence[float], window: DriveWindow, holds: Sequence[int]
    ) -> list[float]:
        """Device time that each of these steps is to take: walk, holds and gate; the first: NaN."""
        if self.rotation is not None:
            return [self.rotation.step_s(each_T, window.hold_s) for each_T in fields_T]
        changes_T = (there_T - here_T for here_T, there_T in itertools.pairwise(fields_T))
        gate_s = self.spec.gate_s
        return [
            math.nan,
            *(
                encoding.step_s(self._drive, window, each_T, gate_s, n)
                for each_T, n in zip(changes_T, holds[1:], strict=True)
            ),
        ]

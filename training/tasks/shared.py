"""What of a test part stands in what training sees, too: stretches of a series, or windows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from training.tasks.task import Task

    FloatArray = NDArray[np.float64]
    Mask = NDArray[np.bool_]

STRETCH = 32  # steps that no two parts of one unrepeated series share by chance
LEAST_STRETCH = 16  # of a test part with fewer than `STRETCH` steps
ALIKE = 1e-5  # of a column's spread: nearer is the same value, written with other digits
EQUAL = 1e-9  # of it: nearer is the same value, scaled by one task and by another
MANY = 0.02  # of the test part: so much isn't near by chance, as a few waves without noise may be


@dataclass(frozen=True)
class Same:
    """What of a test part is seen by training.

    Attributes
    ----------
    places
        First steps of stretches, or numbers of windows within the part.
    steps
        Of each stretch; of windows how many they have in common.
    before
        Step at which the first of the stretches stands where training sees it.
    shift
        Steps by which the windows are shifted.
    """

    places: tuple[int, ...]
    steps: int
    before: int = 0
    shift: int = 0

    @property
    def covered(self) -> int:
        """Steps of the test part that the stretches hold."""
        return len({step for place in self.places for step in range(place, place + self.steps)})


@dataclass(frozen=True)
class Parts:
    """Inputs `(T, n_in)`, which are tested and which training sees `(T,)`, steps of a window."""

    inputs: FloatArray
    test: Mask
    seen: Mask
    window: int

    def rounded(self, near: float) -> Parts:
        """Inputs as whole numbers of `near` of their spread in what training sees."""
        known = self.inputs[self.seen]
        unit = near * known.std(axis=0)
        apart = np.where(unit > 0, unit, 1.0)
        return replace(self, inputs=np.floor((self.inputs - known.min(axis=0)) / apart + 0.37))

    def same(self, share: float) -> Same | None:
        """What training sees of the test part; None: no more than a `share` of it."""
        return self._same_windows(share) if self.window > 1 else self._same_stretches(share)

    def _same_stretches(self, share: float) -> Same | None:
        steps = max(LEAST_STRETCH, min(STRETCH, int(self.test.sum())))
        test, known = (_stretches(self.inputs, mask, steps) for mask in (self.test, self.seen))
        found = {step: known[key] for key, step in test.items() if key in known}
        if len(found) <= share * len(test):
            return None
        return Same(tuple(found), steps, before=next(iter(found.values())))

    def _same_windows(self, share: float) -> Same | None:
        """As they are, or shifted by up to half a window."""
        split = self.inputs.reshape(-1, self.window, self.inputs.shape[1])
        test, known = (split[mask[:: self.window]] for mask in (self.test, self.seen))
        for shift in range(self.window // 2 + 1):
            long = self.window - shift
            for a, b in ((test[:, shift:], known[:, :long]), (test[:, :long], known[:, shift:])):
                keys = {_key(one) for one in b if varies(one)}
                same = [index for index, one in enumerate(a) if varies(one) and _key(one) in keys]
                if len(same) > share * len(test):
                    return Same(tuple(same), long, shift=shift)
        return None


def trained_on(task: Task, earlier: Task) -> int:
    """How many answers of a task's test part an earlier task trains on or validates with.

    Both have as many inputs and windows of one length. Inputs are compared as they were measured,
    since each task scales them by its own training part. Of a task that `repeats` nothing is told.
    """
    if task.repeats:
        return 0
    learned, test = earlier.train | earlier.validation, task.test
    joined = Parts(
        np.concatenate([earlier.measured, task.measured]),
        np.concatenate([np.zeros_like(learned), test]),
        np.concatenate([learned, np.zeros_like(test)]),
        task.window,
    )
    for near, share in ((ALIKE, MANY), (EQUAL, 0.0)):
        if (same := joined.rounded(near).same(share)) is not None:
            return len(same.places) if task.window > 1 else same.covered
    return 0


def _stretches(inputs: FloatArray, mask: Mask, steps: int) -> dict[bytes, int]:
    """Every stretch of `steps` marked steps that varies, with its first step."""
    whole = np.convolve(mask, np.ones(steps, dtype=int), "valid") == steps
    starts = np.flatnonzero(whole)
    parts = ((int(start), inputs[start : start + steps]) for start in starts)
    return {_key(part): start for start, part in parts if varies(part)}


def _key(part: FloatArray) -> bytes:
    return np.ascontiguousarray(part).tobytes()


def varies(part: FloatArray) -> bool:
    """Whether anything changes: a pause looks the same everywhere, and tells nothing."""
    return bool((part != part[0]).any())

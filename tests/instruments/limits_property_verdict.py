"""Verdicts: of one case, of many, and the smallest case that still fails."""

from __future__ import annotations

import math
import time
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from limits_property_files import FileCase, few_steps
from limits_property_run import Run

from instruments.bench_file import parse_bench
from models.errors import InputError

if TYPE_CHECKING:
    from limits_property_cases import Case

SHORTEST_S = 1.0e-3


class Tally:
    """What has been seen over many cases."""

    def __init__(self) -> None:
        self.begin = time.monotonic()
        self.cases = self.sets = self.messages = self.connected = 0
        self.kinds: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()

    def take(self, failures: list[str], run: Run | None) -> list[str]:
        self.cases += 1
        self.kinds.update(words.split(":")[0] for words in failures)
        if run is not None:
            self.connected += 1
            self.sets += run.rig.judge.sets
            self.messages += run.rig.judge.messages
            self.outcomes.update(run.outcomes)
        return failures

    def __str__(self) -> str:
        beyond = sum(self.kinds[k] for k in ("limit", "compliance", "duty", "guard", "number"))
        ramp = sum(self.kinds[k] for k in ("step", "pace", "jump", "switch"))
        rest = sum(self.kinds.values()) - beyond - ramp
        return (
            f"{self.cases} cases: {beyond} beyond a limit, {ramp} beyond the ramp, "
            f"{self.kinds['end']} unsafe ends, {rest - self.kinds['end']} other faults; "
            f"{self.connected} on a rig, {self.sets} set-points in {self.messages} messages, "
            f"{time.monotonic() - self.begin:.0f} s"
        )


def carried_out(case: Case | FileCase) -> tuple[list[str], Run | None]:
    """Failures of a case, and its run."""
    if isinstance(case, FileCase):
        return go_file(case)
    run = Run(case).go()
    return run.failures, run


def go_file(case: FileCase) -> tuple[list[str], Run | None]:
    """Read a bench file: failures, and the run on it where it is good and inside this process."""
    try:
        spec = parse_bench(case.text, "arbitrary bench")
    except InputError as error:
        unnamed = [key for key in case.wrong if key not in str(error)]
        return ([f"not named: {unnamed} in: {error}"] if unnamed else []), None
    if case.wrong:
        return [f"accepted in spite of: {case.wrong}"], None
    virtual = spec.virtual
    if virtual is None or virtual.device is None or virtual.accelerate != math.inf:
        return [], None
    if min(one.timeout_s for one in spec.instruments) < SHORTEST_S:
        return [], None  # whether the host answers in time is chance
    run = Run(few_steps(case.text, spec.magnets[spec.drive_magnet].limits)).go()
    return run.failures, run


def smallest(case: Case, fails: Any) -> Case:
    """The case with every order, hook and hand dropped that the failure doesn't need."""
    for name in ("orders", "hooks", "found"):
        at = 0
        while at < len(getattr(case, name)):
            items = getattr(case, name)
            shorter = replace(case, **{name: items[:at] + items[at + 1 :]})
            if fails(shorter):
                case = shorter
            else:
                at += 1
    return case

"""What the models of Keysight's Truevolt family differ in.

Memory: operating and service guide, `R?` (readings without the memory option). Integration times:
QCoDeS' `Keysight_344xxA_submodules.py`; the three shortest of a 34465A or 34470A need firmware A.03
or the DIG option. Only these two have the sample timer (there, too).
"""

from __future__ import annotations

from dataclasses import dataclass

SLOW_CYCLES = (0.02, 0.2, 1.0, 10.0, 100.0)
FAST_CYCLES = (0.001, 0.002, 0.006, 0.02, 0.06, 0.2, 1.0, 10.0, 100.0)


@dataclass(frozen=True)
class Truevolt:
    """One model.

    Attributes
    ----------
    name
        As `*IDN?` has it.
    memory
        How many readings it holds.
    cycles
        Integration times it has, in power line cycles.
    has_timer
        Whether a timer can pace the samples of a burst.
    """

    name: str
    memory: int
    cycles: tuple[float, ...]
    has_timer: bool

    def unfit(
        self, samples: int, interval_s: float | None, nplc: float | None
    ) -> list[tuple[str, str]]:
        """What a bench file asks of it and it can't, and what to do instead."""
        found = []
        if samples > self.memory:
            words = f"samples = {samples} is beyond the {self.memory} readings"
            found.append((f"{words} that a {self.name} holds", "Give fewer samples"))
        if interval_s is not None and not self.has_timer:
            words = f"interval_s is given, and a {self.name} has no sample timer"
            found.append((words, "Leave interval_s out, and set nplc"))
        if nplc is not None and nplc not in self.cycles:
            known = ", ".join(f"{each:g}" for each in self.cycles)
            words = f"nplc = {nplc:g} is none that a {self.name} has"
            found.append((words, f"Give one of {known}"))
        return found


def too_quick(interval_s: float, shortest_s: float) -> list[tuple[str, str]]:
    """Why its settings don't allow an interval between two samples, and what to do; empty: fine."""
    if interval_s >= shortest_s:
        return []
    words = f"interval_s = {interval_s:g} s is below the {shortest_s:g} s that its settings allow"
    return [(words, "Set a shorter nplc, switch autozero off, or fix the range")]


MODELS = {
    one.name: one
    for one in (
        Truevolt("34460A", 1_000, SLOW_CYCLES, has_timer=False),
        Truevolt("34461A", 10_000, SLOW_CYCLES, has_timer=False),
        Truevolt("34465A", 50_000, FAST_CYCLES, has_timer=True),
        Truevolt("34470A", 50_000, FAST_CYCLES, has_timer=True),
    )
}

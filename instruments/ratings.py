"""What the connected supplies say that they can give, for a bench file that is being written.

Nobody is asked: a supply told it as it was connected.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from instruments.bench import Bench
    from instruments.bench_draft import DraftInstrument
    from instruments.bench_spec import BenchSpec


def beyond_ratings(bench: Bench, spec: BenchSpec) -> list[str]:
    """Limits of another spec that supplies of a bench can't keep, in words as a draft's problems.

    One at another resource, or of another driver, is another supply: nothing is known of it.
    """
    problems = []
    for name, one in spec.magnets.items():
        known = bench.spec.magnets.get(name)
        if known is not None and (known.driver, known.resource) == (one.driver, one.resource):
            words = bench.magnets[name].beyond_rating(one.limits)
            problems += [f"[magnet.{name}] {said}" for said in words]
    return problems


def rated(bench: Bench | None, one: DraftInstrument) -> DraftInstrument:
    """An instrument of a bench's own file, a supply with its rating where that is connected."""
    there = bench.magnets.get(one.name) if bench is not None and one.kind == "magnet" else None
    if there is None:
        return one
    supply = there.magnet
    return replace(one, rated_A=supply.rated_current_A, rated_V=supply.rated_voltage_V)

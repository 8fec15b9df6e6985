"""Whether the benches that a comparison table was begun on are there to go on with; no Qt."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from instruments.bench_file import BUILT_IN, read_bench
from models.errors import InputError
from models.paths import file_at

if TYPE_CHECKING:
    from app.operations.compare_networks_plan import Plan
    from instruments.bench_spec import BenchSpec


def benches_missing(plan: Plan, here: BenchSpec | None) -> str:
    """Why a table can't go on by its bench files, told before any is connected; empty: it can.

    What the benches themselves say is compared once they are connected, before one is energised.

    Parameters
    ----------
    here
        The window's bench; None: there is none.
    """
    names, wrong = list[str](), list[str]()
    for word in plan.bench:
        if word not in BUILT_IN and not file_at(word):
            wrong.append(f"bench {Path(word).name} is gone: put back {word}, or begin anew")
            continue
        try:
            names.append(read_bench(word).name)
        except InputError as error:
            wrong.append(str(error))
    if wrong:
        return "; ".join(wrong)
    # a single bench may be called anew by now: the operation knows it by what it says
    if not plan.on_a_rig or len(names) == 1 or here is None or here.name in names:
        return ""
    return (
        f"{here.name} is none of its benches: open {' or '.join(names)} on the Bench page, "
        "which it was begun on"
    )

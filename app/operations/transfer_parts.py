"""What makes a network a better one on the bench: beginning and end, a plan on disk, torch apart.

Recalibration, refinement and polishing are each a `Work` within `bettered`.

Hardware runs in the caller's thread; what needs torch is an operation of its own, run by an
`Apart`: in a child process, or here where torch may be loaded (tests, scripts).
"""

from __future__ import annotations

import importlib
import json
import time
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.artefacts import (
    find_file,
    moved_with,
    new_directory,
    now_iso,
    plain,
    read_head,
    refuse_never_begun,
    sha256_of,
    write_bytes,
    writing,
)
from app.checked_json import with_checksum
from app.deployment import of_another, preflight
from app.device_benches import each_of
from app.operations.events import Event, Result
from app.operations.results import spent
from app.operations.runs import status_of
from app.run_lock import RunLock
from app.weights_store import NETWORK_FILE, load_network
from models.errors import InputError, RefusedError, TwinrigError, raise_problems
from models.paths import file_at, folder_at

if TYPE_CHECKING:
    from app.device_benches import Benches
    from models.network import Network

Apart = Callable[[str, dict[str, Any], Callable[[], bool] | None], Generator[Event, None, Any]]
"""As `app.operations.child.in_child`: name of an operation, its arguments, whether to stop."""
Work = Callable[[dict[str, Any]], Generator[Event, None, dict[str, Any]]]
"""What is done with a plan; returns the values of the result."""
SCHEMA = 1


def bettered(
    kind: str,
    network: Path | None,
    bench: Benches,
    out: Path,
    asked: dict[str, Any],
    work: Work,
    *,
    resume: bool,
    despite_drift: bool,
    so_far: Callable[[], dict[str, Any]] | None = None,
) -> Generator[Event, None, Path]:
    """Begin or go on, work, keep the result, tell it; returns the `network.json` in `out`.

    Parameters
    ----------
    kind
        Of the plan on disk.
    network
        Its folder or `network.json`; None with `resume`.
    bench
        As of `deploy`.
    out
        A new folder, or with `resume` that of one that ended early: finished, it tells its result
        once more.
    asked
        What the plan keeps; with `resume` that is what it was begun with.
    work
        Everything in between.
    despite_drift
        As of `deploy`.
    so_far
        What a result says beside path and status where the work fails; None: the work tells it.

    Raises
    ------
    InputError
        The network can't be read, `out` in use, nothing to go on with.
    RefusedError
        The network may not run on these benches.
    TwinrigError
        What the work raises.
    """
    # long by its arguments and what they mean: its steps are few, each a function of its own
    begin_s = time.monotonic()
    if not resume:
        path = Path(network or "")
        plan = begin_plan(out, kind, path, bench, asked, despite_drift=despite_drift)
    else:
        plan = read_plan(out, kind)
        another = of_another(network, plan["network_sha256"], plan["network"])
        raise_problems(RefusedError, f"{out} can't be continued", another)
    if "result" in plan:
        yield Result(plan["result"])
        return out / NETWORK_FILE
    if resume:  # the bench may be another one than it was begun on
        plan["despite_drift"] = plan["despite_drift"] or despite_drift
        allowed(plan, bench)
    try:
        with RunLock(out):
            try:
                values = yield from work(plan)
            except TwinrigError as fault:
                if so_far is not None:
                    yield Result({"path": str(out), "status": status_of(fault), **so_far()})
                raise
            values = {**values, **spent(begin_s, resume=resume)}
            save_plan(out, kind, {**plan, "result": values})  # resumed again, it is told again
    except InputError:
        _forget_bare(out, kind)
        raise
    yield Result(values)
    return out / NETWORK_FILE


def _forget_bare(out: Path, kind: str) -> None:
    """Remove a folder in which there is a plan and nothing else: it would be refused for ever."""
    plan = out / f"{kind}.json"
    if list(out.iterdir()) == [plan]:
        with writing(out):
            plan.unlink()
            out.rmdir()


def in_here(
    function: str, kwargs: dict[str, Any], stop: Callable[[], bool] | None = None
) -> Generator[Event, None, Any]:
    """As `in_child`, in this very process."""
    module, _, name = function.rpartition(".")
    return (yield from getattr(importlib.import_module(module), name)(**kwargs))


def within(
    events: Generator[Event, None, Any], told: dict[str, Any]
) -> Generator[Event, None, Any]:
    """Events of an operation inside another; its result is none of the whole, and goes to `told`.

    Closed at the end, however that comes: a rig is safe before anything else is done.
    """
    with closing(events):
        while True:
            try:
                event = next(events)
            except StopIteration as end:
                return end.value
            if isinstance(event, Result):
                told.update(event.values)
            else:
                yield event


def begin_plan(out: Path, kind: str, network: Path, bench: Benches, asked: dict[str, Any],
               *, despite_drift: bool) -> dict[str, Any]:  # fmt: skip
    """Look at network and bench, make the folder, keep what was asked; returns the plan.

    Raises
    ------
    InputError
        The network can't be read or says not what it was trained for, or `out` holds something.
    RefusedError
        The network may not run on these benches (`app.deployment.preflight`).
    """
    file = (network / NETWORK_FILE if folder_at(network) else network).resolve()
    known_origin(load_network(file), file)
    plan = {"network": str(file), "network_sha256": sha256_of(file), "created": now_iso(),
            "despite_drift": despite_drift, "asked": asked, "done": {}}  # fmt: skip
    allowed(plan, bench)
    new_directory(out)
    save_plan(out, kind, plan)
    return plan


def allowed(plan: dict[str, Any], bench: Benches) -> None:
    """Raise as `app.deployment.preflight` where a plan's network may not run on these benches now.

    RefusedError, too, where a guard or a supply forbids current.
    """
    file = Path(plan["network"])
    preflight(load_network(file), file, bench, despite_drift=bool(plan["despite_drift"]))
    for each in each_of(bench):
        each.refuse_forbidden()


def known_origin(network: Network, file: Path) -> None:
    """Raise InputError where a network doesn't say which task and which twins it is of."""
    named = (("task", network.meta.get("task")), ("twins", network.meta.get("twins")))
    raise_problems(
        InputError,
        str(file),
        [f"doesn't say its {what} in words that it can be made of again: train it with "
         "`twinrig train`" for what, found in named if not found],
    )  # fmt: skip


def with_parent(network: Network, plan: dict[str, Any]) -> list[dict[str, str]]:
    """The parents of a network that a plan makes from another: its own, and that one."""
    before = Path(plan["network"])
    known = parent_of(load_network(before), before)
    return [*(one for one in network.meta.get("parents", []) if one != known), known]


def parent_of(network: Network, path: Path) -> dict[str, str]:
    """A network, by its folder or file, as a parent of one that is made from it."""
    file = find_file(path, NETWORK_FILE).resolve()
    return {"id": str(network.meta.get("id", "")), "path": str(file), "sha256": sha256_of(file)}


def save_plan(out: Path, kind: str, plan: dict[str, Any]) -> None:
    """Write or replace the plan `KIND.json`; TwinrigError where the disk refuses."""
    body = {"kind": kind, "schema": SCHEMA, **plain(plan)}
    text = json.dumps(with_checksum(body), indent=1, ensure_ascii=False, allow_nan=False)
    write_bytes(out / f"{kind}.json", text.encode())


def read_plan(out: Path, kind: str) -> dict[str, Any]:
    """The plan of a folder to go on with.

    Raises
    ------
    InputError
        None was begun there, it is damaged, or its network has changed since.
    """
    path = out / f"{kind}.json"
    refuse_never_begun(out, f"twinrig {kind}", path.name)
    plan = read_head(path, kind, SCHEMA)
    missing = [
        f"has no {name!r}" for name in ("network", "asked", "done", "despite_drift")
        if name not in plan
    ]  # fmt: skip
    raise_problems(InputError, str(path), missing)
    file = moved_with(Path(plan["network"]), out)
    if not file_at(file):
        raise InputError(f"{file}: is gone; put it back, there or beside {out}")
    if sha256_of(file) != plan.get("network_sha256"):
        raise InputError(
            f"{file}: has changed since; put it back, or begin anew with another --out"
        )
    plan["network"] = str(file)
    return {name: plan[name] for name in plan if name not in ("kind", "schema", "sha256")}

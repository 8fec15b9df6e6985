"""Check the instruments of a bench, prove its magnets; list what VISA sees."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from app.operations.events import Event, Note, Result, Stage
from models.errors import RefusedError, StoppedError, TwinrigError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from instruments.bench_spec import BenchSpec
    from instruments.checks import InstrumentCheck
    from instruments.clock import Stop
    from instruments.proof import Energised
    from instruments.wirelog import WireTap


def bench_check(
    bench: str,
    *,
    stop: Stop | None = None,
    wire_log: WireTap | None = None,
    energise_A: float | None = None,
    confirm: Callable[[str], bool] | None = None,
    tell: Callable[[str], None] | None = None,
) -> Generator[Event, None, None]:
    """Ask all instruments of a bench side by side who they are and what state they are in.

    The result's `instruments`: name → `{driver, resource, ok, identity, found, problem, hint,
    findings, state}`, and of each magnet with `energise_A` also `energised`: `{set_A, setpoint_A,
    measured_A, left_A, safe, deviation_A, ok}`.

    Parameters
    ----------
    bench
        A bench file, or `virtual`.
    stop
        Ends it, within two seconds.
    wire_log
        Called with every message.
    energise_A
        Afterwards drive this current through each magnet in turn.
    confirm
        Asked first, with what is about to happen; without one nothing is energised.
    tell
        Called with a sentence about every second while a supply can't be made safe.

    Raises
    ------
    InputError
        The bench file is unreadable or wrong.
    RefusedError
        `energise_A` is beyond 1 % of a limit, or a magnet was found energised; nothing was set.
    StoppedError
        `stop` was requested, or the user said no; the rig is safe.
    """
    from instruments.bench_file import read_bench
    from instruments.checks import check_bench
    from instruments.clock import Stop
    from instruments.proof import refuse_current

    stop = stop or Stop()
    spec = read_bench(bench)
    if energise_A is not None:
        refuse_current(spec, energise_A)
    yield Stage(f"check the bench {spec.name}")
    checks = check_bench(spec, stop=stop, wire_log=wire_log)
    shown = {check.name: _shown(check) for check in checks}
    if energise_A is not None:
        _refuse_found(spec, checks)
    if energise_A is not None and all(check.ok for check in checks):
        if confirm is None or not confirm(_question(spec, energise_A)):
            raise StoppedError("not energised: nobody said yes")
        yield from _prove_all(spec, energise_A, shown, stop, wire_log, tell)
    elif energise_A is not None:
        yield Note("nothing was energised: the check found what has to be mended first", "warning")
    yield Result({"bench": spec.name, "instruments": shown})


def bench_list(stop: Stop | None = None) -> Generator[Event, None, None]:
    """List the VISA resources of this computer, the library that lists them, what it lacks.

    Raises
    ------
    TwinrigError
        The library doesn't load, or hangs.
    StoppedError
        `stop` was requested.
    """
    from instruments.discovery import discover

    yield Result(asdict(discover(stop=stop)))


def _shown(check: InstrumentCheck) -> dict[str, Any]:
    body = asdict(check)
    del body["name"]
    return body


def _refuse_found(spec: BenchSpec, checks: list[InstrumentCheck]) -> None:
    """Refuse before anybody is asked; `prove` looks once more when it has connected."""
    for check in checks:
        if check.state is not None and check.state["energised"]:
            raise RefusedError(
                f"bench {spec.name!r}, --energise: magnet {check.name} was found energised, "
                f"{check.state['current_A']:.4g} A flow; nothing was set. "
                f"`{spec.safe_command}` first, then look why it was so"
            )


def _question(spec: BenchSpec, current_A: float) -> str:
    lines = ["This drives a current through each coil in turn, and takes it down again:"]
    for name, magnet in spec.magnets.items():
        field_T = current_A * magnet.limits.tesla_per_ampere
        lines.append(
            f"  {name}: {current_A:g} A = {1e3 * field_T:.4g} mT "
            f"({magnet.driver} at {magnet.resource})"
        )
    return "\n".join([*lines, "Is everybody's hand out of the gap? Type yes to go on:"])


def _prove_all(
    spec: BenchSpec,
    current_A: float,
    shown: dict[str, dict[str, Any]],
    stop: Stop,
    wire_log: WireTap | None,
    tell: Callable[[str], None] | None,
) -> Generator[Event, None, None]:
    """One magnet after another; the first that fails is the last."""
    from instruments.limits import UnsafeError
    from instruments.proof import hint_of, prove

    total = len(spec.magnets)
    for number, name in enumerate(spec.magnets, start=1):
        yield Stage(f"energise {name} with {current_A:g} A", number, total)
        try:
            done = prove(spec, name, current_A, stop=stop, wire_log=wire_log, tell=tell)
        except (StoppedError, RefusedError, UnsafeError):
            raise
        except TwinrigError as error:
            _fail(shown[name], str(error), hint_of(error))
            return
        shown[name]["energised"] = _numbers(done)
        if done.problem:
            _fail(shown[name], done.problem, hint_of(None))
            return


def _numbers(done: Energised) -> dict[str, Any]:
    body = asdict(replace(done, problem=""))
    del body["problem"]
    return {**body, "deviation_A": done.measured_A - done.set_A, "ok": done.ok}


def _fail(shown: dict[str, Any], problem: str, hint: str) -> None:
    """Add what the proof found to a check."""
    shown["ok"] = False
    shown["problem"] = "; ".join(filter(None, (shown["problem"], problem)))
    shown["hint"] = "; ".join(filter(None, (shown["hint"], hint)))
    shown["findings"].append({"words": problem, "hint": hint, "fails": True})

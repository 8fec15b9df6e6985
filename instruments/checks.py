"""What `bench check` says: every instrument identified and read, nothing changed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from instruments.bench_spec import MagnetSpec
from instruments.clock import Stop
from instruments.connect import Failure, Opener, side_by_side
from models.errors import TwinrigError

if TYPE_CHECKING:
    from instruments.bench_spec import BenchSpec, InstrumentSpec


@dataclass(frozen=True)
class InstrumentCheck:
    """One instrument: who answers, what state it is in, or why not and what to check.

    `found` holds words for people: output, current, mode, settings, queued errors.
    """

    name: str
    driver: str
    resource: str
    ok: bool
    identity: str = ""
    found: tuple[str, ...] = ()
    problem: str = ""
    hint: str = ""


def check_bench(spec: BenchSpec, *, stop: Stop | None = None) -> list[InstrumentCheck]:
    """Connect everything side by side, identify, read states and settings; never raises for one.

    Changes no setting and no set-point. Reading an error queue empties it: what it held is in
    `found`.

    Raises
    ------
    TwinrigError
        The virtual rig, or a served rig's clock, can't be reached.
    """
    opener = Opener(spec, stop or Stop(), None)
    specs: list[InstrumentSpec] = [*spec.magnets.values(), *spec.readouts.values()]
    try:
        results = side_by_side(specs, lambda one: _check(opener, one), spec.in_process)
    finally:
        opener.close()
    return [
        _failed(one, result) if isinstance(result, TwinrigError) else result
        for one, result in zip(specs, results, strict=True)
    ]


def _failed(spec: InstrumentSpec, error: TwinrigError) -> InstrumentCheck:
    failure = Failure.of(spec, error)
    return InstrumentCheck(
        spec.name, spec.driver, spec.resource, False, problem=failure.problem, hint=failure.hint
    )


def _check(opener: Opener, spec: InstrumentSpec) -> InstrumentCheck:
    driver = opener.driver(spec)
    try:
        magnet = isinstance(spec, MagnetSpec)
        found, problem = _magnet_found(driver, spec) if magnet else (_readout_found(driver), "")
    finally:
        driver.close()
    hint = "Correct max_current_A in the bench file" if problem else ""
    return InstrumentCheck(
        spec.name, spec.driver, spec.resource, not problem, driver.identity, found, problem, hint
    )


def _magnet_found(driver: Any, spec: InstrumentSpec) -> tuple[tuple[str, ...], str]:
    state = driver.state()
    found = [
        f"output {'on' if state.output_on else 'off'}",
        f"{state.current_A:.4g} A measured",
        f"{state.setpoint_A:.4g} A set",
        *state.status,
        *(f"{name} = {value}" for name, value in driver.settings().items() if name != "mode"),
        *(f"is {fault}" for fault in state.faults),
        *(f"had reported {error}" for error in state.errors),
    ]
    problem = ""
    if math.isfinite(driver.rated_current_A):
        found.append(f"rated {driver.rated_current_A:g} A")
    assert isinstance(spec, MagnetSpec)
    if spec.limits.max_current_A > driver.rated_current_A:
        problem = (
            f"max_current_A = {spec.limits.max_current_A:g} A is beyond the supply's "
            f"{driver.rated_current_A:g} A"
        )
    return tuple(found), problem


def _readout_found(driver: Any) -> tuple[str, ...]:
    settings = [
        f"{name} = {value:g}" if isinstance(value, float) else f"{name} = {value}"
        for name, value in driver.settings().items()
    ]
    return (*settings, *(f"has {fault}" for fault in driver.faults()))

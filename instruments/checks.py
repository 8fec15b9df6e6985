"""What `bench check` says: every instrument identified and read, nothing changed.

Only queries are sent: `*IDN?`, states, settings. One exception, on GPIB and RS-232 alone: `OUTX`
tells an SR830 where to send its answers, without which it could be asked nothing. Reading an error
queue or a status byte empties it: what it held is in the check.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from instruments import diagnosis, findings
from instruments.bench_spec import InstrumentSpec, ThermometerSpec
from instruments.clock import Stop
from instruments.connect import CLOCK_NAME, Opener, driver_on
from instruments.findings import FORBIDS, Finding
from instruments.guards import guards_of
from instruments.link_errors import LinkError, WrongInstrumentError
from instruments.looked_at import looked_at
from instruments.parallel import bounded, side_by_side
from instruments.sequenced import declared
from models.errors import InputError, StoppedError, TwinrigError

if TYPE_CHECKING:
    from instruments.bench import Bench
    from instruments.bench_spec import BenchSpec
    from instruments.guards import Guard
    from instruments.visa import VisaSession
    from instruments.wirelog import WireTap

PATIENCE_S = 10.0  # beyond two time-outs: a check that takes longer hangs in a VISA library


@dataclass(frozen=True)
class InstrumentCheck:
    """One instrument: who answers, what state it is in, or why not and what to check.

    Attributes
    ----------
    name, driver, resource
        As in the bench file.
    ok
        A run can begin with it.
    identity
        Its answer to `*IDN?`, another model's, too.
    found
        Words for people: output, current, mode, settings, limits, what is to be remarked.
    problem, hint
        What isn't as it should be and what to do, of all findings; may be there though `ok`.
    findings
        The same one by one; where one `fails`, `ok` is False.
    state
        A magnet's `energised`, `output_on`, `current_A`, `setpoint_A`.
    """

    name: str
    driver: str
    resource: str
    ok: bool
    identity: str = ""
    found: tuple[str, ...] = ()
    problem: str = ""
    hint: str = ""
    findings: tuple[Finding, ...] = ()
    state: dict[str, Any] | None = None

    @classmethod
    def of(
        cls,
        spec: InstrumentSpec,
        identity: str,
        found: tuple[str, ...],
        remarks: list[Finding],
        state: dict[str, Any] | None = None,
    ) -> InstrumentCheck:
        """The check of an instrument that answers."""
        return cls(
            spec.name,
            spec.driver,
            spec.resource,
            not any(one.fails for one in remarks),
            identity.strip(),
            (*found, *(one.words for one in remarks if not one.fails)),
            "; ".join(one.words for one in remarks),
            "; ".join(dict.fromkeys(one.hint for one in remarks)),
            tuple(remarks),
            state,
        )

    @classmethod
    def failed(
        cls, spec: InstrumentSpec, problem: str, hint: str, identity: str = ""
    ) -> InstrumentCheck:
        """The check of an instrument that doesn't answer as it should."""
        return cls.of(spec, identity, (), [Finding(problem, hint, fails=True)])


def check_bench(
    spec: BenchSpec, *, stop: Stop | None = None, wire_log: WireTap | None = None
) -> list[InstrumentCheck]:
    """Connect everything side by side, identify, read states and settings; never raises for one.

    Takes two time-outs and `PATIENCE_S` at most. A served rig's clock is among the checks where it
    doesn't answer.

    Raises
    ------
    InputError
        The virtual rig can't be made.
    StoppedError
        Stop was requested.
    TwinrigError
        No VISA library loads, or it hangs.
    """
    stop = stop or Stop()
    specs = spec.instruments
    asked, opener = [*specs, *_clock_of(spec)], _opener(_without_clock(spec), stop, wire_log)
    slowest_s = max(one.timeout_s for one in asked)
    try:
        results = side_by_side(
            asked,
            lambda one: _check(opener, one),
            one_by_one=spec.in_process,
            stop=stop,
            longest_s=2 * slowest_s + PATIENCE_S,
        )
    finally:
        opener.close()
    stop.check()
    checks = [_told(one, result) for one, result in zip(asked, results, strict=True)]
    return _swapped([one for one in checks if one.name != CLOCK_NAME or not one.ok])


def check_connected(bench: Bench) -> list[InstrumentCheck]:
    """The same of a bench that is connected, over its own sessions; never raises for one."""
    drivers: dict[str, Any] = {name: one.magnet for name, one in bench.magnets.items()}
    drivers |= {**bench.readouts, **bench.thermometers, **bench.teslameters}
    checks = []
    for spec in bench.spec.instruments:
        try:
            checks.append(look_at(bench.spec, spec, drivers[spec.name]))
        except TwinrigError as error:
            checks.append(_told(spec, error))
    return checks


def look_at(bench: BenchSpec, spec: InstrumentSpec, driver: Any) -> InstrumentCheck:
    """The check of an instrument that is connected and identified; reads, changes nothing.

    Raises
    ------
    LinkError
        It doesn't answer as it should.
    """
    remarks = findings.of_line_end(driver.identity)
    found, state = looked_at(bench, spec, driver, remarks)
    found = (*found, *declared(driver), *([f"behind {spec.board}"] if spec.board else []))
    found = (*found, *findings.timed_by_software(bench, spec, driver))
    remarks += [*findings.of_model(driver), *findings.of_state(driver)]
    remarks += findings.of_timing(bench, spec, driver)
    remarks += findings.of_drive(bench, spec, driver)
    for guard in _guards_on(bench, spec, driver):
        problem = guard.problem()
        if problem is not None:
            remarks.append(Finding(f"forbids current: {problem}", FORBIDS))
        else:
            found = (*found, f"{guard.label} allows current")
    return InstrumentCheck.of(spec, driver.identity, found, remarks, state)


def _guards_on(bench: BenchSpec, spec: InstrumentSpec, driver: Any) -> list[Guard]:
    """The guards that read this instrument."""
    own = {spec.name: spec} if isinstance(spec, ThermometerSpec) else {}
    locks = {n: lock for n, lock in bench.interlocks.items() if lock.instrument == spec.name}
    return guards_of(replace(bench, thermometers=own, interlocks=locks), {spec.name: driver})


def _opener(spec: BenchSpec, stop: Stop, wire_log: WireTap | None) -> Opener:
    """What opens the sessions; a VISA library that hangs while it loads is left behind."""
    if spec.in_process:
        return Opener(spec, stop, wire_log)
    opener = bounded(lambda: Opener(spec, stop, wire_log), stop=stop, longest_s=PATIENCE_S)
    assert isinstance(opener, Opener)
    return opener


def _check(opener: Opener, spec: InstrumentSpec) -> InstrumentCheck:
    session = opener.session(spec)
    try:
        if spec.name == CLOCK_NAME:
            session.number("TIME?")
            return InstrumentCheck.of(spec, "", (), [])
        driver = driver_on(session, spec)
        try:
            driver.identify()
        except LinkError as error:
            who = error.reply if isinstance(error, WrongInstrumentError) else ""
            return InstrumentCheck.failed(spec, *diagnosis.probe(session, spec, error), who)
        return _refuse_tsp(session, spec, driver.identity) or look_at(opener.spec, spec, driver)
    finally:
        session.close()


def _refuse_tsp(
    session: VisaSession, spec: InstrumentSpec, identity: str
) -> InstrumentCheck | None:
    if not diagnosis.speaks_tsp(session, identity):
        return None
    remarks = [Finding(diagnosis.TSP, diagnosis.TSP_HINT, fails=True)]
    return InstrumentCheck.of(spec, identity, (), remarks)


def _told(spec: InstrumentSpec, result: Any) -> InstrumentCheck:
    """A check, or the failure of an exception."""
    if isinstance(result, InstrumentCheck):
        return result
    if isinstance(result, (StoppedError, InputError)) or not isinstance(result, Exception):
        raise result
    if not isinstance(result, TwinrigError):
        words = f"unexpected {type(result).__name__}: {result}"
        return InstrumentCheck.failed(spec, words, "A fault of the program or of a VISA library")
    return InstrumentCheck.failed(spec, *diagnosis.explain(spec, result))


def _clock_of(spec: BenchSpec) -> list[InstrumentSpec]:
    """A served rig's clock as one more instrument to ask."""
    if spec.virtual is None or spec.virtual.clock is None:
        return []
    return [InstrumentSpec(CLOCK_NAME, "virtual-clock", spec.virtual.clock, 2.0, "\n")]


def _without_clock(spec: BenchSpec) -> BenchSpec:
    """The bench without its served clock, which must not keep the others from being checked."""
    return replace(spec, virtual=None) if _clock_of(spec) else spec


def _swapped(checks: list[InstrumentCheck]) -> list[InstrumentCheck]:
    """Say where two instruments answer at each other's address."""
    names = {one.name: diagnosis.driver_of(one.identity) for one in checks if not one.ok}

    def told(one: InstrumentCheck) -> InstrumentCheck:
        for other in checks:
            if names.get(one.name) == other.driver != one.driver == names.get(other.name):
                hint = f"{one.name} and {other.name} stand at each other's address: swap them"
                return replace(one, hint=hint, findings=(replace(one.findings[0], hint=hint),))
        return one

    return [told(one) for one in checks]

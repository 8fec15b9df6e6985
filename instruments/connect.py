"""Opening the instruments of a bench side by side, all failures told at once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from instruments import diagnosis
from instruments.clock import Clock, HostClock, RemoteClock, Stop
from instruments.drivers import DRIVERS
from instruments.locks import LinkInUseError
from instruments.parallel import side_by_side
from instruments.serial_line import line_of
from instruments.visa import VisaSession, resource_manager
from models.errors import InputError, StoppedError, TwinrigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyvisa

    from instruments.bench_spec import BenchSpec, InstrumentSpec
    from instruments.wirelog import WireTap

CLOCK_NAME = "clock"
CLOCK_TIMEOUT_S = 1.0  # it answers at once, an ADVANCE within `clock.SLICE_S` of the host
LONGEST_S = 90.0  # longer than a watchdog may hold a link; only a library that hangs takes it


class ConnectError(TwinrigError):
    """Some instruments did not connect; the message is a tree with a hint each.

    Attributes
    ----------
    failures
        One for each of them.
    """

    def __init__(self, message: str, failures: Sequence[Failure] = ()) -> None:
        super().__init__(message)
        self.failures = tuple(failures)


@dataclass(frozen=True)
class Failure:
    """Why one instrument did not connect: what happened, and what to check.

    `in_use`: another program has its link, which no second try changes.
    """

    spec: InstrumentSpec
    problem: str
    hint: str
    in_use: bool = False

    @classmethod
    def of(cls, spec: InstrumentSpec, error: TwinrigError) -> Failure:
        """The failure of an error, its hint apart."""
        problem, hint = diagnosis.explain(spec, error)
        return cls(spec, problem, hint, isinstance(error, LinkInUseError))


class Opener:
    """What opens a bench's sessions: its VISA library, its clock, one Stop for all.

    Parameters
    ----------
    spec
        The bench.
    stop
        Handed to every session and to the clock.
    wire_log
        Handed to every session.

    Attributes
    ----------
    sessions
        The last one that was opened to each instrument, by name.

    Raises
    ------
    InputError
        The virtual rig can't be made.
    LinkError
        A served rig's clock doesn't answer.
    TwinrigError
        No VISA library loads.
    """

    def __init__(self, spec: BenchSpec, stop: Stop, wire_log: WireTap | None) -> None:
        self.spec = spec
        self.stop = stop
        self._wire_log = wire_log
        self._own_rm: pyvisa.ResourceManager | None = None
        self._clock_session: VisaSession | None = None
        self.sessions: dict[str, VisaSession] = {}
        clock_resource = spec.virtual.clock if spec.virtual else None
        if spec.in_process:
            from instruments.virtual.library import open_virtual  # real rigs need no virtual one

            assert spec.virtual is not None
            self._own_rm, clock_resource = open_virtual(spec.virtual)
        self._rm = self._own_rm or installed_visa()
        self.clock: Clock = HostClock(stop)
        if clock_resource is not None:
            self.clock = self._remote_clock(clock_resource)

    def _remote_clock(self, resource: str) -> RemoteClock:
        self._clock_session = VisaSession(
            resource,
            rm=self._rm,
            name=CLOCK_NAME,
            stop=self.stop,
            timeout_s=CLOCK_TIMEOUT_S,
            shared=self._own_rm is None,
        )
        accelerate = self.spec.virtual.accelerate if self.spec.virtual else math.inf
        clock = RemoteClock(self._clock_session, self.stop, accelerate)
        try:
            clock.now_s()
        except BaseException:
            self.close()
            raise
        return clock

    def session(self, spec: InstrumentSpec) -> VisaSession:
        """An open session to an instrument; errors as `VisaSession`."""
        session = VisaSession(
            spec.resource,
            rm=self._rm,
            name=spec.name,
            stop=self.stop,
            read_termination=spec.terminator,
            write_termination=spec.terminator,
            timeout_s=spec.timeout_s,
            wire_log=self._wire_log,
            shared=self._own_rm is None,
            device_s=self.clock.last_s,
            line=line_of(driver_class(spec), spec.baud_rate),
            board=spec.board,
        )
        self.sessions[spec.name] = session
        return session

    def driver(self, spec: InstrumentSpec) -> Any:
        """The driver of an instrument, open and identified; closed again where it fails."""
        session = self.session(spec)
        try:
            driver = driver_on(session, spec)
            driver.identify()
        except BaseException:
            session.close()
            raise
        return driver

    def close(self) -> None:
        """Close the clock's session, and the VISA library where it is this bench's own."""
        if self._clock_session is not None:
            self._clock_session.close()
        if self._own_rm is not None:
            self._own_rm.close()
            self._own_rm = None


def driver_on(session: VisaSession, spec: InstrumentSpec) -> Any:
    """The driver that the bench file names, on an open session; asks nothing yet."""
    return driver_class(spec)(spec.name, session, spec.options)


def driver_class(spec: InstrumentSpec) -> Any:
    """The class that the bench file names; None for a served rig's clock, which has none."""
    drivers = {name: one for kind in DRIVERS.values() for name, one in kind.items()}
    return drivers.get(spec.driver)


def installed_visa() -> pyvisa.ResourceManager:
    """`resource_manager`; `TwinrigError` where no VISA library loads."""
    try:
        return resource_manager()
    except Exception as error:  # what a library raises that doesn't load is its own affair
        raise TwinrigError(
            f"no VISA library loads ({error}): install NI-VISA or Keysight's, or unset "
            "PYVISA_LIBRARY to use pyvisa-py"
        ) from error


def failure_tree(bench: str, failures: Sequence[Failure], total: int) -> str:
    """All failures of a bench, in words, one branch each."""
    lines = [f"bench {bench!r}: {len(failures)} of {total} instruments did not connect"]
    for failure in failures:
        spec = failure.spec
        lines.append(f"  - {spec.name}: {spec.driver} at {spec.resource}")
        lines += [f"      {line}" for line in failure.problem.splitlines()]
        if failure.hint:
            lines.append(f"      hint: {failure.hint}")
    return "\n".join(lines)


def connect_drivers(opener: Opener) -> dict[str, Any]:
    """Every driver of the bench by name.

    Raises
    ------
    ConnectError
        Any of them failed (all are closed again).
    StoppedError, InputError
        Stop was requested, or a resource name can't be read.
    """
    spec = opener.spec
    specs = spec.instruments
    results = side_by_side(
        specs, opener.driver, one_by_one=spec.in_process, stop=opener.stop, longest_s=LONGEST_S
    )
    errors = [(s, r) for s, r in zip(specs, results, strict=True) if isinstance(r, Exception)]
    if not errors:
        return {s.name: driver for s, driver in zip(specs, results, strict=True)}
    for result in results:
        if not isinstance(result, Exception):
            result.close()
    failures = []
    for one, error in errors:
        if isinstance(error, (StoppedError, InputError)) or not isinstance(error, TwinrigError):
            raise error
        failures.append(Failure.of(one, error))
    tree = failure_tree(spec.name, failures, len(specs))
    raise ConnectError(tree, failures) from errors[0][1]

"""One instrument of an open session by itself: tested, or its link opened again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from instruments.checks import InstrumentCheck, look_at
from instruments.diagnosis import explain
from models.errors import InputError, TwinrigError

if TYPE_CHECKING:
    from app.session import Session
    from instruments.bench import Bench
    from instruments.bench_spec import InstrumentSpec


def check_one(session: Session, name: str) -> InstrumentCheck:
    """Ask one instrument who it is and in what state; reads only, connected or not.

    Raises
    ------
    InputError
        No such instrument.
    RefusedError
        A run has the bench.
    """
    spec = _known(session, name)
    if session.bench is None:
        return next(one for one in session.check() if one.name == name)
    return session.with_bench(lambda bench: _looked_at(bench, spec))


def _looked_at(bench: Bench, spec: InstrumentSpec) -> InstrumentCheck:
    drivers: dict[str, Any] = {name: one.magnet for name, one in bench.magnets.items()}
    drivers |= {**bench.readouts, **bench.thermometers, **bench.teslameters}
    try:
        return look_at(bench.spec, spec, drivers[spec.name])
    except TwinrigError as error:
        return InstrumentCheck.failed(spec, *explain(spec, error))


def reconnect_one(session: Session, name: str) -> InstrumentCheck:
    """Close one instrument's link, open it again, identify it, and look at it; sets nothing.

    Raises
    ------
    InputError
        No such instrument.
    RefusedError
        A run has the bench, or none is connected.
    """
    spec = _known(session, name)

    def again(bench: Bench) -> InstrumentCheck:
        try:
            bench.session(name).reconnect()
        except TwinrigError as error:
            return InstrumentCheck.failed(spec, *explain(spec, error))
        return _looked_at(bench, spec)

    return session.with_bench(again)


def reconnect_each(session: Session) -> list[InstrumentCheck]:
    """`reconnect_one` of every instrument of the bench, in its order; errors as there."""
    return [reconnect_one(session, one.name) for one in session.spec.instruments]


def _known(session: Session, name: str) -> InstrumentSpec:
    known = {one.name: one for one in session.spec.instruments}
    if name not in known:
        raise InputError(f"{name!r} is not on the bench; there are {', '.join(known)}")
    return known[name]

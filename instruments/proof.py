"""The small current that proves a magnet: set, read back, measured, and down to zero again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from instruments.bench import Bench
from instruments.findings import is_energised
from instruments.followed import LOOK_S, METER_ROUNDINGS, METER_SHARE, SETTLE_S
from instruments.link_errors import LinkError
from models.errors import RefusedError, TwinrigError, raise_problems

if TYPE_CHECKING:
    from collections.abc import Callable

    from instruments.bench_spec import BenchSpec
    from instruments.clock import Stop
    from instruments.limits import LimitedMagnet
    from instruments.wirelog import WireTap

LARGEST_SHARE = 0.01  # of max_current_A


@dataclass(frozen=True)
class Energised:
    """What one magnet did: current asked for, programmed, measured, left at set-point zero.

    `safe` says what was found and done on the way to its safe state.
    """

    set_A: float
    setpoint_A: float
    measured_A: float
    left_A: float
    safe: str
    problem: str = ""

    @property
    def ok(self) -> bool:
        """Whether all of them agree."""
        return not self.problem


def refuse_current(spec: BenchSpec, current_A: float) -> None:
    """Raise `RefusedError` for a current beyond 1 % of a magnet's limit; nothing is opened."""
    problems = []
    for name, magnet in spec.magnets.items():
        largest_A = LARGEST_SHARE * magnet.limits.max_current_A
        problem = magnet.limits.problem(current_A)
        if problem is None and abs(current_A) > largest_A * (1 + 1e-12):
            problem = (
                f"{current_A:g} A is beyond {largest_A:g} A, 1 % of max_current_A = "
                f"{magnet.limits.max_current_A:g} A"
            )
        if problem is not None:
            problems.append(f"magnet {name}: {problem}; nothing was sent")
    raise_problems(RefusedError, f"bench {spec.name!r}, --energise", problems)


def prove(
    spec: BenchSpec,
    name: str,
    current_A: float,
    *,
    stop: Stop,
    wire_log: WireTap | None = None,
    tell: Callable[[str], None] | None = None,
) -> Energised:
    """Energise one magnet of the bench with a small current; the others stay off.

    It takes the way of every run: the same limits, ramp, watchdog and safe end.

    Raises
    ------
    RefusedError
        The current is too large or too small to be told from zero, or a magnet was found with its
        output on or a current flowing; nothing was set.
    TwinrigError
        A supply reports an error, does not answer, or could not be made safe.
    StoppedError
        Stop was requested; the magnet is safe.
    """
    refuse_current(spec, current_A)
    alone = replace(spec, drive_magnet=name, rotation=None)
    with Bench.connect(alone, stop=stop, wire_log=wire_log) as bench:
        bench.tell = tell or bench.tell
        magnet = bench.magnets[name]
        _refuse_state(bench)
        _refuse_unseen(magnet, current_A)
        bench.energise()
        set_A = magnet.ramp_to_A(current_A)
        measured_A = _settled_A(magnet, set_A)
        setpoint_A = magnet.magnet.setpoint_A()
        magnet.verify()
        magnet.ramp_to_A(0.0)
        left_A = _settled_A(magnet, 0.0)
        safe = "; ".join(bench.make_safe())
        problem = _problem(magnet, set_A, measured_A, left_A)
        if is_energised(magnet.magnet, magnet.state()):
            problem = "; ".join(filter(None, (problem, "it is still energised at the end")))
    return Energised(set_A, setpoint_A, measured_A, left_A, safe, problem)


def _refuse_state(bench: Bench) -> None:
    problems = []
    for name, found in bench.found.items():
        zero_A = bench.magnets[name].magnet.read_back_error_A(0.0)
        if is_energised(bench.magnets[name].magnet, found):
            problems.append(f"magnet {name} is energised, {found.current_A:.4g} A flow")
        elif abs(found.current_A) > zero_A:
            problems.append(f"magnet {name}: {found.current_A:.4g} A flow, its output is off")
    if problems:
        first = f"`{bench.spec.safe_command}` first"
        problems.append(f"nothing was set; {first}, then look why it was so")
    raise_problems(RefusedError, f"bench {bench.spec.name!r}, --energise", problems)


def _refuse_unseen(magnet: LimitedMagnet, current_A: float) -> None:
    """Refuse a current that the supply's meter can't tell from zero."""
    least_A = 2 * METER_ROUNDINGS * magnet.magnet.read_back_error_A(0.0)
    largest_A = LARGEST_SHARE * magnet.limits.max_current_A
    if abs(current_A) >= least_A:
        return
    way = f"choose {least_A:.2g} to {largest_A:.2g} A"
    if least_A > largest_A:
        way = "1 % of its limit is too little for this proof: this supply is too large for it"
    raise RefusedError(
        f"magnet {magnet.name}: {current_A:g} A can't be told from zero, the supply's readings are "
        f"good to {least_A / 2:.2g} A; {way}; nothing was set"
    )


def _allowed_A(magnet: LimitedMagnet, current_A: float) -> float:
    rounding_A = magnet.magnet.read_back_error_A(current_A)
    return max(METER_ROUNDINGS * rounding_A, METER_SHARE * abs(current_A))


def _settled_A(magnet: LimitedMagnet, current_A: float) -> float:
    """The measured current once it is where it belongs, or where it is after `SETTLE_S`."""
    waited_s = 0.0
    while True:
        measured_A = magnet.magnet.measured_A()
        arrived = abs(measured_A - current_A) <= _allowed_A(magnet, current_A)
        if arrived or waited_s >= SETTLE_S:
            return measured_A
        magnet.hold(LOOK_S)
        waited_s += LOOK_S


def _problem(magnet: LimitedMagnet, set_A: float, measured_A: float, left_A: float) -> str:
    allowed_A = _allowed_A(magnet, set_A)
    problems = []
    if abs(measured_A - set_A) > allowed_A:
        problems.append(
            f"{measured_A:.4g} A measured where {set_A:.4g} A was set (they may differ by "
            f"{allowed_A:.2g} A)"
        )
    if abs(left_A) > _allowed_A(magnet, 0.0):
        problems.append(f"{left_A:.4g} A still flowed at set-point zero")
    return "; ".join(problems)


def hint_of(error: TwinrigError | None) -> str:
    """What to look at where the proof failed."""
    if isinstance(error, LinkError):
        return error.hint
    return "Look at the coil's plugs (an open circuit?), `compliance_V`, and the supply's display"

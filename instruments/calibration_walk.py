"""One point of a calibration: a current set, waited for, measured, and the field it makes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from instruments.followed import METER_ROUNDINGS, METER_SHARE
from models.errors import InputError, RefusedError, TwinrigError, raise_problems

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from instruments.bench_spec import BenchSpec
    from instruments.limits import LimitedMagnet
    from instruments.magnet_limits import MagnetLimits
    from instruments.protocols import Teslameter

    FloatArray = NDArray[np.float64]

BRANCHES = ("initial", "falling", "rising")
SAME_PLACE_SHARE = 0.005
"""Judgement: a probe that nobody touched finds a field back to this share of it; put in again by
hand, it does so to a per cent."""
SMALL_SHARE = 0.01  # of the highest current: what a meter may be off at zero
SIGMAS = 5.0  # by which two means may differ by noise
LEAST_SHARE = 0.001  # judgement: below it a supply's own resolution makes one current of all points
LONGEST_SETTLE_S = 3600.0  # a point: what settles longer is no magnet, and the current flows
READING_S = 0.1  # judgement: of a teslameter, ten a second
ARRIVE_S, LOOK_S = 10.0, 0.1  # a current may lag so long, device time, and is looked at so often


@dataclass(frozen=True)
class CalibrationPlan:
    """What is walked: `points` a branch, to ± `share` of what the limits allow.

    Each point is held `settle_s`, then the field is read `readings` times.
    """

    points: int = 21
    share: float = 0.9
    settle_s: float = 0.5
    readings: int = 3

    def __post_init__(self) -> None:
        problems = []
        if not 5 <= self.points <= 2001:
            problems.append(f"points = {self.points} must be 5 to 2001 a branch")
        if not LEAST_SHARE <= self.share <= 1:
            problems.append(f"share = {self.share:g} must be {LEAST_SHARE:g} to 1, of the limit")
        if not 0 <= self.settle_s <= LONGEST_SETTLE_S:
            problems.append(f"settle_s = {self.settle_s:g} s must be 0 to {LONGEST_SETTLE_S:g} s")
        if self.readings < 1:
            problems.append(f"readings = {self.readings} must be 1 or more")
        raise_problems(InputError, "calibration", problems)

    def branches_A(self, limits: MagnetLimits) -> tuple[FloatArray, FloatArray, FloatArray]:
        """The currents of `BRANCHES`: from zero up, all the way down, and up again."""
        top_A = self.share * limits.highest_A
        rising_A = np.linspace(-top_A, top_A, self.points)
        return np.linspace(0.0, top_A, (self.points + 1) // 2), rising_A[::-1].copy(), rising_A

    @property
    def read_s(self) -> float:
        """About the device time that the readings of a point take."""
        return READING_S * self.readings

    def way_A(self, limits: MagnetLimits, first: int = 0) -> FloatArray:
        """Every current from the branch `first` on, those before it by their ends only.

        A yoke remembers where it came from: whoever goes on with a later branch has to be where
        that one begins, by the same way.
        """
        branches_A = self.branches_A(limits)
        ends_A = [branch[-1:] for branch in branches_A[:first]]
        return np.concatenate([*ends_A, *branches_A[first:]])

    def seconds(self, magnet: LimitedMagnet, first: int = 0) -> float:
        """About the device time of the whole, or of what is left from the branch `first` on."""
        way_A = self.way_A(magnet.limits, first)
        changes_A = np.abs(np.diff(np.concatenate([[0.0], way_A, [0.0]])))
        held_s = (self.settle_s + self.read_s) * way_A.size
        return held_s + sum(magnet.walk_s(float(change)) for change in changes_A)

    def refuse(self, magnet: LimitedMagnet, first: int = 0) -> None:
        """Raise `RefusedError` where a point, or the whole after what flowed, breaks a limit."""
        limits = magnet.limits
        currents_A = self.way_A(limits, first).tolist()
        problems = [problem for each in currents_A if (problem := limits.problem(each))][:1]
        point_s = self.settle_s + self.read_s
        held = [(each * limits.tesla_per_ampere, point_s) for each in currents_A]
        problems = problems or magnet.foreseen(held, now=True)
        raise_problems(RefusedError, f"magnet {magnet.name}", problems)


def chosen(spec: BenchSpec, magnet: str | None, teslameter: str | None) -> tuple[str, str]:
    """The names of the magnet and of the teslameter to calibrate with.

    Raises
    ------
    InputError
        None of that name, no teslameter, or several and none named.
    """
    problems = []
    magnet = magnet or spec.drive_magnet
    if magnet not in spec.magnets:
        problems.append(f"no [magnet.{magnet}]; there are: {', '.join(spec.magnets)}")
    there = ", ".join(spec.teslameters)
    if not there:
        problems.append(
            "no [teslameter.NAME]: name the probe in the gap, such as driver = "
            '"lakeshore-425" with its resource'
        )
    elif teslameter is None and len(spec.teslameters) > 1:
        problems.append(f"several teslameters: choose one of {there} by --teslameter")
    elif teslameter is not None and teslameter not in spec.teslameters:
        problems.append(f"no [teslameter.{teslameter}]; there are: {there}")
    raise_problems(InputError, f"{spec.source or spec.name}, calibrate", problems)
    return magnet, teslameter or next(iter(spec.teslameters))


@dataclass(frozen=True)
class FieldPoint:
    """One point: current set and measured, mean field, standard error of that mean."""

    set_A: float
    measured_A: float
    field_T: float
    noise_T: float


def measure_point(
    magnet: LimitedMagnet, meter: Teslameter, current_A: float, plan: CalibrationPlan
) -> FieldPoint:
    """Set a current, wait until it flows and has settled, read the field.

    Raises
    ------
    TwinrigError
        The current doesn't follow, the probe gives no number, or the field that it measures is
        beyond `max_field_T`: the walk is over.
    """
    set_A = magnet.ramp_to_A(current_A)
    measured_A = _arrived_A(magnet, set_A)
    each_s = max(READING_S, float(meter.settings().get("averaging_s", 0.0)))
    magnet.hold(plan.settle_s, each_s * plan.readings)
    fields_T = np.array([_reading_T(magnet, meter, each_s) for _ in range(plan.readings)])
    faults = meter.faults()
    if faults or not np.isfinite(fields_T).all():
        raise TwinrigError(
            f"{meter.name}: {'; '.join(faults) or 'gave no number'} at {set_A:.4g} A; choose a "
            "larger range (or autorange) on it, and look at its probe"
        )
    field_T = float(fields_T.mean())
    if abs(field_T) > magnet.limits.max_field_T * (1 + SMALL_SHARE):
        raise TwinrigError(
            f"magnet {magnet.name}: {meter.name} measures {field_T:.4g} T at {set_A:.4g} A, beyond "
            f"max_field_T = {magnet.limits.max_field_T:g} T; tesla_per_ampere = "
            f"{magnet.limits.tesla_per_ampere:g} in the bench file is wrong, or the probe's "
            "unit: calibrate with a smaller --share"
        )
    spread_T = float(fields_T.std(ddof=1)) if plan.readings > 1 else 0.0
    return FieldPoint(set_A, measured_A, field_T, spread_T / math.sqrt(plan.readings))


def _reading_T(magnet: LimitedMagnet, meter: Teslameter, after_s: float) -> float:
    """A reading of the time that passes now.

    Asked sooner a teslameter tells its last one again, without its noise; and one that averages for
    longer than a point settles tells in part the field of the point before, as hysteresis.
    """
    magnet.hold(after_s)
    return meter.field_T()


def refuse_moved(name: str, before: tuple[float, float], now: FieldPoint) -> None:
    """Raise where a current gives another field than before a calibration was interrupted.

    Parameters
    ----------
    name
        The teslameter's.
    before
        Field at that current and its error, both in T.
    now
        The same point, measured again.

    Raises
    ------
    TwinrigError
        The branches would not belong together.
    """
    field_T, error_T = before
    noise_T = SIGMAS * math.hypot(error_T, now.noise_T)
    allowed_T = max(SAME_PLACE_SHARE * abs(field_T), noise_T)
    if abs(now.field_T - field_T) > allowed_T:
        raise TwinrigError(
            f"{name}: {now.field_T:.5g} T at {now.set_A:.4g} A, and {field_T:.5g} T before the "
            f"calibration was interrupted (they may differ by {allowed_T:.2g} T): the probe, its "
            "zero or the gap is no longer what it was, and half of one is no other's half. Begin "
            "a new one with --out"
        )


def _arrived_A(magnet: LimitedMagnet, set_A: float) -> float:
    """The measured current, once it is where it was set."""
    limits = magnet.limits
    allowed_A = max(
        METER_SHARE * abs(set_A),
        SMALL_SHARE * limits.max_current_A,
        METER_ROUNDINGS * magnet.magnet.read_back_error_A(set_A),
    )
    waited_s = 0.0
    while abs((measured_A := magnet.magnet.measured_A()) - set_A) > allowed_A:
        if waited_s >= ARRIVE_S:
            raise TwinrigError(
                f"magnet {magnet.name}: {measured_A:.4g} A measured {ARRIVE_S:g} s after "
                f"{set_A:.4g} A was set (they may differ by {allowed_A:.2g} A); look at the "
                "coil's plugs, and at compliance_V"
            )
        magnet.hold(LOOK_S)
        waited_s += LOOK_S
    return measured_A

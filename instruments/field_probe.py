"""The field probe of a bench: read once a step behind the read-out, so that the field is measured.

It is the first [teslameter.NAME] of the bench file; others are for `bench calibrate`.

With `when_out = "hold"` it is read before the read-out, too. While the field is further from what
the set current stands for than `tolerance_T` (a yoke, a lagging magnet, eddy currents), the step
waits where it is, at its set-point: zero current, where a run waits for its other guards, would
mend nothing. Decision: only what a step is read at is waited for, that is −H of a loop, and not the
reset, whose reading is dropped and which may well saturate a yoke.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from instruments.bench_spec import TeslameterSpec
from models.errors import TwinrigError
from models.settings import without_own_range

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from instruments.bench_spec import InstrumentSpec
    from instruments.clock import Clock
    from instruments.limits import LimitedMagnet
    from instruments.protocols import Teslameter

LOOK_S = 0.1  # device time between two looks at a field that isn't there; ten readings a second
THERE = 2  # readings in a row, once one was out: what swings through the band is not there yet
TOLD_S = 1.0  # between two signs of life of a step that waits
_LOOK_AT = (
    "Look at tesla_per_ampere (`twinrig bench calibrate`), the yoke's hysteresis and where the "
    "probe sits"
)


class FieldError(TwinrigError):
    """The probe read another field than was asked for, or could not read it: the repeat is void."""


@dataclass(frozen=True)
class FieldWait:
    """A step that waits at its set-point for the field, `words` why; empty: it goes on.

    `seconds` are device time, `at_most_s` how long it may take.
    """

    words: str
    seconds: float
    at_most_s: float


class FieldProbe:
    """A teslameter in the gap.

    Parameters
    ----------
    name
        The instrument's on the bench.
    meter
        Its driver.
    tolerance_T
        How far the field may be from the one asked for; inf: it is only stored.
    hold_at_most_s
        How long a step waits for it to be so near; None: it doesn't wait.
    """

    def __init__(
        self,
        name: str,
        meter: Teslameter,
        tolerance_T: float = math.inf,
        hold_at_most_s: float | None = None,
    ) -> None:
        self.name = name
        self.meter = meter
        self.tolerance_T = tolerance_T
        self.hold_at_most_s = hold_at_most_s

    @classmethod
    def of(
        cls, specs: Mapping[str, InstrumentSpec], meters: Mapping[str, Teslameter]
    ) -> FieldProbe | None:
        """The first teslameter of a bench; None where there is none."""
        for name, spec in specs.items():
            if isinstance(spec, TeslameterSpec):
                return cls(name, meters[name], spec.tolerance_T, spec.hold_at_most_s)
            return cls(name, meters[name])
        return None

    def prepare(self) -> None:
        """Make sure that it measures a constant field; `RefusedError` otherwise, nothing is set."""
        self.meter.prepare()

    def read_T(self, asked_T: float | None) -> float:
        """The field now.

        Parameters
        ----------
        asked_T
            What the set current stands for; None: not compared.

        Raises
        ------
        FieldError
            Beyond its range, no probe, or further from `asked_T` than the tolerance.
        LinkError
            No answer, or one that is none.
        """
        field_T = self._finite_T()
        off = None if asked_T is None else self._off(field_T, asked_T)
        if off is not None:
            raise FieldError(f"{off}. {_LOOK_AT}")
        return field_T

    def await_field(
        self, magnet: LimitedMagnet, clock: Clock, asked_T: float, gate_s: float = 0.0
    ) -> Iterator[FieldWait]:
        """Hold a step at its set-point until the field is there; told about each second.

        Guards, duty and Stop are looked at as in any hold.

        Parameters
        ----------
        magnet
            At the step's set-point.
        clock
            The bench's device time.
        asked_T
            What the set current stands for.
        gate_s
            What the reading after it will take, foreseen with each wait.

        Raises
        ------
        FieldError
            No field: beyond its range, no probe.
        TwinrigError
            Not there in `hold_at_most_s`, or what ends a hold.
        """
        at_most_s = self.hold_at_most_s
        if at_most_s is None or (off := self._off(self._finite_T(), asked_T)) is None:
            return
        begin_s, seconds, there, told_s, words = clock.now_s(), 0.0, 0, TOLD_S, off
        while there < THERE:
            if off is not None and seconds >= at_most_s:
                raise TwinrigError(
                    f"held for {seconds:.0f} s, bench key hold_at_most_s = {at_most_s:g}: {off}. "
                    f"{_LOOK_AT}"
                )
            if seconds >= told_s:
                told_s += TOLD_S
                yield FieldWait(words, seconds, at_most_s)
            magnet.hold(LOOK_S, gate_s)
            seconds = clock.now_s() - begin_s
            off = self._off(self._finite_T(), asked_T)
            words, there = off or words, there + 1 if off is None else 0
        yield FieldWait("", seconds, at_most_s)

    def _finite_T(self) -> float:
        field_T = self.meter.field_T()
        if math.isfinite(field_T):
            return field_T
        why = "; ".join(self.meter.faults()) or "beyond its range, or no probe"
        raise FieldError(
            f"{self.name} ({self.meter.resource}): gives no field: {why}. Look at the probe, its "
            "cable and its range"
        )

    def _off(self, field_T: float, asked_T: float) -> str | None:
        """Why a field is not the one asked for, in words; None where it is."""
        if abs(field_T - asked_T) <= self.tolerance_T:
            return None
        return (
            f"{self.name} ({self.meter.resource}): measures {1e3 * field_T:.6g} mT where "
            f"{1e3 * asked_T:.6g} mT are asked for, tolerance_T = {self.tolerance_T:g} T"
        )

    def monitor_T(self) -> float:
        """The field now, for a display; NaN where there is none."""
        return self.meter.field_T()

    def faults(self) -> tuple[str, ...]:
        """What made a reading no good since the last call, in words."""
        return self.meter.faults()

    def settings(self) -> dict[str, Any]:
        """Every setting that a reading rests on; not the range that it has just chosen itself."""
        settings = without_own_range(self.meter.settings())
        if math.isfinite(self.tolerance_T):
            settings["tolerance_T"] = self.tolerance_T
        if self.hold_at_most_s is not None:
            settings["hold_at_most_s"] = self.hold_at_most_s
        return settings

"""The field probe of a bench: read once a step behind the read-out, so that the field is measured.

It is the first [teslameter.NAME] of the bench file; others are for `bench calibrate`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from instruments.bench_spec import TeslameterSpec
from models.errors import TwinrigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from instruments.bench_spec import InstrumentSpec
    from instruments.protocols import Teslameter


class FieldError(TwinrigError):
    """The probe read another field than was asked for, or could not read it: the repeat is void."""


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
    """

    def __init__(self, name: str, meter: Teslameter, tolerance_T: float = math.inf) -> None:
        self.name = name
        self.meter = meter
        self.tolerance_T = tolerance_T

    @classmethod
    def of(
        cls, specs: Mapping[str, InstrumentSpec], meters: Mapping[str, Teslameter]
    ) -> FieldProbe | None:
        """The first teslameter of a bench; None where there is none."""
        for name, spec in specs.items():
            tolerance_T = spec.tolerance_T if isinstance(spec, TeslameterSpec) else math.inf
            return cls(name, meters[name], tolerance_T)
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
        field_T = self.meter.field_T()
        if not math.isfinite(field_T):
            why = "; ".join(self.meter.faults()) or "beyond its range, or no probe"
            raise FieldError(
                f"{self.name} ({self.meter.resource}): gives no field: {why}. Look at the probe, "
                "its cable and its range"
            )
        if asked_T is not None and abs(field_T - asked_T) > self.tolerance_T:
            raise FieldError(
                f"{self.name} ({self.meter.resource}): measures {1e3 * field_T:.6g} mT where "
                f"{1e3 * asked_T:.6g} mT are asked for, tolerance_T = {self.tolerance_T:g} T. Look "
                "at tesla_per_ampere (`twinrig bench calibrate`), the yoke's hysteresis and where "
                "the probe sits"
            )
        return field_T

    def monitor_T(self) -> float:
        """The field now, for a display; NaN where there is none."""
        return self.meter.field_T()

    def faults(self) -> tuple[str, ...]:
        """What made a reading no good since the last call, in words."""
        return self.meter.faults()

    def settings(self) -> dict[str, Any]:
        """Every setting that a reading rests on; not the range that it has just chosen itself."""
        settings = self.meter.settings()
        if settings.get("autorange") == "on":
            settings = {k: v for k, v in settings.items() if not k.startswith("range")}
        if math.isfinite(self.tolerance_T):
            settings["tolerance_T"] = self.tolerance_T
        return settings

"""What people are told of a calibration: the question before, the verdict after."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.words import signed
from instruments.calibration_walk import BRANCHES

if TYPE_CHECKING:
    from app.calibration_store import Stored
    from instruments.bench_spec import BenchSpec
    from instruments.calibration import Calibration
    from instruments.calibration_walk import CalibrationPlan
    from instruments.limits import LimitedMagnet

BEND_SHARE = 0.01  # of the span: judgement, a bend that a straight line should not hide


def question(
    magnet: LimitedMagnet,
    teslameter: str,
    plan: CalibrationPlan,
    branches: tuple[str, ...] = BRANCHES,
) -> str:
    """What is about to happen, and whether everybody's hand is out of the gap."""
    top_A = plan.share * magnet.limits.highest_A
    field_T = top_A * abs(magnet.limits.tesla_per_ampere)
    first = len(BRANCHES) - len(branches)
    kept = f"The branches {', '.join(BRANCHES[:first])} are kept. " if first else ""
    return (
        f"{kept}This drives magnet {magnet.name} through ±{top_A:.4g} A (±{1e3 * field_T:.4g} mT "
        f"by the bench file, {plan.share:.0%} of its limit), up and down, about "
        f"{plan.seconds(magnet, first):.0f} s, and reads the field from {teslameter}.\n"
        "Is everybody's hand out of the gap, and the probe in it? Type yes to go on:"
    )


def off_the_last(magnet: LimitedMagnet, spec: BenchSpec, last: Stored | None) -> list[str]:
    """What must be said before anything is driven where the bench file contradicts the last one.

    Empty where it agrees, and where there is no earlier calibration.
    """
    says = magnet.limits.tesla_per_ampere
    if last is None or not last.calibration.differs(says):
        return []
    found = last.calibration
    return [
        f"magnet {magnet.name}: {spec.source or 'the bench file'} says {says:.5g} T/A, and its "
        f"last calibration ({last.path}, {last.created}) measured {found.tesla_per_ampere:.5g} ± "
        f"{found.tesla_per_ampere_error:.1g} T/A ({signed(100 * found.share_off(says))} %): fields "
        f"and max_field_T are off by that, unless the gap has changed since. Write "
        f"`tesla_per_ampere = {found.tesla_per_ampere:.5g}` into [magnet.{magnet.name}], or "
        "calibrate anew (`twinrig bench calibrate`)"
    ]


def verdict(
    found: Calibration,
    spec: BenchSpec,
    magnet: LimitedMagnet,
    plan: CalibrationPlan,
    last: Stored | None,
) -> list[str]:
    """What must be said of a calibration, a sentence each; empty when all is well."""
    said = []
    if found.differs(magnet.limits.tesla_per_ampere):
        said.append(_off_the_bench(found, spec, magnet))
    if last is not None:
        earlier = last.calibration
        if found.differs(earlier.tesla_per_ampere, earlier.tesla_per_ampere_error):
            said.append(
                f"magnet {magnet.name}: the last calibration ({last.path}, {last.created}) found "
                f"{earlier.tesla_per_ampere:.5g} T/A, this one "
                f"{signed(100 * found.share_off(earlier.tesla_per_ampere))} % more: has the gap, "
                "the coil or the probe been moved since? Recordings from before rest on the other"
            )
    span_T = 2 * plan.share * magnet.limits.highest_A * abs(found.tesla_per_ampere)
    if found.bend_T > BEND_SHARE * span_T:
        said.append(
            f"magnet {magnet.name}: the field bends away from a line by up to {found.bend_T:.3g} T "
            "(a probe beyond its range, or a yoke that saturates): one number does not describe "
            "it; calibrate with a smaller --share"
        )
    return said


def dated_later(created: str, last: Stored | None) -> list[str]:
    """What must be said where the calibration before this one bears the later date."""
    if last is None or last.created <= created:
        return []
    return [
        f"magnet {last.magnet}: the calibration before this one ({last.path}) is dated "
        f"{last.created}, this one {created}: by its date that one stays the last, which runs are "
        "held against. Was a clock wrong? Set it right and calibrate anew, or move that folder away"
    ]


def _off_the_bench(found: Calibration, spec: BenchSpec, magnet: LimitedMagnet) -> str:
    says = magnet.limits.tesla_per_ampere
    turned = says * found.tesla_per_ampere < 0
    other_way = "The field points the other way: is the probe turned round? " if turned else ""
    return (
        f"magnet {magnet.name}: measured {found.tesla_per_ampere:.5g} ± "
        f"{found.tesla_per_ampere_error:.1g} T/A, {spec.source or 'the bench file'} says "
        f"{says:.5g} T/A ({signed(100 * found.share_off(says))} %): every field of this bench is "
        f"off by that. {other_way}Look at the probe's place, direction and zero; where they are "
        "right, write "
        f"`tesla_per_ampere = {found.tesla_per_ampere:.5g}` into its [magnet.{magnet.name}] "
        "(the bench file was not changed)"
    )

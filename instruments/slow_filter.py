"""A read-out whose filter remembers longer than a step lasts: its readings are of earlier steps.

A twin of such a recording learns the filter's memory as the device's. It is told, not refused: a
filter may be meant to be a part of what is fitted.

A lock-in's is judged by its time constant. A nanovoltmeter's moving filter adds a conversion to
those that it has and takes the oldest away, for as long as they are within its window; its
repeating filter begins anew with each reading (Model 2182 user's manual, pages 3-8 and 3-9).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from instruments.sequenced import poles_left_over

if TYPE_CHECKING:
    from collections.abc import Mapping

    from instruments.bench_spec import BenchSpec

SHOWN = 0.5  # judgement: from here on a reading is more of what was before than of its own step
DB_OF_A_POLE = 6
DO = (
    "A reading is more of earlier steps than of its own, and a twin learns the filter: choose a "
    "shorter time constant, or a longer hold_s"
)
MOVING_DO = "A twin learns what is left of earlier steps: choose its repeating filter, or none"


def filters_told(bench: BenchSpec, settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a read-out's filters still show of earlier steps, in words, and what to do."""
    slow, moving = slow_filter(bench, settings), moving_filter(settings)
    return [(words, do) for words, do in ((slow, DO), (moving, MOVING_DO)) if words]


def moving_filter(settings: Mapping[str, Any]) -> str:
    """What a nanovoltmeter's moving filter has of earlier steps, in words; empty: it has none."""
    on = settings.get("digital_filter") == "on" and settings.get("filter_type") == "moving"
    if not on or settings["filter_count"] == 1:
        return ""
    return (
        f"its digital filter is a moving one, over {settings['filter_count']} conversions: those "
        "of earlier steps that are within its window are in a reading"
    )


def slow_filter(bench: BenchSpec, settings: Mapping[str, Any]) -> str:
    """What a read-out's filter still shows of the step before at a reading, in words; or empty.

    Of steps whose time the bench file says: what only the read-out gates may last any time.
    """
    step_s = bench.window.hold_s + bench.gate_s
    time_constant_s, slope = settings.get("time_constant_s"), settings.get("slope_dB_oct")
    if not (step_s and time_constant_s and slope) or bench.rotation is not None:
        return ""
    left = poles_left_over(step_s, time_constant_s, slope // DB_OF_A_POLE)
    if left < SHOWN:
        return ""
    return (
        f"its filter (time constant {time_constant_s:g} s, {slope} dB an octave) still shows "
        f"{100 * left:.0f} % of the step before at a reading, {1e3 * step_s:.3g} ms behind it"
    )

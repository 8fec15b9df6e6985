"""A supply that is found sourcing a voltage: the voltage is walked to zero, in what flows by it.

Context: a SourceMeter, or a Kepco in voltage mode, whose set-point is only a limit. To switch its
output off, or to make a current its source, would be a jump of the current. Decision: its voltage
is walked down in steps that move the current by a step of the ramp at most: by the resistance that
its own meter sees, volts over amperes, which a limit of its current does not change.
Consequence: the part of the voltage that the coil doesn't have (at a limit) takes its time, too.
"""

from __future__ import annotations

import math
from contextlib import suppress
from typing import TYPE_CHECKING

from instruments.staircase import TICK_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from instruments.clock import SteadyClock
    from instruments.protocols import VoltageSource
    from instruments.walk import Walk

TELL_S = 2.0  # device time between two words about a long way


def walk_voltage_down(
    source: VoltageSource,
    stairs: Walk,
    clock: SteadyClock,
    small_A: float,
    tell: Callable[[str], None],
) -> str:
    """Bring the voltage to zero; what was done, in words.

    Parameters
    ----------
    source
        The driver, its output on.
    stairs
        Its ramp limit; told what flows.
    clock
        Device time.
    small_A
        A current that counts as zero: where no more flows, the coil is taken for an open one, whose
        resistance would let that flow.
    tell
        Called every `TELL_S` on a long way.
    """
    measured_V, measured_A = source.load_VA()
    found_V = source.sourced_V()
    stairs.note_A(measured_A)
    if abs(measured_A) > small_A:
        resistance_Ohm = max(abs(measured_V), source.resolution_V) / abs(measured_A)
    else:
        resistance_Ohm = max(abs(found_V), source.resolution_V) / small_A
    most_V = max(source.resolution_V, resistance_Ohm * stairs.reach_A)
    steps = math.ceil(abs(found_V) / most_V * (1 - 1e-9))
    quiet_s = 0.0
    for left in reversed(range(steps)):
        left_V = found_V * left / steps
        tick_s = max(TICK_S, abs(found_V) / steps / resistance_Ohm / stairs.ramp_A_per_s)
        source.set_voltage_V(left_V)
        flows_A = min(abs(left_V) / resistance_Ohm, abs(measured_A))
        stairs.note_A(math.copysign(flows_A, measured_A))
        clock.wait(tick_s)
        quiet_s += tick_s
        if quiet_s >= TELL_S:
            quiet_s = 0.0
            with suppress(Exception):  # how a sentence fails must not end the way down
                tell(f"{source.name}: at {left_V:.4g} V, on its way to zero volts")
    ramp = f"{stairs.ramp_A_per_s:g} A/s at most"
    return f"its voltage was walked from {found_V:.4g} V to zero at {ramp}"

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
MOST_TURNS = 3  # of a hand that are followed: a reading that is never right must not hold a walk up


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
    ahead, here_V, quiet_s = _steps_V(found_V, most_V), found_V, 0.0
    looks = MOST_TURNS
    while ahead:
        before_V, left_V = here_V, ahead.pop(0)
        tick_s = max(TICK_S, abs(here_V - left_V) / resistance_Ohm / stairs.ramp_A_per_s)
        source.set_voltage_V(left_V)
        flows_A = min(abs(left_V) / resistance_Ohm, abs(measured_A))
        stairs.note_A(math.copysign(flows_A, measured_A))
        clock.wait(tick_s)
        here_V = left_V
        if looks and ahead:
            try:
                here_V = _turned_V(source, left_V, before_V)
            except Exception:  # the way goes on without; an answer that doesn't come takes seconds
                looks = 0
            if here_V != left_V:
                ahead, looks = _steps_V(here_V, most_V), looks - 1
        quiet_s += tick_s
        if quiet_s >= TELL_S:
            quiet_s = 0.0
            with suppress(Exception):  # how a sentence fails must not end the way down
                tell(f"{source.name}: at {left_V:.4g} V, on its way to zero volts")
    ramp = f"{stairs.ramp_A_per_s:g} A/s at most"
    return f"its voltage was walked from {found_V:.4g} V to zero at {ramp}"


def _steps_V(from_V: float, most_V: float) -> list[float]:
    """Every voltage on the way to zero, in equal steps of `most_V` at most."""
    steps = math.ceil(abs(from_V) / most_V * (1 - 1e-9))
    return [from_V * left / steps for left in reversed(range(steps))]


def _turned_V(source: VoltageSource, sent_V: float, before_V: float) -> float:
    """What a hand has turned the voltage to meanwhile, else what was sent.

    Read twice: a garbled reading would be a jump; and not the one before, which is a late reading.
    """
    read_V = source.sourced_V()
    turned = min(abs(read_V - sent_V), abs(read_V - before_V)) > source.resolution_V
    return read_V if turned and source.sourced_V() == read_V else sent_V

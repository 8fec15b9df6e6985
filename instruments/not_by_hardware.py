"""Why a bench can't time its sequences by hardware, in words: supply, read-outs, the sequences."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from instruments import encoding
from instruments.hardware_timed import SLACK_S, rate_of
from instruments.list_parts import groups_of
from instruments.sequenced import (
    buffer_of,
    left_over,
    list_of,
    looks_back_s,
    no_list,
    pulses,
    starts_by_trigger,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from instruments.bench_spec import BenchSpec
    from instruments.limits import LimitedMagnet
    from instruments.protocols import Readout
    from instruments.sequenced import SampleBuffer
    from models.sequence import DriveWindow, Reset

FEWEST_A_STEP = 4  # samples while a value stands
FORGOTTEN = 0.01  # judgement: so much of what stood at +H may be left in a reading at -H


def problems(
    spec: BenchSpec, magnet: LimitedMagnet, readouts: Mapping[str, Readout], window: DriveWindow
) -> list[str]:
    """Why a bench can't time its sequences by hardware, in words; empty where it can."""
    found = of_magnet(spec, magnet)
    if not readouts:
        found.append("there is no read-out")
    for name, readout in readouts.items():
        buffer = buffer_of(readout)
        if buffer is None:
            found.append(f"read-out {name} ({readout.driver}) has no buffer")
        else:
            found += [f"read-out {name}{words}" for words in _of_buffer(spec, buffer, window)]
    for probe in spec.teslameters.values():
        if math.isfinite(getattr(probe, "tolerance_T", math.inf)):
            found.append(
                f"teslameter {probe.name} is to check the field of each step (tolerance_T), which "
                "a computer asks it between the steps"
            )
    return found


def of_magnet(spec: BenchSpec, magnet: LimitedMagnet) -> list[str]:
    """Why a supply can't; nothing is sent."""
    named = f"magnet {magnet.name} ({magnet.magnet.driver})"
    program = list_of(magnet.magnet)
    if program is None:
        return [f"{named} {no_list(magnet.magnet)}"]
    found = []
    if spec.marker_T is not None and (
        beyond := magnet.limits.problem(magnet.limits.current_A(spec.marker_T))
    ):
        found.append(f"marker_T: {beyond}")
    if spec.trigger and not pulses(program):
        found.append(f"trigger = true: {named} gives no pulse when its list begins")
    return found


def _of_buffer(spec: BenchSpec, buffer: SampleBuffer, window: DriveWindow) -> list[str]:
    """What a buffer can't, each to be read behind the read-out's name."""
    found = [f": {words}" for words in buffer.problems()]
    stands_s = spec.gate_s or window.hold_s
    most_Hz = buffer.rates_Hz[-1]
    if stands_s * most_Hz < FEWEST_A_STEP:
        found.append(
            f" samples at most at {most_Hz:g} Hz, and a value stands for {stands_s:g} s "
            f"({'gate_s' if spec.gate_s else 'hold_s'}): it needs {FEWEST_A_STEP / most_Hz:g} s"
        )
    back_s = looks_back_s(buffer)
    if back_s is not None and (stands_s - back_s) * most_Hz < FEWEST_A_STEP:
        found.append(
            f" makes a value of {1e3 * back_s:g} ms of readings, and a step's stands for "
            f"{1e3 * stands_s:g} ms: fewer samples, so that {FEWEST_A_STEP} intervals are left"
        )
    if back_s is not None and spec.marker_T is not None:
        found.append(": its values are of many readings, in which no marker_T has an edge")
    if spec.trigger and not starts_by_trigger(buffer):
        found.append(": trigger = true, and its buffer isn't started by one")
    if window.encoding == "loop" and (left := left_over(buffer, window.hold_s)) > FORGOTTEN:
        found.append(
            f" still shows {100 * left:.2g} % of what it saw at +H after hold_s = "
            f"{window.hold_s:g} s at -H, where a loop is read ({100 * FORGOTTEN:g} % at most): a "
            "longer hold_s, or a shorter time constant"
        )
    return found


def overflowing(
    spec: BenchSpec, readouts: Mapping[str, Readout], window: DriveWindow, holds: int = 1
) -> list[str]:
    """Which buffers a single step would overflow, in words: no part of a repeat is shorter.

    `holds` of the longest step.
    """
    buffers = ((name, buffer_of(readout)) for name, readout in readouts.items())
    return [
        f"read-out {name}{words}"
        for name, buffer in buffers
        if buffer is not None and (words := _overflow(spec, buffer, window, holds))
    ]


def _overflow(spec: BenchSpec, buffer: SampleBuffer, window: DriveWindow, holds: int) -> str | None:
    """Why a single step is more than a buffer holds, behind the read-out's name; None: it isn't."""
    stands_s = spec.gate_s or window.hold_s
    rate_Hz = rate_of(buffer, stands_s)
    holds_s = buffer.most_points / rate_Hz - SLACK_S
    visits = len(encoding.fields_T(window.encoding, 0.0))
    longest_s = encoding.held_s(window, spec.gate_s, holds)
    step_s = (visits - 1) * window.hold_s + longest_s + spec.gate_s
    if step_s <= holds_s:
        return None
    key = "gate_s" if spec.gate_s else "hold_s"
    return (
        f" holds {buffer.most_points} samples, which is {holds_s:.3g} s at the {rate_Hz:g} Hz "
        f"that {key} = {stands_s:g} s needs, and a step lasts {step_s:g} s: its buffer would "
        'overflow. A shorter hold_s, a longer gate_s, or timing = "software"'
    )


def unplayable(
    spec: BenchSpec,
    magnet: LimitedMagnet,
    window: DriveWindow,
    reset: Reset,
    sequences: Sequence[Sequence[float]],
    holds: Sequence[Sequence[int]] | None = None,
) -> list[str]:
    """Why the first of these sequences (fields in T) that is no list is none; nothing is sent.

    `holds` of their steps; None: one each.
    """
    program = list_of(magnet.magnet)
    if program is None:
        return []  # `problems` says so
    for number, fields_T in enumerate(sequences):
        counts = None if holds is None else [holds[number]]
        plan = list(encoding.plan_T(window, reset, [fields_T], spec.gate_s, counts))
        here_A, visits = 0.0, len(encoding.fields_T(window.encoding, 0.0))
        for group, _ in groups_of(magnet, program, plan, visits, here_A):
            found = magnet.list_problems(group, here_A)
            if found:
                return found
            here_A = group[-1][0]
    return []

"""The tables of a bench file that limit a magnet: its own keys, [thermometer.*], [interlock.*]."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from instruments.bench_spec import InterlockSpec, ThermometerSpec
from instruments.drivers import READOUT_DRIVERS
from instruments.drivers.lakeshore_336 import INPUTS
from instruments.magnet_limits import MagnetLimits
from instruments.toml_table import near
from models.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from instruments.bench_spec import InstrumentSpec
    from instruments.toml_table import Table

REQUIRED = ("tesla_per_ampere", "max_current_A", "max_ramp_A_per_s")
WHEN_OUT = ("end", "hold")
HOLD_AT_MOST_S = 3600.0
"""Judgement: cooling water and a cryostat come back within the hour, or not without a hand."""
OPTIONAL = ("max_field_T", "max_duty_A2s", "duty_window_s", "compliance_V")


def magnet_limits(table: Table) -> MagnetLimits | None:
    """The limits of a [magnet.*] table; None, and its problems, where they aren't whole."""
    before = len(table.problems)
    values: dict[str, Any] = {key: table.number(key) for key in REQUIRED}
    values |= {key: table.number(key) for key in OPTIONAL if key in table.values}
    if ("max_duty_A2s" in table.values) != ("duty_window_s" in table.values):
        missing = "duty_window_s" if "max_duty_A2s" in table.values else "max_duty_A2s"
        table.add(f"{missing} is missing: max_duty_A2s and duty_window_s go together")
        values["max_duty_A2s"] = values["duty_window_s"] = math.inf
    # what is missing is named already; a stand-in lets the others be checked in the same go
    try:
        limits = MagnetLimits(**{k: 1.0 if v is None else v for k, v in values.items()})
    except InputError as error:
        table.add(str(error))
        return None
    return limits if len(table.problems) == before else None


def thermometer(table: Table, address: dict[str, Any] | None) -> ThermometerSpec | None:
    """A [thermometer.*] table; the address that was read from it already."""
    letter = table.value("input", str, "A")
    if letter not in INPUTS:
        table.add(f"input {letter!r} is unknown{near(letter, INPUTS)}")
    low_K, high_K = _bounds(table, "min_K", "max_K")
    hold_s = _longest_hold(table)
    if address is None:
        return None
    return ThermometerSpec(
        **address,
        options={"input": letter},
        input=letter,
        min_K=low_K,
        max_K=high_K,
        hold_at_most_s=hold_s,
    )


def interlock(name: str, table: Table, readouts: Mapping[str, InstrumentSpec]) -> InterlockSpec:
    """An [interlock.*] table: an input of an instrument that the bench has already."""
    table.known("instrument", "input", "above_V", "below_V", "when_out", "hold_at_most_s")
    instrument, channel = table.value("instrument", str), table.value("input", str)
    above_V, below_V = _bounds(table, "above_V", "below_V")
    if instrument is not None and instrument not in readouts:
        table.add(f"instrument {instrument!r} is not a read-out here{near(instrument, readouts)}")
    elif instrument is not None and channel is not None:
        driver = readouts[instrument].driver
        inputs = getattr(READOUT_DRIVERS[driver], "interlock_inputs", ())
        if not inputs:
            table.add(f"instrument {instrument!r}: driver {driver!r} has no interlock inputs")
        elif channel not in inputs:
            table.add(f"input {channel!r} is unknown{near(channel, inputs)}")
    hold_s = _longest_hold(table)
    return InterlockSpec(name, instrument or "", channel or "", above_V, below_V, hold_s)


def _longest_hold(table: Table) -> float | None:
    """How long a run waits for the guard to be back in its band; None: it ends the run."""
    when_out = table.value("when_out", str, WHEN_OUT[0])
    hold_s = table.number("hold_at_most_s", HOLD_AT_MOST_S, above=0.0)
    if when_out not in WHEN_OUT:
        table.add(f"when_out {when_out!r} is unknown{near(when_out, WHEN_OUT)}")
    elif when_out != "hold" and "hold_at_most_s" in table.values:
        table.add('hold_at_most_s needs when_out = "hold"')
    if hold_s is not None and math.isinf(hold_s):
        table.add("hold_at_most_s must be finite: a run that waits for ever is never told")
    return hold_s if when_out == "hold" else None


def _bounds(table: Table, low_key: str, high_key: str) -> tuple[float, float]:
    """A lower and an upper bound, one of them or both."""
    low = table.number(low_key, -math.inf)
    high = table.number(high_key, math.inf)
    if low_key not in table.values and high_key not in table.values:
        table.add(f"needs {low_key} or {high_key}, or both")
    if low is not None and high is not None and not low < high:
        table.add(f"{low_key} = {low:g} must be below {high_key} = {high:g}")
    return (-math.inf if low is None else low), (math.inf if high is None else high)

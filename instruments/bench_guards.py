"""The tables of a bench file that limit or guard a magnet: its own keys, and its guards'."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from instruments.bench_spec import InterlockSpec, TeslameterSpec, ThermometerSpec
from instruments.drivers import DRIVERS
from instruments.drivers.lakeshore_336 import INPUTS
from instruments.magnet_limits import MagnetLimits
from instruments.toml_table import near
from models.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from instruments.bench_spec import InstrumentSpec
    from instruments.toml_table import Table

REQUIRED = ("tesla_per_ampere", "max_current_A", "max_ramp_A_per_s")
WHEN_OUT = ("end", "hold")
WHEN_OUT_KEYS = ("when_out", "hold_at_most_s")
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


def interlock(
    name: str, table: Table, instruments: Mapping[str, InstrumentSpec | None]
) -> InterlockSpec | None:
    """An [interlock.*] table: an input, or a status bit, of an instrument of the bench.

    `instruments` by name; None for one whose own table has problems.
    """
    table.known("instrument", "input", "above_V", "below_V", *WHEN_OUT_KEYS)
    instrument, channel = table.value("instrument", str), table.value("input", str)
    hold_s = _longest_hold(table)
    if instrument is not None and instrument not in instruments:
        table.add(f"instrument {instrument!r} is not on this bench{near(instrument, instruments)}")
    spec = instruments.get(instrument or "")
    if spec is None or channel is None:
        return None
    driver = _driver_of(spec)
    inputs = tuple(getattr(driver, "interlock_inputs", ()))
    bits = tuple(getattr(driver, "status_inputs", ()))
    if not (inputs or bits):
        table.add(f"instrument {instrument!r}: driver {spec.driver!r} has no interlock inputs")
    elif channel not in (*inputs, *bits):
        table.add(f"input {channel!r} is unknown{near(channel, (*inputs, *bits))}")
    if channel in bits:
        _check_bit(table, channel, hold_s, getattr(driver, "lasting_inputs", ()))
        return InterlockSpec(name, spec.name, channel, hold_at_most_s=hold_s, is_status=True)
    above_V, below_V = _bounds(table, "above_V", "below_V")
    return InterlockSpec(name, spec.name, channel, above_V, below_V, hold_s)


def _driver_of(spec: InstrumentSpec) -> Any:
    return next(kind[spec.driver] for kind in DRIVERS.values() if spec.driver in kind)


def _check_bit(table: Table, bit: str, hold_s: float | None, lasting: Collection[str]) -> None:
    for key in ("above_V", "below_V"):
        if key in table.values:
            table.add(f"{key}: input {bit!r} is a status bit, which has no volts")
    if hold_s is not None and bit in lasting:
        table.add(
            f'when_out = "hold": under {bit!r} no run can wait at zero current, somebody has to '
            'see to it: give when_out = "end"'
        )


def teslameter(
    table: Table,
    address: dict[str, Any] | None,
    options: dict[str, Any],
    drive: Table,
    *,
    first: bool,
) -> TeslameterSpec | None:
    """A [teslameter.*] table; its address and options were read already, `drive` is [drive].

    `first`: it is the bench's field probe.
    """
    tolerance_T = table.number("tolerance_T", math.inf, above=0.0)
    hold_s = _longest_hold(table)
    if hold_s is not None:
        hold = 'when_out = "hold"'
        if not first:
            table.add(f"{hold}: only the first teslameter is read at each step")
        if "tolerance_T" not in table.values:
            table.add(f"{hold} needs tolerance_T")
        if drive.values.get("encoding") == "rotation":
            table.add(f"{hold}: the field of a rotation is not compared with one value")
        if drive.values.get("timing") == "hardware":
            table.add(f'{hold}: with [drive] timing = "hardware" no step can wait')
    if address is None or tolerance_T is None:
        return None
    return TeslameterSpec(
        **address, options=options, tolerance_T=tolerance_T, hold_at_most_s=hold_s
    )


def _longest_hold(table: Table) -> float | None:
    """How long a run waits for the guard to be back in its band; None: it ends the run."""
    when_out = table.value("when_out", str, WHEN_OUT[0])
    hold_s = table.number("hold_at_most_s", HOLD_AT_MOST_S, above=0.0)
    if when_out not in WHEN_OUT:
        table.add(f"when_out {when_out!r} is unknown{near(when_out, WHEN_OUT)}")
    elif when_out != "hold" and "hold_at_most_s" in table.values:
        table.add('hold_at_most_s needs when_out = "hold"')
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

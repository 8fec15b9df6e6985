"""What an instrument that is connected says of itself: words, a magnet's state, what is amiss."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from instruments import findings
from instruments.bench_spec import MagnetSpec, TeslameterSpec, ThermometerSpec
from instruments.findings import QUEUED, Finding

if TYPE_CHECKING:
    from instruments.bench_spec import BenchSpec, InstrumentSpec
    from instruments.protocols import MagnetState

MOST_NAMED = 6  # channels of a read-out that are named one by one


def looked_at(
    bench: BenchSpec, spec: InstrumentSpec, driver: Any, remarks: list[Finding]
) -> tuple[tuple[str, ...], dict[str, Any] | None]:
    """Words for people and a magnet's state; adds what is to be remarked."""
    if isinstance(spec, ThermometerSpec):
        settings, errors = driver.settings(), driver.errors()
        remarks += [Finding(f"had reported {error}", QUEUED) for error in errors]
        return tuple(_setting_words(settings, leave_out="")), None
    if isinstance(spec, TeslameterSpec):
        settings, field_T = driver.settings(), driver.field_T()
        remarks += findings.of_probe(settings, field_T, driver.faults())
        measures = (
            "measures no field" if math.isnan(field_T) else f"measures {1e3 * field_T:.5g} mT"
        )
        waits = (
            ()
            if spec.hold_at_most_s is None
            else (
                f"a step waits until the field is within {spec.tolerance_T:g} T, "
                f"{spec.hold_at_most_s:g} s at most",
            )
        )
        return (measures, *_setting_words(settings, leave_out=""), *waits), None
    if not isinstance(spec, MagnetSpec):
        settings = driver.settings()
        remarks += findings.of_readout(bench, settings, driver.faults())
        named = [f"{c} in {u}" for c, u in zip(driver.channels, driver.units, strict=True)]
        many = f"{len(named)} channels, {named[0]} … {named[-1]}"  # a spectrum
        reads = ", ".join(named) if len(named) <= MOST_NAMED else many
        return (f"reads {reads}", *_setting_words(settings, leave_out="channels")), None
    state, settings = driver.state(), driver.settings()
    remarks += findings.of_magnet(spec, driver, state, settings, bench.safe_command)
    known = {
        "energised": findings.is_energised(driver, state),
        "output_on": state.output_on,
        "current_A": state.current_A,
        "setpoint_A": state.setpoint_A,
    }
    return _magnet_words(spec, driver, state, settings), known


def _magnet_words(
    spec: MagnetSpec, driver: Any, state: MagnetState, settings: dict[str, Any]
) -> tuple[str, ...]:
    limits = spec.limits
    largest_T = min(limits.max_field_T, limits.max_current_A * abs(limits.tesla_per_ampere))
    words = [
        f"output {'on' if state.output_on else 'off'}",
        f"{state.current_A:.4g} A measured",
        f"{state.setpoint_A:.4g} A set",
        *state.status,
        *_setting_words(settings, leave_out="mode"),
    ]
    if math.isfinite(driver.rated_current_A):
        words.append(f"rated {driver.rated_current_A:g} A")
    words.append(
        f"bench limits {limits.max_current_A:g} A, {1e3 * largest_T:g} mT, "
        f"{limits.max_ramp_A_per_s:g} A/s"
    )
    return tuple(words)


def _setting_words(settings: dict[str, Any], leave_out: str) -> list[str]:
    return [
        f"{name} = {value:g}" if isinstance(value, float) else f"{name} = {value}"
        for name, value in settings.items()
        if name != leave_out
    ]

"""What an instrument's state and settings mean for whoever stands at the rig, with hints."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from instruments import encoding
from instruments.bench_spec import MagnetSpec
from instruments.drivers.exchange import NO_TRIGGER, WAITS_FOR
from instruments.sequenced import missing
from instruments.slow_filter import filters_told
from instruments.supply_ramp import slowest_A_per_s

if TYPE_CHECKING:
    from collections.abc import Mapping

    from instruments.bench_spec import BenchSpec, InstrumentSpec
    from instruments.protocols import MagnetState


CONSTANT_WITHIN = 0.1  # judgement: a sample away from the centre sees less
UNIT_T = {"kG": 0.1}


@dataclass(frozen=True)
class Finding:
    """Something that isn't as it should be: words, what to do, whether a run can't begin so."""

    words: str
    hint: str
    fails: bool = False


def of_magnet(
    spec: MagnetSpec,
    driver: Any,
    state: MagnetState,
    settings: Mapping[str, Any],
    safe_command: str,
) -> list[Finding]:
    """Findings of a supply: limits beyond its rating, current or output on, mode, coil, errors.

    `safe_command` is what brings it to its safe state.
    """
    return [
        *_ratings(spec, driver),
        *_envelope(spec, driver, settings),
        *_energised(spec, driver, state, safe_command),
        *_mode(spec, settings),
        *_coil_constant(spec, settings),
        *(
            Finding(f"is {fault}", next((do for part, do in _DO if part in fault), _FAULT))
            for fault in state.faults
            if "voltage mode" not in fault
        ),
        *(Finding(f"had reported {error}", QUEUED) for error in state.errors),
    ]


def of_timing(bench: BenchSpec, spec: InstrumentSpec, driver: Any) -> list[Finding]:
    """What keeps an instrument from being timed by hardware, where the bench file asks for it."""
    found = _missing(bench, spec, driver) if bench.timing == "hardware" else []
    return [
        Finding(f'timing = "hardware" is asked for: {words}', _BY_SOFTWARE, fails=True)
        for words in found
    ]


def timed_by_software(bench: BenchSpec, spec: InstrumentSpec, driver: Any) -> list[str]:
    """Why steps are timed by software where the bench leaves it open: no fault, runs say it too."""
    found = _missing(bench, spec, driver) if bench.timing == "auto" else []
    return [f"steps are timed by software: {words}" for words in found]


def _missing(bench: BenchSpec, spec: InstrumentSpec, driver: Any) -> list[str]:
    plays, samples = spec.name == bench.drive_magnet, spec.name in bench.readouts
    return missing(driver, plays=plays, trigger=bench.trigger) if plays or samples else []


def of_drive(bench: BenchSpec, spec: InstrumentSpec, driver: Any) -> list[Finding]:
    """What [drive] and [reset] ask of a magnet beyond its own limits: no run of theirs begins.

    A sequence that keeps to a part of 0…1 may still do; the reset comes before every repeat.
    """
    turned = () if bench.rotation is None else bench.rotation.magnets
    if not isinstance(spec, MagnetSpec) or spec.name not in (turned or (bench.drive_magnet,)):
        return []
    window = replace(bench.window, encoding="step") if turned else bench.window
    found = encoding.problems(window, bench.reset, (0.0, 1.0), spec.limits)
    coarse = [encoding.coarse(window, spec.limits, driver)]
    return [
        Finding(f"[drive] and [reset]: {words}", _FIELDS, fails=words.startswith("reset"))
        for words in found
    ] + [Finding(words, encoding.COARSE) for words in coarse if words]


def of_model(driver: Any) -> list[Finding]:
    """What the bench file asks of a driver's models and the one that answers can't."""
    unfit: Any = getattr(driver, "unfit", None)
    return [] if unfit is None else [Finding(words, do, fails=True) for words, do in unfit()]


def of_state(driver: Any) -> list[Finding]:
    """What keeps a run from beginning as a read-out or a probe is set now; only asks."""
    unready: Any = getattr(driver, "unready", None)
    return [] if unready is None else [Finding(words, do, fails=True) for words, do in unready()]


def of_readout(
    bench: BenchSpec, settings: Mapping[str, Any], faults: tuple[str, ...]
) -> list[Finding]:
    """Findings of a read-out: overloads, lost reference, a slow filter, a current's input."""
    found = [Finding(f"had {fault} since it was last asked", _overload(fault)) for fault in faults]
    if (trigger := settings.get("trigger")) in WAITS_FOR:
        found.append(Finding(f"a reading waits for {WAITS_FOR[trigger]}", NO_TRIGGER))
    found += [Finding(words, do) for words, do in filters_told(bench, settings)]
    if str(settings.get("input", "")).startswith("I "):
        found.append(
            Finding(
                f"its input is {settings['input']}: it measures a current, its values are in A",
                "Leave it where a current is meant; for a voltage switch its input to A or A-B",
            )
        )
    return found


def of_probe(settings: Mapping[str, Any], field_T: float, faults: tuple[str, ...]) -> list[Finding]:
    """Findings of a field probe: another mode, no field, what its status says."""
    found = [Finding(f"says {fault}", _PROBE, fails=math.isnan(field_T)) for fault in faults]
    if math.isnan(field_T) and not faults:
        found.append(Finding("gives no field", _PROBE, fails=True))
    if settings.get("mode", "DC") != "DC":
        words = f"measures the field's {settings['mode']}, a step needs DC"
        found.append(Finding(words, "Choose DC on its front panel", fails=True))
    return found


def of_line_end(identity: str) -> list[Finding]:
    """A reply that keeps a CR: it is read by the LF behind it."""
    if not identity.endswith("\r"):
        return []
    hint = f"Set terminator = {json.dumps(chr(13) + chr(10))} for it in the bench file"
    return [Finding("ends its lines with CR LF, the bench file says LF", hint)]


_BY_SOFTWARE = 'Give [drive] timing = "software", or an instrument that can'
_FIELDS = (
    "Correct low_T, high_T or field_T (they are in tesla), tesla_per_ampere, or the limit: "
    "`record` refuses what goes beyond"
)
_PROBE = "Look at the probe, its cable and its range"
_AT_LIMIT = "The current isn't what the set-point says: look at the coil's plugs and `compliance_V`"
_CONSTANT = (
    "Fields and field limits rest on the bench file's: correct it (1 kG/A is 0.1 T/A), unless the "
    "supply was never told its magnet, or the sample sits where the field is another"
)
_ENVELOPE = (
    "Where a run goes so far the supply refuses a set-point or the limit, and the run ends: lower "
    "`compliance_V`, or the current"
)
_FAULT = "No run begins so: mend what it says, then clear it at the supply's front panel"
_PROGRAMMED = (
    "A run switches it to internal programming where the current doesn't jump by that; else none "
    "begins: bring what drives that input to zero first"
)
_DO = (("voltage limit", _AT_LIMIT), ("programmed by its", _PROGRAMMED))  # by a fault's words
FORBIDS = "No run begins and none goes on while it says so: that is what it is for"
QUEUED = "Reading it has emptied the queue: some program or hand before sent what it can't do"


def is_energised(driver: Any, state: MagnetState) -> bool:
    """Whether current can flow: the output is on, or current flows where there is no switch."""
    if getattr(driver, "has_output", True):
        return state.output_on
    return abs(state.current_A) > float(driver.read_back_error_A(0.0))


def _ratings(spec: MagnetSpec, driver: Any) -> list[Finding]:
    rated_V = getattr(driver, "rated_voltage_V", math.inf)
    beyond = spec.limits.beyond(driver.rated_current_A, rated_V, slowest_A_per_s(driver))
    return [
        Finding(words, f"Correct {words.partition(' ')[0]} in the bench file", fails=True)
        for words in beyond
    ]


def _envelope(spec: MagnetSpec, driver: Any, settings: Mapping[str, Any]) -> list[Finding]:
    """A current and a voltage limit that a supply can keep, but not together: it may not take one.

    No run is refused by it: what it drives may stay below.
    """
    beyond: Any = getattr(driver, "beyond_envelope", None)
    limit_V = spec.limits.compliance_V or settings.get("compliance_V", 0.0)
    words = "" if beyond is None else beyond(spec.limits.highest_A, limit_V)
    if not words:
        return []
    asked = f"the bench allows {spec.limits.highest_A:g} A, its voltage limit is {limit_V:g} V"
    return [Finding(f"{words}: {asked}", _ENVELOPE)]


def _energised(
    spec: MagnetSpec, driver: Any, state: MagnetState, safe_command: str
) -> list[Finding]:
    small_A = driver.read_back_error_A(0.0)
    switch = getattr(driver, "has_output", True)
    field_T = abs(state.current_A * spec.limits.tesla_per_ampere)
    flows = f"{state.current_A:.4g} A flow ({1e3 * field_T:.4g} mT)"
    if abs(state.current_A) > spec.limits.max_current_A:
        flows += f", beyond max_current_A = {spec.limits.max_current_A:g} A"
    if is_energised(driver, state):
        hint = f"Keep hands off the coil; `{safe_command}` brings it to its safe state"
        return [Finding(f"its output is on: {flows}" if switch else flows, hint)]
    found = []
    if switch and abs(state.current_A) > small_A:
        hint = "Another source drives the coil, or its meter is off: look before you touch it"
        found.append(Finding(f"{flows} though its output is off", hint))
    if abs(state.setpoint_A) > small_A:
        hint = f"Its output key would step the current there; `{safe_command}` zeroes it"
        found.append(Finding(f"is set to {state.setpoint_A:.4g} A with its output off", hint))
    return found


def _mode(spec: MagnetSpec, settings: Mapping[str, Any]) -> list[Finding]:
    found = []
    if settings.get("mode") == "voltage":
        hint = "A run switches it to current mode by itself, its current unchanged"
        words = "is in voltage mode: its current set-point is only a limit"
        found.append(Finding(words, hint))
    wanted_V, present_V = spec.limits.compliance_V, settings.get("compliance_V")
    if wanted_V is None or present_V is None or settings.get("mode") == "voltage":
        return found  # in voltage mode the number is the set-point
    if abs(present_V - wanted_V) > 1e-3 * wanted_V:
        words = f"its voltage limit is {present_V:g} V, the bench file says {wanted_V:g} V"
        found.append(Finding(words, "A run sets it; until then the front panel's counts"))
    return found


def _coil_constant(spec: MagnetSpec, settings: Mapping[str, Any]) -> list[Finding]:
    """A supply that knows its magnet, and a bench file that says another of it."""
    ampere_per_tesla, unit = settings.get("ampere_per_tesla", 0.0), settings.get("field_unit", "T")
    told = 1.0 / ampere_per_tesla if ampere_per_tesla else 0.0
    told = settings.get("coil_constant_per_A", told) * UNIT_T.get(unit, 1.0)
    given = abs(spec.limits.tesla_per_ampere)
    if not told or math.isclose(abs(told), given, rel_tol=CONSTANT_WITHIN):
        return []
    words = f"its coil constant is {told:.4g} T/A, the bench file's tesla_per_ampere {given:.4g}"
    return [Finding(words, _CONSTANT)]


def _overload(fault: str) -> str:
    if "reference" in fault:
        return "Check the reference cable and the trigger level: without it no repeat counts"
    if "overload" in fault:
        return "Choose a larger sensitivity range, or less gain before it: such a repeat is void"
    return "Its manual's chapter on status says what to do"

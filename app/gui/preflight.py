"""Pre-flight of a deployment: what is looked at before the first byte, line by line."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from app import deployment
from app.device_benches import other_currents, plays
from app.drift_store import latest_drift
from app.gui.preflight_several import bench_checks
from app.gui.widgets.checks import Check
from app.gui.words import size
from app.operations.record_begin import apart
from app.operations.record_room import (
    folder_problems,
    free_bytes,
    recording_bytes,
)
from app.words import duration
from models import schedule
from models.errors import InputError, RefusedError, TwinrigError
from models.sequence import FieldSequence

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from instruments.bench import Bench
    from models.network import Device, Network

DRIFT = "Drift"
"""Name of the check that the twin still matches; there only where it doesn't."""
TIME = "Time"
"""Name of the check of the hours at most, which are a deployment's alone."""
CURRENTS = "Calibration"
"""Name of the check that fields are the currents that were recorded; there only where not."""


def deployment_bytes(network: Network, repeats: int = 1) -> float:
    """Size of what a deployment writes: a recording of each device's nodes."""
    nodes = Counter[int]()
    for layer in network.layers:
        nodes[layer.device] += layer.nodes
    return sum(
        recording_bytes([network.steps] * nodes[number], repeats, len(device.channels), 0)
        for number, device in enumerate(network.devices)
    )


def deployment_s(network: Network, bench: Bench, repeats: int = 1) -> float:
    """Device time of a deployment, each node so many times."""
    run_s = repeats * bench.predicted_s(network.steps)
    return schedule.predicted_s(schedule.runs(network), run_s)


def preflight(
    network: Network, path: Path, bench: Bench, folder: Path, *, despite_drift: bool = False,
    repeats: int = 1, further: Sequence[str] = (), max_hours: float = 0.0,
) -> list[Check]:  # fmt: skip
    """Every check with what was found, and at last the one that the operation itself makes.

    Reads the instruments' settings, drives nothing.
    """
    several = len(network.devices) > 1
    number, why = plays(network, bench) if several else (0, "")
    benches = bench_checks(network, bench.spec.name, number, further)
    here = _here(network.devices[number or 0], bench, several=several) if not why else [
        Check("This bench", why, "fault")
    ]  # fmt: skip
    drive = [] if several else [_drive(network)]
    size_and_time = _disk(network, folder, repeats), _time(network, bench, repeats, max_hours)
    checks = [*benches, *here, *drive, *size_and_time]
    try:
        drifted = deployment.drifts_against(network, path)
        others = [] if several else other_currents(network, [bench])
        level = "attention" if despite_drift else "fault"
        if not drifted:
            checks.insert(0, _matches(network, path))
        checks = [
            *(Check(DRIFT, "a twin no longer matches", level) for _ in drifted[:1]),
            *(Check(CURRENTS, words, level) for words in others),
            *checks,
        ]
        if several:  # the operation does the rest once the others are connected
            deployment.checked_twins(network, path, despite_drift=despite_drift)
        else:
            deployment.preflight(network, path, bench, despite_drift=despite_drift, repeats=repeats)
    except InputError as error:
        return [Check("Twin", str(error), "fault"), *checks]
    except RefusedError as error:
        known = any(check.level == "fault" for check in checks)
        return checks if known else [Check("Bench", str(error), "fault"), *checks]
    return [Check("Twin", "there, unchanged"), *checks]


def _here(device: Device, bench: Bench, *, several: bool) -> list[Check]:
    """What a bench that is connected says beside the device as it was recorded."""
    if several:  # `plays` found nothing apart, and the list is long enough
        return [_limits(device, bench), Check("This bench", "as recorded")]
    return [
        _limits(device, bench),
        _same("Channels", device.channels, bench.channels),
        _same("Instruments", device.identities, bench.identities()),
        _same("Settings", device.settings, bench.settings()),
    ]


def _disk(network: Network, folder: Path, repeats: int) -> Check:
    needed = deployment_bytes(network, repeats)
    if wrong := folder_problems(needed, folder):
        return Check("Disk", "; ".join(wrong), "fault")
    return Check("Disk", f"{size(needed)} of {size(free_bytes(folder))}")


def _time(network: Network, bench: Bench, repeats: int, max_hours: float) -> Check:
    """How long it takes; of several benches as if all were as fast as this one."""
    seconds = deployment_s(network, bench, repeats)
    about = "about " * (len(network.devices) > 1)
    if max_hours and seconds > 3600 * max_hours:
        return Check(TIME, f"{about}{duration(seconds)}, at most {max_hours:g} h", "fault")
    return Check(TIME, f"{about}{duration(seconds)}")


def _matches(network: Network, path: Path) -> Check:
    """Whether the device was compared with the twins since they were fitted, and when."""
    files = [file for twin in network.twins if (file := deployment.twin_file(twin, path))]
    found = [latest_drift(file) for file in files]
    latest = [body for body in found if body is not None]
    if len(latest) < len(found) or not latest:
        return Check("Device as fitted", "not compared since", "attention")
    when = min(str(body["created"])[:10] for body in latest)
    return Check("Device as fitted", f"yes, on {when}")


def _limits(device: Device, bench: Bench) -> Check:
    limits = bench.spec.magnets[bench.spec.drive_magnet].limits
    most = limits.highest_A * abs(limits.tesla_per_ampere)  # a coil may be wired the other way
    window, reset = device.window, device.reset
    try:
        bench.check_sequences([FieldSequence(np.array([0.0, 1.0]))], window, reset)
    except TwinrigError as error:
        return Check("Field", str(error), "fault")
    highest = max(abs(window.low_T), abs(window.high_T), abs(reset.field_T))
    return Check("Field", f"{1e3 * highest:.3g} of {1e3 * most:.3g} mT")


def _drive(network: Network) -> Check:
    low = min(layer.drive_low for layer in network.layers)
    high = max(layer.drive_high for layer in network.layers)
    return Check("Drive, as fitted", f"clamped to {low:.2f}–{high:.2f}")


def _same(name: str, then: Any, now: Any) -> Check:
    if isinstance(then, tuple):
        return Check(name, ", ".join(now)) if tuple(now) == then else _differs(name, then, now)
    different = [
        key
        for key in sorted({*then, *now})
        if apart((), {key: _table(then.get(key))}, {key: _table(now.get(key))})
    ]
    if different:
        return Check(name, f"{', '.join(different)} differ", "fault")
    return Check(name, "as recorded")


def _differs(name: str, then: Any, now: Any) -> Check:
    return Check(name, f"now {', '.join(now)}, then {', '.join(then)}", "fault")


def _table(value: Any) -> dict[str, Any]:
    """An instrument's settings; of its identity, which is one word, a table of that."""
    return value if isinstance(value, dict) else {"": value}

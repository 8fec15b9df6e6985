"""Where the networks of a comparison come from: the stochastic twins and their recordings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.device_words import differing
from instruments.bench_file import read_bench
from models.errors import InputError, RefusedError, raise_problems
from models.network import Device
from models.network_parts import distinct
from models.paths import anything_at
from models.slopes import slopes_apart

if TYPE_CHECKING:
    from app.operations.compare_networks_plan import Plan
    from models.twin import Twin


class Source:
    """The stochastic twins: what they were fitted on, and how many runs of the device that took.

    Attributes
    ----------
    fits
        Of each stochastic twin by path: arguments of `fit` for a deterministic one like it.
    recorded
        Complete repeats of all recordings, each one reset and one sequence; None: some are gone.
    """

    def __init__(self, plan: Plan) -> None:
        from app.store import load_twin

        twins = {path: load_twin(Path(path)) for path in plan.twins}
        recordings = {
            path: [str(parent["path"]) for parent in twins[path].meta.get("parents", [])]
            for path in plan.twin
        }
        missing = {
            path: [file for file in files if not anything_at(Path(file))]
            for path, files in recordings.items()
        }
        raise_problems(InputError, "compare-networks", _problems(plan, twins, recordings, missing))
        raise_problems(RefusedError, "compare-networks", _other_currents(plan, twins))
        self.fits = {
            path: {"recordings": files, "deterministic": True, **_fitted(twins[path])}
            for path, files in recordings.items()
        }
        known = all(files and not missing[path] for path, files in recordings.items())
        self.recorded = _recorded(recordings) if known else None
        runs = "unknown" if self.recorded is None else str(self.recorded)
        self.words = f"runs of the device in the twin's recordings: {runs}"


def _problems(
    plan: Plan,
    twins: dict[str, Twin],
    recordings: dict[str, list[str]],
    missing: dict[str, list[str]],
) -> list[str]:
    """What is wrong with the twins of a plan."""
    problems = [
        f"{path}: is deterministic; --twin takes the stochastic one"
        for path in recordings
        if twins[path].deterministic
    ]
    problems += [
        f"{path}: has noise; --deterministic takes one without"
        for path in dict.fromkeys(plan.deterministic)
        if not twins[path].deterministic
    ]
    problems += [
        f"{plain}: {name} differ from those of {noisy}: it is a twin of another device"
        for noisy, plain in dict.fromkeys(zip(plan.twin, plan.deterministic, strict=False))
        for name in differing(Device.of(twins[plain]), Device.of(twins[noisy]))
    ]
    devices = len(distinct([Device.of(twins[path]) for path in plan.twin])[0])
    if plan.bench and len(plan.bench) != devices:
        problems.append(
            f"benches: {len(plan.bench)} named, {devices} needed, one of each device (--bench)"
        )
    problems += [
        f"{path}: its recordings are not there ({', '.join(missing[path]) or 'none named'}) to fit "
        "a deterministic twin: give one with --deterministic"
        for path, files in recordings.items()
        if plan.fits_twins and (missing[path] or not files)
    ]
    return problems


def _other_currents(plan: Plan, twins: dict[str, Twin]) -> list[str]:
    """Benches that send other currents than were recorded, in words: before hours of training."""
    specs, found = [read_bench(bench) for bench in plan.bench], list[str]()
    for path in dict.fromkeys(plan.twin):
        known = Device.of(twins[path])
        for spec in specs if len(specs) == 1 else [s for s in specs if s.name == known.bench]:
            now = {name: one.limits.tesla_per_ampere for name, one in spec.magnets.items()}
            found += [
                f"bench {spec.name!r}, since {path} was recorded: {words}: take the bench file of "
                "then, or record and fit anew"
                for words in slopes_apart(known.tesla_per_ampere, now)
            ]
    return found


def _fitted(twin: Twin) -> dict[str, Any]:
    """How a twin was fitted, as far as another one should be fitted alike."""
    return {key: twin.meta[key] for key in ("iterations", "seed") if key in twin.meta}


def _recorded(recordings: dict[str, list[str]]) -> int:
    from app.store import read_recording

    different = dict.fromkeys(file for files in recordings.values() for file in files)
    return sum(int(read_recording(Path(file)).complete.sum()) for file in different)

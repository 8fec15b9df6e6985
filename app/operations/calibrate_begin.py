"""How a calibration begins, or goes on: of which magnet, by which probe, walked how."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from app.artefacts import code_version, new_id, now_iso
from app.calibration_store import FILE_NAME
from app.operations.record_begin import apart, members
from app.recording_reader import folder_of, read_recording, refuse_never_recorded
from app.recording_store import RecordingWriter
from instruments.calibration_walk import BRANCHES, CalibrationPlan, chosen
from instruments.field_probe import FieldProbe
from models.errors import InputError, RefusedError, raise_problems
from models.json_form import TEXT, WHOLE, Leaf, Table, faults, is_number
from models.paths import file_at
from models.recording import Recording
from models.sequence import DriveWindow, Reset

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from instruments.bench import Bench
    from instruments.bench_spec import BenchSpec
    from instruments.limits import LimitedMagnet
    from instruments.protocols import Teslameter

CHANNELS, UNITS = ("set", "current", "field", "error"), ("A", "A", "T", "T")
NUMBER = Leaf("a number", is_number)
ASKED = Table(
    {
        "magnet": TEXT, "teslameter": TEXT, "points": WHOLE, "share": NUMBER, "settle_s": NUMBER,
        "readings": WHOLE,
    }
)  # fmt: skip


def calibration_bench(
    spec: BenchSpec, magnet: str | None = None, teslameter: str | None = None
) -> BenchSpec:
    """The part of a bench that a calibration needs: read-outs only where they guard.

    Raises
    ------
    InputError
        No such magnet or teslameter, or none.
    """
    magnet, teslameter = chosen(spec, magnet, teslameter)
    guards = {lock.instrument for lock in spec.interlocks.values()}
    return replace(
        spec,
        drive_magnet=magnet,
        rotation=None,
        timing="software",
        readouts={name: one for name, one in spec.readouts.items() if name in guards},
        teslameters={teslameter: spec.teslameters[teslameter]},
    )


@dataclass(frozen=True)
class Asked:
    """What is calibrated, by what, how; `so_far` is what is kept of one to go on with.

    `first` is the branch to begin with: `len(BRANCHES)` where none is missing.
    """

    magnet: LimitedMagnet
    meter: Teslameter
    plan: CalibrationPlan
    so_far: Recording | None = None

    @property
    def first(self) -> int:
        """The first branch that is not complete."""
        return 0 if self.so_far is None else int(self.so_far.complete[:, 0].sum())


def asked(bench: Bench, plan: CalibrationPlan, magnet: str | None, teslameter: str | None) -> Asked:
    """A calibration with a connected bench.

    Raises
    ------
    InputError
        No such magnet or teslameter, or one that this bench does not drive.
    """
    magnet, teslameter = chosen(bench.spec, magnet, teslameter)
    driven = [drive.name for drive in bench.drives]
    if magnet not in driven:
        raise InputError(
            f"{bench.spec.source or bench.spec.name}, calibrate: this bench drives "
            f"{' and '.join(driven)}, and magnet {magnet} is left off; calibrate it with "
            f"`twinrig bench calibrate --magnet {magnet}`"
        )
    return Asked(bench.magnets[magnet], bench.teslameters[teslameter], plan)


def kept_plan(out: Path) -> tuple[CalibrationPlan, str, str]:
    """What a calibration that was cut short had been asked for: plan, magnet, teslameter.

    Raises
    ------
    InputError
        No calibration there, or a damaged one.
    """
    refuse_never_recorded(out, "calibration")
    meta = read_recording(out).meta
    if meta.get("kind") != "calibration":
        raise InputError(
            f"{out}: holds a recording, no calibration: go on with it by `twinrig record --resume`"
        )
    body: Any = meta.get("calibration")
    raise_problems(InputError, f"{out}: what was asked for", faults(body, ASKED))
    walked: dict[str, Any] = {key.name: body[key.name] for key in fields(CalibrationPlan)}
    return CalibrationPlan(**walked), str(body["magnet"]), str(body["teslameter"])


def to_go_on(bench: Bench, new: Asked, out: Path) -> Asked:
    """The same with what is kept in `out`; refused where that is another bench's.

    Raises
    ------
    RefusedError
        Another supply, probe, setting or limit than then; nothing is sent that energises.
    InputError
        No calibration in `out`, or a damaged one.
    """
    plan, magnet, teslameter = kept_plan(out)
    so_far = read_recording(out)
    problems = []
    if (magnet, teslameter) != (new.magnet.name, new.meter.name):
        problems.append(
            f"was of magnet {magnet} by {teslameter}, now {new.magnet.name} by {new.meter.name}"
        )
    going_on = replace(new, plan=plan)
    problems += _differences(so_far, _header(bench, going_on), new.magnet.name)
    raise_problems(RefusedError, f"{out} can't be continued", problems)
    done = so_far.complete[:, 0].tolist()
    if done != sorted(done, reverse=True):
        raise InputError(f"{out}: branches are missing in the middle: damaged; begin a new one")
    return replace(going_on, so_far=so_far)


def _differences(so_far: Recording, now: Recording, magnet: str) -> list[str]:
    """How supply, limits and probe differ from before; other instruments take no part."""
    names = (magnet, str(now.meta["calibration"]["teslameter"]))

    def of_both(tables: Mapping[str, Any]) -> dict[str, Any]:
        return {name: tables[name] for name in names if name in tables}

    limits = [each.meta.get("limits", {}).get(magnet, {}) for each in (so_far, now)]
    exact = [
        ("channels", so_far.channels, now.channels),
        ("branches", so_far.families, now.families),
        ("points", so_far.lengths, now.lengths),
        *members("window", vars(so_far.window), vars(now.window)),
        *members("identity of", of_both(so_far.identities), of_both(now.identities)),
        *members("limit", *limits),
    ]
    return apart(exact, of_both(so_far.settings), of_both(now.settings))


def writer_of(bench: Bench, new: Asked, out: Path) -> RecordingWriter:
    """The writer of a new calibration, or of one to go on with."""
    if new.so_far is None:
        header = _header(bench, new)
        header.meta["id"] = new_id("cal", out)
        return RecordingWriter(out, header)
    writer, _ = RecordingWriter.resume(out)
    writer.remark(f"continued {now_iso()} after it was {new.so_far.status}")
    return writer


def is_stored(out: Path) -> bool:
    """Whether the calibration in `out` has come to its end."""
    return file_at(folder_of(out) / FILE_NAME)


def last_point(new: Asked) -> tuple[float, float]:
    """Field and its error, in T, at the end of the last complete branch."""
    if new.so_far is None or not new.first:
        return math.nan, math.nan
    row = new.so_far.response[new.first - 1, 0, int(new.so_far.lengths[new.first - 1]) - 1]
    return float(row[CHANNELS.index("field")]), float(row[CHANNELS.index("error")])


def _settings(bench: Bench, magnet: LimitedMagnet, meter: Teslameter) -> dict[str, dict[str, Any]]:
    """Every instrument's settings; how a bench times its steps is none of a calibration's."""
    settings = bench.settings()
    settings[meter.name] = FieldProbe(meter.name, meter).settings()
    for key in ("timing", "gate_s"):
        settings[magnet.name].pop(key, None)
    return settings


def _header(bench: Bench, new: Asked) -> Recording:
    """The recording to come; drive 0…1 is the field by the bench file, from end to end."""
    magnet, meter, plan = new.magnet, new.meter, new.plan
    branches_A = plan.branches_A(magnet.limits)
    scale = magnet.limits.tesla_per_ampere
    top_T = float(branches_A[0][-1]) * abs(scale)
    lengths = np.array([branch.size for branch in branches_A], dtype=np.int64)
    count, longest = len(BRANCHES), int(lengths.max())
    drive = np.full((count, longest), np.nan)
    for row, branch_A in zip(drive, branches_A, strict=True):
        row[: branch_A.size] = np.clip((branch_A * scale / top_T + 1) / 2, 0.0, 1.0)
    return Recording(
        np.full((count, 1, longest, len(CHANNELS)), np.nan),
        drive,
        lengths,
        BRANCHES,
        np.full((count, 1), -1, dtype=np.int64),
        np.full((count, 1), np.nan),
        CHANNELS,
        UNITS,
        DriveWindow("step", -top_T, top_T, plan.settle_s),
        Reset(0.0),
        _settings(bench, magnet, meter),
        bench.identities(),
        "running",
        {
            "id": new_id("cal"),
            "created": now_iso(),
            "code_version": code_version(),
            "kind": "calibration",
            "bench": bench.spec.name,
            "limits": bench.spec.limits,
            "calibration": {"magnet": magnet.name, "teslameter": meter.name, **asdict(plan)},
            **bench.spec.asked_seed,
        },
    )

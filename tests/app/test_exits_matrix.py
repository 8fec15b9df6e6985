"""Every way out of a recording and of a deployment, at every moment: the rig ends safe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from exits_cases import (
    ACKNOWLEDGED_WITHIN_S,
    CASES,
    EXITS,
    MOMENTS,
    STOPS,
    Case,
    inject,
    operation_of,
    recording_in,
    right_error,
    true_statuses,
)
from exits_rig import exit_rig
from network_samples import saved_network

from app.store import load_network
from instruments.bench import Bench

if TYPE_CHECKING:
    from pathlib import Path

KINDS = ("record", "deploy")
SMALL = [(way_out, MOMENTS[(n * 3) % len(MOMENTS)]) for n, way_out in enumerate(EXITS[1:])]
TASK = "mackey-glass:train=300,validation=100,test=4,washout=2"


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of 2 + 2 nodes for the rig of this module."""
    folder = tmp_path_factory.mktemp("kept")
    with exit_rig() as rig, Bench.connect(rig.spec()) as bench:
        saved_network(bench, folder, task=TASK)
    return folder / "network"


def run_case(kind: str, way_out: str, moment: str, network: Path, out: Path) -> Case:
    """One case, judged on the wire, on disk and by the clock."""
    steps = 3 if kind == "record" else load_network(network).steps
    with exit_rig() as rig, pytest.MonkeyPatch.context() as monkeypatch:
        case = Case(rig, way_out, moment, steps)
        inject(monkeypatch, case)
        case.run(operation_of(kind, out, network))
        where = f"{kind}: {way_out} at {moment} ({case.error!r})"
        assert case.came_s or way_out == "done", f"{where}: the moment never came"
        assert rig.unsafe_ends() == [], where
    left = recording_in(out, kind)
    status = None if left is None else left.status
    assert status in true_statuses(case), f"{where}: {status}"
    assert right_error(case), where
    if left is not None:
        assert left.complete.sum() >= case.kept, where
        assert (left.status == "done") == bool(left.complete.all()), where
    if way_out in STOPS:
        assert case.ended_s - case.came_s < ACKNOWLEDGED_WITHIN_S, where
    return case


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("way_out", "moment"), SMALL)
def test_a_way_out_ends_safe(
    kind: str, way_out: str, moment: str, network: Path, tmp_path: Path
) -> None:
    run_case(kind, way_out, moment, network, tmp_path / "out")


@pytest.mark.full
def test_every_way_out_at_every_moment_ends_safe(network: Path, tmp_path: Path) -> None:
    slowest_s = 0.0
    for kind in KINDS:
        for number, (way_out, moment) in enumerate(CASES):
            case = run_case(kind, way_out, moment, network, tmp_path / f"{kind}-{number}")
            if way_out in STOPS:
                slowest_s = max(slowest_s, case.ended_s - case.came_s)
    print(  # noqa: T201
        f"\n{len(EXITS)} exits × {len(MOMENTS)} moments × {len(KINDS)} operations = "
        f"{len(CASES) * len(KINDS)} cases that exist, all safe; "
        f"slowest stop {slowest_s:.2f} s from request to the end"
    )

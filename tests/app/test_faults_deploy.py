"""A fault at a message of a deployment: the same promises as for a recording."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from fault_sweep import (
    NAMES,
    Outcome,
    cases_of,
    run_case,
    served_truth,
    sweep,
    table,
    wrong_repeats,
)
from fault_truth import Truth
from network_samples import saved_network

from app.operations.deploy import deploy
from app.store import load_network, read_recording
from instruments.bench import Bench
from instruments.bench_file import parse_bench
from instruments.virtual.faults import FaultScript
from models.errors import TwinrigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from app.operations.events import Event

EVERY = 997  # of all cases, in the usual run
EVERY_FULL = 31


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained network of 1 + 1 nodes for the served rig."""
    folder, truth = tmp_path_factory.mktemp("kept"), Truth()
    with (
        served_truth(FaultScript(), truth) as text,
        Bench.connect(parse_bench(text, "sweep")) as bench,
    ):
        saved_network(bench, folder, (1, 1))
    return folder / "network"


def deployed(network: Path, bench: Bench, out: Path) -> Iterator[Event]:
    return deploy(network, bench, out)


def judge(network: Path, outcome: Outcome, truth: Truth, out: Path) -> None:
    """The stored nodes against the rig's gates, their drives computed anew from what is stored."""
    with suppress(TwinrigError):
        nodes = read_recording(out / "nodes")
        drive = np.full_like(nodes.drive, np.nan)
        loaded = load_network(network)
        drive[0] = loaded.drive(0, loaded.inputs)[:, 0]
        if nodes.complete[0, 0]:
            drive[1] = loaded.drive(1, nodes.response[[0], 0].transpose(1, 0, 2))[:, 0]
        outcome.recorded = int(nodes.complete.sum())
        outcome.wrong = wrong_repeats(replace(nodes, drive=drive), truth)
        done = outcome.status == "done" or not outcome.error
        if (nodes.status == "done") != done and "COULD NOT BE MADE SAFE" not in outcome.error:
            outcome.problems.append(f"status in the file is {nodes.status!r}")
        return
    if not outcome.error:
        outcome.problems.append("no file and no error")


@pytest.fixture(scope="module")
def how(network: Path) -> dict[str, Any]:
    return {"operation": partial(deployed, network), "judge": partial(judge, network)}


@pytest.fixture(scope="module")
def counts(how: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    outcome = run_case("", "", 0, tmp_path_factory.mktemp("plain") / "d", **how)
    assert (outcome.problems, outcome.status, outcome.recorded) == ([], "done", 2)
    assert set(outcome.counts) == set(NAMES)
    return outcome.counts


def judged(outcomes: list[Outcome], title: str) -> None:
    longest = max(one.longest_gap for one in outcomes)
    print(f"\n{title}: {sum(one.happened for one in outcomes)} faults injected")  # noqa: T201
    print(f"{table(outcomes)}\nlongest wait for an event: {longest}")  # noqa: T201
    bad = [str(one) for one in outcomes if one.problems]
    assert not bad, "\n".join(bad)


def test_some_faults(how: dict[str, Any], counts: dict[str, int], tmp_path: Path) -> None:
    outcomes = [
        run_case(label, instrument, at, folder, **how)
        for label, instrument, at, folder, _ in cases_of(tmp_path, counts)[::EVERY]
    ]
    judged(outcomes, "deployment, a selection")


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_faults_all_over(how: dict[str, Any], counts: dict[str, int], tmp_path: Path) -> None:
    cases = cases_of(tmp_path, counts)[::EVERY_FULL]
    judged(sweep(cases, **how), f"deployment, every {EVERY_FULL}th of message × kind")

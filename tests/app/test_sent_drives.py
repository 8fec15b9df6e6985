"""Windows of what a network sends, and that a recording for a twin plays none of the test part."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from network_samples import run, saved_network, twin_of, value_of

from app.operations.adaptive_child import ChildTwins
from app.operations.adaptive_rounds import ForTwin, Rounds
from app.operations.events import RepeatRecorded
from app.operations.record_for_twin import record_for_twin
from app.operations.sent_drives import windows_sent
from app.operations.train import train
from app.store import load_network, save_network, save_twin
from models.errors import InputError, RefusedError
from models.sequence import SENT
from training.tasks import make_task

if TYPE_CHECKING:
    from pathlib import Path

    from instruments.bench import Bench

    Array = np.ndarray[Any, np.dtype[np.float64]]

TEST, FLAT = 3, 5.0
ASKED = ForTwin(
    budget=18, target=0.0, steps=6, repeats=2, first=6, growth=1.0, scoring=5, scoring_repeats=4,
    members=2, iterations=2, pool=8,
)  # fmt: skip


def unlike_its_test_part(bench: Bench, folder: Path) -> Path:
    """A network whose task stands still in its test part alone: what is sent there shows it."""
    save_twin(folder / "twin", twin_of(bench))
    part = np.repeat([0, 1, 2, 0, TEST], [40, 400, 100, 20, 200])
    inputs = np.random.default_rng(0).normal(size=len(part))
    inputs[part == TEST] = FLAT
    targets = np.random.default_rng(1).normal(size=len(part))
    np.savez(folder / "own.npz", inputs=inputs, targets=targets, part=part)
    head = {"name": "own", "inputs": "own.npz:inputs", "targets": "own.npz:targets",
            "part": "own.npz:part", "washout": 20}  # fmt: skip
    (folder / "own.json").write_text(json.dumps(head))
    task = f"file:{folder / 'own.json'}"
    run(train(task, [folder / "twin"], (3,), folder / "network", iterations=0))
    return folder / "network"


def moves(drives: list[Array]) -> float:
    """The smallest share of a window's steps that differ from the one before."""
    return float(min((np.diff(drive) != 0).mean() for drive in drives))


def test_they_are_what_the_nodes_send_over_the_training_part(bench: Bench, tmp_path: Path) -> None:
    folder = saved_network(bench, tmp_path)
    network = load_network(folder)
    task = make_task(str(network.meta["task"]))
    end = int(np.flatnonzero(task.train)[-1]) + 1
    first = network.layers[0]
    standard = (task.inputs[:end] - network.feature_mean[:1]) / network.feature_scale[:1]
    free = (standard @ first.weights.T + first.biases) / 4 + 0.5
    drives = first.drive_low + (first.drive_high - first.drive_low) * np.clip(free, 0, 1)
    windows = value_of(windows_sent(folder, 50, [0], 0))
    each = len(windows) // network.nodes
    assert len(windows) == network.nodes * each
    assert each == end // 50
    for node in range(first.nodes):  # the first layer's have no noise
        own = np.array(windows[node * each : (node + 1) * each])
        assert own == pytest.approx(drives[: 50 * each, node].reshape(each, 50), abs=1e-5)


def test_none_holds_a_step_of_the_test_part(bench: Bench, tmp_path: Path) -> None:
    windows = value_of(windows_sent(unlike_its_test_part(bench, tmp_path), 40, [0], 0))
    assert len(windows) == 3 * 400 // 40  # each with a step that is trained on
    assert moves(windows) > 0.5


def test_a_recording_for_a_twin_plays_no_drive_of_the_test_part(
    bench: Bench, tmp_path: Path
) -> None:
    """Once it played drives of this part alone: twins were fitted on what a deployment plays."""
    asked = replace(ASKED, network=str(unlike_its_test_part(bench, tmp_path)))
    list(record_for_twin(bench, tmp_path / "run", asked))
    rounds = Rounds.load(tmp_path / "run").rounds
    sent = [s.drive for r in rounds for s in r.sequences if s.family == SENT]
    assert [sum(s.family == SENT for s in r.sequences) for r in rounds] == [1, 3, 1]
    assert moves(sent) > 0.2  # of the test part's, whose network has one layer, none does


def test_only_the_nodes_of_the_devices_that_are_asked_for(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.operations.sent_drives.PASSES", 1)
    network = load_network(saved_network(bench, tmp_path))
    folder = tmp_path / "both"
    other = replace(network.devices[0], bench="another")
    layers = (network.layers[0], replace(network.layers[1], device=1))
    save_network(folder, replace(network, devices=(*network.devices, other), layers=layers))
    first, second, both = (value_of(windows_sent(folder, 50, on, 0)) for on in ([0], [1], [0, 1]))
    assert len(first) == len(second) == len(both) // 2
    assert np.array_equal(first[0], both[0])
    assert np.array_equal(second[-1], both[-1])


def test_a_training_part_shorter_than_a_sequence_is_refused_before_anything_runs(
    bench: Bench, tmp_path: Path
) -> None:
    asked = replace(ASKED, steps=5000, network=str(saved_network(bench, tmp_path)))
    with pytest.raises(InputError, match="no stretch of 5000 steps"):
        list(record_for_twin(bench, tmp_path / "run", asked))
    assert not (tmp_path / "run").exists()


def test_a_task_that_gives_other_data_by_now_is_refused_before_anything_runs(
    bench: Bench, tmp_path: Path
) -> None:
    folder = unlike_its_test_part(bench, tmp_path)
    (tmp_path / "own.npz").unlink()
    with pytest.raises((InputError, RefusedError), match=r"own\.npz"):
        list(record_for_twin(bench, tmp_path / "run", replace(ASKED, network=str(folder))))
    assert not (tmp_path / "run").exists()


def test_a_child_process_draws_the_same_and_a_resumed_run_scores_on_none_that_it_fits(
    bench: Bench, tmp_path: Path
) -> None:
    asked = replace(ASKED, network=str(saved_network(bench, tmp_path)))
    events = record_for_twin(bench, tmp_path / "apart", asked, twins=ChildTwins)
    for event in events:
        if isinstance(event, RepeatRecorded):
            break
    events.close()
    list(record_for_twin(bench, tmp_path / "apart", resume=True))
    list(record_for_twin(bench, tmp_path / "here", asked))
    apart, here = (Rounds.load(tmp_path / name).rounds for name in ("apart", "here"))
    for one, other in zip(apart[:2], here[:2], strict=True):
        for a, b in zip(one.sequences, other.sequences, strict=True):
            assert np.array_equal(a.drive, b.drive)
    scoring = [s.drive for s in apart[0].sequences if s.family == SENT]
    fitted = [s.drive for r in apart[1:] for s in r.sequences if s.family == SENT]
    assert scoring
    assert not any(np.abs(a - b).max() < 1e-3 for a in scoring for b in fitted)

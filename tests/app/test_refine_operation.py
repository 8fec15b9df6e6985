from __future__ import annotations

import json
import shutil
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from network_samples import run, saved_network, value_of
from recorded import is_safe
from transfer_samples import kept_network

from app.operations.events import Note, RepeatRecorded
from app.operations.refine import Refinement, refine
from app.operations.train import train
from app.operations.transfer_parts import in_here
from app.report.run import build_page, find_artefacts
from app.store import load_network, load_twin, read_recording
from instruments.bench import Bench
from instruments.bench_file import read_bench
from models.errors import InputError
from training.tasks import make_task

if TYPE_CHECKING:
    from pathlib import Path

TINY = Refinement(1, 6, 4, 2, 4, fit_iterations=12, train_iterations=6)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kept")
    with Bench.connect(read_bench("virtual")) as connected:
        kept_network(connected, folder)
    return folder


def test_a_round_measures_what_the_network_sends_refits_the_twin_and_retrains(
    bench: Bench, kept: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    events, path = run(refine(kept / "network", bench, out, TINY, apart=in_here))
    values, made = events[-1].values, load_network(path)
    assert is_safe(bench)
    row = values["rounds"]["round 1"]
    assert values["hardware_runs"] == row["hardware_runs"] == 6 * 4 + 2 * 4
    assert made.meta["hardware_runs"] == 32
    errors = row["twin_errors"]["twin"]
    assert errors["floor"] > 0
    assert values["predicted"] == made.predicted
    assert any("round 1: the twin's mean error" in e.text for e in events if isinstance(e, Note))

    recording = read_recording(out / "round-1" / "recording")
    assert set(recording.families) == {"network"}
    assert recording.drive.shape == (6, 40)  # as long as the twin's sequences
    twin = load_twin(out / "round-1" / "twin")
    fitted_on = [parent["path"] for parent in twin.meta["parents"]]
    assert fitted_on == [
        str(kept / "recording" / "recording.nc"),
        str(out / "round-1" / "recording" / "recording.nc"),
    ]  # what scores is not among them
    assert made.twins[0].id == twin.meta["id"]
    before = load_twin(kept / "twin").weights  # twelve iterations may find nothing better
    kept_weights = all(np.array_equal(twin.weights[k], before[k]) for k in before)
    assert (errors["after"] == errors["before"]) == kept_weights
    assert made.meta["options"]["origin"] == str(kept / "network" / "network.json")


def test_pieces_may_be_longer_than_the_twins_sequences(
    bench: Bench, kept: Path, tmp_path: Path
) -> None:
    """What builds up along a run is in none that is as short as those; both are fitted then."""
    asked = replace(TINY, rounds=2, piece_steps=70)
    events, path = run(refine(kept / "network", bench, tmp_path / "out", asked, apart=in_here))
    assert is_safe(bench)
    assert events[-1].values["hardware_runs"] == 2 * 32
    for number in (1, 2):
        folder = tmp_path / "out" / f"round-{number}"
        assert read_recording(folder / "recording").drive.shape == (6, 70)
        assert read_recording(folder / "scoring").drive.shape == (2, 70)
    twin = load_twin(tmp_path / "out" / "round-2" / "twin")
    assert len(twin.meta["parents"]) == 3
    assert np.isfinite(load_network(path).predicted["value"])


def test_the_pieces_are_drives_of_the_training_part(kept: Path, tmp_path: Path) -> None:
    from app.operations.sent_drives import pieces_sent

    pieces = value_of(pieces_sent(kept / "network", 6, 2, 40, 0))
    network = load_network(kept / "network")
    first = network.layers[0]
    task = make_task(str(network.meta["task"]))
    known = task.inputs[: int(np.flatnonzero(task.train)[-1]) + 1]
    standard = (known - network.feature_mean[:1]) / network.feature_scale[:1]
    free = (standard @ first.weights.T + first.biases) / 4 + 0.5
    drives = first.drive_low + (first.drive_high - first.drive_low) * np.clip(free, 0, 1)
    windows = [
        drives[k : k + 40, node] for k in range(len(drives) - 39) for node in range(first.nodes)
    ]
    found = sum(any(np.abs(piece - w).max() < 1e-5 for w in windows) for piece in pieces)
    assert found == 4  # two of four nodes stand in the first layer, whose drives have no noise


def test_what_scores_has_no_step_of_a_node_that_was_fitted(kept: Path) -> None:
    """Of a small network a fifth of it had: the refitted twin was judged by what it knew."""
    from app.operations.sent_drives import pieces_sent

    def steps_of(pieces: list[np.ndarray]) -> set[tuple[float, float]]:
        return {two for piece in pieces for two in pairwise(piece.tolist()) if two[0] != two[1]}

    def common(fitted: int, scoring: int, seed: int) -> int:
        pieces = value_of(pieces_sent(kept / "network", fitted, scoring, 40, seed))
        return len(steps_of(pieces[:fitted]) & steps_of(pieces[fitted:]))

    assert [common(20, 12, seed) for seed in range(3)] == [0, 0, 0]
    told = [e for e in pieces_sent(kept / "network", 200, 12, 40, 0) if isinstance(e, Note)]
    assert "have steps in common with fitted ones" in told[-1].text
    assert told[-1].level == "warning"


def test_no_piece_holds_a_test_step(kept: Path, tmp_path: Path) -> None:
    """Flat inputs in the test part alone: a piece of its drives would show them."""
    from app.operations.sent_drives import pieces_sent

    part = np.repeat([0, 1, 2, 0, 3], [40, 300, 100, 20, 400])
    inputs = np.random.default_rng(0).normal(size=len(part))
    inputs[part == 3] = 5.0
    targets = np.random.default_rng(1).normal(size=len(part))
    np.savez(tmp_path / "own.npz", inputs=inputs, targets=targets, part=part)
    head = {"name": "own", "inputs": "own.npz:inputs", "targets": "own.npz:targets",
            "part": "own.npz:part", "washout": 20}  # fmt: skip
    (tmp_path / "own.json").write_text(json.dumps(head))
    task = f"file:{tmp_path / 'own.json'}"
    run(train(task, [kept / "twin"], (2,), tmp_path / "network", iterations=0))
    pieces = np.array(value_of(pieces_sent(tmp_path / "network", 50, 10, 40, 0)))
    assert (np.diff(pieces, axis=1) != 0).mean(axis=1).min() > 0.5


def test_a_stopped_round_leaves_the_rig_safe_and_goes_on_with_the_same_drives(
    bench: Bench, kept: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    events = refine(kept / "network", bench, out, TINY, apart=in_here)
    while not isinstance(next(events), RepeatRecorded):
        pass
    events.close()
    assert is_safe(bench)
    drives = json.loads((out / "round-1" / "drives.json").read_text())["drives"]
    *_, page = build_page(find_artefacts(out), tmp_path / "page")
    assert page.lead[0] == (  # its parts were reported as if they were all of it
        "This run has no result yet; go on with: twinrig refine --bench B.toml --resume " + str(out)
    )
    resumed, _ = run(refine(None, bench, out, resume=True, apart=in_here))
    *_, page = build_page(find_artefacts(out), tmp_path / "page")
    assert not any("no result yet" in words for words in page.lead)
    assert sum(isinstance(e, RepeatRecorded) for e in resumed) == 31
    assert json.loads((out / "round-1" / "drives.json").read_text())["drives"] == drives
    assert resumed[-1].values["hardware_runs"] == 32


def test_a_twin_without_its_recordings_is_refused_before_anything_runs(
    bench: Bench, tmp_path: Path
) -> None:
    saved_network(bench, tmp_path)
    events = refine(tmp_path / "network", bench, tmp_path / "out", TINY, apart=in_here)
    with pytest.raises(InputError, match="names no recording"):
        list(events)
    assert not (tmp_path / "out").exists()


def test_a_recording_that_is_gone_is_named(bench: Bench, kept: Path, tmp_path: Path) -> None:
    shutil.move(kept / "recording", kept / "moved")
    try:
        with pytest.raises(InputError, match="of its twin is gone"):
            list(refine(kept / "network", bench, tmp_path / "out", TINY, apart=in_here))
    finally:
        shutil.move(kept / "moved", kept / "recording")


def test_a_library_that_moved_as_a_whole_has_its_recordings(kept: Path, tmp_path: Path) -> None:
    from app.operations.refine_torch import twins_known

    moved = shutil.copytree(kept, tmp_path / "moved")
    shutil.move(kept / "recording", kept / "elsewhere")
    shutil.move(kept / "twin", kept / "other")
    try:
        (twin,) = value_of(twins_known(moved / "network")).twins
        assert twin.recordings == (moved / "recording",)
        with (moved / "recording" / "recording.nc").open("ab") as file:
            file.write(b"more")
        with pytest.raises(InputError, match="is gone, or has changed: put it back"):
            list(twins_known(moved / "network"))
    finally:
        shutil.move(kept / "elsewhere", kept / "recording")
        shutil.move(kept / "other", kept / "twin")


def test_numbers_that_make_no_round_are_refused_together() -> None:
    with pytest.raises(InputError, match="rounds = 0") as refused:
        Refinement(rounds=0, repeats=1)
    assert "repeats = 1 must be at least 4" in str(refused.value)

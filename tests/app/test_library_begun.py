"""Runs that ended early stand in the Library, with the command that goes on with each."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from artefact_samples import full, twin
from fit_device import record_device

from app.fit_checkpoint import FILE_NAME, load_checkpoint, save_checkpoint
from app.library.index import Index, lineage
from app.library.library import Library
from app.operations.fit import fit
from app.operations.learning_events import FitProgress, TwinCompared
from app.operations.transfer_parts import save_plan
from app.owner import Owner
from app.report.run import build_page, find_artefacts
from app.store import save_twin, write_recording

if TYPE_CHECKING:
    from pathlib import Path

    from app.library.index import Entry


def read(folder: Path) -> dict[str, Entry]:
    """Entries by id."""
    return {entry.id: entry for entry in Index(Library(folder)).read()}


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording and a fit of it that was stopped."""
    made = tmp_path_factory.mktemp("library")
    write_recording(made / "rec-1", record_device(8, 6, seed=1, steps=10))
    running = fit([made / "rec-1"], made / "twin-night")
    while not isinstance(next(running), FitProgress):
        pass
    running.close()
    return made


def test_a_stopped_fit_is_found_by_its_folder_under_its_recording(stopped: Path) -> None:
    entries = Index(Library(stopped)).read()
    assert [(depth, e.artefact.path.name) for depth, e in lineage(entries)] == [
        (0, "rec-1"),
        (1, "twin-night"),
    ]
    begun = entries[[e.id for e in entries].index("twin-night")]
    assert (begun.kind, begun.problem) == ("begun", "")
    assert begun.facts.status == "stopped, goes on by twinrig fit --resume"
    command = f"twinrig fit --resume {stopped / 'twin-night'}"
    assert dict(begun.facts.rows)["Goes on by"] == command
    assert begun.facts.title.startswith("fit, energy, iteration")
    assert "not finished" in begun.words


def test_one_that_runs_is_not_called_stopped(stopped: Path) -> None:
    lock = stopped / "twin-night" / "run.lock"
    lock.write_text(json.dumps(Owner.here().to_json()))
    assert read(stopped)["twin-night"].facts.status == "running"
    lock.write_text(json.dumps(replace(Owner.here(), started="before").to_json()))
    assert read(stopped)["twin-night"].facts.status.startswith("stopped")
    lock.unlink()


def test_a_training_a_deployment_and_a_polishing_say_how_each_goes_on(tmp_path: Path) -> None:
    save_twin(tmp_path / "twin-1", twin())
    numbers = {"kind": "training", "iteration": 30, "request": {
        "task": "narma:n=5", "twins": [str(tmp_path / "twin-1" / "twin.json")], "layers": [4, 2],
    }}  # fmt: skip
    (tmp_path / "net-1").mkdir()
    save_checkpoint(tmp_path / "net-1", {}, numbers)
    nodes = replace(full(), status="stopped")
    nodes.meta["network"] = str(tmp_path / "net-0" / "network.json")
    write_recording(tmp_path / "dep-1" / "nodes", nodes)
    (tmp_path / "pol-1").mkdir()
    save_plan(tmp_path / "pol-1", "polish", {"network": "/x/net-0/network.json", "asked": {}})
    by_id = read(tmp_path)
    verbs = {name: e.facts.form.get("verb") for name, e in by_id.items() if e.kind == "begun"}
    assert verbs == {"net-1": "train", "dep-1": "deploy", "pol-1": "polish"}
    assert by_id["net-1"].facts.title == "train, narma:n=5, 4,2, iteration 30"
    assert by_id["net-1"].made_from == (twin().meta.get("id", "twin-1"),)
    assert by_id["dep-1"].missing == ("net-0",)
    assert "twinrig deploy --bench B.toml --resume" in dict(by_id["dep-1"].facts.rows)["Goes on by"]
    assert not [e.problem for e in by_id.values() if e.problem]


def test_what_a_kill_left_of_a_snapshot_is_no_twin_of_the_library(stopped: Path) -> None:
    """It is hidden, in the moment in which the snapshot takes another one's place."""
    before = read(stopped).keys()
    left = stopped / "twin-night" / ".so-far.old"
    save_twin(left, twin())
    try:
        assert read(stopped).keys() == before
    finally:
        shutil.rmtree(left)


def test_a_damaged_checkpoint_is_told_as_such(stopped: Path, tmp_path: Path) -> None:
    content = (stopped / "twin-night" / FILE_NAME).read_bytes()
    (tmp_path / "twin-2").mkdir()
    (tmp_path / "twin-2" / FILE_NAME).write_bytes(content[:-9])
    assert "damaged" in read(tmp_path)["twin-2"].problem


def test_a_finished_one_and_parts_of_one_are_not_called_begun(
    stopped: Path, tmp_path: Path
) -> None:
    (tmp_path / "pol-1").mkdir()
    save_plan(tmp_path / "pol-1", "polish", {"network": "x", "result": {"status": "done"}})
    arrays, numbers = load_checkpoint(stopped / "twin-night")
    (tmp_path / "demo" / "twin").mkdir(parents=True)
    save_checkpoint(tmp_path / "demo" / "twin", arrays, numbers)
    assert read(tmp_path) == {}


def test_a_comparison_that_was_stopped_says_how_far_it_is_and_how_it_goes_on(
    stopped: Path,
) -> None:
    from app.operations.compare_twins import compare_twins

    out = stopped / "comparison-1"
    pair = ("energy", "mean")
    running = compare_twins([stopped / "rec-1"], out, objectives=pair, minutes=0.02, seeds=1)
    while not isinstance(next(running), TwinCompared):
        pass
    running.close()
    entry = read(stopped)["comparison-1"]
    assert (entry.kind, entry.facts.status, entry.problem) == ("cmp", "1 of 2 fitted", "")
    goes_on = f"twinrig compare-twins --resume {out}"
    assert dict(entry.facts.rows)["Goes on by"] == goes_on
    *_, page = build_page(find_artefacts(out), out / "report")
    assert page.lead[0] == f"This run has no result yet; go on with: {goes_on}"

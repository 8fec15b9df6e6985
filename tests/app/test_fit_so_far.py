"""While a fit goes on, its best snapshot is a twin on disk that every command can use."""

from __future__ import annotations

import json
from contextlib import suppress

import numpy as np
import pytest
from fit_device import record_device

from app.cli.main import main
from app.operations.evaluate import evaluate
from app.operations.events import Note, Result
from app.operations.fit import fit
from app.operations.learning_events import FitProgress
from app.operations.simulate import simulate
from app.operations.train import train
from app.recording_marks import left_out
from app.store import load_twin, read_recording, write_recording
from app.weights_store import SO_FAR
from models.errors import InputError
from models.sequence import make_sequences
from training.fit_settings import MEAN_SHARE

SMALL = {"latent": 4, "hidden": 16}


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    folder = tmp_path_factory.mktemp("so-far")
    write_recording(folder / "rec", record_device(20, 4, seed=1))
    events = fit([folder / "rec"], folder / "twin", iterations=400, **SMALL)
    for event in events:
        if isinstance(event, FitProgress) and event.validation is not None:
            break
    events.close()
    return folder


def warnings(events):
    return [e.text for e in events if isinstance(e, Note) and e.level == "warning"]


def test_a_stopped_fit_leaves_a_twin_that_says_how_far_it_was(stopped):
    assert not (stopped / "twin" / "twin.json").exists()
    twin = load_twin(stopped / "twin" / SO_FAR)
    unfinished = twin.meta["unfinished"]
    assert 0 < unfinished["iteration"] < unfinished["of"] == 400
    mean_only = MEAN_SHARE * 400  # when it was stopped, the machine says
    assert unfinished["phase"] == (
        "mean only" if unfinished["iteration"] <= mean_only else "mean and noise"
    )
    assert twin.errors == {}
    assert twin.meta["held_out"]["test"]


def test_it_is_simulated_and_evaluated_with_a_warning(stopped, tmp_path):
    place = stopped / "twin" / SO_FAR
    events = list(simulate(place, make_sequences("mixed", 2, 30, 5), 3, tmp_path / "made"))
    assert "this twin is unfinished" in warnings(events)[0]
    assert np.isfinite(read_recording(tmp_path / "made").response).all()
    events = list(evaluate(place, stopped / "rec"))
    assert "this twin is unfinished" in warnings(events)[0]
    assert isinstance(events[-1], Result)
    assert "held out of the fit" in events[-1].values["scored_on"]


def test_held_out_repeats_with_a_gap_are_not_counted_as_scored(stopped, tmp_path):
    """They were, and the refusal then counted without them."""
    place = stopped / "twin" / SO_FAR
    first, *others = load_twin(place).meta["held_out"]["test"]
    known = read_recording(stopped / "rec")
    said = []
    for which in ([], [first], [first, *others]):
        folder = tmp_path / f"rec{len(which)}"
        write_recording(folder, left_out(known, known.order[which, 1]))  # as import does with gaps
        with suppress(InputError):  # the last one has too few
            for event in evaluate(place, folder):
                said += [event.text] if "held out" in getattr(event, "text", "") else []
    sizes = [
        text.partition(" of this recording")[0].removeprefix("scored on the ") for text in said
    ]
    whole = 1 + len(others)  # one with three is not scored beside others with four
    assert sizes == [
        f"{whole} sequences × 4 repeats", f"{len(others)} sequences × 4 repeats",
        f"{whole} sequences × 3 repeats",
    ]  # fmt: skip


def test_a_network_is_trained_with_it_with_a_warning(stopped, tmp_path):
    place = stopped / "twin" / SO_FAR
    events = list(train("mackey-glass", [place], (2,), tmp_path / "network", iterations=0))
    assert "this twin is unfinished" in warnings(events)[0]
    assert isinstance(events[-1], Result)


def test_the_finished_twin_takes_its_place(stopped, tmp_path):
    write_recording(tmp_path / "rec", record_device(12, 4, seed=5))
    seen = []
    for event in fit([tmp_path / "rec"], tmp_path / "twin", iterations=40, **SMALL):
        seen.append((type(event), (tmp_path / "twin" / SO_FAR / "twin.json").is_file()))
    assert (FitProgress, True) in seen
    assert sorted(p.name for p in (tmp_path / "twin").iterdir()) == [
        "twin.json", "weights.safetensors",
    ]  # fmt: skip
    assert "unfinished" not in load_twin(tmp_path / "twin").meta


def test_help_says_where_it_is(capsys):
    with pytest.raises(SystemExit):
        main(["fit", "--help"])
    assert "OUT/so-far" in " ".join(capsys.readouterr().out.split())


def test_a_twin_that_is_just_being_replaced_is_read_again(stopped, tmp_path, monkeypatch):
    import shutil

    from app import weights_store

    place = tmp_path / SO_FAR
    shutil.copytree(stopped / "twin" / SO_FAR, place)
    old = json.loads((place / "twin.json").read_text())
    shutil.move(tmp_path / SO_FAR, tmp_path / "old")
    monkeypatch.setattr(weights_store.time, "sleep", lambda _: shutil.move(tmp_path / "old", place))
    assert load_twin(place).meta["id"] == old["meta"]["id"]

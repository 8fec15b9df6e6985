"""A twin's structure is chosen by its score on validation sequences, in a share of the budget."""

from __future__ import annotations

import json

import numpy as np
import pytest
from fit_device import record_device

from app.cli.main import main
from app.cli.words import words_of
from app.fit_checkpoint import load_checkpoint
from app.operations.events import Note, Progress, Result
from app.operations.fit import fit
from app.operations.fit_input import FitInput
from app.operations.learning_events import CandidateScored, FitProgress
from app.operations.report import report
from app.store import load_twin, write_recording
from app.weights_store import SO_FAR
from models.errors import InputError
from training.fit import Fit
from training.structure import Candidate, Search

GOOD, OTHER, CRIPPLED = Candidate(4, 16), Candidate(4, 24), Candidate(1, 1)
GRID = (CRIPPLED, OTHER, GOOD)
ITERATIONS = 400


@pytest.fixture(scope="module")
def device(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recordings")
    write_recording(folder / "rec", record_device(40, 4, seed=1))
    return folder / "rec"


@pytest.fixture(scope="module")
def found(device, tmp_path_factory):
    out = tmp_path_factory.mktemp("twins") / "twin"
    read, part_of = [], FitInput.part

    def part(self, name):
        read.append((name, len(told)))
        return part_of(self, name)

    told = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FitInput, "part", part)
        for event in fit([device], out, iterations=ITERATIONS, search=GRID):
            told.append(event)
    return out, told, read


def test_a_crippled_candidate_loses(found):
    out, events, _ = found
    scored = [e for e in events if isinstance(e, CandidateScored)]
    assert [(e.latent, e.hidden) for e in scored[:3]] == [(1, 1), (4, 24), (4, 16)]
    assert (1, 1) not in {(e.latent, e.hidden) for e in scored if e.rung == 2}
    worst = max((e for e in scored if e.rung == 1), key=lambda e: e.score)
    assert (worst.latent, worst.hidden) == (1, 1)
    twin = load_twin(out)
    assert twin.latent == 4
    assert events[-1].values["structure"] == {
        "latent": 4, "hidden": twin.hidden, "head": 0,
    }  # fmt: skip
    assert twin.meta["iterations"] == round(0.6 * ITERATIONS)
    (again,) = fit([], out, resume=True)
    assert again.values == events[-1].values


def test_no_candidate_sees_the_sequences_that_the_twin_is_scored_on(found):
    out, events, read = found
    last = max(n for n, e in enumerate(events) if isinstance(e, CandidateScored))
    assert {name for name, told in read if told <= last} == {"training", "validation"}
    held_out = load_twin(out).meta["held_out"]
    test = set(held_out["test"])
    assert test
    assert not test & {*held_out["training"], *held_out["validation"]}
    search = Search.from_json(load_twin(out).meta["search"])
    assert {len(t.scores) for t in search.tried} == {len(held_out["validation"])}


def test_the_table_is_told_row_by_row_with_the_time_left_and_kept_in_the_twin(found):
    out, events, _ = found
    rows = [words_of(e) for e in events if isinstance(e, CandidateScored)]
    assert rows[0].startswith("rung 1 of 2:   1 latent states,    1 hidden units, linear read-out:")
    assert "energy score" in rows[0]
    progress = [e for e in events if isinstance(e, Progress)]
    assert [e.done for e in progress] == [1, 2, 3, 4, 5]
    assert progress[-1].remaining_s == 0
    assert progress[0].remaining_s > 0
    search = Search.from_json(load_twin(out).meta["search"])
    assert search.candidates == GRID
    assert len(search.tried) == 5
    json.dumps(events[-1].values, allow_nan=False)


def test_the_report_shows_the_table(found, tmp_path):
    list(report(found[0], tmp_path / "report"))
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert "Structures tried" in page
    assert "<td>1</td>" in page
    assert "--search" in page


def test_a_stopped_search_keeps_its_best_twin_and_goes_on_with_what_is_not_scored(device, tmp_path):
    out = tmp_path / "twin"
    events = fit([device], out, iterations=60, search=GRID)
    first = [e for e in _until(events, CandidateScored, 2) if isinstance(e, CandidateScored)]
    events.close()
    kept = load_checkpoint(out)[1]
    assert kept["held_out"]["test"]  # what is scored in the end has chosen no structure
    known = Search.from_json(kept["search"])
    assert [t.candidate for t in known.tried] == [CRIPPLED, OTHER]
    best = load_twin(out / SO_FAR)
    assert (best.latent, best.hidden) == (known.best.candidate.latent, known.best.candidate.hidden)
    assert "a candidate of the search" in best.meta["unfinished"]["phase"]
    rest = list(fit([], out, resume=True))
    again = [e for e in rest if isinstance(e, CandidateScored)]
    assert len(first) + len(again) == 5
    assert (again[0].latent, again[0].hidden) == (4, 16)
    assert isinstance(rest[-1], Result)
    assert not (out / SO_FAR).exists()
    whole = list(fit([device], tmp_path / "whole", iterations=60, search=GRID))
    assert rest[-1].values["errors"] == whole[-1].values["errors"]


def test_a_fit_that_was_chosen_goes_on_without_a_second_search(device, tmp_path):
    out = tmp_path / "twin"
    events = fit([device], out, iterations=60, search=GRID)
    _until(events, CandidateScored, 5)
    _until(events, FitProgress, 1)
    events.close()
    assert "iteration" in load_checkpoint(out)[1]
    rest = list(fit([], out, resume=True))
    assert not [e for e in rest if isinstance(e, CandidateScored)]
    assert len(load_twin(out).meta["search"]["tried"]) == 5


def test_a_candidate_that_diverges_is_a_row_that_says_so(device, tmp_path, monkeypatch):
    import torch

    step = Fit._step

    def diverging(self):
        if self.settings.hidden == 24:
            with torch.no_grad():
                self.model.decoder.fill_(float("nan"))
        return step(self)

    monkeypatch.setattr(Fit, "_step", diverging)
    events = list(fit([device], tmp_path / "twin", iterations=60, search=GRID))
    row = next(e for e in events if isinstance(e, CandidateScored) and e.hidden == 24)
    assert row.score is None
    assert "the loss is nan" in row.problem
    assert "failed: fit: the loss" in words_of(row)
    assert load_twin(tmp_path / "twin").hidden != 24


def test_what_has_no_structure_to_choose_is_refused(device, found, tmp_path):
    with pytest.raises(InputError, match="published structure"):
        list(fit([device], tmp_path / "out", objective="published", search=True))
    with pytest.raises(InputError, match="structure of that twin stays"):
        list(fit([device], tmp_path / "out", origin=found[0], search=True))
    assert not (tmp_path / "out").exists()


def test_too_few_iterations_to_tell_are_said(device, tmp_path):
    events = fit([device], tmp_path / "out", iterations=500, search=GRID)
    notes = [e.text for e in _until(events, Progress, 1) if isinstance(e, Note)]
    events.close()
    assert any("too few to tell much" in text for text in notes)


def test_the_command_line_searches_the_default_grid(device, tmp_path, capsys):
    code = main(
        ["fit", str(device), "--out", str(tmp_path / "out"), "--search", "--iterations", "40",
         "--json"]
    )  # fmt: skip
    assert code == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    rows = [line for line in lines if line["event"] == "candidatescored"]
    assert len(rows) == 11
    assert np.isfinite([row["score"] for row in rows]).all()
    assert lines[-1]["structure"]["latent"] in (4, 8, 16)


def _until(events, kind, count):
    taken = []
    while sum(isinstance(e, kind) for e in taken) < count:
        taken.append(next(events))
    return taken

"""What a fit refuses to know: a deployment's drives, and the round of a recording that scores."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from fit_device import record_device
from network_samples import run, saved_network

from app.operations.adaptive_rounds import SCORING, ForTwin, Rounds
from app.operations.deploy import deploy
from app.operations.evaluate import known_drives
from app.operations.fit import fit
from app.operations.fit_input import FitInput
from app.operations.record_for_twin import record_for_twin
from app.operations.scoring_round import scoring_of
from app.store import load_twin, read_recording, write_recording
from models.errors import InputError
from training.alike_drives import alike, played_before
from training.validation import hold_out

if TYPE_CHECKING:
    from pathlib import Path

    from instruments.bench import Bench

TINY = ForTwin(
    budget=36, target=0.0, steps=6, repeats=6, first=4, scoring=4, members=2, iterations=2, pool=8
)


def test_what_only_scores_is_the_test_part_of_every_fit(bench: Bench, tmp_path: Path) -> None:
    """With its usual repeats, and with more of the others than half as many."""
    assert ForTwin().scoring_repeats == TINY.scoring_repeats == 8
    list(record_for_twin(bench, tmp_path / "run", TINY))
    source = FitInput.read([tmp_path / "run"], seed=0, deterministic=False)
    rounds = Rounds.load(tmp_path / "run").rounds
    assert rounds[0].what == SCORING
    assert source.parts.test.tolist() == [0, 1, 2, 3]
    assert source.unscorable() == ""
    assert "a little worse" not in source.parts.note  # it ended at its budget
    write_recording(tmp_path / "more", record_device(3, 2, seed=1, steps=6))
    both = read_recording(tmp_path / "run"), read_recording(tmp_path / "more")
    assert [scoring_of(one)[0].sum() for one in both] == [4, 0]


@pytest.mark.parametrize(
    ("target", "scores", "ended"),
    [
        (1.25, [{}, {"worst": 2.0}, {"worst": 1.2}], True),
        (1.25, [{}, {"worst": 1.2}], False),  # one look chooses nothing
        (1.25, [{}, {"worst": 2.0}, {"worst": 1.5}], False),
        (0.0, [{}, {"worst": 2.0}, {"worst": 1.2}], False),
    ],
)
def test_it_says_whether_the_recording_ended_because_of_what_scores(target, scores, ended) -> None:
    one = record_device(len(scores), 2, seed=1, steps=6)
    rounds = [
        {"what": "chosen" if k else SCORING, "sequences": 1, "scores": row}
        for k, row in enumerate(scores)
    ]
    known = {"asked": {"target": target}, "rounds": rounds}
    scoring, chose = scoring_of(replace(one, meta={**one.meta, "for_twin": known}))
    assert scoring.tolist() == [True, *[False] * (len(scores) - 1)]
    assert chose is ended


@pytest.mark.parametrize(
    "known",
    [
        "no",
        {},
        {"rounds": 3},
        {"rounds": [3]},
        {"rounds": [{"what": SCORING, "sequences": 99}]},
        {"asked": {"target": 1.25}, "rounds": [{"what": SCORING, "sequences": 99}]},
        {"asked": "much", "rounds": [{"what": SCORING, "sequences": 2}]},
    ],
)
def test_rounds_that_are_none_score_nothing(known) -> None:
    one = record_device(2, 2, seed=1, steps=6)
    assert not scoring_of(replace(one, meta={"for_twin": known}))[0].any()


def test_what_a_deployment_played_is_not_fitted(bench: Bench, tmp_path: Path) -> None:
    network = saved_network(bench, tmp_path)
    run(deploy(network, bench, tmp_path / "deployment"))
    [nodes] = (tmp_path / "deployment").glob("**/recording.nc")
    with pytest.raises(InputError, match="drives of a task's test part"):
        list(fit([nodes.parent], tmp_path / "fitted", iterations=1))
    assert not (tmp_path / "fitted").exists()
    again = replace(read_recording(nodes.parent), meta={"id": "rec-again"})  # the same drives
    write_recording(tmp_path / "again", again)
    with pytest.raises(InputError, match="drives of a task's test part"):
        list(fit([tmp_path / "again"], tmp_path / "fitted", iterations=1))


def test_beginnings_of_fitted_drives_are_told_where_a_twin_is_scored(tmp_path: Path) -> None:
    whole = record_device(12, 4, seed=1, steps=20)
    write_recording(tmp_path / "whole", whole)
    run(fit([tmp_path / "whole"], tmp_path / "twin", iterations=2))
    short = record_device(12, 4, seed=1, steps=20)
    lengths = np.full(12, 8)
    cut = np.where(np.arange(20) < 8, short.drive, np.nan)
    shorter = replace(short, drive=cut, lengths=lengths, meta={"id": "rec-short"})
    [words] = known_drives(load_twin(tmp_path / "twin"), tmp_path / "twin", shorter)
    test = load_twin(tmp_path / "twin").meta["held_out"]["test"]
    assert f"{12 - len(test)} of the recording's 12 sequences play drives" in words


@pytest.mark.parametrize("decimals", [3, 6])
def test_fitted_drives_that_a_table_rounded_are_told_where_a_twin_is_scored(
    tmp_path: Path, decimals: int
) -> None:
    """A CSV on the way made them other drives: the twin was scored on what it was fitted on."""
    whole = record_device(12, 4, seed=1, steps=20)
    write_recording(tmp_path / "whole", whole)
    run(fit([tmp_path / "whole"], tmp_path / "twin", iterations=2))
    rounded = replace(whole, drive=np.round(whole.drive, decimals), meta={"id": "rec-rounded"})
    [words] = known_drives(load_twin(tmp_path / "twin"), tmp_path / "twin", rounded)
    test = load_twin(tmp_path / "twin").meta["held_out"]["test"]
    assert f"{12 - len(test)} of the recording's 12 sequences play drives" in words


def test_a_rounded_copy_stands_on_the_same_side_of_the_split() -> None:
    one = record_device(12, 4, seed=1, steps=20)
    both = replace(
        record_device(24, 4, seed=1, steps=20),
        drive=np.concatenate([one.drive, np.round(one.drive, 3)]),
    )
    parts = hold_out(both, seed=0)
    for part in (parts.training, parts.validation, parts.test):
        assert {int(s) % 12 for s in part if s < 12} == {int(s) % 12 for s in part if s >= 12}


def test_neighbours_of_a_scan_and_drives_further_apart_are_other_drives() -> None:
    one = record_device(12, 2, seed=1, steps=20)
    scan = replace(one, drive=np.repeat(4e-4 * np.arange(12)[:, None], 20, axis=1))
    assert len(set(alike([(scan, range(12))]))) == 12
    moved = replace(one, drive=one.drive + 1.1e-3)
    assert played_before(one, range(12), moved) == []
    longer = np.where(np.arange(20) < 10, one.holds, 2)
    assert played_before(one, range(12), replace(one, holds=longer)) == []

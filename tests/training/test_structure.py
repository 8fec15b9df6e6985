from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest
import torch
from test_fit import small_fit

from training.fit import FitSettings, begin_fit
from training.structure import FEW, MANY, SHARE, Candidate, Search, Tried, candidates, usual

torch.set_num_threads(1)


def scored(search, score_of):
    """Score every candidate as the search asks for it: what was asked for, and the end."""
    asked = []
    while (entering := search.next()) is not None:
        candidate, rung = entering
        asked.append((candidate, rung))
        scores = score_of(candidate)
        search = search.with_one(Tried(candidate, rung, 10, 1.0, scores, "" if scores else "nan"))
    return asked, search


def test_the_better_half_goes_on_and_the_best_of_the_last_rung_wins():
    search = Search(candidates(FEW))
    assert search.rungs == [6, 3, 2]
    asked, ended = scored(search, lambda c: (c.latent + c.hidden / 100 + c.head,))
    assert [rung for _, rung in asked] == [1] * 6 + [2] * 3 + [3] * 2
    assert {c for c, rung in asked if rung == 3} == {Candidate(4, 32), Candidate(8, 32)}
    assert ended.best.candidate == Candidate(4, 32)
    assert ended.next() is None


def test_all_fits_of_the_search_take_its_share_of_the_budget_and_the_winner_the_rest():
    search, whole = Search(candidates(FEW)), FitSettings(iterations=100_000, minutes=10.0)
    asked, ended = scored(search, lambda c: (1.0,))
    parts = [c.settings(whole, search.share(rung)) for c, rung in asked]
    assert sum(p.iterations for p in parts) == pytest.approx(SHARE * 100_000, rel=1e-3)
    assert sum(p.minutes for p in parts) == pytest.approx(SHARE * 10)
    winner = ended.best.candidate.settings(whole, 1 - SHARE)
    assert winner.iterations == 60_000
    assert (winner.latent, winner.hidden, winner.head) == (16, 64, 0)


def test_a_candidate_that_failed_never_wins_and_a_search_of_failures_has_no_best():
    asked, ended = scored(Search(candidates(FEW)), lambda c: () if c.latent == 4 else (c.hidden,))
    assert Candidate(4, 32) not in {c for c, rung in asked if rung > 1}
    assert ended.best.candidate == Candidate(8, 32)
    assert scored(Search(candidates(FEW)), lambda c: ())[1].best is None


def test_the_sentence_says_how_surely_the_winner_beats_the_default():
    default, other = Candidate(), Candidate(8, 32)
    search = Search((default, other))
    _, ended = scored(search, lambda c: (1.0, 2.0, 3.0) if c == other else (1.1, 2.3, 3.2))
    assert "the default scores +0.2000 ± 0.0577 beside it" in ended.sentence()
    _, ended = scored(search, lambda c: (1.0,) if c == default else (1.1,))
    assert ended.sentence().startswith("the default wins on 1 validation sequence:")
    _, ended = scored(search, lambda c: (1.0,) if c == other else (1.1,))
    assert "nan" not in ended.sentence()
    assert "one sequence doesn't tell how surely" in ended.sentence()


def test_a_search_goes_through_json_whole():
    _, ended = scored(Search(candidates(MANY)), lambda c: (float(c.hidden), 0.5))
    assert Search.from_json(ended.to_json()) == ended
    with pytest.raises(KeyError):
        Search.from_json({"candidates": []})


def begin_fit_of(channels, settings):
    rng = np.random.default_rng(0)
    parts = [(rng.random((8, 6)), rng.random((8, 2, 6, channels))) for _ in range(2)]
    return begin_fit(*parts, settings)


def test_what_is_said_of_a_size_stands_beside_what_is_usual():
    own = begin_fit_of(60, FitSettings(iterations=1, latent=5)).structure()
    assert (own["latent"], own["hidden"], own["head"]) == (5, MANY.hidden, MANY.head)


def test_every_grid_begins_with_the_default_and_has_a_candidate_with_the_other_read_out():
    for channels in (1, 60):
        grid = candidates(usual(channels))
        settings = grid[0].settings(FitSettings(), 1.0)
        default = begin_fit_of(channels, FitSettings(iterations=1)).structure()
        own = {name: default[name] for name in ("latent", "hidden", "head")}
        assert own == asdict(grid[0])
        assert (settings.latent, settings.hidden) == (grid[0].latent, grid[0].hidden)
        assert len(set(grid)) == len(grid) == 6
        assert len({c.head for c in grid}) == 2


def test_scores_of_sequences_tell_a_fitted_model_from_one_that_is_not():
    fit = small_fit(120)
    before = fit.sequence_scores()
    for _ in fit.steps():
        pass
    after = fit.sequence_scores()
    assert len(before) == len(after) == 8
    assert after == fit.sequence_scores()
    assert sum(after) < 0.7 * sum(before)

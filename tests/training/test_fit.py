from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.errors import InputError, TwinrigError
from models.recording import Recording
from models.sequence import DriveWindow, Reset, make_sequences
from training.fit import Fit, FitSettings
from training.fit_settings import batch_size
from training.held_out import Scoring, Seen
from training.objectives import MeanSquares
from training.phases import Phases
from training.validation import hold_out, score_model
from training.windows import Batch

torch.set_num_threads(1)


def leaky_integrator(drive, repeats, seed, spread=0.05):
    """x' = .8 x + .2 u with AR(1) noise on it and white noise on the read-out: `(S, R, T, 1)`."""
    rng = np.random.default_rng(seed)
    sequences, steps = drive.shape
    x, noise = np.zeros((sequences, repeats)), np.zeros((sequences, repeats))
    out = np.empty((sequences, repeats, steps, 1))
    for t in range(steps):
        x = 0.8 * x + 0.2 * drive[:, t, None]
        noise = 0.7 * noise + 0.7 * spread * rng.standard_normal(x.shape)
        out[:, :, t, 0] = x + noise + 0.3 * spread * rng.standard_normal(x.shape)
    return out


def drives(count, seed, steps=40):
    return np.stack([s.drive for s in make_sequences("mixed", count, steps, seed)])


def small_fit(iterations, sequences=40, **settings):
    drive, held_out = drives(sequences, 1), drives(8, 2)
    return Fit(
        (drive, leaky_integrator(drive, 4, 0)),
        (held_out, leaky_integrator(held_out, 4, 1)),
        FitSettings(iterations=iterations, latent=4, hidden=24, **settings),
    )


def scored(fit, sequences=20):
    """Scores of the fit, run to its end, on unseen sequences with 16 repeats."""
    for _ in fit.steps():
        pass
    unseen = drives(sequences, 4)
    return score_model(fit.best_model(), unseen, leaky_integrator(unseen, 16, 5), seed=0)


def recording(families, repeats, complete=None):
    count = len(families)
    drive = drives(count, 3, 5)
    order = np.arange(count * repeats).reshape(count, repeats)
    if complete is not None:
        order = np.where(np.arange(repeats) < np.array(complete)[:, None], order, -1)
    return Recording(
        leaky_integrator(drive, repeats, 0), drive, np.full(count, 5), tuple(families), order,
        np.zeros((count, repeats)), ("X",), ("V",), DriveWindow("step", 0.0, 1.0), Reset(1.0),
    )  # fmt: skip


def test_a_fit_comes_near_the_floor_of_a_leaky_integrator():
    fit = small_fit(350)
    scores = scored(fit)
    assert scores.errors["mean"]["excess"] < 0.1
    assert scores.errors["crps"]["ratio"] < 1.1
    assert scores.errors["spread"]["ratio"] < 1.4
    assert scores.coverage["value"] == pytest.approx(0.891, abs=0.03)


@pytest.mark.parametrize(
    ("steps", "sequences"), [(40, 24), (100, 24), (200, 12), (300, 8), (5000, 4)]
)
def test_a_batch_has_fewer_of_long_sequences_unless_it_is_said(steps, sequences):
    assert batch_size(FitSettings(), steps) == sequences
    assert batch_size(FitSettings(batch=7), steps) == 7


@pytest.mark.parametrize(
    ("of", "repeats", "sequences"),
    [(500, 1, 48), (500, 1.5, 32), (500, 2, 24), (500, 16, 24), (499, 1, 24)],
)
def test_a_batch_has_twice_as_many_of_many_sequences_measured_once(of, repeats, sequences):
    assert batch_size(FitSettings(), 40, of, repeats) == sequences
    assert batch_size(FitSettings(batch=7), 40, of, repeats) == 7


@pytest.mark.parametrize("objective", ["energy", "innovations-energy"])
def test_the_noise_is_learned_from_one_repeat_of_each_sequence(objective):
    drive, held_out = drives(240, 1), drives(30, 2)
    once, kept = (leaky_integrator(d, 1, seed) for d, seed in ((drive, 0), (held_out, 1)))
    settings = FitSettings(objective, iterations=350, latent=4, hidden=24)
    fit = Fit((drive, once), (held_out, kept), settings)
    scores = scored(fit)
    assert scores.errors["spread"]["ratio"] < 1.4
    assert scores.errors["crps"]["ratio"] < 1.1
    assert scores.coverage["value"] == pytest.approx(0.891, abs=0.03)


@pytest.mark.parametrize(("few", "taken"), [(500, 10), (20, 20)])
def test_a_fit_takes_as_many_at_once_as_is_usual_for_their_length(monkeypatch, few, taken):
    monkeypatch.setattr("training.fit_settings.FEW_SEQUENCES", few)
    seen = []
    plain = Batch.select
    monkeypatch.setattr(
        Batch, "select", lambda batch, index: seen.append(len(index)) or plain(batch, index)
    )
    drive = drives(20, 1, 240)
    measured = drive, leaky_integrator(drive, 1, 0)
    fit = Fit(measured, measured, FitSettings(iterations=2, latent=2, hidden=4))
    next(fit.steps())
    assert seen[0] == taken


def test_a_deterministic_twin_has_no_spread_and_says_so():
    fit = small_fit(150, objective="mean", deterministic=True)
    scores = scored(fit, 10)
    assert scores.errors["spread"]["value"] == pytest.approx(1)
    assert scores.coverage["value"] < 0.01
    assert scores.errors["mean"]["value"] < 0.4


def test_the_same_seed_gives_the_same_twin_and_another_seed_another():
    one, same, other = (small_fit(6, seed=s) for s in (0, 0, 1))
    losses = [[step.loss for step in fit.steps()] for fit in (one, same, other)]
    assert losses[0] == losses[1]
    assert losses[0] != losses[2]


def test_a_resumed_fit_goes_on_exactly_where_it_was():
    whole, first, second = (small_fit(12) for _ in range(3))
    losses = [step.loss for step in whole.steps()]
    before = [step.loss for _, step in zip(range(7), first.steps(), strict=False)]
    second.restore(first.arrays(), first.numbers())
    after = [step.loss for step in second.steps()]
    assert before + after == losses
    for name, weight in whole.best_model().weights().items():
        np.testing.assert_array_equal(second.best_model().weights()[name], weight)


def test_a_mean_that_learns_by_heart_ends_early_and_goes_on_from_its_best_and_so_resumed(
    monkeypatch,
):
    monkeypatch.setattr("training.phases.PATIENCE", 5)
    whole, first, second = (small_fit(200, sequences=3, mean_share=0.8) for _ in range(3))
    planned, began, losses = 0.8 * 200, 0, []
    for step in whole.steps():
        losses.append(step.loss)
        began = began or (step.iteration if whole.phase else 0)
    assert 10 < began < planned  # validated every fifth iteration; the first of them gain
    assert f"after {whole.numbers()['mean_end']:.0%} of the budget, 80%" in whole.remarks[0]
    before = [step.loss for _, step in zip(range(began + 2), first.steps(), strict=False)]
    second.restore(first.arrays(), first.numbers())
    after = [step.loss for step in second.steps()]
    assert before + after == losses
    assert second.remarks == whole.remarks


def test_a_mean_that_takes_its_time_is_not_remarked():
    fit = small_fit(12)
    for _ in fit.steps():
        pass
    assert fit.remarks == []


def test_the_noise_is_fitted_from_the_means_best_snapshot(monkeypatch):
    monkeypatch.setattr("training.phases.PATIENCE", 5)
    fit = small_fit(200, sequences=3, mean_share=0.8)
    for _ in fit.steps():
        if fit.iteration - fit.best_iteration >= 5:
            break
    best = fit.best_model().weights()
    for name, weight in fit.model.weights().items():
        np.testing.assert_array_equal(weight, best[name])


def test_a_checkpoint_of_another_model_is_refused():
    first, other = small_fit(3), small_fit(3)
    arrays = first.arrays()
    del arrays["model.out"]
    with pytest.raises(InputError, match="another fit or is damaged"):
        other.restore(arrays, first.numbers())


def test_the_best_snapshot_is_kept_and_not_the_last():
    fit = small_fit(40)
    best = min(step.validation for step in fit.steps() if step.validation is not None)
    assert fit.best_validation == best


@pytest.mark.parametrize(
    ("spectrum", "slow", "many", "since"),
    [
        (False, False, False, 0.44),
        (False, True, False, 0.7),
        (True, True, False, 0.871),
        (False, False, True, 0.9),
        (True, True, True, 0.9),
    ],
)
def test_a_snapshot_is_one_of_noise_that_has_been_fitted_for_a_while(spectrum, slow, many, since):
    """A spectrum's mean takes 0.7 of a fit: there a snapshot of 0.725 had been chosen by chance."""
    phases = Phases(FitSettings(), MeanSquares(), spectrum=spectrum)

    def replaced(best):
        return phases.outdated(best, 1.0, slow=slow, many=many)

    assert replaced(since - 0.005)
    assert not replaced(since + 0.005)


def test_a_snapshot_without_a_score_is_never_chosen(monkeypatch):
    """Nothing is below NaN, and where the snapshot is due to change it stayed until the end."""
    fit = small_fit(40, sequences=6, mean_share=0.25)
    scored = fit._validation_loss
    off = {1: np.nan, 0: 1.0}
    monkeypatch.setattr(
        fit, "_validation_loss", lambda draw: scored(draw) * off[0.25 < fit._progress() < 0.5]
    )
    values = {step.iteration: step.validation for step in fit.steps()}
    assert np.isnan(values[15])
    assert fit.best_validation == min(values[k] for k in range(20, 41))


def test_minutes_end_a_fit_before_its_iterations():
    fit = small_fit(100_000, minutes=0.01)
    steps = [(step.iteration, fit.expected_iterations) for step in fit.steps()]
    assert len(steps) < 1000
    assert all(iteration <= expected for iteration, expected in steps)
    assert fit.done
    assert fit.best_validation < np.inf


def test_a_diverging_fit_says_what_to_do():
    fit = small_fit(10)
    with torch.no_grad():
        fit.model.decoder.fill_(float("nan"))
    with pytest.raises(TwinrigError, match="learning rate"):
        next(fit.steps())


def test_settings_that_cannot_be_are_named_at_once():
    with pytest.raises(InputError) as caught:
        FitSettings(iterations=0, learning_rate=-1.0, deterministic=True)
    assert "3 problems" in str(caught.value)


def test_a_sequence_with_too_few_repeats_to_score_is_fitted():
    """One missing row of a table made the only held-out sequence one that could score nothing."""
    counts = [4, 3, 3, 4, 2, 3, 3, 3, 3, 3]
    for seed in range(10):
        assert set(hold_out(recording(["mixed"] * 10, 4, counts), seed).test) <= {0, 3}
    gap = recording(["mixed"] * 6, 4)
    gap.response[:5, 2, 3] = np.nan  # complete by its marks, and yet without a value
    assert all(hold_out(gap, seed).test.tolist() == [5] for seed in range(10))
    uneven = recording(["mixed"] * 12, 16, [16] * 6 + [8] * 6)  # the score takes those of 16
    assert all(max(hold_out(uneven, seed).test) < 6 for seed in range(10))
    few = recording(["mixed"] * 6, 3)
    assert len({int(hold_out(few, seed).test[0]) for seed in range(20)}) > 2


def test_every_family_is_held_out_and_no_sequence_twice():
    families = ["steps"] * 20 + ["smooth"] * 20 + ["sines"] * 20
    parts = hold_out(recording(families, 4), seed=0)
    assert {families[i] for i in parts.test} == {"steps", "smooth", "sines"}
    assert len(parts.test) == 9
    everything = np.concatenate([parts.training, parts.validation, parts.test])
    assert sorted(everything.tolist()) == list(range(60))
    assert hold_out(recording(families, 4), seed=0).to_json() == parts.to_json()
    assert hold_out(recording(families, 4), seed=1).to_json() != parts.to_json()


def test_the_note_says_of_how_much_the_score_is_and_which_family_it_lacks():
    """Two sequences were said to be `of every drive family`, and two repeats to be 16 or more."""
    few = hold_out(recording(["steps", "smooth", "sines", "mixed"] * 3, 6), seed=0)
    assert few.note.startswith("scored on 2 sequences × 6 repeats, none of the drive family ")
    every = hold_out(recording(["steps"] * 10 + ["sines"] * 10, 6), seed=0)
    assert every.note.startswith(
        "scored on 3 sequences × 6 repeats, some of each drive family, that neither"
    )
    again = recording(["mixed"] * 12, 16, [2] * 12).select(np.array([*range(12), 0, 1]))
    again = replace(again, order=np.where(np.arange(14)[:, None] < 12, again.order, 1))
    note = hold_out(again, seed=0).note  # of the drives in it, two repeats were measured before
    assert note.startswith("scored on 2 sequences × 16 repeats that neither")
    uneven = hold_out(recording(["mixed"] * 30, 16, [4] * 22 + [16, 15, 13, 16, 16, 9, 16, 16]), 0)
    assert uneven.note.startswith("scored on 7 sequences × 13 repeats that")


def test_sequences_recorded_with_many_repeats_are_the_test_part():
    parts = hold_out(recording(["mixed"] * 30, 16, [4] * 22 + [16] * 8), seed=0)
    assert parts.test.tolist() == list(range(22, 30))
    assert parts.validation.size >= 1


def test_sequences_measured_to_score_are_so_where_some_of_their_repeats_are_marked_bad():
    parts = hold_out(recording(["mixed"] * 30, 16, [4] * 22 + [16, 15, 13, 16, 16, 9, 16, 16]), 0)
    assert parts.test.tolist() == list(range(22, 30))


def test_what_a_recording_says_was_measured_to_score_is_never_fitted_however_few_its_repeats():
    whole = recording(["mixed"] * 30, 8, [6] * 22 + [8] * 8)
    named = np.arange(30) >= 22
    parts = hold_out(whole, 0, scoring=Scoring(named))
    assert parts.test.tolist() == list(range(22, 30))
    assert "a little worse" not in parts.note
    more = recording(["mixed"] * 35, 16, [6] * 22 + [8] * 8 + [16] * 5)  # a second recording's
    parts = hold_out(more, 0, scoring=Scoring(np.append(named, np.zeros(5, bool))))
    assert parts.test.tolist() == list(range(22, 35))
    assert "a little worse" in hold_out(whole, 0, scoring=Scoring(named, True)).note
    assert hold_out(whole, 0, scoring=Scoring(np.zeros(30, bool))).test.tolist() != list(
        range(22, 30)
    )


@pytest.mark.parametrize("longer", [False, True])
def test_a_sequence_that_another_begins_with_is_never_scored_where_that_is_fitted(longer):
    """As `mixed:24x60` and `mixed:6x40` of one seed are."""
    long = recording(["mixed"] * 20, 8)
    lengths = np.full(20, 5)
    lengths[10:] = 3
    short = np.where(np.arange(5) < lengths[:, None], long.drive[np.arange(20) % 10], np.nan)
    order = slice(None, None, -1) if longer else slice(None)
    whole = replace(long, drive=short[order], lengths=lengths[order])
    parts = hold_out(whole, seed=0)
    own = (np.arange(20) % 10)[order]
    scored, selecting, fitted = (
        set(own[part].tolist()) for part in (parts.test, parts.validation, parts.training)
    )
    assert not scored & (fitted | selecting)
    assert not selecting & fitted
    assert len(parts.test) == 2 * len(scored)


def test_one_sequence_is_split_by_its_repeats():
    parts = hold_out(recording(["given"], 40), seed=0)
    assert parts.test_repeats.size == 20
    each = [parts.training_repeats, parts.validation_repeats, parts.test_repeats]
    assert sorted(np.concatenate(each)) == list(range(40))  # each in one part
    assert "one sequence" in parts.note


def test_too_little_to_hold_anything_back_is_refused():
    with pytest.raises(InputError, match="at least 3"):
        hold_out(recording(["mixed"] * 2, 16), seed=0)
    with pytest.raises(InputError, match="8 repeats"):
        hold_out(recording(["given"], 7), seed=0)


def test_sequences_of_one_drive_are_never_fitted_and_scored_at_once():
    again = np.concatenate([np.arange(20), np.arange(20)])
    whole = recording(["mixed"] * 20, 8).select(again)
    parts = hold_out(whole, seed=0)
    scored, selecting, fitted = (
        set(again[part].tolist()) for part in (parts.test, parts.validation, parts.training)
    )
    assert not scored & (fitted | selecting)
    assert not selecting & fitted
    assert len(parts.test) == 2 * len(scored)


def test_sequences_of_too_few_drives_are_no_sequences():
    whole = recording(["mixed"] * 4, 8)
    with pytest.raises(InputError, match=r"5 sequences play 1 different drive"):
        hold_out(whole.select(np.zeros(5, dtype=int)), seed=0)
    with pytest.raises(InputError, match=r"4 sequences play 2 different drives"):
        hold_out(whole.select(np.array([0, 1, 1, 0])), seed=0)


def test_what_the_twin_before_has_seen_is_not_scored():
    whole = recording(["steps"] * 20 + ["smooth"] * 20, 8)
    first = hold_out(whole, seed=0)
    used = np.ones(40, dtype=bool)
    used[first.test] = False
    fitted = np.isin(np.arange(40), first.training)
    again = hold_out(whole, seed=7, seen=Seen(fitted, used))
    assert set(again.test) == set(first.test)
    assert set(again.validation) == set(first.validation)
    everything = hold_out(whole, seed=7, seen=Seen(np.ones(40, bool), np.ones(40, bool)))
    assert "flatter" in everything.note


def test_the_repeats_that_the_twin_before_held_out_are_held_out_again():
    whole = recording(["given"], 40)
    first, known = hold_out(whole, seed=0), np.ones(1, dtype=bool)
    again = hold_out(whole, seed=7, seen=Seen(known, known, tuple(first.test_repeats)))
    assert again.test_repeats.tolist() == first.test_repeats.tolist()


def test_where_held_out_repeats_were_marked_bad_since_none_that_was_used_scores():
    whole, known = recording(["given"], 20), np.ones(1, dtype=bool)
    first = hold_out(whole, seed=0)
    used = np.concatenate([first.training_repeats, first.validation_repeats])
    seen = Seen(known, known, tuple(first.test_repeats), tuple(used))
    whole.order[0, first.test_repeats[:4]] = -1
    again = hold_out(whole, seed=7, seen=seen)
    assert sorted(again.test_repeats) == sorted(first.test_repeats[4:])
    whole.order[0, first.test_repeats[:8]] = -1
    assert "flatter" in hold_out(whole, seed=7, seen=seen).note  # two can't score


def test_repeats_that_were_fitted_before_more_were_recorded_are_not_scored():
    half = hold_out(recording(["given"], 20), seed=0)
    used = np.concatenate([half.training_repeats, half.validation_repeats])
    known = np.ones(1, dtype=bool)
    seen = Seen(known, known, tuple(half.test_repeats), tuple(used))
    again = hold_out(recording(["given"], 40), seed=7, seen=seen)
    assert set(half.test_repeats) < set(again.test_repeats)
    assert not set(used) & set(again.test_repeats)

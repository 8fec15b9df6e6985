from __future__ import annotations

import numpy as np
import pytest
from drifting import drives, recorded, true_mean

from models.errors import InputError
from training.drift import SAME, UNSEEN, Old, compare, compare_stored
from training.drift_points import moves_between, noise_points
from training.two_sample import smallest_p, two_sample

OLD = drives(24, seed=1)
FEW, MANY = 20, 400


def forecast(drive):
    """A twin whose error is its own for every drive, half the device's spread."""
    phases = [np.random.default_rng(int(1e6 * u.sum())).uniform(0, 6) for u in drive]
    error = 0.02 * np.sin(9 * drive + np.array(phases)[:, None])
    return true_mean(drive) + error[..., None], np.full((*drive.shape, 1), 0.043)


def against(old, new, **options):
    held = tuple(range(len(old.lengths)))
    parts = [Old(old, held, tuple(range(old.response.shape[1])))]
    return compare(parts, new, forecast, (0.0, 1.0), **options)


def same(seed, **changed):
    """Eight of the old drives again, six repeats each."""
    old = recorded(OLD, 8, 1000 + seed)
    return against(old, recorded(OLD[:8], 6, 5000 + seed, **changed), seed=seed)


def other(seed, **changed):
    """Eight drives that the old recording lacks, of the same kind."""
    old = recorded(OLD, 8, 1000 + seed)
    return against(old, recorded(drives(8, seed=77 + seed), 6, 5000 + seed, **changed), seed=seed)


def share_changed(trial, count, **changed):
    found = [trial(seed, **changed) for seed in range(count)]
    return float(np.mean([drift.changed for drift in found]))


def within_chance(share, count):
    """Three standard errors of a share of 5 %, and one trial more."""
    return share <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / count) + 1 / count


@pytest.mark.parametrize("trial", [same, other])
@pytest.mark.parametrize("count", [FEW, pytest.param(MANY, marks=pytest.mark.full)])
def test_an_unchanged_device_is_called_changed_no_more_often_than_the_level_says(trial, count):
    share = share_changed(trial, count)
    print(f"false alarms at 5 %, {trial.__name__} drives: {100 * share:.1f} % of {count}")  # noqa: T201
    assert within_chance(share, count)


def test_a_drive_that_is_played_as_several_sequences_is_one_drive():
    """Each as one of its own held the same old repeats: 40 % of unchanged devices had changed."""

    def again(seed):
        drive = drives(4, seed=seed)
        old = recorded(drive, 6, 1000 + seed)
        return against(old, recorded(np.repeat(drive, 3, axis=0), 4, 5000 + seed), seed=seed)

    assert within_chance(share_changed(again, 40), 40)


def test_a_shift_of_the_mean_is_seen_and_said_in_units_of_the_spread():
    drift = same(1, shift=0.03)
    assert drift.method == SAME
    assert drift.changed
    clearest = [e for e in drift.effects if e.kind == "shift" and not e.part]
    assert clearest[0].value == pytest.approx(0.03 / 0.043, abs=0.15)
    assert "mean shifted by +" in drift.words
    assert "of the spread" in drift.words


def test_on_new_drives_the_twins_own_error_is_no_change_and_a_shift_is():
    assert other(2).method == UNSEEN
    assert not other(2).changed
    assert other(2, shift=0.04).changed


def test_a_wider_noise_is_seen_as_a_spread():
    drift = same(3, noise=0.045)
    assert drift.changed
    spread = next(e for e in drift.effects if e.kind == "spread")
    assert np.exp(spread.value) == pytest.approx(1.48, rel=0.12)
    assert "spread × 1.4" in drift.words or "spread × 1.5" in drift.words


def test_two_repeats_are_no_certainty_about_the_noise():
    """Of two repeats one's rest is the other's mirror: spreads were 'changed' in 1 of 3 cases."""
    clear = 0
    for seed in range(12):
        old = recorded(OLD, 8, 1000 + seed)
        drift = against(old, recorded(OLD[:8], 2, 5000 + seed, shift=0.04), seed=seed)
        noise = [e for e in drift.effects if e.kind in ("spread", "correlation")]
        assert len(noise) == 2
        clear += sum(e.clear for e in noise)
    assert clear <= 1
    both = against(recorded(OLD, 2, 1), recorded(OLD[:8], 2, 2))
    assert {e.kind for e in both.effects} == {"shift"}


def test_another_memory_is_seen():
    assert same(4, rate=0.3).changed


def test_no_change_comes_with_what_would_have_been_seen():
    words = same(5).words
    assert "No change since the twin was fitted" in words
    assert "Less than about a mean shifted by 0." in words


def test_what_single_repeats_can_not_tell_is_said():
    """`No change` stood alone, of a device whose noise had doubled."""
    old = recorded(OLD, 8, 1)
    new = against(old, recorded(drives(9, seed=5), 1, 3))
    assert list(new.parts) == ["mean"]
    assert any("the noise is not compared" in note for note in new.notes)
    again = against(old, recorded(OLD[:8], 1, 3))
    assert again.words.endswith(
        "How large a change would have been seen so few repeats do not tell."
    )
    assert not any("not compared" in note for drift in (same(5), other(5)) for note in drift.notes)


def test_what_wandered_within_the_old_recording_is_no_change():
    old = recorded(OLD, 8, 1, wander_repeats=0.02)
    calm = recorded(OLD, 8, 2)
    new = recorded(OLD[:8], 6, 3, shift=0.018)
    assert against(calm, new).changed
    assert not against(old, new).changed


@pytest.mark.parametrize("share", [1.0, 0.3])
def test_chance_alone_is_no_wander_where_few_rows_are_known(share):
    """A quarter of the drives that few sequences visit: its chance was counted as wander."""
    rng, moved = np.random.default_rng(8), []
    for _ in range(100):
        points = rng.standard_normal((320, 1))
        points[rng.random(320) > share] = np.nan
        moved.append((moves_between(points, rng.permutation(320), 8) ** 2).mean())
    assert np.mean(moved) < 0.4 * 8 / 320 / share


def test_an_old_recording_in_blocks_can_not_tell_a_wander_and_says_so():
    old = recorded(OLD, 8, 1, blocked=True)
    drift = against(old, recorded(OLD[:8], 6, 2))
    assert any("wanders" in note for note in drift.notes)


def test_drives_of_an_unknown_kind_are_told():
    new = recorded(drives(8, 3, family="steps"), 6, 4, family="steps")
    drift = against(recorded(OLD, 8, 1), new)
    assert any("steps" in note for note in drift.notes)


def test_longer_sequences_are_compared_over_the_steps_that_both_have():
    new = recorded(drives(8, 3, steps=60), 6, 4)
    drift = against(recorded(OLD, 8, 1), new)
    assert not drift.changed
    assert any("first 40 steps" in note for note in drift.notes)


def test_a_sequence_of_one_step_has_no_memory_to_compare_and_warns_of_nothing():
    """NumPy's own "mean of empty slice" was printed to whoever compared."""
    assert np.isnan(noise_points(np.ones((3, 1, 2)))[:, 2:]).all()


def test_too_few_repeats_are_refused_with_what_to_record():
    new = recorded(OLD[:1], 1, 4)
    with pytest.raises(InputError, match="record at least 4 sequences"):
        against(recorded(OLD[:1], 4, 1), new)


@pytest.mark.parametrize(("held", "new", "needed"), [(2, 4, 5), (1, 8, 19)])
def test_of_new_drives_sequences_count_not_repeats_and_so_it_says(held, new, needed):
    old = recorded(OLD, 8, 1)
    parts = [Old(old, tuple(range(held)), tuple(range(8)))]
    wanted = rf"{held} sequences .* and {new} new ones .* record {needed} of the kinds"
    with pytest.raises(InputError, match=wanted):
        compare(parts, recorded(drives(new, seed=5), 16, 3), forecast, (0.0, 1.0))
    enough = recorded(drives(needed, seed=5), 16, 3)
    assert compare(parts, enough, forecast, (0.0, 1.0)).method == UNSEEN


def test_drives_of_single_repeats_then_are_refused_with_what_to_do():
    drive = drives(8, 1)
    old, new = recorded(drive, 1, 1), recorded(drive, 4, 2)
    words = "two whole repeats in the recordings of fitting time and one in the new one: record "
    with pytest.raises(InputError, match=rf"{words}.*--against.*new to the twin"):
        against(old, new)


def test_the_same_seed_gives_the_same_verdict():
    assert same(6).to_json() == same(6).to_json()


def test_stored_errors_are_apart_only_where_their_intervals_are():
    then = {"mean": {"excess": 0.01, "excess_low": 0.005, "excess_high": 0.02}}
    near = {"mean": {"excess": 0.03, "excess_low": 0.015, "excess_high": 0.04}}
    far = {"mean": {"excess": 0.05, "excess_low": 0.03, "excess_high": 0.07}}
    assert not compare_stored(near, then).changed
    assert compare_stored(far, then).changed
    assert compare_stored(far, then).p_value is None
    (note,) = compare_stored(far, then, level=0.001).notes
    assert "their 90 % intervals decide, not the level of 0.001" in note
    with pytest.raises(InputError, match="--against"):
        compare_stored(far, {"mean": {"excess": 0.01}})


def test_labels_are_exchanged_within_strata_only():
    rng = np.random.default_rng(0)
    strata = np.repeat([0, 1], 20)
    new = np.tile([True, False], 20)
    points = {"mean": 100.0 * strata[:, None] + rng.standard_normal((40, 1))}
    assert two_sample(points, new, strata, rng).p_value > 0.05
    moved = {"mean": points["mean"] + 2.0 * new[:, None]}
    assert two_sample(moved, new, strata, rng).p_value <= 0.01


def test_the_smallest_p_value_counts_the_ways_to_label():
    new = np.array([True, True, False, False])
    assert smallest_p(new, np.zeros(4, dtype=int)) == pytest.approx(1 / 6)

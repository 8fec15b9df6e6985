"""What a fit must not take in silence: clipped values, overload marks, other units, no noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.errors import InputError
from models.network_parts import Device
from models.recording import Recording
from models.sequence import DriveWindow, Reset
from training.bad_data import clipped, problems_of, warnings_of
from training.doubtful_repeats import drive_seen
from training.joined import join
from training.windows import doubts, refuse_unfit


def recording(response, **changes):
    s, r, t, c = response.shape
    drive = np.tile(np.linspace(0.1, 0.9, t), (s, 1))
    made = Recording(
        response, drive, np.full(s, t), ("steps",) * s, np.arange(s * r).reshape(s, r),
        np.zeros((s, r)), tuple("XYZ"[:c]), ("V",) * c, DriveWindow("step", 0.0, 1.0), Reset(0.0),
    )  # fmt: skip
    return replace(made, **changes)


def noisy(repeats=8, seed=0, scale=1.0):
    rng = np.random.default_rng(seed)
    return scale * (np.linspace(0, 1, 40)[:, None] + 0.1 * rng.standard_normal((5, repeats, 40, 2)))


def check(one, *, deterministic):
    """What a fit says beforehand, where it doesn't refuse."""
    refuse_unfit(one, deterministic=deterministic)
    return doubts(one, deterministic=deterministic)


def test_an_ordinary_recording_is_not_suspected():
    assert check(recording(noisy()), deterministic=False) == []


def test_changes_that_are_rounding_beside_an_offset_are_no_exchanged_axes():
    """Told apart from noise that no drive moves: that is a finding of its own."""
    one = recording(1e3 + 1e-7 * noisy(), drive=np.random.default_rng(1).uniform(size=(5, 40)))
    assert drive_seen(one) is None
    assert not any("exchanged" in words for words in doubts(one, deterministic=False))


@pytest.mark.parametrize("seed", range(5))
def test_a_converters_levels_are_no_clipping(seed):
    values = noisy(seed=seed)[..., 0]
    for levels in (256, 4096):
        assert clipped(np.round(values * levels) / levels) == []


@pytest.mark.parametrize("scale", [1.0, 1e-9, 3e5])
def test_a_read_out_whose_steps_hide_the_noise_is_told_as_no_twin_comes_to_its_floor(scale):
    response = noisy(repeats=16)
    for step, told in ((0.25, True), (0.1, False), (0.01, False)):
        coarse = response.copy()
        coarse[..., 1] = 0.3 + step * np.round(coarse[..., 1] / step)
        said = check(recording(scale * coarse), deterministic=False)
        assert len(said) == told, (step, said)
        if told:
            assert said[0].startswith(f"channel 'Y' is read in steps of {step * scale:.3g} V, ")


def test_the_spread_beside_a_read_outs_steps_is_that_of_the_noise_however_few_the_repeats():
    """Of two repeats it was called 0.7 of what it is, and a step below the noise hid it."""
    step, response = 0.13, noisy(repeats=2)
    response[..., 1] = 0.3 + step * np.round(response[..., 1] / step)
    assert check(recording(response), deterministic=False) == []
    coarse = check(recording(noisy(repeats=2, scale=0.5) // 0.1), deterministic=False)
    differ = float(coarse[0].partition("differ by ")[2].split()[0])
    assert differ == pytest.approx((0.5**2 + 1 / 12) ** 0.5, rel=0.06)


def test_a_limit_in_the_read_out_is_found_on_either_side():
    values = np.clip(noisy()[..., 0], 0.05, 0.9)
    found = dict(clipped(values))
    assert set(found) == {0.05, 0.9}
    assert found[0.9] == int((values == 0.9).sum())
    assert clipped(np.full(1000, 1.0)) == []  # constant: another fault, told elsewhere
    assert clipped(np.array([1.0, np.nan])) == []


def test_a_fit_says_that_a_channel_is_clipped_and_how_often():
    response = noisy()
    response[..., 1] = np.minimum(response[..., 1], 0.9)
    [said] = check(recording(response), deterministic=False)
    assert said.startswith("channel 'Y': ")
    assert "exactly 0.9 V, its largest" in said
    assert check(recording(response), deterministic=True) == [said]


def test_sequences_of_one_step_are_refused_and_one_value_is_not_called_a_dead_channel():
    with pytest.raises(InputError, match="sequences of one step") as refused:
        check(recording(noisy()[:, :, :1]), deterministic=False)
    assert "problems" not in str(refused.value)
    with pytest.raises(InputError, match="sequences of one step") as refused:
        check(recording(noisy()[:1, :1, :1]), deterministic=True)
    assert "connected" not in str(refused.value)


def test_overload_marks_are_refused_by_name():
    response = noisy()
    response[2, 3, 4, 0] = -9.9e37
    assert "channel 'X' holds 1 overload marks" in problems_of(recording(response))[0]
    with pytest.raises(InputError, match="overload marks"):
        check(recording(response), deterministic=False)


def test_repeats_that_are_all_the_same_have_no_noise():
    response = noisy()
    response[..., 1] = response[:, :1, :, 1]
    assert "channel 'Y': its repeats are all the same" in warnings_of(recording(response))[0]


def test_a_channel_of_a_spectrum_is_told_with_its_frequency():
    response = noisy()
    response[..., 1] = response[:, :1, :, 1]
    axis = {"start_Hz": 4e9, "stop_Hz": 5e9, "points": 5, "sweep_type": "linear"}
    made = recording(response, channels=("S21[0]", "S21[1]"), settings={"vna": axis})
    assert "channel 'S21[1] at 4.25 GHz': its repeats" in warnings_of(made)[0]
    assert Device.of(made).channel_words == made.channel_words


def test_sequences_with_one_repeat_beside_others_are_nothing_to_doubt():
    response = noisy()
    order = np.arange(40).reshape(5, 8)
    order[1:3, 1:] = -1
    assert warnings_of(recording(response, order=order)) == []


def test_one_repeat_of_each_is_refused_with_what_can_be_done():
    with pytest.raises(InputError, match="a twin without noise with --deterministic"):
        check(recording(noisy(repeats=1)), deterministic=False)
    assert check(recording(noisy(repeats=1)), deterministic=True) == []


def test_recordings_in_volt_and_in_millivolt_are_not_joined():
    with pytest.raises(InputError, match="another unit, gain or sensitivity"):
        join([recording(noisy()), recording(noisy(scale=1000.0))])
    join([recording(noisy()), recording(noisy(scale=3.0))])


def test_a_wild_value_is_told_with_its_repeat_and_noise_and_pulses_are_not():
    response = noisy()
    response[2, 1, 3, 0] = 1e6
    [said] = check(recording(response), deterministic=False)
    assert said.startswith("channel 'X' has 1 of its values far from all others, up to 1e+06 V")
    assert "repeat 18 of the run" in said  # eight repeats of each sequence before it
    rng = np.random.default_rng(0)
    heavy = noisy() + 0.1 * rng.standard_t(3, (5, 8, 40, 2))
    assert check(recording(heavy), deterministic=False) == []
    pulses = noisy()
    pulses[:, :, 20] += 3.0
    assert check(recording(pulses), deterministic=False) == []


def test_changes_too_small_beside_their_value_are_refused_as_a_twin_would_lose_them():
    assert check(recording(1e3 + noisy()), deterministic=False) == []
    quiet = noisy()[:, :1] + 1e-9 * np.random.default_rng(0).random((5, 8, 40, 2))
    assert check(recording(quiet), deterministic=False) == []  # of a solver: no constant part
    with pytest.raises(InputError, match=r"(?s)channel 'X' reaches 1e\+09 V, .* as a difference"):
        check(recording(1e9 + noisy()), deterministic=False)


def test_of_single_repeats_all_that_a_channel_moves_by_has_to_get_lost():
    """Their noise is not known: a spectrum, 0.5 and some 1e-4 of signal, was refused."""
    single = 0.5 + noisy(repeats=1, scale=1e-4)
    assert problems_of(recording(single)) == []
    [said, _] = problems_of(recording(1e9 + noisy(repeats=1)))
    assert said.startswith("channel 'X' reaches 1e+09 V, and its values differ by ")


def driven(repeats=8, sequences=6, seed=0):
    """Responses `(S, R, T, 1)` that follow their sequence's drive `(S, T)`, and that drive."""
    rng = np.random.default_rng(seed)
    drive = rng.random((sequences, 40))
    noise = 0.1 * rng.standard_normal((sequences, repeats, 40))
    return (drive[:, None] + noise)[..., None], drive


def test_sequences_that_stand_as_repeats_are_told_as_a_twin_would_learn_them_as_noise():
    response, drive = driven(repeats=6)
    assert check(recording(response, drive=drive), deterministic=False) == []
    swapped = recording(response.swapaxes(0, 1), drive=drive)
    for deterministic in (False, True):
        [said] = check(swapped, deterministic=deterministic)
        assert "Are sequence and repeat exchanged" in said
    noise = np.random.default_rng(1).standard_normal(response.shape)
    assert "drive and response of two runs?" in warnings_of(recording(noise, drive=drive))[0]


def test_a_device_that_drifts_more_than_it_answers_still_sees_its_drive():
    response, drive = driven()
    offset = np.linspace(0, 10, 8)[None, :, None, None]
    assert warnings_of(recording(response + offset, drive=drive)) == []
    level = np.linspace(0, 1, 6)[:, None] * np.ones((6, 40))  # one drive through each sequence
    held = level[:, None, :, None] + 0.1 * np.random.default_rng(2).standard_normal((6, 8, 40, 1))
    assert warnings_of(recording(held, drive=level)) == []


def test_repeats_that_were_never_recorded_and_copies_are_told_with_what_leaves_them_out():
    response, drive = driven()
    blank = response.copy()
    blank[:, 5:] = 0.0
    [said] = warnings_of(recording(blank, drive=drive))
    assert said.startswith(
        "repeats 6-8, 14-16, 22-24, 30-32, 38-40, 46-48 of the run have one value"
    )
    assert "--bad 6-8,14-16,22-24,30-32,38-40,46-48`" in said
    twice = response.copy()
    twice[2, 4] = twice[2, 1]
    [said] = warnings_of(recording(twice, drive=drive))
    assert said.startswith("repeat 21 of the run is, number for number, an earlier one")
    assert "--bad 21`" in said


def test_a_file_that_was_imported_twice_is_told_and_no_number_of_which_run_is_guessed():
    response, drive = driven()
    one, two = (recording(response, drive=drive, meta={"id": name}) for name in ("rec-a", "rec-b"))
    [said] = check(join([one, two]), deterministic=False)
    assert said.startswith("48 repeats of these runs are, number for number, an earlier one")
    wild = response + 1.0
    wild[2, 3, 4, 0] = 1e6
    other = recording(wild, drive=drive, meta={"id": "rec-b"})
    [said] = check(join([one, other]), deterministic=False)
    assert "1 repeat of these runs. A glitch?" in said
    single = recording(response[:, :1], drive=drive, meta={"id": "rec-a"})
    again = replace(single, meta={"id": "rec-b"})
    assert "6 repeats of these runs are" in check(join([single, again]), deterministic=True)[0]


def test_a_glitch_in_one_of_two_recordings_is_no_other_unit():
    response, drive = driven()
    wild = response + 1.0
    wild[2, 3, 4, 0] = -(2.0**31)
    both = [recording(r, drive=drive, meta={"id": f"{r.max()}"}) for r in (response, wild)]
    [said] = check(join(both), deterministic=False)
    assert "far from all others" in said

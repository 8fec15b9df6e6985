from __future__ import annotations

import numpy as np
import pytest
import torch
from test_bad_data import check

from models.errors import InputError
from models.recording import Recording
from models.sequence import DriveWindow, Reset
from training.joined import join
from training.windows import Batch, Scales, batch_indices


def recording(sequences=4, repeats=3, steps=10, seed=0, **changes):
    rng = np.random.default_rng(seed)
    values = {
        "response": rng.standard_normal((sequences, repeats, steps, 2)),
        "drive": rng.random((sequences, steps)),
        "lengths": np.full(sequences, steps),
        "families": ("mixed",) * sequences,
        "order": np.arange(sequences * repeats).reshape(sequences, repeats),
        "start_s": np.zeros((sequences, repeats)),
        "channels": ("X", "Y"),
        "units": ("V", "V"),
        "window": DriveWindow("step", 0.0, 1.0),
        "reset": Reset(2.0),
        "settings": {"lockin": {"time_constant_s": 0.01}},
        "meta": {"id": f"rec-{seed}"},
    }
    return Recording(**{**values, **changes})


def test_scales_bring_mean_and_signal_to_zero_and_one_and_keep_the_spread_apart():
    rng = np.random.default_rng(0)
    signal = 5 + 2 * rng.standard_normal((50, 1, 40, 1))
    scales = Scales.of(signal + 0.1 * rng.standard_normal((50, 30, 40, 1)))
    assert scales.offset == pytest.approx(5, abs=0.2)
    assert scales.scale == pytest.approx(2, abs=0.1)
    assert scales.spread == pytest.approx(0.05, abs=0.003)


def test_a_spread_that_no_repeat_tells_is_assumed():
    response = recording(repeats=1).response
    scales = Scales.of(response)
    assert scales.spread == pytest.approx(0.01)
    batch = Batch.of(recording().drive, response, scales, torch.device("cpu"))
    assert not batch.is_repeated
    assert batch.mean_repeats == 1


def test_scales_ignore_what_is_missing():
    one = recording()
    gaps = np.concatenate([one.response, np.full((4, 2, 10, 2), np.nan)], axis=1)
    for a, b in zip(vars(Scales.of(gaps)).values(), vars(Scales.of(one.response)).values(),
                    strict=True):  # fmt: skip
        np.testing.assert_allclose(a, b)


def test_a_batch_knows_what_was_measured_and_is_cut_to_what_it_holds():
    one = recording()
    response, drive = one.response.copy(), one.drive.copy()
    response[1:, :, 6:], drive[1:, 6:] = np.nan, np.nan
    response[2, 0, 3, 1] = np.nan
    batch = Batch.of(drive, response, Scales.of(response), torch.device("cpu"))
    assert batch.real.shape == (10, 4, 3, 2)
    assert batch.known[3, 2].tolist() == [0, 1, 1]
    assert torch.isfinite(batch.real).all()
    assert batch.select(torch.tensor([1, 2])).drive.shape == (6, 2)
    assert batch.mean_steps == pytest.approx((10 + 6 + 6 + 6) / 4)
    assert batch.select(torch.tensor([0, 2])).drive.shape == (10, 2)


def test_batches_visit_every_sequence_once_a_round_and_depend_on_their_number_only():
    once = torch.cat([batch_indices(i, 12, 4, seed=3) for i in range(3)])
    assert sorted(once.tolist()) == list(range(12))
    again = torch.cat([batch_indices(i, 12, 4, seed=3) for i in range(3, 6)])
    assert sorted(again.tolist()) == list(range(12))
    assert again.tolist() != once.tolist()
    assert batch_indices(5, 12, 4, seed=3).tolist() == again[-4:].tolist()
    assert len(batch_indices(0, 3, 24, seed=0)) == 3


def test_fresh_sequences_are_half_of_each_batch() -> None:
    batches = [batch_indices(k, 30, 8, seed=1, fresh=5) for k in range(12)]
    for batch in batches:
        assert int((batch >= 25).sum()) == 4
        assert len(set(batch.tolist())) == 8
    assert set(torch.cat(batches).tolist()) == set(range(30))


def test_recordings_of_one_setting_join_padded():
    joined = join([recording(2, 4, 10), recording(3, 16, 7, seed=1)])
    assert joined.response.shape == (5, 16, 10, 2)
    assert joined.complete.sum(axis=1).tolist() == [4, 4, 16, 16, 16]
    assert np.isnan(joined.response[0, 4:]).all()
    assert np.isnan(joined.drive[2:, 7:]).all()


def test_recordings_that_differ_are_named_all_at_once():
    other = recording(
        seed=1, units=("V", "A"), reset=Reset(3.0), settings={"lockin": {"time_constant_s": 0.3}}
    )
    with pytest.raises(InputError) as caught:
        join([recording(), other])
    for part in ("3 problems", "rec-1", "units", "reset", "lockin.time_constant_s: 0.3 instead of"):
        assert part in str(caught.value)


def test_a_reference_whose_frequency_wobbles_is_one_setting():
    lockin = {"time_constant_s": 0.01, "frequency_Hz": 37.0}
    other = recording(seed=1, settings={"lockin": {**lockin, "frequency_Hz": 37.004}})
    joined = join([recording(settings={"lockin": lockin}), other])
    assert joined.settings["lockin"]["frequency_Hz"] == 37.0
    retuned = recording(seed=1, settings={"lockin": {**lockin, "frequency_Hz": 64.0}})
    with pytest.raises(InputError, match=r"frequency_Hz: 64\.0 instead of 37\.0"):
        join([recording(settings={"lockin": lockin}), retuned])


def test_no_recording_and_an_empty_recording_are_refused():
    with pytest.raises(InputError, match="no recording"):
        join([])
    with pytest.raises(InputError, match="no complete repeat"):
        join([recording(order=np.full((4, 3), -1))])


def test_one_repeat_has_no_spread_and_the_deterministic_twin_is_offered():
    one = recording(repeats=1)
    with pytest.raises(InputError, match="--deterministic"):
        check(one, deterministic=False)
    assert check(one, deterministic=True) == []


def test_a_constant_and_a_missing_channel_are_named_with_unit_and_remedy():
    response = recording().response.copy()
    response[..., 0], response[..., 1] = 0.25, np.nan
    with pytest.raises(InputError) as caught:
        check(recording(response=response), deterministic=False)
    assert "channel 'X' is 0.25 V at every step" in str(caught.value)
    assert "channel 'Y' holds no number" in str(caught.value)


def test_values_that_are_not_numbers_are_counted_and_named():
    response = recording().response.copy()
    response[1, 2, 3:5, 1] = np.nan
    (note,) = check(recording(response=response), deterministic=False)
    assert "2 steps" in note
    assert "'Y'" in note


def test_a_recording_that_still_runs_is_refused():
    with pytest.raises(InputError, match="still being recorded"):
        join([recording(status="running")])


def repeats_of(loud: float, sequences: int, steps: int, memory: float = 0.0) -> np.ndarray:
    """Repeats `(S, 6, T, 2)`, coloured by `memory`; one moment in a hundred is `loud` times so."""
    rng = np.random.default_rng(3)
    noise = rng.standard_normal((sequences, 6, steps, 2))
    for t in range(1, steps):
        noise[:, :, t] += memory * noise[:, :, t - 1]
    moments = rng.random((sequences, 1, steps, 1)) < 0.01
    moments[0, 0, steps // 2] = True  # there is one, however short
    signal = rng.standard_normal((sequences, 1, steps, 2))
    return signal + noise * np.where(moments, loud, 1.0)


def scatter_of(response: np.ndarray) -> float:
    drive = np.full((response.shape[0], response.shape[2]), 0.5)
    return Batch.of(drive, response, Scales.of(response), torch.device("cpu")).scatter


@pytest.mark.parametrize(("sequences", "steps"), [(4, 40), (4, 500), (40, 100), (40, 2000)])
def test_loud_moments_are_known_however_long_and_few_the_sequences_are(
    sequences: int, steps: int
) -> None:
    """They average out in long sequences: 4 × 500 of a nanoring passed for even noise."""
    assert scatter_of(repeats_of(60.0, sequences, steps)) == np.inf
    for memory in (0.0, 0.8):
        assert scatter_of(repeats_of(1.0, sequences, steps, memory)) < 0.2


@pytest.mark.parametrize(("size", "infinite"), [(60.0, True), (1.0, False)])
def test_loud_moments_are_known_beside_an_offset_of_each_repeat(size, infinite) -> None:
    """Whose own scatter, of few repeats, passed for loud moments whatever the noise was."""
    response = repeats_of(size, 40, 100)
    rng = np.random.default_rng(9)
    offset = 3 * response.std() * rng.standard_normal((*response.shape[:2], 1, 1))
    drive = np.full((40, 100), 0.5)
    plain, batch = (
        Batch.of(drive, one, Scales.of(one), torch.device("cpu"))
        for one in (response, response + offset)
    )
    assert plain.lasting == 0.0
    assert batch.lasting == pytest.approx(0.92, abs=0.05)
    assert (batch.scatter == np.inf) == infinite
    assert infinite or batch.scatter < 0.2
    part = batch.select(torch.tensor([3, 5]))
    assert (part.lasting, part.scatter) == (batch.lasting, batch.scatter)
    still = np.repeat(rng.standard_normal((40, 4, 1, 1)), 100, axis=2)  # nothing but offsets
    assert Batch.of(drive, still, Scales.of(still), torch.device("cpu")).lasting == 0.99


def test_of_one_sequence_nobody_knows_what_is_loud() -> None:
    assert scatter_of(repeats_of(60.0, 1, 100)) == 1.0

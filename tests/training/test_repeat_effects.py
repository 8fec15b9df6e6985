"""Offsets and gains of repeats are found in the residuals, beside noise that fades."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.sequence import make_sequences
from training.repeat_effects import effects_of, evened, lasting, wandering
from training.windows import Batch, Scales

STEPS, GAIN, OFFSET, WALK = 60, np.array([0.1, -0.05]), np.array([0.02, 0.03]), 0.1


def repeats(sequences, drift, gain, seed):
    """A leaky integrator on two channels: `(S, T)` and `(S, 4, T, 2)`.

    One effect of variance one scales both channels by `gain`, another one adds `drift` and walks.
    """
    rng = np.random.default_rng(seed)
    drive = np.stack([s.drive for s in make_sequences("mixed", sequences, STEPS, seed)])
    shape = (sequences, 4, 1)
    x, noise, out = np.zeros(shape), np.zeros((*shape[:2], 2)), np.empty((*shape[:2], STEPS, 2))
    scaled, walked = rng.standard_normal(shape), rng.standard_normal(shape)
    for t in range(STEPS):
        x = 0.8 * x + 0.2 * drive[:, t, None, None]
        noise = 0.7 * noise + 0.01 * rng.standard_normal(noise.shape)
        walked = walked + WALK * rng.standard_normal(shape)
        out[:, :, t] = x * (1 + gain * scaled) + drift * walked + noise
    return drive, out


def found(drive, response, most=3):
    scales = Scales.of(response)
    batch = Batch.of(drive, response, scales, torch.device("cpu"))
    effects, within = effects_of(batch, most)
    return effects, within.numpy(), scales


def in_device_units(effect, scales):
    """Offset `(C,)` at a response of zero, and gain `(C,)`."""
    return effect.offset * scales.scale - effect.gain * scales.offset, effect.gain


def test_an_offset_that_walks_is_found_with_its_walk():
    effects, within, scales = found(*repeats(300, OFFSET, 0 * GAIN, 1), most=1)
    offset, gain = in_device_units(effects[0], scales)
    grown = np.sqrt(1 + WALK**2 * STEPS / 2)  # its spread, averaged over a sequence
    np.testing.assert_allclose(np.abs(offset), grown * OFFSET, rtol=0.12)
    assert np.abs(gain).max() < 0.02
    assert effects[0].start == pytest.approx(1 / grown, rel=0.1)
    assert effects[0].diffusion == pytest.approx(WALK / grown, rel=0.3)
    assert effects[0].rate < 0.004
    covariance = within * np.outer(scales.scale, scales.scale)
    np.testing.assert_allclose(covariance, grown**2 * np.outer(OFFSET, OFFSET), rtol=0.25)


def test_sequences_of_one_repeat_have_no_effects():
    """A spectrum's fit asks for them whatever is recorded, and ended in a traceback."""
    drive, response = repeats(6, OFFSET, GAIN, 1)
    effects, within, _ = found(drive, response[:, :1])
    assert effects == []
    assert not within.any()


def test_a_gain_of_each_repeat_is_found_with_its_sign():
    effects, _, scales = found(*repeats(300, 0 * OFFSET, GAIN, 2), most=1)
    offset, gain = in_device_units(effects[0], scales)
    np.testing.assert_allclose(gain * np.sign(gain[0]), GAIN, atol=0.015)
    assert np.abs(offset).max() < 0.006
    assert effects[0].diffusion < 0.08


def test_independent_effects_are_told_apart_by_their_covariance():
    drive, response = repeats(300, OFFSET, GAIN, 3)
    effects, _, scales = found(drive, response, most=2)
    of_gains = sum(np.outer(e.gain, e.gain) for e in effects)
    np.testing.assert_allclose(of_gains, np.outer(GAIN, GAIN), atol=0.004)
    assert len(effects) == 2
    assert scales.scale.shape == (2,)


def test_missing_steps_and_repeats_do_not_matter():
    drive, response = repeats(300, OFFSET, GAIN, 4)
    whole = found(drive, response)[0][0]
    rng = np.random.default_rng(0)
    response[rng.random((300, 4)) < 0.1] = np.nan
    response[:, :, 50:][rng.random((300, 4, 10)) < 0.2] = np.nan
    part = found(drive, response)[0][0]
    sign = np.sign(whole.offset[0] * part.offset[0])
    np.testing.assert_allclose(sign * part.offset, whole.offset, rtol=0.2)


@pytest.mark.parametrize(
    ("rate", "start", "diffusion"), [(0.02, 0.0, 0.2), (1e-4, 1.0, 0.0), (0.005, 0.5, 0.05)]
)
def test_a_process_is_told_from_its_covariances(rate, start, diffusion):
    times = [7.5, 22.5, 37.5, 52.5]
    stationary = diffusion**2 / (2 * rate)
    covariance = {
        (a, b): np.exp(-rate * (times[b] - times[a]))
        * (stationary + (start**2 - stationary) * np.exp(-2 * rate * times[a]))
        for a in range(4)
        for b in range(a + 1, 4)
    }
    known = wandering(covariance, times)
    assert known[0] == pytest.approx(rate, rel=0.3)
    assert known[1:] == pytest.approx((start, diffusion), abs=0.05)


def offset_of_each_repeat(sequences, repeats, steps, hold, seed=0):
    """A constant 0.3 of each repeat beside white noise of 0.05; read at each hold's end."""
    rng = np.random.default_rng(seed)
    drive = np.repeat(rng.random((sequences, steps)), hold, axis=1)
    response = np.full((sequences, repeats, steps * hold, 1), np.nan)
    own = 0.3 * rng.standard_normal((sequences, repeats, 1, 1))
    noise = 0.05 * rng.standard_normal((sequences, repeats, steps, 1))
    response[:, :, hold - 1 :: hold] = drive[:, None, hold - 1 :: hold, None] + own + noise
    return drive, response


def lasts(drive, response):
    return lasting(Batch.of(drive, response, Scales.of(response), torch.device("cpu")))


@pytest.mark.parametrize("hold", [1, 3, 7, 10])
def test_what_lasts_is_told_by_reads_however_long_each_step_is_held(hold):
    """At the lag of 20 holds 3, 6 and 7 of them had no pair of reads, and nothing lasted."""
    assert lasts(*offset_of_each_repeat(30, 4, 40, hold)) == pytest.approx(0.973, abs=0.02)


@pytest.mark.parametrize("hold", [1, 4])
def test_a_memory_of_some_reads_is_nothing_that_lasts(hold):
    drive, response = offset_of_each_repeat(60, 4, 60, hold, seed=1)
    noise, keep = np.zeros(response.shape[:2]), np.exp(-1 / 8)
    rng = np.random.default_rng(2)
    for t in range(hold - 1, response.shape[2], hold):
        noise = keep * noise + (1 - keep**2) ** 0.5 * rng.standard_normal(noise.shape)
        response[:, :, t, 0] = drive[:, None, t] + noise
    assert lasts(drive, response) == pytest.approx(np.exp(-20 / 8), abs=0.08)


def test_one_long_sequence_does_not_hide_what_lasts_in_short_ones():
    drive, response = (np.full((21, *shape), np.nan) for shape in ((60,), (3, 60, 1)))
    drive[:20, :20], response[:20, :, :20] = offset_of_each_repeat(20, 3, 20, 1)
    drive[20:], response[20:, :1] = offset_of_each_repeat(1, 1, 60, 1)
    assert lasts(drive, response) == pytest.approx(0.973, abs=0.03)


def test_a_single_read_has_nothing_that_could_last():
    assert lasts(*offset_of_each_repeat(20, 4, 1, 3)) == 0


def test_evened_residuals_are_white_and_keep_their_gaps():
    rng, correlation, steps = np.random.default_rng(0), 0.9, 12
    offset = correlation**0.5 * rng.standard_normal((1, 20_000, 2))
    e = offset + (1 - correlation) ** 0.5 * rng.standard_normal((steps, 20_000, 2))
    there = torch.ones(steps, 20_000, 1)
    there[7:, 10_000:] = 0
    even = evened(torch.as_tensor(e) * there, there, correlation).numpy()
    assert not even[7:, 10_000:].any()
    for part in (even[:, :10_000], even[:7, 10_000:]):
        for channel in range(2):
            found = np.cov(part[..., channel])
            np.testing.assert_allclose(found, (1 - correlation) * np.eye(len(part)), atol=0.006)

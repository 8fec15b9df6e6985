"""Exchanged axes are seen by what a device remembers and by what its repeats have in common."""

from __future__ import annotations

import numpy as np
import pytest

from training.exchanged_axes import (
    channels_alike,
    drive_followed,
    odd_repeats,
    repeats_apart,
    sequences_remembered,
)

Array = np.ndarray


def drives(kind: str, rng: np.random.Generator, sequences: int, steps: int) -> Array:
    """Drives `(S, T)` as people play them."""
    if kind == "slow":
        walk = 0.5 + np.cumsum(0.1 * rng.standard_normal((sequences, steps)), axis=1)
        return np.clip(walk, 0, 1)
    if kind == "rising amplitude":
        return np.linspace(0.0, 1.0, sequences)[:, None] * np.sin(0.3 * np.arange(steps))
    drive = rng.random((sequences, steps))
    return np.repeat(drive, 4, axis=1)[:, :steps] if kind == "held" else drive


def leaky(drive: Array, rng: np.random.Generator, repeats: int = 5) -> Array:
    """Repeats `(S, R, T, 1)` of a leaky integrator with noise."""
    level, response = np.zeros((len(drive), repeats)), []
    for now in drive.T:
        level = 0.8 * level + 0.2 * now[:, None] + 0.02 * rng.standard_normal(level.shape)
        response.append(level)
    return np.stack(response, axis=2)[..., None]


def turned(drive: Array, response: Array) -> tuple[Array, Array]:
    """The same with sequences for steps."""
    return drive.T, response.transpose(2, 1, 0, 3)


@pytest.mark.parametrize("kind", ["random", "held", "slow", "rising amplitude"])
@pytest.mark.parametrize(("sequences", "steps"), [(12, 40), (20, 20), (100, 20)])
def test_a_device_with_memory_tells_sequences_from_steps(
    kind: str, sequences: int, steps: int
) -> None:
    rng = np.random.default_rng(0)
    drive = drives(kind, rng, sequences, steps)
    response = leaky(drive, rng)
    assert sequences_remembered(drive, response) is None
    found = sequences_remembered(*turned(drive, response))
    assert found is not None
    assert found[1] > found[0]


@pytest.mark.parametrize("kind", ["random", "held", "slow", "rising amplitude"])
def test_a_bent_response_without_memory_is_never_suspected(kind: str) -> None:
    rng = np.random.default_rng(0)
    drive = drives(kind, rng, 100, 20)
    noise = 0.02 * rng.standard_normal((100, 5, 20, 1))
    response = np.tanh(5 * (drive - 0.4))[:, None, :, None] + noise
    assert sequences_remembered(drive, response) is None
    assert sequences_remembered(*turned(drive, response)) is None


def test_a_channel_that_stands_still_remembers_nothing() -> None:
    rng = np.random.default_rng(0)
    drive = drives("slow", rng, 60, 60)
    response = np.concatenate([leaky(drive, rng), np.full((60, 5, 60, 1), 0.3)], axis=3)
    assert sequences_remembered(drive, response) is None
    only = np.full((60, 5, 60, 1), 0.3) + 1e-12 * rng.standard_normal((60, 5, 60, 1))
    assert sequences_remembered(drive, only) is None


def test_few_steps_and_gaps_are_no_evidence() -> None:
    rng = np.random.default_rng(0)
    drive = rng.random((8, 12))
    assert sequences_remembered(drive, rng.standard_normal((8, 4, 12, 1))) is None
    response = leaky(rng.random((40, 40)), rng)
    response[3], response[:, 2, 5:] = np.nan, np.nan
    assert sequences_remembered(rng.random((40, 40)), response) is None
    assert repeats_apart(response) is None
    assert repeats_apart(np.full((2, 3, 4, 1), np.nan)) is None


def test_repeats_that_differ_where_steps_do_not_are_steps() -> None:
    rng = np.random.default_rng(0)
    response = leaky(drives("held", rng, 1, 60), rng, repeats=20)
    assert repeats_apart(response) is None
    found = repeats_apart(response.transpose(0, 2, 1, 3))
    assert found is not None
    assert found[0] < 1.5
    assert found[1] > 10
    assert repeats_apart(rng.standard_normal((1, 20, 60, 1))) is None  # no drive is seen


@pytest.mark.parametrize("kind", ["random", "held", "slow"])
def test_a_response_follows_its_own_drives_and_no_others(kind: str) -> None:
    rng = np.random.default_rng(0)
    drive = drives(kind, rng, 24, 60)
    response = leaky(drive, rng)
    own, other = drive_followed(drive, response), drive_followed(drive[::-1], response)
    assert own is not None
    assert other is not None
    assert own > 0.7
    assert other < 0.4
    assert drive_followed(drive[:4, :20], response[:4, :, :20]) is None  # too few to tell


def test_channels_that_differ_less_than_repeats_are_repeats() -> None:
    rng = np.random.default_rng(0)
    response = leaky(rng.random((4, 30)), rng) * np.array([1.0, -2.0, 0.5, 3.0]) + [0, 1, 3, -2]
    response = response + 0.01 * rng.standard_normal(response.shape)
    assert channels_alike(response) is None
    found = channels_alike(response.transpose(0, 3, 2, 1))
    assert found is not None
    assert found < 0.2
    alike = leaky(rng.random((4, 30)), rng).repeat(4, axis=3)  # neighbours of a plateau
    assert channels_alike(alike + 1e-3 * rng.standard_normal(alike.shape)) is None


def test_a_drive_among_the_repeats_is_none_of_them() -> None:
    rng = np.random.default_rng(0)
    drive = rng.random((3, 40))
    response = leaky(drive, rng, repeats=6)
    assert odd_repeats(response) == []
    response[:, 2] = drive[..., None] + 3.0
    response[:, 4, 7] = np.nan
    assert odd_repeats(response) == [2]
    assert odd_repeats(response[:, :3]) == []  # of three nobody can tell
    drifting = leaky(drive, rng, repeats=6) + np.arange(6)[None, :, None, None]
    assert odd_repeats(drifting) == []

"""A twin of several members: what it draws, what it keeps, what it refuses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.errors import InputError
from models.latent import TwinModel
from models.mixture import Mixture
from models.sequence import DriveWindow, Reset
from models.simulated import module_of
from models.twin import Twin


def member(seed: int, offset: float) -> TwinModel:
    """One that answers about `offset`, in the device's units."""
    torch.manual_seed(seed)
    model = TwinModel(channels=1, latent=3, hidden=16)
    with torch.no_grad():
        model.decoder_bias.fill_(offset)
        model.decoder.mul_(0.01)
    return model


def twin_of(models: list[TwinModel]) -> Twin:
    return Twin(
        Mixture(models).weights(), ("X",), ("V",), 3, 16, False,
        DriveWindow("step", 0.0, 1.0), Reset(1.0), members=len(models),
    )  # fmt: skip


def test_each_repeat_is_one_members_and_all_count_alike() -> None:
    mixture = module_of(twin_of([member(k, 10.0 * k) for k in range(3)]))
    drive = np.full((2, 5), 0.5)
    drawn = mixture.simulate(drive, 6, seed=1)
    assert drawn.shape == (2, 6, 5, 1)
    whose = np.round(drawn[..., 0] / 10).astype(int)
    assert (whose == whose[:, :, :1]).all()  # from its first step to its last
    for row in whose[:, :, 0]:
        assert sorted(row) == [0, 0, 1, 1, 2, 2]


def test_one_members_repeats_are_what_it_draws_alone() -> None:
    models = [member(k, 10.0 * k) for k in range(2)]
    drive = torch.rand(4, 6)
    both = Mixture(models).sample(drive, torch.Generator().manual_seed(3))
    generator = torch.Generator().manual_seed(3)
    alone = [model.sample(drive[:, k::2], generator) for k, model in enumerate(models)]
    torch.testing.assert_close(both[:, 0::2], alone[0])
    torch.testing.assert_close(both[:, 1::2], alone[1])


def test_members_in_other_units_answer_in_the_first_ones() -> None:
    models = [member(0, 1.0), member(0, 1.0)]
    with torch.no_grad():
        models[1].offset.fill_(5.0)
        models[1].scale.fill_(2.0)
    drawn = Mixture(models).simulate(np.full((1, 3), 0.5), 4)
    assert drawn[0, 0::2].mean() == pytest.approx(1.0, abs=0.2)
    assert drawn[0, 1::2].mean() == pytest.approx(7.0, abs=0.4)


def test_a_twin_keeps_its_members_and_one_alone_is_written_as_before() -> None:
    twin = twin_of([member(k, 10.0 * k) for k in range(3)])
    again = Twin.from_json(twin.to_json(), twin.weights)
    assert again == twin
    assert again.members == 3
    np.testing.assert_array_equal(again.weights_of(2)["decoder_bias"], [20.0])
    assert "members" not in twin_of([member(0, 0.0)]).to_json()


@pytest.mark.parametrize("forged", [-1, 0, 3, 1.5, 10**12, "2", [2]])
def test_a_file_that_says_other_members_is_refused(forged: object) -> None:
    twin = twin_of([member(k, 0.0) for k in range(2)])
    with pytest.raises(InputError, match=r"member|weight"):
        Twin.from_json({**twin.to_json(), "members": forged}, twin.weights)


def test_members_that_lack_weights_or_are_too_many_are_named() -> None:
    twin = twin_of([member(k, 0.0) for k in range(2)])
    with pytest.raises(InputError, match=r"weight '3\.decoder' is missing"):
        replace(twin, members=3)
    with pytest.raises(InputError, match=r"weight '2\.decoder' is unknown"):
        replace(twin, members=1)
    for wrong in (0, 17):
        with pytest.raises(InputError, match=rf"members = {wrong} is not within 1…16"):
            replace(twin, members=wrong)
    with pytest.raises(InputError, match="members = 2 of a deterministic twin, which has one"):
        replace(twin, deterministic=True)

"""What a fit takes where nobody says: by sequences, channels, and what lasts of a repeat."""

from __future__ import annotations

import numpy as np
import pytest

from training.fit_settings import FitSettings
from training.usual import as_usual, usual_objective


def measured(sequences, channels=2, lasts=False, repeats=3, steps=30):
    """Drives and repeats of white noise, or of an offset that each repeat keeps."""
    rng = np.random.default_rng(0)
    drive = rng.uniform(0, 1, (sequences, steps))
    shape = (sequences, repeats, 1 if lasts else steps, channels)
    noise = np.broadcast_to(rng.normal(size=shape), (sequences, repeats, steps, channels))
    return drive, drive[:, None, :, None] + 0.1 * noise


@pytest.mark.parametrize(
    ("given", "objective"),
    [
        ({"sequences": 1999}, "innovations-energy"),
        ({"sequences": 2000}, "energy"),
        ({"sequences": 50}, "innovations-energy"),
        ({"sequences": 49}, "energy"),  # there it learns by heart
        ({"sequences": 60, "channels": 8}, "innovations-energy"),
        ({"sequences": 60, "channels": 9}, "energy"),
        ({"sequences": 60, "lasts": True}, "energy"),
    ],
)
def test_few_sequences_of_few_channels_are_fitted_by_their_innovations_first(given, objective):
    assert usual_objective(measured(**given)) == objective


def test_objective_and_members_are_those_of_so_many():
    few, more, many = (
        as_usual(FitSettings(iterations=4000), measured(n)) for n in (100, 600, 2000)
    )
    assert (few.objective, few.members) == ("innovations-energy", 4)
    assert (more.objective, more.members) == ("innovations-energy", 1)
    assert (many.objective, many.members) == ("energy", 1)


def test_without_a_compiler_it_is_the_energy_score(monkeypatch):
    """Of PyTorch the innovations take nine times as long."""
    monkeypatch.setattr("training.usual.load", lambda: (None, "PyTorch (no C compiler found)"))
    assert usual_objective(measured(100)) == "energy"

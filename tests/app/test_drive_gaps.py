"""A twin knows the drives inside its range that no fitted step had."""

from __future__ import annotations

from dataclasses import replace

import artefact_samples as samples
import numpy as np
import pytest
from fit_device import record_device

from app.operations.events import Note
from app.operations.fit import fit
from app.operations.simulate import simulate
from app.operations.train import train
from app.store import load_twin, save_twin, write_recording
from models.sequence import FieldSequence
from training.drive_gaps import gaps_of, guessed_words, known_gaps, meta_of, never_changes


def twin(low, high, *gaps):
    return replace(samples.twin(), drive_low=low, drive_high=high, meta=meta_of(list(gaps)))


@pytest.mark.parametrize(
    ("drive", "gaps"),
    [
        ([[0.0, 1.0, np.nan], [1.0, 1.0, 0.0]], [(0.0, 1.0)]),
        ([0.2, 0.3, 0.8, 0.9], [(0.3, 0.8)]),
        (np.linspace(0.1, 0.9, 5), []),
        (np.linspace(0.1, 0.9, 100), []),
        ([0.5, 0.5], []),
    ],
)
def test_a_gap_is_where_no_fitted_step_lies(drive, gaps):
    assert gaps_of(np.array(drive)) == gaps


def test_a_fit_that_goes_on_closes_what_it_fills_and_opens_none_that_was_known():
    before = twin(0.0, 0.8, (0.1, 0.8))
    assert gaps_of(np.array([0.3, 0.5]), before) == [(0.5, 0.8)]
    assert gaps_of(np.linspace(0.1, 0.8, 9), before) == []
    assert gaps_of(np.array([0.0, 0.8]), twin(0.0, 0.8)) == []
    assert gaps_of(np.array([0.1, 1.0]), twin(0.0, 0.3)) == [(0.3, 1.0)]


def test_drives_in_a_gap_are_told_with_their_share_and_its_ends_are_known():
    guesser = twin(0.0, 1.0, (0.0, 1.0))
    assert known_gaps(guesser) == [(0.0, 1.0)]
    assert guessed_words(guesser, np.array([0.0, 1.0, 1.0 - 1e-9, np.nan])) == ""
    said = guessed_words(guesser, np.array([0.0, 0.5, 0.5, 1.0]))
    assert said.startswith("50 % of the steps have a drive between 0 and 1, where the twin was")
    assert guessed_words(guesser, np.full(9, 0.5)).startswith("100 % of the steps")
    assert guessed_words(twin(0.0, 1.0), np.array([0.5])) == ""


def warnings(events):
    return [e.text for e in events if isinstance(e, Note) and e.level == "warning"]


def test_a_twin_of_two_fields_says_that_it_guesses_between_them_from_its_fit_on(tmp_path):
    device = record_device(8, 4, seed=1)
    write_recording(tmp_path / "two", replace(device, drive=np.round(device.drive)))
    events = list(fit([tmp_path / "two"], tmp_path / "t", iterations=3, latent=4, hidden=16))
    [said] = warnings(events)
    assert said.startswith("no fitted step has a drive between 0 and 1: of such drives")
    assert said in load_twin(tmp_path / "t").meta["notes"]
    halfway = [FieldSequence(np.array([0.0, 0.5, 1.0]))]
    [said] = warnings(simulate(tmp_path / "t", halfway, 2, tmp_path / "r"))
    assert said.startswith("33.3 % of the steps have a drive between 0 and 1")
    write_recording(tmp_path / "all", device)
    events = list(fit([tmp_path / "all"], tmp_path / "u", iterations=3, origin=tmp_path / "t"))
    assert not [words for words in warnings(events) if "no fitted step" in words]
    assert known_gaps(load_twin(tmp_path / "u")) == []


def test_a_training_says_that_its_twin_guesses(tmp_path):
    save_twin(tmp_path / "t", twin(0.0, 1.0, (0.2, 0.9)))
    task = "mackey-glass:h=5"
    said = warnings(train(task, [tmp_path / "t"], [2], tmp_path / "n", iterations=0))
    assert [words for words in said if "was fitted on no drive between 0.2 and 0.9" in words]


@pytest.mark.parametrize(
    ("drive", "still"),
    [
        ([[0.2, 0.2, np.nan], [0.9, 0.9, 0.9]], True),
        ([[0.2, 0.2, 0.2], [0.9, 0.9, 0.8]], False),
        ([[0.2], [0.9]], False),
        ([[0.2, np.nan], [0.9, np.nan]], False),
    ],
)
def test_drives_that_never_change_are_known(drive, still):
    assert never_changes(np.array(drive)) is still


def test_a_twin_of_still_drives_says_that_it_guesses_their_changes(tmp_path):
    device = record_device(8, 4, seed=1)
    still = np.broadcast_to(np.linspace(0, 1, 8)[:, None], device.drive.shape).copy()
    write_recording(tmp_path / "still", replace(device, drive=still))
    events = list(fit([tmp_path / "still"], tmp_path / "t", iterations=3, latent=4, hidden=16))
    [said] = [words for words in warnings(events) if "holds one drive" in words]
    assert said in load_twin(tmp_path / "t").meta["notes"]
    write_recording(tmp_path / "all", device)
    for name, origin in (("u", None), ("v", tmp_path / "t")):
        events = list(fit([tmp_path / "all"], tmp_path / name, iterations=3, origin=origin))
        assert not [words for words in warnings(events) if "holds one drive" in words]

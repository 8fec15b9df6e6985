"""simulate: a twin's recording has the format of a device's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import artefact_samples as samples
import numpy as np
import pytest

from app.operations.events import Note, Progress, Result
from app.operations.simulate import beyond_fit, simulate
from app.store import read_recording, save_twin, sha256_of
from models.errors import InputError
from models.sequence import FieldSequence

if TYPE_CHECKING:
    from pathlib import Path

INSIDE = [FieldSequence(np.array([0.1, 0.5, 0.9])), FieldSequence(np.array([0.3, 0.4]))]


def test_a_recording_as_the_device_would_give_it(tmp_path: Path) -> None:
    twin_file = save_twin(tmp_path / "t", samples.twin())
    events = list(simulate(tmp_path / "t", INSIDE, 5, tmp_path / "r", seed=3))
    assert [type(e) for e in events] == [Progress, Progress, Result]
    recording = read_recording(tmp_path / "r")
    assert recording.response.shape == (2, 5, 3, 2)
    assert np.isfinite(recording.response[0]).all()
    assert np.isnan(recording.response[1, :, 2]).all()
    assert recording.complete.all()
    assert (recording.channels, recording.units) == (("X", "Y"), ("V", "V"))
    assert (recording.window, recording.reset) == (samples.WINDOW, samples.RESET)
    assert recording.settings == samples.twin().settings
    assert recording.meta["parents"][0]["sha256"] == sha256_of(twin_file)
    assert recording.meta["simulated"] is True
    last = events[-1]
    assert isinstance(last, Result)
    assert (last.values["status"], last.values["repeats"]) == ("done", 5)


def test_one_seed_one_recording(tmp_path: Path) -> None:
    save_twin(tmp_path / "t", samples.twin())
    for name, seed in (("one", 1), ("two", 1), ("three", 2)):
        list(simulate(tmp_path / "t", INSIDE, 4, tmp_path / name, seed=seed))
    one, two, three = (read_recording(tmp_path / n).response for n in ("one", "two", "three"))
    assert np.array_equal(one, two, equal_nan=True)
    assert not np.array_equal(one, three, equal_nan=True)
    assert np.std(one[0], axis=0).min() > 0


def test_no_sequence_has_anothers_noise(tmp_path: Path) -> None:
    """Seed 1 gave the first sequence what seed 0 had given the second, and other drives the same.

    So did a recording to fit on and one to score on, by the seed that nobody had asked for.
    """
    save_twin(tmp_path / "t", samples.twin())
    rng, rests = np.random.default_rng(0), []
    alike = [FieldSequence(0.5 + 0.01 * rng.random(40)) for _ in range(6)]
    for name, sequences, seed in (
        ("one", alike[:3], 0),
        ("two", alike[:3], 1),
        ("3", alike[3:], 0),
    ):
        list(simulate(tmp_path / "t", sequences, 50, tmp_path / name, seed=seed))
        response = read_recording(tmp_path / name).response
        rests += list(response - response.mean(axis=1, keepdims=True))
    related = np.corrcoef([rest[..., 0].ravel() for rest in rests])
    assert np.abs(related[~np.eye(9, dtype=bool)]).max() < 0.2


def test_a_deterministic_twin_repeats_itself(tmp_path: Path) -> None:
    save_twin(tmp_path / "t", replace(samples.twin(), deterministic=True))
    list(simulate(tmp_path / "t", INSIDE, 4, tmp_path / "r"))
    response = read_recording(tmp_path / "r").response[0]
    assert np.allclose(response, response[:1])


def test_drives_beyond_the_fit_are_told(tmp_path: Path) -> None:
    save_twin(tmp_path / "t", samples.twin())
    outside = [FieldSequence(np.array([0.0, 1.0]))]
    events = list(simulate(tmp_path / "t", outside, 1, tmp_path / "r"))
    notes = [e for e in events if isinstance(e, Note)]
    assert [n.level for n in notes] == ["warning"]
    assert "0…1 leave the range 0.05…0.95" in notes[0].text
    assert beyond_fit(samples.twin(), INSIDE) is None
    both = [FieldSequence(np.array([0.0, 1.0]), holds=np.array([1, 4]))]
    said = str(beyond_fit(samples.twin(), both))
    assert "leave the range" in said
    assert "held up to 4 times" in said


def test_drives_of_another_field_window_are_other_fields(tmp_path: Path) -> None:
    save_twin(tmp_path / "t", samples.twin())
    own = samples.twin()
    list(simulate(tmp_path / "t", INSIDE, 1, tmp_path / "a", window=own.window, reset=own.reset))
    other = replace(own.window, high_T=2 * own.window.high_T)
    with pytest.raises(InputError, match="the sequences ask for window"):
        list(simulate(tmp_path / "t", INSIDE, 1, tmp_path / "b", window=other))
    assert not (tmp_path / "b").exists()


def test_wrong_use_is_refused_before_the_work(tmp_path: Path) -> None:
    save_twin(tmp_path / "t", samples.twin())
    with pytest.raises(InputError, match="nothing to simulate"):
        list(simulate(tmp_path / "t", INSIDE, 0, tmp_path / "r"))
    with pytest.raises(InputError, match="a month of a rig"):
        list(simulate(tmp_path / "t", INSIDE, 10**9, tmp_path / "r"))
    with pytest.raises(InputError, match="no such file or folder"):
        list(simulate(tmp_path / "no", INSIDE, 1, tmp_path / "r"))
    with pytest.raises(InputError, match="nothing is ever overwritten"):
        list(simulate(tmp_path / "t", INSIDE, 1, tmp_path / "t"))
    assert not (tmp_path / "r").exists()

"""import: how long each step was held, from files of every shape, or one clear error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.importing.preview import preview
from app.operations.events import Note, Result
from app.operations.fit_input import FitInput
from app.operations.import_measured import import_measured
from app.store import read_recording
from models.errors import InputError
from models.recording import faults_of

if TYPE_CHECKING:
    from pathlib import Path

SEQUENCES, REPEATS, STEPS = 4, 3, 5
HOLDS = np.array([[1, 2, 1, 3, 1], [2, 1, 1, 1, 7], [1, 1, 1, 1, 1], [1, 4, 2, 1, 1]])
MAP = "response=y:sequence,repeat,step drive=u:sequence,step"


def arrays():
    rng = np.random.default_rng(0)
    u = rng.random((SEQUENCES, STEPS))
    return {"y": u[:, None] + 0.1 * rng.standard_normal((SEQUENCES, REPEATS, STEPS)), "u": u}


def npz(folder: Path, **more) -> Path:
    np.savez(folder / "data.npz", **arrays(), **more)
    return folder / "data.npz"


def imported(file: Path, mapping: str, out: Path):
    events = list(import_measured(file, mapping, out))
    assert isinstance(events[-1], Result)
    return read_recording(out), [e.text for e in events if isinstance(e, Note)]


@pytest.mark.parametrize(
    ("times", "words", "expected"),
    [
        (0.05 * HOLDS, "holds=dwell", HOLDS),
        (0.05 * HOLDS[0], "holds=dwell:step", np.tile(HOLDS[0], (SEQUENCES, 1))),
        (HOLDS, "holds=dwell:sequence,step", HOLDS),
        (0.1 * HOLDS, "holds=dwell hold=0.05", 2 * HOLDS),
        (0.05 * np.repeat(HOLDS[:, None], REPEATS, axis=1), "holds=dwell", HOLDS),
        (0.05 * HOLDS.T, "holds=dwell:step,sequence", HOLDS),
    ],
)
def test_hold_times_become_whole_numbers_of_one_hold(tmp_path: Path, times, words, expected):
    recording, notes = imported(npz(tmp_path, dwell=times), f"{MAP} {words}", tmp_path / "r")
    assert recording.holds.tolist() == expected.tolist()
    assert faults_of(recording) == []
    longest = int(expected.max())
    assert f"steps are held 1 to {longest} times as long as the shortest" in notes
    drive, response = FitInput.read([tmp_path / "r"], seed=0, deterministic=False).part("test")
    assert drive.shape[1] > STEPS
    assert np.isfinite(response).any(axis=(1, 3)).sum() == STEPS


def test_the_jitter_of_a_timer_is_no_other_hold(tmp_path: Path):
    rng = np.random.default_rng(1)
    times = 0.05 * np.repeat(HOLDS[:, None], REPEATS, axis=1)
    times = times + 1e-3 * rng.standard_normal(times.shape)
    recording, _ = imported(npz(tmp_path, dwell=times), f"{MAP} holds=dwell", tmp_path / "r")
    assert recording.holds.tolist() == HOLDS.tolist()


def test_only_some_sequences_and_shorter_ones_keep_their_own_holds(tmp_path: Path):
    known, times = arrays(), 0.05 * HOLDS
    known["u"][1, 3:] = known["y"][1, :, 3:] = times[1, 3:] = np.nan
    np.savez(tmp_path / "short.npz", **known, dwell=times)
    words = f"{MAP} holds=dwell only=sequence:1,3"
    recording, _ = imported(tmp_path / "short.npz", words, tmp_path / "r")
    assert recording.lengths.tolist() == [3, 5]
    assert recording.holds.tolist() == [[2, 1, 1, 1, 1], HOLDS[3].tolist()]


def test_a_table_has_a_column_for_it_and_the_map_is_guessed(tmp_path: Path):
    known = arrays()
    rows = ["sequence,repeat,step,u,y,dwell (s)"]
    rows += [
        f"{s},{r},{t},{known['u'][s, t]},{known['y'][s, r, t]},{0.05 * HOLDS[s, t]}"
        for s in range(SEQUENCES) for r in range(REPEATS) for t in range(STEPS)
    ]  # fmt: skip
    (tmp_path / "a.csv").write_text("\n".join(rows))
    guess = preview(tmp_path / "a.csv").guess
    assert "response=y " in guess
    assert guess.endswith("holds=dwell")
    recording, _ = imported(tmp_path / "a.csv", guess, tmp_path / "r")
    assert recording.holds.tolist() == HOLDS.tolist()
    assert recording.response[..., 0] == pytest.approx(known["y"])
    assert preview(npz(tmp_path, hold_s=HOLDS)).guess.endswith("holds=hold_s")


@pytest.mark.parametrize(
    ("times", "words", "fault"),
    [
        (0.05 * HOLDS + 0.02 * (HOLDS == 7), "", "held 0.37, 7.4 times the hold of 0.05"),
        (HOLDS, "hold=1000", "0 holds of 1000; expected 1…1000"),
        (HOLDS * (HOLDS < 7), "", "times above zero"),
        (np.where(HOLDS == 7, np.nan, HOLDS), "", "step 4 of sequence 1 has no hold time"),
        (np.ones((SEQUENCES, 2)), "", "gives .4, 1, 2. sequences × repeats × steps"),
        (np.ones(STEPS) * [[[1]], [[2]], [[1]], [[1]]] * np.array([1, 2, 1])[:, None], "",
         "held 1 to 2 times as long as a hold in different repeats"),
    ],
)  # fmt: skip
def test_what_is_no_hold_is_named(tmp_path: Path, times, words, fault):
    with pytest.raises(InputError, match=fault):
        imported(npz(tmp_path, dwell=times), f"{MAP} holds=dwell {words}", tmp_path / "r")
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ("holds=dwel", "holds: there is no array 'dwel'; did you mean 'dwell'"),
        ("holds=dwell:sequence,channel", "'channel' is none of the axes"),
        ("hold=0.05", "hold= needs holds=NAME"),
        ("holds=dwell hold=-1", "no number above 0"),
        ("response=y:sequence,repeat,time samples=5 holds=dwell", "samples run on"),
    ],
)
def test_a_map_that_does_not_fit_is_named(tmp_path: Path, words, fault):
    with pytest.raises(InputError, match=fault):
        imported(npz(tmp_path, dwell=HOLDS), f"{MAP} {words}", tmp_path / "r")

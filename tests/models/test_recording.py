"""A recording as a value: shapes that fit, selection, what is complete."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from models.errors import InputError
from models.recording import Recording
from models.sequence import DriveWindow, Reset


def recording(**changes: Any) -> Recording:
    """Three sequences, two repeats, four steps, two channels."""
    values: dict[str, Any] = {
        "response": np.arange(48.0).reshape(3, 2, 4, 2),
        "drive": np.zeros((3, 4)),
        "lengths": np.array([4, 3, 4]),
        "families": ("steps", "smooth", "mixed"),
        "order": np.array([[0, 3], [1, -1], [2, 4]]),
        "start_s": np.zeros((3, 2)),
        "channels": ("X", "Y"),
        "units": ("V", "V"),
        "window": DriveWindow("step", 0.0, 1.0),
        "reset": Reset(0.0),
    }
    return Recording(**{**values, **changes})


def test_complete_says_which_repeats_are_there() -> None:
    assert recording().complete.tolist() == [[True, True], [True, False], [True, True]]


def test_how_long_each_sequence_was_held_counts_its_own_steps_only() -> None:
    held = recording(holds=np.array([[1, 2, 3, 4], [5, 1, 1, 1], [1, 1, 1, 1]]))
    assert held.held_lengths.tolist() == [10, 7, 4] == [s.length for s in held.sequences()]


def test_select_takes_sequences_in_the_order_asked_for() -> None:
    some = recording(meta={"id": "rec-1"}).select(np.array([2, 0]))
    assert some.families == ("mixed", "steps")
    assert some.response[0, 0, 0, 0] == 32
    assert (some.order.tolist(), some.meta) == ([[2, 4], [0, 3]], {"id": "rec-1"})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"response": np.zeros((3, 2, 4))}, r"response has shape \(3, 2, 4\)"),
        ({"drive": np.zeros((3, 5))}, r"drive has shape \(3, 5\), expected \(3, 4\)"),
        ({"channels": ("X",)}, r"channels has shape \(1,\), expected \(2,\)"),
        ({"status": "finished"}, "'finished' is none of running, done"),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        recording(**changes)


def test_all_misfits_at_once() -> None:
    with pytest.raises(InputError, match="3 problems"):
        recording(units=("V",), order=np.zeros((3, 3)), status="")


def test_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        recording().status = "done"  # type: ignore[misc]


@pytest.mark.parametrize(
    "module", ["recording", "sequence", "errors", "twin", "network", "schedule"]
)
def test_the_values_import_without_torch(module: str) -> None:
    code = f"import sys, models.{module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

"""What was imported of another kind is told with the map's word that makes it of one kind."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from models.errors import InputError
from models.recording import Recording
from models.sequence import DriveWindow, Reset
from training.exchanged_channels import exchanged_channels
from training.import_again import import_again
from training.joined import join

WINDOW = DriveWindow("step", 0.0022, 0.0034)


def imported(seed: int, window: DriveWindow = WINDOW, **changes: Any) -> Recording:
    """Four repeats of six sequences: X about 1 and up to 2, Y about -0.3."""
    rng = np.random.default_rng(seed)
    drive = rng.random((6, 30))
    response = np.stack([1 + drive, -0.3 - drive**2 / 3], axis=-1)[:, None].repeat(4, axis=1)
    made = Recording(
        response + 0.02 * rng.standard_normal(response.shape), drive, np.full(6, 30),
        ("given",) * 6, np.arange(24).reshape(6, 4), np.zeros((6, 4)), ("X", "Y"), ("V", "V"),
        window, Reset(0.0), meta={"id": str(seed), "imported": {"map": ""}},
    )  # fmt: skip
    return replace(made, **changes)


def test_a_window_reset_unit_or_channel_of_an_import_is_told_with_its_word() -> None:
    narrow = imported(0, DriveWindow("step", 0.0025, 0.003))
    assert import_again(narrow, "window", WINDOW) == ", or import it again with field=2.2,3.4,mT"
    turned = DriveWindow("rotation", 0.0022, 0.0034)
    assert import_again(narrow, "window", turned).endswith(" encoding=rotation")
    assert "reset=4 beside its field in mT" in import_again(narrow, "reset", Reset(0.004))
    assert "units=mV,mV, if they are these" in import_again(narrow, "units", ("mV", "mV"))
    assert import_again(narrow, "channels", ("X",)) == ""
    unknown = imported(0, DriveWindow("step", 0.0, 1.0))
    assert import_again(unknown, "window", WINDOW).endswith("mT, if its numbers are in mT")
    assert import_again(narrow, "window", unknown.window) == ""
    assert import_again(replace(narrow, meta={}), "window", WINDOW) == ""  # measured on a rig


def test_sequences_beyond_the_wanted_window_are_left_out_by_number() -> None:
    wide = imported(0, DriveWindow("step", 0.0022, 0.0046))
    drive = wide.drive.copy()
    drive[[1, 4]] *= 0.4
    said = import_again(replace(wide, drive=drive), "window", WINDOW)
    assert "field=2.2,3.4,mT only=sequence:1,4: the others go beyond that field" in said
    assert import_again(wide, "window", WINDOW) == ""


def test_recordings_of_two_windows_get_one_that_spans_both() -> None:
    other = imported(1, DriveWindow("step", 0.002, 0.003))
    with pytest.raises(InputError, match=r"or import both again with field=2,3\.4,mT"):
        join([imported(0), other])


def test_exchanged_channels_are_told_and_refused_beside_others() -> None:
    one, other = imported(0), imported(1)
    known = one.response.reshape(-1, 2)
    offset, scale = known.mean(axis=0), known.std(axis=0)
    assert exchanged_channels(offset, scale, other) == []
    assert exchanged_channels(offset, scale, replace(other, response=other.response + 0.2)) == []
    turned = replace(other, response=other.response[..., ::-1])
    [said] = exchanged_channels(offset, scale, turned)
    assert "'X' where 'Y' was, 'Y' where 'X' was" in said
    assert "only=channel:1,0 channels=X,Y puts them back" in said
    with pytest.raises(InputError, match="channels lie exchanged"):
        join([one, turned])
    still = replace(other, response=np.zeros_like(other.response))
    assert exchanged_channels(offset, scale, still) == []

"""Beside a twin that is opened its device's held-out repeats are drawn, read beside the window."""

from __future__ import annotations

from dataclasses import replace

import artefact_samples as samples
import numpy as np
import pytest

from app.artefacts import sha256_of
from app.recording_store import write_recording
from app.store import save_twin

WAIT_MS = 120_000


@pytest.fixture
def opened(make_window, qtbot):
    """The Twin page with a twin that held the second sequence out; a function opens it."""
    window = make_window(connected=False, page="twin")
    folder = window.session.library.folder
    recording = write_recording(folder / "rec-a", samples.full())
    parent = {
        "id": "rec-test", "path": str(recording), "sha256": sha256_of(recording), "sequences": 2,
    }  # fmt: skip
    made = samples.twin()
    held_out = {"test": [1], "test_repeats": [2, 3]}
    meta = {**made.meta, "parents": [parent], "held_out": held_out}
    save_twin(folder / "twin-a", replace(made, meta=meta))

    def open_it():
        window.open_page("twin", folder / "twin-a")
        page = window.pages["twin"]
        qtbot.waitUntil(lambda: page.heading.text() == "Twin fitted", timeout=WAIT_MS)
        return page

    return open_it, recording


def test_the_repeats_of_a_held_out_sequence_are_drawn_channel_by_channel(opened, qtbot) -> None:
    page = opened[0]()
    device = page.plots.device
    qtbot.waitUntil(lambda: device.mean.getData()[0] is not None, timeout=WAIT_MS)
    expected = np.mean([samples.response_of(1, r, 3) for r in (2, 3)], axis=0)
    assert np.allclose(device.mean.getData()[1], expected[:, 0])
    assert device.shown_run == "rec-a"
    below = page.plots.spread.plot.viewRange()[0]
    assert below == device.plot.viewRange()[0] == [0, 2]
    assert device.title.toolTip() == "Sequence 2, held out of the fit"
    page.toggle.choose(1)
    page.toggle.chosen.emit(1)
    assert np.allclose(device.mean.getData()[1], expected[:, 1])
    assert "Score" in page.plots.twin.hint.text()


def test_without_its_recordings_it_says_why_the_device_is_not_shown(opened, qtbot) -> None:
    open_it, recording = opened
    recording.unlink()
    page = open_it()
    hint = page.plots.device.hint
    qtbot.waitUntil(lambda: "is not there any more" in hint.text(), timeout=WAIT_MS)
    assert page.plots.device.mean.getData()[0] is None

"""Beside a twin that is opened its device's held-out repeats are drawn, read beside the window."""

from __future__ import annotations

from dataclasses import replace

import artefact_samples as samples
import numpy as np
import pytest

from app.artefacts import sha256_of
from app.gui.pages.twin_plots import TwinPlots
from app.gui.widgets.channels import EVERY
from app.map_levels import levels_of
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
    page.views.toggle.choose(1)
    page.views.toggle.chosen.emit(1)
    assert np.allclose(device.mean.getData()[1], expected[:, 1])
    assert "Score" in page.plots.twin.hint.text()


def test_without_its_recordings_it_says_why_the_device_is_not_shown(opened, qtbot) -> None:
    open_it, recording = opened
    recording.unlink()
    page = open_it()
    hint = page.plots.device.hint
    qtbot.waitUntil(lambda: "is not there any more" in hint.text(), timeout=WAIT_MS)
    assert page.plots.device.mean.getData()[0] is None


def test_of_many_channels_all_are_shown_as_maps_of_which_a_row_is_chosen(make_window) -> None:
    page = make_window(connected=False, page="twin").page()
    rng = np.random.default_rng(0)
    real, twin = (rng.normal(size=(n, 5, 9)) + np.arange(9.0) for n in (4, 6))
    live, plots = page.live, page.plots
    live.real, live.twin = 1e-3 * real, 1e-3 * twin
    page.views.set_channels(tuple(f"f{k}" for k in range(9)), ("V",) * 9)
    assert page.views.channel is None
    page._redraw()
    for panel, mean in ((plots.device, real.mean(axis=0)), (plots.twin, twin.mean(axis=0))):
        assert np.allclose(panel.heat.image.image, mean.T)  # in mV
        assert tuple(panel.heat.image.levels) == levels_of(real.mean(axis=0))  # one scale
        assert panel.unit.text().startswith("mV · mean of")
        assert panel.mean.getData()[0] is None
    x, y = plots.spread_device.getData()
    assert x.tolist() == list(range(1, 10))
    assert np.allclose(y, real.std(axis=0, ddof=1).mean(axis=0))
    drawn = plots.device.heat.image.image
    page._redraw()  # as at each event of a fit, whose samples come every few seconds
    assert plots.device.heat.image.image is drawn
    live.twin = 2e-3 * twin
    page._redraw()
    assert plots.device.heat.image.image is not drawn
    assert np.allclose(plots.twin.heat.image.image, 2 * twin.mean(axis=0).T)
    plots.twin.heat.picked.emit(7)
    assert (page.views.channel, page.views.toggle.value) == (7, 7)
    assert not plots.device.heat.shown
    assert np.allclose(plots.device.mean.getData()[1], real.mean(axis=0)[:, 7])
    assert plots.spread_device.getData()[0].tolist() == list(range(5))
    assert plots.spread.x_label.text() == "Step"
    page.views.toggle.choose(EVERY)
    assert plots.device.heat.shown
    page.views.set_channels(("X", "Y"), ("V", "V"))
    assert page.views.channel == 0


def test_before_a_fit_the_repeats_of_many_channels_are_a_map(theme, qtbot) -> None:
    plots = TwinPlots(theme)
    qtbot.addWidget(plots)
    real = np.random.default_rng(0).normal(size=(1, 5, 9))
    plots.draw_repeats(real, None, tuple("abcdefghi"), ("V", "A", *["V"] * 7))
    assert plots.device.heat.shown
    assert plots.device.unit.text().startswith("mean of 1 repeat · empty")  # units differ
    assert not plots.twin.heat.shown
    assert plots.spread_device.getData()[0] is None  # one repeat has none
    plots.clear()
    assert not plots.device.heat.shown

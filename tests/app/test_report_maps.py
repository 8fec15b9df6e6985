"""A spectrum in the report: all channels as maps, and repeats of a channel that tells something."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import artefact_samples as samples
import numpy as np
import pytest

from app.report.figures import maps_figure
from app.report.twin import Unseen
from app.report.twin_repeats import add_repeats
from models.recording import Recording, stacked
from models.sequence import FieldSequence

CHANNELS, TELLING = 8, 5


class Page:
    """Keeps the figures that are added to it."""

    def __init__(self) -> None:
        self.figures: dict[str, Any] = {}

    def figure(self, name: str, figure: Any, _: str) -> None:
        self.figures[name] = figure


def unseen(channels: int) -> Unseen:
    """Two sequences, the second two steps shorter, of which one channel moves."""
    rng = np.random.default_rng(0)
    response = rng.normal(size=(2, 6, 12, channels))
    response[..., TELLING % channels] += 20 * np.sin(np.arange(12.0))
    response[1, :, 10:] = np.nan
    known = Recording(
        response, order=np.arange(12).reshape(2, 6), start_s=np.zeros((2, 6)),
        channels=tuple(f"f{k}" for k in range(channels)), units=("V",) * channels,
        window=samples.full().window, reset=samples.full().reset,
        **stacked([FieldSequence(rng.random(n), "steps") for n in (12, 10)]),
    )  # fmt: skip
    return Unseen(Path("rec"), known, (0, 1), tuple(range(6)))


def test_all_channels_of_device_and_twin_are_maps_of_one_scale() -> None:
    page, known = Page(), unseen(CHANNELS)
    add_repeats(page, "twin", samples.twin(channels=CHANNELS), known)  # type: ignore[arg-type]
    assert list(page.figures) == ["maps-twin", "repeats-twin"]
    maps = [axes.images[0] for axes in page.figures["maps-twin"].axes if axes.images]
    assert len(maps) == 4
    assert len({image.get_clim() for image in maps}) == 1
    mean = known.recording.response[0].mean(axis=0)
    np.testing.assert_allclose(maps[0].get_array(), mean.T)
    assert maps[2].get_array().shape == (CHANNELS, 10)
    traces = page.figures["repeats-twin"].axes
    assert traces[1].get_ylabel() == f"f{TELLING} (V)"


def test_of_few_channels_there_is_no_map_and_the_first_is_drawn() -> None:
    page = Page()
    add_repeats(page, "twin", samples.twin(channels=2), unseen(2))  # type: ignore[arg-type]
    assert list(page.figures) == ["repeats-twin"]
    assert page.figures["repeats-twin"].axes[1].get_ylabel() == "f0 (V)"


def test_a_map_of_microvolts_says_so() -> None:
    one = 1e-6 * np.arange(24.0).reshape(4, 6)
    figure = maps_figure([("a", one, one / 2)], "V")
    assert {axes.get_ylabel() for axes in figure.axes} == {"channel", "", "mean (µV)"}
    (device, twin) = (axes.images[0] for axes in figure.axes[:2])
    assert device.get_array().max() == pytest.approx(23)
    assert twin.get_array().max() == pytest.approx(11.5)

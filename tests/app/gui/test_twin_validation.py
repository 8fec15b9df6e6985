"""The Twin page's second view, and what it says of recordings before a fit."""

from __future__ import annotations

import copy
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from PyQt6.QtGui import QFontMetricsF

from app.gui.fit_complaints import SINGLE, find, first_of
from app.gui.pages.twin_validation import ValidationPlots
from models.recording import Recording
from models.sequence import DriveWindow, Reset
from training.floors import Drives, score
from training.kept import kept_validation
from training.validation import summary


@pytest.fixture(scope="module")
def kept():
    rng = np.random.default_rng(0)
    drive = rng.random((6, 40))
    real = drive[:, None, :, None] + 0.1 * rng.standard_normal((6, 16, 40, 2))
    twin = drive[:, None, :, None] + 0.1 * rng.standard_normal((6, 200, 40, 2))
    twin[..., 1] += 0.1 * (drive > 0.7)[:, None]
    scores = score(twin, real, 0, drives=Drives(drive, ("steps",) * 3 + ("sines",) * 3, ("X", "Y")))
    return summary(scores, deterministic=False)


def test_the_verdict_and_the_parts_are_drawn(theme, qtbot, kept) -> None:
    plots = ValidationPlots(theme)
    qtbot.addWidget(plots)
    assert plots.verdict.text().startswith("No verdict yet")
    plots.show_validation(kept_validation({"validation": kept}))
    assert plots.verdict.text() == kept["verdict"]["words"]
    assert plots.verdict.text().startswith("Not yet at the floor")
    assert "at drives 0.7–1" in plots.reasons.text()
    dots, bars = plots.parts["drive"].lines["mean"]
    assert len(dots.getData()[0]) == 10
    assert len(bars.getData()[0]) == 30
    assert plots.spectrum_twin.getData()[0].size == len(kept["curves"]["spectrum_real"])
    assert plots.coverage["step"].target.value() == pytest.approx(0.891)
    plots.show_validation(None)
    assert dots.getData()[0].size == 0


def test_names_of_sixty_channels_leave_each_other_room(theme, qtbot, kept) -> None:
    many = copy.deepcopy(kept)
    row = many["where"]["channel"][0]
    names = [f"|S21| at {4 + k / 10:.3f} GHz" for k in range(60)]
    many["where"]["channel"] = [row | {"label": name} for name in names]
    plots = ValidationPlots(theme)
    qtbot.addWidget(plots)
    plots.resize(640, 700)  # the narrowest window
    plots.show()
    plots.show_validation(kept_validation({"validation": many}))
    panel = plots.parts["channel"]
    axis = panel.plot.getAxis("bottom")
    assert axis.places == tuple(names)
    metrics = QFontMetricsF(axis.style["tickFont"])
    left, right = panel.plot.viewRange()[0]
    wide = panel.plot.getViewBox().width()
    px = wide / (right - left)
    ((every, at),) = axis.tickValues(left, right, wide)
    ticks = list(zip(at, axis.tickStrings(at, 1.0, every), strict=True))
    assert 1 < len(ticks) < 7
    assert [name for _, name in ticks] == names[::every]
    for (at, name), (after, following) in pairwise(ticks):
        half = (metrics.horizontalAdvance(name) + metrics.horizontalAdvance(following)) / 2
        assert (after - at) * px > half


def test_an_interval_over_magnitudes_leaves_the_ratios_apart(theme, qtbot, kept) -> None:
    """Of six sequences an interval reached to 900 times: all dots lay on the axis."""
    wide = copy.deepcopy(kept)
    for ratio, row in zip((1.0, 4.0, 0.8), wide["where"]["drive"], strict=False):
        row["mean"] = {"ratio": ratio, "low": ratio / 2, "high": 900.0}
    plots = ValidationPlots(theme)
    qtbot.addWidget(plots)
    plots.show_validation(kept_validation({"validation": wide}))
    panel = plots.parts["drive"]
    low, high = panel.plot.viewRange()[1]
    assert 10**high < 100
    dots = panel.lines["mean"][0].getData()[1]
    assert 10 ** (dots[1] - dots[0]) == pytest.approx(4)
    assert (dots[1] - dots[0]) / (high - low) > 0.2
    assert 10 ** panel.target.value() == pytest.approx(1.25)


def test_a_forged_validation_is_left_alone(kept) -> None:
    assert kept_validation({}) is None
    for spoil in (
        lambda v: v.pop("verdict"),
        lambda v: v["verdict"].update(reasons="words"),
        lambda v: v["where"]["drive"][0].update(mean=3),
        lambda v: v["where"]["step"][0].update(bounds="1–4"),
        lambda v: v["curves"]["spectrum_real"].pop(),
        lambda v: v["curves"].update(rank_lines=[1]),
    ):
        forged = copy.deepcopy(kept)
        spoil(forged)
        assert kept_validation({"validation": forged}) is None


def recording(repeats: int, seed: int = 0) -> Recording:
    rng = np.random.default_rng(seed)
    drive = rng.random((3, 30))
    response = drive[:, None, :, None] + rng.standard_normal((3, repeats, 30, 1))
    return Recording(
        response, drive, np.full(3, 30), ("steps",) * 3,
        np.arange(3 * repeats).reshape(3, repeats), np.zeros((3, repeats)), ("X",), ("V",),
        DriveWindow("step", 0.0, 1.0), Reset(0.0),
    )  # fmt: skip


def test_what_is_wrong_with_a_recording_stands_on_the_button_before_a_fit() -> None:
    good = find(recording(8))
    assert first_of([good], deterministic=False) == ("", "")
    assert first_of([find(recording(1))], deterministic=False) == (SINGLE, "fault")
    assert first_of([find(recording(1))], deterministic=True) == ("", "")
    known = recording(8)
    clipped = find(replace(known, response=np.minimum(known.response, 0.8)))
    words, role = first_of([good, clipped], deterministic=False)
    assert role == "attention"
    assert "exactly 0.8 V" in words
    marks = np.where(known.response > 2.5, 9.9e37, known.response)
    words, role = first_of([find(replace(known, response=marks))], deterministic=False)
    assert (role, "overload marks" in words) == ("fault", True)

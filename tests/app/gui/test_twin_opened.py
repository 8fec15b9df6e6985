"""A finished twin that is opened shows its own scores, and of them what says something of it."""

from __future__ import annotations

import threading
from dataclasses import replace
from functools import cache
from typing import Any

import artefact_samples as samples
import numpy as np
import pytest

from app.gui.pages.twin_validation import NOISELESS
from app.store import save_twin, write_recording
from training.floors import Drives, score
from training.validation import summary

WAIT_MS = 120_000


@cache
def scored(noise: float):
    """Scores of a twin with so much noise beside repeats with 0.1."""
    rng = np.random.default_rng(0)
    drive = rng.random((6, 40))
    real, twin = (
        drive[:, None, :, None] + s * rng.standard_normal((6, n, 40, 2))
        for s, n in ((0.1, 16), (noise, 200))
    )
    return score(twin, real, 0, drives=Drives(drive, ("steps",) * 6, ("X", "Y")))


@pytest.fixture
def opened(make_window, qtbot):
    """The Twin page; a function opens a twin with scores of so much noise, or without any."""
    window = make_window(connected=False, page="twin")
    folder = window.session.library.folder

    def open_it(name: str, noise: float | None, *, notes: bool = True):
        made = samples.twin()
        if noise is None:
            made = replace(made, errors={}, coverage={}, meta={**made.meta, "id": name})
        else:
            scores, still = scored(noise), noise == 0
            told = {"validation": summary(scores, deterministic=still), "notes": scores.notes}
            meta = {**made.meta, "id": name, **(told if notes else {**told, "notes": []})}
            made = replace(made, errors=scores.errors, coverage=scores.coverage, meta=meta,
                           deterministic=still)  # fmt: skip
        save_twin(folder / name, made)
        window.open_page("twin", folder / name)
        page = window.pages["twin"]
        qtbot.waitUntil(lambda: page.subheading.text().startswith(f"{name} · "), timeout=WAIT_MS)
        return page

    return open_it


def names(page) -> list[str]:
    return [row.name for row in page.plots.errors.rows]


def test_an_unscored_twin_does_not_show_the_scores_of_the_one_before(opened) -> None:
    page = opened("twin-a", 0.1)
    assert len(names(page)) == 7
    assert page.plots.lag_twin.getData()[0] is not None
    assert page.plots.pit_band.fill.isVisible()
    assert [key.text for key in page.plots.pit.legend.keys] == ["perfect"]
    page = opened("twin-b", None)
    assert not page.plots.pit_band.fill.isVisible()
    assert names(page) == []
    assert page.plots.lag_twin.getData()[0] is None
    assert page.plots.pit.hint.text()


def test_of_a_twin_without_noise_its_mean_alone_is_shown(opened) -> None:
    page = opened("twin-a", 0.1)
    page = opened("twin-still", 0.0)
    assert names(page) == ["Mean"]
    assert page.plots.errors.rows[0].word == "at floor"
    for panel in (
        page.plots.pit, page.plots.correlation, page.validation.ranks, page.validation.spectrum,
        *page.validation.coverage.values(),
    ):  # fmt: skip
        assert panel.hint.text() == NOISELESS
    by_drive = page.validation.parts["drive"]
    assert len(by_drive.lines["mean"][0].getData()[0]) == 10
    assert len(by_drive.lines["spread"][0].getData()[0]) == 0
    assert not by_drive.hint.text()


def test_a_mean_that_an_older_version_scored_too_well_is_to_be_scored_again(opened) -> None:
    """Its floor was that of two noisy halves: an error of the mean could read as at the floor."""
    page = opened("twin-old", 0.0, notes=False)
    assert names(page) == []
    for said in (page.subheading.text(), page.validation.verdict.text()):
        assert "score it again" in said
    assert not page.live.at_floor


def test_its_latest_comparison_is_read_beside_the_window(opened, qtbot, monkeypatch) -> None:
    """A library on a share that is slow or gone must not hold up the window: Stop is in it."""
    read_by, share = list[str](), threading.Event()
    found: dict[str, Any] = {
        "recording": {"id": "rec-new"}, "created": "2026-11-29T02:00:00+00:00",
        "words": "the spread has grown", "changed": True,
    }  # fmt: skip

    def latest(path: Any) -> dict[str, Any] | None:
        read_by.append(threading.current_thread().name)
        share.wait(20.0)
        return found if path.name == "twin-a" else None

    monkeypatch.setattr("app.gui.twin_drift.latest_drift", latest)
    page = opened("twin-a", 0.1)
    note = page.drift.note
    qtbot.waitUntil(lambda: bool(read_by), timeout=WAIT_MS)
    assert threading.main_thread().name not in read_by
    assert note.text() == ""
    share.set()
    qtbot.waitUntil(lambda: bool(note.text()), timeout=WAIT_MS)
    assert note.text() == "Compared with rec-new on 2026-11-29: the spread has grown"
    assert note.property("role") == "fault"
    opened("twin-b", 0.1)
    qtbot.waitUntil(lambda: len(read_by) == 2, timeout=WAIT_MS)
    assert note.text() == ""


def test_recordings_that_are_handed_over_at_once_are_all_ticked(make_window, qtbot) -> None:
    """As Run again does of a twin that was fitted on several."""
    window = make_window(connected=False, page="twin")
    both = [window.session.library.folder / name for name in ("rec-a", "rec-b")]
    for path in both:
        write_recording(path, replace(samples.full(), status="done"))
    for path in both:
        window.open_page("twin", path)
    page = window.pages["twin"]
    qtbot.waitUntil(lambda: set(page.chosen) == set(both), timeout=WAIT_MS)
    qtbot.waitUntil(lambda: page.recordings.looked is not None, timeout=WAIT_MS)


def test_a_twin_that_is_opened_while_something_runs_is_no_recording(opened, qtbot) -> None:
    page = opened("first", 0.1)
    page.running = True
    path = page.session.library.folder / "first"
    page.choose(path)
    page.choose(path.with_name("moved-away"))
    qtbot.waitUntil(lambda: len(page.shell.log) == 2, timeout=WAIT_MS)
    assert "first can be opened" in page.shell.log[0]
    assert "moved-away: nothing is there" in page.shell.log[1]
    page.running = False
    assert page.chosen == []


def test_until_a_twin_is_there_nothing_acts_on_the_one_before(opened, qtbot, slow_library) -> None:
    page = opened("first", 0.1)
    second = page.session.library.folder / "second"
    save_twin(second, replace(samples.twin(), meta={**samples.twin().meta, "id": "second"}))
    page.rows.kind.choose("beside")  # a score: of the twin that is opened
    path = page.session.library.folder / "rec-a"
    write_recording(path, replace(samples.full(), status="done"))
    page.choose(path)
    qtbot.waitUntil(page.form.primary.isEnabled, timeout=WAIT_MS)
    buttons = (page.train_button, page.drift.button, page.weakest.button, page.form.primary)
    assert all(button.isEnabled() for button in buttons)
    found = slow_library()
    page.choose(second)
    assert not any(button.isEnabled() for button in buttons)
    assert page.form.primary.cost == "second is read …"
    page.press()
    assert page.shell.job is None
    found.set()
    qtbot.waitUntil(lambda: page.subheading.text().startswith("second · "), timeout=WAIT_MS)
    assert all(button.isEnabled() for button in buttons)
    assert (page.twin, page.rows.beside.first.currentData()) == (second, second)


def test_until_a_recording_is_ticked_no_fit_begins_without_it(
    make_window, qtbot, slow_library
) -> None:
    window = make_window(connected=False, page="twin")
    page = window.page()
    first, second = (window.session.library.folder / name for name in ("rec-a", "rec-b"))
    for path in (first, second):
        write_recording(path, replace(samples.full(), status="done"))
    page.choose(first)
    qtbot.waitUntil(lambda: page.recordings.looked != [], timeout=WAIT_MS)
    qtbot.waitUntil(page.form.primary.isEnabled, timeout=WAIT_MS)
    found = slow_library()
    window.open_page("twin", second)
    page.press()
    assert window.job is None
    assert page.form.primary.cost == "rec-b is read …"
    found.set()
    qtbot.waitUntil(page.form.primary.isEnabled, timeout=WAIT_MS)
    assert set(page.chosen) == {first, second}


def test_what_can_t_be_looked_up_leaves_the_page_as_it_was(opened, qtbot) -> None:
    page = opened("first", 0.1)
    page.choose(page.session.library.folder / "moved-away")
    assert not page.train_button.isEnabled()
    qtbot.waitUntil(page.train_button.isEnabled, timeout=WAIT_MS)
    assert page.twin.name == "first"

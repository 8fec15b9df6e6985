"""The Record page's file of sequences, and what a person tells of a recording."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtWidgets import QLineEdit

from app.gui.new_file import NewFile
from app.gui.record_about import TOLD
from app.gui.record_design import Design
from app.gui.record_file import FileDesign
from app.gui.record_saved import from_json, to_json
from app.store import read_recording

WAIT_MS = 60_000


@pytest.fixture
def page(window):
    window.open_page("record")
    return window.pages["record"]


def over(qtbot, window) -> None:
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)


def test_a_file_is_recorded_with_its_window_and_with_what_is_told(
    window, page, qtbot, tmp_path
) -> None:
    low_T = page.low.value()
    high_T = 0.5 * (low_T + page.high.value())
    encoding = window.session.spec.window.encoding
    file = tmp_path / "mine.json"
    body = {
        "sequences": [[0.0, 0.5, 1.0, 0.25], [1.0, 0.0]],
        "window": {"encoding": encoding, "low_T": low_T, "high_T": high_T},
    }
    file.write_text(json.dumps(body), encoding="utf-8")
    rows = page.rows
    rows.kind.choose("file")
    rows.given.file.setText(str(file))
    rows.repeats.setValue(2)
    rows.about.sample.setText("S17")
    rows.about.operator.setText("Kim")
    rows.about.notes.setText("after annealing")
    rows.about.temperature.setValue(4.2)
    assert rows.about.unfold.text() == "S17 · Kim · 4.2 K…"
    assert not rows.about.sample.isVisible()
    rows.about.unfold.click()
    assert rows.about.sample.isVisible()
    page.show_cost()
    qtbot.waitUntil(lambda: page.plan is not None, timeout=WAIT_MS)
    assert rows.given.holds.text() == "2 × 2 to 4 steps"
    assert f"{1e3 * high_T:.4g} mT" in rows.given.window.text()
    assert "within limits" in page.form.primary.cost
    page.press()
    over(qtbot, window)
    assert page.heading.text() == "Recorded mine.json"
    made = read_recording(page.recorded)
    assert np.array_equal(made.sequences()[0].drive, [0.0, 0.5, 1.0, 0.25])
    assert made.window.high_T == high_T
    told = {name: made.meta[name] for name in TOLD}
    assert told == {
        "sample": "S17", "operator": "Kim", "notes": "after annealing", "temperature_K": 4.2
    }  # fmt: skip
    rows.given.file.setText(str(page.recorded))  # a recording has sequences, too
    page.show_cost()
    qtbot.waitUntil(lambda: page.plan is not None, timeout=WAIT_MS)
    assert page.plan.of == 2
    assert page.rows.design().name == page.recorded.parent.name


def test_a_file_that_is_none_refuses_in_words(window, page, qtbot, tmp_path) -> None:
    page.rows.kind.choose("file")
    page.show_cost()
    qtbot.waitUntil(lambda: "choose a file" in page.form.primary.cost, timeout=WAIT_MS)
    assert not page.form.primary.isEnabled()
    broken = tmp_path / "broken.json"
    broken.write_text('{"sequences": [[0, 2.5]]}', encoding="utf-8")
    page.rows.given.file.setText(str(broken))
    page.show_cost()
    qtbot.waitUntil(lambda: "broken.json" in page.form.primary.cost, timeout=WAIT_MS)
    assert not page.form.primary.isEnabled()
    page.queue.add_button.click()
    assert page.rows.given.holds.text() == "—"


def test_the_settings_keep_file_sample_and_operator_but_no_note_of_yesterday(page) -> None:
    values = {"kind": "file", "file": "/a/b.json", "sample": "S17", "operator": "Kim"}
    page.set_form_values({**values, "notes": "old"})
    kept = page.form_values()
    assert {name: kept[name] for name in values} == values
    assert page.rows.about.notes.text() == ""
    assert "notes" not in kept


def test_a_design_of_a_file_comes_back_and_an_older_queue_too() -> None:
    design = FileDesign(file="/a/b.json", repeats=3, sample="S17", temperature_K=4.2)
    assert from_json(to_json(design)) == design
    older = {name: value for name, value in to_json(Design()).items() if name not in TOLD}
    assert from_json(older) == Design()


def test_what_is_told_of_a_sample_is_whole_and_makes_no_form_wider(page, qtbot) -> None:
    """`R&D` stood there as RD, and wide letters pushed the form's entries under its scroll bar."""
    about, scroll = page.rows.about, page.form.rows
    about.sample.setText("R&D")
    assert about.unfold.text() == "R&&D"  # as Qt shows R&D
    about.sample.setText("W" * 40)
    about.unfold.click()
    page.shell.resize(1440, 640)
    bar = scroll.verticalScrollBar()
    qtbot.waitUntil(bar.isVisible, timeout=WAIT_MS)
    body, seen = scroll.widget(), scroll.viewport()
    qtbot.waitUntil(lambda: body.width() == seen.width(), timeout=WAIT_MS)
    assert body.minimumSizeHint().width() <= seen.width()


def test_a_path_pasted_in_quotes_is_the_path(page, qtbot, tmp_path) -> None:
    """Windows' "Copy as path" puts it in quotes: it was no such file."""
    page.rows.given.file.setText(f' "{tmp_path / "my sequences.json"}" ')
    assert page.rows.given.path == str(tmp_path / "my sequences.json")
    entry = QLineEdit(f'"{tmp_path / "new bench.toml"}"')
    qtbot.addWidget(entry)
    assert NewFile(entry, "bench.toml").path == tmp_path / "new bench.toml"
    entry.setText('"')
    assert NewFile(entry, "bench.toml").path == Path('"')

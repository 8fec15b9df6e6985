"""A file that was refused and is repaired since is taken, once somebody comes back to its page."""

from __future__ import annotations

import json

import numpy as np
import pytest
from artefact_samples import twin

from app.store import save_twin

WAIT_MS = 60_000


def elsewhere_and_back(window, key: str) -> None:
    window.open_page("log")
    window.open_page(key)


def test_sequences_of_a_file(window, qtbot, tmp_path) -> None:
    file = tmp_path / "s.json"
    file.write_text('{"sequences": [[0, 0.5')
    page, primary = window.pages["record"], window.pages["record"].form.primary
    page.set_form_values({"kind": "file", "file": str(file)})
    qtbot.waitUntil(lambda: "not a JSON file" in primary.cost, timeout=WAIT_MS)
    file.write_text('{"sequences": [[0, 0.5]]}')
    elsewhere_and_back(window, "record")
    qtbot.waitUntil(primary.isEnabled, timeout=WAIT_MS)
    file.unlink()
    elsewhere_and_back(window, "record")
    qtbot.waitUntil(lambda: "no such file" in primary.cost, timeout=WAIT_MS)


@pytest.mark.parametrize("whole_at_first", [False, True])
def test_a_task_of_a_file(make_window, qtbot, tmp_path, whole_at_first) -> None:
    head = {
        "name": "gait", "inputs": "gait.npz:inputs", "labels": "gait.npz:labels",
        "part": "gait.npz:part", "classes": ["left", "right"], "window": 5, "washout": 10,
    }  # fmt: skip
    text, file = json.dumps(head), tmp_path / "gait.json"
    labels, rng = np.arange(60) % 2, np.random.default_rng(0)
    part = np.repeat([1, 2, 0, 3], [30, 10, 2, 18])
    inputs = rng.standard_normal((300, 2)) + np.repeat(labels, 5)[:, None]
    np.savez(tmp_path / "gait.npz", inputs=inputs, labels=labels, part=part)
    file.write_text(text if whole_at_first else text[:-9])
    window = make_window(connected=False, page="network")
    save_twin(window.session.library.folder / "twin-a", twin())
    page = window.pages["network"]
    page.refresh()
    primary = page.form.primary
    qtbot.waitUntil(lambda: page.rows.task.count() > 5, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: page.twin.currentData() is not None, timeout=WAIT_MS)
    page.set_form_values({"task": "file", "options": str(file)})

    def taken() -> bool:
        return primary.isEnabled() and "30 train" in page.rows.options.toolTip()

    def refused() -> bool:
        return not primary.isEnabled() and "can't be read as JSON" in primary.cost

    if not whole_at_first:
        qtbot.waitUntil(refused, timeout=WAIT_MS)
        file.write_text(text)
        elsewhere_and_back(window, "network")
    qtbot.waitUntil(taken, timeout=WAIT_MS)
    file.write_text(text[:-9])
    elsewhere_and_back(window, "network")
    qtbot.waitUntil(refused, timeout=WAIT_MS)

"""The Network form's rows of the task: one of one's own is picked as a file."""

from __future__ import annotations

import pytest

from app.gui.pages.network_form import NetworkForm
from app.gui.widgets.form import Form
from app.library.folders import Artefact


def test_a_task_of_ones_own_is_picked_as_a_file(theme, qtbot, tmp_path) -> None:
    form = Form(theme, "Network", "")
    qtbot.addWidget(form)
    rows = NetworkForm(theme, form)
    rows.offer_tasks({"mackey-glass": ("a series", {"h": 5}), "file": ("your own", {})})
    assert rows.file_button.isHidden()
    assert rows.task.choose("file")
    assert not rows.file_button.isHidden()
    dialog = rows.choose_file()
    assert not dialog.isModal()  # Stop works beside it
    dialog.fileSelected.emit(str(tmp_path / "gait.json"))
    dialog.close()
    assert rows.options.text() == str(tmp_path / "gait.json")
    assert rows.task.choose("mackey-glass")
    assert rows.file_button.isHidden()


@pytest.mark.parametrize(("task", "options"), [("mackey-glass", "h=10"), ("file", "a/gait.json")])
def test_options_of_the_last_start_are_there_once_the_tasks_are_known(
    theme, qtbot, task: str, options: str
) -> None:
    form = Form(theme, "Network", "")
    qtbot.addWidget(form)
    rows = NetworkForm(theme, form)
    rows.set_values({"task": task, "options": options})
    rows.offer_tasks({"digits": ("images", {}), "mackey-glass": ("a series", {"h": 5}),
                      "file": ("your own", {})})  # fmt: skip
    assert rows.task_text == f"{task}:{options}"  # of any but the first task they were gone
    rows.task.choose("digits")
    assert rows.task_text == "digits"


def test_the_twin_that_stands_there_at_first_is_whole_and_has_noise(theme, qtbot, tmp_path) -> None:
    form = Form(theme, "Network", "")
    qtbot.addWidget(form)
    rows = NetworkForm(theme, form)
    plain = Artefact(tmp_path / "twin-deterministic", "twin", 3.0, {"deterministic": True})
    begun = Artefact(tmp_path / "twin-c" / "so-far", "twin", 2.0, {})
    whole = Artefact(tmp_path / "twin-a", "twin", 1.0, {})
    rows.offer_twins([plain, begun, whole])
    assert rows.twin.currentData() == whole.path  # it was the newest, of a table for itself
    rows.twin.choose(plain.path)
    rows.offer_twins([plain, begun, whole])
    assert rows.twin.currentData() == plain.path
    only = NetworkForm(theme, form)
    only.offer_twins([plain])
    assert only.twin.currentData() == plain.path

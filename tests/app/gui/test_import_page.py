"""The Import page: a file chosen, its map made by controls, a recording that a fit can take."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from fit_device import record_device
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QApplication

from app.gui.import_words import command_of
from app.gui.pages.import_data import EMPTY
from app.operations.export import export
from app.operations.mark import mark
from app.recording_marks import bad_positions
from app.store import read_recording, write_recording

WAIT_MS = 120_000


def data():
    rng = np.random.default_rng(0)
    fields = rng.uniform(22, 34, (4, 12))
    return fields[:, None, :, None] + rng.standard_normal((4, 5, 12, 2)), fields


def opened(window, qtbot, file):
    window.open_page("library")
    window.pages["library"].import_button.click()
    page = window.page()
    assert page.key == "import_data"
    page.open_file(file)
    qtbot.waitUntil(lambda: page.seen is not None or bool(page.problem), timeout=WAIT_MS)
    settled(page, qtbot)
    return page


def settled(page, qtbot):
    page.show_cost()
    waiting = "looking at the numbers"
    qtbot.waitUntil(lambda: page.form.primary.cost != waiting, timeout=WAIT_MS)


def test_a_mat_file_becomes_a_recording_by_pressing_buttons(
    make_window, qtbot, tmp_path, monkeypatch
):
    window = make_window(connected=False, page="library")
    response, fields = data()
    scipy.io.savemat(tmp_path / "a.mat", {"AMR": response.transpose(0, 2, 1, 3), "H": fields})
    page = opened(window, qtbot, tmp_path / "a.mat")
    assert "AMR   4 × 12 × 5 × 2" in page.arrays.text()
    assert page.fields.chosen_axes == ["sequence", "step", "repeat", "channel"]
    page.fields.field.setText("22, 34")
    page.fields.unit.choose("Oe")
    page.fields.encoding.choose("amplitude")
    page.fields.channels.setText("X, Y")
    page.fields.units.setText("V")
    settled(page, qtbot)
    assert page.form.primary.text() == "Import 4 sequences × 5 repeats"
    assert "20 of 20 repeats whole" in page.form.primary.cost
    assert "2.2 … 3.4 mT" in page.subheading.text()
    assert "reset before each repeat is not known: 0 mT stands for it" in page.notes.text()
    assert page.map.text().startswith(f"twinrig import {tmp_path / 'a.mat'} --map response=AMR:")
    page.form.primary.click()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    assert page.imported is not None, "\n".join(window.log)
    recording = read_recording(page.imported)
    assert np.allclose(recording.response, response)
    assert (recording.channels, recording.units) == (("X", "Y"), ("V", "V"))
    assert recording.window.encoding == "amplitude"
    qtbot.waitUntil(lambda: page.heading.text() == "Imported", timeout=WAIT_MS)
    assert page.subheading.text() == str(page.imported.parent)
    page.press()  # a second press would make its repeats two recordings
    assert window.job is None
    assert page.form.primary.text() == "Imported"
    _another_map_is_refused_and_not_said_to_be_imported(page, qtbot, monkeypatch)
    page.fit_button.click()
    twin = window.pages["twin"]
    wanted = [page.imported.parent]
    qtbot.waitUntil(lambda: twin.chosen == wanted, timeout=WAIT_MS)  # looked for beside the window


def _another_map_is_refused_and_not_said_to_be_imported(page, qtbot, monkeypatch) -> None:
    page.fields.channels.setText("Re, Im")
    settled(page, qtbot)
    with monkeypatch.context() as patched:
        patched.setattr(page.shell, "run", lambda _spec: False)  # something else runs
        page.press()
    settled(page, qtbot)
    assert page.form.primary.text().startswith("Import 4")


def test_the_channel_that_is_pressed_is_drawn_also_of_the_next_file(make_window, qtbot, tmp_path):
    response, fields = data()
    for name in ("a.npz", "b.npz"):
        np.savez(tmp_path / name, y=response, H=fields)
    page = opened(make_window(connected=False, page="library"), qtbot, tmp_path / "a.npz")
    page.toggle.choose(1)
    page.open_file(tmp_path / "b.npz")
    qtbot.waitUntil(lambda: page.recording is not None, timeout=WAIT_MS)
    assert page.toggle.value == page.channel


def test_what_was_typed_of_one_file_is_not_taken_for_the_next(make_window, qtbot, tmp_path):
    """Its units and further words went on to whatever file came next, in volts or not."""
    response, fields = data()
    np.savez(tmp_path / "a.npz", y=response, H=fields)
    header = "field_mT,repeat,voltage_mV\n"
    rows = "".join(f"{step},{r},{step}.{r}\n" for r in range(4) for step in range(3, 9))
    (tmp_path / "b.csv").write_text(header + rows, encoding="utf-8")
    window = make_window(connected=False, page="library")
    page = opened(window, qtbot, tmp_path / "b.csv")
    alone = page.fields.map_text()
    page = opened(window, qtbot, tmp_path / "a.npz")
    page.fields.units.setText("V, deg")
    page.fields.more.setText("only=repeat:0-1")
    page.fields.samples.setValue(7)
    page.fields.skip.setValue(3)
    settled(page, qtbot)
    assert page.recording is not None
    page = opened(window, qtbot, tmp_path / "b.csv")
    assert page.fields.map_text() == alone
    assert (page.fields.samples.value(), page.fields.skip.value()) == (50, 0)
    assert page.recording is not None, page.remarks.text()


def test_a_warning_of_an_import_stands_once_in_the_log(make_window, qtbot, tmp_path):
    window = make_window(connected=False, page="library")
    rng = np.random.default_rng(0)
    drive, drift = rng.random((12, 40)), np.linspace(0.0, 1.0, 72).reshape(6, 12).T
    response = drift[:, :, None] + 0.05 * rng.standard_normal((12, 6, 40))
    np.savez(tmp_path / "a.npz", response=response, drive=drive)
    page = opened(window, qtbot, tmp_path / "a.npz")
    page.form.primary.click()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    warned = [line for line in window.log if line.startswith("warning: ")]
    assert len(warned) == len(set(warned)) >= 1  # twice
    assert not any("e+" in line for line in warned)  # 1.6e+02 times


def test_an_error_without_words_is_named(make_window, qtbot, tmp_path):
    page = make_window(connected=False, page="library")
    page.open_page("import_data")
    page = page.page()
    page._looked(None, MemoryError())
    assert page.remarks.text() == "MemoryError"


def test_what_does_not_fit_is_said_and_nothing_can_be_imported(make_window, qtbot, tmp_path):
    window = make_window(connected=False, page="library")
    response, fields = data()
    response[0, 1, 3, 0] = 9.9e37
    np.savez(tmp_path / "a.npz", y=response, H=fields)
    page = opened(window, qtbot, tmp_path / "a.npz")
    assert "1 repeat holds overloads" in page.remarks.text()
    assert "19 of 20 repeats whole" in page.form.primary.cost
    page.fields.field.setText("25, 34")
    settled(page, qtbot)
    assert not page.form.primary.isEnabled()
    assert "field= must span it" in page.form.primary.cost
    page.fields.axes[0].choose("repeat")
    settled(page, qtbot)
    assert "an axis stands twice" in page.remarks.text()
    page.press()
    assert window.job is None
    (tmp_path / "b.npz").write_bytes(b"no archive")
    page.open_file(tmp_path / "b.npz")
    qtbot.waitUntil(lambda: bool(page.problem), timeout=WAIT_MS)
    assert "no readable .npz file (it is none of NumPy's" in page.problem
    assert (page.heading.text(), page.subheading.text()) == ("It can't be read", page.problem)
    assert not window.toasts.shown  # it would lie over the form that says it
    assert not page.form.primary.isEnabled()


def test_a_table_is_not_taken_for_waveforms_by_the_name_of_a_column(make_window, qtbot, tmp_path):
    rows = [f"{t},{r},{2 + t},{t + r}" for r in range(2) for t in range(6)]
    (tmp_path / "a.csv").write_text("\n".join(["time_s,rep,B_mT,V", *rows]))
    page = opened(make_window(connected=False, page="library"), qtbot, tmp_path / "a.csv")
    assert "step=time_s" in page.fields.map_text()
    assert page.fields.as_guessed.text().startswith("A table with one row a step")


def test_hold_times_are_chosen_among_the_arrays(make_window, qtbot, tmp_path):
    window = make_window(connected=False, page="library")
    response, fields = data()
    times = 0.02 * np.random.default_rng(1).integers(1, 5, (4, 12))
    times[0, :2] = 0.02, 0.08
    np.savez(tmp_path / "a.npz", y=response, H=fields, waited=times)
    page = opened(window, qtbot, tmp_path / "a.npz")
    page.fields.field.setText("auto")
    assert page.fields.holds.currentText() == "none"
    page.fields.holds.choose("waited")
    settled(page, qtbot)
    assert "holds=waited" in page.map.text()
    assert "held 1…4 times" in page.subheading.text()
    page.fields.axes[2].choose("time")  # samples that run on have steps of one length
    assert page.fields.holds_row.isHidden()
    assert "holds=" not in page.fields.map_text()


def test_the_command_of_a_path_with_blanks_can_be_pasted():
    words = shlex.split(command_of(Path("/data/my rig/a b.csv"), "response='X'+Y drive=u"))
    assert words[:4] == ["twinrig", "import", "/data/my rig/a b.csv", "--map"]
    assert words[4:6] == ["response='X'+Y", "drive=u"]


def test_a_drive_with_its_steps_first_fits_without_a_word(make_window, qtbot, tmp_path):
    window = make_window(connected=False, page="library")
    response, fields = data()
    np.savez(tmp_path / "a.npz", y=response, H=fields.T)
    page = opened(window, qtbot, tmp_path / "a.npz")
    assert "drive=H:step,sequence" in page.map.text()
    assert page.form.primary.text() == "Import 4 sequences × 5 repeats"
    assert page.recording.response.shape == (4, 5, 12, 2)
    for button, number in ((page.next_button, 1), (page.before_button, 0), (page.before_button, 3)):
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
        mean = response[number, :, :, 0].mean(axis=0)
        drawn = page.repeats.mean.getData()[1]
        assert np.corrcoef(drawn, mean)[0, 1] == pytest.approx(1.0)


def test_stop_works_beside_the_dialogs_for_a_file_and_a_folder(
    make_window, qtbot, press_record, monkeypatch
) -> None:
    window = make_window()
    press_record(window, until_over=False, count=4, steps=60, repeats=50)
    asked: list[bool] = []
    stop = window.job.stop
    monkeypatch.setattr(window.job, "stop", lambda: (asked.append(True), stop()))
    window.open_page("import_data")
    for folder in (False, True):
        dialog = window.page().choose_file(folder=folder)
        qtbot.waitExposed(dialog, timeout=60_000)
        assert not dialog.isModal()
        assert QApplication.activeModalWidget() is None
        if folder:
            qtbot.mouseClick(window.top.stop_button, Qt.MouseButton.LeftButton)
        dialog.close()
    assert asked
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)


def test_a_second_press_shows_the_dialog_that_is_open_again(make_window, qtbot) -> None:
    """Each press had opened one more over it."""
    page = make_window(page="import_data").page()
    first = page.choose_file()
    assert page.choose_file() is first
    assert page.choose_file(folder=True) is not first
    first.close()
    assert page.choose_file() is not first


def test_every_kind_of_file_that_can_be_read_is_named_where_one_is_chosen() -> None:
    for kind in ("NPZ", "NPY", "CSV", "LVM", "MAT", "Touchstone", "HDF5", "netCDF"):
        assert kind in EMPTY


def test_files_that_are_steps_take_the_drive_of_their_names(make_window, qtbot, tmp_path):
    """The drive had been no array that could be chosen, and frequencies were the steps."""
    fields = (-22.5, 0.0, 5.0, 100.0)
    value = {(r, b): b + 1000 * r for r in range(3) for b in fields}
    for (r, b), first in value.items():
        rows = "\n".join(f"{5 + k},{first + 0.125 * k}" for k in range(5))
        file = tmp_path / "in" / f"rep{r}" / f"B_{b:+g}mT.csv"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"freq (GHz),S21 (dB)\n{rows}")
    window = make_window(connected=False, page="library")
    page = opened(window, qtbot, tmp_path / "in")
    assert page.fields.map_text() == page.seen.guess
    assert page.fields.chosen_axes == ["repeat", "step", "channel"]
    assert page.fields.drive.currentText() == "repN/B_NmT/B_mT"
    assert "a guess: each file or group 'repN/B_NmT' is one step, its 5 rows" in page.arrays.text()
    assert "told by the names of files or groups: 4 values, -22.5 to 100 mT" in page.notes.text()
    assert page.form.primary.text() == "Import 1 sequence × 3 repeats"
    assert "4 steps × 5 channels · -22.5 … 100 mT" in page.subheading.text()
    page.fields.more.setText("order=falling")
    settled(page, qtbot)
    page.form.primary.click()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    assert page.imported is not None, "\n".join(window.log)
    made = read_recording(page.imported)
    assert made.response[0, :, :, 0].tolist() == [
        [value[r, b] for b in fields[::-1]] for r in range(3)
    ]
    assert made.channels == ("S21_5GHz", "S21_6GHz", "S21_7GHz", "S21_8GHz", "S21_9GHz")


def test_a_fault_of_files_that_are_steps_stands_on_the_page(make_window, qtbot, tmp_path):
    for name in ("rep1_5mT", "rep1_10mT", "rep2_5mT", "rep2_10mT", "rep2_10.0mT"):
        (tmp_path / f"{name}.csv").write_text("freq,S21\n5,0.5\n6,0.25\n")
    page = opened(make_window(connected=False, page="library"), qtbot, tmp_path)
    assert not page.form.primary.isEnabled()
    assert "'rep2_10mT' and 'rep2_10.0mT' are the same step" in page.remarks.text()


def test_what_twinrig_exported_comes_back_whole(make_window, qtbot, tmp_path):
    """Its units, field and reset were asked for once more, and what was marked bad came as good."""
    measured = tmp_path / "rec-a"
    write_recording(measured, record_device(4, 2, seed=1, steps=12))
    list(mark(measured, bad={2}))
    list(export(measured, tmp_path / "a.npz"))
    window = make_window(connected=False, page="library")
    page = opened(window, qtbot, tmp_path / "a.npz")
    assert page.map.text().endswith("--map exported --out …")
    assert "1 repeat marked bad stay so" in page.notes.text()
    assert not page.fields.units.isVisible()
    assert not page.fields.encoding.isVisible()
    page.form.primary.click()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    assert bad_positions(page.imported) == {1}
    back, known = read_recording(page.imported), read_recording(measured)
    assert (back.window, back.reset, back.units) == (known.window, known.reset, known.units)
    assert back.meta["imported"]["map"] == "exported"


def test_a_file_that_is_chosen_while_another_one_is_imported_is_the_next(
    make_window, qtbot, tmp_path
):
    """It was told to be imported, by the same map, and could not be."""
    window = make_window(connected=False, page="library")
    response, fields = data()
    for name, repeats in (("a", 5), ("b", 3)):
        drive = (fields - 22) / 12
        np.savez(tmp_path / f"{name}.npz", response=response[:, :repeats], drive=drive)
    page = opened(window, qtbot, tmp_path / "a.npz")
    page.form.primary.click()
    assert window.job is not None, page.form.primary.cost
    page.open_file(tmp_path / "b.npz")
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: page.seen is not None, timeout=WAIT_MS)
    settled(page, qtbot)
    assert page.form.primary.text() == "Import 4 sequences × 3 repeats"
    assert page.form.primary.isEnabled()
    assert page.heading.text() == "b.npz"
    assert not page.fit_button.isVisible()
    first = Path(window.log[-1].partition("Imported: ")[2])  # said, as the page shows it no more
    assert read_recording(first).response.shape[1] == 5
    page.form.primary.click()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: page.heading.text() == "Imported", timeout=WAIT_MS)
    assert read_recording(page.imported).response.shape[1] == 3
    assert page.fit_button.isVisible()

"""The Library page as a person uses it: find, read, note, compare, open, run again, throw away."""

from __future__ import annotations

import json
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from artefact_samples import full, network, twin
from PyQt6.QtCore import QEvent, QFile, Qt
from PyQt6.QtGui import QColor, QDesktopServices, QTextDocument
from PyQt6.QtWidgets import QApplication
from window_disk import disk_of_the_window

from app.checked_json import with_checksum
from app.gui.job import JobSpec
from app.gui.pages.library_again import parted
from app.gui.pages.library_detail import MORE, fitting
from app.gui.pages.library_list import said_of
from app.gui.pages.library_trash import moved_to_trash
from app.gui.pages.network_reads import asked
from app.gui.sweep_asks import tasks_of
from app.library import several
from app.library.facts import facts_of
from app.library.folders import Artefact
from app.library.index import Index
from app.library.note import read_note, write_note
from app.recording_marks import bad_positions
from app.recording_reader import read_recording
from app.run_lock import RunLock
from app.store import save_network, save_twin, write_recording
from models.errors import InputError

WAIT_MS = 60_000


@pytest.fixture
def library(make_window, qtbot, tmp_path: Path):
    """The page over two recordings and a network."""
    for name, seed in (("rec-a", 1), ("rec-b", 2)):
        recording = replace(full(), status="done")
        recording.meta.update(id=name, seed=seed)
        write_recording(tmp_path / "library" / name, recording)
    net = network()
    net.meta["id"] = "net-a"
    save_network(tmp_path / "library" / "net-a", net)
    page = make_window(connected=False, page="library").page()
    qtbot.waitUntil(lambda: len(page.rows) == 3, timeout=WAIT_MS)
    return page


def ids(page) -> set[str]:
    return {entry.id for entry in page.rows}


def pick(page, *names: str) -> None:
    page.list.clearSelection()
    page.list.choose({e.artefact.path for e in page.rows if e.id in names})


def test_it_is_read_in_a_thread_of_its_own(library, qtbot, monkeypatch) -> None:
    threads = []
    read = Index.read

    def told(index: Index) -> list:
        threads.append(threading.current_thread())
        return read(index)

    monkeypatch.setattr(library.index, "read", lambda: told(library.index))
    library.refresh()
    qtbot.waitUntil(lambda: bool(threads), timeout=WAIT_MS)
    assert threads[0] is not threading.main_thread()


def test_search_and_kind_narrow_the_list(library) -> None:
    library.finder.search.setText("rec-b")
    assert ids(library) == {"rec-b"}
    library.finder.search.setText("mackey 2·2")
    assert ids(library) == {"net-a"}
    library.finder.search.clear()
    library.finder.kind.choose("rec")
    assert ids(library) == {"rec-a", "rec-b"}
    assert library.heading.text() == "2 of 3 artefacts"
    library.finder.search.setText("net-a")  # which is no recording
    assert library.heading.text() == "0 of 3 artefacts"
    assert library.subheading.text().startswith("nothing fits")


def test_an_id_and_another_folder_name_are_both_shown_and_found(library, qtbot) -> None:
    old = library.session.library.folder / "rec-a"
    old.rename(old.with_name("morning"))  # as an older Twinrig named it, or a person did
    library.refresh()
    qtbot.waitUntil(lambda: len(library.rows) == 3 and not library.rows[0].problem, timeout=60_000)
    for words in ("morning", "rec-a"):
        library.finder.search.setText(words)
        qtbot.waitUntil(lambda: ids(library) == {"rec-a"}, timeout=60_000)
        (entry,) = library.rows
        assert "in folder morning" in said_of(entry)
    library.finder.search.setText("rec-b")
    (entry,) = library.rows
    assert "folder" not in said_of(entry)


def test_the_keyboard_chooses_and_opens(library, qtbot) -> None:
    library.finder.order.choose("newest")
    library.list.setFocus()
    qtbot.keyClick(library.list, Qt.Key.Key_Down)
    assert len(library.list.selected()) == 1
    qtbot.keyClick(library.list, Qt.Key.Key_End)
    assert [entry.id for entry in library.list.selected()] == [library.rows[-1].id]
    pick(library, "rec-a")
    qtbot.keyClick(library.list, Qt.Key.Key_Return)
    assert library.shell.page() is library.shell.pages["twin"]


def test_the_id_of_a_chosen_row_can_be_read_on_its_ground(library, qtbot) -> None:
    pick(library, "rec-a")
    box = library.list.visualRect(library.list.currentIndex())
    shown = library.list.viewport().grab().toImage()
    place = [(x, y) for x in range(box.right() - 60, box.right() - 12)
             for y in range(box.top() + 8, box.top() + 28)]  # fmt: skip
    darkest = min(shown.pixelColor(x, y).lightness() for x, y in place)
    assert darkest < QColor(library.theme.tokens.text3).lightness() - 10  # 2.9 : 1


def test_a_double_click_on_a_low_row_opens_it(library, qtbot) -> None:
    """Its first click brings the figures under the mouse, and they have the second one."""
    pick(library, "rec-a")
    qtbot.mouseDClick(library.detail, Qt.MouseButton.LeftButton)
    assert library.shell.page() is library.shell.pages["twin"]


def typing_at(library, qtbot) -> Path:
    """The keyboard is in the note of rec-a, whose folder this is."""
    pick(library, "rec-a")
    library.shell.activateWindow()
    library.note.setFocus()
    qtbot.waitUntil(library.note.hasFocus, timeout=WAIT_MS)
    return library.list.selected()[0].artefact.path


def test_one_who_types_on_behind_a_kept_note_keeps_words_and_cursor(library, qtbot) -> None:
    folder = typing_at(library, qtbot)
    for words in ("helium ", "refilled ", "at noon"):
        qtbot.keyClicks(library.note, words)
        qtbot.waitUntil(
            lambda: any(e.note == library.note.toPlainText().strip() for e in library.all),
            timeout=WAIT_MS,
        )  # kept, and the library read again
    assert library.note.toPlainText() == "helium refilled at noon"
    qtbot.waitUntil(lambda: read_note(folder) == "helium refilled at noon", timeout=WAIT_MS)


def test_a_note_that_can_t_be_written_stays_and_is_tried_again(library, qtbot, monkeypatch) -> None:
    def refused(*_: object) -> None:
        raise InputError("note.txt: can't be written (the disk is full): make room")

    pick(library, "rec-a")
    folder = library.list.selected()[0].artefact.path
    with monkeypatch.context() as full_disk:
        full_disk.setattr("app.gui.pages.library_note.write_note", refused)
        library.note.setPlainText("helium refilled")
        qtbot.waitUntil(lambda: bool(library.shell.toasts.shown), timeout=WAIT_MS)
        assert library.note.toPlainText() == "helium refilled"
        pick(library, "rec-b")
        assert library.note.toPlainText() == ""
        pick(library, "rec-a")
        assert library.note.toPlainText() == "helium refilled"
    pick(library, "rec-b")
    qtbot.waitUntil(lambda: read_note(folder) == "helium refilled", timeout=WAIT_MS)


def test_a_note_typed_just_before_the_window_closes_is_kept(library, qtbot) -> None:
    pick(library, "rec-a")
    folder = library.list.selected()[0].artefact.path
    qtbot.keyClicks(library.note, "helium refilled")
    library.shell.close()
    qtbot.waitUntil(lambda: library.shell._closed, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: read_note(folder) == "helium refilled", timeout=WAIT_MS)


def test_a_share_that_hangs_while_a_note_is_written_does_not_hold_the_window(
    library, qtbot, monkeypatch
) -> None:
    back = threading.Event()
    written = []

    def hangs(folder: Path, text: str) -> None:
        assert back.wait(60)
        written.append((folder.name, text))

    monkeypatch.setattr("app.gui.pages.library_note.write_note", hangs)
    pick(library, "rec-a")
    for words in ("helium", " refilled"):
        qtbot.keyClicks(library.note, words)
        library.note.keep()
    pick(library, "rec-b")
    pick(library, "rec-a")
    assert library.note.toPlainText() == "helium refilled"
    back.set()
    qtbot.waitUntil(lambda: not library.note._unkept, timeout=WAIT_MS)
    assert written[-1] == ("rec-a", "helium refilled")


def test_a_note_of_another_window_is_not_undone_by_the_next_word(library, qtbot) -> None:
    folder = typing_at(library, qtbot)
    write_note(folder, "theirs")
    library.refresh()  # as the window does when somebody comes back to it
    qtbot.waitUntil(lambda: library.note.toPlainText() == "theirs", timeout=WAIT_MS)
    assert library.note.hasFocus()


def test_a_note_that_another_window_wrote_meanwhile_stands_above_ours(library, qtbot) -> None:
    """The one who typed last had undone the other's words, without a word."""
    folder = typing_at(library, qtbot)
    qtbot.keyClicks(library.note, "helium refilled")
    qtbot.waitUntil(lambda: read_note(folder) == "helium refilled", timeout=WAIT_MS)
    write_note(folder, "helium refilled, sample B")
    for words, whole in (
        (" at noon", "helium refilled, sample B\nat noon"),
        (" by X", "helium refilled, sample B\nat noon by X"),
    ):
        qtbot.keyClicks(library.note, words)
        qtbot.waitUntil(lambda w=whole: read_note(folder) == w, timeout=WAIT_MS)
        qtbot.waitUntil(lambda w=whole: library.note.toPlainText() == w, timeout=WAIT_MS)
    said = [toast.text for toast in library.shell.toasts.shown]
    assert said == ["rec-a: its note was changed elsewhere; yours stands below it"]


def test_one_of_two_copies_is_chosen_alone_also_when_the_list_is_read_anew(library, qtbot) -> None:
    folder = library.session.library.folder
    shutil.copytree(folder / "rec-a", folder / "copy-of-rec-a")
    library.refresh()
    qtbot.waitUntil(lambda: len(library.rows) == 4, timeout=WAIT_MS)
    library.list.choose({folder / "copy-of-rec-a"})
    before = library.all
    library.refresh()
    qtbot.waitUntil(lambda: library.all is not before, timeout=WAIT_MS)
    assert [e.artefact.path.name for e in library.list.selected()] == ["copy-of-rec-a"]
    library.choose(folder / "rec-a")
    assert [e.artefact.path.name for e in library.list.selected()] == ["rec-a"]


def test_one_that_is_asked_for_is_chosen_alone_among_folders_of_its_name(library, qtbot) -> None:
    folder = library.session.library.folder
    for parent in ("day-a", "day-b"):
        shutil.copytree(folder / "rec-a", folder / parent / "rec")
    library.refresh()
    wanted = folder / "day-b" / "rec"
    library.choose(wanted / "recording.nc")  # before it is read
    for _ in range(2):
        qtbot.waitUntil(lambda: len(library.list.selected()) > 0, timeout=WAIT_MS)
        assert [e.artefact.path for e in library.list.selected()] == [wanted]
        library.list.clearSelection()
        library.choose(wanted)
    before = library.all
    library.choose(folder / "day-c" / "net-a")  # as another way leads to it
    library.refresh()
    qtbot.waitUntil(lambda: library.all is not before, timeout=WAIT_MS)
    assert [e.artefact.path for e in library.list.selected()] == [folder / "net-a"]


def test_what_hides_one_that_is_asked_for_gives_way(library) -> None:
    wanted = library.session.library.folder / "rec-a"
    library.finder.kind.choose("rec")
    library.choose(wanted)
    assert library.finder.kind.currentData() == "rec"  # which shows it
    library.finder.search.setText("rec-b")
    library.choose(wanted)
    assert [e.artefact.path for e in library.list.selected()] == [wanted]
    assert library.finder.search.text() == ""
    library.finder.kind.choose("net")
    library.choose(wanted)
    assert [e.artefact.path for e in library.list.selected()] == [wanted]
    assert ids(library) == {"rec-a", "rec-b", "net-a"}


def test_a_note_is_kept_and_found(library, qtbot) -> None:
    pick(library, "rec-a")
    folder = library.list.selected()[0].artefact.path
    library.note.setPlainText("second cool-down")
    pick(library, "rec-b")
    qtbot.waitUntil(lambda: read_note(folder) == "second cool-down", timeout=WAIT_MS)
    qtbot.waitUntil(lambda: any(e.note for e in library.all), timeout=WAIT_MS)
    library.finder.search.setText("cool-down")
    assert ids(library) == {"rec-a"}
    pick(library, "rec-a")
    assert library.note.toPlainText() == "second cool-down"


def test_two_are_compared_what_differs_first(library) -> None:
    assert not library.compare.isEnabled()
    pick(library, "rec-a", "rec-b")
    assert library.compare.isEnabled()
    assert set(library.detail.head) == {"rec-a", "rec-b"}
    seeds = next(row for row in library.detail.rows if row[0] == "Seed")
    assert set(seeds[1:]) == {"1", "2"}


def test_the_first_arrow_chooses_the_artefact_in_the_frame(library, qtbot) -> None:
    rows = library.list
    rows.setFocus()
    rows.setCurrentIndex(rows.entries.index(0))
    rows.clearSelection()
    qtbot.keyClick(rows, Qt.Key.Key_Down)
    assert rows.selected() == library.rows[:1]
    qtbot.keyClick(rows, Qt.Key.Key_Down)
    assert rows.selected() == library.rows[1:2]


def test_run_again_fills_the_form_that_made_it(library) -> None:
    pick(library, "rec-b")
    library.again.click()
    record = library.shell.pages["record"]
    assert library.shell.page() is record
    values = record.form_values()
    assert (values["steps"], values["count"], values["repeats"]) == (5, 2, 4)
    assert values["seed"] == 2
    record.set_form_values({"kind": "twin"})
    library.shell.open_page("library")
    library.again.click()
    assert record.form_values()["kind"] == "file"


def test_run_again_of_a_recording_plays_its_own_sequences_in_its_window(library) -> None:
    """Of a short form's several families, of a file, for a twin: no family and seed make those."""
    path = library.session.library.folder / "rec-b"
    recording = read_recording(path)
    pick(library, "rec-b")
    library.again.click()
    design = library.shell.pages["record"].rows.design()
    assert (design.name, design.repeats, design.seed) == ("rec-b", 4, 2)
    sequences, window, reset = design.resolved()
    assert [s.drive.tolist() for s in sequences] == [
        s.drive.tolist() for s in recording.sequences()
    ]  # fmt: skip
    assert (window, reset) == (recording.window, recording.reset)


def test_run_again_takes_no_limit_that_stood_in_the_form(library, qtbot) -> None:
    folder, page = library.session.library.folder, library.shell
    one = twin()
    one.meta["id"] = "twin-a"
    save_twin(folder / "twin-a", one)
    head = {"id": "dep-a", "metric": "nmse", "measured": 0.3, "repeats": 4, "parents": []}
    facts = facts_of(Artefact(folder / "dep-a", "dep", 0.0, head))
    assert facts.form == {"repeats": 4, "hours": 0.0}
    page.open_page("deploy")
    deploy = page.pages["deploy"]
    deploy.set_form_values({"repeats": 2, "hours": 3.0})
    page.fill_form("deploy", facts.form)
    assert (deploy.rows.repeats.value(), deploy.rows.hours.value()) == (4, 0.0)
    page.open_page("twin")
    form = page.pages["twin"]
    form.set_form_values({"minutes": 7})
    page.open_page("library")
    qtbot.waitUntil(lambda: "twin-a" in ids(library), timeout=WAIT_MS)
    pick(library, "twin-a")
    library.again.click()
    assert form.rows.ask().minutes == 0


def test_a_network_that_the_device_has_changed_is_not_trained_again_without_it(
    library, qtbot
) -> None:
    net = network()
    net.meta.update(id="net-recalibrated", hardware_runs=48)
    save_network(library.session.library.folder / "net-recalibrated", net)
    library.refresh()
    qtbot.waitUntil(lambda: "net-recalibrated" in ids(library), timeout=WAIT_MS)
    pick(library, "net-recalibrated")
    assert not library.again.isEnabled()
    assert "Recalibrate, Refine or Polish" in library.again.toolTip()
    assert library.report.isEnabled()
    pick(library, "net-a")
    assert library.again.isEnabled()


def test_run_again_asks_for_what_was_made_and_for_nothing_that_stood_in_the_form(
    library, qtbot
) -> None:
    """A twin of rec-b, where the Twin page has rec-a ticked for a curve."""
    folder, page = library.session.library.folder, library.shell
    made = twin()
    made.meta.update(
        id="twin-a", objective="crps", iterations=7,
        parents=[{"id": "rec-b", "sha256": "", "path": str(folder / "rec-b" / "recording.nc")}],
    )  # fmt: skip
    save_twin(folder / "twin-a", made)
    page.open_page("twin", folder / "rec-a")
    form = page.pages["twin"]
    form.set_form_values({"kind": "curve", "searched": True})
    qtbot.waitUntil(lambda: form.chosen == [folder / "rec-a"], timeout=WAIT_MS)
    form.rows.fit.origin.addItem("another", folder)
    form.rows.fit.origin.choose(folder)
    page.open_page("library")
    qtbot.waitUntil(lambda: len(library.rows) == 4, timeout=WAIT_MS)
    pick(library, "twin-a")
    library.again.click()
    qtbot.waitUntil(lambda: form.chosen == [folder / "rec-b"], timeout=WAIT_MS)
    ask = form.rows.ask()
    assert (ask.kind, ask.objective, ask.iterations) == ("fit", "crps", 7)
    assert (ask.origin, ask.searched) == (None, False)


@pytest.mark.parametrize("there", [True, False])
def test_run_again_of_a_twin_that_was_fitted_further_begins_where_it_began(
    library, qtbot, there
) -> None:
    """Its values are put in before the Twin page has ever read the library."""
    folder, page = library.session.library.folder, library.shell
    first, made = twin(), twin()
    made.meta["from"] = {"id": "twin-a", "path": str(folder / "twin-a" / "twin.json"), "sha256": ""}
    for name, one in (("twin-a", first), ("twin-b", made)):
        one.meta["id"] = name
        if there or one is made:
            save_twin(folder / name, one)
    library.refresh()
    qtbot.waitUntil(lambda: "twin-b" in ids(library), timeout=WAIT_MS)
    pick(library, "twin-b")
    library.again.click()
    form = page.pages["twin"].rows
    qtbot.waitUntil(lambda: form.beside.first.count() == 1 + there, timeout=WAIT_MS)
    assert form.ask().origin == (folder / "twin-a" if there else None)
    told = [line for line in page.log if "twin-a it was made with is not here" in line]
    assert len(told) == (not there)


@pytest.fixture
def three_twins(library, qtbot):
    """The page with three twins more, and a function that chooses Run again of a network of them.

    Its values are put in before the Network page has ever read the library.
    """
    folder, page = library.session.library.folder, library.shell
    for name in ("twin-a", "twin-b", "twin-c"):
        made = twin()
        made.meta["id"] = name
        save_twin(folder / name, made)

    def run_again(twins: list[str], **options: object):
        net = network()
        named = dict.fromkeys([*twins, *map(str, options.get("ensemble", []))])
        net.meta.update(
            id="net-b", task="mackey-glass", twins=[str(folder / name) for name in twins],
            options={k: [str(folder / one) for one in v] if isinstance(v, list) else v
                     for k, v in options.items()},
            parents=[{"id": one, "sha256": "", "path": str(folder / one / "twin.json")}
                     for one in named],
        )  # fmt: skip
        save_network(folder / "net-b", net)
        library.refresh()
        qtbot.waitUntil(lambda: "net-b" in ids(library), timeout=WAIT_MS)
        pick(library, "net-b")
        library.again.click()
        form = page.pages["network"].rows
        qtbot.waitUntil(lambda: form.twin.count() > 2, timeout=WAIT_MS)
        return asked(form, page.session, ""), folder

    return run_again


def test_run_again_of_a_network_has_the_twin_of_each_layer(three_twins) -> None:
    ask, folder = three_twins(["twin-b", "twin-a"])
    assert (ask.twin, *ask.next_layers) == (folder / "twin-b", folder / "twin-a")


def test_run_again_of_a_network_has_its_further_twins_beside_its_own(three_twins) -> None:
    ask, folder = three_twins(["twin-b"], ensemble=["twin-a", "twin-c"])
    assert ask.twin == folder / "twin-b"
    assert set(ask.layout.ensemble) == {folder / "twin-a", folder / "twin-c"}


def test_run_again_says_which_twin_is_gone(three_twins, library) -> None:
    three_twins(["twin-b"], ensemble=["twin-z"])
    assert "net-b: twin-z it was made with is not here" in library.shell.log[-1]


def test_run_again_of_one_that_was_trained_further_begins_where_it_began(
    three_twins, library
) -> None:
    origin = library.session.library.folder / "net-a"
    ask, _ = three_twins(["twin-b"], origin=str(origin))
    assert ask.origin == origin


@pytest.mark.parametrize(
    ("alternatives", "usual", "own"),
    [
        ([["a"], ["b"]], ["a", "b"], {}),
        ([["a", "b", "a"]], ["a"], {1: "b"}),
        ([["a", "c"], ["b", "c"]], ["a", "b"], {1: "c"}),
        ([["c", "a"], ["c", "b"]], ["a", "b"], {0: "c"}),
        ([], [], {}),
    ],
)
def test_twins_of_a_grid_are_read_as_the_form_asks_for_them(alternatives, usual, own) -> None:
    assert parted(alternatives) == (usual, own)


def test_nothing_makes_a_library_anew_whose_folder_has_vanished(
    window, qtbot, tmp_path, monkeypatch
) -> None:
    """A share that is off: what is written meanwhile would be the library from then on."""
    monkeypatch.setenv("TWINRIG_CONFIG", str(tmp_path / "config"))
    folder = window.session.library.folder
    folder.mkdir()
    window.session.library.artefacts()
    folder.rename(tmp_path / "away")
    window.open_page("bench")
    bench = window.page()
    bench.wire.save()
    qtbot.waitUntil(lambda: "Wire log: the library's folder" in str(window.log), timeout=WAIT_MS)
    bench.edit.choose("magnet.x")
    bench.edit.rows["max_current_A"].entry.setText("3 A")
    bench.edit.write_button.click()
    qtbot.waitUntil(lambda: not bench.edit._writing, timeout=WAIT_MS)
    assert "has vanished" in window.log[-1]
    window.report_problem()
    qtbot.waitUntil(lambda: " is in " in window.log[-1], timeout=WAIT_MS)
    assert list((tmp_path / "config").glob("problem-*.zip"))
    assert not folder.exists()


def test_a_broken_file_is_shown_and_cannot_be_opened(library, qtbot) -> None:
    (library.session.library.folder / "net-a" / "weights.safetensors").write_bytes(b"cut")
    library.refresh()
    qtbot.waitUntil(lambda: any(e.problem for e in library.all), timeout=WAIT_MS)
    assert "1 can't be read" in library.subheading.text()
    pick(library, "net-a")
    assert not library.form.primary.isEnabled()
    assert "weights.safetensors" in library.form.primary.cost
    assert library.detail.rows[0][0] == "Damage"
    library.grab()


def test_a_library_that_has_vanished_says_so_and_comes_back(library, qtbot) -> None:
    """It offered to record something, which the run then refused."""
    folder = library.session.library.folder
    away = folder.with_name("away")
    folder.rename(away)
    library.refresh()
    qtbot.waitUntil(lambda: "has vanished" in library.subheading.text(), timeout=WAIT_MS)
    assert library.rows == []
    away.rename(folder)
    library.refresh()
    qtbot.waitUntil(lambda: len(library.rows) == 3, timeout=WAIT_MS)


def test_a_tool_tip_shows_what_was_written(library, qtbot) -> None:
    note = "<I> = 3 mA & <b>\nsecond line"
    write_note(next(e.artefact.path for e in library.rows if e.id == "rec-a"), note)
    library.refresh()
    qtbot.waitUntil(lambda: any(e.note for e in library.rows), timeout=WAIT_MS)
    row = next(k for k, e in enumerate(library.rows) if e.note)
    tip = library.list.entries.data(library.list.entries.index(row), Qt.ItemDataRole.ToolTipRole)
    shown = QTextDocument()
    shown.setHtml(tip)
    assert shown.toPlainText().replace("\u2028", "\n") == note


def test_many_are_chosen_in_one_go_and_stay_so_when_the_list_is_read_anew(library) -> None:
    told = []
    library.list.chosen.connect(lambda: told.append(len(library.list.selected())))
    library.list.choose({e.artefact.path for e in library.rows})
    assert told == [3]  # each telling paints figures and lineage: a thousand held the window
    library._show_list()
    assert len(library.list.selected()) == 3
    assert told[-1] == 3
    assert set(told) <= {0, 3}


def test_the_trash_asks_first_and_what_is_being_written_stays(library, qtbot, monkeypatch) -> None:
    moved: list[str] = []

    def move(path: str) -> tuple[bool, str]:  # this computer's trash is not a test's to fill
        moved.append(Path(path).name)
        return True, ""

    monkeypatch.setattr(QFile, "moveToTrash", move)
    pick(library, "rec-a", "rec-b")
    library.trash.click()
    assert library.trash.text() == "Sure?"
    assert moved == []
    held = RunLock(library.session.library.folder / "rec-b")
    library.trash.click()
    qtbot.waitUntil(lambda: bool(library.shell.toasts.shown), timeout=WAIT_MS)
    held.release()
    assert moved == ["rec-a"]
    assert library.shell.toasts.shown[0].text.startswith("1 artefact moved to the system's trash")
    assert "is being written right now" in library.shell.toasts.shown[-1].text


def test_what_a_running_run_is_made_from_stays(library, qtbot, monkeypatch) -> None:
    moved: list[str] = []
    monkeypatch.setattr(QFile, "moveToTrash", lambda path: (moved.append(path), (True, ""))[1])
    folder = library.session.library.folder
    running = folder / "pol-c"
    running.mkdir()
    plan = {"network": str(folder / "net-a" / "network.json")}
    (running / "polish.json").write_text(json.dumps(with_checksum(plan)))
    held = RunLock(running)
    library.refresh()
    qtbot.waitUntil(lambda: len(library.rows) == 4, timeout=WAIT_MS)

    def thrown_away(*names: str) -> list[str]:
        pick(library, *names)
        library.trash.click()
        with qtbot.waitSignal(library.trash.over, timeout=WAIT_MS):
            library.trash.click()
        return [toast.text for toast in library.shell.toasts.shown]

    told = thrown_away("net-a", "rec-b")
    assert moved == [str(folder / "rec-b")]
    words = "net-a stays: pol-c runs and is made from it. Stop that, or wait for its end."
    assert told[-1] == words
    told = thrown_away("net-a", "pol-c")  # both chosen, and neither goes
    assert words in told
    assert "pol-c: is being written right now" in told[-1]
    assert moved == [str(folder / "rec-b")]
    held.release()
    thrown_away("net-a", "pol-c")
    assert moved[1:] == [str(folder / "net-a"), str(running)]


def test_what_stands_in_a_folder_goes_to_the_trash_with_it(monkeypatch, tmp_path) -> None:
    """It was missed there, and told as a share that is gone."""
    moved: list[str] = []
    monkeypatch.setattr(QFile, "moveToTrash", lambda path: (moved.append(path), (True, ""))[1])
    inner = tmp_path / "net" / "round-1" / "twin"
    inner.mkdir(parents=True)
    told = moved_to_trash([inner, tmp_path / "net"], {})
    assert moved == [str(tmp_path / "net")]
    assert [level for _, level in told] == ["info"]


def test_an_empty_library_offers_to_record(make_window, qtbot) -> None:
    window = make_window(connected=False, page="library")
    page = window.page()
    qtbot.waitUntil(lambda: page.heading.text() == "0 artefacts", timeout=WAIT_MS)
    assert "is not there" in page.subheading.text()  # nothing has made it yet
    page.session.library.folder.mkdir()
    page.refresh()
    qtbot.waitUntil(lambda: page.subheading.text().startswith("Nothing here"), timeout=WAIT_MS)
    assert page.form.primary.text() == "Record something"
    page.form.primary.click()
    assert window.page() is window.pages["record"]


def test_repeats_of_a_recording_are_marked_bad_and_taken_back(library, qtbot) -> None:
    pick(library, "net-a")
    assert not library.mark.isVisible()
    pick(library, "rec-a")
    assert library.mark.isVisible()
    folder = library.list.selected()[0].artefact.path
    library.mark.numbers.setText("2; 3")
    assert not library.mark.buttons[True].isEnabled()
    library.mark.numbers.setText("2, 3")
    library.mark.buttons[True].click()
    qtbot.waitUntil(lambda: bad_positions(folder) == {1, 2}, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: library.mark.numbers.text() == "", timeout=WAIT_MS)
    assert "2 repeats left out" in library.shell.toasts.shown[-1].text
    said = library.mark.left_out
    qtbot.waitUntil(lambda: said.text() == "marked bad: repeats 2, 3", timeout=WAIT_MS)
    pick(library, "rec-b")
    pick(library, "rec-a")  # who comes back later sees it, too
    qtbot.waitUntil(lambda: said.text() == "marked bad: repeats 2, 3", timeout=WAIT_MS)
    library.mark.numbers.setText("3")
    library.mark.buttons[False].click()
    qtbot.waitUntil(lambda: bad_positions(folder) == {1}, timeout=WAIT_MS)
    library.mark.numbers.setText("99")
    library.mark.buttons[True].click()
    qtbot.waitUntil(lambda: "99" in library.shell.toasts.shown[-1].text, timeout=WAIT_MS)


def test_marks_that_leave_no_repeat_are_warned_of(library, qtbot) -> None:
    pick(library, "rec-a")
    library.mark.numbers.setText(f"1-{full().order.size}")
    library.mark.buttons[True].click()
    qtbot.waitUntil(lambda: len(library.shell.toasts.shown) > 1, timeout=WAIT_MS)
    told, warned = library.shell.toasts.shown[-2:]
    assert "repeats left out" in told.text
    assert warned.property("level") == "warning"
    assert warned.text.startswith("rec-a: no repeat is left that isn't marked bad: no fit or score")


def test_an_answer_to_a_mark_leaves_the_numbers_of_another_recording(library, tmp_path) -> None:
    pick(library, "rec-b")
    library.mark.numbers.setText("2")
    library.mark._answered((tmp_path / "library" / "rec-a", "1 repeat left out"), None)
    assert library.mark.numbers.text() == "2"
    library.mark._answered((tmp_path / "library" / "rec-b", "1 repeat left out"), None)
    assert library.mark.numbers.text() == ""


def test_a_report_that_is_there_is_opened_without_a_job(library, qtbot, monkeypatch) -> None:
    shown: list[str] = []

    def opened(url) -> bool:
        shown.append(Path(url.toLocalFile()).name)
        return True

    monkeypatch.setattr(QDesktopServices, "openUrl", opened)
    pick(library, "net-a")
    folder = library.list.selected()[0].artefact.path
    (folder / "report.html").write_text("<p>there</p>")
    with disk_of_the_window(folder.parent) as touched:
        library.report.click()
        qtbot.waitUntil(lambda: shown == ["report.html"])
    assert touched == []
    assert library.shell.job is None


def test_what_several_hold_in_figures() -> None:
    row = {"layers": [3], "options": {"iterations": 5, "taps+readout_taps": [0, 3]}, "seeds": [1]}
    rows = [{**row, "validation": 0.28, "failed": {}}, {**row, "validation": None, "failed": {}}]
    grid = {
        "tasks": ["mackey-glass:h=5", "narma-10"], "twins": [["twin-a"]], "layers": [[3], [8, 8]],
        "seeds": 2, "seed": 1,
        "options": {"iterations": [5], "taps+readout_taps": [[0], [0, 3]], "rate": [0.01]},
    }  # fmt: skip
    facts = several.sweep(Artefact(Path("x"), "sweep", 0.0, {"rows": rows, "grid": grid}))
    assert facts.title == "2 settings × 2 seeds, best error 0.28"
    assert facts.status == "2 of 4 trained"
    assert dict(facts.rows)["1st"] == "0.28, 3 nodes, taps [0, 3]"
    assert facts.form == {
        "kind": "sweep", "task": "mackey-glass", "options": "h=5; narma-10", "layers": "3; 8, 8",
        "wiring": "forward", "taps": "0; 0,3", "more": "rate=0.01", "seeds": 2, "seed": 1,
        "iterations": 5,
    }  # fmt: skip
    rows = [{**rows[0], "task": "narma-10"}]
    facts = several.sweep(Artefact(Path("x"), "sweep", 0.0, {"rows": rows, "grid": grid}))
    assert dict(facts.rows)["1st"] == "0.28, narma-10, 3 nodes, taps [0, 3]"


@pytest.mark.parametrize(
    "tasks",
    [
        ("mackey-glass", "narma-10"),
        ("mackey-glass", "mackey-glass:h=5"),
        ("mackey-glass:h=1", "mackey-glass"),
        ("narma-10",),
    ],
)
def test_run_again_of_a_sweep_asks_for_each_of_its_tasks(tasks) -> None:
    """The first was left out where it had no options."""
    grid = {
        "tasks": list(tasks), "twins": [["twin-a"]], "layers": [[3]], "seeds": 1, "seed": 0,
        "options": {},
    }  # fmt: skip
    form = several.sweep(Artefact(Path("x"), "sweep", 0.0, {"rows": [], "grid": grid})).form
    assert tasks_of(form["task"], form["options"], ("mackey-glass", "narma-10")) == tasks


@pytest.mark.timeout(300)
def test_a_twin_answers_sequences_and_its_recording_appears_chosen(library, qtbot) -> None:
    folder = library.session.library.folder
    one = twin()
    one.meta["id"] = "twin-a"
    save_twin(folder / "twin-a", one)
    library.refresh()
    qtbot.waitUntil(lambda: "twin-a" in ids(library), timeout=WAIT_MS)
    pick(library, "twin-a")
    library.simulate.sequences.setText("mixed:2x5@1")
    library.simulate.repeats.setValue(3)
    library.simulate.button.click()
    assert library.shell.job is not None
    assert not library.report.isEnabled()
    qtbot.waitUntil(lambda: library.shell.job is None, timeout=240_000)
    qtbot.waitUntil(lambda: len(library.rows) == 5, timeout=WAIT_MS)
    (made,) = library.list.selected()
    assert made.kind == "rec", "\n".join(library.shell.log)
    assert made.facts.title == "2 × 5 steps, 3 repeats, simulated"
    assert made.made_from == ("twin-a",)
    assert not library.again.isEnabled()  # the Record page would measure in its place
    pick(library, "twin-a")
    asked = {"sequences": [[0.1, 0.2]], "window": {"encoding": "step", "low_T": 0.5, "high_T": 1.0}}
    (folder / "other.json").write_text(json.dumps(asked))
    library.simulate.sequences.setText(str(folder / "other.json"))
    library.simulate.button.click()
    qtbot.waitUntil(lambda: library.shell.job is None, timeout=240_000)
    assert any("the sequences ask for window" in line for line in library.shell.log)


def test_what_has_no_room_below_the_list_says_so() -> None:
    assert fitting(["a", "b"], 2, MORE) == ["a", "b"]
    assert fitting(["a", "b", "c"], 2, MORE) == ["a", MORE]


def test_what_another_program_made_appears_when_the_window_comes_to_the_front(
    library, qtbot, monkeypatch
) -> None:
    folder = library.session.library.folder
    shutil.copytree(folder / "rec-a", folder / "rec-by-a-command")
    assert len(library.rows) == 3
    monkeypatch.setattr(library, "isActiveWindow", lambda: True)
    QApplication.sendEvent(library, QEvent(QEvent.Type.ActivationChange))
    qtbot.waitUntil(lambda: len(library.rows) == 4, timeout=WAIT_MS)


def test_what_a_job_of_another_page_made_appears_in_view(library, qtbot) -> None:
    window, folder = library.shell, library.session.library.folder

    def start(_):
        shutil.copytree(folder / "rec-a", folder / "rec-c")
        yield from ()

    window.open_page("record")
    window.open_page("library")
    window.run(JobSpec("record", "Copying", "rec-c", start, hardware=False))
    qtbot.waitUntil(lambda: len(library.rows) == 4, timeout=WAIT_MS)


def test_the_list_stays_where_it_was_when_it_is_read_anew(library, qtbot) -> None:
    folder = library.session.library.folder
    for number in range(40):
        shutil.copytree(folder / "rec-a", folder / f"rec-{number}")
    library.refresh()
    qtbot.waitUntil(lambda: len(library.rows) == 43, timeout=WAIT_MS)
    bar = library.list.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 200, timeout=WAIT_MS)
    bar.setValue(150)
    shutil.rmtree(folder / "rec-7")
    library.refresh()
    qtbot.waitUntil(lambda: len(library.rows) == 42, timeout=WAIT_MS)
    assert bar.value() == 150


def test_a_curve_that_ended_early_has_no_report_to_press_for(library, qtbot) -> None:
    grid = {"sequences": [4, 8], "repeats": [2], "iterations": 20, "seeds": 3, "target": 1.5}
    head = {"kind": "learning-curve", "schema": 1, "grid": grid, "points": [{}], "needed": {}}
    folder = library.session.library.folder / "curve-a"
    folder.mkdir()
    (folder / "learning-curve.json").write_text(json.dumps(with_checksum(head)))
    library.refresh()
    qtbot.waitUntil(lambda: len(library.rows) == 4, timeout=WAIT_MS)
    pick(library, "curve-a")
    assert library.again.isEnabled()
    assert not library.report.isEnabled()
    assert "Open shows where it goes on" in library.report.toolTip()
    pick(library, "rec-a")
    assert library.report.isEnabled()
    assert library.report.toolTip().startswith("One HTML page")


def test_run_again_knows_the_seeds_and_what_runs_says_so(tmp_path: Path) -> None:
    grid = {"sequences": [4, 8], "repeats": [2], "iterations": 20, "seeds": 3, "target": 1.5}
    head = {"grid": grid, "points": [{}], "needed": {}}
    facts = several.curve(Artefact(tmp_path, "curve", 0.0, head))
    assert facts.form["curve_seeds"] == 3
    assert facts.status == "1 of 6 points"
    with RunLock(tmp_path):
        running = several.curve(Artefact(tmp_path, "curve", 0.0, head))
    assert running.status == "running"
    assert "Goes on by" not in dict(running.rows)
    plan = {"objectives": ["energy", "crps"], "seeds": 2}
    head = {"plan": plan, "summary": {}, "twins": [], "minutes": 1.0, "seed": 5}
    form = several.twins_compared(Artefact(tmp_path, "cmp", 0.0, head)).form
    assert (form["objectives"], form["compared_seeds"]) == (["energy", "crps"], 2)

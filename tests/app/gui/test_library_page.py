"""The Library page as a person uses it: find, read, note, compare, open, run again, throw away."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from artefact_samples import full, network
from PyQt6.QtCore import QFile, Qt

from app.library_index import Index, read_note
from app.run_lock import RunLock
from app.store import save_network, write_recording

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
    window = make_window(connected=False)
    window.open_page("library")
    page = window.pages["library"]
    qtbot.waitUntil(lambda: len(page.rows) == 3, timeout=WAIT_MS)
    return page


def ids(page) -> set[str]:
    return {entry.id for entry in page.rows}


def pick(page, *names: str) -> None:
    page.list.clearSelection()
    page.list.choose(set(names))


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
    library.search.setText("rec-b")
    assert ids(library) == {"rec-b"}
    library.search.setText("mackey 2·2")
    assert ids(library) == {"net-a"}
    library.search.clear()
    library.kind.choose("rec")
    assert ids(library) == {"rec-a", "rec-b"}
    assert library.heading.text() == "2 of 3 artefacts"


def test_the_keyboard_chooses_and_opens(library, qtbot) -> None:
    library.order.choose("newest")
    library.list.setFocus()
    qtbot.keyClick(library.list, Qt.Key.Key_Down)
    assert len(library.list.selected()) == 1
    qtbot.keyClick(library.list, Qt.Key.Key_End)
    assert [entry.id for entry in library.list.selected()] == [library.rows[-1].id]
    pick(library, "rec-a")
    qtbot.keyClick(library.list, Qt.Key.Key_Return)
    assert library.shell.page() is library.shell.pages["twin"]


def test_a_note_is_kept_and_found(library, qtbot) -> None:
    pick(library, "rec-a")
    folder = library.list.selected()[0].artefact.path
    library.note.setPlainText("second cool-down")
    pick(library, "rec-b")
    assert read_note(folder) == "second cool-down"
    qtbot.waitUntil(lambda: any(e.note for e in library.all), timeout=WAIT_MS)
    library.search.setText("cool-down")
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


def test_run_again_fills_the_form_that_made_it(library) -> None:
    pick(library, "rec-b")
    library.again.click()
    record = library.shell.pages["record"]
    assert library.shell.page() is record
    values = record.form_values()
    assert (values["steps"], values["count"], values["repeats"]) == (5, 2, 4)
    assert values["seed"] == 2


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
    assert "is being written right now" in library.shell.toasts.shown[-1].text


def test_an_empty_library_offers_to_record(make_window, qtbot) -> None:
    window = make_window(connected=False)
    window.open_page("library")
    page = window.pages["library"]
    qtbot.waitUntil(lambda: page.heading.text() == "0 artefacts", timeout=WAIT_MS)
    assert page.form.primary.text() == "Record something"
    page.form.primary.click()
    assert window.page() is window.pages["record"]

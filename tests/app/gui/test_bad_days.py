"""Bad days in the window: a link lost, a disk full, two windows on one rig, killed, a large screen.

Others stand beside what they belong to: a read-out that fails and a disk that fills up amid a
recording in `test_record_page.py`, a twin of other channels in `test_twin_page.py`, one of other
settings in `test_deploy_page.py`, every way out of the window in `test_exits_window.py`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from conftest import WAIT_MS
from exits_rig import READOUT, ExitRig, exit_rig, wait_for
from fit_device import record_device
from PyQt6.QtWidgets import QApplication, QPushButton
from small_disk import small_disk
from test_exits_window import WindowCase

from app import journal
from app.gui import closing
from app.gui.pages.library_trash import moved_to_trash
from app.gui.window import Window
from app.library.library import Library
from app.session import Session
from app.store import read_recording, write_recording
from instruments.bench_file import read_bench
from models.errors import StoppedError, TwinrigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.gui.theme import Theme

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals between processes are POSIX")

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
STEPS = 6  # of the form that `exits_window.py` records with
SAFE_WITHIN_S = 30.0
RECORDS_WITHIN_S = 90.0


@pytest.fixture
def rig() -> Iterator[ExitRig]:
    with exit_rig(hold_s=0.0) as made:
        yield made


@pytest.fixture
def open_here(rig, tmp_path: Path, theme: Theme, qtbot: Any) -> Iterator[Callable[[], Window]]:
    """A window in this process on the rig's TCP ports that connects; closed at the end."""
    made: list[Window] = []

    def open_one() -> Window:
        bench = tmp_path / "bench.toml"
        bench.write_text(rig.text)
        made.append(Window(Session(read_bench(str(bench)), Library(tmp_path / "lib")), theme))
        made[-1].show()
        made[-1].link.connect_bench()
        return made[-1]

    yield open_one
    for window in made:
        close(window, qtbot)
        window.deleteLater()


def switches(rig: ExitRig) -> list[str]:
    """Every order to the supply's output so far."""
    return [m.text for m in rig.sent if m.text.startswith("OUTP ")]


def close(window: Window, qtbot: Any) -> None:
    if not window._closed:
        window.shut_down()
        qtbot.waitUntil(lambda: window._closed, timeout=WAIT_MS)
        window.link.wait(10)


class Recording(WindowCase):
    """A window's process that records until this test ends it."""

    def come(self) -> None:
        """Say when its moment was."""
        self.came_s = time.monotonic()

    @property
    def reads(self) -> int:
        """Steps that its read-out was asked for."""
        return self._reads


@pytest.fixture
def other(rig: ExitRig, tmp_path: Path) -> Iterator[Recording]:
    """A window in a process of its own that records on the rig."""
    case = Recording(rig, "SIGTERM", "hold", STEPS)
    case.open(tmp_path)
    yield case
    if case.process.poll() is None:
        case.process.kill()
        case.ended()


# an instrument


def test_a_read_out_lost_on_its_link_ends_the_recording_safe_and_the_bench_comes_back(
    rig, open_here, qtbot
) -> None:
    window = open_here()
    qtbot.waitUntil(lambda: window.session.bench is not None, timeout=WAIT_MS)
    page: Any = window.pages["record"]
    page.set_form_values({"count": 2, "steps": 20, "repeats": 200})
    qtbot.waitUntil(page.form.primary.isEnabled, timeout=WAIT_MS)
    page.press()
    qtbot.waitUntil(lambda: page.live.done > 2, timeout=WAIT_MS)
    rig.server.refusing = True
    rig.server.cut(READOUT)
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    assert page.heading.text().startswith("Failed")
    assert rig.unsafe_ends() == []
    assert QApplication.activeModalWidget() is None
    kept = read_recording(page.recorded)
    assert (kept.status, kept.complete.sum()) == ("failed", page.live.done)
    qtbot.waitUntil(lambda: window.top.pill.state.words == "Bench lost", timeout=WAIT_MS)
    assert window.top.cells["field"].text == "—"
    rig.server.refusing = False
    window.open_page("bench")
    bench: Any = window.pages["bench"]
    qtbot.waitUntil(bench.reconnect_button.isEnabled, timeout=WAIT_MS)
    bench.reconnect_button.click()
    qtbot.waitUntil(lambda: window.top.pill.state.words == "Within limits", timeout=WAIT_MS)
    window.open_page("record")
    page.set_form_values({"count": 1, "steps": 5, "repeats": 2})
    page.show_cost()
    qtbot.waitUntil(page.form.primary.isEnabled, timeout=WAIT_MS)
    page.press()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    assert read_recording(page.recorded).status == "done", window.log


def test_a_stop_amid_an_idle_reading_is_no_lost_bench(window, qtbot, monkeypatch) -> None:
    asked: list[float] = []

    def stopped() -> None:
        asked.append(time.monotonic())
        raise StoppedError("stopped by the user")

    monkeypatch.setattr(window.session.bench, "monitor", stopped)
    qtbot.waitUntil(lambda: len(asked) > 2, timeout=WAIT_MS)
    assert window.top.pill.state.words != "Bench lost"
    assert window.rail.items["bench"].mark == ""
    assert not [line for line in window.log if line.startswith("error")]
    monkeypatch.undo()


# the disk


@pytest.mark.skipif(sys.platform != "linux", reason="a small disk is mounted on Linux only")
def test_on_a_full_disk_a_note_and_an_export_say_so_and_nothing_is_lost(
    tmp_path, make_window, qtbot
) -> None:
    with small_disk(tmp_path / "library", "2m") as disk:
        write_recording(disk.path / "rec-a", record_device(4, 2, seed=1, steps=12))
        window = make_window()
        window.open_page("library")
        library: Any = window.pages["library"]
        qtbot.waitUntil(lambda: len(library.rows) == 1, timeout=WAIT_MS)
        library.list.choose({library.rows[0].artefact.path})
        window.open_page("monitor")
        monitor: Any = window.pages["monitor"]
        qtbot.waitUntil(monitor.form.primary.isEnabled, timeout=WAIT_MS)
        disk.fill()
        monitor.press()
        qtbot.waitUntil(lambda: bool(window.toasts.shown), timeout=WAIT_MS)
        assert "disk is full" in window.toasts.shown[-1].text, window.log
        library.note.setPlainText("a thought")
        with qtbot.waitSignal(library.note.failed, timeout=WAIT_MS) as failed:
            library.note.keep()
        assert "note" in failed.args[0]
        assert "disk is full" in failed.args[0]
        assert window.toasts.shown[-1].text == failed.args[0], window.log
        disk.free()
        library.note.setPlainText("a thought, again")
        with qtbot.waitSignal(library.note.kept, timeout=WAIT_MS):
            library.note.keep()
        assert (disk.path / "rec-a" / "note.txt").read_text() == "a thought, again"
        assert read_recording(disk.path / "rec-a").complete.all()
        window.shut_down()
        qtbot.waitUntil(lambda: window._closed, timeout=WAIT_MS)
        window.link.wait(10)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="its place is XDG's")
def test_a_fresh_account_has_a_trash(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home" / "share"))  # not there yet
    (tmp_path / "rec-a").mkdir()
    (tmp_path / "rec-a" / "kept").write_text("a night's work")
    ((told, level),) = moved_to_trash([tmp_path / "rec-a"], {})
    assert told.startswith("1 artefact moved")
    assert level == "info"
    assert not (tmp_path / "rec-a").exists()
    (found,) = (tmp_path / "home").rglob("kept")
    assert found.read_text() == "a night's work"


# a second window


def test_a_second_window_on_the_same_rig_is_told_who_has_it_and_harms_nothing(
    rig, other, open_here, tmp_path, qtbot
) -> None:
    assert wait_for(lambda: other.reads > 3 * STEPS, RECORDS_WITHIN_S), "it never recorded"
    switched = switches(rig)
    second = open_here()
    qtbot.waitUntil(lambda: second.top.pill.state.words == "Not connected", timeout=WAIT_MS)
    assert str(other.process.pid) in second.toasts.shown[-1].text
    assert "in use by" in second.toasts.shown[-1].text
    second.stop()  # there is no bench of its own to make safe: the first one's is left alone
    second.open_page("library")
    library: Any = second.pages["library"]
    qtbot.waitUntil(lambda: len(library.rows) == 1, timeout=WAIT_MS)
    library.list.choose({library.rows[0].artefact.path})
    library.trash.click()
    library.trash.click()
    qtbot.waitUntil(lambda: "being written" in second.toasts.shown[-1].text, timeout=WAIT_MS)
    assert switches(rig) == switched, "the second one switched it"
    reads = other.reads
    assert wait_for(lambda: other.reads > reads + 2 * STEPS), "the first one does not go on"
    close(second, qtbot)
    assert other.process.poll() is None
    other.process.send_signal(signal.SIGTERM)
    errors = other.ended()
    assert other.process.returncode == 3, errors
    assert rig.unsafe_ends() == []
    (out,) = (tmp_path / "lib").iterdir()
    assert read_recording(out).status == "stopped"


# its end by force


def test_a_window_killed_while_recording_leaves_the_recording_readable_and_the_magnet_safe(
    rig, other, open_here, tmp_path, qtbot
) -> None:
    assert wait_for(lambda: other.reads > 4 * (STEPS + 1), RECORDS_WITHIN_S), "it never recorded"
    other.process.kill()
    killed_s = time.monotonic()
    safe = wait_for(lambda: rig.by_hand("OUTP?") == "0", SAFE_WITHIN_S)
    took_s = time.monotonic() - killed_s
    other.ended()
    assert other.process.returncode == -signal.SIGKILL
    assert safe, "the output is still on"
    print(f"\nwindow killed while recording: output off {took_s:.1f} s later")  # noqa: T201
    assert rig.unsafe_ends() == []
    (out,) = (tmp_path / "lib").iterdir()
    left = read_recording(out)
    assert left.status == "interrupted"
    assert left.complete.sum() >= 3
    window = open_here()  # the next one reads it, and offers to go on
    qtbot.waitUntil(lambda: window.session.bench is not None, timeout=WAIT_MS)
    page: Any = window.pages["record"]
    page.refresh()
    qtbot.waitUntil(lambda: len(page.rows.unfinished) == 1, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: any("watchdog" in line for line in window.log), timeout=WAIT_MS)


# a large screen


def test_at_200_percent_nothing_is_cut_off_on_any_page(tmp_path) -> None:
    pictures = tmp_path / "pictures"
    for folder in (pictures, tmp_path / "library"):
        folder.mkdir()
    write_recording(tmp_path / "library" / "rec-a", record_device(4, 2, seed=1, steps=12))
    environment = {
        **os.environ, "QT_QPA_PLATFORM": "offscreen", "QT_SCALE_FACTOR": "2",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(HERE)]),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, HERE / "scaled_window.py", tmp_path / "library", pictures],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert (said["ratio"], said["picture"], said["window"]) == (2.0, [2560, 1440], [1280, 720])
    assert len(said["found"]) > 12
    assert {page: found for page, found in said["found"].items() if found} == {}


@pytest.fixture
def hung(open_here, rig, qtbot, monkeypatch) -> Iterator[Window]:
    """A window that records, and waits for the disk that holds the recording."""
    window = open_here()
    qtbot.waitUntil(lambda: window.session.bench is not None, timeout=WAIT_MS)
    asked, back, write = threading.Event(), threading.Event(), journal._write_all

    def hangs(file: Any, content: bytes) -> None:
        asked.set()
        back.wait(60)
        write(file, content)

    page = window.pages["record"]
    page.set_form_values({"count": 2, "steps": STEPS, "repeats": 4})
    qtbot.waitUntil(lambda: page.form.primary.isEnabled(), timeout=WAIT_MS)
    page.press()
    qtbot.waitUntil(lambda: switches(rig)[-1:] in (["OUTP ON"], ["OUTP 1"]), timeout=WAIT_MS)
    monkeypatch.setattr(journal, "_write_all", hangs)
    qtbot.waitUntil(asked.is_set, timeout=WAIT_MS)
    yield window
    assert not back.is_set()
    back.set()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    if window.closing:
        qtbot.waitUntil(lambda: window._closed, timeout=WAIT_MS)
    assert not any("error" in words.split(":")[0] for words in window.log), window.log


def test_a_disk_that_hangs_amid_a_recording_keeps_no_magnet_energised(hung, rig, qtbot) -> None:
    """One Stop, whose job waits for a share: the current stood until the share came back."""
    hung.stop()
    qtbot.waitUntil(lambda: switches(rig)[-1] in ("OUTP OFF", "OUTP 0"), timeout=10_000)
    assert hung.job is not None
    assert any("does its disk answer" in words for words in hung.log)


def test_a_window_whose_disk_hangs_goes_once_no_magnet_carries_current_and_ends_by_itself(
    hung, rig, qtbot, monkeypatch
) -> None:
    monkeypatch.setattr(closing, "JOB_ENDS_MS", 4000)
    hung.shut_down()

    def offered() -> list[QPushButton]:
        return [b for b in hung.bar.findChildren(QPushButton) if b.text() == "Hide the window"]

    qtbot.waitUntil(lambda: len(offered()) == 1, timeout=20_000)
    assert switches(rig)[-1] in ("OUTP OFF", "OUTP 0")
    offered()[0].click()
    assert not hung.isVisible()
    assert hung.job is not None


def test_a_bench_that_is_lost_for_a_night_fills_no_log(window, qtbot, monkeypatch) -> None:
    """A line that is closed now by reset, now by an end, was told twice a second."""
    faults = cycle([TwinrigError("lockin: reset by peer"), TwinrigError("lockin: closed")])
    asked: list[TwinrigError] = []
    read = window.session.bench.monitor

    def lost() -> None:
        asked.append(next(faults))
        raise asked[-1]

    monkeypatch.setattr("app.gui.link.LOST_POLL_S", 0.01)
    monkeypatch.setattr(window.session.bench, "monitor", lost)
    qtbot.waitUntil(lambda: len(asked) > 6, timeout=WAIT_MS)
    told = [line for line in window.log if line.startswith("error: bench: lockin")]
    assert len(told) == 2
    monkeypatch.setattr(window.session.bench, "monitor", read)
    qtbot.waitUntil(lambda: window.top.pill.state.words == "Within limits", timeout=WAIT_MS)
    monkeypatch.setattr(window.session.bench, "monitor", lost)  # it is lost again: told again
    qtbot.waitUntil(
        lambda: sum(line.startswith("error: bench: lockin") for line in window.log) == 4,
        timeout=WAIT_MS,
    )

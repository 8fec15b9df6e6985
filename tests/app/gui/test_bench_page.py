"""The Bench page: the check's tree in the window, never in its thread."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from conftest import WAIT_MS
from PyQt6.QtCore import QTimer
from PyQt6.QtGui import QFontMetricsF
from PyQt6.QtWidgets import QApplication

from app.config import Settings
from app.gui.theme import LABEL_PX, sans
from app.gui.window import Window
from app.library.library import Library
from app.operations.events import StepRead
from app.session import Session
from instruments.bench_file import parse_bench

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.gui.theme import Theme

ROOT = Path(__file__).parents[3]
SILENT_S = 1.5
BENCH = """
[magnet.x]
driver = "kepco-bop"
resource = "{}"
tesla_per_ampere = 4.0e-4
max_current_A = 11.0
max_ramp_A_per_s = 2000.0
timeout_s = {}
[readout.lockin]
driver = "sr830"
resource = "TCPIP0::127.0.0.1::9::SOCKET"
[drive]
encoding = "amplitude"
low_T = 0.0022
high_T = 0.0034
[reset]
field_T = 0.0040
"""


@pytest.fixture
def silent() -> Iterator[str]:
    """The resource of an instrument that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"TCPIP0::127.0.0.1::{server.getsockname()[1]}::SOCKET"


@pytest.fixture
def page_of(qtbot: Any, theme: Theme, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """The Bench page of a window whose supply is at that address; not connected."""
    made: list[Window] = []

    def make(resource: str, timeout_s: float = 0.5) -> Any:
        spec = parse_bench(BENCH.format(resource, timeout_s), "a rig that misbehaves")
        session = Session(spec, Library(tmp_path / "library"))
        window = Window(session, theme, Settings(page="bench"))
        made.append(window)
        window.show()
        return window.page()

    yield make
    for window in made:
        window.shut_down()
        qtbot.waitUntil(lambda w=window: w._closed, timeout=WAIT_MS)
        window.link.wait(10)
        window.deleteLater()
    QApplication.processEvents()


@pytest.fixture
def window(make_window: Any) -> Window:
    """Of the virtual rig, on its Bench page."""
    made: Window = make_window(page="bench")
    return made


@contextmanager
def longest_gap_s() -> Iterator[list[float]]:
    """The longest time between two turns of the event loop, at index 0 at the end."""
    gaps, last = [0.0], [time.monotonic()]

    def turn() -> None:
        now = time.monotonic()
        gaps[0], last[0] = max(gaps[0], now - last[0]), now

    timer = QTimer()
    timer.timeout.connect(turn)
    timer.start(5)
    try:
        yield gaps
    finally:
        timer.stop()


def row(page: Any, name: str) -> Any:
    return next(one for one in page.rows.rows if one.name == name)


def test_a_connected_bench_is_checked_over_its_own_sessions(qtbot: Any, window: Window) -> None:
    page: Any = window.page()
    page.check_button.click()
    qtbot.waitUntil(lambda: bool(page.checks) and not page.checking, timeout=WAIT_MS)
    supply = row(page, "magnet.x")
    assert (supply.level, supply.state, supply.remarks) == ("ok", "Answers", ())
    assert supply.identity.startswith("KEPCO")
    assert (supply.value, supply.below_value) == ("0.000 A", "output off")
    assert "2 of 2 instruments answer" in page.heading.text()


def test_what_is_wrong_opens_in_its_row_and_the_window_goes_on(
    qtbot: Any, page_of: Callable[..., Any], silent: str
) -> None:
    page = page_of(silent, SILENT_S)
    began = time.monotonic()
    with longest_gap_s() as gap:
        page.check_button.click()
        assert page.checking
        assert row(page, "magnet.x").state == "Asking"
        qtbot.waitUntil(lambda: not page.checking, timeout=WAIT_MS)
    took_s = time.monotonic() - began
    assert took_s > SILENT_S  # the silent supply alone takes so long
    assert gap[0] < took_s / 2
    supply, lockin = row(page, "magnet.x"), row(page, "readout.lockin")
    assert (supply.level, supply.state) == ("fault", "Wrong")
    assert "No answer to '*IDN?'" in supply.remarks[0][0]
    assert "says nothing" in supply.remarks[0][1]
    assert "Nothing listens" in lockin.remarks[0][0]
    assert page.rows.height() > 2 * page.rows.ROW_PX
    assert "0 of 2 instruments answer" in page.heading.text()


def test_a_bench_that_does_not_connect_is_checked_by_itself(
    qtbot: Any, page_of: Callable[..., Any], silent: str
) -> None:
    page = page_of(silent)
    page.press()
    qtbot.waitUntil(lambda: bool(page.checks) and not page.checking, timeout=WAIT_MS)
    assert row(page, "magnet.x").level == "fault"
    assert page.form.primary.isEnabled()


HOLDER = """
import sys
from instruments import locks
locks.take(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


def test_the_owner_of_a_link_is_named(qtbot: Any, page_of: Callable[..., Any], silent: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, silent], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "held"
        page = page_of(silent)
        page.check_button.click()
        qtbot.waitUntil(lambda: not page.checking, timeout=WAIT_MS)
    finally:
        process.communicate("", timeout=20)
    supply = row(page, "magnet.x")
    assert supply.state == "In use"
    assert str(process.pid) in supply.remarks[0][0]
    assert "Close that program" in supply.remarks[0][1]


def test_a_lost_rows_value_stands_beside_its_buttons_and_whole(window: Window) -> None:
    page: Any = window.page()
    words = "lockin (TCPIP0::a::1::SOCKET): nothing listens (connection failed). Is it switched on?"
    page.bench_lost(words)
    rows = page.rows
    lost = next(row for row in rows.rows if row.state == "Lost")
    drawn: list[tuple[str, float, float]] = []
    write = rows.words

    def words_of(painter: Any, where: Any, text: str, **more: Any) -> None:
        drawn.append((text, where.right(), where.width()))
        write(painter, where, text, **more)

    rows.words = words_of
    rows.grab()
    _, right, wide = next(one for one in drawn if one[0] == lost.below_value)
    assert right < min(rows.buttons[lost.name, w].x() for w in lost.actions)
    assert QFontMetricsF(sans(LABEL_PX)).horizontalAdvance(lost.below_value) <= wide


def read_once(window: Window, qtbot: Any) -> Any:
    """The Bench page after a first reading; no other comes between."""
    page: Any = window.page()
    qtbot.waitUntil(lambda: row(page, "magnet.x").value == "0.000 A", timeout=WAIT_MS)
    window.link._end.set()
    return page


def test_a_supply_that_is_not_reached_on_the_way_to_safety_is_not_said_to_answer(
    window: Window, qtbot: Any
) -> None:
    """The strip had no value and said so, the list beside it 6.250 A, ✓, 2 of 2 answer."""
    page = read_once(window, qtbot)
    resource = window.session.spec.magnets["x"].resource
    window.link.unsafe.emit(f"x: not safe yet, trying again (x ({resource}): no answer)")
    supply, lock_in = row(page, "magnet.x"), row(page, "readout.lockin")
    assert (supply.level, supply.state, supply.value) == ("fault", "Lost", "—")
    assert (lock_in.state, lock_in.value) == ("Not read", "")
    assert page.heading.text() == "1 of 2 instruments lost, 1 not read"
    page.watch([StepRead(0, 2e-3, 5.0, np.zeros(2))])  # the run goes on
    assert page.heading.text() == "2 of 2 instruments answer"


def test_what_was_not_read_since_a_look_failed_is_not_said_to_answer(
    window: Window, qtbot: Any
) -> None:
    page = read_once(window, qtbot)
    page.manual.field.setText("2.5 mT")
    page.bench_lost("lockin (virtual://sr830): no answer. Is it switched on?")
    supply = row(page, "magnet.x")
    assert (supply.level, supply.state, supply.value) == ("idle", "Not read", "")
    assert page.heading.text() == "1 of 2 instruments lost, 1 not read"
    assert (page.manual.go.isEnabled(), page.manual.go.cost) == (
        False, "the bench can't be read now",
    )  # fmt: skip
    assert page.manual.state.text() == "not read"
    page.take_reading(window.session.poll())
    assert row(page, "magnet.x").state == "Connected"
    assert page.heading.text() == "2 of 2 instruments answer"
    assert page.manual.go.isEnabled()
    assert page.manual.state.text() == "output off"


def test_the_page_where_a_bench_is_chosen_tells_when_one_is_connected(
    qtbot: Any, make_window: Any
) -> None:
    window: Window = make_window(connected=False, page="welcome")
    page = window.page()
    assert page.heading.text() == "No bench is connected"
    window.link.connect_bench()
    qtbot.waitUntil(lambda: "channel.Y" in window.top.cells, timeout=WAIT_MS)
    assert page.heading.text() == f"{window.session.spec.name} is connected"

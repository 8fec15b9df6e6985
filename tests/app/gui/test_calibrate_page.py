"""The Calibrate page: pressed, watched, stopped, gone on with; its figures used, never forced."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import calibrated
import numpy as np
import pytest
from calibrated import PLAN, with_two_axes
from conftest import WAIT_MS
from PyQt6.QtWidgets import QApplication
from window_disk import disk_of_the_window

import instruments.virtual.library as virtual_library
from app.config import Settings
from app.gui.live_calibrate import with_error
from app.gui.window import Window
from app.library.library import Library
from app.operations.calibrate import calibrate
from app.operations.events import PointMeasured
from app.session import Session
from app.store import read_recording
from instruments.bench import Bench
from instruments.bench_file import parse_bench, read_bench
from instruments.virtual.kepco_bop import IDENTITY, KepcoBop
from instruments.virtual.rig import VirtualRig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from app.gui.pages.calibrate import CalibratePage
    from app.gui.theme import Theme
    from app.library.folders import Artefact

TEXT = calibrated.TEXT.replace("[teslameter.gap]", "[teslameter.probe]")
TWO_AXES = with_two_axes(TEXT, 5.0e-4)
SLOW = TEXT.replace("[magnet.x]", "accelerate = 200\n[magnet.x]")
"""So slow that it outlasts the window's next look, on any machine."""


@pytest.fixture
def opened(qtbot: Any, theme: Theme, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """The window of a bench with a teslameter, connected; its Calibrate page."""
    made: list[Window] = []

    def make(text: str = TEXT) -> tuple[Window, CalibratePage]:
        bench = tmp_path / f"rig{len(made)}.toml"
        bench.write_text(text)
        session = Session(read_bench(bench), Library(tmp_path / "library"))
        window = Window(session, theme, Settings(page="bench"))
        made.append(window)
        window.show()
        window.link.connect_bench()
        qtbot.waitUntil(lambda: "channel.Y" in window.top.cells, timeout=WAIT_MS)
        window.pages["bench"].calibrate_button.click()
        page = window.pages["calibrate"]
        page.set_form_values({"points": 9, "readings": 2})
        return window, page

    with disk_of_the_window(tmp_path) as touched:
        yield make
    for window in made:
        if not window._closed:
            window.shut_down()
        qtbot.waitUntil(lambda w=window: w._closed, timeout=WAIT_MS)
        window.link.wait(10)
        window.deleteLater()
    QApplication.processEvents()
    assert not touched, "\n".join(touched)


def begin(page: CalibratePage, points: int | None = None) -> None:
    """Tick and press, with so many points where that is said."""
    if points is not None:
        page.set_form_values({"points": points})
    page.rows.ready.setChecked(True)
    page.show_cost()
    page.form.primary.click()


def press(window: Window, page: CalibratePage, qtbot: Any) -> None:
    """Begin, wait for the end."""
    begin(page)
    assert window.job is not None, page.form.primary.cost
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)


def test_nothing_can_be_pressed_before_the_hands_are_out(opened, qtbot) -> None:
    window, page = opened()
    page.show_cost()
    assert window.page() is page
    assert window.rail.items["bench"].isChecked()
    assert not page.form.primary.isEnabled()
    assert "hands" in page.form.primary.cost
    page.rows.ready.setChecked(True)
    page.show_cost()
    assert page.form.primary.isEnabled()
    assert "±9.9 A · within limits" in page.form.primary.cost
    press(window, page, qtbot)
    assert not page.rows.ready.isChecked()  # asked anew
    assert not page.form.primary.isEnabled()


def test_hands_are_asked_for_anew_of_whoever_comes_back_and_of_another_magnet_or_bench(
    opened, qtbot
) -> None:
    window, page = opened(TWO_AXES)
    ready = page.rows.ready

    def ticked() -> bool:
        """Whether it still is; then it is ticked again."""
        was, _ = ready.isChecked(), ready.setChecked(True)
        page.show_cost()
        assert page.form.primary.isEnabled(), page.form.primary.cost
        return was

    ticked()
    window.open_page("library")
    window.open_page("calibrate")
    assert not ready.isChecked()
    page.press()
    assert window.job is None
    assert not ticked()
    page.rows.magnet.choose("y")
    assert not ticked()
    page.bench_changed()
    assert not ticked()
    page.rows.entries["points"].setValue(11)  # which says nothing of the gap
    assert ticked()


def test_what_is_found_is_drawn_and_told(opened, qtbot) -> None:
    window, page = opened()
    press(window, page, qtbot)
    assert page.heading.text().startswith("Magnet x: 0.4"), window.log
    assert page.heading.text().endswith("as it was")
    assert [len(page.live.points[branch]) for branch in range(3)] == [5, 9, 9]
    current_A, field_mT = page.plots.curves[1].getData()
    assert current_A == pytest.approx(np.linspace(9.9, -9.9, 9), abs=1e-3)
    assert field_mT == pytest.approx(0.4 * current_A, abs=2e-3)
    first = page.plots.table.rows[0]
    assert (first.name, first.bench, first.level) == ("mT per A", "0.4", "ok")
    assert page.live.warnings == []
    recording = read_recording(page.calibration.parent)
    assert recording.status == "done"
    assert page.calibration.parent.name.startswith("cal-")
    assert not any(s.output_on for s in window.session.bench.state().values())
    qtbot.waitUntil(lambda: page.rows.last.text().startswith("0.4"), timeout=WAIT_MS)


def test_the_strip_shows_the_measured_field_and_no_stale_read_out(opened, qtbot) -> None:
    window, page = opened(SLOW)
    begin(page, 401)
    cells = window.top.cells
    qtbot.waitUntil(lambda: cells["field"].name == "Field, measured", timeout=WAIT_MS)
    assert cells["channel.X"].value is None
    assert cells["field"].value == pytest.approx(4e-4 * cells["current"].value, abs=2e-5)
    window.stop()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    assert cells["field"].name == "Field"


def test_it_is_not_paused_and_says_why(opened, qtbot) -> None:
    window, page = opened()
    begin(page, 2001)
    qtbot.waitUntil(lambda: page.live.done > 0 or window.job is None, timeout=WAIT_MS)
    window.pause()
    assert not window.session.pause.requested
    assert any("yoke" in line for line in window.log)
    assert not page.rows.magnet.isEnabled()  # what runs goes by the names that are chosen
    assert not page.rows.entries["points"].isEnabled()
    window.stop()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    assert page.rows.magnet.isEnabled()
    assert page.subheading.text() == "0 of 3 branches kept"
    assert page.plots.curves[0].getData() == (None, None)


def test_one_that_is_refused_leaves_what_is_shown(opened, qtbot, monkeypatch) -> None:
    window, page = opened()
    press(window, page, qtbot)
    shown = page.calibration
    page.rows.ready.setChecked(True)
    monkeypatch.setattr(window, "run", lambda _spec: False)  # such as: a fit runs
    page.press()
    assert page.calibration == shown
    assert page.live.found is not None
    assert not page.use_button.isHidden()


def test_a_library_that_is_slow_or_none_holds_up_no_window(
    opened, qtbot, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, page = opened()
    asked_by, share = list[str](), threading.Event()

    def artefacts(kind: str | None = None) -> list[Artefact]:
        asked_by.append(threading.current_thread().name)
        share.wait(20.0)
        raise NotADirectoryError(20, "Not a directory", "/mnt/lab/file")

    monkeypatch.setattr(window.session.library, "artefacts", artefacts)
    page.refresh()
    qtbot.waitUntil(lambda: bool(asked_by), timeout=WAIT_MS)
    assert threading.main_thread().name not in asked_by
    share.set()
    qtbot.waitUntil(lambda: page.rows.last.text().startswith("not read: "), timeout=WAIT_MS)
    assert "/mnt/lab/file" in page.rows.last.text()


def test_stopped_and_gone_on_with_in_another_window(opened, qtbot) -> None:
    window, page = opened(SLOW)
    begin(page, 201)
    qtbot.waitUntil(lambda: 1 in page.live.points or window.job is None, timeout=WAIT_MS)
    window.stop()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    assert page.heading.text().startswith("Stopped")
    assert list(page.live.points) == [0]  # what is not kept is not shown
    assert not any(s.output_on for s in window.session.bench.state().values())
    window.shut_down()
    qtbot.waitUntil(lambda: window._closed, timeout=WAIT_MS)
    window, page = opened()  # the same rig, as fast as it goes
    page.set_form_values({"points": 21})
    qtbot.waitUntil(page.rows.go_on.isVisible, timeout=WAIT_MS)
    page.rows.go_on.setChecked(True)
    page.show_cost()
    assert not page.rows.entries["points"].isEnabled()
    assert page.form.primary.text() == "Go on calibrating magnet x"
    press(window, page, qtbot)
    assert [len(page.live.points[branch]) for branch in range(3)] == [101, 201, 201]
    assert page.calibration is not None, window.log
    assert len(window.session.library.artefacts("cal")) == 1
    qtbot.waitUntil(lambda: not page.rows.go_on.isVisible(), timeout=WAIT_MS)


def test_one_that_is_not_complete_is_held_against_the_bench_of_its_own_magnet(
    opened, qtbot, tmp_path: Path
) -> None:
    with Bench.connect(parse_bench(TWO_AXES, "then.toml")) as bench:
        walk = calibrate(bench, tmp_path / "library" / "cal-1", plan=PLAN, magnet="x")
        for event in walk:
            if isinstance(event, PointMeasured) and event.branch == 1:
                break
        walk.close()
    _, page = opened(TWO_AXES.replace("4.0e-4", "3.0e-4"))  # the file was changed since
    page.rows.magnet.choose("y")
    page.choose(tmp_path / "library" / "cal-1")
    qtbot.waitUntil(lambda: "not complete" in page.heading.text(), timeout=WAIT_MS)
    current_A, field_mT = page.plots.line.getData()
    assert field_mT == pytest.approx(0.4 * current_A)
    recording = read_recording(tmp_path / "library" / "cal-1")
    for damaged in ({}, {"calibration": "none"}, {"calibration": {"magnet": "z"}}):
        page.live.load(replace(recording, meta={**recording.meta, "calibration": "", **damaged}))
        page.plots.draw(page.live, running=False)
        current_A, _ = page.plots.line.getData()
        assert current_A is None or not current_A.size  # where nobody knows there is no line


def test_while_one_runs_another_is_opened_later_and_that_is_said(opened, qtbot) -> None:
    window, page = opened(SLOW)
    begin(page, 201)
    assert window.job is not None
    page.choose(window.session.library.folder / "cal-before")
    assert "cal-before can be opened here once what runs is over" in window.log[-1]
    window.stop()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)


def test_one_far_from_the_bench_file_warns_and_is_used_only_on_request(
    opened, qtbot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, page = opened(TEXT.replace("4.0e-4", "3.6e-4"))
    before = (tmp_path / "rig0.toml").read_bytes()
    press(window, page, qtbot)
    assert not page.open_button.isVisible()
    assert "far from the bench file" in page.heading.text()
    assert page.plots.table.rows[0].level == "attention"
    assert page.plots.table.rows[0].apart == "+11.1 %"
    assert not page.plots.warnings[0].isHidden()
    assert "(+11.1 %)" in page.plots.warnings[0].text()
    assert not (tmp_path / "rig0-calibrated.toml").exists()
    page.use_button.click()
    qtbot.waitUntil((tmp_path / "rig0-calibrated.toml").exists, timeout=WAIT_MS)
    copy = read_bench(tmp_path / "rig0-calibrated.toml")
    assert copy.magnets["x"].limits.tesla_per_ampere == pytest.approx(4e-4, rel=1e-3)
    assert (tmp_path / "rig0.toml").read_bytes() == before
    qtbot.waitUntil(
        lambda: any("rig0-calibrated.toml" in line for line in window.log), timeout=WAIT_MS
    )
    assert not page.use_button.isVisible()
    opened_files: list[Path] = []
    monkeypatch.setattr(window, "open_bench", opened_files.append)
    assert page.open_button.isVisible()
    page.open_button.click()
    assert opened_files == [tmp_path / "rig0-calibrated.toml"]


def test_one_far_from_the_last_stands_beside_it(
    opened, qtbot, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, page = opened()
    press(window, page, qtbot)

    class Stronger(VirtualRig):
        def field_T(self) -> float:
            return 1.1 * super().field_T()

    monkeypatch.setattr(virtual_library, "VirtualRig", Stronger)
    window, page = opened()
    press(window, page, qtbot)
    first = page.plots.table.rows[0]
    assert first.last.startswith("0.4")
    assert first.level == "attention"
    assert any("last calibration" in words for words in page.live.warnings)


def test_what_another_rig_of_the_same_name_found_is_neither_compared_nor_used(
    opened, qtbot, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = IDENTITY.replace("H249977", "H111111")
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(KepcoBop, "identity", other)
        window, page = opened()
        press(window, page, qtbot)
        made = page.calibration
    window, page = opened()
    qtbot.waitUntil(lambda: page.rows.last.text() == "none in the library", timeout=WAIT_MS)
    page.choose(made)
    whose = f"another rig's: gap, {other}"
    qtbot.waitUntil(lambda: page.subheading.text().endswith(whose), timeout=WAIT_MS)
    assert not page.use_button.isVisible()


def test_the_library_opens_it_again(opened, qtbot) -> None:
    window, page = opened()
    press(window, page, qtbot)
    found = page.live.found
    window.open_page("library")
    library = window.pages["library"]
    qtbot.waitUntil(lambda: bool(library.rows), timeout=WAIT_MS)
    assert library.rows[0].kind == "cal"
    library.list.choose({library.rows[0].artefact.path})
    library.press()
    assert window.page() is page
    qtbot.waitUntil(page.use_button.isVisible, timeout=WAIT_MS)
    assert page.live.found == found
    assert window.session.library.artefacts("rec") == []  # nothing to fit a twin to


def test_a_bench_without_a_teslameter_says_what_is_missing(make_window) -> None:
    page = make_window(connected=False, page="calibrate").page()
    assert not page.form.primary.isEnabled()
    assert page.form.primary.cost.startswith("no [teslameter.NAME]: ")  # seen where it is cut


def test_a_limit_refuses_it_in_words(opened) -> None:
    _, page = opened(
        TEXT.replace(
            "max_current_A = 11.0",
            "max_current_A = 11.0\nmax_duty_A2s = 50.0\nduty_window_s = 60.0",
        )
    )
    page.rows.ready.setChecked(True)
    page.show_cost()
    assert not page.form.primary.isEnabled()
    assert "max_duty_A2s" in page.form.primary.cost


@pytest.mark.parametrize(
    ("value", "error", "shown"),
    [
        (0.43986, 6e-5, "0.43986(6)"),
        (50.02, 0.3, "50.0(3)"),
        (-50.02, 0.3, "−50.0(3)"),
        (0.4, 0.0096, "0.40(1)"),
        (123.4, 12.0, "123(12)"),
        (9.97, 0.0, "9.97"),
        (1.0, float("inf"), "1"),
    ],
)
def test_an_error_stands_in_brackets(value: float, error: float, shown: str) -> None:
    assert with_error(value, error) == shown

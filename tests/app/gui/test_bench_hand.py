"""A field by hand, the console, the wire log and the bench file, on the Bench page."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from conftest import WAIT_MS
from PyQt6.QtCore import QEvent, Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication, QScrollArea
from two_coils import TWO_COILS

from app.gui.job import JobSpec
from app.operations.console import Answer
from instruments.bench_file import parse_bench, read_bench

if TYPE_CHECKING:
    from pathlib import Path

    from app.gui.window import Window


@pytest.fixture
def window(make_window: Any) -> Window:
    """Of the virtual rig, on its Bench page."""
    made: Window = make_window(page="bench")
    return made


@pytest.fixture
def page(window: Window) -> Any:
    return window.page()


def is_safe(window: Window) -> bool:
    bench = window.session.bench
    return bench is not None and not any(s.output_on for s in bench.state().values())


def until_at(page: Any, qtbot: Any, field_T: float) -> None:
    qtbot.waitUntil(
        lambda: page.manual.field_T == pytest.approx(field_T, rel=0.02), timeout=WAIT_MS
    )


def test_a_field_is_set_moved_and_taken_away(page: Any, window: Window, qtbot: Any) -> None:
    manual = page.manual
    manual.field.setText("3 mT")
    assert manual.note.text() == "7.5 A of at most 11 A"
    assert "asks above 4.00 mT" in manual.go.cost
    manual.go.click()
    assert window.job is not None
    until_at(page, qtbot, 3e-3)
    assert manual.state.text() == "output on, 3.00 mT"
    assert {row.state for row in page.rows.rows} == {"Busy"}
    manual.field.setText("-1")
    QTest.keyClick(manual.field, Qt.Key.Key_Return)
    until_at(page, qtbot, -1e-3)
    assert manual.note.text() == "−2.5 A of at most 11 A"  # a minus sign, as on the strip
    qtbot.waitUntil(lambda: page.rows.rows[0].value == "−2.500 A", timeout=WAIT_MS)
    assert window.status.text == "Manual set, −1 mT"
    manual.end.click()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    assert is_safe(window)
    assert manual.state.text() == "output off"
    assert not manual.end.isEnabled()


def test_what_waits_for_a_field_by_hand_is_told_how_that_ends(page: Any, window: Window) -> None:
    """It has no end of its own: nobody should wait for it."""
    page.manual.field.setText("1 mT")
    page.manual.go.click()
    window.open_page("record")
    assert not window.run(JobSpec("record", "Recording", "rec-2", lambda _: iter(()), True))
    said = window.toasts.shown[-1].text
    assert said == "Manual set is under way: ramp it to zero on the Bench page"


WRONG = (
    ("12 mT", "20 A/s", "field", "beyond max_current_A"),
    ("3 mT", "9000", "ramp", "at most 2000"),
    ("3 apples", "20", "field", "no number of T"),
    ("3 mT", "fast", "ramp", "no number of A/s"),
    ("3 mT", "", "ramp", ""),
    ("", "fast", "ramp", ""),
    ("1e400", "20", "field", ""),
    ("9" * 400, "20", "field", ""),
    ("9" * 5000, "20", "field", ""),
    ("[" * 3000, "20", "field", ""),
)


def test_what_is_wrong_is_said_as_it_is_typed_and_edges_its_own_entry(
    page: Any, window: Window
) -> None:
    manual = page.manual
    for field, ramp, wrong, words in WRONG:
        manual.field.setText(field)
        manual.ramp.setText(ramp)
        edged = [name for name in ("field", "ramp") if getattr(manual, name).property("level")]
        assert edged == [wrong], (field, ramp)
        assert words in manual.note.text()
        assert not manual.go.isEnabled()
        manual.press()
        assert window.job is None
        manual.field.clear()  # nothing is asked for: nothing is wrong
        manual.ramp.setText("20")
        assert not manual.field.property("level")
        assert not manual.ramp.property("level")
        assert not manual.go.isEnabled()
        manual.field.setText("3 mT")
        assert manual.go.isEnabled()


def test_on_its_way_to_zero_no_other_field_is_taken(page: Any, window: Window, qtbot: Any) -> None:
    manual = page.manual
    manual.field.setText("3 mT")
    manual.press()
    until_at(page, qtbot, 3e-3)
    manual.to_zero()
    manual.field.setText("3.2 mT")  # would be answered by nothing
    assert not manual.go.isEnabled()
    assert manual.go.cost == "on its way to zero"
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    assert manual.go.isEnabled()


def test_a_current_that_was_not_set_from_here_is_shown(page: Any, window: Window) -> None:
    found = window.session.bench.monitor()
    page.take_reading(replace(found, output_on=True, current_A=5.0, field_T=2e-3))
    assert page.manual.state.text() == "output on, 2.00 mT"
    assert page.manual.end.cost == "not set from here: Stop takes it to zero"
    page.take_reading(replace(found, output_on=True))  # such as a supply without an output switch
    assert page.manual.state.text() == "output on, 0.00 mT"
    assert page.manual.end.cost == "already at zero"


def test_where_the_second_magnet_is_stands_at_its_own_place(make_window: Any, qtbot: Any) -> None:
    """Of a rig that turns the field; the first magnet rests meanwhile."""
    window: Window = make_window(parse_bench(TWO_COILS, "turned.toml"), page="bench")
    page: Any = window.page()
    page.check()
    qtbot.waitUntil(lambda: not page.checking, timeout=WAIT_MS)
    manual = page.manual
    manual.magnet.choose("y")
    manual.field.setText("1 mT")
    manual.ramp.setText("100 A/s")
    manual.go.click()
    until_at(page, qtbot, 1e-3)
    assert manual.state.text() == "output on, 1.00 mT"
    rows = {row.name: (row.value, row.below_value) for row in page.rows.rows}
    assert rows["magnet.y"] == ("−5.000 A", "output on")
    manual.field.setText("1.5 mT")
    manual.ramp.setText("1 A/s")
    assert manual.go.cost.startswith("2.5 s")  # from where it is, not from zero
    window.stop()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    found = replace(
        window.session.bench.monitor(), others_A=(-5.0,), others=("y: -5 A, output on",)
    )
    page.take_reading(found)
    assert manual.state.text() == "output on, 1.00 mT"
    assert manual.end.cost == "not set from here: Stop takes it to zero"


def test_what_forbids_current_is_said_before_anything_is_pressed(page: Any, window: Window) -> None:
    page.manual.field.setText("2 mT")
    assert page.manual.go.isEnabled()
    page.take_reading(replace(window.session.bench.monitor(), forbids=("interlock flow",)))
    assert not page.manual.go.isEnabled()
    assert page.manual.go.cost == "no current allowed now"


def test_a_large_field_is_asked_about_in_the_page(page: Any, window: Window, qtbot: Any) -> None:
    manual = page.manual
    manual.field.setText("4.2 mT")
    manual.go.click()
    assert window.job is None
    assert manual.question.isVisible()
    assert "4.20 mT is beyond 4.00 mT" in manual.asked.text()
    assert QApplication.activeModalWidget() is None
    manual.no.click()
    assert manual.go.isVisible()
    assert window.job is None
    manual.go.click()
    manual.field.setText("4.3 mT")  # what was asked about is no longer what is typed
    assert not manual.question.isVisible()
    manual.go.click()
    manual.yes.click()
    until_at(page, qtbot, 4.3e-3)
    window.stop()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    assert is_safe(window)


def test_closing_while_it_is_held_makes_the_rig_safe(page: Any, window: Window, qtbot: Any) -> None:
    bench = window.session.bench
    page.manual.field.setText("2.5 mT")
    page.manual.press()
    until_at(page, qtbot, 2.5e-3)
    window.close()
    assert window.job is not None  # it asks first
    assert window.bar.isVisible()
    sent: list[str] = []
    assert bench is not None
    driver = bench.magnets["x"].magnet
    output = driver.output
    driver.output = lambda on: (sent.append(f"output {on}"), output(on))[1]  # type: ignore[method-assign]
    window.bar.buttons[0].click()
    qtbot.waitUntil(lambda: window._closed, timeout=WAIT_MS)
    assert sent[-1] == "output False"


def send(page: Any, qtbot: Any, name: str, command: str) -> str:
    page.wire.choose(name)
    page.wire.command.setText(command)
    QTest.keyClick(page.wire.command, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: not page.wire.sending, timeout=WAIT_MS)
    return str(page.wire.answer.text())


def test_the_console_asks_and_shows_the_answer(page: Any, window: Window, qtbot: Any) -> None:
    assert "KEPCO" in send(page, qtbot, "x", "*IDN?")
    assert "no answer asked" in send(page, qtbot, "lockin", "SENS 20")
    assert "← 20" in send(page, qtbot, "lockin", "SENS?")
    refused = send(page, qtbot, "x", "CURR 5")
    assert "only asked here" in refused
    assert page.wire.answer.property("role") == "fault"
    assert all("CURR 5" not in one.text for one in window.session.wire.latest(1000))
    page.wire.command.clear()
    QTest.keyClick(page.wire.command, Qt.Key.Key_Up)
    QTest.keyClick(page.wire.command, Qt.Key.Key_Up)
    assert page.wire.command.text() == "SENS?"
    QTest.keyClick(page.wire.command, Qt.Key.Key_Down)
    assert page.wire.command.text() == "CURR 5"
    assert page.form_values()["history"] == ["*IDN?", "SENS 20", "SENS?", "CURR 5"]


def test_what_is_typed_while_the_console_waits_stays(page: Any) -> None:
    page.wire.command.setText("OUTX?")
    page.wire._answered(Answer("lockin", "*IDN?", "SR830", 0.1), None)
    assert page.wire.command.text() == "OUTX?"
    page.wire._answered(Answer("lockin", "OUTX?", "1", 0.1), None)
    assert page.wire.command.text() == ""


def test_the_console_waits_for_a_run(page: Any, window: Window, qtbot: Any) -> None:
    page.manual.field.setText("2.5 mT")
    page.manual.press()
    until_at(page, qtbot, 2.5e-3)
    assert "has the bench" in send(page, qtbot, "lockin", "*IDN?")
    page.manual.to_zero()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)


def test_the_wire_log_is_filtered_and_saved(page: Any, window: Window, qtbot: Any) -> None:
    send(page, qtbot, "x", "*IDN?")
    page.wire.filter.setText("idn")
    shown = page.wire.view.messages
    assert {one.text for one in shown} == {"*IDN?"}
    page.wire.of.choose("lockin")
    assert {one.name for one in page.wire.view.messages} == {"lockin"}
    page.wire.filter.setText("")
    count = len(page.wire.view.messages)
    page.wire.idle.setChecked(True)
    assert len(page.wire.view.messages) > count
    page.wire.save()
    folder = window.session.library.folder / "wire"
    qtbot.waitUntil(lambda: any(folder.glob("*.jsonl")), timeout=WAIT_MS)


def test_two_presses_on_save_within_a_second_are_two_files(
    page: Any, window: Window, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.strftime", lambda *_: "wire-20261203-045939")
    folder = window.session.library.folder / "wire"
    for number in (1, 2):
        page.wire.save()
        qtbot.waitUntil(lambda n=number: len(list(folder.glob("*.jsonl"))) == n, timeout=WAIT_MS)
    assert (folder / "wire-20261203-045939-2.jsonl").exists()


def test_one_instrument_is_tested_and_all_are_reconnected(page: Any, qtbot: Any) -> None:
    page.rows.buttons["readout.lockin", "Test"].click()
    assert "Testing lockin" in page.heading.text()
    qtbot.waitUntil(lambda: "lockin" in page.checks, timeout=WAIT_MS)
    assert "x" not in page.checks
    page.reconnect_button.click()
    qtbot.waitUntil(lambda: set(page.checks) == {"x", "lockin"}, timeout=WAIT_MS)
    assert page.rows.rows[0].state == "Answers"
    page.rows.buttons["magnet.x", "Console"].click()
    assert page.wire.name.currentData() == "x"


def test_the_bench_file_is_edited_and_opened_anew(page: Any, window: Window, qtbot: Any) -> None:
    page.rows.choose("magnet.x")
    edit = page.edit
    assert edit.rows["tesla_per_ampere"].text == "0.4 mT/A"
    entry = edit.rows["max_current_A"].entry
    entry.setText("-3 A")
    assert "must be" in edit.rows["max_current_A"].fault.text()
    assert not edit.write_button.isEnabled()
    entry.setText("1e9")  # the supply has said what it can give
    assert "= 1e+09 A is beyond the 12 A of the supply" in edit.rows["max_current_A"].fault.text()
    assert not edit.write_button.isEnabled()
    entry.setText("10.5 A")
    assert edit.problems == []
    assert "max_current_A = 10.5" in edit.preview.toPlainText()
    edit.choose("reset")
    edit.rows["field_T"].entry.setText("4.1")  # mT, as the window's fields are
    assert edit.changes["reset", "field_T"] == 4.1e-3
    assert "2 changes" in edit.write_button.cost
    edit.choose("magnet.x")
    assert edit.rows["max_current_A"].text == "10.5 A"
    edit.write_button.click()
    qtbot.waitUntil(lambda: window._closed, timeout=WAIT_MS)
    assert window.next_bench is not None
    spec = read_bench(window.next_bench)
    assert spec.magnets["x"].limits.max_current_A == 10.5
    assert spec.reset.field_T == 4.1e-3


def test_a_file_that_an_editor_has_changed_is_told_and_opened_anew(
    page: Any, window: Window, qtbot: Any, tmp_path: Path
) -> None:
    bench = tmp_path / "rig.toml"
    bench.write_text(window.session.spec.text)
    window.session.spec = read_bench(bench)
    bench.write_text(bench.read_text().replace("11.0", "3.0"))
    QApplication.sendEvent(page, QEvent(QEvent.Type.ActivationChange))
    qtbot.waitUntil(lambda: "rig.toml was changed since" in page.edit.rest.text(), timeout=WAIT_MS)
    assert page.edit.write_button.text() == "Open rig.toml anew"
    page.edit.write_button.click()
    qtbot.waitUntil(lambda: window._closed, timeout=WAIT_MS)
    assert window.next_bench == bench


def test_an_edit_that_is_taken_back_is_none(page: Any) -> None:
    entry = page.edit.rows["max_ramp_A_per_s"].entry
    entry.setText("100 A/s")
    assert page.edit.changes == {("magnet.x", "max_ramp_A_per_s"): 100.0}
    entry.setText("2000 A/s")
    assert page.edit.changes == {}
    assert page.edit.text == page.session.spec.text
    assert page.edit.write_button.isHidden()


def test_every_control_has_a_name_and_nothing_scrolls_at_1280(page: Any, window: Window) -> None:
    window.resize(1280, 720)
    QApplication.processEvents()
    named = [
        page.manual.field, page.manual.ramp, page.manual.magnet, page.wire.command, page.wire.name,
        page.wire.filter, page.wire.of, page.wire.view, page.rows, page.edit.table,
        page.edit.preview, *page.rows.buttons.values(), *(r.entry for r in page.edit.rows.values()),
    ]  # fmt: skip
    assert all(widget.accessibleName() for widget in named)
    bars = [area.verticalScrollBar() for area in page.findChildren(QScrollArea)]
    assert [bar.isVisible() for bar in bars if bar is not None] == [False] * len(bars)

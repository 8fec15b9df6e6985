"""The New bench file page, on a rig of another process: asked, filled in, written."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from conftest import WAIT_MS
from PyQt6.QtWidgets import QLabel, QPushButton

from app.gui.window import LEAST
from instruments.bench_file import parse_bench, read_bench
from instruments.discovery import Found
from instruments.who_answers import Answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.gui.window import Window

ROOT = Path(__file__).parents[3]
FIELDS = {
    ("drive", "low_T"): "2.2 mT",
    ("drive", "high_T"): "3.4 mT",
    ("reset", "field_T"): "4",
}
LIMITS = {"tesla_per_ampere": "0.4 mT/A", "max_current_A": "11", "max_ramp_A_per_s": "2000"}


@pytest.fixture(scope="module")
def addresses() -> Iterator[list[str]]:
    """Kepco, SR830 and clock of a rig that another process serves."""
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "bench", "serve"], cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    yield [json.loads(process.stdout.readline())["resource"] for _ in range(3)]
    process.kill()
    process.communicate(timeout=20)


@pytest.fixture
def page(make_window: Any) -> Any:
    window: Window = make_window(connected=False, page="bench")
    bench: Any = window.page()
    bench.draft_button.click()
    return window.page()


def asked(qtbot: Any, page: Any, addresses: list[str]) -> None:
    for address in addresses:
        page.add_button.click()
        page.cards[-1].resource.setText(address)
    page.ask_button.click()
    assert "Asking" in page.heading.text()
    qtbot.waitUntil(lambda: not page.doing, timeout=WAIT_MS)


def fill(page: Any, **limits: str) -> None:
    for key, text in limits.items():
        page.cards[0].rows[key].entry.setText(text)
    for key, text in FIELDS.items():
        page.fields.entries[key].setText(text)
    page.fields.encoding.choose("amplitude")
    page.show_cost()


def level(row: Any) -> str:
    return str(row.entry.property("level") or "")


def test_what_answers_becomes_a_bench_file_that_is_whole(
    qtbot: Any, page: Any, addresses: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "my rig.toml"
    page.fields.file.setText(str(path))
    asked(qtbot, page, addresses)
    assert [card.driver.currentData() for card in page.cards] == ["kepco-bop", "sr830"]
    assert page.cards[0].identity.text().startswith("KEPCO")
    assert not page.form.primary.isEnabled()
    fill(page, **LIMITS)
    assert page.form.primary.isEnabled()
    page.form.primary.click()
    qtbot.waitUntil(lambda: page.written is not None, timeout=WAIT_MS)
    assert path.read_text("utf-8") == page.preview.toPlainText()
    spec = read_bench(path)
    assert spec.magnets["x"].limits.max_current_A == 11
    assert spec.magnets["x"].limits.tesla_per_ampere == 4e-4
    assert spec.window.high_T == 0.0034
    assert spec.virtual is not None
    assert spec.virtual.clock == addresses[2]
    assert not page.form.primary.isEnabled()
    assert "written" in page.form.primary.cost
    assert page.shell.toasts.shown[-1].text.endswith(f"twinrig bench check '{path}'")
    page.open_button.click()
    qtbot.waitUntil(lambda: page.shell._closed, timeout=WAIT_MS)
    assert page.shell.next_bench == path


def test_without_a_limit_nothing_can_be_written(
    qtbot: Any, page: Any, addresses: list[str], tmp_path: Path
) -> None:
    page.fields.file.setText(str(tmp_path / "rig.toml"))
    asked(qtbot, page, addresses)
    for left_out in LIMITS:
        fill(page, **{**LIMITS, left_out: ""})
        assert level(page.cards[0].rows[left_out]) == "attention"
        assert page.form.primary.cost == "1 to fill in"
        assert not page.form.primary.isEnabled()
        page.press()  # as by a key that slips through
        assert not (tmp_path / "rig.toml").exists()


def test_a_wrong_value_is_marked_at_its_entry_as_it_is_typed(page: Any, qtbot: Any) -> None:
    for address, driver in (("GPIB0::6::INSTR", "kepco-bop"), ("GPIB0::8::INSTR", "sr830")):
        page.add_button.click()
        page.cards[-1].resource.setText(address)
        page.cards[-1].driver.choose(driver)
    fill(page, **{**LIMITS, "max_current_A": "-3"})
    page.cards[1].rows["channels"].entry.setText("X, Q")
    qtbot.waitUntil(lambda: level(page.cards[1].rows["channels"]) == "fault", timeout=WAIT_MS)
    assert "channel 'Q' is unknown" in page.cards[1].rows["channels"].note.text()
    assert level(page.cards[0].rows["max_current_A"]) == "fault"
    assert page.form.primary.cost == "2 wrong"
    page.cards[1].rows["channels"].entry.setText("R")
    page.cards[0].rows["max_current_A"].entry.setText("11")
    qtbot.waitUntil(lambda: page.form.primary.isEnabled(), timeout=WAIT_MS)
    page.fields.entries["drive", "high_T"].setText("1 T")
    qtbot.waitUntil(lambda: not page.form.primary.isEnabled(), timeout=WAIT_MS)
    assert "beyond max_current_A = 11 A" in page.fields.rest.text()


def test_a_file_that_is_there_is_not_overwritten(page: Any, qtbot: Any, tmp_path: Path) -> None:
    path = tmp_path / "rig.toml"
    for address, driver in (("GPIB0::6::INSTR", "kepco-bop"), ("GPIB0::8::INSTR", "sr830")):
        page.add_button.click()
        page.cards[-1].resource.setText(address)
        page.cards[-1].driver.choose(driver)
    page.fields.file.setText(str(path))
    fill(page, **LIMITS)
    assert page.form.primary.isEnabled()
    path.write_text("mine")
    page.press()
    qtbot.waitUntil(lambda: "exists already" in page.form.primary.cost, timeout=WAIT_MS)
    assert "exists already" in page.shell.toasts.shown[-1].text
    assert path.read_text() == "mine"
    assert page.written is None


def test_resources_are_listed_once_and_none_is_opened(
    qtbot: Any, page: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        listed = [f"TCPIP0::127.0.0.1::{server.getsockname()[1]}::SOCKET", "GPIB0::INTFC",
                  "GPIB0::8::INSTR"]  # fmt: skip
        found = Found(listed, "a library", [])
        monkeypatch.setattr("app.gui.pages.bench_draft.discover", lambda: found)
        page.add_button.click()
        page.cards[0].resource.setText("GPIB0::8::INSTR")  # there already
        for _ in range(2):
            page.find_button.click()
            qtbot.waitUntil(lambda: not page.doing, timeout=WAIT_MS)
            assert [card.resource.text() for card in page.cards] == [listed[2], listed[0]]
        assert page.cards[1].identity.text() == "not asked who it is"
        assert not page.cards[1].rows
        server.setblocking(False)
        with pytest.raises(BlockingIOError):  # nobody came
            server.accept()
    assert page.shell.toasts.shown[-1].text.startswith("a library lists no resource that isn't")


def test_who_does_not_answer_is_told_in_its_card(qtbot: Any, page: Any) -> None:
    asked(qtbot, page, ["TCPIP0::127.0.0.1::9::SOCKET"])
    assert "nothing listens" in page.cards[0].identity.text()
    assert page.cards[0].driver.currentData() == ""


def test_the_keys_of_another_driver_keep_what_was_typed(page: Any) -> None:
    page.add_button.click()
    card = page.cards[0]
    card.driver.choose("kepco-bop")
    card.rows["max_current_A"].entry.setText("11")
    card.driver.choose("danfysik-8500")
    assert card.rows["max_current_A"].text == "11"
    assert "set_counts_per_A" in card.rows
    more = [button for button in card.findChildren(QPushButton) if "more" in button.text()]
    assert card.rows["max_field_T"].isHidden()
    more[0].click()
    assert not card.rows["max_field_T"].isHidden()


def test_the_path_is_chosen_beside_the_window_not_over_it(page: Any, tmp_path: Path) -> None:
    dialog = page.fields.choose_file()
    assert not dialog.isModal()
    dialog.fileSelected.emit(str(tmp_path / "other.toml"))
    assert page.fields.path == tmp_path / "other.toml"
    dialog.close()


def test_the_status_of_an_instrument_guards_the_magnet(page: Any, qtbot: Any) -> None:
    for address, driver in (("GPIB0::6::INSTR", "kepco-bop"), ("GPIB0::8::INSTR", "sr830")):
        page.add_button.click()
        page.cards[-1].resource.setText(address)
        page.cards[-1].driver.choose(driver)
    fill(page, **LIMITS)
    guards = page.cards[1].guards
    assert "aux1" in guards.note.text()
    guards.entry.setText("aux1 > 2 V, auxx < 3")
    qtbot.waitUntil(lambda: level(guards) == "fault", timeout=WAIT_MS)
    assert "did you mean 'aux" in guards.note.text()
    guards.entry.setText("aux1 > 2 V")
    qtbot.waitUntil(lambda: page.form.primary.isEnabled(), timeout=WAIT_MS)
    lock = parse_bench(page.preview.toPlainText(), "page").interlocks["lockin-aux1"]
    assert (lock.instrument, lock.input, lock.above_V) == ("lockin", "aux1", 2.0)


def test_what_guards_the_magnet_stays_when_instruments_are_asked_or_another_driver_is_chosen(
    qtbot: Any, page: Any, addresses: list[str]
) -> None:
    """An interlock that had been typed was gone from the file after "Ask who they are"."""
    asked(qtbot, page, addresses)
    fill(page, **LIMITS)
    lockin = page.cards[1]
    lockin.guards.entry.setText("aux1 > 2 V")
    page.ask_button.click()
    qtbot.waitUntil(lambda: not page.doing, timeout=WAIT_MS)
    assert "lockin-aux1" in parse_bench(page.preview.toPlainText(), "page").interlocks
    lockin.driver.choose("keysight-34465a")  # feeds none
    assert lockin.guards is None
    lockin.driver.choose("sr860")
    page.show_cost()
    assert "lockin-aux1" in parse_bench(page.preview.toPlainText(), "page").interlocks


def test_what_guards_the_open_bench_stays_whole_when_its_instruments_are_asked(page: Any) -> None:
    text = f"{page.session.spec.text}\n{GUARDED}"
    page.session.spec = parse_bench(text, "bench file rig.toml")
    page.here_button.click()
    answers = [Answer(card.instrument().resource, problem="no reply") for card in page.cards]
    page._answered(answers, None)
    made, before = (tomllib.loads(one) for one in (page.preview.toPlainText(), text))
    assert made["interlock"] == before["interlock"]


def test_what_an_empty_entry_shows_is_what_is_written(page: Any) -> None:
    assert page.fields.entries["drive", "timing"].placeholderText() == "auto"
    assert 'timing = "auto"' in page.preview.toPlainText()


def test_the_open_bench_is_where_one_can_begin(page: Any, qtbot: Any, tmp_path: Path) -> None:
    page.fields.file.setText(str(tmp_path / "more.toml"))
    page.here_button.click()
    assert [card.table_name.text() for card in page.cards] == ["x", "lockin"]
    assert page.form.primary.isEnabled()
    page.cards[1].rows["channels"].entry.setText("X, Y, R")
    page.show_cost()
    page.form.primary.click()
    qtbot.waitUntil(lambda: page.written is not None, timeout=WAIT_MS)
    spec, before = read_bench(tmp_path / "more.toml"), page.session.spec
    assert spec.readouts["lockin"].options["channels"] == ("X", "Y", "R")
    assert spec.magnets == before.magnets
    assert (spec.window, spec.reset, spec.virtual) == (before.window, before.reset, before.virtual)


def test_fields_are_in_mT_as_in_the_rest_of_the_window(page: Any) -> None:
    """A bare number was in T beside fields in mT."""
    page.here_button.click()
    entries = page.fields.entries
    assert entries["drive", "low_T"].text() == "2.2 mT"
    assert entries["reset", "field_T"].text() == "4 mT"
    assert page.draft().drive == tomllib.loads(page.session.spec.text)["drive"] | {
        "timing": "software"
    }  # to the last digit of a gate of 1/37 s
    for text in ("2.5", "2,5", "2,5 mT", "0.0025 T", "2500 µT"):
        entries["drive", "low_T"].setText(text)
        assert page.draft().drive["low_T"] == 0.0025
    entries["drive", "hold_s"].setText("0.5")
    assert page.draft().drive["hold_s"] == 0.5
    labels = {label.text() for label in page.form.findChildren(QLabel)}
    assert {"At drive 0, mT", "At drive 1, mT", "Reset, mT"} <= labels
    entries["drive", "low_T"].clear()
    assert entries["drive", "low_T"].placeholderText() == "mT"


def test_a_limit_beyond_a_connected_supply_is_refused_as_it_is_typed(
    make_window: Any, qtbot: Any
) -> None:
    """1e9 A was taken, and refused by the supply only at the next connecting."""
    window = make_window(page="bench")
    qtbot.waitUntil(lambda: window.session.bench is not None, timeout=WAIT_MS)
    window.page().draft_button.click()
    page = window.page()
    page.here_button.click()
    assert page.form.primary.isEnabled()
    page.cards[0].rows["max_current_A"].entry.setText("1e9")
    qtbot.waitUntil(lambda: level(page.cards[0].rows["max_current_A"]) == "fault", timeout=WAIT_MS)
    assert "= 1e+09 A is beyond the 12 A of the supply" in (
        page.cards[0].rows["max_current_A"].note.text()
    )
    assert not page.form.primary.isEnabled()


GUARDED = """\
[interlock.door]
instrument = "lockin"
input = "aux1"
above_V = 1.0
below_V = 3.0
when_out = "hold"
hold_at_most_s = 60.0
[interlock.flow]
instrument = "lockin"
input = "aux2"
below_V = 2.0
[board.one]
resource = "PRLGX-TCPIP0::192.168.1.30::1234::INTFC"
[board.two]
resource = "PRLGX-TCPIP1::192.168.1.31::1234::INTFC"
"""


def test_what_guards_the_open_bench_and_every_adapter_is_taken_whole(page: Any) -> None:
    text = f"{page.session.spec.text}\n{GUARDED}"
    page.session.spec = parse_bench(text, "bench file rig.toml")
    page.here_button.click()
    made, before = (tomllib.loads(one) for one in (page.preview.toPlainText(), text))
    assert made["interlock"] == before["interlock"]
    assert made["board"] == before["board"]
    lockin = page.cards[1]
    lockin.table_name.setText("probe")
    page.show_cost()
    renamed = tomllib.loads(page.preview.toPlainText())["interlock"]
    assert renamed == {n: {**t, "instrument": "probe"} for n, t in before["interlock"].items()}
    lockin.guards.entry.setText("aux1 > 2 V")
    page.fields.board.clear()
    page.show_cost()
    made = tomllib.loads(page.preview.toPlainText())
    assert list(made["interlock"].values()) == [
        {"instrument": "probe", "input": "aux1", "above_V": 2}
    ]
    assert list(made["board"]) == ["two"]


def test_the_home_of_somebody_who_is_nobody_is_no_place_and_says_so(page: Any, qtbot: Any) -> None:
    page.here_button.click()
    page.fields.file.setText("~nobody-of-that-name/rig.toml")
    page.show_cost()
    qtbot.waitUntil(lambda: "there is no folder" in page.form.primary.cost, timeout=WAIT_MS)


def test_a_resource_is_read_whole_in_the_smallest_window(page: Any, qtbot: Any) -> None:
    page.add_button.click()
    card = page.cards[-1]
    card.resource.setText("TCPIP0::192.168.0.5::5025::SOCKET")
    needed = card.resource.fontMetrics().horizontalAdvance(card.resource.text())
    page.shell.resize(LEAST)
    place = card.resource.geometry
    qtbot.waitUntil(lambda: 0 < place().bottom() < card.driver.y(), timeout=5_000)
    assert needed + 8 < place().width() < 520
    page.shell.resize(1366, 768)
    qtbot.waitUntil(lambda: card.driver.x() > place().right(), timeout=5_000)
    assert place().width() > needed + 8

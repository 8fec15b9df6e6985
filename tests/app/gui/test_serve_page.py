"""The page that serves a virtual rig: reached on TCP, its bench file, its end; what is refused."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from PyQt6.QtWidgets import QApplication

from app.gui.serve_asks import HIGHEST_PORT, ServeAsk
from instruments.bench_file import read_bench
from instruments.checks import check_bench

if TYPE_CHECKING:
    from pathlib import Path

WAIT_MS = 60_000
SOON_MS = 10_000  # a child that has to be killed takes longer


@pytest.fixture
def page(make_window):
    return make_window(connected=False, page="serve").page()


def served(page, qtbot) -> Path:
    page.show_cost()
    assert page.form.primary.isEnabled(), page.form.primary.cost
    page.form.primary.click()
    qtbot.waitUntil(lambda: page.rig.ready or bool(page.rig.problem), timeout=WAIT_MS)
    assert not page.rig.problem
    return page.rig.asked.bench


def test_a_rig_is_served_reached_by_its_bench_file_and_stopped(page, qtbot) -> None:
    page.set_form_values({"readout": "keithley-2182a", "others": ["sr830"]})
    bench = served(page, qtbot)
    rows = {row.name: row.word for row in page.table.rows}
    assert rows["kepco-bop"] == rows["keithley-2182a"] == "at the device"
    assert rows["sr830"] == "beside it"
    assert "this computer only" in page.subheading.text()
    assert str(bench) in page.subheading.text()
    checks = check_bench(read_bench(bench))
    assert all(one.ok for one in checks), checks
    assert not page.rows.device.isEnabled()
    page.copy_resources_button.click()
    lines = QApplication.clipboard().text().splitlines()
    assert [line.split()[0] for line in lines] == [row.name for row in page.table.rows]
    assert all("TCPIP0::127.0.0.1::" in line for line in lines)
    page.form.primary.click()
    qtbot.waitUntil(lambda: not page.rig.running, timeout=SOON_MS)
    assert not page.rig.problem
    assert page.table.isHidden()
    assert not any(one.ok for one in check_bench(read_bench(bench)))
    qtbot.waitUntil(lambda: page.rows.ask().bench != bench, timeout=SOON_MS)  # looked up beside
    assert not page.rows.ask().bench.exists()
    assert page.form.primary.text() == "Serve a rig"


def test_it_outlives_the_window_that_opens_its_bench(page, qtbot) -> None:
    window, bench = page.shell, served(page, qtbot)
    window.bench_file = str(bench.absolute())
    window.session.bench = object()  # a window that works on this rig
    page.form.primary.click()
    assert page.rig.running
    assert not page.rig.stopping
    window.session.bench = None
    page.open_button.click()
    qtbot.waitUntil(lambda: window._closed, timeout=WAIT_MS)
    assert window.next_bench == bench.absolute()
    assert page.rig.running
    page.rig.close()


def test_a_port_that_is_taken_is_said(page, qtbot) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        number = other.getsockname()[1]
        page.rows.port.setValue(number)
        page.form.primary.click()
        qtbot.waitUntil(lambda: bool(page.rig.problem), timeout=WAIT_MS)
    assert f"port {number}" in page.subheading.text()
    assert any(f"port {number}" in line for line in page.shell.log)
    assert not page.open_button.isVisible()
    assert page.form.primary.isEnabled()


def test_what_can_not_be_served_says_why(page, qtbot, tmp_path) -> None:
    there = tmp_path / "there.toml"
    there.write_text("mine")
    assert ".toml" in ServeAsk(bench=tmp_path / "rig.txt").problem()
    free = tmp_path / "free.toml"
    assert str(HIGHEST_PORT) in ServeAsk(port=HIGHEST_PORT, bench=free).problem()
    assert ServeAsk(port=HIGHEST_PORT - 2, bench=free).problem() == ""
    page.rows.bench.setText(str(there))
    page.show_cost()
    qtbot.waitUntil(lambda: "there.toml: exists" in page.form.primary.cost, timeout=WAIT_MS)
    assert not page.form.primary.isEnabled()
    page.press()
    assert not page.rig.running
    assert there.read_text() == "mine"

"""What forbids current, in the pill of the strip: idle, and while a run is held by it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from exits_rig import exit_rig

from app.gui.window import Window
from app.library.library import Library
from app.session import Session
from instruments.bench_file import parse_bench

WAIT_MS = 60_000
WATER = """
[interlock.water]
instrument = "lockin"
input = "aux1"
above_V = 2.0
when_out = "hold"
"""


@pytest.fixture
def water():
    """A served rig, 20 times as fast as the clock; `flow` sets the volts of its flow switch."""
    with exit_rig(accelerate=20.0) as rig:
        rig.flow = lambda volts: rig.rig.instruments["sr830"].aux_in_V.__setitem__(0, volts)
        rig.flow(5.0)
        yield rig


@pytest.fixture
def window(water, qtbot, theme, tmp_path):
    spec = parse_bench(water.text + WATER, "water bench")
    window = Window(Session(spec, Library(tmp_path / "library")), theme)
    window.show()
    window.link.connect_bench()
    qtbot.waitUntil(lambda: window.top.cells["field"].value is not None, timeout=WAIT_MS)
    yield window
    window.shut_down()
    qtbot.waitUntil(lambda: window._closed, timeout=WAIT_MS)
    window.link.wait(10)
    window.deleteLater()


def pill_is(window, level, words):
    state = window.top.pill.state
    return (state.level, state.words) == (level, words)


def test_idle_it_says_what_forbids_current_and_that_it_is_well_again(window, water, qtbot) -> None:
    assert pill_is(window, "ok", "Within limits")
    water.flow(0.1)
    reads = "interlock water (lockin, aux1) reads 0.1 V"  # after it was seen on its way, perhaps
    qtbot.waitUntil(lambda: reads in window.top.pill.state.reason, timeout=WAIT_MS)
    assert pill_is(window, "attention", "No current allowed")
    assert window.top.cells["field"].value is not None  # the values stay
    primary = window.pages["record"].form.primary  # it said "within limits" beside that pill
    qtbot.waitUntil(lambda: primary.cost == "no current is allowed now", timeout=WAIT_MS)
    assert not primary.isEnabled()
    water.flow(5.0)
    qtbot.waitUntil(lambda: pill_is(window, "ok", "Within limits"), timeout=WAIT_MS)
    qtbot.waitUntil(primary.isEnabled, timeout=WAIT_MS)
    assert primary.cost.endswith("within limits")


def test_a_run_that_is_held_shows_why_and_goes_on(window, water, qtbot, press_record) -> None:
    press_record(window, until_over=False, count=4, steps=20, repeats=20)
    water.flow(0.1)
    qtbot.waitUntil(lambda: pill_is(window, "attention", "Held"), timeout=WAIT_MS)
    assert "interlock water" in window.top.pill.state.reason
    assert "held at zero field" in window.status.text
    assert window.top.cells["current"].value == 0.0
    done = window.pages["record"].live.done
    water.flow(5.0)
    qtbot.waitUntil(lambda: window.pages["record"].live.done > done, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: pill_is(window, "ok", "Within limits"), timeout=WAIT_MS)
    window.stop()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)


def test_another_magnet_that_is_energised_is_never_within_limits(window, qtbot) -> None:
    look = window.session.bench.monitor()
    window.top.show_reading(replace(look, others=("y: 5 A, output on",)))
    assert pill_is(window, "attention", "Another magnet is on")
    assert window.top.pill.state.reason == "y: 5 A, output on"

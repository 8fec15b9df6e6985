"""The strip's tracks span what the magnet may be asked for, on either side of zero."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from two_coils import TWO_COILS

from app.gui.live_monitor import LiveMonitor, traces_of
from app.gui.top import TopStrip
from instruments.bench import Bench
from instruments.bench_file import parse_bench, read_bench

if TYPE_CHECKING:
    from app.gui.theme import Theme

TURNED = ("tesla_per_ampere = 4.0e-4", "tesla_per_ampere = -4.0e-4")
BACK = ("low_T = 0.0022", "low_T = -0.0022")


@pytest.mark.parametrize(
    ("changes", "field_mT", "current_A"),
    [
        ([], (0.0, 4.4), (0.0, 11.0)),
        ([TURNED], (0.0, 4.4), (-11.0, 0.0)),
        ([BACK], (-4.4, 4.4), (-11.0, 11.0)),
        ([TURNED, BACK], (-4.4, 4.4), (-11.0, 11.0)),
    ],
)
def test_a_track_shows_every_field_that_the_bench_makes(
    theme: Theme, qtbot: Any, changes: list[tuple[str, str]], field_mT: Any, current_A: Any
) -> None:
    text = read_bench("virtual").text
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    strip = TopStrip(theme)
    qtbot.addWidget(strip)
    with Bench.connect(parse_bench(text, "b.toml")) as bench:
        strip._session = SimpleNamespace(bench=bench, spec=bench.spec)
        strip.bench_connected()
    field, current = strip.cells["field"], strip.cells["current"]
    assert (1e3 * field.low, 1e3 * field.high) == pytest.approx(field_mT)
    assert (current.low, current.high) == pytest.approx(current_A)


def test_the_current_of_a_small_supply_is_read_in_its_unit(theme: Theme, qtbot: Any) -> None:
    text = read_bench("virtual").text
    for old, new in (("= 11.0", "= 0.011"), ("= 4.0e-4", "= 4.0e-1")):
        assert old in text
        text = text.replace(old, new, 1)
    strip = TopStrip(theme)
    qtbot.addWidget(strip)
    with Bench.connect(parse_bench(text, "b.toml")) as bench:
        strip._session = SimpleNamespace(bench=bench, spec=bench.spec)
        strip.bench_connected()
        supply = traces_of(bench)[2]
    cell = strip.cells["current"]
    cell.show_value(4.2e-4)
    assert (cell.text, cell.unit) == ("0.420", "mA")
    assert (supply.factor, supply.shown_unit) == (1e3, "mA")


def test_a_run_with_a_turned_field_is_seen_though_no_cell_has_its_components(
    make_window: Any, press_record: Any
) -> None:
    window = make_window(parse_bench(TWO_COILS, "b.toml"))
    cells, shown, step = window.top.cells, list[str](), window.top.show_step

    def show_step(*read: Any) -> None:
        step(*read)
        shown.append(cells["channel.X"].text)

    window.top.show_step = show_step
    press_record(window, count=1, steps=4, repeats=2)
    assert window.pages["record"].live.done == 2
    assert "—" in shown


def test_a_field_of_two_magnets_is_that_of_both_also_between_runs(theme: Theme, qtbot: Any) -> None:
    strip = TopStrip(theme)
    qtbot.addWidget(strip)
    with Bench.connect(parse_bench(TWO_COILS, "b.toml")) as bench:
        strip._session = SimpleNamespace(bench=bench, spec=bench.spec)
        now = replace(bench.monitor(), field_T=3e-4, output_on=True, others_A=(2.0,))
        strip.show_reading(now)
        live = LiveMonitor(bench)
        live.reading(now, 1.0)
    assert strip.cells["field"].text == "0.500"  # 0.3 mT of x, −0.4 mT of y
    assert live.values[0] == pytest.approx(5e-4)

"""An alarm in words and on its track, in the unit that shows its value and its bound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from app.alarms import Alarm, Raised
from app.gui.live_monitor import Trace
from app.gui.pages.monitor_rows import AlarmRow, band_words, said_of
from app.gui.widgets.chart import Chart, line_of
from app.gui.widgets.strip_charts import bound_text

if TYPE_CHECKING:
    from app.gui.theme import Theme

X = Trace("X", "V", "mean")
FIELD = Trace("Field", "T", "field", 1e3, "mT")


@pytest.mark.parametrize(
    ("one", "trace", "words"),
    [
        (
            Raised(Alarm("X", high=2e-5), "above", 3.4e-5),
            X,
            "Alarm: X 34.00 µV, above 20.00 µV",
        ),
        (Raised(Alarm("X", high=2e-5), "", -1.4e-5), X, "Alarm over: X −14.00 µV"),
        (Raised(Alarm("X", low=0.0), "below", -2e-6), X, "Alarm: X −2.000 µV, below 0.000 µV"),
        (
            Raised(Alarm("Field", high=4.4e-3), "above", 4.5e-3),
            FIELD,
            "Alarm: Field 4.500 mT, above 4.400 mT",
        ),
    ],
)
def test_an_alarm_is_said_in_the_unit_that_shows_it(one: Raised, trace: Trace, words: str) -> None:
    assert said_of(one, trace) == words


def test_a_bound_far_off_a_chart_s_scale_is_said_in_few_digits() -> None:
    """An alarm above 1 MV beside values of some µV read `! above 1000000000000 µV`."""
    chart, none = Chart(0, "X", "V", "mean"), np.empty(0)
    line = line_of(chart, none, np.array([2e-6, 3e-6]), None, {})
    assert bound_text(chart, line, 2.5e-6) == "2.500 µV"
    assert bound_text(chart, line, 0.5) == "500.0 mV"
    assert bound_text(chart, line, 1e6) == "1e6 V"
    fixed = Chart(0, "Field", "T", "field", 1e3, "mT")
    line = line_of(fixed, none, np.array([2e-3, 3e-3]), None, {})
    assert bound_text(fixed, line, 1e9) == "1e12 mT"
    assert band_words(Alarm("Field", high=-1e9), FIELD) == "below −1e12 mT"


@pytest.mark.parametrize("bound", [1e-3, -1e-3])
def test_where_a_value_is_shows_between_zero_and_a_lone_bound(
    theme: Theme, qtbot: Any, bound: float
) -> None:
    row = AlarmRow(theme, Alarm("X", low=bound), X)
    qtbot.addWidget(row)
    row.resize(240, 34)
    low, high = row._track()
    places = [row._at(share * bound, low, high) for share in (0.0, 0.5, 1.0)]
    assert len({round(place) for place in places}) == 3

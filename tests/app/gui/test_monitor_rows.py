"""An alarm in words and on its track, in the unit that shows its value and its bound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from app.alarms import Alarm, Raised
from app.gui.live_monitor import Trace
from app.gui.pages.monitor_rows import AlarmRow, said_of

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

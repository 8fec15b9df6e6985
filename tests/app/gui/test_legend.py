"""Legends, where there is room and where there is little."""

from __future__ import annotations

import pytest

from app.gui.widgets.legend import MARK_PX, Key, Legend

KEYS = (
    Key("line", "measured", "device"),
    Key("dash", "twin", "twin"),
    Key("band", "measured", "half-split"),
)


@pytest.fixture
def legend(theme, qtbot) -> Legend:
    made = Legend(theme)
    qtbot.addWidget(made)
    made.show_keys(KEYS)
    return made


def said(legend: Legend) -> list[str]:
    return [text for _, _, text in legend.placed()]


def test_a_legend_with_room_says_every_key(legend) -> None:
    legend.resize(legend.sizeHint())
    assert said(legend) == ["device", "twin", "half-split"]


def test_with_little_room_words_are_whole_or_none_and_every_mark_is_there(legend) -> None:
    """Words cut to a letter each told nothing."""
    legend.resize(legend.sizeHint().width() - 20, 28)
    assert said(legend) == ["device", "twin", ""]
    legend.resize(108, 28)
    assert said(legend) == ["", "twin", ""]
    assert legend.placed()[-1][1] + MARK_PX <= legend.width()
    legend.resize(legend.minimumSizeHint())  # a title is never cut for a word
    assert said(legend) == ["", "", ""]
    assert legend.placed()[-1][1] + MARK_PX <= legend.width()
    assert legend.toolTip() == "device, twin, half-split"

"""A table of figures in a narrow place."""

from __future__ import annotations

from app.gui.widgets.columns import ColumnRow, ColumnTable

FORESEEN = [
    ColumnRow("This network", ("0.052", "—", "")),
    ColumnRow("ESN-48", ("0.00018", "", "beats it")),
]
MEASURED = [ColumnRow("This network", ("0.052", "0.055", "× 1.06")), FORESEEN[1]]


def test_a_column_that_is_empty_so_far_leaves_its_room_to_the_names(theme, qtbot) -> None:
    """In the smallest window baselines were called `E…` and `A…`."""
    table = ColumnTable(theme, ("twin", "device", "ratio"), shares=(0.37, 0.0))
    qtbot.addWidget(table)
    table.show_rows(FORESEEN)
    assert table.columns(180) == [0, 2]
    assert table.columns(400) == [0, 1, 2]
    table.show_rows(MEASURED)
    assert table.columns(180) == [0, 1, 2]
    table.show_rows([])
    assert table.columns(180) == [0, 1, 2]


def test_where_all_tell_something_the_one_that_can_be_spared_is_in_the_tips_alone(
    theme, qtbot
) -> None:
    """With a result baselines were called `E…` and `…` again."""
    table = ColumnTable(theme, ("twin", "device", "ratio"), shares=(0.37, 0.0), spared="ratio")
    qtbot.addWidget(table)
    table.show_rows(MEASURED)
    assert table.columns(180) == [0, 1]
    assert table.columns(280) == [0, 1, 2]
    assert "beats it" in table.tips[1]
    table.show_rows(FORESEEN)
    assert table.columns(180) == [0, 2]

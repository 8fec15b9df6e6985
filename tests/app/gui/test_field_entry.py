"""The entry of a field, written with its SI prefix and read with any; that of another number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PyQt6.QtCore import QLocale, Qt

from app.gui.widgets.field_entry import FieldEntry
from app.gui.widgets.number_entry import NumberEntry, WholeEntry

if TYPE_CHECKING:
    from PyQt6.QtWidgets import QAbstractSpinBox


@pytest.fixture
def entry(qtbot, theme) -> FieldEntry:
    made = FieldEntry(0.0022, "Field")
    qtbot.addWidget(made)
    made.show()
    return made


def typed(qtbot, entry: QAbstractSpinBox, text: str) -> None:
    entry.selectAll()
    if text.isascii():
        qtbot.keyClicks(entry, text)
    else:
        entry.lineEdit().insert(text)  # no key has a minus sign: it was pasted
    qtbot.keyClick(entry, Qt.Key.Key_Return)


@pytest.mark.parametrize(
    ("value_T", "text"),
    [
        (0.0022, "2.2 mT"), (0.0, "0 µT"), (-0.5, "-500 mT"), (1.25, "1.25 T"), (-3e-5, "-30 µT"),
        (4.5e-8, "45 nT"), (0.00123456789, "1.2346 mT"), (1e-3, "1 mT"),
    ],
)  # fmt: skip
def test_a_field_is_shown_with_its_prefix_and_kept_whole(entry, value_T: float, text: str) -> None:
    entry.setValue(value_T)
    assert entry.text() == text
    assert entry.value() == value_T


@pytest.mark.parametrize(
    ("text", "value_T"),
    [
        ("3.4 mT", 0.0034), ("3,4mT", 0.0034), ("-0.1 T", -0.1),
        ("−0.130 mT", -0.00013), ("25 uT", 2.5e-5),
        ("2e-3 T", 2e-3), ("5", 0.005), (" 7 ", 0.007),
    ],
)  # fmt: skip
def test_what_is_typed_is_read_in_its_unit_or_in_the_one_shown(
    qtbot, entry, text: str, value_T: float
) -> None:
    told: list[float] = []
    entry.changed.connect(told.append)
    typed(qtbot, entry, text)
    assert entry.value() == pytest.approx(value_T, rel=1e-12)
    assert told == [entry.value()]


TYPED_WRONGLY = ["abc", "3 mV", "", "1 2 mT", "nan T", "1e400", "1e99999999999999999999", "2 kT"]


@pytest.mark.parametrize("text", TYPED_WRONGLY)
def test_what_is_no_field_is_edged_in_red_and_put_back(qtbot, entry, text: str) -> None:
    entry.selectAll()
    qtbot.keyClick(entry, Qt.Key.Key_Delete)
    qtbot.keyClicks(entry, text)
    assert entry.property("level") == "fault"
    qtbot.keyClick(entry, Qt.Key.Key_Return)
    assert entry.text() == "2.2 mT"
    assert entry.property("level") == ""
    assert entry.value() == 0.0022


def test_arrow_keys_step_by_a_tenth_of_a_millitesla(qtbot, entry) -> None:
    for _ in range(3):
        qtbot.keyClick(entry, Qt.Key.Key_Up)
    assert entry.value() == 0.0025
    qtbot.keyClick(entry, Qt.Key.Key_Down)
    assert entry.text() == "2.4 mT"
    entry.selectAll()
    qtbot.keyClicks(entry, "5")
    qtbot.keyClick(entry, Qt.Key.Key_Up)
    assert entry.text() == "5.1 mT"  # from what was typed


@pytest.mark.parametrize("language", ["en_US", "de_DE"])
@pytest.mark.parametrize(
    ("text", "value"),
    [("1.5", 1.5), ("1,5", 1.5), ("1,5 h", 1.5), ("12", 12.0), ("0,001", 2.0), ("abc", 2.0)],
)
def test_a_comma_and_a_point_are_one_in_every_language(
    qtbot, theme, language: str, text: str, value: float
) -> None:
    before = QLocale()
    QLocale.setDefault(QLocale(language))
    try:
        entry = NumberEntry(2.0, 0.01, 100.0, "h", "Hours")
        qtbot.addWidget(entry)
        typed(qtbot, entry, text)
    finally:
        QLocale.setDefault(before)
    assert entry.value() == value
    assert entry.text() == f"{value:g} h"


@pytest.mark.parametrize(("value", "text"), [(0.015, "0.015 K"), (1234.5678, "1234.5678 K")])
def test_a_number_comes_back_from_the_settings_as_it_was_typed(
    qtbot, theme, value: float, text: str
) -> None:
    entry = NumberEntry(0.0, 0.0, 2000.0, "K", "Temperature")
    qtbot.addWidget(entry)
    entry.setValue(value)
    assert entry.text() == text
    typed(qtbot, entry, text)
    assert entry.value() == value


def test_a_number_that_is_copied_from_the_window_is_one(qtbot, theme) -> None:
    entry = NumberEntry(0.0, -10.0, 10.0, "A", "Current")
    qtbot.addWidget(entry)
    typed(qtbot, entry, "−1.25 A")
    assert entry.value() == -1.25


NOT_WHOLE = ["2.5", "2,5", "-3", "1e3", "1.000", "1,000", "3 4", "0", "100001", "", "8 mT"]


@pytest.mark.parametrize("text", NOT_WHOLE)
def test_what_is_no_whole_number_of_the_range_is_edged_in_red_and_put_back(
    qtbot, theme, text: str
) -> None:
    entry = WholeEntry(8, 1, 100_000, "repeats")
    qtbot.addWidget(entry)
    entry.show()
    entry.selectAll()
    qtbot.keyClick(entry, Qt.Key.Key_Delete)
    qtbot.keyClicks(entry, text)
    assert entry.property("level") == "fault"
    qtbot.keyClick(entry, Qt.Key.Key_Return)
    assert (entry.text(), entry.value(), entry.property("level")) == ("8 repeats", 8, "")


def test_a_whole_number_is_read_behind_its_own_word(qtbot, theme) -> None:
    entry = WholeEntry(3, 1, 24)
    entry.setPrefix("repeat ")
    qtbot.addWidget(entry)
    for text in ("12", "repeat 12"):
        typed(qtbot, entry, text)
        assert (entry.text(), entry.value(), entry.property("level") or "") == ("repeat 12", 12, "")
    typed(qtbot, entry, "25")
    assert (entry.text(), entry.value(), entry.property("level") or "") == ("repeat 12", 12, "")


def test_what_is_put_back_is_what_was_finished_set_or_stepped_to_last(qtbot, theme) -> None:
    entry = NumberEntry(2.0, 0.0, 100.0, "h", "Hours")
    qtbot.addWidget(entry)
    for change, value in (
        (lambda: typed(qtbot, entry, "7"), 7.0),
        (lambda: entry.setValue(9.0), 9.0),
        (lambda: qtbot.keyClick(entry, Qt.Key.Key_Up), 10.0),
        (lambda: entry.setRange(0.0, 5.0), 5.0),
    ):
        change()
        typed(qtbot, entry, "150")
        assert (entry.value(), entry.text()) == (value, f"{value:g} h")


@pytest.mark.parametrize(
    ("text", "value", "shown"),
    [(" 12 ", 12, "12 steps"), ("12 steps", 12, "12 steps"), ("none", 0, "none"), ("0", 0, "none")],
)
def test_a_whole_number_is_read_with_its_unit_or_without(
    qtbot, theme, text: str, value: int, shown: str
) -> None:
    entry = WholeEntry(3, 0, 100, "steps")
    entry.setSpecialValueText("none")
    qtbot.addWidget(entry)
    typed(qtbot, entry, text)
    assert (entry.value(), entry.text()) == (value, shown)


def test_a_whole_number_of_a_settings_file_beyond_every_count_stays_in_range(qapp) -> None:
    entry = WholeEntry(3, 1, 100)
    entry.setValue(10**20)
    assert entry.value() == 100
    entry.setValue(-(10**20))
    assert entry.value() == 1
    entry.deleteLater()

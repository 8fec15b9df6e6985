"""A bench file changed line by line: remarks stay, what can't be changed so is refused."""

from __future__ import annotations

import tomllib

import pytest

from instruments.bench_edit import edited, problems_of, table_text, tables_of, values_of
from instruments.bench_file import read_bench
from models.errors import InputError

TEXT = read_bench("virtual").text


def test_a_value_is_changed_and_the_remarks_stay() -> None:
    made = edited(TEXT, {("magnet.x", "max_current_A"): 10.5, ("drive", "hold_s"): 0.001})
    assert problems_of(made) == []
    assert values_of(made, "magnet.x")["max_current_A"] == 10.5
    assert "# the read-out itself is the gate: one rotation" in made
    assert len(made.splitlines()) == len(TEXT.splitlines())
    changed = [b for a, b in zip(TEXT.splitlines(), made.splitlines(), strict=True) if a != b]
    assert len(changed) == 2


def test_a_key_is_added_to_its_table_and_taken_away() -> None:
    made = edited(TEXT, {("magnet.x", "compliance_V"): 20.0})
    assert values_of(made, "magnet.x")["compliance_V"] == 20.0
    assert "compliance_V = 20.0" in table_text(made, "magnet.x")
    assert edited(made, {("magnet.x", "compliance_V"): None}) == TEXT


def test_lists_and_words_are_written_as_toml() -> None:
    made = edited(TEXT, {("readout.lockin", "channels"): ["X", "Y", "R"]})
    assert tomllib.loads(made)["readout"]["lockin"]["channels"] == ["X", "Y", "R"]


def test_no_number_is_refused_as_such() -> None:
    """It equals nothing, so that the line it stands on was said not to be its own."""
    with pytest.raises(InputError, match="max_current_A = nan must be a number"):
        edited(TEXT, {("magnet.x", "max_current_A"): float("nan")})


def test_tables_are_named_in_order() -> None:
    assert tables_of(TEXT) == ["virtual", "magnet.x", "readout.lockin", "drive", "reset"]
    assert table_text(TEXT, "reset").splitlines()[0].startswith("[reset]")
    assert "# before every" not in table_text(TEXT, "drive")


def test_what_is_wrong_is_told_as_the_reader_tells_it() -> None:
    assert any(
        "max_current_A" in p
        for p in problems_of(edited(TEXT, {("magnet.x", "max_current_A"): -1.0}))
    )
    assert any(
        "beyond max_current_A" in p for p in problems_of(edited(TEXT, {("reset", "field_T"): 1.0}))
    )


@pytest.mark.parametrize(
    "text",
    [
        "magnet.x.max_current_A = 3.0\n[drive]\nlow_T = 1.0\n",
        '[magnet.x]\nchannels = [\n "a",\n]\n',
    ],
)
def test_what_has_no_line_of_its_own_is_refused(text: str) -> None:
    key = "channels" if "channels" in text else "max_current_A"
    with pytest.raises(InputError, match="by hand"):
        edited(text, {("magnet.x", key): 4.0})


def test_a_name_with_a_dot_in_it_is_refused_in_words() -> None:
    text = TEXT.replace("[magnet.x]", '[magnet."x.1"]')
    with pytest.raises(InputError, match=r"\[magnet\.x\.1\] can't be told"):
        edited(text, {("magnet.x.1", "max_current_A"): 4.0})

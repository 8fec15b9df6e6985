"""A bench file as a draft: written again it is the same bench."""

from __future__ import annotations

from dataclasses import replace

import pytest

from instruments.bench_draft import text_of
from instruments.bench_file import parse_bench, read_bench
from instruments.draft_of_bench import draft_of, guard_text
from instruments.draft_settings import interlocks_of
from models.errors import InputError

WATER = '\n[interlock.lockin-aux1]\ninstrument = "lockin"\ninput = "aux1"\nabove_V = 2.0\n'


@pytest.mark.parametrize("name", ["virtual", "virtual-spin-vortex-ice"])
def test_a_bench_that_is_written_again_is_the_same(name: str) -> None:
    spec = read_bench(name)
    again = parse_bench(text_of(draft_of(spec.text)), spec.source)
    assert replace(again, text="") == replace(spec, text="")


def test_interlocks_are_said_as_they_are_typed() -> None:
    text = read_bench("virtual").text + WATER
    words = guard_text(draft_of(text), "lockin")
    assert words == "aux1 > 2 V"
    assert interlocks_of("lockin", words) == draft_of(text).interlocks
    assert guard_text(draft_of(text), "x") == ""


def test_both_bounds_of_an_interlock_are_kept_as_they_are_typed() -> None:
    text = read_bench("virtual").text + WATER + "below_V = 4.0\n"
    words = guard_text(draft_of(text), "lockin")
    assert words == "aux1 > 2 V, aux1 < 4 V"
    assert interlocks_of("lockin", words) == draft_of(text).interlocks


def test_a_bound_that_is_typed_twice_is_kept_twice() -> None:
    tables = interlocks_of("lockin", "aux1 > 2 V, aux1 > 3 V, aux1 < 4 V")
    assert [table.get("above_V") for table in tables.values()] == [2, 3]
    assert [table.get("below_V") for table in tables.values()] == [4, None]


def test_what_is_no_toml_is_refused() -> None:
    with pytest.raises(InputError, match="no TOML"):
        draft_of("[magnet")

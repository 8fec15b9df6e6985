"""Field sequences: families, the short form, the window, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from models.errors import InputError
from models.sequence import (
    FAMILIES,
    LONGEST_HOLD_STEPS,
    DriveWindow,
    FieldSequence,
    Reset,
    make_sequences,
    same_sequences,
)
from models.short_form import parse_short_form, short_form


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_stays_in_range_and_repeats_by_seed(family: str) -> None:
    one, two = make_sequences(family, 20, 150, 3), make_sequences(family, 20, 150, 3)
    assert all(s.steps == 150 and s.family == family for s in one)
    assert all(s.drive.min() >= 0 and s.drive.max() <= 1 for s in one)
    assert all(np.array_equal(a.drive, b.drive) for a, b in zip(one, two, strict=True))
    other = make_sequences(family, 1, 150, 4)[0]
    assert not np.array_equal(one[0].drive, other.drive)
    assert len({s.drive.tobytes() for s in one}) == 20


def test_more_sequences_begin_with_the_same_ones() -> None:
    few, many = make_sequences("mixed", 3, 50, 1), make_sequences("mixed", 5, 50, 1)
    assert all(np.array_equal(a.drive, b.drive) for a, b in zip(few, many, strict=False))


def test_steps_hold_for_one_to_six_steps() -> None:
    drive = make_sequences("steps", 1, 3000, 0)[0].drive
    edges = np.flatnonzero(np.diff(drive) != 0)
    holds = np.diff(edges)
    assert set(holds.tolist()) == set(range(1, LONGEST_HOLD_STEPS + 1))


def test_smooth_is_smoother_than_steps() -> None:
    smooth, steps = (
        np.concatenate([np.diff(s.drive) for s in make_sequences(f, 20, 200, 0)])
        for f in ("smooth", "steps")
    )
    assert smooth.std() < 0.5 * steps.std()


def test_the_families_together_cover_the_whole_range() -> None:
    drive = np.concatenate([s.drive for s in make_sequences("mixed", 40, 100, 0)])
    share, _ = np.histogram(drive, bins=10, range=(0, 1))
    assert share.min() / share.sum() > 0.03


@pytest.mark.parametrize("text", ["mixed:4x10@7", "steps:1x1", "smooth:2x30@0", "sines:3x5@12"])
def test_the_short_form(text: str) -> None:
    found = parse_short_form(text)
    assert found is not None
    count, steps = text.split(":")[1].split("@")[0].split("x")
    assert [s.steps for s in found] == [int(steps)] * int(count)


@pytest.mark.parametrize(
    "text", ["file.json", "mixed", "mixed:4", "mixed:4x", "MIXED:4x4", "a:1x1@"]
)
def test_anything_else_is_not_the_short_form(text: str) -> None:
    assert parse_short_form(text) is None


@pytest.mark.parametrize("count", [1, 3, 4, 9])
def test_all_families_in_turn_are_the_first_ones_of_each(count: int) -> None:
    found = make_sequences("all", count, 25, seed=7, holds=3)
    assert [one.family for one in found] == [list(FAMILIES)[i % 4] for i in range(count)]
    for family in {one.family for one in found}:
        mine = [one for one in found if one.family == family]
        assert same_sequences(mine, make_sequences(family, len(mine), 25, seed=7, holds=3))
    assert same_sequences(found, make_sequences("all", count + 5, 25, seed=7, holds=3)[:count])


def test_an_unknown_family_gets_a_hint_and_all_faults_at_once() -> None:
    with pytest.raises(InputError, match=r"(?s)did you mean 'mixed'.*0 × 5 is empty"):
        parse_short_form("mixd:0x5")


@pytest.mark.parametrize(
    ("drive", "said"),
    [
        ([0.2, 1.2], "1.2 at step 1 is outside 0…1"),
        ([-0.1], "-0.1 at step 0"),
        ([0.1, np.nan], "not a number at step 1"),
        ([], "at least one step"),
        ([[0.1]], r"shape \(1, 1\)"),
    ],
)
def test_a_sequence_outside_its_range_is_refused(drive: list[float], said: str) -> None:
    with pytest.raises(InputError, match=said):
        FieldSequence(np.array(drive))


def test_the_window_maps_drive_to_field() -> None:
    window = DriveWindow("amplitude", 0.0022, 0.0034)
    assert window.field_T(np.array([0.0, 0.5, 1.0])).tolist() == pytest.approx(
        [0.0022, 0.0028, 0.0034]
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("amplitud", 0.0, 1.0, 0.0), "did you mean 'amplitude'"),
        (("step", 1.0, 1.0, 0.0), "must be a number below"),
        (("step", float("nan"), 1.0, 0.0), "must be a number below"),
        (("step", 0.0, 1.0, -1.0), "must be zero or more"),
        (("step", 0.0, 1.0, float("inf")), "must be zero or more"),
    ],
)
def test_a_window_that_makes_no_sense_is_refused(
    words: tuple[str, float, float, float], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        DriveWindow(*words)


@pytest.mark.parametrize("words", [(float("nan"), 0.0), (0.004, -1.0), (0.004, float("inf"))])
def test_a_reset_that_makes_no_sense_is_refused(words: tuple[float, float]) -> None:
    with pytest.raises(InputError, match="reset"):
        Reset(*words)


def test_more_steps_than_any_rig_plays_are_refused_before_they_are_made() -> None:
    with pytest.raises(InputError, match=r"more than 100000000, a month of a rig"):
        parse_short_form("mixed:999999999x99999999")
    assert parse_short_form("mixed:" + "9" * 5000 + "x1") is None
    with pytest.raises(InputError, match="20000000 sequences are more than 1000000, which fit"):
        parse_short_form("mixed:20000000x1")


def test_too_many_repeats_are_refused_by_the_counts_of_the_short_form(monkeypatch) -> None:
    """`mixed:100000x900` was made for a minute before its repeats were looked at."""
    monkeypatch.setattr("models.short_form.make_sequences", None)  # none is made
    asked = short_form("mixed:100000x900")
    assert asked is not None
    assert 30 < asked.makes_s < 300
    asked.refuse_endless(1, "record")
    with pytest.raises(InputError, match=r"× 2 repeats are 180200000 steps, .*\(1 repeats of"):
        asked.refuse_endless(2, "record")
    with pytest.raises(InputError, match="nothing to record"):
        asked.refuse_endless(0, "record")


@pytest.mark.parametrize(
    ("family", "beginning"),
    [
        ("steps", [0.75359, 0.75359, 0.03184, 0.03184, 0.03184, 0.12329]),
        ("mixed", [0.37487, 0.37706, 0.37879, 0.37991, 0.38023, 0.37965]),
    ],
)
def test_a_seed_gives_the_sequences_that_it_always_gave(family: str, beginning: list) -> None:
    assert make_sequences(family, 1, 150, 5)[0].drive[:6].round(5).tolist() == beginning

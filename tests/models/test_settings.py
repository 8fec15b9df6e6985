"""Whether two settings are the same: a measured one may wobble, one that is missing is another."""

from __future__ import annotations

from models.settings import differing, same


def test_a_measured_number_may_wobble_and_nothing_else():
    assert same(37.0, 37.004)
    assert not same(37.0, 37.4)
    assert not same(1, 1.1)
    assert same([0.1, 0.2], [0.1, 0.2])
    assert not same("on", "off")


def test_what_only_one_of_both_has_is_another():
    then = {"meter": {"nplc": 1.0}, "probe": {"unit": "T"}}
    now = {"meter": {"nplc": 1.0, "null_V": 0.002}}
    assert list(differing(then, now)) == [
        ("meter", "null_V", None, 0.002), ("probe", "unit", "T", None)
    ]  # fmt: skip

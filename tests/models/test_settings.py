"""Whether two settings are the same: a measured one may wobble, one that is missing is another."""

from __future__ import annotations

from dataclasses import replace

from models.network_parts import Device, distinct
from models.sequence import DriveWindow, Reset
from models.settings import as_told, differing, same, without_own_range


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


def test_a_setting_that_is_none_is_told_with_why_it_may_be():
    assert as_told(None) == "none (it was off, or an older version did not keep it)"
    assert as_told(0.0) == "0.0"


def test_the_range_that_an_instrument_has_chosen_itself_is_no_setting():
    chosen = {"autorange": "on", "range_V": 10.0, "nplc": 1.0}
    assert without_own_range(chosen) == {"autorange": "on", "nplc": 1.0}
    assert without_own_range({"auto_range": True, "range_A": 1.0}) == {"auto_range": True}
    fixed = {"autorange": "off", "range_V": 10.0}
    assert without_own_range(fixed) == fixed
    # an earlier recording kept it
    assert not list(differing({"dmm": chosen}, {"dmm": {**chosen, "range_V": 0.1}}))
    assert not list(differing({"dmm": chosen}, {"dmm": without_own_range(chosen)}))


def test_a_range_that_was_fixed_and_is_chosen_now_is_told_once():
    # "range_V was 0.1, now None" stood behind it
    fixed = {"autorange": "off", "range_V": 0.1}
    chosen = {"autorange": "on", "range_V": 10.0}
    assert list(differing({"dmm": fixed}, {"dmm": chosen})) == [("dmm", "autorange", "off", "on")]
    assert list(differing({"dmm": chosen}, {"dmm": fixed})) == [("dmm", "autorange", "on", "off")]


def test_the_unit_that_a_field_is_shown_in_is_asked_with_each_reading_and_no_other_setting():
    assert not list(differing({"gap": {"unit": "G"}}, {"gap": {"unit": "T"}}))
    assert list(differing({"delta": {"unit": "V"}}, {"delta": {"unit": "W"}}))
    assert list(differing({"gap": {"unit": "G"}}, {"gap": {}}))


def test_two_recordings_of_one_device_are_one_device_though_its_reference_wobbles():
    at = [
        Device(
            ("X",), ("V",), DriveWindow("step", 0.0, 1.0), Reset(1.0),
            {"lockin": {"frequency_Hz": frequency_Hz}},
        )
        for frequency_Hz in (37.0, 37.004, 64.0, 37.0)
    ]  # fmt: skip
    found, which = distinct(at)
    assert found == (at[0], at[2])
    assert which == (0, 0, 1, 0)
    assert distinct([at[0], replace(at[1], bench="another")])[1] == (0, 1)


def test_a_step_s_reading_that_older_recordings_did_not_keep_is_no_difference():
    older, newer = {"x": {"timing": "hardware"}}, {"x": {"timing": "hardware", "gate_s": 0.027}}
    assert not [*differing(older, newer), *differing(newer, older)]
    other = {"x": {"timing": "hardware", "gate_s": 0.04}}
    assert list(differing(newer, other)) == [("x", "gate_s", 0.027, 0.04)]

"""A bench file in the making: refused until it is whole, judged by the reader of bench files."""

from __future__ import annotations

import itertools
import tomllib

import pytest

from instruments.bench_draft import (
    FILL_IN,
    Draft,
    DraftInstrument,
    is_missing,
    named,
    text_of,
)
from instruments.bench_file import DRIVE_KEYS, parse_bench
from instruments.bench_keys import (
    EITHER,
    MUST,
    RESET_KEYS,
    drive_keys,
    driver_keys,
    guard_inputs,
    kind_of,
)
from instruments.draft_settings import interlocks_of, place, with_settings
from instruments.draft_values import toml, typed, value_of
from instruments.drivers import DRIVERS
from instruments.rotation_spec import ROTATION_KEYS
from instruments.sequenced import TIMING_KEYS
from models.errors import InputError
from models.sequence import ENCODINGS

EVERY_DRIVER = [driver for drivers in DRIVERS.values() for driver in drivers]
LIMITS = {"tesla_per_ampere": 4e-4, "max_current_A": 11.0, "max_ramp_A_per_s": 2000.0}
DRIVE = {"encoding": "amplitude", "low_T": 0.0022, "high_T": 0.0034}


def socket(port: int) -> str:
    return f"TCPIP0::192.168.0.5::{port}::SOCKET"


def draft(**limits: float) -> Draft:
    supply = DraftInstrument(socket(1), "kepco-bop", rated_A=12.0, rated_V=36.0, values=limits)
    readout = DraftInstrument(socket(2), "sr830")
    return Draft("a rig", named([supply, readout]), drive=DRIVE, reset={"field_T": 0.004})


def test_a_whole_draft_is_a_bench_file_with_the_values_that_were_given() -> None:
    whole = draft(**LIMITS)
    assert whole.problems() == []
    assert FILL_IN not in text_of(whole)
    spec = parse_bench(text_of(whole), "draft")
    assert spec.name == "a rig"
    assert spec.magnets["x"].limits.max_current_A == 11.0
    assert spec.readouts["lockin"].options["channels"] == ("X", "Y")
    assert spec.window.high_T == 0.0034


@pytest.mark.parametrize(
    "left_out", [k for n in (1, 2, 3) for k in itertools.combinations(LIMITS, n)]
)
def test_without_a_limit_the_file_is_refused_and_says_which(left_out: tuple[str, ...]) -> None:
    lacking = draft(**{key: value for key, value in LIMITS.items() if key not in left_out})
    assert lacking.problems() == [f"[magnet.x] {key} is missing" for key in left_out]
    assert all(map(is_missing, lacking.problems()))
    text = text_of(lacking)
    assert all(f"# {key} =" in text for key in left_out)
    with pytest.raises(InputError, match="is missing"):
        parse_bench(text, "draft")


def test_what_is_commented_is_right_once_it_is_filled_in() -> None:
    text = text_of(draft())
    for key, value in LIMITS.items():
        text = text.replace(f"# {key} = ", f"{key} = {value} ")
    assert parse_bench(text, "draft").magnets["x"].limits.max_ramp_A_per_s == 2000.0


@pytest.mark.parametrize("driver", EVERY_DRIVER)
def test_every_driver_gets_a_table_that_lacks_what_must_be_given_and_no_more(driver: str) -> None:
    one = named([DraftInstrument(socket(9), driver)])[0]
    others = [
        DraftInstrument(socket(1), "kepco-bop", "other", values=LIMITS),
        DraftInstrument(socket(2), "sr830", "another"),
    ]
    problems = Draft("", (one, *others), drive=DRIVE, reset={"field_T": 0.0}).problems()
    keys = driver_keys(driver)
    expected = [f"[{one.table}] {key.name} is missing" for key in keys if key.need == MUST]
    either = [key.name for key in keys if key.need == EITHER]
    expected += [f"[{one.table}] needs {' or '.join(either)}, or both"] if either else []
    assert sorted(problems) == sorted(expected)
    assert kind_of(driver) != "magnet" or len(expected) >= 3


def test_a_default_that_stands_as_a_comment_is_the_drivers_own() -> None:
    text = text_of(draft(**LIMITS))
    spoken = text.replace('# channels = ["X", "Y"]', 'channels = ["X", "Y"]')
    assert spoken != text
    before, after = parse_bench(text, "draft"), parse_bench(spoken, "draft")
    assert before.readouts == after.readouts


@pytest.mark.parametrize("driver", [d for d in EVERY_DRIVER if any(guard_inputs(d))])
def test_every_interlock_that_an_instrument_can_feed_is_named_and_can_be_given(driver: str) -> None:
    volts, bits = guard_inputs(driver)
    one = named([DraftInstrument(socket(9), driver, "it")])[0]
    guards = interlocks_of("it", ", ".join((*bits, *(f"{name} > 2 V" for name in volts))))
    assert len(guards) == len(volts) + len(bits)
    told = Draft("", (one,), interlocks=guards)
    assert [p for p in told.problems() if p.startswith("[interlock")] == []
    assert all(name in text_of(told) for name in (*volts, *bits))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_key_of_the_drive_and_the_reset_is_offered(encoding: str) -> None:
    offered = {key.name for key in drive_keys({"encoding": encoding}, 3)}
    known = {*DRIVE_KEYS, *(ROTATION_KEYS if encoding == "rotation" else TIMING_KEYS)}
    assert offered == known
    assert {key.name for key in RESET_KEYS} == {"field_T", "hold_s"}


def test_every_key_has_words() -> None:
    keys = [key for driver in EVERY_DRIVER for key in driver_keys(driver)]
    keys += [*RESET_KEYS, *drive_keys({}, 3), *drive_keys({"encoding": "rotation"}, 3)]
    assert [key.name for key in keys if not key.words] == []


def test_limits_beyond_the_supplys_own_and_a_drive_beyond_the_limits_are_wrong() -> None:
    problems = draft(**{**LIMITS, "max_current_A": 15.0}).problems()
    (problem,) = problems
    assert problem.startswith("[magnet.x] max_current_A = 15 A is beyond the 12 A of the supply")
    unfinished = draft(max_current_A=15.0).problems()
    assert problems[0] in unfinished
    far = with_settings(draft(**LIMITS), ["drive.high_T=0.02"])
    assert "high_T = 0.02 T" in far.problems()[0]
    assert "max_current_A = 11 A" in far.problems()[0]
    assert not any(map(is_missing, problems + far.problems()))


def test_what_an_instrument_answers_stays_a_comment() -> None:
    evil = 'X"\n[magnet.y]\nmax_current_A = 99\x07\x85'
    known = DraftInstrument(socket(1), "kepco-bop", "x", identity=evil, values=LIMITS)
    unknown = DraftInstrument("ASRL3::INSTR\n[z]", remark=evil)
    readout = DraftInstrument(socket(2), "sr830", "lockin")
    whole = Draft(evil, (known, readout, unknown), drive=DRIVE, reset={"field_T": 0.0})
    read = tomllib.loads(text_of(whole))
    assert list(read["magnet"]) == ["x"]
    assert read["name"] == evil


def test_names_are_made_where_there_is_none_and_stand_once() -> None:
    made = named(
        [
            DraftInstrument(socket(1), "kepco-bop"), DraftInstrument(socket(2), "kepco-bop"),
            DraftInstrument(socket(3), "kepco-bop", "z"), DraftInstrument(socket(4), "ami-430"),
            DraftInstrument(socket(5), "sr830"), DraftInstrument(socket(6), "sr860"),
            DraftInstrument(socket(7)),
        ]
    )  # fmt: skip
    assert [one.name for one in made] == ["x", "y", "z", "magnet2", "lockin", "lockin2", ""]
    twice = draft(**LIMITS)
    again = [DraftInstrument(socket(8), "sr830", "lockin")]
    both = Draft("", (*twice.instruments, *again), twice.drive, twice.reset)
    assert both.problems() == ["name 'lockin': two instruments have it"]


@pytest.mark.parametrize(
    ("text", "value"),
    [("11", 11), ("4e-4", 4e-4), (".5", 0.5), ("1.", 1.0), ("X", "X"), ("GRPZ", "GRPZ"),
     ('"\\r\\n"', "\r\n"), ("[1, 2]", [1, 2]), ("2020-01-01", "2020-01-01"), ("a = b", "a = b")],
)  # fmt: skip
def test_a_value_as_people_type_it(text: str, value: object) -> None:
    assert value_of(text) == value
    assert tomllib.loads(f"v = {toml(value)}")["v"] == value


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [("low_T", "2.2 mT", 0.0022), ("low_T", "-1 T", -1.0), ("low_T", "−2,5 mT", -0.0025),
     ("tesla_per_ampere", "0.4mT/A", 4e-4),
     ("max_ramp_A_per_s", "2 kA/s", 2000.0), ("interval_s", "500 µs", 5e-4), ("hold_s", "1", 1),
     ("start_Hz", "4 GHz", 4e9), ("low_T", "2.2 mA", "2.2 mA"), ("axis", "X", "X"),
     ("low_T", "T", "T"), ("max_K", "340 K", 340.0), ("low_T", "2,2 mT", 0.0022),
     ("hold_s", "1,5", 1.5), ("hold_s", "-,5", -0.5), ("hold_s", "1,5,2", "1,5,2")],
)  # fmt: skip
def test_a_value_may_carry_its_unit_and_no_other(key: str, text: str, value: object) -> None:
    assert typed(key, text) == value


def test_settings_reach_their_table_and_all_that_dont_are_told() -> None:
    done = with_settings(
        draft(**LIMITS),
        ["readout.channels=R", "magnet.x.compliance_V=20", "drive.hold_s=0.1",
         "interlock.water.instrument=lockin", "interlock.water.input=aux1",
         "interlock.water.above_V=2"],
    )  # fmt: skip
    spec = parse_bench(text_of(done), "draft")
    assert spec.readouts["lockin"].options["channels"] == ("R",)
    assert spec.magnets["x"].limits.compliance_V == 20.0
    assert spec.interlocks["water"].above_V == 2.0
    wrong = ["drive.low_T", "magnt.x.a=1", "readout.q.a=1", "teslameter.a=1", "low_T=1"]
    with pytest.raises(InputError) as told:
        with_settings(draft(), wrong)
    assert len(told.value.problems) == 5
    assert "expected TABLE.KEY=VALUE" in told.value.problems[-1]


def test_a_setting_that_could_mean_two_magnets_is_refused() -> None:
    two = Draft("", named([DraftInstrument(socket(p), "kepco-bop") for p in (1, 2)]))
    with pytest.raises(InputError, match=r"which magnet\? x, y"):
        with_settings(two, ["magnet.max_current_A=11"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [("GPIB0::8::INSTR", ("", "", "GPIB0::8::INSTR")),
     ("sr830@GPIB0::8::INSTR", ("", "sr830", "GPIB0::8::INSTR")),
     ("lock=sr830@GPIB0::8::INSTR", ("lock", "sr830", "GPIB0::8::INSTR"))],
)  # fmt: skip
def test_an_address_with_driver_and_name(text: str, expected: tuple[str, str, str]) -> None:
    one = place(text)
    assert (one.name, one.driver, one.resource) == expected


@pytest.mark.parametrize("text", ["sr83@GPIB0::8::INSTR", "a=GPIB0::8::INSTR", "sr830@", ""])
def test_an_address_that_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        place(text)

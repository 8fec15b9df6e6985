"""A bench file: read in full, or every problem in one message."""

from __future__ import annotations

import math
import os
import shlex
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instruments.bench_file import parse_bench, read_bench
from models.errors import InputError
from models.sequence import DriveWindow, Reset

GOOD = """
name = "rotating-field rig"
[magnet.x]
driver = "kepco-bop"
resource = "TCPIP0::127.0.0.1::5025::SOCKET"
tesla_per_ampere = 4.0e-4
max_current_A = 11.0
max_ramp_A_per_s = 2000.0
[readout.lockin]
driver = "sr830"
resource = "TCPIP0::127.0.0.1::5026::SOCKET"
channels = ["X", "Y"]
[drive]
encoding = "amplitude"
low_T = 0.0022
high_T = 0.0034
hold_s = 0.0
[reset]
field_T = 0.0040
hold_s = 0.0
"""


def test_the_bench_of_the_design_is_read():
    spec = parse_bench(GOOD, "bench file b.toml")
    assert spec.name == "rotating-field rig"
    magnet, readout = spec.magnets["x"], spec.readouts["lockin"]
    assert (magnet.driver, magnet.resource) == ("kepco-bop", "TCPIP0::127.0.0.1::5025::SOCKET")
    assert magnet.limits.max_current_A == 11.0
    assert magnet.options["compliance_V"] is None
    assert readout.options["channels"] == ("X", "Y")
    assert spec.window == DriveWindow("amplitude", 0.0022, 0.0034, 0.0)
    assert spec.reset == Reset(0.0040, 0.0)
    assert (spec.drive_magnet, spec.gate_s, spec.virtual) == ("x", 0.0, None)
    assert not spec.in_process
    assert spec.text == GOOD


def test_the_built_in_bench_is_the_virtual_nanoring_rig():
    spec = read_bench("virtual")
    assert spec.in_process
    assert spec.virtual.device == "nanoring"
    assert math.isinf(spec.virtual.accelerate)
    assert spec.virtual.models == ("kepco-bop", "sr830")
    assert spec.gate_s == pytest.approx(1 / 37, rel=1e-4)


def test_optional_keys():
    text = GOOD.replace(
        'driver = "sr830"', 'driver = "sr830"\ntimeout_s = 9\nterminator = "\\r\\n"'
    )
    text = text.replace("max_current_A = 11.0", "max_current_A = 11\ncompliance_V = 20")
    text = text.replace("[reset]", 'gate_s = 0.027\nmagnet = "x"\n[reset]')
    spec = parse_bench(text, "b")
    assert spec.readouts["lockin"].timeout_s == 9.0
    assert spec.readouts["lockin"].terminator == "\r\n"
    assert spec.magnets["x"].options["compliance_V"] == 20.0
    assert spec.gate_s == 0.027


def test_terminators_follow_the_interface():
    serial = GOOD.replace("TCPIP0::127.0.0.1::5026::SOCKET", "ASRL3::INSTR")
    assert parse_bench(serial, "b").readouts["lockin"].terminator == "\r"
    assert parse_bench(GOOD, "b").readouts["lockin"].terminator == "\n"


def test_a_served_rig_has_a_clock():
    text = GOOD + '[virtual]\nclock = "TCPIP0::127.0.0.1::5027::SOCKET"\naccelerate = 20\n'
    spec = parse_bench(text, "b")
    assert not spec.in_process
    assert spec.virtual.clock == "TCPIP0::127.0.0.1::5027::SOCKET"
    assert spec.virtual.accelerate == 20.0


def test_several_axes_and_read_outs():
    text = GOOD + GOOD[GOOD.index("[magnet") : GOOD.index("[drive]")].replace(
        "magnet.x", "magnet.y"
    ).replace("5025", "5035").replace("lockin", "second").replace("5026", "5036")
    spec = parse_bench(text, "b")
    assert list(spec.magnets) == ["x", "y"]
    assert list(spec.readouts) == ["lockin", "second"]
    assert spec.drive_magnet == "x"


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("max_current_A", "max_curent_A", "'max_curent_A'; did you mean 'max_current_A'"),
        ("max_current_A = 11.0\n", "", r"\[magnet.x\] max_current_A is missing"),
        ("[reset]", "[rest]", r"unknown key 'rest'; did you mean 'reset'"),
        ('"kepco-bop"', '"kepco-bob"', "driver 'kepco-bob' is unknown; did you mean 'kepco-bop'"),
        ('"kepco-bop"', '"sr830"', "another kind of instrument; available: kepco-bop"),
        ('"sr830"', '"keithley-6222"', "is unknown; did you mean 'keithley-6221'"),
        ('["X", "Y"]', '["X", "Z"]', "channel 'Z' is unknown; known: X, Y, R, theta"),
        ('["X", "Y"]', '["X", "Theta"]', "did you mean 'theta'"),
        ('["X", "Y"]', '["X", "X"]', "name one twice"),
        ('["X", "Y"]', "[]", "0 channels, expected 1 to 6"),
        ('["X", "Y"]', '"X"', "must be a list"),
        ("5026", "5025", "lockin: resource .* is x's already"),
        ("TCPIP0::127.0.0.1::5026::SOCKET", "127.0.0.1:5026", "no VISA resource name"),
        ("TCPIP0::127.0.0.1::5026::SOCKET", "TCPIP0::virtual-sr830::5025::SOCKET", "add .virtual."),
        ("11.0", '"eleven"', "max_current_A = 'eleven' must be a number"),
        ("11.0", "true", "must be a number"),
        ("11.0", "nan", "must be a number"),
        ("11.0", "-11.0", "max_current_A = -11.0 A must be a number above 0"),
        ("2000.0", "0.0", "max_ramp_A_per_s = 0.0 A/s"),
        ("4.0e-4", "0", "tesla_per_ampere"),
        ('"amplitude"', '"amplitud"', "did you mean 'amplitude'"),
        ("0.0022", "0.0044", "must be a number below high_T"),
        ("hold_s = 0.0\n[reset]", "hold_s = -1.0\n[reset]", "hold_s = -1.0 s must be zero or more"),
        ("hold_s = 0.0\n[reset]", "gate_s = -1\n[reset]", "gate_s = -1"),
        ("hold_s = 0.0\n[reset]", 'magnet = "y"\n[reset]', "magnet 'y' is not on the bench"),
        ("[reset]", "[virtual]\naccelerate = 10\n[reset]", "needs either device .* or clock"),
        ("[reset]", '[virtual]\ndevice = "nanorig"\n[reset]', "did you mean 'nanoring'"),
        ("[reset]", '[virtual]\ndevice = "nanoring"\n[reset]', "is outside this process"),
        ("[reset]", '[virtual]\nclock = "a"\nseed = -1\n[reset]', "seed = -1"),
        ("[reset]", "accelerate = 10\n[reset]", r"unknown key 'accelerate'"),
        ("max_current_A =", "compliance_V = 0\nmax_current_A =", "compliance_V = 0.0 V must be a"),
        ("channels =", "timeout_s = inf\nchannels =", "timeout_s must be finite"),
        ("channels =", "baud_rate = 0\nchannels =", "baud_rate = 0 must be above 0"),
        ("channels =", 'terminator = ""\nchannels =', "must be ASCII and not empty"),
        ("[drive]", "[drive", "no TOML"),
        ("name =", "magnet =", "no TOML|must be a table"),
    ],
)  # fmt: skip
def test_one_problem_one_sentence_with_its_place(old, new, match):
    assert old in GOOD
    with pytest.raises(InputError, match=match) as caught:
        parse_bench(GOOD.replace(old, new, 1), "bench file b.toml")
    assert str(caught.value).startswith("bench file b.toml:")
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("tcpip0::127.0.0.1::5025::socket", "TCPIP0::127.0.0.1::5025::SOCKET"),
        ("gpib0::6::instr", "GPIB0::6::INSTR"),
        ("GPIB0::06::INSTR", "GPIB0::6::INSTR"),
        ("GPIB10::20::INSTR", "GPIB10::20::INSTR"),
        ("asrl/dev/ttyUSB0", "ASRL/dev/ttyUSB0"),
        ("usb0::0x1AB1::0x0588::aBc::instr", "USB0::0x1AB1::0x0588::aBc::INSTR"),
        (" COM3", "ASRL3::INSTR"),
        ("ASRLCOM3::INSTR", "ASRL3::INSTR"),
    ],
)
def test_a_resource_is_understood_however_it_is_spelt(written, meant):
    text = GOOD.replace("TCPIP0::127.0.0.1::5025::SOCKET", written)
    assert parse_bench(text, "b").magnets["x"].resource == meant


@pytest.mark.parametrize(
    ("one", "other"), [("ASRL3::INSTR", "COM3"), ("GPIB0::6::INSTR", "GPIB0::06::INSTR")]
)
def test_one_port_by_two_names_is_one_instrument(one, other):
    text = GOOD.replace("TCPIP0::127.0.0.1::5025::SOCKET", one)
    text = text.replace("TCPIP0::127.0.0.1::5026::SOCKET", other)
    with pytest.raises(InputError, match="is x's already"):
        parse_bench(text, "b")


def test_two_instruments_behind_a_lan_gateway():
    text = GOOD.replace("127.0.0.1::5025::SOCKET", "10.0.0.5::gpib0,6::INSTR")
    text = text.replace("127.0.0.1::5026::SOCKET", "10.0.0.5::gpib0,8::INSTR")
    assert len(parse_bench(text, "b").instruments) == 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with a name here")
def test_a_pipe_in_place_of_a_bench_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.toml")
    with pytest.raises(InputError, match="a pipe or a device; give a TOML file"):
        read_bench(tmp_path / "pipe.toml")


def test_a_scale_that_is_no_number_to_count_with_is_refused():
    keys = 'driver = "danfysik-8500"\nset_counts_per_A = inf\nread_counts_per_A = 100.0'
    with pytest.raises(InputError, match="set_counts_per_A must be finite"):
        parse_bench(GOOD.replace('driver = "kepco-bop"', keys), "b")


def test_all_problems_at_once():
    text = GOOD.replace("max_current_A", "max_curent_A").replace('"sr830"', '"sr380"')
    text = text.replace("0.0040", '"high"') + "[shutter]\nopen = true\n"
    with pytest.raises(InputError) as caught:
        parse_bench(text, "bench file b.toml")
    message = str(caught.value)
    for part in (
        "5 problems",
        "max_curent_A",
        "max_current_A is missing",
        "sr380",
        "high",
        "shutter",
    ):
        assert part in message


@pytest.mark.parametrize("group", ["magnet.x", "readout.lockin"])
def test_a_bench_needs_both_kinds(group):
    begin = GOOD.index(f"[{group}]")
    end = GOOD.index("\n[", begin + 1)
    with pytest.raises(InputError, match=rf"no \[{group.split('.')[0]}.NAME\]"):
        parse_bench(GOOD[:begin] + GOOD[end:], "b")


def test_a_file_that_cannot_be_read(tmp_path):
    words = "a built-in rig: virtual, virtual-spin-vortex-ice, virtual-leaky-integrator$"
    with pytest.raises(InputError, match=rf"No such file.*{words}"):
        read_bench(tmp_path / "missing.toml")
    (tmp_path / "b.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"b.toml"):
        read_bench(tmp_path / "b.toml")


def test_a_file_of_a_windows_editor_is_read_with_its_mark_or_told_how_to_save_it(tmp_path):
    path = tmp_path / "rig.toml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert read_bench(path).text == GOOD
    path.write_text(GOOD.replace("name = ", "name = 'Gr\u00fcn' # "), "latin-1")
    with pytest.raises(InputError, match=r"byte \d+ is no UTF-8: save it as UTF-8 text"):
        read_bench(path)


def test_a_file_is_read_as_its_text(tmp_path):
    path = tmp_path / "b.toml"
    path.write_text(GOOD, encoding="utf-8")
    assert read_bench(path).magnets == parse_bench(GOOD, "x").magnets


LINES = GOOD.strip().splitlines()
VALUES = st.sampled_from(
    [
        "1",
        "-1",
        "0",
        "nan",
        "inf",
        "1e308",
        "true",
        '""',
        '"x"',
        "[]",
        "[1]",
        "{}",
        "{a=1}",
        "1979-05-27",
    ]
)


@settings(max_examples=300, deadline=None)
@given(
    drop=st.sets(st.integers(0, len(LINES) - 1), max_size=4),
    change=st.dictionaries(st.integers(0, len(LINES) - 1), VALUES, max_size=3),
)
def test_a_damaged_file_is_read_or_refused_and_never_crashes(drop, change):
    lines = [
        f"{line.split('=')[0]}= {change[i]}" if i in change and "=" in line else line
        for i, line in enumerate(LINES)
        if i not in drop
    ]
    text = "\n".join(lines)
    try:
        spec = parse_bench(text, "b")
    except InputError:
        return
    tomllib.loads(text)
    assert 0 < spec.magnets["x"].limits.max_current_A < math.inf
    assert 0 < spec.magnets["x"].limits.max_ramp_A_per_s < math.inf


GUARDS = """
[thermometer.coil]
driver = "lakeshore-336"
resource = "TCPIP0::127.0.0.1::7777::SOCKET"
input = "B"
min_K = 290
max_K = 330.0
[interlock.water]
instrument = "lockin"
input = "aux1"
above_V = 2.0
[interlock.door]
instrument = "lockin"
input = "aux2"
below_V = 0.8
"""
DUTY = ("[readout", "max_duty_A2s = 5000.0\nduty_window_s = 600\ncompliance_V = 20\n[readout")


def test_guards_and_duty_are_read():
    spec = parse_bench(GOOD.replace(*DUTY) + GUARDS, "b")
    limits = spec.magnets["x"].limits
    assert (limits.max_duty_A2s, limits.duty_window_s, limits.compliance_V) == (5000.0, 600.0, 20.0)
    coil = spec.thermometers["coil"]
    assert (coil.input, coil.min_K, coil.max_K, coil.terminator) == ("B", 290.0, 330.0, "\r\n")
    water, door = spec.interlocks["water"], spec.interlocks["door"]
    assert (water.instrument, water.input, water.above_V) == ("lockin", "aux1", 2.0)
    assert (door.below_V, door.above_V) == (0.8, -math.inf)
    assert [one.name for one in spec.instruments] == ["x", "lockin", "coil"]
    assert spec.limits["thermometer coil"] == {"min_K": 290.0, "max_K": 330.0}
    assert spec.limits["interlock door"] == {"below_V": 0.8}
    assert spec.limits["x"]["max_duty_A2s"] == 5000.0


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("duty_window_s = 600\n", "", "duty_window_s is missing: max_duty_A2s and .* go together"),
        ("max_duty_A2s = 5000.0\n", "", "max_duty_A2s is missing"),
        ("max_duty_A2s = 5000.0", "max_duty_A2s = 0", "max_duty_A2s = 0.0 A²s must be a number"),
        ("max_duty_A2s = 5000.0", "max_duty = 5000.0", "'max_duty'; did you mean 'max_duty_A2s'"),
        ("duty_window_s = 600", "duty_window_s = nan", "duty_window_s = nan must be a number"),
        ('input = "B"', 'input = "E"', r"\[thermometer.coil\] input 'E' is unknown; known: A, B"),
        ("min_K = 290\nmax_K = 330.0\n", "", "coil. needs min_K or max_K, or both"),
        ("min_K = 290", "min_K = 340", "min_K = 340 must be below max_K = 330"),
        ("max_K", "max_C", "'max_C'; did you mean 'max_K'"),
        ('"lakeshore-336"', '"lakeshore-33"', "'lakeshore-33' is unknown; did you mean"),
        ('"lakeshore-336"', '"sr830"', "another kind of instrument; available: lakeshore-336"),
        ("7777", "5026", "coil: resource .* is lockin's already"),
        ('"aux1"', '"aux9"', r"\[interlock.water\] input 'aux9' is unknown; did you mean 'aux"),
        ('"lockin"\ninput = "aux1"', '"lokin"\ninput = "aux1"', "did you mean 'lockin'"),
        ("above_V = 2.0\n", "", "water. needs above_V or below_V"),
        ("above_V", "above", "'above'; did you mean 'above_V'"),
        ("[interlock.door]", "[interlocks.door]", "'interlocks'; did you mean 'interlock"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_guard_is_one_sentence_with_its_place(old, new, match):
    text = GOOD.replace(*DUTY) + GUARDS
    assert old in text
    with pytest.raises(InputError, match=match):
        parse_bench(text.replace(old, new, 1), "b")


def test_all_mistakes_in_guards_at_once():
    text = GOOD.replace(*DUTY) + GUARDS
    for old, new in (("max_K", "max_C"), ("aux1", "aux9"), ("duty_window_s", "duty_windw_s")):
        text = text.replace(old, new, 1)
    with pytest.raises(InputError, match="problems") as caught:
        parse_bench(text, "b")
    for words in ("max_C", "aux9", "duty_windw_s"):
        assert words in str(caught.value)


@pytest.mark.parametrize("name", ["B.toml", "my bench.toml", "Néel's rig (2).toml", "$HOME&.toml"])
def test_the_command_that_makes_a_bench_safe_can_be_pasted(tmp_path, name):
    (tmp_path / name).write_text(GOOD)
    spec = read_bench(tmp_path / name)
    assert shlex.split(spec.safe_command) == ["twinrig", "safe", str(tmp_path / name)]

"""A supply's settings as a recording keeps them: those it is played with, whatever was found."""

from __future__ import annotations

import pytest
from served import served

from instruments.bench import Bench
from instruments.bench_file import parse_bench
from models.errors import TwinrigError

BENCH = """
name = "fresh"
[virtual]
device = "leaky-integrator"
accelerate = inf
[magnet.x]
driver = "{driver}"
resource = "TCPIP0::virtual-{driver}::5025::SOCKET"
tesla_per_ampere = 4.0e-4
max_current_A = 0.9
max_ramp_A_per_s = 2.0
compliance_V = 10.0
[readout.lockin]
driver = "sr830"
resource = "TCPIP0::virtual-sr830::5025::SOCKET"
channels = ["X", "Y"]
[drive]
encoding = "amplitude"
low_T = 0.0001
high_T = 0.0003
hold_s = 0.0
gate_s = 0.027
[reset]
field_T = 0.0003
hold_s = 0.0
"""


@pytest.mark.parametrize("driver", ["kepco-bop", "kepco-bop-mg", "keithley-2400", "keithley-2450"])
def test_the_first_run_after_switching_on_keeps_the_settings_of_those_that_follow(driver) -> None:
    with Bench.connect(parse_bench(BENCH.format(driver=driver), "fresh.toml")) as bench:
        found = bench.magnets["x"].magnet.settings()
        assert found["compliance_V"] != 10.0  # as it is when switched on
        first = bench.settings()
        bench.energise()
        bench.make_safe()
        assert bench.settings() == first
        now = bench.magnets["x"].magnet.settings()
        assert {**now, "max_ramp_A_per_s": 2.0} == first["x"]


def test_a_supply_found_in_local_control_is_recorded_as_it_is_played() -> None:
    text = BENCH.format(driver="danfysik-8500").replace(
        "compliance_V = 10.0", "set_counts_per_A = 50000.0\nread_counts_per_A = 5000.0"
    )
    with Bench.connect(parse_bench(text, "fresh.toml")) as bench:
        assert bench.magnets["x"].magnet.settings()["control"] == "LOC"
        first = bench.settings()
        bench.energise()
        bench.make_safe()
        assert bench.settings() == first


def test_a_source_in_auto_range_is_recorded_as_one_whatever_range_it_stands_in() -> None:
    with Bench.connect(parse_bench(BENCH.format(driver="keithley-2450"), "fresh.toml")) as bench:
        bench.magnets["x"].magnet._session.write(":SOUR:CURR:RANG:AUTO ON")
        first = bench.settings()
        assert (first["x"]["auto_range"], "range_A" in first["x"]) == (True, False)
        bench.energise()
        list(bench.repeat([2e-4], bench.spec.window, bench.spec.reset))
        bench.make_safe()
        assert bench.settings() == first


def test_a_multimeter_in_auto_range_ends_no_run_by_the_range_that_it_chose() -> None:
    with served(("kepco-bop", "keysight-34465a")) as rig:
        for order in ("VOLT:DC:RANG 10", "VOLT:DC:RANG:AUTO ON"):
            rig.order("keysight-34465a", order)
        with Bench.connect(rig.spec()) as bench:
            bench.settings()
            (meter,) = bench.readouts.values()
            assert meter.settings()["range_V"] == 10.0
            meter.read()
            assert meter.settings()["range_V"] == 0.1
            bench.check_settings()
            rig.order("keysight-34465a", "VOLT:DC:RANG 1")  # a hand fixed it meanwhile
            with pytest.raises(TwinrigError, match="autorange was 'on', now 'off'"):
                bench.check_settings()


FASTER = {  # than the bench: what a front panel may have set
    "lakeshore-643": ("RATE 30", "RSEG 1"),
    "ami-430": ("CONF:RAMP:RATE:CURR 1,4,100",),
    "mercury-ips": (),  # 6 A/min, 0.1 A/s, when it is switched on
}


@pytest.mark.parametrize("driver", FASTER)
def test_a_ramp_that_a_run_slows_down_counts_as_slow_from_the_first_on(driver) -> None:
    text = BENCH.format(driver=driver).replace("compliance_V = 10.0\n", "")
    spec = parse_bench(text.replace("per_s = 2.0", "per_s = 0.05"), "fresh.toml")
    with Bench.connect(spec) as bench:
        for order in FASTER[driver]:
            bench.magnets["x"].magnet._session.write(order)
        first = bench.settings()
        bench.energise()
        list(bench.repeat([2e-4], spec.window, spec.reset))
        bench.make_safe()
        assert bench.settings() == first
        now = bench.magnets["x"].magnet.settings()
        assert {**now, "max_ramp_A_per_s": 0.05} == first["x"]


def test_a_supply_that_was_switched_off_and_on_does_not_keep_a_run_from_going_on() -> None:
    with served() as rig:
        with Bench.connect(rig.spec()) as bench:
            bench.energise()
            before = bench.settings()["x"]["mode"]
        rig.order("kepco-bop", "*RST")  # as it is when switched on
        with Bench.connect(rig.spec()) as bench:
            assert bench.magnets["x"].magnet.settings()["mode"] == "voltage"
            assert bench.settings()["x"]["mode"] == before == "current"

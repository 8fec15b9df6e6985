"""The Bench page's lines of thermometers and interlocks."""

from __future__ import annotations

from app.gui.pages.bench_states import guard_checks
from instruments.bench_file import parse_bench
from instruments.guards import Band

BENCH = """
[magnet.x]
driver = "kepco-bop"
resource = "TCPIP0::10.0.0.5::5025::SOCKET"
tesla_per_ampere = 4.0e-4
max_current_A = 11.0
max_ramp_A_per_s = 2000.0
[readout.lockin]
driver = "sr830"
resource = "GPIB0::8::INSTR"
[thermometer.coil]
driver = "lakeshore-336"
resource = "GPIB0::12::INSTR"
max_K = 296.0
[interlock.door]
instrument = "lockin"
input = "aux1"
above_V = 2.0
[interlock.door-2]
instrument = "lockin"
input = "aux2"
above_V = 2.0
[drive]
encoding = "step"
low_T = 0.0022
high_T = 0.0034
[reset]
field_T = 0.0040
"""


def test_a_line_says_what_its_own_guard_reads_and_not_its_name_twice() -> None:
    keys = ("above_V", "below_V")
    warm = Band("thermometer coil", "K", lambda: 297.0, high=296.0, keys=("min_K", "max_K"))
    opened = Band("interlock door-2 (lockin, aux2)", "V", lambda: 0.0, low=2.0, keys=keys)
    forbids = [words for guard in (warm, opened) if (words := guard.problem())]
    coil, door, door_2 = guard_checks(parse_bench(BENCH, "b"), forbids)
    assert (coil.name, coil.level) == ("coil", "attention")
    assert coil.value.startswith("reads 297 K, current is allowed only below")
    assert (door.value, door.level) == ("lockin, aux1, ends", "ok")
    assert door_2.value.startswith("reads 0 V, current is allowed only above")

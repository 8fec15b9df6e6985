"""Bad input on a bench, as a user of the command line meets it, against a served rig.

One message says what and what to do, before anything is energised or made (issue 4).
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from app.cli.main import main
from instruments.virtual.rig import VirtualRig
from instruments.virtual.server import RigServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MODELS = (
    "kepco-bop", "sr830", "sr860", "lakeshore-643", "lakeshore-475", "keithley-2182a",
    "keysight-34465a", "keithley-2400",
)  # fmt: skip
DRIVING = (b"OUTP ON", b"OUTP 1", b"SETI ", b"CURR ")
BENCH = """
name = "bad input"
[virtual]
clock = "{virtual-clock}"
accelerate = 50.0
[magnet.x]
driver = "kepco-bop"
resource = "{kepco-bop}"
tesla_per_ampere = 4.0e-4
max_current_A = 11.0
max_ramp_A_per_s = 40.0
[readout.lockin]
driver = "sr830"
resource = "{sr830}"
[teslameter.probe]
driver = "lakeshore-475"
resource = "{lakeshore-475}"
[drive]
encoding = "amplitude"
low_T = 0.0022
high_T = 0.0034
hold_s = 0.0
gate_s = 0.027027027
[reset]
field_T = 0.0040
"""


class Served:
    """A served rig with a hand at its front panels, and what was sent to it that drives."""

    def __init__(self) -> None:
        self.driven: list[bytes] = []
        self.rig = VirtualRig("leaky-integrator", MODELS, 0, 50.0, self._tap)
        self.server = RigServer(self.rig)
        self.until = threading.Event()
        self.thread = threading.Thread(target=self.server.run, args=(self.until,), daemon=True)
        self.thread.start()

    def _tap(self, _h: float, _d: float | None, _model: str, way: str, data: bytes) -> None:
        if way == "out" and data.startswith(DRIVING):
            self.driven.append(data)

    def by_hand(self, model: str, command: str) -> None:
        port = self.rig.connect(model)
        port.receive(command.encode() + b"\n")
        self.driven.clear()

    def text(self, *changes: tuple[str, str]) -> str:
        resources = self.server.resources
        text = BENCH
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        for model, resource in resources.items():
            text = text.replace(f"{{{model}}}", resource)
        return text


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    made = Served()
    yield made
    made.until.set()
    made.thread.join(5)
    made.server.close()


LOCKIN = 'driver = "sr830"\nresource = "{sr830}"'
SUPPLY = 'driver = "kepco-bop"\nresource = "{kepco-bop}"'
GATE = "gate_s = 0.027027027"
BY_HARDWARE = f'timing = "hardware"\n{GATE}'
CASES = {
    "another read-out at the address": (
        (), [("{sr830}", "{sr860}")], 1,
        ["Stanford_Research_Systems,SR860", "driver 'sr860'", "correct `resource` or `driver`"],
    ),
    "another supply at the address": (
        (), [("{kepco-bop}", "{keithley-2400}")], 1,
        ["MODEL 2400", "driver 'keithley-2400'", "correct `resource` or `driver`"],
    ),
    "a teslameter that measures RMS": (
        ("lakeshore-475", "RDGMODE 2,1,1,1,1"), [], 4, ["RMS", "Choose DC on its front panel"],
    ),
    "a nanovoltmeter that measures temperature": (
        ("keithley-2182a", ":SENS:FUNC 'TEMP'"),
        [(LOCKIN, 'driver = "keithley-2182a"\nresource = "{keithley-2182a}"')], 4,
        ["measures temperature, expected voltage", "Press DCV1"],
    ),
    "a step longer than the lock-in's buffer": (
        (), [(GATE, BY_HARDWARE), ("hold_s = 0.0", "hold_s = 40.0")], 4,
        ["16383 samples", "512 Hz", "40.027 s", "overflow", 'timing = "software"'],
    ),
    "a supply without a list": (
        (),
        [(GATE, BY_HARDWARE), (SUPPLY, 'driver = "lakeshore-643"\nresource = "{lakeshore-643}"')],
        4, ["lakeshore-643", "no list", 'timing = "auto"'],
    ),
    "more samples than the reading memory holds": (
        (),
        [(LOCKIN, 'driver = "keysight-34465a"\nresource = "{keysight-34465a}"\n'
          "samples = 5000000\ninterval_s = 1e-3")],
        2, ["samples = 5000000 must be from 1 to"],
    ),
    "one resource twice": (
        (), [("{lakeshore-475}", "{sr830}")], 2, ["is lockin's already", "correct it"],
    ),
    "one resource twice, spelt otherwise": (
        (), [("{lakeshore-475}", "{sr830-by-name}")], 2, ["is lockin's already", "correct it"],
    ),
}  # fmt: skip
PUT_RIGHT = (("lakeshore-475", "RDGMODE 1,1,1,1,1"), ("keithley-2182a", ":SENS:FUNC 'VOLT'"))


@pytest.mark.parametrize("case", CASES)
def test_one_message_says_what_to_do_and_nothing_flows(
    served: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    hand, changes, exit_code, words = CASES[case]
    by_name = served.server.resources["sr830"].replace("127.0.0.1", "localhost")
    bench = tmp_path / "b.toml"
    bench.write_text(served.text(*changes).replace("{sr830-by-name}", by_name))
    if hand:
        served.by_hand(*hand)
    command = ["record", "--bench", str(bench), "--sequences", "mixed:1x6", "--repeats", "1"]
    served.driven.clear()
    try:
        assert main([*command, "--out", str(tmp_path / "out")]) == exit_code
        assert served.driven == []
    finally:
        for model, order in PUT_RIGHT:
            served.by_hand(model, order)
    said = capsys.readouterr().err
    for each in words:
        assert each in said
    assert said.count("twinrig: ") == 1
    assert not (tmp_path / "out").exists()


def test_the_same_bench_records_where_nothing_is_wrong(served: Served, tmp_path: Path) -> None:
    bench = tmp_path / "b.toml"
    bench.write_text(served.text())
    command = ["record", "--bench", str(bench), "--sequences", "mixed:1x6", "--repeats", "1"]
    assert main([*command, "--out", str(tmp_path / "out")]) == 0
    assert served.driven  # so that their absence above means something

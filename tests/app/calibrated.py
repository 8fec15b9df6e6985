"""What the tests of `bench calibrate` share: a rig with a yoke, and everything that is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.operations.calibrate import calibration_bench
from instruments.bench import Bench
from instruments.bench_file import parse_bench
from instruments.calibration_walk import CalibrationPlan
from instruments.virtual.rig import VirtualRig

if TYPE_CHECKING:
    from instruments.wirelog import WireTap

TEXT = """
name = "gap"
[virtual]
device = "leaky-integrator"
[magnet.x]
driver = "kepco-bop"
resource = "TCPIP0::virtual-kepco-bop::5025::SOCKET"
tesla_per_ampere = 4.0e-4
max_current_A = 11.0
max_ramp_A_per_s = 2000.0
[readout.lockin]
driver = "sr830"
resource = "TCPIP0::virtual-sr830::5025::SOCKET"
[teslameter.gap]
driver = "lakeshore-475"
resource = "TCPIP0::virtual-lakeshore-475::5025::SOCKET"
[drive]
encoding = "amplitude"
low_T = 0.0022
high_T = 0.0034
[reset]
field_T = 0.0040
"""
PLAN = CalibrationPlan(points=9, readings=2)


def with_second_magnet(text: str, tesla_per_ampere: float = 4.0e-4) -> str:
    """The bench with a magnet y."""
    second = f"""
[magnet.y]
driver = "kepco-bop"
resource = "TCPIP0::virtual-kepco-bop::5026::SOCKET"
tesla_per_ampere = {tesla_per_ampere:e}
max_current_A = 9.0
max_ramp_A_per_s = 2000.0
[readout.lockin]"""
    return text.replace("[readout.lockin]", second)


def with_two_axes(text: str, tesla_per_ampere: float = 4.0e-4) -> str:
    """The bench with magnets x and y, whose field is turned by both."""
    return with_second_magnet(text, tesla_per_ampere).replace(
        'encoding = "amplitude"', 'encoding = "rotation"\npoints_per_rotation = 8'
    )


TRUE = 4.0e-4  # T/A of the virtual coil


class Orders:
    """Everything that was sent to the instruments of a bench."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes]] = []

    def __call__(self, _h: float, _d: float | None, name: str, way: str, data: bytes) -> None:
        if way == "out":
            self.sent.append((name, data))

    def to(self, name: str, word: bytes) -> list[bytes]:
        return [data for who, data in self.sent if who == name and data.startswith(word)]


class YokeRig(VirtualRig):
    """A rig whose coil has a yoke: its field lags by half a width (a play), and has an offset."""

    width_T = 2.0e-5
    offset_T = 5.0e-5
    gain = 1.0
    _lagging_T = 0.0

    def field_T(self) -> float:
        now_T = self.gain * super().field_T()
        half_T = self.width_T / 2
        self._lagging_T = min(now_T + half_T, max(now_T - half_T, self._lagging_T))
        return self._lagging_T + self.offset_T


def connected(text: str = TEXT, tap: WireTap | None = None) -> Bench:
    return Bench.connect(calibration_bench(parse_bench(text, "b.toml")), wire_log=tap)


def is_off(bench: Bench) -> bool:
    with bench.stop.shield():
        state = bench.state()["x"]
    return not state.output_on and abs(state.setpoint_A) < 1e-6

"""A virtual bench whose steps are timed by hardware, for tests."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

from instruments.bench import Bench
from instruments.bench_file import parse_bench

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from instruments.bench_spec import BenchSpec

FIELDS_T = np.random.default_rng(0).uniform(2.2e-3, 3.4e-3, 40).tolist()


def spec_of(
    timing: str = "hardware",
    device: str = "leaky-integrator",
    seed: int = 0,
    marker_T: float | None = None,
    supply: str = "kepco-bop",
    trigger: bool = False,
    lockin: str = "sr830",
    **changed: str,
) -> BenchSpec:
    """The reference bench with another device, seed, timing, …; `changed`: key → new value."""
    text = (files("resources") / "virtual-nanoring.toml").read_text("utf-8")
    marker = "" if marker_T is None else f"marker_T = {marker_T}\n"
    marker += "trigger = true\n" if trigger else ""
    text = text.replace("kepco-bop", supply).replace("sr830", lockin)
    text = text.replace('"nanoring"', f'"{device}"').replace("seed = 0", f"seed = {seed}")
    text = text.replace("gate_s =", f'timing = "{timing}"\n{marker}gate_s =')
    for key, value in changed.items():
        text = re.sub(rf"(?m)^{key} = .*$", f"{key} = {value}", text)
    return parse_bench(text, "list bench")


def ice_of(
    timing: str,
    seed: int = 0,
    supply: str = "kepco-bop",
    trigger: bool = False,
    **changed: str,
) -> BenchSpec:
    """Spin-vortex ice in field loops, which a lock-in reads at −H."""
    text = (files("resources") / "virtual-spin-vortex-ice.toml").read_text("utf-8")
    readout = text[text.index("[readout.analyser]") : text.index("[drive]")]
    lockin = (
        '[readout.lockin]\ndriver = "sr830"\nresource = "TCPIP0::virtual-sr830::5025::SOCKET"\n\n'
    )
    text = text.replace(readout, lockin).replace("seed = 0", f"seed = {seed}")
    text = text.replace("kepco-bop", supply)
    given = f'timing = "{timing}"\n' + ("trigger = true\n" if trigger else "")
    text = text.replace("gate_s = 0.0072", f"{given}gate_s = 0.027027027")
    for key, value in changed.items():
        text = re.sub(rf"(?m)^{key} = .*$", f"{key} = {value}", text)
    return parse_bench(text, "ice bench")


def recorded(
    spec: BenchSpec,
    repeats: int = 1,
    fields_T: Sequence[float] = FIELDS_T,
    prepare: Callable[[Bench], Any] = lambda bench: None,
) -> tuple[NDArray[np.float64], float]:
    """Responses `(repeats, T, C)` and the device time of a repeat."""
    with Bench.connect(spec) as bench:
        bench.energise()
        prepare(bench)
        begin_s = bench.clock.now_s()
        values = [
            [read.values for read in bench.repeat(fields_T, spec.window, spec.reset)]
            for _ in range(repeats)
        ]
        seconds = bench.clock.now_s() - begin_s
        bench.verify()
    return np.array(values), seconds / repeats

"""A virtual bench timed by hardware, with another read-out than the SR830, for tests."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from list_bench import spec_of

from instruments.bench_file import parse_bench

if TYPE_CHECKING:
    from instruments.bench_spec import BenchSpec

TABLE = re.compile(r"(?s)\[readout\.lockin\].*?(?=\n\[)")


def buffered(
    driver: str,
    keys: str,
    timing: str = "hardware",
    device: str = "leaky-integrator",
    seed: int = 0,
    supply: str = "kepco-bop",
    trigger: bool = False,
    **changed: str,
) -> BenchSpec:
    """The list bench with the read-out `meter` of another driver; `keys`: lines of its table."""
    text = spec_of(timing, device, seed, None, supply, trigger, **changed).text
    resource = f"TCPIP0::virtual-{driver}::5025::SOCKET"
    table = f'[readout.meter]\ndriver = "{driver}"\nresource = "{resource}"\n{keys}'
    return parse_bench(TABLE.sub(table, text), "buffered bench")

"""The pre-flight of a deployment in words, line by line."""

from __future__ import annotations

import pytest

from app.gui.preflight import _limits
from instruments.bench import Bench
from instruments.bench_file import parse_bench, read_bench
from models.network import Device


@pytest.mark.parametrize("sign", ["", "-"])
def test_the_highest_field_is_told_of_a_coil_wired_either_way(sign: str) -> None:
    text = read_bench("virtual").text
    assert "tesla_per_ampere = 4.0e-4" in text
    turned = text.replace("tesla_per_ampere = 4.0e-4", f"tesla_per_ampere = {sign}4.0e-4")
    with Bench.connect(parse_bench(turned, "b.toml")) as bench:
        spec = bench.spec
        device = Device(bench.channels, bench.units, spec.window, spec.reset)
        found = _limits(device, bench)
    assert (found.value, found.level) == ("4 of 4.4 mT", "ok")

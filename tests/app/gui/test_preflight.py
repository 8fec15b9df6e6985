"""The pre-flight of a deployment in words, line by line."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import artefact_samples as samples
import numpy as np
import pytest

from app.gui.preflight import _disk, _limits, deployment_bytes
from app.operations.record import record
from app.operations.record_room import folder_problems, room_problems
from instruments.bench import Bench
from instruments.bench_file import parse_bench, read_bench
from models.network import Device
from models.sequence import FieldSequence

if TYPE_CHECKING:
    from pathlib import Path


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


@pytest.mark.parametrize("repeats", [1, 4])
def test_the_size_that_is_told_is_that_of_the_recording_of_its_nodes(
    tmp_path: Path, repeats: int
) -> None:
    network = samples.network(steps=80)
    nodes = [FieldSequence(np.linspace(0.0, 1.0, 80)) for _ in range(network.nodes)]
    with Bench.connect(read_bench("virtual")) as bench:
        assert len(bench.channels) == len(network.devices[0].channels)
        list(record(bench, nodes, repeats, tmp_path / "nodes"))
    written = (tmp_path / "nodes" / "recording.nc").stat().st_size
    assert deployment_bytes(network, repeats) == pytest.approx(written, rel=0.05)


@pytest.mark.parametrize(("times", "level"), [(2.5, "fault"), (3.5, "ok")])
def test_the_disk_has_room_where_the_run_itself_finds_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, times: float, level: str
) -> None:
    network = samples.network(steps=80)
    free = int(times * deployment_bytes(network))
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=free))
    assert _disk(network, tmp_path, 1).level == level


def test_a_folder_that_is_closed_for_writing_is_said_before_the_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    check = _disk(samples.network(steps=80), tmp_path / "runs", 1)
    assert check.level == "fault"
    assert f"nothing can be written in {tmp_path}: check who may write there" in str(check)
    assert "of the disk" not in str(check)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=10))
    both = folder_problems(1e6, tmp_path)  # both at once, not one after the other is mended
    assert len(both) == 2
    assert _disk(samples.network(steps=80), tmp_path, 1).value == "; ".join(
        [both[0], *room_problems(deployment_bytes(samples.network(steps=80), 1), tmp_path)]
    )

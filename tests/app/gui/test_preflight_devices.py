"""The window has one bench: a network of several devices is not run from it, and it says so."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import artefact_samples as samples

from app.gui.preflight import deployment_bytes, preflight

if TYPE_CHECKING:
    from pathlib import Path


def test_a_network_of_several_devices_is_pointed_to_the_command(tmp_path: Path) -> None:
    network = samples.network()
    device, (first, second) = network.devices[0], network.layers
    several = replace(
        network,
        devices=(device, replace(device, bench="another")),
        layers=(first, replace(second, device=1)),
    )
    checks = preflight(several, tmp_path, None, tmp_path)  # type: ignore[arg-type]
    assert [(check.name, check.level) for check in checks] == [("Devices", "fault")]
    assert checks[0].value.startswith("2, the window has one bench: twinrig deploy NETWORK")
    assert deployment_bytes(several, 3) == 8 * 3 * 4 * 2 * 12

"""`twinrig safe`: a rig found in any state, brought to its safe state, in words."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

from served_rig import ServedRig, served_rig

from app.cli import main
from instruments.bench_file import read_bench

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def by_hand(rig: ServedRig, *commands: str) -> None:
    """What someone sent to the supply from another program."""
    spec = read_bench(rig.bench)
    (magnet,) = spec.magnets.values()
    _, host, port, _ = magnet.resource.split("::")
    with socket.create_connection((host, int(port)), timeout=5) as link:
        link.sendall("".join(f"{c}\n" for c in (*commands, "*IDN?")).encode())
        assert link.recv(200).startswith(b"KEPCO")


def test_an_energised_supply_is_walked_to_zero_and_switched_off(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with served_rig(tmp_path) as rig:
        by_hand(rig, "FUNC:MODE CURR", "VOLT 36", "CURR 8", "OUTP ON")
        assert main(["safe", "--bench", str(rig.bench), "--json"]) == 0
        *_, result = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert "output on" in result["found"][0]
        assert result["magnets"]["x"]["output_on"] is False
        assert abs(result["magnets"]["x"]["current_A"]) < 0.01
        rig.assert_ended_safe()


def test_a_read_out_that_is_off_does_not_keep_the_magnet_from_being_made_safe(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with served_rig(tmp_path) as rig:
        by_hand(rig, "FUNC:MODE CURR", "VOLT 36", "CURR 8", "OUTP ON")
        (readout,) = read_bench(rig.bench).readouts.values()
        text = rig.bench.read_text().replace(readout.resource, "TCPIP0::127.0.0.1::9::SOCKET")
        rig.bench.write_text(text)
        assert main(["safe", "--bench", str(rig.bench)]) == 0
        assert "output on" in capsys.readouterr().err
        rig.assert_ended_safe()


def test_a_supply_that_is_not_there_is_said(tmp_path: Path) -> None:
    with served_rig(tmp_path) as rig:
        bench = rig.bench.read_text()
    (tmp_path / "gone.toml").write_text(bench)
    assert main(["safe", "--bench", str(tmp_path / "gone.toml")]) == 1

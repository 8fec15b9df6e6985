"""`twinrig safe`: a rig found in any state, brought to its safe state, in words."""

from __future__ import annotations

import json
import shlex
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from served_rig import ServedRig, served_rig

from app.cli.main import main
from app.operations import safe as operation
from instruments.bench import Bench
from instruments.bench_file import read_bench
from instruments.clock import Stop
from instruments.drivers.kepco_bop import KepcoBop
from instruments.limits import UnsafeError

if TYPE_CHECKING:
    from pathlib import Path


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


def test_the_bench_may_stand_by_itself_but_not_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with served_rig(tmp_path) as rig:
        by_hand(rig, "FUNC:MODE CURR", "VOLT 36", "CURR 8", "OUTP ON")
        assert main(["safe", str(rig.bench)]) == 0
        rig.assert_ended_safe()
    capsys.readouterr()
    assert main(["safe", "virtual", "--bench", "virtual"]) == 2
    assert "not allowed with argument" in capsys.readouterr().err
    assert main(["safe"]) == 2
    assert "--bench" in capsys.readouterr().err


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


def test_a_supply_that_is_not_there_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with served_rig(tmp_path) as rig:
        bench = rig.bench.read_text()
    (tmp_path / "gone.toml").write_text(bench)
    monkeypatch.setattr(operation, "GIVE_UP_S", 1.0)
    assert main(["safe", "--bench", str(tmp_path / "gone.toml")]) == 1
    said = capsys.readouterr().err
    assert "x: not safe yet, trying again" in said
    assert "could not be made safe, current may be flowing" in said
    assert "front panel" in said


@pytest.mark.parametrize("closed", [True, False])
def test_who_stops_the_tries_is_told_what_is_not_safe(tmp_path: Path, closed: bool) -> None:
    """The command line closes the generator at an event, or its wait ends by the stop."""
    with served_rig(tmp_path) as rig:
        spec = read_bench(rig.bench)
    stop = Stop()
    events = operation.safe_each(spec, Bench.connect, stop)
    assert "not safe yet" in next(events).text
    stop.request()
    with pytest.raises(UnsafeError, match=r"^x .* could not be made safe, current may be flowing"):
        events.close() if closed else next(events)


SECOND = """
[magnet.aside]
driver = "kepco-bop"
resource = "TCPIP0::127.0.0.1::9::SOCKET"
tesla_per_ampere = 4.0e-4
max_current_A = 11.0
max_ramp_A_per_s = 50.0
"""


def test_a_supply_that_is_off_does_not_keep_another_energised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(operation, "GIVE_UP_S", 0.0)
    with served_rig(tmp_path) as rig:
        by_hand(rig, "FUNC:MODE CURR", "VOLT 36", "CURR 8", "OUTP ON")
        text = rig.bench.read_text().replace("[drive]", '[drive]\nmagnet = "x"')
        rig.bench.write_text(text.replace("[magnet.x]", f"{SECOND}[magnet.x]"))
        assert main(["safe", "--bench", str(rig.bench), "--json"]) == 1
        *_, result, error = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert result["status"] == "failed"
        assert result["magnets"]["x"]["output_on"] is False
        assert "connection refused" in result["not_safe"]["aside"]
        assert (error["event"], error["kind"]) == ("error", "UnsafeError")
        assert error["message"].startswith("aside (")
        rig.assert_ended_safe()


def test_one_lost_answer_at_connecting_is_no_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "faults.json"
    silent = [{"instrument": "kepco-bop", "at": n, "kind": "silence"} for n in (5, 6)]
    script.write_text(json.dumps(silent))  # the five before are the hand's
    with served_rig(tmp_path, more=["--faults", script]) as rig:
        by_hand(rig, "FUNC:MODE CURR", "VOLT 36", "CURR 8", "OUTP ON")
        assert main(["safe", "--bench", str(rig.bench)]) == 0
        said = capsys.readouterr().err
        assert "x: not safe yet, trying again" in said
        assert "found at 8 A" in said
        rig.assert_ended_safe()


def test_a_limit_beyond_the_supply_keeps_nobody_from_the_safe_state(tmp_path: Path) -> None:
    with served_rig(tmp_path) as rig:
        by_hand(rig, "FUNC:MODE CURR", "VOLT 36", "CURR 8", "OUTP ON")
        beyond = rig.bench.read_text().replace("max_current_A = 11.0", "max_current_A = 20.0")
        rig.bench.write_text(beyond)
        assert main(["bench", "check", str(rig.bench)]) == 1  # no run begins with it
        assert main(["safe", "--bench", str(rig.bench)]) == 0
        rig.assert_ended_safe()


def test_a_link_of_another_program_is_said_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with served_rig(tmp_path) as rig, Bench.connect(read_bench(rig.bench)):
        began_s = time.monotonic()
        assert main(["safe", "--bench", str(rig.bench)]) == 1
        assert time.monotonic() - began_s < 5.0
        said = capsys.readouterr().err
        assert "open in this program already" in said
        assert f"`twinrig safe {rig.bench}` says what it finds" in said


def test_a_current_that_is_measured_after_all_is_no_success(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(KepcoBop, "measured_A", lambda supply: 3.0)
    assert main(["safe", "virtual"]) == 1
    out, said = capsys.readouterr()
    assert "ITS OUTPUT IS OFF AND 3 A STILL MEASURED" in said
    assert "x: 3 A, output off, measured after it was made safe: current may be flowing" in said
    assert "failed" in out


@pytest.mark.skipif(sys.platform == "win32", reason="no shell that closes streams")
@pytest.mark.parametrize("closed", ["2>&-", ">&-", "<&- >&- 2>&-"])
def test_a_program_started_with_its_streams_closed_does_its_work(
    tmp_path: Path, closed: str
) -> None:
    with served_rig(tmp_path) as rig:
        by_hand(rig, "FUNC:MODE CURR", "VOLT 36", "CURR 8", "OUTP ON")
        command = shlex.join([sys.executable, "-m", "app", "safe", "--bench", str(rig.bench)])
        assert subprocess.run(["sh", "-c", f"{command} {closed}"], check=False).returncode == 0
        rig.assert_ended_safe()


FULL_DISK = """
import resource, sys
from app.cli.main import main
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
sys.exit(main(["safe", "--bench", sys.argv[1]]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of a file's size")
def test_a_full_disk_keeps_nobody_from_the_safe_state(tmp_path: Path) -> None:
    with served_rig(tmp_path) as rig:
        by_hand(rig, "FUNC:MODE CURR", "VOLT 36", "CURR 8", "OUTP ON")
        command = [sys.executable, "-c", FULL_DISK, str(rig.bench)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        rig.assert_ended_safe()

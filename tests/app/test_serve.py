"""`twinrig bench serve`: its lines, its bench file, its end."""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from served_rig import served_rig, start, stop_signal

from app.cli.bench_arguments import DEVICES, MODELS, SERVED
from app.cli.main import main
from app.operations.events import Note
from app.operations.serve import Listening, serve
from app.store import read_recording
from instruments.clock import Stop
from instruments.virtual import devices, models, rig
from models.errors import InputError, StoppedError, TwinrigError


def test_each_instrument_is_announced_as_json_without_being_asked_for(tmp_path: Path) -> None:
    process = start("bench", "serve", "--accelerate", "9")
    assert process.stdout is not None
    first = json.loads(process.stdout.readline())
    assert first["event"] == "listening"
    assert first["model"] == "kepco-bop"
    assert first["resource"].startswith("TCPIP0::127.0.0.1::")
    assert first["resource"].endswith("::SOCKET")
    assert first["terminator"]
    process.send_signal(stop_signal())
    rest, _ = process.communicate(timeout=20)
    assert process.returncode == 3
    assert all(json.loads(line)["event"] == "listening" for line in rest.splitlines())


def test_the_written_bench_file_reaches_the_rig(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with served_rig(tmp_path) as rig:
        assert main(["bench", "check", str(rig.bench), "--json"]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["instruments"]["x"]["driver"] == "kepco-bop"
    assert result["instruments"]["x"]["ok"] is True
    assert result["instruments"]["lockin"]["identity"].startswith("Stanford")


def first_of_free_ports(count: int) -> int:
    """So many in a row, below those that a system hands out by itself, to tests beside this one."""
    for number in np.random.default_rng().permutation(np.arange(20_000, 32_000, 8)):
        with ExitStack() as held:
            try:
                for port in range(int(number), int(number) + count):
                    held.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
        return int(number)
    raise AssertionError("no free ports")


def test_ports_follow_the_first_one(capsys: pytest.CaptureFixture[str]) -> None:
    number = first_of_free_ports(4)
    process = start("bench", "serve", "--port", str(number))
    assert process.stdout is not None
    try:
        told = [process.stdout.readline() for _ in range(2)]
    finally:
        process.send_signal(stop_signal())
        process.communicate(timeout=20)
    lines = [json.loads(line) for line in told]
    assert [line["resource"] for line in lines] == [
        f"TCPIP0::127.0.0.1::{port}::SOCKET" for port in (number, number + 1)
    ]
    assert main(["bench", "serve", "--port", "65536"]) == 2
    assert "0 to 65535" in capsys.readouterr().err


def test_a_failed_instrument_makes_the_check_fail(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with served_rig(tmp_path) as rig:
        pass
    assert main(["bench", "check", str(rig.bench)]) == 1
    shown = capsys.readouterr()
    assert "Traceback" not in shown.err


def test_a_request_to_stop_ends_it() -> None:
    stop = Stop()
    events = serve(
        device="nanoring", models=("kepco-bop", "sr830"), seed=0, accelerate=1.0, wire_log=None,
        write_bench=None, stop=stop,
    )  # fmt: skip
    assert isinstance(next(events), Listening)
    threading.Timer(0.1, stop.request).start()
    with pytest.raises(StoppedError):
        list(events)


def test_files_are_never_overwritten(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("mine")
    events = serve(
        device="nanoring", models=("kepco-bop",), seed=0, accelerate=1.0, wire_log=log,
        write_bench=None, stop=Stop(),
    )  # fmt: skip
    with pytest.raises(InputError, match="name a new file"):
        next(events)
    assert log.read_text() == "mine"


def first_events(host: str, count: int = 3) -> list[object]:
    """The first events of a rig that listens on an address."""
    events = serve(
        device="leaky-integrator", models=("kepco-bop",), seed=0, accelerate=1.0, wire_log=None,
        write_bench=None, stop=Stop(), host=host,
    )  # fmt: skip
    try:
        return [next(events) for _ in range(count)]
    finally:
        events.close()


def test_it_says_that_only_this_computer_reaches_it() -> None:
    *_, note = first_events("127.0.0.1")
    assert note == Note("listening on this computer only (127.0.0.1)")
    *_, note = first_events("localhost")
    assert isinstance(note, Note)
    assert note.level == "info"


def test_another_address_is_warned_of() -> None:
    one, _, note = first_events("0.0.0.0")
    assert isinstance(one, Listening)
    assert isinstance(note, Note)
    assert note.level == "warning"
    assert "anyone in its network can reach this rig and drive it" in note.text


def test_an_address_of_another_computer_is_an_error_in_words() -> None:
    with pytest.raises(TwinrigError, match=r"192\.0\.2\.1 can't be used"):
        first_events("192.0.2.1")


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_no_port_is_open_that_was_not_announced() -> None:
    process = start("bench", "serve", "--device", "leaky-integrator")
    assert process.stdout is not None
    assert process.stderr is not None
    lines = [json.loads(process.stdout.readline()) for _ in range(3)]
    announced = {("127.0.0.1", int(line["resource"].split("::")[2])) for line in lines}
    assert "this computer only (127.0.0.1)" in process.stderr.readline()
    try:
        assert open_ports(process.pid) == announced
    finally:
        process.send_signal(stop_signal())
        process.communicate(timeout=20)


def open_ports(pid: int) -> set[tuple[str, int]]:
    """Address and port of every TCP or UDP socket that a process has bound (IPv4 and 6)."""
    held = set()
    for number in (Path("/proc") / str(pid) / "fd").iterdir():
        target = os.readlink(number)
        if target.startswith("socket:["):
            held.add(target[8:-1])
    found = set()
    for table in ("tcp", "tcp6", "udp", "udp6"):
        file = Path("/proc") / str(pid) / "net" / table
        for row in file.read_text().splitlines()[1:] if file.exists() else ():
            cells = row.split()
            if cells[9] in held:
                host, _, port = cells[1].partition(":")
                found.add((address_of(host), int(port, 16)))
    return found


def address_of(text: str) -> str:
    """The kernel's hexadecimal address: words of four bytes in the machine's order."""
    words = [bytes.fromhex(text[at : at + 8]) for at in range(0, len(text), 8)]
    raw = b"".join(word[::-1] if sys.byteorder == "little" else word for word in words)
    return socket.inet_ntop(socket.AF_INET if len(raw) == 4 else socket.AF_INET6, raw)


def test_the_lists_of_the_command_line_are_the_rigs() -> None:
    assert models.MODELS == MODELS
    assert tuple(devices.DEVICES) == DEVICES
    assert rig.DEFAULT_MODELS == SERVED


def test_a_spin_vortex_ice_is_recorded_over_tcp(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = ("--device", "spin-vortex-ice", "--models", "kepco-bop,keysight-pna")
    with served_rig(tmp_path, accelerate=1e4, more=chosen, ramp_A_per_s=2000.0) as served:
        arguments = ["record", "--bench", str(served.bench), "--sequences", "steps:1x4"]
        assert main([*arguments, "--repeats", "2", "--out", str(tmp_path / "rec")]) == 0
    recording = read_recording(tmp_path / "rec")
    assert recording.status == "done"
    assert recording.response.shape == (1, 2, 4, 60)
    assert recording.window.encoding == "loop"
    assert recording.settings["analyser"]["points"] == 60
    assert np.all(np.abs(recording.response - 0.5) < 0.05)


@pytest.mark.parametrize(("way", "boards"), [("--hislip", 0), ("--prologix", 1)])
def test_instruments_over_hislip_or_behind_an_adapter_are_checked_and_recorded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], way: str, boards: int
) -> None:
    chosen = ("--device", "leaky-integrator", way, "kepco-bop,sr830")
    with served_rig(tmp_path, accelerate=1e4, more=chosen, ramp_A_per_s=2000.0) as served:
        assert served.bench.read_text().count("::INSTR") == 2
        assert served.bench.read_text().count("PRLGX-TCPIP0::127.0.0.1::") == boards
        assert main(["bench", "check", str(served.bench)]) == 0
        arguments = ["record", "--bench", str(served.bench), "--sequences", "steps:1x4"]
        assert main([*arguments, "--repeats", "2", "--out", str(tmp_path / "rec")]) == 0
    assert read_recording(tmp_path / "rec").status == "done"


def test_faults_come_from_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    faults = tmp_path / "faults.json"
    faults.write_text('[{"instrument": "sr830", "at": 0, "kind": "garbage"}]')
    with served_rig(tmp_path, more=("--faults", faults)) as served:
        assert main(["bench", "check", str(served.bench)]) == 1
    shown = capsys.readouterr().out
    assert "FAILED    lockin" in shown
    assert "ok        x" in shown


def test_a_file_of_faults_that_can_not_be_is_wrong_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    faults = tmp_path / "faults.json"
    faults.write_text('[{"instrument": "sr830", "at": 0, "kind": "earthquake"}]')
    assert main(["bench", "serve", "--faults", str(faults)]) == 2
    assert "earthquake" in capsys.readouterr().err

"""`twinrig bench serve`: its lines, its bench file, its end."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest
from served_rig import served_rig, start, stop_signal

from app.cli import main
from app.operations.serve import Listening, serve
from instruments.clock import Stop
from models.errors import InputError, StoppedError

if TYPE_CHECKING:
    from pathlib import Path


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

"""Ctrl-C and SIGTERM in the middle of a run on a rig in another process: it ends safe, exit 3."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from served_rig import ServedRig, served_rig, start, stop_signal

from app.cli.arguments import build_parser
from app.cli.main import main
from app.commands import COMMANDS
from app.connect import Run
from app.store import read_recording

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]

STOPS = [stop_signal(), *([] if os.name == "nt" else [signal.SIGTERM, signal.SIGHUP])]
SEQUENCES = ("--sequences", "mixed:3x60@1", "--repeats", "4")


def interrupt(
    process: subprocess.Popen[str], event: str, count: int, number: int
) -> list[dict[str, Any]]:
    """Stop a `--json` process after so many events of a kind; all its lines."""
    assert process.stdout is not None
    lines, seen = [], 0
    for text in process.stdout:
        lines.append(json.loads(text))
        seen += lines[-1]["event"] == event
        if seen == count:
            process.send_signal(number)
            break
    rest, errors = process.communicate(timeout=60)
    assert "Traceback" not in errors
    return lines + [json.loads(text) for text in rest.splitlines()]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["task", "digits"], True),
        (["evaluate", "twin", "recording"], True),
        (["import", "file.npz"], True),
        (["import", "file.npz", "--map", "drive=a:step", "--out", "recording"], False),
        (["export", "recording", "--out", "file.csv"], False),
    ],
)
def test_what_keeps_nothing_is_stopped_wherever_it_is(words: list[str], expected: bool) -> None:
    run, parsed = Run(print), build_parser().parse_args(words)
    COMMANDS[parsed.verb](parsed, run)
    assert run.keeps_nothing is expected


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[ServedRig]:
    with served_rig(tmp_path) as running:
        yield running


@pytest.mark.parametrize("number", STOPS)
def test_a_stopped_recording_ends_safe_and_goes_on_where_it_stood(
    rig: ServedRig, tmp_path: Path, number: int
) -> None:
    out = tmp_path / "recording"
    process = start("record", "--bench", rig.bench, *SEQUENCES, "--out", out, "--json")
    lines = interrupt(process, "stepread", 90, number)
    assert process.returncode == 3
    result = lines[-1]
    assert result["event"] == "result"
    assert result["status"] == "stopped"
    assert result["sequences"] == 3
    assert result["channels"] == ["X", "Y"]
    rig.assert_ended_safe()
    stopped = read_recording(out)
    assert stopped.status == "stopped"
    kept = stopped.response[stopped.complete]
    assert len(kept) >= 1

    goes_on = start("record", "--bench", rig.bench, "--resume", out, "--json")
    text, errors = goes_on.communicate(timeout=120)
    assert goes_on.returncode == 0, errors
    assert json.loads(text.splitlines()[-1])["status"] == "done"
    whole = read_recording(out)
    assert whole.status == "done"
    assert whole.complete.all()
    assert (whole.response[stopped.complete] == kept).all()


def test_a_second_ctrl_c_makes_the_rig_safe_once_more(rig: ServedRig, tmp_path: Path) -> None:
    out = tmp_path / "recording"
    process = start("record", "--bench", rig.bench, *SEQUENCES, "--out", out, "--json")
    assert process.stdout is not None
    for text in process.stdout:
        if json.loads(text)["event"] == "stepread":
            break
    process.send_signal(stop_signal())
    process.send_signal(stop_signal())
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 3
    assert "stopping" in errors
    rig.assert_ended_safe()


def test_fit_train_and_deploy_stop_with_exit_3_and_go_on(rig: ServedRig, tmp_path: Path) -> None:
    recording, twin, network, out = (tmp_path / n for n in ("rec", "twin", "net", "dep"))
    asked = ("--sequences", "mixed:8x24@2", "--repeats", "4")
    assert main(["record", "--bench", str(rig.bench), *asked, "--out", str(recording)]) == 0

    fit = start("fit", recording, "--iterations", "60", "--out", twin, "--json")
    lines = interrupt(fit, "fitprogress", 1, stop_signal())
    assert fit.returncode == 3
    assert lines[-1] == {**lines[-1], "event": "result", "status": "stopped", "path": str(twin)}
    assert main(["fit", "--resume", str(twin)]) == 0

    task = "mackey-glass:h=5,train=500,validation=150,test=60,washout=20"
    train = start(
        "train", "--task", task, "--twin", twin, "--layers", "3,3", "--iterations", "8",
        "--out", network, "--json",
    )  # fmt: skip
    interrupt(train, "trainprogress", 2, stop_signal())
    assert train.returncode == 3
    assert main(["train", "--resume", str(network)]) == 0

    deploy = start("deploy", network, "--bench", rig.bench, "--out", out, "--json")
    interrupt(deploy, "stepread", 100, stop_signal())
    assert deploy.returncode == 3
    rig.assert_ended_safe()
    kept = read_recording(out / "nodes")
    assert kept.status == "stopped"
    assert 1 <= kept.complete.sum() < 6
    assert main(["deploy", "--bench", str(rig.bench), "--resume", str(out)]) == 0
    rig.assert_ended_safe()
    whole = read_recording(out / "nodes")
    assert (whole.response[kept.complete] == kept.response[kept.complete]).all()


@pytest.mark.skipif(os.name == "nt", reason="os.kill ends a process of Windows")
@pytest.mark.parametrize(
    ("pressed", "code"),
    [
        ("sys.meta_path.insert(0, Presses())", 3),
        ("atexit.register(press)", 2),
        ("last = Last()", 2),
    ],
    ids=["while the command is imported", "after it is done", "while modules go"],
)
def test_ctrl_c_before_and_after_a_command_shows_no_traceback(pressed: str, code: int) -> None:
    script = f"""
import atexit, os, signal, sys
def press():
    os.kill(os.getpid(), signal.SIGINT)
class Presses:
    def find_spec(self, name, path=None, target=None):
        if name == "app.cli.types":
            press()
class Last:
    def __del__(self, kill=os.kill, process=os.getpid(), number=signal.SIGINT):
        kill(process, number)
from app.__main__ import main
{pressed}
sys.argv[1:] = ["bench", "check", "no.toml"]
sys.exit(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert ("no.toml" in done.stderr) == (code == 2)

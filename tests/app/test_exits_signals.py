"""Ctrl-C, SIGTERM, SIGHUP at every moment of a real process: safe, exit 3, the file is true."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from exits_cases import ACKNOWLEDGED_WITHIN_S, KINDS, TASK, Case, recording_in
from exits_rig import CLOCK, READOUT, SUPPLY, ExitRig, Message, exit_rig
from network_samples import saved_network
from served_rig import ROOT, command, start

from app.operations.safely import EACH_S
from app.store import load_network
from instruments.bench import Bench

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals between processes are POSIX")

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
MOMENTS = (
    "connecting", "energise", "reset", "ramp", "hold", "read", "verify", "between", "writing",
    "ramp-down",
)  # fmt: skip
CASES = [(name, moment, times) for name in SIGNALS for moment in MOMENTS for times in (1, 2)]
SMALL = [
    ("record", "SIGINT", "ramp", 1), ("record", "SIGTERM", "hold", 2),
    ("record", "SIGHUP", "verify", 1), ("record", "SIGINT", "ramp-down", 2),
    ("record", "SIGTERM", "connecting", 1), ("deploy", "SIGHUP", "read", 1),
]  # fmt: skip
STEPS = 6


@dataclass
class SignalCase(Case):
    """A process that gets `times` signals at a moment that the wire shows."""

    process: subprocess.Popen[str] | None = None
    number: int = 0
    times: int = 1
    acknowledged_s: float = 0.0
    errors: list[str] = field(default_factory=list)

    def _is_now(self, message: Message) -> bool:
        behind_two = self._reads == 2 * (self.steps + 1)
        if self.moment == "writing":  # the last question before a repeat goes to disk
            return behind_two and message.model == READOUT and message.text == "ERRS?"
        if self.moment == "between":  # the first after it
            return behind_two and message.model == CLOCK and message.text == "TIME?"
        if self.moment == "ramp-down" and not self.leaving:
            at_ramp = message.model == SUPPLY and message.text.startswith("CURR ")
            if at_ramp and self._reads == self.steps + 2:
                self.leaving = True
                self._send()
            return False
        return super()._is_now(message)

    def come(self) -> None:
        """Send the signals."""
        self.came_s = time.monotonic()
        for _ in range(self.times):
            self._send()

    def _send(self) -> None:
        assert self.process is not None
        self.process.send_signal(self.number)

    def listen(self) -> None:
        """Read what the process says to people, and when it first acknowledged."""
        assert self.process is not None
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if "stopping" in line and not self.acknowledged_s:
                self.acknowledged_s = time.monotonic()
            self.errors.append(line)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of 2 + 2 nodes for the rigs of this module."""
    folder = tmp_path_factory.mktemp("kept")
    with exit_rig() as rig, Bench.connect(rig.spec()) as bench:
        saved_network(bench, folder, task=TASK)
    return folder / "network"


def command_of(kind: str, rig: ExitRig, folder: Path, network: Path) -> list[str | Path]:
    """The command line of a run long enough to be stopped anywhere."""
    bench = folder / "bench.toml"
    bench.write_text(rig.text)
    out = ("--bench", bench, "--out", folder / "out")
    if kind == "deploy":
        return ["deploy", network, *out]
    return ["record", *out, "--sequences", f"mixed:3x{STEPS}@1", "--repeats", "40"]


def run_case(
    kind: str, name: str, moment: str, times: int, network: Path, folder: Path
) -> SignalCase:
    """One process, judged on the wire, on disk, by its exit code and by the clock."""
    folder.mkdir(exist_ok=True)
    steps = STEPS if kind == "record" else load_network(network).steps
    with exit_rig() as rig:
        case = SignalCase(rig, name, moment, steps, times=times)
        case.number = getattr(signal, name)
        case.process = start(*command_of(kind, rig, folder, network))
        rig.watch = case.see
        ear = threading.Thread(target=case.listen)
        ear.start()
        code = case.process.wait(60)
        case.ended_s = time.monotonic()
        ear.join(10)
        assert case.process.stdout is not None
        case.process.stdout.close()
        case.process.stderr.close()  # type: ignore[union-attr]
        problems = rig.unsafe_ends()
    if not case.came_s:
        problems.append("the moment never came")
    if code != 3:
        problems.append(f"exit code {code}: {''.join(case.errors)[-800:]}")
    if not case.acknowledged_s or case.acknowledged_s - case.came_s > ACKNOWLEDGED_WITHIN_S:
        problems.append("not acknowledged in time")
    if case.ended_s - case.came_s > 2 * ACKNOWLEDGED_WITHIN_S:  # the interpreter's end included
        problems.append(f"ended {case.ended_s - case.came_s:.1f} s after the signal")
    left = recording_in(folder / "out", kind)
    expected = None if moment == "connecting" else "stopped"
    if (None if left is None else left.status) != expected:
        problems.append(f"the file says {left and left.status}")
    if (
        left is not None
        and moment in ("reset", "ramp", "read", "between")
        and not left.complete.any()
    ):
        problems.append("the first repeat was not kept")
    assert problems == [], f"{kind}: {times} {name} at {moment}: {problems}"
    return case


@pytest.mark.parametrize(("kind", "name", "moment", "times"), SMALL)
def test_a_signal_ends_safe(
    kind: str, name: str, moment: str, times: int, network: Path, tmp_path: Path
) -> None:
    run_case(kind, name, moment, times, network, tmp_path)


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_every_signal_at_every_moment_ends_safe(network: Path, tmp_path: Path) -> None:
    said_s = ended_s = 0.0
    for kind in KINDS:
        for number, (name, moment, times) in enumerate(CASES):
            case = run_case(kind, name, moment, times, network, tmp_path / f"{kind}-{number}")
            said_s = max(said_s, case.acknowledged_s - case.came_s)
            ended_s = max(ended_s, case.ended_s - case.came_s)
    print(  # noqa: T201
        f"\n{len(SIGNALS)} signals, once and twice × {len(MOMENTS)} moments × {len(KINDS)} "
        f"operations = {len(CASES) * len(KINDS)} processes, all safe, exit 3; acknowledged within "
        f"{said_s:.2f} s, process ended within {ended_s:.2f} s of the signal"
    )


def test_a_stop_in_a_long_hold_is_not_waited_for(tmp_path: Path, network: Path) -> None:
    with exit_rig(hold_s=60.0, accelerate=10.0) as rig:  # six seconds of the computer a hold
        case = SignalCase(rig, "SIGINT", "connecting", STEPS, number=signal.SIGINT)
        case.process = start(*command_of("record", rig, tmp_path, network))
        held = threading.Event()

        def watch(message: Message) -> None:
            if message.model == CLOCK and message.text == "ADVANCE 1.000000000":
                held.set()  # the first piece of a hold

        rig.watch = watch
        assert held.wait(30)
        time.sleep(0.3)
        case.come()
        case.listen()
        assert case.process.wait(30) == 3
        case.ended_s = time.monotonic()
        case.process.communicate()
        assert case.acknowledged_s - case.came_s < ACKNOWLEDGED_WITHIN_S
        assert case.ended_s - case.came_s < 2 * ACKNOWLEDGED_WITHIN_S
        assert rig.unsafe_ends() == []


def test_nohup_keeps_a_run_alive_when_its_terminal_goes(tmp_path: Path, network: Path) -> None:
    with exit_rig() as rig:
        case = SignalCase(rig, "SIGHUP", "ramp", STEPS, number=signal.SIGHUP)
        line = command_of("record", rig, tmp_path, network)
        case.process = subprocess.Popen(
            ["nohup", sys.executable, "-m", "app", *map(str, line[:-1]), "2"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        rig.watch = case.see
        _, errors = case.process.communicate(timeout=60)
        assert case.came_s
        assert case.process.returncode == 0, errors
        assert rig.unsafe_ends() == []


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_terminal_that_closes_stops_the_run(
    options: list[str], tmp_path: Path, network: Path
) -> None:
    import fcntl
    import pty
    import termios

    ours, theirs = pty.openpty()
    with exit_rig() as rig:
        case = SignalCase(rig, "SIGHUP", "ramp", STEPS)
        line = command_of("record", rig, tmp_path, network)
        rig.watch = case.see
        case.come = lambda: setattr(case, "came_s", time.monotonic())  # type: ignore[method-assign]
        case.process = subprocess.Popen(
            [*command(*line), *options], cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs,
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(theirs)
        read_along(ours, case)
        assert case.process.wait(60) == 3
        assert rig.unsafe_ends() == []
    left = recording_in(tmp_path / "out", "record")
    assert left is not None
    assert left.status == "stopped"
    assert left.complete.any()


def read_along(terminal: int, case: Case) -> None:
    """Take what is written to the terminal, and close it when the case's moment comes."""
    while not case.came_s:
        if select.select([terminal], [], [], 0.005)[0]:
            os.read(terminal, 65536)
    os.close(terminal)


def test_a_supply_that_is_gone_is_said_each_second_with_what_to_do_by_hand(
    tmp_path: Path, network: Path
) -> None:
    with exit_rig() as rig:
        process = start(*command_of("record", rig, tmp_path, network))

        def watch(message: Message) -> None:
            if message.model == SUPPLY and message.text.startswith("CURR 7"):
                rig.lose(3600.0, SUPPLY)

        rig.watch = watch
        said: list[tuple[float, str]] = []
        assert process.stderr is not None
        for line in process.stderr:
            said.append((time.monotonic(), line))
        assert process.wait(60) == 1
        process.communicate()
    tries = [at_s for at_s, line in said if "not safe" in line]
    gaps_s = [b - a for a, b in pairwise(tries)]
    assert len(tries) >= 8
    assert max(gaps_s) < EACH_S + ACKNOWLEDGED_WITHIN_S
    text = "".join(line for _, line in said)
    assert "COULD NOT BE MADE SAFE" in text
    assert "Switch the supply off at its front panel" in text
    assert f"`twinrig safe {tmp_path / 'bench.toml'}` says what it finds" in text
    left = recording_in(tmp_path / "out", "record")
    assert left is not None
    assert left.status == "failed"
    assert any("COULD NOT BE MADE SAFE" in remark for remark in left.meta["remarks"])

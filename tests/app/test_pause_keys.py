"""p and Enter on a real terminal pause a run and let it go on."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from served_rig import ROOT, command

from app.store import read_recording

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a pseudo-terminal is POSIX")


class Terminal:
    """A program on a pseudo-terminal, and what it has shown."""

    def __init__(self, *arguments: str | Path) -> None:
        import pty

        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            command(*arguments), cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs,
            start_new_session=True, preexec_fn=lambda: _control(theirs),
            env={**os.environ, "TERM": "dumb", "COLUMNS": "120"},
        )  # fmt: skip
        os.close(theirs)
        self.shown = ""

    def press(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def read_until(self, words: str, seconds: float = 60.0) -> None:
        end = time.monotonic() + seconds
        while not re.search(words, self.shown):
            assert time.monotonic() < end, self.shown[-2000:]
            ready, _, _ = select.select([self._ours], [], [], 0.2)
            if ready:
                try:
                    self.shown += os.read(self._ours, 65536).decode(errors="replace")
                except OSError:  # it has ended
                    assert re.search(words, self.shown), self.shown[-2000:]

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(20)
        os.close(self._ours)


def _control(terminal: int) -> None:
    """Make the terminal the new session's own, as a shell has it."""
    import fcntl
    import termios

    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)


def test_p_and_enter_pause_a_recording_and_let_it_go_on(tmp_path: Path) -> None:
    terminal = Terminal(
        "record", "--bench", "virtual", "--accelerate", "10", "--sequences", "mixed:2x40",
        "--repeats", "12", "--out", tmp_path / "r",
    )  # fmt: skip
    try:
        terminal.read_until("p and Enter: pause")
        terminal.press("x\n")  # another key does nothing
        terminal.press("p\n")
        terminal.read_until("pausing after this repeat")
        terminal.read_until("paused at zero current")
        before = int(read_recording(tmp_path / "r").complete.sum())
        time.sleep(1.2)
        assert int(read_recording(tmp_path / "r").complete.sum()) == before < 24
        terminal.press("p\n")
        terminal.read_until("going on after")
        terminal.read_until("status +done")
        assert terminal.process.wait(20) == 0
    finally:
        terminal.close()
    assert read_recording(tmp_path / "r").complete.all()


def test_a_run_whose_input_is_no_terminal_reads_nothing(tmp_path: Path) -> None:
    ended = subprocess.run(
        command(
            "record", "--bench", "virtual", "--sequences", "mixed:1x5", "--repeats", "2",
            "--out", tmp_path / "r",
        ),
        cwd=ROOT, input="p\np\n", capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert ended.returncode == 0
    assert "paus" not in ended.stderr


@contextmanager
def a_shell_s_job(*arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    """A command in a process group of its own, which a terminal's Ctrl-Z would suspend."""
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        command(*arguments), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe,
        text=True, process_group=0,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=20)


def is_suspended(process: subprocess.Popen[str]) -> bool:
    """Whether it is, a moment later."""
    time.sleep(0.5)
    seen = os.WSTOPPED | os.WNOHANG | os.WNOWAIT
    return os.waitid(os.P_PID, process.pid, seen) is not None


def test_ctrl_z_does_not_suspend_a_run_that_may_have_energised_its_magnet(tmp_path: Path) -> None:
    with a_shell_s_job(
        "record", "--bench", "virtual", "--accelerate", "1", "--sequences", "mixed:1x40",
        "--repeats", "3", "--out", tmp_path / "r", "--json",
    ) as run:  # fmt: skip
        assert run.stdout is not None
        assert any('"stepread"' in line for line in run.stdout)
        run.send_signal(signal.SIGTSTP)
        assert not is_suspended(run)
        _, said = run.communicate(timeout=60)
        assert run.returncode == 0
    assert "Ctrl-Z is not obeyed" in said
    assert read_recording(tmp_path / "r").complete.all()


def test_ctrl_z_suspends_what_energises_nothing_until_it_is_told_to_go_on() -> None:
    with a_shell_s_job("monitor", "--bench", "virtual", "--seconds", "4", "--json") as run:
        assert run.stdout is not None
        assert '"benchread"' in run.stdout.readline()
        run.send_signal(signal.SIGTSTP)
        assert is_suspended(run)
        run.send_signal(signal.SIGCONT)
        assert not is_suspended(run)
        run.send_signal(signal.SIGTSTP)  # and a second time
        assert is_suspended(run)
        run.send_signal(signal.SIGCONT)
        _, said = run.communicate(timeout=60)
        assert run.returncode == 0
    assert "Ctrl-Z" not in said

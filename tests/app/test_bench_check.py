"""`twinrig bench check` as a user meets it: the tree, the question, exit codes, Ctrl-C."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from served_rig import RAMP_A_PER_S, ROOT, ServedRig, command, served_rig, start

from app.cli.main import main
from instruments.bench_file import read_bench

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NEEDS_PTY = pytest.mark.skipif(sys.platform == "win32", reason="a pseudo terminal")


def orders(rig: ServedRig) -> list[str]:
    """What was sent to the supply that is no query."""
    return [m["data"].strip() for m in rig.messages() if "?" not in m["data"]]


def result_of(text: str) -> dict[str, Any]:
    return dict(json.loads(text.splitlines()[-1]))


SILENT = """
[magnet.x]
driver = "kepco-bop"
resource = "TCPIP0::127.0.0.1::{}::SOCKET"
tesla_per_ampere = 4.0e-4
max_current_A = 11.0
max_ramp_A_per_s = 2000.0
timeout_s = 60.0
[readout.lockin]
driver = "sr830"
resource = "TCPIP0::127.0.0.1::{}::SOCKET"
timeout_s = 60.0
[drive]
encoding = "amplitude"
low_T = 0.0022
high_T = 0.0034
[reset]
field_T = 0.0040
"""


@contextmanager
def silent_rig(folder: Path) -> Iterator[Path]:
    """A bench whose two instruments take connections and say nothing."""
    with ExitStack() as stack:
        servers = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(2)]
        bench = folder / "silent.toml"
        bench.write_text(SILENT.format(*(one.getsockname()[1] for one in servers)))
        yield bench


def test_a_tree_for_people_with_every_failure_and_its_hint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with served_rig(tmp_path) as rig:
        spec = read_bench(rig.bench)
        swapped = rig.bench.read_text().replace(spec.readouts["lockin"].resource, "GPIB0::8::INSTR")
        rig.bench.write_text(swapped)
        assert main(["bench", "check", str(rig.bench)]) == 1
        shown = capsys.readouterr().out
        assert "2 instruments: 1 ok, 1 failed" in shown
        assert "ok        x: kepco-bop" in shown
        assert "FAILED    lockin: sr830 at GPIB0::8::INSTR" in shown
        assert "PROBLEM" in shown
        assert "hint:" in shown
        assert orders(rig) == []


def test_an_output_found_on_is_to_be_looked_at_and_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with served_rig(tmp_path) as rig:
        by_hand(rig, "CURR 3", "OUTP ON")
        before = len(rig.messages())
        assert main(["bench", "check", str(rig.bench)]) == 0
        shown = capsys.readouterr().out
        assert "ATTENTION x" in shown
        assert "its output is on" in shown
        assert f"`twinrig safe {rig.bench}`" in " ".join(shown.split())
        assert all("?" in m["data"] for m in rig.messages()[before:])


def by_hand(rig: ServedRig, *commands: str) -> None:
    """What someone sent to the supply from another program."""
    _, host, port, _ = read_bench(rig.bench).magnets["x"].resource.split("::")
    with socket.create_connection((host, int(port)), timeout=5) as link:
        link.sendall("".join(f"{c}\n" for c in (*commands, "*IDN?")).encode())
        assert link.recv(200).startswith(b"KEPCO")


def test_the_wire_log_of_a_check_holds_queries_only(tmp_path: Path) -> None:
    log = tmp_path / "check.jsonl"
    with served_rig(tmp_path) as rig:
        assert main(["bench", "check", str(rig.bench), "--wire-log", str(log)]) == 0
    sent = [m for line in log.read_text().splitlines() if (m := json.loads(line))]
    out = [m["data"] for m in sent if m["direction"] == "out"]
    assert len(out) > 20
    assert [data for data in out if "?" not in data] == []


def test_energise_sets_reads_back_and_ramps_down_within_the_limit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with served_rig(tmp_path) as rig:
        slow = rig.bench.read_text().replace(f"= {RAMP_A_PER_S}", "= 1.0")
        rig.bench.write_text(slow)
        asked = ["bench", "check", str(rig.bench), "--energise", "0.1", "--yes", "--json"]
        assert main(asked) == 0
        proved = result_of(capsys.readouterr().out)["instruments"]["x"]["energised"]
        assert proved["ok"] is True
        assert proved["setpoint_A"] == pytest.approx(0.1)
        assert proved["measured_A"] == pytest.approx(0.1, abs=0.01)
        assert orders(rig)[-1] == "OUTP OFF"
        sets = rig.sets()
        assert max(current for _, current in sets) == pytest.approx(0.1)
        assert len(sets) > 8
        for (before_s, before_A), (now_s, now_A) in pairwise(sets):
            assert abs(now_A - before_A) <= max(now_s - before_s, 0.02) * 1.0 + 1e-5


def test_too_much_or_a_rig_that_is_on_is_exit_4_before_a_set(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with served_rig(tmp_path) as rig:
        asked = ["bench", "check", str(rig.bench), "--yes", "--energise"]
        assert main([*asked, "0.111"]) == 4
        assert "1 % of max_current_A" in capsys.readouterr().err
        assert rig.messages() == []
        by_hand(rig, "CURR 3", "OUTP ON")
        before = len(rig.messages())
        assert main([*asked, "0.1"]) == 4
        assert "found energised" in capsys.readouterr().err
        assert all("?" in m["data"] for m in rig.messages()[before:])


def test_nobody_to_ask_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "check", "virtual", "--energise", "0.1", "--json"]) == 2
    assert "nobody can answer" in capsys.readouterr().err
    assert main(["bench", "check", "virtual", "--yes"]) == 2
    assert main(["bench", "check", "virtual", "--energise", "0"]) == 2


class Terminal:
    """A command on a pseudo terminal: what it shows, what is typed."""

    def __init__(self, *arguments: str | Path) -> None:
        import pty

        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            command(*arguments), cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs,
            start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        self.shown = ""

    def read_until(self, words: str, longest_s: float = 30.0) -> None:
        end = time.monotonic() + longest_s
        while words not in self.shown:
            assert time.monotonic() < end, self.shown
            if select.select([self._ours], [], [], 0.1)[0]:
                try:
                    self.shown += os.read(self._ours, 4096).decode(errors="replace")
                except OSError:  # the other end is closed
                    assert words in self.shown, self.shown

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def end(self, longest_s: float = 20.0) -> int:
        end = time.monotonic() + longest_s
        while self.process.poll() is None and time.monotonic() < end:
            if select.select([self._ours], [], [], 0.1)[0]:
                try:
                    self.shown += os.read(self._ours, 4096).decode(errors="replace")
                except OSError:
                    break
        code = self.process.wait(timeout=longest_s)
        os.close(self._ours)
        return code


@NEEDS_PTY
@pytest.mark.parametrize(("typed", "code"), [("yes\n", 0), ("no\n", 3), ("\n", 3)])
def test_the_question_names_current_field_and_magnet_and_is_obeyed(
    tmp_path: Path, typed: str, code: int
) -> None:
    with served_rig(tmp_path) as rig:
        terminal = Terminal("bench", "check", rig.bench, "--energise", "0.1")
        terminal.read_until("Type yes")
        assert "x: 0.1 A = 0.04 mT" in terminal.shown
        assert orders(rig) == []
        terminal.type(typed)
        assert terminal.end() == code
        assert ("OUTP ON" in orders(rig)) == (code == 0)
        if code == 0:
            assert orders(rig)[-1] == "OUTP OFF"


@NEEDS_PTY
def test_ctrl_c_ends_the_question_with_nothing_set(tmp_path: Path) -> None:
    with served_rig(tmp_path) as rig:
        terminal = Terminal("bench", "check", rig.bench, "--energise", "0.1")
        terminal.read_until("Type yes")
        begin = time.monotonic()
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.end() == 3
        assert time.monotonic() - begin < 2.0
        assert orders(rig) == []


@pytest.mark.skipif(sys.platform == "win32", reason="signals to a process")
def test_ctrl_c_ends_a_check_of_silent_instruments_within_two_seconds(tmp_path: Path) -> None:
    with silent_rig(tmp_path) as bench:
        process = start("bench", "check", bench)
        assert process.stderr is not None
        assert "check the bench" in process.stderr.readline()
        time.sleep(0.5)
        begin = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
        assert time.monotonic() - begin < 2.0
        assert process.returncode == 3
        assert "stopp" in said


@pytest.mark.skipif(sys.platform == "win32", reason="signals to a process")
def test_ctrl_c_while_a_magnet_is_proved_ends_safe(tmp_path: Path) -> None:
    with served_rig(tmp_path, accelerate=1.0) as rig:
        slow = rig.bench.read_text().replace(f"= {RAMP_A_PER_S}", "= 0.05")  # two seconds up
        rig.bench.write_text(slow)
        process = start("bench", "check", rig.bench, "--energise", "0.1", "--yes")
        until = time.monotonic() + 20
        while len(rig.sets()) < 20 and time.monotonic() < until:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
        assert process.returncode == 3, said
        assert orders(rig)[-1] == "OUTP OFF"
        assert rig.sets()[-1][1] == 0
        assert max(current for _, current in rig.sets()) < 0.1

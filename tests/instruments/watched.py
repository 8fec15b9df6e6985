"""A program that energises a bench, in a process of its own, to be killed; and what comes after."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from instruments.watchdog_log import log_path

ROOT = Path(__file__).parents[2]
RAMP_A_PER_S = 20.0
PROGRAM = """
import os, subprocess, sys, time
from instruments.bench import Bench
from instruments.bench_file import read_bench
bench = Bench.connect(read_bench(sys.argv[1]))
bench.note = lambda words: print("note:", words, flush=True)
bench.energise()
bench.step(0.0030, bench.spec.window)
print("energised", bench.watchdog.pid, flush=True)
for line in sys.stdin:
    exec(line)
    print("done", flush=True)
"""


class Program:
    """The running program; `watchdog` is the process number of its watchdog."""

    def __init__(self, process):
        self.process = process
        self.notes = []
        self.watchdog = int(self.wait_for("energised").split()[1])

    def wait_for(self, word):
        """The line that begins so; notes before it are kept."""
        while line := self.process.stdout.readline():
            if line.startswith(word):
                return line.strip()
            self.notes.append(line.strip())
        raise AssertionError(f"ended before {word!r}: {self.notes}")

    def do(self, code):
        """Run a line of code in it."""
        self.process.stdin.write(code + "\n")
        self.process.stdin.flush()
        self.wait_for("done")

    def kill(self):
        """Kill it with SIGKILL (its end on Windows); returns when."""
        when_s = time.monotonic()
        self.process.kill()
        self.process.wait(10)
        return when_s


def slow(text):
    """A bench text whose ramp is slow enough to be seen on the wire: 0.4 A a tick."""
    return text.replace("max_ramp_A_per_s = 2000.0", f"max_ramp_A_per_s = {RAMP_A_PER_S}")


@contextmanager
def program(text, folder, **environment):
    """The program on a bench's text, energised at 7.5 A."""
    bench = folder / "bench.toml"
    bench.write_text(slow(text))
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(bench)],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Program(process)
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def until(condition, seconds=60.0):
    """Wait until a condition holds; returns when it did."""
    end_s = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end_s, "waited in vain"
        time.sleep(0.01)
    return time.monotonic()


def is_loaded(pid):
    """Whether a watchdog has loaded what it needs, and has said so in its log."""
    try:
        return f"[{pid}] watching " in log_path().read_text("utf-8")
    except OSError:
        return False


def is_alive(pid):
    """Whether a process runs (a zombie does not)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def children_of(pid):
    """Process numbers of a process's children."""
    return {int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}

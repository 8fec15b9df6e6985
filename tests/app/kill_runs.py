"""Programs killed with SIGKILL on a served rig: what they had announced, what the wire shows."""

from __future__ import annotations

import json
import random
import statistics
import threading
import time
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from served_rig import RAMP_A_PER_S, TICK_S, ServedRig, start

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

SAFE_WITHIN_S = 10.0  # host time from the kill to the output's end; ramps are 0.2 s of device time
IN_FLIGHT_S = 0.1  # what was sent before the kill has arrived by then


@dataclass
class Killed:
    """A program that was killed: whole lines of its standard output, host time of the kill."""

    events: list[dict[str, Any]]
    when_s: float

    def announced(self, complete: str) -> list[tuple[dict[str, Any], NDArray[np.float64]]]:
        """Each repeat or node printed as complete, with its steps' values `(T, C)` as printed."""
        found: list[tuple[dict[str, Any], NDArray[np.float64]]] = []
        steps: list[list[float]] = []
        for event in self.events:
            if event["event"] == "stepread":
                steps = [*steps[: event["step"]], event["values"]]
            elif event["event"] == complete:
                found.append((event, np.array(steps)))
                steps = []
        return found


def killed(delay_s: float, *arguments: str | Path) -> Killed:
    """Run a command, SIGKILL it so long after it has said its plan."""
    lines: list[str] = []
    planned = threading.Event()

    def read() -> None:
        for line in process.stdout or ():
            lines.append(line)
            if '"runplan"' in line:
                planned.set()
        planned.set()

    process = start(*arguments, "--json")
    reader = threading.Thread(target=read)
    reader.start()
    assert planned.wait(60)
    time.sleep(delay_s)
    process.kill()
    when_s = time.time()
    process.wait()
    reader.join()
    assert process.stderr is not None
    words = process.stderr.read()
    for stream in (process.stdout, process.stderr):
        assert stream is not None
        stream.close()
    events = [json.loads(line) for line in lines if line.endswith("\n")]
    assert any(e["event"] == "runplan" for e in events), words
    return Killed(events, when_s)


@dataclass
class Wire:
    """What a served rig's supply was sent from now on."""

    rig: ServedRig
    begin: int = field(init=False)

    def __post_init__(self) -> None:
        self.begin = self.rig.wire_log.stat().st_size

    def orders(self) -> list[dict[str, Any]]:
        """The commands (no queries) to the supply, in order."""
        with self.rig.wire_log.open("rb") as file:
            file.seek(self.begin)
            lines = file.read().decode().splitlines(keepends=True)
        sent = [json.loads(line) for line in lines if line.endswith("\n")]
        return [
            m
            for m in sent
            if m["model"] == "kepco-bop" and m["direction"] == "out" and "?" not in m["data"]
        ]

    def output_off_s(self) -> float | None:
        """Host time of the last switch of the output, where it was off; None while it is on."""
        switches = [m for m in self.orders() if m["data"].startswith("OUTP")]
        if not switches:
            return 0.0
        return None if switches[-1]["data"].strip() == "OUTP ON" else float(switches[-1]["host_s"])

    def safe_after(self, when_s: float) -> float | None:
        """Wait for the safe state; s after `when_s`, None where it was safe before."""
        time.sleep(IN_FLIGHT_S)
        end_s = time.monotonic() + SAFE_WITHIN_S
        while (off_s := self.output_off_s()) is None:
            assert time.monotonic() < end_s, f"still energised {SAFE_WITHIN_S} s after the kill"
            time.sleep(0.02)
        return off_s - when_s if off_s > when_s else None

    def assert_walked(self) -> None:
        """Every set within the ramp; zero before each switching off, which comes last."""
        orders = self.orders()
        last_A, sets = 0.0, []
        for m in orders:
            data = m["data"].strip()
            if data.startswith("CURR "):
                last_A = float(data.split()[1])
                sets.append((m["device_s"], last_A))
            assert data not in ("OUTP OFF", "OUTP 0") or last_A == 0.0
        assert not orders or orders[-1]["data"].strip() != "OUTP ON"
        for (before_s, before_A), (now_s, now_A) in pairwise(sets):
            allowed_A = RAMP_A_PER_S * min(max(now_s - before_s, TICK_S), TICK_S)
            assert abs(now_A - before_A) <= allowed_A + 1e-4, (before_A, now_A)


@dataclass
class Tally:
    """What many kills came to."""

    kind: str
    kills: int = 0
    announced: int = 0
    before_energised: int = 0
    after_the_end: int = 0
    at_once: int = 0
    safe_after_s: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        waits = self.safe_after_s
        times = "none was energised"
        if waits:
            times = (
                f"made safe by the watchdog {len(waits)}: output off "
                f"{statistics.median(waits):.2f} s after the kill (median), "
                f"{max(waits):.2f} s at most"
            )
        return (
            f"{self.kind}: {self.kills} kills, {self.announced} announced before them, 0 lost; "
            f"safe at the kill {self.before_energised}, continued at once {self.at_once}; {times}"
        )


def instants(count: int, longest_s: float, seed: int) -> Iterator[tuple[float, bool]]:
    """Random delays, and whether the run is continued at once (each fifth)."""
    rng = random.Random(seed)
    for number in range(count):
        yield rng.uniform(0.0, longest_s), number % 5 == 4

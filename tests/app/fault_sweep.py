"""One fault at one message of a recording on the TCP rig, judged by what the rig itself knows.

The judge never believes the program: it compares the stored samples with the gates that the
virtual lock-in really made, the coil's real current at each, and its settings, all noted on the
rig's side of the wire before a fault touches an answer.
"""

from __future__ import annotations

import math
import multiprocessing
import re
import threading
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from fault_truth import CLOCK, LOCK_IN, SUPPLY, Truth

from app.operations.events import Event, Note, Result
from app.operations.record import record
from app.store import read_recording
from instruments.bench import Bench
from instruments.bench_file import parse_bench
from instruments.clock import Stop
from instruments.virtual.bench_text import bench_text
from instruments.virtual.faults import Fault, FaultScript, fault
from instruments.virtual.rig import VirtualRig
from instruments.virtual.server import RigServer
from models.errors import TwinrigError
from models.sequence import FieldSequence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from models.recording import Recording

SEQUENCES = [FieldSequence(np.array([0.0, 1.0, 0.4])), FieldSequence(np.array([0.9, 0.2, 0.1]))]
REPEATS = 2
TIMEOUT_S = 0.15  # of an answer in the sweep: a bench file's key, short so that it is affordable
GIVE_UP_S = 1.0  # of make_safe, likewise
QUIET_S = 2.0  # the issue: no event for so long is a hang
BUSY = ("no event", "acknowledged", "does not name")  # what a busy computer may be to blame for
TRIES = 3
NAMES = {SUPPLY: "x", LOCK_IN: "lockin", CLOCK: "clock"}

LOCK_IN_SETTINGS = {
    "time_constant_s": 0.01, "slope_dB_oct": 6, "sensitivity_V": 2e-4, "reserve": "normal",
    "harmonic": 2, "reference": "external", "reference_trigger": "sine", "frequency_Hz": 37.0,
    "phase_deg": 0.0, "amplitude_V": 0.004, "input": "A", "coupling": "AC", "shield": "float",
    "notch": "none", "synchronous_filter": "on", "channels": ["X", "Y"],
}  # fmt: skip

# label: (kind, what it is given); pauses are shorter (joined) and longer than the time-out
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "silence, answer lost": ("silence", {}),
    "silence, message lost": ("silence", {"lost": True}),
    "silence, deaf for 1 s": ("silence", {"lost": True, "seconds": 1.0}),
    "late": ("late", {"seconds": 2 * TIMEOUT_S}),
    "garbage": ("garbage", {"text": "#?~\xff!"}),
    "garbage, a number": ("garbage", {"text": "7.5"}),
    "truncated": ("truncated", {}),
    "truncated, terminated": ("truncated", {"terminated": True}),
    "two pieces, short pause": ("two-pieces", {"seconds": TIMEOUT_S / 3}),
    "two pieces, long pause": ("two-pieces", {"seconds": 2 * TIMEOUT_S}),
    "dropped": ("dropped", {}),
    "dropped, carried out": ("dropped", {"lost": False}),
    "dropped, refused for 0.6 s": ("dropped", {"seconds": 0.6}),
    "wrong instrument": ("wrong-instrument", {}),
    "overload": ("overload", {"size": 1.0}),
    "quench": ("quench", {"size": 50.0}),
    "compliance": ("compliance", {"size": 7.0}),
    "error queue": ("error-queue", {}),
    "power cycle": ("power-cycle", {}),
}
INSIDE = {
    SUPPLY: ("quench", "compliance", "error queue", "power cycle"),
    LOCK_IN: ("overload", "error queue", "power cycle"),
    CLOCK: (),
}
ANYWHERE = tuple(label for label, (kind, _) in KINDS.items() if label not in
                 {"overload", "quench", "compliance", "error queue", "power cycle"})  # fmt: skip


@dataclass
class Outcome:
    """How one case went."""

    label: str
    injected: Fault | None
    happened: bool = False
    status: str = ""
    error: str = ""
    kind_of_error: str = ""
    retried: int = 0
    recorded: int = 0
    wrong: int = 0
    longest_gap: tuple[float, str] = (0.0, "")
    stop_s: float | None = None
    safe: bool = False
    told: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def end(self) -> str:
        """The column of the table."""
        if not self.error:
            return "done after retry" if self.retried else "done"
        return "ended safe" if self.safe else "ended loud"

    @property
    def may_be_busy(self) -> bool:
        """Whether a computer without time for this may be all that is wrong."""
        untouched = self.injected is None and bool(self.error)
        return untouched or any(words in p for p in self.problems for words in BUSY)

    def __str__(self) -> str:
        where = f"{self.injected.instrument} {self.injected.at}" if self.injected else "no fault"
        return f"{self.label} at {where}: {'; '.join(self.problems)} [{self.error[:300]}]"


class Pulse:
    """The times of everything that a user sees, and the longest wait for the next."""

    def __init__(self) -> None:
        self.last_s = time.monotonic()
        self.last = "the start"
        self.longest: tuple[float, str] = (0.0, "")

    def __call__(self, what: str) -> None:
        now_s = time.monotonic()
        self.longest = max(self.longest, (now_s - self.last_s, f"{self.last} … {what}"))
        self.last_s, self.last = now_s, what


@contextmanager
def served_truth(
    script: FaultScript, truth: Truth, prologix: tuple[str, ...] = ()
) -> Iterator[str]:
    """A rig on TCP in a thread; the text of its bench file, with short time-outs."""
    truth.rig = VirtualRig("leaky-integrator", (SUPPLY, LOCK_IN), 0, math.inf, faults=script)
    server, until = RigServer(truth.rig, prologix=prologix), threading.Event()
    thread = threading.Thread(target=server.run, args=(until,), daemon=True)
    thread.start()
    text = bench_text(truth.rig, server.resources, server.adapter)
    for key in (SUPPLY, LOCK_IN):
        text = text.replace(f'driver = "{key}"', f'driver = "{key}"\ntimeout_s = {TIMEOUT_S}')
    try:
        yield text
    finally:
        until.set()
        thread.join(5)
        server.close()


def run_case(label: str, instrument: str, at: int, out: Path, **run: Any) -> Outcome:
    """Record with one fault (label `""`: none) and judge what came of it; `run` as of `one_try`.

    A computer that is busy otherwise looks like a program that hangs, or like an instrument that
    is silent: such a case runs again, and is bad only where it is so every time.
    """
    for number in range(TRIES):
        outcome = one_try(label, instrument, at, out, **run)
        if not outcome.may_be_busy:
            break
        if number < TRIES - 1 and out.exists():
            out.rename(out.with_name(f"{out.name}-busy{number}"))
    return outcome


def one_try(
    label: str,
    instrument: str,
    at: int,
    out: Path,
    *,
    stop_after_s: float | None = None,
    operation: Callable[[Bench, Path], Iterator[Event]] | None = None,
    judge: Callable[[Outcome, Truth, Path], None] | None = None,
    truth_of: Callable[[], Truth] = Truth,
    prologix: tuple[str, ...] = (),
) -> Outcome:
    """Run a case once.

    `truth_of` makes the judge; `prologix`: models that are reached through a GPIB adapter.
    """
    injected = fault(instrument, at, KINDS[label][0], **KINDS[label][1]) if label else None
    outcome, truth, stop, pulse = Outcome(label, injected), truth_of(), Stop(), Pulse()
    stop_at: list[float] = []

    def happened(_: Fault) -> None:
        outcome.happened = True
        if stop_after_s is not None:
            threading.Timer(stop_after_s, ask_to_stop).start()

    def ask_to_stop() -> None:
        stop_at.append(time.monotonic())
        stop.request()

    script = FaultScript([injected] if injected else [], tell=happened, watch=truth.heard)
    with served_truth(script, truth, prologix) as text:
        try:
            with Bench.connect(parse_bench(text, "sweep"), stop=stop) as bench:
                _prepare(bench, outcome, pulse, stop_at)
                for event in (operation or _record)(bench, out):
                    pulse(type(event).__name__)
                    _note(outcome, event)
        except TwinrigError as error:
            outcome.kind_of_error = type(error).__name__
            outcome.error = "\n".join([str(error), *getattr(error, "__notes__", ())])
        pulse("the end")
        outcome.counts = {key: script.count(key) for key in NAMES}
    outcome.longest_gap = pulse.longest
    outcome.safe = truth.is_safe()
    (judge or judge_recording)(outcome, truth, out)
    _judge(outcome, stopped=bool(stop_at))
    return outcome


def _prepare(bench: Bench, outcome: Outcome, pulse: Pulse, stop_at: list[float]) -> None:
    bench.give_up_s = GIVE_UP_S
    bench.watchdog = None  # a process a case: room for it in its own tests
    clock: Any = bench.clock
    clock._session.timeout_s = TIMEOUT_S
    make_safe = bench.make_safe

    def tell(words: str) -> None:
        pulse("told")
        outcome.told.append(words)

    def seen_make_safe() -> list[str]:
        if stop_at and outcome.stop_s is None:
            outcome.stop_s = time.monotonic() - stop_at[0]
        return make_safe()

    bench.tell = tell
    bench.make_safe = seen_make_safe  # type: ignore[method-assign]


def _note(outcome: Outcome, event: Event) -> None:
    if isinstance(event, Note) and event.level == "warning":
        outcome.retried += "once more" in event.text
    if isinstance(event, Result):
        outcome.status = event.values.get("status", "done")  # a deployment says none


def _record(bench: Bench, out: Path) -> Iterator[Event]:
    return record(bench, SEQUENCES, REPEATS, out)


def judge_recording(outcome: Outcome, truth: Truth, out: Path) -> None:
    """Compare what was stored with what the rig did."""
    with suppress(TwinrigError):  # nothing was begun
        recording = read_recording(out)
        outcome.recorded = int(recording.complete.sum())
        outcome.wrong = wrong_repeats(recording, truth)
        ended_before = outcome.status == "done"  # what failed came after the run
        expected = {"failed", "stopped"} if outcome.error and not ended_before else {"done"}
        if recording.status not in expected:
            outcome.problems.append(f"status in the file is {recording.status!r}")
        if recording.status == "done" and not recording.complete.all():
            outcome.problems.append("done, and repeats are missing")
        if recording.status == "done" and recording.settings["lockin"] != LOCK_IN_SETTINGS:
            outcome.problems.append("wrong settings stored as good")
        return
    if not outcome.error:
        outcome.problems.append("no file and no error")


def wrong_repeats(recording: Recording, truth: Truth, tesla_per_ampere: float = 4e-4) -> int:
    """How many stored repeats are not what the rig's gates gave at the right currents."""
    reset_A = recording.reset.field_T / tesla_per_ampere
    wrong = 0
    for s, r in np.argwhere(recording.complete):
        length = int(recording.lengths[s])
        fields_T = recording.window.field_T(recording.drive[s, :length])
        currents_A = [reset_A, *(round(f / tesla_per_ampere, 6) for f in fields_T.tolist())]
        wrong += not truth.is_true(recording.response[s, r, :length], currents_A)
    return wrong


def _judge(outcome: Outcome, *, stopped: bool) -> None:
    """What may never be, whatever the fault."""
    text = outcome.error
    if outcome.wrong:
        outcome.problems.append(f"{outcome.wrong} wrong repeats stored as good")
    if not outcome.safe and "COULD NOT BE MADE SAFE" not in text:
        outcome.problems.append("left energised unnoticed")
    if outcome.longest_gap[0] > QUIET_S:
        outcome.problems.append("no event for {:.2f} s: {}".format(*outcome.longest_gap))
    if outcome.stop_s is not None and outcome.stop_s > QUIET_S:
        outcome.problems.append(f"Stop acknowledged after {outcome.stop_s:.2f} s")
    if text and outcome.injected and not stopped:
        name = NAMES[outcome.injected.instrument]
        if not re.search(rf"\b{name}\b", text):
            outcome.problems.append(f"the error does not name {name}")


Case = tuple[str, str, int, Path, "float | None"]  # label, instrument, message, folder, stop


def sweep(cases: list[Case], workers: int = 4, **run: Any) -> list[Outcome]:
    """The outcome of every case, several at a time; `run` goes to `one_try`.

    Those that a busy computer may have spoilt run again, alone.
    """
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=spawn) as pool:
        outcomes = list(pool.map(partial(_case, one_try, run), cases, chunksize=4))
    for number, (label, instrument, at, folder, stop_after_s) in enumerate(cases):
        if outcomes[number].may_be_busy:
            alone_in = folder.with_name(f"{folder.name}-alone")
            case = (label, instrument, at, alone_in, stop_after_s)
            outcomes[number] = _case(run_case, run, case)
    return outcomes


def _case(running: Callable[..., Outcome], run: dict[str, Any], case: Case) -> Outcome:
    *where, stop_after_s = case
    return running(*where, stop_after_s=stop_after_s, **run)


def cases_of(folder: Path, counts: dict[str, int], stop_after_s: float | None = None) -> list[Case]:
    """Every kind at every message of every instrument, for a run of so many messages."""
    return [
        (label, instrument, at, folder / f"{instrument}-{number}-{at}", stop_after_s)
        for instrument in NAMES
        for number, label in enumerate(labels_of(instrument))
        for at in range(counts[instrument])
    ]


def labels_of(instrument: str) -> tuple[str, ...]:
    """The kinds of fault that an instrument can have."""
    return ANYWHERE + INSIDE[instrument]


def table(outcomes: list[Outcome]) -> str:
    """The table of the README: one row a kind, all instruments together."""
    head = "kind|injected|done|done after retry|ended failed, safe|ended loud|wrong|hangs|unsafe"
    rows = [f"| {head.replace('|', ' | ')} |", "|---" * (head.count("|") + 1) + "|"]
    for label in KINDS:
        mine = [one for one in outcomes if one.label == label and one.happened]
        if not mine:
            continue
        ends = Counter(one.end for one in mine)
        bad = [sum(word in " ".join(one.problems) for one in mine)
               for word in ("wrong", "no event", "unnoticed")]  # fmt: skip
        cells = [ends[key] for key in ("done", "done after retry", "ended safe", "ended loud")]
        rows.append(" | ".join([f"| {label}", *map(str, [len(mine), *cells, *bad])]) + " |")
    return "\n".join(rows)

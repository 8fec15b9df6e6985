"""A disk that hangs, as a share whose server is away, or a reader that does: a Stop is followed."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from exits_rig import ExitRig, exit_rig, wait_for
from served_rig import served_rig, start, stop_signal

from app import journal
from app.disk import held_up, sync_directory, waiting_for, writing
from app.operations import beside, one_repeat
from app.operations.events import StepRead
from app.operations.record import record
from app.store import read_recording
from instruments.bench import Bench
from models.errors import StoppedError, TwinrigError
from models.sequence import make_sequences

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

POSIX = pytest.mark.skipif(os.name != "posix", reason="Windows has no signals to threads")


class HungDisk:
    """Whose next write of a run does not return until `back` is set."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.asked, self.back, self._write = (
            threading.Event(),
            threading.Event(),
            journal._write_all,
        )
        patch.setattr(journal, "_write_all", self._hangs)

    def _hangs(self, file: Any, content: bytes) -> None:
        self.asked.set()
        self.back.wait(60)
        self._write(file, content)


class Recording(threading.Thread):
    """A recording in a thread; how it ended."""

    def __init__(self, bench: Bench, out: Path) -> None:
        super().__init__(daemon=True)
        self.said: list[str] = []
        bench.tell = self.said.append
        self._events = record(bench, make_sequences("steps", 2, 40), 3, out)
        self.fault: Exception | None = None

    def run(self) -> None:
        """Take all events."""
        try:
            list(self._events)
        except Exception as fault:
            self.fault = fault


@pytest.fixture
def rig() -> Iterator[ExitRig]:
    with exit_rig(hold_s=0.01) as made:
        yield made


@pytest.fixture
def energised(rig: ExitRig, tmp_path: Path) -> Iterator[tuple[Bench, Recording]]:
    """A bench amid a recording."""
    with Bench.connect(rig.spec()) as bench:
        run = Recording(bench, tmp_path / "r")
        run.start()
        assert wait_for(lambda: any(m.text.startswith("CURR 1") for m in rig.sent))
        yield bench, run


def is_off(rig: ExitRig) -> bool:
    return rig.by_hand("OUTP?") == "0" and not rig.unsafe_ends()


def test_a_stop_brings_the_magnet_down_beside_a_run_whose_disk_hangs(
    rig: ExitRig, energised: tuple[Bench, Recording], tmp_path: Path, monkeypatch: Any
) -> None:
    """The current stood in the magnet until the share was back."""
    bench, run = energised
    disk = HungDisk(monkeypatch)
    assert disk.asked.wait(20)
    assert rig.by_hand("OUTP?") == "1"
    bench.stop.request()
    assert wait_for(lambda: is_off(rig), beside.OWN_WAY_S + 3)
    assert run.is_alive()
    disk.back.set()
    run.join(20)
    assert isinstance(run.fault, StoppedError)
    assert rig.unsafe_ends() == []
    assert read_recording(tmp_path / "r").status == "stopped"
    assert read_recording(tmp_path / "r").complete.any()


def test_a_disk_that_hangs_and_no_stop_change_no_field(
    rig: ExitRig, energised: tuple[Bench, Recording], monkeypatch: Any
) -> None:
    """Whoever wants the field gone says so: the run goes on where the disk comes back."""
    monkeypatch.setattr(beside, "OWN_WAY_S", 0.2)
    _, run = energised
    disk = HungDisk(monkeypatch)
    assert disk.asked.wait(20)
    here = len(rig.sent)
    assert not wait_for(lambda: len(rig.sent) > here, 1.0)
    disk.back.set()
    run.join(60)
    assert run.fault is None


def test_a_run_that_waits_for_its_disk_says_so_and_keeps_it_with_the_data(
    energised: tuple[Bench, Recording], tmp_path: Path, monkeypatch: Any
) -> None:
    """A magnet held its current for as long as a share was away, and nobody was told why."""
    monkeypatch.setattr(beside, "HELD_UP_S", 0.5)
    bench, run = energised
    said: list[str] = []
    bench.note = lambda words: said.append(words) if "the run" in words else None
    disk = HungDisk(monkeypatch)
    assert disk.asked.wait(20)
    assert wait_for(lambda: bool(said), 5)
    assert "the magnet keeps its current until it goes on; Stop brings it to zero" in said[0]
    assert str(tmp_path / "r") in said[0]
    time.sleep(1.0)
    assert len(said) == 1
    disk.back.set()
    run.join(60)
    assert run.fault is None
    waited = re.compile(r"the run waited [12] s for " + re.escape(str(tmp_path / "r")))
    assert any(map(waited.match, said))
    assert any(map(waited.search, read_recording(tmp_path / "r").meta["remarks"]))


def test_a_run_that_many_short_waits_hold_up_says_so_once(
    energised: tuple[Bench, Recording], tmp_path: Path, monkeypatch: Any
) -> None:
    """A slow reader, or a share that answers late: no wait was long, and nobody was told."""
    monkeypatch.setattr(beside, "HELD_UP_S", 0.6)
    bench, run = energised
    said: list[str] = []
    bench.note = lambda words: said.append(words) if "the run" in words else None
    plain = journal._write_all

    def slow(file: Any, content: bytes) -> None:
        time.sleep(0.2)
        plain(file, content)

    monkeypatch.setattr(journal, "_write_all", slow)
    run.join(60)
    assert run.fault is None
    assert len(said) == 1
    assert re.match(
        rf"within 20 s the run has waited 1 s for {re.escape(str(tmp_path / 'r'))}", said[0]
    )
    assert said[0] in read_recording(tmp_path / "r").meta["remarks"]


def test_a_repeat_that_was_held_up_between_two_steps_is_void_and_run_again(
    rig: ExitRig, tmp_path: Path, monkeypatch: Any
) -> None:
    """A step stood for as long as nobody read the events, and counted as good."""
    monkeypatch.setattr(one_repeat, "HELD_UP_S", 0.5)
    out, waited = tmp_path / "r", []
    with Bench.connect(rig.spec()) as bench:
        monkeypatch.setattr(bench.clock, "by_itself", True)  # as the computer's, of a real rig
        for event in record(bench, make_sequences("steps", 2, 12), 2, out):
            if isinstance(event, StepRead) and event.step in (5, 11) and event.step not in waited:
                waited.append(event.step)  # behind the last one nothing waits
                time.sleep(0.7)
    done = read_recording(out)
    assert (done.status, bool(done.complete.all())) == ("done", True)
    void = [words for words in done.meta["remarks"] if "void" in words]
    assert len(void) == 1
    assert re.search(r"once more: step 6 waited 0\.[78] s ", void[0])


def test_a_stop_while_a_step_waits_is_no_fault_of_the_repeat(
    rig: ExitRig, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(one_repeat, "HELD_UP_S", 0.3)
    with Bench.connect(rig.spec()) as bench:
        monkeypatch.setattr(bench.clock, "by_itself", True)

        def recorded() -> None:
            for event in record(bench, make_sequences("steps", 2, 12), 2, tmp_path / "r"):
                if isinstance(event, StepRead) and event.step == 5:
                    bench.stop.request()
                    assert wait_for(lambda: is_off(rig), beside.OWN_WAY_S + 3)  # beside the run

        with pytest.raises(StoppedError):
            recorded()
    assert read_recording(tmp_path / "r").status == "stopped"


def test_a_repeat_within_which_the_computer_slept_is_void_and_run_again(
    rig: ExitRig, tmp_path: Path, monkeypatch: Any
) -> None:
    """A lid that was closed: the field stood all night, and the repeat counted as good."""
    out, slept = tmp_path / "r", [0.0]
    monkeypatch.setattr(one_repeat, "suspended_s", lambda: slept[0])
    with Bench.connect(rig.spec()) as bench:
        monkeypatch.setattr(bench.clock, "by_itself", True)  # as the computer's, of a real rig
        for event in record(bench, make_sequences("steps", 2, 12), 2, out):
            if isinstance(event, StepRead) and event.step == 5 and not slept[0]:
                slept[0] = 3600.0
    done = read_recording(out)
    assert (done.status, bool(done.complete.all())) == ("done", True)
    void = [words for words in done.meta["remarks"] if "void" in words]
    assert len(void) == 1
    assert "suspended for 3600 s" in void[0]


def test_a_stop_that_the_run_follows_is_not_followed_twice(
    rig: ExitRig, energised: tuple[Bench, Recording], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    bench, run = energised
    bench.stop.request()
    run.join(20)
    assert isinstance(run.fault, StoppedError)
    assert beside.WORDS not in caplog.text
    assert [m.text for m in rig.sent].count("OUTP OFF") == 1


@POSIX
def test_a_thread_that_writes_leaves_the_signals_to_another_one(tmp_path: Path) -> None:
    """The main thread took them, and heard none amid a call to a share that hung."""
    hears, wakes = socket.socketpair()
    hears.settimeout(10)
    wakes.setblocking(False)
    over = threading.Event()
    other = threading.Thread(target=over.wait, args=(60,), daemon=True)
    other.start()
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    pipe = signal.set_wakeup_fd(wakes.fileno())
    try:
        with writing(tmp_path):
            blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [])
            os.kill(os.getpid(), signal.SIGTERM)
            assert hears.recv(1) == bytes([signal.SIGTERM])
    finally:
        signal.set_wakeup_fd(pipe)
        signal.signal(signal.SIGTERM, before)
        over.set()
        for end in (hears, wakes):
            end.close()
    assert {signal.SIGINT, signal.SIGTERM, signal.SIGHUP} <= blocked
    assert not {signal.SIGINT, signal.SIGTERM} & signal.pthread_sigmask(signal.SIG_BLOCK, [])
    with pytest.raises(TwinrigError), writing(tmp_path):
        raise PermissionError
    sync_directory(tmp_path)
    assert signal.SIGTERM not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def test_a_stop_is_followed_while_nobody_reads_what_the_run_says(tmp_path: Path) -> None:
    """Ctrl-S, a pager, a connection that stands still: the field stood until somebody read on."""
    with served_rig(tmp_path, accelerate=20.0) as rig:
        out = tmp_path / "r"
        process = start(
            "record", "--json", "--bench", rig.bench, "--sequences", "mixed:10x200@1",
            "--repeats", "8", "--out", out,
        )  # fmt: skip

        def stands() -> bool:
            before = len(rig.messages())
            time.sleep(1.0)
            return before > 100 and len(rig.messages()) == before

        assert wait_for(stands, 60)
        process.send_signal(stop_signal())
        off = ("OUTP OFF", "OUTP 0")
        assert wait_for(lambda: rig.messages()[-3]["data"].strip() in off, beside.OWN_WAY_S + 6)
        rig.assert_ended_safe()
        assert process.poll() is None
        last = process.communicate(timeout=60)[0].splitlines()[-1]
        assert process.returncode == 3
        assert json.loads(last)["status"] == "stopped"


def test_what_a_thread_waits_for_is_the_innermost_of_its_writes(tmp_path: Path) -> None:
    """A save of many files is no wait, as long as one after the other is written."""
    me = threading.get_ident()
    assert held_up(me) is None
    with waiting_for(tmp_path):
        time.sleep(0.05)
        with writing(tmp_path / "part"):
            what, seconds = held_up(me) or ("", 1.0)
            assert what == str(tmp_path / "part")
            assert seconds < 0.05
        what, seconds = held_up(me) or ("", 1.0)
        assert (what, seconds < 0.05) == (str(tmp_path), True)
    assert held_up(me) is None

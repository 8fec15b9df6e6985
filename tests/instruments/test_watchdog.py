"""The watchdog: what happens on the wire after the program that energised a bench has died."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from itertools import pairwise

import pytest
from served import served
from simulated import check_ramp
from tcp_proxy import cables
from watched import RAMP_A_PER_S, children_of, is_alive, is_loaded, program, slow, until

from instruments import watchdog_log
from instruments.bench import Bench
from instruments.bench_file import parse_bench, read_bench
from instruments.watchdog_link import ENERGISED, SAFE, UNWATCHED

pytestmark = pytest.mark.skipif(
    not os.path.exists("/proc/self/stat"), reason="looks at processes through /proc"
)


@pytest.fixture
def rig():
    with served() as opened:
        yield opened


def supply(rig, key="kepco-bop"):
    return rig.rig.instruments[key].supply


def assert_walked_to_zero(rig, paced=True):
    """`paced`: not behind cables, where a set and the clock's order may overtake each other."""
    sets = rig.sets()
    if paced:
        check_ramp(sets, 0.0, RAMP_A_PER_S)
    steps_A = [abs(after_A - before_A) for (_, before_A), (_, after_A) in pairwise(sets)]
    assert max(steps_A) <= 0.020 * RAMP_A_PER_S + 1e-6
    assert sets[-1][1] == 0.0
    orders = [data for data in rig.sent() if b"?" not in data]
    assert orders[-2:] == [b"CURR 0.000000\n", b"OUTP OFF\n"]


def is_off(rig, key="kepco-bop"):
    return lambda: not supply(rig, key).output_on


def test_after_a_kill_the_magnet_is_walked_to_zero_and_the_next_connect_says_so(rig, tmp_path):
    with program(rig.text, tmp_path) as run:
        assert supply(rig).output_on
        run.kill()
        until(is_off(rig))
        until(lambda: not is_alive(run.watchdog))
    assert_walked_to_zero(rig)
    with Bench.connect(parse_bench(slow(rig.text), "b")) as bench:
        (remark,) = bench.remarks
        assert f"(process {run.process.pid}) left x energised" in remark
        assert "made it safe at 20" in remark
        assert "x: found at 7.5 A" in remark
        assert not bench.found["x"].output_on
        bench.energise()
    with Bench.connect(parse_bench(rig.text, "b")) as bench:
        assert bench.remarks == ()  # it was energised and made safe since: that is past


def test_after_a_safe_end_it_ends_without_a_byte(rig, tmp_path):
    with program(rig.text, tmp_path) as run:
        run.do("bench.make_safe()")
        assert is_alive(run.watchdog)
        run.kill()
        before = len(rig.wire)
        until(lambda: not is_alive(run.watchdog))
    assert len(rig.wire) == before
    with Bench.connect(parse_bench(rig.text, "b")) as bench:
        assert bench.remarks == ()


def test_energised_again_it_watches_again(rig, tmp_path):
    with program(rig.text, tmp_path) as run:
        run.do("bench.make_safe(); bench.energise(); bench.step(0.0030, bench.spec.window)")
        run.kill()
        until(is_off(rig))
    check_ramp(rig.sets(), 0.0, RAMP_A_PER_S)


def test_no_signal_but_kill_ends_it_before_the_rig_is_safe(rig, tmp_path):
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    hit = []

    def strike():
        hit.append(supply(rig).output_on)
        for number in signals:
            os.kill(run.watchdog, number)

    with program(rig.text, tmp_path) as run:
        until(lambda: is_loaded(run.watchdog))  # deaf for sure
        strike()
        rig.when_set(len(rig.sets()) + 3, strike)  # while it ramps
        run.kill()
        until(is_off(rig))
        assert hit == [True, True]
        assert_walked_to_zero(rig)


CHILDREN = {
    "Popen": "subprocess.Popen(['sleep', '300'], close_fds=False)",
    "spawned": (
        "import multiprocessing as m; c = m.get_context('spawn').Process("
        "target=subprocess.run, args=(['sleep', '300'],), daemon=False); c.start()"
    ),
    "forked": "os.fork() or (time.sleep(300), os._exit(0))",
}


def test_no_child_of_the_program_keeps_it_from_seeing_the_end(rig, tmp_path):
    def sleeping():
        """Its children, and what the spawned one has started: by then it runs."""
        children = children_of(run.process.pid) - {run.watchdog}
        return children | {pid for child in children for pid in children_of(child)}

    with program(rig.text, tmp_path) as run:
        assert os.getsid(run.watchdog) == run.watchdog != os.getsid(run.process.pid)
        assert os.readlink(f"/proc/{run.watchdog}/cwd") != str(tmp_path)
        for code in CHILDREN.values():
            run.do(code)
        until(lambda: len(sleeping()) >= 5)  # multiprocessing has one more child of its own
        children = sleeping()
        run.kill()
        try:
            until(is_off(rig))
            assert sum(is_alive(pid) for pid in children) >= 4
        finally:
            for pid in children:
                if is_alive(pid):
                    os.kill(pid, signal.SIGKILL)


def test_a_suspended_program_still_owns_its_rig(rig, tmp_path):
    with program(rig.text, tmp_path) as run:
        until(lambda: is_loaded(run.watchdog))
        os.kill(run.process.pid, signal.SIGSTOP)
        before = len(rig.wire)
        time.sleep(1.0)
        assert len(rig.wire) == before
        assert supply(rig).output_on
        run.kill()
        until(is_off(rig))


def test_a_watchdog_that_is_killed_is_said_and_replaced(rig, tmp_path):
    with program(rig.text, tmp_path) as run:
        os.kill(run.watchdog, signal.SIGKILL)
        run.wait_for("note: the watchdog ended (-9): no word")
        second = int(run.wait_for("note: process ").split()[2])
        assert second != run.watchdog
        assert is_alive(second)
        run.kill()
        until(is_off(rig))


def test_a_way_to_safety_that_energising_overtakes_does_not_call_it_off():
    with (
        served(("kepco-bop", "kepco-bop", "sr830")) as rig,
        Bench.connect(parse_bench(slow(rig.text), "b")) as bench,
    ):
        (idle,) = bench._idle._magnets
        begun, on, calls = threading.Event(), threading.Event(), []
        other = threading.Thread(target=bench.make_safe)
        real = idle.make_safe

        def make_safe(*given):
            calls.append(given)
            if len(calls) == 1:  # energising's own, at the begin of which the other begins
                other.start()
                assert begun.wait(10)
            else:
                begun.set()
                assert on.wait(10)  # … and ends when the drive is on
            return real(*given)

        idle.make_safe = make_safe
        bench.energise()
        on.set()
        other.join(10)
        assert supply(rig).output_on
        assert bench.watchdog._word == ENERGISED
        assert bench.make_safe()
        assert bench.watchdog._word == SAFE


def test_where_none_can_be_started_people_are_told_and_the_run_goes_on(rig, monkeypatch):
    with Bench.connect(rig.spec()) as bench:
        told = []
        bench.note = told.append
        monkeypatch.setattr(sys, "executable", "/nowhere/python")
        bench.energise()
        monkeypatch.undo()
        assert supply(rig).output_on
        assert UNWATCHED in told[0]
        assert UNWATCHED in str(bench.watchdog)


def test_one_that_ends_at_once_is_not_started_for_ever(rig, monkeypatch, tmp_path):
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho no such module\nexit 1\n")
    broken.chmod(0o755)
    with Bench.connect(rig.spec()) as bench:
        told = []
        bench.note = told.append
        monkeypatch.setattr(sys, "executable", str(broken))
        bench.energise()
        until(lambda: any("ended 3 times" in words for words in told))
        assert "no such module" in told[0]


def test_without_a_place_for_its_log_it_works_and_says_so(rig, tmp_path):
    with program(rig.text, tmp_path, XDG_STATE_HOME="/proc/nowhere") as run:
        run.wait_for("note: the watchdog can't write its log; it watches all the same")
        run.kill()
        until(is_off(rig))


def test_a_bench_inside_the_program_needs_none():
    with Bench.connect(read_bench("virtual")) as bench:
        bench.energise()
        assert bench.watchdog is None


def test_a_program_that_could_not_make_it_safe_leaves_it_to_the_watchdog(rig, tmp_path):
    with cables(rig.resources.values()) as lines:
        text = rig.text
        for resource, cable in lines.items():
            text = text.replace(resource, cable.resource)
        with program(text, tmp_path) as run:
            line = lines[rig.resources["kepco-bop"]]
            line.pull()
            run.process.stdin.write(
                "bench.give_up_s = 1.0; bench.tell = lambda words: None; bench.make_safe()\n"
            )
            run.process.stdin.close()
            assert run.process.wait(60) == 1  # UnsafeError
            spec = parse_bench(text, "b")
            until(lambda: watchdog_log.read_reports(spec))
            assert supply(rig).output_on
            assert is_alive(run.watchdog)
            (report,) = watchdog_log.read_reports(spec)
            assert report.state == "trying"
            assert "still trying to bring it to zero" in str(report)
            line.plug_in()
            until(is_off(rig))
            assert_walked_to_zero(rig, paced=False)


def test_one_magnet_that_cannot_be_reached_does_not_keep_another_energised(tmp_path):
    with served(("kepco-bop", "kepco-bop", "sr830")) as rig:
        line = {rig.resources["kepco-bop"]}
        with cables(line) as lines:
            text = rig.text
            for resource, cable in lines.items():
                text = text.replace(resource, cable.resource)
            with program(text, tmp_path) as run:
                for command in ("CURR 2", "OUTP ON"):
                    rig.order("kepco-bop#2", command)
                for cable in lines.values():
                    cable.pull()
                run.kill()
                until(is_off(rig, "kepco-bop#2"))
                assert supply(rig).output_on
                for cable in lines.values():
                    cable.plug_in()
                until(is_off(rig))


@pytest.mark.parametrize("comes", ["before the watchdog", "while the watchdog walks"])
def test_a_new_program_that_races_for_the_link_ends_safe_too(tmp_path, comes):
    with served(accelerate=1.0) as rig, program(rig.text, tmp_path) as run:
        sets = len(rig.sets())
        run.kill()
        if comes.startswith("while"):
            until(lambda: len(rig.sets()) > sets)
        spec = parse_bench(slow(rig.text), "b")
        with Bench.connect(spec) as bench:
            bench.energise()
            bench.step(0.0030, spec.window)
        until(lambda: not is_alive(run.watchdog))
        assert not supply(rig).output_on
        check_ramp(rig.sets(), 0.0, RAMP_A_PER_S)


WITHOUT_ITS_DISK = """
import pathlib, sys
import instruments.watchdog as watchdog
order = watchdog.Order(pathlib.Path(sys.argv[1]).read_text(), "a bench", None, "a dead program")
watchdog._load(order)

class Gone:
    def find_spec(self, name, path=None, target=None):
        raise ImportError(f"the disk of {name} is gone")

sys.meta_path.insert(0, Gone())
sys.exit(not watchdog.rescue(order, give_up_s=3.0))
"""


def test_it_hears_the_program_by_no_standard_handle(rig, tmp_path):
    """Windows locks one that a thread reads: loading NumPy there waited for the program's end."""
    with program(rig.text, tmp_path) as run:
        until(lambda: is_loaded(run.watchdog))
        assert os.readlink(f"/proc/{run.watchdog}/fd/0") == os.devnull


def test_what_it_needs_is_loaded_while_the_program_lives(rig, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    for order in ("CURR 3", "OUTP ON"):
        rig.order("kepco-bop", order)
    bench = tmp_path / "bench.toml"
    bench.write_text(rig.text)
    command = [sys.executable, "-c", WITHOUT_ITS_DISK, str(bench)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (tmp_path / "twinrig/watchdog/watchdog.log").read_text()
    assert not supply(rig).output_on

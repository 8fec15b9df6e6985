"""The watchdog: what happens on the wire after the program that energised a bench has died."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from served import served
from simulated import check_ramp
from tcp_proxy import cables
from watched import RAMP_A_PER_S, children_of, is_alive, program, slow, until

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


def assert_walked_to_zero(rig, ramp_A_per_s=RAMP_A_PER_S):
    check_ramp(rig.sets(), 0.0, ramp_A_per_s)
    assert rig.sets()[-1][1] == 0.0
    orders = [data for data in rig.sent() if b"?" not in data]
    assert orders[-2:] == [b"CURR 0.000000\n", b"OUTP OFF\n"]


def is_off(rig, key="kepco-bop"):
    return lambda: not supply(rig, key).output_on


def test_after_a_kill_the_magnet_is_walked_to_zero_and_the_next_connect_says_so(rig, tmp_path):
    with program(rig.text, tmp_path) as run:
        assert supply(rig).output_on
        killed_s = run.kill()
        assert until(is_off(rig)) - killed_s < 5
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


def test_no_signal_but_kill_ends_it_before_the_rig_is_safe(tmp_path):
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    with served(accelerate=5.0) as rig, program(rig.text, tmp_path) as run:
        time.sleep(1.5)  # loaded: deaf for sure
        for number in signals:
            os.kill(run.watchdog, number)
        sets = len(rig.sets())
        run.kill()
        until(lambda: len(rig.sets()) > sets + 2)
        for number in signals:  # while it ramps
            os.kill(run.watchdog, number)
        assert supply(rig).output_on
        until(is_off(rig))
        assert_walked_to_zero(rig)


def test_it_has_a_session_of_its_own(rig, tmp_path):
    with program(rig.text, tmp_path) as run:
        assert os.getsid(run.watchdog) == run.watchdog
        assert os.getsid(run.process.pid) != run.watchdog
        assert os.readlink(f"/proc/{run.watchdog}/cwd") != str(tmp_path)


CHILDREN = {
    "Popen": "subprocess.Popen(['sleep', '30'], close_fds=False)",
    "spawned": (
        "import multiprocessing as m; c = m.get_context('spawn').Process("
        "target=time.sleep, args=(30,), daemon=False); c.start(); time.sleep(1)"
    ),
    "forked": "os.fork() or (time.sleep(30), os._exit(0))",
}


@pytest.mark.parametrize("child", CHILDREN)
def test_no_child_of_the_program_keeps_it_from_seeing_the_end(rig, tmp_path, child):
    with program(rig.text, tmp_path) as run:
        run.process.stdin.write(CHILDREN[child] + "\n")
        run.process.stdin.flush()
        run.wait_for("done")
        children = children_of(run.process.pid) - {run.watchdog}
        assert children
        killed_s = run.kill()
        try:
            assert until(is_off(rig)) - killed_s < 5
            assert any(is_alive(pid) for pid in children)
        finally:
            for pid in children:
                os.kill(pid, signal.SIGKILL)


def test_a_suspended_program_still_owns_its_rig(rig, tmp_path):
    with program(rig.text, tmp_path) as run:
        time.sleep(1.5)
        os.kill(run.process.pid, signal.SIGSTOP)
        before = len(rig.wire)
        time.sleep(1.5)
        assert len(rig.wire) == before
        assert supply(rig).output_on
        run.kill()
        until(is_off(rig))


def test_a_watchdog_that_is_killed_is_said_and_replaced(rig, tmp_path):
    with program(rig.text, tmp_path) as run:
        os.kill(run.watchdog, signal.SIGKILL)
        run.do("time.sleep(1); print('watchdog', bench.watchdog.pid, flush=True)")
        assert any("the watchdog ended (-9): no word" in note for note in run.notes)
        (second,) = [note for note in run.notes if note.startswith("watchdog ")]
        assert int(second.split()[1]) != run.watchdog
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
        for _ in range(15):  # of a busy computer
            run.do("time.sleep(1)")
            if told := any("can't write its log" in note for note in run.notes):
                break
        assert told
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
            assert run.process.wait(20) == 1  # UnsafeError
            time.sleep(1.5)
            assert supply(rig).output_on
            assert is_alive(run.watchdog)
            (report,) = watchdog_log.read_reports(parse_bench(text, "b"))
            assert report.state == "trying"
            assert "still trying to bring it to zero" in str(report)
            back_s = time.monotonic()
            line.plug_in()
            assert until(is_off(rig)) - back_s < 10
            assert_walked_to_zero(rig)


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
                killed_s = run.kill()
                assert until(is_off(rig, "kepco-bop#2")) - killed_s < 6
                assert supply(rig).output_on
                for cable in lines.values():
                    cable.plug_in()
                until(is_off(rig))


def test_a_new_program_that_races_for_the_link_ends_safe_too(tmp_path):
    with served(accelerate=20.0) as rig:
        for _ in range(3):
            with program(rig.text, tmp_path) as run:
                run.kill()
                spec = parse_bench(slow(rig.text), "b")
                with Bench.connect(spec) as bench:  # the watchdog has it, or comes later
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

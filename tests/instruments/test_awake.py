"""The computer kept awake while a bench is energised, and the words where it can't be."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
from contextlib import contextmanager

import pytest
from power_service import powered
from served import served
from watched import program

from instruments import awake

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="D-Bus and logind")
DBUS = pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="no dbus-daemon")
LOGIND = pytest.mark.skipif(shutil.which("systemd-inhibit") is None, reason="no systemd-inhibit")
GNOME, FREEDESKTOP = "org.gnome.SessionManager", "org.freedesktop.PowerManagement"


class Kept:
    """`keep_awake` in its thread; what it said and logged."""

    def __init__(self):
        self.said, self.logged = [], []
        self._until, self._begun = threading.Event(), threading.Event()
        self._thread = threading.Thread(
            target=awake.keep_awake, args=(self._until, self._say, self._log)
        )
        self._thread.start()
        assert self._begun.wait(20)

    def _say(self, words):
        self.said.append(words)
        self._begun.set()

    def _log(self, words):
        self.logged.append(words)
        self._begun.set()

    def end(self):
        self._until.set()
        self._thread.join(20)
        assert not self._thread.is_alive()


@LINUX
def test_where_nothing_can_keep_it_awake_that_is_said_once_with_what_to_do(tmp_path):
    with powered(tmp_path):
        kept = Kept()
        kept.end()
    (words,) = kept.said
    assert "can't be kept awake" in words
    assert GNOME in words
    assert "systemd-inhibit" in words
    assert "switch its automatic suspend off" in words
    assert kept.logged == []


@LINUX
@DBUS
@pytest.mark.parametrize("name", [GNOME, FREEDESKTOP])
def test_a_desktop_is_asked_and_told_when_it_is_over(tmp_path, name):
    with powered(tmp_path, desktop=name) as lines:
        kept = Kept()
        assert lines["desktop"].readline().startswith("Inhibit ")
        assert kept.said == []
        assert name in kept.logged[0]
        kept.end()
        assert lines["desktop"].readline().lower().startswith("uninhibit 7")


@LINUX
@DBUS
@LOGIND
def test_without_a_desktop_logind_is_asked_and_its_lock_is_given_back(tmp_path):
    with powered(tmp_path, logind=True) as lines:
        kept = Kept()
        asked = lines["logind"].readline()
        assert asked == "Inhibit idle:sleep Twinrig a magnet is energised block\n"
        assert kept.said == []
        assert kept.logged == ["the computer is kept awake by systemd-inhibit --what=idle:sleep"]
        kept.end()
        assert lines["logind"].readline() == "released\n"


@LINUX
@DBUS
@LOGIND
def test_where_a_remote_session_may_not_block_sleep_the_automatic_one_is_blocked(tmp_path):
    with powered(tmp_path, logind=True, denied="idle:sleep") as lines:
        kept = Kept()
        assert lines["logind"].readline().startswith("Inhibit idle:sleep ")
        assert lines["logind"].readline().startswith("Inhibit idle Twinrig ")
        assert kept.said == []
        kept.end()
        assert lines["logind"].readline() == "released\n"


@LINUX
@DBUS
@LOGIND
def test_from_energised_to_safe_and_through_a_kill_until_the_watchdog_is_done(tmp_path):
    with (
        powered(tmp_path, logind=True) as lines,
        served() as rig,
        program(rig.text, tmp_path) as run,
    ):
        said = lines["logind"]
        assert said.readline().startswith("Inhibit ")
        run.do("bench.make_safe()")
        assert said.readline() == "released\n"
        run.do("bench.energise(); bench.step(0.0030, bench.spec.window)")
        assert said.readline().startswith("Inhibit ")
        assert rig.rig.instruments["kepco-bop"].supply.output_on
        run.kill()
        assert said.readline() == "released\n"
        assert not rig.rig.instruments["kepco-bop"].supply.output_on


@LINUX
@DBUS
@LOGIND
def test_kill_9_of_the_watchdog_gives_the_lock_back_too(tmp_path):
    with (
        powered(tmp_path, logind=True) as lines,
        served() as rig,
        program(rig.text, tmp_path) as run,
    ):
        assert lines["logind"].readline().startswith("Inhibit ")
        run.process.kill()
        os.kill(run.watchdog, signal.SIGKILL)
        assert lines["logind"].readline() == "released\n"


@LINUX
def test_a_way_that_fails_as_nobody_foresaw_takes_no_other_one_with_it(tmp_path, monkeypatch):
    broken = tmp_path / "systemd-inhibit"
    broken.write_text("#!/no/such/shell\n")
    broken.chmod(0o755)
    given_back = []

    @contextmanager
    def desktop():
        yield "the desktop"
        given_back.append(True)

    monkeypatch.setattr(awake, "_by_wakepy", desktop)
    monkeypatch.setattr(shutil, "which", lambda _: str(broken))
    kept = Kept()
    assert kept.logged == ["the computer is kept awake by the desktop"]
    assert given_back == []
    kept.end()
    assert given_back == [True]

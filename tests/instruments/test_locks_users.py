"""Links locked for everybody: other users, killed owners, watchdogs, folders that can't be used."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from instruments import lock_files, locks
from instruments.clock import Stop
from models.errors import StoppedError, TwinrigError

SOCKET = "TCPIP0::127.0.0.1::49998::SOCKET"
ROOT = Path(__file__).parents[2]
NOBODY = 65534
PROGRAM = """
import os, pathlib, sys
import pyvisa  # what a lock loads when it needs it
from instruments import locks
if len(sys.argv) > 3:  # its interpreter may be out of that user's reach: change over now
    os.setgroups([])
    os.setgid(int(sys.argv[3]))
    os.setuid(int(sys.argv[3]))
    os.environ["LOGNAME"] = "nobody"
try:
    locks.take(sys.argv[1], pathlib.Path(sys.argv[2]))
except Exception as error:
    print(type(error).__name__, error, flush=True)
else:
    print("held", flush=True)
    sys.stdin.read()
"""
POSIX = pytest.mark.skipif(os.name != "posix", reason="permissions and signals of POSIX")


@contextmanager
def program(folder, script=None, user=None):
    """Another process that asks for the link; its first line, and itself."""
    file = script or folder.parent / "program.py"
    file.write_text(PROGRAM)
    process = subprocess.Popen(
        [sys.executable, str(file), SOCKET, str(folder), *([] if user is None else [str(user)])],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process.stdout.readline().strip(), process
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


@pytest.fixture(autouse=True)
def _released():
    """A test that fails gives its link back all the same."""
    yield
    link = locks._links.get(locks.link_of(SOCKET))
    if link is not None:
        locks.release(link, SOCKET)


@pytest.fixture
def folder():
    """A folder that every user reaches (pytest closes its own to others, again and again)."""
    with tempfile.TemporaryDirectory(prefix="twinrig-test-") as made:
        Path(made).chmod(0o755)
        yield Path(made) / "locks"


@pytest.mark.skipif(
    os.name != "posix" or os.geteuid() != 0, reason="only root can be two users in one test"
)
def test_another_user_is_kept_out_named_and_keeps_us_out(folder):
    link = locks.take(SOCKET, folder)
    with program(folder, user=NOBODY) as (said, _):
        assert said.startswith("LinkInUseError")
        assert f"process {os.getpid()} of user root" in said
    locks.release(link, SOCKET)
    with program(folder, user=NOBODY) as (said, process):
        assert said == "held"
        with pytest.raises(locks.LinkInUseError, match=rf"process {process.pid} of user nobody"):
            locks.take(SOCKET, folder)
        process.kill()
        process.wait()
        locks.release(locks.take(SOCKET, folder), SOCKET)


@POSIX
def test_the_folder_and_its_files_are_open_to_every_user(tmp_path):
    before = os.umask(0o077)
    try:
        link = locks.take(SOCKET, tmp_path / "locks")
    finally:
        os.umask(before)
    (file,) = (tmp_path / "locks").iterdir()
    assert stat.S_IMODE((tmp_path / "locks").stat().st_mode) == 0o1777
    assert stat.S_IMODE(file.stat().st_mode) == 0o666
    locks.release(link, SOCKET)


@POSIX
def test_the_folder_is_one_for_all_users(monkeypatch):
    monkeypatch.setenv("TMPDIR", "/somewhere/else")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert locks.lock_folder() in (Path("/run/lock/twinrig"), Path("/tmp/twinrig-locks"))


def test_an_owner_says_program_process_user_and_since_when(tmp_path):
    with program(tmp_path) as (said, process):
        assert said == "held"
        words = rf"in use by program\.py, process {process.pid} of user \w+, since 20\d\d-"
        with pytest.raises(locks.LinkInUseError, match=words) as caught:
            locks.take(SOCKET, tmp_path)
        assert not caught.value.by_watchdog


@pytest.mark.parametrize("where", ["/proc/locks", "{file}/locks"])
def test_without_a_usable_folder_nothing_is_opened(tmp_path, where):
    (tmp_path / "file").write_text("")
    folder = Path(where.format(file=tmp_path / "file"))
    with pytest.raises(TwinrigError, match=r"nothing is opened without it.*every user may write"):
        locks.take(SOCKET, folder)
    assert locks.link_of(SOCKET) not in locks._links


@pytest.mark.skipif(
    os.name != "posix" or os.geteuid() != 0, reason="only root can be two users in one test"
)
def test_a_read_only_folder_is_refused_for_who_may_not_write(folder):
    folder.mkdir(mode=0o755)
    with program(folder, user=NOBODY) as (said, _):
        assert said.startswith("TwinrigError")
        assert "Permission denied" in said


@POSIX
def test_a_link_in_the_place_of_a_lock_file_is_not_followed(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    name = "".join(c if c.isalnum() or c in ".-" else "_" for c in locks.link_of(SOCKET))
    (tmp_path / f"{name}.lock").symlink_to(victim)
    with pytest.raises(TwinrigError):
        locks.take(SOCKET, tmp_path)
    assert victim.read_text() == "precious"


def test_a_file_that_was_removed_while_it_was_locked_locks_nothing(tmp_path, monkeypatch):
    """A clean-up of /tmp between opening and locking: the new file is the one to lock."""
    real, removed = lock_files._lock, []

    def lock_after_removal(file):
        if not removed:
            removed.append(file)
            next(tmp_path.glob("*.lock")).unlink()
        return real(file)

    monkeypatch.setattr(lock_files, "_lock", lock_after_removal)
    link = locks.take(SOCKET, tmp_path)
    monkeypatch.undo()
    with program(tmp_path) as (said, _):
        assert said.startswith("LinkInUseError")
    locks.release(link, SOCKET)


@POSIX
def test_a_disk_that_knows_no_locks_is_told_as_that_and_not_as_another_program(
    tmp_path, monkeypatch
):
    def none(file, _operation):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", none)
    with pytest.raises(TwinrigError, match="No locks available; nothing is opened") as caught:
        locks.take(SOCKET, tmp_path)
    assert not isinstance(caught.value, locks.LinkInUseError)
    monkeypatch.undo()
    locks.release(locks.take(SOCKET, tmp_path), SOCKET)


def test_a_watchdog_is_waited_for(tmp_path):
    (tmp_path / "a").mkdir()
    with program(tmp_path, tmp_path / "a" / lock_files.WATCHDOG) as (said, process):
        assert said == "held"
        threading.Timer(0.5, process.kill).start()
        begin_s = time.monotonic()
        link = locks.take(SOCKET, tmp_path)
        assert 0.3 < time.monotonic() - begin_s < 30
        locks.release(link, SOCKET)


def test_stop_ends_the_wait_for_a_watchdog(tmp_path):
    (tmp_path / "a").mkdir()
    stop = Stop()
    with program(tmp_path, tmp_path / "a" / lock_files.WATCHDOG):
        threading.Timer(0.3, stop.request).start()
        begin_s = time.monotonic()
        with pytest.raises(StoppedError):
            locks.take(SOCKET, tmp_path, stop)
        assert time.monotonic() - begin_s < 30  # a watchdog is waited for for a minute


def test_a_watchdog_is_not_waited_for_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "WATCHDOG_S", 0.5)
    (tmp_path / "a").mkdir()
    with (
        program(tmp_path, tmp_path / "a" / lock_files.WATCHDOG) as (_, process),
        pytest.raises(locks.LinkInUseError, match=f"process {process.pid}"),
    ):
        locks.take(SOCKET, tmp_path)

"""One owner a link: among threads, instruments of one bench, and programs of one computer."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading

import pytest

from instruments import locks
from instruments.lock_files import locked_file
from models.errors import InputError

SOCKET = "TCPIP0::127.0.0.1::49999::SOCKET"

OWNER = """
import sys, pathlib
from instruments import locks
locks.take(sys.argv[1], pathlib.Path(sys.argv[2]))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def other_program(tmp_path):
    """Another process that holds the link of `SOCKET`."""
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, SOCKET, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


@pytest.mark.parametrize(
    ("resource", "link"),
    [
        ("TCPIP0::127.0.0.1::5025::SOCKET", "tcpip 127.0.0.1 5025"),
        ("TCPIP::localhost::5025::SOCKET", "tcpip 127.0.0.1 5025"),
        ("TCPIP0::Kepco.Lab::5025::SOCKET", "tcpip kepco.lab 5025"),
        ("TCPIP0::10.0.0.7::inst0::INSTR", "tcpip 10.0.0.7 inst0"),
        ("TCPIP0::10.0.0.7::gpib0,8::INSTR", "tcpip 10.0.0.7 gpib0"),
        ("GPIB0::8::INSTR", "gpib 0"),
        ("GPIB0::12::INSTR", "gpib 0"),
        ("GPIB1::12::INSTR", "gpib 1"),
        ("TCPIP0::192.168.0.5::05025::SOCKET", "tcpip 192.168.0.5 5025"),
        ("ASRL3::INSTR", "asrl 3"),
        ("ASRL/dev/ttyUSB0::INSTR", "asrl /dev/ttyusb0"),
        ("USB0::0x1AB1::0x0588::DS1K::INSTR", "usb 0x1ab1 0x0588 ds1k"),
    ],
)
def test_a_link_is_what_carries_one_conversation(resource, link):
    assert locks.link_of(resource) == link


@pytest.mark.parametrize("resource", ["", "COM3", "192.168.0.5", "TCPIP0::::SOCKET"])
def test_what_is_no_resource_name_is_named_with_examples(resource):
    with pytest.raises(InputError, match=r"no VISA resource name.*::SOCKET"):
        locks.link_of(resource)


def test_another_program_is_named_by_whatever_name_of_the_host(other_program, tmp_path):
    for host in ("127.0.0.1", "127.1"):
        with pytest.raises(locks.LinkInUseError, match=rf"in use by .*{other_program.pid}"):
            locks.take(SOCKET.replace("127.0.0.1", host), tmp_path)


def test_instruments_of_one_board_share_a_lock(tmp_path):
    first = locks.take("GPIB7::8::INSTR", tmp_path)
    second = locks.take("GPIB7::9::INSTR", tmp_path)
    assert first is second
    locks.release(first, "GPIB7::8::INSTR")
    with pytest.raises(locks.LinkInUseError):
        locks.take("GPIB7::9::INSTR", tmp_path)
    locks.release(second, "GPIB7::9::INSTR")
    locks.release(locks.take("GPIB7::9::INSTR", tmp_path), "GPIB7::9::INSTR")


def test_the_same_resource_twice_in_one_program_is_refused(tmp_path):
    link = locks.take(SOCKET, tmp_path)
    with pytest.raises(locks.LinkInUseError, match="open in this program already"):
        locks.take(SOCKET, tmp_path)
    locks.release(link, SOCKET)


def test_a_link_whose_owner_was_killed_is_taken_over(other_program, tmp_path):
    other_program.kill()
    other_program.wait()
    link = locks.take(SOCKET, tmp_path)
    text = next(tmp_path.glob("*.lock")).read_text()
    assert f'"pid": {os.getpid()}' in text
    locks.release(link, SOCKET)


def test_an_owner_whose_file_says_nothing_is_still_an_owner(other_program, tmp_path):
    next(tmp_path.glob("*.lock")).write_text("")
    with pytest.raises(locks.LinkInUseError, match="another program"):
        locks.take(SOCKET, tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="flock, and a look whether a process lives")
@pytest.mark.parametrize("before", ["", "of a dead program"])
def test_an_owner_that_has_not_written_its_name_yet_is_named_once_it_has(before, tmp_path):
    """A watchdog that has just taken a dead program's link: its resumed run was refused."""
    import fcntl

    dead = subprocess.Popen([sys.executable, "-c", "pass"])
    dead.wait()
    names = {"program": "twinrig", "pid": dead.pid, "user": "u", "since": "s", "watchdog": False}
    locks.release(locks.take(SOCKET, tmp_path), SOCKET)
    (path,) = tmp_path.glob("*.lock")
    path.write_text(json.dumps(names) if before else "")
    with path.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        watchdog = json.dumps({**names, "pid": os.getpid(), "watchdog": True})
        threading.Timer(0.1, path.write_text, (watchdog,)).start()
        with pytest.raises(locks.LinkInUseError, match=f"process {os.getpid()}") as refused:
            locked_file(locks.link_of(SOCKET), tmp_path)
    assert refused.value.by_watchdog


def test_a_shorter_name_leaves_nothing_of_a_longer_one(tmp_path):
    locks.release(locks.take(SOCKET, tmp_path), SOCKET)
    (path,) = tmp_path.glob("*.lock")
    path.write_text("x" * 4000)
    link = locks.take(SOCKET, tmp_path)
    assert json.loads(path.read_bytes())["pid"] == os.getpid()
    assert path.stat().st_size < 400
    locks.release(link, SOCKET)


def test_one_of_many_threads_gets_the_link(tmp_path):
    got, refused = [], []

    def take():
        try:
            got.append(locks.take(SOCKET, tmp_path))
        except locks.LinkInUseError:
            refused.append(1)

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(got), len(refused)) == (1, 7)
    locks.release(got[0], SOCKET)


def test_two_names_of_one_instrument_are_not_open_at_once(tmp_path):
    link = locks.take(SOCKET, tmp_path)
    with pytest.raises(locks.LinkInUseError, match=rf"already, as {SOCKET}"):
        locks.take(SOCKET.replace("127.0.0.1", "127.1"), tmp_path)
    locks.release(link, SOCKET)


@pytest.mark.parametrize("board", ["GPIB7::{}::INSTR", "TCPIP0::127.0.0.1::gpib0,{}::INSTR"])
def test_instruments_of_one_bus_are_open_side_by_side(board, tmp_path):
    first, second = board.format(8), board.format(9)
    link = locks.take(first, tmp_path)
    assert locks.take(second, tmp_path) is link
    locks.release(link, second)
    locks.release(link, first)


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_suspended_owner_is_told_as_one_with_what_frees_its_link(other_program, tmp_path):
    with pytest.raises(locks.LinkInUseError, match="close that program"):
        locks.take(SOCKET, tmp_path)
    other_program.send_signal(signal.SIGSTOP)
    os.waitpid(other_program.pid, os.WUNTRACED)
    known = sys.platform == "linux"  # from /proc
    words = rf"SUSPENDED.*kill -9 {other_program.pid}`" if known else "close that program"
    with pytest.raises(locks.LinkInUseError, match=words):
        locks.take(SOCKET, tmp_path)


def test_a_place_is_one_instrument_s_whatever_its_names():
    place = locks.place_of
    assert place("TCPIP0::localhost::5025::SOCKET") == place("TCPIP1::127.0.0.1::5025::SOCKET")
    assert place("GPIB::8") == place("GPIB0::8::INSTR") != place("GPIB0::9::INSTR")
    adapters = [f"PRLGX-TCPIP0::127.0.0.1::{port}::INTFC" for port in (1234, 1235)]
    behind = {place("GPIB0::8::INSTR", adapter) for adapter in (None, *adapters)}
    assert len(behind) == 3

"""The wire log: one JSON object a line, nothing lost, nothing overwritten."""

from __future__ import annotations

import errno
import json
import threading
import time
from pathlib import Path

import pytest

from instruments import wirelog
from instruments.handed_over import PATIENCE_S
from instruments.wirelog import WireLog
from models.errors import InputError, TwinrigError


def lines(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def hung(tmp_path, monkeypatch):
    """A log whose disk does not answer before the event is set."""
    log, back = WireLog(tmp_path / "wire.jsonl"), threading.Event()
    write = log._write

    def hangs(line):
        back.wait(30)
        write(line)

    monkeypatch.setattr(log, "_write", hangs)
    return log, back


def test_a_message_is_a_line_with_both_clocks(tmp_path):
    log = WireLog(tmp_path / "wire.jsonl")
    log(100.5, 0.25, "x", "out", b"CURR 1.0\n")
    log(100.6, None, "x", "in", b"\x11\xff\n")
    assert lines(tmp_path / "wire.jsonl") == [
        {"host_s": 100.5, "device_s": 0.25, "name": "x", "direction": "out", "data": "CURR 1.0\n"},
        {"host_s": 100.6, "device_s": None, "name": "x", "direction": "in", "data": "\x11ÿ\n"},
    ]
    log.close()


def test_a_line_is_on_disk_before_the_next_message(tmp_path):
    log = WireLog(tmp_path / "wire.jsonl")
    for count in range(1, 4):
        log(0.0, None, "x", "out", b"X?\n")
        assert len(lines(tmp_path / "wire.jsonl")) == count
    log.close()
    log(0.0, None, "x", "out", b"late\n")  # a thread that is still talking harms nothing
    assert len(lines(tmp_path / "wire.jsonl")) == 3


def test_a_disk_that_hangs_holds_no_message_up_and_loses_none(tmp_path, monkeypatch):
    log, back = hung(tmp_path, monkeypatch)
    began_s = time.monotonic()
    for count in range(50):
        log(float(count), None, "x", "out", b"OUTP OFF\n")
    assert time.monotonic() - began_s < 2 * PATIENCE_S
    back.set()
    log.close()
    assert [line["host_s"] for line in lines(tmp_path / "wire.jsonl")] == list(range(50))


def test_once_a_disk_is_back_a_line_is_on_it_before_the_next_message(tmp_path, monkeypatch):
    log, back = hung(tmp_path, monkeypatch)
    log(0.0, None, "x", "out", b"X?\n")
    back.set()
    until_s = time.monotonic() + 10
    while log._aside._behind and time.monotonic() < until_s:
        time.sleep(0.01)
    for count in range(2, 6):
        log(0.0, None, "x", "out", b"X?\n")
        assert len(lines(tmp_path / "wire.jsonl")) == count
    log.close()


def test_a_close_does_not_wait_for_a_disk_that_hangs(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(wirelog, "CLOSE_S", 0.1)
    log = WireLog(tmp_path / "wire.jsonl")
    back = threading.Event()
    monkeypatch.setattr(log, "_write", lambda line: back.wait(30))
    log(0.0, None, "x", "out", b"X?\n")
    log.close()
    assert "its disk doesn't answer" in caplog.text
    back.set()


def test_an_existing_file_is_never_overwritten(tmp_path):
    (tmp_path / "wire.jsonl").write_text("mine")
    with pytest.raises(InputError, match="File exists; name a new file"):
        WireLog(tmp_path / "wire.jsonl")
    assert (tmp_path / "wire.jsonl").read_text() == "mine"
    with pytest.raises(InputError, match=r"No such file.*; make the folder .*missing first"):
        WireLog(tmp_path / "missing" / "wire.jsonl")


def test_a_disk_that_refuses_is_no_wrong_use(tmp_path, monkeypatch):
    def refuses(*_, **__):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "open", refuses)
    with pytest.raises(TwinrigError, match="Read-only file system; check who may write to") as said:
        WireLog(tmp_path / "wire.jsonl")
    assert said.value.exit_code == 1


def test_threads_do_not_mix_their_lines(tmp_path):
    log = WireLog(tmp_path / "wire.jsonl")

    def talk(name):
        for i in range(200):
            log(float(i), None, name, "out", b"X" * 50)

    threads = [threading.Thread(target=talk, args=(f"t{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()
    assert len(lines(tmp_path / "wire.jsonl")) == 800

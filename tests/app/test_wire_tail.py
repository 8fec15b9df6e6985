"""The end of the wire log in memory: bounded, filtered, saved."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from app.library.library import Library
from app.session import Session
from app.wire_tail import WireTail, save_messages
from instruments.bench_file import read_bench
from models.errors import InputError, TwinrigError

if TYPE_CHECKING:
    from pathlib import Path


def filled(kept: int = 100) -> WireTail:
    tail = WireTail(kept)
    for number in range(200):
        tail(10.0 + number, None, "x", "out", b"CURR?\n")
        tail(10.004 + number, 1.5, "x", "in", b"+1.5E0\n")
    tail(300.0, None, "lockin", "out", b"SNAP? 1,2\n")
    return tail


def test_only_the_end_is_kept() -> None:
    tail = filled(50)
    assert tail.count == 401
    kept = tail.latest(1000)
    assert len(kept) == 50
    assert [one.number for one in kept] == list(range(351, 401))


def test_it_is_filtered_by_instrument_and_words() -> None:
    tail = filled()
    assert [m.text for m in tail.latest(10, name="lockin")] == ["SNAP? 1,2"]
    assert {m.text for m in tail.latest(10, words="curr")} == {"CURR?"}
    assert {m.text for m in tail.latest(10, words="-curr -snap")} == {"+1.5E0"}
    assert tail.latest(10, words="curr snap") == []
    assert tail.round_s["x"] == pytest.approx(0.004)
    assert tail.latest(1, words="1.5")[0].round_s == pytest.approx(0.004)


def test_bytes_beyond_text_are_shown_not_printed() -> None:
    tail = WireTail()
    tail(0.0, None, "x", "in", b"L\xd3C\x07I\r\n")
    assert tail.latest(1)[0].text == "LÓC\\x07I"


def test_what_is_saved_reads_as_a_wire_log(tmp_path: Path) -> None:
    path = save_messages(tmp_path / "wire" / "end.jsonl", filled().latest(3))
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert [line["data"] for line in lines] == ["CURR?\n", "+1.5E0\n", "SNAP? 1,2\n"]
    assert set(lines[0]) == {"host_s", "device_s", "name", "direction", "data"}
    with pytest.raises(InputError, match="exists already"):
        save_messages(path, [])
    with pytest.raises(TwinrigError, match="a part of this path is a file"):
        save_messages(path / "more" / "end.jsonl", [])


def test_a_session_keeps_what_its_bench_says_and_marks_idle_readings(tmp_path: Path) -> None:
    session = Session(read_bench("virtual"), Library(tmp_path))
    session.connect()
    try:
        asked = session.wire.latest(100)
        assert any(one.text == "*IDN?" for one in asked)
        assert session.poll() is not None
        assert session.wire.latest(100) == asked
        assert len(session.wire.latest(100, idle=True)) > len(asked)
    finally:
        session.close()

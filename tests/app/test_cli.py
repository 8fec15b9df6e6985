"""The command line: exit codes, JSON lines, stopping, and what it never does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.cli import main

ROOT = Path(__file__).parents[2]


RECORD = ["record", "--sequences", "steps:1x3", "--repeats", "1"]


def run(*arguments: str) -> int:
    return main(list(arguments))


def lines_of(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["recrod"], "did you mean 'record'?"),
        (["bench", "chek"], "did you mean 'check'?"),
        (["record", "--bench", "virtual"], "--out --resume is required"),
        (["train", "--layers", "16,,16", "--out", "n"], "not a list of node counts"),
        (["simulate", "t", "--sequences", "s", "--repeats", "0", "--out", "o"], "1 or more"),
        (["record", "--bench", "virtual", "--out", "o"], "--sequences is missing"),
        (["fit", "--out", "t"], "at least one RECORDING"),
        (["deploy", "--bench", "virtual", "--out", "d"], "name the NETWORK"),
        (["bench", "check"], "name one bench"),
        ([*RECORD, "--bench", "no.toml", "--out", "o"], "no.toml"),
        (["evaluate", "no-twin", "no-recording"], "no such file"),
        (["report", "no-run"], "no such folder"),
    ],
)  # fmt: skip
def test_wrong_use_is_exit_2_with_one_clear_message(
    arguments: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert run(*arguments) == 2
    shown = capsys.readouterr()
    assert words in shown.err
    assert "Traceback" not in shown.err
    assert shown.out == ""
    assert list(tmp_path.iterdir()) == []


def test_with_json_an_error_is_an_object_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("evaluate", "no-twin", "no-recording", "--json") == 2
    error = lines_of(capsys.readouterr().out)[-1]
    assert error["event"] == "error"
    assert error["kind"] == "InputError"
    assert error["exit_code"] == 2
    assert "no-twin" in str(error["message"])

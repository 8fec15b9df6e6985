"""`twinrig bench set` and `twinrig bench send`: refusals before anything is opened, and the way."""

from __future__ import annotations

import json

import pytest

from app.cli.main import main

SET = ["bench", "set", "--bench", "virtual"]


def test_a_field_is_set_held_and_taken_down(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [*SET, "--field", "0.003", "--hold", "0.3", "--yes", "--json"]
    assert main(arguments) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    looks = [line for line in lines if line["event"] == "benchread"]
    assert looks[-1]["field_T"] == pytest.approx(0.003, rel=0.01)
    assert lines[-1]["status"] == "done"
    assert lines[-1]["highest_T"] == pytest.approx(0.003)


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        (["--field", "1", "--yes"], 4, "beyond max_current_A"),
        (["--field", "0.003", "--ramp", "1e6", "--yes"], 4, "at most 2000"),
        (["--field", "nan", "--yes"], 2, "'nan' is not a field in tesla"),
        (["--field", "1e999", "--yes"], 2, "'1e999' is not a field in tesla"),
        (["--field", "0.003"], 2, "nobody can answer"),
        (["--field", "0.003", "--magnet", "y", "--yes"], 2, "is not driven"),
    ],
)
def test_what_is_refused_opens_nothing(
    more: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*SET, *more]) == code
    assert words in capsys.readouterr().err


def test_the_help_offers_no_magnet_that_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["bench", "set", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "the other of two that turn the field" in said


def test_one_command_is_sent_and_answered(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "send", "--bench", "virtual", "x", "*IDN?"]) == 0
    assert "KEPCO" in capsys.readouterr().out
    assert main(["bench", "send", "--bench", "virtual", "x", "CURR 5"]) == 4
    assert "only asked here" in capsys.readouterr().err
    assert main(["bench", "send", "--bench", "virtual", "nobody", "*IDN?"]) == 2
    assert main(["bench", "send", "--bench", "virtual", "lockin", ""]) == 2
    assert "argument COMMAND: '' is empty" in capsys.readouterr().err

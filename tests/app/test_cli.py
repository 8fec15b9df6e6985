"""The command line: exit codes, JSON lines, stopping, and what it never does."""

from __future__ import annotations

import argparse
import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs
import pytest

import instruments
from app.cli.arguments import build_parser
from app.cli.main import RESUMABLE, check_our_packages, main
from app.cli.types import path
from app.commands import COMMANDS
from app.operations.compare_networks_plan import Plan
from app.operations.sweep_grid import Grid
from app.store import read_recording
from models import compiled
from models.errors import InputError
from models.short_form import ShortForm
from training.course import TrainSettings
from training.fit_settings import (
    FEW_SEQUENCES,
    FINE_TUNING,
    MANY_SEQUENCES,
    MEMBERS_OF_FEW,
    VERY_FEW_SEQUENCES,
    FitSettings,
)
from training.structure import FEW_CHANNELS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.sequence import FieldSequence

ROOT = Path(__file__).parents[2]


RECORD = ["record", "--sequences", "steps:1x3", "--repeats", "1"]


def run(*arguments: str) -> int:
    return main(list(arguments))


def lines_of(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("quoted", ["'{}'", '"{}"', ' "{}"'])
def test_quotes_that_a_shell_leaves_around_a_path_are_none_of_it(
    quoted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As in Windows' cmd: no such file; and `--out` made a folder of that name."""
    monkeypatch.chdir(tmp_path)
    out, sequences = tmp_path / "my data", tmp_path / "s 1.json"
    sequences.write_text('{"sequences": [[0.1, 0.5]]}', encoding="utf-8")
    asked = ["--sequences", quoted.format(sequences), "--out", quoted.format(out)]
    assert run("record", "--bench", quoted.format("virtual"), *asked, "--repeats", "1") == 0
    assert (out / "recording.nc").is_file()
    assert run("mark", quoted.format(out)) == 0
    assert [p.name for p in tmp_path.iterdir() if p.suffix != ".json"] == ["my data"]
    assert path("my file ") == Path("my file ")  # a name's own


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["recrod"], "did you mean 'record'?"),
        (["bench", "chek"], "did you mean 'check'?"),
        (["record", "--bnech", "virtual", "--out", "o"], "record: no such option: "
         "'--bnech'; did you mean '--bench'?"),
        (["bench", "check", "--energize=1", "b.toml"], "did you mean '--energise'?"),
        (["record", "--seq", "s"], "no such option: '--seq'; did you mean '--sequences'?"),
        (["record", "--rep=3"], "no such option: '--rep'; did you mean '--repeats'?"),
        (["record", "--se", "s"], "'--se'; did you mean '--seed' or '--sequences'?"),
        (["record", "--bogus", "1"], "no such option: '--bogus'\n"),
        (["safe"], "safe: name the bench: B.toml, or the word virtual"),
        (["monitor"], "monitor: name the bench: B.toml, or the word virtual"),
        (["safe", "a.toml", "b.toml"], "safe: unrecognized arguments: b.toml"),
        (["record", "--bench", "virtual"], "--out --resume is required"),
        (["train", "--layers", "16,,16", "--out", "n"], "not a list of node counts"),
        (["simulate", "t", "--sequences", "", "--repeats", "1", "--out", "o"],
         "argument --sequences: '' is empty"),
        (["record", "--bench", "", "--out", "o"], "argument --bench: '' is empty"),
        (["record", "--bench", "virtual", "--sequences", "", "--out", "o"],
         "argument --sequences: '' is empty"),
        (["record", "--bench", "virtual", "--out", ""],
         "argument --out: '' is empty: name a file or folder, . is this folder"),
        (["fit", "", "--out", "t"], "argument RECORDING: '' is empty"),
        (["report", "r", "--out="], "argument --out: '' is empty"),
        (["sweep", "--task", "narma-10", "--twin", "t", "--layers", "4", "--seeds", "100000000",
          "--out", "o"], "100000000 seeds: at most 1000"),
        (["train", "--task", "narma-10", "--twin", "t", "--layers", "4", "--seeds", "100000000000",
          "--out", "o"], "100000000000 seeds: at most 1000"),
        (["compare-networks", "--task", "digits", "--twin", "t", "--layers", "4", "--folds",
          "100000000000", "--out", "o"], "100000000000 folds: 0 to 1000"),
        (["task", "mackey-glass", "--spread", "1e300"],
         "a spread of 1e+300 times the signal: at most 1000"),
        (["task", "mackey-glass", "--nodes", "1000000"], "1000000 nodes of an echo-state network"),
        (["bench", "write", "--max-ramp-A-per-s", "inf", "--out", "b"], "'inf' is not a number"),
        (["bench", "write", "--tesla-per-ampere", "x", "--out", "b"], "'x' is not a number"),
        ([*RECORD, "--bench", "virtual", "--accelerate", "1e-9", "--out", "o"],
         "'1e-9' is too slow: 0.1 at least"),
        (["task", "mackey-glass", "--spread", "inf"], "'inf' is too large: a finite number"),
        (["monitor", "b.toml", "--interval", "1e999"], "'1e999' is too large: a finite number"),
        (["train", "--layers", "100000", "--out", "n"], "1 to 99999 nodes a layer"),
        (["train", "--taps", "0,1000", "--out", "n"], "0 to 999 steps"),
        (["learning-curve", "r", "--sequences", "0,8", "--out", "n"], "1 to 999999999 each"),
        (["task", "--seed", "9223372036854775808"], "9223372036854775808 is too large: "
         "999999999999999 at most"),
        (["simulate", "t", "--sequences", "s", "--repeats", "0", "--out", "o"], "1 or more"),
        (["record", "--bench", "virtual", "--out", "o"], "--sequences is missing"),
        (["fit", "--out", "t"], "at least one RECORDING"),
        (["fit", "r", "--objective", "mean", "--out", "t"], "without noise: --deterministic"),
        (["compare-twins", "--out", "t"], "at least one RECORDING"),
        (["fit", "x" * 300, "--out", "t"], "longer name than this file system allows"),
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


@pytest.mark.parametrize("verb", sorted(RESUMABLE))
def test_where_no_run_was_begun_every_verb_says_so_in_one_sentence(
    verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They named a missing file, each another, or said that a folder holds none."""
    empty, needs_bench = tmp_path / "empty", {"record", "deploy", "recalibrate", "refine", "polish"}
    empty.mkdir()
    bench = ["--bench", "virtual"] if verb in needs_bench | {"bench calibrate"} else []
    for folder, there in ((empty, "there is: nothing"), (tmp_path / "no", "no such folder")):
        assert run(*verb.split(), *bench, "--resume", str(folder)) == 2
        said = capsys.readouterr().err
        assert f"{folder}: nothing to go on with, no " in said
        assert f"was begun there ({there}" in said.replace("there is no", "no")
    assert list(empty.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [["train", "--resume"], ["deploy", "--bench", "virtual", "--resume"], ["sweep"], ["report"]],
)
def test_a_folder_nobody_may_look_into_is_wrong_use_not_a_fault_of_the_program(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    ask = os.stat

    def refuses(path: Any, **options: Any) -> os.stat_result:
        if "theirs" in str(path):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return ask(path, **options)

    monkeypatch.setattr(os, "stat", refuses)
    out = ["--out", str(tmp_path / "mine")] if arguments == ["sweep"] else []
    assert run(*arguments, str(tmp_path / "theirs" / "run"), *out) == 2
    assert "Permission denied" in (said := capsys.readouterr().err)
    assert "check who may read it" in said
    assert "unexpected" not in said


def test_with_json_an_error_is_an_object_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("evaluate", "no-twin", "no-recording", "--json") == 2
    error = lines_of(capsys.readouterr().out)[-1]
    assert error["event"] == "error"
    assert error["kind"] == "InputError"
    assert error["exit_code"] == 2
    assert "no-twin" in str(error["message"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--json", "report", "/nowhere"], "/nowhere: no such folder"),
        (["--json", "bench", "check", "--bench", "/nowhere.toml"], "/nowhere.toml"),
        (["--json", "recod"], "did you mean 'record'?"),
        (["--json"], "required: VERB"),
        (["--theme", "dark", "--json"], "invalid choice: 'dark'"),
    ],
)
def test_json_may_stand_before_the_verb(
    words: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It was taken for an option of the window, which said so in words, without an object."""
    from app.__main__ import main as program

    monkeypatch.setattr(sys, "argv", ["twinrig", *words])
    monkeypatch.setattr("signal.signal", lambda *_: None)  # Ctrl-C stays pytest's
    assert program() == 2
    (line,) = capsys.readouterr().out.splitlines()
    told = json.loads(line)
    assert (told["event"], told["exit_code"]) == ("error", 2)
    assert said in told["message"]


def test_an_unexpected_error_is_a_sentence_and_a_log_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(platformdirs, "user_log_path", lambda *_, **__: tmp_path)

    def broken(arguments: object, run: object) -> Iterator[None]:
        yield from [None for _ in range(1 // 0)]

    monkeypatch.setitem(COMMANDS, "report", broken)
    assert run("report", "x") == 1
    shown = capsys.readouterr()
    assert "unexpected ZeroDivisionError" in shown.err
    assert "Traceback" not in shown.err
    (log,) = tmp_path.glob("error-*.log")
    assert str(log) in shown.err
    assert "Traceback" in log.read_text()


def test_too_little_memory_is_no_fault_of_the_program(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def too_much(arguments: object, run: object) -> Iterator[None]:
        raise MemoryError("Unable to allocate 224. GiB")
        yield

    monkeypatch.setitem(COMMANDS, "task", too_much)
    assert run("task", "--json") == 1
    shown = capsys.readouterr()
    assert "more memory than is free" in str(lines_of(shown.out)[-1]["message"])
    assert "224. GiB" in shown.err
    assert "fault of the program" not in shown.err


@pytest.mark.parametrize(("given", "told"), [("abc", 1), ("0", 1), ("-1", 1), ("2", 0), ("", 0)])
def test_a_number_of_threads_that_is_none_is_told_once_and_ends_nothing(
    given: str, told: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TWINRIG_THREADS", given)
    assert run("bench", "list") == 0
    words = f"TWINRIG_THREADS is {given!r}, no whole number of 1 or more: ignored"
    assert capsys.readouterr().err.count(words) == told
    assert compiled.threads() == 2 if given == "2" else compiled.threads() >= 1


def test_another_package_called_instruments_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instruments, "__file__", "/elsewhere/site-packages/instruments/__init__.py")
    with pytest.raises(InputError, match="InstrumentKit"):
        check_our_packages()


def test_a_light_command_loads_neither_torch_nor_qt_nor_matplotlib() -> None:
    code = (
        "import sys; from app.cli.main import main; rc = main(['bench', 'list', '--json']); "
        "heavy = {'torch', 'PyQt6', 'matplotlib', 'xarray'} & set(sys.modules); "
        "sys.exit(rc if not heavy else f'loaded {heavy}')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["event"] == "result"


def test_a_refused_sequence_is_exit_4_with_nothing_on_the_wire_or_the_disk(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    built_in = (ROOT / "resources" / "virtual-nanoring.toml").read_text()
    bench, log, out = tmp_path / "b.toml", tmp_path / "wire.jsonl", tmp_path / "out"
    bench.write_text(built_in.replace("max_current_A = 11.0", "max_current_A = 7.0"))
    arguments = [*RECORD, "--bench", str(bench), "--wire-log", str(log), "--out", str(out)]
    assert run(*arguments) == 4
    assert "7 A" in capsys.readouterr().err
    sent = [line for line in lines_of(log.read_text()) if line["direction"] == "out"]
    assert not [line for line in sent if str(line["data"]).startswith(("CURR ", "OUTP O"))]
    assert not out.exists()


def test_what_counts_and_folder_refuse_is_refused_before_a_sequence_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """100000 sequences of 900 steps took a minute first."""
    monkeypatch.setattr("models.short_form.make_sequences", None)
    asked = ("record", "--bench", "virtual", "--sequences", "mixed:100000x900", "--repeats")
    assert run(*asked, "2", "--out", str(tmp_path / "out")) == 2
    assert "× 2 repeats are 180200000 steps" in capsys.readouterr().err
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine").touch()
    assert run(*asked, "1", "--out", str(tmp_path / "taken")) == 2
    assert "nothing is ever overwritten" in capsys.readouterr().err
    monkeypatch.setattr("app.operations.record_room.free_bytes", lambda _: 10**9)
    assert run(*asked, "1", "--out", str(tmp_path / "out")) == 4
    assert "of the disk, which has 1.0 GB left in" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_wait_for_many_sequences_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def made(form: ShortForm) -> list[FieldSequence]:
        raise InputError("made")

    monkeypatch.setattr(ShortForm, "made", made)
    for count, said in ((100000, True), (100, False)):
        asked = ("record", "--bench", "virtual", "--sequences", f"mixed:{count}x900", "--repeats")
        assert run(*asked, "1", "--out", str(tmp_path / "out")) == 2
        told = "100000 sequences of 900 steps are made first: about 1 min 30 s"
        assert (told in capsys.readouterr().err) == said


def test_accelerating_a_real_bench_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (ROOT / "resources" / "virtual-nanoring.toml").read_text()
    head, _, rest = text.partition("[virtual]")
    real = head + rest[rest.index("[magnet") :]
    for model, port in (("kepco-bop", 9), ("sr830", 19)):
        real = real.replace(f"virtual-{model}::5025", f"127.0.0.1::{port}")
    bench = tmp_path / "real.toml"
    bench.write_text(real)
    arguments = [*RECORD, "--bench", str(bench), "--out", str(tmp_path / "out")]
    assert run(*arguments, "--accelerate", "10") == 4
    assert "real bench" in capsys.readouterr().err


def test_an_existing_out_is_refused_before_the_bench_is_touched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").write_text("mine")
    log = tmp_path / "wire.jsonl"
    arguments = [*RECORD, "--bench", "virtual", "--wire-log", str(log), "--out", str(tmp_path)]
    assert run(*arguments) == 2
    assert "nothing is ever overwritten" in capsys.readouterr().err
    assert not log.exists()


def test_the_same_seed_gives_the_same_recording_and_events_and_result_are_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    responses = []
    for name in ("one", "two"):
        out = str(tmp_path / name)
        assert run(*RECORD, "--bench", "virtual", "--seed", "3", "--out", out, "--json") == 0
        lines = lines_of(capsys.readouterr().out)
        assert {"runplan", "repeatstarted", "stepread", "repeatrecorded"} <= {
            str(line["event"]) for line in lines
        }
        result = lines[-1]
        assert result["event"] == "result"
        assert result["status"] == "done"
        assert (result["sequences"], result["repeats"], result["steps"]) == (1, 1, 3)
        responses.append(read_recording(Path(out)).response)
    assert (responses[0] == responses[1]).all()


def test_for_people_results_go_to_standard_output_and_progress_to_standard_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*RECORD, "--bench", "virtual", "--out", str(tmp_path / "out")) == 0
    shown = capsys.readouterr()
    assert "record: 1 of 1 repeats" in shown.err
    assert "status         done" in shown.out


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from parsers(below)


def test_the_first_help_names_what_the_window_takes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "[--bench B.toml] [--library DIR] [--theme light|dark|system]" in said


def test_a_note_may_begin_with_dashes() -> None:
    record = ["record", "--bench", "virtual", "--out", "o"]
    assert build_parser().parse_args([*record, "--notes", "--a warm day"]).notes == "--a warm day"


def test_every_argument_of_every_verb_says_what_it_is() -> None:
    nothing = [
        f"{parser.prog} {action.dest}"
        for parser in parsers(build_parser())
        for action in parser._actions
        if not action.help and not isinstance(action, argparse._SubParsersAction)
    ]
    assert nothing == []


@pytest.mark.parametrize(
    ("verb", "option", "usual"),
    [
        (
            "fit",
            "--iterations",
            f"({FitSettings().iterations}; --from {FINE_TUNING['iterations']} a member)",
        ),
        (
            "fit",
            "--objective",
            f"(innovations-energy of {VERY_FEW_SEQUENCES} to {MANY_SEQUENCES - 1} fitted sequences "
            f"of up to {FEW_CHANNELS} channels",
        ),
        ("fit", "--members", f"({MEMBERS_OF_FEW} of fewer than {FEW_SEQUENCES} fitted"),
        ("train", "--iterations", f"({TrainSettings().iterations})"),
        ("sweep", "--iterations", f"({TrainSettings().iterations})"),
        ("compare-networks", "--iterations", f"({TrainSettings().iterations})"),
        ("sweep", "--seeds", f"({Grid.seeds})"),
        ("compare-networks", "--seeds", f"({Plan.seeds})"),
        ("train", "--patience", f"({TrainSettings().patience}: never)"),
    ],
)
def test_the_help_says_what_is_usual(verb: str, option: str, usual: str) -> None:
    (parser,) = (one for one in parsers(build_parser()) if one.prog == f"twinrig {verb}")
    assert usual in str(parser._option_string_actions[option].help)


@pytest.mark.parametrize("width", [60, 100])
def test_every_help_page_can_be_read(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    for parser in parsers(build_parser()):
        page = parser.format_help()
        assert max(map(len, page.splitlines())) <= width
        assert parser.prog in page


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_output_into_a_full_disk_is_one_sentence_and_no_fault_of_the_program(
    form: list[str],
) -> None:
    command = [sys.executable, "-m", "app", "task", *form]
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    assert done.stderr.startswith("twinrig: standard output: the disk is full")
    assert "use --resume where the command has it" in done.stderr
    assert len(done.stderr.splitlines()) == 1

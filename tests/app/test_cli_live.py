"""Live progress: bars, words and curves for people."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console

from app.cli.instrument_words import instrument_lines
from app.cli.live import LiveProgress
from app.cli.output import PlainLines
from app.cli.plot import braille
from app.cli.words import error_lines, result_lines, words_of
from app.operations.events import Note, Progress, RepeatStarted, RunPlan, Stage, StepRead
from app.operations.learning_events import TrialEnded, TrialProgress
from app.words import duration

if TYPE_CHECKING:
    import pytest


def test_a_rising_line_is_drawn_from_the_lower_left_to_the_upper_right() -> None:
    assert braille([0, 1, 2, 3], 4, width=2, height=1) == ["⡠⠊"]


def test_a_curve_grows_to_the_right_while_it_is_measured() -> None:
    half, whole = (braille(range(n), 40, width=10, height=2) for n in (20, 40))
    blank = chr(0x2800)
    assert all(line.endswith(blank * 5) for line in half)
    assert not all(line.endswith(blank) for line in whole)


def test_nothing_and_flat_curves_are_drawn_too() -> None:
    assert set("".join(braille([], 10))) == {chr(0x2800)}
    assert any(char != chr(0x2800) for char in "".join(braille([1.0, float("nan"), 1.0], 3)))


def test_a_terminal_shows_bar_time_left_and_the_running_repeat(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.cli.live.REDRAW_S", 0.0)
    text = io.StringIO()
    live = LiveProgress(Console(file=text, force_terminal=True, width=120, highlight=False))
    live.show(Stage("record repeats", 1, 3))
    live.show(RepeatStarted(2, 0, 0, np.zeros(4), np.zeros(4)))
    for step in range(4):
        live.show(StepRead(step, 0.002, 5.0, np.array([float(step), 0.0])))
    live.show(Progress("record", 3, 10, "repeats", 6.0, 14.0))
    live.close()
    shown = text.getvalue()
    for words in ("[1/3] record repeats", "sequence 3, repeat 1", "14 s left", "3/10"):
        assert words in shown
    assert any(0x2800 < ord(char) < 0x2900 for char in shown)


def test_plain_lines_say_stages_and_the_end_at_once_and_progress_seldom() -> None:
    text = io.StringIO()
    lines = PlainLines(text)
    lines.show(Stage("fit", 2, 3))
    for done in range(1, 101):
        lines.show(Progress("fit", done, 100, "iterations", 1.0, None))
    assert text.getvalue().splitlines() == [
        "[2/3] fit", "fit: 1 of 100 iterations", "fit: 100 of 100 iterations",
    ]  # fmt: skip


def test_durations_are_words() -> None:
    assert [duration(s) for s in (0.31, 14, 128, 3720)] == [
        "0.3 s",
        "14 s",
        "2 min 8 s",
        "1 h 2 min",
    ]


def test_results_are_tables_for_people() -> None:
    row = {"value": 0.03, "floor": 0.02, "ratio": 1.5, "excess": 0.0224, "low": 1.2, "high": 1.9}
    (head, line) = error_lines({"mean": row})
    assert head.split()[:4] == ["error", "value", "floor", "ratio"]
    assert head.endswith("90 % of the ratio")
    assert line.split() == ["mean", "0.0300", "0.0200", "1.50", "0.0224", "1.20", "…", "1.90"]
    tree = instrument_lines(
        {
            "x": {
                "driver": "kepco-bop",
                "resource": "R",
                "ok": False,
                "problem": "silent",
                "hint": "h",
            }
        }
    )
    assert tree[0] == "1 instrument: 0 ok, 1 failed"
    assert tree[1].split() == ["FAILED", "x:", "kepco-bop", "at", "R"]
    assert result_lines({"status": "done"}) == ["status         done"]
    assert words_of(Note("careful", "warning")) == "warning: careful"


def test_people_read_foreseen_where_the_keys_of_a_result_say_predicted() -> None:
    predicted = {"value": 0.1, "low": 0.05, "high": 0.15}
    told = {
        "predicted": predicted, "predicted_before": predicted,
        "rounds": {"round 1": {"predicted_before": 0.1, "predicted_after": 0.2}},
    }  # fmt: skip
    lines = result_lines(told)
    assert lines[0] == "foreseen       value 0.1, low 0.05, high 0.15"
    assert lines[1] == "foreseen_before value 0.1, low 0.05, high 0.15"
    assert lines[-1].split(maxsplit=2)[-1] == "foreseen_before 0.1, foreseen_after 0.2"


def test_a_plan_names_few_channels_and_counts_many() -> None:
    few = RunPlan(2, 3, 10, ("X", "Y"), ("V", "V"), 60.0, "out/recording.nc", "rec-1")
    assert "10 steps of X, Y: " in str(words_of(few))
    many = tuple(f"S21[{n}]" for n in range(60))
    plan = RunPlan(2, 3, 10, many, ("",) * 60, 60.0, "out/recording.nc", "rec-1")
    assert "60 channels (S21[0] … S21[59])" in str(words_of(plan))
    known = replace(plan, named=tuple(f"S21[{n}] at {4 + n / 10:.1f} GHz" for n in range(60)))
    assert "60 channels (S21[0] at 4.0 GHz … S21[59] at 9.9 GHz)" in str(words_of(known))


def test_a_trials_scores_are_an_error_or_accuracies_and_say_which() -> None:
    predicted = {"value": 0.1, "low": 0.05, "high": 0.15}
    values = {"metric": "error-rate", "validation": 0.2, "measured": 0.25, "predicted": predicted}
    ended = words_of(TrialEnded("a", "done", values, "", 1, 2))
    scores = "validation accuracy 0.8, measured accuracy 0.75, foreseen accuracy 0.9"
    assert ended == f"[1/2] a: done, {scores}"
    ended = words_of(TrialEnded("a", "done", {"metric": "nmse", "measured": 0.02}, "", 1, 2))
    assert ended == "[1/2] a: done, measured 0.02"
    assert words_of(TrialProgress("a", 3, 10, 0.2)) == "a: 3 of 10, validation error 0.2"


def test_people_read_nodes_counted_from_one_in_their_layer_and_programs_places_from_zero() -> None:
    values = {
        "layers": [3, 2],
        "misfit": {"layers": [1.0, 1.1], "worst": 2.0, "worst_node": 4},
        "diagnosis": {"costs_most": 0, "cost": 0.1, "clipped_most": 3},
    }
    lines = result_lines(values)
    assert "misfit         layers 1, 1.1, worst 2, worst_node layer 2, node 2" in lines
    assert "costs_most layer 1, node 1, cost 0.1, clipped_most layer 2, node 1" in lines[-1]
    assert values["misfit"]["worst_node"] == 4
    assert result_lines({"misfit": {}, "layers": [3]})[0] == "misfit         "


def test_a_result_for_people_has_no_brace_in_it() -> None:
    lines = result_lines(
        {
            "devices": [{"nodes": "nodes", "layers": [0, 2]}, {"nodes": "nodes-2", "layers": [1]}],
            "diagnosis": {"inside": True, "words": ["measured 0.1 lies inside", "one, two"]},
            "rows": [{"name": "a", "score": 0.12345}, {"name": "b", "score": None}],
            "classes": [],
            "layers": [12, 12],
        }
    )
    assert lines == [
        "devices",
        "  layers 1 and 3: runs in nodes",
        "  layer 2: runs in nodes-2",
        "diagnosis",
        "  inside       True",
        "  words",
        "    measured 0.1 lies inside",
        "    one, two",
        "rows",
        "  name a, score 0.1235",
        "  name b, score —",
        "classes        —",
        "layers         12, 12",
    ]

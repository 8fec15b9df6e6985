"""Sweeps as they are typed, as they come and as they stand there; no window."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.checked_json import with_checksum
from app.fit_checkpoint import save_checkpoint
from app.gui.begun import begun, opened
from app.gui.begun_fits import begun_fits
from app.gui.live_sweep import (
    metrics_of,
    setting_names,
    sweep_rows,
    sweep_so_far,
    sweep_words,
    trial_names,
)
from app.gui.live_trials import LiveTrials
from app.gui.network_asks import SWEEP, TABLE, Layout, TrainAsk, parted
from app.gui.network_run import NetworkRun
from app.gui.sweep_asks import SweepAsk, tasks_of
from app.gui.train_words import Pool
from app.gui.twin_asks import ResumeAsk
from app.library.library import Library
from app.operations import compare_networks, sweep
from app.operations.compare_networks_plan import Plan
from app.operations.learning_events import TrialEnded, TrialStarted
from app.operations.side_by_side import cores
from app.operations.trial import Trial, TrialResult
from models.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from app.operations.sweep_grid import Grid

KNOWN = ("mackey-glass", "narma-10")


@pytest.fixture
def twin(tmp_path: Path) -> Path:
    folder = tmp_path / "twin-a"
    folder.mkdir()
    (folder / "twin.json").write_text("{}")
    return folder


def ask(twin: Path, **more) -> SweepAsk:
    return SweepAsk(("mackey-glass",), ((twin,),), ((4,), (8, 8)), 50, 1, 2, **more)


def values(validation: float) -> dict:
    return {"metric": "nmse", "validation": validation, "predicted": {"value": 2 * validation}}


def test_alternatives_make_the_grid_and_taps_are_the_readouts_too(twin) -> None:
    grid = ask(twin, taps="0; 0, 3", vary="rate=0.01 rate=0.003").grid()
    assert len(grid.settings) == 2 * 2 * 2
    asked = grid.settings[-1].trial(1, twin).arguments
    assert (asked["taps"], asked["readout_taps"], asked["rate"]) == ([0, 3], [0, 3], 0.003)
    assert "taps+readout_taps" not in asked


def test_tasks_are_options_of_the_chosen_one_or_others() -> None:
    assert tasks_of("mackey-glass", "", KNOWN) == ("mackey-glass",)
    assert tasks_of("mackey-glass", "h=1; h=5; narma-10", KNOWN) == (
        "mackey-glass:h=1", "mackey-glass:h=5", "narma-10",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"taps": "0; x"}, "taps 'x'"),
        ({"wiring": "forward; 1:2"}, "can't see layer 2"),
        ({"vary": "rat=0.1"}, "option 'rat'"),
        ({"vary": "rate"}, "expected NAME=VALUE"),
        ({"pool": Pool("many")}, "workers 'many'"),
        ({"pool": Pool("²")}, "workers '²'"),
        ({"taps": "²"}, "taps '²'"),
    ],
)
def test_a_grid_that_makes_no_sense_says_so_before_a_press(twin, more, said) -> None:
    assert said in ask(twin, **more).problem()


def test_a_press_says_how_many_networks_and_where(twin) -> None:
    assert ask(twin, pool=Pool("1")).words(False) == (
        "Train 4 networks", "2 settings × 2 seeds · 1 core",
    )  # fmt: skip
    assert Pool().words(64) == f"{cores()} core" + "s" * (cores() > 1)
    cluster = Pool(" tcp://rig:8786 ")
    assert (cluster.scheduler, cluster.count, cluster.problem()) == ("tcp://rig:8786", None, "")
    assert ask(twin, pool=cluster).words(False)[1].endswith("on tcp://rig:8786")


def test_further_options_are_those_of_a_training(twin) -> None:
    assert not Layout(more="use=6").problem(2)
    layout = Layout(more="patience=5 iterations=7 max_hours=2")
    own, options = parted(layout.options())
    assert (own, options) == ({"iterations": 7}, {"patience": 5, "max_hours": 2})
    with pytest.raises(InputError, match="several values"):
        Layout(more="rate=0.1 rate=0.2").options()
    assert (
        "option 'rat'"
        in TrainAsk("mackey-glass", twin, (4,), layout=Layout(more="rat=1")).problem()
    )


def test_settings_are_sorted_by_validation_as_they_come(twin) -> None:
    grid, live = ask(twin).grid(), LiveTrials()
    assert sweep_words(sweep_so_far(grid, live), {}, {}) == ["No setting is trained yet."]
    live.take(TrialEnded("setting000-seed1", "done", values(0.2), "", 1, 4))
    live.take(TrialEnded("setting001-seed1", "done", values(0.1), "", 2, 4))
    live.take(TrialEnded("setting001-seed2", "failed", {}, "diverged", 3, 4))
    found = sweep_so_far(grid, live)
    rows = sweep_rows(found, {}, grid.seeds)
    assert [row.name for row in rows] == ["8·8 nodes", "4 nodes"]
    assert [row.strong for row in rows] == [True, False]
    assert rows[0].cells == ("0.10", "0.20", "1 of 2")
    assert rows[0].word == "1 failed"
    assert rows[0].opens == "setting001-seed1"
    words = sweep_words(found, setting_names([row.setting for row in found]), {})
    assert words[0] == "Best by validation: 8·8 nodes, 0.10."
    assert "1 training failed" in words[-1]
    software = {"ar-18": 0.05, "persistence": 0.4, "untrained network": 0.01}
    beaten = {**values(0.1), "baselines": software}
    live.take(TrialEnded("setting001-seed1", "done", beaten, "", 4, 4))
    found = sweep_so_far(grid, live)
    words = sweep_words(found, setting_names([row.setting for row in found]), {})
    assert words[2] == (
        "On unseen data the best setting is foreseen at 0.20; plain software gets 0.050 there "
        "(AR-18)."
    )


def test_scores_of_two_tasks_are_not_compared_and_each_is_told_in_its_own_metric(twin) -> None:
    """All had the metric of the first: an NMSE of 0.2 was told as an accuracy of 0.800."""
    grid = replace(ask(twin), tasks=("digits", "narma-10"), seeds=1).grid()
    live, software = LiveTrials(), {"linear": 0.3}
    for number, (value, metric) in enumerate(
        ((0.02, "error-rate"), (0.03, "error-rate"), (0.3, "nmse"), (0.2, "nmse"))
    ):
        told = {**values(value), "metric": metric, "baselines": software}
        live.take(TrialEnded(f"setting00{number}-seed1", "done", told, "", number + 1, 4))
    found = sweep_so_far(grid, live)
    settings = [row.setting for row in found]
    metrics = metrics_of(settings, grid, live)
    rows = sweep_rows(found, metrics, grid.seeds)
    assert [(row.name, row.cells[0], row.word) for row in rows] == [
        ("digits, 4 nodes", "0.980", "best"), ("digits, 8·8 nodes", "0.970", ""),
        ("narma-10, 8·8 nodes", "0.20", "best"), ("narma-10, 4 nodes", "0.30", ""),
    ]  # fmt: skip
    words = sweep_words(found, setting_names(settings), metrics)
    assert words[0] == (
        "Best of each task by validation: digits, 4 nodes, 0.980; narma-10, 8·8 nodes, 0.20."
    )
    assert len(words) == 3
    assert "digits, 4 nodes is foreseen at 0.960; plain software gets 0.700" in words[1]
    assert "narma-10, 8·8 nodes is foreseen at 0.40; plain software gets 0.30" in words[2]


def test_what_runs_is_named_as_its_setting_is_in_the_table(twin) -> None:
    grid, live = ask(twin).grid(), LiveTrials()
    live.take(TrialStarted("setting001-seed2", 1, "here"))
    settings = [row.setting for row in sweep_so_far(grid, live)]
    (row,) = live.running_rows(trial_names(settings, grid))
    assert row.name == "8·8 nodes, seed 2"


def test_what_was_stopped_is_told_neither_as_running_nor_as_failed(twin) -> None:
    grid, live = ask(twin).grid(), LiveTrials()
    live.take(TrialStarted("setting000-seed1", 1, "here"))
    assert [row.word for row in live.running_rows()] == ["begins"]
    live.end()
    assert live.running_rows() == []
    assert live.failures() == []
    assert sweep_words(sweep_so_far(grid, live), {}, {}) == ["No setting is trained yet."]


def made_sweep(folder: Path, twin: Path, done: int) -> Grid:
    grid = ask(twin).grid()
    cells = list(grid.trials(folder))
    for _, _, trial in cells[:done]:
        trial.save(TrialResult(trial.name, "done", values(0.1)))
    results = {trial.name: trial.result() for _, _, trial in cells[:done]}
    rows = [row.to_json() for row in sweep.rows_of(grid, results)]
    body = {"kind": "sweep", "schema": 1, "status": "running", "grid": grid.to_json(), "rows": rows}
    text = json.dumps(with_checksum(json.loads(json.dumps(body))))
    (folder / "sweep.json").write_text(text)
    return grid


def test_a_sweep_that_ended_early_can_go_on_a_whole_one_not(twin, tmp_path) -> None:
    made_sweep(tmp_path / "sweep-a", twin, 3)
    made_sweep(tmp_path / "sweep-b", twin, 4)
    (one,) = begun(Library(tmp_path))
    assert (one.path.name, one.view, one.far) == ("sweep-a", SWEEP, "3 of 4 trained")
    assert one.words(False)[0] == "Go on with sweep-a"
    assert one.grid() == ask(twin).grid()


def test_a_sweep_is_shown_as_it_stands(twin, tmp_path) -> None:
    made_sweep(tmp_path / "sweep-a", twin, 3)
    shown, live = opened(tmp_path / "sweep-a")
    assert (shown.view, live.ended) == (SWEEP, 3)
    assert [len(row.seeds) for row in sweep_so_far(shown.grid(), live)] == [2, 1]


def test_a_table_that_ended_early_can_go_on(twin, tmp_path) -> None:
    plan = Plan("mackey-glass", (str(twin),), (), (4,), seeds=1)
    body = {
        "kind": "networks-table", "schema": 1, "status": "running", "plan": plan.sealed(),
        "results": {"noise-aware-seed0": {"status": "done", "reason": "", "values": values(0.1)}},
    }  # fmt: skip
    folder = tmp_path / "table-a"
    folder.mkdir()
    text = json.dumps(with_checksum(json.loads(json.dumps(body))))
    (folder / "networks-table.json").write_text(text)
    (one,) = begun(Library(tmp_path))
    assert (one.view, one.far, one.hardware) == (TABLE, "1 of 5 trials done", False)
    assert Trial("x", "train", {}, str(folder)).out == folder / "trials" / "x"


def test_what_drives_a_pool_from_the_window_loads_neither_torch_nor_matplotlib() -> None:
    words = (
        "import sys, app.gui.begun, app.gui.sweep_asks, app.report.networks_text\n"
        "import app.operations.compare_networks, app.operations.sweep\n"
        "print(sorted({'torch', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", words], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_fit_or_a_training_that_ended_early_is_known_by_its_checkpoint(tmp_path) -> None:
    for name in ("twin-a", "net-a"):
        (tmp_path / name).mkdir()
    save_checkpoint(tmp_path / "twin-a", {"x": np.zeros(2)}, {"settings": {}, "parents": []})
    request = {"task": "mackey-glass", "twins": ["twin-b"], "layers": [4, 4], "iterations": 50,
               "seed": 1, "options": {"wiring": "skip", "taps": [0, 2]}}  # fmt: skip
    numbers = {"kind": "training", "request": request}
    save_checkpoint(tmp_path / "net-a", {"x": np.zeros(2)}, numbers)
    library = Library(tmp_path)
    assert begun_fits(library) == [tmp_path / "twin-a"]
    (one,) = begun(library)
    assert (one.view, one.task, one.layers) == ("one", "mackey-glass", (4, 4))
    assert one.far == "of 50 iterations, from its checkpoint"
    assert one.blocks == ((-1, -1), (-1, -1, 0, 0))
    ask = ResumeAsk(tmp_path / "twin-a")
    assert ask.words(False)[0] == "Go on with twin-a"
    assert ask.arguments([], tmp_path / "else")["out"] == tmp_path / "twin-a"


def test_a_table_whose_twin_has_changed_or_is_gone_says_so(tmp_path):
    twins = [tmp_path / name for name in ("twin-a", "twin-b")]
    for twin in twins:
        twin.mkdir()
        (twin / "twin.json").write_text("{}")
    named = tuple(str(twin) for twin in twins)
    plan = Plan("mackey-glass", named[:1], named[1:], (4,))
    body = {"kind": compare_networks.KIND, "schema": compare_networks.SCHEMA, "status": "running",
            "plan": plan.sealed(), "results": {}}  # fmt: skip
    (tmp_path / "table-a").mkdir()
    (tmp_path / "table-a" / compare_networks.FILE_NAME).write_text(json.dumps(with_checksum(body)))
    (one,) = begun(Library(tmp_path))
    assert one.problem() == ""
    live = NetworkRun.of(one, one.path)
    live.trials.take(TrialEnded("noise-aware-seed0", "done", {}, "", 1, 2))
    assert live.ended("done")[0] == "Compared mackey-glass, 4"
    live.trials.take(TrialEnded("noise-aware-seed0-deployed", "failed", {}, "no link", 2, 2))
    assert live.ended("done")[0] == "Compared mackey-glass, 4, 1 of 2 failed"
    (twins[0] / "twin.json").write_text("{ }")
    (twins[1] / "twin.json").unlink()
    (one,) = begun(Library(tmp_path))
    assert f"{twins[0]} has changed since the table was begun; begin a new one" in one.problem()
    assert "twin-b: holds no twin.json (there is: nothing); bring it back" in one.problem()
    with pytest.raises(InputError, match="has changed since"):
        list(one.start(one.path, lambda: False))

"""A sweep: the grid of a file or of options, trained in a pool, its table by validation score."""

from __future__ import annotations

import csv
import json
import os
import shutil
from contextlib import closing
from pathlib import Path

import pytest
import xarray as xr
from network_samples import TASK
from pool_samples import saved_twins

from app.artefacts import read_head
from app.cli.arguments import build_parser
from app.cli.main import main
from app.operations.sweep import FILE_NAME, KIND, SCHEMA, rows_of, sweep, table_lines
from app.operations.sweep_file import grid_of_file
from app.operations.sweep_grid import Grid, options_of
from app.operations.trial import Trial, TrialResult
from app.train_request import TrainOptions
from models.errors import InputError, TwinrigError

FILE = """
task = ["mackey-glass:h=5"]
twin = ["noisy", "noisy,plain"]
layers = [[2, 2], [3, 1]]
seeds = 2
[train]
iterations = [4, 8]
readout_from_judge = false
"""


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return saved_twins(tmp_path_factory.mktemp("twins"))


def test_a_file_says_the_grid_and_twins_stand_beside_it(twins: tuple[Path, Path]) -> None:
    file = twins[0].parent / "grid.toml"
    file.write_text(FILE)
    grid = Grid(**grid_of_file(file))
    assert len(grid.settings) == 1 * 2 * 2 * 2
    assert grid.settings[1].options == {"iterations": 8, "readout_from_judge": False}
    assert grid.twins[1] == (str(twins[0]), str(twins[1]))
    cells = list(grid.trials(Path("/sweep")))
    assert len({trial.name for _, _, trial in cells}) == 16
    assert [seed for _, seed, _ in cells] == [0] * 8 + [1] * 8
    assert Grid.from_json(json.loads(json.dumps(grid.to_json()))) == grid


def test_what_a_file_says_wrongly_is_said_in_one_go(tmp_path: Path) -> None:
    file = tmp_path / "grid.toml"
    file.write_text('task = "mackey-glass"\nlayer = [[2]]\nlayers = [2, 2]\nseeds = "two"\n')
    with pytest.raises(InputError) as refused:
        grid_of_file(file)
    for words in ("'layer' is unknown", "must be a list", "lists of node counts", "whole numbers"):
        assert words in str(refused.value)
    file.write_text("task = [")
    with pytest.raises(InputError, match="not a TOML file"):
        grid_of_file(file)


def test_options_are_read_as_toml_or_text_and_unknown_ones_refused(
    twins: tuple[Path, Path],
) -> None:
    options = options_of(["iterations=4", "iterations=8", "readout-from-judge=true", "judge=/a b",
                          "taps=0,3,6", "use=X,Y", "use=6"])  # fmt: skip
    assert options == {
        "iterations": (4, 8), "readout_from_judge": (True,), "judge": ("/a b",),
        "taps": ([0, 3, 6],), "use": ("X,Y", "6"),
    }  # fmt: skip
    with pytest.raises(InputError, match=r"taps is 'one', expected a list of delays"):
        TrainOptions.of({"taps": "one"})
    with pytest.raises(InputError, match="expected NAME=VALUE"):
        options_of(["iterations"])
    twin = (str(twins[0]),)
    with pytest.raises(InputError, match="'iteration' is none of a training's") as refused:
        Grid(("mackey-glass",), (twin * 2, ("/nowhere",)), ((2, 2, 2),), 0, 0, {"iteration": (4,)})
    for words in ("0 seeds", "2 twins", "/nowhere: no twin.json"):
        assert words in str(refused.value)


@pytest.mark.parametrize(
    ("said", "use"),
    [
        ("6", ("6",)),
        ("X,Y", ("X,Y",)),
        ("1,2", ("1,2",)),
        ('["X", 6]', ("X", "6")),
        ('"6"', ("6",)),
    ],
)
def test_channels_to_use_are_taken_as_a_training_takes_them(
    twins: tuple[Path, Path], said: str, use: tuple[str, ...]
) -> None:
    """`use=6` is what a training's own warning advises, and was refused: no list."""
    [setting] = Grid(
        (TASK,), ((str(twins[0]),),), ((2, 2),), options=options_of([f"use={said}"])
    ).settings
    assert TrainOptions.of(setting.options).use == use


def test_a_file_names_channels_to_use_or_how_many(twins: tuple[Path, Path]) -> None:
    file = twins[0].parent / "use.toml"
    file.write_text(f'task = ["{TASK}"]\ntwin = ["{twins[0].name}"]\nlayers = [[2]]\n'
                    '[train]\nuse = [6, "X", ["1:X", "2"]]\n')  # fmt: skip
    settings = Grid(**grid_of_file(file)).settings
    assert [TrainOptions.of(one.options).use for one in settings] == [("6",), ("X",), ("1:X", "2")]


def test_a_combination_that_excludes_itself_is_left_out_and_a_value_of_none_refused(
    twins: tuple[Path, Path],
) -> None:
    def grid(**options: tuple[object, ...]) -> Grid:
        return Grid((TASK,), ((str(twins[0]),),), ((2, 2),), options=options)

    some = grid(refit=(True, False), cascade=(True, False))
    assert [s.options["refit"] and s.options["cascade"] for s in some.settings] == [False] * 3
    assert [s.number for s in some.settings] == [0, 1, 2]
    assert len(some.left_out) == 1
    assert "refit True · cascade True: refit and cascade exclude each other" in some.left_out[0]
    assert Grid.from_json(json.loads(json.dumps(some.to_json()))).left_out == some.left_out
    with pytest.raises(InputError, match="sweep: refit and cascade exclude each other"):
        grid(refit=(True,), cascade=(True,))
    with pytest.raises(InputError, match=r"weight_decay -1: refused in every combination"):
        grid(weight_decay=(0.0, -1))


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("refit=False", "refit is 'False', expected true or false"),
        ("cascade=2", "cascade is 2, expected true or false"),
        ("weight_decay=nan", "weight_decay is nan, expected a number"),
        ("patience=abc", "patience is 'abc', expected a whole number, zero or more"),
        ("rate=nan", "rate is nan, expected a number"),
        ("rate=fast", "rate is 'fast', expected a number"),
        ("supply=0.1", r"supply is 0\.1, expected two numbers"),
        ("wiring=3", "wiring is 3, expected a text"),
        ("iterations=2.5", r"iterations is 2\.5, expected a whole number"),
        ("judge=1", "judge is 1, expected a path or a list of them"),
        ("use=[1.5]", "use is a list, expected channels such as X,Y or 2:X, how many such as 6"),
    ],
)
def test_an_option_of_another_kind_is_refused(
    twins: tuple[Path, Path], word: str, said: str
) -> None:
    """`refit=False` is a text, and as one that is there it was True."""
    with pytest.raises(InputError, match=said):
        Grid((TASK,), ((str(twins[0]),),), ((2, 2),), options=options_of([word]))


def test_rows_are_sorted_by_validation_and_never_by_the_unseen_part(
    twins: tuple[Path, Path],
) -> None:
    grid = Grid((TASK,), ((str(twins[0]),),), ((2, 2), (3, 3), (4, 4)), seeds=2)
    first, second, third = grid.settings

    def result(setting, seed, validation, foreseen):
        baselines = {"ar-4": 0.02, "esn-4": 0.03 - 0.04 * seed, "untrained network": 0.001}
        values = {"validation": validation, "predicted": {"value": foreseen}}
        values |= {"baselines": baselines} if setting is first else {}
        return TrialResult(setting.name(seed), "done", values)

    results = [
        result(first, 0, 0.4, 0.01), result(first, 1, 0.2, 0.01), result(second, 0, 0.25, 0.9),
        TrialResult(second.name(1), "lost", {}, "its worker died"),
    ]  # fmt: skip
    rows = rows_of(grid, {one.name: one for one in results})
    assert [row.setting for row in rows] == [second, first, third]
    assert [row.mean for row in rows] == [0.25, pytest.approx(0.3), None]
    assert rows[0].failed == {1: "its worker died"}
    lines = table_lines(rows)
    assert lines[2].split(" | ")[-4:] == ["0", "0.9", "—", "1 |"]
    assert lines[3].split(" | ")[-4:] == ["1", "0.01", "0.01 (esn-4)", "0 |"]
    assert rows[1].to_json()["baselines"]["untrained network"] == 0.001
    assert "chose nothing" in lines[-1]


def test_twins_whose_folders_have_one_name_are_told_apart(
    twins: tuple[Path, Path], tmp_path: Path
) -> None:
    """Of two projects, each with a folder `twin`: nobody could tell which row was whose."""
    from app.gui.live_sweep import setting_names

    paths = tuple(str(tmp_path / name / "twin") for name in ("old", "new"))
    for path in paths:
        shutil.copytree(twins[0], path)
    grid = Grid((TASK,), tuple((path,) for path in paths), ((2,),))
    lines = table_lines(rows_of(grid, {}))
    assert [line.split(" | ")[1] for line in lines[2:4]] == list(paths)
    assert list(setting_names(grid.settings).values()) == list(paths)


@pytest.mark.skipif(os.name != "posix", reason="names of Windows and macOS are text")
def test_a_twin_whose_folders_name_is_no_text_ends_nothing(
    twins: tuple[Path, Path], tmp_path: Path
) -> None:
    place = tmp_path / b"f\xfcr".decode("utf-8", "surrogateescape")
    try:
        shutil.copytree(twins[0], place)
    except OSError:
        pytest.skip("this file system takes text only")
    grid = Grid((TASK,), ((str(place),),), ((2,),))
    with closing(sweep(grid, tmp_path / "out")) as events:
        next(events)
    assert "| f?r |" in (tmp_path / "out" / "sweep.md").read_text("utf-8")
    assert ",f?r," in (tmp_path / "out" / "sweep.csv").read_text("utf-8")


def test_scores_of_several_tasks_are_not_ranked_against_each_other(
    twins: tuple[Path, Path],
) -> None:
    """An error rate of 0.1 is not worse than an NMSE of 0.01."""
    tasks = ("signals:train=40,validation=10,test=20", TASK)
    grid = Grid(tasks, ((str(twins[0]),),), ((2,), (3,)))
    scores = {0: 0.2, 1: 0.1, 2: 0.01, 3: 0.02}
    results = {
        one.name(0): TrialResult(
            one.name(0), "done", {"validation": score, "predicted": {"value": score}}
        )
        for one, score in zip(grid.settings, scores.values(), strict=True)
    }
    rows = rows_of(grid, results)
    assert [row.mean for row in rows] == [0.1, 0.2, 0.01, 0.02]
    assert [row.setting.task for row in rows] == [tasks[0], tasks[0], TASK, TASK]
    assert "of classes an error rate" in table_lines(rows)[-1]


def test_a_sweep_does_not_go_on_with_another_twin(
    twins: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    twin, out = tmp_path / "twin", tmp_path / "out"
    shutil.copytree(twins[0], twin)
    asked = ["sweep", "--task", TASK, "--twin", str(twin), "--layers", "2", "--set", "iterations=2"]
    assert main([*asked, "--out", str(out)]) == 0
    (out / "results" / "setting000-seed0.json").unlink()
    shutil.rmtree(out / "trials" / "setting000-seed0")
    shutil.rmtree(twin)
    shutil.copytree(twins[1], twin)
    assert main(["sweep", "--resume", str(out)]) == 2
    assert "has changed since the sweep was begun" in capsys.readouterr().err


def test_a_sweep_without_workers_leaves_its_folder_free(
    twins: tuple[Path, Path], tmp_path: Path
) -> None:
    """The same command without the wrong option was refused: "holds sweep.csv already"."""
    grid, out = Grid((TASK,), ((str(twins[0]),),), ((2, 2),)), tmp_path / "out"
    with pytest.raises(InputError, match="--workers 2 is of this machine"):
        list(sweep(grid, out, workers=2, scheduler="tcp://127.0.0.1:9"))
    assert not out.exists()


def test_a_resumed_sweep_that_can_not_begin_keeps_its_table(
    twins: tuple[Path, Path], tmp_path: Path
) -> None:
    """No scheduler there: what was trained still stands in the table that people look at."""
    grid = Grid((TASK,), ((str(twins[0]),),), ((2, 2),), seeds=2)
    with closing(sweep(grid, tmp_path / "out")) as events:
        next(events)
    trial = next(trial for _, _, trial in grid.trials(tmp_path / "out"))
    values = {"validation": 0.1234, "predicted": {"value": 0.2}}
    trial.save(TrialResult(trial.name, "done", values))
    with pytest.raises(TwinrigError, match="--scheduler"):
        list(sweep(None, tmp_path / "out", resume=True, scheduler="nowhere://1"))
    distributed = pytest.importorskip("distributed")
    with pytest.raises(
        ValueError, match="No global client found"
    ):  # else all of Dask here would ask it
        distributed.get_client()
    xr.Dataset({"x": ("t", [1.0])}).to_netcdf(tmp_path / "x.nc", engine="h5netcdf")
    assert "0.1234" in (tmp_path / "out" / "sweep.md").read_text()
    assert "0.1234" in (tmp_path / "out" / "sweep.csv").read_text()


@pytest.mark.timeout(240)
def test_lists_of_a_grid_may_be_given_one_by_one() -> None:
    """`--twin A --twin B` trained through B alone, without a word."""
    words = ["--task", "a", "--task", "b", "--twin", "A", "--twin", "B", "C", "--layers", "4"]
    words += ["--layers", "8,2", "--iterations", "1", "--iterations", "2", "--out", "o"]
    asked = build_parser().parse_args(["sweep", *words])
    assert asked.task == ["a", "b"]
    assert asked.twin == ["A", "B", "C"]
    assert asked.iterations == [1, 2]
    assert len(asked.layers) == 2
    words = ["evaluate", "T", "R", "--beside", "A", "--beside", "B"]
    assert build_parser().parse_args(words).beside == [Path("A"), Path("B")]


def test_the_command_trains_the_grid_and_goes_on_with_what_is_missing(
    twins: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    asked = ["sweep", "--task", TASK, "--twin", str(twins[0]), "--layers", "2", "2,2"]
    code = main([*asked, "--seeds", "1", "--set", "iterations=4", "--out", str(out), "--json"])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert code == 0
    assert (lines[-1]["event"], lines[-1]["trials"], lines[-1]["failed"]) == ("result", 2, 0)
    assert lines[0]["text"] == "2 trainings: 2 settings × 1 seed"
    ended = [line for line in lines if line["event"] == "trialended"]
    assert sorted(line["name"] for line in ended) == ["setting000-seed0", "setting001-seed0"]
    assert all(line["values"]["validation"] > 0 for line in ended)
    body = read_head(out / FILE_NAME, KIND, SCHEMA)
    assert body["status"] == "done"
    assert body["rows"][0]["validation"] <= body["rows"][1]["validation"]
    with (out / "sweep.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.reader(file))
    assert len(table) == 3
    assert "| validation |" in (out / "sweep.md").read_text("utf-8")

    (out / "results" / "setting001-seed0.json").unlink()
    assert main(["sweep", "--resume", str(out), "--json"]) == 0
    again = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    begun = [line["name"] for line in again if line["event"] == "trialstarted"]
    assert begun == ["setting001-seed0"]
    assert again[-1]["best"] == lines[-1]["best"]
    told = ["continued" in line for line in (lines[-1], again[-1])]
    assert told == [False, True]  # its seconds are of the last session
    trial = Trial("setting000-seed0", "train", {}, str(out))
    assert len(trial.attempts()) == 1
    assert main([*asked, "--resume", str(out)]) == 2
    assert main([*asked, "--out", str(out)]) == 2
    capsys.readouterr()
    wrong = ["sweep", "--task", "mackey-glas", TASK, "--twin", str(twins[0]), "--layers", "2"]
    assert main([*wrong, "--out", str(tmp_path / "wrong")]) == 2
    assert "did you mean 'mackey-glass'" in capsys.readouterr().err
    assert not (tmp_path / "wrong").exists()
    wrong = ["sweep", "--task", TASK, "--twin", str(twins[0]), "--layers", "2", "--set", "taps=9"]
    assert main([*wrong, "--out", str(tmp_path / "wrong")]) == 2
    assert "taps is 9, expected a list of delays" in capsys.readouterr().err
    assert not (tmp_path / "wrong").exists()

"""What is chosen by validation is what a training takes where nobody says otherwise."""

from __future__ import annotations

import functools
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from network_samples import run, twin_of

from app.cli.arguments import build_parser
from app.cli.network import asked_of
from app.cli.sweep import _grid
from app.operations.events import Result
from app.operations.train import train
from app.store import load_network, save_twin
from app.train_request import LAYOUT, TrainOptions
from instruments.bench import Bench
from instruments.bench_file import read_bench
from models.errors import InputError
from models.score import pooled
from training.design import Design
from training.foresee import CHOOSING
from training.readout import pooled as pooled_torch
from training.tasks import make_task
from training.tasks import suggested as suggestions
from training.tasks.suggested import SUGGESTED

if TYPE_CHECKING:
    from pathlib import Path


def asked(*words: str) -> dict[str, Any]:
    return asked_of(build_parser().parse_args(["train", *words, "--out", "network"]))


@pytest.mark.parametrize("name", sorted(SUGGESTED))
def test_a_training_takes_the_network_that_validation_chose_for_its_task(name: str) -> None:
    chosen, task = SUGGESTED[name], make_task(name)
    layout = {name: value for name, value in chosen.options.items() if name in LAYOUT}
    Design.of(chosen.layers, 2, task, **layout)  # one that can be played
    found = asked("--task", f"{name}:seed=3", "--twin", "twin")
    assert tuple(found["layers"]) == chosen.layers
    assert found["iterations"] == chosen.iterations
    assert found["options"] == asdict(TrainOptions(**chosen.options))


def test_what_is_said_stands_over_what_is_suggested() -> None:
    said = asked("--task", "digits", "--twin", "twin", "--readout-taps", "0,5", "--iterations", "7")
    assert (said["iterations"], said["options"]["readout_taps"]) == (7, (0, 5))
    assert said["options"]["taps"] == SUGGESTED["digits"].options["taps"]
    other = asked("--task", "digits", "--twin", "twin", "--layers", "9")
    assert (other["layers"], other["iterations"]) == ([9], None)
    assert other["options"] == asdict(TrainOptions())
    with pytest.raises(InputError, match="--layers is missing"):
        asked("--task", "mackey-glass", "--twin", "twin")


@pytest.mark.parametrize("iterations", [0, 3])
def test_a_networks_validation_score_is_that_of_its_own_read_out(
    tmp_path: Path, iterations: int
) -> None:
    """A sweep is sorted by it: it must be of the read-out that is deployed, as chosen."""
    with Bench.connect(read_bench("virtual")) as bench:
        save_twin(tmp_path / "twin", twin_of(bench))
    task = "signals:train=60,validation=20,test=20"
    made = train(task, [tmp_path / "twin"], [2], tmp_path / "network", iterations=iterations)
    events, path = run(made)
    assert isinstance(events[-1], Result)
    validation = events[-1].values["validation"]
    wrong = validation * 20 * CHOOSING  # windows that all passes together told wrong
    assert wrong == pytest.approx(round(wrong))
    assert load_network(path).meta["validation"] == validation
    assert load_network(path).meta["ridge"] > 0


def test_the_sweeps_that_chose_are_sweeps_of_trainings_that_can_be_made(tmp_path: Path) -> None:
    """Those that the module's docstring names, word for word."""
    with Bench.connect(read_bench("virtual")) as bench:
        save_twin(tmp_path / "twin", twin_of(bench))
    words = " ".join((suggestions.__doc__ or "").split())
    commands = [part.split() for part in words.split("twinrig sweep ")[1:]]
    assert len(commands) == 2
    sizes, task_of = [], functools.cache(make_task)
    for command in commands:
        given = [str(tmp_path / "twin") if word == "TWIN" else word for word in command]
        grid = _grid(build_parser().parse_args(["sweep", *given]))
        sizes.append(len(grid.settings))
        for setting in grid.settings:
            task = task_of(setting.task)
            layout = {k: tuple(v) for k, v in setting.options.items() if k != "iterations"}
            assert TrainOptions.of(layout)
            Design.of(setting.layers, 2, task, **layout)
    assert sizes == [2 * 2 * 3, 3 * 3 * 2]


def test_late_is_the_mean_of_a_windows_second_half() -> None:
    features = samples_of(14)
    found = pooled(features, 7, "late")
    expected = np.stack([features[3:7].mean(axis=0), features[10:14].mean(axis=0)])
    np.testing.assert_allclose(found, expected)
    same = pooled_torch(torch.as_tensor(features).unsqueeze(1), 7, "late")[:, 0]
    np.testing.assert_allclose(same.numpy(), expected)


def samples_of(steps: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((steps, 3))

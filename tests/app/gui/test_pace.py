"""How long a fit or a training will take, by the last one of its sort."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from artefact_samples import twin

from app.gui.network_asks import TrainAsk
from app.gui.pace import curve_s, fit_s, train_s
from app.gui.sweep_asks import SweepAsk
from app.gui.train_words import Pool
from app.gui.twin_asks import CurveAsk, FitAsk
from app.gui.twin_looked import Looked
from app.gui.words import about
from app.library.folders import Artefact
from app.store import save_twin

RECORDING = Looked(Path("rec-1"), sequences=40, steps=100, channels=("X", "Y"))


def fitted(name: str, created: str, **changed: Any) -> Artefact:
    """A twin of 40 sequences of 100 steps that took 60 s for 1000 iterations."""
    meta = {
        "created": created, "objective": "energy", "iterations": 1000, "seconds": 60.0,
        "parents": [{"sequences": 40, "steps": 100}],
    }  # fmt: skip
    head = {"channels": ["X", "Y"], "latent": 16, "hidden": 64, "meta": {**meta, **changed}}
    return Artefact(Path(name), "twin", 0.0, head)


def trained(name: str, created: str, **changed: Any) -> Artefact:
    """A network of 32 nodes that took 100 s for 400 iterations."""
    meta = {
        "created": created, "task": "mackey-glass", "layers": [16, 16], "trained": 400,
        "seconds": 100.0,
    }  # fmt: skip
    return Artefact(Path(name), "net", 0.0, {"meta": {**meta, **changed}})


def by_path(*found: Artefact) -> dict[Path, Artefact]:
    return {one.path: one for one in found}


OLD, NEW = fitted("twin-1", "2026-12-01"), fitted("twin-2", "2026-12-02", seconds=30.0)


def test_a_fit_takes_as_long_as_the_newest_one_of_its_sort_by_iterations_and_steps() -> None:
    assert fit_s(FitAsk(iterations=6000), [RECORDING], by_path(NEW, OLD)) == pytest.approx(180.0)
    longer = replace(RECORDING, steps=300)
    assert fit_s(FitAsk(iterations=1000), [RECORDING, longer], by_path(OLD)) == pytest.approx(180.0)
    limited = FitAsk(iterations=6000, minutes=2)
    assert fit_s(limited, [RECORDING], by_path(NEW)) == pytest.approx(120.0)


@pytest.mark.parametrize(
    ("ask", "recording"),
    [
        (FitAsk(objective="published"), RECORDING),
        (FitAsk(objective="mean"), RECORDING),
        (FitAsk(searched=True), RECORDING),
        (FitAsk(hidden=96), RECORDING),
        (FitAsk(), replace(RECORDING, channels=("X",))),
        (FitAsk(), replace(RECORDING, sequences=600)),
    ],
)
def test_of_another_sort_it_says_nothing(ask, recording) -> None:
    assert fit_s(ask, [recording], by_path(OLD, NEW)) is None


def test_without_a_recording_or_a_twin_that_tells_it_says_nothing() -> None:
    assert fit_s(FitAsk(), [], by_path(OLD)) is None
    assert fit_s(FitAsk(), [RECORDING], {}) is None
    unknown = fitted("twin-3", "2026-12-03", parents=[{"sequences": 40}])  # of an older version
    assert fit_s(FitAsk(), [RECORDING], by_path(unknown)) is None
    broken = Artefact(Path("twin-4"), "twin", 0.0, {"meta": []}, broken="its file is cut short")
    assert fit_s(FitAsk(iterations=1000), [RECORDING], by_path(broken, OLD)) == pytest.approx(60.0)


def test_a_fit_that_goes_on_is_of_the_sort_of_its_twin() -> None:
    slow = fitted("twin-3", "2026-12-03", objective="published", seconds=6000.0)
    twins = by_path(OLD, slow)
    usual = FitAsk(iterations=1000)
    assert fit_s(usual, [RECORDING], twins) == pytest.approx(60.0)
    assert fit_s(replace(usual, origin=slow.path), [RECORDING], twins) == pytest.approx(6000.0)


def test_a_training_takes_as_long_as_the_last_one_by_iterations_and_nodes() -> None:
    ask = TrainAsk("mackey-glass:horizon=5", Path("twin-1"), (32, 32), iterations=800)
    networks = by_path(trained("net-1", "2026-12-01"))
    assert train_s(ask, networks) == pytest.approx(400.0)
    seeds = replace(ask, seeds=3, pool=Pool("2"))
    assert train_s(seeds, networks) == pytest.approx(800.0)  # two at a time
    further = replace(ask, origin=Path("net-1"))  # with its own nodes
    assert train_s(further, networks) == pytest.approx(200.0)


def test_a_training_that_was_far_shorter_or_of_another_task_tells_nothing() -> None:
    ask = TrainAsk("mackey-glass", Path("twin-1"), (32, 32), iterations=800)
    assert train_s(ask, by_path(trained("net-1", "2026-12-01", trained=60))) is None
    assert train_s(ask, by_path(trained("net-1", "2026-12-01", task="digits"))) is None
    lost = Artefact(Path("net-1"), "net", 0.0, {}, broken="its file is cut short")
    gone = replace(ask, origin=lost.path)  # chosen before that happened
    assert train_s(gone, by_path(lost, trained("net-2", "2026-12-01"))) is None
    untrained = replace(ask, iterations=0)
    assert train_s(untrained, by_path(trained("net-1", "2026-12-01"))) is None


def test_a_sweep_takes_what_its_networks_take_side_by_side(tmp_path) -> None:
    save_twin(tmp_path, twin())
    sweep = SweepAsk(
        ("mackey-glass",), ((tmp_path,),), ((16, 16), (32, 32)), iterations=400, seeds=2,
        pool=Pool("2"),
    )  # fmt: skip
    networks = by_path(trained("net-1", "2026-12-01"))
    assert train_s(sweep, networks) == pytest.approx(100.0 + 200.0)
    half_known = replace(sweep, tasks=("mackey-glass", "digits"))
    assert train_s(half_known, networks) is None
    assert train_s(replace(sweep, pool=Pool("tcp://cluster:8786")), networks) is None
    assert train_s(replace(sweep, vary="nonsense"), networks) is None


def test_a_learning_curve_takes_twelve_fits_for_each_seed_at_most() -> None:
    asked = CurveAsk(iterations=1000, seeds=2)
    assert curve_s(asked, [RECORDING], by_path(OLD)) == pytest.approx(24 * 60.0)
    assert curve_s(asked, [RECORDING], {}) is None


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, ""),
        (2.0, "about 10 s"),
        (84.0, "about 1 min 20 s"),
        (118.0, "about 2 min"),
        (217.0, "about 3 min 30 s"),
        (1234.0, "about 21 min"),
        (9000.0, "about 2 h 30 min"),
    ],
)
def test_no_finer_than_it_can_be_known(seconds, said) -> None:
    assert about(seconds) == said

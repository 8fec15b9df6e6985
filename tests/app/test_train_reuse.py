"""What a training takes from networks beside it is what it would compute itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from network_samples import TASK, run, twin_of

from app.operations.events import Note, Result
from app.operations.learning_events import BaselineScored
from app.operations.train import train
from app.operations.train_reuse import Beside
from app.operations.train_setup import Setup
from app.store import load_network, save_network, save_twin
from app.train_request import Request, TrainOptions
from instruments.bench import Bench
from instruments.bench_file import read_bench
from models.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from app.operations.events import Event
    from models.network import Network

LAYERS, ITERATIONS, SEED = [3, 2], 4, 6
TAPS = {"taps": (0, 2), "readout_taps": (0, 2)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twins `noisy` and `plain`, and what is trained through them with nothing beside."""
    folder = tmp_path_factory.mktemp("beside")
    with Bench.connect(read_bench("virtual")) as bench:
        save_twin(folder / "noisy", twin_of(bench))
        save_twin(folder / "plain", twin_of(bench, deterministic=True))
    made(folder, "untrained", "noisy", iterations=0)
    made(folder, "aware", "noisy")
    made(folder, "deterministic", "plain", judge=folder / "noisy")
    made(folder, "from-judge", "plain", judge=folder / "noisy", readout_from_judge=True)
    return folder


def made(folder: Path, name: str, twin: str, **asked: Any) -> tuple[list[Event], Network]:
    asked = {"iterations": ITERATIONS, "seed": SEED, "options": TAPS, **asked}
    events, path = run(train(TASK, [folder / twin], LAYERS, folder / name, **asked))
    return events, load_network(path)


def notes(events: list[Event]) -> str:
    return "\n".join(event.text for event in events if isinstance(event, Note))


def assert_same(one: Network, other: Network) -> None:
    """Assert that all that a deployment computes with, and all that is told, is the same."""
    assert one.baselines == other.baselines
    assert one.predicted == other.predicted
    for here, there in zip(one.layers, other.layers, strict=True):
        np.testing.assert_array_equal(here.weights, there.weights)
        np.testing.assert_array_equal(here.biases, there.biases)
    for name in ("feature_mean", "feature_scale", "readout_weights", "readout_bias", "node_mean"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    told = ("validation", "trained", "ridge", "judged")
    assert [one.meta.get(name) for name in told] == [other.meta.get(name) for name in told]


@pytest.mark.parametrize(
    ("alone", "twin", "judge"), [("aware", "noisy", None), ("deterministic", "plain", "noisy")]
)
def test_baselines_of_an_untrained_network_beside_are_its_own(
    folder: Path, alone: str, twin: str, judge: str | None
) -> None:
    asked = {"judge": None if judge is None else folder / judge}
    events, network = made(folder, f"{alone}-beside", twin, beside=[folder / "untrained"], **asked)
    assert "baselines are those of a network beside" in notes(events)
    assert "layers are those" not in notes(events)
    assert_same(network, load_network(folder / alone))
    assert "untrained network" in network.baselines
    scored = {e.name: e.value for e in events if isinstance(e, BaselineScored)}
    assert isinstance(events[-1], Result)
    assert scored == events[-1].values["baselines"] == network.baselines


def test_a_training_that_was_made_already_gives_its_layers_to_another_read_out(
    folder: Path,
) -> None:
    beside = [folder / "untrained", folder / "deterministic"]
    asked = {"judge": folder / "noisy", "readout_from_judge": True, "beside": beside}
    events, network = made(folder, "from-judge-beside", "plain", **asked)
    assert "layers are those of a network beside" in notes(events)
    assert_same(network, load_network(folder / "from-judge"))
    other = load_network(folder / "deterministic")
    assert not np.array_equal(network.readout_weights, other.readout_weights)


def beside(folder: Path, names: list[str], **changes: Any) -> Beside:
    """What networks in the folder have for the noise-aware training, or one that differs."""
    asked = {
        "task": TASK, "twins": (str(folder / "noisy"),), "layers": tuple(LAYERS),
        "iterations": ITERATIONS, "seed": SEED, "options": TrainOptions(**TAPS), **changes,
    }  # fmt: skip
    return Beside([folder / name for name in names], Setup.of(Request(**asked)))


@pytest.mark.parametrize(
    "change",
    [
        {"seed": SEED + 1},
        {"options": TrainOptions(taps=(0, 2))},
        {"task": f"{TASK},h=6"},
        {"layers": (2, 3)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_nothing_is_taken_where_something_differs(folder: Path, change: dict[str, Any]) -> None:
    same = beside(folder, ["untrained", "aware"])
    assert same.trained() is not None
    assert "untrained network" in same.baselines()
    other = beside(folder, ["untrained", "aware"], **change)
    assert other.trained() is None
    assert other.baselines() == {}


def test_another_twin_has_other_layers_and_another_spread(folder: Path) -> None:
    other = beside(folder, ["untrained", "aware"], twins=(str(folder / "plain"),))
    assert other.trained() is None
    assert other.baselines() == {}


def test_without_the_untrained_network_only_software_is_taken(folder: Path) -> None:
    known = beside(folder, ["aware"]).baselines()
    assert "untrained network" not in known
    assert known == {
        name: value
        for name, value in load_network(folder / "aware").baselines.items()
        if name != "untrained network"
    }


def test_a_network_that_the_device_has_changed_gives_nothing(folder: Path) -> None:
    polished = load_network(folder / "aware")
    meta = {**polished.meta, "hardware_runs": 30}
    save_network(folder / "polished", replace(polished, meta=meta))
    changed = beside(folder, ["polished"])
    assert changed.trained() is None
    assert changed.baselines() == {}


def test_a_network_beside_that_is_not_there_is_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="gone"):
        made(folder, "alone", "noisy", beside=[tmp_path / "gone"])

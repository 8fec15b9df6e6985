from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from network_samples import TASK, run, twin_of

from app.operations.events import Result
from app.operations.learning_events import TrialProgress
from app.operations.train_seeds import is_of_seeds, train_seeds
from app.store import load_network, save_twin
from instruments.bench import Bench
from instruments.bench_file import read_bench
from models.errors import InputError


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What two seeds are asked for."""
    folder = tmp_path_factory.mktemp("twins")
    with Bench.connect(read_bench("virtual")) as bench:
        save_twin(folder / "twin", twin_of(bench))
    return {
        "task": TASK, "twins": [str(folder / "twin")], "layers": [2, 2], "iterations": 60,
        "options": {"readout_taps": [0, 1]},
    }  # fmt: skip


def test_stopped_seeds_go_on_and_the_best_by_validation_is_the_folders_own(
    asked: dict[str, Any], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    events = train_seeds(asked, 2, out, seed=3, workers=1)
    for event in events:
        if isinstance(event, TrialProgress) and event.done > 0:  # it trains: no stage before
            assert event.name == "seed-3"
            break
    events.close()
    assert is_of_seeds(out)
    kept, file = out / "seeds.json", Path(asked["twins"][0]) / "twin.json"
    known, twin = kept.read_bytes(), file.read_bytes()
    file.write_bytes(twin + b" ")
    with pytest.raises(InputError, match="has changed since the seeds were begun"):
        run(train_seeds(None, 0, out, workers=1, resume=True))
    file.write_bytes(twin)
    assert kept.read_bytes() == known
    assert not (out / "network.json").exists()
    assert (out / "trials" / "seed-3" / "checkpoint.safetensors").is_file()
    seen, path = run(train_seeds(None, 0, out, workers=1, resume=True))
    assert path == out.resolve() / "network.json"
    assert isinstance(seen[-1], Result)
    values = seen[-1].values
    assert values["continued"]  # its seconds are of the last session
    each = {n: load_network(out / "trials" / f"seed-{n}") for n in (3, 4)}
    best = min(each, key=lambda n: each[n].meta["validation"])
    assert values["seed"] == best
    assert load_network(path).meta["id"] == each[best].meta["id"]
    foreseen = [network.predicted["value"] for network in each.values()]
    assert values["over_seeds"]["mean"] == pytest.approx(np.mean(foreseen))
    # the standard deviation of a sample, as the tables of seeds have it
    assert values["over_seeds"]["std"] == pytest.approx(np.std(foreseen, ddof=1))
    assert [network.seen_by(2)[1].delay for network in each.values()] == [1, 1]
    told, _ = run(train_seeds(None, 0, out, resume=True))  # finished: its result once more
    (again,) = (event.values for event in told if isinstance(event, Result))
    assert again == {key: values[key] for key in again}
    assert {"path", "seed", "seeds", "over_seeds", "predicted", "validation"} <= set(again)


@pytest.mark.parametrize(
    ("change", "seeds", "words"),
    [
        ({}, 1, "1 seeds: at least 2"),
        ({"iterations": 0}, 3, "no validation score to choose by"),
        ({"task": "mackey-glas"}, 2, "did you mean 'mackey-glass'"),
        ({"twins": ["a", "b", "c"]}, 2, "3 twins for 2 layers"),
        ({"options": {"taps": "far"}}, 2, "taps is 'far', expected a list of delays"),
    ],
)
def test_what_no_seed_could_be_trained_on_is_refused_before_a_folder_is_made(
    change: dict[str, Any], seeds: int, words: str, asked: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=words):
        run(train_seeds(asked | change, seeds, tmp_path / "out"))
    assert not (tmp_path / "out").exists()

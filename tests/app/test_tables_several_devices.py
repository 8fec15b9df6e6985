"""Sweeps and comparison tables of networks over two devices."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from network_samples import TASK, run, twin_of

from app.cli.main import main
from app.library.index import _twins_of
from app.library.library import Library
from app.operations.compare_networks import compare_networks, read_table, table_command
from app.operations.compare_networks_plan import DETERMINISTIC, KINDS, NOISE_AWARE, Plan
from app.operations.compare_networks_source import Source
from app.operations.sweep_file import grid_of_file
from app.operations.sweep_grid import Grid, layouts_of
from app.store import load_network, read_recording, save_twin
from instruments.bench import Bench
from instruments.bench_file import read_bench
from models.errors import InputError
from models.wiring import laid_out

if TYPE_CHECKING:
    from app.device_benches import Benches

RINGS, LEAKY = "virtual", "virtual-leaky-integrator"
PLAIN = "-plain"
BENCHES = ["virtual nanoring array", "virtual leaky integrator"]


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a twin of each device, and one without noise beside it."""
    folder = tmp_path_factory.mktemp("twins")
    for word in (RINGS, LEAKY):
        with Bench.connect(read_bench(word)) as bench:
            save_twin(folder / word, twin_of(bench))
            save_twin(folder / (word + PLAIN), twin_of(bench, deterministic=True))
    return folder


def paths(twins: Path, behind: str = "") -> tuple[str, str, str]:
    """Of the twins of a network of rings, a leaky integrator beside them, rings."""
    return tuple(str(twins / (word + behind)) for word in (RINGS, LEAKY, RINGS))  # type: ignore[return-value]


def a_plan(twins: Path, **changes: Any) -> Plan:
    asked = {
        "deterministic": paths(twins, PLAIN), "layers": (2, 1, 2), "options": {"parallel": [1]},
        "seeds": 1, "iterations": 3, "bench": (RINGS, LEAKY), "kinds": (NOISE_AWARE,),
    }  # fmt: skip
    return Plan(TASK, paths(twins), **{**asked, **changes})


def test_a_grid_takes_twins_with_the_layers_that_they_fit(twins: Path, tmp_path: Path) -> None:
    rings = paths(twins)[0]
    laid = [found for text in ("2+1,2", "3,3") if (found := laid_out(text)) is not None]
    grid = Grid((TASK,), ((rings,), paths(twins)), **layouts_of(laid))
    names = dict.fromkeys(paths(twins), "a twin")
    settings = [(len(one.twins), one.words(names)[2]) for one in grid.settings]
    assert settings == [(1, "2+1-2"), (1, "3-3"), (3, "2+1-2")]
    trials = [trial.arguments for _, _, trial in grid.trials(tmp_path)]
    assert trials[2]["twins"] == list(paths(twins))
    assert [trial.get("parallel") for trial in trials] == [[1], None, [1]]
    assert Grid.from_json(json.loads(json.dumps(grid.to_json()))) == grid

    file = tmp_path / "grid.toml"
    where = ",".join(paths(twins))
    file.write_text(f'task = ["{TASK}"]\ntwin = ["{rings}", "{where}"]\n'
                    'layers = ["2+1,2", [3, 3]]\n')  # fmt: skip
    assert Grid(**grid_of_file(file)) == grid
    with pytest.raises(InputError, match=r"3 twins \(.*\) for 2 or 4 layers") as refused:
        Grid((TASK,), (paths(twins), (rings, rings)), ((2, 2), (1, 1, 1, 1)))
    assert "2 or 3 twins (each entry) for 4 layers" in str(refused.value)
    with pytest.raises(InputError, match="not by both"):
        replace(grid, options={"parallel": ([1],)})


@pytest.mark.timeout(240)
def test_a_sweep_trains_networks_of_one_device_and_of_two(
    twins: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, rings = tmp_path / "sweep-a", paths(twins)[0]
    words = ["sweep", "--task", TASK, "--twin", rings, ",".join(paths(twins)), "--layers", "2+1,2"]
    code = main([*words, "--set", "iterations=3", "--workers", "1", "--out", str(out), "--json"])
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (code, result["trials"], result["failed"]) == (0, 2, 0)
    one, two = (load_network(out / "trials" / f"setting00{k}-seed0") for k in range(2))
    assert [device.bench for device in one.devices] == BENCHES[:1]
    assert [device.bench for device in two.devices] == BENCHES
    assert [source.layer for source in two.seen_by(2)] == [0, 1]
    (entry,) = [each for each in Library(tmp_path).artefacts() if each.kind == "sweep"]
    assert _twins_of(entry) == [twins / RINGS, twins / LEAKY]


@pytest.mark.timeout(300)
def test_a_table_deploys_on_a_bench_of_each_device_and_judges_each_layer_by_its_own_twin(
    twins: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "table-a"
    words = ["--twin", *paths(twins), "--deterministic", *paths(twins, PLAIN), "--task", TASK]
    words += ["--layers", "2+1,2", "--kinds", "noise-aware,deterministic", "--iterations", "3"]
    words += ["--seeds", "1", "--workers", "1", "--bench", "virtual", "--out", str(out), "--json"]
    assert main(["compare-networks", *words]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["failed"] == []
    table = read_table(out)
    assert table.plan.bench == (RINGS, LEAKY)
    assert table.plan.in_pool
    rows = [table.row(kind) for kind in (NOISE_AWARE, DETERMINISTIC)]
    assert [row.runs for row in rows if row is not None] == [5, 5]
    network = load_network(out / "trials" / "deterministic-seed0")
    assert network.meta["judge"] == [f"{twins / word}" for word in (RINGS, LEAKY, RINGS)]
    assert network.meta["judged"]["value"] > 0
    assert [device.bench for device in network.devices] == BENCHES
    deployed = out / "trials" / "noise-aware-seed0-deployed"
    counts = [read_recording(deployed / name).complete.sum() for name in ("nodes", "nodes-2")]
    assert counts == [4, 1]
    command = table_command(out)
    assert "--layers 2+1,2 " in command
    assert f"--bench {RINGS} --bench {LEAKY} " in command
    assert "parallel" not in command
    (entry,) = [each for each in Library(tmp_path).artefacts() if each.kind == "tab"]
    assert _twins_of(entry) == [twins / f"{w}{b}" for b in ("", PLAIN) for w in (RINGS, LEAKY)]
    again = ["compare-networks", "--resume", str(out), "--json"]
    assert main([*again, "--bench", LEAKY, "--bench", RINGS]) == 0
    assert main([*again, "--bench", LEAKY]) == 2


@pytest.mark.timeout(240)
def test_on_two_rigs_the_deployments_run_one_after_another(twins: Path, tmp_path: Path) -> None:
    with ExitStack() as stack:
        benches = [stack.enter_context(Bench.connect(read_bench(w))) for w in (LEAKY, RINGS)]

        def connect() -> Benches:
            return benches

        plan = a_plan(twins, in_pool=False)
        run(compare_networks(plan, tmp_path / "out", workers=1, connect=connect))
    row = read_table(tmp_path / "out").rows[0]
    assert len(row.measured) == 1
    assert row.runs == 5


def test_each_device_has_a_deterministic_fit_of_its_own(twins: Path) -> None:
    plan = a_plan(twins, deterministic=(), kinds=KINDS)
    fits = {path: {"recordings": [path], "deterministic": True} for path in paths(twins)}
    trials = {trial.name: trial for trial in plan.trials(Path("/t"), fits)}
    names = ["twin-deterministic", "twin-deterministic-2"]
    assert [trials[name].arguments["recordings"] for name in names] == [
        [path] for path in paths(twins)[:2]
    ]  # fmt: skip
    training = trials["deterministic-seed0"]
    outs = [str(trials[name].out) for name in names]
    assert training.arguments["twins"] == [outs[0], outs[1], outs[0]]
    assert training.arguments["judge"] == list(paths(twins))
    assert training.after[:2] == tuple(names)
    old = {**plan.sealed(), "twin": "a", "deterministic": None, "bench": None, "layers": [2]}
    assert Plan.told(old).twin == ("a",)
    assert Plan.told(old).bench == Plan.told(old).deterministic == ()


def test_a_deterministic_twin_of_another_device_is_refused(twins: Path) -> None:
    rings, leaky, _ = paths(twins, PLAIN)
    plan = a_plan(twins, deterministic=(rings, rings, leaky))
    with pytest.raises(InputError, match="it is a twin of another device"):
        Source(plan)


def test_a_bench_too_few_is_refused_before_anything_is_trained(twins: Path) -> None:
    with pytest.raises(InputError, match="1 named, 2 needed, one of each device"):
        Source(a_plan(twins, bench=(RINGS,)))
    Source(a_plan(twins, bench=()))
    Source(a_plan(twins))

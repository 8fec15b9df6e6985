from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from network_samples import run, saved_network
from recorded import is_safe

from app.deployment_store import load_deployment
from app.library.index import Index
from app.library.library import Library
from app.operations.events import NodeMeasured, Note
from app.operations.recalibrate import correction_of, recalibrate, words_of
from app.operations.train import train
from app.operations.transfer_parts import in_here
from app.operations.transfer_torch import foreseen, read, stretch
from app.report.commands import bettered_command
from app.report.network import headline, read_deployment
from app.store import load_network, read_recording, sha256_of
from instruments.bench import Bench
from instruments.bench_file import read_bench
from instruments.clock import Stop
from models.errors import InputError, RefusedError, StoppedError
from models.sequence import Reset
from training.recalibrate import Recalibrated
from training.tasks import make_task

if TYPE_CHECKING:
    from pathlib import Path


def test_a_short_run_over_known_data_corrects_the_read_out_and_is_counted(
    bench: Bench, kept: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert bench.spec.virtual is not None
    bench.spec = replace(bench.spec, virtual=replace(bench.spec.virtual, asked_seed=9))
    events, path = run(recalibrate(kept / "network", bench, out, steps=320, apart=in_here))
    values, origin, made = events[-1].values, load_network(kept / "network"), load_network(path)
    assert is_safe(bench)
    assert values["hardware_runs"] == made.meta["hardware_runs"] == 4
    stretch, task = load_network(out / "stretch"), make_task(str(origin.meta["task"]))
    known = np.flatnonzero(task.train | task.validation)
    np.testing.assert_array_equal(stretch.inputs, task.inputs[known[-1] - 339 : known[-1] + 1])

    found = correction_of(stretch, [read_recording(out / "run" / "nodes")])
    assert found.real == values["gain_is_real"]
    assert found.before == pytest.approx(load_deployment(out / "run").body["measured"])
    np.testing.assert_allclose(made.readout_weights, found.weights)
    assert any(e.text == values["gain"] for e in events if isinstance(e, Note))
    interval = " lies inside the 90 % interval that the twin foresaw of these known data, "
    assert any(interval.replace("inside", side) in e.text for e in events if isinstance(e, Note)
               for side in ("inside", "outside"))  # fmt: skip
    for one, other in zip(made.layers, origin.layers, strict=True):
        np.testing.assert_array_equal(one.weights, other.weights)
    np.testing.assert_array_equal(made.inputs, origin.inputs)
    network, deployment = made.meta["parents"][-2:]
    assert network["sha256"] == sha256_of(kept / "network" / "network.json")
    assert deployment["sha256"] == sha256_of(out / "run" / "deployment.json")
    assert deployment["id"] == load_deployment(out / "run").body["id"]
    (shown,) = (e for e in Index(Library(tmp_path)).read() if e.artefact.path == out)
    assert network["id"] in shown.missing  # it is elsewhere, and told so
    assert deployment["id"] not in {*shown.missing, *shown.made_from}  # its own run is no artefact
    assert stretch.baselines == load_deployment(out / "run").body["baselines"] == {}
    assert made.baselines == origin.baselines
    (said,) = headline([read_deployment(out / "run")])
    assert said.startswith("On data that its training knew the untrained network ")
    assert "; it" not in said  # baselines are of the part that it hasn't seen
    assert "--steps 320 --seed 9 --out" in str(bettered_command(out, ["--bench", "virtual"]))


def test_a_change_has_a_minus_sign_as_everywhere_else() -> None:
    """It read `-89.9 %`, with a hyphen."""
    found = Recalibrated(np.ones(1), np.ones(1), 1.0, 0.3, 0.03, 0.899, 0.012)
    assert "squared error −89.9 ± 1.2 % on" in words_of(found)
    assert "squared error +0.4 ± 1.2 %" in words_of(replace(found, gain=-0.004))
    assert "squared error +0.0 ± 1.2 %" in words_of(replace(found, gain=1e-6))


def test_a_stopped_recalibration_leaves_the_rig_safe_and_goes_on_with_the_next_node(
    bench: Bench, kept: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    events = recalibrate(kept / "network", bench, out, steps=320, apart=in_here)
    while not isinstance(next(events), NodeMeasured):
        pass
    events.close()
    assert is_safe(bench)
    resumed, path = run(recalibrate(None, bench, out, resume=True, apart=in_here))
    assert sum(isinstance(e, NodeMeasured) for e in resumed) == 3
    again, _ = run(recalibrate(kept / "network", bench, out, resume=True, apart=in_here))
    with pytest.raises(RefusedError, match="was begun with another network"):
        next(recalibrate(path, bench, out, resume=True))
    assert len(again) == 1
    assert again[0].values["path"] == str(path)
    assert again[0].values["continued"]  # its seconds are of the last session


def test_too_few_steps_are_refused_before_the_device_runs(
    bench: Bench, kept: Path, tmp_path: Path
) -> None:
    events = recalibrate(kept / "network", bench, tmp_path / "out", steps=80, apart=in_here)
    with pytest.raises(InputError, match=r"80 answers are too few .* 320 at least"):
        list(events)
    assert not (tmp_path / "out").exists()


def test_more_steps_than_there_are_leave_no_folder_to_go_on_with(
    bench: Bench, kept: Path, tmp_path: Path
) -> None:
    """It was said to go on with what was refused again each time."""
    events = recalibrate(kept / "network", bench, tmp_path / "out", steps=10_000, apart=in_here)
    with pytest.raises(InputError, match="doesn't fit into the 695 steps"):
        list(events)
    assert not (tmp_path / "out").exists()


def test_a_task_whose_data_have_changed_is_refused(kept: Path, tmp_path: Path) -> None:
    """Its training part may hold by now what the network calls unseen."""
    values = np.random.default_rng(0).standard_normal(900)
    part = np.repeat([1, 2, 0, 3], [500, 200, 20, 180])

    def write(inputs: np.ndarray) -> None:
        np.savez(tmp_path / "a.npz", inputs=inputs, targets=0.5 * np.roll(inputs, 1), part=part)

    head = {"name": "own", "inputs": "a.npz:inputs", "targets": "a.npz:targets",
            "part": "a.npz:part", "washout": 20}  # fmt: skip
    (tmp_path / "own.json").write_text(json.dumps(head))
    write(values)
    asked = (f"file:{tmp_path / 'own.json'}", [kept / "twin"], (2,), tmp_path / "network")
    run(train(*asked, iterations=0))
    assert read(tmp_path / "network")[1].name == "own"
    write(values[::-1])
    with pytest.raises(InputError, match="gives other data by now than it was trained for"):
        read(tmp_path / "network")


def test_what_may_not_run_is_refused_before_a_folder_is_made(kept: Path, tmp_path: Path) -> None:
    spec = replace(read_bench("virtual"), reset=Reset(0.0041))
    with Bench.connect(spec) as other, pytest.raises(RefusedError, match="reset field_T"):
        next(recalibrate(kept / "network", other, tmp_path / "out", apart=in_here))
    assert not (tmp_path / "out").exists()


def test_it_goes_on_where_its_library_was_moved(bench: Bench, tmp_path: Path) -> None:
    old, new = tmp_path / "library", tmp_path / "library of 2026"
    saved_network(bench, old)
    events = recalibrate(old / "network", bench, old / "out", steps=320, apart=in_here)
    while not isinstance(next(events), NodeMeasured):
        pass
    events.close()
    old.rename(new)
    resumed, _ = run(recalibrate(None, bench, new / "out", resume=True, apart=in_here))
    assert sum(isinstance(e, NodeMeasured) for e in resumed) == 3
    (new / "network").rename(new / "elsewhere")
    with pytest.raises(InputError, match=r"network\.json: is gone; put it back, there or beside"):
        next(recalibrate(None, bench, new / "out", resume=True, apart=in_here))


def test_nothing_to_go_on_with_is_said(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no twinrig recalibrate was begun"):
        next(recalibrate(None, bench, tmp_path, resume=True))


def test_a_stop_is_heard_while_the_twin_foresees_a_score(kept: Path, tmp_path: Path) -> None:
    """It was waited for, up to half a minute, before the command or the window went on."""
    stop, known = Stop(), load_network(kept / "network")
    made = foreseen(
        kept / "network", tmp_path / "out", known.readout_weights, known.readout_bias, {}, stop
    )
    next(made)
    stop.request()
    with pytest.raises(StoppedError):
        next(made)
    with pytest.raises(StoppedError):
        run(stretch(kept / "network", tmp_path / "stretch", 320, stop))
    assert list(tmp_path.iterdir()) == []

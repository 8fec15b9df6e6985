from __future__ import annotations

import multiprocessing
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from network_samples import run
from recorded import is_safe, iter_into, made_flaky, no_reply

from app.fit_checkpoint import load_checkpoint
from app.operations.child import ChildDiedError, in_child
from app.operations.events import Note, Progress, StepRead
from app.operations.polish import polish
from app.operations.polish_talk import PassScored
from app.operations.transfer_parts import in_here
from app.store import load_network, read_recording, save_network
from instruments.bench import Bench
from instruments.bench_file import parse_bench, read_bench
from instruments.link_errors import LinkError
from models.errors import InputError, RefusedError, StoppedError
from training.tasks import make_task

if TYPE_CHECKING:
    from pathlib import Path

    from app.operations.events import Event
    from app.operations.transfer_parts import Apart


def test_passes_are_run_counted_and_kept_and_the_best_by_validation_is_the_network(
    bench: Bench, kept: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    events, path = run(polish(kept / "network", bench, out, 23, apart=in_here))
    values, made = events[-1].values, load_network(path)
    assert is_safe(bench)
    scored = [e for e in events if isinstance(e, PassScored)]
    assert [e.kind for e in scored] == ["validation", *["training"] * 3, "validation"]
    assert values["hardware_runs"] == made.meta["hardware_runs"] == 20
    assert values["validation"] == min(scored[0].score, scored[-1].score)
    assert values["validation_before"] == scored[0].score
    assert [e.done for e in events if isinstance(e, Progress)] == [4, 8, 12, 16, 20]
    runs = read_recording(out / "runs")
    assert runs.status == "done"
    assert runs.response.shape[:2] == (20, 1)
    assert values["predicted"] == made.predicted
    np.testing.assert_array_equal(made.targets, load_network(kept / "network").targets)


def test_a_polish_that_gained_nothing_says_so(bench: Bench, kept: Path, tmp_path: Path) -> None:
    """It was `done`, with the same score before and after and without a word."""
    first, path = run(polish(kept / "network", bench, tmp_path / "one", 23, apart=in_here))
    assert first[-1].values["validation"] < first[-1].values["validation_before"]
    assert "gain_is_real" not in first[-1].values
    told = [e.text for e in first if isinstance(e, Note)]
    assert any(
        "is the best of 2 passes" in text and "since it chose the network" in text for text in told
    )
    assert first[-1].values["validation_passes"] == 2
    ruin = 5.0  # a rate that takes every weight to its end
    events, _ = run(polish(path, bench, tmp_path / "two", 12, rate=ruin, apart=in_here))
    values = events[-1].values
    assert values["validation"] == values["validation_before"]
    assert values["gain_is_real"] is False
    warned = [e.text for e in events if isinstance(e, Note) and e.level == "warning"]
    assert values["gain"] in warned
    assert values["gain"].startswith("no gain: ")


def test_no_step_of_the_test_part_is_played(kept: Path) -> None:
    from app.operations.transfer_torch import read
    from training.polish import Polisher
    from training.polish_settings import PolishSettings
    from training.stretch import layers_of, readout_of

    network, task, twins = read(kept / "network")
    assert task.describe() == make_task(str(network.meta["task"])).describe()
    layers = layers_of(network, task, twins.models)
    polisher = Polisher(layers, readout_of(network), task, PolishSettings(passes=40))
    for index in range(40):
        assert not task.test[polisher.stretch(index)].any()


def test_a_stop_amid_a_pass_leaves_the_rig_safe_and_goes_on_with_the_next_node(
    bench: Bench, kept: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    events = polish(kept / "network", bench, out, 20, apart=in_here)
    for event in events:
        if isinstance(event, Progress) and event.done == 8:
            break
    for event in events:
        if isinstance(event, StepRead) and read_recording(out / "runs").complete.sum() == 9:
            break
    bench.stop.request()
    with pytest.raises(StoppedError):
        list(events)
    bench.stop.clear()
    assert is_safe(bench)
    assert read_recording(out / "runs").status == "stopped"
    assert load_checkpoint(out)[1]["done"] == 2
    resumed, path = run(polish(None, bench, out, resume=True, apart=in_here))
    assert sum(isinstance(e, PassScored) for e in resumed) == 3
    first = next(e for e in resumed if isinstance(e, Progress) and e.job == "polish")
    # one pass of three is over: those before the stop took none of this time
    assert first.remaining_s == pytest.approx(2 * first.elapsed_s)
    runs = read_recording(out / "runs")
    assert runs.complete.all()
    assert resumed[-1].values["hardware_runs"] == 20
    whole, _ = run(polish(kept / "network", bench, tmp_path / "whole", 20, apart=in_here))
    assert resumed[-1].values.keys() == {*whole[-1].values, "continued"}
    assert load_network(path).nodes == 4


def test_it_goes_on_only_where_the_network_may_run_still(
    bench: Bench, kept: Path, tmp_path: Path
) -> None:
    out, text = tmp_path / "out", read_bench("virtual").text
    door = '\n[interlock.door]\ninstrument = "lockin"\ninput = "aux1"\nbelow_V = 2.0\n'
    slope = text.replace("tesla_per_ampere = 4.0e-4", "tesla_per_ampere = 4.4e-4")
    refused = {"interlock door": text + door, "tesla_per_ampere was 0.0004": slope}
    spec = parse_bench(text + door, "b")
    with Bench.connect(spec) as other, pytest.raises(RefusedError, match="interlock door"):
        next(polish(kept / "network", other, out, 12, apart=in_here))
    assert not out.exists()
    events = polish(kept / "network", bench, out, 12, apart=in_here)
    while not isinstance(next(events), PassScored):
        pass
    events.close()
    for words, changed in refused.items():
        spec = parse_bench(changed, "b")
        with Bench.connect(spec) as other, pytest.raises(RefusedError, match=words):
            next(polish(None, other, out, resume=True, apart=in_here))
    _, path = run(polish(None, bench, out, resume=True, apart=in_here))
    assert load_network(path).meta["hardware_runs"] == 12


def test_with_torch_in_a_child_it_is_the_same_and_a_closed_run_is_safe(
    bench: Bench, kept: Path, tmp_path: Path
) -> None:
    events = polish(kept / "network", bench, tmp_path / "out", 12, apart=in_child)
    for event in events:
        if isinstance(event, PassScored):
            break
    events.close()
    assert is_safe(bench)
    resumed, path = run(polish(None, bench, tmp_path / "out", resume=True))
    assert resumed[-1].values["hardware_runs"] == 12
    assert path.is_file()


@pytest.mark.parametrize("apart", [in_here, in_child])
def test_a_run_that_was_void_is_one_of_the_networks_too(
    bench: Bench, kept: Path, tmp_path: Path, apart: Apart
) -> None:
    """The result said 13 runs on the device, the network that it made 12."""
    made_flaky(bench, 300, fault=no_reply())
    events, path = run(polish(kept / "network", bench, tmp_path / "out", 12, apart=apart))
    assert events[-1].values["hardware_runs"] == 13
    assert load_network(path).meta["hardware_runs"] == 13


def test_a_child_that_is_killed_is_told_as_one(bench: Bench, kept: Path, tmp_path: Path) -> None:
    """What was measured went to a pipe that nobody read: a fault of the program, it said."""
    events = polish(kept / "network", bench, tmp_path / "out", 12, apart=in_child)
    while not isinstance(next(events), StepRead):
        pass
    (child,) = multiprocessing.active_children()
    child.kill()
    child.join()
    with pytest.raises(ChildDiedError, match="ended without a word"):
        list(events)
    assert is_safe(bench)
    resumed, _ = run(polish(None, bench, tmp_path / "out", resume=True, apart=in_here))
    assert resumed[-1].values["hardware_runs"] == 12


def test_a_lost_read_out_ends_it_with_the_rig_safe_and_the_reason_told(
    bench: Bench, kept: Path, tmp_path: Path
) -> None:
    made_flaky(bench, 300, fault=no_reply())
    seen: list[Event] = []
    events = polish(kept / "network", bench, tmp_path / "out", 12, retries=0, apart=in_here)
    with pytest.raises(LinkError, match="no reply within 3 s"):
        iter_into(events, seen)
    assert is_safe(bench)
    values = seen[-1].values
    assert values["status"] == "failed"
    assert "no reply" in values["reason"]
    assert values["recorded"] == read_recording(tmp_path / "out" / "runs").complete.sum() == 1


def test_too_few_runs_are_refused_before_anything(bench: Bench, kept: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="11 runs are too few, 12 at least"):
        next(polish(kept / "network", bench, tmp_path / "out", 11, apart=in_here))
    assert not (tmp_path / "out").exists()


def test_more_runs_than_a_rig_ever_plays_are_refused_before_anything(
    bench: Bench, kept: Path, tmp_path: Path
) -> None:
    """All of them are laid out in memory at once: of a million 4.7 GB of responses alone."""
    for runs in (1_000_000, 10**15, 336_701):
        with pytest.raises(InputError, match="a month of a rig: ask for 336700 --runs or fewer"):
            next(polish(kept / "network", bench, tmp_path / "out", runs, apart=in_here))
    assert not (tmp_path / "out").exists()


def test_a_network_that_was_trained_on_the_validation_part_is_told_as_one(
    bench: Bench, kept: Path, tmp_path: Path
) -> None:
    shutil.copytree(kept, tmp_path / "kept")
    known = load_network(kept / "network")
    (tmp_path / "kept" / "network" / "network.json").unlink()
    said = {**known.meta, "options": {**known.meta["options"], "refit": True}, "trained": 60}
    save_network(tmp_path / "kept" / "network", replace(known, meta=said))
    for folder, told in ((kept, 0), (tmp_path / "kept", 1)):
        events = polish(folder / "network", bench, tmp_path / f"out-{told}", 12, apart=in_here)
        warned = [e for e in run(events)[0] if isinstance(e, Note) and e.level == "warning"]
        assert sum("trained on the validation part, too (refit)" in e.text for e in warned) == told

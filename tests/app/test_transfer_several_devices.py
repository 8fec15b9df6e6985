"""Refinement and polishing of a network over two devices, on a bench of each."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import numpy as np
import pytest
from network_samples import TASK, run
from recorded import is_safe, iter_into, made_flaky, no_reply

from app.operations.events import Note, Progress, RepeatRecorded, StepRead
from app.operations.fit import fit
from app.operations.polish import polish
from app.operations.polish_talk import PassScored
from app.operations.record import record
from app.operations.refine import Refinement, refine
from app.operations.train import train
from app.operations.transfer_parts import in_here
from app.report.run import find_artefacts
from app.store import load_network, load_twin, read_recording
from instruments.bench import Bench
from instruments.bench_file import read_bench
from instruments.link_errors import LinkError
from models.errors import RefusedError
from models.sequence import make_sequences

if TYPE_CHECKING:
    from pathlib import Path

    from app.operations.events import Event

RINGS, LEAKY = "virtual", "virtual-leaky-integrator"
NAMES = ("virtual nanoring array", "virtual leaky integrator")
TINY = Refinement(1, 6, 4, 2, 4, fit_iterations=12, train_iterations=6)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder: recording and twin of each device, a network of two rings, a leaky, two rings."""
    folder = tmp_path_factory.mktemp("trained")
    for word in (RINGS, LEAKY):
        with Bench.connect(read_bench(word)) as bench:
            steps = 40 if word == RINGS else 50
            list(record(bench, make_sequences("mixed", 10, steps, 0), 4, folder / f"rec-{word}"))
        list(fit([folder / f"rec-{word}"], folder / word, iterations=40, seed=0))
    twins = [folder / RINGS, folder / LEAKY, folder / RINGS]
    options = {"parallel": [1]}
    run(train(TASK, twins, [2, 1, 2], folder / "network", iterations=4, options=options))
    return folder


def test_each_device_is_recorded_on_what_its_own_nodes_send_and_each_twin_refitted(
    trained: Path, benches: tuple[Bench, Bench], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    events, energised = [], set()
    for event in refine(trained / "network", benches[::-1], out, TINY, apart=in_here):
        events.append(event)
        energised.add(tuple(not is_safe(bench) for bench in benches))
    assert energised == {(False, False), (True, False), (False, True)}
    made, values = load_network(out), events[-1].values
    row = values["rounds"]["round 1"]
    assert list(row["twin_errors"]) == list(NAMES)
    assert all(one["after"] != one["before"] for one in row["twin_errors"].values())
    assert values["hardware_runs"] == made.meta["hardware_runs"] == 2 * (6 * 4 + 2 * 4)
    first = out / "round-1"
    for number, (name, steps) in enumerate((("recording", 40), ("recording-2", 50))):
        recording = read_recording(first / name)
        assert recording.drive.shape == (6, steps)
        assert recording.meta["bench"] == NAMES[number]
        twin = load_twin(first / ("twin", "twin-2")[number])
        assert [parent["path"] for parent in twin.meta["parents"]] == [
            str(trained / f"rec-{(RINGS, LEAKY)[number]}" / "recording.nc"),
            str(first / name / "recording.nc"),
        ]  # fmt: skip
    ids = [load_twin(first / name).meta["id"] for name in ("twin", "twin-2", "twin")]
    assert [twin.id for twin in made.twins] == ids
    assert made.devices == load_network(trained / "network").devices
    told = " ".join(event.text for event in events if isinstance(event, Note))
    assert "nodes of layers 1 and 3 send" in told
    assert f"that of {NAMES[1]} {row['twin_errors'][NAMES[1]]['before']:.4f} →" in told


def test_a_refinement_stopped_on_the_second_device_goes_on_there(
    trained: Path, benches: tuple[Bench, Bench], tmp_path: Path
) -> None:
    events = refine(trained / "network", benches, tmp_path / "out", TINY, apart=in_here)
    done = 0
    while done < 33:  # 32 of the first device
        done += isinstance(next(events), RepeatRecorded)
    events.close()
    assert all(is_safe(bench) for bench in benches)
    resumed, _ = run(refine(None, benches, tmp_path / "out", resume=True, apart=in_here))
    assert sum(isinstance(event, RepeatRecorded) for event in resumed) == 31
    assert resumed[-1].values["hardware_runs"] == 64  # type: ignore[attr-defined]


def test_an_ensemble_is_refitted_member_by_member_on_one_recording(
    trained: Path, benches: tuple[Bench, Bench], tmp_path: Path
) -> None:
    list(fit([trained / f"rec-{RINGS}"], tmp_path / "other", iterations=40, seed=1))
    options = {"ensemble": [str(tmp_path / "other")]}
    run(train(TASK, [trained / RINGS], [2], tmp_path / "net", iterations=4, options=options))
    out = tmp_path / "out"
    events, path = run(refine(tmp_path / "net", benches[0], out, TINY, apart=in_here))
    values = events[-1].values  # type: ignore[attr-defined]
    assert values["hardware_runs"] == 32
    assert list(values["rounds"]["round 1"]["twin_errors"]) == ["twin 1", "twin 2"]
    ids = [load_twin(out / "round-1" / name).meta["id"] for name in ("twin", "twin-2")]
    assert [twin.id for twin in load_network(path).twins] == ids


def test_a_pass_goes_from_bench_to_bench_and_trains_through_both_twins(
    trained: Path, benches: tuple[Bench, Bench], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    events, played = [], []
    for event in polish(trained / "network", benches[::-1], out, 24, apart=in_here):
        events.append(event)
        if isinstance(event, StepRead):
            now = tuple(not is_safe(bench) for bench in benches)
            played += [now] if played[-1:] != [now] else []
    rings, leaky = (True, False), (False, True)
    assert played == [rings, leaky] * 4 + [rings]  # the last layer's bench begins the next pass
    assert all(is_safe(bench) for bench in benches)
    scored = [event for event in events if isinstance(event, PassScored)]
    assert [one.kind for one in scored] == ["validation", "training", "training", "validation"]
    assert [e.done for e in events if isinstance(e, Progress)] == [5, 10, 15, 20]
    made = load_network(out)
    assert events[-1].values["hardware_runs"] == made.meta["hardware_runs"] == 20
    assert events[-1].values["recorded_runs"] == 80
    first, second = (read_recording(out / name) for name in ("runs", "runs-2"))
    assert (first.response.shape[0], second.response.shape[0]) == (16, 4)
    assert first.complete.all()
    assert second.complete.all()
    assert second.meta["layer_numbers"] == [1]
    told = [event.text for event in events if isinstance(event, Note)]
    walked = [words.partition(":")[0] for words in told if "walked to zero" in words]
    assert walked == [NAMES[0], NAMES[1], NAMES[0]]  # once a bench, and at the end
    assert find_artefacts(out).all == (out,)  # its runs are no recordings to report


def test_the_gradient_comes_through_the_twin_of_each_layer(trained: Path) -> None:
    from app.operations.transfer_torch import read
    from training.polish import Polisher
    from training.polish_settings import PolishSettings
    from training.stretch import layers_of, readout_of

    network, task, twins = read(trained / "network")
    layers = layers_of(network, task, twins.models)
    polisher = Polisher(layers, readout_of(network), task, PolishSettings(passes=3))
    before = [parameter.detach().clone() for parameter in polisher.parameters]
    polisher.begin()
    draw = np.random.default_rng(0)
    for index in range(2):
        running, layer = polisher.run(index), 0
        drives = next(running)
        with suppress(StopIteration):
            while True:
                shape = (*drives.shape, len(network.device_of(layer).channels))
                drives, layer = running.send(1e-6 * draw.normal(size=shape)), layer + 1
    changed = [bool((a != b).all()) for a, b in zip(polisher.parameters, before, strict=True)]
    assert changed == [True] * 6


def test_a_bench_that_fails_amid_a_pass_leaves_both_safe_and_the_rest_to_be_played(
    trained: Path, benches: tuple[Bench, Bench], tmp_path: Path
) -> None:
    made_flaky(benches[1], 300, fault=no_reply())
    seen: list[Event] = []
    asked = (trained / "network", benches, tmp_path / "out")
    with pytest.raises(LinkError, match="no reply within 3 s"):
        iter_into(polish(*asked, 15, retries=0, apart=in_here), seen)
    assert all(is_safe(bench) for bench in benches)
    values = seen[-1].values  # type: ignore[attr-defined]
    each = [read_recording(tmp_path / "out" / name) for name in ("runs", "runs-2")]
    assert values["recorded"] == sum(int(one.complete.sum()) for one in each)
    assert [one.status for one in each] == [values["status"]] * 2 == ["failed"] * 2
    with ExitStack() as stack:
        again = [stack.enter_context(Bench.connect(read_bench(w))) for w in (LEAKY, RINGS)]
        resumed, _ = run(polish(None, again, tmp_path / "out", resume=True, apart=in_here))
    assert resumed[-1].values["hardware_runs"] == 15  # type: ignore[attr-defined]


@pytest.mark.parametrize("operation", [refine, polish])
def test_a_device_without_its_bench_is_refused_before_anything(
    trained: Path, benches: tuple[Bench, Bench], tmp_path: Path, operation
) -> None:
    asked = {"asked": TINY} if operation is refine else {"runs": 15}
    events = operation(trained / "network", benches[0], tmp_path / "out", apart=in_here, **asked)
    with pytest.raises(RefusedError, match="layer 2 of 'virtual leaky integrator'"):
        next(events)
    assert not (tmp_path / "out").exists()

"""A network over two devices: trained through a twin of each, run on a bench of each."""

from __future__ import annotations

import html
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import artefact_samples as samples
import fuzz_forgeries as forgeries
import numpy as np
import pytest
from network_samples import TASK, run, twin_of
from recorded import is_safe

from app.cli.main import main
from app.deployment import preflight, read_nodes
from app.deployment_store import load_deployment
from app.device_benches import rigs_of
from app.operations.deploy import deploy
from app.operations.events import NodeMeasured, NodeStarted, Note, Progress
from app.operations.recalibrate import recalibrate
from app.operations.train import train
from app.operations.transfer_parts import in_here
from app.report.commands import train_command
from app.store import load_network, read_recording, save_network, save_twin
from instruments.bench import Bench
from instruments.bench_file import read_bench
from models.errors import InputError, RefusedError
from models.sequence import Reset

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from app.operations.events import Event

RINGS, LEAKY = "virtual", "virtual-leaky-integrator"
NODES = [(0, 0), (0, 1), (1, 0), (2, 0), (2, 1)]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Event], Path]:
    """Events and folder of a network: two nanorings, a leaky integrator beside them, two rings."""
    folder = tmp_path_factory.mktemp("trained")
    for seed, word in enumerate((RINGS, LEAKY)):
        with Bench.connect(read_bench(word)) as bench:
            save_twin(folder / word, twin_of(bench, seed=seed))
    twins = [folder / RINGS, folder / LEAKY, folder / RINGS]
    options = {"parallel": [1], "use": ["2:Y"]}
    events, _ = run(
        train(TASK, twins, [2, 1, 2], folder / "network", iterations=8, options=options)
    )
    return events, folder / "network"


def measured(events: list[Event]) -> list[tuple[int, int]]:
    return [(e.layer, e.node) for e in events if isinstance(e, NodeMeasured)]


def test_the_network_knows_its_devices_and_what_it_is_foreseen_to_score(
    trained: tuple[list[Event], Path],
) -> None:
    events, path = trained
    network = load_network(path)
    assert [device.bench for device in network.devices] == [
        "virtual nanoring array", "virtual leaky integrator",
    ]  # fmt: skip
    assert [layer.device for layer in network.layers] == [0, 1, 0]
    assert [source.layer for source in network.seen_by(1)] == [-1]
    assert [source.layer for source in network.seen_by(2)] == [0, 1]
    assert network.used(1) == (1,)
    assert 0 < network.predicted["low"] < network.predicted["high"]
    notes = " ".join(e.text for e in events if isinstance(e, Note))
    assert "2 devices: layers 1 and 3 of 'virtual nanoring array' (X, Y, 2.2 to 3.4 mT)" in notes
    assert "layer 2 of 'virtual leaky integrator'" in notes
    assert rigs_of(network.devices) == [RINGS, LEAKY]
    again = train_command(path, [t.path for t in network.twins], [2, 1, 2], network.meta)
    assert " --layers 2+1,2 " in again
    assert again.count(f"/{RINGS}/twin.json") == 2


def test_one_bench_plays_at_a_time_and_the_score_is_that_of_what_all_measured(
    trained: tuple[list[Event], Path], benches: tuple[Bench, Bench], tmp_path: Path
) -> None:
    (rings, leaky), network = benches, load_network(trained[1])
    events, energised = [], []
    running = deploy(trained[1], [leaky, rings], tmp_path / "out")
    for event in running:
        events.append(event)
        if isinstance(event, NodeMeasured):
            energised.append([not is_safe(bench) for bench in benches])
    assert measured(events) == NODES
    assert energised == [[True, False]] * 2 + [[False, True]] + [[True, False]] * 2
    assert all(is_safe(bench) for bench in benches)
    assert [e.done for e in events if isinstance(e, Progress)] == [1, 2, 3, 4, 5]
    assert any("layer 2 on 'virtual leaky integrator'" in e.text for e in events
               if isinstance(e, Note))  # fmt: skip

    first, second = read_nodes(tmp_path / "out", network)
    assert (first.status, first.meta["layer_numbers"]) == ("done", [0, 2])
    assert (second.status, second.meta["layer_numbers"]) == ("done", [1])
    layer1 = first.response[:2, 0].transpose(1, 0, 2)
    layer2 = second.response[:1, 0].transpose(1, 0, 2)
    layer3 = first.response[2:, 0].transpose(1, 0, 2)
    np.testing.assert_allclose(first.drive[2:].T, network.drive(2, [layer1, layer2]))
    features = network.features(network.inputs, [layer1, layer2, layer3])
    prediction = network.read_out(features)[network.unscored :]
    values = events[-1].values  # type: ignore[attr-defined]
    assert values["measured"] == pytest.approx(network.score(prediction))
    assert (values["nodes"], values["hardware_runs"], values["layers"]) == (5, 5, [2, 1, 2])
    made = load_deployment(tmp_path / "out")
    assert made.body["devices"] == [
        {"nodes": "nodes", "layers": [0, 2], "bench": "virtual nanoring array"},
        {"nodes": "nodes-2", "layers": [1], "bench": "virtual leaky integrator"},
    ]  # fmt: skip
    assert [len(one.families) for one in made.nodes] == [4, 1]
    assert made.arrays["misfit"].shape == (5,)


def on_the_second(
    trained: tuple[list[Event], Path], benches: tuple[Bench, Bench], out: Path
) -> Generator[Event, None, Path]:
    """A deployment that has come to the second layer, which the second bench plays."""
    events = deploy(trained[1], benches, out)
    for event in events:
        if isinstance(event, NodeStarted) and event.layer == 1:
            break
    return events


def test_a_stop_leaves_both_benches_safe_and_a_resumed_run_measures_the_rest(
    trained: tuple[list[Event], Path], benches: tuple[Bench, Bench], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    events = on_the_second(trained, benches, out)
    next(events)
    events.close()
    assert all(is_safe(bench) for bench in benches)
    assert [read_recording(out / name).status for name in ("nodes", "nodes-2")] == ["stopped"] * 2

    resumed, _ = run(deploy(None, [benches[1], benches[0]], out, resume=True))
    assert measured(resumed) == NODES[2:]
    assert [one.complete.all() for one in load_deployment(out).nodes] == [True, True]
    again, _ = run(deploy(None, benches, out, resume=True))
    assert again[-1].values["measured"] == resumed[-1].values["measured"]  # type: ignore[attr-defined]


def test_a_bench_that_fails_ends_the_run_with_both_safe_and_it_can_go_on(
    trained: tuple[list[Event], Path], benches: tuple[Bench, Bench], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    events = on_the_second(trained, benches, out)
    events.throw(RefusedError("broken"))  # as if the second bench had raised it
    with pytest.raises(RefusedError, match="broken"):
        list(events)
    assert all(is_safe(bench) for bench in benches)
    assert [read_recording(out / name).status for name in ("nodes", "nodes-2")] == ["failed"] * 2
    resumed, _ = run(deploy(None, benches, out, resume=True))
    assert measured(resumed) == NODES[2:]


def test_a_file_of_the_schema_before_is_read_as_one_of_a_single_device(tmp_path: Path) -> None:
    network = samples.network()
    path = save_network(tmp_path, network)
    body = json.loads(path.read_text("utf-8"))
    device = body.pop("devices")[0]
    del device["bench"]
    for layer in body["layers"]:
        del layer["device"]
    path.write_bytes(forgeries.spelled({**body, **device, "schema": 3}))
    again = load_network(tmp_path)
    assert again.to_json() == network.to_json()
    path.write_bytes(forgeries.spelled({**body, **device, "schema": 4}))
    with pytest.raises(InputError, match="devices is missing"):
        load_network(tmp_path)


def test_every_device_needs_its_bench_and_no_other_is_taken(
    trained: tuple[list[Event], Path], benches: tuple[Bench, Bench], tmp_path: Path
) -> None:
    (rings, leaky), (_, path), out = benches, trained, tmp_path / "out"
    with pytest.raises(RefusedError) as missing:
        next(deploy(path, rings, out))
    told = str(missing.value)
    assert "layer 2 of 'virtual leaky integrator' (X, Y, 2.2 to 3.4 mT)" in told
    assert "no bench of it is given (the nearest is 'virtual nanoring array', but" in told
    assert "their names tell them apart" in told
    spec = replace(read_bench(LEAKY), name="third", reset=Reset(0.0041))
    with (
        Bench.connect(spec) as third,
        pytest.raises(RefusedError, match="bench 'third' is of none of its devices: leave it out"),
    ):
        next(deploy(path, [rings, leaky, third], out))
    with (
        Bench.connect(read_bench(RINGS)) as twice,
        pytest.raises(RefusedError, match="are both its bench: give one of them"),
    ):
        next(deploy(path, [rings, leaky, twice], out))
    changed = replace(read_bench(LEAKY), reset=Reset(0.0041))
    with (
        Bench.connect(changed) as other,
        pytest.raises(RefusedError, match=r"reset field_T was 0\.004, now 0\.0041"),
    ):
        next(deploy(path, [rings, other], out))
    assert not out.exists()
    assert preflight(load_network(path), path, benches) == []


def test_devices_that_differ_in_settings_need_no_names(
    trained: tuple[list[Event], Path], benches: tuple[Bench, Bench], tmp_path: Path
) -> None:
    network = load_network(trained[1])
    first, second = network.devices
    other = replace(second, window=replace(second.window, low_T=0.0021), bench="")
    save_network(tmp_path / "network", replace(network, devices=(replace(first, bench=""), other)))
    changed = read_bench(LEAKY)
    changed = replace(changed, name="renamed", window=replace(changed.window, low_T=0.0021))
    with Bench.connect(changed) as renamed:
        made = load_network(tmp_path / "network")
        assert preflight(made, trained[1], [renamed, benches[0]]) == []


def test_a_schedule_beyond_the_limit_is_refused_and_what_is_left_of_it_may_fit(
    trained: tuple[list[Event], Path], benches: tuple[Bench, Bench], tmp_path: Path
) -> None:
    out, run_s = tmp_path / "out", benches[0].predicted_s(80)
    with pytest.raises(RefusedError, match=r"5 runs of .* 4 of them would fit"):
        next(deploy(trained[1], benches, out, max_hours=4.5 * run_s / 3600))
    assert not out.exists()
    events = deploy(trained[1], benches, out, max_hours=5.5 * run_s / 3600)
    while not isinstance(next(events), NodeMeasured):
        pass
    events.close()
    resumed, _ = run(deploy(None, benches, out, resume=True, max_hours=4.5 * run_s / 3600))
    assert measured(resumed) == NODES[1:]


def test_the_read_out_is_corrected_over_both_devices(
    trained: tuple[list[Event], Path], benches: tuple[Bench, Bench], tmp_path: Path
) -> None:
    events, path = run(recalibrate(trained[1], benches, tmp_path / "out", steps=320, apart=in_here))
    assert events[-1].values["hardware_runs"] == 5  # type: ignore[attr-defined]
    assert load_network(path).devices == load_network(trained[1]).devices


def test_the_word_virtual_serves_every_device_and_a_report_shows_the_deployment(
    trained: tuple[list[Event], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = ["--out", str(out), "--wire-log", str(tmp_path / "wire.jsonl"), "--json"]
    assert main(["deploy", str(trained[1]), "--bench", "virtual", *words]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["hardware_runs"] == 5
    assert (tmp_path / "wire.jsonl").is_file()
    assert (tmp_path / "wire-2.jsonl").is_file()
    words = ["--out", str(tmp_path / "no"), "--json"]
    assert main(["deploy", str(trained[1]), "--bench", LEAKY, *words]) == 4
    assert main(["report", str(out), "--out", str(tmp_path / "page"), "--json"]) == 0
    page = (tmp_path / "page" / "report.html").read_text("utf-8")
    played = "ran layers 1 and 3 on 'virtual nanoring array'; layer 2 on 'virtual leaky integrator'"
    assert played in html.unescape(page)
    assert main(["report", str(trained[1]), "--out", str(tmp_path / "net"), "--json"]) == 0
    page_of_network = (tmp_path / "net" / "report.html").read_text("utf-8")
    assert "2 devices: layers 1 and 3 of 'virtual nanoring" in html.unescape(page_of_network)
    benches = f"--bench {RINGS} --bench {LEAKY}"  # each by the word of the rig that played
    assert f"twinrig deploy {trained[1] / 'network.json'} {benches}" in page

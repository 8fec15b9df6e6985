from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import artefact_samples as samples
import numpy as np
import pytest
from network_samples import TASK, run, twin_of

from app.artefacts import plain
from app.cli import words
from app.cli.arguments import build_parser
from app.cli.network import asked_of, words_of
from app.fit_checkpoint import load_checkpoint, save_checkpoint
from app.operations.events import Note, Result, Stage
from app.operations.learning_events import BaselineScored, NetworkState, TrainProgress
from app.operations.train import train
from app.operations.train_setup import Setup
from app.store import load_network, load_twin, save_network, save_twin, sha256_of, write_recording
from app.train_request import Request, TrainOptions
from app.train_supply import supply_of
from app.train_time import run_seconds
from instruments.bench import Bench
from instruments.bench_file import read_bench
from instruments.clock import Stop
from models.errors import InputError, RefusedError, StoppedError
from models.network import Device
from models.sequence import DriveWindow

if TYPE_CHECKING:
    from app.operations.events import Event


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `noisy` and `plain` (deterministic), twins of the virtual bench."""
    folder = tmp_path_factory.mktemp("twins")
    with Bench.connect(read_bench("virtual")) as bench:
        save_twin(folder / "noisy", twin_of(bench))
        save_twin(folder / "plain", twin_of(bench, deterministic=True))
    return folder


@pytest.fixture(scope="module")
def trained(
    twins: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[Event], Path, Path]:
    out = tmp_path_factory.mktemp("trained") / "network"
    events, path = run(train(TASK, [twins / "noisy"], [3, 3], out, iterations=30, seed=4))
    return events, path, out


def values(events: list[Event]) -> dict[str, Any]:
    assert isinstance(events[-1], Result)
    return events[-1].values


def test_the_result_has_the_keys_of_the_contract(
    trained: tuple[list[Event], Path, Path],
) -> None:
    events, path, out = trained
    result = values(events)
    assert path == out / "network.json"
    assert result["path"] == str(path)
    assert (result["task"], result["metric"]) == ("mackey-glass", "nmse")
    predicted = result["predicted"]
    assert 0 < predicted["low"] <= predicted["value"] <= predicted["high"]
    for name in ("persistence", "ar-1", "ar-4", "ar-18", "esn-6", "untrained network"):
        assert result["baselines"][name] > 0
    noisy = [name for name in result["baselines"] if name.endswith("as the device")]
    assert len(noisy) == 1
    assert predicted["value"] > result["baselines"]["ar-4"]
    assert result["advice"].startswith("AR-4 sees the last 4 values")


def test_events_tell_the_whole_course(trained: tuple[list[Event], Path, Path]) -> None:
    events, _, _ = trained
    stages = [e.name for e in events if isinstance(e, Stage)]
    assert stages == ["baselines", "training", "read-out", "score to expect on the device"]
    notes = " ".join(e.text for e in events if isinstance(e, Note))
    assert "h 5, dt 1" in notes
    assert "60 test after 20 washout" in notes
    scored = {e.name: e.value for e in events if isinstance(e, BaselineScored)}
    assert scored == values(events)["baselines"]
    last = [e for e in events if isinstance(e, TrainProgress)][-1]
    assert (last.iteration, last.total, last.seed) == (30, 30, 4)
    assert last.validation is not None
    picture = [e for e in events if isinstance(e, NetworkState)][-1]
    assert [w.shape for w in picture.weights] == [(3, 1), (3, 6)]


def test_the_artefact_knows_its_twin_its_rig_and_its_history(
    trained: tuple[list[Event], Path, Path], twins: Path
) -> None:
    events, path, out = trained
    network, twin = load_network(path), load_twin(twins / "noisy")
    assert network.twins[0].sha256 == sha256_of(twins / "noisy" / "twin.json")
    assert network.devices == (Device.of(twin),)
    assert network.predicted == values(events)["predicted"]
    assert network.meta["iterations"] == 30
    assert network.meta["seed"] == 4
    assert network.meta["deterministic"] is False
    assert (network.layers[0].drive_low, network.layers[0].drive_high) == (0.05, 0.95)
    assert network.node_std.min() >= 0
    assert network.node_std.mean() > 0
    assert sorted(p.name for p in out.iterdir()) == [
        "forecast.safetensors",
        "network.json",
        "weights.safetensors",
    ]


@pytest.mark.parametrize("amid", ["baselines", "training", "iteration"])
def test_a_stopped_training_goes_on_and_ends_where_it_would_have(
    trained: tuple[list[Event], Path, Path], twins: Path, tmp_path: Path, amid: str
) -> None:
    events = train(TASK, [twins / "noisy"], [3, 3], tmp_path / "out", iterations=30, seed=4)
    for event in events:
        kinds = TrainProgress if amid == "iteration" else Stage
        if isinstance(event, kinds) and amid in getattr(event, "name", amid):
            break
    events.close()
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["checkpoint.safetensors"]
    resumed, path = run(train(None, None, None, tmp_path / "out", resume=True))
    assert (amid == "baselines") == any(isinstance(e, BaselineScored) for e in resumed)
    assert values(resumed)["predicted"] == pytest.approx(values(trained[0])["predicted"])
    whole, again = load_network(trained[1]), load_network(path)
    for one, other in zip(whole.layers, again.layers, strict=True):
        np.testing.assert_allclose(one.weights, other.weights, rtol=1e-6)
    told, _ = run(train(None, None, None, tmp_path / "out", resume=True))  # finished: once more
    assert [type(event) for event in told] == [Result]
    assert values(told) == values(resumed)


def test_the_seconds_of_a_training_are_those_of_all_its_sessions(
    twins: Path, tmp_path: Path
) -> None:
    events = train(TASK, [twins / "noisy"], [2], tmp_path / "out", iterations=10)
    while not isinstance(next(events), TrainProgress):
        pass
    events.close()
    arrays, numbers = load_checkpoint(tmp_path / "out")
    assert numbers["seconds"] > 0
    save_checkpoint(tmp_path / "out", arrays, {**numbers, "seconds": 3600.0})
    resumed, path = run(train(None, None, None, tmp_path / "out", resume=True))
    assert 3600 < values(resumed)["seconds"] < 4200
    assert load_network(path).meta["seconds"] == values(resumed)["seconds"]


def test_a_training_goes_on_where_its_library_was_moved(twins: Path, tmp_path: Path) -> None:
    old, new = tmp_path / "library", tmp_path / "library of 2026"
    save_twin(old / "twin", load_twin(twins / "noisy"))
    events = train(TASK, [old / "twin"], [2], old / "out", iterations=10)
    while not isinstance(next(events), TrainProgress):
        pass
    events.close()
    old.rename(new)
    _, path = run(train(None, None, None, new / "out", resume=True))
    assert load_network(path).twins[0].path == str(new / "twin" / "twin.json")


@pytest.mark.parametrize("stage", ["baselines", "read-out", "score to expect on the device"])
def test_a_stop_is_heard_within_what_says_nothing_for_long(
    trained: tuple[list[Event], Path, Path], twins: Path, tmp_path: Path, stage: str
) -> None:
    """Of 3 × 100 nodes the untrained network took a minute in which nobody heard Stop."""
    out, stop = tmp_path / "out", Stop()
    events = train(TASK, [twins / "noisy"], [3, 3], out, iterations=30, seed=4, stop=stop)
    for event in events:
        last = isinstance(event, BaselineScored) and "as the device" in event.name
        if last if stage == "baselines" else isinstance(event, Stage) and event.name == stage:
            break
    stop.request()
    with pytest.raises(StoppedError):
        next(events)
    resumed, _ = run(train(None, None, None, out, resume=True))
    assert values(resumed)["predicted"] == pytest.approx(values(trained[0])["predicted"])


@pytest.mark.parametrize("judged", [False, True])
def test_a_twin_that_changed_since_ends_the_resumption(
    twins: Path, tmp_path: Path, judged: bool
) -> None:
    """A judge, too: by another one another ridge would be chosen."""
    save_twin(tmp_path / "twin", load_twin(twins / "noisy"))
    through, judge = (twins / "plain", tmp_path / "twin") if judged else (tmp_path / "twin", None)
    events = train(TASK, [through], [2], tmp_path / "out", iterations=30, judge=judge)
    while not isinstance(next(events), TrainProgress):
        pass
    events.close()
    (tmp_path / "twin" / "twin.json").unlink()
    changed = replace(load_twin(twins / "noisy"), meta={"id": "other"})
    save_twin(tmp_path / "twin", changed)
    with pytest.raises(InputError, match="has changed since the training began"):
        run(train(None, None, None, tmp_path / "out", resume=True))


def test_data_that_changed_since_end_the_resumption(twins: Path, tmp_path: Path) -> None:
    """Parts moved by a hundred steps: what was trained on would be the test part."""
    task = f"file:{tmp_path / 'own.json'}"
    values = np.random.default_rng(0).normal(size=(2, 600))
    head = {name: f"own.npz:{name}" for name in ("inputs", "targets", "part")}
    (tmp_path / "own.json").write_text(json.dumps({"name": "own", "washout": 20, **head}))
    for steps in ([300, 100, 200], [300, 200, 100]):
        part = np.repeat([1, 2, 3], steps)
        np.savez(tmp_path / "own.npz", inputs=values[0], targets=values[1], part=part)
        if steps[1] == 100:
            events = train(task, [twins / "noisy"], [2], tmp_path / "out", iterations=30)
            while not isinstance(next(events), TrainProgress):
                pass
            events.close()
    with pytest.raises(InputError, match=r"own\.npz has changed since the training began"):
        run(train(None, None, None, tmp_path / "out", resume=True))


def test_taps_that_reach_behind_the_washout_are_told(twins: Path, tmp_path: Path) -> None:
    """A device starts from its reset: what stands before it is no input to anybody."""
    options = {"readout_taps": [0, 30]}
    events = train(TASK, [twins / "noisy"], [3], tmp_path / "out", iterations=0, options=options)
    said = [event.text for event in events if isinstance(event, Note) and event.level == "warning"]
    assert [words for words in said if "in the first 10 steps that count" in words]
    options = {"readout_taps": [0, 20]}
    events = train(TASK, [twins / "noisy"], [3], tmp_path / "two", iterations=0, options=options)
    assert not [event for event in events if isinstance(event, Note) and "taps" in event.text]


def test_no_iterations_make_an_untrained_network(twins: Path, tmp_path: Path) -> None:
    events, path = run(train(TASK, [twins / "noisy"], [3], tmp_path / "out", iterations=0))
    network = load_network(path)
    assert network.meta["iterations"] == 0
    assert network.meta["gain"] in (0.5, 1.0, 2.0)
    assert "untrained network" not in network.baselines
    assert not any(isinstance(e, TrainProgress) for e in events)


def test_a_deterministic_twins_ridge_is_chosen_under_the_judges_noise(
    twins: Path, tmp_path: Path
) -> None:
    events, path = run(
        train(
            TASK, [twins / "plain"], [3, 3], tmp_path / "out", iterations=5, judge=twins / "noisy"
        )
    )
    network = load_network(path)
    assert network.meta["deterministic"] is True
    assert network.meta["ridge"] in (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
    assert network.meta["judged"]["value"] > network.predicted["value"]
    assert np.all(network.node_std == 0)
    assert "untrained network" in values(events)["baselines"]
    assert any(name.endswith("as the device") for name in network.baselines)


def test_a_training_goes_on_from_a_network_through_another_twin(
    trained: tuple[list[Event], Path, Path], twins: Path, tmp_path: Path
) -> None:
    options = TrainOptions(origin=str(trained[1]))
    events, path = run(
        train(None, [twins / "plain"], None, tmp_path / "out", iterations=3, options=options)
    )
    network, before = load_network(path), load_network(trained[1])
    assert any("baselines are those" in e.text for e in events if isinstance(e, Note))
    assert network.meta["options"]["origin"] == str(trained[1])
    assert network.meta["deterministic"] is True
    made, had = dict(network.baselines), dict(before.baselines)
    assert made.pop("untrained network") != had.pop("untrained network")  # each by its own twin
    assert made == had
    moved = np.abs(network.layers[0].weights - before.layers[0].weights).max()
    assert moved < 0.05  # three small steps from where it was
    assert [parent["id"] for parent in network.meta["parents"]] == ["twin-0", before.meta["id"]]
    assert network.meta["parents"][1]["sha256"] == sha256_of(trained[1])
    with pytest.raises(InputError, match=r"has layers \[3, 3\], not \[2, 2\]"):
        run(train(None, None, [2, 2], tmp_path / "b", options=options))


def test_baselines_of_another_version_are_not_taken_over_but_for_the_untrained_network(
    trained: tuple[list[Event], Path, Path], tmp_path: Path
) -> None:
    before = load_network(trained[1])
    ahead = dict.fromkeys(before.baselines, 1e-9)
    old = replace(before, baselines=ahead, meta={**before.meta, "code_version": "0.0.1"})
    save_network(tmp_path / "old", old)
    options = TrainOptions(origin=str(tmp_path / "old"))
    asked = {"iterations": 1, "seed": before.meta["seed"], "options": options}
    events, path = run(train(None, None, None, tmp_path / "out", **asked))
    assert not any("baselines are those" in e.text for e in events if isinstance(e, Note))
    made = load_network(path).baselines
    assert made.pop("untrained network") == 1e-9
    assert made == {n: v for n, v in before.baselines.items() if n != "untrained network"}


def test_baselines_that_rest_on_the_twin_are_made_anew_through_another_one(
    trained: tuple[list[Event], Path, Path], twins: Path, tmp_path: Path
) -> None:
    """Trained further through a noisier twin, the old one's untrained network stood beside it."""
    old = load_twin(twins / "noisy")
    noisier = {**old.weights, "white_factor": 3 * old.weights["white_factor"]}
    save_twin(tmp_path / "noisier", replace(old, weights=noisier))
    through, options = [tmp_path / "noisier"], TrainOptions(origin=str(trained[1]))
    asked = {"iterations": 1, "seed": 2, "options": options}
    _, path = run(train(None, through, None, tmp_path / "on", **asked))
    made, had = load_network(path).baselines, load_network(trained[1]).baselines
    (ours,), (theirs,) = ([n for n in b if n.endswith("as the device")] for b in (made, had))
    assert ours != theirs
    assert made["untrained network"] != had["untrained network"]
    asked |= {"iterations": 0, "options": {}}
    _, alone = run(train(TASK, through, [3, 3], tmp_path / "alone", **asked))
    assert made["untrained network"] == load_network(alone).predicted["value"]


def test_a_training_that_only_worsens_the_network_it_goes_on_from_keeps_it(
    trained: tuple[list[Event], Path, Path], tmp_path: Path
) -> None:
    options = TrainOptions(origin=str(trained[1]), rate=1e3)
    events, path = run(train(None, None, None, tmp_path / "out", iterations=3, options=options))
    network, before = load_network(path), load_network(trained[1])
    assert any("its layers stay" in e.text for e in events if isinstance(e, Note))
    for layer, had in zip(network.layers, before.layers, strict=True):
        np.testing.assert_allclose(layer.weights, had.weights, atol=1e-6)


def test_a_twin_that_was_not_fitted_on_the_networks_drives_is_refused(
    trained: tuple[list[Event], Path, Path], twins: Path, tmp_path: Path
) -> None:
    narrow = replace(load_twin(twins / "noisy"), drive_low=0.3, drive_high=0.8)
    save_twin(tmp_path / "narrow", narrow)
    options = TrainOptions(origin=str(trained[1]))
    words = r"layer 2 drives 0\.05 to 0\.95, its twin was fitted on 0\.3 to 0\.8 only"
    with pytest.raises(InputError, match=words):
        run(train(None, [tmp_path / "narrow"], None, tmp_path / "out", options=options))
    low = replace(narrow, drive_low=0.0, drive_high=0.2)
    save_twin(tmp_path / "low", low)
    apart = TrainOptions(ensemble=(str(tmp_path / "low"),))
    with pytest.raises(InputError, match="no range in common"):
        run(train(TASK, [tmp_path / "narrow"], [2], tmp_path / "out", options=apart))


def test_a_network_that_takes_too_long_on_the_device_is_refused(
    twins: Path, tmp_path: Path
) -> None:
    recording = samples.full()  # a repeat of 5 or 3 steps begins every 0.25 s
    write_recording(tmp_path / "recording", recording)
    parent = {"id": "r", "path": str(tmp_path / "recording"), "sequences": 2}
    twin = load_twin(twins / "noisy")
    meta = {**twin.meta, "parents": [parent], "held_out": {"test": [0], "test_repeats": []}}
    save_twin(tmp_path / "twin", replace(twin, meta=meta))
    step_s = 0.25 / 6  # most of what is between two starts is a reset and five steps
    hours = 4 * 81 * step_s / 3600
    options = {"max_hours": 0.9 * hours}
    with pytest.raises(RefusedError, match=r"4 runs of .* s each take .* 3 of them would fit"):
        run(train(TASK, [tmp_path / "twin"], [2, 2], tmp_path / "out", options=options))
    assert not (tmp_path / "out").exists()
    with pytest.raises(InputError, match="names no recording to know the device time from"):
        run(train(TASK, [twins / "noisy"], [2, 2], tmp_path / "out", options=options))


def test_a_recording_that_tells_no_time_cannot_bound_a_deployment(
    twins: Path, tmp_path: Path
) -> None:
    """Repeats of an import all begin at 0 s, and any network was said to fit into the hours."""
    recording = samples.full()
    start_s = np.zeros_like(recording.start_s)
    write_recording(tmp_path / "recording", replace(recording, start_s=start_s))
    parent = {"id": "r", "path": str(tmp_path / "recording"), "sequences": 2}
    twin = load_twin(twins / "noisy")
    one = replace(twin, meta={**twin.meta, "parents": [parent]})
    with pytest.raises(InputError, match="tells no time at which its repeats began"):
        run_seconds(one, tmp_path / "twin", 99)


def test_a_step_of_several_holds_takes_the_time_of_so_many(twins: Path, tmp_path: Path) -> None:
    recording, holds = samples.full(), np.ones((2, 5), dtype=np.int64)
    holds[:, :3] = 4
    write_recording(tmp_path / "held", replace(recording, holds=holds))
    write_recording(tmp_path / "once", recording)
    twin = load_twin(twins / "noisy")
    took = {}
    for name in ("held", "once"):
        parent = {"id": "r", "path": str(tmp_path / name), "sequences": 2}
        one = replace(twin, meta={**twin.meta, "parents": [parent]})
        took[name] = run_seconds(one, tmp_path / "twin", 99)
    assert took["once"] == pytest.approx(100 * 0.25 / 6)
    assert took["held"] == pytest.approx(100 * 0.25 / 15)  # of a reset and 3 × 4 + 2 holds


def test_a_training_says_how_long_it_has_left() -> None:
    told = words.words_of(TrainProgress(100, 800, 0.25, 0.5, 60.0))
    assert told == "train: iteration 100 of 800, training 0.25, validation 0.5, 7 min 0 s left"


def test_a_report_repeats_the_options_of_a_training() -> None:
    options = TrainOptions(
        wiring="2:in,1 3:2@4", readout_taps=(0, 2), use=("X", "2:Y"), supply=(1 / 3000, 0.5),
        ensemble=("a", "b"), cascade=True, patience=40, rate=0.002,
    )  # fmt: skip
    words = words_of(plain(asdict(options)))
    arguments = build_parser().parse_args(
        ["train", "--task", TASK, "--twin", "t", "--layers", "2,2,2", "--out", "n", *words]
    )
    asked = asked_of(arguments)["options"]
    absolute = tuple(str(Path(name).resolve()) for name in options.ensemble)
    assert TrainOptions.of(asked) == replace(options, ensemble=absolute)
    assert words_of(asdict(TrainOptions())) == []


def test_layers_beside_each_other_are_asked_for_with_a_plus() -> None:
    words = ["train", "--task", TASK, "--twin", "a", "b", "a", "--out", "n", "--layers"]
    asked = asked_of(build_parser().parse_args([*words, "8+4,16"]))
    assert (asked["layers"], asked["options"]["parallel"]) == ([8, 4, 16], (1,))
    assert TrainOptions.of(plain(asked["options"])).parallel == (1,)
    with pytest.raises(InputError, match=r"'8\+,16' is not a list of node counts such as"):
        build_parser().parse_args([*words, "8+,16"])


def test_a_bench_says_what_its_supply_can_play() -> None:
    step, slew = supply_of("virtual")
    # 1 µA of the Kepco's command, 0.4 mT/A, a window of 1.2 mT
    assert (step, slew) == (pytest.approx(1e-6 * 4e-4 / 1.2e-3, rel=1e-6), 0.0)
    arguments = build_parser().parse_args(
        ["train", "--task", "t", "--twin", "t", "--layers", "2", "--out", "n", "--supply=virtual"]
    )
    assert asked_of(arguments)["options"]["supply"] == (step, slew)
    arguments.supply = "1e-3,0.2"
    assert asked_of(arguments)["options"]["supply"] == (1e-3, 0.2)
    arguments.supply = "2,0"
    with pytest.raises(InputError, match="resolution 2"):
        asked_of(arguments)
    for no_number in ("1.2.3", ".", "0.1,."):
        arguments.supply = no_number
        with pytest.raises(InputError, match="bench"):
            asked_of(arguments)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"options": {"wiring": "1:1@1"}}, "layer 1 can't see itself"),
        ({"options": {"use": ["Q"]}}, "'Q': there are"),
        ({"options": {"parallel": [1]}}, "of 1 layers, counted from 0, those from 1 on"),
        ({"options": {"sparsity": 1.0}}, "sparsity 1.0 must be within"),
        ({"options": {"colour": "red"}}, "colour is no known key"),
        ({"options": {"origin": "n", "wiring": "skip"}}, "wiring: n keeps its own"),
        ({"task": "mackey-glas"}, "did you mean 'mackey-glass'"),
        ({"layers": [3, 0]}, "need at least one node"),
        ({"layers": []}, "need at least one node"),
        ({"twins": ["noisy", "noisy"], "layers": [2, 2, 2]}, "2 twins for 3 layers"),
        ({"twins": ["absent"]}, "absent"),
        ({"iterations": -1}, "iterations -1 must be 0"),
    ],
)
def test_wrong_requests_are_refused_before_anything_is_made(
    change: dict[str, Any], words: str, twins: Path, tmp_path: Path
) -> None:
    asked: dict[str, Any] = {"task": TASK, "twins": ["noisy"], "layers": [2], "iterations": 5}
    asked |= change
    paths = [twins / name for name in asked["twins"]]
    with pytest.raises(InputError, match=words):
        run(
            train(
                asked["task"],
                paths,
                asked["layers"],
                tmp_path / "out",
                iterations=asked["iterations"],
                options=asked.get("options"),
            )
        )
    assert not (tmp_path / "out").exists()


def warnings_in(events: list[Event]) -> list[str]:
    return [e.text for e in events if isinstance(e, Note) and e.level == "warning"]


def test_members_of_an_ensemble_and_a_judge_are_of_the_layers_device(
    twins: Path, tmp_path: Path
) -> None:
    other = replace(
        load_twin(twins / "noisy"), window=DriveWindow("amplitude", 0.002, 0.003), settings={}
    )
    save_twin(tmp_path / "other", other)
    members = TrainOptions(ensemble=(str(tmp_path / "other"),))
    with pytest.raises(InputError, match=r"(?s)window differ.*settings differ"):
        run(train(TASK, [twins / "noisy"], [2, 2], tmp_path / "out", options=members))
    apart = [twins / "plain", tmp_path / "other"]
    with pytest.raises(InputError, match=r"judge .*noisy: layer 2 is of another device: window"):
        run(train(TASK, apart, [2, 2], tmp_path / "out", judge=twins / "noisy"))
    with pytest.raises(InputError, match="3 judges for 2 layers"):
        run(train(TASK, apart, [2, 2], tmp_path / "out", judge=[twins / "noisy"] * 3))
    assert not (tmp_path / "out").exists()
    each = [twins / "noisy", tmp_path / "other"]
    _, path = run(train(TASK, apart, [2, 2], tmp_path / "out", iterations=2, judge=each))
    assert load_network(path).meta["judge"] == [str(judge.resolve()) for judge in each]


def test_a_twin_of_a_bench_of_another_name_is_taken_and_told(twins: Path, tmp_path: Path) -> None:
    """A bench may have been renamed; the name is all that tells two samples of one kind apart."""
    known = load_twin(twins / "noisy")
    save_twin(tmp_path / "other", replace(known, meta={**known.meta, "bench": "other sample"}))
    members = TrainOptions(ensemble=(str(tmp_path / "other"),))
    asked = {"iterations": 0, "options": members}
    events, _ = run(train(TASK, [twins / "noisy"], [2, 2], tmp_path / "both", **asked))
    said = warnings_in(events)
    assert len(said) == 1  # not one a layer
    assert "holds twins of 'virtual nanoring array' and of 'other sample'" in said[0]
    events, _ = run(train(TASK, [twins / "noisy"], [2], tmp_path / "first", iterations=0))
    assert not warnings_in(events)
    further = TrainOptions(origin=str(tmp_path / "first"))
    asked = {"iterations": 0, "options": further}
    events, path = run(train(None, [tmp_path / "other"], None, tmp_path / "out", **asked))
    assert "its twin is now of 'other sample'" in warnings_in(events)[0]
    assert load_network(path).devices[0].bench == "other sample"


def test_a_judge_without_noise_is_refused(twins: Path, tmp_path: Path) -> None:
    """It chose a ridge by nothing, and what it foresaw stood as an interval of no width."""
    asked = (TASK, [twins / "noisy"], [2], tmp_path / "out")
    with pytest.raises(InputError, match=r"judge .*plain: .*has no noise to judge by"):
        run(train(*asked, iterations=2, judge=twins / "plain"))
    assert not (tmp_path / "out").exists()


def test_a_judge_that_was_not_fitted_on_the_networks_drives_is_refused(
    twins: Path, tmp_path: Path
) -> None:
    """It would have chosen the ridge, and foreseen the score, where it knows nothing."""
    known = load_twin(twins / "noisy")
    save_twin(tmp_path / "narrow", replace(known, drive_low=0.2, drive_high=0.8))
    asked = (TASK, [twins / "plain"], [2], tmp_path / "out")
    words = r"layer 1 drives 0\.05 to 0\.95, the judge was fitted on 0\.2 to 0\.8 only"
    with pytest.raises(InputError, match=words):
        run(train(*asked, judge=tmp_path / "narrow"))
    save_twin(tmp_path / "near", replace(known, drive_low=0.06, drive_high=0.94))
    _, path = run(train(*asked, judge=tmp_path / "near", iterations=2))
    assert "judged" in load_network(path).meta


def test_nothing_is_overwritten_and_nothing_resumed_where_nothing_is(
    twins: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="no training was begun there"):
        next(train(None, None, None, tmp_path, resume=True))
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="nothing is ever overwritten"):
        run(train(TASK, [twins / "noisy"], [2], tmp_path))


def test_a_read_out_of_many_columns_is_warned_of(twins: Path) -> None:
    def warned(options: dict[str, Any]) -> list[str]:
        request = Request(
            TASK, (str(twins / "noisy"),), (1000, 1100), 1, 0, options=TrainOptions.of(options)
        )
        return [words for words in Setup.of(request).warnings if "columns" in words]

    [words] = warned({})
    assert "the read-out sees 4201 columns" in words
    assert "--use 6" in words
    assert warned({"use": ["1"]}) == []

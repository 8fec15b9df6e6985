from __future__ import annotations

import shutil
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fit_device import record_device

from app.cli.main import main
from app.operations import evaluate as module
from app.operations.compare import compare_device
from app.operations.evaluate import evaluate
from app.operations.evaluate_beside import evaluate_beside
from app.operations.events import Note, Result
from app.operations.fit import fit
from app.operations.fit_input import FitInput
from app.operations.learning_events import TwinScored
from app.operations.report import report
from app.operations.simulate import simulate
from app.store import load_twin, save_twin, sequences_from, write_recording
from models.errors import InputError
from models.paths import file_at
from models.sequence import DriveWindow, Reset
from training import validation


@pytest.fixture(scope="module")
def twin(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluate")
    write_recording(folder / "fitted", record_device(40, 8, seed=1))
    list(fit([folder / "fitted"], folder / "twin", iterations=60, latent=4, hidden=16))
    return folder / "twin"


def evaluated(twin, tmp_path, recording):
    write_recording(tmp_path / "recording", recording)
    return list(evaluate(twin, tmp_path / "recording"))


def words(events):
    return " ".join(e.text for e in events if isinstance(e, Note))


def test_a_twin_is_scored_on_another_recording(twin, tmp_path):
    events = evaluated(twin, tmp_path, record_device(10, 16, seed=2))
    assert [type(e) for e in events[-2:]] == [TwinScored, Result]
    assert {"path", "errors", "coverage"} <= set(events[-1].values)
    assert events[-1].values["path"] == str(twin / "twin.json")  # as `fit` tells it
    assert events[-1].values["errors"]["mean"]["floor"] > 0
    assert "all 10 sequences" in words(events)


def test_it_says_how_many_of_a_recording_s_sequences_are_scored(twin, tmp_path):
    """It told of all of them while half had too few repeats beside the others."""
    uneven = record_device(10, 16, seed=2)
    uneven.response[:4, 4:] = np.nan
    uneven.order[:4, 4:] = -1
    said = words(evaluated(twin, tmp_path, uneven))
    assert "scored on 6 sequences × 16 repeats, of 10 sequences" in said
    assert "4 held-out sequences with fewer repeats are left out" in said


def test_what_share_of_the_steps_is_a_guess_is_told_of_those_that_are_scored(tmp_path):
    """Of the whole recording it was the smaller, the less of it had been held out."""
    steps = record_device(12, 8, seed=1, steps=20)
    repeats = np.where(np.arange(12) == 4, 8, 3)  # only the fifth can score
    gone = np.arange(8) >= repeats[:, None]
    drive = 0.3 + 0.4 * steps.drive
    drive[4] = np.linspace(0.0, 1.0, 20)
    uneven = replace(
        steps, drive=drive, order=np.where(gone, -1, steps.order),
        response=np.where(gone[..., None, None], np.nan, steps.response),
    )  # fmt: skip
    write_recording(tmp_path / "recording", uneven)
    few = {"iterations": 4, "latent": 4, "hidden": 16, "members": 1}
    list(fit([tmp_path / "recording"], tmp_path / "twin", **few))
    fitted = load_twin(tmp_path / "twin")
    beyond = (drive[4] < fitted.drive_low) | (drive[4] > fitted.drive_high)
    said = words(list(evaluate(tmp_path / "twin", tmp_path / "recording")))
    assert beyond.mean() > 0.4
    assert f"beyond that it guesses ({100 * beyond.mean():.3g} % of the steps)" in said


def test_ctrl_c_is_heard_while_it_scores(twin, tmp_path, monkeypatch, capsys):
    write_recording(tmp_path / "recording", record_device(10, 16, seed=2))

    def score(*_, **__):
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("not heard")

    monkeypatch.setattr(module, "score_model", score)
    assert main(["evaluate", str(twin), str(tmp_path / "recording"), "--json"]) == 3
    said = capsys.readouterr()
    assert '"status": "stopped"' in said.out
    assert "SIGINT: stopping" in said.err
    assert said.err.splitlines().count("stopped") == 1


def test_of_more_sequences_than_memory_holds_some_of_each_family_are_scored(
    twin, tmp_path, monkeypatch
):
    monkeypatch.setattr(validation, "MOST_SAMPLES_BYTES", 1)
    monkeypatch.setattr(validation, "MOST_TEST", 5)
    many = record_device(12, 16, seed=2)
    many.response[:2, 3:] = np.nan  # too few repeats beside the others
    many.order[:2, 3:] = -1
    many = replace(many, families=("steps",) * 6 + ("sines",) * 6)
    events = evaluated(twin, tmp_path, many)
    assert "scored on 5 of 12 sequences: samples of all would fill the memory" in words(events)
    assert events[-2].details["sequences"] == 5
    assert set(events[-1].values["families"]) == {"steps", "sines"}
    assert events[-2].details["repeats"] == 16


def test_of_the_recording_it_was_fitted_on_only_the_held_out_part_counts(twin):
    events = list(evaluate(twin, twin.parent / "fitted"))
    assert "6 sequences × 8 repeats" in words(events)
    assert events[-2].details["sequences"] == 6


def test_another_drive_window_or_unit_is_refused_all_at_once(twin, tmp_path):
    other = record_device(5, 16, seed=3, units=("A",), window=DriveWindow("step", 0.0, 2.0))
    with pytest.raises(InputError) as caught:
        evaluated(twin, tmp_path, other)
    assert "2 problems" in str(caught.value)
    assert "has units A, the twin" in str(caught.value)
    assert "has window step 0 to 2000 mT, hold 0 s, the twin" in str(caught.value)


def test_an_import_of_another_kind_is_told_the_map_that_makes_it_the_twins(twin, tmp_path):
    other = record_device(5, 16, seed=3, reset=Reset(1.0), channels=("c0",))
    other = replace(other, meta={**other.meta, "imported": {"map": ""}})
    with pytest.raises(InputError) as caught:
        evaluated(twin, tmp_path, other)
    assert "or import it again with reset=2000 beside its field in mT" in str(caught.value)
    assert "or import it again with channels=X, if they are these" in str(caught.value)
    with pytest.raises(InputError, match="without --from, or import it again with channels=X"):
        list(fit([tmp_path / "recording"], tmp_path / "on", origin=twin, iterations=1))


def test_another_setting_and_a_drive_beyond_the_fitted_range_are_said(twin, tmp_path):
    other = record_device(5, 16, seed=4, settings={"lockin": {"time_constant_s": 0.3}})
    other.drive[0, 0] = 1.0
    events = evaluated(twin, tmp_path, other)
    assert "lockin.time_constant_s is 0.3" in words(events)
    assert "beyond that it guesses" in words(events)


def test_a_measured_setting_that_wobbles_explains_no_error(twin, tmp_path):
    lockin = {"time_constant_s": 0.01 * (1 + 1e-4)}
    other = record_device(5, 16, seed=4, settings={"lockin": lockin})
    assert "time_constant_s" not in words(evaluated(twin, tmp_path, other))


def test_a_calibration_is_no_recording_of_a_device(twin, tmp_path):
    device = record_device(5, 16, seed=4)
    walked = replace(device, meta=device.meta | {"kind": "calibration"})
    write_recording(tmp_path / "calibration", walked)
    for verb in (
        evaluate(twin, tmp_path / "calibration"),
        fit([tmp_path / "calibration"], tmp_path),
    ):
        with pytest.raises(InputError, match="is a magnet's calibration"):
            list(verb)


def test_too_few_repeats_to_score(twin, tmp_path):
    with pytest.raises(InputError, match="at least 4"):
        evaluated(twin, tmp_path, record_device(5, 2, seed=5))


def test_drives_that_the_twin_was_fitted_on_are_no_new_ones(twin, tmp_path):
    again = record_device(40, 4, seed=1)  # another recording of the fitted drives
    events, told = (
        evaluated(twin, tmp_path, again),
        "34 of the recording's 40 sequences play drives",
    )
    assert f"{told} that the twin was fitted on" in words(events)
    kept = events[-1].values["notes"]  # whoever reads the result alone took them for unseen ones
    assert any(note.startswith(told) for note in kept)
    assert "play drives" not in words(list(evaluate(twin, twin.parent / "fitted")))
    write_recording(tmp_path / "new", record_device(10, 8, seed=2))
    assert "play drives" not in words(list(evaluate(twin, tmp_path / "new")))


def test_a_recording_in_a_place_that_this_account_may_not_look_at_is_not_there(twin, tmp_path):
    known = load_twin(twin)
    place = f"/{'x' * 300}/recording.nc"  # the system refuses it, as the folder of another account
    with pytest.raises(OSError, match="too long"):
        file_at(place)
    parents = [{**known.meta["parents"][0], "path": place}]
    save_twin(tmp_path / "moved", replace(known, meta={**known.meta, "parents": parents}))
    events = evaluated(tmp_path / "moved", tmp_path, record_device(10, 8, seed=2))
    assert isinstance(events[-1], Result)


@pytest.mark.parametrize("factor", [1000.0, 0.001])
def test_values_in_another_unit_are_named_though_it_is_called_the_same(twin, tmp_path, factor):
    other = record_device(10, 8, seed=2)
    other.response[:] *= factor
    assert "channel 'X' moves by" in words(evaluated(twin, tmp_path, other))
    write_recording(tmp_path / "new", record_device(10, 8, seed=2))
    assert "moves by" not in words(list(evaluate(twin, tmp_path / "new")))
    with pytest.raises(InputError, match="another unit, gain or sensitivity"):
        list(fit([tmp_path / "recording"], tmp_path / "out", origin=twin, iterations=5))


def test_a_channel_that_stands_still_is_named(twin, tmp_path):
    other = record_device(10, 8, seed=2)
    other.response[:] = 0.25
    assert "channel 'X' is 0.25 V at every step" in words(evaluated(twin, tmp_path, other))


def test_an_instrument_that_the_twin_did_not_have_is_said(twin, tmp_path):
    settings = {"lockin": {"time_constant_s": 0.01}, "filter": {"cutoff_Hz": 30.0}}
    said = words(evaluated(twin, tmp_path, record_device(5, 8, seed=4, settings=settings)))
    assert "filter.cutoff_Hz is 30.0, the twin was fitted with none" in said
    write_recording(tmp_path / "imported", record_device(5, 8, seed=4, settings={}))
    assert "setting" not in words(list(evaluate(twin, tmp_path / "imported")))


def test_a_report_says_so_of_drives_that_return(twin, tmp_path):
    shutil.copytree(twin, tmp_path / "twin")
    write_recording(tmp_path / "again", record_device(40, 8, seed=1))
    page = list(report(tmp_path))[-1].values["path"]
    assert "34 of the recording&#x27;s 40 sequences play drives" in Path(page).read_text("utf-8")


def test_a_recording_that_a_twin_simulated_is_said_to_be_one_and_never_compared(twin, tmp_path):
    list(simulate(twin, sequences_from("steps:12x20")[0], 6, tmp_path / "simulated"))
    said = words(list(evaluate(twin, tmp_path / "simulated")))
    assert "was simulated by twin-" in said
    assert "say nothing about the device" in said
    with pytest.raises(InputError, match=r"not measured: record on the device"):
        list(compare_device(twin, tmp_path / "simulated"))
    [*_, note] = FitInput.read([tmp_path / "simulated"], seed=0, deterministic=False).notes
    assert "was simulated by twin-" in note


def test_twins_beside_each_other_are_told_apart_also_by_one_folders_name(twin, tmp_path):
    """Of two projects, each with a folder `twin`: both had one row, the medians of the two."""
    write_recording(tmp_path / "recording", record_device(10, 16, seed=2))
    paths = [tmp_path / name / "twin" for name in ("old", "new")]
    worse = load_twin(twin)
    save_twin(paths[0], worse)
    weights = {**worse.weights, "offset": worse.weights["offset"] + worse.weights["scale"]}
    save_twin(paths[1], replace(worse, weights=weights))
    found = list(evaluate_beside(paths, tmp_path / "recording"))[-1].values
    old, new = map(str, paths)
    assert list(found["twins"]) == list(found["scored_on"]) == [old, new]
    assert found["best"] == old
    assert [found["twins"][name]["path"] for name in (old, new)] == [old, new]
    assert found["verdict"][0].startswith(f"{old} has the smallest CRPS")
    with pytest.raises(InputError, match="a twin is named twice"):
        list(evaluate_beside([twin, twin / "twin.json"], tmp_path / "recording"))


def test_a_twin_without_noise_beside_another_is_no_better_in_noise(twin, tmp_path):
    """Of white noise its correlation of 0 is nearer than any other's."""
    write_recording(tmp_path / "fitted", record_device(40, 8, seed=1))
    few = {"iterations": 40, "latent": 4, "hidden": 16, "deterministic": True}
    list(fit([tmp_path / "fitted"], tmp_path / "silent", **few))
    white = record_device(10, 16, seed=2)
    mean = white.response.mean(axis=1, keepdims=True)
    noise = 0.05 * np.random.default_rng(0).standard_normal(white.response.shape)
    write_recording(tmp_path / "recording", replace(white, response=mean + noise))
    found = list(evaluate_beside([twin, tmp_path / "silent"], tmp_path / "recording"))[-1].values
    errors = {name: row["errors"]["autocovariance"] for name, row in found["twins"].items()}
    assert errors["silent"]["ratio"] < errors["twin"]["ratio"]
    assert "autocovariance" not in " ".join(found["verdict"])
    assert "silent: no noise" in found["verdict"][1]


def test_a_recording_of_another_device_is_told_of_by_whatever_takes_it(tmp_path):
    told = {"bench": "ring rig", "sample": "A1", "temperature_K": 300.0}
    own, same = (record_device(40, 8, seed=k, meta={"id": f"r{k}", **told}) for k in (1, 2))
    other = {"bench": "ice rig", "sample": "B2", "temperature_K": 4.0}
    for name, recording in (
        ("own", own), ("same", same),
        ("other", replace(same, meta={"id": "r3", **other})),
        ("nobody told", replace(same, meta={"id": "r4"})),
        ("warmer", replace(same, meta={"id": "r5", **told, "temperature_K": 301.0})),
    ):  # fmt: skip
        write_recording(tmp_path / name, recording)
    few = {"iterations": 4, "latent": 4, "hidden": 16, "members": 1}
    list(fit([tmp_path / "own"], tmp_path / "twin", **few))
    assert told.items() <= load_twin(tmp_path / "twin").meta.items()
    apart = [
        "bench 'ice rig' instead of 'ring rig'",
        "sample 'B2' instead of 'A1'",
        "temperature in K 4.0 instead of 300.0",
    ]
    for name in ("other", "same", "nobody told", "warmer"):
        there = tmp_path / name
        for verb in (
            fit([tmp_path / "own", there], tmp_path / f"both {name}", **few),
            fit([there], tmp_path / f"further {name}", origin=tmp_path / "twin", iterations=4),
            evaluate(tmp_path / "twin", there),
            compare_device(tmp_path / "twin", there),
        ):
            said = words(verb)
            assert [one in said for one in apart] == 3 * [name == "other"]
            assert ("instead of" in said) == (name == "other")


def test_what_is_refused_is_called_by_the_name_that_was_given(tmp_path):
    one, other = record_device(12, 4, seed=1), record_device(12, 4, seed=2, units=("A",))
    still = record_device(12, 4, seed=3)
    still.response[:] = 3.0
    for name, recording in (("one", one), ("other", other), ("still", still)):
        write_recording(tmp_path / name, recording)
    with pytest.raises(InputError, match=f"{tmp_path / 'other'} differs from {tmp_path / 'one'}"):
        list(fit([tmp_path / "one", tmp_path / "other"], tmp_path / "twin"))
    with pytest.raises(InputError, match=f"^{tmp_path / 'still'}: "):
        list(fit([tmp_path / "still"], tmp_path / "twin"))

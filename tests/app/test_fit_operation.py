from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fit_device import record_device

from app.cli.main import main
from app.fit_checkpoint import FILE_NAME, load_checkpoint, save_checkpoint
from app.operations.child import in_child
from app.operations.evaluate import evaluate
from app.operations.event_json import as_json
from app.operations.events import Note, Result, Stage
from app.operations.fit import fit
from app.operations.learning_events import FitProgress, FitSamples, TwinScored
from app.operations.report import report as report_run
from app.store import load_twin, read_recording, write_recording
from models.errors import InputError
from training.fit_settings import MEAN_SHARE
from training.validation import hold_out

SMALL = {"latent": 4, "hidden": 16}


@pytest.fixture(scope="module")
def device(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recordings")
    write_recording(folder / "many", record_device(30, 4, seed=1))
    write_recording(folder / "scoring", record_device(8, 16, seed=2))
    return folder


@pytest.fixture(scope="module")
def fitted(device, tmp_path_factory):
    out = tmp_path_factory.mktemp("twins") / "twin"
    events = list(fit([device / "many", device / "scoring"], out, iterations=60, **SMALL))
    return out, events


def test_a_fit_tells_its_progress_shows_samples_and_ends_with_the_contracts_keys(fitted):
    out, events = fitted
    assert [type(e) for e in events[-2:]] == [TwinScored, Result]
    progress = [e for e in events if isinstance(e, FitProgress)]
    assert progress[-1].iteration == progress[-1].total == 60
    samples = next(e for e in events if isinstance(e, FitSamples))
    assert samples.twin.shape == (16, 30, 1)
    assert samples.real.shape == (4, 30, 1)
    values = as_json(events[-1])
    assert values["path"] == str(out / "twin.json")
    for name in ("mean", "spread", "autocovariance", "crps"):
        assert set(values["errors"][name]) >= {"value", "floor", "ratio", "excess", "low", "high"}
    assert values["coverage"]["expected"] == 0.891
    json.dumps(values, allow_nan=False)


def test_sequences_that_were_measured_once_are_fitted_beside_those_that_score(device, tmp_path):
    write_recording(tmp_path / "once", record_device(60, 1, seed=3))
    refused = fit([tmp_path / "once"], tmp_path / "alone", iterations=4, **SMALL)
    with pytest.raises(InputError, match=r"one repeat of each sequence .* 16 repeats each"):
        list(refused)
    assert not (tmp_path / "alone").exists()
    both = [tmp_path / "once", device / "scoring"]
    events = list(fit(both, tmp_path / "twin", iterations=60, **SMALL))
    assert "fitted by innovations-energy" in " ".join(e.text for e in events if isinstance(e, Note))
    notes = [e.text for e in events if isinstance(e, Note)]
    assert any("energy scores while fitting are in units of 1 % of the signal" in n for n in notes)
    assert {e.loss_unit for e in events if isinstance(e, FitProgress)} == {"1 % of the signal"}
    assert events[-1].values["errors"]["spread"]["ratio"] > 0
    assert load_twin(tmp_path / "twin").meta["held_out"]["test"] == list(range(60, 68))


@pytest.mark.parametrize(("repeats", "said"), [(1, True), (2, False)])
def test_a_spectrum_of_single_repeats_is_told_what_they_can_not_tell(tmp_path, repeats, said):
    several = {"channels": tuple("ABCDEFGHIJ"), "units": ("V",) * 10}
    noise = np.random.default_rng(0)
    for name, many, count in (("fitted", repeats, 12), ("scoring", 16, 4)):
        one = record_device(count, many, seed=many, steps=8)
        response = one.response + 0.1 * noise.standard_normal((count, many, 8, 10))
        write_recording(tmp_path / name, replace(one, response=response, **several))
    events = fit([tmp_path / "fitted", tmp_path / "scoring"], tmp_path / "twin", iterations=2)
    notes = [e.text for e in events if isinstance(e, Note)]
    assert any("no fitted sequence has two repeats" in text for text in notes) == said


def test_of_repeats_the_loss_is_in_units_of_their_noise(fitted):
    assert {e.loss_unit for e in fitted[1] if isinstance(e, FitProgress)} == {""}
    assert not any("energy scores while" in e.text for e in fitted[1] if isinstance(e, Note))


def test_progress_is_told_where_a_phase_ends_however_fast_it_was(fitted):
    events = fitted[1]
    second = next(
        k for k, e in enumerate(events) if isinstance(e, Stage) and "mean and noise" in e.name
    )
    told = [e.iteration for e in events[:second] if isinstance(e, FitProgress)]
    assert told[-1] == round(MEAN_SHARE * 60)


def test_the_scores_come_with_what_the_pages_draw(fitted):
    details = fitted[1][-2].details
    assert details["real"].shape == details["twin"].shape == (16, 30, 1)
    assert details["held_out_real"].shape == details["held_out_twin"].shape == (8, 16, 30, 1)
    for name in ("real", "twin"):  # the first one is drawn first
        assert np.array_equal(details[f"held_out_{name}"][0], details[name])
    assert details["pit"].shape == (20,)
    for name in ("real", "twin", "low", "high"):
        assert details[f"autocorrelation_{name}"].shape == (20,)


def test_the_twin_on_disk_knows_its_rig_its_parents_and_what_it_has_not_seen(fitted, device):
    out, _ = fitted
    twin = load_twin(out)
    assert twin.channels == ("X",)
    assert twin.reset.field_T == 2.0
    assert twin.settings["lockin"]["time_constant_s"] == 0.01
    assert [Path(p["path"]) for p in twin.meta["parents"]] == [
        device / name / "recording.nc" for name in ("many", "scoring")
    ]
    assert twin.meta["held_out"]["test"] == list(range(30, 38))
    assert 0 <= twin.drive_low < twin.drive_high <= 1
    assert not (out / FILE_NAME).exists()


def test_closing_keeps_a_checkpoint_and_resume_ends_where_an_uninterrupted_fit_does(
    device, tmp_path
):
    whole = list(fit([device / "many"], tmp_path / "whole", iterations=30, **SMALL))[-1]
    events = fit([device / "many"], tmp_path / "cut", iterations=30, **SMALL)
    next(e for e in events if isinstance(e, FitProgress))
    events.close()
    assert (tmp_path / "cut" / FILE_NAME).is_file()
    assert not (tmp_path / "cut" / "twin.json").exists()
    resumed = list(fit([], tmp_path / "cut", resume=True))
    assert resumed[-1].values["errors"] == whole.values["errors"]
    (tmp_path / "cut" / FILE_NAME).write_bytes(b"")  # killed before it was taken away
    (again,) = fit([], tmp_path / "cut", resume=True)  # finished: told once more, as of every run

    assert again.values == resumed[-1].values
    assert [p.name for p in (tmp_path / "cut").iterdir() if p.name.startswith("check")] == []


def test_a_checkpoint_cut_short_and_a_recording_that_changed_are_refused(device, tmp_path):
    write_recording(tmp_path / "rec", record_device(12, 4, seed=5))
    events = fit([tmp_path / "rec"], tmp_path / "cut", iterations=30, **SMALL)
    next(e for e in events if isinstance(e, FitProgress))
    events.close()
    shutil.rmtree(tmp_path / "rec")
    write_recording(tmp_path / "rec", record_device(12, 4, seed=6))
    with pytest.raises(InputError, match="has changed since"):
        list(fit([], tmp_path / "cut", resume=True))
    whole = (tmp_path / "cut" / FILE_NAME).read_bytes()
    (tmp_path / "cut" / FILE_NAME).write_bytes(whole[:-20])
    with pytest.raises(InputError, match="damaged"):
        list(fit([], tmp_path / "cut", resume=True))


def test_a_fit_goes_on_where_its_library_was_moved(tmp_path):
    old, new = tmp_path / "library", tmp_path / "library of 2026"
    write_recording(old / "rec", record_device(12, 4, seed=5))
    list(fit([old / "rec"], old / "twin", iterations=3, **SMALL))
    events = fit([old / "rec"], old / "cut", iterations=30, origin=old / "twin")
    next(e for e in events if isinstance(e, FitProgress))
    events.close()
    old.rename(new)
    list(fit([], new / "cut", resume=True))
    assert load_twin(new / "cut").meta["parents"][0]["path"] == str(new / "rec" / "recording.nc")


def test_a_fit_whose_recording_is_gone_says_where_it_belongs(tmp_path):
    write_recording(tmp_path / "rec", record_device(12, 4, seed=5))
    events = fit([tmp_path / "rec"], tmp_path / "cut", iterations=30, **SMALL)
    next(e for e in events if isinstance(e, FitProgress))
    events.close()
    (tmp_path / "rec").rename(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=r"recording\.nc: is gone; put it back, there or beside"):
        list(fit([], tmp_path / "cut", resume=True))


def test_nothing_is_overwritten(fitted, device):
    with pytest.raises(InputError, match="holds"):
        list(fit([device / "many"], fitted[0], iterations=10))


def test_a_fit_in_a_child_process_stops_with_its_checkpoint(device, tmp_path):
    events = in_child(
        "app.operations.fit.fit",
        {"recordings": [device / "many"], "out": tmp_path / "twin", "iterations": 10**6, **SMALL},
    )
    next(e for e in events if isinstance(e, FitProgress))
    events.close()
    assert (tmp_path / "twin" / FILE_NAME).is_file()


def test_a_twin_too_large_for_the_kernel_is_not_said_to_run_by_it(device, tmp_path):
    events = list(fit([device / "many"], tmp_path / "large", iterations=1, hidden=256, latent=4))
    said = next(e.text for e in events if isinstance(e, Note) and "path runs by" in e.text)
    assert "PyTorch (the C kernel" in said
    assert "this twin has 4 and 256" in said


def test_of_several_recordings_each_is_named_whose_repeats_are_doubtful(device, tmp_path):
    """A position counts in its own run: without its recording it named nothing."""
    wild = record_device(30, 4, seed=5)
    wild.response[3, 2, 7] = 1e6
    write_recording(tmp_path / "wild", wild)
    events = fit([device / "many", tmp_path / "wild"], tmp_path / "twin", iterations=1, **SMALL)
    said = [e.text for e in events if isinstance(e, Note) and "repeat" in e.text]
    named = [text for text in said if "mark" in text]
    assert named
    assert all(text.startswith(f"{tmp_path / 'wild'}: ") for text in named)


def test_a_file_that_was_imported_twice_is_told_beside_its_twin(device, tmp_path):
    """Neither of the two has a copy in itself."""
    write_recording(tmp_path / "again", record_device(30, 4, seed=5))
    write_recording(tmp_path / "twice", record_device(30, 4, seed=5))
    paths = [tmp_path / "again", tmp_path / "twice"]
    events = fit(paths, tmp_path / "twin", iterations=1, **SMALL)
    said = [e.text for e in events if isinstance(e, Note)]
    (told,) = [text for text in said if "number for number, an earlier one" in text]
    assert told.startswith("120 repeats of these runs are")


def test_a_deterministic_twin(device, tmp_path):
    events = list(
        fit([device / "many"], tmp_path / "twin", deterministic=True, iterations=30, **SMALL)
    )
    assert load_twin(tmp_path / "twin").deterministic
    assert events[-1].values["errors"]["spread"]["value"] == pytest.approx(1)


def test_one_repeat_offers_the_deterministic_twin_and_leaves_no_folder(tmp_path):
    write_recording(tmp_path / "one", record_device(12, 1, seed=3))
    with pytest.raises(InputError, match="--deterministic"):
        list(fit([tmp_path / "one"], tmp_path / "twin", iterations=10))
    assert not (tmp_path / "twin").exists()


def test_one_sequence_is_fitted_on_half_its_repeats_beside_a_memory_of_them(tmp_path):
    write_recording(tmp_path / "one", record_device(1, 40, seed=4))
    events = list(fit([tmp_path / "one"], tmp_path / "twin", iterations=30, **SMALL))
    assert any("one sequence" in e.text for e in events if isinstance(e, Note))
    memory = events[-1].values["memory"]
    assert memory["mean"]["ratio"] == pytest.approx(1.1, abs=0.3)
    assert np.isfinite(events[-1].values["errors"]["mean"]["low"])
    (again,) = fit([], tmp_path / "twin", resume=True)
    assert again.values == events[-1].values


@pytest.mark.parametrize(("repeats", "deterministic"), [(1, True), (2, False), (3, True)])
def test_repeats_too_few_to_score_still_give_a_twin_which_says_so(tmp_path, repeats, deterministic):
    write_recording(tmp_path / "few", record_device(12, repeats, seed=3))
    asked = {"deterministic": deterministic, "iterations": 20, **SMALL}
    events = list(fit([tmp_path / "few"], tmp_path / "twin", **asked))
    before = next(k for k, e in enumerate(events) if isinstance(e, FitProgress))
    said = [e.text for e in events[:before] if isinstance(e, Note) and e.level == "warning"]
    assert any(f"held-out repeats: {repeats} a sequence" in text for text in said)
    values = as_json(events[-1])
    assert values["errors"] == {}
    assert values["at_floor"] is None
    assert "not scored" in values["notes"][0]
    twin = load_twin(tmp_path / "twin")
    assert twin.deterministic is deterministic
    assert twin.errors == {}
    assert not (tmp_path / "twin" / FILE_NAME).exists()
    write_recording(tmp_path / "scoring", record_device(8, 8, seed=9))
    assert list(evaluate(tmp_path / "twin", tmp_path / "scoring"))[-1].values["errors"]["mean"]
    report = list(report_run(tmp_path / "twin"))[-1].values
    assert "not scored yet" in report["verdict"][0]


def test_repeats_that_are_all_the_same_are_no_missing_ones(tmp_path):
    one = record_device(12, 1, seed=3).response
    alike = record_device(12, 6, seed=3, response=np.tile(one, (1, 6, 1, 1)))
    write_recording(tmp_path / "alike", alike)
    events = list(fit([tmp_path / "alike"], tmp_path / "twin", iterations=10, **SMALL))
    assert any("repeats are all the same" in e.text for e in events if isinstance(e, Note))
    assert "all the same" in events[-1].values["verdict"]


def test_a_fit_goes_on_with_the_parts_that_it_was_begun_on(device, tmp_path):
    few = {"iterations": 20, "latent": 4, "hidden": 16}
    list(fit([device / "many"], tmp_path / "twin", **few, seed=1))
    events = fit([device / "many"], tmp_path / "cut", origin=tmp_path / "twin", iterations=20)
    next(e for e in events if isinstance(e, FitProgress))
    events.close()
    kept, numbers = load_checkpoint(tmp_path / "cut")
    parts = numbers.pop("held_out")
    again = set(load_twin(tmp_path / "twin").meta["held_out"]["test"])
    assert set(parts["test"]) <= again  # what the twin before held out
    save_checkpoint(tmp_path / "cut", kept, {**numbers, "held_out": {**parts, "test": [0]}})
    with pytest.raises(InputError, match="holds other sequences out"):
        list(fit([], tmp_path / "cut", resume=True))
    save_checkpoint(tmp_path / "cut", kept, numbers)  # of a version that kept none
    list(fit([], tmp_path / "cut", resume=True))
    plain = hold_out(read_recording(device / "many"), 0).to_json()
    assert load_twin(tmp_path / "cut").meta["held_out"] == plain


@pytest.mark.parametrize("search", [False, True])
def test_a_fit_that_is_stopped_before_its_first_iteration_goes_on(device, tmp_path, search):
    asked = {"iterations": 20, "seed": 3, "search": search, **({} if search else SMALL)}
    events = fit([device / "many"], tmp_path / "cut", **asked)
    begun = "choose" if search else "fit the mean"
    next(e for e in events if isinstance(e, Stage) and begun in e.name)
    events.close()
    resumed = list(fit([], tmp_path / "cut", resume=True))[-1].values
    whole = list(fit([device / "many"], tmp_path / "whole", **asked))[-1].values
    assert resumed["errors"] == whole["errors"]


def test_a_resumed_fit_takes_no_other_option(device, tmp_path, capsys):
    events = fit([device / "many"], tmp_path / "cut", iterations=20, **SMALL)
    next(e for e in events if isinstance(e, FitProgress))
    events.close()
    for more in ([str(device / "scoring")], ["--iterations", "9"], ["--objective", "crps"]):
        assert main(["fit", *more, "--resume", str(tmp_path / "cut")]) == 2
        assert "takes no other option" in capsys.readouterr().err
    assert (tmp_path / "cut" / FILE_NAME).is_file()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"objective": "enrgy"}, "did you mean 'energy'"),
        ({"objective": "enrgy", "deterministic": True}, "did you mean 'energy'"),
        ({"noise_rank": 1}, "leave --noise-rank out"),
    ],
)
def test_what_cannot_be_fitted_leaves_no_folder(device, tmp_path, asked, words):
    with pytest.raises(InputError, match=words):
        list(fit([device / "many"], tmp_path / "twin", **asked))
    assert not (tmp_path / "twin").exists()

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from fit_device import record_device
from small_disk import small_disk

from app.drift_store import latest_drift
from app.operations import compare
from app.operations.compare import compare_device, propose
from app.operations.evaluate import evaluate
from app.operations.events import Note, Result
from app.operations.fit import fit
from app.operations.learning_events import FitProgress
from app.sequence_files import sequences_from
from app.store import load_twin, sha256_of, write_recording
from models.errors import InputError, TwinrigError
from models.sequence import DriveWindow
from models.simulated import module_of
from training import validation

SMALL = {"latent": 4, "hidden": 16}


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A recording and the twin fitted on it, kept as they are: tests work on copies."""
    folder = tmp_path_factory.mktemp("compare")
    write_recording(folder / "old", record_device(24, 8, seed=1))
    list(fit([folder / "old"], folder / "twin", iterations=40, **SMALL))
    return folder


@pytest.fixture
def twin(kept, tmp_path):
    shutil.copytree(kept / "twin", tmp_path / "twin")
    return tmp_path / "twin"


def new_of(kept, tmp_path, shift=0.0, seed=2, name="new"):
    """Eight of the old drives, recorded again on a device whose offset moved."""
    fresh = record_device(24, 6, seed=seed)
    mean = record_device(24, 400, seed=1).response.mean(axis=1, keepdims=True)
    noise = fresh.response - record_device(24, 400, seed=seed).response.mean(axis=1, keepdims=True)
    response = mean + noise + shift
    recording = record_device(24, 6, seed=1, response=response).select(np.arange(8))
    write_recording(tmp_path / name, recording)
    return tmp_path / name


def result(events):
    seen = list(events)
    assert isinstance(seen[-1], Result)
    return seen[-1].values, " ".join(e.text for e in seen if isinstance(e, Note))


def test_a_moved_offset_is_found_said_and_kept_beside_the_twin(kept, twin, tmp_path):
    values, _ = result(compare_device(twin, new_of(kept, tmp_path, shift=0.05)))
    assert not values["matches"]
    assert values["p_value"] <= 0.05
    assert values["method"] == "same drives"
    assert "mean shifted by +" in values["verdict"]
    latest = latest_drift(twin)
    assert latest is not None
    assert latest["changed"]
    assert latest["twin"]["sha256"] == sha256_of(twin / "twin.json")
    assert values["path"] == str(twin / "drift-0001.json")
    json.dumps(values, allow_nan=False)


def test_what_the_twin_foresees_of_many_drives_is_made_one_after_another(twin, monkeypatch):
    monkeypatch.setattr(validation, "MOST_SAMPLES_BYTES", 1)
    model, drive = module_of(load_twin(twin)), record_device(3, 1, seed=9).drive
    asked = []
    monkeypatch.setattr(
        model,
        "simulate",
        lambda d, n, s: asked.append(len(d)) or type(model).simulate(model, d, n, s),
    )
    mean, spread = compare._forecast(model, 0)(drive)
    assert asked == [1, 1, 1]
    samples = model.simulate(drive, 2000, 5)
    off = np.abs(mean - samples.mean(axis=1)) / (samples.std(axis=1) / np.sqrt(200))
    assert np.nanmax(off) < 6
    assert np.nanmax(np.abs(spread / samples.std(axis=1) - 1)) < 0.4


def test_new_drives_are_compared_by_what_the_twin_leaves(kept, twin, tmp_path):
    write_recording(tmp_path / "new", record_device(8, 8, seed=9))
    values, _ = result(compare_device(twin, tmp_path / "new"))
    assert values["method"] == "held-out drives"
    assert values["p_value"] is not None


def test_a_recording_that_moved_with_its_twin_is_found_and_another_can_be_named(kept, tmp_path):
    shutil.copytree(kept / "twin", tmp_path / "a" / "twin")
    shutil.copytree(kept / "old", tmp_path / "a" / "old")
    new = new_of(kept, tmp_path)
    values, said = result(compare_device(tmp_path / "a" / "twin", new))
    assert values["method"] == "same drives"
    assert "not there any more" not in said
    values, _ = result(compare_device(tmp_path / "a" / "twin", new, against=[kept / "old"]))
    assert values["method"] == "same drives"


def test_without_the_old_recording_the_stored_errors_are_compared(tmp_path, monkeypatch):
    write_recording(tmp_path / "old", record_device(24, 8, seed=1))
    list(fit([tmp_path / "old"], tmp_path / "twin", iterations=40, **SMALL))
    shutil.rmtree(tmp_path / "old")
    far = record_device(8, 8, seed=9)
    far.response[:] += 0.5
    write_recording(tmp_path / "far", far)
    values, said = result(compare_device(tmp_path / "twin", tmp_path / "far"))
    assert values["method"] == "stored errors"
    assert values["p_value"] is None
    assert not values["matches"]
    assert "is not there any more" in said
    assert "compared on" not in said
    monkeypatch.setattr(validation, "MOST_SAMPLES_BYTES", 1)
    monkeypatch.setattr(validation, "MOST_TEST", 5)
    values, said = result(compare_device(tmp_path / "twin", tmp_path / "far"))
    assert not values["matches"]
    assert "compared on 5 of 8 sequences: samples of all would fill the memory" in said


def test_the_twins_own_recording_and_another_window_are_refused(kept, twin, tmp_path):
    with pytest.raises(InputError, match="was fitted on"):
        list(compare_device(twin, kept / "old"))
    write_recording(tmp_path / "o", record_device(8, 8, 3, window=DriveWindow("step", 0.0, 2.0)))
    with pytest.raises(InputError, match="window"):
        list(compare_device(twin, tmp_path / "o"))
    assert latest_drift(twin) is None


def test_proposed_sequences_are_drives_of_the_twins_recording(kept, twin, tmp_path):
    values, _ = result(propose(twin, tmp_path / "check.json", count=5))
    assert values["sequences"] == 5
    sequences, window, reset = sequences_from(tmp_path / "check.json")
    old = record_device(24, 8, seed=1)
    assert (window, reset) == (old.window, old.reset)
    assert all((old.drive == s.drive).all(axis=1).any() for s in sequences)
    with pytest.raises(InputError, match="exists"):
        list(propose(twin, tmp_path / "check.json", count=5))
    other = replace(old, window=DriveWindow("step", -0.1, 0.1))
    write_recording(tmp_path / "other", other)
    with pytest.raises(InputError, match="the recording has window"):  # a drive is another field
        list(propose(twin, tmp_path / "no.json", count=5, against=[tmp_path / "other"]))
    told = [e.text for e in propose(twin, tmp_path / "most.json", count=30) if isinstance(e, Note)]
    assert told == ["30 sequences asked, 24 written: the twin's recordings have no more"]


def test_a_drive_that_was_recorded_twice_is_proposed_once(kept, twin, tmp_path):
    """As those of each check are that the twin was fitted further on."""
    again = new_of(kept, tmp_path)
    both = [kept / "old", again]
    values, _ = result(propose(twin, tmp_path / "check.json", count=30, against=both))
    drives = [s.drive.tobytes() for s in sequences_from(str(tmp_path / "check.json"))[0]]
    assert values["sequences"] == len(set(drives)) == len(drives) == 24


def test_a_twin_is_fitted_further_keeps_its_structure_and_knows_its_line(kept, twin, tmp_path):
    write_recording(tmp_path / "few", record_device(6, 6, seed=7))
    events = list(fit([tmp_path / "few"], tmp_path / "second", origin=twin, iterations=20))
    made, before = load_twin(tmp_path / "second"), load_twin(twin)
    assert (made.latent, made.hidden) == (4, 16)
    assert np.array_equal(made.weights["scale"], before.weights["scale"])
    assert made.meta["from"]["sha256"] == sha256_of(twin / "twin.json")
    assert [a["id"] for a in made.meta["ancestors"]] == [before.meta["id"]]
    assert made.meta["ancestors"][0]["recordings"][0]["id"] == before.meta["parents"][0]["id"]
    assert made.drive_low <= before.drive_low
    assert any("this one is version 2" in e.text for e in events if isinstance(e, Note))
    list(fit([tmp_path / "few"], tmp_path / "third", origin=tmp_path / "second", iterations=5))
    assert len(load_twin(tmp_path / "third").meta["ancestors"]) == 2
    flattering = " ".join(
        e.text for e in evaluate(tmp_path / "second", kept / "old") if isinstance(e, Note)
    )
    assert "earlier version" in flattering


def test_another_structure_or_window_is_refused_before_a_folder_is_made(kept, twin, tmp_path):
    write_recording(tmp_path / "few", record_device(6, 6, seed=7))
    with pytest.raises(InputError, match="which stays"):
        list(fit([tmp_path / "few"], tmp_path / "out", origin=twin, latent=5))
    with pytest.raises(InputError, match="has the full covariance of read-out noise, which stays"):
        list(fit([tmp_path / "few"], tmp_path / "out", origin=twin, noise_rank=0))
    other = record_device(6, 6, seed=7, window=DriveWindow("step", 0.0, 2.0))
    write_recording(tmp_path / "other", other)
    with pytest.raises(InputError, match="without --from"):
        list(fit([tmp_path / "other"], tmp_path / "out", origin=twin))
    assert not (tmp_path / "out").exists()


def test_a_fit_from_a_twin_goes_on_after_a_stop_and_notices_a_changed_twin(kept, twin, tmp_path):
    write_recording(tmp_path / "few", record_device(6, 6, seed=7))
    whole = list(fit([tmp_path / "few"], tmp_path / "whole", origin=twin, iterations=12))[-1]
    events = fit([tmp_path / "few"], tmp_path / "cut", origin=twin, iterations=12)
    next(e for e in events if isinstance(e, FitProgress))
    events.close()
    shutil.copytree(tmp_path / "cut", tmp_path / "cut2")
    resumed = list(fit([], tmp_path / "cut", resume=True))
    assert resumed[-1].values["errors"] == whole.values["errors"]
    assert load_twin(tmp_path / "cut").meta["from"] == load_twin(tmp_path / "whole").meta["from"]
    shutil.rmtree(twin)
    with pytest.raises(InputError):
        list(fit([], tmp_path / "cut2", resume=True))


def test_a_twin_fitted_further_is_scored_on_what_no_version_has_seen(kept, twin, tmp_path):
    before = load_twin(twin).meta["held_out"]
    write_recording(tmp_path / "few", record_device(12, 8, seed=7))
    paths, out = [kept / "old", tmp_path / "few"], tmp_path / "second"
    list(fit(paths, out, origin=twin, iterations=5, seed=4))
    made = load_twin(out).meta
    assert {s for s in made["held_out"]["test"] if s < 24} <= set(before["test"])
    assert {s for s in made["held_out"]["validation"] if s < 24}.isdisjoint(before["training"])
    assert made["ancestors"][0]["recordings"][0]["test"] == before["test"]
    said = " ".join(e.text for e in evaluate(out, tmp_path / "few") if isinstance(e, Note))
    assert "earlier version" not in said
    list(fit(paths, tmp_path / "third", origin=out, iterations=5, seed=9))
    third = load_twin(tmp_path / "third").meta
    assert set(third["held_out"]["test"]) <= set(made["held_out"]["test"])
    said = " ".join(
        e.text for e in evaluate(tmp_path / "third", kept / "old") if isinstance(e, Note)
    )
    assert "earlier version" not in said


def test_drives_that_an_earlier_version_was_fitted_on_are_known_in_another_recording(
    kept, twin, tmp_path
):
    """Recorded again, as whose device has changed does, they were scored as never seen."""
    held_out = load_twin(twin).meta["held_out"]
    write_recording(tmp_path / "again", record_device(24, 8, seed=1, meta={"id": "rec-again"}))
    values, _ = result(
        fit([tmp_path / "again"], tmp_path / "on", origin=twin, iterations=2, seed=4)
    )
    made = load_twin(tmp_path / "on").meta["held_out"]
    assert set(made["test"]) <= set(held_out["test"])
    assert set(made["validation"]).isdisjoint(held_out["training"])
    assert "neither the fit nor the choice" in values["held_out"]
    fitted = record_device(24, 8, seed=1).drive[held_out["training"][:6]]
    some = replace(record_device(6, 8, seed=3, meta={"id": "rec-some"}), drive=fitted)
    write_recording(tmp_path / "some", some)
    values, _ = result(fit([tmp_path / "some"], tmp_path / "flat", origin=twin, iterations=2))
    assert "the twin that it goes on from has: its scores flatter" in values["held_out"]


def test_drives_of_an_earlier_version_are_told_where_a_later_one_is_scored(kept, twin, tmp_path):
    write_recording(tmp_path / "few", record_device(12, 8, seed=7, meta={"id": "rec-few"}))
    list(fit([tmp_path / "few"], tmp_path / "on", origin=twin, iterations=2))
    write_recording(tmp_path / "again", record_device(24, 8, seed=1, meta={"id": "rec-again"}))
    values, said = result(evaluate(tmp_path / "on", tmp_path / "again"))
    seen = 24 - len(load_twin(twin).meta["held_out"]["test"])
    assert f"{seen} of the recording's 24 sequences play drives" in said
    assert any("play drives that the twin was fitted on" in words for words in values["notes"])


def test_a_recording_given_twice_is_refused(kept, tmp_path):
    with pytest.raises(InputError, match="given 2 times"):
        list(fit([kept / "old", kept / "old"], tmp_path / "out", iterations=5))


def test_a_level_below_every_p_value_is_no_want_of_repeats(kept, twin, tmp_path):
    with pytest.raises(InputError, match=r"499 permutations give no p-value below 0\.002"):
        list(compare_device(twin, new_of(kept, tmp_path), level=1e-4))


def test_another_calibration_is_said_where_devices_are_compared_and_keeps_recordings_apart(
    kept, tmp_path
):
    for name, slope in (("then", 4e-4), ("now", 5e-4)):
        limits = {"x": {"tesla_per_ampere": slope}, "y": {"tesla_per_ampere": 1.0}}
        meta = {"id": name, "driven": ["x"], "limits": limits}
        write_recording(tmp_path / name, record_device(24, 8, seed=len(name), meta=meta))
    list(fit([tmp_path / "then"], tmp_path / "twin", iterations=5, **SMALL))
    assert load_twin(tmp_path / "twin").meta["tesla_per_ampere"] == {"x": 4e-4}
    said = "magnet x: tesla_per_ampere was 0.0004, now 0.0005"
    for events in (
        compare_device(tmp_path / "twin", tmp_path / "now"),
        evaluate(tmp_path / "twin", tmp_path / "now"),
        fit([tmp_path / "now"], tmp_path / "further", origin=tmp_path / "twin", iterations=5),
    ):
        assert said in result(events)[1]
    with pytest.raises(InputError, match=said):
        list(fit([tmp_path / "then", tmp_path / "now"], tmp_path / "both", iterations=5, **SMALL))


def test_a_twin_on_a_read_only_share_is_refused_before_anything_is_compared(kept, tmp_path):
    with small_disk(tmp_path / "share") as share:
        shutil.copytree(kept / "twin", share.path / "twin")
        share.read_only()
        with pytest.raises(
            TwinrigError, match=r"drift-0001\.json.*Read-only.*with the copy"
        ) as why:
            list(compare_device(share.path / "twin", tmp_path / "not even looked at"))
        assert not isinstance(why.value, InputError)


def test_a_finished_fit_on_a_read_only_share_tells_its_result_once_more(kept, tmp_path):
    with small_disk(tmp_path / "share") as share:
        shutil.copytree(kept / "twin", share.path / "twin")
        share.read_only()
        values, _ = result(fit([], share.path / "twin", resume=True))
        assert values["path"] == str(share.path / "twin" / "twin.json")

from __future__ import annotations

import json

import pytest
from artefact_samples import twin
from drift_samples import body_of

from app import drift_store
from app.drift_store import drift_words, drifts_of, latest_drift, save_drift
from app.store import save_twin
from models.errors import InputError


@pytest.fixture
def folder(tmp_path):
    save_twin(tmp_path / "twin", twin())
    return tmp_path / "twin"


def test_a_twin_that_was_never_compared_has_no_comparison(folder):
    assert latest_drift(folder) is None
    assert drifts_of(folder / "twin.json") == []


def test_comparisons_are_counted_upwards_and_the_last_one_counts(folder):
    first = save_drift(folder, body_of(folder))
    second = save_drift(folder, body_of(folder, changed=False, words="No change."))
    assert (first.name, second.name) == ("drift-0001.json", "drift-0002.json")
    latest = latest_drift(folder)
    assert latest is not None
    assert not latest["changed"]
    assert [one["changed"] for one in drifts_of(folder)] == [True, False]
    assert drift_words(latest) == "Compared with rec-new on 2026-11-25: No change."


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"changed": False}, "checksum"),
        ({"schema": 2}, "schema"),
    ],
)
def test_a_comparison_that_was_changed_by_hand_is_refused(folder, change, word):
    path = save_drift(folder, body_of(folder))
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(InputError, match=word):
        latest_drift(folder)


def test_a_comparison_of_another_twin_is_refused(folder):
    other = {"id": "other", "path": "twin.json", "sha256": "0" * 64}
    save_drift(folder, body_of(folder, twin=other))
    with pytest.raises(InputError, match="about another twin"):
        latest_drift(folder)


def test_a_comparison_that_lacks_something_is_refused(folder):
    body = body_of(folder)
    del body["words"]
    save_drift(folder, body)
    with pytest.raises(InputError, match="words"):
        latest_drift(folder)


def test_two_comparisons_that_end_at_once_are_both_kept(folder, monkeypatch):
    write_new, came = drift_store.write_new, []

    def another_first(path, text):
        if not came:
            came.append(path)
            write_new(path, text)
        write_new(path, text)

    monkeypatch.setattr(drift_store, "write_new", another_first)
    assert save_drift(folder, body_of(folder)).name == "drift-0002.json"
    assert len(drifts_of(folder)) == 2

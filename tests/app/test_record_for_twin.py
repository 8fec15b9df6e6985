from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from fit_device import record_device
from network_samples import saved_network
from recorded import after, is_safe, iter_into

from app.cli.main import main
from app.operations.adaptive_rounds import PLAN_NAME, ForTwin, Rounds
from app.operations.adaptive_twins import Twins
from app.operations.event_json import as_json
from app.operations.events import Note, RepeatRecorded, Result, RunPlan
from app.operations.fit_input import FitInput
from app.operations.learning_events import FitProgress
from app.operations.merged import merged
from app.operations.record_for_twin import record_for_twin
from app.recording_marks import add_mark
from app.report.run import find_artefacts
from app.run_lock import RunLock
from app.store import read_recording
from instruments.bench import Bench
from instruments.bench_file import read_bench
from instruments.clock import Stop
from instruments.limits import UnsafeError
from models.errors import InputError, RefusedError, TwinrigError
from models.recording import faults_of
from models.sequence import SENT, Reset
from tests.app.held import spec_of

TINY = ForTwin(
    budget=20, target=0.0, steps=6, repeats=2, first=4, growth=0.5, scoring=4, scoring_repeats=16,
    members=2, iterations=3, pool=8,
)  # fmt: skip


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run to its budget: 4, 6 and 9 sequences so far; then 10, where the budget ends it."""
    out = tmp_path_factory.mktemp("adaptive") / "run"
    with Bench.connect(read_bench("virtual")) as bench:
        events = list(record_for_twin(bench, out, TINY, meta={"sample": "rings"}))
        safe = is_safe(bench)
    return out, events, safe


def test_it_grows_round_by_round_until_the_budget_is_used(finished):
    out, events, safe = finished
    values = events[-1].values
    json.dumps(as_json(events[-1]), allow_nan=False)
    assert [row["measurements"] for row in values["rounds"].values()] == [8, 12, 18, 20]
    assert values["measurements"] == 20
    assert values["scoring_measurements"] == 64
    assert values["recorded"] == 84 == sum(isinstance(e, RepeatRecorded) for e in events)
    assert values["status"] == "done"
    assert not values["reached"]
    notes = [e.text for e in events if isinstance(e, Note)]
    assert sum("the budget of 20 measurements is used" in words for words in notes) == 1
    assert safe
    assert sum(isinstance(e, Result) for e in events) == 1
    assert {e.path for e in events if isinstance(e, RunPlan)} == {str(out / "recording.nc")}
    assert any(isinstance(e, FitProgress) for e in events)


class Constant:
    """A read-out whose second channel is not connected, or which is read in coarse steps."""

    def __init__(self, real, step_V=None):
        self._real, self._step_V = real, step_V

    def __getattr__(self, name):
        return getattr(self._real, name)

    def read(self):
        values = np.array(self._real.read())
        if self._step_V is None:
            values[1] = 0.0
            return values
        return self._step_V * np.round(values / self._step_V)


def test_a_channel_that_is_not_connected_ends_it_before_the_first_round(tmp_path):
    with Bench.connect(read_bench("virtual")) as bench:
        bench._readers = [Constant(bench._readers[0])]
        events = []
        with pytest.raises(TwinrigError, match="is 0 V at every step: is it connected"):
            events.extend(iter_into(record_for_twin(bench, tmp_path / "run", TINY), events))
        assert is_safe(bench)
    assert sum(isinstance(e, RepeatRecorded) for e in events) == 64
    assert events[-1].values["status"] == "failed"


def test_what_a_fit_would_doubt_is_told_before_the_first_round(tmp_path):
    with Bench.connect(read_bench("virtual")) as bench:
        bench._readers = [Constant(bench._readers[0], step_V=1e-5)]
        events = record_for_twin(bench, tmp_path / "run", TINY)
        found = []
        for event in events:
            found.append(event)
            if isinstance(event, Note) and "read in steps of" in event.text:
                break
        events.close()
    assert found[-1].level == "warning"


def test_all_rounds_are_one_recording_that_a_fit_divides_as_it_was_meant(finished):
    out = finished[0]
    recording = read_recording(out)
    assert faults_of(recording) == []
    assert recording.status == "done"
    assert recording.meta["sample"] == "rings"
    assert recording.complete.sum(axis=1).tolist() == [16] * 4 + [2] * 10
    assert (np.diff(np.sort(recording.start_s[recording.complete])) > 0).all()
    by_order = recording.start_s[recording.complete][
        np.argsort(recording.order[recording.complete])
    ]
    assert (np.diff(by_order) > 0).all()
    source = FitInput.read([out], seed=0, deterministic=False)
    assert source.parts.test.tolist() == [0, 1, 2, 3]
    assert set(recording.families[:4]) == {"steps", "smooth", "sines", "mixed"}


def test_a_round_is_drawn_where_the_twins_disagree_and_that_is_kept(finished):
    out, events, _ = finished
    told = [e.text for e in events if isinstance(e, Note) and e.text.startswith("next round")]
    assert len(told) == 3
    assert all("disagreement" in words for words in told)
    rounds = Rounds.load(out)
    assert [r.what for r in rounds.rounds] == ["scoring", "first", "chosen", "chosen", "chosen"]
    assert all(r.scores["errors"]["crps"]["floor"] > 0 for r in rounds.fitted)
    drives = [s.drive.tobytes() for r in rounds.rounds for s in r.sequences]
    assert len(set(drives)) == len(drives)
    kept = read_recording(out).meta["for_twin"]["rounds"]
    assert [row["sequences"] for row in kept] == [4, 4, 2, 3, 1]


def test_of_one_repeat_the_first_round_is_measured_twice_all_the_same(tmp_path):
    with Bench.connect(read_bench("virtual")) as bench:
        events = list(record_for_twin(bench, tmp_path / "run", replace(TINY, repeats=1)))
    recording = read_recording(tmp_path / "run")
    assert recording.complete.sum(axis=1).tolist() == [16] * 4 + [2] * 4 + [1] * 12
    measured = [row["measurements"] for row in events[-1].values["rounds"].values()]
    assert measured == [8, 12, 18, 20]
    told = [e.text for e in events if isinstance(e, Note) and e.text.startswith("next round")]
    assert all("disagreement" in words for words in told)
    with pytest.raises(InputError, match="the first round's 4 sequences × 2 repeats"):
        replace(TINY, repeats=1, budget=7)


def test_a_report_shows_the_one_recording(finished):
    assert find_artefacts(finished[0]).recordings == (finished[0],)


def test_a_larger_budget_goes_on_from_what_is_there(finished, bench):
    out = finished[0]
    before = read_recording(out)
    events = list(record_for_twin(bench, out, replace(TINY, budget=22), resume=True))
    assert sum(isinstance(e, RepeatRecorded) for e in events) == 2
    assert np.array_equal(read_recording(out).response[:14], before.response, equal_nan=True)
    again = list(record_for_twin(bench, out, replace(TINY, budget=22), resume=True))
    assert not any(isinstance(e, RepeatRecorded) for e in again)
    assert again[-1].values["recorded"] == 86
    looser = list(record_for_twin(bench, out, replace(TINY, budget=22, target=1e9), resume=True))
    assert looser[-1].values["reached"]
    assert next(e.text for e in looser if isinstance(e, Note)).endswith(
        "enough: mean, spread, autocovariance and CRPS decide, at most 1e+09; these sequences were "
        "looked at 5 times: on others expect a little more"
    )


def test_repeats_that_were_marked_bad_neither_teach_nor_score_when_it_goes_on(finished, tmp_path):
    """As in every fit and score; the rounds were read as if nobody had marked anything."""

    def scores(name, bad):
        shutil.copytree(finished[0], tmp_path / name)
        add_mark(tmp_path / name, bad=bad)
        rounds = Rounds.load(tmp_path / name)
        list(Twins(rounds, Stop()).scored(rounds.rounds[-1]))
        return rounds.rounds[-1].scores["errors"]["mean"]

    whole = read_recording(finished[0])
    of_scoring, of_first = whole.order[0][whole.complete[0]], whole.order[4][whole.complete[4]]
    unmarked, unscored, untaught = scores("a", []), scores("b", of_scoring), scores("c", of_first)
    assert unmarked["floor"] == scores("d", [])["floor"] == untaught["floor"]
    assert unscored["floor"] != unmarked["floor"]
    assert untaught["value"] != unmarked["value"]


def test_a_run_that_is_stopped_anywhere_goes_on_with_the_same_sequences(finished, bench, tmp_path):
    """Once while the scoring round is measured, once between, once within a fit."""
    out, asked = tmp_path / "run", replace(TINY, budget=12)
    events = record_for_twin(bench, out, asked)
    after(events, RepeatRecorded, 3)
    events.close()
    assert is_safe(bench)
    partial = read_recording(out)
    assert partial.status == "stopped"
    assert partial.complete.sum() == 3
    for kind, count in ((RepeatRecorded, 66), (FitProgress, 1)):
        events = record_for_twin(bench, out, resume=True)
        after(events, kind, count)
        events.close()
        assert is_safe(bench)
    list(record_for_twin(bench, out, resume=True))
    whole, unbroken = read_recording(out), read_recording(finished[0])
    assert whole.complete.sum() == 76
    assert np.array_equal(whole.drive[:8], unbroken.drive[:8])
    assert whole.meta["id"] == partial.meta["id"]
    assert any("continued" in words for words in whole.meta["remarks"])


def test_with_a_network_half_of_each_round_is_what_it_sends(bench, tmp_path):
    folder = saved_network(bench, tmp_path)
    asked = replace(TINY, budget=18, growth=1.0, network=str(folder))
    events = list(record_for_twin(bench, tmp_path / "run", asked))
    families = [[s.family for s in r.sequences] for r in Rounds.load(tmp_path / "run").rounds]
    assert [row.count(SENT) for row in families] == [1, 2, 2, 0]
    assert [len(row) for row in families] == [5, 4, 4, 1]
    assert not any("nan" in e.text for e in events if isinstance(e, Note))  # of the last one, none


def test_windows_of_a_network_that_score_are_never_fitted(bench, tmp_path):
    asked = replace(
        TINY, budget=24, first=12, growth=1.0, network=str(saved_network(bench, tmp_path))
    )
    list(record_for_twin(bench, tmp_path / "run", asked))
    scoring, *fitted = Rounds.load(tmp_path / "run").rounds
    sent = [{tuple(s.drive) for s in r.sequences if s.family == SENT} for r in (scoring, *fitted)]
    assert len(sent[0]) == 1
    assert len(sent[1]) > 1
    assert all(sent[0].isdisjoint(drives) for drives in sent[1:])


def test_no_window_of_a_network_is_played_twice_and_others_take_their_place(
    bench, tmp_path, monkeypatch
):
    windows = list(np.random.default_rng(0).uniform(size=(5, TINY.steps)))

    def sent(*_):
        yield from ()
        return windows

    monkeypatch.setattr("app.operations.sent_drives.windows_sent", sent)
    asked = replace(TINY, budget=24, growth=1.0, network=str(saved_network(bench, tmp_path)))
    list(record_for_twin(bench, tmp_path / "run", asked))
    rounds = Rounds.load(tmp_path / "run").rounds
    played = [tuple(s.drive) for r in rounds for s in r.sequences if s.family == SENT]
    assert sorted(played) == sorted(map(tuple, windows))
    families = [[s.family for s in r.sequences] for r in rounds]
    assert [row.count(SENT) for row in families] == [1, 2, 2, 0]
    assert [len(row) for row in families] == [5, 4, 4, 4]


def test_steps_of_a_round_are_held_at_random_and_it_goes_on_with_them(tmp_path):
    out, asked = tmp_path / "run", replace(TINY, budget=12, holds=3)
    with Bench.connect(spec_of()) as bench:
        events = record_for_twin(bench, out, asked)
        after(events, RepeatRecorded, 70)  # within the first round that is fitted
        events.close()
        list(record_for_twin(bench, out, resume=True))
    rounds, recording = Rounds.load(out), read_recording(out)
    assert rounds.asked.holds == 3
    held = [s.holds.tolist() for r in rounds.rounds for s in r.sequences]
    assert {n for row in held for n in row} == {1, 2, 3}
    assert recording.holds.tolist() == held
    assert recording.complete.sum() == 76
    assert all(r.scores["errors"]["crps"]["floor"] > 0 for r in rounds.fitted)


def test_another_reset_than_the_rounds_before_is_refused(finished, bench):
    spec, before = bench.spec, (finished[0] / "recording.nc").read_bytes()
    assert read_recording(finished[0]).status == "done"
    bench.spec = replace(spec, reset=Reset(0.9 * spec.reset.field_T))
    with pytest.raises(RefusedError, match="reset"):
        list(record_for_twin(bench, finished[0], replace(TINY, budget=40), resume=True))
    assert (finished[0] / "recording.nc").read_bytes() == before  # still done, not failed


def test_a_disk_that_refuses_at_the_end_hides_no_magnet_that_is_not_safe(
    bench, tmp_path, monkeypatch
):
    def unsafe():
        raise UnsafeError("x could not be made safe, current may be flowing")

    def full(rounds, status):
        raise TwinrigError("the disk is full")

    events = record_for_twin(bench, tmp_path / "run", TINY)
    after(events, RepeatRecorded, 3)
    make_safe = bench.make_safe
    monkeypatch.setattr(bench, "make_safe", unsafe)
    monkeypatch.setattr(bench._readers[0], "read", lambda: 1 / 0)
    monkeypatch.setattr(Rounds, "merge", full)
    with pytest.raises(ZeroDivisionError) as caught:
        list(events)
    assert [words.split(": ")[1] for words in caught.value.__notes__] == [
        "x could not be made safe, current may be flowing", "the disk is full",
    ]  # fmt: skip
    make_safe()


def test_what_another_program_writes_is_neither_read_nor_changed(finished, bench):
    """Its plan grows with each round; one read before it ended would be written over the newer."""
    plan = finished[0] / PLAN_NAME
    before = plan.read_bytes()
    with (
        RunLock(finished[0]),
        pytest.raises(RefusedError, match="is being written right now by"),
    ):
        list(record_for_twin(bench, finished[0], replace(TINY, budget=400), resume=True))
    assert plan.read_bytes() == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--notes", "second"], "--notes: as it was begun (None), not 'second'"),
        (["--temperature", "77"], "--temperature: as it was begun (None), not 77.0"),
        (["--seed", "8"], "--seed: as it was begun (0), not 8"),
    ],
)
def test_what_is_told_of_a_run_to_go_on_with_is_not_left_out_unsaid(
    finished, options, words, capsys
):
    arguments = ["record", "--for-twin", "--bench", "virtual", "--resume", str(finished[0])]
    assert main([*arguments, *options]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"budget": 6}, "below the first round"),
        ({"repeats": 0}, "repeats = 0"),
        ({"target": 0.9}, "nothing is below its floor"),
        ({"choose": "dice"}, "'dice' is none of"),
        ({"holds": 0}, "holds = 0 must be at least 1"),
        ({"holds": 2000}, "at most 1000"),
    ],
)
def test_what_makes_no_sense_is_said_before_anything_is_made(changes, words):
    with pytest.raises(InputError, match=words):
        replace(TINY, **changes)


def test_a_damaged_plan_is_named(finished, tmp_path):
    content = json.loads((finished[0] / PLAN_NAME).read_text())
    content["rounds"][0]["folder"] = "../elsewhere"
    (tmp_path / PLAN_NAME).write_text(json.dumps(content))
    with pytest.raises(InputError, match="checksum"):
        Rounds.load(tmp_path)
    with pytest.raises(InputError, match="no recording for a twin was begun there"):
        list(record_for_twin(None, tmp_path / "none", resume=True))


def test_recordings_of_different_lengths_and_repeats_are_one():
    first, second = record_device(3, 4, 1, steps=8), record_device(2, 2, 2, steps=5)
    both = merged([first, second])
    assert both.response.shape == (5, 4, 8, 1)
    assert both.lengths.tolist() == [8, 8, 8, 5, 5]
    assert np.array_equal(both.response[3:, :2, :5], second.response)
    assert faults_of(both) == []

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from fit_device import record_device

from app.checked_json import with_checksum
from app.cli.main import main
from app.operations import learning_curve as operation
from app.operations.events import Note, Progress, Result
from app.operations.learning_curve import FILE_NAME, learning_curve
from app.operations.learning_events import CurvePoint
from app.recording_marks import add_mark
from app.store import read_recording, write_recording
from models.errors import InputError
from models.sequence import make_sequences
from training.acquire_curve import medians
from training.fit import begin_fit

TINY = {"sequences": (4, 8), "repeats": (2, 4), "iterations": 3}


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    folder = tmp_path_factory.mktemp("curve")
    write_recording(folder / "recording", record_device(12, 4, seed=1, steps=8))
    return folder / "recording"


@pytest.fixture(scope="module")
def curve(recording):
    out = recording.parent / "curve"
    return out, list(learning_curve([recording], out, seeds=2, **TINY))


def test_every_part_is_fitted_and_stands_beside_its_floor(curve):
    out, events = curve
    body = json.loads((out / FILE_NAME).read_text())
    points = body["points"]
    assert [(p["sequences"], p["repeats"], p["seed"]) for p in points] == [
        (4, 2, 0), (4, 2, 1), (4, 4, 0), (4, 4, 1), (8, 2, 0), (8, 2, 1), (8, 4, 0), (8, 4, 1),
    ]  # fmt: skip
    assert [p["measurements"] for p in points] == [8, 8, 16, 16, 16, 16, 32, 32]
    assert all(p["errors"]["mean"]["floor"] > 0 for p in points)
    assert len({p["errors"]["mean"]["floor"] for p in points}) == 1  # one held-out part
    progress = [e for e in events if isinstance(e, Progress)]
    assert [p.done for p in progress] == list(range(1, 9))
    values = events[-1].values
    json.dumps(values, allow_nan=False)
    assert set(values["needed"]) == {"2", "4"}
    page = (out / "report.html").read_text(encoding="utf-8")
    assert values["verdict"][0] in page
    assert "learning-curve" in page
    assert (out / "curve.png").read_bytes().startswith(b"\x89PNG")
    rows = medians(points)
    assert [r["measurements"] for r in rows] == [8, 16, 16, 32]
    assert [r["seeds"] for r in rows] == [2, 2, 2, 2]


def test_one_repeat_of_each_is_a_row_of_its_own(recording, tmp_path):
    out = tmp_path / "once"
    grid = {"sequences": (4,), "repeats": (1, 2), "iterations": 3}
    list(learning_curve([recording], out, **grid))
    points = json.loads((out / FILE_NAME).read_text())["points"]
    assert [(p["repeats"], p["measurements"]) for p in points] == [(1, 4), (2, 8)]
    assert all(p["errors"]["crps"]["ratio"] > 0 for p in points)


def test_a_part_has_as_many_members_as_a_fit_of_it_would(recording, tmp_path, monkeypatch):
    monkeypatch.setattr("training.usual.LEAST_ITERATIONS", 2)
    grid = {"sequences": (4,), "repeats": (2,)}
    for iterations, members in ((7, 1), (8, 4)):
        out = tmp_path / str(iterations)
        list(learning_curve([recording], out, iterations=iterations, **grid))
        (point,) = json.loads((out / FILE_NAME).read_text())["points"]
        assert (point["members"], point["iterations"]) == (members, iterations)
        assert point["objective"] == "energy"  # that of so few


def test_a_drive_that_stands_twice_selects_no_fit_of_itself(tmp_path, monkeypatch):
    drive = np.repeat([s.drive for s in make_sequences("mixed", 8, 8, 3)], 2, axis=0)
    write_recording(tmp_path / "r", record_device(16, 4, seed=1, steps=8, drive=drive))
    parts = []

    def begins(training, validation, settings):
        parts.append((training[0], validation[0]))
        return begin_fit(training, validation, settings)

    monkeypatch.setattr(operation, "begin_fit", begins)
    grid = {"sequences": (4, 8, 12), "repeats": (2,), "iterations": 3}
    list(learning_curve([tmp_path / "r"], tmp_path / "curve", seeds=3, **grid))
    fitted_twice = [bool(set(map(bytes, one)) & set(map(bytes, other))) for one, other in parts]
    assert fitted_twice == [False] * 9


def test_repeats_that_are_all_alike_have_no_floor_and_a_page_all_the_same(tmp_path):
    """A panel without a point once ended it: unexpected ValueError, Data cannot be log-scaled."""
    seen = record_device(12, 4, seed=1, steps=8)
    seen.response[:] = seen.response[:, :1]
    write_recording(tmp_path / "recording", seen)
    out = tmp_path / "curve"
    values = list(learning_curve([tmp_path / "recording"], out, **TINY))[-1].values
    assert values["status"] == "done"
    assert (out / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_the_time_left_is_that_of_the_fits_to_come(recording, tmp_path):
    """Of a budget of minutes each takes as long; the largest was once told sixteen times that."""
    grid = {**TINY, "minutes": 1.0}
    events = learning_curve([recording], tmp_path / "curve", **grid)
    progress = [e for e in events if isinstance(e, Progress)]
    left = [p.remaining_s / p.elapsed_s * p.done for p in progress]
    assert left == pytest.approx([3, 2, 1, 0])


def curve_points(folder):
    return json.loads((folder / FILE_NAME).read_text())["points"]


def test_it_goes_on_where_it_was_stopped_and_comes_to_the_same(recording, curve, tmp_path):
    out = tmp_path / "curve"
    events = learning_curve([recording], out, seeds=2, **TINY)
    for event in events:
        if isinstance(event, Progress) and event.done == 3:
            break
    events.close()
    before = json.loads((out / FILE_NAME).read_text())["points"]
    assert len(before) == 3
    *events, result = learning_curve([], out, resume=True)
    told = [(e.sequences, e.repeats, e.seed) for e in events if isinstance(e, CurvePoint)]
    assert told == [(p["sequences"], p["repeats"], p["seed"]) for p in curve_points(curve[0])]
    assert result.values["continued"]  # its seconds are of the last session
    points = json.loads((out / FILE_NAME).read_text())["points"]
    whole = json.loads((curve[0] / FILE_NAME).read_text())["points"]
    assert points[:3] == before
    assert [p["errors"] for p in points] == [p["errors"] for p in whole]


def test_it_goes_on_beside_its_recording_where_both_have_moved(recording, tmp_path):
    """As a fit does; to another disk, or to the other computer's share."""
    shutil.copytree(recording, tmp_path / "here" / "recording")
    begun = learning_curve([tmp_path / "here" / "recording"], tmp_path / "here" / "curve", **TINY)
    next(e for e in begun if isinstance(e, CurvePoint))
    begun.close()
    (tmp_path / "here").rename(tmp_path / "there")
    *_, result = learning_curve([], tmp_path / "there" / "curve", resume=True)
    assert result.values["status"] == "done"


def test_it_tells_what_its_ratios_depend_on(curve):
    """As `fit` and `evaluate` do: 1.5 is another target with halves of 2 repeats than of 8."""
    out, events = curve
    halves = "halves of 2 of 4 held-out repeats"
    assert any(halves in e.text for e in events if isinstance(e, Note))
    assert any(halves in note for note in events[-1].values["notes"])
    assert halves in (out / "report.html").read_text("utf-8")


def test_more_than_there_is_is_refused_before_anything_is_made(recording, tmp_path):
    with pytest.raises(InputError, match=r"99 sequences: .*\n.*9 repeats: "):
        list(learning_curve([recording], tmp_path / "out", sequences=(99,), repeats=(9,)))
    assert not (tmp_path / "out").exists()


def test_a_target_below_the_floor_is_refused_by_itself(recording, tmp_path):
    with pytest.raises(InputError, match=r"curve: target 0\.5: a ratio .* above 1, such as 1\.5$"):
        list(learning_curve([recording], tmp_path / "out", target=0.5))
    with pytest.raises(InputError, match=r"0 seeds: at least 1\n.*target 1: "):
        list(learning_curve([recording], tmp_path / "out", seeds=0, target=1.0))
    assert not (tmp_path / "out").exists()


def test_a_fit_that_diverges_is_a_point_that_says_why(recording, tmp_path, monkeypatch):
    from training.fit import Fit

    monkeypatch.setattr(Fit, "_step", lambda self: self._finite(float("nan"), 1.0))
    events = list(
        learning_curve([recording], tmp_path / "out", sequences=(4,), repeats=(2,), iterations=2)
    )
    assert any("the loss is nan" in e.text for e in events if isinstance(e, Note))
    assert isinstance(events[-1], Result)
    assert events[-1].values["verdict"] == ["No fit could be scored."]


def test_the_command_line_tells_options_that_do_not_go_together(recording, tmp_path, capsys):
    out = ["--out", str(tmp_path / "x")]
    for arguments, words in (
        (["learning-curve", *out], "name at least one RECORDING"),
        (["learning-curve", str(recording), "--sequences", "4,x", *out], "list of counts"),
        (["record", "--bench", "virtual", "--budget", "50", *out], "--budget needs --for-twin"),
        (
            ["record", "--bench", "virtual", "--for-twin", "--sequences", "steps:2x4", *out],
            "--sequences does not go with --for-twin",
        ),
        (
            ["record", "--bench", "virtual", "--for-twin", "--budget", "3", *out],
            "below the first round",
        ),
    ):
        assert main([*arguments, "--json"]) == 2
        said = capsys.readouterr()
        assert words in said.out + said.err
    assert not (tmp_path / "x").exists()


def test_both_verbs_run_from_the_command_line(recording, tmp_path, capsys):
    code = main(
        ["learning-curve", str(recording), "--sequences", "4", "--repeats", "2", "--iterations",
         "2", "--out", str(tmp_path / "curve"), "--json"]
    )  # fmt: skip
    assert code == 0
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert last["points"]["4 × 2"]["measurements"] == 8
    code = main(
        ["record", "--bench", "virtual", "--accelerate", "1e6", "--for-twin", "--budget", "48",
         "--steps", "4", "--iterations", "1", "--target", "1000000", "--out",
         str(tmp_path / "run"), "--json"]
    )  # fmt: skip
    assert code == 0
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (last["event"], last["status"], last["measurements"]) == ("result", "done", 48)
    assert last["reached"]
    assert read_recording(tmp_path / "run").complete.sum() == last["recorded"]


def test_repeats_marked_between_its_parts_are_noticed(recording, tmp_path):
    shutil.copytree(recording, tmp_path / "marked")
    out = tmp_path / "curve"
    events = learning_curve([tmp_path / "marked"], out, **TINY)
    next(e for e in events if isinstance(e, Progress))
    events.close()
    add_mark(tmp_path / "marked", bad=[0])
    with pytest.raises(InputError, match="were marked since the curve was begun; begin anew"):
        list(learning_curve([], out, resume=True))


def test_it_does_not_go_on_where_other_sequences_are_held_out(recording, tmp_path):
    """As another version of the program may: points scored on others would be no curve."""
    out = tmp_path / "curve"
    events = learning_curve([recording], out, **TINY)
    next(e for e in events if isinstance(e, Progress))
    events.close()
    body = json.loads((out / FILE_NAME).read_text())
    body["held_out"]["test"] = [0]
    del body["checksum"]
    (out / FILE_NAME).write_text(json.dumps(with_checksum(body)))
    with pytest.raises(InputError, match="holds other sequences out"):
        list(learning_curve([], out, resume=True))


def test_too_few_repeats_to_score_are_refused_before_anything_is_fitted(tmp_path):
    write_recording(tmp_path / "few", record_device(20, 3, seed=1))
    with pytest.raises(InputError, match="held-out repeats: 3 a sequence"):
        list(learning_curve([tmp_path / "few"], tmp_path / "out", **TINY))
    assert not (tmp_path / "out").exists()


def test_too_few_sequences_are_one_problem(tmp_path):
    write_recording(tmp_path / "few", record_device(3, 8, seed=1))
    with pytest.raises(InputError, match=r"are left to fit on: at least 4$") as refused:
        list(learning_curve([tmp_path / "few"], tmp_path / "out"))
    assert "for it" not in str(refused.value)  # "has 4 to 2 for it"

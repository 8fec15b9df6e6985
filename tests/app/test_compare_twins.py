from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from fit_device import record_device

from app.cli.main import main
from app.operations.compare_twins import FILE_NAME, compare_twins
from app.operations.event_json import as_json
from app.operations.events import Note, Progress, Result, Stage
from app.operations.learning_events import FitProgress, TwinCompared
from app.operations.mark import mark_one
from app.store import load_twin, write_recording
from models.errors import InputError
from training.comparison import COMPARED

MINUTES = 0.01
OBJECTIVES = ("energy", "published")
FULL_MINUTES = 0.75
EVERY_OBJECTIVE = ("energy", "innovations-energy", "innovations", "one-step", "published")


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compare")
    write_recording(folder / "recording", record_device(24, 8, seed=1, steps=20))
    return folder / "recording"


@pytest.fixture(scope="module")
def compared(recording):
    out = recording.parent / "comparison"
    events = list(
        compare_twins([recording], out, objectives=OBJECTIVES, minutes=MINUTES, seeds=2, seed=3)
    )
    return out, events


def test_every_objective_and_seed_is_fitted_for_the_same_time_on_the_same_parts(compared):
    out, _ = compared
    body = json.loads((out / FILE_NAME).read_text())
    assert [(t["objective"], t["seed"]) for t in body["twins"]] == [
        ("energy", 3), ("published", 3), ("energy", 4), ("published", 4),
    ]  # fmt: skip
    twins = [load_twin(out / f"{t['objective']}-{t['seed']}") for t in body["twins"]]
    assert len({str(t.meta["held_out"]) for t in twins}) == 1
    assert [t.meta["seed"] for t in twins] == [3, 3, 4, 4]
    for row in body["twins"]:
        assert 60 * MINUTES <= row["seconds"] < 60 * MINUTES + 8
        assert row["errors"]["crps"]["floor"] > 0
    assert body["parents"][0]["sha256"]
    assert body["minutes"] == MINUTES


def test_it_tells_what_it_fits_and_how_long_it_still_takes(compared):
    events = compared[1]
    assert "energy, seed 3" in [e.name for e in events if isinstance(e, Stage)]
    progress = [e for e in events if isinstance(e, Progress)]
    assert [(p.done, p.total) for p in progress] == [(n, 4) for n in range(1, 5)]
    assert progress[0].remaining_s == pytest.approx(3 * progress[0].elapsed_s)
    assert any(isinstance(e, FitProgress) for e in events)
    assert sum(isinstance(e, Result) for e in events) == 1


def test_the_result_and_the_page_say_who_is_best_beside_the_published_method(compared):
    out, events = compared
    values = as_json(events[-1])
    json.dumps(values, allow_nan=False)
    assert values["best"] in OBJECTIVES
    assert set(values["objectives"]) == set(OBJECTIVES)
    assert values["objectives"]["energy"]["seeds"] == 2
    assert f"{values['best']} has the smallest CRPS" in values["verdict"][0]
    page = (out / "report.html").read_text(encoding="utf-8")
    assert values["verdict"][0] in page
    assert "published, seed 4" in page
    assert "Scored with halves of 4 of 8 held-out repeats" in page  # its ratios depend on that
    assert "compare-twins" in page
    assert "<svg" in page
    assert (out / "ratios.png").read_bytes().startswith(b"\x89PNG")


def test_one_that_was_stopped_goes_on_where_it_stood(recording, tmp_path, capsys):
    out = tmp_path / "out"
    rate = 1.2345678e-3  # kept to its last digit: it is not tried again
    asked = {"objectives": OBJECTIVES, "minutes": 0.05, "seeds": 1, "published_rates": (rate,)}
    running = compare_twins([recording], out, **asked)
    done = stopped = False
    while not stopped:
        event = next(running)
        done |= isinstance(event, TwinCompared)
        stopped = done and isinstance(event, FitProgress)
    running.close()
    before = (out / "energy-0" / "twin.json").read_bytes()
    begun = json.loads((out / FILE_NAME).read_text())
    assert [one["objective"] for one in begun["twins"]] == ["energy"]
    assert (out / "published-0" / "checkpoint.safetensors").is_file()

    events = list(compare_twins([], out, resume=True))
    assert (out / "energy-0" / "twin.json").read_bytes() == before
    assert [e.name for e in events if isinstance(e, Stage)][1:-1] == ["published, seed 0"]
    body = json.loads((out / FILE_NAME).read_text())
    assert [(t["objective"], t["seed"]) for t in body["twins"]] == [("energy", 0), ("published", 0)]
    assert body["twins"][0] == begun["twins"][0]
    assert set(events[-1].values["objectives"]) == set(OBJECTIVES)
    assert [e.done for e in events if isinstance(e, Progress)] == [2]

    assert main(["compare-twins", "--resume", str(out), "--minutes", "3"]) == 2
    assert "--minutes: as it was begun" in capsys.readouterr().err


def test_one_goes_on_beside_its_recording_where_both_have_moved(recording, tmp_path):
    shutil.copytree(recording, tmp_path / "here" / "recording")
    quick = {"objectives": ("energy", "mean"), "minutes": MINUTES, "seeds": 1}
    begun = compare_twins([tmp_path / "here" / "recording"], tmp_path / "here" / "out", **quick)
    next(e for e in begun if isinstance(e, FitProgress))
    begun.close()
    (tmp_path / "here").rename(tmp_path / "there")
    *_, result = compare_twins([], tmp_path / "there" / "out", resume=True)
    assert list(result.values["objectives"]) == ["energy", "mean"]


def test_one_whose_recording_has_changed_since_does_not_go_on(tmp_path):
    write_recording(tmp_path / "recording", record_device(8, 6, seed=1, steps=10))
    out = tmp_path / "out"
    running = compare_twins([tmp_path / "recording"], out, objectives=OBJECTIVES, minutes=MINUTES)
    while not isinstance(next(running), FitProgress):
        pass
    running.close()
    mark_one(tmp_path / "recording", 3, bad=True)
    with pytest.raises(InputError, match="since the comparison was begun; begin anew"):
        list(compare_twins([], out, resume=True))


def test_a_fit_that_fails_is_a_row_that_says_why(recording, tmp_path, monkeypatch):
    from app.operations import compare_twins as module
    from models.errors import TwinrigError

    fit_from = module.fit_from

    def failing(source, settings, folder, begun):
        if settings.objective == "innovations":
            raise TwinrigError("fit: the loss is nan at iteration 3")
        return (yield from fit_from(source, settings, folder, begun))

    monkeypatch.setattr(module, "fit_from", failing)
    events = list(
        compare_twins(
            [recording], tmp_path / "out", objectives=("energy", "innovations"), minutes=MINUTES,
            seeds=1,
        )
    )  # fmt: skip
    assert "innovations, seed 0: fit: the loss is nan" in " ".join(
        e.text for e in events if isinstance(e, Note)
    )
    body = json.loads((tmp_path / "out" / FILE_NAME).read_text())
    assert body["summary"]["innovations"]["failed"] == 1
    assert body["twins"][1]["problem"] == "fit: the loss is nan at iteration 3"
    assert "the loss is nan" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("objectives", "words"),
    [
        (("energy", "wasserstein"), "'wasserstein' is unknown"),
        (("energy",), "two different objectives"),
        (("energy", "energy"), "two different objectives"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_anything_is_made(
    recording, tmp_path, objectives, words
):
    with pytest.raises(InputError, match=words):
        list(compare_twins([recording], tmp_path / "out", objectives=objectives))
    assert not (tmp_path / "out").exists()


def test_steps_of_several_holds_are_refused_before_others_are_fitted_for_hours(tmp_path):
    """The published method can't be fitted to them, and ended the comparison when its turn came."""
    holds = 1 + np.arange(8 * 10).reshape(8, 10) % 3
    write_recording(tmp_path / "recording", record_device(8, 6, seed=1, steps=10, holds=holds))
    with pytest.raises(InputError, match=r"several holds.*; without it: --objectives energy$"):
        list(compare_twins([tmp_path / "recording"], tmp_path / "out", objectives=OBJECTIVES))
    assert not (tmp_path / "out").exists()


def test_nothing_is_overwritten(recording, compared):
    with pytest.raises(InputError, match="holds"):
        list(compare_twins([recording], compared[0]))


def test_the_command_line_gives_one_json_object_a_line(recording, tmp_path, capsys):
    code = main(
        ["compare-twins", str(recording), "--objectives", "energy,mean", "--minutes", str(MINUTES),
         "--seeds", "1", "--out", str(tmp_path / "out"), "--json"]
    )  # fmt: skip
    assert code == 0
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert last["event"] == "result"
    assert last["objectives"]["mean"]["spread"] > 1  # no noise: its spread error is all there is
    assert main(["compare-twins", str(recording), "--objectives", "energy,no", "--out", "x"]) == 2


def test_the_published_method_is_compared_at_the_rate_that_is_best_on_validation_data(
    recording, tmp_path
):
    events = list(
        compare_twins(
            [recording], tmp_path / "out", objectives=("mean", "published"), minutes=MINUTES,
            seeds=1, published_rates=(1e-3, 1e-2),
        )
    )  # fmt: skip
    body = json.loads((tmp_path / "out" / FILE_NAME).read_text())
    tried = {float(rate): score for rate, score in body["published_rates"].items()}
    assert set(tried) == {1e-3, 1e-2}
    best = min(tried, key=lambda rate: tried[rate])
    assert f"learning rate {best:g}, the best on the validation part" in " ".join(
        events[-1].values["verdict"]
    )
    stages = [e.name for e in events if isinstance(e, Stage)]
    assert "published, learning rate of the noise 0.01" in stages
    assert "--published-rates 0.001,0.01" in body["command"]


def test_rates_without_the_published_method_are_refused(recording, tmp_path):
    with pytest.raises(InputError, match="not among the objectives"):
        list(compare_twins([recording], tmp_path / "out", objectives=("mean", "energy"),
                           published_rates=(1e-3,)))  # fmt: skip


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_the_default_is_better_than_the_published_method_in_every_error(tmp_path):
    """Leaky integrator with coloured noise: 40 sequences × 16 repeats, 10 × 50 unseen to score."""
    write_recording(tmp_path / "many", record_device(40, 16, seed=1, steps=100))
    write_recording(tmp_path / "scoring", record_device(10, 50, seed=2, steps=100))
    paths = [tmp_path / "many", tmp_path / "scoring"]
    asked = {"objectives": EVERY_OBJECTIVE, "minutes": FULL_MINUTES, "seeds": 3}
    for _ in compare_twins(paths, tmp_path / "out", **asked):
        pass
    summary = json.loads((tmp_path / "out" / FILE_NAME).read_text())["summary"]
    for name, row in summary.items():
        figures = [f"{e} {row[e]['value']:.3f} (floor {row[e]['floor']:.3f})" for e in COMPARED]
        print(f"{name}: {', '.join(figures)}, coverage {row['coverage']['value']:.3f}")  # noqa: T201
    for error in COMPARED:
        assert summary["energy"][error]["value"] < summary["published"][error]["value"]

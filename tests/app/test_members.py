"""A twin of several members from its fit to a refined network: commands, pauses, reports."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from fit_device import record_device
from network_samples import TASK, run
from transfer_samples import kept_network

from app.cli.main import main
from app.library.index import Index
from app.library.library import Library
from app.operations.events import Note, Result, Stage
from app.operations.fit import fit
from app.operations.fit_words import members_words
from app.operations.learning_events import FitProgress
from app.operations.refine import Refinement, refine
from app.operations.report import report
from app.operations.train import train
from app.operations.transfer_parts import in_here
from app.store import load_network, load_twin, write_recording
from app.train_twins import TwinSet
from app.weights_store import SO_FAR
from models.errors import InputError
from training.fit import FitSettings
from training.usual import usual_members

if TYPE_CHECKING:
    from pathlib import Path

    from instruments.bench import Bench

SMALL = {"latent": 3, "hidden": 16}


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder: a recording and a twin of two members."""
    folder = tmp_path_factory.mktemp("members")
    write_recording(folder / "rec", record_device(20, 6, seed=1))
    list(fit([folder / "rec"], folder / "twin", iterations=40, members=2, **SMALL))
    return folder


def test_a_fit_says_which_member_it_is_at_and_a_stopped_one_ends_as_it_would_have(
    fitted: Path, tmp_path: Path
) -> None:
    events = fit([fitted / "rec"], tmp_path / "cut", iterations=40, members=2, **SMALL)
    stages = []
    for event in events:
        if isinstance(event, Stage):
            stages.append(event.name)
        if stages and "mean and noise, member 2" in stages[-1]:
            break
    events.close()
    assert stages[1:] == [
        "fit the mean, member 1 of 2", "fit mean and noise, member 1 of 2",
        "fit the mean, member 2 of 2", "fit mean and noise, member 2 of 2",
    ]  # fmt: skip
    unfinished = load_twin(tmp_path / "cut" / SO_FAR)
    assert unfinished.meta["unfinished"]["phase"].startswith("member 2 of 2, mean")
    assert 20 < unfinished.meta["unfinished"]["iteration"] < 40
    resumed = list(fit([], tmp_path / "cut", resume=True))
    assert isinstance(resumed[-1], Result)
    assert resumed[-1].values["members"] == 2
    assert resumed[-1].values["iterations"] == 40
    told = [event for event in resumed if isinstance(event, FitProgress)]
    assert told[-1].iteration == told[-1].total == 40
    whole, again = (load_twin(place).weights for place in (fitted / "twin", tmp_path / "cut"))
    assert whole.keys() == again.keys()
    for name, weights in whole.items():
        np.testing.assert_array_equal(again[name], weights)


def test_a_network_goes_through_every_member_of_every_twin(fitted: Path, tmp_path: Path) -> None:
    list(fit([fitted / "rec"], tmp_path / "one", iterations=10, **SMALL))
    twin, one = str(fitted / "twin"), str(tmp_path / "one")
    assert len(TwinSet.read([twin], 3).models) == 2
    both = TwinSet.read([twin, one], 2)  # one a layer: that of one member comes round again
    assert len(both.models) == 2
    assert both.models[0][0] is not both.models[1][0]
    assert both.models[0][1] is both.models[1][1]
    assert len(both.references) == 2
    assert len(TwinSet.read([twin, one], 2, members=2).models) == 3
    with pytest.raises(InputError, match="have 18 members, at most 16"):
        TwinSet.read([twin] * 9, 1, members=9)
    _, path = run(train(TASK, [fitted / "twin"], [2, 2], tmp_path / "net", iterations=4))
    network = load_network(path)
    assert len(network.twins) == 1
    _, alone = run(train(TASK, [tmp_path / "one"], [2, 2], tmp_path / "alone", iterations=4))
    assert load_network(alone).predicted != network.predicted


def test_a_twin_that_is_fitted_further_keeps_its_members(
    fitted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["fit", str(fitted / "rec"), "--from", str(fitted / "twin"), "--iterations", "6"]
    assert main([*words, "--out", str(tmp_path / "next")]) == 0
    assert load_twin(tmp_path / "next").members == 2
    assert main([*words, "--members", "3", "--out", str(tmp_path / "other")]) == 2
    assert "members 3: the twin to go on from has 2, which stays" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()
    assert main([*words, "--deterministic", "--out", str(tmp_path / "noiseless")]) == 0
    made = load_twin(tmp_path / "noiseless")
    assert (made.members, made.deterministic, made.meta["iterations"]) == (1, True, 6)


def test_the_library_and_its_report_name_its_members(fitted: Path) -> None:
    (known,) = (
        one
        for one in Index(Library(fitted)).read()
        if one.id == load_twin(fitted / "twin").meta["id"]
    )
    assert ("Members", "2") in known.facts.rows
    assert known.facts.form["members"] == 2
    events = list(report(fitted / "twin"))
    page = (fitted / "twin" / "report" / "report.html").read_text()
    assert isinstance(events[-1], Result)
    assert "It has 2 members, fits of the same repeats" in page


def test_members_that_can_not_be_are_refused_before_anything_is_written(
    fitted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["fit", str(fitted / "rec"), "--out", str(tmp_path / "out")]
    assert main([*words, "--members", "2", "--deterministic"]) == 2
    assert "members = 2: a twin without noise has one" in capsys.readouterr().err
    assert main([*words, "--members", "99"]) == 2
    assert "members = 99 must be 16 or fewer" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_new_twin_of_few_sequences_has_four_members_and_says_so(
    fitted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.usual.LEAST_ITERATIONS", 2)

    def made(name: str, **settings: Any) -> tuple[int, list[str]]:
        given = {"iterations": 8, **SMALL, **settings}
        events = list(fit([fitted / "rec"], tmp_path / name, **given))
        notes = [event.text for event in events if isinstance(event, Note)]
        return load_twin(tmp_path / name).members, [n for n in notes if "--members 1" in n]

    members, (words,) = made("usual")
    assert members == 4
    assert words.startswith("a twin of 4 members: 16 fitted sequences leave open")
    for name, settings in {
        "one": {"members": 1},
        "two": {"members": 2},
        "short": {"iterations": 7},
        "hurried": {"minutes": 1.9},
        "noiseless": {"objective": "mean", "deterministic": True},
        "searched": {"search": True},
    }.items():
        assert made(name, **settings) == (2 if name == "two" else 1, [])
    assert made("further", origin=tmp_path / "usual") == (4, [])  # that of its origin
    assert made("further alone", origin=tmp_path / "one") == (1, [])


@pytest.mark.parametrize(
    ("sequences", "members", "settings"),
    [
        (499, 4, {}), (500, 1, {}), (2, 4, {}), (1, 1, {}),  # of one drive nothing else is known
        (20, 4, {"iterations": 4000}), (20, 1, {"iterations": 3999}),
        (20, 4, {"minutes": 2.0}), (20, 1, {"minutes": 1.99}),
        (20, 1, {"objective": "published"}), (20, 4, {"objective": "innovations"}),
    ],
)  # fmt: skip
def test_as_many_members_as_usual(sequences: int, members: int, settings: dict[str, Any]) -> None:
    chosen = FitSettings(**settings)
    assert usual_members(chosen, sequences) == members


@pytest.mark.parametrize(("channels", "told"), [(8, False), (9, True)])
def test_what_members_cost_a_spectrum_is_told(channels: int, told: bool) -> None:
    source = SimpleNamespace(
        parts=SimpleNamespace(training=np.arange(30)),
        recording=SimpleNamespace(channels=("S21",) * channels),
    )
    (words,) = members_words(source, FitSettings(members=4))  # type: ignore[arg-type]
    assert ("the autocovariance is too large" in words) is told
    assert members_words(source, FitSettings()) == []  # type: ignore[arg-type]


def test_refinement_fits_all_members_further_on_what_the_network_sends(
    bench: Bench, tmp_path: Path
) -> None:
    kept_network(bench, tmp_path)
    list(fit([tmp_path / "recording"], tmp_path / "pair", iterations=20, members=2))
    run(train(TASK, [tmp_path / "pair"], [2], tmp_path / "net", iterations=2))
    tiny = Refinement(1, 6, 4, 2, 4, fit_iterations=12, train_iterations=6)
    events, path = run(refine(tmp_path / "net", bench, tmp_path / "out", tiny, apart=in_here))
    refitted = load_twin(tmp_path / "out" / "round-1" / "twin")
    assert refitted.members == 2
    assert refitted.meta["iterations"] == 2 * 12
    assert [twin.id for twin in load_network(path).twins] == [refitted.meta["id"]]
    assert any("round 1: the twin's mean error" in e.text for e in events if isinstance(e, Note))


def test_a_new_twin_says_by_what_it_is_fitted_unless_it_is_said(
    fitted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.usual.VERY_FEW_SEQUENCES", 4)

    def made(name: str, **settings: Any) -> tuple[str, list[str]]:
        given = {"iterations": 8, "members": 1, **SMALL, **settings}
        events = list(fit([fitted / "rec"], tmp_path / name, **given))
        notes = [event.text for event in events if isinstance(event, Note)]
        objective = str(load_twin(tmp_path / name).meta["objective"])
        return objective, [n for n in notes if n.startswith("fitted by")]

    objective, (words,) = made("usual")
    assert objective == "innovations-energy"
    assert words.startswith("fitted by innovations-energy: of 16 sequences a likelihood")
    assert made("said", objective="energy") == ("energy", [])
    assert made("searched", search=True) == ("energy", [])
    assert made("noiseless", objective="mean", deterministic=True) == ("mean", [])
    assert made("further", origin=tmp_path / "usual") == ("innovations-energy", [])
    monkeypatch.setattr("training.usual.load", lambda: (None, "PyTorch (no C compiler found)"))
    objective, (words,) = made("slow")
    assert objective == "energy"
    assert "without the C kernel it takes nine times as long" in words

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import artefact_samples as samples
import numpy as np
import pytest
from network_samples import run, saved_network

from app.operations.deploy import deploy
from app.operations.report import report
from app.report.network import Measured, against_baselines, headline, read_deployment
from app.report.network_words import undeployed

if TYPE_CHECKING:
    from instruments.bench import Bench

SIGNALS = "signals:train=60,validation=20,test=24"


def accurate(label: str, predicted: float, value: float) -> Measured:
    body = {
        "metric": "accuracy", "measured": value, "predicted": {"value": predicted},
        "baselines": {"logistic": 0.97, "majority": 0.5},
    }  # fmt: skip
    return Measured(Path(label), label, body, np.zeros((3, 2)), np.zeros((3, 2)))


def test_a_baseline_that_another_run_could_overtake_is_told_of_an_accuracy_too() -> None:
    run = accurate("noise-aware", 0.95, 0.96)
    run.body["predicted"].update(low=0.93, high=0.97)
    assert against_baselines(run) == (
        "beats Majority; loses to Logistic; within the scatter of single runs: Logistic"
    )


def test_of_accuracies_the_larger_one_wins_and_a_point_is_allowed() -> None:
    assert against_baselines(accurate("noise-aware", 0.95, 0.945)) == (
        "beats Majority; loses to Logistic"
    )
    runs = [accurate("noise-aware", 0.95, 0.945), accurate("untrained", 0.9, 0.85)]
    first, second = headline(runs)
    assert "keeps its score" in first
    assert "−0.5 points" in first
    assert "training made it better by 9.5 points" in second
    (lost,) = headline([accurate("noise-aware", 0.95, 0.93)])
    assert "loses on the way" in lost


def test_a_score_beyond_the_interval_foreseen_is_not_kept() -> None:
    """It was said to be kept at × 1.26, where the deployment said: outside the interval."""
    run = accurate("noise-aware", 0.95, 0.945)
    run.body["predicted"] |= {"low": 0.947, "high": 0.96}
    (said,) = headline([run])
    assert "loses on the way" in said
    assert "(−0.5 points, worse than the 90 % interval foreseen, 0.947 to 0.96)" in said
    run.body["predicted"]["low"] = 0.94504
    (said,) = headline([run])
    assert "0.945 on the device" in said
    assert "foreseen, 0.94504 to 0.96)" in said  # and no `0.945 to 0.96`
    error = Measured(Path("n"), "noise-aware", {**run.body, "metric": "nmse"}, *2 * [np.zeros(3)])
    for value, low, high, kept in (
        (1.2, 0.9, 1.1, False), (1.2, 0.9, 1.25, True), (0.8, 0.9, 1.1, True), (1.4, 0.9, 2, False),
        (1.2, 1.0, 1.0, True), (1.2, None, None, True),
    ):  # fmt: skip
        error.body["measured"] = value
        error.body["predicted"] = {"value": 1.0, "low": low, "high": high}
        assert error.keeps == kept


def test_a_network_that_its_untrained_self_is_foreseen_to_match_is_told_so() -> None:
    """It was left out of what a network loses to, and said nowhere but in a table."""
    run = accurate("noise-aware", 0.95, 0.945)
    for untrained, told in ((0.96, True), (0.95, True), (0.947, False)):
        run.body["baselines"]["untrained network"] = untrained
        words = f"The same nodes untrained are foreseen at {untrained:g}: training brought nothing."
        assert headline([run])[1:] == [words] * told


def test_networks_of_one_score_are_told_it_once() -> None:
    """Those of a `refine` stood as `0.0028 to 0.0028`."""
    one = replace(samples.network(), predicted={"value": 0.13, "low": 0.1, "high": 0.2})
    one = replace(one, baselines={"ar-4": 0.019, "untrained network": 0.12})
    assert undeployed([one, one]) == [
        "Nothing was deployed: foreseen by the twin, NMSE 0.13; plain software gets 0.019 (AR-4)."
    ]
    two = replace(one, predicted={"value": 0.1, "low": 0.1, "high": 0.2})
    assert "NMSE 0.1 to 0.13;" in undeployed([one, two])[0]
    said = "The same nodes untrained are foreseen at 0.12: training brought nothing."
    assert undeployed([one])[1:] == [said]
    assert undeployed([two])[1:] == []


def test_a_score_of_averaged_runs_is_said_to_be_one() -> None:
    single, averaged = accurate("untrained", 0.9, 0.9), accurate("untrained", 0.9, 0.9)
    averaged.body["repeats"] = 3
    (first,), (second,) = headline([single]), headline([averaged])
    assert "averaged" not in first
    assert "0.9 on the device, 3 repeats averaged (" in second


def test_networks_that_nothing_ran_are_reported_with_what_software_gets(
    bench: Bench, tmp_path: Path
) -> None:
    """The page had begun with: nothing has been fitted yet."""
    saved_network(bench, tmp_path, (2,), SIGNALS)
    (verdict,) = list(report(tmp_path / "network"))[-1].values["verdict"]
    assert verdict.startswith("Nothing was deployed: foreseen by the twin, accuracy ")
    assert "; plain software gets " in verdict


def test_deployments_of_two_tasks_are_not_ranked_against_each_other(
    bench: Bench, tmp_path: Path
) -> None:
    """An accuracy stood in one table, figure and sentence with an NMSE."""
    for name, task in (("a", SIGNALS), ("b", "mackey-glass:train=700,validation=200,test=60")):
        saved_network(bench, tmp_path / name, (2,), task)
        run(deploy(tmp_path / name / "network", bench, tmp_path / name / "deployment"))
    values = list(report(tmp_path))[-1].values
    page = Path(values["report"]).read_text("utf-8")
    for name in ("signals", "mackey-glass"):
        for heading in ("Networks", "On the device"):
            assert f"<h2>{heading}: {name}</h2>" in page
    assert [words.split(":")[0] for words in values["verdict"][:2]] == ["signals", "mackey-glass"]
    assert page.count(" NMSE</th>") == page.count(" accuracy</th>") == 2
    for figure in ("transfer-1.png", "transfer-2.png"):
        assert (Path(values["report"]).parent / figure).is_file()


TRANSFORM = "transform:train=400,validation=120,test=60"


@pytest.mark.parametrize(
    "task", [SIGNALS, TRANSFORM, "mackey-glass:train=700,validation=200,test=60"]
)
def test_a_deployment_is_reported_with_its_diagnosis_as_it_is_shown(
    bench: Bench, tmp_path: Path, task: str
) -> None:
    saved_network(bench, tmp_path, (2,), task)
    events, path = run(deploy(tmp_path / "network", bench, tmp_path / "deployment"))
    values = events[-1].values
    page = Path(list(report(tmp_path))[-1].values["report"]).read_text("utf-8")
    lost = page[page.index("Where deployment lost its score") :].partition("</p>")[0]
    assert all(sentence[:1].isupper() for sentence in lost.split(". "))
    assert "layer 1, node 1" in page
    made = read_deployment(path.parent)
    assert page.count("to compare with, best first") == 1
    alone = Path(list(report(path.parent, tmp_path / "alone"))[-1].values["report"])
    told = alone.read_text("utf-8")  # of how many answers, and the baselines' own figures
    assert f"Scored on {len(made.target)} unseen answers." in told
    assert made.body["description"].split(":")[0] in told
    best = max(made.body["baselines"].values()) if task == SIGNALS else None
    assert told.count("to compare with, best first") == 1
    assert best is None or f"<td>{best:.4g}</td>" in told
    assert made.cost.shape == (2,)
    assert ("outputs, which the score is of together, this is the first" in page) == (
        task == TRANSFORM
    )
    if task == SIGNALS:
        assert values["metric"] == "error-rate"
        assert made.body["metric"] == "accuracy"
        assert made.measured == pytest.approx(1 - values["measured"])
        assert f"{made.measured:.4g}" in page
        assert "true class" in page
        assert "<th>device − twin</th>" in page  # +1.0 points stood under "lost on the way"

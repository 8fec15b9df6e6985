"""The comparison table of networks: every kind, foreseen and on the bench, and what it says."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from network_samples import TASK, run
from pool_samples import saved_twins

from app.cli.main import main
from app.operations.compare_networks import FILE_NAME, compare_networks, read_table
from app.operations.compare_networks_plan import (
    DETERMINISTIC,
    DETERMINISTIC_TWIN,
    KINDS,
    NOISE_AWARE,
    NOISY_READOUT,
    UNTRAINED,
    Cell,
    Plan,
)
from app.operations.compare_networks_source import Source
from app.operations.compare_networks_table import Row, Score, Table, table_of
from app.operations.compare_networks_words import _against, inside_words, sentences, standing
from app.operations.events import Note, Result
from app.operations.learning_events import TrialEnded, TrialStarted
from app.operations.report import report
from app.operations.trial import TrialResult
from app.recording_marks import add_mark, bad_positions
from app.report.networks_table import pooled_words
from app.report.networks_text import cells, csv_text, markdown
from app.store import load_network
from instruments.bench import Bench
from instruments.bench_file import read_bench
from models.errors import InputError, RefusedError

BASELINES = {
    "ar-1": 0.4, "ar-18": 0.005, "esn-4": 0.001, "esn-4 with 5 % state noise": 0.02,
    "esn-4 with 7 % state noise, as the device": 0.03,
}  # fmt: skip


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return saved_twins(tmp_path_factory.mktemp("twins"))


def a_plan(twins: tuple[Path, Path], **changes: Any) -> Plan:
    asked = {"seeds": 1, "iterations": 4, "bench": ("virtual",)}
    return Plan(TASK, (str(twins[0]),), (str(twins[1]),), (2, 2), **{**asked, **changes})


def of(plan: Plan, measured: dict[str, float], foreseen: float = 0.01) -> dict[str, TrialResult]:
    """Results of every cell of a plan, as if it had run: foreseen ± 20 %."""
    results = {}
    for cell in plan.cells:
        predicted = {"value": foreseen, "low": 0.8 * foreseen, "high": 1.2 * foreseen}
        values = {"predicted": predicted, "metric": "nmse", "baselines": BASELINES}
        results[cell.name] = TrialResult(cell.name, "done", values)
        run = {"measured": measured[cell.kind] * (1 + 0.01 * cell.seed), "hardware_runs": 4}
        results[cell.deployed] = TrialResult(cell.deployed, "done", run)
    return results


@pytest.fixture(scope="module")
def made(twins: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory):
    """A table of one seed of every kind, on the built-in bench."""
    out = tmp_path_factory.mktemp("made") / "table"
    events, path = run(compare_networks(a_plan(twins), out, workers=2))
    return out, events, path


@pytest.mark.timeout(300)
def test_every_kind_is_trained_as_its_name_says_and_deployed_under_noise_of_its_own(made) -> None:
    out, events, path = made
    assert path == out / FILE_NAME
    table = read_table(out)
    assert [row.kind for row in table.rows[:4]] == list(KINDS)
    nets = {kind: load_network(out / "trials" / f"{kind}-seed0") for kind in KINDS}
    assert nets[NOISE_AWARE].meta["deterministic"] is False
    assert nets[DETERMINISTIC].meta["deterministic"] is True
    assert [Path(one).name for one in nets[DETERMINISTIC].meta["judge"]] == ["noisy"]
    assert nets[NOISY_READOUT].meta["readout_from_judge"] is True
    assert nets[UNTRAINED].meta["iterations"] == 0
    seeds = set()
    for row in table.rows[:4]:
        body = json.loads((out / "results" / f"{row.kind}-seed0-deployed.json").read_text())
        seeds.add(body["arguments"]["noise_seed"])
        assert row.measured == [body["values"]["measured"]]
        assert row.predicted == [nets[row.kind].predicted["value"]]
        assert row.runs == 4
    assert len(seeds) == 4
    assert [bool(row.judged) for row in table.rows[:4]] == [False, True, True, False]
    labels = [row.label for row in table.rows[4:]]
    assert "as the device" in labels[0]
    assert "linear model" in labels[1]
    assert "no device" in labels[2]
    assert table.recorded is None  # the sample twin names no recording
    result = events[-1].values
    assert result["verdict"][0].startswith(f"{TASK}, NMSE: the noise-aware networks")
    assert (out / "networks-1.png").read_bytes().startswith(b"\x89PNG")
    assert result["verdict"][1] in (out / "report.html").read_text(encoding="utf-8")


@pytest.mark.timeout(300)
def test_what_is_there_is_not_run_again_and_the_report_shows_it(made, tmp_path: Path) -> None:
    out, _, _ = made
    (out / "results" / "untrained-seed0-deployed.json").unlink()
    events, _ = run(compare_networks(None, out, resume=True, workers=1))
    begun = [e.name for e in events if isinstance(e, TrialStarted)]
    assert begun == ["untrained-seed0-deployed"]
    *_, last = report(out, tmp_path / "page")
    assert isinstance(last, Result)
    page = (tmp_path / "page" / "report.html").read_text(encoding="utf-8")
    assert sentences(read_table(out))[0] in page
    assert "compare-networks" in page
    assert (tmp_path / "page" / "networks-1.png").is_file()


@pytest.mark.timeout(120)
def test_on_one_rig_the_deployments_run_one_after_another(
    twins: tuple[Path, Path], tmp_path: Path
) -> None:
    plan = a_plan(twins, kinds=(NOISE_AWARE,), in_pool=False, iterations=2)
    connected: list[Bench] = []
    with Bench.connect(read_bench("virtual")) as bench:

        def connect() -> Bench:
            connected.append(bench)
            return bench

        events, _ = run(compare_networks(plan, tmp_path / "out", workers=1, connect=connect))
        again, _ = run(compare_networks(None, tmp_path / "out", resume=True, connect=connect))
    assert len(connected) == 1
    assert events[-1].values["verdict"] == again[-1].values["verdict"]
    assert read_table(tmp_path / "out").rows[0].measured
    with pytest.raises(InputError, match="nobody connects it"):
        run(compare_networks(replace(plan, iterations=0), tmp_path / "other", workers=1))
    with pytest.raises(InputError, match="--workers 1 is of this machine"):
        run(compare_networks(plan, tmp_path / "free", workers=1, scheduler="tcp://127.0.0.1:9"))
    assert not (tmp_path / "free").exists()


@pytest.mark.timeout(120)
def test_a_deployment_with_runs_marked_bad_is_begun_anew(
    twins: tuple[Path, Path], tmp_path: Path
) -> None:
    """It was refused at each --resume, and with it the table, for the sake of --out."""
    plan = a_plan(twins, kinds=(NOISE_AWARE,), in_pool=False, iterations=2)
    out = tmp_path / "out"
    with Bench.connect(read_bench("virtual")) as bench:
        events, _ = run(compare_networks(plan, out, workers=1, connect=lambda: bench))
        (nodes,) = out.glob("trials/*/nodes")
        (out / "results" / f"{nodes.parent.name}.json").unlink()
        add_mark(nodes, bad=[0], why="by hand")
        again, _ = run(compare_networks(None, out, resume=True, connect=lambda: bench))
    assert bad_positions(nodes.parent.with_name(f"{nodes.parent.name}-aside-1") / "nodes") == {0}
    assert bad_positions(nodes) == frozenset()
    assert any("set aside in" in e.text for e in again if isinstance(e, Note))
    assert events[-1].values["status"] == again[-1].values["status"] == "done"


def test_the_table_says_where_noise_aware_wins_and_where_it_does_not(
    twins: tuple[Path, Path],
) -> None:
    plan = a_plan(twins, seeds=5)
    measured = {NOISE_AWARE: 0.011, DETERMINISTIC: 0.033, NOISY_READOUT: 0.011, UNTRAINED: 0.0055}
    table = table_of(plan, of(plan, measured), 640)
    words = sentences(table)
    assert "measured at 0.01122" in words[0]
    assert "(× 1.12)" in words[0]
    assert words[1] == (
        "Noise-aware is better than deterministic twin, at its best ridge: 0.01122 against 0.03366 "
        "on the device (× 3.00)."
    )
    assert words[2].startswith("Noise-aware is NOT better than deterministic twin, read-out from")
    assert words[3].startswith("Noise-aware is NOT better than untrained reservoir")
    assert words[4].endswith("0.01122 against 0.03 (× 2.67).")
    assert "NOT better than linear model (ar-18)" in words[5]
    assert words[-2].startswith("Of noise-aware networks 5 of 5 measured scores are inside")
    assert words[-1].startswith("Of all networks, by the stochastic twin, 10 of 20")
    assert "NOT consistent with 0.9" in words[-1]
    assert standing(table) == (
        "Noise-aware is better than deterministic twin, at its best ridge · "
        "echo-state network of equal size (esn-4 with 7 % state noise, as the device) · "
        "no device, the read-out alone (ar-1); "
        "NOT better than deterministic twin, read-out from the stochastic twin · "
        "untrained reservoir of the same device · linear model (ar-18)."
    )
    assert standing(table_of(plan, {}, None)) == ""
    first = cells(table)[0]
    assert first[1] == "0.01 ± 0"
    assert first[4:8] == ["× 1.12", "5 of 5", "4", "640"]
    assert "NOT better" in markdown(table)
    assert "noise-aware,0.01" in csv_text(table)
    assert "10 of 10" in pooled_words([table, table])


def by_seed(*values: float, first: int = 0) -> dict[tuple[int | None, int], float]:
    """Scores of the seeds from `first` on."""
    return {(None, seed): value for seed, value in enumerate(values, first)}


def test_a_difference_that_chance_could_make_is_said_to_be_one() -> None:
    """EMG: 13.9 ± 2.9 % against 16.2 ± 2.8 % wrong stood as better, and nothing more."""
    ours = [0.11, 0.17, 0.12, 0.16, 0.135]
    row = Row("other", "x", (), by_seed(0.16, 0.15, 0.17, 0.14, 0.16))
    first = Row("noise-aware", NOISE_AWARE, (), by_seed(*ours))
    assert _against(first, row, deployed=False).endswith("(× 1.12, perhaps by chance).")
    worse = Row("other", "x", (), by_seed(0.12, 0.13, 0.14, 0.11, 0.13))
    assert _against(first, worse, deployed=False).endswith("0.126, perhaps by chance.")
    paired = Row("other", "x", (), by_seed(*(one + 0.02 for one in ours)))
    assert _against(first, paired, deployed=False).endswith("(× 1.14).")
    # one that failed makes nothing sure
    fewer, far = (
        Row("o", "x", (), by_seed(0.16, 0.15, 0.17, 0.14)),
        Row("o", "x", (), by_seed(0.4, 0.41, 0.42)),
    )
    assert _against(first, fewer, deployed=False).endswith("0.155 (× 1.12, perhaps by chance).")
    assert "chance" not in _against(first, far, deployed=False)
    single, apart = (Row("other", "x", (), by_seed(value)) for value in (0.16, 0.2))
    assert "chance" in _against(first, single, deployed=False)  # ours scatter around it
    assert "chance" not in _against(first, apart, deployed=False)
    alone = Row("noise-aware", NOISE_AWARE, (), by_seed(0.1))
    assert "chance" in _against(alone, apart, deployed=False)
    eightfold = Row("noise-aware", NOISE_AWARE, (), by_seed(1.6))  # which nobody would call chance
    assert "perhaps by chance" not in _against(eightfold, apart, deployed=False)
    twice = Row("noise-aware", NOISE_AWARE, (), by_seed(0.10, 0.12))  # of two seeds nothing is sure
    assert "chance" in _against(twice, Row("o", "x", (), by_seed(0.14, 0.17)), deployed=False)
    plan = Plan("emg", ("twin",), (), by_seed(60))
    table = Table(plan, "balanced-error", (first, row, paired), None)
    assert standing(table) == (
        "Noise-aware is better than other; better, perhaps by chance, than other."
    )


def test_networks_are_paired_by_their_seed_not_by_their_order() -> None:
    """Seed 3 failed here, seed 0 there: in order each was 0.02 apart, and chance ruled out."""
    ours = Row("noise-aware", NOISE_AWARE, (), by_seed(0.10, 0.15, 0.20))
    theirs = Row("other", "x", (), by_seed(0.12, 0.17, 0.22, first=1))
    assert _against(ours, theirs, deployed=False).endswith("(× 1.13, perhaps by chance).")
    turned = Row("other", "x", (), dict(reversed(by_seed(0.12, 0.17, 0.22).items())))
    assert _against(ours, turned, deployed=False).endswith("(× 1.13).")


def test_folds_and_seeds_are_pooled_and_errors_are_told_in_points(
    twins: tuple[Path, Path],
) -> None:
    plan = a_plan(twins, folds=5, seeds=2, kinds=(NOISE_AWARE,))
    assert len(plan.cells) == 10
    assert plan.task_of(plan.cells[3]) == f"{TASK},fold=3"
    assert replace(plan, task="digits").task_of(plan.cells[3]) == "digits:fold=3"
    assert len({plan.deployment(c, Path("/x")).arguments["noise_seed"] for c in plan.cells}) == 10
    results = of(plan, {NOISE_AWARE: 0.06}, foreseen=0.05)
    for result in results.values():
        if "metric" in result.values:
            result.values["metric"] = "error-rate"
    table = table_of(plan, results, 640)
    assert len(table.rows[0].measured) == 10
    assert "(+1.0 points)" in sentences(table)[0]


def test_a_failure_is_a_line_and_not_the_end(twins: tuple[Path, Path]) -> None:
    plan = a_plan(twins)
    results = of(plan, dict.fromkeys(KINDS, 0.01))
    results["untrained-seed0"] = TrialResult("untrained-seed0", "lost", {}, "its workers died")
    del results["deterministic-seed0"], results["deterministic-seed0-deployed"]
    table = table_of(plan, results, None)
    assert cells(table)[3][1] == "—"
    assert "untrained-seed0: its workers died" in markdown(table)
    assert sentences(table_of(plan, {}, None)) == ["No noise-aware network is there yet."]


def row_of(measured: tuple[float, ...]) -> Row:
    """Networks that were all foreseen at 0.9 to 1.1."""
    foreseen = {"value": 1.0, "low": 0.9, "high": 1.1}
    cells = [Cell(NOISE_AWARE, None, seed) for seed in range(len(measured))]
    scores = (
        Score(cell, foreseen, None, value, 1) for cell, value in zip(cells, measured, strict=True)
    )
    return Row("noise-aware", NOISE_AWARE, tuple(scores))


@pytest.mark.parametrize(
    ("measured", "words"),
    [
        ((1.0,) * 5, "90 % interval: consistent with 0.9 (two-sided binomial p = 1)"),
        (
            (1.0, 0.9, 1.1, 0.8, 1.2),
            "(1 better than it, 1 worse): consistent with 0.9 (two-sided binomial p = 0.081)",
        ),
        ((1.0, 0.8, 0.8, 0.7, 0.8), "(4 better than it, 0 worse): NOT consistent with 0.9"),
        ((), "none was measured"),
    ],
)
def test_coverage_is_judged_by_the_binomial_and_says_on_which_side(measured, words) -> None:
    said = inside_words([row_of(measured)])
    assert words in said
    assert ("NOT" in said) == ("NOT" in words)
    assert ("those of one twin share its errors" in said) == (len(measured) > 1)


def test_without_a_deterministic_twin_one_is_fitted_first(twins: tuple[Path, Path]) -> None:
    plan = replace(a_plan(twins), deterministic=())
    fit = {"recordings": ["/recording"], "deterministic": True, "iterations": 50, "seed": 3}
    trials = plan.trials(Path("/t"), {str(twins[0]): fit})
    assert trials[0].name == DETERMINISTIC_TWIN
    assert trials[0].arguments == fit
    by_name = {trial.name: trial for trial in trials}
    training = by_name["deterministic-seed0"]
    assert training.after == (DETERMINISTIC_TWIN, "untrained-seed0")
    assert training.arguments["twins"] == [str(trials[0].out)]
    assert by_name["untrained-seed0"].after == ()


def test_what_has_what_others_would_compute_again_is_trained_before_them(
    twins: tuple[Path, Path],
) -> None:
    plan = replace(a_plan(twins), kinds=tuple(reversed(KINDS)))
    trials = {t.name: t for t in plan.trials(Path("/t"), {}) if t.verb == "train"}
    names = list(trials)
    for trial in trials.values():
        beside = [str(trials[name].out) for name in trial.after]
        assert trial.arguments.get("beside", []) == beside
        assert all(names.index(name) < names.index(trial.name) for name in trial.after)
    assert trials["noise-aware-seed0"].after == ("untrained-seed0",)
    noisy = trials["deterministic-noisy-readout-seed0"]
    assert noisy.after == ("untrained-seed0", "deterministic-seed0")
    alone = replace(plan, kinds=("noise-aware", "deterministic-noisy-readout"))
    assert all(t.after == () for t in alone.trials(Path("/t"), {}) if t.verb == "train")


@pytest.mark.timeout(120)
def test_a_table_does_not_go_on_with_a_twin_that_changed_while_it_was_made(tmp_path: Path) -> None:
    """Each result wrote the digests of the moment: two twins would have stood in one table."""
    noisy, plain = saved_twins(tmp_path)
    plan = a_plan((noisy, plain), bench=(), kinds=(NOISE_AWARE,), seeds=2)
    events = compare_networks(plan, tmp_path / "out", workers=1)
    while not isinstance(next(events), TrialEnded):
        pass
    (noisy / "twin.json").write_bytes((plain / "twin.json").read_bytes())
    next(events)
    events.close()
    with pytest.raises(InputError, match="noisy has changed since the table was begun"):
        next(compare_networks(None, tmp_path / "out", resume=True))


def test_a_plan_that_makes_no_sense_is_refused(twins: tuple[Path, Path], tmp_path: Path) -> None:
    noisy, plain = (str(twin) for twin in twins)
    with pytest.raises(InputError, match="noise-aware always") as refused:
        Plan("digits:fold=2", (noisy, noisy), (plain,), (2,), folds=5, seeds=0,
             kinds=("untrained", "magic"), options={"iteration": 3})  # fmt: skip
    for words in ("0 seeds", "names a fold already", "'iteration' is none", "2 twins for 1 layers",
                  "deterministic twins: 1, stochastic ones: 2"):  # fmt: skip
        assert words in str(refused.value)
    with pytest.raises(InputError, match="is deterministic; --twin") as refused:
        run(compare_networks(Plan(TASK, (plain,), (noisy,), (2,)), tmp_path / "out"))
    assert "has noise; --deterministic" in str(refused.value)
    with pytest.raises(InputError, match="its recordings are not there"):
        run(compare_networks(Plan(TASK, (noisy,), (), (2,)), tmp_path / "out"))
    Source(Plan(TASK, (noisy,), (), (2,), kinds=("noise-aware", "untrained")))  # fits no twin
    assert not (tmp_path / "out").exists()
    assert main(["compare-networks", "--task", TASK, "--out", str(tmp_path / "o")]) == 2


def test_a_bench_calibrated_anew_is_refused_before_anything_is_trained(
    twins: tuple[Path, Path], tmp_path: Path
) -> None:
    text = read_bench("virtual").text.replace(
        "tesla_per_ampere = 4.0e-4", "tesla_per_ampere = 4e-3"
    )
    (tmp_path / "b.toml").write_text(text)
    with pytest.raises(
        RefusedError, match=r"was 0\.0004, now 0\.004: the same field is 0\.1 times"
    ):
        run(compare_networks(a_plan(twins, bench=(str(tmp_path / "b.toml"),)), tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_a_table_goes_on_with_what_it_was_begun_with(
    made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    again = ["compare-networks", "--resume", str(made[0])]
    assert main([*again, "--bench", str(tmp_path / "other.toml")]) == 2
    assert "was begun on bench virtual" in capsys.readouterr().err
    assert main([*again, "--layers", "3,3"]) == 2
    assert "takes no --layers" in capsys.readouterr().err
    assert main([*again, "--bench", "virtual", "--json"]) == 0
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (last["event"], last["failed"]) == ("result", [])

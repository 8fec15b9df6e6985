from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from network_samples import saved_network

from app.cli.arguments import build_parser
from app.cli.main import main
from app.store import load_network
from instruments.bench import Bench
from instruments.bench_file import read_bench

SIGNALS = "signals:train=60,validation=20,test=24"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a network of two nodes that tells sines from squares."""
    folder = tmp_path_factory.mktemp("kept")
    with Bench.connect(read_bench("virtual")) as connected:
        saved_network(connected, folder, (2,), SIGNALS)
    return folder


def told(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_deployment_of_a_classification_tells_accuracies_and_its_file_errors(
    kept: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    arguments = ["deploy", str(kept / "network"), "--bench", "virtual", "--out", str(out)]
    assert main([*arguments, "--repeats", "2", "--seed", "7", "--json"]) == 0
    result = told(capsys)[-1]
    body = json.loads((out / "deployment.json").read_text())
    assert (result["metric"], result["metric_words"]) == ("accuracy", "accuracy")
    assert body["metric"] == "error-rate"
    assert result["measured"] == pytest.approx(1 - body["measured"])
    low, high = (result["predicted"][name] for name in ("low", "high"))  # type: ignore[index]
    assert low <= high
    assert low == pytest.approx(1 - body["predicted"]["high"])
    assert result["hardware_runs"] == 4
    assert main(["report", str(tmp_path), "--out", str(tmp_path / "page")]) == 0
    page = (tmp_path / "page" / "report.html").read_text("utf-8")
    assert "--repeats 2 --out out-again" in page
    assert "--bench virtual --seed 7 --repeats 2" in page  # the virtual rig's noise


def test_a_polished_network_is_made_by_the_command_with_torch_in_a_child(
    kept: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    arguments = ["polish", str(kept / "network"), "--bench", "virtual", "--out", str(out)]
    assert main([*arguments, "--json"]) == 2
    assert "--runs is missing" in str(told(capsys)[-1]["message"])
    assert main([*arguments, "--runs", "6", "--json"]) == 0
    result = told(capsys)[-1]
    assert result["metric"] == "accuracy"
    assert result["hardware_runs"] == 6
    kept_error = load_network(out).meta["validation"]
    assert result["validation"] == pytest.approx(1 - kept_error)
    assert main(["report", str(tmp_path), "--out", str(tmp_path / "page"), "--json"]) == 0
    page = (tmp_path / "page" / "report.html").read_text("utf-8")
    again = f"twinrig polish {kept / 'network' / 'network.json'} --bench virtual --runs 6"
    assert f"{again} --seed 0 --out out-again" in page
    assert "twinrig train" not in page


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train", "--iterations", "0", "--cascade", "--seeds", "3"], "3 problems"),
        (["train", "--task", "digits"], "train --resume: --task: as it was begun"),
        (["train", "--from", "other"], "--from: as it was begun"),
        (["polish", "--bench", "virtual", "--runs", "60"], "--runs: as it was begun"),
        (["recalibrate", "--bench", "virtual", "--steps", "90"], "--steps: as it was begun"),
        (["polish", "--bench", "virtual", "--seed", "3"], "--seed: as it was begun"),
        (["refine", "--bench", "virtual", "--seed", "3"], "--seed: as it was begun"),
        (["train", "--seed", "3"], "train --resume: --seed: as it was begun"),
        (["sweep", "--seed", "3"], "takes no grid"),
        (["fit", "--seed", "3"], "fit --resume: takes no other option"),
        (["learning-curve", "--seed", "3"], "--resume: takes no other option"),
        (["compare-twins", "--seed", "3"], "compare-twins --resume: --seed: as it was begun"),
        (["compare-networks", "--seed", "3"], "takes no --seed"),
        (["refine", "--bench", "virtual", "--fit-iterations", "9"], "--fit-iterations: as it was"),
    ],
)
def test_what_is_asked_of_a_run_to_go_on_with_is_not_passed_over(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--resume", str(tmp_path)]) == 2
    assert words in capsys.readouterr().err


def test_what_a_window_would_import_brings_no_torch() -> None:
    names = ("recalibrate", "refine", "polish")
    words = "".join(f"import app.operations.{name}; " for name in names)
    code = f"import sys; {words}sys.exit('torch' in sys.modules)"
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


def test_every_way_to_close_a_gap_says_what_it_takes() -> None:
    parser = build_parser()
    common = ["network", "--bench", "virtual", "--out", "out"]
    assert parser.parse_args(["recalibrate", *common, "--steps", "300"]).steps == 300
    asked = parser.parse_args(["refine", *common, "--rounds", "3", "--scoring-repeats", "8"])
    assert (asked.rounds, asked.scoring_repeats) == (3, 8)
    assert parser.parse_args(["polish", *common, "--runs", "40", "--rate", "0.002"]).rate == 0.002

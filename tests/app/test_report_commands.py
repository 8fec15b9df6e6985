"""The commands of a report make what it shows: as measured, simulated, imported or fitted."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import replace
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from artefact_samples import full, twin

from app.calibration_store import Stored, save_calibration
from app.cli.main import main
from app.report.commands import bench_words, commands_of, notes_of
from app.report.run import find_artefacts
from app.so_far import unfinished_meta
from app.store import load_twin, read_recording, save_twin, sha256_of, write_recording
from instruments.calibration import Calibration


def told(folder: Path) -> list[str]:
    return commands_of(find_artefacts(folder))


def command(folder: Path) -> list[str]:
    """The only command of a report, as a shell would split it."""
    (line,) = told(folder)
    first, *words = shlex.split(line)
    assert first == "twinrig"
    return words


def again(folder: Path, out: Path) -> Path:
    """Run the command of a folder's report into a new one."""
    words = command(folder)
    assert main([*words[:-1], str(out), "--json"]) == 0
    return out


def test_a_simulated_recording_is_simulated_again_not_measured(tmp_path: Path) -> None:
    save_twin(tmp_path / "twin's", twin())
    asked = ["--sequences", "mixed:2x12@3", "--repeats", "3", "--seed", "5"]
    first = tmp_path / "sim"
    assert main(["simulate", str(tmp_path / "twin's"), *asked, "--out", str(first), "--json"]) == 0
    second = again(first, tmp_path / "sim-2")
    assert np.array_equal(read_recording(first).response, read_recording(second).response)


def test_an_imported_recording_is_imported_again(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    file = tmp_path / "their data.npz"
    np.savez(file, r=rng.random((2, 3, 9)), u=rng.random((2, 9)))
    first = tmp_path / "imp"
    mapped = ["--map", "response=r:sequence,repeat,step", "drive=u:sequence,step"]
    assert main(["import", str(file), *mapped, "--out", str(first), "--json"]) == 0
    second = again(first, tmp_path / "imp-2")
    assert np.array_equal(read_recording(first).response, read_recording(second).response)


def test_what_a_recording_was_asked_for_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ["--blocked", "--reference", "3", "--repeats", "8", "--stop-at-drift", "40"]
    words = ["record", "--bench", "virtual", "--sequences", "mixed:2x6@3", "--accelerate", "1000"]
    assert main([*words, *asked, "--out", str(tmp_path / "rec"), "--json"]) == 0
    repeated = command(tmp_path / "rec")  # one: the reference beside it is made by the same
    assert str(tmp_path / "rec") in repeated
    with monkeypatch.context() as patch:
        patch.chdir(tmp_path)
        assert command(Path("rec")) == repeated  # it is pasted elsewhere
    for words in (["--blocked"], ["--reference", "3"], ["--stop-at-drift", "40.0"]):
        assert " ".join(words) in " ".join(repeated)
    out = again(tmp_path / "rec", tmp_path / "rec-2")
    assert read_recording(out).meta["interleave"] is False
    assert read_recording(out / "reference").response.shape[2] == 3


@pytest.mark.parametrize(
    ("option", "name", "value"),
    [("--noise-rank", "noise_rank", 1), ("--members", "members", 2), ("--members", "members", 1)],
)
def test_a_twin_of_another_structure_is_fitted_again(
    tmp_path: Path, option: str, name: str, value: int
) -> None:
    save_twin(tmp_path / "other", twin())
    asked = ["--sequences", "mixed:4x12@3", "--repeats", "4", "--out", str(tmp_path / "rec")]
    assert main(["simulate", str(tmp_path / "other"), *asked, "--json"]) == 0
    words = ["fit", str(tmp_path / "rec"), "--iterations", "4", option, str(value)]
    assert main([*words, "--out", str(tmp_path / "twin"), "--json"]) == 0
    second = again(tmp_path / "twin", tmp_path / "twin-2")
    assert getattr(load_twin(second), name) == value
    assert sha256_of(second / "weights.safetensors") == sha256_of(
        tmp_path / "twin" / "weights.safetensors"
    )


@pytest.mark.parametrize("objective", ["energy", "crps", "innovations-energy"])
def test_a_twin_is_fitted_again_by_its_own_objective(tmp_path: Path, objective: str) -> None:
    """Of 50 sequences and more the energy score is not what is usual, and was left out."""
    kept = replace(twin(), meta={**twin().meta, "objective": objective})
    save_twin(tmp_path / "twin", kept)
    words = command(tmp_path / "twin")
    assert words[words.index("--objective") + 1] == objective


def test_an_unfinished_fit_is_asked_for_as_it_was_not_as_far_as_it_came(tmp_path: Path) -> None:
    meta = {**unfinished_meta(1265, 4000, "mean and noise", 13.0), "iterations": 1265}
    save_twin(tmp_path / "so-far", replace(twin(), meta={**twin().meta, **meta}))
    words = command(tmp_path / "so-far")
    assert words[words.index("--iterations") + 1] == "4000"


def test_a_fit_that_minutes_ended_is_said_not_to_be_repeated(tmp_path: Path) -> None:
    """Its command gave the iterations it came to, as if these made the same twin."""
    save_twin(tmp_path / "other", twin())
    asked = ["--sequences", "mixed:4x12@3", "--repeats", "4", "--out", str(tmp_path / "rec")]
    assert main(["simulate", str(tmp_path / "other"), *asked, "--json"]) == 0
    for name, more in (("timed", ["--minutes", "0.01"]), ("whole", ["--iterations", "4"])):
        words = ["fit", str(tmp_path / "rec"), "--members", "1", "--minutes", "9", *more]
        assert main([*words, "--out", str(tmp_path / name), "--json"]) == 0
    (words,) = notes_of(find_artefacts(tmp_path / "timed"))
    assert words.startswith("timed: ended by --minutes")
    assert notes_of(find_artefacts(tmp_path / "whole")) == []
    assert main(["report", str(tmp_path / "timed"), "--json"]) == 0
    page = (tmp_path / "timed" / "report" / "report.html").read_text("utf-8")
    assert words in unescape(page)


def test_a_calibration_is_told_as_one_and_made_again_as_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It was a recording with nothing fitted yet, and `record` would have driven its currents."""
    found = Calibration(4.1e-4, 2e-7, 1e-6, 3e-6, 2e-5, 1e-6, 1e-6, 4e-6, 3e-6)
    plan = {"magnet": "x", "teslameter": "gap", "points": 9, "share": 0.5, "settle_s": 0.25}
    walked = replace(full(), status="done")
    walked.meta.update(kind="calibration", calibration=plan, bench="their rig")
    write_recording(tmp_path / "cal", walked)
    save_calibration(tmp_path / "cal", Stored(found, "x", "gap", "their rig", "2026", "c", 4e-4))
    assert command(tmp_path / "cal")[:4] == ["bench", "calibrate", "--bench", "BENCH.toml"]
    assert "--points 9 --share 0.5 --settle 0.25" in told(tmp_path / "cal")[0]
    assert main(["report", str(tmp_path / "cal"), "--json"]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["verdict"] == [
        "Magnet x: measured 0.00041 ± 2e-07 T/A; the bench file said 0.0004 T/A (+2.5 %)."
    ]
    page = unescape(Path(result["report"]).read_text("utf-8"))
    assert "2e-05 T" in page
    assert "twinrig record" not in page


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["virtual nanoring array"], ["virtual"]),
        (["virtual leaky integrator"], ["virtual-leaky-integrator"]),
        (["rotating-field rig"], ["BENCH.toml"]),
        ([""], ["BENCH.toml"]),
        ([], ["BENCH.toml"]),
        (["virtual nanoring array", "their rig"], ["virtual", "BENCH-2.toml"]),
    ],
)
def test_a_bench_is_named_where_its_word_is_known(names: list[str], words: list[str]) -> None:
    assert bench_words(names) == [part for word in words for part in ("--bench", word)]


def test_a_page_says_what_was_not_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = replace(full(), status="done")
    recording.meta.update(simulated=True)
    write_recording(tmp_path / "sim", recording)
    assert main(["report", str(tmp_path / "sim"), "--json"]) == 0
    page = Path(json.loads(capsys.readouterr().out.splitlines()[-1])["report"])
    assert "done, simulated" in re.sub("<[^>]+>", " ", unescape(page.read_text("utf-8")))

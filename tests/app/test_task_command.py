"""`twinrig task`: what there is to train for, and what plain software gets on it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from app.cli.main import main
from app.operations import train_baselines
from app.operations.events import Progress
from training.baselines import Tried
from training.tasks import known_tasks, make_task

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

QUICK = "signals:train=60,validation=20,test=40"


def result_of(text: str) -> dict[str, Any]:
    return dict(json.loads(text.splitlines()[-1]))


def test_all_tasks_are_listed_with_their_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["task", "--json"]) == 0
    told = result_of(capsys.readouterr().out)["tasks"]
    assert list(told) == list(known_tasks())
    assert told["digits"]["options"]["fold"] == 0
    assert told["emg"]["about"].startswith("Tell the gesture")
    assert main(["task"]) == 0
    out = capsys.readouterr().out
    assert "mackey-glass" in out
    assert "horizon 5" in out


def test_a_task_tells_its_split_and_each_baseline(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["task", QUICK, "--nodes", "8", "--spread", "0.05", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    told = lines[-1]
    assert told["split"] == {"train": 60, "validation": 20, "test": 40}
    assert (told["window"], told["pool"], told["metric"]) == (16, "mean", "accuracy")
    assert told["classes"] == ["sine", "square"]
    assert "any phase" in told["description"]
    scored = {line["name"]: line["value"] for line in lines if "value" in line}
    assert scored == told["baselines"]
    assert {line["metric"] for line in lines if "value" in line} == {"accuracy"}
    assert max(scored.values()) > scored["majority class"]  # accuracies, as train shows them
    assert "esn-8 with 5 % state noise, as the device" in scored


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["signal"], "did you mean 'signals'"),
        (["digits:fold=9"], "within 0…4"),
        (
            ["file:gone.json"],
            "file gone.json: No such file or directory; file: takes a JSON header",
        ),
        (["--nodes", "5"], "go with a TASK"),
    ],
)
def test_what_is_no_task_is_wrong_use(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["task", *arguments]) == 2
    assert words in capsys.readouterr().err


def test_a_leaking_task_file_is_refused_before_anything_is_computed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [f"{i % 7},{i % 5}" for i in range(40)]
    (tmp_path / "in.csv").write_text("\n".join(rows + rows))
    (tmp_path / "part.csv").write_text("\n".join(["1"] * 20 + ["2"] * 20 + ["0"] * 5 + ["3"] * 35))
    head = {
        "name": "own", "inputs": "in.csv", "targets": "in.csv", "part": "part.csv", "washout": 10,
        "window": 1,
    }  # fmt: skip
    (tmp_path / "own.json").write_text(json.dumps(head))
    assert main(["task", f"file:{tmp_path / 'own.json'}"]) == 2
    told = capsys.readouterr()
    assert "a leak" in told.err
    assert "baseline" not in told.err


def test_the_time_left_of_the_echo_state_networks_counts_their_tries_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [0.0]

    def scored(*_: Any, **__: Any) -> Iterator[tuple[str, float] | Tried]:
        now[0] += 60.0  # torch, and the regressions
        yield "ar-1", 0.5
        for done in (1, 2):
            now[0] += 0.1
            yield Tried(done, 64)

    monkeypatch.setattr(train_baselines, "software_baselines", scored)
    monkeypatch.setattr(train_baselines.time, "monotonic", lambda: now[0])
    told = list(train_baselines.of_software(make_task(QUICK), 8, None, 0, {}))
    left = [one.remaining_s for one in told if isinstance(one, Progress)]
    assert left == pytest.approx([6.3, 6.2])

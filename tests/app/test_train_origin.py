"""A network to go on from that was trained on the new task's test part is refused."""

from __future__ import annotations

import html
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from network_samples import run, twin_of

from app.operations import train_origin
from app.operations.events import Note
from app.operations.report import report
from app.operations.train import train
from app.operations.transfer_parts import parent_of
from app.store import load_network, save_network, save_twin
from instruments.bench import Bench
from instruments.bench_file import read_bench
from models.errors import InputError
from models.network import ORIGIN_UNKNOWN

if TYPE_CHECKING:
    from app.operations.events import Event

SHORT = "mackey-glass:train=400,validation=100,test=60,washout=20"
LONG = "mackey-glass:train=600,validation=100,test=60,washout=20"
APART = "mackey-glass:train=400,validation=100,test=60,washout=20,h=7"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a `twin`, and `short` and `long`, networks of it."""
    folder = tmp_path_factory.mktemp("kept")
    with Bench.connect(read_bench("virtual")) as bench:
        save_twin(folder / "twin", twin_of(bench))
    for name, task in (("short", SHORT), ("long", LONG)):
        run(train(task, [folder / "twin"], [2], folder / name, iterations=0))
    return folder


def going_on(origin: Path, out: Path, task: str | None = None) -> tuple[list[Event], Path]:
    """Train a network further for a moment, by default for its own task."""
    options = {"origin": str(origin / "network.json")}
    return run(train(task, None, None, out, iterations=1, options=options))


def warned(events: list[Event]) -> list[str]:
    """Warnings about the network that a training went on from."""
    notes = [e.text for e in events if isinstance(e, Note) and e.level == "warning"]
    return [words for words in notes if "nobody can tell" in words]


def file_task(folder: Path, part: list[int], seed: int = 0, window: int = 1) -> str:
    """A task of a file whose parts 1, 2, 0 and 3 have so many answers."""
    values = np.random.default_rng(seed).normal(size=(sum(part), window, 2))
    labels = np.arange(sum(part)) % 2
    folder.mkdir(exist_ok=True)
    np.savez(folder / "own.npz", inputs=values.reshape(-1, 2), labels=labels,
             part=np.repeat([1, 2, 0, 3], part))  # fmt: skip
    head = {name: f"own.npz:{name}" for name in ("inputs", "labels", "part")}
    head |= {"name": "own", "washout": 20, "window": window, "classes": ["a", "b"]}
    (folder / "own.json").write_text(json.dumps(head))
    return f"file:{folder / 'own.json'}"


def test_it_is_refused_with_how_many_steps_it_knows(kept: Path, tmp_path: Path) -> None:
    """A longer training part of the same series, which is scaled another way."""
    words = (
        r"long/network\.json: was trained for .*train=600.* hold 60 of the 60 steps of the test "
        r"part of task 'mackey-glass'.*; train anew without --from, or go on from a network of the "
        "same split"
    )
    with pytest.raises(InputError, match=words):
        going_on(kept / "long", tmp_path / "out", SHORT)
    assert not (tmp_path / "out").exists()


def test_of_windows_it_is_refused_with_how_many_of_them_it_knows(
    kept: Path, tmp_path: Path
) -> None:
    first = file_task(tmp_path / "first", [80, 20, 2, 30], window=10)
    second = file_task(tmp_path / "second", [60, 10, 2, 60], window=10)  # of the same windows
    run(train(first, [kept / "twin"], [2], tmp_path / "network", iterations=0))
    with pytest.raises(InputError, match="hold 28 of the 60 windows of the test part"):
        going_on(tmp_path / "network", tmp_path / "out", second)


def test_its_own_task_is_made_once_and_nothing_is_said(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Any] = []
    monkeypatch.setattr(train_origin, "make_task", made.append)
    events, path = going_on(kept / "short", tmp_path / "out")
    assert (made, warned(events)) == ([], [])
    assert load_network(path).meta[ORIGIN_UNKNOWN] == []


def test_a_task_whose_test_part_it_does_not_know_is_nothing_to_speak_of(
    kept: Path, tmp_path: Path
) -> None:
    for number, (origin, task) in enumerate((("short", LONG), ("short", APART))):
        events, path = going_on(kept / origin, tmp_path / str(number), task)
        assert warned(events) == load_network(path).meta[ORIGIN_UNKNOWN] == []


def test_a_task_that_is_gone_is_a_warning_that_the_new_network_keeps(
    kept: Path, tmp_path: Path
) -> None:
    named = file_task(tmp_path / "data", [300, 60, 20, 100])
    other = file_task(tmp_path / "other", [300, 60, 20, 100], seed=1)
    run(train(named, [kept / "twin"], [2], tmp_path / "network", iterations=0))
    (tmp_path / "data" / "own.npz").unlink()
    events, path = going_on(tmp_path / "network", tmp_path / "out", other)
    [words] = warned(events)
    assert "own.npz" in words
    assert load_network(path).meta[ORIGIN_UNKNOWN] == [words]
    page = Path(list(report(tmp_path / "out"))[-1].values["report"]).read_text("utf-8")
    assert "may score by memory: the task of" in html.unescape(page)
    again, path = going_on(tmp_path / "out", tmp_path / "again")  # what nobody knew, nobody knows
    assert warned(again) == load_network(path).meta[ORIGIN_UNKNOWN] == [words]
    file_task(tmp_path / "data", [300, 60, 20, 100], seed=2)
    events, _ = going_on(tmp_path / "network", tmp_path / "changed", other)
    assert "gives other data by now: nobody can tell" in warned(events)[0]


def test_what_it_went_on_from_itself_counts_as_well(kept: Path, tmp_path: Path) -> None:
    """From a long series over another task back to the short one."""
    unlike = "mackey-glass:train=700,validation=100,test=60,washout=20"
    going_on(kept / "long", tmp_path / "between", unlike)
    with pytest.raises(InputError, match=r"between/network\.json: .* hold 60 of the 60 steps"):
        going_on(tmp_path / "between", tmp_path / "out", SHORT)
    narma = "narma-10:train=400,validation=100,test=60,washout=20"
    going_on(kept / "long", tmp_path / "narma", narma)
    words = (
        r"narma/network\.json: goes on from .*long/network\.json, which was .* hold 60 of the 60"
    )
    with pytest.raises(InputError, match=words):
        going_on(tmp_path / "narma", tmp_path / "out", SHORT)


def test_what_an_earlier_version_has_not_compared_is_compared_for_its_own_task_too(
    kept: Path, tmp_path: Path
) -> None:
    short, long = (load_network(kept / name) for name in ("short", "long"))
    parents = [*short.meta["parents"], parent_of(long, kept / "long")]
    before = {"parents": parents, "options": {"origin": str(kept / "long")}}  # as the window has it
    save_network(tmp_path / "earlier", replace(short, meta={**short.meta, **before}))
    with pytest.raises(InputError, match=r"goes on from .*long/network\.json, which was trained"):
        going_on(tmp_path / "earlier", tmp_path / "out")


def test_one_before_it_that_is_gone_is_a_warning_but_for_its_own_task(
    kept: Path, tmp_path: Path
) -> None:
    shutil.copytree(kept / "long", tmp_path / "first")
    narma = "narma-10:train=400,validation=100,test=60,washout=20"
    going_on(tmp_path / "first", tmp_path / "second", narma)
    shutil.move(tmp_path / "first", tmp_path / "elsewhere")
    assert not warned(going_on(tmp_path / "second", tmp_path / "third")[0])
    [words] = warned(going_on(tmp_path / "second", tmp_path / "fourth", SHORT)[0])
    assert "which" in words
    assert "went on from, is gone: nobody can tell" in words


def test_networks_that_moved_together_are_found(kept: Path, tmp_path: Path) -> None:
    library = tmp_path / "library"
    narma = "narma-10:train=400,validation=100,test=60,washout=20"
    shutil.copytree(kept / "long", library / "first")
    going_on(library / "first", library / "second", narma)
    shutil.move(library, tmp_path / "moved")
    with pytest.raises(InputError, match=r"moved/first/network\.json, which .* hold 60 of the 60"):
        going_on(tmp_path / "moved" / "second", tmp_path / "out", SHORT)

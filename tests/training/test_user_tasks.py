"""Tasks of the user's own: a header file beside arrays, and an entry point of another package."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from models.errors import InputError
from training.tasks import known_tasks, make_task, placed
from training.tasks.doubts import wild
from training.tasks.shared import trained_on

if TYPE_CHECKING:
    from pathlib import Path

HEAD: dict[str, Any] = {
    "name": "gait", "inputs": "gait.npz:inputs", "labels": "gait.npz:labels",
    "part": "gait.npz:part", "classes": ["left", "right"], "window": 5, "washout": 10,
}  # fmt: skip


def arrays() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2
    inputs = 7 + 3 * rng.standard_normal((300, 2)) + np.repeat(labels, 5)[:, None]
    part = np.repeat([1, 2, 0, 3], [30, 10, 2, 18])
    return {"inputs": inputs, "labels": labels, "part": part}


def written(folder: Path, head: dict[str, Any] | None = None, **changed: np.ndarray) -> str:
    np.savez(folder / "gait.npz", **{**arrays(), **changed})
    (folder / "gait.json").write_text(json.dumps(HEAD if head is None else head))
    return f"file:{folder / 'gait.json'}"


def test_a_classification_of_a_file_is_scaled_by_its_training_part(tmp_path: Path) -> None:
    task = make_task(written(tmp_path))
    assert (task.name, task.window, task.pool, task.washout) == ("gait", 5, "last", 10)
    assert task.metric == "balanced-error"
    assert task.classes == ("left", "right")
    raw = arrays()["inputs"]
    seen = raw[:150]
    np.testing.assert_allclose(task.inputs, (raw - seen.mean(0)) / seen.std(0))
    assert [int(task.answers(m).sum()) for m in (task.train, task.validation, task.test)] == [
        30, 10, 18,
    ]  # fmt: skip


def test_another_split_of_a_file_is_known_for_what_it_has_learned_from(tmp_path: Path) -> None:
    """Its columns are scaled by another training part."""
    task = make_task(written(tmp_path))
    for more, known in ((12, 8), (0, 0)):
        part = np.repeat([1, 2, 0, 3], [30 + more, 8, 12 - more, 10])
        assert trained_on(task, make_task(written(tmp_path, part=part))) == known


def test_a_series_of_csv_files_is_a_task_too(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    values = rng.standard_normal(320)
    np.savetxt(tmp_path / "in.csv", values[:300])
    np.savetxt(tmp_path / "out.csv", values[3:303])
    part = np.repeat([1, 0, 2, 0, 3], [150, 3, 40, 20, 87])
    np.savetxt(tmp_path / "part.csv", part)
    head = {
        "name": "own", "inputs": "in.csv", "targets": "out.csv", "part": "part.csv",
        "washout": 20, "horizon": 3,
    }  # fmt: skip
    (tmp_path / "own.json").write_text(json.dumps(head))
    task = make_task(f"file:{tmp_path / 'own.json'}")
    assert (task.metric, task.window, task.reach) == ("nmse", 1, 3)
    part[150:153] = 2
    np.savetxt(tmp_path / "part.csv", part)
    with pytest.raises(InputError, match="of the train part look 3 steps ahead"):
        make_task(f"file:{tmp_path / 'own.json'}")


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ({"washout": 5}, "washout 5 steps is not enough"),
        ({"washout": 12}, "washout 12 steps is no whole number of windows"),
        ({"washout": 250}, "washout 250 must be within 0…210"),
        ({"classes": ["left", "right", "up"]}, "the training part has no up"),
        ({"classes": ["left"]}, "labels 0…1 for 1 classes"),
        ({"inputs": "gait.npz:input"}, "holds no 'input'; it has inputs, labels, part"),
        ({"inputs": "gait.xlsx"}, "must read FILE.npz:NAME or FILE.csv"),
        ({"inputs": "gone.csv"}, "gone.csv"),
        ({"window": 7}, "in windows of 7"),
        ({"metric": "accuracy"}, "metric 'accuracy'"),
        ({"windows": 5}, "windows"),
        ({"window": 10.0}, r"window is 10\.0, expected a whole number, 1 or more"),
        ({"window": 0}, "window is 0, expected a whole number, 1 or more"),
        ({"targets": "gait.npz:inputs"}, "has both targets and labels: leave one of them out"),
    ],
)
def test_a_header_that_does_not_fit_is_refused(
    tmp_path: Path, head: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        make_task(written(tmp_path, {**HEAD, **head}))


def test_a_header_with_nothing_to_learn_is_refused(tmp_path: Path) -> None:
    head = {key: value for key, value in HEAD.items() if key not in ("labels", "classes")}
    with pytest.raises(InputError, match="needs either targets or labels"):
        make_task(written(tmp_path, head))


def test_arrays_that_do_not_fit_are_refused_all_at_once(tmp_path: Path) -> None:
    inputs = arrays()["inputs"]
    inputs[4, 1] = np.inf
    with pytest.raises(InputError) as caught:
        make_task(written(tmp_path, inputs=inputs, labels=np.zeros(59), part=np.zeros(61)))
    for words in ("inputs holds 1 values that are not finite", "labels has 59", "part has 61"):
        assert words in str(caught.value)
    with pytest.raises(InputError, match=r"inputs \(0,\) are no \(steps, columns\)"):
        make_task(written(tmp_path, **dict.fromkeys(arrays(), np.zeros(0))))


@pytest.mark.parametrize("shape", [(), (0,), (59, 2), (60, 2, 2)])
def test_targets_of_another_shape_are_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    head = {k: v for k, v in HEAD.items() if k not in ("labels", "classes")}
    path = written(tmp_path, {**head, "targets": "gait.npz:targets"}, targets=np.ones(shape))
    with pytest.raises(InputError, match=r"targets \(.*\) are no \(answers, columns\), 60 answers"):
        make_task(path)


def test_labels_are_whole_numbers(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"labels hold 0\.5: whole numbers"):
        make_task(written(tmp_path, labels=arrays()["labels"] + 0.5))


def test_targets_that_are_later_inputs_need_their_horizon(tmp_path: Path) -> None:
    """Else nobody knows that the validation part's targets are inputs of the test part."""
    values = np.random.default_rng(1).standard_normal((340, 1))
    part = np.repeat([1, 0, 2, 0, 3], [150, 40, 40, 20, 50])
    head = {
        "name": "own", "inputs": "gait.npz:inputs", "targets": "gait.npz:targets",
        "part": "gait.npz:part", "washout": 20,
    }  # fmt: skip
    made = {"inputs": values[:300], "targets": values[30:330], "part": part}
    with pytest.raises(InputError, match='an input 30 steps later, and horizon says 0: write "hor'):
        make_task(written(tmp_path, head, **made))
    with pytest.raises(InputError, match="of the validation part look 30 steps ahead, into the t"):
        make_task(written(tmp_path, {**head, "horizon": 30}, **made))


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("file:gait.json", "file:{here}/gait.json"),
        ("file:/a/gait.json", "file:/a/gait.json"),
        ('file:"/a b/gait.json"', "file:/a b/gait.json"),
        ("santa-fe:file='l.txt',train=900", "santa-fe:file={here}/l.txt,train=900"),
        ("emg:folder=myo,participant=2", "emg:folder={here}/myo,participant=2"),
        ("santa-fe:train=900,file=l.txt", "santa-fe:train=900,file={here}/l.txt"),
        ("mackey-glass:h=5", "mackey-glass:h=5"),
        ("digits", "digits"),
    ],
)
def test_paths_of_a_task_are_made_whole_for_whoever_makes_it_again(
    tmp_path: Path, text: str, whole: str
) -> None:
    here = tmp_path.resolve()
    assert placed(text, here) == whole.format(here=here)
    assert placed(placed(text, here), here / "elsewhere") == placed(text, here)


def test_leaks_of_a_file_are_refused(tmp_path: Path) -> None:
    inputs = arrays()["inputs"]
    inputs[-5:] = inputs[:5]
    with pytest.raises(InputError, match="1 test windows"):
        make_task(written(tmp_path, inputs=inputs))
    labels = arrays()["labels"]
    labels[42:] = 1
    with pytest.raises(InputError, match="the test part has no left"):
        make_task(written(tmp_path, labels=labels))
    part = arrays()["part"]
    part[50] = 1
    with pytest.raises(InputError, match="the test part has gaps"):
        make_task(written(tmp_path, part=part))
    with pytest.raises(
        InputError, match=r"5 steps of the training part \(295 to 299\) stand behind"
    ):
        make_task(written(tmp_path, part=np.repeat([1, 2, 3, 1], [30, 10, 19, 1])))


def test_a_file_that_is_no_header_is_refused(tmp_path: Path) -> None:
    (tmp_path / "no.json").write_text("{")
    for text in (f"file:{tmp_path / 'no.json'}", "file:gone.json", "file:"):
        with pytest.raises(InputError):
            make_task(text)
    (tmp_path / "list.json").write_text("[1, 2]")
    with pytest.raises(InputError, match="task file"):
        make_task(f"file:{tmp_path / 'list.json'}")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package with an entry point, as pip leaves it."""
    (tmp_path / "lab_tasks.py").write_text(
        "from dataclasses import replace\n"
        "from training.tasks import make_task\n"
        "print('as it is imported')\n"
        "def ours(*, horizon: int = 5, shift: float = 0.0):\n"
        "    made = make_task('mackey-glass', horizon=horizon)\n"
        "    return replace(made, name='ours', inputs=made.inputs + shift)\n"
        "def broken():\n"
        "    raise KeyError('gone')\n"
        "def leaves():\n"
        "    print('no JSON')\n"
        "    raise SystemExit(3)\n"
        "def another():\n"
        "    return 7\n"
    )
    info = tmp_path / "lab_tasks-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lab-tasks\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[twinrig.tasks]\nours = lab_tasks:ours\nbroken = lab_tasks:broken\n"
        "another = lab_tasks:another\ngone = lab_tasks:gone\nleaves = lab_tasks:leaves\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "lab_tasks", raising=False)
    return tmp_path


def test_a_task_of_another_package_joins_by_its_entry_point(package: Path) -> None:
    task = make_task("ours:h=3,shift=0.5")
    plain = make_task("mackey-glass:h=3")
    np.testing.assert_array_equal(task.inputs, plain.inputs + 0.5)
    assert "lab_tasks:ours" in known_tasks()["ours"]
    with pytest.raises(InputError, match="option 'step' is unknown; known: horizon, shift"):
        make_task("ours:step=3")
    with pytest.raises(InputError, match="did you mean 'ours'"):
        make_task("our")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("broken", r"KeyError\('gone'\) \(.*lab_tasks.py, line 8\)"),
        ("another", "is a int, no Task"), ("gone", "can't be loaded"), ("leaves", "SystemExit"),
    ],
)  # fmt: skip
def test_a_package_that_fails_is_named(
    package: Path, name: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InputError, match=words):
        make_task(name)
    assert not capsys.readouterr().out  # standard output is the command's own


def test_a_periodic_wave_needs_a_word_that_it_repeats_and_its_description_says_so(
    tmp_path: Path,
) -> None:
    wave = np.sin(2 * np.pi * np.arange(400) / 20)
    made = {
        "inputs": wave,
        "targets": np.sign(wave + 1e-9),
        "part": np.repeat([1, 2, 3], [200, 60, 140]),
    }
    head = {"name": "square", "washout": 20, "inputs": "gait.npz:inputs", "part": "gait.npz:part",
            "targets": "gait.npz:targets"}  # fmt: skip
    with pytest.raises(
        InputError, match=r'a leak; of a wave .* \("repeats": true in a task file\)'
    ):
        make_task(written(tmp_path, head, **made))
    task = make_task(written(tmp_path, {**head, "repeats": True}, **made))
    assert "a memory of these would score as well" in task.describe()
    with pytest.raises(InputError, match="repeats"):
        make_task(written(tmp_path, {**head, "repeats": 1}, **made))


def test_values_that_can_not_be_computed_with_are_refused(tmp_path: Path) -> None:
    inputs = arrays()["inputs"]
    for wrong in (1e300 * inputs, 1e-300 * inputs, np.where(inputs == inputs[7], 1e20, inputs)):
        with pytest.raises(InputError, match="take another unit, and look for wild values"):
            make_task(written(tmp_path, inputs=wrong))


def test_a_value_far_from_all_others_is_told(tmp_path: Path) -> None:
    inputs = np.tile(arrays()["inputs"], (4, 1))
    inputs += 0.1 * np.random.default_rng(3).standard_normal(inputs.shape)
    more = {"labels": np.tile(arrays()["labels"], 4), "part": np.repeat([1, 2, 3], [160, 40, 40])}
    assert wild(make_task(written(tmp_path, inputs=inputs, **more))) == []
    inputs[7, 1] = 1e6
    assert wild(make_task(written(tmp_path, inputs=inputs, **more))) == [
        "inputs, column 1: 1 of 1200 values are far from all others (the first in row 7): a "
        "glitch? Scaling and training are spoilt by it"
    ]


def test_a_name_that_no_line_can_show_is_refused(tmp_path: Path) -> None:
    for name in ("", " ", "a\nb"):
        with pytest.raises(InputError, match="none that a line can show"):
            make_task(written(tmp_path, {**HEAD, "name": name}))


@pytest.mark.filterwarnings("error")
def test_an_empty_table_is_said_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(InputError, match="contained no data"):
        make_task(written(tmp_path, {**HEAD, "inputs": "empty.csv"}))


def test_decimal_commas_are_no_two_columns(tmp_path: Path) -> None:
    """A German spreadsheet's one column had become two inputs, the second of them whole numbers."""
    values = np.random.default_rng(0).uniform(-3, 3, 300)
    rows = [f"{value:.4f}".replace(".", ",") for value in values]
    (tmp_path / "in.csv").write_text("\n".join(rows))
    with pytest.raises(InputError, match=r"line \d+ has '-?\d,0\d+', which is a decimal comma"):
        make_task(written(tmp_path, {**HEAD, "inputs": "in.csv"}))
    (tmp_path / "in.csv").write_text("\n".join(f"{v:.4e}".replace(".", ",") for v in values))
    with pytest.raises(InputError, match=r"each line is like 2,557E-3, which is one number"):
        make_task(written(tmp_path, {**HEAD, "inputs": "in.csv"}))
    whole = np.random.default_rng(0).integers(-12, 12, (300, 3))
    np.savetxt(tmp_path / "in.csv", whole, fmt="%d", delimiter=",")
    make_task(written(tmp_path, {**HEAD, "inputs": "in.csv"}))


def test_one_glitch_in_a_short_series_is_told(tmp_path: Path) -> None:
    inputs = arrays()["inputs"]  # 300 steps: one of them is more than a thousandth
    inputs[5, 1] = 1e9
    [said] = wild(make_task(written(tmp_path, inputs=inputs)))
    assert said.startswith("inputs, column 1: 1 of 300 values are far from all others")


def test_a_header_of_windows_and_arrays_that_lie_across_or_are_german(tmp_path: Path) -> None:
    written(tmp_path)
    header = tmp_path / "gait.json"
    header.write_bytes(b"\xef\xbb\xbf" + header.read_bytes())
    assert make_task(f"file:{header}").name == "gait"
    with pytest.raises(InputError, match=r"expected 2, one an answer: inputs \(10, 60\) are 10"):
        make_task(written(tmp_path, inputs=np.zeros((10, 60))))
    (tmp_path / "in.csv").write_text("1,5;2,5\n" * 300)
    with pytest.raises(InputError, match="numbers with points, commas between them"):
        make_task(written(tmp_path, {**HEAD, "inputs": "in.csv"}))

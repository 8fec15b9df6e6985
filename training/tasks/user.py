"""Tasks of the user's own data: `file:PATH`, a JSON header beside NPZ or CSV arrays.

The header, with everything that can stand in it::

    {"name": "gait", "inputs": "gait.npz:inputs", "targets": "gait.npz:targets",
     "labels": "gait.npz:labels", "part": "gait.npz:part", "classes": ["left", "right"],
     "window": 10, "pool": "mean", "metric": "balanced-error", "washout": 40, "horizon": 0,
     "repeats": false, "about": "who measured it, and where"}

`inputs` `(T, n_in)`; either `targets` `(T / window, n_out)` or `labels` `(T / window,)` with
`classes`; `part` `(T / window,)`: 1 training, 2 validation, 3 test, 0 run but not used. The test
part stands last: a device remembers what it was driven with before. An array is `FILE.npz:NAME` or
`FILE.csv` (no head line), relative to the header. `repeats`: the test part may hold inputs that
training has, too, as one periodic wave does; every description says so.
"""

from __future__ import annotations

import json
import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from models.errors import InputError, raise_problems
from models.json_form import COUNT, FLAG, POSITIVE, TEXT, WHOLE, Rows, Table, faults
from models.score import CLASSIFIES
from training.tasks.emg import UNREADABLE
from training.tasks.task import Task

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

DECIMALS = re.compile(rb"(?<![\w.])[+-]?\d+,0\d+(?![\w.])")
HEADER = (
    'file: takes a JSON header such as {"name": "gait", "inputs": "gait.npz:inputs", "targets": '
    '"gait.npz:targets", "part": "gait.npz:part", "washout": 40}'
)
POWER = re.compile(rb"\s*[+-]?\d+,\d+[eE][+-]?\d+\s*")
LEAST_SHARED = 16  # steps in which a target that is a later input is told from chance
LARGEST = 1e15  # of an input or target: training squares them, in float32
LEAST_WASHOUT = 10  # steps after its reset in which no device may be scored
FORM = Table(
    {"name": TEXT, "inputs": TEXT, "part": TEXT, "washout": COUNT},
    optional={
        "targets": TEXT, "labels": TEXT, "classes": Rows(TEXT), "window": POSITIVE, "pool": TEXT,
        "metric": TEXT, "horizon": WHOLE, "about": TEXT, "repeats": FLAG,
    },
)  # fmt: skip
TRAIN, VALIDATION, TEST = 1, 2, 3


def task_of_file(path: Path) -> Task:
    """Task of a header file; its inputs are scaled to mean 0, spread 1 of the training part.

    Raises
    ------
    InputError
        What can't be read, shapes that don't fit, values that are no finite numbers, steps or
        windows shared by the test part and training, a test part before others, missing classes,
        too short a washout.
    """
    head = _header(path)
    arrays: dict[str, NDArray[Any]] = {}
    problems: list[str] = []
    for name in ("inputs", "part", "targets", "labels"):
        if name in head:
            try:
                arrays[name] = _array(path.parent, head[name])
            except InputError as error:
                problems.append(f"{name}: {error}")
    raise_problems(InputError, f"task file {path}", problems)
    raise_problems(InputError, f"task file {path}", _wrong(head, arrays))
    return _built(path, head, arrays)


def _header(path: Path) -> dict[str, Any]:
    try:
        head = json.loads(path.read_text("utf-8-sig"))  # as Windows' editors write it
    except OSError as error:
        raise InputError(f"task file {path}: {error.strerror}; {HEADER}") from error
    except ValueError as error:
        raise InputError(f"task file {path} can't be read as JSON: {error}; {HEADER}") from error
    found = faults(head, FORM)
    if not found and "targets" in head and "labels" in head:
        found = ["has both targets and labels: leave one of them out"]
    if not found and "targets" not in head and "labels" not in head:
        found = ["needs either targets or labels"]
    if not found and ("labels" in head) != ("classes" in head):
        found = ["labels and classes go together"]
    raise_problems(InputError, f"task file {path}", found)
    return dict(head)


def files_of_header(path: Path) -> list[Path]:
    """A header file and those that hold its arrays."""
    head = _header(path)
    named = (head[name] for name in ("inputs", "part", "targets", "labels") if name in head)
    return list(dict.fromkeys([path, *(path.parent / _parted(text)[0] for text in named)]))


def _parted(text: str) -> tuple[str, str]:
    """File and name of `FILE.npz:NAME`; of `FILE.csv` no name."""
    file, _, name = text.rpartition(":") if ".npz:" in text else (text, "", "")
    return file, name


def _array(folder: Path, text: str) -> NDArray[Any]:
    """Array of `FILE.npz:NAME` or `FILE.csv`."""
    file, name = _parted(text)
    path = folder / file
    try:
        if name:
            with path.open("rb") as opened, np.load(opened, allow_pickle=False) as stored:
                if name not in stored.files:
                    known = ", ".join(stored.files)
                    raise InputError(f"{path} holds no {name!r}; it has {known}")
                return np.asarray(stored[name])
        if path.suffix == ".csv":
            with warnings.catch_warnings(action="error"):  # numpy only warns of an empty file
                made = np.loadtxt(path, delimiter=",", dtype=np.float64, ndmin=2)
            _refuse_decimal_commas(path)
            return made
    except (*UNREADABLE, UserWarning) as error:
        form = "" if name else "; numbers with points, commas between them and no head line"
        raise InputError(f"{path} can't be read: {error}{form}") from error
    raise InputError(f"{text!r} must read FILE.npz:NAME or FILE.csv")


def _refuse_decimal_commas(path: Path) -> None:
    """Raise ValueError for `0,0512`: a number with a decimal comma, and not the two 0 and 512.

    And where each line is like `2,557E-3`; one of many may be 2 and 5e-3, as `%g` writes it.
    """
    each = True
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            each &= POWER.fullmatch(line) is not None
            if found := DECIMALS.search(line):
                raise ValueError(
                    f"line {number} has {found[0].decode()!r}, which is a decimal comma: nobody "
                    "writes a whole number so"
                )
    if each:
        raise ValueError("each line is like 2,557E-3, which is one number with a decimal comma")


def _wrong(head: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> list[str]:
    """What can be said before a `Task` is made; the task itself finds leaks."""
    inputs, window, problems = arrays["inputs"], head.get("window", 1), []
    for name, array in arrays.items():
        if array.dtype.kind not in "iufb":
            problems.append(f"{name} holds {array.dtype}, numbers are needed")
        elif not np.isfinite(array).all():
            wrong = int(np.sum(~np.isfinite(array)))
            problems.append(f"{name} holds {wrong} values that are not finite numbers")
        elif name in ("inputs", "targets"):
            problems += _out_of_scale(name, array)
    if not head["name"].strip() or not head["name"].isprintable():
        problems.append(f"name {head['name']!r} is none that a line can show")
    if window < 1 or inputs.ndim not in (1, 2) or not inputs.size or len(inputs) % window:
        problems.append(f"inputs {inputs.shape} are no (steps, columns) in windows of {window}")
        return problems
    rows = len(inputs) // window
    for name in ("part", "labels"):
        if name in arrays and arrays[name].size != rows:
            problems.append(
                f"{name} has {arrays[name].size} values, expected {rows}, one an answer: inputs "
                f"{inputs.shape} are {len(inputs)} steps"
            )
    targets = arrays.get("targets")
    if targets is not None and (targets.ndim not in (1, 2) or len(targets) != rows):
        problems.append(f"targets {targets.shape} are no (answers, columns), {rows} answers")
    if not problems and not np.isin(arrays["part"], (0, TRAIN, VALIDATION, TEST)).all():
        problems.append(
            "part holds values beyond 0 (unused), 1 (training), 2 (validation), 3 (test)"
        )
    if not problems and "labels" in arrays and (arrays["labels"] % 1 != 0).any():
        first = arrays["labels"].ravel()[np.argmax(arrays["labels"].ravel() % 1 != 0)]
        problems.append(f"labels hold {first:g}: whole numbers are needed, 0 for the first class")
    if head["washout"] < LEAST_WASHOUT:
        problems.append(
            f"washout {head['washout']} steps is not enough: a device starts from its reset, so at "
            f"least {LEAST_WASHOUT} steps before the test part are run and not scored"
        )
    if head.get("horizon", 0) < 0:
        problems.append(f"horizon {head['horizon']} must not be negative")
    elif not problems and targets is not None and window == 1:
        problems += _untold_horizon(inputs, targets, head.get("horizon", 0))
    return problems


def _out_of_scale(name: str, array: NDArray[Any]) -> list[str]:
    """Numbers too large or too close to each other to be computed with."""
    known = array.astype(np.float64)
    largest, span = (np.abs(known).max(), np.ptp(known)) if known.size else (0.0, 0.0)
    if largest > LARGEST or 0 < span < 1 / LARGEST:
        return [
            f"{name} reach {largest:.3g} and span {span:.3g}: at most {LARGEST:g} and at least "
            f"{1 / LARGEST:g} can be computed with; take another unit, and look for wild values"
        ]
    return []


def _untold_horizon(inputs: NDArray[Any], targets: NDArray[Any], told: int) -> list[str]:
    """Targets that are an input of later steps than the header says: parts may share them."""
    columns, answers = (array.reshape(len(array), -1) for array in (inputs, targets))
    for k, answer in enumerate(answers.T):
        later = _steps_later(answer, columns)
        if later is not None and later > told:
            return [
                f"targets (column {k}) are an input {later} steps later, and horizon says {told}: "
                f'write "horizon": {later}, so that leaks between parts are found'
            ]
    return []


def _steps_later(answer: NDArray[Any], columns: NDArray[Any]) -> int | None:
    """After how many steps `answer` `(T,)` is one of the columns first; None: it is none."""
    for later in range(len(columns) - LEAST_SHARED):
        same = (answer[:LEAST_SHARED] == columns[later : later + LEAST_SHARED].T).all(axis=1)
        for column in columns.T[same]:
            if np.ptp(column) > 0 and np.array_equal(answer[: len(answer) - later], column[later:]):
                return later
    return None


@dataclass(frozen=True)
class _Rest:
    """What the header leaves to defaults."""

    metric: str
    pool: str
    window: int

    @classmethod
    def of(cls, head: dict[str, Any]) -> _Rest:
        window = int(head.get("window", 1))
        metric = head.get("metric", CLASSIFIES[1] if "labels" in head else "nmse")
        return cls(metric, head.get("pool", "step" if window == 1 else "last"), window)


def _built(path: Path, head: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Task:
    rest, classes = _Rest.of(head), tuple(head.get("classes", ()))
    inputs = arrays["inputs"].astype(np.float64).reshape(len(arrays["inputs"]), -1)
    part = np.repeat(arrays["part"].ravel().astype(int), rest.window)
    if not (part == TRAIN).any():
        raise InputError(f"task file {path}: no part is 1, training")
    seen = inputs[part == TRAIN]
    offset, spread = seen.mean(axis=0), seen.std(axis=0)
    unit = np.where(spread > 0, spread, 1.0)
    labels = arrays["labels"].ravel().astype(np.int64) if "labels" in arrays else None
    if labels is None:
        targets = arrays["targets"].astype(np.float64).reshape(len(arrays["targets"]), -1)
    elif ((labels >= 0) & (labels < len(classes))).all():
        targets = np.eye(len(classes))[labels]
    else:
        raise InputError(
            f"task file {path}: labels {labels.min()}…{labels.max()} for {len(classes)} classes, "
            f"expected 0…{len(classes) - 1}"
        )
    return Task(
        name=head["name"],
        inputs=(inputs - offset) / unit,
        targets=targets,
        train=part == TRAIN,
        validation=part == VALIDATION,
        test=part == TEST,
        washout=head["washout"],
        metric=rest.metric,
        options={"file": str(path)},
        window=rest.window,
        pool=rest.pool,
        labels=labels,
        classes=classes,
        reach=int(head.get("horizon", 0)),
        about=head.get("about", ""),
        repeats=head.get("repeats", False),
        scaling=(offset, unit),
    )

"""What a task may not be: shapes that don't fit, missing classes, leaks from test to training."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np

from models.score import CLASSIFIES, POOLS
from training.tasks.shared import ALIKE, MANY, Parts, varies

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from training.tasks.shared import Same
    from training.tasks.task import Task

BY_NATURE = (
    "; of a wave that repeats itself by its nature, give it noise, as `signals` has, or say it "
    '("repeats": true in a task file)'
)


def shape_faults(task: Task) -> list[str]:
    """Shapes and values of inputs, targets, labels and masks."""
    if task.inputs.ndim != 2 or task.window < 1 or len(task.inputs) % task.window:
        shape = task.inputs.shape
        return [f"inputs have shape {shape}: (steps, columns), steps × {task.window} expected"]
    steps, rows = len(task.inputs), len(task.inputs) // task.window
    problems = []
    if task.targets.ndim != 2 or len(task.targets) != rows:
        problems.append(f"targets have shape {task.targets.shape}, expected ({rows}, columns)")
    for name, array in (("inputs", task.inputs), ("targets", task.targets)):
        if not np.isfinite(array).all():
            wrong = int(np.sum(~np.isfinite(array)))
            problems.append(f"{name} hold {wrong} values that are not finite numbers")
    for name, mask in _parts(task).items():
        if mask.dtype != bool:  # as numbers it would choose steps 0 and 1
            problems.append(f"the {name} part holds {mask.dtype}: True and False, one a step")
        elif mask.shape != (steps,) or not mask.any():
            problems.append(f"the {name} part must mark at least one of {steps} steps")
    if task.pool not in POOLS or (task.pool == "step") != (task.window == 1):
        problems.append(f"pool {task.pool!r} of {', '.join(POOLS)} and window {task.window}: "
                        "'step' goes with a window of 1 and with no other")  # fmt: skip
    if not 0 <= task.shift < np.inf or (task.shift and task.window == 1):
        problems.append(f"shift {task.shift:g} must be 0 or more, and 0 without windows")
    if (task.labels is not None) != (task.metric in CLASSIFIES):
        problems.append(f"metric {task.metric!r} and labels: {' and '.join(CLASSIFIES)} need them")
    if task.labels is not None and task.labels.shape != (rows,):
        problems.append(f"labels have shape {task.labels.shape}, expected ({rows},)")
    return problems or _constant(task)


def _constant(task: Task) -> list[str]:
    """Parts of which nothing can be learned, and by which nothing can be scored."""
    problems = []
    behind = task.train & (np.arange(len(task.train)) >= task.washout)
    if not behind.any():  # which `mask_faults` tells
        behind = task.train
    if not varies(task.inputs[behind]):
        words = "all inputs of the training part are constant behind the washout"
        problems.append(f"{words}: nothing can be learned")
    for name, mask in {**_parts(task), "train": behind}.items() if task.labels is None else ():
        if not varies(task.targets[task.answers(mask)]):
            problems.append(
                f"the targets of the {name} part are constant: an NMSE is a share of their "
                "variance, which is zero; split it another way"
            )
    return problems


def mask_faults(task: Task) -> list[str]:
    """Parts that share a step, a test part with gaps or before others, washout, cut windows."""
    masks, problems = _parts(task), []
    shared = sum(mask.astype(int) for mask in masks.values())
    if np.max(shared) > 1:
        step = int(np.argmax(shared > 1))
        names = [name for name, mask in masks.items() if mask[step]]
        problems.append(f"step {step} is in the {' and the '.join(names)} part: a leak")
    first, last = (int(i) for i in np.flatnonzero(task.test)[[0, -1]])
    if not task.test[first : last + 1].all():
        problems.append(f"the test part has gaps between steps {first} and {last}")
    problems += _behind(task, first)
    if not 0 <= task.washout <= first:
        problems.append(
            f"washout {task.washout} must be within 0…{first} (the first test step)"
        )  # fmt: skip
    if not task.train[max(0, task.washout) :].any():
        problems.append(
            f"washout {task.washout} steps leave nothing of the training part, whose last step is "
            f"{int(np.flatnonzero(task.train)[-1])}: a device starts from its reset at step 0"
        )
    if task.washout % task.window:
        problems.append(f"washout {task.washout} steps is no whole number of windows")
    for name, mask in masks.items():
        whole = mask.reshape(-1, task.window)
        if (whole.any(axis=1) != whole.all(axis=1)).any():
            problems.append(f"the {name} part cuts a window of {task.window} steps in two")
    return problems


def _behind(task: Task, first: int) -> list[str]:
    """Steps of other parts behind the first of the test part."""
    learned = {"training": task.train, "validation": task.validation}
    behind = {n: first + np.flatnonzero((mask & ~task.test)[first:]) for n, mask in learned.items()}
    words = [
        f"{len(steps)} steps of the {name} part ({steps[0]} to {steps[-1]})"
        for name, steps in behind.items()
        if steps.size
    ]
    if not words:
        return []
    return [
        f"{' and '.join(words)} stand behind the first test step ({first}): put the test part "
        "last, since a device remembers what it was driven with before"
    ]


def class_faults(task: Task) -> list[str]:
    """Labels outside the classes, targets that are no one-hot labels, classes left out."""
    if task.labels is None:
        return []
    count = len(task.classes)
    twice = [name for name in dict.fromkeys(task.classes) if task.classes.count(name) > 1]
    if twice:
        return [f"two classes have the name {', '.join(twice)}"]
    if count < 2 or task.labels.min() < 0 or task.labels.max() >= count:
        low, high = task.labels.min(), task.labels.max()
        return [f"labels {low}…{high} for {count} classes; at least two, labels 0…{count - 1}"]
    if task.targets.shape[1] != count or (task.targets != np.eye(count)[task.labels]).any():
        return ["targets are not the labels, one column a class and 1 in the label's"]
    problems = []
    for name, mask in (("training", task.train), ("test", task.test)):
        found = np.unique(task.labels[task.answers(mask)])
        missing = [task.classes[i] for i in range(count) if i not in found]
        if missing:
            problems.append(f"the {name} part has no {', '.join(missing)}: split it another way")
    return problems


def leaks(task: Task) -> list[str]:
    """Targets that reach into another part, and inputs of the test part that training has seen.

    Seen is what stands there as it is, or, of many, what rounding tells from it: the same values
    saved with fewer digits. A task that says it `repeats` may have them.
    """
    if task.repeats:
        return _reaching(task)
    as_it_is = Parts(task.inputs, task.test, task.train | task.validation, task.window)
    for parts, share in ((as_it_is, 0.0), (as_it_is.rounded(ALIKE), MANY)):
        if (same := parts.same(share)) is not None:
            return [*_reaching(task), _known(task, same, share)]
    return _reaching(task)


def _known(task: Task, same: Same, share: float) -> str:
    """What of the test part training has, too, in words."""
    alike = f"within {ALIKE:g} of their spread " if share else ""
    there = f"{alike}in the training or validation part too"
    if task.window == 1:
        return (
            f"{len(same.places)} stretches of {same.steps} test steps (the first at step "
            f"{min(same.places)}) stand {there} (step {same.before}): a leak{BY_NATURE}"
        )
    how = f"shifted by {same.shift} steps " if same.shift else ""
    return (
        f"{len(same.places)} test windows (the first is number {same.places[0]}) stand "
        f"{how}{there}: a leak{BY_NATURE}"
    )


def _reaching(task: Task) -> list[str]:
    """Parts that the targets of another part look into."""
    problems = []
    for (early, a), (late, b) in permutations(_parts(task).items(), 2):
        ahead = np.zeros_like(a)
        for shift in range(1, min(task.reach, len(a) - 1) + 1):
            ahead[shift:] |= a[:-shift]
        if (ahead & b).any():
            problems.append(
                f"targets of the {early} part look {task.reach} steps ahead, into the {late} "
                f"part (step {int(np.argmax(ahead & b))}): a leak; leave a gap"
            )
    return problems


def _parts(task: Task) -> dict[str, NDArray[np.bool_]]:
    return {"train": task.train, "validation": task.validation, "test": task.test}

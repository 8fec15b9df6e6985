"""Whatever figure or baseline is shown has a meaning that the window and the report tell."""

from __future__ import annotations

import numpy as np
import pytest

from app.glossary import GROUPS, TIP_CHARACTERS, with_meaning, words_of
from app.gui.fit_rows import NAMES
from app.report.twin import ERROR_WORDS
from app.shown_score import WORDS
from app.words import shown_name
from training.baselines.software import software_baselines
from training.metrics import SCORES
from training.tasks import Task


def baseline_names(task: Task) -> list[str]:
    found = software_baselines(task, 4, 0.1, delays=(0, 2))
    return [shown_name(one[0]) for one in found if isinstance(one, tuple)]


@pytest.mark.parametrize("name", [*NAMES.values(), *ERROR_WORDS.values(), *WORDS.values()])
def test_each_error_and_metric_has_one_meaning(name: str) -> None:
    assert len(words_of([name])) == 1


def test_every_score_of_a_twin_is_named_and_so_told() -> None:
    assert set(SCORES) <= set(NAMES)
    assert set(SCORES) <= set(ERROR_WORDS)


@pytest.mark.parametrize("of_classes", [False, True])
def test_each_baseline_has_one_meaning(of_classes: bool) -> None:
    rng = np.random.default_rng(0)
    inputs, labels = rng.uniform(size=(240, 1)), rng.integers(2, size=240)
    steps = np.arange(240)
    masks = [(steps % 80 < 78) & (steps // 80 == part) for part in range(3)]
    if of_classes:
        kind = {"metric": "error-rate", "labels": labels, "classes": ("a", "b")}
        task = Task("own", inputs, np.eye(2)[labels], *masks, washout=4, **kind)
    else:
        task = Task("own", inputs, np.roll(inputs, -1, axis=0), *masks, washout=4, reach=1)
    names = baseline_names(task)
    assert len(names) > 3
    assert {name: len(words_of([name])) for name in names} == dict.fromkeys(names, 1)


def test_no_word_stands_twice_and_each_ends_its_sentence() -> None:
    words = [word for _, group in GROUPS for word in group]
    assert len({word.name for word in words}) == len(words)
    assert all(word.meaning.endswith(".") for word in words)


def test_a_tip_is_told_in_lines_and_a_name_without_meaning_by_itself() -> None:
    first, *told = with_meaning("AR-18 0.0048").splitlines()
    assert first == "AR-18 0.0048"
    assert "Linear regression" in told[0]
    assert max(map(len, told)) <= TIP_CHARACTERS
    assert with_meaning("Armature 3") == "Armature 3"

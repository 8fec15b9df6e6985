"""A sweep as its trials end: settings by validation, best first; no Qt."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING, Any

from app.gui.live_trials import DONE, NOT_ENDED, mean_words
from app.gui.scores import NMSE, said
from app.gui.widgets.dots import Dot, DotRow
from app.gui.words import count, shown_name
from app.operations.sweep import rows_of
from app.operations.trial import TrialResult
from app.words import MISSING, told_apart
from models.wiring import layers_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.gui.live_trials import LiveTrials
    from app.operations.sweep_grid import Grid, Setting
    from app.operations.sweep_table import Row

HEADS = ("validation", "foreseen", "seeds")


def sweep_so_far(grid: Grid, live: LiveTrials) -> list[Row]:
    """Settings with what is known of them by now, best validation first."""
    ended = {
        trial.name: TrialResult(trial.name, trial.status, trial.values, trial.reason)
        for trial in live.trials.values()
        if trial.status not in NOT_ENDED
    }
    return rows_of(grid, ended)


def sweep_rows(rows: Sequence[Row], metrics: Mapping[int, str], seeds: int) -> list[DotRow]:
    """The table's rows, their scores as `metrics_of` has them; the first of a task is its best."""
    names = setting_names([row.setting for row in rows])
    best = {row.setting.number for row in _leaders(rows)}
    return [
        _row(row, names[row.setting.number], _metric(row, metrics), seeds,
             row.setting.number in best)
        for row in rows
    ]  # fmt: skip


def _leaders(rows: Sequence[Row]) -> list[Row]:
    """The best row of each task: scores of two tasks are not compared."""
    first: dict[str, Row] = {}
    for row in rows:
        if row.mean is not None:
            first.setdefault(row.setting.task, row)
    return list(first.values())


def _metric(row: Row, metrics: Mapping[int, str]) -> str:
    return metrics.get(row.setting.number, NMSE)


def _row(row: Row, name: str, metric: str, seeds: int, best: bool) -> DotRow:
    known = [value for value, _ in row.known]
    cells = (
        mean_words(known, metric), said(fmean(row.foreseen), metric) if row.foreseen else MISSING,
        f"{len(row.seeds)} of {seeds}",
    )  # fmt: skip
    word, level = "best" if best else "", "ok"
    if row.failed:
        word, level = f"{len(row.failed)} failed", "fault"
    dots = tuple(Dot(value) for value in known)
    opens = row.setting.name(min(row.known)[1]) if row.known else ""
    return DotRow(name, cells, word, level, best, dots=dots, opens=opens)


def setting_names(settings: Sequence[Setting]) -> dict[int, str]:
    """Each setting's task, twin, layers and options, of them those that not all have alike."""
    twins = told_apart(twin for setting in settings for twin in setting.twins)
    said = {setting.number: _parts(setting, twins) for setting in settings}
    keys = list(dict.fromkeys(key for parts in said.values() for key in parts))
    varied = [key for key in keys if len({parts.get(key) for parts in said.values()}) > 1]
    shown = varied or ["task", "layers"]
    return {
        number: ", ".join(parts[key] for key in shown if parts.get(key))
        for number, parts in said.items()
    }


def trial_names(settings: Sequence[Setting], grid: Grid) -> dict[str, str]:
    """Each trial's name by that of its folder: `rate 0.01, seed 2` for `setting000-seed2`."""
    names = setting_names(settings)
    return {
        setting.name(seed): f"{names[setting.number]}, seed {seed}"
        for setting in settings
        for seed in range(grid.seed, grid.seed + grid.seeds)
    }


def _parts(setting: Setting, names: Mapping[str, str]) -> dict[str, str]:
    made = {
        "task": setting.task,
        "twin": " → ".join(names[twin] for twin in setting.twins),
        "layers": f"{layers_text(setting.layers, setting.parallel).replace(',', '·')} nodes",
    }
    return made | {name: f"{_short(name)} {_plain(v)}" for name, v in setting.options.items()}


def _short(name: str) -> str:
    """`taps` for `taps+readout_taps`: what is tied has one name on screen."""
    return name.partition("+")[0].replace("_", " ")


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def sweep_words(
    rows: Sequence[Row], names: Mapping[int, str], metrics: Mapping[int, str]
) -> list[str]:
    """What the sweep says so far: the best setting, how near the next is, and plain software.

    Of several tasks the best setting of each, and software beside it.
    """
    known = [row for row in rows if row.mean is not None]
    if not known:
        return ["No setting is trained yet."]

    def of(row: Row) -> str:
        values = mean_words([value for value, _ in row.known], _metric(row, metrics))
        return f"{names[row.setting.number]}, {values}"

    leaders = _leaders(known)
    one = len({row.setting.task for row in rows}) == 1
    which = "Best by validation" if one else "Best of each task by validation"
    words = [f"{which}: {'; '.join(map(of, leaders))}."]
    if one and len(known) > 1:
        words.append(
            f"Next: {of(known[1])}. Chosen on the validation part; "
            "the score foreseen on unseen data stands beside it and chose nothing."
        )
    for row in leaders:
        subject = "the best setting" if one else names[row.setting.number]
        words += _beside_software(row, subject, _metric(row, metrics))
    failed = sum(len(row.failed) for row in rows)
    if failed:
        words.append(f"{count(failed, 'training')} failed; going on tries them again.")
    return words


def _beside_software(row: Row, subject: str, metric: str) -> list[str]:
    if not row.foreseen or row.software is None:
        return []
    name, value = row.software
    return [
        f"On unseen data {subject} is foreseen at {said(fmean(row.foreseen), metric)}; plain "
        f"software gets {said(value, metric)} there ({shown_name(name)})."
    ]


def metrics_of(settings: Sequence[Setting], grid: Grid, live: LiveTrials) -> dict[int, str]:
    """The metric of each setting's task, by its number, once a training has told it."""
    found: dict[str, str] = {}
    for setting in settings:
        for seed in range(grid.seed, grid.seed + grid.seeds):
            trial = live.trials.get(setting.name(seed))
            if trial is not None and trial.status == DONE and trial.values.get("metric"):
                found.setdefault(setting.task, str(trial.values["metric"]))
    return {one.number: found[one.task] for one in settings if one.task in found}

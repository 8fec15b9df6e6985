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


def sweep_rows(rows: Sequence[Row], metric: str, seeds: int) -> list[DotRow]:
    """The table's rows; the first with a score is the best."""
    names = setting_names([row.setting for row in rows])
    best = rows[0] if rows and rows[0].mean is not None else None
    return [_row(row, names[row.setting.number], metric, seeds, row is best) for row in rows]


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


def sweep_words(rows: Sequence[Row], names: Mapping[int, str], metric: str) -> list[str]:
    """What the sweep says so far: the best setting, how near the next is, and plain software."""
    known = [row for row in rows if row.mean is not None]
    if not known:
        return ["No setting is trained yet."]
    first = known[0]
    words = [f"Best by validation: {names[first.setting.number]}, "
             f"{mean_words([v for v, _ in first.known], metric)}."]  # fmt: skip
    if len(known) > 1:
        second = known[1]
        words.append(
            f"Next: {names[second.setting.number]}, "
            f"{mean_words([v for v, _ in second.known], metric)}. Chosen on the validation part; "
            "the score foreseen on unseen data stands beside it and chose nothing."
        )
    if first.foreseen and first.software is not None:
        name, value = first.software
        foreseen = said(fmean(first.foreseen), metric)
        words.append(
            f"On unseen data the best setting is foreseen at {foreseen}; plain software gets "
            f"{said(value, metric)} there ({shown_name(name)})."
        )
    failed = sum(len(row.failed) for row in rows)
    if failed:
        words.append(f"{count(failed, 'training')} failed; going on tries them again.")
    return words


def metric_of(live: LiveTrials) -> str:
    """The task's metric, once a training has told it."""
    told = (t.values.get("metric") for t in live.trials.values() if t.status == DONE)
    return str(next((metric for metric in told if metric), NMSE))

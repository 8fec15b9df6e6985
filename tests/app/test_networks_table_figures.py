"""The README's tables of networks, task by task, on the virtual rig with default noise.

    pytest -m full -s tests/app/test_networks_table_figures.py -k mackey

One task takes about 25 minutes of two cores, and the twin that all share another 8. With
`TWINRIG_TABLES=DIR` twin and tables are kept there, and what is there is not made again.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from scipy.stats import binomtest

from app.operations import demo
from app.operations.compare_networks import FILE_NAME, compare_networks, read_table
from app.operations.compare_networks_plan import (
    DETERMINISTIC,
    KINDS,
    NOISE_AWARE,
    UNTRAINED,
    Plan,
)
from app.operations.compare_networks_words import inside_words
from app.operations.demo_stages import FULL, stages
from app.operations.learning_events import TrialEnded
from app.report.networks_table import pooled_words
from app.report.networks_text import markdown
from instruments.bench import Bench
from instruments.bench_file import read_bench

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from app.operations.compare_networks_table import Row, Table

pytestmark = [pytest.mark.full, pytest.mark.timeout(3 * 3600)]
TWINS = 4  # stages of the demo: two recordings, two fits
EMG = {"layers": (120,), "kinds": KINDS, "iterations": 300, "options": {"refit": True}}
CASES = {  # those of the README
    "mackey-glass": {
        "task": "mackey-glass:h=5", "layers": (24, 24, 24), "kinds": KINDS, "iterations": 600,
        "options": {"taps": (0, 3, 6), "readout_taps": (0, 3, 6)},
    },
    "mackey-glass-without-delays": {
        "task": "mackey-glass:h=5", "layers": (40, 40, 40), "kinds": (NOISE_AWARE,),
        "iterations": 800,
    },
    "digits": {
        "task": "digits", "layers": (50, 50), "kinds": KINDS, "seeds": 1,
        "folds": 5, "iterations": 100,
        "options": {"taps": (0, 1, 2, 3), "readout_taps": (0, 2, 4)},
    },
    "emg-1": {"task": "emg:participant=1", **EMG},
    "emg-2": {"task": "emg:participant=2", **EMG},
}  # fmt: skip
LESS = 1.15  # hardware over foreseen
POINTS = 1.0


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with `twin` and `twin-deterministic` of the demo's recipe."""
    named = os.environ.get("TWINRIG_TABLES")
    folder = Path(named) if named else tmp_path_factory.mktemp("tables")
    folder.mkdir(parents=True, exist_ok=True)
    spec = read_bench("virtual")
    fast = replace(spec, virtual=replace(spec.virtual, accelerate=float("inf")))
    with Bench.connect(fast) as bench:
        for step in stages(folder, FULL, 0, bench)[:TWINS]:
            if not demo._is_finished(step):
                print(f"{step.words} …", flush=True)  # noqa: T201
                for _ in demo._run([step]):
                    pass
    return folder


def table_of(name: str, kept: Path) -> Table:
    """The table of a case, made or gone on with, and printed."""
    asked = {"seeds": 5, **CASES[name]}
    twin, plain = (str(kept / one) for one in ("twin", "twin-deterministic"))
    plan = Plan(twin=(twin,), deterministic=(plain,), bench=("virtual",), **asked)
    out = kept / f"table-{name}"
    begun = (out / FILE_NAME).is_file()
    for event in compare_networks(None if begun else plan, out, resume=begun):
        if isinstance(event, TrialEnded):
            shown = {k: event.values.get(k) for k in ("measured", "seconds")}
            print(f"[{event.ended}/{event.total}] {event.name}: {event.status} {shown}", flush=True)  # noqa: T201
    table = read_table(out)
    print(f"\n{markdown(table)}", flush=True)  # noqa: T201
    return table


def mean(row: Row | None) -> float:
    assert row is not None
    values = row.measured or row.predicted
    return sum(values) / len(values)


def software(table: Table, words: str) -> float:
    return mean(next(row for row in table.rows if words in row.label and not row.scores))


def said_of(table: Table) -> Iterator[str]:
    """What the issue asks of every task and isn't so."""
    row = table.row(NOISE_AWARE)
    assert row is not None
    if worse_than_foreseen([row]):
        yield f"intervals: {inside_words([row])}"
    lost = row.points if table.by_error else row.ratio
    if lost is None or lost > (POINTS if table.by_error else LESS):
        yield f"lost on the way to the device: {lost}"


def worse_than_foreseen(rows: Sequence[Row]) -> bool:
    """Whether more networks than chance has it are worse on the device than their interval.

    That none is better can't be asked: a twin with a little more noise than its device foretells
    all of its networks too badly. Of one demo's recordings a fit had 5 of 5 noise-aware networks
    inside (2026-11-28), another, of other arithmetic, 1 of 5 and four better (2026-12-02).
    """
    inside, of = (sum(row.within[i] for row in rows) for i in (0, 1))
    worse = of - inside - sum(row.better for row in rows)
    return bool(of and binomtest(worse, of, 0.05, alternative="greater").pvalue < 0.05)


def better(measured: float, others: dict[str, float]) -> Iterator[str]:
    """Which of these errors the noise-aware networks' `measured` one does not beat."""
    for name, other in others.items():
        if measured >= other:
            yield f"{name} is better: {other:.4g} against {measured:.4g}"


@pytest.mark.parametrize(
    ("name", "asked", "beaten"),
    [
        ("mackey-glass", 0.003, ("linear model", "state noise")),
        # three layers of 40 lose to AR-18, which the README says
        ("mackey-glass-without-delays", 0.006, ("state noise",)),
    ],
)
def test_mackey_glass(name: str, asked: float, beaten: tuple[str, ...], kept: Path) -> None:
    table = table_of(name, kept)
    others = {"what the issue asks": asked, **{one: software(table, one) for one in beaten}}
    assert not [*said_of(table), *better(mean(table.row(NOISE_AWARE)), others)]


def test_digits(kept: Path) -> None:
    table = table_of("digits", kept)
    others = {
        "what the issue asks": 0.05,
        "the sequential ESN of 100 nodes": 1 - 0.944,
        "the untrained device": mean(table.row(UNTRAINED)),
        "the read-out without the device": software(table, "no device"),
    }
    assert not [*said_of(table), *better(mean(table.row(NOISE_AWARE)), others)]


def test_emg(kept: Path) -> None:
    """Over both participants: those of one alone differ by less than its seeds do."""
    tables = [table_of(f"emg-{participant}", kept) for participant in (1, 2)]

    def pooled(error: Callable[[Table], float]) -> float:
        return sum(map(error, tables)) / len(tables)

    measured = pooled(lambda table: mean(table.row(NOISE_AWARE)))
    others = {
        "the untrained device": pooled(lambda table: mean(table.row(UNTRAINED))),
        "the deterministic twin": pooled(lambda table: mean(table.row(DETERMINISTIC))),
        "the read-out without the device": pooled(lambda table: software(table, "no device")),
        "logistic regression by more than 2 points": pooled(
            lambda table: software(table, "linear model") + 0.02
        ),
    }
    print(f"both participants: {measured:.4f}, {others}", flush=True)  # noqa: T201
    assert not [*(fault for table in tables for fault in said_of(table)), *better(measured, others)]


def test_pooled(kept: Path) -> None:
    """After the others, with their tables kept: the intervals over all tasks and seeds."""
    tables = [read_table(p.parent) for p in sorted(kept.glob(f"table-*/{FILE_NAME}"))]
    if not tables:
        pytest.skip("no table is kept: set TWINRIG_TABLES and run the tasks first")
    print(pooled_words(tables))  # noqa: T201
    assert not worse_than_foreseen([row for table in tables if (row := table.row(NOISE_AWARE))])

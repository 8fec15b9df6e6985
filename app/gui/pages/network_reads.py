"""What the Network page's form asks for, read from its rows."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.gui.network_asks import BEGUN, SWEEP, TABLE, TRAIN, Layout, TableAsk, TrainAsk
from app.gui.network_looked import head_blocks, head_layers
from app.gui.sweep_asks import SweepAsk, alternatives
from app.gui.train_words import Pool
from models.wiring import laid_out

if TYPE_CHECKING:
    from app.gui.begun import Begun
    from app.gui.network_run import Ask
    from app.gui.pages.network_form import NetworkForm
    from app.session import Session

BETWEEN = re.compile(r"\s*([,+])\s*")
MOST_NODES = 4096


def layout_of(text: str) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Nodes of each layer, and which stand beside the one before; None where it reads otherwise."""
    found = laid_out(BETWEEN.sub(r"\1", text.strip()))
    return found if found is not None and sum(found[0]) <= MOST_NODES else None


def every_layers(rows: NetworkForm) -> list[tuple[int, ...]] | None:
    """The layers of each network that the form asks for; None where one reads otherwise."""
    text = rows.layers.text()
    parts = alternatives(text) if rows.kind.value == SWEEP else [text]
    found = [layout for part in parts if (layout := layout_of(part)) is not None]
    if rows.kind.value != TRAIN and any(beside for _, beside in found):
        return None
    return [nodes for nodes, _ in found] if found and len(found) == len(parts) else None


def asked(rows: NetworkForm, session: Session, bench_file: str) -> Ask | None:
    """What is asked for; None where a twin or the layers are missing."""
    kind = rows.kind.value
    if kind == BEGUN:
        return _begun(rows, session)
    origin = rows.begins_with
    if origin is not None:
        return TrainAsk(
            str(origin.head.get("meta", {}).get("task", "")), Path(), head_layers(origin.head),
            *_numbers(rows), Layout(cascade=rows.cascade.isChecked(), more=rows.more.text()),
            Pool(rows.workers.text()), origin.path, head_blocks(origin.head),
        )  # fmt: skip
    twin, layers = rows.twin.currentData(), every_layers(rows)
    if twin is None or layers is None:
        return None
    further = tuple(path for path in rows.ensemble.chosen if path != twin)
    pool = Pool(rows.workers.text())
    if kind == SWEEP:
        return SweepAsk(
            rows.task_texts, (Path(twin), *further), tuple(layers), *_numbers(rows),
            rows.wiring.text(), rows.taps.text(), rows.more.text(), pool,
        )  # fmt: skip
    beside = layout_of(rows.layers.text())
    layout = Layout(
        rows.wiring.text(), rows.taps.text(), further, rows.cascade.isChecked(), rows.more.text(),
        () if beside is None else beside[1],
    )  # fmt: skip
    common = (rows.task_text, Path(twin), layers[0], *_numbers(rows))
    if kind != TABLE:
        first, *others = rows.layer_twins.twins(Path(twin)) or (Path(twin),)
        ask = TrainAsk(*common, layout, pool)
        return replace(ask, twin=first, next_layers=tuple(others))
    virtual = session.spec.virtual
    place = (bench_file or "virtual") if rows.measure.currentData() else None
    in_pool = virtual is not None and virtual.device is not None
    return TableAsk(
        *common, rows.folds.value(), replace(layout, cascade=False), place, in_pool, session.bench,
        pool, tuple(rows.kinds.chosen), rows.deterministic.currentData(),
    )  # fmt: skip


def _numbers(rows: NetworkForm) -> tuple[int, int, int]:
    """Iterations, first seed, seeds."""
    return rows.iterations.value(), rows.seed.value(), rows.seeds.value()


def _begun(rows: NetworkForm, session: Session) -> Begun | None:
    """The one that is chosen to go on."""
    for one in rows.unfinished:
        if one.path == rows.which.currentData():
            return replace(one, pool=Pool(rows.workers_again.text()), bench=session.bench)
    return None

"""What the Network page's form asks for, read from its rows."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.gui.network_asks import BEGUN, SWEEP, TABLE, TRAIN, Layout, TrainAsk
from app.gui.network_looked import devices_of, head_blocks, head_layers, head_task, paired
from app.gui.offered import state
from app.gui.pace import train_s
from app.gui.preflight_several import miscounted
from app.gui.sweep_asks import SweepAsk, alternatives
from app.gui.table_asks import TableAsk
from app.gui.train_words import Pool
from app.gui.words import BEING_READ, about
from app.operations.sweep_grid import layouts_of
from models.errors import InputError
from models.wiring import laid_out

if TYPE_CHECKING:
    from app.gui.begun import Begun
    from app.gui.network_run import Ask
    from app.gui.pages.network_form import NetworkForm
    from app.library.folders import Artefact
    from app.session import Session

BETWEEN = re.compile(r"\s*([,+])\s*")
MOST_NODES = 4096  # of a network: what the page draws and offers to measure node by node


def layout_of(text: str) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Nodes of each layer, and which stand beside the one before; None where it reads otherwise."""
    found = laid_out(BETWEEN.sub(r"\1", text.strip()))
    return found if found is not None and sum(found[0]) <= MOST_NODES else None


def every_layout(rows: NetworkForm) -> list[tuple[tuple[int, ...], tuple[int, ...]]] | None:
    """Layout of each network that the form asks for; None where one reads otherwise."""
    parts = _layouts(rows)
    found = [layout for part in parts if (layout := layout_of(part)) is not None]
    return found if found and len(found) == len(parts) else None


def layers_problem(rows: NetworkForm) -> str:
    """What is wrong with the entry of layers; empty where nothing is."""
    if every_layout(rows) is not None:
        return ""
    for part in _layouts(rows):
        words = BETWEEN.split(part.strip())[::2]
        nodes = sum(float(one) for one in words if one.isdecimal())  # of any length
        if nodes > MOST_NODES:
            return f"{nodes:.7g} nodes: a network has at most {MOST_NODES}"
    return "layers read like 16, 16, 16, or 8+4, 16"


def words_of(rows: NetworkForm, ask: Ask, *, again: bool) -> tuple[str, str]:
    """What a press does, and its cost; of trainings with their time, where that can be foreseen."""
    verb, cost = ask.words(again)
    if isinstance(ask, TrainAsk | SweepAsk) and (time := about(train_s(ask, rows.networks))):
        return verb, f"{time} · {cost}"
    return verb, cost


def _layouts(rows: NetworkForm) -> list[str]:
    text = rows.layers.text()
    return alternatives(text) if rows.kind.value == SWEEP else [text]


def each_twin(rows: NetworkForm) -> tuple[Path, ...]:
    """The twin of each layer; one where all have the same, none where there is none."""
    twin = rows.twin.currentData()
    return () if twin is None else rows.layer_twins.twins(Path(twin)) or (Path(twin),)


def missing(rows: NetworkForm, *, unread: bool) -> str:
    """What there must be, or be chosen, first; `unread`: the library was not read yet."""
    if rows.kind.value == BEGUN:
        none = BEING_READ if unread else "nothing ended early in this library"
        return "" if rows.unfinished else none
    if rows.kind.value == TRAIN and (fault := rows.origin.fault):
        return f"the network is {state(fault)}: choose another"
    if rows.begins_with is not None:
        return ""
    if wrong := layers_problem(rows):
        return wrong
    if rows.twin.currentData() is None:
        return BEING_READ if unread else "fit a twin first"
    return _lost_twin(rows)


def _lost_twin(rows: NetworkForm) -> str:
    """Which of the chosen twins can't be used any more; empty where each can."""
    if fault := rows.twin.fault:
        return f"the twin is {state(fault)}: choose another"
    for one in rows.layer_twins.lost:
        return f"{one.words}: choose another twin for its layer"
    further = [one for one in rows.ensemble.lost if one.value in rows.further]
    for one in [*further, *(rows.deterministic.lost if rows.kind.value == TABLE else ())]:
        return f"{one.words}: untick it"
    return ""


def asked(rows: NetworkForm, session: Session, bench_file: str) -> Ask | None:
    """What is asked for; None where a twin or the layers are missing."""
    if rows.kind.value == BEGUN:
        return _begun(rows, session)
    if rows.begins_with is not None:
        return _further(rows, rows.begins_with)
    twins, layouts = each_twin(rows), every_layout(rows)
    if not twins or layouts is None:
        return None
    if rows.kind.value == SWEEP:
        return _sweep(rows, layouts)
    layout = Layout(
        rows.wiring.text(), rows.taps.text(), tuple(rows.further), rows.cascade.isChecked(),
        rows.more.text(), layouts[0][1],
    )  # fmt: skip
    common = (rows.task_text, twins[0], layouts[0][0], *_numbers(rows))
    if rows.kind.value != TABLE:
        return TrainAsk(*common, layout, Pool(rows.workers.text()), next_layers=twins[1:])
    ask = TableAsk(
        *common, rows.folds.value(), replace(layout, cascade=False), session=session,
        pool=Pool(rows.workers.text()), kinds=tuple(rows.kinds.chosen), next_layers=twins[1:],
    )  # fmt: skip
    return _placed(ask, rows, twins, bench_file or "virtual")


def _further(rows: NetworkForm, origin: Artefact) -> TrainAsk:
    """A network that goes on being trained."""
    return TrainAsk(
        head_task(origin.head), Path(), head_layers(origin.head),
        *_numbers(rows), Layout(cascade=rows.cascade.isChecked(), more=rows.more.text()),
        Pool(rows.workers.text()), origin.path, head_blocks(origin.head),
    )  # fmt: skip


def _sweep(rows: NetworkForm, layouts: list[tuple[tuple[int, ...], tuple[int, ...]]]) -> SweepAsk:
    """A grid: each further twin is once the usual one, of the layers that have no other."""
    usual = (Path(rows.twin.currentData()), *rows.further)
    twins = tuple(rows.layer_twins.twins(one) or (one,) for one in usual)
    laid = layouts_of(layouts)
    return SweepAsk(
        rows.task_texts, twins, laid["layers"], *_numbers(rows), rows.wiring.text(),
        rows.taps.text(), rows.more.text(), Pool(rows.workers.text()), laid["parallel"],
    )  # fmt: skip


def _placed(ask: TableAsk, rows: NetworkForm, twins: tuple[Path, ...], here: str) -> TableAsk:
    """A table with its benches and twins without noise, or with what is wrong with them."""
    benches = (here, *rows.benches.further) if rows.measure.currentData() else ()
    devices, wrong = devices_of(twins, rows.twin_heads), ""
    if benches and devices:
        wrong = miscounted(len(devices), len(benches))
    try:
        plain = paired(twins, rows.deterministic.chosen, rows.twin_heads)
    except InputError as error:
        return replace(ask, benches=benches, wrong=wrong or str(error))
    return replace(ask, benches=benches, deterministic=plain, wrong=wrong)


def _numbers(rows: NetworkForm) -> tuple[int, int, int]:
    """Iterations, first seed, seeds."""
    return rows.iterations.value(), rows.seed.value(), rows.seeds.value()


def _begun(rows: NetworkForm, session: Session) -> Begun | None:
    """The one that is chosen to go on."""
    for one in rows.unfinished:
        if one.path == rows.which.currentData():
            return replace(one, pool=Pool(rows.workers_again.text()), session=session)
    return None

"""The torch half of a polishing: asks for what the device answers, learns, keeps checkpoints."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from app.fit_checkpoint import FILE_NAME, load_checkpoint, remove_checkpoint, save_checkpoint
from app.operations.events import Note, Stage
from app.operations.polish_talk import DrivesAsked, PassesDone, PassesPlanned, PassScored
from app.operations.train_setup import CLASS_RIDGE
from app.operations.transfer_torch import FORESEEN_SEED, fresh_meta, read
from app.recording_reader import read_recording
from app.store import save_network
from models.errors import InputError, StoppedError
from models.paths import file_at
from training.course import RIDGE
from training.foresee import Readout
from training.origin import BY_MEMORY, knows_validation
from training.polish import Polisher
from training.polish_settings import PolishSettings
from training.stretch import layers_of, on_task, readout_of

if TYPE_CHECKING:
    from collections.abc import Generator

    from app.operations.events import Event
    from app.operations.polish_talk import Answers
    from app.train_twins import TwinSet
    from models.network import Network


def polish(
    network: Path, out: Path, runs: int, rate: float, seed: int, answers: Answers,
    meta: dict[str, Any],
) -> Generator[Event, None, dict[str, Any]]:  # fmt: skip
    """Train on the device as `Polisher` does, keep the best network in `out`; returns the values.

    Raises
    ------
    InputError
        Too few runs, or a checkpoint of another polishing.
    StoppedError
        Whoever answers has gone.
    """
    torch.set_num_threads(1)
    loaded, task, twins = read(network)
    if knows_validation(loaded):
        yield Note(BY_MEMORY.format("the network"), "warning")
    ridge = CLASS_RIDGE if task.classes else RIDGE  # as they were trained
    settings = PolishSettings(passes=runs // loaded.nodes, rate=rate, seed=seed, ridge=ridge)
    layers = layers_of(loaded, task, twins.models)
    polisher = Polisher(layers, readout_of(loaded), task, settings)
    if file_at(out / FILE_NAME):
        arrays, numbers = load_checkpoint(out)
        if numbers.get("kind") != "polish":
            raise InputError(f"{out}: its checkpoint is not that of a polishing")
        polisher.restore(arrays, numbers)
    else:
        yield Note("a first read-out from the twin, which what is measured replaces")
        polisher.begin()
        _save(polisher, out)
    lengths = [polisher.stretch(k) for k in range(settings.passes)]
    yield PassesPlanned(tuple(s.stop - s.start for s in lengths), polisher.state.done)
    for index in range(polisher.state.done, settings.passes):
        found = yield from _measured(polisher, index, answers)
        _save(polisher, out)
        yield PassScored(index, settings.passes, settings.kind(index), found)
    yield PassesDone()
    meta = {**meta, "hardware_runs": meta["hardware_runs"] + _answer(answers)}  # void ones
    yield Stage("score to expect on the device")
    polisher.keep_best()
    return _finished(loaded, polisher, twins, out, meta)


def _measured(polisher: Polisher, index: int, answers: Answers) -> Generator[Event, None, float]:
    """One pass whose responses come from `answers`; returns its score."""
    running, layer = polisher.run(index), 0
    drives = next(running)
    while True:
        yield DrivesAsked(index, layer, drives)
        try:
            drives, layer = running.send(_answer(answers)), layer + 1
        except StopIteration as end:
            return float(end.value)


def _answer(answers: Answers) -> Any:
    try:
        return answers.recv()
    except (EOFError, OSError) as gone:
        raise StoppedError("polish: nobody measures any more") from gone


def _save(polisher: Polisher, out: Path) -> None:
    save_checkpoint(out, polisher.arrays(), {"kind": "polish", **polisher.numbers()})


def _finished(
    loaded: Network, polisher: Polisher, twins: TwinSet, out: Path, meta: dict[str, Any]
) -> dict[str, Any]:
    """Keep the best network, foreseen by the twin; returns what the result says of it."""
    state, task = polisher.state, polisher.task
    weights, bias = polisher.weights.double(), polisher.bias.double()
    readout = Readout(weights, bias, polisher.settings.ridge)
    seed = int(loaded.meta.get("seed", 0)) + FORESEEN_SEED
    made = on_task(loaded, polisher.layers, readout, task, seed)
    best = min(value for _, value in state.validation)
    said = {
        **loaded.meta, **fresh_meta(out), **meta, "validation": best,
        "polished": {"validation": state.validation, "rate": polisher.settings.rate},
    }  # fmt: skip
    if polisher.state.best and best < state.validation[0][1]:
        said["iterations"] = max(int(loaded.meta.get("iterations", 0)), polisher.settings.passes)
    path = save_network(out, replace(made, twins=twins.references, meta=said))
    remove_checkpoint(out)
    return {
        "path": str(path), "predicted": made.predicted, "baselines": made.baselines,
        "validation_before": state.validation[0][1], "validation": best,
        "validation_passes": len(state.validation),
        "recorded_runs": recorded_runs(twins),
    }  # fmt: skip


def recorded_runs(twins: TwinSet) -> int | None:
    """Repeats that the twins were fitted on, validated and scored with; None: files are gone."""
    paths = {
        str(parent.get("path"))
        for member in twins.twins for twin in member for parent in twin.meta.get("parents", [])
    }  # fmt: skip
    if not paths or not all(file_at(path) for path in paths):
        return None
    return sum(int(read_recording(Path(path)).complete.sum()) for path in paths)

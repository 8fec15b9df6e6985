"""Train a network of twins for a task: baselines, training, read-out, the score to expect."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from app.fit_checkpoint import remove_checkpoint, save_checkpoint
from app.operations.events import (
    BaselineScored,
    NetworkState,
    Note,
    Result,
    Stage,
    TrainProgress,
)
from app.run_lock import RunLock
from app.store import code_version, new_directory, new_id, now_iso, save_network
from app.train_request import Request, TwinSet, checkpoint_of, request_of
from models import kernel
from models.errors import InputError, raise_problems
from training.baselines import software_baselines
from training.compile import compile_network, with_record
from training.foresee import (
    RIDGES,
    Foreseen,
    Readout,
    best_readout,
    device_spread,
    foresee,
    untrained_layers,
)
from training.layers import NodeLayers
from training.readout import RIDGE
from training.tasks import make_task
from training.train import Trainer, TrainSettings, train_layers

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from app.operations.events import Event
    from training.tasks import Task
    from training.train import TrainState

CHECKPOINT_EVERY_S = 10.0
PICTURE_EVERY_S = 3.0
STAGES = 4
UNTRAINED = "untrained network"


def train(
    task: str | None,
    twins: Sequence[Path] | None,
    layers: Sequence[int] | None,
    out: Path,
    *,
    iterations: int | None = None,
    seed: int = 0,
    resume: bool = False,
    judge: Path | None = None,
    readout_from_judge: bool = False,
) -> Generator[Event, None, Path]:
    """Train a network and foresee its score on the device; returns its `network.json`.

    Closing the generator keeps a checkpoint in `out`; `resume=True` goes on from it.

    Parameters
    ----------
    task
        Name and options, such as `mackey-glass:h=5`.
    twins
        One twin for all layers, or one a layer.
    layers
        Nodes of each layer.
    out
        A new folder, or with `resume` that of the training that ended early; the checkpoint
        there knows all else.
    iterations
        Gradient steps; 0: an untrained network with a trained read-out.
    judge
        A stochastic twin that judges a deterministic one's read-out; see `Request`.

    Raises
    ------
    InputError
        An unknown task, a twin that can't be read, layers that don't fit, `out` in use.
    RefusedError
        Another program trains there.
    TwinrigError
        The training diverged, or the disk refuses.
    """
    torch.set_num_threads(1)
    out = Path(out)
    if resume:
        arrays, numbers = checkpoint_of(out)
        request = request_of(numbers, out)
    else:
        count = TrainSettings().iterations if iterations is None else iterations
        request = Request(
            task or "",
            tuple(str(Path(path).resolve()) for path in twins or ()),
            tuple(int(nodes) for nodes in layers or ()),
            count,
            seed,
            None if judge is None else str(Path(judge).resolve()),
            readout_from_judge,
        )
    made = make_task(request.task)
    read = TwinSet.read(request.twins, len(request.layers))
    judges = TwinSet.read([request.judge], len(request.layers)) if request.judge else None
    yield Note(made.describe())
    yield Note(f"twins run by {kernel.describe()}")
    if not resume:
        new_directory(out)
    with RunLock(out):
        run = _Training(request, made, read, judges, out)
        if resume:
            run.restore(arrays, numbers)
        return (yield from run.events())


class _Training:
    """One training from its baselines to its artefact."""

    def __init__(
        self, request: Request, task: Task, twins: TwinSet, judges: TwinSet | None, out: Path
    ) -> None:
        self.request, self.task, self.twins, self.judges = request, task, twins, judges
        self.out, self.baselines = out, dict[str, float]()
        self.trainer: Trainer | None = None

    def restore(self, arrays: dict[str, Any], numbers: dict[str, Any]) -> None:
        """Go on from a checkpoint; InputError where a twin has changed since."""
        problems = [
            f"{reference.path} has changed since the training began; train anew"
            for reference, known in zip(self.twins.references, numbers["twins"], strict=True)
            if reference.sha256 != known
        ]
        raise_problems(InputError, "train", problems)
        self.baselines = dict(numbers["baselines"])
        self.trainer = self._new_trainer()
        self.trainer.restore(arrays, numbers)

    def events(self) -> Generator[Event, None, Path]:
        """Everything in order; returns the path of the artefact."""
        began = time.monotonic()
        yield Stage("baselines", 1, STAGES)
        yield from self._baselines()
        layers: NodeLayers
        extra: dict[str, Any] = {}
        if self.request.iterations == 0:
            layers, gain = self._untrained()
            extra["gain"] = gain
            yield Note(f"untrained, at its best gain by validation: {gain:g}")
        else:
            yield Stage("training", 2, STAGES)
            yield from self._train()
            if self.trainer is None:
                raise AssertionError("trained without a trainer")
            layers = self.trainer.layers
            extra["validation"] = self.trainer.best_validation
        yield Stage("read-out", 3, STAGES)
        readout = self._readout(layers)
        yield Stage("score to expect on the device", 4, STAGES)
        foreseen = foresee(layers, readout, self.task, self.request.seed + 2)
        if self.judges is not None:
            judged = foresee(self._judge(layers), readout, self.task, self.request.seed + 2)
            extra["judged"] = judged.predicted
        extra["seconds"] = round(time.monotonic() - began, 1)
        return (yield from self._finish(layers, readout, foreseen, extra))

    def _baselines(self) -> Iterator[Event]:
        """Those that a checkpoint has already are not computed again."""
        stochastic = self.judges or self.twins
        spread = round(device_spread(stochastic.models[0]), 3) or None
        nodes = sum(self.request.layers)
        if not self.baselines:
            for name, value in software_baselines(self.task, nodes, spread, self.request.seed):
                self.baselines[name] = value
                yield BaselineScored(name, value)
        if UNTRAINED not in self.baselines and self.request.iterations > 0:
            layers, _ = self._untrained()
            readout = best_readout(layers, self.task, [RIDGE], self._draw())
            foreseen = foresee(layers, readout, self.task, self.request.seed + 2)
            self.baselines[UNTRAINED] = foreseen.predicted["value"]
            yield BaselineScored(UNTRAINED, self.baselines[UNTRAINED])

    def _untrained(self) -> tuple[NodeLayers, float]:
        # of the device as it is: the judge, where the network's own twins have no noise
        twins = self.twins if self.request.iterations == 0 else self.judges or self.twins
        request = self.request
        return untrained_layers(twins.models, twins.ranges, request.layers, self.task, request.seed)

    def _new_trainer(self) -> Trainer:
        request, twins = self.request, self.twins
        draw = torch.Generator().manual_seed(request.seed)
        inputs = self.task.inputs.shape[1]
        layers = NodeLayers(twins.models, twins.ranges, request.layers, inputs, draw)
        settings = TrainSettings(iterations=request.iterations, seed=request.seed)
        return Trainer(self.task, layers, settings)

    def _train(self) -> Iterator[Event]:
        """Train; whatever ends it, a checkpoint of the last iteration is left."""
        if self.trainer is None:
            self.trainer = self._new_trainer()
            self.trainer.begin()
        saved = drawn = time.monotonic()
        try:
            for state in train_layers(self.trainer):
                now = time.monotonic()
                yield self._progress(state)
                if now - drawn >= PICTURE_EVERY_S or state.iteration == self.request.iterations:
                    drawn = now
                    yield NetworkState(state.weights, state.readout, state.histogram)
                if now - saved >= CHECKPOINT_EVERY_S:
                    saved = now
                    self._save_checkpoint(self.trainer)
        finally:
            if self.trainer.iteration > 0:
                self._save_checkpoint(self.trainer)

    def _progress(self, state: TrainState) -> TrainProgress:
        elapsed_s = 0.0 if self.trainer is None else self.trainer.elapsed_s
        total, seed = self.request.iterations, self.request.seed
        return TrainProgress(
            state.iteration, total, state.training, state.validation, elapsed_s, seed
        )

    def _save_checkpoint(self, trainer: Trainer) -> None:
        numbers = {
            **trainer.numbers(),
            "kind": "training",
            "request": asdict(self.request),
            "twins": [reference.sha256 for reference in self.twins.references],
            "baselines": self.baselines,
        }
        save_checkpoint(self.out, trainer.arrays(), numbers)

    def _draw(self) -> torch.Generator:
        """Noise under a read-out; always the same, whether or not the training was resumed."""
        return torch.Generator().manual_seed(self.request.seed + 3)

    def _judge(self, layers: NodeLayers) -> NodeLayers:
        return layers if self.judges is None else layers.through(self.judges.models)

    def _readout(self, layers: NodeLayers) -> Readout:
        """Without noise no ridge is right by itself: several are tried."""
        judge = self._judge(layers)
        if layers.noisy or self.request.readout_from_judge:
            fitted = judge if self.request.readout_from_judge else layers
            return best_readout(fitted, self.task, [RIDGE], self._draw())
        return best_readout(layers, self.task, RIDGES, self._draw(), judge=judge)

    def _finish(
        self, layers: NodeLayers, readout: Readout, foreseen: Foreseen, extra: dict[str, Any]
    ) -> Generator[Event, None, Path]:
        request, twins = self.request, self.twins
        network = compile_network(
            layers, readout, foreseen, self.task, twins.twins[0], twins.references
        )
        meta = {
            "id": new_id("net"),
            "created": now_iso(),
            "code_version": code_version(),
            "parents": [asdict(reference) for reference in twins.references],
            "deterministic": not layers.noisy,
            "ridge": readout.ridge,
            "draws": len(foreseen.scores),
            **asdict(request),
            **extra,
        }
        path = save_network(self.out, with_record(network, self.baselines, meta))
        remove_checkpoint(self.out)
        yield Result(
            {
                "path": str(path),
                "task": self.task.name,
                "metric": self.task.metric,
                "predicted": foreseen.predicted,
                "baselines": self.baselines,
                "description": self.task.describe(),
                "nodes": network.nodes,
                "ridge": readout.ridge,
                **extra,
            }
        )
        return path

"""Train a network of twins for a task: baselines, training, read-out, the score to expect."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch

from app.advice import training_advice
from app.device_words import devices_words
from app.diagnosis import outputs_words
from app.fit_checkpoint import remove_checkpoint, save_checkpoint
from app.operations.events import Note, Result, Stage
from app.operations.finished_training import finished_training
from app.operations.learning_events import NetworkState, TrainProgress
from app.operations.train_baselines import baselines
from app.operations.train_reuse import OF_LAYERS, Beside, take_layers
from app.operations.train_setup import Setup, of_origin
from app.run_lock import RunLock
from app.store import code_version, new_directory, new_id, now_iso, save_network
from app.train_request import Request, TrainOptions, checkpoint_of, request_of, several
from app.twin_digests import changed, digests_of
from models import kernel
from models.errors import InputError, raise_problems
from models.network_parts import distinct
from training.compile import compile_network, with_record
from training.course import TrainSettings
from training.foresee import Foreseen, Readout, foresee
from training.layers import unasked
from training.refit import Refit
from training.train import Trainer, train_layers
from training.trainer_state import arrays_of, numbers_of, restore

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

    from app.operations.events import Event
    from instruments.clock import Stop
    from training.layers import NodeLayers
    from training.train import TrainState

CHECKPOINT_EVERY_S = 10.0
PICTURE_EVERY_S = 3.0
STAGES = 4


def train(
    task: str | None,
    twins: Sequence[Path | str] | None,
    layers: Sequence[int] | None,
    out: Path,
    *,
    iterations: int | None = None,
    seed: int = 0,
    resume: bool = False,
    judge: Path | str | Sequence[Path | str] | None = None,
    readout_from_judge: bool = False,
    options: TrainOptions | Mapping[str, Any] | None = None,
    beside: Sequence[Path | str] = (),
    stop: Stop | None = None,
) -> Generator[Event, None, Path]:
    """Train a network and foresee its score on the device; returns its `network.json`.

    Closing the generator keeps a checkpoint in `out`; `resume=True` goes on from it.

    Parameters
    ----------
    task
        Name and options, such as `mackey-glass:h=5`; None: that of `options.origin`.
    twins
        One twin for all layers, or one a layer, of whatever devices; None: those of
        `options.origin`.
    layers
        Nodes of each layer; None: those of `options.origin`.
    out
        A new folder, or with `resume` that of the training that ended early; the checkpoint
        there knows all else. Finished, it tells its result once more.
    iterations
        Gradient steps; 0: an untrained network with a trained read-out.
    judge
        A stochastic twin that judges a deterministic one's read-out, or one a layer; see `Request`.
    options
        Wiring, ensemble, cascade and the like, also as JSON.
    beside
        Finished networks, of which is taken what would be computed the same once more
        (`app.operations.train_reuse`).
    stop
        Heard between two events, too, where they are minutes apart; None: nobody asks.

    Raises
    ------
    InputError
        An unknown task, a twin that can't be read, layers that don't fit, `out` in use, a network
        to go on from that was trained on the task's test part.
    RefusedError
        Another program trains there, or a deployment would take longer than `max_hours`.
    StoppedError
        By `stop`, as on closing.
    TwinrigError
        The training diverged, or the disk refuses.
    """
    # long by its arguments and what they mean: its steps are few, each a function of its own
    torch.set_num_threads(1)
    out = Path(out)
    if resume and (done := finished_training(out)) is not None:
        yield Result(done)
        return Path(done["path"])
    if resume:
        arrays, numbers = checkpoint_of(out)
        request = request_of(numbers, out)
    else:
        said = options if isinstance(options, TrainOptions) else TrainOptions.of(options or {})
        named, through, sizes = of_origin(task, twins, layers, said)
        count = TrainSettings().iterations if iterations is None else iterations
        judges, nodes = _resolved(several(judge)), tuple(int(size) for size in sizes)
        request = Request(
            named, _resolved(through), nodes, count, seed, judges, readout_from_judge, said
        )
    setup = Setup.of(request, unasked if stop is None else stop.check)
    yield Note(setup.task.describe())
    yield Note(f"twins run by {kernel.describe()}")
    yield from (Note(words, "warning") for words in setup.warnings)
    yield from (Note(words) for words in devices_words(*distinct(setup.twins.devices)))
    if not resume:
        new_directory(out)
    with RunLock(out):
        run = _Training(setup, out, Beside([Path(path) for path in beside], setup))
        if resume:
            run.restore(arrays, numbers)
        else:
            run.save_checkpoint()  # a stop may come at once
        return (yield from run.events())


def _resolved(paths: Sequence[Path | str]) -> tuple[str, ...]:
    return tuple(str(Path(path).resolve()) for path in paths)


class _Training:
    """One training from its baselines to its artefact."""

    def __init__(self, setup: Setup, out: Path, beside: Beside) -> None:
        self.setup, self.request, self.task = setup, setup.request, setup.task
        self.out, self.baselines, self.beside = out, dict[str, float](), beside
        self.trainer: Trainer | None = None
        self.began_s, self.earlier_s = time.monotonic(), 0.0  # of the sessions before
        named = (*self.request.twins, *self.request.options.ensemble, *self.request.judge)
        self.data = digests_of(named, [self.request.task])

    def restore(self, arrays: dict[str, Any], numbers: dict[str, Any]) -> None:
        """Go on from a checkpoint; InputError where a twin or the data changed since."""
        problems = changed(numbers.get("data", {}), "the training began")
        raise_problems(InputError, "train", problems)
        self.baselines = dict(numbers["baselines"])
        self.earlier_s = float(numbers.get("seconds", 0.0))
        if not arrays:
            return  # ended before its first iteration was kept
        self.trainer = self.setup.trainer(Refit if numbers.get("refit") else Trainer)
        restore(self.trainer, arrays, numbers)

    def events(self) -> Generator[Event, None, Path]:
        """Everything in order; returns the path of the artefact."""
        yield Stage("baselines", 1, STAGES)
        yield from baselines(self.setup, self.beside, self.baselines)
        if self.trainer is None:
            self.save_checkpoint()
        layers: NodeLayers
        extra: dict[str, Any] = {}
        if self.request.iterations == 0:
            layers, gain = self.setup.untrained()
            extra["gain"] = gain
            yield Note(f"untrained, at its best gain by validation: {gain:g}")
        else:
            yield Stage("training", 2, STAGES)
            yield from self._train()
            if self.trainer is None:
                raise AssertionError("trained without a trainer")
            if self.setup.origin is not None and self.trainer.best_iteration == 0:
                yield Note(
                    "no iteration was better on the validation part than the network to go on "
                    "from: its layers stay"
                )
            layers = self.trainer.layers
            extra["validation"] = self.trainer.best_validation
            extra[OF_LAYERS] = self.trainer.best_validation
            extra["trained"] = self.trainer.iteration
        yield Stage("read-out", 3, STAGES)
        chosen = layers if self.trainer is None else self.trainer.chosen_layers()
        layers.between = chosen.between = self.setup.between
        readout = self.setup.readout(layers, chosen)
        if readout.validation is not None:  # of the very read-out that is deployed
            extra["validation"] = readout.validation
        yield Stage("score to expect on the device", 4, STAGES)
        foreseen = foresee(layers, readout, self.task, self.request.seed + 2)
        yield from (Note(words) for words in outputs_words(foreseen.outputs, "foreseen "))
        if self.setup.judges is not None:
            judge = self.setup.judge(layers)
            extra["judged"] = foresee(judge, readout, self.task, self.request.seed + 2).predicted
        extra["seconds"] = self._seconds()
        return (yield from self._finish(layers, readout, foreseen, extra))

    def _train(self) -> Iterator[Event]:
        """Train, and where it was asked for once more on both parts."""
        if self.trainer is None:
            self.trainer = self.setup.trainer()
            if (same := self.beside.trained()) is not None:
                yield Note("layers are those of a network beside this one: the same training")
                take_layers(self.trainer, same)
                return
            self.trainer.layers.between = self.setup.between
            self.trainer.begin(measured=self.setup.origin is not None)
            self.trainer.layers.between = unasked  # a stop is heard between whole iterations
        first = self.trainer
        yield from self._steps(first)
        if not self.request.options.refit or isinstance(first, Refit):
            return
        yield Note(
            f"best by validation after {first.best_iteration} iterations: once more for as long, "
            "on the training and validation parts together"
        )
        self.trainer = again = cast("Refit", self.setup.trainer(Refit))
        again.follow(first)
        yield from self._steps(again)

    def _steps(self, trainer: Trainer) -> Iterator[Event]:
        """Iterate; whatever ends it, a checkpoint of the last iteration is left."""
        saved = drawn = time.monotonic()
        try:
            for state in train_layers(trainer):
                now = time.monotonic()
                yield self._progress(state)
                if now - drawn >= PICTURE_EVERY_S or trainer.ended:
                    drawn = now
                    yield NetworkState(state.weights, state.readout, state.histogram)
                if now - saved >= CHECKPOINT_EVERY_S:
                    saved = now
                    self.save_checkpoint(trainer)
        finally:
            if trainer.iteration > 0:
                self.save_checkpoint(trainer)

    def _progress(self, state: TrainState) -> TrainProgress:
        elapsed_s = 0.0 if self.trainer is None else self.trainer.elapsed_s
        total, seed = self.request.iterations, self.request.seed
        return TrainProgress(
            state.iteration, total, state.training, state.validation, elapsed_s, seed,
            self.task.metric,
        )  # fmt: skip

    def _seconds(self) -> float:
        return round(self.earlier_s + time.monotonic() - self.began_s, 3)

    def save_checkpoint(self, trainer: Trainer | None = None) -> None:
        """Keep how far it is; None: what is asked for, and the baselines that are known."""
        numbers = {
            **({} if trainer is None else numbers_of(trainer)),
            "kind": "training",
            "request": asdict(self.request),
            "data": self.data,
            "baselines": self.baselines,
            "refit": isinstance(trainer, Refit),
            "seconds": self._seconds(),
        }
        save_checkpoint(self.out, {} if trainer is None else arrays_of(trainer), numbers)

    def _finish(
        self, layers: NodeLayers, readout: Readout, foreseen: Foreseen, extra: dict[str, Any]
    ) -> Generator[Event, None, Path]:
        request, twins = self.request, self.setup.twins
        of = (twins.devices, twins.references)
        network = compile_network(layers, readout, foreseen, self.task, *of)
        meta = {
            "id": new_id("net", self.out),
            "created": now_iso(),
            "code_version": code_version(),
            **self.setup.descent,
            "deterministic": not layers.noisy,
            "ridge": readout.ridge,
            "draws": len(foreseen.scores),
            **asdict(request),
            **extra,
        }
        path = save_network(self.out, with_record(network, self.baselines, meta))
        remove_checkpoint(self.out)
        advice = training_advice(network.past, foreseen.predicted["value"], self.baselines)
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
                **({"advice": advice} if advice else {}),
            }
        )
        return path

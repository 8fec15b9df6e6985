"""What a training is made of: task, twins, layout and the network that it goes on from."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from app.device_words import SAME, differing, renamed_words
from app.operations.train_origin import unknown_of
from app.operations.transfer_parts import parent_of
from app.store import load_network
from app.train_time import run_seconds
from app.train_twins import TwinSet
from models import schedule
from models.errors import InputError, raise_problems
from models.network import ORIGIN_UNKNOWN
from models.supply import Supply
from training.course import TrainSettings
from training.design import Design, used_channels
from training.foresee import Readout, best_readout, ridges_for, untrained_layers
from training.layers import NodeLayers, unasked
from training.origin import (
    BY_MEMORY,
    VALIDATION_KNOWN,
    design_of,
    knows_validation,
    same_data,
    take_over,
)
from training.tasks import make_task
from training.tasks.doubts import doubts
from training.train import Trainer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from app.train_request import Request, TrainOptions
    from models.network import Network
    from training.tasks import Task

BEYOND = 0.02  # of the window: by so much the ends of two fits to one recording may differ
RETRAIN_RATE = 4e-3  # science.md's recipe for a network that goes on after a refit
CLASS_RIDGE = 1e-1  # few windows with many columns: best on validation of digits and of EMG
MANY_COLUMNS = 4000  # of a read-out


@dataclass(frozen=True)
class Setup:
    """Everything that a request names, read and checked.

    `judges` is the set of the stochastic twins that choose the ridge, `origin` the network to go on
    from, `unknown` what can't be told of that one's past, `between` that of its layers.
    """

    request: Request
    task: Task
    twins: TwinSet
    judges: TwinSet | None
    design: Design
    ranges: list[tuple[float, float]]
    origin: Network | None = None
    unknown: tuple[str, ...] = ()
    between: Callable[[], None] = unasked

    @classmethod
    def of(cls, request: Request, between: Callable[[], None] = unasked) -> Setup:
        """Read what a request names.

        Raises
        ------
        InputError
            An unknown task, a twin that can't be read, a layout that doesn't fit, a drive range
            that a twin wasn't fitted on, a network to go on from that knows the test part.
        RefusedError
            The network would take longer on the device than `max_hours`.
        """
        task, options, count = make_task(request.task), request.options, len(request.layers)
        twins = TwinSet.read([*request.twins, *options.ensemble], count, request.members)
        judges = TwinSet.read(request.judge, count) if request.judge else None
        if judges is not None:
            _refuse_another_judge(judges, twins, ", ".join(request.judge))
        origin = None if options.origin is None else load_network(Path(options.origin))
        ranges, unknown = twins.ranges, tuple[str, ...]()
        if origin is not None:
            _refuse_other(origin, twins, options.origin or "")
            ranges = twins.covering(origin)
            design = design_of(origin, task)
            unknown = tuple(unknown_of(origin, Path(options.origin or ""), task))
        else:
            channels = [device.channels for device in twins.devices]
            design = Design.of(
                request.layers,
                [len(names) for names in channels],
                task,
                wiring=options.wiring,
                parallel=options.parallel,
                taps=options.taps,
                readout_taps=options.readout_taps,
                use=used_channels(options.use, channels),
                sparsity=options.sparsity,
                supply=Supply(*options.supply),
            )
        if judges is not None:
            narrow = judges.beyond(ranges, "the judge", BEYOND)
            problems = [f"{one}: fit both twins on the same recordings" for one in narrow]
            raise_problems(InputError, f"the judge {', '.join(request.judge)}", problems)
        if design.supply.step:
            for low, high in ranges:
                design.supply.grid(low, high)
        if options.max_hours is not None:
            schedule.refuse_longer(_runs_s(request, twins, task, design), options.max_hours)
        return cls(request, task, twins, judges, design, ranges, origin, unknown, between)

    @property
    def warnings(self) -> list[str]:
        """A sentence on each thing that is no fault, and may still be a mistake."""
        return [
            *self.twins.unfinished,
            *self.twins.guessing,
            *self.twins.named_otherwise,
            *self._moved(),
            *self.unknown,
            *self._by_memory(),
            *self._reaching_back(),
            *self._wide(),
            *doubts(self.task),
        ]

    def _by_memory(self) -> list[str]:
        """What is to be known of a network to go on from that knows the validation part."""
        return [BY_MEMORY.format("the network to go on from")] * self._validation_known

    @property
    def _validation_known(self) -> bool:
        """Whether the network to go on from knows what iterations are chosen by."""
        origin = self.origin
        return origin is not None and knows_validation(origin) and same_data(origin, self.task)

    def _reaching_back(self) -> list[str]:
        """Where layers or read-out would see steps before the reset of the run that is scored."""
        past, washout = self.design.past, self.task.washout
        if past <= washout:
            return []
        return [
            f"taps reach {past} steps back, and the run that is scored begins {washout} steps "
            f"before its first answer (washout): in the first {past - washout} steps that count "
            "there is nothing to see; take a longer washout or shorter taps"
        ]

    def _wide(self) -> list[str]:
        """Where the regression of the read-out takes most of the time.

        An iteration of it takes 0.03 s of a core with 720 columns, 0.4 with 2880, 0.9 with 4320,
        3.8 with 8640.
        """
        columns = self.design.columns(self.task.inputs.shape[1], len(self.design.nodes))
        if columns < MANY_COLUMNS:
            return []
        return [
            f"the read-out sees {columns} columns, and their regression will take most of the "
            "time: some of the channels (--use 6: six, spread evenly; window: use=6), or fewer "
            "nodes or taps, make it quick"
        ]

    def _moved(self) -> list[str]:
        """Where the network to go on from was trained for a bench of another name."""
        if self.origin is None:
            return []
        pairs = [(self.origin.device_of(k), one) for k, one in enumerate(self.twins.devices)]
        return renamed_words(
            pairs,
            "the network to go on from is of {0}, its twin is now of {1}: if that is another "
            "sample, the new network is for the new one",
        )

    @property
    def descent(self) -> dict[str, Any]:
        """What the new network says of what it was made from."""
        parents = [asdict(twin) for twin in self.twins.references]
        if self.origin is None:
            return {"parents": parents}
        before = parent_of(self.origin, Path(self.request.options.origin or ""))
        return {
            "parents": [*parents, before],
            ORIGIN_UNKNOWN: list(self.unknown),
            **({VALIDATION_KNOWN: True} if self._validation_known else {}),
        }

    @property
    def stochastic(self) -> TwinSet:
        """The device as it is: the judge, where the network's own twins have no noise."""
        return self.judges or self.twins

    def untrained(self) -> tuple[NodeLayers, float]:
        """Network of initial weights at its best gain, and that gain."""
        request = self.request
        twins = self.twins if request.iterations == 0 else self.stochastic
        return untrained_layers(
            twins.models, self.ranges, self.design, self.task, request.seed, self.between
        )

    def draw(self) -> torch.Generator:
        """Noise under a read-out; always the same, whether or not the training was resumed."""
        return torch.Generator().manual_seed(self.request.seed + 3)

    def trainer(self, kind: type[Trainer] = Trainer) -> Trainer:
        """A trainer that has not begun; of a network to go on from it has the weights."""
        request, options = self.request, self.request.options
        draw = torch.Generator().manual_seed(request.seed)
        inputs = self.task.inputs.shape[1]
        layers = NodeLayers(self.twins.models, self.ranges, self.design, inputs, draw)
        given: dict[str, Any] = {} if options.rate is None else {"rate": options.rate}
        if self.origin is not None:
            take_over(layers, self.origin)
            given = {"rate": options.rate or RETRAIN_RATE}
        if self.task.classes:
            given["ridge"] = CLASS_RIDGE
        settings = TrainSettings(
            iterations=request.iterations,
            seed=request.seed,
            cascade=options.cascade,
            patience=options.patience,
            weight_decay=options.weight_decay,
            **given,
        )
        return kind(self.task, layers, settings)

    def readout(self, layers: NodeLayers, chosen: NodeLayers) -> Readout:
        """The read-out of trained layers, by the score of the `chosen` on the validation part.

        Without noise no ridge is right by itself: several are tried.
        """
        judge, task = self.judge(chosen), self.task
        if self.request.readout_from_judge:
            ridges, final = ridges_for(judge, task), self.judge(layers)
            return best_readout(judge, task, ridges, self.draw(), final=final)
        ridges = ridges_for(layers, task)
        return best_readout(chosen, task, ridges, self.draw(), judge=judge, final=layers)

    def judge(self, layers: NodeLayers) -> NodeLayers:
        """The same network through the judge's noise; itself without one."""
        return layers if self.judges is None else layers.through(self.judges.models)


def of_origin(
    task: str | None,
    twins: Sequence[Path | str] | None,
    layers: Sequence[int] | None,
    options: TrainOptions,
) -> tuple[str, Sequence[Path | str], Sequence[int]]:
    """Task, twins and layers as they are asked for; what is not, is that of the origin.

    Raises
    ------
    InputError
        The origin has other layers, or doesn't say what isn't asked for.
    """
    if options.origin is None:
        return task or "", twins or (), layers or ()
    network = load_network(Path(options.origin))
    nodes = [layer.nodes for layer in network.layers]
    if layers and list(layers) != nodes:
        raise InputError(f"train: {options.origin} has layers {nodes}, not {list(layers)}")
    named = task or network.meta.get("task")
    through = twins or network.meta.get("twins")
    missing = [
        f"{options.origin} says no {what}: give --{what}"
        for what, found in (("task", named), ("twin", through))
        if not found
    ]
    raise_problems(InputError, "train", missing)
    return str(named), through or (), nodes


def _runs_s(request: Request, twins: TwinSet, task: Task, design: Design) -> list[float]:
    """Device time of each node's run, by the recording of its twin."""
    steps, found = len(task.inputs[task.run]), list[float]()
    paths = request.twins * (len(design.nodes) if len(request.twins) == 1 else 1)
    for twin, path, nodes in zip(twins.twins[0], paths, design.nodes, strict=True):
        found += [run_seconds(twin, Path(path), steps)] * nodes
    return found


def _refuse_other(network: Network, twins: TwinSet, where: str) -> None:
    pairs = [(network.device_of(k), device) for k, device in enumerate(twins.devices)]
    problems = [
        f"layer {k + 1}: {name} {getattr(known, name)} of the network, {getattr(device, name)} of "
        "the twin"
        for k, (known, device) in enumerate(pairs)
        for name in SAME
        if getattr(known, name) != getattr(device, name)
    ]
    raise_problems(InputError, f"{where}: is of another device", problems)


def _refuse_another_judge(judges: TwinSet, twins: TwinSet, where: str) -> None:
    """A judge hears its layer, a single one all of them: of the device of each, and with noise."""
    pairs = zip(judges.devices, twins.devices, strict=True)
    problems = [
        f"layer {k + 1} is of another device: {name} differ; give a judge a layer"
        for k, (judge, device) in enumerate(pairs)
        for name in differing(judge, device)
    ]
    if any(twin.deterministic for row in judges.twins for twin in row):
        problems.append("it has no noise to judge by: give a stochastic twin of the device")
    raise_problems(InputError, f"the judge {where}", problems)

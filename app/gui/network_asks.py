"""What the Network page can be asked for: a training, several seeds, or the table; no Qt.

One training runs in a child process. Several seeds and the comparison table are pools, whose trials
are processes of their own: the pool itself is driven by the job's thread and imports no torch.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from app.gui.words import count
from app.operations.child import in_child
from app.train_request import TrainOptions
from models.errors import InputError
from models.wiring import wired

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from app.operations.events import Event
    from instruments.bench import Bench

TRAIN, TABLE = "train", "table"
KINDS = 4  # of networks in the comparison table


@dataclass(frozen=True)
class Layout:
    """Wiring, taps, further twins, cascade, as they are typed."""

    wiring: str = "forward"
    taps: str = "0"
    ensemble: tuple[Path, ...] = ()
    cascade: bool = False

    def options(self) -> dict[str, Any]:
        """As `TrainOptions` takes them, those that are as usual left out.

        Raises
        ------
        InputError
            Taps that are no list of delays.
        """
        made: dict[str, Any] = {}
        if self.wiring.strip() not in ("", "forward"):
            made["wiring"] = " ".join(self.wiring.split())
        parts = [part.strip() for part in self.taps.split(",") if part.strip()]
        if not all(part.isdigit() for part in parts):
            raise InputError(f"taps {self.taps!r}: delays in steps, such as 0, 1, 2")
        if parts not in ([], ["0"]):
            made["taps"] = made["readout_taps"] = tuple(int(part) for part in parts)
        if self.ensemble:
            made["ensemble"] = tuple(str(path) for path in self.ensemble)
        if self.cascade:
            made["cascade"] = True
        return made

    def blocks(self, layers: int) -> tuple[tuple[int, ...], ...]:
        """Blocks that each layer sees (−1: the inputs), once a delay.

        Raises
        ------
        InputError
            The words say no wiring.
        """
        made = self.options()
        found = wired(made.get("wiring", "forward"), layers, made.get("taps", (0,)))
        return tuple(tuple(source.layer for source in seen) for seen in found)

    def problem(self, layers: int) -> str:
        """What is wrong with them; empty where nothing is."""
        try:
            self.blocks(layers)
            TrainOptions.of(self.options())
        except InputError as error:
            return str(error)
        return ""


@dataclass(frozen=True)
class TrainAsk:
    """A network for a task, from `seeds` seeds side by side."""

    task: str
    twin: Path
    layers: tuple[int, ...]
    iterations: int = 3000
    seed: int = 1
    seeds: int = 1
    layout: Layout = field(default_factory=Layout)

    kind = TRAIN
    title = "Training"
    prefix = "net"
    hardware = False

    def words(self, again: bool) -> tuple[str, str]:
        """What a press does, and its cost."""
        nodes, steps = count(sum(self.layers), "node"), count(self.iterations, "iteration")
        if self.seeds > 1:
            cores = min(self.seeds, os.cpu_count() or 1)
            return f"Train {self.seeds} seeds", f"{nodes} · {steps} each · {count(cores, 'core')}"
        return "Train again" if again else "Train a network", f"{nodes} · {steps} · 1 core"

    def problem(self) -> str:
        """Why it can't run; empty where it can."""
        if self.seeds > 1 and not self.iterations:
            return "untrained networks have nothing to choose the best by: one seed"
        return self.layout.problem(len(self.layers))

    def start(self, out: Path, stop: Callable[[], bool]) -> Iterator[Event]:
        """The operation's events."""
        asked: dict[str, Any] = {
            "task": self.task, "twins": [str(self.twin)], "layers": list(self.layers),
            "iterations": self.iterations, "options": self.layout.options(),
        }  # fmt: skip
        if self.seeds == 1:
            kwargs = {**asked, "out": out, "seed": self.seed}
            return in_child("app.operations.train.train", kwargs, stop)
        from app.operations.train_seeds import train_seeds

        out.parent.mkdir(parents=True, exist_ok=True)
        return train_seeds(asked, self.seeds, out, seed=self.seed)


@dataclass(frozen=True)
class TableAsk:
    """Every kind of network for a task, over seeds (and folds); `bench` None: foreseen only.

    `in_pool`: the bench is a virtual one in process, of which each trial has its own.
    """

    task: str
    twin: Path
    layers: tuple[int, ...]
    iterations: int = 3000
    seed: int = 1
    seeds: int = 3
    folds: int = 0
    layout: Layout = field(default_factory=Layout)
    bench: str | None = None
    in_pool: bool = True
    connected: Bench | None = None

    kind = TABLE
    title = "Comparing networks"
    prefix = "table"

    @property
    def hardware(self) -> bool:
        """Whether it drives the bench of the window."""
        return self.bench is not None and not self.in_pool

    def words(self, again: bool) -> tuple[str, str]:
        """What a press does, and its cost."""
        networks = KINDS * self.seeds * max(1, self.folds)
        where = "and deploy" if self.bench is not None else "and foresee"
        cores = count(os.cpu_count() or 1, "core")
        cost = f"{count(self.iterations, 'iteration')} each, one of them none · {cores}"
        return f"Train {where} {count(networks, 'network')}", cost

    def problem(self) -> str:
        """Why it can't run; empty where it can."""
        return self.layout.problem(len(self.layers))

    def start(self, out: Path, stop: Callable[[], bool]) -> Iterator[Event]:
        """The operation's events."""
        from app.operations.compare_networks import compare_networks

        out.parent.mkdir(parents=True, exist_ok=True)
        return compare_networks(self.plan(), out, connect=self._bench)

    def plan(self) -> Any:
        """Of the operation; InputError where it makes no sense."""
        from app.operations.compare_networks_plan import Plan

        return Plan(
            self.task, str(self.twin), None, self.layers, folds=self.folds, seeds=self.seeds,
            seed=self.seed, iterations=self.iterations, bench=self.bench, in_pool=self.in_pool,
            options=self.layout.options(),
        )  # fmt: skip

    def _bench(self) -> Bench:
        if self.connected is None:
            raise InputError("no bench is connected; reconnect it on the Bench page")
        return self.connected


Ask = TrainAsk | TableAsk

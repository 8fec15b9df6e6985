"""What the Network page can be asked for: a training, several seeds, software alone; no Qt.

One training runs in a child process. Several seeds, a sweep and the comparison table (which have
modules of their own) are pools, whose trials are processes: the pool itself is driven by the job's
thread and imports no torch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.gui.train_words import Pool, delays, more_options
from app.gui.words import count
from app.operations.child import in_child
from app.operations.sweep_grid import untied
from app.operations.trial import OF_TRAIN
from app.train_request import TrainOptions
from models.errors import InputError, raise_problems
from models.wiring import layers_text, wired

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.operations.events import Event

TRAIN, TABLE, SWEEP, BEGUN, SOFTWARE = "train", "table", "sweep", "begun", "software"
NO_FURTHER = "layers with twins of their own have no further ones: leave those out"
OWN = "file"  # a task of one's own
LONG = 28  # characters of a task
ONE, SEEDS = "one", "seeds"  # views of a training; TABLE and SWEEP have their own


@dataclass(frozen=True)
class Layout:
    """Wiring, taps, further twins, cascade and `more` options, as they are typed.

    `parallel`: layers that stand beside the one before.
    """

    wiring: str = "forward"
    taps: str = "0"
    ensemble: tuple[Path, ...] = ()
    cascade: bool = False
    more: str = ""
    parallel: tuple[int, ...] = ()

    def options(self) -> dict[str, Any]:
        """As `TrainOptions` takes them (and `train` some), those that are as usual left out.

        Raises
        ------
        InputError
            Taps that are no list of delays, further options that no training has, or twice.
        """
        made: dict[str, Any] = {}
        if self.wiring.strip() not in ("", "forward"):
            made["wiring"] = " ".join(self.wiring.split())
        taps = delays(self.taps)
        if taps not in ((), (0,)):
            made["taps"] = made["readout_taps"] = taps
        if self.parallel:
            made["parallel"] = self.parallel
        if self.ensemble:
            made["ensemble"] = tuple(str(path) for path in self.ensemble)
        if self.cascade:
            made["cascade"] = True
        further = more_options(self.more)
        twice = [f"{name}: has several values" for name, said in further.items() if len(said) > 1]
        raise_problems(InputError, "train", twice)
        return {**made, **untied({name: said[0] for name, said in further.items()})}

    def blocks(self, layers: int) -> tuple[tuple[int, ...], ...]:
        """Blocks that each layer sees (−1: the inputs), once a delay.

        Raises
        ------
        InputError
            The words say no wiring.
        """
        made = self.options()
        taps = tuple(made.get("taps", (0,)))
        found = wired(made.get("wiring", "forward"), layers, taps, self.parallel)
        return tuple(tuple(source.layer for source in seen) for seen in found)

    def problem(self, layers: int) -> str:
        """What is wrong with them; empty where nothing is."""
        try:
            self.blocks(layers)
            TrainOptions.of(parted(self.options())[1])
        except InputError as error:
            return str(error)
        return ""


def task_words(task: str) -> str:
    """A task in a few words: one with long options by its name, of one's own by its file."""
    name, _, options = task.partition(":")
    if name == OWN and options:
        return Path(options).name
    return task if len(task) <= LONG else name


def parted(options: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is an argument of `train` itself, and the rest, which are its `options`."""
    own = {name: value for name, value in options.items() if name in OF_TRAIN}
    return own, {name: value for name, value in options.items() if name not in own}


@dataclass(frozen=True)
class TrainAsk:
    """A network for a task, from `seeds` seeds side by side.

    `origin`: a network that goes on being trained; task, twins, layers and wiring (of which
    `origin_blocks` are what each layer sees) are its own. `next_layers`: twins of the layers after
    the first; none: `twin` is that of all.
    """

    task: str
    twin: Path
    layers: tuple[int, ...]
    iterations: int = 800
    seed: int = 0
    seeds: int = 1
    layout: Layout = field(default_factory=Layout)
    pool: Pool = field(default_factory=Pool)
    origin: Path | None = None
    origin_blocks: tuple[tuple[int, ...], ...] = ()
    next_layers: tuple[Path, ...] = ()

    kind = TRAIN
    title = "Training"
    prefix = "net"
    hardware = False

    @property
    def view(self) -> str:
        """What shows it."""
        return SEEDS if self.seeds > 1 else ONE

    @property
    def layers_shown(self) -> str:
        """Nodes of each layer, `8+4,16`."""
        return layers_text(self.layers, self.layout.parallel)

    @property
    def blocks(self) -> tuple[tuple[int, ...], ...]:
        """Blocks that each layer sees."""
        return self.origin_blocks or self.layout.blocks(len(self.layers))

    def words(self, again: bool) -> tuple[str, str]:
        """What a press does, and its cost."""
        steps, what = count(self.iterations, "iteration"), count(sum(self.layers), "node")
        if self.origin is not None:  # whose own task it is, whatever the form's rows say
            what = f"on {task_words(self.task)}"
        if self.seeds > 1:
            cost = f"{what} · {steps} each · {self.pool.words(self.seeds)}"
            return f"Train {self.seeds} seeds", cost
        cost = f"{what} · {steps} · 1 core"
        if self.origin is not None:
            return f"Train {self.origin.name} further", cost
        return "Train again" if again else "Train a network", cost

    def problem(self) -> str:
        """Why it can't run; empty where it can."""
        if self.seeds > 1 and not self.iterations:
            return "untrained networks have nothing to choose the best by: one seed"
        if self.seeds > 1 and self.pool.scheduler:
            return "several seeds run on this machine; a sweep runs on a cluster"
        if self.next_layers and self.layout.ensemble:
            return NO_FURTHER
        return self.pool.problem() or self.layout.problem(len(self.layers))

    def start(self, out: Path, stop: Callable[[], bool]) -> Iterator[Event]:
        """The operation's events."""
        own, options = parted(self.layout.options())
        asked: dict[str, Any] = {
            "task": self.task, "twins": [str(one) for one in (self.twin, *self.next_layers)],
            "layers": list(self.layers), "iterations": self.iterations, **own, "options": options,
        }  # fmt: skip
        if self.origin is not None:
            asked |= {"task": None, "twins": None, "layers": None}
            asked["options"] = {**options, "origin": str(self.origin)}
        if self.seeds == 1:
            kwargs = {**asked, "out": out, "seed": self.seed}
            return in_child("app.operations.train.train", kwargs, stop)
        from app.operations.train_seeds import train_seeds

        out.parent.mkdir(parents=True, exist_ok=True)
        return train_seeds(asked, self.seeds, out, seed=self.seed, workers=self.pool.count)


@dataclass(frozen=True)
class SoftwareAsk:
    """What software without a device gets on a task; it trains no network and writes nothing."""

    task: str

    kind = SOFTWARE
    title = "Scoring software"
    hardware = False
    view = ONE
    blocks = ()
    layers_shown = ""

    def start(self, out: Path, stop: Callable[[], bool]) -> Iterator[Event]:
        """The operation's events."""
        return in_child("app.operations.task.describe_task", {"text": self.task}, stop)

"""A sweep as the Network page is asked for it: `;` between alternatives makes the grid; no Qt."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from app.gui.network_asks import SWEEP, Layout
from app.gui.train_words import Pool, delays, more_options
from app.gui.words import count
from app.operations.sweep_grid import Grid
from models.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from app.operations.events import Event
    from app.operations.sweep_grid import Setting

BETWEEN = ";"
TAPS = "taps+readout_taps"  # the window's taps are those of the layers and of the read-out


def alternatives(text: str) -> list[str]:
    """Parts of an entry with `;` between them; empty ones left out."""
    return [part.strip() for part in text.split(BETWEEN) if part.strip()]


def tasks_of(name: str, options: str, known: Collection[str]) -> tuple[str, ...]:
    """The tasks of a grid: the chosen one with each alternative of options, or another one.

    `h=1; h=5; narma-10` are two of the chosen task and one more.
    """
    made = []
    for part in alternatives(options) or [""]:
        other = part.partition(":")[0].strip() in known
        made.append(part if other else f"{name}:{part}" if part else name)
    return tuple(dict.fromkeys(made))


@dataclass(frozen=True)
class SweepAsk:
    """Every combination of tasks, twins, layers, wirings, taps and `vary`, from each seed.

    `twins`, `parallel`: as of `Grid`.
    """

    tasks: tuple[str, ...]
    twins: tuple[tuple[Path, ...], ...]
    layers: tuple[tuple[int, ...], ...]
    iterations: int = 800
    seed: int = 0
    seeds: int = 1
    wiring: str = "forward"
    taps: str = "0"
    vary: str = ""
    pool: Pool = field(default_factory=Pool)
    parallel: tuple[tuple[int, ...], ...] = ()

    kind = SWEEP
    title = "Sweeping"
    prefix = "sweep"
    view = SWEEP
    hardware = False
    blocks, layers_shown = (), ""  # of no single network

    @property
    def task(self) -> str:
        """What is swept over, in words."""
        return self.tasks[0] if len(self.tasks) == 1 else count(len(self.tasks), "task")

    def grid(self) -> Grid:
        """Of the operation.

        Raises
        ------
        InputError
            It makes no sense.
        """
        options: dict[str, tuple[Any, ...]] = {"iterations": (self.iterations,)}
        wirings = [" ".join(part.split()) for part in alternatives(self.wiring)]
        if wirings not in ([], ["forward"]):
            options["wiring"] = tuple(wirings)
        taps = [delays(part) for part in alternatives(self.taps)]
        if taps not in ([], [(0,)]):
            options[TAPS] = tuple(list(one) for one in taps)
        further = more_options(self.vary)
        return Grid(
            self.tasks, tuple(tuple(map(str, twins)) for twins in self.twins), self.layers,
            self.seeds, self.seed, {**options, **further}, self.parallel,
        )  # fmt: skip

    def words(self, again: bool) -> tuple[str, str]:
        """What a press does, and its cost."""
        try:
            settings = len(self.grid().settings)
        except InputError:
            return "Sweep", ""
        trials = settings * self.seeds
        cost = f"{count(settings, 'setting')} × {count(self.seeds, 'seed')}"
        return f"Train {count(trials, 'network')}", f"{cost} · {self.pool.words(trials)}"

    def problem(self) -> str:
        """Why it can't run; empty where it can."""
        try:
            grid = self.grid()
            for setting in grid.settings:
                problem = self._wrong(setting)
                if problem:
                    return problem
        except InputError as error:
            return str(error)
        return self.pool.problem()

    @staticmethod
    def _wrong(setting: Setting) -> str:
        """What is wrong with one setting's wiring and taps."""
        taps = ",".join(str(tap) for tap in setting.options.get(TAPS, [0]))
        wiring = str(setting.options.get("wiring", "forward"))
        return Layout(wiring, taps, parallel=setting.parallel).problem(len(setting.layers))

    def start(self, out: Path, stop: Callable[[], bool]) -> Iterator[Event]:
        """The operation's events."""
        from app.operations.sweep import sweep

        out.parent.mkdir(parents=True, exist_ok=True)
        return sweep(self.grid(), out, workers=self.pool.count, scheduler=self.pool.scheduler)

"""A comparison table as the Network page is asked for it, foreseen or on benches; no Qt."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from app.gui.deploy_asks import benches_of
from app.gui.network_asks import NO_FURTHER, TABLE, Layout
from app.gui.train_words import Pool
from app.gui.words import count
from app.operations.child import in_child
from app.operations.compare_networks_plan import KINDS as EVERY_KIND
from app.operations.compare_networks_plan import Plan
from instruments.bench_file import read_bench
from models.errors import InputError
from models.paths import file_at
from models.wiring import layers_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.operations.events import Event
    from app.session import Session


@dataclass(frozen=True)
class TableAsk:
    """Kinds of network for a task, over seeds (and folds).

    Attributes
    ----------
    next_layers
        Twins of the layers after the first; none: `twin` is that of all.
    benches
        Where the networks are deployed, a bench a device, the window's first; none: foreseen only.
    session
        Has the window's bench; None: nothing is deployed on one that is connected.
    deterministic
        A twin without noise for each of the twins; none: fitted for it.
    wrong
        What of the form does not agree; empty: nothing.
    """

    task: str
    twin: Path
    layers: tuple[int, ...]
    iterations: int = 800
    seed: int = 0
    seeds: int = 3
    folds: int = 0
    layout: Layout = field(default_factory=Layout)
    benches: tuple[str, ...] = ()
    session: Session | None = None
    pool: Pool = field(default_factory=Pool)
    kinds: tuple[str, ...] = EVERY_KIND
    deterministic: tuple[Path, ...] = ()
    next_layers: tuple[Path, ...] = ()
    wrong: str = ""

    kind = TABLE
    title = "Comparing networks"
    prefix = "table"
    view = TABLE
    blocks = ()

    @property
    def layers_shown(self) -> str:
        """Nodes of each layer, `8+4,16`."""
        return layers_text(self.layers, self.layout.parallel)

    @property
    def hardware(self) -> bool:
        """Whether it drives the bench of the window; InputError where a bench can't be read."""
        return self.plan().on_a_rig

    def words(self, again: bool) -> tuple[str, str]:
        """What a press does, and its cost."""
        networks = len(self.kinds) * self.seeds * max(1, self.folds)
        where = "and deploy" if self.benches else "and foresee"
        steps = count(self.iterations, "iteration")
        cost = f"{steps} each, untrained none · {self.pool.words(networks)}"
        return f"Train {where} {count(networks, 'network')}", cost

    def problem(self) -> str:
        """Why it can't run; empty where it can."""
        if self.next_layers and self.layout.ensemble:
            return NO_FURTHER
        wrong = self.wrong or self.pool.problem() or self.layout.problem(len(self.layers))
        if wrong:
            return wrong
        try:
            alone = self.hardware and self.pool.scheduler
        except InputError as error:
            return str(error)
        return "a rig stands at this machine alone: foreseen only on a cluster" if alone else ""

    def start(self, out: Path, stop: Callable[[], bool]) -> Iterator[Event]:
        """The operation's events."""
        from app.operations.compare_networks import compare_networks

        out.parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            yield from compare_networks(
                self.plan(), out, connect=lambda: benches_of(self.session, self.benches[1:], stack),
                workers=self.pool.count, scheduler=self.pool.scheduler, apart=in_child,
            )  # fmt: skip

    def plan(self) -> Plan:
        """Of the operation; InputError where it makes no sense."""
        twins = tuple(str(one) for one in (self.twin, *self.next_layers))
        given = tuple(str(one) for one in self.deterministic)
        return Plan(
            self.task, twins, given, self.layers, folds=self.folds, seeds=self.seeds,
            seed=self.seed, iterations=self.iterations, bench=tuple(map(_whole, self.benches)),
            in_pool=self._in_pool(), options=self.layout.options(), kinds=self.kinds,
        )  # fmt: skip

    def _in_pool(self) -> bool:
        """Whether all benches are virtual ones in process, of which each trial has its own."""
        here = () if self.session is None else (self.session.spec,)
        rigs = [one.virtual for one in (*here, *map(read_bench, self.benches[1:]))]
        return all(one is not None and one.device is not None for one in rigs)


def _whole(bench: str) -> str:
    """A bench file's whole path, a built-in rig's word as it is: workers have folders of theirs."""
    return str(Path(bench).resolve()) if file_at(bench) else bench

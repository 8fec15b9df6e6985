"""A deployment as the Deploy page is asked for it, on one bench or several; no Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.gui.preflight import deployment_bytes, deployment_s, preflight
from app.gui.words import count, size
from app.operations.further_benches import all_benches, with_further
from app.words import duration
from instruments.bench_file import read_bench
from models.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import ExitStack
    from pathlib import Path

    from app.device_benches import Benches
    from app.gui.begun_bench import BegunRun
    from app.gui.widgets.checks import Check
    from app.operations.events import Event
    from app.session import Session
    from instruments.bench import Bench
    from models.network import Network

TITLE = "Deploying"


@dataclass(frozen=True)
class DeployAsk:
    """A network to be run on its devices; `max_hours` 0: no limit.

    `further`: benches of its other devices. `begun`: a deployment that goes on as it was begun.
    """

    network: Path
    repeats: int = 1
    despite_drift: bool = False
    max_hours: float = 0.0
    further: tuple[str, ...] = ()
    begun: BegunRun | None = None

    def checks(self, network: Network, bench: Bench, folder: Path) -> list[Check]:
        """The pre-flight list; the instruments of the window's bench are asked, nothing is driven.

        `folder`: where it will be written.
        """
        return preflight(
            network, self.network, bench, folder, despite_drift=self.despite_drift,
            repeats=self.repeats, further=self.further, max_hours=self.max_hours,
        )  # fmt: skip

    def words(self, network: Network, bench: Bench) -> tuple[str, str]:
        """What a press does, and what it costs: time and bytes, or how far it had come."""
        if self.begun is not None:
            return f"Go on with {self.begun.path.name}", self.begun.far
        took_s = deployment_s(network, bench, self.repeats)
        cost = f"{duration(took_s)} · {size(deployment_bytes(network, self.repeats))}"
        return f"Deploy {count(network.nodes, 'node')}", cost

    def start(self, session: Session, bench: Bench, out: Path) -> Iterator[Event]:
        """The operation's events."""
        from app.operations.deploy import deploy

        asked: dict[str, Any] = {"pause": session.pause, "despite_drift": self.despite_drift}
        if self.max_hours:
            asked["max_hours"] = self.max_hours
        asked |= {"repeats": self.repeats} if self.begun is None else {"resume": True}
        return on_all(session, bench, self.further, lambda all_: deploy(
            self.network, all_, out, **asked))  # fmt: skip


def benches_of(session: Session | None, further: tuple[str, ...], stack: ExitStack) -> Benches:
    """The window's bench, and others that are connected until `stack` is left.

    Raises
    ------
    InputError
        The window's isn't connected, or a bench file of the others can't be read.
    """
    bench = None if session is None else session.bench
    if session is None or bench is None:
        raise InputError("no bench is connected; reconnect it on the Bench page")
    if not further:
        return bench
    return stack.enter_context(all_benches(bench, further, session.wire, session.others))


def besides(benches: Sequence[str], here: str) -> tuple[str, ...]:
    """Of the benches that a run was begun on those that are not called `here`; of one none.

    A single one may have another name by now: the operation knows it by what it says.
    """
    return tuple(w for w in benches if read_bench(w).name != here) if len(benches) > 1 else ()


def on_all(
    session: Session, bench: Bench, further: tuple[str, ...],
    operation: Callable[[Benches], Iterator[Event]],
) -> Iterator[Event]:  # fmt: skip
    """An operation on the window's bench and on others that are connected for it."""
    if not further:
        return operation(bench)
    return with_further(bench, further, operation, session.wire, session.others)

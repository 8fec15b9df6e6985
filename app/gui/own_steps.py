"""Of what is played on several benches, the steps of the window's own; no Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.gui.preflight import played_here
from app.operations.events import NodeStarted, StepRead

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.operations.events import Event
    from instruments.bench_spec import BenchSpec
    from models.network import Network


@dataclass
class OwnSteps:
    """Strip and Monitor show the window's bench: another one's field must not stand there.

    Attributes
    ----------
    which
        Device of each layer; none: one bench plays all.
    own
        The device that the window's bench plays.
    here
        Whether it plays now.
    """

    which: tuple[int, ...] = ()
    own: int | None = None
    here: bool = True

    @classmethod
    def of(cls, network: Network | None, spec: BenchSpec) -> OwnSteps:
        """Of a network that is about to be played."""
        if network is None or len(network.devices) == 1:
            return cls()
        which = tuple(layer.device for layer in network.layers)
        return cls(which, played_here(network, spec), here=False)

    def kept(self, events: Sequence[Event]) -> Sequence[Event]:
        """Those events without the steps of other benches."""
        if not self.which:
            return events
        found = []
        for event in events:
            if isinstance(event, NodeStarted):
                self.here = self.which[event.layer] == self.own
            if self.here or not isinstance(event, StepRead):
                found.append(event)
        return found

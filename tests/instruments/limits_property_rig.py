"""The virtual rig of one property case: its wire judged, a hand at its panels, faults on its way.

Everything above the wire is the program's own: bench file, drivers, sessions, limits. Everything
below is the virtual rig's own. Between the two stand only a tap and a hook that may raise.
"""

from __future__ import annotations

import functools
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyvisa
from wire_judge import Message, Truth, WireJudge

from instruments.virtual import library
from instruments.virtual.library import VirtualVisaLibrary, resource_name
from instruments.virtual.models import SUPPLIES
from instruments.virtual.rig import CLOCK, VirtualRig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from instruments.virtual.instrument import Port


class JudgedRig(VirtualRig):
    """A rig whose every message a judge hears, with the truth of the supply at that moment."""

    def __init__(self, models: Sequence[str], text: str, seed: int = 0) -> None:
        super().__init__("leaky-integrator", models, seed)
        self.judge = WireJudge(text, self.coil.resistance_Ohm)
        self._hands: dict[str, Port] = {}

    def connect(self, key: str) -> Port:
        return self._tapped(key, by_hand=False)

    def hand(self, key: str, text: str) -> str:
        """A hand at a front panel; the answer, if it asked."""
        port = self._hands.get(key)
        if port is None:
            port = self._hands[key] = self._tapped(key, by_hand=True)
        port.receive(text.encode("latin-1") + b"\n")
        return port.transmit().decode("latin-1")

    def guard(self, name: str, allows: bool) -> None:
        """What the bench's guards watch: cooling water that flows, a room that is cool."""
        if name == "water":
            self.instruments["sr830"].aux_in_V[0] = 5.0 if allows else 0.0
        else:
            self.instruments["lakeshore-336"].room_K = 295.0 if allows else 400.0
        self.judge.guard(name, allows)

    def truth(self, key: str) -> Truth:
        """What a supply really does now."""
        supply = self.instruments[key].supply
        supply.follow()
        return Truth(
            supply.output_on,
            supply.current_mode,
            supply.setpoint_A,
            supply.setpoint_V,
            supply.coil.current_A,
        )

    def truths(self) -> dict[str, Truth]:
        """Of all its supplies, a while later: a current that is dying away has died."""
        self.time.advance(0.2)
        return {k: self.truth(k) for k, one in self.instruments.items() if one.model in SUPPLIES}

    def _tapped(self, key: str, by_hand: bool) -> Port:
        port = super().connect(key)
        is_supply = self.instruments[key].model in SUPPLIES
        port._tap = functools.partial(self._heard, key, by_hand, is_supply)
        return port

    def _heard(self, key, by_hand, is_supply, host_s, device_s, model, direction, data):
        before = self.truth(key) if is_supply else None
        self.judge.hear(Message(device_s, key, direction, data, by_hand, before))


class HookedLibrary(VirtualVisaLibrary):
    """The rig's VISA library; `hook("write" | "sent" | "read")` is called around each transfer.

    Not around the clock's: a virtual rig whose clock is gone has no device time to be judged in.
    """

    hook: Callable[[str], None] = staticmethod(lambda moment: None)

    def write(self, session, data):
        self._tell(session, "write")
        result = super().write(session, data)
        self._tell(session, "sent")
        return result

    def read(self, session, count):
        self._tell(session, "read")
        return super().read(session, count)

    def _tell(self, session, moment):
        if self.sessions[session].port.instrument.model != CLOCK:
            self.hook(moment)


@contextmanager
def rig_for_benches(rig: JudgedRig, hook: Callable[[str], None]) -> Iterator[None]:
    """Every bench that is connected meanwhile finds this rig in this process."""

    def open_virtual(spec):
        hooked = HookedLibrary(rig)
        hooked.hook = hook
        return pyvisa.ResourceManager(hooked), resource_name(CLOCK)

    usual, library.open_virtual = library.open_virtual, open_virtual
    try:
        yield
    finally:
        library.open_virtual = usual

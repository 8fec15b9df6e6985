"""A virtual instrument beside a rig's own, reached through the in-process VISA library."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyvisa

from instruments.clock import Stop
from instruments.virtual.library import VirtualVisaLibrary, resource_name
from instruments.virtual.rig import VirtualRig
from instruments.visa import VisaSession

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from instruments.virtual.instrument import DeviceTime, VirtualInstrument


@contextmanager
def beside(
    make: Callable[[DeviceTime], VirtualInstrument], end: str = "\n"
) -> Iterator[VisaSession]:
    """A session to the instrument that `make` builds on the rig's device time."""
    rig = VirtualRig()
    instrument = make(rig.time)
    rig._add(instrument)
    session = VisaSession(
        resource_name(instrument.key), rm=pyvisa.ResourceManager(VirtualVisaLibrary(rig)),
        name="unit", stop=Stop(), read_termination=end, write_termination=end, shared=False,
    )  # fmt: skip
    try:
        yield session
    finally:
        session.close()


class Steady:
    """A signal that stays, for as long as nobody changes it; counts the gates.

    `listed`: gates of a supply's list, each with its device time in ns, until they are fetched.
    """

    frequency_Hz = 37.0
    harmonic = 2

    def __init__(self, device_time: DeviceTime) -> None:
        self.signal_V = (5.0e-5, -2.0e-5)
        self.noise_V = (0.0, 0.0)
        self.gates = 0
        self.watched = False
        self.listed: list[tuple[int, tuple[float, float]]] = []
        self._time = device_time

    def gate(self) -> tuple[float, float]:
        self.gates += 1
        self._time.advance(1 / 37)
        return self.signal_V

    def noise(self) -> tuple[float, float]:
        return self.noise_V

    def watch_list(self, watching: bool) -> None:
        self.watched = watching

    def list_gates(self) -> list[tuple[int, tuple[float, float]]]:
        due = [gate for gate in self.listed if gate[0] <= self._time.now_ns]
        del self.listed[: len(due)]
        return due

"""An open VISA resource as bytes that go and come: what every backend's port does."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Protocol, cast

from pyvisa import constants

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from pyvisa.resources import MessageBasedResource

CHUNK = 4096


class Port(Protocol):
    """An open VISA resource as bytes that go and come."""

    keeps_pieces: bool

    def send(self, data: bytes) -> None:
        """Send a message; `OSError` or `pyvisa.Error` where it can't go."""

    def block(self, terminated: bool) -> AbstractContextManager[None]:
        """Let replies have any byte, and end where they do, with a terminator or without."""

    def close(self) -> None:
        """Close the resource; never raises."""

    def receive(self, slice_s: float) -> bytes:
        """Whatever arrives within the slice; empty where nothing does.

        Raises `OSError` (closed by the other side, too) or `pyvisa.Error`.
        """

    def waiting(self) -> bool:
        """Whether bytes wait to be read, at no cost; False where the backend can't tell."""


class VisaPort:
    """What every open resource of a VISA library does alike."""

    def __init__(self, resource: MessageBasedResource) -> None:
        self._resource = resource

    def send(self, data: bytes) -> None:
        """Send a message."""
        resource = self._resource
        cast("Any", resource.visalib).write(resource.session, data)

    @contextmanager
    def block(self, terminated: bool) -> Iterator[None]:
        """Let reads end where the message does, where no termination character ends it."""
        if terminated:
            yield
            return
        enabled = constants.ResourceAttribute.termchar_enabled
        self._resource.set_visa_attribute(enabled, constants.VI_FALSE)
        try:
            yield
        finally:
            self._resource.set_visa_attribute(enabled, constants.VI_TRUE)

    def waiting(self) -> bool:
        """Not known."""
        return False

    def close(self) -> None:
        """Close the resource."""
        with suppress(Exception):  # it is given up: how it fails changes nothing
            self._resource.close()

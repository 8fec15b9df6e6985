"""The virtual rig below PyVISA, in this process: the same driver code, byte for byte, no socket.

`pyvisa.ResourceManager(VirtualVisaLibrary(rig))` opens `TCPIP0::virtual-kepco-bop::5025::SOCKET`
and its like as it would open the real ones.
"""

from __future__ import annotations

import itertools
import math
import time
from typing import TYPE_CHECKING, Any, Protocol

import pyvisa
from pyvisa import constants, rname
from pyvisa.constants import ResourceAttribute, StatusCode
from pyvisa.highlevel import VisaLibraryBase
from pyvisa.typing import VISARMSession, VISASession
from pyvisa.util import LibraryPath

from instruments.virtual.rig import CLOCK, DEFAULT_DEVICE, DEFAULT_MODELS, VirtualRig

if TYPE_CHECKING:
    from collections.abc import Sequence

    from instruments.virtual.instrument import Port

PORT = 5025  # of the first instrument of a model; the second is 5026, and so on
_HANDLES = itertools.count(1)
_OK, _TIMEOUT = StatusCode.success, StatusCode.error_timeout
_GONE = StatusCode.error_connection_lost
_PAUSE_S = 0.01  # longest sleep of a read before it looks at the port again


def resource_name(key: str) -> str:
    """VISA address of the instrument of that key in a rig of this process.

    >>> resource_name("sr830")
    'TCPIP0::virtual-sr830::5025::SOCKET'
    """
    model, _, number = key.partition("#")
    return (
        f"TCPIP0::virtual-{model.removeprefix('virtual-')}::{PORT - 1 + int(number or 1)}::SOCKET"
    )


class VirtualSpec(Protocol):
    """What a bench file says of a rig in this process."""

    @property
    def device(self) -> str | None:
        """Name of the device."""

    @property
    def seed(self) -> int:
        """Seed of device, noise and drift."""

    @property
    def accelerate(self) -> float:
        """Device seconds in one second of the host."""

    @property
    def models(self) -> Sequence[str]:
        """Drivers of the bench's instruments, in its order."""


def open_virtual(spec: VirtualSpec) -> tuple[pyvisa.ResourceManager, str]:
    """Build a rig in this process; its resource manager and the address of its clock.

    Raises
    ------
    InputError
        The device is unknown, or `accelerate` or the seed out of range.
    """
    rig = VirtualRig(
        spec.device or DEFAULT_DEVICE, spec.models or DEFAULT_MODELS, spec.seed, spec.accelerate
    )
    return pyvisa.ResourceManager(VirtualVisaLibrary(rig)), resource_name(CLOCK)


class _Session:
    """One open resource: its port and the attributes that PyVISA asks for."""

    def __init__(self, port: Port, name: str, parsed: rname.ResourceName) -> None:
        self.port = port
        self.received = b""
        self.attributes: dict[int, Any] = {
            ResourceAttribute.resource_name: name,
            ResourceAttribute.resource_class: "SOCKET",
            ResourceAttribute.interface_type: constants.InterfaceType.tcpip,
            ResourceAttribute.interface_number: 0,
            ResourceAttribute.resource_manufacturer_name: "Twinrig virtual rig",
            ResourceAttribute.resource_lock_state: constants.AccessModes.no_lock,
            ResourceAttribute.timeout_value: 2000,
            ResourceAttribute.termchar: ord("\n"),
            ResourceAttribute.termchar_enabled: constants.VI_FALSE,
            ResourceAttribute.suppress_end_enabled: constants.VI_FALSE,
            ResourceAttribute.send_end_enabled: constants.VI_TRUE,
            ResourceAttribute.tcpip_address: getattr(parsed, "host_address", ""),
            ResourceAttribute.tcpip_port: int(getattr(parsed, "port", PORT)),
            ResourceAttribute.tcpip_nodelay: constants.VI_TRUE,
            ResourceAttribute.tcpip_keepalive: constants.VI_FALSE,
        }

    def take(self, count: int) -> tuple[bytes, StatusCode] | None:
        """What a read may return now, as `viRead` would end; None where it has to wait."""
        received, attributes = self.received, self.attributes
        end, status = 0, StatusCode.success_termination_character_read
        if attributes[ResourceAttribute.termchar_enabled]:
            end = received.find(attributes[ResourceAttribute.termchar]) + 1
        elif not attributes[ResourceAttribute.suppress_end_enabled]:
            end, status = len(received), _OK
        # else: a socket has no END, so that a read without a terminator runs into its time-out
        if len(received) >= count and not 0 < end <= count:
            end, status = count, StatusCode.success_max_count_read
        if end == 0:
            return None
        data, self.received = received[:end], received[end:]
        return data, status


class VirtualVisaLibrary(VisaLibraryBase):
    """A VISA library whose only resources are the instruments of one rig.

    Parameters
    ----------
    rig
        The rig; it lives as long as the library does.
    """

    _rig: VirtualRig
    sessions: dict[int, _Session]

    def __new__(cls, rig: VirtualRig) -> VirtualVisaLibrary:
        """Make a library of its own for each rig (PyVISA shares libraries of one path)."""
        path = LibraryPath(f"virtual-rig-{next(_HANDLES)}", "virtual")
        library = super().__new__(cls, path)
        assert isinstance(library, cls)
        library._rig = rig
        library._names = {resource_name(key): key for key in rig.instruments}
        return library

    def _init(self) -> None:
        self._names: dict[str, str] = {}
        self.sessions = {}

    @property
    def rig(self) -> VirtualRig:
        """The rig behind the library."""
        return self._rig

    def open_default_resource_manager(self) -> tuple[VISARMSession, StatusCode]:
        """A handle for the resource manager."""
        return VISARMSession(next(_HANDLES)), self.handle_return_value(None, _OK)

    def list_resources(self, session: VISARMSession, query: str = "?*::INSTR") -> tuple[str, ...]:
        """Addresses of the rig's instruments; the clock is no instrument of the rig."""
        names = [name for name, key in self._names.items() if key != CLOCK]
        return rname.filter(names, query)

    def open(
        self,
        session: VISARMSession,
        resource_name: str,
        access_mode: constants.AccessModes = constants.AccessModes.no_lock,
        open_timeout: int | None = constants.VI_TMO_IMMEDIATE,
    ) -> tuple[VISASession, StatusCode]:
        """Connect to an instrument of the rig; another address is not found."""
        parsed = rname.ResourceName.from_string(resource_name)
        key = self._names.get(str(parsed))
        if key is None:
            status = StatusCode.error_resource_not_found
            return VISASession(0), self.handle_return_value(None, status)
        if self._rig.refuses(key):
            return VISASession(0), self.handle_return_value(None, _GONE)
        handle = VISASession(next(_HANDLES))
        self.sessions[handle] = _Session(self._rig.connect(key), str(parsed), parsed)
        return handle, self.handle_return_value(handle, _OK)

    def close(self, session: int) -> StatusCode:
        """Close a session; the resource manager's has nothing to close."""
        self.sessions.pop(session, None)
        return self.handle_return_value(None, _OK)

    def write(self, session: VISASession, data: bytes) -> tuple[int, StatusCode]:
        """Hand bytes to the instrument, which carries complete messages out at once."""
        port = self._session(session).port
        if port.closed:
            return 0, self.handle_return_value(session, _GONE)
        port.receive(data)
        return len(data), _OK

    def read(self, session: VISASession, count: int) -> tuple[bytes, StatusCode]:
        """Bytes up to the termination character or `count`.

        Where nothing can come any more the time-out is told at once on a rig that doesn't wait
        (`accelerate = inf`), else after its share of the host's time, on a slow rig no later than
        it was asked for; received pieces are kept.
        """
        one = self._session(session)
        end_s = None
        while True:
            one.received += one.port.transmit()
            taken = one.take(count)
            if taken is not None:
                return taken[0], self.handle_return_value(session, taken[1])
            if one.port.closed:
                return b"", self.handle_return_value(session, _GONE)
            now_s = time.monotonic()
            if end_s is None:
                end_s = now_s + self._patience_s(one)
            if now_s >= end_s:
                return b"", self.handle_return_value(session, _TIMEOUT)
            due_s = one.port.due_host_s
            time.sleep(min(end_s - now_s, _PAUSE_S, max(0.0, (due_s or math.inf) - now_s)))

    def _patience_s(self, one: _Session) -> float:
        timeout_ms = one.attributes[ResourceAttribute.timeout_value]
        timeout_s = math.inf if timeout_ms == constants.VI_TMO_INFINITE else timeout_ms / 1000.0
        if one.port.due_host_s is None:
            timeout_s = min(timeout_s, 10.0) / max(1.0, self._rig.accelerate)
        return timeout_s

    def clear(self, session: VISASession) -> StatusCode:
        """Device clear: nothing half sent or half read is left."""
        one = self._session(session)
        one.port.clear()
        one.received = b""
        return self.handle_return_value(session, _OK)

    def flush(self, session: VISASession, mask: constants.BufferOperation) -> StatusCode:
        """Drop what was received and not read."""
        self._session(session).received = b""
        return self.handle_return_value(session, _OK)

    def get_attribute(self, session: Any, attribute: Any) -> tuple[Any, StatusCode]:
        """An attribute of an open resource."""
        attributes = self._session(session).attributes
        if attribute not in attributes:
            status = StatusCode.error_nonsupported_attribute
            return None, self.handle_return_value(session, status)
        return attributes[attribute], self.handle_return_value(session, _OK)

    def set_attribute(
        self, session: VISASession, attribute: Any, attribute_state: Any
    ) -> StatusCode:
        """Set an attribute of an open resource."""
        attributes = self._session(session).attributes
        if attribute not in attributes:
            status = StatusCode.error_nonsupported_attribute
            return self.handle_return_value(session, status)
        attributes[attribute] = attribute_state
        return self.handle_return_value(session, _OK)

    def disable_event(self, session: Any, event_type: Any, mechanism: Any) -> StatusCode:
        """There are no events."""
        return StatusCode.success

    def discard_events(self, session: Any, event_type: Any, mechanism: Any) -> StatusCode:
        """There are no events."""
        return StatusCode.success

    def _session(self, session: int) -> _Session:
        try:
            return self.sessions[session]
        except KeyError:
            raise pyvisa.errors.InvalidSession from None

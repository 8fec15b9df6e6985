"""Which VISA resources this computer sees, without waiting for ever and without a word to them.

Nothing is opened. An installed VISA looks at its own tables and buses; pyvisa-py lists the system's
serial ports and USB devices, and asks the network by broadcast who speaks VXI-11 (the answer is a
port number, no instrument sees a command).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any

from instruments.boards import PREFIX
from instruments.clock import Stop
from instruments.parallel import HangsError, bounded
from instruments.unreachable import no_backend
from instruments.visa import resource_manager
from models.errors import TwinrigError

LONGEST_S = 5.0  # a VISA that looks for LAN instruments may take seconds, and some never return
EVERYTHING = "?*"
WAYS = {"gpib": "GPIB", "usb": "USB", "asrl": "serial ports", "tcpip": "LAN"}  # that rigs use


@dataclass(frozen=True)
class Found:
    """What VISA sees.

    Attributes
    ----------
    resources
        Names, sorted. LAN sockets list nowhere: their address comes from the instrument's front
        panel.
    library
        Which VISA that was.
    missing
        Sentences: each kind of interface that it has no way to, and what to install.
    """

    resources: list[str]
    library: str = ""
    missing: list[str] = field(default_factory=list)


def discover(longest_s: float = LONGEST_S, stop: Stop | None = None) -> Found:
    """Resources, library and missing backends; nothing is opened or asked.

    Raises
    ------
    TwinrigError
        The VISA library doesn't load, or doesn't answer within `longest_s`.
    StoppedError
        `stop` was requested.
    """
    try:
        found = bounded(_look, stop=stop or Stop(), longest_s=longest_s)
    except HangsError:
        raise TwinrigError(
            f"the VISA library lists nothing within {longest_s:g} s: unplug a hanging USB or GPIB "
            "adapter, or write the resource into the bench file by hand"
        ) from None
    except TwinrigError:
        raise
    except Exception as error:  # what a library raises that doesn't load is its own affair
        raise TwinrigError(
            f"the VISA library can't list resources: {str(error).strip()}"
        ) from error
    assert isinstance(found, Found)
    return found


def _look() -> Found:
    with warnings.catch_warnings():  # pyvisa-py warns of every kind it can't look for
        warnings.simplefilter("ignore")
        manager = resource_manager()
        library: Any = manager.visalib
        found = manager.list_resources(EVERYTHING)
    # pyvisa-py names each serial port a second time, as a GPIB adapter that may be on it
    resources = sorted(name for name in found if not name.startswith(PREFIX))
    ours = type(library).__module__.split(".")[0] == "pyvisa_py"
    return Found(
        resources,
        "pyvisa-py" if ours else str(library.library_path),
        [". ".join(no_backend(kind)) for kind in _lacking()] if ours else [],
    )


def _lacking() -> list[str]:
    """Kinds of interface that pyvisa-py lacks a package for."""
    from pyvisa_py.sessions import Session

    lacking = {WAYS.get(kind.name, "") for (kind, _), _ in Session.iter_session_classes_issues()}
    return sorted(lacking - {""})

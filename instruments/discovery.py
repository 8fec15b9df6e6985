"""Which VISA resources this computer sees, without waiting for ever and without a word to them."""

from __future__ import annotations

import queue
import threading
import warnings

from instruments.visa import resource_manager
from models.errors import TwinrigError

LONGEST_S = 5.0  # a VISA that looks for LAN instruments may take seconds, and some never return
EVERYTHING = "?*"


def list_resources(longest_s: float = LONGEST_S) -> list[str]:
    """Resource names that the computer's VISA lists; nothing is opened or asked.

    LAN sockets list nowhere: their address comes from the instrument's front panel.

    Raises
    ------
    TwinrigError
        The VISA library doesn't load, or doesn't answer within `longest_s`.
    """
    answer: queue.Queue[list[str] | Exception] = queue.Queue(1)

    def look() -> None:
        try:
            with warnings.catch_warnings():  # pyvisa-py warns of every kind it can't look for
                warnings.simplefilter("ignore")
                answer.put(sorted(resource_manager().list_resources(EVERYTHING)))
        except Exception as error:
            answer.put(error)

    threading.Thread(target=look, name="discovery", daemon=True).start()
    try:
        found = answer.get(timeout=longest_s)
    except queue.Empty:
        raise TwinrigError(
            f"the VISA library lists nothing within {longest_s:g} s: unplug a hanging USB or GPIB "
            "adapter, or write the resource into the bench file by hand"
        ) from None
    if isinstance(found, Exception):
        raise TwinrigError(f"the VISA library can't list resources: {found}") from found
    return found

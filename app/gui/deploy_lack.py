"""What the Deploy page still lacks before a network can go onto the bench, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.gui.offered import state
from app.gui.words import BEING_READ

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Lack:
    """Why nothing can be deployed: for the button, and for the header of a page without a run."""

    cost: str
    role: str = ""
    header: tuple[str, str] | None = None


@dataclass(frozen=True)
class Asked:
    """What was chosen on the page, and how far it has come.

    Attributes
    ----------
    coming
        The name of an artefact that was handed over and is being looked up; empty: none is.
    network
        The network that is chosen; None: there is none.
    read
        Its file has been read.
    unread
        Why it can't be read; empty: that isn't known.
    text, fault
        What the list shows as chosen, and what the library says against it; empty: nothing.
    listed
        The library has been looked through.
    """

    coming: str
    network: Path | None
    read: bool
    unread: str
    text: str
    fault: str
    listed: bool

    @property
    def lack(self) -> Lack | None:
        """What must come first; None: a bench is all that it needs."""
        if self.coming:
            return Lack(f"{self.coming} is read …")
        if self.network is not None and self.unread and not self.read:
            return Lack("can't be read: choose another network", "fault")
        if self.network is not None and not self.read:
            return Lack("the network is read …")
        if self.fault:
            header = ("Nothing to deploy", f"{self.text}: {self.fault}")
            return Lack(f"the network is {state(self.fault)}: choose another", "fault", header)
        if self.read:
            return None
        if not self.listed:
            return Lack(BEING_READ, header=("No network chosen yet", BEING_READ))
        header = ("Nothing to deploy yet", "train a network; it appears here by itself")
        return Lack("train a network first", "attention", header)

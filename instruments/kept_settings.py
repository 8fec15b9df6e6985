"""The settings that a run's data rest on, as they were when it began, to compare with later.

Context: an instrument that was switched off and on answers as before, at another sensitivity; a
hand at the front panel does the same. Decision: what was told to the file is kept, and compared
after every fault of a link, between repeats and at the end of a run. Consequence: a run never goes
on, and never ends as done, with read-outs that are set otherwise than its file says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.errors import TwinrigError
from models.settings import differing

if TYPE_CHECKING:
    from models.settings import Settings


class SettingsChangedError(TwinrigError):
    """Read-outs are set otherwise than when the run began: switched off and on, or by hand."""


class KeptSettings:
    """Instruments' settings by name, as last told; empty until then."""

    def __init__(self) -> None:
        self._kept: Settings = {}

    def keep(self, settings: Settings) -> None:
        """These are what later ones are compared with."""
        self._kept = settings

    @property
    def by_name(self) -> Settings:
        """As they were kept."""
        return self._kept

    def differences(self, now: Settings) -> list[str]:
        """What is set otherwise now, one sentence each; of instruments that were kept.

        A setting that only one of both tells (a null, while it is on) is another, too.
        """
        both = [name for name in self._kept if name in now]
        then, here = ({name: each[name] for name in both} for each in (self._kept, now))
        return [
            f"{name}: {key} was {was!r}, now {now_is!r}"
            for name, key, was, now_is in differing(then, here)
        ]

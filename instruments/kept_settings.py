"""The settings that a run's data rest on, as they were when it began, to compare with later.

Context: an instrument that was switched off and on answers as before, at another sensitivity; a
hand at the front panel does the same. Decision: what was told to the file is kept, and compared
after every fault of a link and at the end of a run. Consequence: a run never goes on, and never
ends as done, with read-outs that are set otherwise than its file says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.settings import same

if TYPE_CHECKING:
    from models.settings import Settings


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
        return [
            f"{name}: {key} was {kept.get(key)!r}, now {now[name].get(key)!r}"
            for name, kept in self._kept.items()
            if name in now
            for key in {**kept, **now[name]}
            if not same(kept.get(key), now[name].get(key))
        ]

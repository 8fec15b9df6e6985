"""When a run looks whether its read-outs are set as its file says, and what it doubts if not.

Context: a hand at a front panel, or an instrument that was switched off and on between two
messages, loses no reply. Seen at the run's end alone, a night's repeats were kept as good, and the
run ended as done when it was gone on with. Decision: on a real rig the settings are looked at
between two repeats, once `EACH_S` have passed; where they differ the repeats since they were last
seen as the run began with are marked bad. Consequence: no fit takes them, and nothing is deleted:
whoever knows when it happened takes the good ones back.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from app.recording_marks import TAKE_BACK, add_mark
from instruments.kept_settings import SettingsChangedError
from instruments.link_errors import LinkError, WrongInstrumentError
from models.errors import TwinrigError
from training.doubtful_repeats import listed

if TYPE_CHECKING:
    from pathlib import Path

    from instruments.bench import Bench

SET_BACK = "set them back, then go on with --resume (window: Go on)"
EACH_S = 60.0  # judgement: some twenty questions, 0.3 s by GPIB, are half a per cent of it


class SettingsLook:
    """What a run knows of its read-outs' settings.

    Parameters
    ----------
    bench
        The run's.
    folder
        Of its recording.
    chained
        Whether what it plays rests on what it has measured, so that it can't go on beyond repeats
        that are marked bad.
    """

    def __init__(self, bench: Bench, folder: Path, *, chained: bool = False) -> None:
        self._bench = bench
        self._folder = folder
        self._chained = chained
        self._since: list[int] = []  # repeats, by their place in the run's order
        self._seen_s = time.monotonic()

    def recorded(self, position: int) -> None:
        """Note a repeat that is on disk; look at the settings where that is due; errors as `look`.

        A virtual rig's are looked at by whoever has its front panel at hand: at the run's end.
        """
        self._since.append(position)
        if self._bench.clock.by_itself and time.monotonic() - self._seen_s >= EACH_S:
            self.look()

    def look(self) -> None:
        """`check`; a reply that is lost says nothing: the next repeat meets what has lost it."""
        try:
            self.check()
        except WrongInstrumentError:
            raise
        except LinkError:
            return

    def check(self) -> None:
        """Compare the settings with those that the run began with.

        Raises
        ------
        SettingsChangedError
            Some differ; the repeats since the last look are marked bad, and it says which, and
            what to do.
        LinkError
            No answer.
        """
        try:
            self._bench.check_settings()
        except SettingsChangedError as error:
            raise SettingsChangedError(f"{error}{self._doubted(str(error))}") from error
        self._since.clear()
        self._seen_s = time.monotonic()

    def _doubted(self, why: str) -> str:
        """Mark what was recorded since the last look; in words, with what to do."""
        doubted, self._since = self._since, []
        if not doubted:
            return f": {SET_BACK}{self._new_run()}"
        came = f". {listed(doubted).capitalize()} came since they were last seen so"
        try:
            add_mark(self._folder, bad=doubted, why=why)
        except TwinrigError as error:
            return f"{came} and could not be marked bad ({error}): no fit should take them"
        if self._chained:
            return (
                f"{came}: marked bad, and what is played after them would rest on them: set the "
                f"instrument back and begin another run with --out, or {TAKE_BACK} and go on with "
                "--resume (window: Go on)"
            )
        marked = f"{came}: marked bad, so that no fit takes them; {TAKE_BACK}"
        return f"{marked}. For the rest {SET_BACK}{self._new_run()}"

    def _new_run(self) -> str:
        """A network is deployed under its twin's settings only: no new run takes others."""
        return "" if self._chained else "; a new run begins with the new ones"

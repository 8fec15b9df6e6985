"""What a run says, before anything is energised, where its bench contradicts a calibration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.calibration_store import last_calibration
from app.calibration_words import off_the_last
from app.operations.events import Note

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from instruments.bench import Bench


def calibration_notes(bench: Bench, out: Path, remark: Callable[[str], object]) -> Iterator[Note]:
    """A warning for each magnet whose last calibration, beside `out`, found another field.

    Decision: told and kept with the data, not refused. A calibration may be the wrong one (a probe
    put in askew), and a run that can't begin until its folder is deleted would teach people to
    delete it.
    """
    for magnet in bench.drives:
        last = last_calibration(out, bench.spec.name, magnet.name, magnet.magnet.identity)
        for words in off_the_last(magnet, bench.spec, last):
            remark(words)
            yield Note(words, "warning")

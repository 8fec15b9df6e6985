"""The usable twin that a fit keeps beside its checkpoint until it is done: `OUT/so-far/`.

Context: a fit of minutes or hours should be looked at, simulated from and trained with before it
ends. Decision: the best snapshot so far is an ordinary twin in a folder of its own, written whole
beside it and then renamed, at most every `EVERY_S`; its `meta` says that it is unfinished, and so
does each command that reads it. Consequence: what rests on it (a network, a deployment) names a
file that the fit replaces; the finished twin takes its place and the folder goes.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from app.artefacts import new_id
from app.disk import once_free, writing
from app.weights_store import SO_FAR, save_twin
from models.paths import anything_at

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from models.twin import Twin

EVERY_S = 20.0
KEY = "unfinished"  # of a twin's meta


def save_so_far(out: Path, twin: Twin) -> None:
    """Write or replace the twin in `out/so-far`; TwinrigError where the disk refuses.

    Where another program holds the old one open (Windows), the old one stays until the next time.
    """
    new, old = (out / f".{SO_FAR}.{word}" for word in ("new", "old"))
    for left in (new, old):
        shutil.rmtree(left, ignore_errors=True)
    save_twin(new, twin)
    place = out / SO_FAR
    try:
        if anything_at(place):
            place.replace(old)
    except PermissionError:
        shutil.rmtree(new, ignore_errors=True)
        return
    with writing(place):
        once_free(lambda: new.replace(place))
    shutil.rmtree(old, ignore_errors=True)


def remove_so_far(out: Path) -> None:
    """Remove it: the finished twin is there."""
    for name in (SO_FAR, f".{SO_FAR}.new", f".{SO_FAR}.old"):
        shutil.rmtree(out / name, ignore_errors=True)


def unfinished_meta(iteration: int, total: int, phase: str, seconds: float) -> dict[str, Any]:
    """What a twin's meta says while its fit goes on: id, and where the fit stood."""
    return {
        "id": new_id("twin"),
        KEY: {
            "iteration": iteration, "of": total, "phase": phase, "seconds": round(seconds, 1),
        },
    }  # fmt: skip


def unfinished_words(meta: Mapping[str, Any]) -> str | None:
    """A sentence for whoever reads an unfinished twin; None for a finished one."""
    known = meta.get(KEY)
    if not isinstance(known, dict):
        return None
    return (
        f"this twin is unfinished: its fit stood at iteration {known.get('iteration')} of about "
        f"{known.get('of')} ({known.get('phase')}) and has not been scored; it is replaced while "
        "the fit goes on and gone at its end: copy the folder to keep it"
    )

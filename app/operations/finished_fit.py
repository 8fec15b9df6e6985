"""What a fit that is finished tells, asked to go on: its result once more.

As of every long run: whoever repeats `--resume` until it exits with 0 needs no look at the folder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.fit_checkpoint import remove_checkpoint
from app.operations.scored import kept_values
from app.so_far import remove_so_far
from app.weights_store import TWIN_FILE, load_twin
from models.paths import file_at

if TYPE_CHECKING:
    from pathlib import Path


def finished_fit(out: Path) -> dict[str, Any] | None:
    """The result of a fit that is finished in `out`, else None; a checkpoint left there goes.

    Raises
    ------
    InputError
        The twin is damaged.
    TwinrigError
        The disk refuses.
    """
    if not file_at(out / TWIN_FILE):
        return None
    twin = load_twin(out)
    remove_checkpoint(out)
    remove_so_far(out)
    meta, noiseless = twin.meta, twin.deterministic
    kept = meta.get("validation", {})
    names = ("iterations", "seconds", "notes", "from")
    return {
        "path": str(out / TWIN_FILE),
        **kept_values(twin.errors, twin.coverage, kept, deterministic=noiseless),
        **({} if twin.members == 1 else {"members": twin.members}),
        **({"held_out": meta["held_out"]["note"]} if twin.errors and "held_out" in meta else {}),
        **{name: meta[name] for name in names if name in meta},
    }

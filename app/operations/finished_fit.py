"""What a fit that is finished tells, asked to go on: its result once more.

As of every long run: whoever repeats `--resume` until it exits with 0 needs no look at the folder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.fit_checkpoint import remove_checkpoint
from app.operations.fit_search import search_of
from app.operations.scored import kept_values
from app.so_far import remove_so_far
from app.weights_store import TWIN_FILE, load_twin
from models.paths import file_at

if TYPE_CHECKING:
    from pathlib import Path

    from models.twin import Twin
    from training.structure import Search


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
        **chosen_values(twin, search_of(meta, out)),
        **memory_values(twin),
    }


def chosen_values(twin: Twin, search: Search | None) -> dict[str, Any]:
    """Keys of a result line on a structure that was searched: `structure`, `search` in words."""
    if search is None:
        return {}
    structure = {name: getattr(twin, name) for name in ("latent", "hidden", "head")}
    return {"structure": structure, "search": [search.sentence()]}


def memory_values(twin: Twin) -> dict[str, Any]:
    """`memory`: what a memory of the fitted repeats scores, of a twin of one sequence."""
    return {"memory": twin.meta["memory"]} if "memory" in twin.meta else {}

"""Run again: what the form of the page that made an artefact asked for, with its own twins."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.library.kinds import HEADS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.library.index import Entry

AS_NEW: dict[str, dict[str, Any]] = {
    "rec": {"kind": "file"},  # itself: its own sequences, window and reset, whoever made them
    "twin": {"kind": "fit", "origin": None, "searched": False, "minutes": 0, "recordings": []},
    "net": {"kind": "train", "origin": None, "seeds": 1},
    "cmp": {"compared": None, "recordings": []}, "curve": {"recordings": []},
}  # fmt: skip
"""What stands in a form that makes a new one of a kind, beside what its facts say."""
OF_TWINS = ("net", "sweep", "tab")
SIMULATED = "A twin answered these sequences: choose that twin, and Simulate"
CHANGED = (
    "Made on the Deploy page from another network: open that one, then Recalibrate, Refine or "
    "Polish there; its form would train it without what the device told"
)


@dataclass(frozen=True)
class Again:
    """Values of the form, what else is handed to its page, ids that the library has no more."""

    values: dict[str, Any]
    handed: list[Path] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def refused(entry: Entry) -> str:
    """Why no form makes it again; empty where one does."""
    if entry.kind == "rec" and entry.facts.parents:
        return SIMULATED
    changed = entry.kind == "net" and "hardware_runs" in _dict(entry.artefact.head, "meta")
    return CHANGED if changed else ""


def again(entry: Entry, every: Sequence[Entry]) -> Again:
    """What Run again of an entry asks for, among all entries of the library."""
    values = {**AS_NEW.get(entry.kind, {}), **entry.facts.form}
    if entry.kind == "rec":
        values["file"] = str(entry.artefact.path / HEADS["rec"])
    named = _twins(entry.kind, entry.artefact.head)
    there = {e.artefact.path.name: e.artefact.path for e in reversed(every)}
    there |= {str(e.artefact.path): e.artefact.path for e in every}
    missing: list[str] = []

    def found(asked: object) -> Path | None:
        path = Path(str(asked))
        folder = path.parent if path.suffix == ".json" else path
        one = there.get(str(folder)) or there.get(folder.name)
        if one is None:
            missing.append(folder.name)
        return one

    def all_found(asked: Sequence[object]) -> list[Path]:
        return [path for one in asked if (path := found(one)) is not None]

    if named.origin:
        values["origin"] = found(named.origin)
    if entry.kind not in OF_TWINS:
        parents = [e.artefact.path for e in every if e.id in entry.made_from]
        return Again(values, parents, missing)
    usual = all_found(named.usual)
    own = {layer: found(one) for layer, one in named.own.items()}
    values |= {
        "twin": usual[0] if usual else None, "further_twins": usual[1:],
        "layer_twins": {layer: path for layer, path in own.items() if path is not None},
        "noiseless": all_found(named.noiseless),
    }  # fmt: skip
    return Again(values, missing=list(dict.fromkeys(missing)))


@dataclass(frozen=True)
class Named:
    """Twins as a head names them: the usual one and further ones, those of layers, the noiseless.

    `origin`: a network that was trained further, a twin that was fitted further; empty: none.
    """

    usual: list[str] = field(default_factory=list)
    own: dict[int, str] = field(default_factory=dict)
    noiseless: list[str] = field(default_factory=list)
    origin: str = ""


def _twins(kind: str, head: dict[str, Any]) -> Named:
    if kind == "sweep":
        return Named(*parted(_dict(head, "grid").get("twins") or []))
    if kind == "tab":
        plan = _dict(head, "plan")
        options, noiseless = _dict(plan, "options"), _list(plan.get("deterministic"))
        usual, own = parted([plan.get("twin")])
        return Named([*usual, *_list(options.get("ensemble"))], own, noiseless)
    meta = _dict(head, "meta")
    if kind == "twin":
        return Named(origin=str(_dict(meta, "from").get("path") or ""))
    if kind not in OF_TWINS:
        return Named()
    options = _dict(meta, "options")
    usual, own = parted([meta.get("twins")])
    return Named(
        [*usual, *_list(options.get("ensemble"))], own, [], str(options.get("origin") or "")
    )


def parted(alternatives: Sequence[Any]) -> tuple[list[str], dict[int, str]]:
    """The usual twin of each alternative, and those of layers that all have the same another of."""
    layers = [each for one in alternatives if (each := _list(one))]
    layers = [each for each in layers if len(each) == len(layers[0])]
    if not layers:
        return [], {}
    first = layers[0]
    free = [k for k in range(len(first)) if any(each[k] != first[k] for each in layers)]
    at = free[0] if free else 0
    own = {k: one for k, one in enumerate(first) if k not in free and one != first[at]}
    return [each[at] for each in layers], own


def _dict(head: dict[str, Any], name: str) -> dict[str, Any]:
    found = head.get(name)
    return found if isinstance(found, dict) else {}


def _list(found: Any) -> list[str]:
    return [found] if isinstance(found, str) else list(found) if isinstance(found, list) else []

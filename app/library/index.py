"""What a library holds, read for people: names, figures, lineage, small plots, notes, damage.

No Qt, nothing here runs an operation, and files are only read.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.library.begun import parents
from app.library.facts import Facts, facts_of
from app.library.folders import entries_of, stamp_of
from app.library.kinds import BEGUN, KINDS, PARTS
from app.library.links import Links
from app.library.note import read_note
from app.slow_disk import each
from models.errors import TwinrigError
from models.paths import file_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from app.library.folders import Artefact
    from app.library.library import Library


@dataclass(frozen=True)
class Parent:
    """What an artefact was made from: id, SHA-256 of its file then, and where it was."""

    id: str
    sha256: str
    path: str


@dataclass(frozen=True)
class Entry:
    """One artefact as the Library shows it.

    `parents` as its head names them; `made_from` and `changed` hold ids of parents that are in the
    library: all of them, and those whose file is another one now; `missing` those that are not.
    `inside`: id of the sweep, table, comparison or network in whose folder it was made.
    """

    artefact: Artefact
    id: str
    facts: Facts
    parents: tuple[Parent, ...] = ()
    note: str = ""
    problem: str = ""
    made_from: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    inside: str = ""

    @property
    def kind(self) -> str:
        """One of `app.library.kinds.KINDS`."""
        return self.artefact.kind

    @property
    def words(self) -> str:
        """Everything that a search looks at, in small letters."""
        values = (value for _, value in self.facts.rows)
        name = self.artefact.path.name
        within = self.artefact.inside
        said = (self.facts.title, self.facts.status, self.artefact.when, self.note)
        parts = (self.id, name, within, KINDS[self.kind], *said, *values)
        return " ".join((*parts, *self.made_from)).lower()


@dataclass
class Index:
    """Reads a library; what has not changed since the last reading is not read again.

    Attributes
    ----------
    progress
        Artefacts read, of how many, in the reading that goes on; for another thread to show.
    """

    library: Library
    progress: tuple[int, int] = (0, 0)
    _seen: Iterator[int] = field(default_factory=count)
    _known: dict[Path, tuple[tuple[Any, ...], Entry]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def read(self) -> list[Entry]:
        """All entries, newest first; blocks for as long as the disk takes."""
        with self._lock:  # one reading at a time; a second one finds most of it known
            return self._read_all()

    def _read_all(self) -> list[Entry]:
        self.progress = (0, 0)
        artefacts = self.library.artefacts()
        self._seen, self.progress = count(1), (0, len(artefacts))
        found = each(self._entry, artefacts)
        entries = [entry for entry in found if entry is not None]
        linked = Links(self.library, entries).linked()
        holders = {e.artefact.path.name: e.id for e in entries if not e.artefact.inside}
        return [replace(entry, inside=holders.get(entry.artefact.inside, "")) for entry in linked]

    def _entry(self, artefact: Artefact) -> Entry | None:
        """One entry; None of a folder that has gone since it was found."""
        try:
            stamp = stamp_of(entries_of(artefact.path).values())
        except FileNotFoundError:
            return None
        except OSError:  # closed, which is told as its problem
            stamp = ()
        known = self._known.get(artefact.path)
        if known is None or known[0] != stamp or _may_differ(known[1]):
            known = self._known[artefact.path] = (stamp, self._read(artefact))
        self.progress = (next(self._seen), self.progress[1])
        return known[1]

    def _read(self, artefact: Artefact) -> Entry:
        problem = artefact.broken or self.library.digests.damage(artefact)
        facts = Facts(KINDS[artefact.kind])
        own = artefact.id
        if not problem:
            try:
                facts = facts_of(artefact)
                own = facts.id or own
            except TwinrigError as fault:
                problem = str(fault)
            except (KeyError, TypeError, ValueError, OSError) as fault:
                problem = f"{artefact.path.name} can't be shown ({type(fault).__name__}: {fault})"
        made = parents_of(artefact, facts)
        return Entry(artefact, own, facts, made, read_note(artefact.path), problem)


def _may_differ(entry: Entry) -> bool:
    """Whether no stamp tells a change: one is alive or dead, what was refused may be granted."""
    return bool(entry.problem) or entry.facts.status == "running"


def parents_of(artefact: Artefact, facts: Facts) -> tuple[Parent, ...]:
    """What a head says an artefact was made from; empty where it says nothing that can be read."""
    head = artefact.head
    named: Any = head.get("parents", facts.parents)
    if artefact.kind == "dep":
        names = {"id": "network_id", "sha256": "network_sha256", "path": "network"}
        named = [{key: head.get(name) for key, name in names.items()}]
    elif artefact.kind == BEGUN:
        named = parents(artefact.path)
    elif artefact.kind in ("sweep", "tab"):
        named = [{"id": twin.name, "path": str(twin / "twin.json")} for twin in _twins_of(artefact)]
    elif named is None:
        meta = head.get("meta")
        named = meta.get("parents") if isinstance(meta, dict) else None
    found = []
    for one in named if isinstance(named, list) else []:
        if isinstance(one, dict) and isinstance(one.get("id"), str):
            sha256, path = one.get("sha256"), one.get("path")
            found.append(Parent(one["id"], str(sha256 or ""), str(path or "")))
    return tuple(parent for parent in found if not _is_own_part(parent, artefact))


def _is_own_part(parent: Parent, artefact: Artefact) -> bool:
    """Whether it is the run of a recalibration: in its own folder, and nothing that is shown."""
    file = Path(parent.path)
    part = file.parent.name
    return part.partition("-")[0] in PARTS and file_at(artefact.path / part / file.name)


def _twins_of(artefact: Artefact) -> list[Path]:
    """Folders of the twins that a sweep or a comparison table trains through."""
    head = artefact.head
    grid, plan = head.get("grid"), head.get("plan")
    every = grid.get("twins") if isinstance(grid, dict) else None
    if isinstance(plan, dict):
        named = [plan.get("twin"), plan.get("deterministic")]  # one each, or lists of a layer each
        every = [one if isinstance(one, list) else [one] for one in named]
    named = [one for each in every if isinstance(each, list) for one in each] if isinstance(
        every, list
    ) else []  # fmt: skip
    return list(dict.fromkeys(Path(one) for one in named if isinstance(one, str)))


def lineage(entries: Sequence[Entry]) -> list[tuple[int, Entry]]:
    """Entries as a tree, flattened: depth and entry; each under the first of its parents.

    What was made inside another one's folder stands under that, so that no such parent counts: a
    refined network comes of a twin in its own folder, and stands under the network it was.
    """
    by_id = {entry.id: entry for entry in entries}
    below: dict[str, list[Entry]] = {}
    roots = []
    for entry in entries:
        above = (entry.inside, *entry.made_from)
        known = (by_id[p] for p in above if p in by_id and p != entry.id)
        parent = next((p.id for p in known if p.inside != entry.id), None)
        if parent is None:
            roots.append(entry)
        else:
            below.setdefault(parent, []).append(entry)
    out: list[tuple[int, Entry]] = []
    shown: set[int] = set()

    def add(entry: Entry, depth: int) -> None:
        if id(entry) in shown:
            return
        shown.add(id(entry))
        out.append((depth, entry))
        for child in sorted(below.get(entry.id, []), key=lambda e: e.artefact.changed_s):
            add(child, depth + 1)

    for root in roots:
        add(root, 0)
    for entry in entries:  # a circle of parents has no root
        add(entry, 0)
    return out


def ancestors(entry: Entry, entries: Iterable[Entry]) -> list[Entry]:
    """What an artefact comes from, nearest first."""
    by_id = {e.id: e for e in entries}
    return _reached([entry], by_id, {name: one.made_from for name, one in by_id.items()})


def descendants(of: Iterable[Entry], entries: Iterable[Entry]) -> list[Entry]:
    """What was made from any of these artefacts, directly or not, and is none of them."""
    by_id = {e.id: e for e in entries}
    below: dict[str, list[str]] = {}
    for one in by_id.values():
        for above in one.made_from:
            below.setdefault(above, []).append(one.id)
    return _reached(of, by_id, below)


def _reached(
    start: Iterable[Entry], by_id: Mapping[str, Entry], steps: Mapping[str, Sequence[str]]
) -> list[Entry]:
    """What `steps`, of ids to ids, lead to, nearest first; each step is taken once."""
    out: list[Entry] = []
    queue = deque(entry.id for entry in start)
    seen = set(queue)
    while queue:
        for name in steps.get(queue.popleft(), ()):
            if name in by_id and name not in seen:
                seen.add(name)
                out.append(by_id[name])
                queue.append(name)
    return out


def compared(first: Entry, second: Entry) -> list[tuple[str, str, str]]:
    """Name and both values of every figure that either has, in the order of the first."""
    one, other = dict(first.facts.rows), dict(second.facts.rows)
    names = [*one, *(name for name in other if name not in one)]
    return [(name, one.get(name, "—"), other.get(name, "—")) for name in names]

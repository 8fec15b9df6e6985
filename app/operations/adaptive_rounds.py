"""The rounds of an adaptive recording on disk: what was asked, what was chosen, what was measured.

Layout. Each round is a recording of its own in `rounds/NN` (as safe against a kill as any), what it
plays and why stands in `adaptive.json` before its first byte is sent, and `recording.nc` holds all
rounds as one recording: written anew after each round, it has the status `interrupted` until the
run has ended, and can be fitted meanwhile.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from app.artefacts import plain, read_head, refuse_never_begun, write_bytes
from app.checked_json import with_checksum
from app.journal import NAME as JOURNAL_NAME
from app.netcdf import write_netcdf
from app.operations.merged import merged
from app.recording_format import attributes_of, variables_of
from app.recording_reader import FILE_NAME, read_recording
from models.errors import InputError, raise_problems
from models.json_form import ANYTHING, COUNT, NUMBER, TEXT, WHOLE, Rows, Table, faults
from models.paths import file_at, folder_at
from models.sequence import FAMILIES, LONGEST_HOLD, FieldSequence

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from models.recording import Recording

PLAN_NAME, BEGUN = "adaptive.json", "recording for a twin"
KIND, SCHEMA = "adaptive", 1
ROUNDS = "rounds"
SCORING = "scoring"
FIRST_REPEATS = 2
PLACE = re.compile(rf"{ROUNDS}/\d+(-again)*")
CHOICES = ("disagreement", "random")
FORM = Table(
    {
        "asked": Table(
            {
                "budget": COUNT, "target": NUMBER, "steps": COUNT, "repeats": COUNT,
                "first": COUNT, "growth": NUMBER, "scoring": COUNT, "scoring_repeats": COUNT,
                "members": COUNT, "iterations": COUNT, "pool": COUNT, "choose": TEXT,
                "families": Rows(TEXT), "network": TEXT, "seed": WHOLE,
            },
            optional={"holds": COUNT},
        ),
        "id": TEXT,
        "meta": Table(others=ANYTHING),
        "rounds": Rows(
            Table(
                {
                    "what": TEXT, "folder": TEXT, "repeats": COUNT, "families": Rows(TEXT),
                    "drives": Rows(Rows(NUMBER)), "scores": Table(others=ANYTHING),
                },
                optional={"holds": Rows(Rows(COUNT))},
            )
        ),
    }
)  # fmt: skip


@dataclass(frozen=True)
class ForTwin:
    """What an adaptive recording is asked for; a measurement is one repeat of one sequence.

    Attributes
    ----------
    budget
        Most measurements to fit on; those that score come on top.
    target
        It stops where no deciding error is above so many times its floor; 0: at the budget only.
    steps, repeats
        Of each sequence that is fitted; the first round has `FIRST_REPEATS` at least, which tell
        how large the noise is. Few repeats of many sequences teach more than the reverse; one each
        taught a nanoring's mean sooner than two, and its autocovariance later (MEASURED.md).
    first, growth
        Sequences of the first round; each further one adds that share of what is there.
    scoring, scoring_repeats
        Sequences of all families that only score, measured first. Few loud ones make most of an
        error: a twin of the nanoring at 1.35 of its floor on 96 sequences was at 1.23 to 2.6 (the
        middle 80 % of draws) on 12 of them with 16 repeats, at 1.23 to 2.2 on 24 with 8, the
        defaults, and at 1.17 to 2.7 on 48 with 4 (2026-11-29).
    members, iterations
        Twins of the ensemble, and iterations of each a round.
    pool
        Candidates a round.
    choose
        `disagreement` of the ensemble, or `random`: the plan to compare it with.
    families
        Of the candidates and of what scores.
    network
        Its folder: half of each round is what it sends over its training part; empty: none.
    seed
        Of candidates, order of repeats and fits.
    holds
        Each step is held 1 to so many times as long, but what a network sends once.
    """

    budget: int = 1000
    target: float = 1.25
    steps: int = 100
    repeats: int = 2
    first: int = 24
    growth: float = 0.5
    scoring: int = 24
    scoring_repeats: int = 8
    members: int = 3
    iterations: int = 1500
    pool: int = 160
    choose: str = CHOICES[0]
    families: tuple[str, ...] = tuple(FAMILIES)
    network: str = ""
    seed: int = 0
    holds: int = 1

    def __post_init__(self) -> None:
        problems = [
            f"{name} = {getattr(self, name)} must be at least {least}"
            for name, least in (
                ("steps", 2), ("repeats", 1), ("first", 4), ("scoring", 2), ("iterations", 1),
                ("scoring_repeats", 4), ("members", 2), ("holds", 1),
            )
            if getattr(self, name) < least
        ]  # fmt: skip
        if self.budget < self.first * self.first_repeats:
            problems.append(
                f"a budget of {self.budget} measurements is below the first round's {self.first} "
                f"sequences × {self.first_repeats} repeats"
            )
        if not self.growth > 0:
            problems.append(f"growth = {self.growth} must be above 0")
        if self.target and not self.target > 1:
            problems.append(f"target = {self.target}: nothing is below its floor; above 1, or 0")
        if self.holds > LONGEST_HOLD:
            problems.append(f"holds = {self.holds} must be at most {LONGEST_HOLD}")
        if self.choose not in CHOICES:
            problems.append(f"choose = {self.choose!r} is none of {', '.join(CHOICES)}")
        problems += [f"family {f!r} is unknown" for f in self.families if f not in FAMILIES]
        raise_problems(InputError, "record --for-twin", problems)

    @property
    def first_repeats(self) -> int:
        """Repeats of each sequence of the first round."""
        return max(self.repeats, FIRST_REPEATS)


@dataclass
class Round:
    """One round: what it plays, in which folder, and how the twins scored once it was there."""

    what: str
    folder: str
    repeats: int
    sequences: list[FieldSequence]
    scores: dict[str, Any] = field(default_factory=dict)

    @property
    def measurements(self) -> int:
        """Repeats of all its sequences."""
        return len(self.sequences) * self.repeats

    @property
    def worst(self) -> float:
        """The largest deciding error over its floor; infinite where one could not be scored."""
        worst = self.scores.get("worst")
        return math.inf if worst is None else float(worst)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "what": self.what,
            "folder": self.folder,
            "repeats": self.repeats,
            "families": [s.family for s in self.sequences],
            "drives": [s.drive.tolist() for s in self.sequences],
            **self._holds(),
            "scores": plain(self.scores),
        }

    def _holds(self) -> dict[str, Any]:
        """Of each sequence, where a step is held longer than once."""
        if not any(s.held for s in self.sequences):
            return {}
        return {"holds": [s.holds.tolist() for s in self.sequences]}

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> Round:
        """The round of `to_json`; InputError where a drive is none, or its holds don't fit."""
        drives = [np.array(drive) for drive in body["drives"]]
        holds = body.get("holds", [np.ones(len(drive), dtype=np.int64) for drive in drives])
        rows = zip(drives, body["families"], holds, strict=True)
        sequences = [FieldSequence(drive, family, np.array(held)) for drive, family, held in rows]
        return cls(body["what"], body["folder"], body["repeats"], sequences, body["scores"])


@dataclass
class Rounds:
    """All rounds of a run so far; `save` after each change."""

    out: Path
    asked: ForTwin
    id: str
    meta: dict[str, Any]
    rounds: list[Round] = field(default_factory=list)

    @classmethod
    def load(cls, out: Path) -> Rounds:
        """Read `adaptive.json`; InputError where it is damaged or another's."""
        refuse_never_begun(out, BEGUN, PLAN_NAME)
        path = out / PLAN_NAME
        body = read_head(path, KIND, SCHEMA)
        raise_problems(InputError, str(path), _faults_of(body))
        asked = {**body["asked"], "families": tuple(body["asked"]["families"])}
        rounds = [Round.from_json(row) for row in body["rounds"]]
        return cls(out, ForTwin(**asked), body["id"], body["meta"], rounds)

    def save(self) -> None:
        """Write or replace `adaptive.json`; TwinrigError where the disk refuses."""
        body = {
            "kind": KIND, "schema": SCHEMA, "id": self.id, "asked": plain(asdict(self.asked)),
            "meta": plain(self.meta), "rounds": [r.to_json() for r in self.rounds],
        }  # fmt: skip
        text = json.dumps(with_checksum(body), ensure_ascii=False, allow_nan=False)
        write_bytes(self.out / PLAN_NAME, text.encode())

    def add(self, what: str, sequences: Sequence[FieldSequence], repeats: int) -> Round:
        """Decide on a round, and keep that before anything is measured."""
        folder = f"{ROUNDS}/{len(self.rounds):02d}"
        self.rounds.append(Round(what, folder, repeats, list(sequences)))
        self.save()
        return self.rounds[-1]

    @property
    def fitted(self) -> list[Round]:
        """The rounds that are fitted: all but the one that scores."""
        return [r for r in self.rounds if r.what != SCORING]

    @property
    def measurements(self) -> int:
        """Measurements of the rounds that are fitted."""
        return sum(r.measurements for r in self.fitted)

    def recording(self, which: Round) -> Recording:
        """What a round has measured so far; InputError where nothing is there."""
        return read_recording(self.out / which.folder)

    def is_complete(self, which: Round) -> bool:
        """Whether every repeat of a round is there."""
        if not file_at(self.out / which.folder / FILE_NAME):
            return False
        recording = self.recording(which)
        return recording.status == "done" and bool(recording.complete.all())

    def can_go_on(self, which: Round) -> bool:
        """Whether a round has begun; a folder that died before its first file is left behind."""
        folder = self.out / which.folder
        if any(file_at(folder / name) for name in (FILE_NAME, JOURNAL_NAME)):
            return True
        if folder_at(folder) and any(folder.iterdir()):
            which.folder += "-again"
            self.save()
        return False

    def merge(self, status: str) -> Recording | None:
        """Write all rounds as one recording; None where nothing was measured yet."""
        there = [(r, self.recording(r)) for r in self.rounds if self._begun(r)]
        if not there:
            return None
        whole = merged([recording for _, recording in there])
        remarks = [
            f"round {r.folder.rpartition('/')[2]} ({r.what}): {words}"
            for r, recording in there
            for words in recording.meta.get("remarks", [])
        ]
        meta = {
            **there[0][1].meta, **self.meta, "id": self.id, "remarks": remarks,
            "for_twin": {
                "asked": plain(asdict(self.asked)),
                "rounds": [
                    {"what": r.what, "sequences": len(r.sequences), "repeats": r.repeats,
                     "scores": plain(r.scores)}
                    for r, _ in there
                ],
            },
        }  # fmt: skip
        whole = replace(whole, status=status, meta=meta)
        write_netcdf(self.out / FILE_NAME, variables_of(whole), attributes_of(whole))
        return whole

    def _begun(self, which: Round) -> bool:
        folder = self.out / which.folder
        return any(file_at(folder / name) for name in (FILE_NAME, JOURNAL_NAME))


def _faults_of(body: dict[str, Any]) -> list[str]:
    wrong = faults(body, FORM)
    places = [row["folder"] for row in body["rounds"]] if not wrong else []
    return [*wrong, *(f"{p!r} is no round's folder" for p in places if not PLACE.fullmatch(p))]

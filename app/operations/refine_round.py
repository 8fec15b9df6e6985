"""One round of a refinement: record what is sent, fit the twins further, train the network further.

Files of a round, all of which stay where it is resumed: `drives.json`, `recording` and `scoring` of
the first device, `drives-2.json`, `recording-2`, … of further ones; `twin`, of further twins
`twin-2`, …; `network`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from app.artefacts import write_bytes
from app.checked_json import read_json, with_checksum
from app.deployment import numbered
from app.device_benches import each_of, matched, named_otherwise
from app.fit_checkpoint import FILE_NAME as CHECKPOINT
from app.journal import NAME as JOURNAL_NAME
from app.operations.events import Note, Stage
from app.operations.record import record
from app.operations.transfer_parts import within
from app.recording_reader import FILE_NAME, read_recording
from app.shown_score import shown
from app.weights_store import NETWORK_FILE, TWIN_FILE, load_network
from models.paths import file_at
from models.sequence import SENT, FieldSequence

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from app.device_benches import Benches
    from app.operations.events import Event
    from app.operations.refine import Refinement
    from app.operations.transfer_parts import Apart
    from instruments.bench import Bench
    from instruments.clock import Pause
    from models.network import Network

TORCH = "app.operations.refine_torch"
SENT_DRIVES = "app.operations.sent_drives"


@dataclass(frozen=True)
class KnownTwin:
    """A twin before its round.

    Attributes
    ----------
    path
        Its file.
    device
        Whose it is, by the device's number in the network.
    recordings
        Folders of those that it was fitted on.
    steps
        Of their sequences.
    """

    path: Path
    device: int
    recordings: tuple[Path, ...]
    steps: int


@dataclass(frozen=True)
class KnownTwins:
    """The different twins of a network, and which of them each of its references is.

    The references are those of one ensemble member after another, `members` in all.
    """

    twins: tuple[KnownTwin, ...]
    which: tuple[int, ...]
    members: int


class Rounds:
    """What all rounds have in common: the plan, the benches, pause and retries, torch apart."""

    def __init__(
        self,
        plan: dict[str, Any],
        benches: Benches,
        control: tuple[Pause | None, int],
        apart: Apart,
    ) -> None:
        self.plan, self.benches = plan, benches
        self.pause, self.retries = control
        self._apart = apart

    def apart(self, function: str, **kwargs: Any) -> Generator[Event, None, Any]:
        """Run what needs torch; its value is what it returns."""
        return (yield from self._apart(function, kwargs, self._is_stopped))

    def _is_stopped(self) -> bool:
        return any(bench.stop.requested for bench in each_of(self.benches))


class Round:
    """A round of the network at `before`; its own is at `made` when it is over."""

    def __init__(
        self, rounds: Rounds, asked: Refinement, folder: Path, before: Path, number: int
    ) -> None:
        self.rounds, self.asked, self.folder = rounds, asked, folder
        self.before, self.number = before, number
        self.network: Network = load_network(before)
        self.benches = matched(self.network, before, rounds.benches)
        self.made = folder / "network" / NETWORK_FILE

    def events(self) -> Generator[Event, None, dict[str, Any]]:
        """All of it in order; returns what it has changed."""
        number = self.number
        known: KnownTwins = yield from self.rounds.apart(
            f"{TORCH}.twins_known", network=self.before
        )
        yield Stage(f"round {number}: record what the network sends", 1, 3)
        runs = 0
        for device, bench in enumerate(self.benches):
            if words := named_otherwise(self.network.devices[device], bench):
                yield Note(words, "warning")
            runs += yield from self._device(known, device, bench)
        yield Stage(f"round {number}: fit the twin further", 2, 3)
        for index, twin in enumerate(known.twins):
            yield from self._refitted(twin, index)
        errors = {}
        for index, twin in enumerate(known.twins):
            errors[self._name(known, index)] = yield from self._errors(twin, index)
        fitted = [self.folder / numbered("twin", index) for index in known.which]
        seen = yield from self.rounds.apart(
            f"{TORCH}.foreseen_by", network=self.before, twins=fitted, members=known.members
        )
        yield Stage(f"round {number}: train the network further", 3, 3)
        yield from self._retrained(fitted, known.members)
        old, new = self.network, load_network(self.made)
        row = {
            "hardware_runs": runs,
            "twin_errors": errors,
            "predicted_before": old.predicted["value"],
            "predicted_before_by_the_new_twin": seen["value"],
            "predicted_after": new.predicted["value"],
        }
        told = shown({"metric": new.task["metric"], "rounds": {"this": row}})["rounds"]["this"]
        yield Note(_words(number, told))
        return row

    def _name(self, known: KnownTwins, index: int) -> str:
        """How a twin is called among the others: by its bench, where there are several devices."""
        device = known.twins[index].device
        alike = [k for k, twin in enumerate(known.twins) if twin.device == device]
        bench = self.benches[device].spec.name if len(self.benches) > 1 else "twin"
        return bench if len(alike) == 1 else f"{bench} {alike.index(index) + 1}"

    def _device(self, known: KnownTwins, device: int, bench: Bench) -> Generator[Event, None, int]:
        """Record what the nodes of a device are sent; returns the hardware runs that it took."""
        asked, runs = self.asked, 0
        own = next(twin.steps for twin in known.twins if twin.device == device)
        steps = asked.piece_steps or own
        pieces = yield from self._pieces(device, steps)
        for name, sequences, repeats in (
            ("recording", pieces[: asked.pieces], asked.repeats),
            ("scoring", pieces[asked.pieces :], asked.scoring_repeats),
        ):
            folder = self.folder / numbered(name, device)
            runs += yield from self._recorded(bench, folder, sequences, repeats)
        return runs

    def _pieces(self, device: int, steps: int) -> Generator[Event, None, list[FieldSequence]]:
        """What the network sends, chosen once and kept: a resumed recording must play the same."""
        file = self.folder / f"{numbered('drives', device)}.json"
        if not file_at(file):
            drives = yield from self.rounds.apart(
                f"{SENT_DRIVES}.pieces_sent", network=self.before, fitted=self.asked.pieces,
                scoring=self.asked.scoring, steps=steps, device=device,
                seed=self.asked.seed + self.number,
            )  # fmt: skip
            self.folder.mkdir(parents=True, exist_ok=True)
            body = with_checksum({"kind": "drives", "drives": [d.tolist() for d in drives]})
            write_bytes(file, json.dumps(body).encode())
        return [FieldSequence(np.array(row), SENT) for row in read_json(file)["drives"]]

    def _recorded(
        self, bench: Bench, folder: Path, sequences: list[FieldSequence], repeats: int
    ) -> Generator[Event, None, int]:
        """Record, or what is missing of it; returns the hardware runs that it took."""
        rounds, begun = self.rounds, any(file_at(folder / n) for n in (FILE_NAME, JOURNAL_NAME))
        events = record(
            bench, sequences, repeats, folder, seed=self.asked.seed + self.number,
            meta={"refines": rounds.plan["network"], "round": self.number}, resume=begun,
            pause=rounds.pause, retries=rounds.retries,
        )  # fmt: skip
        yield from within(events, {})
        recording = read_recording(folder)
        void = sum("was void" in words for words in recording.meta.get("remarks", []))
        return int(recording.complete.sum()) + void

    def _refitted(self, known: KnownTwin, index: int) -> Generator[Event, None, None]:
        twin = self.folder / numbered("twin", index)
        if file_at(twin / TWIN_FILE):
            return
        yield from within(
            self.rounds.apart(
                f"{TORCH}.refit", recordings=known.recordings, out=twin, origin=known.path,
                new=self.folder / numbered("recording", known.device),
                iterations=self.asked.fit_iterations, rate=self.asked.fit_rate,
                seed=self.asked.seed + self.number, resume=file_at(twin / CHECKPOINT),
            ),
            {},
        )  # fmt: skip

    def _errors(self, known: KnownTwin, index: int) -> Generator[Event, None, dict[str, float]]:
        """Mean error of a twin before and after on what scores, and its floor."""
        found = []
        for twin in (known.path, self.folder / numbered("twin", index)):
            told: dict[str, Any] = {}
            events = self.rounds.apart(
                "app.operations.evaluate.evaluate", twin=twin, seed=self.asked.seed,
                recording=self.folder / numbered("scoring", known.device),
            )  # fmt: skip
            yield from within(events, told)
            found.append(told["errors"]["mean"])
        return {
            "before": found[0]["value"], "after": found[1]["value"], "floor": found[1]["floor"],
        }  # fmt: skip

    def _retrained(self, twins: list[Path], members: int) -> Generator[Event, None, None]:
        """Train further through the new twins, those of an ensemble's first member first."""
        out, each = self.made.parent, len(twins) // members
        if file_at(self.made):
            return
        if file_at(out / CHECKPOINT):
            asked: dict[str, Any] = {"resume": True}
            asked |= {"task": None, "twins": None, "layers": None, "out": out}
        else:
            further = [str(twin.resolve()) for twin in twins[each:]]
            asked = {
                "task": None, "twins": twins[:each], "layers": None, "out": out,
                "iterations": self.asked.train_iterations, "seed": self.asked.seed + self.number,
                "options": {"origin": str(self.before), "ensemble": further},
            }  # fmt: skip
        yield from within(self.rounds.apart("app.operations.train.train", **asked), {})


def _words(number: int, row: dict[str, Any]) -> str:
    """What a round has changed, in a sentence."""
    errors = row["twin_errors"]
    each = [
        f"{f'that of {name} ' if len(errors) > 1 else ''}{one['before']:.4f} → {one['after']:.4f} "
        f"(floor {one['floor']:.4f})"
        for name, one in errors.items()
    ]
    return (
        f"round {number}: the twin's mean error on what the network sends {', '.join(each)}; "
        f"foreseen score {row['predicted_before']:.4g}, by the new twin "
        f"{row['predicted_before_by_the_new_twin']:.4g}, trained further "
        f"{row['predicted_after']:.4g}; {row['hardware_runs']} hardware runs"
    )

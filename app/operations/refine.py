"""Closed-loop refinement: measure what the network really sends, refit its twin, retrain it.

A round has a folder of its own: pieces of the drives that the nodes send over the training part are
recorded (few repeats), a few more with many repeats score the twin before and after and are never
fitted, the twin is fitted further with half of each batch new, and the network trained further
through it. The rig is in its safe state while the processor works.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.artefacts import new_id, now_iso, write_bytes
from app.checked_json import read_json, with_checksum
from app.fit_checkpoint import FILE_NAME as CHECKPOINT
from app.journal import NAME as JOURNAL_NAME
from app.operations.child import in_child
from app.operations.events import Note, Stage
from app.operations.record import record
from app.operations.transfer_parts import bettered, with_parent, within
from app.recording_reader import FILE_NAME, read_recording
from app.shown_score import shown
from app.weights_store import NETWORK_FILE, TWIN_FILE, load_network, save_network
from models.errors import InputError, raise_problems
from models.sequence import FieldSequence

if TYPE_CHECKING:
    from collections.abc import Generator

    from app.operations.events import Event
    from app.operations.transfer_parts import Apart
    from instruments.bench import Bench
    from instruments.clock import Pause

KIND = "refine"
TORCH = "app.operations.refine_torch"
SENT = "network"  # the family of what a network sends
LEAST = {"rounds": 1, "pieces": 3, "repeats": 4, "scoring": 2, "scoring_repeats": 4,
         "fit_iterations": 1, "train_iterations": 1}  # fmt: skip


@dataclass(frozen=True)
class Refinement:
    """What a refinement is asked for; the defaults are the recipe that was measured to help.

    Attributes
    ----------
    rounds
        How often all of it is done.
    pieces, repeats
        Pieces of drives that are recorded to fit, as long as the twin's sequences, and repeats.
    scoring, scoring_repeats
        Pieces that only score, and repeats.
    fit_iterations, fit_rate
        Of the twin's fit, and its learning rate.
    train_iterations
        Of the network's training; it goes on at 4e-3.
    """

    rounds: int = 2
    pieces: int = 144
    repeats: int = 4
    scoring: int = 12
    scoring_repeats: int = 16
    fit_iterations: int = 2500
    fit_rate: float = 1.5e-3
    train_iterations: int = 800
    seed: int = 0

    def __post_init__(self) -> None:
        problems = [
            f"{name} = {getattr(self, name)} must be at least {least}"
            for name, least in LEAST.items()
            if getattr(self, name) < least
        ]
        raise_problems(InputError, KIND, problems)


def refine(
    network: Path | None,
    bench: Bench,
    out: Path,
    asked: Refinement | None = None,
    *,
    resume: bool = False,
    pause: Pause | None = None,
    retries: int = 1,
    despite_drift: bool = False,
    apart: Apart = in_child,
) -> Generator[Event, None, Path]:
    """Refine a network round by round; returns the `network.json` of the last round, in `out`.

    Parameters
    ----------
    network
        Its folder or `network.json`; None with `resume`.
    bench
        Connected; nothing energised. It is made safe after each recording, however it ends.
    out
        A new folder: `round-1`, … with drives, recordings, twin and network of each, and the last
        network; with `resume` that of one that ended early: what is complete stays.
    asked
        None: the recipe's, or with `resume` what it was begun with.
    pause, retries, despite_drift, apart
        As of `app.operations.recalibrate.recalibrate`.

    Raises
    ------
    InputError
        The network, its task, its one twin or the twin's recordings can't be read; `out` in use.
    RefusedError
        The network may not run on this bench, or a drive would break a limit.
    TwinrigError
        Failed on the way; what was complete stays.
    """
    out, told = Path(out), dict[str, dict[str, Any]]()

    def work(plan: dict[str, Any]) -> Generator[Event, None, dict[str, Any]]:
        return (yield from _Run(bench, out, plan, (pause, retries), apart, told).rounds())

    return (
        yield from bettered(
            KIND, network, bench, out, asdict(asked or Refinement()), work, resume=resume,
            despite_drift=despite_drift, so_far=lambda: {"rounds": told},
        )
    )  # fmt: skip


class _Run:
    """One refinement between its first and last round."""

    def __init__(
        self, bench: Bench, out: Path, plan: dict[str, Any], control: tuple[Pause | None, int],
        apart: Apart, told: dict[str, dict[str, Any]],
    ) -> None:  # fmt: skip
        self.bench, self.out, self.plan = bench, out, plan
        self.asked = Refinement(**plan["asked"])
        self.pause, self.retries = control
        self._apart = apart
        self.told = told

    def apart(self, function: str, **kwargs: Any) -> Generator[Event, None, Any]:
        """Run what needs torch; its value is what it returns."""
        stop = self.bench.stop
        return (yield from self._apart(function, kwargs, lambda: bool(stop.requested)))

    def rounds(self) -> Generator[Event, None, dict[str, Any]]:
        """Every round in turn; returns the result's values."""
        network = Path(self.plan["network"])
        first = load_network(network)
        for number in range(1, self.asked.rounds + 1):
            network = yield from self._round(number, network)
        last = load_network(network)
        runs = sum(row["hardware_runs"] for row in self.told.values())
        before = int(first.meta.get("hardware_runs", 0))
        meta = {
            **last.meta, "id": new_id("net"), "created": now_iso(),
            "parents": with_parent(last, self.plan),
            "refined": {"rounds": self.told, "from": first.meta.get("id", "")},
            "hardware_runs": before + runs,
        }  # fmt: skip
        path = self.out / NETWORK_FILE
        if not path.is_file():
            path = save_network(self.out, replace(last, meta=meta))
        return {
            "path": str(path), "status": "done", "task": last.task["name"],
            "metric": last.task["metric"], "predicted": last.predicted,
            "predicted_before": first.predicted, "rounds": self.told, "hardware_runs": runs,
            "baselines": last.baselines,
        }  # fmt: skip

    def _round(self, number: int, network: Path) -> Generator[Event, None, Path]:
        """One round: returns the path of its network."""
        folder, asked = self.out / f"round-{number}", self.asked
        known = yield from self.apart(f"{TORCH}.twin_known", network=network)
        yield Stage(f"round {number}: record what the network sends", 1, 3)
        pieces = yield from self._pieces(folder, network, known["steps"], number)
        parts = (
            ("recording", pieces[: asked.pieces], asked.repeats),
            ("scoring", pieces[asked.pieces :], asked.scoring_repeats),
        )
        runs = 0
        for name, sequences, repeats in parts:
            runs += yield from self._recorded(folder / name, sequences, repeats, number)
        yield Stage(f"round {number}: fit the twin further", 2, 3)
        yield from self._refitted(folder, known, number)
        errors = yield from self._errors(folder, Path(known["twin"]))
        seen = yield from self.apart(f"{TORCH}.foreseen_by", network=network, twin=folder / "twin")
        yield Stage(f"round {number}: train the network further", 3, 3)
        yield from self._retrained(folder, network, number)
        old, new = load_network(network), load_network(folder / "network")
        self.told[f"round {number}"] = {
            "hardware_runs": runs,
            "twin_error_before": errors[0], "twin_error_after": errors[1],
            "twin_error_floor": errors[2],
            "predicted_before": old.predicted["value"],
            "predicted_before_by_the_new_twin": seen["value"],
            "predicted_after": new.predicted["value"],
        }  # fmt: skip
        told = shown({"metric": new.task["metric"], "rounds": self.told})["rounds"]
        yield Note(_words(number, told[f"round {number}"]))
        return folder / "network" / NETWORK_FILE

    def _pieces(
        self, folder: Path, network: Path, steps: int, number: int
    ) -> Generator[Event, None, list[FieldSequence]]:
        """What the network sends, chosen once and kept: a resumed recording must play the same."""
        file = folder / "drives.json"
        if not file.is_file():
            count = self.asked.pieces + self.asked.scoring
            drives = yield from self.apart(
                f"{TORCH}.sent", network=network, count=count, steps=steps,
                seed=self.asked.seed + number,
            )  # fmt: skip
            folder.mkdir(parents=True, exist_ok=True)
            body = with_checksum({"kind": "drives", "drives": [d.tolist() for d in drives]})
            write_bytes(file, json.dumps(body).encode())
        return [FieldSequence(np.array(row), SENT) for row in read_json(file)["drives"]]

    def _recorded(
        self, folder: Path, sequences: list[FieldSequence], repeats: int, number: int
    ) -> Generator[Event, None, int]:
        """Record, or what is missing of it; returns the hardware runs that it took."""
        begun = any((folder / name).is_file() for name in (FILE_NAME, JOURNAL_NAME))
        events = record(
            self.bench, sequences, repeats, folder, seed=self.asked.seed + number,
            meta={"refines": self.plan["network"], "round": number}, resume=begun,
            pause=self.pause, retries=self.retries,
        )  # fmt: skip
        yield from within(events, {})
        recording = read_recording(folder)
        void = sum("was void" in words for words in recording.meta.get("remarks", []))
        return int(recording.complete.sum()) + void

    def _refitted(
        self, folder: Path, known: dict[str, Any], number: int
    ) -> Generator[Event, None, None]:
        twin = folder / "twin"
        if (twin / TWIN_FILE).is_file():
            return
        yield from within(
            self.apart(
                f"{TORCH}.refit", recordings=[Path(p) for p in known["recordings"]],
                new=folder / "recording", out=twin, origin=Path(known["twin"]),
                iterations=self.asked.fit_iterations, rate=self.asked.fit_rate,
                seed=self.asked.seed + number, resume=(twin / CHECKPOINT).is_file(),
            ),
            {},
        )  # fmt: skip

    def _errors(
        self, folder: Path, before: Path
    ) -> Generator[Event, None, tuple[float, float, float]]:
        """Mean error of the twin before and after on what scores, and its floor."""
        found = []
        for twin in (before, folder / "twin"):
            told: dict[str, Any] = {}
            events = self.apart(
                "app.operations.evaluate.evaluate", twin=twin, recording=folder / "scoring",
                seed=self.asked.seed,
            )  # fmt: skip
            yield from within(events, told)
            found.append(told["errors"]["mean"])
        return found[0]["value"], found[1]["value"], found[1]["floor"]

    def _retrained(self, folder: Path, network: Path, number: int) -> Generator[Event, None, None]:
        out = folder / "network"
        if (out / NETWORK_FILE).is_file():
            return
        if (out / CHECKPOINT).is_file():
            asked: dict[str, Any] = {"resume": True}
            asked |= {"task": None, "twins": None, "layers": None, "out": out}
        else:
            asked = {
                "task": None, "twins": [folder / "twin"], "layers": None, "out": out,
                "iterations": self.asked.train_iterations, "seed": self.asked.seed + number,
                "options": {"origin": str(network)},
            }  # fmt: skip
        yield from within(self.apart("app.operations.train.train", **asked), {})


def _words(number: int, row: dict[str, Any]) -> str:
    """What a round has changed, in a sentence."""
    return (
        f"round {number}: the twin's mean error on what the network sends "
        f"{row['twin_error_before']:.4f} → {row['twin_error_after']:.4f} (floor "
        f"{row['twin_error_floor']:.4f}); foreseen score {row['predicted_before']:.4g}, by the new "
        f"twin {row['predicted_before_by_the_new_twin']:.4g}, trained further "
        f"{row['predicted_after']:.4g}; {row['hardware_runs']} hardware runs"
    )

"""The stages of the demo: how much of everything, which operation, how long about."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from app.operations.events import Event
from app.operations.transfer_parts import in_here
from models.sequence import FAMILIES, FieldSequence, make_sequences

if TYPE_CHECKING:
    from pathlib import Path

    from instruments.bench import Bench

Events = Generator[Event, None, Any]
EVENLY = (1, 1, 1, 1)  # sequences of each of FAMILIES, in proportion
# Mixed sequences meet more of the device: a slow one alone may leave it without walls to the end.
MOSTLY_MIXED = (1, 1, 1, 5)
HELD_OUT_SEED = 1000  # apart from the seed of the sequences that are fitted
# Measured seconds on one core: a step of the virtual rig, an iteration of a fit per step of its
# sequences (stochastic, deterministic), of a training per node, and what a training takes beside.
STEP_S, FIT_S, MEAN_FIT_S, TRAIN_S, BASELINES_S = 1.6e-4, 2e-4, 5e-5, 6e-4, 12.0
REPORT_S = 15.0
DEPLOYED_STEPS = 1100  # washout and unseen part of the task
BASELINE = "network-untrained"


@dataclass(frozen=True)
class Size:
    """How much of everything a demo takes; the full one is the recipe of the README's figures.

    Attributes
    ----------
    fit_sequences, fit_repeats, steps
        Of the recording that is fitted: many sequences with few repeats beat the reverse.
    held_out_sequences, held_out_repeats
        Of the recording that scores the twin, by halves of 8 repeats, which make its floor
        comparable. Sixteen tell of the autocovariance by chance: a demo's had 2.38 of the floor,
        and on four further sets of 16 of the same drives 1.33, 0.76, 0.84 and 0.87.
    fit_iterations, train_iterations
        Gradient steps of each fit and of each training.
    layers
        Nodes of each layer.
    taps
        Steps ago at which layers and read-out see their sources: of five wirings the best by
        validation score.
    task
        What the network learns.
    """

    fit_sequences: int = 5120
    fit_repeats: int = 2
    steps: int = 100
    held_out_sequences: int = 40
    held_out_repeats: int = 64
    fit_iterations: int = 6000
    train_iterations: int = 600
    layers: tuple[int, ...] = (24, 24, 24)
    taps: tuple[int, ...] = (0, 3, 6)
    task: str = "mackey-glass:h=5"


FULL = Size()
QUICK = Size(200, 2, 60, 12, 16, 4000, 300, (12, 12, 12), task="mackey-glass:h=5,test=500")


@dataclass(frozen=True)
class Step:
    """One stage of the demo.

    Attributes
    ----------
    words
        What it does.
    folder, finished
        Of its artefact, and the file in there that is written last.
    expected_s
        Time on one core of the machine that the README names; the true ones scale it.
    events
        The operation, given the folder and whether to go on with what is there.
    apart
        The same by name and arguments, for a child process beside the stage before; None: it waits
        for that one, or needs the bench.
    """

    words: str
    folder: Path
    finished: Path
    expected_s: float
    events: Callable[[Path, bool], Events]
    apart: Callable[[Path, bool], tuple[str, dict[str, Any]]] | None = None


@dataclass
class Pace:
    """How fast this machine is: expected and true time of the stages that have run."""

    expected_s: float = 0.0
    true_s: float = 0.0

    def ran(self, group: Sequence[Step], true_s: float) -> None:
        """Take in stages that have run at once."""
        self.expected_s += expected_s(group)
        self.true_s += true_s

    def left_s(self, groups: Sequence[Sequence[Step]]) -> float:
        """Time that these stages and the report will take, in s."""
        factor = self.true_s / self.expected_s if self.expected_s > 0 else 1.0
        return factor * (sum(map(expected_s, groups)) + REPORT_S)


def expected_s(group: Sequence[Step]) -> float:
    """Time that stages take at once."""
    return max(step.expected_s for step in group)


def groups_of(steps: Sequence[Step]) -> list[list[Step]]:
    """Stages that run at once: one, or two of which the second needs neither bench nor first."""
    groups: list[list[Step]] = []
    for step in steps:
        if step.apart is not None and groups and len(groups[-1]) == 1:
            groups[-1].append(step)
        else:
            groups.append([step])
    return groups


def stages(out: Path, size: Size, seed: int, bench: Bench) -> list[Step]:
    """Every stage before the report, in order; heavy imports happen when one runs."""
    fitted = of_all_families(size.fit_sequences, size.steps, seed, MOSTLY_MIXED)
    unseen = of_all_families(size.held_out_sequences, size.steps, seed + HELD_OUT_SEED)
    iterations = size.train_iterations
    return [
        _recording(
            out / "recording", "record repeats to fit", bench, fitted, size.fit_repeats, seed
        ),
        _recording(
            out / "held-out", "record repeats that no fit sees", bench, unseen,
            size.held_out_repeats, seed + HELD_OUT_SEED,
        ),
        _fit(out, "twin", "fit the noise-aware twin", size, seed, deterministic=False),
        _fit(out, "twin-deterministic", "fit a deterministic twin", size, seed, deterministic=True),
        # first the one that all baselines come with: the others take them over
        _train(out, BASELINE, "twin", size, seed, 0),
        _train(out, "network", "twin", size, seed, iterations),
        _train(out, "network-deterministic", "twin-deterministic", size, seed, iterations),
        _deploy(out, "deployment", "network", size, bench),
        _deploy(out, "deployment-deterministic", "network-deterministic", size, bench),
        _deploy(out, "deployment-untrained", BASELINE, size, bench),
    ]  # fmt: skip


def of_all_families(
    sequences: int, steps: int, seed: int, parts: tuple[int, ...] = EVENLY
) -> list[FieldSequence]:
    """Sequences of every family, `parts` of each: a network's drive may look like any of them."""
    ends = [round(sequences * sum(parts[:n]) / sum(parts)) for n in range(len(parts) + 1)]
    counts = [end - begin for begin, end in pairwise(ends)]
    return [
        sequence
        for family, count in zip(FAMILIES, counts, strict=True)
        if count
        for sequence in make_sequences(family, count, steps, seed)
    ]


def _recording(
    folder: Path, words: str, bench: Bench, sequences: list[FieldSequence], repeats: int, seed: int
) -> Step:
    def events(out: Path, resume: bool) -> Events:
        from app.operations.record import record

        return record(bench, sequences, repeats, out, seed=seed, resume=resume)

    steps = sum(sequence.steps for sequence in sequences) * repeats
    return Step(words, folder, folder / "recording.nc", steps * STEP_S, events)


def _fit(out: Path, name: str, words: str, size: Size, seed: int, *, deterministic: bool) -> Step:
    def asked(folder: Path, resume: bool) -> tuple[str, dict[str, Any]]:
        return "app.operations.fit.fit", {
            "recordings": [out / "recording", out / "held-out"],  # many repeats mark it as unseen
            "out": folder,
            "objective": "mean" if deterministic else None,
            "deterministic": deterministic,
            "iterations": size.fit_iterations,
            "seed": seed,
            "resume": resume,
        }

    expected_s = size.fit_iterations * size.steps * (MEAN_FIT_S if deterministic else FIT_S)
    finished = out / name / "twin.json"
    return _of_processor(words, finished, expected_s, asked, beside=deterministic)


def _train(out: Path, name: str, twin: str, size: Size, seed: int, iterations: int) -> Step:
    of_device = twin == "twin"

    def asked(folder: Path, resume: bool) -> tuple[str, dict[str, Any]]:
        return "app.operations.train.train", {
            "task": size.task,
            "twins": [out / twin],
            "layers": size.layers,
            "out": folder,
            "iterations": iterations,
            "seed": seed,
            "resume": resume,
            "judge": None if of_device else out / "twin",  # at its best ridge: no straw man
            "options": {"taps": size.taps, "readout_taps": size.taps},
            "beside": [out / BASELINE] if iterations else [],
        }

    how = "train the network through" if iterations else "an untrained network of"
    expected_s = iterations * sum(size.layers) * TRAIN_S + (0.0 if iterations else BASELINES_S)
    finished = out / name / "network.json"
    return _of_processor(f"{how} the {twin}", finished, expected_s, asked, beside=not of_device)


def _of_processor(
    words: str,
    finished: Path,
    expected_s: float,
    asked: Callable[[Path, bool], tuple[str, dict[str, Any]]],
    *,
    beside: bool,
) -> Step:
    """A stage that needs no bench: what is asked runs here, or in a child beside the one before."""

    def events(folder: Path, resume: bool) -> Events:
        return in_here(*asked(folder, resume))

    return Step(words, finished.parent, finished, expected_s, events, asked if beside else None)


def _deploy(out: Path, name: str, network: str, size: Size, bench: Bench) -> Step:
    def events(folder: Path, resume: bool) -> Events:
        from app.operations.deploy import deploy

        return deploy(out / network, bench, folder, resume=resume)

    expected_s = sum(size.layers) * DEPLOYED_STEPS * STEP_S
    words = f"run the {network} on the device"
    return Step(words, out / name, out / name / "deployment.json", expected_s, events)

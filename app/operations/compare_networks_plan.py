"""What `compare-networks` runs: each kind of network for every fold and seed, its deployment."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from itertools import product
from typing import TYPE_CHECKING, Any

from app.deployment import numbered
from app.operations.sweep_grid import option_faults, untied
from app.operations.trial import Trial, of_seeds
from app.train_request import several
from app.twin_digests import changed, digests_of
from models.errors import InputError, raise_problems

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NOISE_AWARE, DETERMINISTIC, NOISY_READOUT, UNTRAINED = (
    "noise-aware", "deterministic", "deterministic-noisy-readout", "untrained",
)  # fmt: skip
KINDS = (NOISE_AWARE, DETERMINISTIC, NOISY_READOUT, UNTRAINED)
THROUGH_A_MEAN = (DETERMINISTIC, NOISY_READOUT)
BEGUN = (UNTRAINED, NOISE_AWARE, DETERMINISTIC, NOISY_READOUT)  # later ones take from earlier ones
DETERMINISTIC_TWIN = "twin-deterministic"
NOISE_SEEDS = 70_000  # of the virtual bench: none that a recording would have
DEPLOYED = "-deployed"
MOST_FOLDS = 1000  # more are a slip, and every one is a training


Place = tuple[int | None, int]
"""Fold (None: the task has none) and seed."""


@dataclass(frozen=True)
class Cell:
    """One network: its kind, the task's fold (None: the task has none) and its seed."""

    kind: str
    fold: int | None
    seed: int

    @property
    def place(self) -> Place:
        """What it shares with a network of another kind that it is compared with."""
        return self.fold, self.seed

    @property
    def name(self) -> str:
        """Of its training; its deployment's has `DEPLOYED` behind."""
        fold = "" if self.fold is None else f"-fold{self.fold}"
        return f"{self.kind}{fold}-seed{self.seed}"

    @property
    def deployed(self) -> str:
        """Name of its deployment."""
        return self.name + DEPLOYED


@dataclass(frozen=True)
class Plan:
    """What is compared.

    Attributes
    ----------
    task
        As `train` takes it, without a fold where there are `folds`.
    twin
        Folder of a stochastic twin, or of one a layer; they may be of several devices.
    deterministic
        A deterministic twin of the device of each of these; empty: fitted first, from their
        recordings.
    layers
        Nodes of each layer; which stand beside the one before is the option `parallel`.
    folds
        0: the task has none; N: `fold=0` to `fold=N−1` of the task.
    seeds, seed
        How many, from which one.
    iterations
        Of each training; None: as `train` has it.
    bench
        Where they are deployed, a bench a device; empty: nowhere.
    in_pool
        The benches are virtual ones in process, of which each trial has its own.
    options
        More options of `train`, the same for every network.
    kinds
        Of `KINDS`, noise-aware among them.
    digests
        SHA-256 of each twin's file.
    """

    task: str
    twin: tuple[str, ...]
    deterministic: tuple[str, ...]
    layers: tuple[int, ...]
    folds: int = 0
    seeds: int = 5
    seed: int = 0
    iterations: int | None = None
    bench: tuple[str, ...] = ()
    in_pool: bool = True
    options: dict[str, Any] = field(default_factory=dict)
    kinds: tuple[str, ...] = KINDS
    digests: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        problems = of_seeds(self.seeds)
        if not 0 <= self.folds <= MOST_FOLDS:
            problems.append(f"{self.folds} folds: 0 to {MOST_FOLDS}")
        if self.folds and "fold=" in self.task:
            problems.append(f"task {self.task!r} names a fold already, and --folds all of them")
        if len(self.twin) not in (1, len(self.layers)):
            problems.append(
                f"{len(self.twin)} twins for {len(self.layers)} layers: one, or one a layer"
            )
        if len(self.deterministic) not in (0, len(self.twin)):
            problems.append(
                f"deterministic twins: {len(self.deterministic)}, stochastic ones: "
                f"{len(self.twin)}; one of each, in the same order, or none"
            )
        unknown = [kind for kind in self.kinds if kind not in KINDS]
        if unknown or NOISE_AWARE not in self.kinds:
            problems.append(
                f"kinds {', '.join(self.kinds)}: of {', '.join(KINDS)}, and {NOISE_AWARE} always"
            )
        raise_problems(InputError, "compare-networks", problems + option_faults(self.options))

    @property
    def twins(self) -> list[str]:
        """The twins that are there from the beginning."""
        return list(dict.fromkeys((*self.twin, *self.deterministic)))

    @property
    def on_a_rig(self) -> bool:
        """Whether networks are deployed one after another, on benches that are connected once."""
        return bool(self.bench) and not self.in_pool

    @property
    def cells(self) -> list[Cell]:
        """Every network, seed by seed: a table that is cut short has all kinds."""
        folds: list[int | None] = list(range(self.folds)) or [None]
        seeds = range(self.seed, self.seed + self.seeds)
        return [Cell(kind, fold, seed) for seed, fold, kind in product(seeds, folds, self.kinds)]

    @property
    def total(self) -> int:
        """Trials in all: fits of deterministic twins, trainings, deployments."""
        each = 2 if self.bench else 1
        return each * len(self.cells) + (len(self._fitted) if self.fits_twins else 0)

    def task_of(self, cell: Cell) -> str:
        """The task of a cell's fold."""
        if cell.fold is None:
            return self.task
        return f"{self.task}{',' if ':' in self.task else ':'}fold={cell.fold}"

    def trials(self, root: Path, fits: Mapping[str, Mapping[str, Any]]) -> list[Trial]:
        """Everything that a pool runs.

        Parameters
        ----------
        root
            The pool's folder.
        fits
            Of each stochastic twin the fit of a deterministic one to the same recordings.
        """
        trials = []
        if self.fits_twins:
            trials += [
                Trial(name, "fit", dict(fits[twin]), str(root))
                for twin, name in self._fitted.items()
            ]
        for cell in sorted(self.cells, key=lambda c: (c.seed, c.fold or 0, BEGUN.index(c.kind))):
            trials.append(self.training(cell, root))
            if self.bench and self.in_pool:
                trials.append(self.deployment(cell, root))
        return trials

    def training(self, cell: Cell, root: Path) -> Trial:
        """The training of a cell."""
        asked: dict[str, Any] = {
            "task": self.task_of(cell), "twins": list(self.twin), "layers": list(self.layers),
            "seed": cell.seed, **untied(self.options),
        }  # fmt: skip
        if self.iterations is not None:
            asked["iterations"] = self.iterations
        if cell.kind == UNTRAINED:
            asked["iterations"] = 0
        after: tuple[str, ...] = ()
        if cell.kind in THROUGH_A_MEAN:
            own = [str(Trial(self._fitted[twin], "fit", {}, str(root)).out) for twin in self.twin]
            asked["twins"] = list(self.deterministic) or own
            # at its best ridge under the noise: no straw man
            asked["judge"] = _one_or_list(self.twin)
            after = () if self.deterministic else tuple(self._fitted.values())
        if cell.kind == NOISY_READOUT:
            asked["readout_from_judge"] = True
        if beside := self._beside(cell):
            outs = [Trial(name, "train", {}, str(root)).out for name in beside]
            asked["beside"] = [str(out) for out in outs]
        return Trial(cell.name, "train", asked, str(root), (*after, *beside))

    def _beside(self, cell: Cell) -> list[str]:
        """Trainings that are done before, from which one takes what it would compute again.

        All baselines come with the untrained network, which is one of them; a read-out from the
        stochastic twin is the only thing in which the noisy one differs from the deterministic.
        """
        kinds = [UNTRAINED] if cell.kind != UNTRAINED else []
        kinds += [DETERMINISTIC] if cell.kind == NOISY_READOUT else []
        return [replace(cell, kind=kind).name for kind in kinds if kind in self.kinds]

    def deployment(self, cell: Cell, root: Path) -> Trial:
        """The deployment of a cell; on a virtual bench the same device under its own noise."""
        training = self.training(cell, root)
        place = (cell.fold or 0) * len(KINDS) + KINDS.index(cell.kind)
        asked = {
            "network": str(training.out), "bench": _one_or_list(self.bench),
            "noise_seed": NOISE_SEEDS + 1000 * cell.seed + place,
        }  # fmt: skip
        return Trial(cell.deployed, "deploy", asked, str(root), (training.name,))

    @property
    def fits_twins(self) -> bool:
        """Whether twins without noise are fitted first."""
        return not self.deterministic and any(k in THROUGH_A_MEAN for k in self.kinds)

    @property
    def _fitted(self) -> dict[str, str]:
        """Name of the deterministic fit for each stochastic twin."""
        different = dict.fromkeys(self.twin)
        return {twin: numbered(DETERMINISTIC_TWIN, k) for k, twin in enumerate(different)}

    def sealed(self) -> dict[str, Any]:
        """As JSON, with the SHA-256 of each twin's file, and of the task's; known ones stay."""
        return {**asdict(self), "digests": self.digests or digests_of(self.twins, [self.task])}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Plan:
        """Plan of `sealed`, to go on with; InputError where a twin has changed or is gone."""
        plan = cls.told(body)
        raise_problems(InputError, "compare-networks", plan.changed())
        return plan

    def changed(self) -> list[str]:
        """What has become of twins since the plan was sealed, in words; their files are read."""
        return changed(self.digests, "the table was begun")

    @classmethod
    def told(cls, body: Mapping[str, Any]) -> Plan:
        """Plan of `sealed` as it was, whatever has become of its twins."""
        named = {name: several(body[name]) for name in ("twin", "deterministic", "bench")}
        listed = {name: tuple(body[name]) for name in ("layers", "kinds")}
        return cls(**{**body, **named, **listed})


def _one_or_list(words: tuple[str, ...]) -> str | list[str]:
    """As trials have always named one; several as a list."""
    return words[0] if len(words) == 1 else list(words)

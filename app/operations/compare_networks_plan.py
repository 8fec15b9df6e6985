"""What `compare-networks` runs: each kind of network for every fold and seed, its deployment."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.artefacts import sha256_of
from app.operations.sweep_grid import option_faults, untied
from app.operations.trial import Trial
from models.errors import InputError, raise_problems

if TYPE_CHECKING:
    from collections.abc import Mapping

NOISE_AWARE, DETERMINISTIC, NOISY_READOUT, UNTRAINED = (
    "noise-aware", "deterministic", "deterministic-noisy-readout", "untrained",
)  # fmt: skip
KINDS = (NOISE_AWARE, DETERMINISTIC, NOISY_READOUT, UNTRAINED)
THROUGH_A_MEAN = (DETERMINISTIC, NOISY_READOUT)
BEGUN = (UNTRAINED, NOISE_AWARE, DETERMINISTIC, NOISY_READOUT)  # later ones take from earlier ones
DETERMINISTIC_TWIN = "twin-deterministic"
NOISE_SEEDS = 70_000  # of the virtual bench: none that a recording would have
DEPLOYED = "-deployed"


@dataclass(frozen=True)
class Cell:
    """One network: its kind, the task's fold (None: the task has none) and its seed."""

    kind: str
    fold: int | None
    seed: int

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
        A stochastic twin: its folder.
    deterministic
        A deterministic twin of the same device; None: fitted first, from the twin's recordings.
    layers
        Nodes of each layer.
    folds
        0: the task has none; N: `fold=0` to `fold=N−1` of the task.
    seeds, seed
        How many, from which one.
    iterations
        Of each training; None: as `train` has it.
    bench
        Where they are deployed; None: nowhere.
    in_pool
        The bench is a virtual one in process, of which each trial has its own.
    options
        More options of `train`, the same for every network.
    kinds
        Of `KINDS`, noise-aware among them.
    digests
        SHA-256 of each twin's file.
    """

    task: str
    twin: str
    deterministic: str | None
    layers: tuple[int, ...]
    folds: int = 0
    seeds: int = 5
    seed: int = 0
    iterations: int | None = None
    bench: str | None = None
    in_pool: bool = True
    options: dict[str, Any] = field(default_factory=dict)
    kinds: tuple[str, ...] = KINDS
    digests: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        problems = []
        if self.seeds < 1 or self.folds < 0:
            problems.append(f"{self.seeds} seeds and {self.folds} folds: at least 1 and 0")
        if self.folds and "fold=" in self.task:
            problems.append(f"task {self.task!r} names a fold already, and --folds all of them")
        unknown = [kind for kind in self.kinds if kind not in KINDS]
        if unknown or NOISE_AWARE not in self.kinds:
            problems.append(
                f"kinds {', '.join(self.kinds)}: of {', '.join(KINDS)}, and {NOISE_AWARE} always"
            )
        raise_problems(InputError, "compare-networks", problems + option_faults(self.options))

    @property
    def twins(self) -> list[str]:
        """The twins that are there from the beginning."""
        return [self.twin, *([self.deterministic] if self.deterministic else [])]

    @property
    def cells(self) -> list[Cell]:
        """Every network, seed by seed: a table that is cut short has all kinds."""
        folds: list[int | None] = list(range(self.folds)) or [None]
        seeds = range(self.seed, self.seed + self.seeds)
        return [Cell(kind, fold, seed) for seed, fold, kind in product(seeds, folds, self.kinds)]

    def task_of(self, cell: Cell) -> str:
        """The task of a cell's fold."""
        if cell.fold is None:
            return self.task
        return f"{self.task}{',' if ':' in self.task else ':'}fold={cell.fold}"

    def trials(self, root: Path, recordings: list[str], fitted: dict[str, Any]) -> list[Trial]:
        """Everything that a pool runs.

        Parameters
        ----------
        root
            The pool's folder.
        recordings, fitted
            Those of the twin, and how it was fitted: for a deterministic twin of the same.
        """
        trials = []
        if self._fits_a_twin:
            asked = {"recordings": recordings, "deterministic": True, **fitted}
            trials.append(Trial(DETERMINISTIC_TWIN, "fit", asked, str(root)))
        for cell in sorted(self.cells, key=lambda c: (c.seed, c.fold or 0, BEGUN.index(c.kind))):
            trials.append(self.training(cell, root))
            if self.bench is not None and self.in_pool:
                trials.append(self.deployment(cell, root))
        return trials

    def training(self, cell: Cell, root: Path) -> Trial:
        """The training of a cell."""
        asked: dict[str, Any] = {
            "task": self.task_of(cell), "twins": [self.twin], "layers": list(self.layers),
            "seed": cell.seed, **untied(self.options),
        }  # fmt: skip
        if self.iterations is not None:
            asked["iterations"] = self.iterations
        if cell.kind == UNTRAINED:
            asked["iterations"] = 0
        after: tuple[str, ...] = ()
        if cell.kind in THROUGH_A_MEAN:
            own = Trial(DETERMINISTIC_TWIN, "fit", {}, str(root)).out
            asked["twins"] = [self.deterministic or str(own)]
            asked["judge"] = self.twin  # at its best ridge under the noise: no straw man
            after = () if self.deterministic else (DETERMINISTIC_TWIN,)
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
            "network": str(training.out), "bench": str(self.bench),
            "noise_seed": NOISE_SEEDS + 1000 * cell.seed + place,
        }  # fmt: skip
        return Trial(cell.deployed, "deploy", asked, str(root), (training.name,))

    @property
    def _fits_a_twin(self) -> bool:
        return self.deterministic is None and any(k in THROUGH_A_MEAN for k in self.kinds)

    def sealed(self) -> dict[str, Any]:
        """As JSON, with the SHA-256 of each twin's file."""
        return {**asdict(self), "digests": {twin: sha256_of(_file(twin)) for twin in self.twins}}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Plan:
        """Plan of `sealed`; InputError where a twin has changed since."""
        values = {**body, "layers": tuple(body["layers"]), "kinds": tuple(body["kinds"])}
        plan = cls(**values)
        problems = [
            f"{twin} has changed since the table was begun; begin a new one"
            for twin, digest in plan.digests.items()
            if sha256_of(_file(twin)) != digest
        ]
        raise_problems(InputError, "compare-networks", problems)
        return plan


def _file(twin: str) -> Path:
    path = Path(twin)
    return path / "twin.json" if path.is_dir() else path

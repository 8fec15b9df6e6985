"""What a training is asked for, and the twins it goes through, from disk to torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.fit_checkpoint import FILE_NAME, load_checkpoint
from app.store import load_twin, sha256_of
from models.errors import InputError, raise_problems
from models.latent import TwinModel
from models.network import TwinReference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.twin import Twin


@dataclass(frozen=True)
class Request:
    """What a training was asked for; a checkpoint keeps it, so that a resumed one is the same.

    `judge` is a stochastic twin that chooses a deterministic network's ridge; with
    `readout_from_judge` it also gives the noisy features that the read-out is fitted to.
    """

    task: str
    twins: tuple[str, ...]
    layers: tuple[int, ...]
    iterations: int
    seed: int
    judge: str | None = None
    readout_from_judge: bool = False

    def __post_init__(self) -> None:
        problems = []
        if not self.layers or min(self.layers) < 1:
            problems.append(f"layers {self.layers} need at least one node each")
        if len(self.twins) not in (1, len(self.layers)):
            problems.append(
                f"{len(self.twins)} twins for {len(self.layers)} layers: give one, or one a layer"
            )
        if self.iterations < 0:
            problems.append(f"iterations {self.iterations} must be 0 (untrained) or more")
        if self.readout_from_judge and self.judge is None:
            problems.append("a read-out from the judge needs a judge")
        raise_problems(InputError, "train", problems)


@dataclass(frozen=True)
class TwinSet:
    """The twins of a request: as values, as torch modules one a layer, and by reference."""

    twins: tuple[Twin, ...]
    models: tuple[TwinModel, ...]
    references: tuple[TwinReference, ...]

    @classmethod
    def read(cls, paths: Sequence[str], layers: int) -> TwinSet:
        """Load twins; InputError names each one that was recorded under other conditions."""
        files = [_file_of(Path(path)) for path in paths]
        twins = [load_twin(file) for file in files]
        problems = []
        for file, twin in zip(files[1:], twins[1:], strict=True):
            for name in ("channels", "units", "window", "reset", "settings"):
                if getattr(twin, name) != getattr(twins[0], name):
                    problems.append(f"{file}: {name} differ from those of {files[0]}")
        problems += [
            f"{file}: a twin of the published method, whose path has no fast gradient for a "
            "network: fit one with another --objective"
            for file, twin in zip(files, twins, strict=True)
            if twin.published is not None
        ]
        raise_problems(InputError, "train: the twins", problems)
        references = tuple(
            TwinReference(str(twin.meta.get("id", "")), str(file.resolve()), sha256_of(file))
            for file, twin in zip(files, twins, strict=True)
        )
        models = [TwinModel.from_twin(twin) for twin in twins]
        repeated = layers if len(twins) == 1 else 1
        return cls(tuple(twins) * repeated, tuple(models) * repeated, references)

    @property
    def ranges(self) -> list[tuple[float, float]]:
        """Fitted drive range, one a layer."""
        return [(twin.drive_low, twin.drive_high) for twin in self.twins]


def checkpoint_of(out: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arrays and numbers of a training that ended early; InputError where there is none."""
    if not (out / FILE_NAME).is_file():
        finished = (out / "network.json").is_file()
        why = "the training there is finished" if finished else "no training was begun there"
        raise InputError(f"{out}: nothing to go on with, {why}")
    return load_checkpoint(out)


def request_of(numbers: dict[str, Any], out: Path) -> Request:
    """What the training of a checkpoint was asked for; InputError where it is no training's."""
    if numbers.get("kind") != "training":
        raise InputError(f"{out}: its checkpoint is not that of a training")
    try:
        body = {**numbers["request"]}
        body["twins"], body["layers"] = tuple(body["twins"]), tuple(body["layers"])
        return Request(**body)
    except (KeyError, TypeError) as error:
        raise InputError(f"{out}: damaged checkpoint ({error!r}); train anew") from error


def _file_of(path: Path) -> Path:
    return path / "twin.json" if path.is_dir() else path

"""What `compare-twins` compares: objectives, seeds, minutes; kept, so that it can go on."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from app.operations.trial import of_seeds
from models.command import command_line
from models.errors import InputError, raise_problems
from training.fit_settings import FitSettings
from training.objectives import NAMES, PUBLISHED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

NO_LIMIT = 10**9  # iterations: the minutes end every fit


@dataclass(frozen=True)
class Plan:
    """What is compared: objectives, each fitted from `seeds` first weights for `minutes`.

    `rates`: of the published method's second phase, of which the best on validation data is taken.
    """

    objectives: tuple[str, ...]
    minutes: float
    seeds: int
    seed: int
    rates: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        problems = [
            f"objective {name!r} is unknown; known: {', '.join(NAMES)}"
            for name in self.objectives
            if name not in NAMES
        ]
        if len(set(self.objectives)) < max(len(self.objectives), 2):
            problems.append("name two different objectives or more, each once")
        if self.rates and PUBLISHED not in self.objectives:
            problems.append("--published-rates: the published method is not among the objectives")
        problems += [f"rate {rate}: must be above zero" for rate in self.rates if not rate > 0]
        problems += of_seeds(self.seeds)
        raise_problems(InputError, "compare-twins", problems)

    @property
    def total(self) -> int:
        """Number of fits."""
        return len(self.fits)

    @property
    def fits(self) -> list[tuple[str, int]]:
        """Objective and seed of each, in the order in which they are fitted."""
        seeds = range(self.seed, self.seed + self.seeds)
        return [(objective, seed) for seed in seeds for objective in self.objectives]

    def settings(self, objective: str, seed: int, noise_rate: float | None = None) -> FitSettings:
        """How one of them is fitted."""
        return FitSettings(
            objective,
            objective == "mean",
            iterations=NO_LIMIT,
            minutes=self.minutes,
            seed=seed,
            noise_rate=noise_rate if objective == PUBLISHED else None,
        )

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    @classmethod
    def told(cls, body: Mapping[str, Any]) -> Plan:
        """The plan of a `comparison.json`; InputError where an older version kept none."""
        if "plan" not in body:
            raise InputError("compare-twins --resume: was finished by a version that kept no plan")
        named = {**body["plan"]}
        return cls(**named | {n: tuple(named[n]) for n in ("objectives", "rates")})

    def command(self, paths: Sequence[str], out: Path) -> str:
        """What repeats it on recordings in a new folder."""
        words = [
            "twinrig", "compare-twins", *paths,
            "--objectives", ",".join(self.objectives), "--minutes", f"{self.minutes:g}",
            "--seeds", str(self.seeds), "--seed", str(self.seed),
            *(["--published-rates", ",".join(map(str, self.rates))] if self.rates else []),
            "--out", f"{out}-again",
        ]  # fmt: skip
        return command_line(words)

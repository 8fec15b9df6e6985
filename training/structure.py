"""A twin's structure chosen by its score on validation sequences: successive halving.

Every candidate is fitted in a short budget of its own, the better half again in twice that, until
one is left (Jamieson & Talwalkar 2016, arXiv:1502.07943); that one is then fitted in what is left
of the budget. A score is the energy score of free runs on the validation part, which is a part of
what the fit may see; the sequences that are held out for the twin's own score play no part.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from models.twin import HIDDEN, LATENT
from training.objectives import EnergyScore

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from models.simulated import Sampled
    from training.fit_settings import FitSettings
    from training.windows import Batch

SHARE = 0.4  # of a fit's budget: what is left still fits the winner well
SAMPLES = 64  # of the twin, for each sequence of a score
FEW_ITERATIONS = 200  # below it a candidate has hardly left its first weights
FEW_CHANNELS = 8  # more are a spectrum


@dataclass(frozen=True)
class Candidate:
    """Sizes of a latent twin (`models.latent`): states, hidden units, units of the head."""

    latent: int = LATENT
    hidden: int = HIDDEN
    head: int = 0

    @property
    def words(self) -> str:
        """In words, for a table's row."""
        read_out = f"read-out with {self.head} hidden units" if self.head else "linear read-out"
        return f"{self.latent} latent states, {self.hidden} hidden units, {read_out}"

    def settings(self, whole: FitSettings, share: float) -> FitSettings:
        """Those of a fit of this candidate in a share of the budget of `whole`."""
        return replace(
            whole,
            **asdict(self),
            iterations=max(round(share * whole.iterations), 1),
            minutes=None if whole.minutes is None else share * whole.minutes,
        )


FEW, MANY = Candidate(), Candidate(32, 96, 64)


def usual(channels: int) -> Candidate:
    """Sizes of a twin of so many channels where nobody says otherwise.

    A spectrum sees more of a device's memory than one or two signals do. Virtual spin-vortex ice,
    60 channels, 3000 iterations: of 16 states and 64 units the mean was 7.3 % of the signal off,
    the CRPS 9.1 % above that of the device's own repeats; of these 6.4 % and 6.2 %.
    """
    return MANY if channels > FEW_CHANNELS else FEW


def candidates(first: Candidate) -> tuple[Candidate, ...]:
    """The grid that is tried: `first`, then smaller and larger ones, and one with another read-out.

    Sizes stay within what the compiled kernel holds (`models.kernel.suits`).
    """
    smaller, half = ((16, 64), (8, 64)) if first == MANY else ((4, 32), (8, 32))
    sizes = (smaller, half, (first.latent // 2, first.hidden), (first.latent, 128))
    other = replace(first, head=0 if first.head else MANY.head)
    return (first, *(Candidate(*size, first.head) for size in sizes), other)


@dataclass(frozen=True)
class Tried:
    """A candidate's score in one rung.

    Attributes
    ----------
    candidate, rung
        What was fitted, in which rung, from 1 on.
    iterations, seconds
        Of its fit.
    scores
        Energy score of each validation sequence `(S,)`, lower is better; empty: its fit failed.
    problem
        Why it has none.
    """

    candidate: Candidate
    rung: int
    iterations: int
    seconds: float
    scores: tuple[float, ...]
    problem: str = ""

    @property
    def score(self) -> float:
        """Mean over the sequences; infinite where the fit failed."""
        return float(np.mean(self.scores)) if self.scores else float("inf")

    def to_json(self) -> dict[str, Any]:
        """Plain values, as a checkpoint and `twin.json` hold them."""
        return {
            **asdict(self.candidate), "rung": self.rung, "iterations": self.iterations,
            "seconds": round(self.seconds, 1), "scores": list(self.scores),
            "problem": self.problem,
        }  # fmt: skip

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Tried:
        """What `to_json` gave; KeyError, TypeError or ValueError for anything else."""
        sizes = Candidate(*(int(body[name]) for name in ("latent", "hidden", "head")))
        return cls(
            sizes, int(body["rung"]), int(body["iterations"]), float(body["seconds"]),
            tuple(float(s) for s in body["scores"]), str(body["problem"]),
        )  # fmt: skip


@dataclass(frozen=True)
class Search:
    """The candidates and what is known of them; it says what to fit next, and who has won."""

    candidates: tuple[Candidate, ...]
    tried: tuple[Tried, ...] = ()

    @property
    def rungs(self) -> list[int]:
        """Number of candidates of each rung: all, then half of them, down to two."""
        sizes = [len(self.candidates)]
        while sizes[-1] > 2:
            sizes.append((sizes[-1] + 1) // 2)
        return sizes

    @property
    def fits(self) -> int:
        """Number of fits in all."""
        return sum(self.rungs)

    def share(self, rung: int) -> float:
        """A fit's share of the whole budget in a rung, from 1 on: twice that of the rung before."""
        weights = [2.0**place for place in range(len(self.rungs))]
        all_of_it = sum(n * w for n, w in zip(self.rungs, weights, strict=True))
        return float(SHARE * weights[rung - 1] / all_of_it)

    def next(self) -> tuple[Candidate, int] | None:
        """The candidate to fit next and its rung; None once all are scored."""
        for rung in range(1, len(self.rungs) + 1):
            had = {t.candidate for t in self.tried if t.rung == rung}
            for candidate in self._entering(rung):
                if candidate not in had:
                    return candidate, rung
        return None

    def _entering(self, rung: int) -> Sequence[Candidate]:
        if rung == 1:
            return self.candidates
        return [t.candidate for t in self._ranked(rung - 1)[: self.rungs[rung - 1]]]

    def _ranked(self, rung: int) -> list[Tried]:
        return sorted((t for t in self.tried if t.rung == rung), key=lambda t: t.score)

    def with_one(self, tried: Tried) -> Search:
        """The search, knowing one more score."""
        return replace(self, tried=(*self.tried, tried))

    @property
    def best(self) -> Tried | None:
        """The best of the highest rung that has a score; None before there is any."""
        last = max((t.rung for t in self.tried if t.scores), default=0)
        return self._ranked(last)[0] if last else None

    def sentence(self) -> str:
        """Who has won, and how surely it is better than the default, which is the first one."""
        best = self.best
        if best is None:
            return "no candidate could be fitted"
        default = self.candidates[0]
        sequences = f"{len(best.scores)} validation sequence{'s' * (len(best.scores) != 1)}"
        if best.candidate == default:
            return f"the default wins on {sequences}: {default.words}"
        shared = {t.rung: t for t in self.tried if t.candidate == default and t.scores}
        own = {t.rung: t for t in self.tried if t.candidate == best.candidate and t.scores}
        rung = max(set(shared) & set(own), default=0)
        beside = ""
        if rung:
            gain = np.array(shared[rung].scores) - np.array(own[rung].scores)
            error = f" ± {gain.std(ddof=1) / gain.size**0.5:.4f}" if gain.size > 1 else ""
            unsure = "" if error else ", and one sequence doesn't tell how surely"
            beside = (
                f"; the default scores {gain.mean():+.4f}{error} beside it "
                f"(rung {rung}, higher is worse{unsure})"
            )
        return f"wins on {sequences}: {best.candidate.words}{beside}"

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "share": SHARE,
            "candidates": [asdict(c) for c in self.candidates],
            "tried": [t.to_json() for t in self.tried],
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Search:
        """What `to_json` gave; KeyError, TypeError or ValueError for anything else."""
        return cls(
            tuple(Candidate(**c) for c in body["candidates"]),
            tuple(Tried.from_json(t) for t in body["tried"]),
        )


@torch.no_grad()
def sequence_scores(model: Sampled, batch: Batch, seed: int) -> tuple[float, ...]:
    """Energy score `(S,)` of free runs on each sequence, in units of the spread; lower is better.

    Parameters
    ----------
    model
        A twin, on the batch's device.
    batch
        Whole sequences; one without a single value is left out.
    seed
        Of samples and windows: every candidate is scored with the same.
    """
    objective, device = EnergyScore(samples=SAMPLES, correlations=0.0), batch.drive.device
    there = np.flatnonzero(batch.known.amax(dim=(0, 2)).cpu().numpy())
    return tuple(
        float(
            objective.loss(
                model,
                batch.select(torch.tensor([int(s)], device=device)),
                torch.Generator(device=device).manual_seed(seed + int(s)),
            )
        )
        for s in there
    )

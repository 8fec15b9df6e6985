"""What a fit reads: a recording checked, normalised, as tensors of whole sequences."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from models.errors import InputError, raise_problems
from training.bad_data import clipped_of, problems_of, still_of, warnings_of
from training.reads import reads_of
from training.repeat_effects import LASTING, lasting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    from models.recording import Recording

    Array = NDArray[np.float64]
    Mask = NDArray[np.bool_]

MOST_SCATTER = 20.0  # times the steps of a sequence: white noise has 2
SMALLEST_SCATTER = 1e-2  # of a sequence's variance: one recording's few sequences tell no less
MOST_LASTING = 0.99  # correlation: less noise than that is not told from none
SMALLEST_SPREAD = 1e-3  # of the signal: a quieter channel must not outweigh the others
ASSUMED_SPREAD = 1e-2  # of the signal, where no sequence has two repeats that would tell


@dataclass(frozen=True)
class Scales:
    """Units of a fit, each `(C,)`: response = offset + scale × normalised.

    `spread` is the standard deviation over repeats, averaged over steps, in normalised units; at
    least 0.001 of the signal, and 0.01 where no sequence has two repeats.
    """

    offset: Array
    scale: Array
    spread: Array

    @classmethod
    def of(cls, response: Array) -> Scales:
        """Take offset and scale (mean and standard deviation of the mean response) from repeats.

        `response` is `(S, R, T, C)` with NaN for what is missing. A channel whose mean never moves
        is scaled by its spread.
        """
        known = np.isfinite(response)
        count = known.sum(axis=1)
        filled = np.where(known, response, 0.0)
        mean = filled.sum(axis=1) / np.maximum(count, 1)
        offset = _where_mean(mean, count > 0)
        signal = np.sqrt(_where_mean((mean - offset) ** 2, count > 0))
        squares = (np.where(known, response - mean[:, None], 0.0) ** 2).sum(axis=1)
        std = np.sqrt(squares / np.maximum(count - 1, 1))
        spread = _where_mean(std, count > 1)
        scale = np.maximum(np.maximum(signal, spread), np.finfo(float).tiny)
        least = SMALLEST_SPREAD if (count > 1).any() else ASSUMED_SPREAD
        return cls(offset, scale, np.maximum(spread / scale, least))


@dataclass(frozen=True)
class Batch:
    """Whole sequences in normalised units.

    Attributes
    ----------
    drive
        `(T, S)` in 0…1; 0.5 beyond a sequence's length. Steps of one hold: of a step of several
        the last is known.
    real
        `(T, S, R, C)`; 0 where missing.
    known
        float `(T, S, R)`: 1 where `real` was measured, else 0.
    spread
        `(C,)` of `Scales`.
    scatter
        Variance over sequences of a sequence's own variance in units of its mean, averaged over
        channels: 2 / T for white noise of one strength, far more where the drive decides it;
        infinite where a few loud moments make most of it, above `MOST_SCATTER` / T. Where a random
        effect of each repeat lasts it is that of the differences from read to read: few repeats'
        effects scatter by chance, whatever the drive does.
    lasting
        Correlation between two reads of a repeat that lasts (`repeat_effects.lasting`), 0 where it
        is below `LASTING`; at most `MOST_LASTING`.
    reads
        `(T', S)`: the steps that were read, −1 behind a sequence's last; None: all of them.
    """

    drive: Tensor
    real: Tensor
    known: Tensor
    spread: Tensor
    scatter: float = 1.0
    reads: Tensor | None = None
    lasting: float = 0.0

    @classmethod
    def of(cls, drive: Array, response: Array, scales: Scales, device: torch.device) -> Batch:
        """Normalise drives `(S, T)` and responses `(S, R, T, C)`, NaN where there is nothing."""
        known: Mask = np.all(np.isfinite(response), axis=3)
        normalised = np.where(known[..., None], (response - scales.offset) / scales.scale, 0.0)
        reads = reads_of(response)
        batch = cls(
            _tensor(np.where(np.isfinite(drive), drive, 0.5).T, device),
            _tensor(normalised.transpose(2, 0, 1, 3), device),
            _tensor(known.transpose(2, 0, 1), device),
            _tensor(scales.spread, device),
            _scatter(normalised, known),
            None if reads is None else torch.as_tensor(reads.T.copy(), device=device),
        )
        correlation = min(lasting(batch), MOST_LASTING)
        if correlation <= LASTING:
            return batch
        return replace(batch, scatter=_scatter_of_differences(batch), lasting=correlation)

    @property
    def sequences(self) -> int:
        """Number of sequences."""
        return int(self.drive.shape[1])

    @property
    def mean_steps(self) -> float:
        """Steps of a sequence up to the last that was measured, on average."""
        measured = self.known.amax(dim=2)
        return float(measured.shape[0] - measured.flip(0).argmax(dim=0).double().mean())

    @property
    def is_repeated(self) -> bool:
        """Whether any step of a sequence was measured twice."""
        return bool((self.known.sum(dim=2) > 1).any())

    @property
    def mean_repeats(self) -> float:
        """Repeats of a sequence, on average."""
        return float(self.known.amax(dim=0).sum(dim=1).double().mean())

    def select(self, index: Tensor) -> Batch:
        """The batch of these sequences, cut after the last step that any of them has."""
        known = self.known[:, index]
        steps = int(known.amax(dim=(1, 2)).nonzero()[-1]) + 1
        reads = None if self.reads is None else self.reads[:, index]
        return replace(
            self,
            drive=self.drive[:steps, index],
            real=self.real[:steps, index],
            known=known[:steps],
            reads=None if reads is None else reads[: int((reads >= 0).sum(dim=0).max())],
        )

    def at_reads(self, values: Tensor) -> Tensor:
        """What `(T, S, …)` is at the steps that were read `(T', S, …)`."""
        if self.reads is None:
            return values
        rows = torch.arange(self.reads.shape[1], device=values.device).expand_as(self.reads)
        return values[self.reads.clamp(min=0), rows]

    @property
    def known_at_reads(self) -> Tensor:
        """`known` of the steps that were read `(T', S, R)`."""
        if self.reads is None:
            return self.known
        return self.at_reads(self.known) * (self.reads >= 0).unsqueeze(-1)


def _scatter(normalised: Array, known: Mask) -> float:
    """`Batch.scatter` of responses `(S, R, T, C)`; 1 where not two sequences have two repeats.

    Times T a spin-vortex ice, a Duffing oscillator and a leaky integrator have 1 to 8, a nanoring
    80 to 1300, with 4 to 40 sequences of 40 to 400 steps (medians, 2026-12-02; of 60 such nanoring
    recordings one lay below the limit, of 135 others none above). Until then 1 was the limit
    whatever T: loud moments average out in long sequences, and few sequences tell little.
    """
    there = known[..., None]
    count = there.sum(axis=1)
    mean = (normalised * there).sum(axis=1) / np.maximum(count, 1)
    squares = ((normalised - mean[:, None]) ** 2 * there).sum(axis=(1, 2))
    own = squares / np.maximum((count - 1).clip(min=0).sum(axis=1), 1)
    repeated = (count > 1).any(axis=2)
    own = own[repeated.any(axis=1)]
    if len(own) < 2:
        return 1.0
    relative = own / np.maximum(own.mean(axis=0), np.finfo(float).tiny)
    scatter, steps = float(relative.var(axis=0).mean()), repeated.sum() / len(own)
    return np.inf if scatter * steps > MOST_SCATTER else max(scatter, SMALLEST_SCATTER)


def _scatter_of_differences(batch: Batch) -> float:
    """`_scatter` of what changes from one read to the next."""
    real, known = (e.cpu().numpy() for e in (batch.at_reads(batch.real), batch.known_at_reads > 0))
    return _scatter(
        np.diff(real, axis=0).transpose(1, 2, 0, 3), (known[1:] & known[:-1]).transpose(1, 2, 0)
    )


def batch_indices(iteration: int, sequences: int, size: int, seed: int, fresh: int = 0) -> Tensor:
    """Sequences of one iteration's batch: each once, in random order, then again in another.

    Of the last `fresh` sequences as many as of all others, whose order is their own. A function of
    its arguments alone, so that a resumed fit goes on where it was.
    """
    if 0 < fresh < sequences:
        new = batch_indices(iteration, fresh, max(size // 2, 1), seed)
        old = batch_indices(iteration, sequences - fresh, max(size - len(new), 1), seed)
        return torch.cat([old, new + (sequences - fresh)])
    size = min(size, sequences)
    epoch, place = divmod(iteration, sequences // size)
    order = np.random.default_rng([seed, epoch]).permutation(sequences)
    return torch.as_tensor(order[place * size : (place + 1) * size].copy())


def refuse_unfit(recording: Recording, *, deterministic: bool, where: str = "recording") -> None:
    """Refuse what can't be fitted, named as `where`.

    Raises
    ------
    InputError
        A channel that never moves or is never a number, an instrument's overload marks, no
        repeats to learn a spread from.
    """
    response = recording.measured()
    problems = []
    for c, name in enumerate(recording.channel_words):
        if not np.isfinite(response[..., c]).any():
            problems.append(
                f"channel {name!r} holds no number at all: leave it out of the recording"
            )
    problems += [f"{words} Leave it out or record again" for words in still_of(recording)]
    if recording.lengths.max() < 2:
        problems.append("sequences of one step: a twin learns how a step follows another")
    repeats = recording.complete.sum(axis=1)
    if not deterministic and repeats.max() < 2:
        problems.append(
            "one repeat of each sequence can't tell whether a twin's noise is the device's: fit it "
            "together with a recording of further sequences with 16 repeats each, which then score "
            "the twin, or fit a twin without noise with --deterministic"
        )
    problems += problems_of(recording)
    raise_problems(InputError, where, problems)


def doubts(recording: Recording, *, deterministic: bool, marked: int = 0) -> list[str]:
    """Sentences about what is suspicious or left out; positions count in this recording's run.

    `marked`: how many of its repeats were marked bad, which others tell.
    """
    said = clipped_of(recording) if deterministic else warnings_of(recording)
    return [*said, *_left_out(recording, marked)]


def _left_out(recording: Recording, marked: int) -> Iterator[str]:
    response = recording.measured()
    within = np.arange(response.shape[2]) < recording.lengths[:, None]
    holes = ~np.isfinite(response) & within[:, None, :, None]
    holes &= recording.complete[:, :, None, None]
    if holes.any():
        worst = int(holes.sum(axis=(0, 1, 2)).argmax())
        yield (
            f"{int(holes.any(axis=3).sum())} steps hold a value that is not a number (most of them "
            f"in channel {recording.channel_words[worst]!r}) and are left out"
        )
    missing, repeats = int((~recording.complete).sum()) - marked, recording.complete.sum(axis=1)
    if missing > 0 and repeats.all() and np.ptp(repeats) <= 1:
        yield "1 repeat is missing" if missing == 1 else f"{missing} repeats are missing"


def _where_mean(values: Array, where: Mask) -> Array:
    """Mean over sequences and steps of `(S, T, C)` where there is something."""
    total: Array = np.where(where, values, 0.0).sum(axis=(0, 1))
    mean: Array = total / np.maximum(where.sum(axis=(0, 1)), 1)
    return mean


def _tensor(array: NDArray[np.generic], device: torch.device) -> Tensor:
    return torch.as_tensor(np.ascontiguousarray(array, dtype=np.float32), device=device)

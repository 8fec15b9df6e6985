"""Echo-state networks of the device's size, with its noise or none, each at its best knobs.

Context: a device's network must stand beside one in software that nobody has held back. How well
that one does depends on its knobs, on how many noisy passes its read-out is fitted to, and on
chance: two networks that differ in their random connections alone differ by a factor of 2.
Decision: several networks, each at the knobs and the ridge that its own validation score prefers,
its read-out fitted to as many noisy passes as the device's. The first one is tried at every knob by
one pass; at the best of these the others are; the few best of each are judged by all passes. All
this by ridge; of classes the best gets every read-out that the device's network chooses from.
Consequence: a score is a mean over networks and passes, and no score of a test part has a say. All
passes of every network at every knob, which take twenty times as long, find validation scores that
are 6 to 8 % less (EMG and Mackey-Glass with the device's noise, 2026-11-30).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from training.baselines.classes import PassesClasses
from training.baselines.linear import filled
from training.baselines.reservoir import EchoState, added_each_step, features_of, of_states
from training.baselines.ridge import PassesRidge, validation_score
from training.fitted import PASSES

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from numpy.typing import NDArray

    from training.tasks import Task

    FloatArray = NDArray[np.float64]
    Knobs = tuple[float, float, float]

__all__ = ["EchoState", "Search", "Tried", "added_each_step", "echo_state_trials", "grid"]

# every knob in equal ratios. Beyond, with the device's noise, validation found nothing better on
# Mackey-Glass (leak 0.025, radius 8, scale 32) and on the digits nothing that is no chance (leak 1,
# radius 8). Some networks of EMG would take a leak of 0.025 (6 % less): in windows of 10 steps from
# the zero state such nodes never come to differ by the device's spread, only by 0.6 of it
LEAKS = (0.05, 0.1, 0.2, 0.4, 0.8)
RADII = (0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.6)
INPUT_SCALES = (0.25, 0.7, 2.0, 5.6, 16.0)
NETWORKS = 4  # that a score is the mean of
GO_ON = 12  # of the grid, a noise level: what is best for one network is nearly so for the others
SHORT_LIST = 3  # of these, a network: one pass alone orders those near the best by chance


@dataclass(frozen=True)
class Tried:
    """So many passes of echo-state networks have been run of all that their scores take."""

    done: int
    total: int


def grid() -> list[Knobs]:
    """Leak, radius and input scale of each network that is tried."""
    return list(itertools.product(LEAKS, RADII, INPUT_SCALES))


def echo_state_trials(
    task: Task,
    nodes: int,
    noises: Sequence[float],
    seed: int = 0,
    delays: Sequence[int] = (0,),
    spread: float | None = None,
) -> Iterator[Tried | tuple[float, ...]]:
    """How far it is, and at last the test scores of networks of `nodes` nodes, one a noise level.

    `noises` are added at every step; of `spread`, the last where it is given, so much is added that
    each node by itself differs by it (`added_each_step`). The read-out sees states and inputs at
    the `delays` of the network that they stand beside, pooled as the task says.

    Leak, radius, input scale and ridge are the best on the validation part, for each level and
    network by itself; the read-out is then fitted to the training and validation parts together.
    Scores are means over `NETWORKS` networks, whose seeds no other `seed` has, and over the passes
    of each.
    """
    search = Search(task, nodes, tuple(noises), tuple(delays), spread)
    seeds = range(seed * NETWORKS, (seed + 1) * NETWORKS)
    found = np.empty((NETWORKS, len(search.passes)))
    done, total = 0, search.total
    for passes in search.run(seeds, found):
        done += passes
        yield Tried(done, total)
    yield tuple(float(mean) for mean in found.mean(axis=0))


@dataclass(frozen=True)
class Search:
    """The knobs of networks that differ in their random connections, and what they score.

    Arguments as of `echo_state_trials`.
    """

    task: Task
    nodes: int
    noises: tuple[float, ...]
    delays: tuple[int, ...]
    spread: float | None

    @property
    def known(self) -> NDArray[np.bool_]:
        """Answers that may be fitted: behind the delays, and a series' washout."""
        task = self.task
        return filled(task, [*self.delays, task.washout if task.window == 1 else 0])

    @property
    def passes(self) -> list[int]:
        """How many a read-out is fitted to, one number a level: without noise all are the same."""
        return [PASSES if noise else 1 for noise in self.levels(1.0)]

    @property
    def total(self) -> int:
        """The passes of all networks."""
        size, levels = len(grid()), len(self.passes)
        again = (NETWORKS - 1) * min(GO_ON, size) * levels
        return size * levels + again + NETWORKS * min(SHORT_LIST, size) * sum(self.passes)

    def levels(self, leak: float) -> list[float]:
        """The noise of each level, added at every step."""
        own = [] if self.spread is None else [added_each_step(self.spread, leak)]
        return [*self.noises, *own]

    def run(self, seeds: Sequence[int], found: FloatArray) -> Iterator[int]:
        """Fill `found` `(networks, levels)` with test scores; tells of each try how many passes."""
        knobs, levels = grid(), range(len(self.passes))
        judged = yield from self._judged(seeds[0], knobs, levels)
        order = np.argsort(judged, axis=0, kind="stable")[:GO_ON]
        for number, level in np.ndindex(found.shape):
            seed, best = seeds[number], [knobs[index] for index in order[:, level]]
            if number:
                judged = yield from self._judged(seed, best, [level])
                best = [best[index] for index in np.argsort(judged[:, 0], kind="stable")]
            tries = []
            for each in best[:SHORT_LIST]:
                tries.append(self._readout(seed, each, level))
                yield self.passes[level]
            chosen = min(tries, key=lambda one: one.chosen()[0])
            found[number, level] = chosen.scores()[1]

    def _judged(
        self, seed: int, knobs: Sequence[Knobs], levels: Sequence[int]
    ) -> Generator[int, None, FloatArray]:
        """Validation scores `(knobs, levels)` of a network by one pass; the test part isn't run."""
        networks = [EchoState(self.nodes, *each, seed) for each in knobs]
        noises = [[self.levels(one.leak)[level] for level in levels] for one in networks]
        steps = int(np.flatnonzero(self.task.train | self.task.validation)[-1]) + 1
        each = features_of(networks, self.task, noises, self.delays, steps)
        found = np.empty((len(knobs), len(levels)))
        for number in range(len(knobs)):
            for level, columns in enumerate(itertools.islice(each, len(levels))):
                found[number, level] = validation_score(self.task, columns, self.known)
            yield len(levels)
        return found

    def _readout(self, seed: int, knobs: Knobs, level: int) -> PassesRidge:
        """The read-out of a network at one level, all passes taken in."""
        network = EchoState(self.nodes, *knobs, seed)
        noises = [self.levels(network.leak)[level]] * self.passes[level]
        if self.task.classes:
            states = of_states(self.task, self.nodes, self.delays)
            readout: PassesRidge = PassesClasses(self.task, states, self.known)
        else:
            readout = PassesRidge(self.task, self.known)
        for columns in network.features(self.task, noises, self.delays):
            readout.add(columns)
        return readout

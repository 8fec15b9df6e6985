"""What the program's words mean: one sentence each, for the window, its tool tips and the report.

People who measure magnets meet the words of forecasting here, and the other way round.
"""

from __future__ import annotations

import re
from textwrap import wrap
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


class Word(NamedTuple):
    """A word as it is shown, and what it means."""

    name: str
    meaning: str


DAY = (
    Word(
        "Bench",
        "The instruments of one rig with their limits, interlocks and field calibration, as its "
        "bench file names them.",
    ),
    Word(
        "Recording",
        "Repeats of field sequences: the same drive applied again and again from the same reset, "
        "so that what differs between repeats is the device's noise.",
    ),
    Word(
        "Twin",
        "A neural stochastic differential equation, dx = F(x, u) dt + G(x, u) dW, fitted to a "
        "recording: its samples are repeats that the device might have given.",
    ),
    Word(
        "Network",
        "Nodes of a twin in layers, with weights between them that are trained by "
        "backpropagation through time, and a read-out.",
    ),
    Word(
        "Deployment",
        "A network played by the one device, which is every node in turn; what it scores stands "
        "beside what the twin foresaw.",
    ),
)
ERRORS = (
    Word(
        "Floor",
        "What two halves of the device's own repeats score against each other: from so many "
        "repeats no twin can be shown to be closer.",
    ),
    Word(
        "Mean",
        "How far the mean of the twin's samples is from the mean of the repeats, as a share of "
        "how much the signal varies.",
    ),
    Word(
        "Spread",
        "How far the twin's standard deviation over samples is from the repeats', step by step, "
        "as a share of theirs. At the floor its noise is as large as the device's.",
    ),
    Word(
        "Autocovariance",
        "How far the noise's correlation over up to 20 steps differs from the device's. At the "
        "floor its noise remembers as long. The floor falls with the number of sequences: "
        "compare its ratios at the same number.",
    ),
    Word(
        "CRPS",
        "Continuous ranked probability score: how far the samples, taken as a forecast, are from "
        "each repeat. Mean and spread weigh in together; less is better.",
    ),
    Word(
        "Energy, 16 steps",
        "As CRPS, of windows of 16 steps and all channels at once: it sees how they go together.",
    ),
    Word(
        "Cross-correlation",
        "How far the noise's correlation between channels differs from the device's.",
    ),
    Word(
        "90 % coverage",
        "The share of the device's values that lie in the middle 90 % of the twin's samples. "
        "Less than a perfect twin's: its noise is too narrow; more: too wide.",
    ),
    Word(
        "PIT",
        "Probability integral transform: the share of the twin's samples below each of the "
        "device's values, as a histogram. A perfect twin's is flat, but for chance; high in the "
        "middle: its noise is too wide; high at both ends: too narrow.",
    ),
    Word(
        "Excess",
        "√(error² − floor²): the part of an error that is the twin's own. It does not depend on "
        "how many repeats score it; a ratio to the floor does.",
    ),
    Word(
        "Held out",
        "Measured, but never seen by a fit, by a choice between fits or by early stopping: what a "
        "figure is told on.",
    ),
)
FITS = (
    Word("Objective", "What a fit makes small. The default is the one that won on our data."),
    Word(
        "Energy score",
        "A proper score of whole windows of samples: least for a twin whose mean, noise and "
        "memory are all the device's.",
    ),
    Word(
        "Innovations",
        "The likelihood of each step of each repeat, given what that repeat has shown before it; "
        "of few sequences of few channels it learns fastest.",
    ),
    Word(
        "Published two-phase method",
        "Mean squared error, then a Wasserstein critic, as the method was published: a baseline.",
    ),
    Word(
        "Deterministic twin",
        "A twin of the mean only. A network trained through one has never met noise, and can lose "
        "most of its score on the device.",
    ),
    Word(
        "Members",
        "Several fits of the same repeats from other first weights. Where they disagree the "
        "repeats did not tell; a network trained through all does not lean on one's errors.",
    ),
)
NETWORKS = (
    Word(
        "NMSE",
        "Mean squared error over the variance of what was to be foretold: 0 perfect, 1 no better "
        "than the mean.",
    ),
    Word("Accuracy", "The share of answers that name the right class."),
    Word("Balanced accuracy", "The same for each class by itself, then the mean over classes."),
    Word(
        "Foreseen",
        "The score to expect on the device, from twin samples that training has not seen, with "
        "its 90 % interval, of other noise on the same unseen data; inside: what the device scored "
        "lies in it.",
    ),
    Word(
        "Score so far",
        "Of a deployment under way, the nodes to come as the twin's mean. Its interval is what 90 "
        "% of other stretches of data as long would score: wider or narrower than the foreseen "
        "one, which is of these data.",
    ),
    Word(
        "Untrained network",
        "The same nodes and wiring with random weights and a trained read-out: reservoir "
        "computing with this device. Training must beat it to be worth anything.",
    ),
    Word(
        "Read-out without the device",
        "The same read-out on the task's input alone. A device that does not beat it does nothing.",
    ),
    Word("AR", "Linear regression on the last inputs, AR-18 on 18 of them: no device, no network."),
    Word(
        "ESN",
        "Echo-state networks in software, of as many nodes as the network, with its delays and "
        "the noise that is named; the mean of four, each at its best settings by validation.",
    ),
    Word("Persistence", "The present input as the answer."),
    Word("Majority class", "Always the class that the training part has most of."),
    Word("Logistic regression", "A linear classifier on the task's input: no device, no network."),
    Word("Ridge regression", "A linear fit on the task's input: no device, no network."),
    Word("Delays", "Steps ago at which a layer, or the read-out, sees its sources as well as now."),
    Word(
        "Recalibrate, refine, polish",
        "What is left to do about a loss on the device: correct the read-out by one short run; "
        "record the network's own drives and train on; train on the device, the twin giving the "
        "gradient.",
    ),
)
GROUPS = (
    ("A day", DAY),
    ("A twin's errors", ERRORS),
    ("Fits", FITS),
    ("Networks and what they must beat", NETWORKS),
)
TIP_CHARACTERS = 64
"""Of a line of a tool tip: Qt breaks none."""

BEGIN = {"ar": r"ar-\d", "esn": r"esn-\d"}
"""Words whose names go on with a number, such as `AR-18`; any other begins a name as it is."""


def words_of(names: Iterable[str]) -> list[Word]:
    """The words that names such as `CRPS` or `ESN-48 (5 % noise)` are of, in their own order."""
    asked = [name.lower() for name in names]
    every = [word for _, words in GROUPS for word in words]
    return [word for word in every if any(_begin(word.name.lower()).match(a) for a in asked)]


def with_meaning(words: str) -> str:
    """`words`, and on lines below them what the name at their beginning means, if told."""
    told = (line for word in words_of([words]) for line in wrap(word.meaning, TIP_CHARACTERS))
    return "\n".join([words, *told])


def _begin(known: str) -> re.Pattern[str]:
    return re.compile(BEGIN.get(known, re.escape(known) + r"\b"))

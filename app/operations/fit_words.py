"""What a fit says of itself before it begins, and of its last phase."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from app.operations.events import Note, Stage
from app.operations.learning_events import FitProgress
from app.operations.scored import unscored_note
from models import kernel
from training.fit_loop import fit_device
from training.fit_members import MembersFit
from training.objectives import PUBLISHED
from training.structure import FEW_CHANNELS, usual
from training.usual import learns_by_innovations, usual_members, usual_objective
from training.windows import ASSUMED_SPREAD

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from app.operations.fit_input import FitInput
    from training.fit import AnyFit, FitSettings

STAGES = 4
TOLD_EVERY_S = 0.5
PUBLISHED_TAKES = (
    "an iteration of the published method takes up to half a second on one core, {iterations} of "
    "them hours: give it a budget with --minutes"
)

ALL_ONCE = (
    "no fitted sequence has two repeats, so that nothing tells which patterns of a spectrum's "
    "channels its noise hardly reaches, and the mean is learned worse: fit some 24 further "
    "sequences with 2 to 4 repeats beside these"
)
ASSUMED = (
    "no fitted sequence has two repeats that would tell the noise: energy scores while fitting are "
    "in units of {unit}, which is assumed; compare them with no other fit's"
)


def introduction(source: FitInput, objective: str | None, chosen: FitSettings) -> Iterator[Note]:
    """Notes on the recordings, what is held out, what it runs by, and what is not as asked."""
    for text in source.notes:
        yield Note(text, "warning")
    if len(source.recording.channels) > FEW_CHANNELS and not _is_repeated(source):
        yield Note(ALL_ONCE, "warning")
    words = source.unscorable()
    yield Note(unscored_note(words), "warning") if words else Note(source.parts.note)
    if chosen.objective == PUBLISHED:
        yield Note("the published method's path runs by: torchsde (Heun, PyTorch)")
        if chosen.minutes is None:
            yield Note(PUBLISHED_TAKES.format(iterations=chosen.iterations), "warning")
    else:
        yield Note(f"the twin's path runs by: {_path(source, chosen)}")
    if unit := loss_unit(source, chosen):
        yield Note(ASSUMED.format(unit=unit))
    if chosen.deterministic and objective not in (None, "energy", "mean"):
        yield Note(f"objective {objective!r} needs noise: fitting the mean instead", "warning")


def loss_unit(source: FitInput, chosen: FitSettings) -> str:
    """What one of a fit's energy scores is where no repeats tell the noise, which it is of else."""
    if chosen.deterministic or chosen.objective == PUBLISHED or _is_repeated(source):
        return ""
    return f"{100 * ASSUMED_SPREAD:g} % of the signal"


def _is_repeated(source: FitInput) -> bool:
    """Whether a fitted sequence has two repeats."""
    counts = source.recording.complete[source.parts.training][:, source.parts.training_repeats]
    return bool((counts.sum(axis=1) > 1).any())


def as_usual(
    chosen: FitSettings, source: FitInput, objective: bool, members: bool
) -> Generator[Note, None, FitSettings]:
    """The settings with what is usual of such recordings, where it is free; told, and why."""
    if objective:
        chosen = replace(chosen, objective=usual_objective(source.part("training")))
        yield from map(Note, objective_words(source, chosen))
    if members:
        chosen = replace(chosen, members=usual_members(chosen, len(source.parts.training)))
        yield from map(Note, members_words(source, chosen))
    return chosen


def objective_words(source: FitInput, chosen: FitSettings) -> list[str]:
    """That a twin is fitted by another objective than of many sequences, or can't be, and why."""
    if chosen.objective == "energy":
        if not learns_by_innovations(source.part("training")):
            return []
        return [
            f"fitted by energy: {len(source.parts.training)} sequences tell innovations-energy "
            "more, but without the C kernel it takes nine times as long (--objective "
            "innovations-energy; window: Objective)"
        ]
    return [
        f"fitted by {chosen.objective}: of {len(source.parts.training)} sequences a likelihood of "
        "each step by those before it learns more than the energy score alone (that: --objective "
        "energy; window: Objective)"
    ]


def members_words(source: FitInput, chosen: FitSettings) -> list[str]:
    """That a twin has several members though nobody asked, and why."""
    if chosen.members == 1:
        return []
    said = (
        f"a twin of {chosen.members} members: {len(source.parts.training)} fitted sequences leave "
        "open more than one fit knows; what the members disagree on is drawn, too (of one: "
        "--members 1; window: Members)"
    )
    if len(source.recording.channels) > FEW_CHANNELS:
        said += (
            "; beside a spectrum's white noise it looks like noise that lasts, so that the "
            "autocovariance is too large; networks lose far less on the device"
        )
    return [said]


def _path(source: FitInput, chosen: FitSettings) -> str:
    device = fit_device()
    if device.type != "cpu":
        return f"PyTorch on {device.type}"
    first = usual(len(source.recording.channels))
    return kernel.describe(chosen.latent or first.latent, chosen.hidden or first.hidden)


def phase(running: AnyFit) -> Stage:
    """The stage that a fit is in: the mean alone, or what the twin is for; of which member."""
    of = f", {running.which}" if isinstance(running, MembersFit) else ""
    if running.in_first_phase:
        return Stage(f"fit the mean{of}", 2, STAGES)
    what = "fit the mean" if running.settings.deterministic else "fit mean and noise"
    return Stage(f"{what}{of}", 3, STAGES)


def steps_told(running: AnyFit) -> Iterator[FitProgress]:
    """Run a fit that is one of several to its end, telling every `TOLD_EVERY_S` where it stands."""
    told_s = 0.0
    for step in running.steps():
        if time.monotonic() - told_s >= TOLD_EVERY_S:
            told_s = time.monotonic()
            yield FitProgress(
                step.iteration, running.expected_iterations, step.loss, step.validation,
                running.elapsed_s,
            )  # fmt: skip

"""What a fit says of itself before it begins, and of its last phase."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from app.operations.events import FitProgress, Note, Stage
from app.operations.scored import unscored_note
from models import kernel
from training.fit_loop import fit_device
from training.fit_members import MembersFit
from training.objectives import PUBLISHED
from training.structure import usual
from training.verdict import coverage_state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.operations.fit_input import FitInput
    from training.fit import AnyFit, FitSettings
    from training.floors import Scores

STAGES = 4
TOLD_EVERY_S = 0.5
PUBLISHED_TAKES = (
    "an iteration of the published method takes up to half a second on one core, {iterations} of "
    "them hours: give it a budget with --minutes"
)


def introduction(source: FitInput, objective: str, chosen: FitSettings) -> Iterator[Note]:
    """Notes on the recordings, what is held out, what it runs by, and what is not as asked."""
    for text in source.notes:
        yield Note(text, "warning")
    words = source.unscorable()
    yield Note(unscored_note(words), "warning") if words else Note(source.parts.note)
    if chosen.objective == PUBLISHED:
        yield Note("the published method's path runs by: torchsde (Heun, PyTorch)")
        if chosen.minutes is None:
            yield Note(PUBLISHED_TAKES.format(iterations=chosen.iterations), "warning")
    else:
        yield Note(f"the twin's path runs by: {_path(source, chosen)}")
    if chosen.deterministic and objective not in ("energy", "mean"):
        yield Note(f"objective {objective!r} needs noise: fitting the mean instead", "warning")


def too_sure(scores: Scores, running: AnyFit) -> list[str]:
    """A sentence where a twin of one fit is surer of itself than what it has seen allows."""
    settings = running.settings
    alone = settings.members == 1 and not settings.deterministic
    if not alone or settings.objective == PUBLISHED:
        return []
    if coverage_state(scores.coverage) != "too narrow":
        return []
    return [
        "the twin is too sure of itself: so few repeats leave open more than one fit tells. "
        "Several, that differ there, tell more (--members 4; window: Members), and a network that "
        "is trained through them loses less on the device"
    ]


def _path(source: FitInput, chosen: FitSettings) -> str:
    device = fit_device()
    if device.type != "cpu":
        return f"PyTorch on {device.type}"
    first = usual(len(source.recording.channels))
    return kernel.describe(chosen.latent or first.latent, chosen.hidden or first.hidden)


def phase(running: AnyFit) -> Stage:
    """The stage that a fit is in: the mean alone, or what the twin is for; of which member."""
    of = (
        f", member {running.member} of {running.settings.members}"
        if isinstance(running, MembersFit)
        else ""
    )
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

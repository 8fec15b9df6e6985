"""Choose a twin's structure before it is fitted: short fits, scored on the validation part."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from app.fit_checkpoint import save_checkpoint
from app.operations.events import Note, Progress, Stage
from app.operations.fit_words import steps_told
from app.operations.fitted_twin import twin_so_far
from app.operations.learning_events import CandidateScored
from app.so_far import save_so_far
from models.errors import InputError, TwinrigError, raise_problems
from training.fit import Fit
from training.objectives import PUBLISHED
from training.structure import FEW_ITERATIONS, SHARE, Search, Tried, candidates, usual

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from app.operations.events import Event
    from app.operations.fit_input import FitInput
    from training.fit_settings import FitSettings
    from training.structure import Candidate


def refuse_search(chosen: FitSettings, *, goes_on: bool) -> None:
    """Refuse what has no structure to choose; InputError with all reasons.

    `goes_on`: from another twin.
    """
    problems = []
    if chosen.objective == PUBLISHED:
        problems.append("the published method has its published structure")
    if goes_on:
        problems.append("with --from the structure of that twin stays")
    raise_problems(InputError, "fit --search", problems)


def grid_of(source: FitInput) -> tuple[Candidate, ...]:
    """The candidates for these recordings."""
    return candidates(usual(len(source.recording.channels)))


def searched(
    search: Search, source: FitInput, whole: FitSettings, out: Path
) -> Generator[Event, None, Search]:
    """Fit and score every candidate that has no score yet; returns the finished search.

    After each one the checkpoint in `out` knows it, and the best so far is a usable twin in
    `out/so-far`.

    Parameters
    ----------
    search
        Candidates, and the scores that are there.
    source
        What to fit on; its test part is not looked at.
    whole
        The settings and the budget of the whole fit, of which the search takes `SHARE`.
    out
        The fit's folder.

    Raises
    ------
    TwinrigError
        Every candidate diverged, or the disk refuses.
    """
    yield Stage(f"choose the structure among {len(search.candidates)}, in {SHARE:.0%} of the time")
    shortest = search.candidates[0].settings(whole, search.share(1)).iterations
    if whole.minutes is None and shortest < FEW_ITERATIONS:
        yield Note(
            f"a candidate gets {shortest} iterations at first, too few to tell much: "
            f"{FEW_ITERATIONS} need --iterations {round(FEW_ITERATIONS / search.share(1))} or so",
            "warning",
        )
    begin_s, before = time.monotonic(), len(search.tried)
    while (entering := search.next()) is not None:
        tried = yield from _one(search, source, whole, entering, out)
        search = search.with_one(tried)
        save_checkpoint(out, {}, search_numbers(search, source, whole))
        done = len(search.tried)
        score = tried.score if tried.scores else None
        yield CandidateScored(
            **asdict(tried.candidate), rung=tried.rung, rungs=len(search.rungs), score=score,
            seconds=tried.seconds, best=search.best == tried, problem=tried.problem,
        )  # fmt: skip
        elapsed_s = time.monotonic() - begin_s
        left_s = elapsed_s * _left(search, before)
        yield Progress("search", done, search.fits, "candidates", elapsed_s, left_s)
    best = search.best
    if best is None:
        raise TwinrigError(f"fit --search: {search.sentence()}: {search.tried[-1].problem}")
    yield Note(f"structure: {search.sentence()}")
    return search


def _left(search: Search, before: int) -> float:
    """Budget of the fits to come over that of those done since `before`."""
    rungs = [rung for rung, n in enumerate(search.rungs, 1) for _ in range(n)]
    shares = [search.share(rung) for rung in rungs]
    done = len(search.tried)
    return sum(shares[done:]) / sum(shares[before:done])


def search_numbers(search: Search, source: FitInput, whole: FitSettings) -> dict[str, Any]:
    """What the checkpoint of a fit holds that still chooses its structure."""
    return {
        "settings": asdict(whole), "parents": source.parents,
        "held_out": source.parts.to_json(), "search": search.to_json(),
    }  # fmt: skip


def search_of(numbers: dict[str, Any], out: Path) -> Search | None:
    """The search that a checkpoint, or a finished twin's meta, knows; None where there was none.

    Raises
    ------
    InputError
        What stands there is none.
    """
    if "search" not in numbers:
        return None
    try:
        return Search.from_json(numbers["search"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{out}: what is kept there is no search ({error!r}); fit anew") from error


def _one(
    search: Search,
    source: FitInput,
    whole: FitSettings,
    entering: tuple[Candidate, int],
    out: Path,
) -> Generator[Event, None, Tried]:
    """Fit one candidate and score it; one that diverges has no score."""
    candidate, rung = entering
    settings = candidate.settings(whole, search.share(rung))
    running = Fit(source.part("training"), source.part("validation"), settings)
    try:
        yield from steps_told(running)
    except InputError:
        raise
    except TwinrigError as error:
        return Tried(candidate, rung, running.iteration, running.elapsed_s, (), str(error))
    scores = running.sequence_scores()
    tried = Tried(candidate, rung, running.iteration, running.elapsed_s, scores)
    if search.with_one(tried).best == tried:
        save_so_far(out, twin_so_far(running, source, None, search))
    return tried

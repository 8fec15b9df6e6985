"""Score two or more twins on one recording, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.operations.evaluate import evaluate
from app.operations.events import Note, Result, Stage
from app.operations.learning_events import TwinCompared
from app.recording_reader import folder_of
from app.weights_store import load_twin
from models.errors import InputError, raise_problems
from training.comparison import Fitted, against, best_of, summarise, verdict

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from app.operations.events import Event


def evaluate_beside(
    twins: Sequence[Path], recording: Path, *, seed: int = 0
) -> Generator[Event, None, Path]:
    """Score each twin as `evaluate` does; the value is the recording's path.

    Where a twin was fitted on the recording, only what it has not seen is scored; a note says so
    where that is another part for each.

    Raises
    ------
    InputError
        Fewer than two twins, one twice, or one that doesn't fit the recording.
    """
    paths = [Path(twin) for twin in twins]
    problems = [] if len(paths) > 1 else [f"{len(paths)} twin: name two or more"]
    if len({folder_of(path.resolve()) for path in paths}) < len(paths):
        problems.append("a twin is named twice")
    raise_problems(InputError, "evaluate", problems)
    fitted, scored_on, noiseless = list[Fitted](), dict[str, str](), list[str]()
    for number, (path, name) in enumerate(zip(paths, _names(paths), strict=True), 1):
        yield Stage(f"score {name}", number, len(paths))
        one = yield from _scored(path, Path(recording), name, seed)
        yield TwinCompared(name, seed, dict(one[0].errors), dict(one[0].coverage))
        fitted.append(one[0])
        scored_on[name] = one[1]
        noiseless += [name] * load_twin(path).deterministic
    if len(set(scored_on.values())) > 1:
        parts = "; ".join(f"{name}: {which}" for name, which in scored_on.items())
        yield Note(f"not scored on the same sequences: {parts}", "warning")
    summary = summarise(fitted)
    best = best_of(summary)
    others = [name for name in summary if best is not None and name != best]
    said = [
        verdict(summary, noiseless),
        *(against(summary, str(best), name, noiseless) for name in others),
    ]
    yield Result({
        "path": str(recording), "best": best, "verdict": said, "scored_on": scored_on,
        "twins": {f.objective: {"path": f.path, "errors": f.errors, "coverage": f.coverage}
                  for f in fitted},
    })  # fmt: skip
    return Path(recording)


def _scored(
    twin: Path, recording: Path, name: str, seed: int
) -> Generator[Event, None, tuple[Fitted, str]]:
    """One twin's scores, and on what; its result is kept back."""
    values: dict[str, Any] = {}
    for event in evaluate(twin, recording, seed=seed):
        if isinstance(event, Result):
            values = event.values
        elif isinstance(event, Note):
            yield Note(f"{name}: {event.text}", event.level)
    row = Fitted(name, seed, values["errors"], values["coverage"], path=str(twin))
    return row, str(values["scored_on"])


def _names(twins: Sequence[Path]) -> list[str]:
    """What each is called: by its folder, and by its path where another has that name, too."""
    named = [_name(folder_of(twin.resolve())) for twin in twins]
    return [
        name if named.count(name) == 1 else str(twin)
        for twin, name in zip(twins, named, strict=True)
    ]


def _name(folder: Path) -> str:
    """The folder's name; of a fit that goes on its own and the word."""
    return folder.name if folder.name != "so-far" else f"{folder.parent.name}, so far"

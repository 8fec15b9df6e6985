"""The twins of an adaptive recording: fitted after each round, they score and choose the next."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from app.artefacts import writing
from app.fit_checkpoint import FILE_NAME as ENSEMBLE_FILE
from app.fit_checkpoint import load_checkpoint, save_checkpoint
from app.operations.adaptive_rounds import FIRST_REPEATS, SCORING
from app.operations.events import Stage
from app.operations.learning_events import FitProgress
from app.operations.merged import merged
from app.recording_marks import bad_positions, left_out
from models.paths import file_at

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from numpy.typing import NDArray

    from app.operations.adaptive_rounds import Round, Rounds
    from app.operations.events import Event
    from instruments.clock import Stop
    from models.recording import Recording
    from models.sequence import FieldSequence
    from training.acquire_ensemble import Ensemble

    Array = NDArray[np.float64]

FOLDER = "ensemble"
TOLD_EVERY_S = 0.5


class Twins:
    """The ensemble of a run's rounds; torch is imported where it is first needed.

    Parameters
    ----------
    rounds
        The run's, as they grow.
    stop
        Looked at after each iteration of a fit.
    """

    def __init__(self, rounds: Rounds, stop: Stop) -> None:
        self._rounds, self._stop = rounds, stop
        self._made: Ensemble | None = None

    def sent(self, devices: Sequence[int]) -> Generator[Event, None, list[Array]]:
        """Windows `(steps,)` that these devices' nodes of the asked network send."""
        from app.operations.sent_drives import windows_sent

        asked = self._rounds.asked
        return (yield from windows_sent(Path(asked.network), asked.steps, devices, asked.seed))

    def scored(self, one: Round) -> Iterator[Event]:
        """Fit all members on every round so far; the best one's scores are kept with `one`.

        Raises
        ------
        StoppedError
            Stop was requested; the members are as they were.
        TwinrigError
            A fit diverged, or the disk refuses.
        """
        import torch

        from training.acquire_curve import worst_ratio
        from training.validation import score_model, summary

        torch.set_num_threads(1)
        asked = self._rounds.asked
        yield Stage(f"fit {asked.members} twins on {self._rounds.measurements} measurements")
        yield from self._fitted()
        real, ensemble = self._measured(scoring=True), self._ensemble()
        scores = score_model(
            ensemble.best, *_in_single_holds(real), asked.seed,
            families=real.families, channels=real.channel_words,
        )  # fmt: skip
        found = summary(scores, deterministic=False)["verdict"]
        one.scores = {
            "worst": worst_ratio(scores.errors), "errors": scores.errors,
            "coverage": scores.coverage, "verdict": [found["words"], *found["reasons"]],
            "measurements": self._rounds.measurements,
        }  # fmt: skip
        folder = self._rounds.out / FOLDER
        with writing(folder):
            folder.mkdir(exist_ok=True)
        save_checkpoint(folder, ensemble.arrays(), ensemble.numbers())
        self._rounds.save()

    def drawn(
        self, candidates: Sequence[FieldSequence], count: int, turn: int
    ) -> tuple[list[FieldSequence], str]:
        """Draw so many candidates where the members disagree, or at random, and say how far."""
        from training.acquire import disagreement, drawn
        from training.ensembles import Ground, complete_repeats

        asked = self._rounds.asked
        if asked.choose == "random":
            index = drawn(np.ones(len(candidates)), count, asked.seed + turn)
            return [candidates[int(k)] for k in index], ""
        whole, _ = complete_repeats(self._measured(scoring=False).response, FIRST_REPEATS)
        spread = Ground.of(whole).spread
        unit = np.where(spread > 0, spread, np.inf)  # a channel without any can't be compared
        scores = disagreement(self._ensemble().models, candidates, unit, turn)
        index = drawn(scores, count, asked.seed + turn)
        return [candidates[int(k)] for k in index], (
            f"; disagreement {scores[index].mean():.3g} of those chosen, {scores.mean():.3g} of "
            f"all {len(candidates)} candidates"
        )

    def _fitted(self) -> Iterator[Event]:
        asked, begin_s, told_s = self._rounds.asked, time.monotonic(), 0.0
        measured = self._measured(scoring=False)
        for member, step in self._ensemble().fit(*_in_single_holds(measured)):
            self._stop.check()
            if time.monotonic() - told_s >= TOLD_EVERY_S:
                told_s = time.monotonic()
                yield FitProgress(
                    member * asked.iterations + step.iteration, asked.members * asked.iterations,
                    step.loss, step.validation, told_s - begin_s,
                )  # fmt: skip

    def _measured(self, *, scoring: bool) -> Recording:
        """What scores, or what is fitted, without the repeats of the run that were marked bad."""
        bad, begin, chosen = bad_positions(self._rounds.out), 0, []
        for one in self._rounds.rounds:
            recording = self._rounds.recording(one)
            if (one.what == SCORING) is scoring:
                chosen.append(left_out(recording, [place - begin for place in bad]))
            begin += recording.order.size  # as `merged` counts
        whole = merged(chosen)
        return whole.select(np.flatnonzero(whole.complete.any(axis=1)))

    def _ensemble(self) -> Ensemble:
        """The members of the last round; of a resumed run from their file, where there is one."""
        from training.acquire_ensemble import Ensemble

        if self._made is None:
            asked, folder = self._rounds.asked, self._rounds.out / FOLDER
            self._made = Ensemble(asked.members, asked.iterations, asked.seed)
            if file_at(folder / ENSEMBLE_FILE):
                self._made.restore(*load_checkpoint(folder))
        return self._made


def _in_single_holds(recording: Recording) -> tuple[Array, Array]:
    """Drive and response as a fit takes them: steps of one hold each."""
    from training.reads import in_single_holds

    return in_single_holds(recording.drive, recording.response, recording.holds)

"""Which sequences are fitted, which choose the snapshot, which are never seen before the score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from models.errors import InputError
from training.alike_drives import alike
from training.ensembles import repeats_kept, sequences_kept, whole_repeats
from training.floors import FEWEST_REPEATS, Drives, score
from training.held_out import HeldOut
from training.metrics import COVERAGE_SAMPLES
from training.reads import at_reads, reads_of
from training.score_notes import part_words
from training.verdict import verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from models.recording import Recording
    from models.simulated import Sampled
    from training.floors import Scores
    from training.held_out import Scoring, Seen

    Array = NDArray[np.float64]
    Index = NDArray[np.int64]

TEST_SHARE = 0.15
VALIDATION_SHARE = 0.08
MOST_TEST = 40  # sequences: beyond it the score's interval gains less than the fit loses
MOST_VALIDATION = 32
SCORING_REPEATS = 8
MOST_SAMPLES_BYTES = 2**29  # of a twin to be scored: two channels of 100 steps of 1600 sequences
CHOSE_THE_END = "; the recording ended when twins were good on these: others may be a little worse"
NEVER_SEEN = "that neither the fit nor the choice of the snapshot has seen"
SEEN_BEFORE = (
    "that this fit has not seen, but the twin that it goes on from has: its scores flatter"
)


def hold_out(
    recording: Recording, seed: int, seen: Seen | None = None, scoring: Scoring | None = None
) -> HeldOut:
    """Choose the held-out sequences from the seed, every drive family in its share.

    Sequences that were recorded for `scoring` are the test part, all of them, and so are those that
    have at least twice the repeats of the others, and 8 or more. Sequences that play the same
    drive, or of which one begins as the other goes all the way, go together: what is scored
    has never been fitted under another number. Sequences with too few repeats to score a twin, or
    to be scored beside the others, are fitted, as long as others have enough. One sequence alone
    is split by its repeats: half to fit, half to score. What a twin has `seen` that the fit goes
    on from is not scored, as long as there is anything else.

    Raises
    ------
    InputError
        Too few sequences, different drives or repeats to hold anything back.
    """
    repeats = recording.complete.sum(axis=1)
    rng = np.random.default_rng([seed, 17])
    usable = np.flatnonzero(repeats > 0)
    if usable.size == 1:
        return _by_repeats(recording, int(usable[0]), rng, seen)
    alike = _alike(recording, usable)
    drives = np.unique(alike)
    _refuse_few(usable.size, drives.size)
    unused, unfitted = (
        drives if which is None else np.setdiff1d(drives, alike[which[usable]])
        for which in ((None, None) if seen is None else (seen.used, seen.fitted))
    )
    flatters = not unused.size
    unused = drives if flatters else unused
    many = repeats[usable] >= max(SCORING_REPEATS, 2 * int(np.median(repeats[usable])))
    if scoring is not None:
        many |= scoring.sequences[usable]
    to_score = np.intersect1d(alike[many], unused)
    families = recording.families
    for_scoring = 0 < to_score.size <= drives.size - 2
    if for_scoring:
        test = to_score
    else:
        unseen = np.isin(alike, unused)
        whole = whole_repeats(recording.measured()).sum(axis=1)[usable]
        scored = unseen & (whole >= repeats_kept(whole[unseen], FEWEST_REPEATS))
        pool = np.unique(alike[scored])
        test = _stratified(pool, families, TEST_SHARE, MOST_TEST, rng, drives.size)
    rest = np.setdiff1d(drives, test)
    selecting = np.intersect1d(rest, unfitted) if np.isin(rest, unfitted).any() else rest
    validation = _stratified(selecting, families, VALIDATION_SHARE, MOST_VALIDATION, rng, rest.size)
    parts = [np.setdiff1d(rest, validation), validation, test]
    training, validation, test = (usable[np.isin(alike, part)] for part in parts)
    every = np.arange(recording.response.shape[1])
    how = f"{_scoring_words(recording, test, usable)} {SEEN_BEFORE if flatters else NEVER_SEEN}"
    if for_scoring and scoring is not None and scoring.chose_the_end:
        how += CHOSE_THE_END
    return HeldOut(training, validation, test, every, every, every, f"scored on {how}")


def _scoring_words(recording: Recording, test: Index, usable: Index) -> str:
    """What of the test part scores, as `score` keeps it, and whether each drive family is there."""
    counts = whole_repeats(recording.select(test).measured()).sum(axis=1)
    kept, repeats = sequences_kept(counts, FEWEST_REPEATS)
    there, every = ([recording.families[int(s)] for s in part] for part in (test[kept], usable))
    lacking = [name for name in dict.fromkeys(every) if name not in there]
    words = part_words(kept.size, repeats)
    if lacking:
        return f"{words}, none of the drive family {', '.join(lacking)},"
    return f"{words}, some of each drive family," if len(set(every)) > 1 else words


def _alike(recording: Recording, usable: Index) -> Index:
    """Of each usable sequence one that all have in common which play the same, `(usable,)`.

    One that ends where another goes on plays the same, and one that was rounded on its way.
    """
    return usable[alike([(recording, usable)])]


def _refuse_few(sequences: int, drives: int) -> None:
    if drives >= 3:
        return
    if drives == sequences:
        raise InputError(
            f"recording: {sequences} sequences are too few to fit, to select and to score on "
            "different ones: record at least 3, better 40"
        )
    raise InputError(
        f"recording: its {sequences} sequences play {drives} different "
        f"{'drives' if drives > 1 else 'drive'}, too few to fit, to select and to score on "
        "different ones, at least 3: if they are repeats of one drive, record or import them as "
        "its repeats; if their drives are not known, a twin can't tell them apart"
    )


def _stratified(
    pool: Index,
    families: tuple[str, ...],
    share: float,
    most: int,
    rng: np.random.Generator,
    total: int,
) -> Index:
    """About `share` of `total`, at most `most`, at least one, from each family in proportion.

    Out of `pool`; of `total` at least one is left.
    """
    wanted = int(np.clip(round(share * total), 1, min(most, pool.size, total - 1)))
    shuffled = rng.permutation(pool)
    place: dict[int, float] = {}
    for family in sorted({families[int(i)] for i in pool}):
        members = [int(i) for i in shuffled if families[int(i)] == family]
        place |= {m: (k + 0.5) / len(members) for k, m in enumerate(members)}
    return np.sort(np.array(sorted(place, key=lambda i: place[i])[:wanted], dtype=np.int64))


def _by_repeats(
    recording: Recording, sequence: int, rng: np.random.Generator, seen: Seen | None
) -> HeldOut:
    order, before = rng.permutation(np.flatnonzero(recording.complete[sequence])), 0
    if seen is not None:  # what was used then is fitted again, what was held out is scored again
        held, used = (np.isin(order, r) for r in (seen.test_repeats, seen.used_repeats))
        order = order[np.argsort(np.where(held, 2, np.where(used, 0, 1)), kind="stable")]
        before = int((used & ~held).sum())
    if order.size < 8:
        raise InputError(
            f"recording: one sequence with {order.size} repeats; fitting and scoring need at least "
            "3 sequences, or 8 repeats of one"
        )
    # where held-out ones were marked bad since, fewer score: none that was used then
    unused = order.size - before
    flatters = unused < FEWEST_REPEATS
    fitted, test = np.split(order, [order.size // 2 if flatters else max(order.size // 2, before)])
    kept = max(fitted.size // 5, 2)
    one = np.array([sequence])
    return HeldOut(
        one, one, one, np.sort(fitted[kept:]), np.sort(fitted[:kept]), np.sort(test),
        f"one sequence: scored on {test.size} of its {order.size} repeats "
        f"{SEEN_BEFORE if flatters else 'that the fit has not seen'}; nothing is known about other "
        "drives",
    )  # fmt: skip


def sampled_at_once(steps: int, channels: int) -> int:
    """Sequences of so many steps whose samples fit into `MOST_SAMPLES_BYTES`; at least one."""
    each = COVERAGE_SAMPLES * steps * channels * np.dtype(np.float64).itemsize
    return max(MOST_SAMPLES_BYTES // each, 1)


def drawn_to_score(real: Array, steps: int, families: Sequence[str], seed: int) -> Index:
    """Which of many sequences to score: all whose samples fit into `MOST_SAMPLES_BYTES`.

    Otherwise, of those that have the repeats, as many as do (but at least as many as a fit holds
    out), of every family in its share.

    Parameters
    ----------
    real
        `(S, R, T, C)`.
    steps
        Of the longest sequence, in holds.
    families
        S names.
    """
    most = max(sampled_at_once(steps, real.shape[3]), MOST_TEST)
    every = np.arange(len(real))
    if every.size <= most:
        return every
    whole = whole_repeats(real).sum(axis=1)
    pool: Index = every[whole >= repeats_kept(whole, FEWEST_REPEATS)]
    if pool.size <= most:
        return pool
    rng = np.random.default_rng([seed, 31])
    return _stratified(pool, tuple(families), 1.0, most, rng, pool.size)


def drawn_words(drawn: int, total: int, which: str = "") -> str:
    """So many of all sequences (`which`: of what kind), where `drawn_to_score` took some."""
    return f"{drawn} of {total} sequences{which}: samples of all would fill the memory"


def score_model(
    model: Sampled,
    drive: Array,
    real: Array,
    seed: int,
    *,
    families: Sequence[str] = (),
    channels: Sequence[str] = (),
) -> Scores:
    """Score a twin on held-out drives `(S, T)` and repeats `(S, R, T, C)`, from the reset on.

    Steps without any measured value between others (of steps of several holds) are walked, and
    don't count. With families and channels named, the scores also say where the twin is off.
    """
    samples, reads = model.simulate(drive, COVERAGE_SAMPLES, seed), reads_of(real)
    if reads is not None:
        drive, samples, real = (at_reads(e, reads) for e in (drive, samples, real))
    drives = None
    if families:
        known = tuple(channels) or tuple(f"c{c}" for c in range(real.shape[3]))
        drives = Drives(drive, tuple(families), known)
    return score(samples, real, seed, drives=drives)


def summary(scores: Scores, *, deterministic: bool) -> dict[str, Any]:
    """What a twin keeps of its validation, as plain JSON values: the window draws from it.

    `verdict` (of `training.verdict`), `deterministic`, `families`, `where`, and the curves of
    `training.noise_checks` and the PIT.
    """
    curves = {
        name: _plain(value)
        for name, value in scores.details.items()
        if name.startswith(("spectrum_", "rank_", "autocorrelation_", "pit"))
    }
    found = verdict(
        scores.errors, scores.coverage, scores.where, deterministic=deterministic,
        curves=scores.details,
    )  # fmt: skip
    return {
        "verdict": found.to_json(),
        "deterministic": deterministic,
        "families": scores.families,
        "where": _plain(scores.where),
        "curves": curves,
        "half": int(scores.details["half"]),
        "repeats": int(scores.details["repeats"]),
        "sequences": int(scores.details["sequences"]),
    }


def family_ratios(families: Mapping[str, Any]) -> dict[str, dict[str, float | None]]:
    """Ratios to the floor by drive family (of `Scores`), for a result line; empty with one."""
    return {
        family: {name: row["ratio"] for name, row in errors.items()}
        for family, errors in families.items()
    }


def _plain(value: Any) -> Any:
    """Lists and numbers that JSON has; what is no number becomes None."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, float):
        return round(value, 6) if np.isfinite(value) else None
    return value

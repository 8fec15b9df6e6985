"""What the Twin page says of recordings before a fit: what it will refuse, what is suspicious."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from training.bad_data import clipped_of, problems_of, still_of, warnings_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.recording import Recording

SINGLE = "tick a recording of repeats, too, or mean only"  # whole in the button


@dataclass(frozen=True)
class Finding:
    """Of one recording: what a fit refuses, what is suspicious of the noise, and of the mean alone.

    `most`: complete repeats of the sequence that has the most. `still`: of channels that never
    move, which a new fit refuses where they move in none of its recordings.
    """

    refused: tuple[str, ...]
    noisy: tuple[str, ...]
    plain: tuple[str, ...]
    most: int
    still: tuple[str, ...] = ()


def find(recording: Recording) -> Finding:
    """Look at a recording."""
    return Finding(
        tuple(problems_of(recording)),
        tuple(warnings_of(recording)),
        tuple(clipped_of(recording)),
        int(recording.complete.sum(axis=1).max(initial=0)),
        tuple(still_of(recording)),
    )


def still_in_all(findings: Sequence[Finding]) -> list[str]:
    """Of channels that have one and the same value in every recording."""
    first, *others = [one.still for one in findings] or [()]
    return [words for words in first if all(words in other for other in others)]


def first_of(findings: Sequence[Finding], deterministic: bool) -> tuple[str, str]:
    """The first thing to say, and its role: `fault` (refused), `attention`, or both empty."""
    problems = [text for one in findings for text in one.refused]
    if not deterministic and findings and max(one.most for one in findings) < 2:
        problems.append(SINGLE)
    if problems:
        return problems[0], "fault"
    warned = [text for one in findings for text in (one.plain if deterministic else one.noisy)]
    more = f" (and {len(warned) - 1} more)" if len(warned) > 1 else ""
    return (f"{warned[0]}{more}", "attention") if warned else ("", "")

"""The short form of sequences, `FAMILY:COUNTxSTEPS[xHOLDS][@SEED]`: judged before any is made."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.sequence import make_sequences, refuse_more_steps, refuse_senseless

if TYPE_CHECKING:
    from models.sequence import FieldSequence

STEPS_PER_S = 1.0e6  # that one core makes, of mixed drives (2026-12): the slowest family
FORM = re.compile(
    r"^(?P<family>[a-z-]+):(?P<count>\d{1,9})x(?P<steps>\d{1,9})(x(?P<holds>\d{1,4}))?"
    r"(@(?P<seed>\d{1,18}))?$"
)


@dataclass(frozen=True)
class ShortForm:
    """So many sequences of a family; the same seed makes the same."""

    family: str
    count: int
    steps: int
    holds: int = 1
    seed: int = 0

    @property
    def makes_s(self) -> float:
        """About how long it takes to make them, in s."""
        return self.count * self.steps / STEPS_PER_S

    def refuse_endless(self, repeats: int, what: str) -> None:
        """As `models.sequence.refuse_endless`, by the counts alone: each step held once."""
        refuse_senseless(self.family, self.count, self.steps, self.holds)
        refuse_more_steps(self.count, self.count * (self.steps + 1), repeats, what)

    def made(self) -> list[FieldSequence]:
        """The sequences."""
        return make_sequences(self.family, self.count, self.steps, self.seed, self.holds)


def short_form(text: str) -> ShortForm | None:
    """What a text asks for; None where it has another form."""
    match = FORM.match(text)
    if match is None:
        return None
    count, steps, holds = (int(match[name] or 1) for name in ("count", "steps", "holds"))
    return ShortForm(match["family"], count, steps, holds, int(match["seed"] or 0))


def parse_short_form(text: str) -> list[FieldSequence] | None:
    """Sequences of a short form; None where the text has another form."""
    found = short_form(text)
    return None if found is None else found.made()

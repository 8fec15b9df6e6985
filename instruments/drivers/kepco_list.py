"""The list of a Kepco BIT 4886 card: set-points that the card plays by its own clock.

Commands: `shared/rig.md` 3.1 (BIT 4886 manual): `LIST:CLE`, `LIST:CURR a,b,…` appends, `LIST:DWEL`
(one for all points, or one a point), `LIST:COUN n`, start `CURR:MODE LIST`, `CURR:MODE?`. A line
has at most 253 characters, numbers are fixed-point, `LIST:CURR?` answers 16 points from
`LIST:QUER` on. Everything is refused (−221) while a list runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from instruments.drivers.exchange import word
from instruments.remedies import reported
from models.errors import TwinrigError, raise_problems

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from instruments.visa import VisaSession

LINE_LIMIT = 253
ANSWERED_POINTS = 16
ROUNDING = 1e-6  # relative: a read-back has seven digits


class KepcoList:
    """The card's list.

    Parameters
    ----------
    session
        The supply's open session.
    number
        The form of its numbers.
    modes
        Which answers of `CURR:MODE?` mean a running list.
    errors
        Drains the supply's queue.
    flowing
        Called with the largest current of a list that starts.
    """

    most_points = 1002
    dwell_s = (5.0e-4, 10.0)
    grid_s = 1.0e-6

    def __init__(
        self,
        session: VisaSession,
        number: re.Pattern[str],
        modes: Mapping[str, bool],
        errors: Callable[[], tuple[str, ...]],
        flowing: Callable[[float], None],
    ) -> None:
        self._session = session
        self._form = number
        self._modes = modes
        self._errors = errors
        self._flowing = flowing
        self._largest_A = 0.0

    def load(self, points: Sequence[tuple[float, float]]) -> None:
        """Send (A, s) points for one round, count them and read them back."""
        currents, dwells = texts(points)
        self._session.write("LIST:CLE")
        self._append(currents, 0)
        if len(set(dwells)) == 1:
            dwells = dwells[:1]
        self._append_dwells(dwells)
        self._finish(currents, dwells)

    def _append(self, currents: Sequence[str], before: int) -> None:
        """`LIST:CURR a,b,…` behind so many points."""
        for line in lines("LIST:CURR ", currents):
            self._session.write(line)
            before += line.count(",") + 1
            self._expect("LIST:CURR:POIN?", float(before))  # a queue of lines would overflow

    def _append_dwells(self, dwells: Sequence[str]) -> None:
        """`LIST:DWEL t,…`."""
        for line in lines("LIST:DWEL ", dwells):
            self._session.write(line)

    def _finish(self, currents: Sequence[str], dwells: Sequence[str]) -> None:
        """One round; whatever the list holds is read back."""
        self._session.write("LIST:COUN 1")
        low_A, high_A = min(map(float, currents)), max(map(float, currents))
        after = f"after a list of {len(currents)} points, {low_A:g} A to {high_A:g} A, was loaded"
        problems = [reported(error, after) for error in self._errors()]
        raise_problems(TwinrigError, self._session.name, problems)
        self._compare("LIST:CURR?", [float(text) for text in currents])
        self._compare("LIST:DWEL?", [float(text) for text in dwells])
        self._expect("LIST:COUN?", 1.0)
        self._largest_A = max((float(text) for text in currents), key=abs)

    def start(self) -> None:
        """`CURR:MODE LIST`."""
        self._flowing(self._largest_A)
        self._session.write("CURR:MODE LIST")

    def running(self) -> bool:
        """`CURR:MODE?`."""
        return bool(word(self._session, "CURR:MODE?", self._modes))

    def _expect(self, command: str, wanted: float) -> None:
        reply = self._session.query(command)
        if not reply.strip().isdigit() or float(reply) != wanted:
            raise self._session.reject(command, reply, f"{wanted:.0f}")

    def _compare(self, command: str, wanted: list[float]) -> None:
        """Read a part of the list back, 16 values at a time."""
        for first in range(0, len(wanted), ANSWERED_POINTS):
            part = wanted[first : first + ANSWERED_POINTS]
            self._session.write(f"LIST:QUER {first}")
            found = self._session.numbers(command, len(part), self._form)
            for offset, (heard, sent) in enumerate(zip(found, part, strict=True)):
                if abs(heard - sent) > ROUNDING * abs(sent):
                    where = f"{sent:.6f} as point {first + offset} of the list"
                    raise self._session.reject(command, f"{heard:.7g}", where)


def texts(points: Sequence[tuple[float, float]]) -> tuple[list[str], list[str]]:
    """Currents and dwells as they are sent."""
    return [f"{current_A:.6f}" for current_A, _ in points], [f"{s:.6f}" for _, s in points]


def lines(command: str, values: Sequence[str]) -> Iterator[str]:
    """Messages that append values, each as long as the card takes.

    >>> [len(line) for line in lines("LIST:CURR ", ["10.000000"] * 30)]
    [249, 69]
    """
    line = ""
    for value in values:
        if line and len(line) + 1 + len(value) > LINE_LIMIT:
            yield line
            line = ""
        line = f"{line},{value}" if line else command + value
    if line:
        yield line

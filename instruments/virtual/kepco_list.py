"""The list memory of a Kepco BIT 4886 card, and numbers as the card reads and prints them."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

from instruments.virtual.scpi import ScpiError, integer

if TYPE_CHECKING:
    from instruments.virtual.bipolar import BipolarSupply

LIST_LIMIT = 1002
LIST_ANSWER = 16
DWELL_S = (5.0e-4, 10.0)


def kept_digits(text: str) -> float:
    """Read a number as the card does: 4 digits before the point, 8 after it, the rest lost.

    `10345.2e-1` is 34.52 and `0.0000034567e6` is 3.45 (rig.md 3.1).
    """
    mantissa, _, exponent = text.upper().partition("E")
    whole, _, fraction = mantissa.partition(".")
    sign = -1.0 if whole[:1] == "-" else 1.0
    if whole[:1] in {"+", "-"}:
        whole = whole[1:]
    if not (whole + fraction).isdecimal():
        raise ScpiError(-109 if not text else -120)
    try:
        power = int(exponent) if exponent else 0
    except ValueError:
        raise ScpiError(-120) from None
    if abs(power) > 99:
        raise ScpiError(-120)
    return sign * float(f"{whole[-4:]}.{fraction[:8]}E{power}")


def exponent_form(value: float, digits: int) -> str:
    """A number as the card prints it: `4.99E-3`, `2.1E1`, `0.0E0`."""
    mantissa, exponent = f"{value + 0.0:.{digits - 1}E}".split("E")
    mantissa = mantissa.rstrip("0")
    return f"{mantissa}0E{int(exponent)}" if mantissa[-1] == "." else f"{mantissa}E{int(exponent)}"


class ListMemory:
    """Points, dwell times and rounds of a list; every command is refused while the list runs.

    Parameters
    ----------
    supply
        What the list drives.
    """

    most_points = LIST_LIMIT
    dwell_s = DWELL_S

    def __init__(self, supply: BipolarSupply) -> None:
        self._supply = supply
        self._values: dict[str, list[float]] = {"CURR": [], "VOLT": [], "DWEL": []}
        self._count = 1
        self._first = 0

    def refuse_while_running(self) -> None:
        """Raise −221 while a list runs."""
        if self._supply.list_running:
            raise ScpiError(-221)

    def clear(self, _: str = "") -> None:
        """`LIST:CLE`."""
        self.refuse_while_running()
        for values in self._values.values():
            values.clear()
        self._count, self._first = 1, 0

    def _append(self, kind: str, text: str, low: float, high: float) -> None:
        self.refuse_while_running()
        other = {"CURR": "VOLT", "VOLT": "CURR"}.get(kind)
        if other and self._values[other]:
            raise ScpiError(-221)
        values = [kept_digits(part.strip()) for part in text.split(",")]
        if any(not low <= value <= high for value in values):
            raise ScpiError(-222)
        if len(self._values[kind]) + len(values) > self.most_points:
            raise ScpiError(-223)
        self._values[kind] += values

    def append_currents(self, text: str) -> None:
        """`LIST:CURR a,b,…`: appends; excludes LIST:VOLT."""
        self._append("CURR", text, -self._supply.max_A, self._supply.max_A)

    def append_voltages(self, text: str) -> None:
        """`LIST:VOLT a,b,…`: appends; excludes LIST:CURR."""
        self._append("VOLT", text, -self._supply.max_V, self._supply.max_V)

    def append_dwells(self, text: str) -> None:
        """`LIST:DWEL t`: one for all points, or one a point, in s."""
        self._append("DWEL", text, *self.dwell_s)

    def _ask(self, kind: str) -> str:
        self.refuse_while_running()
        part = self._values[kind][self._first : self._first + LIST_ANSWER]
        return ",".join(exponent_form(value, 7) for value in part)

    def ask_currents(self, _: str) -> str:
        """`LIST:CURR?`: at most 16 from `LIST:QUER`."""
        return self._ask("CURR")

    def ask_voltages(self, _: str) -> str:
        """`LIST:VOLT?`: at most 16 from `LIST:QUER`."""
        return self._ask("VOLT")

    def ask_dwells(self, _: str) -> str:
        """`LIST:DWEL?`: at most 16 from `LIST:QUER`."""
        return self._ask("DWEL")

    def ask_current_points(self, _: str) -> str:
        """`LIST:CURR:POIN?`."""
        return str(len(self._values["CURR"]))

    def set_count(self, text: str) -> None:
        """`LIST:COUN n`: rounds; 0 goes on until it is stopped."""
        self.refuse_while_running()
        self._count = integer(text, 0, 255)

    def ask_count(self, _: str) -> str:
        """`LIST:COUN?`."""
        return str(self._count)

    def set_query(self, text: str) -> None:
        """`LIST:QUER n`: where `LIST:CURR?` and its like start, from 0."""
        self._first = integer(text, 0, self.most_points - 1)

    def ask_query(self, _: str) -> str:
        """`LIST:QUER?`."""
        return str(self._first)

    def ask_mode(self, _: str) -> str:
        """`CURR:MODE?`: FIX or LIST (a laboratory's program for the BIT 802E reads the words)."""
        return "LIST" if self._supply.list_running else "FIX"

    def start(self) -> None:
        """`CURR:MODE LIST`; only current lists of a supply in current mode can be run here."""
        self.refuse_while_running()
        currents, dwells = self._values["CURR"], self._values["DWEL"]
        if len(dwells) == 1:
            dwells = dwells * len(currents)
        if not currents or len(dwells) != len(currents) or not self._supply.current_mode:
            raise ScpiError(-221)
        self._supply.full_scale_A = self._supply.max_A
        points, pulses = self._stays(list(zip(currents, dwells, strict=True)), self._pulses())
        self._supply.start_list(points, self._count or math.inf, pulses)

    def _stays(
        self, points: list[tuple[float, float]], pulses: dict[int, bool]
    ) -> tuple[list[tuple[float, float]], dict[int, bool]]:
        """What stays at one current as one point: as long as it can be, and more of it."""
        stays, moved = points[:1], {0: pulses[0]} if 0 in pulses else {}
        for number, (before, point) in enumerate(itertools.pairwise(points), 1):
            if number in pulses:
                moved[len(stays)] = pulses[number]
            goes_on = point[0] == before[0] and before[1] == self.dwell_s[1]
            if goes_on and number not in pulses and number - 1 not in pulses:
                stays[-1] = point[0], stays[-1][1] + point[1]
            else:
                stays.append(point)
        return stays, moved

    def _pulses(self) -> dict[int, bool]:
        """The numbers of the points that give a pulse: none on this card."""
        return {}

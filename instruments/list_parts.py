"""A repeat as parts of a supply's list: what list and buffers hold is played at a time.

The reset and each step are an item: the points of its ramps and of the fields that it visits (a
loop: +H, then −H), the last of which is read at the end of its dwell. An item is never cut in two:
between two parts the current stays at the last point of the one before, and half a loop would last
as long as it takes to load the next. A dwell beyond the list's longest is several points: as long
as they can be, and the rest.

A part begins with a marker (only the first) or with a trigger (each): a point at the present
set-point, and one more that gives the pulse.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from instruments import encoding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from instruments.limits import LimitedMagnet
    from instruments.sequenced import CurrentList
    from models.sequence import DriveWindow, Reset

    Points = list[tuple[float, float]]


@dataclass(frozen=True)
class Item:
    """The reset or a step in a part: its last current, when that is set and over; read or not."""

    current_A: float
    set_s: float
    end_s: float
    read: bool


@dataclass(frozen=True)
class Part:
    """A part of a repeat.

    Attributes
    ----------
    points
        (A, s) of its list.
    items
        What is in it.
    marker_s
        How long the marker lasts that it begins with; 0: none.
    pulse_at
        The number of the point that gives the trigger's pulse; None: none does.
    """

    points: list[tuple[float, float]]
    items: list[Item]
    marker_s: float = 0.0
    pulse_at: int | None = None

    @property
    def total_s(self) -> float:
        """How long its list lasts."""
        return sum(dwell_s for _, dwell_s in self.points)


@dataclass(frozen=True)
class Room:
    """What a part may have: points of the list, and seconds of the buffers."""

    most_points: int
    most_s: float


def dwell_s(program: CurrentList, seconds: float) -> float:
    """A dwell that the list can have, not shorter."""
    return max(program.dwell_s[0], math.ceil(seconds / program.grid_s - 1e-6) * program.grid_s)


def groups_of(
    magnet: LimitedMagnet,
    program: CurrentList,
    plan: Sequence[tuple[float, float]],
    visits: int,
    here_A: float | None = None,
) -> list[tuple[Points, float]]:
    """The points of each item of a plan of (T, s), `visits` fields an item, and its last dwell.

    Parameters
    ----------
    magnet, program
        The supply and its list.
    plan
        As `encoding.plan_T` gives it.
    visits
        How many of its rows are one item.
    here_A
        Where it begins; None: at the present set-point.
    """
    each = magnet.as_list(((t, dwell_s(program, s)) for t, s in plan), here_A)
    return [
        (
            [piece for group in each[first : first + visits] for piece in pieces(program, group)],
            each[first + visits - 1][-1][1],
        )
        for first in range(0, len(each), visits)
    ]


def pieces(program: CurrentList, points: Points) -> Points:
    """Points of dwells that the list can have: a longer one is several of them."""
    longest_s, found = program.dwell_s[1], []
    for current_A, seconds in points:
        whole = max(0, math.ceil(seconds / longest_s - 1e-9) - 1)
        rest_s = seconds - whole * longest_s
        if whole and rest_s < program.dwell_s[0]:  # the last whole one and the rest, in halves
            whole, rest_s = whole - 1, rest_s + longest_s
            found += [(current_A, longest_s)] * whole + [(current_A, rest_s / 2)] * 2
        else:
            found += [(current_A, longest_s)] * whole + [(current_A, rest_s)]
    return found


def parts_of(
    magnet: LimitedMagnet,
    program: CurrentList,
    window: DriveWindow,
    reset: Reset,
    fields_T: list[float],
    holds: list[int],
    gate_s: float,
    marker_T: float | None,
    lead_s: Sequence[float],
    room: Room,
) -> Iterator[Part]:
    """The repeat in parts that list and buffers hold.

    Parameters
    ----------
    magnet, program
        The supply, energised, and its list.
    window, reset, fields_T, holds
        What is played.
    gate_s
        Device time of a reading.
    marker_T
        The marker's field; None: no marker.
    lead_s
        Of the points that each part begins with, the last of which gives a trigger's pulse; none
        where there is no trigger.
    room
        What a part may have.
    """
    plan = list(encoding.plan_T(window, reset, [fields_T], gate_s, [holds]))
    here_A = magnet.here_A()
    marker: Points = []
    if marker_T is not None:
        ((marker, _),) = groups_of(magnet, program, [(marker_T, window.hold_s + gate_s)], 1, here_A)
        here_A = marker[-1][0]
    visits = len(encoding.fields_T(window.encoding, 0.0))
    groups = groups_of(magnet, program, plan, visits, here_A)
    pulse_at = len(lead_s) - 1 if lead_s else None
    points = marker or [(here_A, seconds) for seconds in lead_s]
    marker_s = at_s = sum(s for _, s in points)
    items: list[Item] = []
    for number, (group, last_s) in enumerate(groups):
        end_s = at_s + sum(s for _, s in group)
        if items and (len(points) + len(group) > room.most_points or end_s > room.most_s):
            yield Part(points, items, marker_s if marker else 0.0, pulse_at)
            points = [(points[-1][0], seconds) for seconds in lead_s]
            marker, items, at_s = [], [], sum(s for _, s in points)
            end_s = at_s + sum(s for _, s in group)
        items.append(Item(group[-1][0], end_s - last_s, end_s, read=number > 0))
        points, at_s = [*points, *group], end_s
    yield Part(points, items, marker_s if marker else 0.0, pulse_at)

"""What a bench file says of a rotation: `[drive]` with encoding "rotation".

Keys beside the usual: `magnet` (cosine) and `magnet_2` (sine), `points_per_rotation`, `rotations`.
`hold_s` is that of a *point*: a turn takes `points_per_rotation · (hold_s + reading)`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from instruments.toml_table import near
from models.errors import InputError, raise_problems

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from instruments.toml_table import Table

FEWEST_POINTS, MOST_POINTS, MOST_ROTATIONS = 8, 1000, 1000
POINTS = 16
ROTATION_KEYS = ("magnet_2", "points_per_rotation", "rotations")


@dataclass(frozen=True)
class RotationSpec:
    """Cosine and sine magnet, points a turn, turns a step."""

    magnets: tuple[str, str]
    points: int = POINTS
    rotations: int = 1

    def __post_init__(self) -> None:
        problems = []
        if self.magnets[0] == self.magnets[1]:
            problems.append(f"magnet and magnet_2 are both {self.magnets[0]!r}: name two")
        if not FEWEST_POINTS <= self.points <= MOST_POINTS:  # fewer: other harmonics fold onto 2f
            problems.append(
                f"points_per_rotation = {self.points} must be {FEWEST_POINTS} to {MOST_POINTS}"
            )
        if not 1 <= self.rotations <= MOST_ROTATIONS:
            problems.append(f"rotations = {self.rotations} must be 1 to {MOST_ROTATIONS}")
        raise_problems(InputError, "rotation", problems)

    @property
    def phase_rad(self) -> NDArray[np.float64]:
        """`(points · rotations,)`: the angle of each reading of a step."""
        index = np.arange(self.points * self.rotations)
        return 2 * np.pi * (index % self.points) / self.points

    def settings(self) -> dict[str, dict[str, Any]]:
        """What a recording rests on, as the settings of one more instrument."""
        x, y = self.magnets
        shape = {"points_per_rotation": self.points, "rotations": self.rotations}
        return {f"rotation of {x} and {y}": shape}


def rotation_options(table: Table, magnets: list[str], magnet: str) -> RotationSpec | None:
    """The rotation of a `[drive]`; None where its encoding is another, or with problems noted.

    `magnet_2` is left out on a bench of two magnets. In other encodings the keys are refused.
    """
    if table.values.get("encoding") != "rotation":
        given = [key for key in ROTATION_KEYS if key in table.values]
        if given:
            table.add(f"{', '.join(given)} belong to encoding 'rotation'")
        return None
    if table.values.get("timing") == "hardware":
        table.add(
            "timing 'hardware' plays one supply's list, and nothing starts two lists at the same "
            "time: a rotation is timed by the computer"
        )
    others = [name for name in magnets if name != magnet]
    if not others:
        table.add("encoding 'rotation' needs two magnets at right angles; the bench has one")
        return None
    if len(others) > 1 and "magnet_2" not in table.values:
        table.add(f"magnet_2 is missing: which of {', '.join(others)} makes the sine?")
        return None
    second = table.value("magnet_2", str, others[0])
    points = table.value("points_per_rotation", int, POINTS)
    rotations = table.value("rotations", int, 1)
    if second is not None and second not in magnets:
        table.add(f"magnet_2 {second!r} is not on the bench{near(second, magnets)}")
        return None
    if second is None or points is None or rotations is None:
        return None
    try:
        return RotationSpec((magnet, second), points, rotations)
    except InputError as error:
        table.add(str(error))
        return None

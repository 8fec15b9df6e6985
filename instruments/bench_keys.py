"""Which keys a table of a bench file takes: what must be given, what has a default, what may be.

A driver's own keys are asked of the driver: `options` of an empty table tells what it misses, and
the rest of its answer are its defaults. So a driver of another package needs nothing more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from instruments.bench_guards import OPTIONAL, REQUIRED, WHEN_OUT, WHEN_OUT_KEYS
from instruments.bench_words import KEY_WORDS
from instruments.drivers import DRIVERS
from instruments.rotation_spec import POINTS
from instruments.sequenced import TIMINGS
from instruments.toml_table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping

MUST, EITHER, USUAL, MAY = "must", "either", "usual", "may"


@dataclass(frozen=True)
class Key:
    """One key of a table.

    Attributes
    ----------
    name
        As in the file.
    need
        `must` be given; `either` this or another one; `usual`: has a default; `may` be given.
    usual
        The default; None where there is none.
    """

    name: str
    need: str
    usual: Any = None

    @property
    def words(self) -> str:
        """Unit and meaning; empty where they aren't known."""
        return KEY_WORDS.get(self.name, "")


def kind_of(driver: str) -> str:
    """`magnet`, `readout`, `thermometer` or `teslameter`; empty for a name that is no driver's."""
    return next((kind for kind, drivers in DRIVERS.items() if driver in drivers), "")


def guard_inputs(driver: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What of an instrument can feed an interlock: inputs with volts, and bits of its status."""
    kind = kind_of(driver)
    model = DRIVERS[kind][driver] if kind else None
    volts, bits = getattr(model, "interlock_inputs", ()), getattr(model, "status_inputs", ())
    return tuple(volts), tuple(bits)


def driver_keys(driver: str) -> tuple[Key, ...]:
    """The keys of an instrument's table beside its address; none for an unknown driver."""
    kind = kind_of(driver)
    if not kind:
        return ()
    own = _own_keys(DRIVERS[kind][driver])
    known = {key.name for key in own}
    shared = tuple(key for key in _SHARED[kind] if key.name not in known)
    must = tuple(key for key in (*shared, *own) if key.need in (MUST, EITHER))
    return (*must, *(key for key in (*own, *shared) if key.need not in (MUST, EITHER)))


def drive_keys(drive: Mapping[str, Any], magnets: int) -> tuple[Key, ...]:
    """The keys of `[drive]` on a bench of so many magnets, with what is given of it so far."""
    keys = [
        Key("encoding", MUST), Key("low_T", MUST), Key("high_T", MUST),
        Key("hold_s", USUAL, 0.0), Key("gate_s", USUAL, 0.0),
    ]  # fmt: skip
    if magnets > 1:
        keys.append(Key("magnet", MAY))
    if drive.get("encoding") == "rotation":
        second = MUST if magnets > 2 else MAY
        rest = (Key("points_per_rotation", USUAL, POINTS), Key("rotations", USUAL, 1))
        return (*keys, Key("magnet_2", second), *rest)
    return (*keys, Key("timing", USUAL, TIMINGS[0]), Key("marker_T", MAY), Key("trigger", MAY))


RESET_KEYS = (Key("field_T", MUST), Key("hold_s", USUAL, 0.0))
_WHEN_OUT = (Key(WHEN_OUT_KEYS[0], USUAL, WHEN_OUT[0]), Key(WHEN_OUT_KEYS[1], MAY))
_SHARED: dict[str, tuple[Key, ...]] = {
    "magnet": (*(Key(key, MUST) for key in REQUIRED), *(Key(key, MAY) for key in OPTIONAL)),
    "readout": (),
    "teslameter": (Key("tolerance_T", MAY), *_WHEN_OUT),
    "thermometer": (
        Key("input", USUAL, "A"), Key("min_K", EITHER), Key("max_K", EITHER), *_WHEN_OUT,
    ),
}  # fmt: skip


def _own_keys(driver: Any) -> tuple[Key, ...]:
    """The driver's own keys, in its order."""
    problems: list[str] = []
    usual = driver.options(Table({}, "", problems))
    missing = {problem.partition(" ")[0] for problem in problems if "is missing" in problem}
    keys = []
    for name in driver.KEYS:
        value = usual.get(name)
        if name in missing:
            keys.append(Key(name, MUST))
        else:
            keys.append(Key(name, MAY if value is None else USUAL, value))
    return tuple(keys)

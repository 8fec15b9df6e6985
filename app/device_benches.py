"""Which bench plays which device of a network: found by what the benches say of themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from textwrap import shorten
from typing import TYPE_CHECKING

from app.device_words import device_words, layers_words
from app.operations.record_begin import differences, slopes
from instruments.bench_file import BUILT_IN, read_bench
from models.errors import RefusedError, raise_problems
from models.slopes import slopes_apart

if TYPE_CHECKING:
    from pathlib import Path

    from instruments.bench import Bench
    from instruments.bench_spec import BenchSpec
    from models.network import Device, Network

    Benches = Bench | Sequence[Bench]
    """One, or as many as a network has devices, in any order."""

MOST_DIFFERENCES = 3  # told of a bench that isn't the one
LONGEST_WORDS = 200  # characters of each: a spectrum's channels are many
AFTER_SLOPE = (
    "If only the number was corrected, the device would feel other fields than the twin learned: "
    "take the bench file of then, or record, fit and train anew. If the magnet itself was changed "
    "and both numbers were right in their time, deploy with --despite-drift"
)


def each_of(benches: Benches) -> tuple[Bench, ...]:
    """One bench or several as a tuple."""
    return tuple(benches) if isinstance(benches, Sequence) else (benches,)


def namesakes(names: Sequence[str]) -> list[str]:
    """Those that more than one of several benches has: what happens is told by their names."""
    return sorted({name for name in names if names.count(name) > 1})


def plays(network: Network, bench: Bench) -> tuple[int | None, str]:
    """The device of a network that a connected bench plays; else None, and what sets it apart."""
    rows = [_apart(network, device, bench) for device in network.devices]
    fitting = [number for number, words in enumerate(rows) if not words]
    named = [k for k in fitting if network.devices[k].bench == bench.spec.name] or fitting
    if named:
        return named[0], ""
    called = [device.bench != bench.spec.name for device in network.devices]
    nearest = min(zip(called, rows, strict=True), key=lambda row: (row[0], len(row[1])))
    return None, _told(nearest[1])


def matched(network: Network, path: Path, benches: Benches) -> tuple[Bench, ...]:
    """The bench of each device of a network, by the device's number.

    Raises
    ------
    RefusedError
        A device whose bench isn't among them, with what sets the nearest one apart; two benches
        that are both a device's; one that is none's.
    """
    given = each_of(benches)
    apart = [[_apart(network, device, bench) for bench in given] for device in network.devices]
    if len(network.devices) == len(given) == 1:
        where = (
            f"{path}: its twin was recorded under other conditions than this bench gives (set the "
            "bench as it was then, or record and fit as it is now)"
        )
        raise_problems(RefusedError, where, apart[0][0])
        return given
    busy = [not all(words) for words in zip(*apart, strict=True)]  # those that play a device
    found: list[Bench] = []
    problems: list[str] = []
    for number, rows in enumerate(apart):
        fitting = [bench for bench, words in zip(given, rows, strict=True) if not words]
        known = network.devices[number].bench
        fitting = [bench for bench in fitting if bench.spec.name == known] or fitting
        if len(fitting) == 1:
            found += fitting
            continue
        played = layers_words(network.layers_on(number))
        name = f"{played} of {device_words(network.devices[number])}"
        if fitting:
            names = " and ".join(bench.spec.name for bench in fitting)
            problems.append(f"{name}: {names} are both its bench: give one of them")
        else:
            near = _nearest(given, rows, busy, known)
            problems.append(f"{name}: no bench of it is given ({near})")
    if not problems:
        problems = [
            f"bench {bench.spec.name!r} is of none of its devices: leave it out"
            for bench in given
            if bench not in found
        ]
    raise_problems(RefusedError, f"{path}: a bench of each device is needed (--bench)", problems)
    return tuple(found)


def checked_currents(
    network: Network, path: Path, benches: Sequence[Bench], *, despite_drift: bool
) -> list[str]:
    """What sends other currents than were recorded, on the bench of each device.

    Raises
    ------
    RefusedError
        Something does, unless `despite_drift`.
    """
    others = other_currents(network, benches)
    if others and not despite_drift:
        told = "; ".join(others)
        raise RefusedError(f"{path}: since its twin was recorded, {told}. {AFTER_SLOPE}")
    return others


def other_currents(network: Network, benches: Sequence[Bench]) -> list[str]:
    """What sends other currents than were recorded, in words: a magnet was calibrated anew."""
    return [
        words
        for known, bench in zip(network.devices, benches, strict=True)
        for words in slopes_apart(known.tesla_per_ampere, slopes(bench))
    ]


def _apart(network: Network, device: Device, bench: Bench) -> list[str]:
    """What sets a bench apart from a device's; its name only where nothing else can tell."""
    words = differences(device, bench, bench.spec.window, bench.spec.reset)
    alike = [one for one in network.devices if replace(one, bench=device.bench) == device]
    if len(alike) > 1 and bench.spec.name != device.bench:
        words.append(
            f"the bench was called {device.bench!r}, now {bench.spec.name!r} (another device of "
            "this network has the same settings: their names tell them apart)"
        )
    return words


def named_otherwise(device: Device, bench: Bench) -> str:
    """A sentence where a bench has another name than the one a device was recorded on; else none.

    A name may have been changed, so that it refuses nothing; it is all that tells two samples of
    one kind apart.
    """
    if not device.bench or device.bench == bench.spec.name:
        return ""
    return (
        f"the bench is called {bench.spec.name!r}, what the twin was fitted on was recorded on "
        f"{device.bench!r}: if another sample is in it, the scores foreseen say nothing about it"
    )


def rigs_of(devices: Sequence[Device]) -> list[str]:
    """Words of the built-in rigs that devices were recorded on; none if on no such."""
    rigs, found = _built_in(), []
    for device in devices:
        same = [w for w, rig in rigs.items() if rig.name == device.bench] or [
            w for w, rig in rigs.items() if (rig.window, rig.reset) == (device.window, device.reset)
        ]
        found += same[:1]
    return list(dict.fromkeys(found))


@cache
def _built_in() -> dict[str, BenchSpec]:
    return {word: read_bench(word) for word in BUILT_IN}


def _nearest(
    benches: Sequence[Bench], rows: Sequence[Sequence[str]], busy: Sequence[bool], name: str
) -> str:
    """What sets the bench apart that is most like a device's, or is called as its was.

    One that plays another of its devices is told only where all do.
    """
    each = zip(benches, rows, busy, strict=True)
    bench, words, _ = min(each, key=lambda one: (one[2], one[0].spec.name != name, len(one[1])))
    return f"the nearest is {bench.spec.name!r}, but {_told(words)}"


def _told(words: Sequence[str]) -> str:
    """The first of what sets a bench apart, and how much more there is."""
    more = len(words) - MOST_DIFFERENCES
    told = "; ".join(shorten(one, LONGEST_WORDS) for one in words[:MOST_DIFFERENCES])
    return told + (f"; and {more} more" if more > 0 else "")

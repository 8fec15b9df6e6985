"""Pre-flight of a network over several devices: a bench of each, of which the window has one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.device_benches import namesakes, rigs_of
from app.device_words import device_words, layers_words
from app.gui.widgets.checks import Check
from app.gui.words import count
from instruments.bench_file import read_bench
from models.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from instruments.bench_spec import BenchSpec
    from models.network import Device, Network

BETWEEN = ";"


def parts(text: str) -> tuple[str, ...]:
    """Bench files as they are typed, `;` between them."""
    return tuple(part.strip() for part in text.split(BETWEEN) if part.strip())


def others_of(devices: Sequence[Device], here: BenchSpec) -> str:
    """The built-in rigs that devices were recorded on but the window's, as they are typed."""
    words = rigs_of(devices) if len(devices) > 1 else []
    return f"{BETWEEN} ".join(word for word in words if read_bench(word).name != here.name)


def miscounted(devices: int, benches: int) -> str:
    """Said where devices have not a bench each; empty where they have."""
    said = f"{count(devices, 'device')}, {benches} named: a bench of each"
    return "" if devices == benches else said


def bench_checks(
    network: Network, here: str, own: int | None, further: Sequence[str]
) -> list[Check]:
    """A line for each device: the bench that plays it.

    Which device the window's bench plays is known as the operation knows it: by what the connected
    instruments say (`app.device_benches.plays`). Of the others only the files are read; the
    operation compares them once they are connected, before one is energised.

    Parameters
    ----------
    here
        Name of the window's bench.
    own
        The device that it plays; None: none of them.
    further
        Bench files of the others, or words of built-in rigs.
    """
    devices = len(network.devices)
    if devices == 1:
        return [Check("Other benches", "this network has one device", "fault")] if further else []
    names, checks = list[str](), list[Check]()
    for word in further:
        try:
            names.append(read_bench(word).name)
        except InputError as error:
            checks.append(Check(word, str(error), "fault"))
    checks += [
        Check("Benches", f"two are called {name!r}: rename one", "fault")
        for name in namesakes([here, *names])
    ]
    if not checks and (words := miscounted(devices, 1 + len(names))):
        checks.append(Check("Benches", words, "fault"))
    for number, device in enumerate(network.devices):
        name = layers_words(network.layers_on(number)).capitalize()
        if number == own:
            checks.append(Check(name, f"{here}, this window's"))
        elif names:
            checks.append(Check(name, f"{' or '.join(names)}, compared once connected"))
        else:
            checks.append(Check(name, f"no bench of {device_words(device)}", "fault"))
    return checks

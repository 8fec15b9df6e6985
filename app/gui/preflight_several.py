"""Pre-flight of a network over several devices: a bench of each, of which the window has one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.device_benches import virtual_words
from app.device_words import device_words, layers_words
from app.gui.widgets.checks import Check
from app.gui.words import count
from app.store import load_network
from instruments.bench_file import read_bench
from models.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from instruments.bench_spec import BenchSpec
    from models.network import Network

BETWEEN = ";"


def parts(text: str) -> tuple[str, ...]:
    """Bench files as they are typed, `;` between them."""
    return tuple(part.strip() for part in text.split(BETWEEN) if part.strip())


def looked_for(path: Path, here: BenchSpec) -> tuple[Path, Network, str]:
    """A finished network, and the built-in rigs that its other devices were recorded on."""
    network = load_network(path)
    words = virtual_words(network) if len(network.devices) > 1 else []
    others = [word for word in words if read_bench(word).name != here.name]
    return path, network, f"{BETWEEN} ".join(others)


def player(network: Network, device: int, specs: Sequence[BenchSpec]) -> int | None:
    """Which of these benches plays a device, as far as their files tell; None: none does."""
    known, names = network.devices[device], [one.bench for one in network.devices]
    named = [k for k, spec in enumerate(specs) if spec.name == known.bench]
    alike = [
        k
        for k, spec in enumerate(specs)
        if spec.name not in names and (spec.window, spec.reset) == (known.window, known.reset)
    ]
    return next(iter((*named, *alike)), None)


def bench_checks(network: Network, here: BenchSpec, further: Sequence[str]) -> list[Check]:
    """A line for each device: the bench that plays it; files only, none is opened.

    The operation compares every instrument once all are connected, before one is energised.
    """
    devices = len(network.devices)
    if devices == 1:
        return [Check("Other benches", "this network has one device", "fault")] if further else []
    specs, checks = [here], list[Check]()
    for word in further:
        try:
            specs.append(read_bench(word))
        except InputError as error:
            checks.append(Check(word, str(error), "fault"))
    if not checks and len(specs) != devices:
        words = f"{count(devices, 'device')}, {len(specs)} named: a bench of each"
        checks.append(Check("Benches", words, "fault"))
    for number, device in enumerate(network.devices):
        name = layers_words(network.layers_on(number)).capitalize()
        found = player(network, number, specs)
        if found is None:
            checks.append(Check(name, f"no bench of {device_words(device)}", "fault"))
        elif found:
            checks.append(Check(name, f"{specs[found].name}, compared once connected"))
        else:
            checks.append(Check(name, f"{here.name}, this window's"))
    return checks

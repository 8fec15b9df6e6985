"""Devices of a network in words: what they are told apart by, and which layers they play."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from models.network import Device

SAME = ("channels", "units", "window", "reset")  # of a device that weights are trained for
MOST_CHANNELS = 4  # by name; more are counted


def device_words(device: Device) -> str:
    """Its bench, channels and field window: `'rig 1' (X, Y, 2.2 to 3.4 mT)`."""
    names = device.channel_words
    channels = ", ".join(names) if len(names) <= MOST_CHANNELS else f"{len(names)} channels"
    low, high = 1e3 * device.window.low_T, 1e3 * device.window.high_T
    told = f"{channels}, {low:g} to {high:g} mT"
    return f"{device.bench!r} ({told})" if device.bench else f"a device ({told})"


def told(value: object) -> str:
    """A window, a reset, names of channels or units in words; of many names how many."""
    if not isinstance(value, tuple):
        return str(value)
    if len(value) <= 2 * MOST_CHANNELS:
        return ", ".join(value)
    return f"{value[0]} … {value[-1]} ({len(value)})"


def differing(one: Device, other: Device) -> list[str]:
    """Names of what says that two twins are of different devices; none: it may be the same one.

    Settings and identities may change between two recordings of a device; the bench's name counts
    where both know it.
    """
    names = [name for name in SAME if getattr(one, name) != getattr(other, name)]
    return names + ["bench"] * renamed(one, other)


def renamed(one: Device, other: Device) -> bool:
    """Whether two devices were recorded on benches of two names, as far as both are known."""
    return bool(one.bench and other.bench) and one.bench != other.bench


def renamed_words(pairs: Iterable[tuple[Device, Device]], words: str) -> list[str]:
    """`words` of each pair whose benches have two names, once; those stand at its {0} and {1}."""
    said = (words.format(repr(a.bench), repr(b.bench)) for a, b in pairs if renamed(a, b))
    return list(dict.fromkeys(said))


def layers_words(layers: Sequence[int]) -> str:
    """`layer 1`, `layers 1 and 3`; counted from 0 in `layers`."""
    if len(layers) == 1:
        return f"layer {layers[0] + 1}"
    numbers = [str(layer + 1) for layer in layers]
    return f"layers {', '.join(numbers[:-1])} and {numbers[-1]}"


def devices_words(devices: Sequence[Device], which: Sequence[int]) -> list[str]:
    """A sentence on a network of several devices; none on one of a single device.

    `which`: the device of each layer.
    """
    if len(devices) < 2:
        return []
    parts = []
    for number, device in enumerate(devices):
        played = [layer for layer, one in enumerate(which) if one == number]
        parts.append(f"{layers_words(played)} of {device_words(device)}")
    return [f"{len(devices)} devices: {'; '.join(parts)}; a deployment needs a bench of each"]

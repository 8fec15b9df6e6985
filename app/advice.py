"""What is said of a network that loses, and what to try; no torch, no Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

UNTRAINED = "untrained network"  # a baseline's name: the same nodes, their read-out alone learned
REGRESSION = "ar-"  # linear regression on so many values of a series, the present one included


def training_advice(past: int, foreseen: float, baselines: Mapping[str, float]) -> str:
    """All that is to be said of a training that loses, as `past_advice`; else empty."""
    words = past_advice(past, foreseen, baselines)
    if UNTRAINED not in baselines or not baselines[UNTRAINED] <= foreseen:
        return words
    gained = (
        "Training brought nothing: the same nodes untrained are foreseen to do as well or better. "
        "Try more iterations, another rate, or several seeds."
    )
    return f"{words} {gained}".lstrip()


def past_advice(past: int, foreseen: float, baselines: Mapping[str, float]) -> str:
    """A sentence for a network that looks at nothing `past` and loses to what does; else empty.

    A device's own memory is short or noisy, and linear regression sees the past as it was. With
    delays 0, 3 and 6 a network of 2 × 6 nodes of the virtual spin-vortex ice foretold Mackey-Glass
    with 0.0005 in place of 0.13 (`tests/app/test_members_figures.py -k sixty`).

    Parameters
    ----------
    past
        The longest delay that layers or read-out have, in steps.
    foreseen
        The error to expect on the device.
    baselines
        Name → error.
    """
    lags = sorted(
        int(name.removeprefix(REGRESSION))
        for name, error in baselines.items()
        if name.startswith(REGRESSION) and name != f"{REGRESSION}1" and error <= foreseen
    )
    if past or not lags:
        return ""
    return (
        f"AR-{lags[0]} sees the last {lags[0]} values, layers and read-out of this network only "
        "the present one: delays (taps 0,3,6 of both) show them some of the past, and may gain "
        "more than further nodes."
    )

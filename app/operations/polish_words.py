"""What a polishing says at its end of the validation on the device that chose its network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.shown_score import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

NO_GAIN = (
    "no gain: no pass on the device was better on the validation part than the network that it "
    "began with, which stays"
)


def chosen_words(made: Mapping[str, Any], metric: str) -> str:
    """That the best of several passes, by which the network was chosen, is too good for it."""
    told = shown({"metric": metric, **made})
    return (
        f"validation {told['validation']:.3g} on the device is the best of "
        f"{made['validation_passes']} passes ({told['validation_before']:.3g} before) and a little "
        "too good, since it chose the network: deploy it to see what was gained"
    )

"""What plain software gets on a task: the figures a device must be read beside."""

from training.baselines.echo_state import EchoState, Tried, echo_state_trials
from training.baselines.linear import (
    autoregression,
    logistic,
    majority,
    persistence,
    without_device,
)
from training.baselines.ridge import ridge_scores, solve_ridge
from training.baselines.software import AS_THE_DEVICE, as_the_device, software_baselines

__all__ = [
    "AS_THE_DEVICE",
    "EchoState",
    "Tried",
    "as_the_device",
    "autoregression",
    "echo_state_trials",
    "logistic",
    "majority",
    "persistence",
    "ridge_scores",
    "software_baselines",
    "solve_ridge",
    "without_device",
]

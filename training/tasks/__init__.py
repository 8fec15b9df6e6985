"""The tasks a network is trained for: one value for all of them, made by `make_task`."""

from training.tasks.registry import make_task
from training.tasks.series import mackey_glass_series
from training.tasks.task import Task

__all__ = ["Task", "mackey_glass_series", "make_task"]

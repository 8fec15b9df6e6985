"""The tasks a network is trained for: one value for all of them, made by `make_task`."""

from training.tasks.registry import files_of, known_tasks, make_task, options_of, placed
from training.tasks.series import mackey_glass_series
from training.tasks.task import Task

__all__ = [
    "Task", "files_of", "known_tasks", "mackey_glass_series", "make_task", "options_of", "placed",
]  # fmt: skip

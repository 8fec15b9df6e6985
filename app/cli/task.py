"""Arguments of `twinrig task`, and its operation's events. No torch before it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.cli.types import factor, whole
from app.shown_score import shown_events
from models.errors import InputError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Generator

    from app.operations.events import Event

WORDS = "the tasks for a network; of one its data, its split and what plain software gets on it"


def task_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments beyond those that every verb has."""
    parser.add_argument(
        "task", nargs="?", metavar="TASK",
        help="name and options, such as digits:fold=1,pool=all; without it all tasks are listed",
    )  # fmt: skip
    parser.add_argument(
        "--nodes", type=whole, metavar="N", help="of the echo-state networks beside it (100)"
    )
    parser.add_argument(
        "--spread", type=factor, metavar="S",
        help="a device's spread over its signal: they get that state noise, too",
    )  # fmt: skip


def task_events(arguments: argparse.Namespace, run: Any) -> Generator[Event, None, Any]:
    """The operation's events."""
    given = {n: getattr(arguments, n) for n in ("nodes", "spread") if getattr(arguments, n)}
    if arguments.task is None and given:
        raise InputError("twinrig task: --nodes and --spread go with a TASK")
    from app.operations.task import describe_task, list_tasks

    run.keeps_nothing = True
    if arguments.task is None:
        return list_tasks()
    return shown_events(describe_task(arguments.task, seed=arguments.seed, **given))

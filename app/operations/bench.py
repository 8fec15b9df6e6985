"""Identify the instruments of a bench; list what VISA sees. Neither changes an instrument."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from app.operations.events import Event, Result, Stage

if TYPE_CHECKING:
    from collections.abc import Generator


def bench_check(bench: str) -> Generator[Event, None, None]:
    """Connect to all instruments of a bench file side by side and identify them.

    The result's `instruments`: name → `{driver, resource, ok, identity, found, problem, hint}`.

    Raises
    ------
    InputError
        The bench file is unreadable or wrong.
    """
    from instruments.bench_file import read_bench
    from instruments.checks import check_bench

    spec = read_bench(bench)
    yield Stage(f"check the bench {spec.name}")
    checks = {}
    for check in check_bench(spec):
        body = asdict(check)
        checks[body.pop("name")] = body
    yield Result({"bench": spec.name, "instruments": checks})


def bench_list() -> Generator[Event, None, None]:
    """List the VISA resources of this computer."""
    from instruments.discovery import list_resources

    yield Result({"resources": list_resources()})

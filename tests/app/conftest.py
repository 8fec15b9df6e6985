"""What the tests of the operations share."""

from __future__ import annotations

import multiprocessing
import os
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from forked import children_fork
from lighter import lighten, take_all

from app.operations import child
from instruments.bench import Bench
from instruments.bench_file import read_bench

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session", autouse=True)
def _children_fork() -> None:
    """Where the system has fork, children begin with torch loaded; `spawned` is as the program."""
    if os.name != "nt":
        children_fork()


@pytest.fixture(scope="module", autouse=True)
def _lighter(request: pytest.FixtureRequest) -> Iterator[None]:
    """Operations score and compare with less (`lighter`); the window's tests run none here."""
    if "gui" in request.path.parts or request.node.get_closest_marker("full"):
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        lighten(patch)
        yield


@pytest.fixture(autouse=True)
def _whole(request: pytest.FixtureRequest) -> Iterator[None]:
    """Tests whose figures stand in the README compute as a user's operations do.

    By a patch of its own: `monkeypatch` asked for here would be undone after every bench's safety.
    """
    with pytest.MonkeyPatch.context() as patch:
        if request.node.get_closest_marker("full"):
            take_all(patch)
        yield


@pytest.fixture
def spawned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Children are spawned, as the program's are."""
    monkeypatch.setattr(child, "multiprocessing", multiprocessing)


@pytest.fixture
def bench() -> Iterator[Bench]:
    """The built-in virtual rig, in process."""
    with Bench.connect(read_bench("virtual")) as connected:
        yield connected


@pytest.fixture
def benches() -> Iterator[tuple[Bench, Bench]]:
    """The nanoring's and the leaky integrator's."""
    with ExitStack() as stack:
        rings, leaky = (
            stack.enter_context(Bench.connect(read_bench(word)))
            for word in ("virtual", "virtual-leaky-integrator")
        )
        yield rings, leaky


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a twin and an untrained network of 2 + 2 nodes."""
    from network_samples import saved_network  # torch, which the window's tests do without

    folder = tmp_path_factory.mktemp("kept")
    with Bench.connect(read_bench("virtual")) as connected:
        saved_network(connected, folder)
    return folder

"""What the tests of the operations share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from instruments.bench import Bench
from instruments.bench_file import read_bench

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def bench() -> Iterator[Bench]:
    """The built-in virtual rig, in process."""
    with Bench.connect(read_bench("virtual")) as connected:
        yield connected

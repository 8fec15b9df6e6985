"""The past of many channels: bounded, and a spike is never lost."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from app.trace_store import CAPACITY, FACTOR, LEVELS, TraceStore, columns, polyline

RATE_HZ = 1000.0


def push(store: TraceStore, total: int, block: int, spike_at: int = -1) -> None:
    """Sines of 1 and 2, in blocks; one sample of the first is 100."""
    for first in range(0, total, block):
        n = np.arange(first, min(first + block, total))
        values = np.sin(n * 0.01) * np.arange(1, store.channels + 1)[:, None]
        values[0, n == spike_at] = 100.0
        store.push(n / RATE_HZ, values)


def test_the_last_samples_are_exact() -> None:
    store = TraceStore(2)
    push(store, 5000, 7)
    view = store.view(4.0, 4.999)
    assert view.factor == 1
    assert view.times_s[0] == pytest.approx(3.999)
    np.testing.assert_allclose(view.low[1], 2 * np.sin(np.arange(3999, 5000) * 0.01))
    assert store.last_s == pytest.approx(4.999)
    assert store.exact(10).times_s.size == 10


@pytest.mark.parametrize("block", [1, 3, 1000, 50_000])
def test_a_spike_is_in_every_view_that_covers_it(block: int) -> None:
    store = TraceStore(2, capacity=256)
    total = 20_000 if block == 1 else 200_000
    push(store, total, block, spike_at=total // 2)
    end = total / RATE_HZ
    view = store.view(0.0, end)
    assert view.factor > 1
    assert np.nanmax(view.high[0]) == 100.0
    seen = columns(view, 0.0, end, 60)
    assert seen.times_s.size <= 121
    assert np.nanmax(seen.high[0]) == 100.0
    assert np.nanmin(seen.low[1]) == pytest.approx(np.nanmin(view.low[1]))
    assert max(polyline(seen, 0)[1]) == 100.0


def test_gaps_stay_gaps_and_do_not_eat_their_neighbours() -> None:
    store = TraceStore(1, capacity=64)
    values = np.ones(4096)
    values[1000:2000] = np.nan
    store.push(np.arange(4096.0), values[None])
    view = store.view(0.0, 4096.0)
    assert view.factor == FACTOR**2
    whole = 2000 // view.factor - -(-1000 // view.factor)  # buckets that hold nothing else
    assert np.isnan(view.low[0]).sum() == whole == 15
    assert np.nanmin(view.low[0]) == 1.0


def test_a_view_of_the_near_past_stays_fine_however_long_it_runs() -> None:
    store = TraceStore(1)
    push(store, 1_000_000, 100_000)
    assert store.view(995.0, 1000.0).factor == 1
    assert store.view(900.0, 1000.0).factor == FACTOR
    whole = store.view(0.0, 1000.0)
    assert whole.times_s[0] == 0.0
    assert whole.times_s.size <= CAPACITY


def grown_bytes(samples: int, block: int = 100_000) -> tuple[int, int]:
    """What the process's Python memory grows by over so many samples; the store's own size."""
    store = TraceStore(8)
    values = np.random.default_rng(0).standard_normal((8, block))
    times_s = np.arange(block) / RATE_HZ
    store.push(times_s, values)  # everything it ever needs is there
    tracemalloc.start()
    size = store.nbytes
    before = tracemalloc.get_traced_memory()[0]
    for number in range(1, samples // block):
        store.push(times_s + number * block / RATE_HZ, values)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert store.nbytes == size
    assert store.count >= samples - block
    whole = store.view(0.0, store.last_s)
    assert whole.times_s.size <= CAPACITY
    return grown, size


def test_memory_is_flat_over_ten_million_samples() -> None:
    grown, size = grown_bytes(10_000_000)
    assert size < 16e6
    assert grown < 1e5


@pytest.mark.full
@pytest.mark.timeout(1200)
def test_memory_is_flat_over_a_hundred_million_samples(capsys: pytest.CaptureFixture[str]) -> None:
    grown, size = grown_bytes(100_000_000)
    with capsys.disabled():
        print(f"\n10^8 samples of 8 channels: {size / 1e6:.1f} MB, grown by {grown} B")  # noqa: T201
    assert grown < 1e5


def test_the_last_ring_holds_more_than_a_month_of_thirty_a_second() -> None:
    assert CAPACITY * FACTOR ** (LEVELS - 1) > 30 * 86_400 * 30

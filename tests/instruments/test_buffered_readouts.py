"""Sequences by the supply's list and other read-outs' buffers: the same as timed by software."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from buffered_bench import buffered
from list_bench import FIELDS_T, recorded
from same_statistics import check_same_statistics

from instruments.bench import Bench
from instruments.drivers.sr860_buffer import Sr860Buffer
from models.errors import RefusedError
from models.sequence import FieldSequence

if TYPE_CHECKING:
    from instruments.bench_spec import BenchSpec

RUNS = 25
FULL_RUNS = 400
SIGMA_V = 2.0e-6  # the device's own spread on a lock-in (0.02 of 100 µV)
READOUTS = {
    "sr860": 'channels = ["X", "Y"]\n',
    "keysight-34465a": 'channels = ["R1"]\nsamples = 27\ninterval_s = 5e-4\n',
}
MEAN = "samples = 27\ninterval_s = 5e-4\n"
SEQUENCES = [FieldSequence(np.array([0.0, 1.0]))]
by_readout = pytest.mark.parametrize("driver", READOUTS)


def same_statistics(driver: str, runs: int, device: str = "leaky-integrator") -> None:
    """Steps and reset are held for 5 ms before they are read: the coil has settled."""

    def spec(timing: str, seed: int) -> BenchSpec:
        return buffered(driver, READOUTS[driver], timing, device, seed, hold_s="0.005")

    check_same_statistics(f"{driver}, {device}", spec, runs, FIELDS_T)


@by_readout
def test_a_recording_has_the_same_statistics_as_one_timed_by_software(driver: str) -> None:
    same_statistics(driver, RUNS)


@pytest.mark.full
@by_readout
def test_many_recordings_have_the_same_statistics(driver: str) -> None:
    same_statistics(driver, FULL_RUNS)
    same_statistics(driver, FULL_RUNS // 4, "nanoring")


@by_readout
def test_with_the_same_seed_only_the_coils_settling_differs(driver: str) -> None:
    ways = [
        recorded(buffered(driver, READOUTS[driver], timing, hold_s="0.005"), 5)[0]
        for timing in ("software", "hardware")
    ]
    worst = np.abs(ways[0] - ways[1]).max() / SIGMA_V
    print(f"{driver}: the same seed: largest difference {worst:.2g} of the spread")  # noqa: T201
    assert worst < 0.5


def test_a_meter_that_the_supplys_pulse_starts_has_the_same_values() -> None:
    keys = READOUTS["keysight-34465a"]
    software, _ = recorded(buffered("keysight-34465a", keys, "software", hold_s="0.005"), 5)
    spec = buffered("keysight-34465a", keys, supply="kepco-bop-mg", trigger=True, hold_s="0.005")
    with Bench.connect(spec) as bench:
        assert "aligned by the trigger of x" in bench.timing_words()
    hardware, _ = recorded(spec, 5)
    assert np.abs(hardware - software).max() < 0.5 * SIGMA_V


def test_two_read_outs_sample_each_by_its_own_clock() -> None:
    alone, _ = recorded(buffered("sr860", READOUTS["sr860"]))
    more = "\n".join(
        f'[readout.{name}]\ndriver = "{driver}"\n'
        f'resource = "TCPIP0::virtual-{driver}::5025::SOCKET"\n{keys}'
        for name, driver, keys in (("other", "sr830", ""), ("dmm", "keysight-34465a", MEAN))
    )
    spec = buffered("sr860", f"{READOUTS['sr860']}\n{more}")
    with Bench.connect(spec) as bench:
        words = bench.timing_words()
        assert "meter at 305.176 Hz, other at 512 Hz, dmm at 2000 Hz, aligned" in words
    together, _ = recorded(spec)
    assert together.shape == (1, len(FIELDS_T), 5)
    assert np.abs(together[..., :2] - alone).max() < 0.3 * SIGMA_V  # the rest sees nothing
    assert np.abs(together[..., 2:]).max() < SIGMA_V


def test_a_buffer_that_no_trigger_starts_is_refused_where_the_bench_has_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spec = buffered("sr860", READOUTS["sr860"], supply="kepco-bop-mg", trigger=True)
    with Bench.connect(spec) as bench:
        bench.check_sequences(SEQUENCES, spec.window, spec.reset)
    monkeypatch.delattr(Sr860Buffer, "arm_trigger")
    with Bench.connect(spec) as bench, pytest.raises(RefusedError, match="isn't started by one"):
        bench.check_sequences(SEQUENCES, spec.window, spec.reset)


@pytest.mark.parametrize(
    ("keys", "match"),
    [
        ('channels = ["X2", "Y2"]\nsamples = 54\ninterval_s = 5e-4\n', "rest on where in a rotat"),
        (
            'channels = ["R2"]\nsamples = 54\ninterval_s = 5e-4\n',
            r"27 ms of readings, .* 27\.027 ms",
        ),
        ("interval_s = 0.01\n", r"at most at 100 Hz, and a value stands for 0\.027"),
    ],
)
def test_what_a_meter_can_not_sample_is_refused_before_anything_is_energised(
    keys: str, match: str
) -> None:
    spec = buffered("keysight-34465a", keys)
    with Bench.connect(spec) as bench, pytest.raises(RefusedError, match=match):
        bench.check_sequences(SEQUENCES, spec.window, spec.reset)


def test_after_a_repeat_the_meter_is_set_as_it_was() -> None:
    spec = buffered("keysight-34465a", READOUTS["keysight-34465a"])
    with Bench.connect(spec) as bench:
        bench.energise()
        bench.settings()
        list(bench.repeat(FIELDS_T, spec.window, spec.reset))
        bench.check_settings()
        bench.verify()
        assert np.isfinite(bench.monitor().values).all()


def test_the_bench_says_at_which_rate_of_the_time_constant() -> None:
    with Bench.connect(buffered("sr860", READOUTS["sr860"])) as bench:
        assert "buffer of meter at 305.176 Hz" in bench.timing_words()


def test_a_time_constant_that_is_too_slow_is_refused_with_the_rate_it_leaves() -> None:
    spec = buffered("sr860", READOUTS["sr860"])
    with Bench.connect(spec) as bench:
        lockin = bench.readouts["meter"]
        lockin._session.write("OFLT 12")  # type: ignore[attr-defined]  # 1 s
        with pytest.raises(RefusedError, match=r"meter samples at most at 9\.53674 Hz"):
            bench.check_sequences(SEQUENCES, spec.window, spec.reset)
        lockin._session.write("OFLT 8")  # type: ignore[attr-defined]
        bench.settings()  # prepares, and asks again
        bench.check_sequences(SEQUENCES, spec.window, spec.reset)


def test_a_capture_that_is_too_short_is_played_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, _ = recorded(buffered("sr860", READOUTS["sr860"]))
    monkeypatch.setattr(Sr860Buffer, "most_points", 600)  # 0.97 s behind the slack: 35 steps
    parts, _ = recorded(buffered("sr860", READOUTS["sr860"]))
    assert parts.shape == whole.shape == (1, len(FIELDS_T), 2)
    assert np.abs(parts - whole).max() < 0.3 * SIGMA_V  # the coil rests between two parts
    assert not np.array_equal(parts, whole)

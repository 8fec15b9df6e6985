"""Sequences by the supply's list and the lock-in's buffer: the same recording as by software."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from list_bench import FIELDS_T, recorded, spec_of
from same_statistics import check_same_statistics

from instruments.alignment import AlignmentError
from instruments.bench import Bench
from instruments.bench_file import parse_bench
from instruments.clock import Stop
from instruments.drivers.kepco_list import KepcoList
from instruments.drivers.sr830_buffer import Sr830Buffer
from instruments.virtual.bipolar import BipolarSupply
from models.errors import InputError, RefusedError, StoppedError
from models.sequence import FieldSequence

if TYPE_CHECKING:
    from instruments.bench_spec import BenchSpec

RUNS = 40
FULL_RUNS = 400
SIGMA_V = 2.0e-6  # the device's own spread on the lock-in (0.02 of 100 µV)


def same_statistics(runs: int, device: str, marker_T: float | None = None) -> None:
    """Steps and reset are held for 5 ms before they are read, so that the coil has settled.

    Without a hold a step by software has the 0.2 ms more for it that the lock-in takes to
    understand `SNAP?`.
    """

    def spec(timing: str, seed: int) -> BenchSpec:
        marker = marker_T if timing == "hardware" else None
        return spec_of(timing, device, seed, marker, hold_s="0.005")

    check_same_statistics(device, spec, runs, FIELDS_T)


def test_a_recording_has_the_same_statistics_as_one_timed_by_software() -> None:
    same_statistics(RUNS, "leaky-integrator")


@pytest.mark.full
def test_many_recordings_have_the_same_statistics() -> None:
    same_statistics(FULL_RUNS, "leaky-integrator")
    same_statistics(FULL_RUNS // 4, "nanoring")
    same_statistics(FULL_RUNS // 4, "nanoring", marker_T=0.0)


def test_with_the_same_seed_only_the_coils_settling_differs() -> None:
    software, software_s = recorded(spec_of("software"), 20)
    hardware, hardware_s = recorded(spec_of("hardware"), 20)
    worst = np.abs(hardware - software).max() / SIGMA_V
    long_T = np.resize(FIELDS_T, 900).tolist()
    _, long_s = recorded(spec_of("hardware"), fields_T=long_T)
    _, long_software_s = recorded(spec_of("software"), fields_T=long_T)
    print(  # noqa: T201
        f"the same seed: largest difference of a value {worst:.2g} of the device's spread; device "
        f"time a step {1e3 * software_s / 40:.2f} ms by software, {1e3 * hardware_s / 40:.2f} ms "
        f"by hardware in repeats of 40 steps, {1e3 * long_software_s / 900:.2f} and "
        f"{1e3 * long_s / 900:.2f} ms in one of 900 (the list's dwell: 27.03 ms)"
    )
    assert worst < 0.5
    assert long_s / 900 < 27.2e-3


def test_a_list_or_buffer_that_is_too_short_is_played_in_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole, _ = recorded(spec_of())
    monkeypatch.setattr(KepcoList, "most_points", 15)
    by_list, _ = recorded(spec_of())
    monkeypatch.undo()
    monkeypatch.setattr(Sr830Buffer, "most_points", 1000)  # 0.95 s behind the slack: 35 steps
    by_buffer, _ = recorded(spec_of())
    assert np.abs(by_list - whole).max() < 0.3 * SIGMA_V  # the coil rests between two parts
    assert np.abs(by_buffer - whole).max() < 0.3 * SIGMA_V
    assert not np.array_equal(by_list, whole)


def test_a_step_that_is_longer_than_a_dwell_of_the_list_is_several_points() -> None:
    software, _ = recorded(spec_of("software", hold_s="12.0"))
    hardware, seconds = recorded(spec_of(hold_s="12.0"))
    assert seconds == pytest.approx(12.027028 * 41, rel=5e-3)
    assert np.abs(hardware - software).max() < 0.3 * SIGMA_V


@pytest.mark.parametrize("off", [0.98, 1.02])
def test_clocks_that_differ_void_the_repeat_where_its_steps_could_be_mistaken(
    monkeypatch: pytest.MonkeyPatch, off: float
) -> None:
    start_list = BipolarSupply.start_list

    def wrong(supply: BipolarSupply, points: list[tuple[float, float]], *more: Any) -> None:
        start_list(supply, [(current_A, off * s) for current_A, s in points], *more)

    monkeypatch.setattr(BipolarSupply, "start_list", wrong)
    few, _ = recorded(spec_of(), fields_T=FIELDS_T[:10])  # 0.3 s: 6 ms off, a fifth of a gate
    assert few.shape == (1, 10, 2)
    match = r"clocks differ too much|samples were taken while the list ran"
    with pytest.raises(AlignmentError, match=match):
        recorded(spec_of())


def test_more_steps_than_the_real_memories_hold() -> None:
    fields_T = np.resize(FIELDS_T, 1500).tolist()
    software, _ = recorded(spec_of("software"), fields_T=fields_T)
    hardware, _ = recorded(spec_of("hardware"), fields_T=fields_T)
    assert hardware.shape == (1, 1500, 2)
    assert np.abs(hardware - software).max() < 0.5 * SIGMA_V


def test_a_marker_is_found_where_the_reset_erases_it() -> None:
    software, _ = recorded(spec_of("software", "nanoring"))
    hardware, _ = recorded(spec_of("hardware", "nanoring", marker_T=0.0))
    assert hardware.shape == software.shape
    assert abs(hardware.mean() - software.mean()) < 0.2 * software.std()


def test_a_marker_that_the_device_does_not_answer_is_a_lost_alignment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spec = spec_of("hardware", marker_T=0.0)
    fetch = Sr830Buffer.fetch

    def noisy(buffer: Sr830Buffer, count: int) -> np.ndarray:
        found = fetch(buffer, count)
        return found + np.random.default_rng(0).normal(0.0, 1e-3, found.shape)

    monkeypatch.setattr(Sr830Buffer, "fetch", noisy)
    with pytest.raises(AlignmentError, match=r"marker's edge .* choose a marker_T"):
        recorded(spec)


def test_a_wide_bracket_is_a_lost_alignment_and_a_marker_helps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    running = KepcoList.running
    delays: list[float] = []

    def prepare(bench: Bench) -> None:
        def slow(program: KepcoList) -> bool:
            if not delays:
                delays.append(0.02)
                bench.clock.wait(0.02)  # the supply is slow to say that it runs
            return running(program)

        monkeypatch.setattr(KepcoList, "running", slow)

    with pytest.raises(AlignmentError, match=r"alignment is lost .* set marker_T"):
        recorded(spec_of(), prepare=prepare)
    delays.clear()
    values, _ = recorded(spec_of("hardware", "nanoring", marker_T=0.0), prepare=prepare)
    monkeypatch.undo()
    unhurried, _ = recorded(spec_of("hardware", "nanoring", marker_T=0.0))
    np.testing.assert_allclose(values, unhurried, atol=5e-7)  # the same samples; drift went on


def test_a_buffer_that_overflows_voids_the_repeat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("instruments.hardware_timed.SLACK_S", -100.0)
    monkeypatch.setattr(Sr830Buffer, "most_points", 400)
    with pytest.raises(AlignmentError, match="buffer of 400 samples overflowed"):
        recorded(spec_of(), prepare=_full_at_400)


def _full_at_400(bench: Bench) -> None:
    """The count that a buffer of 400 samples stops at."""
    buffer = bench.readouts["lockin"].buffer  # type: ignore[attr-defined]
    query = buffer._session.query
    buffer._session.query = lambda command: (
        str(min(400, int(query(command)))) if command == "SPTS?" else query(command)
    )


def test_stop_ends_the_sampling_too() -> None:
    stop, sent = Stop(), list[tuple[str, bytes]]()

    def tap(_host: float, _device: float | None, name: str, way: str, data: bytes) -> None:
        if way == "out":
            sent.append((name, data.strip()))
        if data.startswith(b"CURR:MODE LIST"):
            stop.request()

    with Bench.connect(spec_of(), stop=stop, wire_log=tap) as bench:
        bench.energise()
        with pytest.raises(StoppedError):
            list(bench.repeat(FIELDS_T, bench.spec.window, bench.spec.reset))
        lockin = [data for name, data in sent if name == "lockin"]
        assert b"STRT" in lockin
        assert b"PAUS" in lockin[lockin.index(b"STRT") :]


def test_what_is_missing_is_refused_before_anything_is_energised() -> None:
    spec = spec_of(channels='["X", "R"]')
    sequences = [FieldSequence(np.array([0.0, 1.0]))]
    with (
        Bench.connect(spec) as bench,
        pytest.raises(RefusedError, match=r'timing = "hardware".*lockin.*X\+R'),
    ):
        bench.check_sequences(sequences, spec.window, spec.reset)
    spec = spec_of(gate_s="0.002")
    with Bench.connect(spec) as bench, pytest.raises(RefusedError, match=r"512 Hz.*0\.002 s"):
        bench.check_sequences(sequences, spec.window, spec.reset)


@pytest.mark.parametrize(
    ("keys", "match"),
    [
        ({"encoding": '"loop"', "hold_s": "0.02"}, r"still shows 14 % of what it saw at \+H after"),
        ({"gate_s": "0.01", "max_ramp_A_per_s": "200.0"}, r"a step of 3 A, .* allows 2 A"),
        ({"hold_s": "11000.0"}, r"1101 points, the supply's list holds 1 to 1002"),
        ({"max_duty_A2s": "1.0"}, r"I²t over 60 s would reach"),
    ],
)
def test_a_list_that_can_not_be_is_refused_before_anything_is_energised(
    keys: dict[str, str], match: str
) -> None:
    spec = spec_of(**keys)
    if "max_duty_A2s" in keys:
        duty = "max_current_A = 11.0\nmax_duty_A2s = 1.0\nduty_window_s = 60.0"
        spec = parse_bench(spec.text.replace("max_current_A = 11.0", duty), "list bench")
    sequences = [FieldSequence(np.array([0.0, 1.0]))]
    wire: list[bytes] = []

    def tap(*record: object) -> None:
        wire.extend(value for value in record if isinstance(value, bytes) and "out" in record)

    with Bench.connect(spec, wire_log=tap) as bench, pytest.raises(RefusedError, match=match):
        bench.check_sequences(sequences, spec.window, spec.reset)
    assert len(wire) > 10
    assert all(b"?" in message for message in wire)


def test_the_bench_says_how_steps_are_timed() -> None:
    with Bench.connect(spec_of()) as bench:
        words = bench.timing_words()
        assert "list of x (1002 points), 27.028 ms a step" in words
        assert "buffer of lockin at 512 Hz" in words
        assert bench.settings()["x"]["timing"] == "hardware"
    with Bench.connect(spec_of("software")) as bench:
        assert bench.timing_words() == ""
        assert "timing" not in bench.settings()["x"]


@pytest.mark.parametrize(
    ("timing", "marker_T", "match"),
    [
        ("hardwear", None, "did you mean 'hardware'"),
        ("software", 0.0, r"marker_T aligns .* \"hardware\" or \"auto\""),
    ],
)
def test_keys_that_make_no_sense(timing: str, marker_T: float | None, match: str) -> None:
    with pytest.raises(InputError, match=match):
        spec_of(timing, marker_T=marker_T)


def test_times_of_steps_are_those_of_the_list() -> None:
    spec = spec_of()
    with Bench.connect(spec) as bench:
        bench.energise()
        reads = list(bench.repeat(FIELDS_T, spec.window, spec.reset))
    steps_s = np.diff([read.set_s for read in reads])
    np.testing.assert_allclose(steps_s, 0.027028, atol=1e-9)
    assert all(read.read_s - read.set_s == pytest.approx(0.027028) for read in reads)

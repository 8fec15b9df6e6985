"""Whatever is asked for: on the wire, no list goes beyond a limit or the ramp. Own arithmetic."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from list_bench import spec_of

from instruments.bench import Bench
from models.errors import RefusedError
from models.sequence import FieldSequence

CASES = 40
FULL_CASES = 400
TICK_S = 0.020
GRID_A = 1e-6
TESLA_PER_AMPERE = 4.0e-4
MEMORY = {"kepco-bop": (1002, 5e-4, 10.0), "kepco-bop-mg": (2950, 9.3e-5, 0.034)}


def lists_on(wire: list[str]) -> list[tuple[float, list[tuple[float, float]]]]:
    """Each list that was started: the set-point before it, and its (A, s) points."""
    found, here_A = [], 0.0
    currents: list[float] = []
    dwells: list[float] = []
    pulse_s = 0.0
    for message in wire:
        word, _, values = message.partition(" ")
        if word == "LIST:CLE":
            currents, dwells = [], []
        elif word in ("LIST:CURR", "LIST:DWEL"):
            kept = currents if word == "LIST:CURR" else dwells
            kept += [float(value) for value in values.split(",")]
        elif word == "LIST:SET:TRIG":
            pulse_s = float(values.split(",")[0])
        elif word == "LIST:TRIG":
            assert len(currents) == len(dwells)
            currents.append(float(values))
            dwells.append(pulse_s)
        elif word == "CURR":
            here_A = float(values)
        elif message == "CURR:MODE LIST":
            each_s = dwells * len(currents) if len(dwells) == 1 else dwells
            found.append((here_A, list(zip(currents, each_s, strict=True))))
            here_A = currents[-1]
    return found


def judge(wire: list[str], ramp_A_per_s: float, max_A: float, supply: str) -> int:
    """Assert every rule; how many points were played."""
    assert all(len(message) <= 253 for message in wire)
    played = 0
    for here_A, points in lists_on(wire):
        most, shortest_s, longest_s = MEMORY[supply]
        assert 1 <= len(points) <= most
        for current_A, dwell_s in points:
            assert abs(current_A) <= max_A + 1e-9
            assert shortest_s <= dwell_s <= longest_s
            step_A = abs(current_A - here_A)
            assert step_A <= ramp_A_per_s * min(TICK_S, dwell_s) + GRID_A
            here_A = current_A
        played += len(points)
    return played


@st.composite
def benches(draw: st.DrawFn) -> dict[str, str]:
    """Keys of a bench file, some of which make no run possible."""
    encoding = draw(st.sampled_from(["amplitude", "step", "loop"]))
    low_T = draw(st.floats(-4e-3, 4e-3))
    return {
        "max_ramp_A_per_s": f"{draw(st.sampled_from([20.0, 50.0, 200.0, 2000.0]))}",
        "max_current_A": f"{draw(st.floats(6.0, 12.0)):.3f}",
        "encoding": f'"{encoding}"',
        "low_T": f"{low_T:.6f}",
        "high_T": f"{low_T + draw(st.floats(1e-5, 3e-3)):.6f}",
        "hold_s": f"{draw(st.sampled_from([0.0, 0.005, 0.06, 0.4])):.4f}",
        "field_T": f"{draw(st.floats(-4.5e-3, 4.5e-3)):.6f}",
    }


def check(
    keys: dict[str, str], supply: str, trigger: bool, drive: list[float], outcomes: Counter[str]
) -> None:
    trigger = trigger and supply == "kepco-bop-mg"
    spec = spec_of(supply=supply, trigger=trigger, **keys)
    sequence = FieldSequence(np.array(drive))
    wire: list[str] = []

    def tap(*record: object) -> None:
        data = [value.decode().strip() for value in record if isinstance(value, bytes)]
        if "x" in record and "out" in record:
            wire.extend(data)

    ramp, max_A = float(keys["max_ramp_A_per_s"]), float(keys["max_current_A"])
    with Bench.connect(spec, wire_log=tap) as bench:
        try:
            bench.check_sequences([sequence], spec.window, spec.reset)
        except RefusedError:
            outcomes["refused beforehand"] += 1
            assert not any("?" not in message for message in wire)
            return
        bench.energise()
        fields_T = spec.window.field_T(sequence.drive).tolist()
        reads = list(bench.repeat(fields_T, spec.window, spec.reset))
        bench.verify()
    assert len(reads) == len(drive)
    wanted_A = np.array(fields_T) / TESLA_PER_AMPERE
    if spec.window.encoding == "loop":
        wanted_A = -wanted_A
    np.testing.assert_allclose([read.current_A for read in reads], wanted_A, atol=GRID_A)
    outcomes["played"] += 1
    outcomes["by trigger"] += trigger
    outcomes["loops"] += spec.window.encoding == "loop"
    outcomes["points"] += judge(wire, ramp, max_A, supply)


def many(cases: int) -> None:
    outcomes: Counter[str] = Counter()

    @settings(
        max_examples=cases,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
        database=None,
    )
    @given(
        benches(),
        st.sampled_from(list(MEMORY)),
        st.booleans(),
        st.lists(st.floats(0.0, 1.0), min_size=1, max_size=12),
    )
    def run(keys: dict[str, str], supply: str, trigger: bool, drive: list[float]) -> None:
        check(keys, supply, trigger, drive, outcomes)

    run()
    print(f"lists: {cases} benches, {dict(outcomes)}; no point beyond a limit or the ramp")  # noqa: T201
    assert outcomes["played"] > cases / 8
    assert min(outcomes[kind] for kind in ("refused beforehand", "by trigger", "loops")) > 0


def test_no_list_goes_beyond_a_limit() -> None:
    many(CASES)


@pytest.mark.full
def test_no_list_of_many_goes_beyond_a_limit() -> None:
    many(FULL_CASES)

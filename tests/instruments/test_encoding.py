"""How a step becomes field over time, and what of it is refused."""

from __future__ import annotations

import pytest
from simulated import SimulatedClock, SimulatedSupply

from instruments import encoding
from instruments.clock import Stop
from instruments.limits import LimitedMagnet, MagnetLimits
from models.sequence import DriveWindow, Reset

LIMITS = MagnetLimits(4e-4, 11.0, 20.0)


def energised():
    clock = SimulatedClock()
    magnet = LimitedMagnet(SimulatedSupply(clock), LIMITS, clock, Stop())
    magnet.energise()
    return magnet, clock


@pytest.mark.parametrize(
    ("name", "visited"), [("amplitude", (0.003,)), ("step", (0.003,)), ("loop", (0.003, -0.003))]
)
def test_the_fields_that_a_step_visits(name, visited):
    assert encoding.fields_T(name, 0.003) == visited


def test_the_hold_begins_when_the_field_is_there():
    magnet, clock = energised()
    encoding.apply(magnet, 4e-4, "step", 0.5)  # 1 A: 0.4, 0.8, 1.0 at 20 ms each
    sets = magnet.magnet.sets
    assert [current_A for _, current_A in sets[-3:]] == [0.4, 0.8, 1.0]
    assert clock.time_s == pytest.approx(sets[-1][0] + 0.5)


def test_a_hold_pays_for_the_ramp_of_the_next_step():
    magnet, clock = energised()
    encoding.apply(magnet, 1.6e-4, "step", 0.5)
    begin_s = clock.time_s
    encoding.apply(magnet, 0.0, "step", 0.0)
    assert clock.time_s == begin_s


def test_all_refusals_of_a_plan_at_once():
    window = DriveWindow("loop", -0.0060, 0.0050, 0.1)
    found = encoding.problems(window, Reset(0.0045), [0.0, 1.0], LIMITS)
    assert [sentence.split(":")[0] for sentence in found] == [
        "reset", "lowest step", "highest step", "a loop swings by 30 A in 0.1 s, "
        "max_ramp_A_per_s = 20 A/s takes 1.5 s",
    ]  # fmt: skip


def test_a_plan_within_the_limits_has_no_problem():
    window = DriveWindow("amplitude", 0.0022, 0.0034)
    assert encoding.problems(window, Reset(0.004), [0.0, 1.0], LIMITS) == []


@pytest.mark.parametrize("name", ["step", "loop"])
def test_predicts_what_a_step_takes(name):
    magnet, clock = energised()
    window = DriveWindow(name, 0.0010, 0.0020, 0.3)
    encoding.apply(magnet, 0.0020, name, 0.3)
    begin_s = clock.time_s
    encoding.apply(magnet, 0.0020, name, 0.3)
    predicted_s = encoding.step_s(magnet, window, 0.0, 0.0)
    assert clock.time_s - begin_s == pytest.approx(predicted_s)

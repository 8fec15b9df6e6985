"""The coil's closed form, held against a fine integration of its differential equation."""

from __future__ import annotations

import math

import pytest

from instruments.virtual.coil import Coil, CoilParameters
from models.errors import InputError

PARAMETERS = CoilParameters()


def integrated(start_A, target_A, tau_s, limit_V, seconds, steps=200_000):
    """End current and charge by small explicit steps: L di/dt = clipped demand − R i."""
    R, L = PARAMETERS.resistance_Ohm, PARAMETERS.inductance_H
    target_A = max(-limit_V / R, min(limit_V / R, target_A))
    current_A, charge, dt = start_A, 0.0, seconds / steps
    for _ in range(steps):
        demand_V = R * current_A + L * (target_A - current_A) / tau_s
        slope = (max(-limit_V, min(limit_V, demand_V)) - R * current_A) / L
        charge += dt * (current_A + dt * slope / 2)
        current_A += dt * slope
    return current_A, charge


@pytest.mark.parametrize(
    ("start_A", "target_A", "limit_V"),
    [
        (0.0, 3.0, 36.0),  # the loop alone
        (0.0, 12.0, 36.0),  # just at the rail
        (-11.0, 11.0, 36.0),  # the rail first, then the loop
        (11.0, -11.0, 36.0),
        (0.0, 8.0, 5.0),  # never gets there
        (6.0, 5.0, 2.0),
        (3.0, 0.0, 36.0),
        (3.0, -1.0, 0.0),  # no voltage: the coil's own decay
    ],
)
@pytest.mark.parametrize("seconds", [2.0e-4, 2.0e-3, 27.0e-3])
def test_the_closed_form_is_the_differential_equation(start_A, target_A, limit_V, seconds):
    coil = Coil(PARAMETERS)
    coil.current_A = start_A
    charge = coil.advance(target_A, PARAMETERS.loop_s, limit_V, seconds)
    end_A, expected = integrated(start_A, target_A, PARAMETERS.loop_s, limit_V, seconds, 20_000)
    assert coil.current_A == pytest.approx(end_A, abs=2e-3)
    assert charge == pytest.approx(expected, abs=2e-3 * seconds)


def test_many_small_steps_end_where_one_long_step_does():
    one, many = Coil(PARAMETERS), Coil(PARAMETERS)
    whole = one.advance(9.0, PARAMETERS.loop_s, 20.0, 0.01)
    parts = sum(many.advance(9.0, PARAMETERS.loop_s, 20.0, 1e-4) for _ in range(100))
    assert many.current_A == pytest.approx(one.current_A, rel=1e-9)
    assert parts == pytest.approx(whole, rel=1e-9)


def test_the_current_lags_by_the_loop_time_constant():
    coil = Coil(PARAMETERS)
    coil.advance(1.0, PARAMETERS.loop_s, 36.0, PARAMETERS.loop_s)
    assert coil.current_A == pytest.approx(1 - math.exp(-1))


def test_the_voltage_settles_at_resistance_times_current():
    coil = Coil(PARAMETERS)
    coil.advance(5.0, PARAMETERS.loop_s, 36.0, 1.0)
    assert coil.voltage_V == pytest.approx(5.0 * PARAMETERS.resistance_Ohm)


def test_a_loop_slower_than_the_coil_and_negative_values_are_refused_together():
    with pytest.raises(InputError, match="must not exceed L/R"):
        CoilParameters(loop_s=1.0)
    with pytest.raises(InputError, match="2 problems"):
        CoilParameters(inductance_H=0.0, resistance_Ohm=-1.0)

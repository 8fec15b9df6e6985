"""Arbitrary bench files that are good by themselves, as tables and as text."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from limits_property_draw import Draw

KEPCO, LOCKIN, THERMOMETER = "kepco-bop", "sr830", "lakeshore-336"
ENCODINGS = ("amplitude", "step", "loop", "rotation")
LONGEST_WALK = 40  # ticks; a hand may have left a current far off


@dataclass
class Plan:
    """What the generators of one case agree on."""

    max_A: list[float] = field(default_factory=list)
    tesla_per_ampere: list[float] = field(default_factory=list)
    reach_A: list[float] = field(default_factory=list)  # what a hand may leave
    names: list[str] = field(default_factory=list)
    guards: list[str] = field(default_factory=list)
    duties: list[str] = field(default_factory=list)  # magnets with a limited duty


def log_real(draw: Draw, low: float, high: float) -> float:
    return math.exp(draw.real(math.log(low), math.log(high)))


def bench_tables(draw: Draw, plan: Plan, most_magnets: int = 2) -> dict[str, dict[str, Any]]:
    """A bench file that is valid by itself (a supply may still refuse it), as tables."""
    tables: dict[str, dict[str, Any]] = {
        "": {"name": "arbitrary"},
        "virtual": {"device": "leaky-integrator", "seed": 0, "accelerate": math.inf},
    }
    for number in range(draw.integer(1, most_magnets)):
        name = "xy"[number]
        top_A = draw.pick([11.0, 12.0, 1.0, 0.05]) if draw.chance(0.5) else log_real(draw, 1e-5, 12)
        ticks = log_real(draw, 0.2, LONGEST_WALK)
        scale = log_real(draw, 1e-6, 10.0) * draw.pick([1, -1]) if draw.chance(0.6) else 4e-4
        table = {
            "driver": KEPCO,
            "resource": f"TCPIP0::virtual-{KEPCO}::{5025 + number}::SOCKET",
            "tesla_per_ampere": scale,
            "max_current_A": top_A,
            "max_ramp_A_per_s": top_A / (0.02 * ticks),
        }
        if draw.chance(0.4):
            table["max_field_T"] = abs(scale) * top_A * log_real(draw, 0.2, 3.0)
        if draw.chance(0.4):
            table["compliance_V"] = log_real(draw, 0.5, 36.0)
        if draw.chance(0.25):
            plan.duties.append(name)
            window_s = log_real(draw, 5.0, 60.0)
            table["max_duty_A2s"] = top_A**2 * log_real(draw, 0.5, window_s)
            table["duty_window_s"] = window_s
        tables[f"magnet.{name}"] = table
        plan.names.append(name)
        plan.max_A.append(top_A)
        plan.tesla_per_ampere.append(scale)
        plan.reach_A.append(min(12.0, top_A / ticks * LONGEST_WALK))
    tables["readout.lockin"] = {
        "driver": LOCKIN,
        "resource": f"TCPIP0::virtual-{LOCKIN}::5025::SOCKET",
        "channels": ["X", "Y"],
    }
    if draw.chance(0.2):
        plan.guards.append("water")
        tables["interlock.water"] = {"instrument": "lockin", "input": "aux1", "above_V": 2.0}
    if draw.chance(0.1):
        plan.guards.append("coil")
        tables["thermometer.coil"] = {
            "driver": THERMOMETER,
            "resource": f"TCPIP0::virtual-{THERMOMETER}::5025::SOCKET",
            "input": "A",
            "max_K": 350.0,
        }
    drive = draw.integer(0, len(plan.names) - 1)
    full_T = abs(plan.max_A[drive] * plan.tesla_per_ampere[drive])
    low_T, high_T = sorted(full_T * draw.real(-1.2, 1.2) for _ in range(2))
    tables["drive"] = {
        "encoding": draw.pick(ENCODINGS[:3]),
        "low_T": low_T if low_T < high_T else high_T - full_T,
        "high_T": high_T,
        "hold_s": draw.pick([0.0, 0.0, 0.001, 0.02, 1.0]),
        "gate_s": draw.pick([0.0, 0.027027027, 0.02]),
        "magnet": plan.names[drive],
    }
    tables["reset"] = {"field_T": full_T * draw.real(-1.1, 1.1), "hold_s": draw.pick([0.0, 0.1])}
    return tables


def toml(tables: dict[str, dict[str, Any]]) -> str:
    """The text of the tables; a `Raw` value is written as it is."""
    parts = []
    for name, table in tables.items():
        parts += [f"[{name}]"] if name else []
        parts += [f"{key} = {toml_value(value)}" for key, value in table.items()]
    return "\n".join(parts) + "\n"


class Raw(str):
    """A piece of TOML."""


def toml_value(value: Any) -> str:
    if isinstance(value, Raw):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        escaped = "".join(
            f"\\U{ord(c):08X}" if ord(c) < 32 or c in '"\\' or ord(c) == 127 else c for c in value
        )
        return f'"{escaped}"'
    if isinstance(value, list):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    return repr(value)

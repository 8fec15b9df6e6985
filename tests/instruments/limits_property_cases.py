"""Arbitrary cases: bench files, sequences, command orders, hands and faults, drawn one by one.

`Draw` is either hypothesis (which shrinks) or a seeded generator (which is fast): one code.
A case is plain data, so that its repr is its smallest description.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")
Order = tuple[Any, ...]
ENCODINGS = ("amplitude", "step", "loop", "rotation")
KEPCO, LOCKIN, THERMOMETER = "kepco-bop", "sr830", "lakeshore-336"
LONGEST_WALK = 40  # ticks; a hand may have left a current far off
NO_NUMBERS = (math.nan, math.inf, -math.inf, 1e308, -1e308, 5e-324, -5e-324, -0.0, 1e-12, 1e16)


class Draw(Protocol):
    """Where arbitrary values come from."""

    def integer(self, low: int, high: int) -> int: ...

    def real(self, low: float, high: float) -> float: ...

    def pick(self, of: Sequence[T]) -> T: ...

    def chance(self, share: float) -> bool: ...


class SeededDraw:
    """Fast, and the same for the same seed."""

    def __init__(self, seed: int) -> None:
        rng = random.Random(seed)
        self.integer = rng.randint
        self.real = rng.uniform
        self.pick = rng.choice
        self._random = rng.random

    def chance(self, share: float) -> bool:
        return self._random() < share


class HypothesisDraw:
    """Slow, and shrinks: everything towards the first choice, zero and no."""

    def __init__(self, draw: Any) -> None:
        from hypothesis import strategies as st

        self._draw, self._st = draw, st

    def integer(self, low: int, high: int) -> int:
        return self._draw(self._st.integers(low, high))

    def real(self, low: float, high: float) -> float:
        return self._draw(self._st.floats(low, high))

    def pick(self, of: Sequence[T]) -> T:
        return self._draw(self._st.sampled_from(of))

    def chance(self, share: float) -> bool:
        return self._draw(self._st.integers(0, 99)) >= 100 - 100 * share


@dataclass(frozen=True)
class Case:
    """One case: the bench file, what the hand did before, what the program is told to do.

    `hooks` are (message number, what happens there); `swallow`: errors don't end a session.
    """

    text: str
    found: tuple[tuple[str, str], ...] = ()
    orders: tuple[Order, ...] = ()
    hooks: tuple[tuple[int, Order], ...] = ()
    swallow: bool = True
    give_up: bool = False


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


def current_A(draw: Draw, plan: Plan, which: int) -> float:
    """A current for a magnet: mostly possible, at its limit, beyond it, or no number."""
    top_A = plan.max_A[which]
    kind = draw.integer(0, 9)
    if kind <= 5:
        return top_A * draw.real(-1.0, 1.0)
    if kind <= 7:
        near = draw.pick([1.0, 1 - 1e-9, 1 + 1e-9, 1 + 1e-13, 1.000001, 1.05, 2.0, 0.0])
        return top_A * near * draw.pick([1, -1])
    if kind == 8:
        return draw.pick(NO_NUMBERS)
    return draw.real(-13.0, 13.0)


def field_T(draw: Draw, plan: Plan, which: int) -> float:
    return current_A(draw, plan, which) * plan.tesla_per_ampere[which]


def panel(draw: Draw, plan: Plan) -> tuple[str, str]:
    """What a hand does at a front panel: (instrument's key, message)."""
    which = draw.integer(0, len(plan.names) - 1)
    key = KEPCO if which == 0 else f"{KEPCO}#{which + 1}"
    reach_A = plan.reach_A[which]
    some = reach_A * draw.real(-1.0, 1.0)
    kind = draw.integer(0, 15)
    words = (
        f"CURR {some:.6f}", f"CURR {some:.6f}", f"CURR {some:.6f};OUTP ON", "OUTP ON", "OUTP ON",
        "OUTP OFF", f"FUNC:MODE VOLT;:VOLT {some:.4f};CURR {reach_A:.6f}", "FUNC:MODE CURR",
        f"FUNC:MODE VOLT;:VOLT {some:.4f};CURR {reach_A:.6f};OUTP ON", f"VOLT {abs(some):.4f}",
        "VOLT 36", "*RST;*CLS", "*CLS", "BAD:HEADER", "CURR 99",
        draw.pick(["CURR:RANG 4", "CURR:RANG 1", "CURR:RANG:AUTO OFF", "CURR:RANG:AUTO ON"]),
    )  # fmt: skip
    if kind == 13 and draw.chance(0.5):
        return LOCKIN, draw.pick(["SENS 3", "NONSENSE", "SENS 26", "*CLS"])
    return key, words[kind]


def window(draw: Draw, plan: Plan) -> tuple[Any, ...]:
    """Arguments of a DriveWindow, good or bad."""
    full_T = max(abs(a * t) for a, t in zip(plan.max_A, plan.tesla_per_ampere, strict=True))
    ends = [full_T * draw.real(-1.3, 1.3) for _ in range(2)]
    if draw.chance(0.1):
        ends[draw.integer(0, 1)] = draw.pick(NO_NUMBERS)
    if not draw.chance(0.1):
        ends.sort()
    hold_s = draw.pick([0.0, 0.0, 0.005, 0.02, 0.3])
    if draw.chance(0.05):
        hold_s = draw.pick([math.nan, math.inf, -1.0, 1e-12])
    return draw.pick(ENCODINGS), *ends, hold_s


def drives(draw: Draw, most: int = 6) -> list[float]:
    """Drive values, mostly 0…1."""
    values = [draw.real(0.0, 1.0) for _ in range(draw.integer(1, most))]
    if draw.chance(0.3):
        at = draw.integer(0, len(values) - 1)
        values[at] = draw.pick([-0.1, 1.1, -1e-9, 1 + 1e-9, 0.0, 1.0, *NO_NUMBERS])
    return [] if draw.chance(0.02) else values


def order(draw: Draw, plan: Plan) -> Order:
    """One thing that the program (or a hand) does."""
    which = draw.integer(0, len(plan.names) - 1)
    name, kind = plan.names[which], draw.integer(0, 25)
    if name in plan.duties and draw.chance(0.25):
        return "hold", name, draw.pick([3.0, 20.0])
    if kind <= 3:
        return draw.pick(["energise", "energise", "energise", "energise_one"]), name
    if kind <= 8:
        return draw.pick(["step_to_A", "ramp_to_A"]), name, current_A(draw, plan, which)
    if kind <= 11:
        return draw.pick(["step_to_T", "ramp_to_T"]), name, field_T(draw, plan, which)
    if kind == 12:
        return "bench_step", drives(draw, 3), window(draw, plan)
    if kind == 13:
        return "reset", field_T(draw, plan, which), draw.pick([0.0, 0.05])
    if kind == 14:
        return "hold", name, draw.pick([0.02, 0.001, 0.0, 0.5, 3.0, 20.0])
    if kind == 15:
        return "make_safe_one", name
    if kind == 16:
        return "sequence", drives(draw), window(draw, plan), field_T(draw, plan, which)
    if kind == 17 and plan.guards:
        return "guard", draw.pick(plan.guards), draw.chance(0.3)
    if kind <= 19:
        return "hand", *panel(draw, plan), draw.pick([0.0, 0.001, 0.1])
    return (
        draw.pick(["verify", "verify", "monitor", "state", "make_safe", "make_safe", "stop"])
        if kind <= 23
        else draw.pick(["clear", "clear", "reconnect", "settings", "close"]),
    )


def hook(draw: Draw, plan: Plan) -> tuple[int, Order]:
    """What happens at some message: a fault, Stop, another thread's make_safe, a hand."""
    at = draw.integer(8, 120)
    kind = draw.integer(0, 9)
    if kind <= 4:
        moment = draw.pick(["write", "sent", "read"])
        error = draw.pick(["visa", "os", "value", "zero", "memory"])
        return at, ("raise", moment, error, draw.pick([1, 1, 2, 5]))
    if kind <= 6:
        return at, ("stop",)
    if kind == 7:
        return at, ("make_safe_elsewhere",)
    return at, ("hand", *panel(draw, plan))


def orders_case(draw: Draw) -> Case:
    """Family "command orders"."""
    plan = Plan()
    text = toml(bench_tables(draw, plan))
    most = 0 if plan.duties and draw.chance(0.5) else 3  # a hand's current is not the duty's
    found = tuple(panel(draw, plan) for _ in range(draw.integer(0, most)))
    first = (("energise", plan.names[0]),) if draw.chance(0.7) else ()
    orders = first + tuple(order(draw, plan) for _ in range(draw.integer(1, 10)))
    hooks = tuple(hook(draw, plan) for _ in range(draw.integer(1, 3))) if draw.chance(0.5) else ()
    return Case(text, found, orders, hooks, draw.chance(0.7), draw.chance(0.3))


def sequences_case(draw: Draw) -> Case:
    """Family "sequences": windows, resets and drives through the checked and the raw way."""
    plan = Plan()
    text = toml(bench_tables(draw, plan, most_magnets=1))
    orders: list[Order] = [("energise", "x")]
    for _ in range(draw.integer(1, 2)):
        if draw.chance(0.6):
            orders.append(("sequence", drives(draw), window(draw, plan), field_T(draw, plan, 0)))
        else:
            orders.append(("reset", field_T(draw, plan, 0), draw.pick([0.0, 0.05])))
            orders.append(("bench_step", drives(draw), window(draw, plan)))
        orders.append(("verify",))
    return Case(text, (), tuple(orders), (), True, False)

"""Arbitrary cases: bench files, sequences, command orders, hands and faults, drawn one by one.

A case is plain data, so that its repr is its smallest description.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from limits_property_bench import ENCODINGS, KEPCO, LOCKIN, Plan, bench_tables, toml

if TYPE_CHECKING:
    from limits_property_draw import Draw

Order = tuple[Any, ...]
NO_NUMBERS = (math.nan, math.inf, -math.inf, 1e308, -1e308, 5e-324, -5e-324, -0.0, 1e-12, 1e16)


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

"""Arbitrary bench files: what is wrong in each is known, and the one error has to name it all."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from limits_property_bench import Plan, Raw, bench_tables, toml
from limits_property_cases import Case

if TYPE_CHECKING:
    from limits_property_draw import Draw

NAN, INF = Raw("nan"), Raw("inf")
NO_TEXT: list[Any] = [1, True, 1.5, ["a"], Raw("1979-05-27")]
NO_NUMBER: list[Any] = ["11", True, [1.0], NAN, Raw("1979-05-27"), Raw("{a = 1}")]
NOT_POSITIVE = [0, -1, -0.0, -1e-300, *NO_NUMBER]
BAD: dict[str, list[Any]] = {  # by "table.key": what has to be refused there, naming the key
    "magnet.x.tesla_per_ampere": [0, 0.0, INF, *NO_NUMBER],
    "magnet.x.max_current_A": [INF, *NOT_POSITIVE],
    "magnet.x.max_ramp_A_per_s": [INF, *NOT_POSITIVE],
    "magnet.x.max_field_T": NOT_POSITIVE,
    "magnet.x.compliance_V": [INF, *NOT_POSITIVE],
    "magnet.x.max_duty_A2s": NOT_POSITIVE,
    "magnet.x.duty_window_s": NOT_POSITIVE,
    "magnet.x.timeout_s": [INF, *NOT_POSITIVE],
    "magnet.x.driver": ["kepko-bop", "", "sr830", *NO_TEXT],
    "magnet.x.resource": ["", "nonsense", "TCPIP0::", *NO_TEXT],
    "readout.lockin.driver": ["sr8300", "kepco-bop", *NO_TEXT],
    "readout.lockin.channels": ["X", 3, ["Q"], [], ["X", "X"], ["X"] * 9],
    "drive.low_T": [INF, *NO_NUMBER],
    "drive.high_T": [INF, *NO_NUMBER],
    "drive.hold_s": [INF, -1, *NO_NUMBER],
    "drive.gate_s": [INF, -1, *NO_NUMBER],
    "drive.encoding": ["looop", "", *NO_TEXT],
    "drive.magnet": ["z", "", *NO_TEXT],
    "reset.field_T": [INF, *NO_NUMBER],
    "reset.hold_s": [INF, -1, *NO_NUMBER],
    "virtual.device": ["nanorings", "", *NO_TEXT],
    "virtual.seed": [-1, 1.5, "0", True, INF],
    "virtual.accelerate": [0, -1, "fast", NAN, True],
}
ODD: list[Any] = [  # what may be refused or not, but never breaks anything
    1e308, 5e-324, 1e-9, -1e308, Raw("1" + "0" * 400), Raw("1" + "0" * 5000), Raw("0x7fff"),
    Raw("-0.0"), Raw("1e400"), "Ω\u202e\x00", "a" * 10_000, Raw("[" * 2000 + "]" * 2000), 1e-6,
    Raw("07:32:00"), Raw("'''\n'''"), {}, Raw("{resource = 1}"), 12.0, 36.0, 100.0, 3,
]  # fmt: skip
NEEDED = (
    "magnet.x.tesla_per_ampere", "magnet.x.max_current_A", "magnet.x.max_ramp_A_per_s",
    "magnet.x.driver", "magnet.x.resource", "readout.lockin.driver", "readout.lockin.resource",
    "drive.encoding", "drive.low_T", "drive.high_T", "reset.field_T",
)  # fmt: skip
SCRAPS = ("=", "[", "]", '"', "\n", "\x00", "\ud7ff", "é", "𝔸", "#", "nan", "inf", "-", "e9", ".")
TOGETHER = ("magnet.x.max_duty_A2s", "magnet.x.duty_window_s")
ODD_KEYS = ("max_curent_A", "pi", "Field_T", "unknown-key")
OF_THE_DRIVER = ("channels",)
KEPT = 40  # ticks that a case may walk


@dataclass(frozen=True)
class FileCase:
    """A bench file; `wrong`: keys that the error has to name (empty: it may be good)."""

    text: str
    wrong: tuple[str, ...] = ()


def file_case(draw: Draw) -> FileCase:
    """Family "bench files"."""
    kind = draw.integer(0, 9)
    plan = Plan()
    tables = bench_tables(draw, plan)
    if kind == 0:
        return FileCase(toml(tables))
    if kind <= 5:
        return FileCase(*_wrong(draw, tables))
    if kind <= 7:
        for _ in range(draw.integer(1, 2)):
            table, _, key = draw.pick(tuple(BAD)).rpartition(".")
            tables[table][key] = draw.pick(ODD)
        return FileCase(_toml(tables))
    return FileCase(_scrambled(draw, toml(tables)))


def _toml(tables: dict[str, dict[str, Any]]) -> str:
    for table in tables.values():
        for key, value in table.items():
            if isinstance(value, dict):
                table[key] = Raw("{}")
    return toml(tables)


def _wrong(draw: Draw, tables: dict[str, dict[str, Any]]) -> tuple[str, tuple[str, ...]]:
    """Some keys made wrong, missing, unknown; two addresses or two fields made the same."""
    wrong: dict[str, None] = {}
    for _ in range(draw.integer(1, 5)):
        name = draw.pick(tuple(BAD))
        table, _, key = name.rpartition(".")
        if name not in wrong:
            tables[table][key] = draw.pick(BAD[name])
            wrong[name] = None
            if name in TOGETHER:  # both or neither
                other_table, _, other = TOGETHER[name == TOGETHER[0]].rpartition(".")
                tables[other_table].setdefault(other, 10.0)
    if draw.chance(0.3):
        name = draw.pick(NEEDED)
        table, _, key = name.rpartition(".")
        if name not in wrong:
            del tables[table][key]
            wrong[name] = None
    if draw.chance(0.3):
        table = draw.pick(("magnet.x", "readout.lockin", "drive", "reset", "virtual", ""))
        odd_key = draw.pick(ODD_KEYS)
        tables[table][odd_key] = draw.pick([1.0, "a", NAN])
        wrong[f"{table}.{odd_key}"] = None
    if draw.chance(0.2) and not {"drive.low_T", "drive.high_T"} & set(wrong):
        tables["drive"]["low_T"], tables["drive"]["high_T"] = 2e-3, 1e-3
        wrong["low_T"] = None
    if draw.chance(0.2) and not {"magnet.x.resource", "readout.lockin.resource"} & set(wrong):
        tables["readout.lockin"]["resource"] = tables["magnet.x"]["resource"]
        wrong["already"] = None
    if draw.chance(0.1) and not any(name.startswith(("readout", "interlock")) for name in wrong):
        tables["readout.x"] = tables.pop("readout.lockin")
        wrong["two instruments"] = None
    for table in ("magnet.x", "readout.lockin"):
        if f"{table}.driver" in wrong:  # whose own keys only the driver knows
            for key in (*OF_THE_DRIVER, *ODD_KEYS):
                wrong.pop(f"{table}.{key}", None)
    return _toml(tables), tuple(name.rpartition(".")[2].rstrip("s") for name in wrong)


def _scrambled(draw: Draw, text: str) -> str:
    """A text with pieces cut out, put in, doubled, moved."""
    for _ in range(draw.integer(1, 4)):
        at = draw.integer(0, len(text))
        kind = draw.integer(0, 4)
        if kind == 0:
            text = text[:at] + text[at + draw.integer(1, 30) :]
        elif kind == 1:
            text = text[:at] + draw.pick(SCRAPS) + text[at:]
        elif kind == 2:
            text = text[:at]
        elif kind == 3:
            lines = text.split("\n")
            line = draw.integer(0, len(lines) - 1)
            text = "\n".join([*lines, lines[line]])
        else:
            lines = text.split("\n")
            line = draw.integer(0, len(lines) - 1)
            text = "\n".join(lines[:line] + lines[line + 1 :])
    return text


def few_steps(text: str, limits: Any) -> Case:
    """A short session on a bench file that turned out to be good."""
    top_A = min(limits.highest_A, 12.0, KEPT * 0.02 * limits.max_ramp_A_per_s)
    orders = [("energise_drive",)]
    if math.isfinite(top_A):
        orders += [("drive_to_A", top_A), ("drive_to_A", -0.3 * top_A), ("drive_to_A", 1e9)]
    return Case(text, (), (*orders, ("verify",)), (), True, True)

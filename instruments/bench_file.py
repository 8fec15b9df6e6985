"""The bench file: TOML that names a rig's instruments, limits, field window and reset."""

from __future__ import annotations

import dataclasses
import importlib.resources
import math
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from instruments.bench_addresses import ADDRESSED, address_keys, refuse_shared
from instruments.bench_guards import (
    OPTIONAL,
    REQUIRED,
    WHEN_OUT_KEYS,
    interlock,
    magnet_limits,
    teslameter,
    thermometer,
)
from instruments.bench_spec import (
    LEAST_ACCELERATE,
    BenchSpec,
    InstrumentSpec,
    MagnetSpec,
    TeslameterSpec,
    ThermometerSpec,
    VirtualSpec,
)
from instruments.boards import read_boards, spelt, with_boards
from instruments.drivers import (
    MAGNET_DRIVERS,
    READOUT_DRIVERS,
    TESLAMETER_DRIVERS,
    THERMOMETER_DRIVERS,
)
from instruments.rotation_spec import ROTATION_KEYS, rotation_options
from instruments.sequenced import TIMING_KEYS, timing_options
from instruments.toml_table import Table, near
from models.errors import InputError, raise_problems
from models.paths import anything_at, file_at, folder_at
from models.sequence import ENCODINGS, DriveWindow, Reset

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeVar

    T = TypeVar("T")

__all__ = ["BenchSpec", "bench_text", "parse_bench", "read_bench"]

# Rigs in this process by the word that opens them, and their bench file among the resources.
BUILT_IN = {
    "virtual": "virtual-nanoring.toml",
    "virtual-spin-vortex-ice": "virtual-spin-vortex-ice.toml",
    "virtual-leaky-integrator": "virtual-leaky-integrator.toml",
}
DEVICES = ("nanoring", "spin-vortex-ice", "leaky-integrator", "relaxation", "duffing")
MAGNET_TIMEOUT_S = 1.0  # a supply answers in milliseconds
READOUT_TIMEOUT_S = 1.0  # a reading takes a gate; a lost one is told within 2 s, retries and all
THERMOMETER_TIMEOUT_S = 1.0
DRIVE_KEYS = ("encoding", "low_T", "high_T", "hold_s", "gate_s", "magnet")


def read_bench(path: str | Path) -> BenchSpec:
    """The bench of a TOML file, or one of the built-in rigs, `BUILT_IN`.

    Raises
    ------
    InputError
        Not readable, or with problems: all of them in one message.
    """
    if (file := BUILT_IN.get(str(path))) is not None:
        text = importlib.resources.files("resources").joinpath(file).read_text("utf-8")
        return parse_bench(text, f"built-in bench {file}")
    try:
        text = bench_text(Path(path))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(
            f"bench file {path}: {reason}; give a TOML file, or a built-in rig: "
            f"{', '.join(BUILT_IN)}"
        ) from error
    return parse_bench(text, f"bench file {path}")


def bench_text(path: Path) -> str:
    """The text of a bench file, without the mark that Windows' editors put before UTF-8.

    Raises
    ------
    OSError
        It can't be read.
    ValueError
        It is no UTF-8, no file, or its name can't be one.
    """
    if anything_at(path) and not (file_at(path) or folder_at(path)):
        raise ValueError("a pipe or a device")  # whose end may never come
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start} is no UTF-8: save it as UTF-8 text") from error


def parse_bench(text: str, source: str) -> BenchSpec:
    """The bench of a TOML text; errors as `read_bench`, with `source` as the place."""
    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # numbers too long, tables too deep, no TOML
        raise InputError(f"{source}: no TOML: {error}") from error
    table = Table(values, "", [])
    spec = _bench(table, source)
    raise_problems(InputError, source, table.problems)
    if spec is None:  # every way to None has left a problem behind
        raise InputError(f"{source}: incomplete")
    return dataclasses.replace(spec, text=text)


def _bench(table: Table, source: str) -> BenchSpec | None:
    table.known(
        "name", "magnet", "readout", "teslameter", "thermometer", "interlock", "drive", "reset",
        "virtual", "board",
    )  # fmt: skip
    name = table.value("name", str, Path(source).stem)
    groups = {key: table.table(key) for key in ("magnet", "readout", "teslameter", "thermometer")}
    for key, group in groups.items():
        if not group.values and key in ("magnet", "readout"):
            table.add(f"no [{key}.NAME]: a bench needs at least one")
    magnets = [_magnet(key, sub) for key, sub in groups["magnet"].tables()]
    readouts = [_readout(key, sub) for key, sub in groups["readout"].tables()]
    drive = table.table("drive")
    probes = enumerate(groups["teslameter"].tables())
    teslameters = [_teslameter(key, sub, drive, number == 0) for number, (key, sub) in probes]
    thermometers = [_thermometer(key, sub) for key, sub in groups["thermometer"].tables()]
    measuring = {spec.name: spec for spec in readouts if spec is not None}
    specs = [spec for spec in (*magnets, *readouts, *teslameters, *thermometers) if spec]
    guarding = dict.fromkeys(key for group in groups.values() for key in group.values)
    guarding |= {spec.name: spec for spec in specs}
    interlocks = [interlock(key, sub, guarding) for key, sub in table.table("interlock").tables()]
    window, gate_s, drive_magnet = _drive(drive, list(groups["magnet"].values))
    timing = timing_options(drive)
    rotation = rotation_options(drive, list(groups["magnet"].values), drive_magnet)
    reset = _reset(table.table("reset"))
    virtual = None
    if "virtual" in table.values:
        virtual = _virtual(table.table("virtual"), tuple(spec.driver for spec in specs))
    boards = read_boards(table)
    inside = virtual is not None and virtual.device is not None
    refuse_shared(table, groups.values(), inside, boards)
    if table.problems or window is None or reset is None:
        return None
    spec = BenchSpec(
        name=name,
        magnets={spec.name: spec for spec in magnets if spec is not None},
        readouts=measuring,
        window=window,
        reset=reset,
        drive_magnet=drive_magnet,
        gate_s=gate_s,
        virtual=virtual,
        source=source,
        thermometers={spec.name: spec for spec in thermometers if spec is not None},
        interlocks={spec.name: spec for spec in interlocks if spec is not None},
        teslameters={spec.name: spec for spec in teslameters if spec is not None},
        rotation=rotation,
        **timing,
    )
    return with_boards(spec, boards)


def _magnet(name: str, table: Table) -> MagnetSpec | None:
    options = _options(table, MAGNET_DRIVERS, (*ADDRESSED, *REQUIRED, *OPTIONAL))
    address = address_keys(name, table, MAGNET_DRIVERS, MAGNET_TIMEOUT_S)
    limits = magnet_limits(table)
    if address is None or limits is None:
        return None
    options = {**options, "compliance_V": limits.compliance_V}
    return MagnetSpec(**address, options=options, limits=limits)


def _thermometer(name: str, table: Table) -> ThermometerSpec | None:
    table.known(*ADDRESSED, "input", "min_K", "max_K", *WHEN_OUT_KEYS)
    return thermometer(table, address_keys(name, table, THERMOMETER_DRIVERS, THERMOMETER_TIMEOUT_S))


def _readout(name: str, table: Table) -> InstrumentSpec | None:
    options = _options(table, READOUT_DRIVERS, ADDRESSED)
    address = address_keys(name, table, READOUT_DRIVERS, READOUT_TIMEOUT_S)
    return None if address is None else InstrumentSpec(**address, options=options)


def _teslameter(name: str, table: Table, drive: Table, first: bool) -> TeslameterSpec | None:
    options = _options(table, TESLAMETER_DRIVERS, (*ADDRESSED, "tolerance_T", *WHEN_OUT_KEYS))
    address = address_keys(name, table, TESLAMETER_DRIVERS, READOUT_TIMEOUT_S)
    return teslameter(table, address, options, drive, first=first)


def _options(table: Table, drivers: Mapping[str, Any], common: tuple[str, ...]) -> dict[str, Any]:
    """The keys of a driver of its own, read by itself; every key that is nobody's is noted."""
    driver = drivers.get(str(table.values.get("driver")))
    if driver is None:  # said by `address_keys`; which keys are right isn't known
        return {}
    table.known(*common, *driver.KEYS)
    options: dict[str, Any] = driver.options(table)
    return options


def _drive(table: Table, magnets: list[str]) -> tuple[DriveWindow | None, float, str]:
    table.known(*DRIVE_KEYS, *TIMING_KEYS, *ROTATION_KEYS)
    encoding = table.value("encoding", str)
    low_T, high_T = table.number("low_T"), table.number("high_T")
    hold_s, gate_s = table.number("hold_s", 0.0), table.number("gate_s", 0.0)
    magnet = table.value("magnet", str, magnets[0] if magnets else "")
    if magnets and magnet not in magnets:
        table.add(f"magnet {magnet!r} is not on the bench{near(magnet, magnets)}")
    if gate_s is not None and not 0 <= gate_s < math.inf:
        table.add(f"gate_s = {gate_s} s must be zero or more")
    given = (encoding, low_T, high_T, hold_s)
    usual = (ENCODINGS[0], -sys.float_info.max, sys.float_info.max, 0.0)
    window = _made(table, lambda: DriveWindow(*_stood_in(given, usual)))
    if None in given or gate_s is None:
        return None, 0.0, magnet
    return window, gate_s, magnet


def _reset(table: Table) -> Reset | None:
    table.known("field_T", "hold_s")
    given = (table.number("field_T"), table.number("hold_s", 0.0))
    reset = _made(table, lambda: Reset(*_stood_in(given, (0.0, 0.0))))
    return None if None in given else reset


def _stood_in(given: tuple[Any, ...], usual: tuple[Any, ...]) -> list[Any]:
    """What is missing is named already: a stand-in lets the rest be checked in the same go."""
    return [u if g is None else g for g, u in zip(given, usual, strict=True)]


def _virtual(table: Table, models: tuple[str, ...]) -> VirtualSpec:
    table.known("device", "seed", "clock", "accelerate")
    device = table.value("device", str, None)
    clock = table.value("clock", str, None)
    seed = table.value("seed", int, 0)
    accelerate = table.number("accelerate", math.inf, above=0.0)
    if accelerate is not None and accelerate < LEAST_ACCELERATE:
        table.add(
            f"accelerate = {accelerate:g} must be at least {LEAST_ACCELERATE:g}; 1 is real time"
        )
    if (device is None) == (clock is None):
        table.add(
            "needs either device (a rig in this process) or clock (a served rig's clock); "
            "a real bench has no [virtual], and its time can't be accelerated"
        )
    if device is not None and device not in DEVICES:
        table.add(f"device {device!r} is unknown{near(device, DEVICES)}")
    if seed < 0:
        table.add(f"seed = {seed} must be zero or more")
    clock = None if clock is None else spelt(clock)
    return VirtualSpec(device, seed, clock, math.inf if accelerate is None else accelerate, models)


def _made(table: Table, make: Callable[[], T]) -> T | None:
    """A value that is checked where it is made, or its problem."""
    try:
        return make()
    except InputError as error:
        table.add(str(error))
        return None

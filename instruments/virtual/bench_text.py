"""The bench file that reaches a rig: its device's window, each model's table, its addresses."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from instruments.virtual.models import READOUTS, SUPPLIES, TESLAMETERS, THERMOMETERS
from instruments.virtual.rig import CLOCK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from instruments.virtual.rig import VirtualRig

_AXES = ("x", "y", "z")
_SWING_MARGIN = 1.1  # of a loop's hold over what the ramp takes from one end to the other


def bench_text(rig: VirtualRig, resources: Mapping[str, str], adapter: str | None = None) -> str:
    """Write the bench file of a served rig.

    Parameters
    ----------
    rig
        The rig.
    resources
        VISA address of each of its instruments, by key.
    adapter
        Of the GPIB board that some of them are behind.
    """
    parts = [
        f"# A virtual rig on TCP, as `twinrig bench serve` wrote it.\n"
        f'name = "virtual {rig.device_name}, served"\n\n'
        f"[virtual]                    # device time is the rig's own: its clock is an instrument\n"
        f'clock = "{resources[CLOCK]}"\n'
        f"accelerate = {rig.accelerate}\n"
    ]
    if adapter:
        parts.append(f'[board.gpib]                  # what GPIB0 is\nresource = "{adapter}"\n')
    keys = list(rig.instruments)
    supplies = [key for key in keys if rig.instruments[key].model in SUPPLIES]
    for number, key in enumerate(supplies):
        name = _AXES[number] if number < len(_AXES) else f"supply{number + 1}"
        parts.append(_magnet(rig, key, name, resources[key]))
    names: list[str] = []
    for models, table in ((READOUTS, _readout), (TESLAMETERS, _probe), (THERMOMETERS, _coil)):
        for key in keys:
            model = rig.instruments[key].model
            if model in models:
                parts.append(table(model, names, resources[key]))
    parts.append(_drive(rig))
    return "\n".join(parts)


def _magnet(rig: VirtualRig, key: str, name: str, resource: str) -> str:
    model = rig.instruments[key].model
    supply = SUPPLIES[model]
    tesla_per_ampere = rig.drive.tesla_per_ampere * supply.turns
    return (
        f'[magnet.{name}]\ndriver = "{model}"\nresource = "{resource}"\n'
        f"tesla_per_ampere = {_short(tesla_per_ampere)}\n"
        f"max_current_A = {supply.max_current_A}\n"
        f"max_ramp_A_per_s = {supply.max_ramp_A_per_s}\n{supply.keys}"
    )


def _numbered(word: str, names: list[str]) -> str:
    """A name that no instrument has yet: the word, with a number from the second one on."""
    count = sum(name.rstrip("0123456789") == word for name in names) + 1
    names.append(word if count == 1 else f"{word}{count}")
    return names[-1]


def _readout(model: str, names: list[str], resource: str) -> str:
    readout = READOUTS[model]
    name = _numbered(readout.word, names)
    return f'[readout.{name}]\ndriver = "{model}"\nresource = "{resource}"\n{readout.keys}'


def _probe(model: str, names: list[str], resource: str) -> str:
    name = _numbered("probe", names)
    axis = 'axis = "Z"                   # along the coil\n' if model == "lakeshore-f71" else ""
    return f'[teslameter.{name}]\ndriver = "{model}"\nresource = "{resource}"\n{axis}'


def _coil(model: str, names: list[str], resource: str) -> str:
    name = _numbered("coil", names)
    return (
        f"[thermometer.{name}]           # current is refused, and a run ended, beyond\n"
        f'driver = "{model}"\nresource = "{resource}"\ninput = "A"\nmax_K = 340.0\n'
    )


def _drive(rig: VirtualRig) -> str:
    drive = rig.drive
    loops = drive.encoding == "loop"
    about, gate = (
        ("each step is a field loop +H, -H; it is read at -H", "")
        if loops
        else (
            "the supply sets the amplitude of a field that is turned outside",
            "                 # the read-out itself is the gate: one rotation",
        )
    )
    if drive.encoding == "step":
        about, gate = "the supply sets the field, which is held and then read", ""
    hold_s = max(drive.hold_s, _loop_hold_s(rig)) if loops else drive.hold_s
    return (
        f"[drive]                      # {about}\n"
        f'encoding = "{drive.encoding}"\n'
        f"low_T = {drive.low_T:.4f}\n"
        f"high_T = {drive.high_T:.4f}\n"
        f"hold_s = {hold_s}{gate}\n"
        f"gate_s = {round(_gate_s(rig), 9)}\n\n"
        "[reset]                      # before every repeat and every node's run\n"
        f"field_T = {drive.reset_T:.4f}\n"
        f"hold_s = {hold_s}\n"
    )


def _loop_hold_s(rig: VirtualRig) -> float:
    """How long a loop has to be held for the first supply's ramp to come from +H to -H."""
    models = [one.model for one in rig.instruments.values() if one.model in SUPPLIES]
    if not models:
        return 0.0
    supply = SUPPLIES[models[0]]
    swing_A = 2 * rig.drive.reset_T / rig.coil.tesla_per_ampere
    return math.ceil(100 * _SWING_MARGIN * swing_A / supply.max_ramp_A_per_s) / 100


def _gate_s(rig: VirtualRig) -> float:
    """Device time of one reading of the first read-out."""
    models = [one.model for one in rig.instruments.values() if one.model in READOUTS]
    reading_s = READOUTS[models[0]].reading_s if models else 0.0
    if models and rig.spectral(models[0]):
        return reading_s
    return max(rig.gate_s, reading_s)


def _short(value: float) -> str:
    """A number such as 4.0e-4."""
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}"

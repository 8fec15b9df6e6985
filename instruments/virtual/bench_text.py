"""The bench file that reaches a rig: the reference bench with this rig's addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from instruments.virtual.rig import CLOCK, READOUTS, SUPPLIES, THERMOMETERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from instruments.virtual.rig import VirtualRig

_AXES = ("x", "y", "z")


def bench_text(rig: VirtualRig, resources: Mapping[str, str]) -> str:
    """Write the bench file of a served rig.

    Parameters
    ----------
    rig
        The rig.
    resources
        VISA address of each of its instruments, by key.
    """
    supplies = [key for key, one in rig.instruments.items() if one.model in SUPPLIES]
    readouts = [key for key, one in rig.instruments.items() if one.model in READOUTS]
    parts = [
        f"# A virtual rig on TCP, as `twinrig bench serve` wrote it.\n"
        f'name = "virtual {rig.device_name}, served"\n\n'
        f"[virtual]                    # device time is the rig's own: its clock is an instrument\n"
        f'clock = "{resources[CLOCK]}"\n'
        f"accelerate = {rig.accelerate}\n"
    ]
    for number, key in enumerate(supplies):
        name = _AXES[number] if number < len(_AXES) else f"supply{number + 1}"
        parts.append(_MAGNET.format(name=name, model=_model(rig, key), resource=resources[key]))
    for number, key in enumerate(readouts):
        name = f"lockin{number + 1}" if number else "lockin"
        parts.append(_READOUT.format(name=name, model=_model(rig, key), resource=resources[key]))
    thermometers = [key for key, one in rig.instruments.items() if one.model in THERMOMETERS]
    for number, key in enumerate(thermometers):
        name = f"coil{number + 1}" if number else "coil"
        parts.append(
            _THERMOMETER.format(name=name, model=_model(rig, key), resource=resources[key])
        )
    parts.append(_DRIVE.format(gate_s=round(rig.gate_s, 9)))
    return "\n".join(parts)


def _model(rig: VirtualRig, key: str) -> str:
    return rig.instruments[key].model


_MAGNET = """\
[magnet.{name}]
driver = "{model}"
resource = "{resource}"
tesla_per_ampere = 4.0e-4
max_current_A = 11.0
max_ramp_A_per_s = 2000.0
"""
_READOUT = """\
[readout.{name}]
driver = "{model}"
resource = "{resource}"
channels = ["X", "Y"]
"""
_THERMOMETER = """\
[thermometer.{name}]           # current is refused, and a run ended, beyond
driver = "{model}"
resource = "{resource}"
input = "A"
max_K = 340.0
"""
_DRIVE = """\
[drive]                      # the supply sets the amplitude of a field that is turned outside
encoding = "amplitude"
low_T = 0.0022
high_T = 0.0034
hold_s = 0.0                 # the read-out itself is the gate: one rotation
gate_s = {gate_s}

[reset]                      # before every repeat and every node's run
field_T = 0.0040
hold_s = 0.0
"""

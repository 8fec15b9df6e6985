"""What each key of a bench file means, for people who fill one in: unit first, then words."""

from __future__ import annotations

KEY_WORDS: dict[str, str] = {
    "tesla_per_ampere": "T/A; field at the sample per ampere, as measured; its sign counts",
    "max_current_A": "A; the most that coil and supply may carry: nothing beyond is ever set",
    "max_ramp_A_per_s": "A/s; larger steps are walked at this rate",
    "max_field_T": "T; where the field, not the current, has to be limited",
    "max_duty_A2s": "A²s; the integral of I² over the last duty_window_s",
    "duty_window_s": "s; goes with max_duty_A2s",
    "compliance_V": "V; voltage limit that is set at zero current; else the supply keeps its own",
    "set_counts_per_A": "counts per A of `DA 0`: from the supply's test sheet",
    "read_counts_per_A": "counts per A of `AD 8`: from the supply's test sheet",
    "channels": "what is read at each step, in this order",
    "input": "which of its inputs",
    "nplc": "power line cycles of one reading; else as set at the instrument",
    "current_A": "A; through the sample, both ways, within a reading only",
    "delay_s": "s; from reversing the current to its reading",
    "count": "delta readings that make one value",
    "samples": "readings of a burst",
    "interval_s": "s; between the readings of a burst",
    "points": "of a spectrum, each a channel",
    "quantity": "what of S21 is kept",
    "start_Hz": "Hz; with stop_Hz; else as set at the instrument",
    "stop_Hz": "Hz; with start_Hz",
    "if_bandwidth_Hz": "Hz; else as set at the instrument",
    "axis": "of several that the instrument has",
    "tolerance_T": "T; a step whose measured field is further off voids its repeat",
    "min_K": "K; below it nothing is energised",
    "max_K": "K; above it nothing is energised",
    "when_out": "end: the run (a field: its repeat is void); hold: it waits until all is back",
    "hold_at_most_s": 's; how long it waits, with when_out = "hold"',
    "encoding": "amplitude (of a field turned outside), step, loop (+H, -H) or rotation",
    "low_T": "T; field at drive 0",
    "high_T": "T; field at drive 1",
    "hold_s": "s; held before it is read; 0: the read-out itself is the gate",
    "gate_s": "s; device time of one reading, where it is known",
    "magnet": "that the drive goes to",
    "magnet_2": "that makes the sine",
    "points_per_rotation": "readings of a turn",
    "rotations": "turns of a step",
    "timing": "software; hardware: a supply's list and a read-out's buffer; or auto",
    "marker_T": "T; a field that aligns list and buffer, where they time the steps",
    "trigger": "true: a pulse of the list starts the buffer, where they time the steps",
    "field_T": "T; saturates the device before every repeat and every node's run",
    "clock": "of a served virtual rig",
    "accelerate": "times; as the rig was served with, or less",
}
"""Keys of drivers of other packages are not here: they stand without words."""

_UNITS = ("T", "A", "V", "K", "s", "Hz")
_WHOLE_UNITS = {"tesla_per_ampere": "T/A", "max_ramp_A_per_s": "A/s"}
PREFIXES = {"": 1.0, "n": 1e-9, "u": 1e-6, "µ": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9}


def unit_of(key: str) -> str:
    """The unit that a key carries in its name; empty where it has none that takes a prefix."""
    last = key.rpartition("_")[2]
    return _WHOLE_UNITS.get(key, last if last in _UNITS and last != key else "")

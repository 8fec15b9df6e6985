"""What a bipolar supply does to its coil: mode, set-points, output switch, a running list.

Context: with a hardware-timed list nobody asks for a reading that would gate the device. Decision:
while somebody watches (a lock-in whose buffer runs), each point of a list that lasts for a gate
gates the device once, in the last gate of its dwell, as a reading behind a hold does; a shorter
point (a ramp's) gates nothing, and neither does the first half of a loop: a point that a point of
the opposite current follows which lasts longer, by a gate at least. Consequence: the device sees
what it sees when timed by software.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from instruments.virtual.coil import Coil, CoilHeat, CoilParameters

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from instruments.virtual.instrument import DeviceTime

    Signal = tuple[float, float]

MAX_V, MAX_A = 36.0, 12.0
_STEPS = 32767  # of the 16-bit converters, from zero to full scale
_SETTLED_A = 1e-9
_SAME_GATE = 1e-6  # relative: a dwell is written in decimals
_WRITTEN_S = 2.0e-6  # what a dwell may be off by, written in decimals
_EDGES = 64  # of the trigger output, remembered
_FELT_A = 5e-3  # a device in the coil is told of a change by steps, until one is so small


class BipolarSupply:
    """A 36 V, 12 A output with a coil on it.

    It is found as a technician left it: current mode, full compliance, 0 A, output off.

    Parameters
    ----------
    device_time
        The rig's time.
    parameters
        The coil.
    max_V, max_A
        Its rating.

    Attributes
    ----------
    felt
        Told of every mean current (A) and how long it flowed (s), in order, by what is in the coil.
    seen
        What a gate of a list sees at its mean current (A), when it is over; None: what is in the
        coil is asked later, for a gate is all that changes it.
    """

    def __init__(
        self,
        device_time: DeviceTime,
        parameters: CoilParameters,
        max_V: float = MAX_V,
        max_A: float = MAX_A,
    ) -> None:
        self._time = device_time
        self._seen_ns = device_time.now_ns
        self.coil = Coil(parameters)
        self.current_mode = True
        self.fixed_A = 0.0
        self.max_V, self.max_A = max_V, max_A
        self.setpoint_V = max_V
        self.output_on = False
        self.full_scale_A = max_A
        self._list: list[tuple[float, float]] = []
        self._list_rounds = 0.0
        self._list_index = 0
        self._list_left_s = 0.0
        self._list_A = 0.0
        self.heat = CoilHeat()
        self._gate_s: float | None = None
        self._gate_charge = 0.0
        self._gated: list[tuple[int, float, Signal | None]] = []
        self._pulses: dict[int, bool] = {}
        self._edges: deque[tuple[int, bool]] = deque(maxlen=_EDGES)
        self.felt: Callable[[float, float], None] | None = None
        self.seen: Callable[[float], Signal] | None = None

    @property
    def setpoint_A(self) -> float:
        """What decides the current now: the programmed set-point, or the point a list is at."""
        return self._list_A if self._list else self.fixed_A

    @setpoint_A.setter
    def setpoint_A(self, current_A: float) -> None:
        self.fixed_A = current_A

    @property
    def list_running(self) -> bool:
        """Whether a list drives the set-point now."""
        self.follow()
        return bool(self._list)

    @property
    def at_compliance(self) -> bool:
        """Whether the voltage limit holds the current below its set-point."""
        self.follow()
        coil = self.coil
        return self.output_on and self.current_mode and abs(coil.voltage_V) >= self.limit_V * 0.999

    @property
    def limit_V(self) -> float:
        """Largest voltage the supply may use now."""
        return abs(self.setpoint_V) if self.current_mode and self.output_on else self.max_V

    def follow(self) -> float:
        """Move the coil up to the present; returns its mean current since the last call (A)."""
        seconds = (self._time.now_ns - self._seen_ns) * 1e-9
        self._seen_ns = self._time.now_ns
        if seconds <= 0:
            return self.coil.current_A
        return (self._follow_list(seconds) if self._list else self._move(seconds)) / seconds

    def watch_list(self, gate_s: float | None) -> None:
        """From now on note what each gate of a list's points sees; None: no longer."""
        self.follow()
        self._gate_s = gate_s

    def take_gates(self) -> list[tuple[int, float, Signal | None]]:
        """Each gate since the last call: its end in ns, mean current in A, and what `seen` said."""
        self.follow()
        gated, self._gated = self._gated, []
        return gated

    def edges(self, since_ns: int) -> list[tuple[int, bool]]:
        """When the trigger output changed since then, in ns of device time, and whether it rose."""
        self.follow()
        return [edge for edge in self._edges if edge[0] >= since_ns]

    def start_list(
        self,
        points: list[tuple[float, float]],
        rounds: float,
        pulses: Mapping[int, bool] | None = None,
    ) -> None:
        """Run (A, s) points one after another, `rounds` times (inf: until stopped).

        `pulses`: the numbers of the points that give a pulse at the trigger output, and whether it
        is a low one.
        """
        self.follow()
        self._pulses = dict(pulses or {})
        self._note_edge(0, 0.0, over=False)
        self._list, self._list_rounds, self._list_index = list(points), rounds, 0
        self._list_A, self._list_left_s = points[0]

    def stop_list(self) -> None:
        """Stop a list: the set-point from before it decides again (BOP 1KW-MG manual, B.27)."""
        self.follow()
        self._list = []

    def _follow_list(self, seconds: float) -> float:
        charge = 0.0
        while self._list and seconds >= self._list_left_s:
            seconds -= self._list_left_s
            charge += self._dwell(self._list_left_s)
            self._note_gate(seconds)
            self._note_edge(self._list_index, seconds, over=True)
            self._next_point()
            if self._list:
                self._note_edge(self._list_index, seconds, over=False)
        if not self._list:
            return charge + self._move(seconds)
        charge += self._dwell(seconds)
        self._list_left_s -= seconds
        return charge

    def _dwell(self, seconds: float) -> float:
        """A part of the present point's dwell; what flows within its gate is summed up."""
        before_s = seconds
        if self._gate_s is not None:
            before_s = min(seconds, max(0.0, self._list_left_s - self._gate_s))
        charge = self._move(before_s)
        if before_s < seconds:
            within = self._move(seconds - before_s)
            self._gate_charge += within
            charge += within
        return charge

    def _note_gate(self, ago_s: float) -> None:
        """The present point is over, so long ago."""
        charge, self._gate_charge = self._gate_charge, 0.0
        dwell_s, gate_s = self._list[self._list_index][1], self._gate_s
        if gate_s is not None and _lasts(dwell_s, gate_s) and not self._first_half(gate_s):
            end_ns = self._time.now_ns - round(ago_s * 1e9)
            mean_A = charge / min(gate_s, dwell_s)
            self._gated.append((end_ns, mean_A, self.seen(mean_A) if self.seen else None))

    def _note_edge(self, number: int, ago_s: float, *, over: bool) -> None:
        """A point begins or is over, so long ago; where it gives a pulse, the output changes."""
        if (low := self._pulses.get(number)) is not None:
            self._edges.append((self._time.now_ns - round(ago_s * 1e9), low == over))

    def _first_half(self, gate_s: float) -> bool:
        """Whether the present point is the +H of a loop that is read at −H."""
        current_A, dwell_s = self._list[self._list_index]
        behind = (each for each in self._list[self._list_index + 1 :] if _lasts(each[1], gate_s))
        next_A, next_s = next(behind, (current_A, 0.0))
        opposite = next_A == -current_A != 0.0
        return opposite and next_s - dwell_s >= gate_s - 2 * _WRITTEN_S

    def _next_point(self) -> None:
        self._list_index += 1
        if self._list_index == len(self._list):
            self._list_index = 0
            self._list_rounds -= 1
            if self._list_rounds <= 0:  # run to its end: the last point stays (B.27)
                self.fixed_A, self._list = self._list_A, []
                return
        self._list_A, self._list_left_s = self._list[self._list_index]

    def _move(self, seconds: float) -> float:
        """Let the set-point act for so long: at once, or by the steps that a device feels."""
        if self.felt is None:
            return self._settle(seconds)
        charge = 0.0
        while seconds > 0:
            before_A, piece_s = self.coil.current_A, min(seconds, self.coil.parameters.loop_s)
            piece = self._settle(piece_s)
            self.felt(piece / piece_s, piece_s)
            charge += piece
            seconds -= piece_s
            if seconds > 0 and abs(self.coil.current_A - before_A) < _FELT_A:
                rest = self._settle(seconds)
                self.felt(rest / seconds, seconds)
                return charge + rest
        return charge

    def _settle(self, seconds: float) -> float:
        if seconds <= 0:
            return 0.0
        coil, parameters = self.coil, self.coil.parameters
        if not self.output_on:
            target_A, tau_s = 0.0, parameters.decay_s
            if abs(coil.current_A) < _SETTLED_A:
                coil.current_A = 0.0
        elif self.current_mode:
            step_A = self.full_scale_A / _STEPS
            target_A, tau_s = round(self.setpoint_A / step_A) * step_A, parameters.loop_s
        else:
            limit_A = abs(self.setpoint_A)
            target_A = self.setpoint_V / parameters.resistance_Ohm
            target_A, tau_s = max(-limit_A, min(limit_A, target_A)), parameters.decay_s
        charge = coil.advance(target_A, tau_s, self.limit_V, seconds)
        self.heat.advance(charge / seconds, seconds)
        return charge


def _lasts(seconds: float, gate_s: float) -> bool:
    """Whether a point lasts for a gate."""
    return seconds >= gate_s * (1 - _SAME_GATE)

"""What the rest of the program asks of an instrument: small protocols, SI units in names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from models.errors import RefusedError, TwinrigError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class SensorError(TwinrigError):
    """A sensor says itself that its reading is no good (open, shorted, out of range)."""


class ElsewhereError(RefusedError):
    """Something else than its set-point decides a supply's current, and control can't be taken.

    To walk the set-point would move nothing, or something else than the current that flows.
    """


class SourcesVoltageError(ElsewhereError):
    """What it sources with its output on is a voltage (`VoltageSource`), and stays one.

    `changed`: what was changed before that was seen, in words.
    """

    changed: tuple[str, ...] = ()


@dataclass(frozen=True)
class MagnetState:
    """What a supply says of itself now.

    `status` holds driver-specific words (mode, range, …), `errors` what its queue held, `faults`
    what makes the current another than the set-point (compliance reached, quench, …), `inputs`
    those of them that are bits of its status: (name as of `StatusInputs`, words).
    """

    current_A: float
    setpoint_A: float
    output_on: bool
    status: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    inputs: tuple[tuple[str, str], ...] = ()

    def words(self) -> str:
        """The state for people: `at 3 A (set 3 A), output on, it had reported -222 …`."""
        words = f"at {self.current_A:.4g} A (set {self.setpoint_A:.4g} A), "
        words += f"output {'on' if self.output_on else 'off'}"
        if self.status:
            words += f", {', '.join(self.status)}"
        if self.faults:
            words += f", it is {'; '.join(self.faults)}"
        if self.errors:
            words += f", it had reported {'; '.join(self.errors)}"
        return words


class Instrument(Protocol):
    """Anything with an address."""

    name: str
    resource: str
    driver: str
    identity: str  # the answer to `*IDN?` as first heard; empty before

    def identify(self) -> str:
        """Ask `*IDN?` again; raises where another model, or another unit than before, answers."""

    def settings(self) -> dict[str, Any]:
        """Every setting that a measurement rests on, by name with unit."""

    def errors(self) -> tuple[str, ...]:
        """Drain the instrument's error queue, in words; empty when all is well."""

    def close(self) -> None:
        """Close the session; never raises."""


class Magnet(Instrument, Protocol):
    """A supply that drives a coil. Only `instruments.limits` calls the setters.

    Attributes
    ----------
    safe_state
        What *safe* means for this supply, in words.
    stop_action
        What ends a ramp where it stands, in words.
    resolution_A
        The finest difference of two set-points on the wire.
    rated_current_A, rated_voltage_V
        What the supply can give, from its identity; inf where it doesn't say.
    """

    safe_state: str
    stop_action: str
    resolution_A: float
    rated_current_A: float
    rated_voltage_V: float

    def read_back_error_A(self, current_A: float) -> float:
        """How far the read-back set-point may be from the one sent, by rounding alone."""

    def setpoint_A(self) -> float:
        """The programmed current, read back."""

    def measured_A(self) -> float:
        """The real current."""

    def output_on(self) -> bool:
        """Whether the output is switched on."""

    def state(self) -> MagnetState:
        """Read the real state; changes nothing."""

    def take_control(self, reach_A: float) -> tuple[str, ...]:
        """Make the set-point decide the current; what had to be changed for that, in words.

        The current stays as it is, or changes by `reach_A` at most, as far as the supply lets it:
        where a program runs inside the supply, words say by how much its end moved the current.
        """

    def prepare(self) -> tuple[str, ...]:
        """Set what else a run needs (compliance), at zero current; what was changed, in words."""

    def set_current_A(self, current_A: float) -> None:
        """Send one set-point (a step where the supply has no ramp)."""

    def output(self, on: bool) -> None:
        """Switch the output; the caller has ramped to zero before switching it off."""


class VoltageSource(Magnet, Protocol):
    """A supply that may be found sourcing a voltage: what brings that to zero.

    Attributes
    ----------
    resolution_V
        The finest difference of two voltages on the wire.
    """

    resolution_V: float

    def sourced_V(self) -> float:
        """The programmed voltage, read back."""

    def load_VA(self) -> tuple[float, float]:
        """Volts and amperes at its output, measured."""

    def set_voltage_V(self, voltage_V: float) -> None:
        """Send one voltage (a step)."""


class Readout(Instrument, Protocol):
    """An instrument that measures the device's response.

    One whose readings take long says how long as `reading_s`, known once it is prepared. One that
    `prepare` may refuse has `unready()`: in pairs why, as it is set now, and what to do; only asks.
    """

    channels: tuple[str, ...]
    units: tuple[str, ...]

    def prepare(self) -> None:
        """Point replies at this interface, clear status; measuring settings stay as they are."""

    def read(self) -> NDArray[np.float64]:
        """One coherent reading of all channels `(C,)`; gates one step where the rig does so."""

    def monitor(self) -> NDArray[np.float64]:
        """Values of now `(C,)` for live displays: people may have their hands in the gap.

        Nothing is set, no current is driven, and no earlier reading is shown again: what measures
        only when it is told to takes a reading of its own where it is set up for one; else NaN.
        """

    def faults(self) -> tuple[str, ...]:
        """Overloads, lost reference and the like since the last call, in words."""


class Teslameter(Instrument, Protocol):
    """A probe in the gap: the field of a step is measured, not assumed."""

    def prepare(self) -> None:
        """Make sure that it measures a constant field along one axis; nothing is set.

        Raises `RefusedError` in another mode, and without a probe where the model tells that.
        """

    def field_T(self) -> float:
        """The field now; its unit is asked for with it. NaN, and a fault, beyond the range."""

    def faults(self) -> tuple[str, ...]:
        """What made a reading no good since the last call, in words."""


class Thermometer(Instrument, Protocol):
    """An instrument that measures temperatures."""

    def kelvin(self, input_name: str) -> float:
        """One input in K; raises `SensorError` where its status says that it is no good."""


class InterlockInputs(Protocol):
    """An instrument with inputs that can carry an interlock.

    Attributes
    ----------
    interlock_inputs
        Their names, as a bench file has them.
    """

    interlock_inputs: tuple[str, ...]

    def input_V(self, input_name: str) -> float:
        """The volts at one input (`aux1`)."""


class StatusInputs(Protocol):
    """An instrument whose own status can carry an interlock: bits that are clear when all is well.

    Attributes
    ----------
    status_inputs
        Their names, as a bench file has them (`magnet water flow`).
    lasting_inputs
        Those under which a run can't wait: a magnet that must be left alone, or a supply that has
        switched itself off, until somebody has been there.
    """

    status_inputs: tuple[str, ...]
    lasting_inputs: tuple[str, ...]

    def status_problem(self, input_name: str) -> str | None:
        """What the instrument is while a bit is set, in words; None where it is clear now."""

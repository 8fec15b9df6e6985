"""The devices a virtual rig can hold: a field at the gate in, a two-component signal out."""

from __future__ import annotations

import difflib
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from instruments.virtual.electronics import ElectronicsParameters
from instruments.virtual.nanoring import NanoringArray, NanoringParameters
from instruments.virtual.spectrum_noise import SpectrumNoiseParameters
from instruments.virtual.spin_vortex_ice import SpinVortexIce, SpinVortexIceParameters
from models.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

LOCKIN_HZ = np.array([7.0e9, 8.2e9])  # the two frequencies at which a lock-in watches a resonance


class Device(Protocol):
    """What sits in the field.

    Attributes
    ----------
    duration_s
        How long one gate takes.
    parameters
        Every physical parameter, for the fingerprint.
    """

    duration_s: float
    parameters: Mapping[str, object]

    def gate(self, field_T: float) -> tuple[float, float]:
        """One step at this field: in-phase and quadrature signal, full scale about ±1."""


@runtime_checkable
class Feeling(Device, Protocol):
    """A device that every field on the way changes."""

    def feel(self, field_T: float, seconds: float) -> None:
        """A field for a while, whether anything is read or not."""


@runtime_checkable
class Resonant(Feeling, Protocol):
    """One that is seen by its resonance."""

    def spectrum(self, frequency_Hz: NDArray[np.float64], field_T: float) -> NDArray[np.float64]:
        """Signal `(N,)` at these frequencies in this field, full scale about ±1."""


@dataclass(frozen=True)
class Drive:
    """How a device is driven: the coil it sits in, and the field window of its bench file."""

    tesla_per_ampere: float = 4.0e-4
    encoding: str = "amplitude"
    low_T: float = 2.2e-3
    high_T: float = 3.4e-3
    reset_T: float = 4.0e-3
    hold_s: float = 0.0
    electronics: ElectronicsParameters = field(default_factory=ElectronicsParameters)


class NanoringDevice:
    """The nanoring array in a field that is turned outside; one gate is one rotation."""

    def __init__(self, seed: np.random.SeedSequence) -> None:
        parameters = NanoringParameters()
        self._array = NanoringArray(parameters, int(seed.generate_state(1, np.uint64)[0]))
        self.duration_s = 1.0 / parameters.field_frequency_Hz
        self.parameters: Mapping[str, object] = asdict(parameters)

    def gate(self, field_T: float) -> tuple[float, float]:
        """One rotation; a negative amplitude is the same rotation half a turn later."""
        in_phase, quadrature = self._array.rotate(abs(field_T)).tolist()
        return in_phase, quadrature


@dataclass(frozen=True)
class LeakyIntegratorParameters:
    """A memory that fades: x ← x + leak (u − x) + noise, on two channels with their own leak.

    `noise` is the standard deviation of x that the kicks alone would make; `low_T` and `high_T`
    are the field at u = 0 and u = 1.
    """

    leak: tuple[float, float] = (0.3, 0.1)
    noise: tuple[float, float] = (0.02, 0.02)
    low_T: float = 2.2e-3
    high_T: float = 3.4e-3
    duration_s: float = 1.0 / 37.0


class LeakyIntegrator:
    """A plain device for teaching: two fading memories whose noise is coloured by the fading."""

    def __init__(self, seed: np.random.SeedSequence) -> None:
        parameters = LeakyIntegratorParameters()
        self._rng = np.random.default_rng(seed)
        self._leak = np.array(parameters.leak)
        self._kick = np.array(parameters.noise) * np.sqrt(1 - (1 - self._leak) ** 2)
        self._low_T = parameters.low_T
        self._span_T = parameters.high_T - parameters.low_T
        self._x = np.zeros(2)
        self.duration_s = parameters.duration_s
        self.parameters: Mapping[str, object] = asdict(parameters)

    def gate(self, field_T: float) -> tuple[float, float]:
        """One step of the recursion; fields beyond twice the window saturate."""
        u = min(2.0, max(-1.0, (field_T - self._low_T) / self._span_T))
        self._x += self._leak * (u - self._x) + self._kick * self._rng.standard_normal(2)
        x, y = self._x.tolist()
        return x, y


@dataclass(frozen=True)
class RelaxationParameters:
    """A memory that fades in time: dx = (u − x) dt / time_s + noise √(2 / time_s) dW, two channels.

    `noise` is the standard deviation of x that the noise alone would make; `low_T` and `high_T`
    are the field at u = 0 and u = 1, `duration_s` that of a reading, which changes nothing.
    """

    time_s: tuple[float, float] = (0.15, 0.6)
    noise: tuple[float, float] = (0.03, 0.03)
    low_T: float = 2.2e-3
    high_T: float = 3.4e-3
    duration_s: float = 1.0 / 37.0


class Relaxation:
    """The leaky integrator in continuous time: how long a step is held decides where it ends."""

    def __init__(self, seed: np.random.SeedSequence) -> None:
        parameters = RelaxationParameters()
        self._rng = np.random.default_rng(seed)
        self._time_s = np.array(parameters.time_s)
        self._noise = np.array(parameters.noise)
        self._low_T = parameters.low_T
        self._span_T = parameters.high_T - parameters.low_T
        self._x = np.zeros(2)
        self.duration_s = parameters.duration_s
        self.parameters: Mapping[str, object] = asdict(parameters)

    def feel(self, field_T: float, seconds: float) -> None:
        """The exact step of the Ornstein-Uhlenbeck process; beyond twice the window it saturates.

        Gillespie 1996, doi:10.1103/PhysRevE.54.2084, eq. 3.1.
        """
        u = min(2.0, max(-1.0, (field_T - self._low_T) / self._span_T))
        keep = np.exp(-seconds / self._time_s)
        kick = self._noise * np.sqrt(-np.expm1(-2 * seconds / self._time_s))
        self._x = u + keep * (self._x - u) + kick * self._rng.standard_normal(2)

    def gate(self, field_T: float) -> tuple[float, float]:
        """Where it is; the field has been felt."""
        x, y = self._x.tolist()
        return x, y


@dataclass(frozen=True)
class DuffingParameters:
    """A hardening oscillator under a force: x″ = −damping x′ − x − x³ + force (2u − 1) + noise ξ.

    Times in units of the small oscillation's period over 2π; one step of the drive lasts `step`,
    `low_T` and `high_T` are the field at u = 0 and u = 1 (Duffing 1918; ξ is white of unit
    intensity).
    """

    damping: float = 0.5
    force: float = 2.5
    noise: float = 0.15
    step: float = 1.0
    substeps: int = 32
    low_T: float = 2.2e-3
    high_T: float = 3.4e-3
    duration_s: float = 1.0 / 37.0


class Duffing:
    """An oscillator of which only the position is seen: the velocity is a hidden memory."""

    def __init__(self, seed: np.random.SeedSequence) -> None:
        self._own = DuffingParameters()
        self._rng = np.random.default_rng(seed)
        self._span_T = self._own.high_T - self._own.low_T
        self._position = self._velocity = 0.0
        self.duration_s = self._own.duration_s
        self.parameters: Mapping[str, object] = asdict(self._own)

    def gate(self, field_T: float) -> tuple[float, float]:
        """One step of the drive (symplectic Euler-Maruyama); beyond twice the window it saturates.

        The position is the in-phase signal, full scale at 2; there is no quadrature.
        """
        own = self._own
        u = min(2.0, max(-1.0, (field_T - own.low_T) / self._span_T))
        force, dt = own.force * (2 * u - 1), own.step / own.substeps
        x, v = self._position, self._velocity
        for kick in (own.noise * dt**0.5 * self._rng.standard_normal(own.substeps)).tolist():
            v += (force - x - x**3 - own.damping * v) * dt + kick
            x += v * dt
        self._position, self._velocity = x, v
        return 0.5 * x, 0.0


class SpinVortexIceDevice:
    """Artificial spin-vortex ice in bipolar field loops: every field on the way counts."""

    def __init__(self, seed: np.random.SeedSequence) -> None:
        parameters = SpinVortexIceParameters()
        self._array = SpinVortexIce(parameters, int(seed.generate_state(1, np.uint64)[0]))
        self.duration_s = 1.0 / 37.0  # of one lock-in reading
        self.parameters: Mapping[str, object] = asdict(parameters)

    def feel(self, field_T: float, seconds: float) -> None:
        """What leaves its state in that time."""
        self._array.expose(field_T, seconds)

    def spectrum(self, frequency_Hz: NDArray[np.float64], field_T: float) -> NDArray[np.float64]:
        """Resonance signal `(N,)`."""
        return self._array.spectrum(frequency_Hz, field_T)

    def gate(self, field_T: float) -> tuple[float, float]:
        """The signal at two fixed frequencies; changes nothing, the field has been felt."""
        x, y = self._array.spectrum(LOCKIN_HZ, field_T).tolist()
        return x, y


_NOISE = SpectrumNoiseParameters()
DEVICES: dict[str, Callable[[np.random.SeedSequence], Device]] = {
    "nanoring": NanoringDevice,
    "spin-vortex-ice": SpinVortexIceDevice,
    "leaky-integrator": LeakyIntegrator,
    "relaxation": Relaxation,
    "duffing": Duffing,
}
DRIVES: dict[str, Drive] = {
    "nanoring": Drive(),
    "spin-vortex-ice": Drive(
        tesla_per_ampere=3.0e-3,
        encoding="loop",
        low_T=18.0e-3,
        high_T=23.5e-3,
        reset_T=32.0e-3,
        hold_s=0.05,
        electronics=ElectronicsParameters(
            full_signal_V=3.0e-5,
            noise_fraction=_NOISE.noise,
            drift_fraction=_NOISE.drift,
            drift_time_s=_NOISE.drift_time_s,
        ),
    ),
    "leaky-integrator": Drive(),
    "relaxation": Drive(encoding="step", hold_s=0.05),
    "duffing": Drive(),
}


def make_device(name: str, seed: np.random.SeedSequence) -> Device:
    """Build the device of that name.

    Raises
    ------
    InputError
        The name is unknown.
    """
    if name in DEVICES:
        return DEVICES[name](seed)
    available = ", ".join(DEVICES)
    near = difflib.get_close_matches(name, DEVICES, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"available: {available}"
    raise InputError(f"virtual rig: device {name!r} is unknown; {hint}")

"""The virtual Lake Shore F71 teslameter with a three-axis probe in the gap of a coil.

Commands: `shared/rig.md` 3.3 and Lake Shore's Python driver. The coil's field is along Z, found in
gauss. Quirks: `FETCH:DC?` of a three-axis probe is the magnitude, without a sign; queries joined by
`;:` answer in one line; `SYST:ERR:ALL?` empties the queue. A reading takes the averaging time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from instruments.virtual.electronics import Normals
from instruments.virtual.scpi import COMMON, ScpiError, ScpiInstrument, command_table
from instruments.virtual.scpi_settings import Number, Setting, Switch, Word, as_left, handlers

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from instruments.virtual.instrument import DeviceTime

IDENTITY = (
    "Lake Shore,F71,LSA1234,1.8.2021092301"  # the form is judgement, the model is what counts
)
RANGES_T = (0.035, 0.35, 3.5)
NOISE_T = 1.0e-6  # judgement: of one sample
SAMPLE_S = 0.01
OVERRANGE = 1.05
NO_PROBE, OVERLOAD = 1, 2

_SETTINGS: dict[str, tuple[str, Setting]] = {
    "unit": ("UNIT:FIELD", Word(("TESLA", "GAUSS"), "GAUSS")),
    "mode": ("[SENSe:]MODE", Word(("DC", "AC", "HIFR"), "DC")),
    "auto": ("[SENSe:]RANGe:AUTO", Switch(True)),
    "averages": ("[SENSe:]AVERage:COUNt", Number(1, 1000, 2, whole=True)),
}


class LakeShoreF71(ScpiInstrument):
    """An F71 whose probe's Z axis is along the coil.

    Parameters
    ----------
    device_time
        The rig's time.
    field_T
        The field at the probe now; called at each reading.
    seed
        Of the read-out noise.

    Attributes
    ----------
    axes
        3, or 1 for a probe that measures along Z only; 0 where none is plugged in.
    """

    model = "lakeshore-f71"

    def __init__(
        self, device_time: DeviceTime, field_T: Callable[[], float], seed: np.random.SeedSequence
    ) -> None:
        super().__init__(device_time)
        self.set: dict[str, Any] = as_left(_SETTINGS)
        self.axes = 3
        self._range_T = RANGES_T[0]
        self._field_T = field_T
        self._noise = Normals(seed)
        self._overload = False

    def changed(self, name: str) -> None:
        """No setting entails another."""

    def fetch(self, text: str) -> str:
        """`FETCH:DC? [X|Y|Z|ALL]`: no word is the magnitude of three axes."""
        axis = text.strip().upper()
        if axis not in {"", "X", "Y", "Z", "ALL"}:
            raise ScpiError(-224)
        self.time.advance(self.set["averages"] * SAMPLE_S)
        x, y, z = self._measured()
        magnitude = (x * x + y * y + z * z) ** 0.5
        values = {"X": x, "Y": y, "Z": z, "": magnitude if self.axes == 3 else z}
        chosen = (magnitude, x, y, z) if axis == "ALL" else (values[axis],)
        per_T = 1.0e4 if self.set["unit"] == "GAUSS" else 1.0
        return ",".join(f"{value * per_T:.6E}" for value in chosen)

    def _measured(self) -> tuple[float, float, float]:
        """Along X, Y and Z, in tesla, each within the range."""
        if self.axes == 0:
            return 0.0, 0.0, 0.0
        sigma_T = NOISE_T / self.set["averages"] ** 0.5
        (a, b), (c, _) = self._noise.pair(), self._noise.pair()
        field_T = self._field_T()
        if self.set["auto"]:
            fitting = (full for full in RANGES_T if abs(field_T) <= full)
            self._range_T = next(fitting, RANGES_T[-1])
        limit_T = OVERRANGE * self._range_T
        self._overload = abs(field_T) > limit_T
        along_T = max(-limit_T, min(limit_T, field_T))
        return sigma_T * a, sigma_T * b, along_T + sigma_T * c

    def set_range(self, text: str) -> None:
        """`SENS:RANGE x`: the lowest range that holds a field of x, in the chosen unit."""
        per_T = 1.0e4 if self.set["unit"] == "GAUSS" else 1.0
        try:
            field_T = float(text) / per_T
        except ValueError:
            raise ScpiError(-104 if text else -109) from None
        if not 0 <= field_T <= RANGES_T[-1]:
            raise ScpiError(-222)
        self._range_T = next(full for full in RANGES_T if field_T <= full)
        self.set["auto"] = False

    def ask_range(self, _: str) -> str:
        """`SENS:RANGE?`, in the chosen unit."""
        return f"{self._range_T * (1.0e4 if self.set['unit'] == 'GAUSS' else 1.0):.6E}"

    def ask_operation(self, _: str) -> str:
        """`STAT:OPER:COND?`."""
        return str((NO_PROBE if self.axes == 0 else 0) | (OVERLOAD if self._overload else 0))

    def ask_all_errors(self, _: str) -> str:
        """`SYST:ERR:ALL?`: every error, removed from the queue, or `No error`."""
        found = []
        while not (entry := self.status.next_error()).startswith("0,"):
            found.append(entry)
        return ",".join(found) or "No error"


LakeShoreF71.commands = command_table(
    {
        **handlers(_SETTINGS),
        **COMMON,
        "*IDN?": lambda _meter, _: IDENTITY,
        "FETCh:DC?": LakeShoreF71.fetch,
        "FETCh:FIELd:DC?": LakeShoreF71.fetch,
        "[SENSe:]RANGe": LakeShoreF71.set_range,
        "[SENSe:]RANGe?": LakeShoreF71.ask_range,
        "STATus:OPERation:CONDition?": LakeShoreF71.ask_operation,
        "STATus:QUEStionable:CONDition?": lambda _meter, _: "0",
        "SYSTem:ERRor:ALL?": LakeShoreF71.ask_all_errors,
        "SYSTem:ERRor:CLEar": lambda meter, _: meter.status.clear(),
        "PROBe:SNUM?": lambda _meter, _: '"LSA5678"',
        "PROBe:AXES?": lambda meter, _: str(meter.axes),
    }
)

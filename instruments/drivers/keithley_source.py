"""What the Keithley SourceMeters have alike as current sources on a coil; each file has its own.

They have no ramp: a set is a step, `instruments.limits` walks it. The current is measured only with
the output on: a 2400 whose output is off answers `:READ?` with error 803, and nothing else.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, ClassVar

from instruments.drivers.exchange import identified, queued_errors, word
from instruments.protocols import ElsewhereError, MagnetState, SourcesVoltageError
from models.errors import TwinrigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from instruments.toml_table import Table
    from instruments.visa import VisaSession

SWITCH = {"0": False, "1": True, "OFF": False, "ON": True}
FUNCTIONS = {"CURR": "current", "VOLT": "voltage", "MEM": "memory"}
OFF_STATES = {"ZERO": "ZERO", "NORM": "NORM", "HIMP": "HIMP", "GUAR": "GUAR"}
NOT_MEASURED = 9.9e37  # from here on: 9.91e37 not measured, 9.9e37 beyond the range
AT_LIMIT = "voltage limit"  # the input of an interlock
COMPLIANCE_WITHIN = 1e-3  # relative: what the read-back of a voltage limit may differ by


class KeithleySource:
    """A SourceMeter that sources current into a coil.

    Parameters
    ----------
    name
        The instrument's name on the bench.
    session
        Its open VISA session.
    options
        `compliance_V`: voltage limit to set before a run; without it the present one stays.
    """

    driver: ClassVar[str]
    RATINGS: ClassVar[Mapping[str, tuple[float, float]]]  # model: A, V; not both at once, …
    HIGH_VOLTAGE: ClassVar[Mapping[str, tuple[float, float]]] = {}  # … above so many V so many A
    LIMIT: ClassVar[str]  # header of the voltage limit
    OFF_STATE: ClassVar[str]  # header of what the output does when it is off

    safe_state = "zero current, output off (ZERO: the coil stays closed)"
    stop_action = "the next step of the ramp is not sent"
    resolution_A = 1e-6
    resolution_V = 1e-5
    own_ramp = False
    has_output = True
    MADE: ClassVar[Mapping[str, Any]] = {
        "function": "CURR", "off_state": "ZERO", "auto_off": False, "read_back": True,
    }  # fmt: skip  # of the settings, by energising
    KEYS: tuple[str, ...] = ("compliance_V",)
    status_inputs = (AT_LIMIT,)
    lasting_inputs: tuple[str, ...] = ()

    def __init__(self, name: str, session: VisaSession, options: Mapping[str, Any]) -> None:
        self.name = name
        self.resource = session.resource_name
        self.rated_current_A = math.inf
        self.rated_voltage_V = math.inf
        self.identity = ""
        self._session = session
        self._compliance_V: float | None = options.get("compliance_V")
        self._prepared = False
        self._function = ""  # what it sources, as last seen
        session.identify = self.identify

    @staticmethod
    def terminator(resource: str) -> str:
        """What ends a line; on RS-232 as a 2400 leaves the factory."""
        return "\r" if resource.startswith("ASRL") else "\n"

    @staticmethod
    def options(table: Table) -> dict[str, Any]:
        """The keys of a bench file that are this driver's own; problems are noted in the table."""
        given = "compliance_V" in table.values
        return {"compliance_V": table.number("compliance_V", above=0.0) if given else None}

    def identify(self) -> str:
        """`*IDN?`, e.g. `KEITHLEY INSTRUMENTS INC.,MODEL 2400,4103187,C32 …`."""
        models = "|".join(self.RATINGS)
        self.identity = identified(
            self._session, self.identity, rf"^KEITHLEY.*MODEL ({models})\b",
            f"KEITHLEY INSTRUMENTS…,MODEL {' or '.join(self.RATINGS)},…",
        )  # fmt: skip
        found = re.search(models, self.identity)
        assert found is not None
        self.rated_current_A, self.rated_voltage_V = self.RATINGS[found[0]]
        return self.identity

    def beyond_envelope(self, current_A: float, limit_V: float) -> str:
        """Why it can't give a current beside a voltage limit, in words; empty: it can."""
        known = (model for model in self.HIGH_VOLTAGE if f"MODEL {model}," in self.identity)
        above_V, most_A = self.HIGH_VOLTAGE.get(next(known, ""), (math.inf, math.inf))
        if limit_V <= above_V or current_A <= most_A:
            return ""
        return f"gives {most_A:g} A at most with a voltage limit above {above_V:g} V"

    def errors(self) -> tuple[str, ...]:
        """`:SYST:ERR?` until it answers 0."""
        return queued_errors(self._session, ":SYST:ERR?")

    def state(self) -> MagnetState:
        """Function, output, programmed and real current, voltage limit, queued errors."""
        function = self._sourced()
        on = self.output_on()
        setpoint_A = self.setpoint_A()
        unread = self._unreadable() if on else ""
        current_A = 0.0
        if on:
            current_A = setpoint_A if unread else self.measured_A()
        limit_V = self._session.number(f"{self.LIMIT}?")
        faults: list[str] = [unread] if unread else []
        inputs: tuple[tuple[str, str], ...] = ()
        if on and function != "current":
            faults.append(f"sourcing {function}, not current")
        elif on and self._word(f"{self.LIMIT}:TRIP?", SWITCH):
            faults.append(f"at its voltage limit of {limit_V:.4g} V")
            inputs = ((AT_LIMIT, faults[-1]),)
        if self._prepared and not self._is_compliance(limit_V):
            faults.append(f"at a voltage limit of {limit_V:.4g} V that the bench did not set")
        status = (f"sourcing {function}",)
        errors = self.errors()
        return MagnetState(current_A, setpoint_A, on, status, errors, tuple(faults), inputs)

    def status_problem(self, input_name: str) -> str | None:
        """`:TRIP?` of the voltage limit, which holds the current below its set-point."""
        if not self.output_on() or not self._word(f"{self.LIMIT}:TRIP?", SWITCH):
            return None
        return f"at its voltage limit of {self._session.number(f'{self.LIMIT}?'):.4g} V"

    def take_control(self, reach_A: float) -> tuple[str, ...]:
        """Current as what is sourced; what had to be changed for that, in words.

        Raises
        ------
        SourcesVoltageError
            It sources a voltage with its output on: its change would be a step of the current.
        ElsewhereError
            It plays a memory sweep, whatever that sources.
        """
        function = self._sourced()
        if function == "current":
            return ()
        if self.output_on():
            kind = SourcesVoltageError if function == "voltage" else ElsewhereError
            raise kind(
                f"{self.name} ({self.resource}): it sources {function} with its output on. Turn "
                "that to zero at the front panel and switch the output off; `twinrig safe` does "
                "so where that is a voltage"
            )
        self.set_current_A(0.0)
        self._session.write(":SOUR:FUNC CURR")
        self._function = "current"
        return (f"changed from sourcing {function} to current",)

    def prepare(self) -> tuple[str, ...]:
        """The bench's voltage limit, and an output that leaves a coil closed when it is off.

        Raises
        ------
        TwinrigError
            It keeps another off-state.
        """
        self._prepared = True
        changed = []
        off_state = self._word(f"{self.OFF_STATE}?", OFF_STATES)
        if off_state != "ZERO":
            self._session.write(f"{self.OFF_STATE} ZERO")
            if self._word(f"{self.OFF_STATE}?", OFF_STATES) != "ZERO":
                raise TwinrigError(
                    f"{self.name} ({self.resource}): its output-off state stays {off_state}, with "
                    "which its output does not go off on a coil: choose ZERO at its front panel"
                )
            changed.append(f"output-off state changed from {off_state} to ZERO (a coil is on it)")
        present_V = self._session.number(f"{self.LIMIT}?")
        if not self._is_compliance(present_V):
            assert self._compliance_V is not None
            self._session.write(f"{self.LIMIT} {self._compliance_V:.6g}")
            changed.append(
                f"voltage limit changed from {present_V:.4g} V to {self._compliance_V:.4g} V"
            )
        return tuple(changed)

    def _is_compliance(self, limit_V: float) -> bool:
        wanted_V = self._compliance_V
        return wanted_V is None or abs(limit_V - wanted_V) <= COMPLIANCE_WITHIN * wanted_V

    def set_current_A(self, current_A: float) -> None:
        """`:SOUR:CURR x`: one step."""
        self._session.write(f":SOUR:CURR {current_A:.6f}")

    def sourced_V(self) -> float:
        """`:SOUR:VOLT?`: the programmed voltage."""
        return self._session.number(":SOUR:VOLT?")

    def load_VA(self) -> tuple[float, float]:
        """Volts and amperes at its output, measured, while it sources a voltage."""
        raise NotImplementedError

    def set_voltage_V(self, voltage_V: float) -> None:
        """`:SOUR:VOLT x`: one step."""
        self._session.write(f":SOUR:VOLT {voltage_V:.5f}")

    def setpoint_A(self) -> float:
        """`:SOUR:CURR?`: the programmed current."""
        return self._session.number(":SOUR:CURR?")

    def measured_A(self) -> float:
        """The real current; 0 with the output off, where nothing is asked."""
        if not self.output_on():
            return 0.0
        return self._measured("current", self._read_A())

    def _measured(self, what: str, value: float) -> float:
        if abs(value) >= NOT_MEASURED:
            raise self._session.reject(what, f"{value:g}", f"a {what} that was measured")
        return value

    def _sourced(self) -> str:
        """`:SOUR:FUNC?`: what it sources, in words."""
        self._function = str(self._word(":SOUR:FUNC?", FUNCTIONS))
        return self._function

    def _unreadable(self) -> str:
        """Why its current can't be read though its output is on, in words; empty: it can."""
        return ""

    def _read_A(self) -> float:
        raise NotImplementedError

    def output_on(self) -> bool:
        """`:OUTP?`: 0 or 1."""
        return bool(self._word(":OUTP?", SWITCH))

    def read_back_error_A(self, current_A: float) -> float:
        """Rounding of a set-point to the range's digits: 50 µA in the 1 A range."""
        return 5e-5 * max(1.0, self.rated_current_A if math.isfinite(self.rated_current_A) else 1.0)

    def output(self, on: bool) -> None:
        """`:OUTP ON|OFF`."""
        self._session.write(f":OUTP {'ON' if on else 'OFF'}")

    def close(self) -> None:
        """Close the session; never raises."""
        self._session.close()

    def _word(self, command: str, words: Mapping[str, Any]) -> Any:
        return word(self._session, command, words)

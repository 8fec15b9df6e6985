"""Kepco BOP bipolar supply (BIT 4886, BIT 4882, BIT 802E cards).

Commands: Kepco BIT 4886 manual, appendix B, and PyMeasure's kepcobop.py.
The card has no ramp: `CURR` is a step, `instruments.limits` walks it. Its number parser keeps four
digits before and eight after the point ("0.0000034567e6" becomes 3.45 V): plain fixed-point only.
Never sent: `*RST` (a hard step of a coil's current), `DIAG:TST?` (drives to full scale).

A LIST program that is found running refuses every `CURR` with -221. `CURR:MODE FIX` ends it, and
"returns the power supply to the settings in effect before the list" (BOP 1KW-MG manual, B.27; the
BIT 4886 manual, 3.4.5, says only that FIX stops it): a jump from wherever the list is to that
set-point. Judgement: `CURR?` answers that set-point, so the program is ended at a moment when the
measured current is within one step of it; where none comes, at the last, and it is said.

Lists are played on a BIT 4886 or 802E card only: that a BIT 4882 has them is not confirmed, and a
BOP-MG or -GL has other dwells (`drivers.kepco_bop_mg`).
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, ClassVar

from instruments.drivers.exchange import identified, queued_errors, word
from instruments.drivers.kepco_list import KepcoList
from instruments.protocols import MagnetState, SourcesVoltageError
from instruments.serial_line import SerialLine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from instruments.toml_table import Table
    from instruments.visa import VisaSession

MODES = {"0": "voltage", "1": "current"}  # the query answers a number, not the word that was set
SWITCH = {"0": False, "1": True}
# always exponent form (`4.99E-3`), one digit of it, or sign and two: the beginning of such a number
# is none (but for E-10 to E-99, which no ampere and no volt of this supply has)
NUMBER = re.compile(r"[+-]?\d(\.\d+)?E(-[1-9]|\d|[+-]\d\d)")
QUERY_DELAY_S = 0.002  # BIT 4882 on GPIB: "VISA query not supported": write, wait, read
PROGRAMMED = {"FIX": False, "FIXED": False, "0": False, "LIST": True, "1": True}
LIST_SAMPLES = 500  # currents measured while a list is watched for a good moment: 5 to 10 s
COMPLIANCE_WITHIN = 1e-3  # relative: what the read-back of a voltage limit may differ by
ROUNDING = 5e-4  # of the rating: what a read-back may be off by
AT_LIMIT = "voltage limit"  # the input of an interlock
SHOWS_RESISTANCE = 0.1  # of the highest current: from here on voltage over current is the coil's
COMPLIANCE_SHARE = 0.98  # from here on the voltage limit, not the set-point, decides the current


class KepcoBop:
    """A Kepco BOP in current mode.

    Parameters
    ----------
    name
        The instrument's name on the bench.
    session
        Its open VISA session.
    options
        `compliance_V`: voltage limit to set before a run; without it the present one stays.
    """

    driver = "kepco-bop"
    serial_line = SerialLine(flow="xon/xoff")  # BOP-1K MG manual, 3.5.6; no rate is set at first
    own_ramp = False
    has_output = True
    MADE: ClassVar[Mapping[str, Any]] = {"mode": "current"}  # of the settings, by energising
    KEYS: tuple[str, ...] = ()
    IDENTITY = re.compile(r"^KEPCO,.*(BIT|BOP)", re.IGNORECASE)
    EXPECTED = "KEPCO,BIT … or KEPCO,BOP …"
    PLAYS = re.compile(r"BIT ?(4886|802E)", re.IGNORECASE)
    status_inputs = (AT_LIMIT,)
    lasting_inputs: tuple[str, ...] = ()
    safe_state = "zero current, output off"
    stop_action = "the next step of the ramp is not sent"
    resolution_A = 1e-6
    resolution_V = 1e-4

    def __init__(self, name: str, session: VisaSession, options: Mapping[str, Any]) -> None:
        self.name = name
        self.resource = session.resource_name
        self.rated_current_A = math.inf
        self.rated_voltage_V = math.inf
        self._session = session
        self._compliance_V: float | None = options.get("compliance_V")
        self._prepared = False
        self._seen_V: float | None = None  # the voltage limit as last read, …
        self._limit_V: float | None = None  # … and as a run without `compliance_V` began with
        self._found_V: float | None = None  # voltage mode's, before it was walked to zero
        self._highest_A = 0.0  # the largest current that was set since the last `state`
        self.identity = ""
        self.list: KepcoList | None = self._list_of(session)
        self.no_list = ""
        session.identify = self.identify
        if self.resource.startswith("GPIB"):
            session.query_delay_s = QUERY_DELAY_S

    def _list_of(self, session: VisaSession) -> KepcoList:
        return KepcoList(session, NUMBER, PROGRAMMED, self.errors, self._flowing)

    @staticmethod
    def terminator(resource: str) -> str:
        """What ends a line on this interface."""
        return "\r\n" if resource.startswith("ASRL") else "\n"

    @staticmethod
    def options(table: Table) -> dict[str, Any]:
        """The keys of a bench file that are this driver's own: none."""
        return {}

    def identify(self) -> str:
        """`*IDN?`, e.g. `KEPCO,BIT 4886 36-12  08-04-2023,H249977,4.04-1.82` (36 V, 12 A)."""
        reply = self.identity = identified(
            self._session, self.identity, self.IDENTITY.pattern, self.EXPECTED
        )
        if not self.PLAYS.search(reply):
            self.list = None
            mg = "plays its list by driver 'kepco-bop-mg'"
            self.no_list = "plays no list that is confirmed" if "BIT" in reply.upper() else mg
        rating = re.search(r"\b(\d+)-(\d+(?:\.\d+)?)[A-Z]*\b", reply.split(",")[1])
        if rating:
            self.rated_voltage_V = float(rating[1])
            self.rated_current_A = float(rating[2])
        return reply

    def settings(self) -> dict[str, Any]:
        """Mode and voltage limit; the range is left out: in auto range it follows the current."""
        return {
            "mode": self._word("FUNC:MODE?", MODES),
            "compliance_V": self._number("VOLT?"),
        }

    def errors(self) -> tuple[str, ...]:
        """`SYST:ERR?` until it answers 0."""
        return queued_errors(self._session)

    def state(self) -> MagnetState:
        """Mode, output, programmed and real current, voltage, queued errors."""
        mode = self._word("FUNC:MODE?", MODES)
        on = self.output_on()
        setpoint_A = self.setpoint_A()
        current_A = self.measured_A()
        voltage_V = self._number("MEAS:VOLT?")
        compliance_V = abs(self._number("VOLT?"))
        faults: list[str] = []
        inputs: tuple[tuple[str, str], ...] = ()
        if on and mode == "voltage":
            faults.append("in voltage mode: the set-point is only a limit")
        elif on and (words := _at_limit(voltage_V, compliance_V)):
            faults.append(words)
            inputs = ((AT_LIMIT, words),)
        rounding_V = ROUNDING * self.rated_voltage_V if math.isfinite(self.rated_voltage_V) else 0.0
        if self._prepared and not self._is_compliance(compliance_V, rounding_V):
            faults.append(f"at a voltage limit of {compliance_V:.4g} V that the bench did not set")
        if on and mode == "current" and abs(current_A - setpoint_A) <= self.read_back_error_A(0.0):
            faults += self._was_held_back(voltage_V, current_A, compliance_V)
        self._highest_A, self._seen_V = 0.0, compliance_V
        status = (f"{mode} mode", f"{voltage_V:.4g} V")
        errors = self.errors()
        return MagnetState(current_A, setpoint_A, on, status, errors, tuple(faults), inputs)

    def status_problem(self, input_name: str) -> str | None:
        """`MEAS:VOLT?` against `VOLT?`, as the state has it: the voltage decides the current."""
        if not self.output_on() or self._word("FUNC:MODE?", MODES) == "voltage":
            return None
        return _at_limit(self._number("MEAS:VOLT?"), abs(self._number("VOLT?")))

    def _was_held_back(self, voltage_V: float, current_A: float, compliance_V: float) -> list[str]:
        """Whether a set-point since the last look needed more voltage than the limit.

        By the coil's resistance as it is now, at a steady current: a limit that is reached at the
        high steps of a run does not show at a low one.
        """
        if current_A == 0 or abs(current_A) < SHOWS_RESISTANCE * self._highest_A:
            return []
        needed_V = abs(voltage_V / current_A) * self._highest_A
        if needed_V < COMPLIANCE_SHARE * compliance_V or self._highest_A == 0:
            return []
        return [
            f"on a coil that needs {needed_V:.3g} V for the {self._highest_A:.4g} A that were set, "
            f"and its voltage limit is {compliance_V:.4g} V: that current was not reached"
        ]

    def take_control(self, reach_A: float) -> tuple[str, ...]:
        """Remote control, no LIST program, current mode; what was changed, in words."""
        if self.resource.startswith("ASRL"):
            self._session.write("SYST:REM ON")
        voltage_mode = self._word("FUNC:MODE?", MODES) == "voltage"
        changed = self._end_list("VOLT" if voltage_mode else "CURR", reach_A)
        if voltage_mode:
            changed += (self._leave_voltage_mode(reach_A, changed),)
        return changed

    def _leave_voltage_mode(self, reach_A: float, changed: tuple[str, ...]) -> str:
        """Current mode, where the limit of voltage mode becomes the set-point; says what was done.

        That limit has no sign of its own, goes no lower than a least one (BOP 1KW-MG manual,
        3.3.3.2), and no public manual says that it takes a negative current: where it is not the
        current that flows, the change would be a jump.
        """
        flowing_A = self.measured_A()
        self.set_current_A(flowing_A)
        limit_A = self.setpoint_A()
        jumps = abs(limit_A - flowing_A) > max(reach_A, self.read_back_error_A(flowing_A))
        if jumps and self.output_on():
            error = SourcesVoltageError(
                f"{self.name} ({self.resource}): in voltage mode, whose limit of {limit_A:.4g} A "
                f"is not the {flowing_A:.4g} A that flow: current mode would be a jump. Bring the "
                "rig to its safe state first (`twinrig safe` walks its voltage to zero), or turn "
                "that to zero at the front panel and switch the output off"
            )
            error.changed = changed
            raise error
        self._session.write("FUNC:MODE CURR")
        if self._found_V is not None:  # walked to zero: it is the limit again that it had been
            found_V, self._found_V = self._found_V, None
            self.set_current_A(0.0)
            self._session.write(f"VOLT {abs(found_V):.4f}")
        return "changed from voltage to current mode"

    def _end_list(self, channel: str, reach_A: float) -> tuple[str, ...]:
        """End a LIST program of the main channel where its end moves the current least."""
        if not self._word(f"{channel}:MODE?", PROGRAMMED):
            return ()
        if channel == "CURR":
            fixed_A = self.setpoint_A()
            for _ in range(LIST_SAMPLES):
                before_A = self.measured_A()
                if abs(before_A - fixed_A) <= reach_A:
                    break
        else:
            before_A = self.measured_A()
        self._session.write(f"{channel}:MODE FIX")
        after_A = self.measured_A()
        return (f"running a LIST program, which was ended ({before_A:.4g} A → {after_A:.4g} A)",)

    def prepare(self) -> tuple[str, ...]:
        """Set the bench's voltage limit; at zero current, so that it can't move the current."""
        self._prepared = True
        if self._compliance_V is None:
            self._limit_V = self._seen_V
            return ()
        present_V = abs(self._number("VOLT?"))
        if self._is_compliance(present_V):
            return ()
        self._session.write(f"VOLT {math.floor(self._compliance_V * 1e4) / 1e4:.4f}")
        return (f"voltage limit changed from {present_V:.4g} V to {self._compliance_V:.4g} V",)

    def _is_compliance(self, limit_V: float, rounding_V: float = 0.0) -> bool:
        wanted_V = self._compliance_V if self._compliance_V is not None else self._limit_V
        within_V = max(COMPLIANCE_WITHIN * (wanted_V or 0.0), rounding_V)
        return wanted_V is None or abs(limit_V - wanted_V) <= within_V

    def set_current_A(self, current_A: float) -> None:
        """`CURR x`: one step."""
        self._session.write(f"CURR {current_A:.6f}")
        self._flowing(current_A)

    def sourced_V(self) -> float:
        """`VOLT?`: the programmed voltage."""
        return self._number("VOLT?")

    def load_VA(self) -> tuple[float, float]:
        """`MEAS:VOLT?` and `MEAS:CURR?`."""
        return self._number("MEAS:VOLT?"), self.measured_A()

    def set_voltage_V(self, voltage_V: float) -> None:
        """`VOLT x` in voltage mode: one step."""
        if self._found_V is None:
            self._found_V = self.sourced_V()
        self._session.write(f"VOLT {voltage_V:.4f}")

    def _flowing(self, current_A: float) -> None:
        self._highest_A = max(self._highest_A, abs(current_A))

    def setpoint_A(self) -> float:
        """`CURR?`: the programmed current."""
        return self._number("CURR?")

    def measured_A(self) -> float:
        """`MEAS:CURR?`: the real current."""
        return self._number("MEAS:CURR?")

    def output_on(self) -> bool:
        """`OUTP?`: 0 or 1."""
        return bool(self._word("OUTP?", SWITCH))

    def read_back_error_A(self, current_A: float) -> float:
        """Rounding of a read-back: 0.05 % of the rating (12 A where unknown) and of the value.

        Judgement: the 16-bit converter resolves 0.003 %, a BIT 4882's of 12 bits 0.05 % of its
        whole range, and some cards answer four digits.
        """
        rating_A = self.rated_current_A if math.isfinite(self.rated_current_A) else 12.0
        return ROUNDING * (rating_A + abs(current_A))

    def output(self, on: bool) -> None:
        """`OUTP ON|OFF`."""
        self._session.write("OUTP ON" if on else "OUTP OFF")

    def close(self) -> None:
        """Close the session; never raises."""
        self._session.close()

    def _number(self, command: str) -> float:
        return self._session.number(command, NUMBER)

    def _word(self, command: str, words: Mapping[str, Any]) -> Any:
        """The answer as one of the manual's codes."""
        return word(self._session, command, words)


def _at_limit(voltage_V: float, compliance_V: float) -> str | None:
    """What it is where its voltage has reached the limit."""
    if abs(voltage_V) < COMPLIANCE_SHARE * compliance_V:
        return None
    return f"at its voltage limit of {compliance_V:.4g} V"

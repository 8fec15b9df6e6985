"""American Magnetics Model 430: the programmer of a superconducting magnet, in amperes.

Commands: Model 430 manual rev. 5, chapter 4 (`STATE?` table p. 129, errors p. 132), as in QCoDeS'
AMI430_visa.py and PyMeasure's ami430.py; state 11 of later firmware as public drivers have it.
TCP 7180, CR LF. To whoever connects it says two lines unasked, which `identify` drops. Its queue
holds four commands and ignores a fifth (−303): every setting is read back, and at most two are sent
in a row.

Never sent: `INCR`, `DECR` (they run to the current limit), `PS` (the persistent switch is the
user's), `QU 0` (so is a quench), `*RST`, and no faster rate than a segment has: its owner chose it
for the magnet.
"""

from __future__ import annotations

import contextlib
import math
import re
from typing import TYPE_CHECKING, Any

from instruments.drivers.exchange import queued_errors, whole
from instruments.link_errors import LinkError
from instruments.protocols import MagnetState
from models.errors import RefusedError, TwinrigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from instruments.toml_table import Table
    from instruments.visa import VisaSession

STATES = {
    1: "ramping", 2: "holding", 3: "paused", 4: "ramping in MANUAL UP", 5: "ramping in MANUAL DOWN",
    6: "zeroing", 7: "quench", 8: "at zero", 9: "heating the persistent switch",
    10: "cooling the persistent switch", 11: "ramping down for its rear input",
}  # fmt: skip
PAUSED, QUENCHED, AT_ZERO = 3, 7, 8
WALKING = (1, 4, 5, 6)
QUENCH, SWITCH, RAMPDOWN = "quench", "persistent switch", "external rampdown"  # an interlock's
BLOCKED = {
    7: (QUENCH, "in a quench: see to the magnet, then reset it at the front panel"),
    9: (SWITCH, "heating its persistent switch: wait until it holds"),
    10: (SWITCH, "cooling its persistent switch: wait until it holds"),
    11: (RAMPDOWN, "in an external rampdown: see to what asks for it at its rear input"),
}
FIELD_UNITS = ("kG", "T")
SECONDS_OF_RATE_UNIT = (1.0, 60.0)
RATE_UNITS = ("per second", "per minute")
RATE_DIGITS = 4
MEASURED = re.compile(r"[+-]?\d+\.\d{4,}")  # "four significant digits past the decimal point"
GREETING = re.compile(r"IP Interface|^\s*Hello", re.IGNORECASE)
IDENTITY = re.compile(r"AMERICAN MAGNETICS[^,]*,\s*MODEL ?430\b", re.IGNORECASE)


class Ami430:
    """A Model 430 whose ramp, segments and units stay as its owner has set them.

    Parameters
    ----------
    name
        The instrument's name on the bench.
    session
        Its open VISA session.
    options
        None of its own: its limits are set at its front panel.
    """

    driver = "ami-430"
    safe_state = "paused, then ramped to zero by the supply itself (it has no output switch)"
    stop_action = "PAUSE"
    resolution_A = 1e-4
    own_ramp = True
    has_output = False
    slowest_A_per_s = 10.0**-RATE_DIGITS  # of a rate per second; per minute it could be slower
    accuracy_A = 0.01  # judgement: 0.005 % of the 125 A of the usual supply, and some noise
    rated_voltage_V = math.inf  # its voltage limit belongs to the magnet: `settings` shows it
    KEYS: tuple[str, ...] = ()
    status_inputs = (QUENCH, SWITCH, RAMPDOWN)
    lasting_inputs = (QUENCH, SWITCH, RAMPDOWN)  # no current can be walked to zero meanwhile

    def __init__(self, name: str, session: VisaSession, options: Mapping[str, Any]) -> None:
        self.name = name
        self.resource = session.resource_name
        self.rated_current_A = math.inf
        self.identity = ""
        self._session = session
        session.identify = self.identify

    @staticmethod
    def terminator(resource: str) -> str:
        """What ends a line, on every interface."""
        return "\r\n"

    @staticmethod
    def options(table: Table) -> dict[str, Any]:
        """No key of a bench file is this driver's own."""
        return {}

    def identify(self) -> str:
        """Drop the greeting; `*IDN?`, e.g. `AMERICAN MAGNETICS INC.,MODEL 430,2.01`; `CURR:LIM?`.

        A greeting that comes later than its query is dropped with the answer, and asked again.
        """
        with contextlib.suppress(LinkError):  # a link that is down is reopened by the query
            self._session.drain()
        reply = self._session.query("*IDN?")
        if GREETING.search(reply):
            self._session.drain()
            reply = self._session.query("*IDN?")
        if not IDENTITY.match(reply) or not reply.startswith(self.identity):
            expected = self.identity or "AMERICAN MAGNETICS INC.,MODEL 430,…"
            raise self._session.wrong_instrument(reply, expected)
        self.identity = reply
        self.rated_current_A = abs(self._session.number("CURR:LIM?"))
        return reply

    def settings(self) -> dict[str, Any]:
        """Limits, coil constant, units, and each segment of the ramp."""
        segments = self._segments()
        return {
            "current_limit_A": self._session.number("CURR:LIM?"),
            "voltage_limit_V": self._session.number("VOLT:LIM?"),
            "field_unit": FIELD_UNITS[self._whole("FIELD:UNITS?", 1)],
            "coil_constant_per_A": self._session.number("COIL?"),
            "rate_unit": RATE_UNITS[self._whole("RAMP:RATE:UNITS?", 1)],
            "ramp_A_per_s": [rate for rate, _ in segments],
            "ramp_up_to_A": [upper for _, upper in segments],
            "switch_installed": bool(self._whole("PS:INST?", 1)),
        }

    def errors(self) -> tuple[str, ...]:
        """`SYST:ERR?` until it answers 0 (its buffer holds ten)."""
        return queued_errors(self._session)

    def state(self) -> MagnetState:
        """`STATE?`, target, `CURR:MAG?`, `VOLT:SUPP?`, quench and switch, queued errors."""
        state = self._state()
        voltage_V = self._session.number("VOLT:SUPP?")
        blocked = self._blocked(state)
        faults = () if blocked is None else (blocked[1],)
        inputs = () if blocked is None else (blocked,)
        setpoint_A, current_A = self._setpoint_A(state), self.measured_A()
        status = (STATES[state], f"{voltage_V:.4g} V")
        return MagnetState(current_A, setpoint_A, True, status, self.errors(), faults, inputs)

    def blocked(self) -> str | None:
        """`STATE?`, `QU?`, `PERS?`, `PS:INST?`, `PS?`: why it must be left alone, in words."""
        blocked = self._blocked(self._state())
        return None if blocked is None else blocked[1]

    def status_problem(self, input_name: str) -> str | None:
        """Of a quench, of the switch or of an external rampdown, what `blocked` says."""
        blocked = self._blocked(self._state())
        return blocked[1] if blocked is not None and blocked[0] == input_name else None

    def _blocked(self, state: int) -> tuple[str, str] | None:
        """Which of its inputs keeps it from a ramp, and its words."""
        if state in BLOCKED:
            return BLOCKED[state]
        if self._whole("QU?", 1):
            return BLOCKED[QUENCHED]
        if self._whole("PERS?", 1):
            words = (
                "in persistent mode: heat its switch at the front panel, at the magnet's current"
            )
            return SWITCH, words
        if self._whole("PS:INST?", 1) and not self._whole("PS?", 1):
            return SWITCH, "behind a cold persistent switch: heat it at the front panel"
        return None

    def take_control(self, reach_A: float) -> tuple[str, ...]:
        """A ramp that runs is paused; nothing else is changed."""
        state = self._state()
        if state not in WALKING:
            return ()
        self.halt()
        return (f"{STATES[state]}, which was paused",)

    def prepare(self) -> tuple[str, ...]:
        """Nothing beyond control: limits and switch are the front panel's."""
        return ()

    def set_ramp_A_per_s(self, ramp_A_per_s: float) -> float:
        """Slow down each segment that is faster (`CONF:RAMP:RATE:CURR n,rate,upper`).

        Returns
        -------
        float
            The slowest segment's rate; no segment is made faster.

        Raises
        ------
        RefusedError
            The programmer can't ramp so slowly, or keeps a faster rate.
        """
        unit_s = SECONDS_OF_RATE_UNIT[self._whole("RAMP:RATE:UNITS?", 1)]
        scale = 10**RATE_DIGITS
        wanted = math.floor(ramp_A_per_s * unit_s * scale * (1 + 1e-9)) / scale
        if wanted <= 0:
            raise RefusedError(
                f"{self.name}: {ramp_A_per_s:g} A/s is slower than a Model 430 ramps"
            )
        rates = []
        for number, (rate, upper_A) in enumerate(self._segments(), 1):
            if rate > ramp_A_per_s * (1 + 1e-6):
                self._session.write(
                    f"CONF:RAMP:RATE:CURR {number},{wanted:.{RATE_DIGITS}f},{upper_A:.4f}"
                )
                rate = self._segment(number, unit_s)[0]
            rates.append(rate)
        if max(rates) > ramp_A_per_s * (1 + 1e-6):
            reported = "; ".join(self.errors()) or "no error"
            raise RefusedError(
                f"{self.name} ({self.resource}): a segment of its ramp keeps {max(rates):g} A/s, "
                f"max_ramp_A_per_s = {ramp_A_per_s:g} A/s ({reported}). Set it at the front panel"
            )
        return min(rates)

    def ramp_to_A(self, current_A: float) -> None:
        """`CONF:CURR:TARG x`, read back, then `RAMP`.

        Raises
        ------
        TwinrigError
            Quench, persistent mode, a switch that changes: nothing was sent. Or the target was not
            taken: it does not ramp.
        """
        state = self._state()
        blocked = self._blocked(state)
        if blocked is not None:
            raise TwinrigError(
                f"{self.name} ({self.resource}): it is {blocked[1]}; nothing was sent"
            )
        if state in WALKING:
            self.halt()
        self._session.write(f"CONF:CURR:TARG {current_A:.4f}")
        taken_A = self._session.number("CURR:TARG?")
        if abs(taken_A - current_A) > self.read_back_error_A(current_A):
            reported = "; ".join(self.errors()) or "no error"
            raise TwinrigError(
                f"{self.name} ({self.resource}): its target is {taken_A:.6g} A after "
                f"{current_A:.6g} A was sent ({reported}); no ramp was started"
            )
        self._session.write("RAMP")

    def set_current_A(self, current_A: float) -> None:
        """`ramp_to_A`: every set of this supply is a ramp."""
        self.ramp_to_A(current_A)

    def arrived(self) -> bool:
        """`STATE?`: at rest; raises where something else has it, such as a quench."""
        state = self._state()
        if state in BLOCKED:
            raise TwinrigError(f"{self.name} ({self.resource}): it is {BLOCKED[state][1]}")
        return state not in WALKING

    def halt(self) -> None:
        """`PAUSE`, and check that it rests."""
        self._session.write("PAUSE")
        state = self._state()
        if state in WALKING:
            raise self._session.reject("STATE?", str(state), "3 (paused) behind PAUSE")

    def setpoint_A(self) -> float:
        """`CURR:TARG?`; while it is paused, where it stands; 0 at ZERO."""
        return self._setpoint_A(self._state())

    def _setpoint_A(self, state: int) -> float:
        if state == AT_ZERO:
            return 0.0
        return self.measured_A() if state == PAUSED else self._session.number("CURR:TARG?")

    def measured_A(self) -> float:
        """`CURR:MAG?`: the magnet's current; in persistent mode the one it was left with."""
        return self._session.number("CURR:MAG?", MEASURED)

    def output_on(self) -> bool:
        """On whenever it answers: there is no switch, so what flows is what counts."""
        return True

    def read_back_error_A(self, current_A: float) -> float:
        """One digit of the target's read-back."""
        return self.resolution_A

    def output(self, on: bool) -> None:
        """Nothing is sent: there is no output switch."""

    def close(self) -> None:
        """Close the session; never raises."""
        self._session.close()

    def _segments(self) -> list[tuple[float, float]]:
        """(A/s, up to A) of each segment, whatever unit its rates have."""
        unit_s = SECONDS_OF_RATE_UNIT[self._whole("RAMP:RATE:UNITS?", 1)]
        count = max(1, self._whole("RAMP:RATE:SEG?", 99))
        return [self._segment(number, unit_s) for number in range(1, count + 1)]

    def _segment(self, number: int, unit_s: float) -> tuple[float, float]:
        rate, upper_A = self._session.numbers(f"RAMP:RATE:CURR:{number}?", 2)
        return rate / unit_s, upper_A

    def _state(self) -> int:
        state = self._whole("STATE?", max(STATES))
        if state not in STATES:
            raise self._session.reject("STATE?", str(state), f"a state 1…{max(STATES)}")
        return state

    def _whole(self, query: str, highest: int) -> int:
        return whole(self._session, query, highest)

"""Oxford Instruments Mercury iPS: a superconducting magnet's supply, in amperes.

Commands: Mercury iPS Operator's Manual, issue 14 (2016), chapter 10 (pages 108-120), as in QCoDeS'
MercuryiPS_VISA.py and Lab::Measurement's OI_Mercury/Magnet.pm. TCP 7020, LF, case-sensitive; only
`*IDN?` is of IEEE 488.2, and there is no error queue.
Everything is answered, a `SET`, too (`STAT:SET:…:VALID`), or with INVALID, NOT_FOUND, N/A, DENIED.
Numbers carry their unit and its prefix (`0.1234T`, `250.0mA`, `1.0000A/m` for A/min).
Firmware from 2.6 on spells a supply `SPSU`, older one `PSU`: `identify` finds out which.

Never sent: `SIG:SWHT` and `SIG:SWHN` (the switch is the user's; SWHN skips the current's check and
can quench), `ACTN:CLMP`, and no faster rate than there is: its owner chose it for the magnet.
No command of these sources tells a quench by itself: it shows as a set-point that was left (CLMP).
`READ:SYS:ALRM` lists the alarms that stand (`MB1.T1<tab>Open Circuit;`, as in ISIS' EPICS support);
which words a quench has there no source says: the interlock input `alarm` is any of them.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from instruments.drivers.exchange import identified
from instruments.drivers.mercury_device import MercuryDevice, refusal_of
from instruments.protocols import MagnetState
from models.errors import RefusedError, TwinrigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from instruments.toml_table import Table
    from instruments.visa import VisaSession

ACTIONS = {
    "HOLD": "holding", "RTOS": "ramping to its set-point", "RTOZ": "ramping to zero",
    "CLMP": "clamped",
}  # fmt: skip
WALKING = ("RTOS", "RTOZ")
SWITCH: dict[str, bool | str] = {"ON": True, "OFF": False, "N/A": "not fitted"}
AXES = re.compile(r"GRP[XYZN]|PSU\.[A-Z]+\d+")
NEWER_FROM = (2, 6)  # firmware that spells a supply SPSU
SPELLINGS = ("PSU", "SPSU")
ALARM, HEATER = "alarm", "persistent switch"  # inputs of an interlock
ALARMS = "READ:SYS:ALRM"
SECONDS = 60.0  # in the minute that its rates are per
RATE_STEP_A_PER_MIN = 1e-4


class MercuryIps:
    """One axis of a Mercury iPS.

    Parameters
    ----------
    name
        The instrument's name on the bench.
    session
        Its open VISA session.
    options
        `axis`: `GRPZ` (usual), `GRPX`, `GRPY`.
    """

    driver = "mercury-ips"
    safe_state = "held, then ramped to zero by the supply itself (it has no output switch)"
    stop_action = "ACTN HOLD"
    resolution_A = 1e-4
    own_ramp = True
    has_output = False
    slowest_A_per_s = RATE_STEP_A_PER_MIN / SECONDS
    accuracy_A = 0.01  # judgement: some digits of the last place of a 120 A supply
    KEYS: tuple[str, ...] = ("axis",)
    status_inputs = (ALARM, HEATER)
    lasting_inputs = (HEATER,)  # no current can be walked to zero meanwhile

    def __init__(self, name: str, session: VisaSession, options: Mapping[str, Any]) -> None:
        self.name = name
        self.resource = session.resource_name
        self.rated_current_A = math.inf
        self.rated_voltage_V = math.inf
        self.identity = ""
        self._session = session
        self._axis: str = options.get("axis", "GRPZ")
        self._supply = MercuryDevice(session, f"{self._axis}:{SPELLINGS[0]}")
        session.identify = self.identify

    @staticmethod
    def terminator(resource: str) -> str:
        """What ends a line, on every interface."""
        return "\n"

    @staticmethod
    def options(table: Table) -> dict[str, Any]:
        """The keys of a bench file that are this driver's own; problems are noted in the table."""
        axis = table.value("axis", str, "GRPZ")
        if not AXES.fullmatch(axis):
            table.add(f"axis = {axis!r} must be GRPX, GRPY or GRPZ (or a board: PSU.M1)")
        return {"axis": axis}

    def identify(self) -> str:
        """`*IDN?`, e.g. `IDN:OXFORD INSTRUMENTS:MERCURY iPS:sn:2.5.08.000`; its spelling; `CLIM`.

        Raises
        ------
        WrongInstrumentError
            Another model, or another unit than before, answers.
        RefusedError
            It has no supply at this axis under either spelling.
        """
        self.identity = identified(
            self._session, self.identity, r"^IDN:OXFORD INSTRUMENTS:[^:]*MERCURY iPS:",
            "IDN:OXFORD INSTRUMENTS:MERCURY iPS:…",
        )  # fmt: skip
        self._supply = MercuryDevice(self._session, f"{self._axis}:{self._found_spelling()}")
        self.rated_current_A = abs(self._supply.number("CLIM", "A"))
        return self.identity

    def _found_spelling(self) -> str:
        version = re.match(r"(\d+)\.(\d+)", self.identity.rpartition(":")[2])
        newer = version is not None and (int(version[1]), int(version[2])) >= NEWER_FROM
        tried = []
        for spelling in reversed(SPELLINGS) if newer else SPELLINGS:
            query = f"READ:DEV:{self._axis}:{spelling}:ACTN"
            reply = self._session.query(query)
            if reply.startswith(f"STAT:DEV:{self._axis}:{spelling}:ACTN:"):
                if refusal_of(reply) is None:
                    return spelling
            elif refusal_of(reply) is None:
                raise self._session.reject(query, reply, f"STAT:DEV:{self._axis}:…")
            tried.append(f"{query!r} → {reply!r}")
        raise RefusedError(
            f"{self.name} ({self.resource}): no supply at axis {self._axis} ({'; '.join(tried)}). "
            "`READ:SYS:CAT` lists what there is; correct the key `axis`"
        )

    def settings(self) -> dict[str, Any]:
        """Rate, limits, the ratio of current to field, the persistent switch."""
        return {
            "axis": self._axis,
            "ramp_A_per_s": self._rate_A_per_s(),
            "current_limit_A": self._supply.number("CLIM", "A"),
            "voltage_limit_V": self._supply.number("VLIM", "V"),
            "ampere_per_tesla": self._supply.number("ATOB", "A/T"),
            "switch_heater_on": self._supply.word("SIG:SWHT", SWITCH),
        }

    def errors(self) -> tuple[str, ...]:
        """It queues none: what it refuses, it answers."""
        return ()

    def state(self) -> MagnetState:
        """Action, set-point, `SIG:CURR`, `SIG:VOLT`, switch heater."""
        action = self._action()
        setpoint_A, current_A = self._setpoint_A(action)
        voltage_V = self._supply.number("SIG:VOLT", "V")
        blocked = self.blocked()
        faults = () if blocked is None else (blocked,)
        status = (ACTIONS[action], f"{voltage_V:.4g} V")
        inputs = tuple((HEATER, words) for words in faults)
        return MagnetState(current_A, setpoint_A, True, status, (), faults, inputs)

    def status_problem(self, input_name: str) -> str | None:
        """What `blocked` says of the switch; `READ:SYS:ALRM`: every alarm that stands, in words."""
        if input_name == HEATER:
            return self.blocked()
        reply = self._session.query(ALARMS)
        head, found, alarms = reply.partition("SYS:ALRM:")
        if head != "STAT:" or not found or refusal_of(reply) is not None:
            raise self._session.reject(ALARMS, reply, "STAT:SYS:ALRM:…")
        words = [one.replace("\t", " ").strip() for one in alarms.split(";") if one.strip()]
        return f"in alarm: {'; '.join(words)}" if words else None

    def blocked(self) -> str | None:
        """`SIG:SWHT`: why it must be left alone, in words."""
        if self._supply.word("SIG:SWHT", SWITCH):
            return None
        return (
            "behind a persistent switch that is off: heat it at the front panel, at the magnet's "
            "current"
        )

    def take_control(self, reach_A: float) -> tuple[str, ...]:
        """A ramp that runs is held; nothing else is changed."""
        action = self._action()
        if action not in WALKING:
            return ()
        self.halt()
        return (f"{ACTIONS[action]}, which was held",)

    def prepare(self) -> tuple[str, ...]:
        """Nothing beyond control: limits and switch are the front panel's."""
        return ()

    def set_ramp_A_per_s(self, ramp_A_per_s: float) -> float:
        """`SIG:RCST` in A/min where it is faster; read back. A slower rate is left.

        Raises
        ------
        RefusedError
            It can't ramp so slowly, or its own rate is zero.
        """
        steps = math.floor(ramp_A_per_s * SECONDS / RATE_STEP_A_PER_MIN * (1 + 1e-9))
        if steps < 1:
            raise RefusedError(f"{self.name}: {ramp_A_per_s:g} A/s is slower than it ramps")
        present = self._rate_A_per_s()
        if present > ramp_A_per_s * (1 + 1e-6):
            self._supply.set("SIG:RCST", f"{steps * RATE_STEP_A_PER_MIN:.4f}")
            present = self._rate_A_per_s()
        if present <= 0:
            raise RefusedError(
                f"{self.name} ({self.resource}): its ramp rate is {present:g} A/s. Set one at the "
                "front panel"
            )
        return present

    def _rate_A_per_s(self) -> float:
        return self._supply.number("SIG:RCST", "A/m(?:in)?") / SECONDS

    def ramp_to_A(self, current_A: float) -> None:
        """`SIG:CSET x`, read back; `ACTN HOLD` where it is clamped; `ACTN RTOS`.

        Raises
        ------
        TwinrigError
            A cold switch: nothing was sent. Or the set-point was not taken: it does not ramp.
        """
        blocked = self.blocked()
        if blocked is not None:
            raise TwinrigError(f"{self.name} ({self.resource}): it is {blocked}; nothing was sent")
        self._supply.set("SIG:CSET", f"{current_A:.4f}")
        taken_A = self._supply.number("SIG:CSET", "A")
        if abs(taken_A - current_A) > self.read_back_error_A(current_A):
            raise TwinrigError(
                f"{self.name} ({self.resource}): its set-point is {taken_A:.6g} A after "
                f"{current_A:.6g} A was sent; no ramp was started"
            )
        if self._action() == "CLMP":
            self._supply.set("ACTN", "HOLD")  # RTOS is refused from there
        self._supply.set("ACTN", "RTOS")

    def set_current_A(self, current_A: float) -> None:
        """`ramp_to_A`: every set of this supply is a ramp."""
        self.ramp_to_A(current_A)

    def arrived(self) -> bool:
        """`ACTN`: it goes to HOLD by itself at the end of a ramp."""
        return self._action() not in WALKING

    def halt(self) -> None:
        """`ACTN HOLD`, and check that it holds."""
        self._supply.set("ACTN", "HOLD")
        if not self.arrived():
            raise self._session.reject("ACTN", "RTOS", "HOLD behind ACTN:HOLD")

    def setpoint_A(self) -> float:
        """`SIG:CSET` on the way there and at it; 0 to zero and clamped; else where it holds."""
        return self._setpoint_A(self._action())[0]

    def _setpoint_A(self, action: str) -> tuple[float, float]:
        """The set-point that an action stands for, and the current."""
        target_A, current_A = self._supply.number("SIG:CSET", "A"), self.measured_A()
        if action in {"RTOZ", "CLMP"}:
            return 0.0, current_A
        if action == "HOLD" and abs(target_A - current_A) > self.accuracy_A:
            return current_A, current_A
        return target_A, current_A

    def measured_A(self) -> float:
        """`SIG:CURR`: the supply's current."""
        return self._supply.number("SIG:CURR", "A")

    def output_on(self) -> bool:
        """On whenever it answers: there is no switch, so what flows is what counts."""
        return True

    def read_back_error_A(self, current_A: float) -> float:
        """One digit of the set-point's read-back."""
        return self.resolution_A

    def output(self, on: bool) -> None:
        """Nothing is sent: there is no output switch."""

    def close(self) -> None:
        """Close the session; never raises."""
        self._session.close()

    def _action(self) -> str:
        return str(self._supply.word("ACTN", {word: word for word in ACTIONS}))

"""Lake Shore 643 (70 A) and 648 (135 A) electromagnet supplies: they ramp by themselves.

Commands: Model 643/648 manual, chapter 5, as in Lake Shore's own Python driver
(lakeshorecryotronics/python-driver, lakeshore/em_power_supply.py). Replies end with CRLF.
Every message carries `; *ESR?`, so that a set is answered, too: a refused one is noticed at once.
There is no output switch: safe is zero current. `STOP` ends a ramp within 2 s; a new `SETI`
starts the next. No source says what `SETI?` answers then: `halt` sets it to where it stands.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from instruments.answers import numbers_of
from instruments.drivers.exchange import identified
from instruments.protocols import ElsewhereError, MagnetState
from instruments.serial_line import LAKE_SHORE
from models.errors import RefusedError, TwinrigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from instruments.toml_table import Table
    from instruments.visa import VisaSession

RATED_A = {"643": 70.1, "648": 135.1}
RATED_V = {"643": 35.0, "648": 75.0}
SLOWEST_A_PER_S, FASTEST_A_PER_S = 1e-4, 50.0
ESR_BITS = {4: "query error", 16: "execution error", 32: "command error"}
COMPLIANCE, RAMP_DONE, POWER_LIMIT = 1, 2, 4  # OPST?
HARDWARE = (
    "output control failure", "DAC processor not responding", "output over current",
    "output over voltage", "temperature fault", "output stage protect",
)  # fmt: skip
OPERATIONAL = (
    "calibration error", "external current program error", "temperature high",
    "low line voltage", "high line voltage", "magnet water flow fault",
    "supply water flow fault", "remote enable fault",
)  # fmt: skip
AT_LIMIT = {"voltage limit": COMPLIANCE, "power limit": POWER_LIMIT}  # OPST?
IN_FAULT = {  # inputs of an interlock, and the word of ERST? that each is
    "magnet water flow": "magnet water flow fault", "supply water flow": "supply water flow fault",
    "remote enable": "remote enable fault", "temperature high": "temperature high",
    "low line voltage": "low line voltage", "high line voltage": "high line voltage",
}  # fmt: skip
PROGRAMMING = ("internal", "external", "sum of internal and external")


class LakeShore643:
    """A 643 or 648 behind its own ramp.

    Parameters
    ----------
    name
        The instrument's name on the bench.
    session
        Its open VISA session.
    options
        None of its own: the voltage follows from the coil.
    """

    driver = "lakeshore-643"
    serial_line = LAKE_SHORE
    safe_state = "ramped to zero by the supply itself (it has no output switch)"
    stop_action = "STOP, then the set-point is the current that flows"
    resolution_A = 1e-4
    own_ramp = True
    has_output = False
    slowest_A_per_s = SLOWEST_A_PER_S
    MADE: ClassVar[Mapping[str, Any]] = {"ramp_segments": False, "programming": "internal"}
    SETS_RAMP = True  # also a slower one becomes the bench's
    KEYS: tuple[str, ...] = ()
    status_inputs = (*IN_FAULT, *AT_LIMIT)
    lasting_inputs: tuple[str, ...] = ()

    def __init__(self, name: str, session: VisaSession, options: Mapping[str, Any]) -> None:
        self.name = name
        self.resource = session.resource_name
        self.rated_current_A = math.inf
        self.rated_voltage_V = math.inf
        self.identity = ""
        self._full_A = RATED_A["648"]
        self._earlier: list[str] = []  # errors of messages of others, told once
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
        """`*IDN?`, e.g. `LSCI,MODEL643,1234567,1.2`; `LIMIT?`, whose current it refuses to exceed.

        The event register still has what somebody else's message did: it is no error of ours.
        """
        reply = self.identity = identified(
            self._session, self.identity, r"^LSCI,(MODEL)?64[38],",
            "LSCI,MODEL643,… or LSCI,MODEL648,…",
        )  # fmt: skip
        model = reply.split(",")[1][-3:]
        self._full_A, self.rated_voltage_V = RATED_A[model], RATED_V[model]
        answer, wrong = self._heard("LIMIT?")
        self._earlier += [f"{words} of an earlier message" for words in wrong]
        self.rated_current_A = min(self._full_A, self._parsed("LIMIT?", answer, 2)[0])
        return reply

    def settings(self) -> dict[str, Any]:
        """`RATE?`, `LIMIT?`, `RSEG?`, `XPGM?`, `INTWTR?`, `MAGWTR?`."""
        limit_A, limit_A_per_s = self._numbers("LIMIT?", 2)
        return {
            "ramp_A_per_s": self._numbers("RATE?", 1)[0],
            "limit_A": limit_A,
            "limit_A_per_s": limit_A_per_s,
            "ramp_segments": bool(self._whole("RSEG?", 1)),
            "programming": PROGRAMMING[self._whole("XPGM?", 2)],
            "internal_water": self._whole("INTWTR?", 3),
            "magnet_water": self._whole("MAGWTR?", 3),
        }

    def errors(self) -> tuple[str, ...]:
        """What its event register had when it was identified; it queues none itself."""
        earlier, self._earlier = self._earlier, []
        return tuple(earlier)

    def state(self) -> MagnetState:
        """`SETI?`, `RDGI?`, `RDGV?`, `OPST?`, `ERST?`, `XPGM?`."""
        setpoint_A, current_A = self.setpoint_A(), self.measured_A()
        voltage_V = self._numbers("RDGV?", 1)[0]
        operation = self._whole("OPST?", 255)
        programming = PROGRAMMING[self._whole("XPGM?", 2)]
        faults = list(self._faults())
        faults += [f"at its {limit}" for limit, bit in AT_LIMIT.items() if operation & bit]
        inputs = tuple((n, w) for n in self.status_inputs if (w := _words(n)) in faults)
        if programming != PROGRAMMING[0]:
            faults.append(f"programmed by its {programming} input: SETI alone decides nothing")
        status = (f"{voltage_V:.4g} V", "at rest" if operation & RAMP_DONE else "ramping")
        found = (current_A, setpoint_A, self.output_on(), status)
        return MagnetState(*found, self.errors(), tuple(faults), inputs)

    def status_problem(self, input_name: str) -> str | None:
        """`OPST?` for a limit, `ERST?` for a fault: a bit of what stands now."""
        words = _words(input_name)
        if input_name in AT_LIMIT:
            return words if self._whole("OPST?", 255) & AT_LIMIT[input_name] else None
        return words if words in self._faults() else None

    def take_control(self, reach_A: float) -> tuple[str, ...]:
        """Internal programming and one ramp rate; a ramp that runs is stopped (`STOP`).

        Nothing is sent while another input programs the current: a set-point that is made the
        current that flows would come on top of what that input asks for (XPGM 2), and no source
        says whether the unit follows it meanwhile (XPGM 1).

        Raises
        ------
        ElsewhereError
            Another input programs the current, and it is further from `SETI?` than `reach_A`, or
            from zero while `SETI?` is on its way: internal programming would jump.
        """
        said = []
        mode = PROGRAMMING[self._whole("XPGM?", 2)]
        if mode != PROGRAMMING[0]:
            self._refuse_a_jump(mode, reach_A + self.accuracy_A)
            self._set("XPGM 0")
            said.append(f"{mode} programming was switched off")
        if not self.arrived():
            self.halt()
            said.append("a ramp under way was stopped")
        if self._whole("RSEG?", 1):
            self._set("RSEG 0")
            said.append("ramp segments were switched off")
        return tuple(said)

    def _refuse_a_jump(self, mode: str, allowed_A: float) -> None:
        """Raise where internal programming would move the current by more than is allowed."""
        flows_A, setpoint_A = self.measured_A(), self.setpoint_A()
        jump_A = abs(flows_A - setpoint_A)
        if jump_A <= allowed_A and (abs(flows_A) <= allowed_A or self.arrived()):
            return
        raise ElsewhereError(
            f"{self.name} ({self.resource}): {flows_A:.4g} A flow in its magnet, programmed by its "
            f"{mode} input; its set-point is {setpoint_A:.4g} A, {jump_A:.4g} A away, to which "
            "internal programming would jump: nothing was sent. Bring the current to zero at what "
            "drives that input, and the set-point to zero, then choose internal programming "
            "(XPGM 0) at the front panel"
        )

    def prepare(self) -> tuple[str, ...]:
        """Nothing beyond control: limits and water are the front panel's."""
        return ()

    def set_ramp_A_per_s(self, ramp_A_per_s: float) -> float:
        """`RATE r`, at most what `LIMIT?` allows; what `RATE?` answers then.

        Raises
        ------
        RefusedError
            The supply can't ramp so slowly.
        """
        if ramp_A_per_s < SLOWEST_A_PER_S:
            raise RefusedError(
                f"{self.name}: {ramp_A_per_s:g} A/s is below {SLOWEST_A_PER_S:g} A/s, the slowest "
                "ramp of a Lake Shore 643"
            )
        fastest_A_per_s = min(ramp_A_per_s, self._numbers("LIMIT?", 2)[1], FASTEST_A_PER_S)
        self._set(f"RATE {math.floor(fastest_A_per_s * 1e4 * (1 + 1e-9)) / 1e4:.4f}")
        return self._numbers("RATE?", 1)[0]

    def ramp_to_A(self, current_A: float) -> None:
        """`SETI x`: where the supply ramps to now."""
        self._set(f"SETI {current_A:.4f}")

    def set_current_A(self, current_A: float) -> None:
        """`ramp_to_A`: every set of this supply is a ramp."""
        self.ramp_to_A(current_A)

    def blocked(self) -> str | None:
        """Nothing keeps it from a ramp but itself: `state().faults` says it."""
        return None

    def arrived(self) -> bool:
        """`OPST?` bit 1: the ramp is done."""
        return bool(self._whole("OPST?", 255) & RAMP_DONE)

    def halt(self) -> None:
        """`STOP`: the ramp ends within 2 s; then the set-point is made the current that flows."""
        self._set("STOP")
        most_A = self.rated_current_A  # a reading may be above it by its noise, SETI may not
        self._set(f"SETI {max(-most_A, min(most_A, self.measured_A())):.4f}")

    def setpoint_A(self) -> float:
        """`SETI?`."""
        return self._numbers("SETI?", 1)[0]

    def measured_A(self) -> float:
        """`RDGI?`: the real current."""
        return self._numbers("RDGI?", 1)[0]

    def output_on(self) -> bool:
        """On whenever it answers: there is no switch, so what flows is what counts."""
        return True

    def read_back_error_A(self, current_A: float) -> float:
        """One digit of the read-back: the set-point is kept as it was sent."""
        return self.resolution_A

    @property
    def accuracy_A(self) -> float:
        """How far `RDGI?` may be from the set-point: 0.05 % of full scale (data sheet)."""
        return 5e-4 * self._full_A

    def output(self, on: bool) -> None:
        """Nothing is sent: there is no output switch."""

    def close(self) -> None:
        """Close the session; never raises."""
        self._session.close()

    def _faults(self) -> tuple[str, ...]:
        """`ERST?`: hardware and operational errors that stand now."""
        hardware, operational = self._numbers("ERST?", 2)
        found = [word for bit, word in enumerate(HARDWARE) if int(hardware) >> bit & 1]
        found += [word for bit, word in enumerate(OPERATIONAL) if int(operational) >> bit & 1]
        return tuple(f"in {word}" for word in found)

    def _set(self, command: str) -> None:
        """Send a setting; its answer is the event register."""
        self._answer(command)

    def _answer(self, command: str) -> str:
        answer, wrong = self._heard(command)
        if wrong:
            raise TwinrigError(f"{self.name}: refused '{command}; *ESR?': {', '.join(wrong)}")
        return answer

    def _heard(self, command: str) -> tuple[str, list[str]]:
        """The answer, and what the event register says is wrong."""
        message = f"{command}; *ESR?"
        answer, _, event = self._session.query(message).rpartition(";")
        if not event.strip().isdigit():
            raise self._session.reject(message, event, "an event register 0…255 at its end")
        return answer, [word for bit, word in ESR_BITS.items() if int(event) & bit]

    def _numbers(self, query: str, count: int) -> list[float]:
        return self._parsed(query, self._answer(query), count)

    def _parsed(self, query: str, answer: str, count: int) -> list[float]:
        values = numbers_of(answer, count)
        if values is None:
            raise self._session.reject(query, answer, f"{count} number(s)")
        return values

    def _whole(self, query: str, highest: int) -> int:
        answer = self._answer(query).strip()
        if not (answer.isdigit() and int(answer) <= highest):
            raise self._session.reject(query, answer, f"a whole number 0…{highest}")
        return int(answer)


def _words(input_name: str) -> str:
    """What `state().faults` says of an interlock's input."""
    return f"in {IN_FAULT[input_name]}" if input_name in IN_FAULT else f"at its {input_name}"

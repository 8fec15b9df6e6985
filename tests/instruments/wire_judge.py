"""A judge of what went over a supply's wire: it shares no code with `instruments`.

It knows a bench's limits from the TOML alone, and the rig by its wire (device time, bytes, who sent
them) and by what its output and coil really do at each message. A hand at the front panel moves
what it likes; the program answers for its own messages. What it may not know (the hand moved after
it last looked) it is not blamed for.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections import Counter

from wire_truth import Finding, Message, Supply, Truth, key_of

__all__ = ["Finding", "Message", "Truth", "WireJudge"]

LINE_LIMIT = 253
PLAIN = re.compile(r"-?\d{1,4}(?:\.\d{1,8})?")  # what a Kepco card reads as it is written
RATING = re.compile(r"\b(\d+)-(\d+(?:\.\d+)?)[A-Z]*\b")
ORDERS = ("CURR", "VOLT", "OUTP", "FUNC:MODE", "SYST:REM", "CURR:MODE", "VOLT:MODE")
QUERIES = (
    "*IDN?", "SYST:ERR?", "FUNC:MODE?", "OUTP?", "CURR?", "VOLT?", "MEAS:CURR?", "MEAS:VOLT?",
    "CURR:MODE?", "VOLT:MODE?",
)  # fmt: skip
FORBIDDEN = ("*RST", "*TST", "DIAG", "*RCL", "AUXV")
READ_A = 1.0e-3  # a measured current: 15-bit converter, five digits
COUNT_A = 1.0e-4  # one count of that converter, of a supply of 12 A
PRINTED_A = 6.0e-6  # a set-point read back: seven digits
GRID_A = 1.1e-6  # a set-point sent: six decimals, and the float behind them
UNFORESEEN_S = 0.5  # queries between the last look at the duty and the walk to zero
GRACE_S = 1.05  # commanded time within which a guard that opens has to be noticed


class WireJudge:
    """Reads messages one after another and notes its findings.

    `text` is the bench file; `ohm` the coils' resistance. `sets` counts the set-points judged,
    `messages` those of the program.
    """

    def __init__(self, text: str, ohm: float = 1.0) -> None:
        self.findings: list[Finding] = []
        self.sets = 0
        self.messages = 0
        self.commanded_s = 0.0  # device time that the program let pass on purpose
        self.open_s: dict[str, float] = {}  # guards that forbid current: since which of that time
        self.showing = False  # what a display reads, the path of the sets doesn't get to know
        self._ohm = ohm
        self._supplies: dict[str, Supply] = {}
        for table in tomllib.loads(text).get("magnet", {}).values():
            self._supplies[key_of(table["resource"])] = Supply(
                float(table["max_current_A"]),
                float(table.get("max_field_T", math.inf)),
                float(table["tesla_per_ampere"]),
                float(table["max_ramp_A_per_s"]),
                table.get("compliance_V"),
                float(table.get("max_duty_A2s", math.inf)),
                float(table.get("duty_window_s", math.inf)),
            )

    def count(self) -> Counter[str]:
        """Findings by kind."""
        return Counter(finding.kind for finding in self.findings)

    def hear(self, message: Message) -> None:
        """Judge one message."""
        supply = self._supplies.get(message.key)
        if message.by_hand:
            if supply is not None:
                self._hand(supply, message)
            return
        self.messages += 1
        if message.data.startswith(b"ADVANCE ") and message.direction == "out":
            self.commanded_s += float(message.data[8:])
        if message.direction == "in":
            if supply is not None and not self.showing:
                self._told(supply, message)
            return
        text = message.data.decode("latin-1").strip("\r\n")
        if any(word in text.upper() for word in FORBIDDEN):
            self._find("forbidden", message, "")
        if supply is not None and message.before is not None:
            self._out(supply, message, message.before, text)

    def guard(self, name: str, allows: bool) -> None:
        """A guard's true state changes (a contact opens, a coil gets hot)."""
        if allows:
            self.open_s.pop(name, None)
        else:
            self.open_s.setdefault(name, self.commanded_s)

    def finish(self, truths: dict[str, Truth]) -> None:
        """Judge how the rig was left."""
        for key, truth in truths.items():
            supply = self._supplies.get(key)
            if supply is None:
                continue
            if truth.output_on and "output" not in supply.hand:
                self._note("end", f"{key}: output left on, {truth}")
            flows = abs(truth.coil_A) > supply.small_A and "output" not in supply.hand
            if flows or (abs(truth.setpoint_A) > supply.small_A and "set" not in supply.hand):
                self._note("end", f"{key}: not left at zero, {truth}")

    # ---- what is heard

    def _hand(self, supply: Supply, message: Message) -> None:
        if message.direction == "out" and b"?" not in message.data:
            supply.hand = {"set", "mode", "output", "volt", "coil"}
            supply.moved_by_hand = True
            supply.hand_s = message.device_s
            supply.due = None
            supply.level_A = 0.0

    def _told(self, supply: Supply, message: Message) -> None:
        """A reply: from now on the program knows."""
        reply, asked = message.data.decode("latin-1").strip(), supply.asked
        supply.asked = ""
        if asked == "*IDN?":
            rating = RATING.search(reply)
            if rating:
                supply.rating_V, supply.rating_A = float(rating[1]), float(rating[2])
        elif asked == "CURR?":
            supply.hand.discard("set")
            told_A = float(reply)
            rounding_A = 5e-4 * (supply.rating_A + abs(told_A))
            if supply.sent_A is None or abs(told_A - supply.sent_A) > rounding_A:
                supply.sent_A = told_A
        elif asked == "MEAS:CURR?":
            supply.hand.discard("coil")
            supply.measured = (message.device_s, float(reply))
        elif asked in ("FUNC:MODE?", "OUTP?", "VOLT?"):
            supply.hand.discard({"F": "mode", "O": "output", "V": "volt"}[asked[0]])
            if asked == "OUTP?":
                supply.on = reply == "1"

    def _out(self, supply: Supply, message: Message, now: Truth, text: str) -> None:
        self._duty(supply, message, now)
        if len(text) > LINE_LIMIT:
            self._find("line", message, f"{len(text)} characters")
        due, supply.due = supply.due, None
        if due is not None and min(abs(now.setpoint_A - each_A) for each_A in due) > 1e-9:
            self._find("read", message, f"{due[0]} A was sent, the card has {now.setpoint_A} A")
        for unit in text.split(";"):
            word, _, argument = unit.strip().partition(" ")
            if word in QUERIES:
                supply.asked = word
            elif word == "CURR":
                self._current(supply, message, now, argument)
            elif word == "VOLT":
                self._voltage(supply, message, now, argument)
            elif word == "OUTP":
                self._output(supply, message, now, argument)
            elif word == "FUNC:MODE":
                self._mode(supply, message, now, argument)
            elif word not in ORDERS or (word[4:] == ":MODE" and argument != "FIX"):
                self._find("unknown", message, "no order that a magnet's path may send")

    def _duty(self, supply: Supply, message: Message, now: Truth) -> None:
        """I²t over the window, from where the output really drove the current."""
        if math.isinf(supply.max_duty_A2s) or supply.moved_by_hand:
            return
        flowed, now_s = supply.flowed, message.device_s
        flowed.append((flowed[-1][1] if flowed else 0.0, now_s, now.driven_A(self._ohm) ** 2))
        while flowed[0][1] < now_s - supply.window_s:
            del flowed[0]
        total_A2s = sum((b - max(a, now_s - supply.window_s)) * A2 for a, b, A2 in flowed)
        slack_A2s = UNFORESEEN_S * max(A2 for _, _, A2 in flowed)
        if total_A2s > supply.max_duty_A2s * (1 + 1e-6) + slack_A2s:
            self._find("duty", message, f"{total_A2s:.6g} A²s within {supply.window_s:g} s")
            supply.moved_by_hand = True  # once is enough

    def _guarded(self, message: Message, what: str) -> None:
        for name, since_s in self.open_s.items():
            passed_s = self.commanded_s - since_s
            if passed_s > GRACE_S or what == "switched on":
                self._find("guard", message, f"{what} while {name} is open since {passed_s:.3f} s")

    # ---- what is ordered

    def _number(self, message: Message, text: str) -> float | None:
        if PLAIN.fullmatch(text):
            return float(text)
        self._find("number", message, "a Kepco card would read another number, or none")
        return None

    def _current(self, supply: Supply, message: Message, now: Truth, text: str) -> None:
        new_A = self._number(message, text)
        if new_A is None:
            return
        self.sets += 1
        refused = abs(new_A) > supply.rating_A
        limit_A = min(supply.max_A, supply.rating_A, supply.max_T / abs(supply.tesla_per_ampere))
        if abs(new_A) > limit_A * (1 + 1e-9):
            there_A = abs(now.coil_A)
            if now.output_on or "output" in supply.hand:  # a hand may just have switched it off
                there_A = max(there_A, abs(now.setpoint_A))  # on the way down from there
            if supply.read_on_the_swing:
                there_A = max(there_A, abs(supply.measured[1]))
            if refused or not (there_A > 0 and abs(new_A) <= there_A + READ_A):
                self._find("limit", message, f"beyond {limit_A:.9g} A, {there_A:.6g} A flow")
        outwards = abs(new_A) > max(abs(now.setpoint_A), abs(supply.sent_A or 0.0)) + READ_A
        if outwards and not supply.hand:
            self._guarded(message, "a higher current")
        if now.output_on and supply.on is not False:  # False: a hand has just switched it on
            self._step(supply, message, now, new_A)
        supply.sent_A = new_A
        supply.due = (new_A, now.setpoint_A)  # the latter where the card refuses it

    def _step(self, supply: Supply, message: Message, now: Truth, new_A: float) -> None:
        """The ramp: no set larger than a tick, and no tick before the one before was earned."""
        goal_A = new_A
        bases = []
        if abs(now.coil_A - now.setpoint_A) > 2 * READ_A or not now.current_mode:
            bases.append((now.coil_A, READ_A))
        if now.current_mode:
            bases.append((now.setpoint_A, PRINTED_A))
            if supply.sent_A is not None:
                bases.append((supply.sent_A, PRINTED_A))
            if abs(supply.measured[1] - now.setpoint_A) <= COUNT_A:  # as near as it can know
                bases.append((supply.measured[1], PRINTED_A))
        else:
            goal_A = Truth(True, False, new_A, now.setpoint_V, 0.0).driven_A(self._ohm)
            bases.append((now.driven_A(self._ohm), READ_A))
            if "mode" in supply.hand and supply.sent_A is not None:  # it may not know
                goal_A = min(goal_A, new_A, key=lambda goal_A: abs(goal_A - supply.sent_A))
                bases.append((supply.sent_A, PRINTED_A))
        if supply.read_on_the_swing:
            bases.append((supply.measured[1], READ_A))
        step_A = min(max(0.0, abs(goal_A - base_A) - slack_A) for base_A, slack_A in bases)
        self._spend(supply, message, step_A)

    def _spend(self, supply: Supply, message: Message, step_A: float) -> None:
        passed_s = message.device_s - supply.level_s
        left_A = max(0.0, supply.level_A - supply.ramp_A_per_s * (passed_s + 2e-9))
        supply.level_A, supply.level_s = left_A + step_A, message.device_s
        allowed_A = supply.tick_A * (1 + 1e-9)
        if step_A > allowed_A:
            self._find("step", message, f"{step_A:.6g} A at once, {allowed_A:.6g} A allowed")
        elif supply.level_A > allowed_A + 1e-9:
            words = f"{step_A:.6g} A after {passed_s:.6f} s, {left_A:.6g} A not yet earned"
            self._find("pace", message, words)

    def _voltage(self, supply: Supply, message: Message, now: Truth, text: str) -> None:
        new_V = self._number(message, text)
        if new_V is None:
            return
        limit_V = min(supply.compliance_V or 0.0, supply.rating_V)
        if abs(new_V) > limit_V * (1 + 1e-9):
            self._find("compliance", message, f"beyond {limit_V:.9g} V")
        self._change(
            supply,
            message,
            now,
            Truth(now.output_on, now.current_mode, now.setpoint_A, new_V, now.coil_A),
            {"set", "mode", "output", "coil"},
        )

    def _mode(self, supply: Supply, message: Message, now: Truth, text: str) -> None:
        if text != "CURR":
            self._find("mode", message, "only the current mode is driven")
        then = Truth(now.output_on, text == "CURR", now.setpoint_A, now.setpoint_V, now.coil_A)
        self._change(supply, message, now, then, {"set", "output", "coil"})

    def _change(
        self, supply: Supply, message: Message, now: Truth, then: Truth, unseen: set[str]
    ) -> None:
        """A step of the current by another order than a set."""
        goal_A = then.driven_A(self._ohm)
        step_A = min(abs(goal_A - now.driven_A(self._ohm)), abs(goal_A - now.coil_A)) - READ_A
        if step_A > supply.tick_A and not supply.hand & unseen:
            self._find("jump", message, f"the current is sent from {now} to {goal_A:.6g} A")

    def _output(self, supply: Supply, message: Message, now: Truth, text: str) -> None:
        if text in ("ON", "OFF"):
            supply.on = text == "ON"
        if text == "ON":
            if now.output_on:
                return
            self._guarded(message, "switched on")
            if abs(now.setpoint_A) > GRID_A and "set" not in supply.hand:
                self._find("switch", message, f"switched on at a set-point of {now.setpoint_A} A")
            if not now.current_mode and "mode" not in supply.hand:
                self._find("switch", message, "switched on in voltage mode")
        elif text != "OFF":
            self._find("number", message, "neither ON nor OFF")
        elif now.output_on and abs(now.coil_A) > supply.small_A and "coil" not in supply.hand:
            self._find("switch", message, f"switched off at {now.coil_A:.6g} A")

    def _find(self, kind: str, message: Message, words: str) -> None:
        when = f"{message.device_s:.6f} s {message.key}"
        self._note(kind, f"{when}: {message.data!r}: {words} ({message.before})")

    def _note(self, kind: str, sentence: str) -> None:
        self.findings.append(Finding(kind, sentence))

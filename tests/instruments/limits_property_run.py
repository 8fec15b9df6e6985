"""Carries a property case out on its rig; says what the judge found and whether it ended safe."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pyvisa
from limits_property_rig import JudgedRig, rig_for_benches

from instruments import limits as limits_module
from instruments.bench import Bench
from instruments.bench_file import parse_bench
from instruments.clock import Stop
from instruments.connect import ConnectError
from instruments.limits import UnsafeError
from models.errors import InputError, RefusedError, TwinrigError
from models.sequence import DriveWindow, FieldSequence, Reset

if TYPE_CHECKING:
    from limits_property_cases import Case, Order

    from instruments.bench_spec import BenchSpec

ERRORS = {
    "visa": lambda: pyvisa.VisaIOError(pyvisa.constants.StatusCode.error_connection_lost),
    "os": lambda: ConnectionResetError("injected"),
    "value": lambda: ValueError("injected"),
    "zero": lambda: ZeroDivisionError("injected"),
    "memory": lambda: MemoryError("injected"),
}
INJECTED = (ZeroDivisionError, MemoryError)  # what no layer may mistake for a lost link
LONGEST_JOIN_S = 20.0


class Run:
    """One case on one rig; `failures` are sentences, empty when nothing was wrong."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.spec: BenchSpec = parse_bench(case.text, "case")
        assert self.spec.virtual is not None
        self.rig = JudgedRig(self.spec.virtual.models, case.text)
        self.failures: list[str] = []
        self.outcomes: Counter[str] = Counter()
        self._hooks = dict(case.hooks)
        self._at = 0
        self._raising: list[Any] = []
        self._hooked = True
        self._bench: Bench | None = None
        self._stop = Stop()
        self._threads: list[threading.Thread] = []

    def go(self) -> Run:
        """Everything, and the verdict."""
        for key, text in self.case.found:
            self.rig.hand(key, text)
        again_s, limits_module.TRY_AGAIN_S = limits_module.TRY_AGAIN_S, 0.0
        try:
            with rig_for_benches(self.rig, self._hook):
                for orders in sessions(self.case.orders):
                    self._session(orders)
                self._hooked = False
                self._last_session()
        finally:
            limits_module.TRY_AGAIN_S = again_s
        self.failures += [f"{f.kind}: {f.sentence}" for f in self.rig.judge.findings]
        return self

    # ---- sessions

    def _session(self, orders: list[Order]) -> None:
        """Connect, do the orders, leave the context; the rig is safe then, or it was said."""
        self._stop = Stop()
        try:
            bench = Bench.connect(self.spec, stop=self._stop)
        except (TwinrigError, *INJECTED) as error:
            self.outcomes[f"connect: {type(error).__name__}"] += 1
            return
        bench.tell = lambda words: None
        closed = any(order[0] == "close" for order in orders)
        bench.give_up_s = 0.0 if self.case.give_up or closed else None
        self._bench = bench
        try:
            with bench:
                try:
                    self._orders(bench, orders)
                finally:
                    self._bench = None  # who leaves has the bench for himself
        except UnsafeError:
            self.outcomes["unsafe, said so"] += 1
        except (TwinrigError, *INJECTED) as error:
            self.outcomes[f"ended by {type(error).__name__}"] += 1
            self._safe_now()
        else:
            self.outcomes["done"] += 1
            self._safe_now()

    def _last_session(self) -> None:
        """Whatever was left: connecting and leaving brings it to its safe state."""
        try:
            with Bench.connect(self.spec) as bench:
                bench.tell = lambda words: None
                bench.give_up_s = 0.0
        except RefusedError:
            self.outcomes["refused by the supply"] += 1
            self._only_queries()
        except (ConnectError, InputError) as error:
            self.outcomes[f"never connects: {type(error).__name__}"] += 1
            self._only_queries()
        else:
            self._safe_now()

    def _safe_now(self) -> None:
        self.rig.judge.finish(self.rig.truths())

    def _only_queries(self) -> None:
        if self.rig.judge.sets:
            self.failures.append("refused, and yet a set was sent")

    # ---- orders

    def _orders(self, bench: Bench, orders: list[Order]) -> None:
        for order in orders:
            try:
                getattr(self, f"_do_{order[0]}")(bench, *order[1:])
            except (TwinrigError, *INJECTED) as error:
                self.outcomes[f"{order[0]}: {type(error).__name__}"] += 1
                if not self.case.swallow:
                    raise
            finally:
                self._join()

    def _join(self) -> None:
        while self._threads:
            thread = self._threads.pop()
            thread.join(LONGEST_JOIN_S)
            if thread.is_alive():
                self.failures.append("a make_safe in another thread hangs")

    def _do_energise(self, bench: Bench, _name: str) -> None:
        bench.energise()

    def _do_energise_drive(self, bench: Bench) -> None:
        bench.energise()

    def _do_drive_to_A(self, bench: Bench, value: float) -> None:
        bench.magnets[self.spec.drive_magnet].step_to_A(value)

    def _do_energise_one(self, bench: Bench, name: str) -> None:
        bench.magnets[name].energise()

    def _do_step_to_A(self, bench: Bench, name: str, value: float) -> None:
        bench.magnets[name].step_to_A(value)

    def _do_ramp_to_A(self, bench: Bench, name: str, value: float) -> None:
        bench.magnets[name].ramp_to_A(value)

    def _do_step_to_T(self, bench: Bench, name: str, value: float) -> None:
        bench.magnets[name].step_to_T(value)

    def _do_ramp_to_T(self, bench: Bench, name: str, value: float) -> None:
        bench.magnets[name].ramp_to_T(value)

    def _do_bench_step(self, bench: Bench, drives: list[float], window: tuple[Any, ...]) -> None:
        """The raw way: nobody has checked the drive; the magnet's limits are the only wall."""
        made = DriveWindow(*window)
        with np.errstate(all="ignore"):
            fields_T = made.field_T(np.array(drives, dtype=np.float64))
        for field_T in fields_T:
            bench.step(float(field_T), made)

    def _do_sequence(
        self, bench: Bench, drives: list[float], window: tuple[Any, ...], reset_T: float
    ) -> None:
        """The checked way: what passes the check is never refused later."""
        made, reset = DriveWindow(*window), Reset(reset_T)
        sequence = FieldSequence(np.array(drives))
        before = self.rig.judge.messages
        try:
            bench.check_sequences([sequence], made, reset)
        finally:
            if self.rig.judge.messages != before:
                self.failures.append("a check has sent something")
        drive = bench.magnets[self.spec.drive_magnet]
        for field_T in made.field_T(sequence.drive):
            if drive.limits.problem(drive.limits.current_A(float(field_T))):
                self.failures.append(f"{field_T} T was checked and is beyond a limit")
            bench.step(float(field_T), made)

    def _do_reset(self, bench: Bench, field_T: float, hold_s: float) -> None:
        bench.reset_device(Reset(field_T, hold_s), bench.spec.window)

    def _do_hold(self, bench: Bench, name: str, seconds: float) -> None:
        bench.magnets[name].hold(seconds)

    def _do_guard(self, _bench: Bench, name: str, allows: bool) -> None:
        self.rig.guard(name, allows)

    def _do_verify(self, bench: Bench) -> None:
        bench.verify()

    def _do_monitor(self, bench: Bench) -> None:
        self._shown(bench.monitor)

    def _do_state(self, bench: Bench) -> None:
        self._shown(bench.state)

    def _shown(self, read: Any) -> None:
        """What a display reads: it ends no run, whatever it sees; `verify` does."""
        self.rig.judge.showing = True
        try:
            read()
        finally:
            self.rig.judge.showing = False

    def _do_settings(self, bench: Bench) -> None:
        bench.settings()

    def _do_make_safe(self, bench: Bench) -> None:
        bench.make_safe()
        self._safe_now()

    def _do_make_safe_one(self, bench: Bench, name: str) -> None:
        bench.magnets[name].make_safe(bench.tell, bench.give_up_s)

    def _do_stop(self, _bench: Bench) -> None:
        self._stop.request()

    def _do_clear(self, _bench: Bench) -> None:
        self._stop.clear()

    def _do_close(self, bench: Bench) -> None:
        bench.close()

    def _do_hand(self, _bench: Bench, key: str, text: str, later_s: float) -> None:
        self.rig.hand(key, text)
        self.rig.time.advance(later_s)

    # ---- hooks

    def _hook(self, moment: str) -> None:
        """Called by the library around each transfer."""
        if not self._hooked:
            return
        if moment == "write":
            self._at += 1
            action = self._hooks.pop(self._at, None)
            if action is not None:
                getattr(self, f"_at_{action[0]}")(*action[1:])
        if self._raising and self._raising[0] == moment:
            _, error, left = self._raising
            self._raising = [moment, error, left - 1] if left > 1 else []
            raise ERRORS[error]()

    def _at_raise(self, moment: str, error: str, count: int) -> None:
        self._raising = [moment, error, count]

    def _at_stop(self) -> None:
        self._stop.request()

    def _at_hand(self, key: str, text: str) -> None:
        self.rig.hand(key, text)

    def _at_make_safe_elsewhere(self) -> None:
        bench = self._bench
        if bench is None:
            return
        thread = threading.Thread(target=self._elsewhere, args=(bench,), daemon=True)
        thread.start()
        self._threads.append(thread)

    def _elsewhere(self, bench: Bench) -> None:
        try:
            bench.make_safe()
        except UnsafeError:
            self.outcomes["unsafe elsewhere, said so"] += 1


def sessions(orders: tuple[Order, ...]) -> list[list[Order]]:
    """The orders, cut where the program connects again."""
    cut: list[list[Order]] = [[]]
    for order in orders:
        if order[0] == "reconnect":
            cut.append([])
        else:
            cut[-1].append(order)
    return cut

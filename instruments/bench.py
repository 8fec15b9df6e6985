"""The bench: the instruments of one rig, energised, stepped, verified, and made safe again."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from instruments import encoding
from instruments.bench_reading import StepReading, joined
from instruments.clock import Stop
from instruments.connect import Opener, connect_drivers
from instruments.duty_kept import KeptDuty
from instruments.field_probe import FieldProbe, FieldWait
from instruments.guards import guards_of
from instruments.limits import LimitedMagnet, UnsafeError
from instruments.planned_bench import PlannedBench
from instruments.remedies import with_faults
from models.errors import RefusedError, TwinrigError, raise_problems

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType
    from typing import Self

    import numpy as np
    from numpy.typing import NDArray

    from instruments.bench_spec import BenchSpec
    from instruments.wirelog import WireTap
    from models.sequence import DriveWindow, Reset


class Bench(PlannedBench):
    """A connected rig; leaving its context makes it safe and closes it.

    Its attributes are those of `AskedBench`.
    """

    @classmethod
    def connect(
        cls,
        spec: BenchSpec,
        *,
        stop: Stop | None = None,
        wire_log: WireTap | None = None,
        beyond_rating: bool = False,
    ) -> Bench:
        """Open and identify every instrument side by side, and read the state each magnet is in.

        `beyond_rating`: also where a limit of the bench file is beyond what its supply can give,
        which must not keep a magnet from being made safe.

        Raises
        ------
        ConnectError
            Some did not connect: all of them in one message, with hints.
        RefusedError
            A limit of the bench file is beyond what its supply can give.
        """
        stop = stop or Stop()
        opener = Opener(spec, stop, wire_log)
        drivers: dict[str, Any] = {}
        try:
            drivers = connect_drivers(opener)
            guards = guards_of(spec, drivers)
            magnets = {
                name: LimitedMagnet(drivers[name], magnet.limits, opener.clock, stop, guards)
                for name, magnet in spec.magnets.items()
            }
            for name, magnet in magnets.items():
                magnet.confirms = not spec.in_process  # inside a process no message is lost
                if spec.virtual is None and magnet.limits.duty():  # a virtual rig's time is its own
                    magnet.keep_duty(KeptDuty.of(spec.magnets[name]))
            readouts = {name: drivers[name] for name in spec.readouts}
            bench = cls(spec, opener, stop, magnets, readouts)
            bench.thermometers = {name: drivers[name] for name in spec.thermometers}
            bench.teslameters = {name: drivers[name] for name in spec.teslameters}
            bench.probe = FieldProbe.of(spec.teslameters, bench.teslameters)
            bench._look_around(beyond_rating=beyond_rating)
        except BaseException:
            for driver in drivers.values():
                driver.close()
            opener.close()
            raise
        return bench

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.make_safe()
        finally:
            self.close()

    def energise(self) -> None:
        """Prepare all instruments; bring the drive's magnets to zero with their output on.

        Other magnets are made safe. From here on a watchdog watches.

        Raises
        ------
        TwinrigError
            An instrument reports an error, or an output doesn't go on.
        StoppedError
            Stop was requested.
        """
        self.stop.check()
        for readout in self._readers:
            readout.prepare()
        if self.probe is not None:
            self.probe.prepare()
        if self.watchdog is not None:
            self.watchdog.energised()
        self._idle.rest(self.tell, self.give_up_s)
        self.lags.clear()
        for drive in self.drives:
            self.found[drive.name] = drive.energise()
        if self.watchdog is not None:  # another thread may have made it safe meanwhile
            self.watchdog.still_energised()
        if self.rotation is not None:
            self.rotation.energised()

    def reset_device(self, reset: Reset, window: DriveWindow) -> None:
        """One step at the reset's field, encoded as the window says; its reading is dropped."""
        if self.rotation is not None:
            self.rotation.turn(reset.field_T, reset.hold_s, self._read)
            return
        reading_s = self.spec.gate_s or self._told_reading_s
        encoding.apply(self._drive, reset.field_T, window.encoding, reset.hold_s, reading_s)
        self._read()

    def step(self, field_T: float, window: DriveWindow) -> StepReading:
        """`steps`, of which only the reading is told."""
        *_, reading = self.steps(field_T, window)
        assert isinstance(reading, StepReading)
        return reading

    def steps(
        self, field_T: float, window: DriveWindow, holds: int = 1
    ) -> Iterator[StepReading | FieldWait]:
        """Set one step's field, hold it, read: current, values, and when each happened.

        Before the reading, which is last, what it waits for (`FieldProbe.await_field`).

        Raises
        ------
        RefusedError
            The field is beyond a limit.
        LinkError
            The sample is void.
        FieldError
            The field probe measures another field, or none: the sample is void.
        StoppedError
            Stop was requested.
        """
        before_s = self._looked_s
        if self.rotation is not None:
            current_A, points = self.rotation.turn(field_T, window.hold_s, self._read)
            values, set_s = self.rotation.components(points), self.rotation.there_s
            looked_s = self._looked_s - before_s
            yield StepReading(current_A, values, set_s, self.read_s, self._field_T(None), looked_s)
            return
        held_s = encoding.held_s(window, self.spec.gate_s, holds)
        reading_s = self.spec.gate_s or self._told_reading_s  # the duty foresees it
        current_A = encoding.apply(self._drive, field_T, window.encoding, held_s, reading_s)
        set_s = self._drive.there_s
        asked_T = current_A * self._drive.limits.tesla_per_ampere
        if self.probe is not None:
            yield from self.probe.await_field(self._drive, self.clock, asked_T, reading_s)
        values = self._read()
        looked_s = self._looked_s - before_s
        yield StepReading(current_A, values, set_s, self.read_s, self._field_T(asked_T), looked_s)

    def repeat(
        self,
        fields_T: Sequence[float],
        window: DriveWindow,
        reset: Reset,
        holds: Sequence[int] | None = None,
    ) -> Iterator[StepReading | FieldWait]:
        """Reset the device and play the steps of one repeat, timed as the bench file says.

        `holds` of its steps; None: one each.

        Raises
        ------
        AlignmentError
            Timed by hardware, and the repeat is void: its steps can't be told apart.
        RefusedError, LinkError, StoppedError
            As `step`.
        """
        counts = holds or [1] * len(fields_T)
        if self._steps.by_hardware:
            yield from self._steps.play(fields_T, window, reset, counts)
            return
        self.reset_device(reset, window)
        for field_T, n in zip(fields_T, counts, strict=True):
            yield from self.steps(field_T, window, n)

    def verify(self) -> None:
        """Check after a repeat that it is true.

        Raises
        ------
        TwinrigError
            `magnet_problems`, or a read-out was overloaded or is silent: the repeat is void.
        """
        probe = {} if self.probe is None else {self.probe.name: self.probe}
        problems = with_faults(self.magnet_problems(), {**self.readouts, **probe})
        raise_problems(TwinrigError, f"bench {self.spec.name!r}, the last repeat is void", problems)

    @property
    def carries_current(self) -> bool:
        """Whether one flows in any magnet, as last set or seen; asks nobody, never waits."""
        return any(magnet.passing_A for magnet in self.magnets.values())

    def make_safe(self) -> list[str]:
        """Bring every magnet to its safe state; sentences of what was found and done.

        Of several, none waits for one that can't be reached: that one is left for the others first
        and then tried for as long as `give_up_s` says.

        Raises
        ------
        UnsafeError
            A supply could not be made safe (the others were): what to do by hand.
        """
        said, problems = dict[str, str](), dict[str, str]()
        moment = 0 if self.watchdog is None else self.watchdog.moment()
        for patience_s in (self.give_up_s,) if len(self.magnets) == 1 else (0.0, self.give_up_s):
            for name, magnet in self.magnets.items():
                if name in said:
                    continue
                try:
                    said[name] = magnet.make_safe(self.tell, patience_s)
                except UnsafeError as error:
                    problems[name] = str(error)
        then = f"Once it is off, `{self.spec.safe_command}` says what it finds"
        unsafe = [f"{words}. {then}" for name, words in problems.items() if name not in said]
        raise_problems(UnsafeError, f"bench {self.spec.name!r}", unsafe)
        if self.watchdog is not None:
            self.watchdog.safe(moment)
        return [said[name] for name in self.magnets]

    def close(self) -> None:
        """Close every session; never raises. Make the bench safe first.

        Where it could not be made safe, the watchdog goes on trying from here.
        """
        if self._closed:
            return
        self._closed = True
        for magnet in self.magnets.values():
            magnet.magnet.close()
        for other in (*self._readers, *self.thermometers.values(), *self.teslameters.values()):
            other.close()
        self._opener.close()
        if self.watchdog is not None:
            self.watchdog.close()

    def _look_around(self, *, beyond_rating: bool) -> None:
        """Read identities and states; refuse limits that a supply can't keep."""
        problems = []
        for name, magnet in self.magnets.items():
            self._identities[name] = magnet.magnet.identity
            problems += [
                f"magnet {name}: {words} ({magnet.magnet.identity})"
                for words in magnet.beyond_rating()
            ]
            self.found[name] = magnet.state()
            if not beyond_rating:  # on the way to safety one answer that fails counts more
                magnet.ask_ramp()
        for name, other in {**self.readouts, **self.thermometers, **self.teslameters}.items():
            self._identities[name] = other.identity
        raise_problems(RefusedError, f"bench {self.spec.name!r}", [] if beyond_rating else problems)

    @property
    def _looked_s(self) -> float:
        """What looking after the driven magnets took so far."""
        return sum(magnet.looked_s for magnet in self.drives)

    def _field_T(self, asked_T: float | None) -> float:
        """What the field probe measures; NaN without one."""
        return math.nan if self.probe is None else self.probe.read_T(asked_T)

    def _read(self) -> NDArray[np.float64]:
        values = [readout.read() for readout in self._readers]
        self.read_s = self.clock.now_s()
        self._drive.passed(self.spec.gate_s)
        return joined(values)

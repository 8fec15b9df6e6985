"""The bench: the instruments of one rig, energised, stepped, verified, and made safe again."""

from __future__ import annotations

import itertools
import logging
import math
from typing import TYPE_CHECKING, Any

from instruments import encoding
from instruments.bench_reading import BenchReading, StepReading, channels_of, joined, kelvin_of
from instruments.checks import check_bench
from instruments.clock import Clock, Stop
from instruments.connect import Opener, connect_drivers
from instruments.discovery import list_resources
from instruments.field_probe import FieldProbe, FieldWait
from instruments.guards import forbidding, guards_of
from instruments.kept_settings import KeptSettings
from instruments.limits import GIVE_UP_S, LimitedMagnet, UnsafeError
from instruments.link_errors import LinkError, WrongInstrumentError
from instruments.remedies import with_remedy
from instruments.rotation import Rotation
from instruments.step_clock import StepClock
from instruments.watchdog_link import Watchdog
from instruments.watchdog_log import read_reports
from models.errors import RefusedError, TwinrigError, raise_problems

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType
    from typing import Self

    import numpy as np
    from numpy.typing import NDArray

    from instruments.bench_spec import BenchSpec
    from instruments.protocols import MagnetState, Readout, Teslameter, Thermometer
    from instruments.visa import VisaSession
    from instruments.wirelog import WireTap
    from models.sequence import DriveWindow, FieldSequence, Reset

__all__ = ["Bench", "BenchReading", "StepReading", "check_bench", "list_resources"]

log = logging.getLogger(__name__)
TYPICAL_CHANGE = 1 / 3  # of the window: mean difference of two independent drives 0…1


class Bench:
    """A connected rig; leaving its context makes it safe and closes it.

    Attributes
    ----------
    spec
        The bench file.
    stop
        Ends every wait and read of the bench.
    clock
        Its device time.
    magnets, readouts, thermometers, teslameters
        By name; magnets behind their limits.
    channels, units
        Over all read-outs; a name has its read-out's before it only where two would clash. With a
        rotation, of its components.
    live_channels, live_units
        Of what the read-outs show, as `monitor` gives it.
    rotation
        What turns the field by two magnets; None where one drives it.
    drives
        The magnets that are energised: the drive's, or the two of a rotation.
    found
        What each magnet said of itself when it was connected.
    remarks
        Sentences for people: what a watchdog did to this bench since it was last energised.
    note
        Called, from any thread, with what people should know beforehand: no watchdog, no way to
        keep the computer awake.
    watchdog
        Makes the rig safe should this process die; None for a rig inside it, which dies with it.
    tell
        Called with a sentence about every second while a supply can't be made safe.
    give_up_s
        Seconds after which `make_safe` gives up a supply that can't be reached; None: never.
    probe
        What measures the field of each step; None on a bench without a teslameter.
    read_s
        Device time at which the last reading was there, a reset's too.
    """

    def __init__(
        self,
        spec: BenchSpec,
        opener: Opener,
        stop: Stop,
        magnets: dict[str, LimitedMagnet],
        readouts: dict[str, Readout],
    ) -> None:
        self.spec = spec
        self.stop = stop
        self.clock: Clock = opener.clock
        self.magnets = magnets
        self.readouts = readouts
        self.live_channels, self.live_units = channels_of(readouts)
        self.channels, self.units = self.live_channels, self.live_units
        self.thermometers: dict[str, Thermometer] = {}
        self.teslameters: dict[str, Teslameter] = {}
        self.found: dict[str, MagnetState] = {}
        self.tell: Callable[[str], None] = log.warning
        self.give_up_s: float | None = GIVE_UP_S
        reports = [] if spec.in_process else read_reports(spec)
        self.remarks: tuple[str, ...] = tuple(str(report) for report in reports)
        self.note: Callable[[str], None] = log.warning
        self.watchdog = None if spec.in_process else Watchdog(spec, lambda words: self.note(words))
        self.read_s = math.nan
        self.probe: FieldProbe | None = None
        self._opener = opener
        self._kept = KeptSettings()
        self._identities: dict[str, str] = {}
        self._drive = magnets[spec.drive_magnet]
        self._steps = StepClock(spec, self._drive, readouts, self.clock)
        self.rotation: Rotation | None = None
        self.drives: tuple[LimitedMagnet, ...] = (self._drive,)
        if spec.rotation is not None:
            self.rotation = Rotation(spec.rotation, magnets, spec.gate_s)
            self.drives = self.rotation.magnets
            named = self.rotation.channels(self.live_channels, self.live_units)
            self.channels, self.units = named
        self._readers = list(readouts.values())
        self._closed = False

    @classmethod
    def connect(
        cls, spec: BenchSpec, *, stop: Stop | None = None, wire_log: WireTap | None = None
    ) -> Bench:
        """Open and identify every instrument side by side, and read the state each magnet is in.

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
            for magnet in magnets.values():
                magnet.confirms = not spec.in_process  # inside a process no message is lost
            readouts = {name: drivers[name] for name in spec.readouts}
            bench = cls(spec, opener, stop, magnets, readouts)
            bench.thermometers = {name: drivers[name] for name in spec.thermometers}
            bench.teslameters = {name: drivers[name] for name in spec.teslameters}
            bench.probe = FieldProbe.of(spec.teslameters, bench.teslameters)
            bench._look_around()
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

    def check_sequences(
        self,
        sequences: Sequence[FieldSequence],
        window: DriveWindow,
        reset: Reset,
        *,
        ask: bool = True,
    ) -> None:
        """Raise `RefusedError` for what would break a limit; only queries are sent.

        The duty is that of the sequences one after another, each with its reset. Without `ask` not
        even a query is sent: what only the instruments know is checked when a run begins.
        """
        if self.rotation is not None:
            self.rotation.refuse(sequences, window, reset)
            return
        drives = [float(d) for s in sequences for d in (s.drive.min(), s.drive.max())]
        found = encoding.problems(window, reset, drives or [0.0, 1.0], self._drive.limits)
        if any(sequence.held for sequence in sequences):
            found += encoding.holds_problems(window)
        if not found:
            fields = [window.field_T(sequence.drive).tolist() for sequence in sequences]
            holds = [sequence.holds.tolist() for sequence in sequences]
            plan = encoding.plan_T(window, reset, fields, self.spec.gate_s, holds)
            found = self._drive.foreseen(plan)
            found += self._steps.refuse(window, reset, fields, holds, ask=ask)
        raise_problems(RefusedError, f"magnet {self._drive.name}", found)

    def predicted_s(self, steps: int, length: int | None = None) -> float:
        """Device time of one repeat of so many steps in the bench's window, reset included.

        `length`: how many steps of one hold they last; None: as many as they are.
        """
        window, reset, gate_s = self.spec.window, self.spec.reset, self.spec.gate_s
        if self.rotation is not None:
            return self.rotation.predicted_s(steps, window, reset)
        span_T = window.high_T - window.low_T
        far_T = max(abs(reset.field_T - window.low_T), abs(reset.field_T - window.high_T))
        step_s = encoding.step_s(self._drive, window, TYPICAL_CHANGE * span_T, gate_s)
        walks_s = 2 * self._drive.walk_s(self._drive.limits.current_A(far_T))
        longer_s = ((length or steps) - steps) * (window.hold_s + gate_s)
        return walks_s + reset.hold_s + gate_s + steps * step_s + longer_s

    def planned_s(
        self, fields_T: Sequence[float], window: DriveWindow, holds: Sequence[int]
    ) -> list[float]:
        """Device time that each of these steps is to take: walk, holds and gate; the first: NaN."""
        if self.rotation is not None:
            return [self.rotation.step_s(each_T, window.hold_s) for each_T in fields_T]
        changes_T = (there_T - here_T for here_T, there_T in itertools.pairwise(fields_T))
        gate_s = self.spec.gate_s
        return [
            math.nan,
            *(
                encoding.step_s(self._drive, window, each_T, gate_s, n)
                for each_T, n in zip(changes_T, holds[1:], strict=True)
            ),
        ]

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
        for magnet in self.magnets.values():
            if magnet not in self.drives:
                magnet.make_safe(self.tell, self.give_up_s)
        for drive in self.drives:
            self.found[drive.name] = drive.energise()
        if self.rotation is not None:
            self.rotation.energised()

    def reset_device(self, reset: Reset) -> None:
        """One step at the reset's field; its reading is dropped."""
        if self.rotation is not None:
            self.rotation.turn(reset.field_T, reset.hold_s, self._read)
            return
        hold_s = reset.hold_s
        gate_s = self.spec.gate_s
        encoding.apply(self._drive, reset.field_T, self.spec.window.encoding, hold_s, gate_s)
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
        if self.rotation is not None:
            current_A, points = self.rotation.turn(field_T, window.hold_s, self._read)
            values, set_s = self.rotation.components(points), self.rotation.there_s
            yield StepReading(current_A, values, set_s, self.read_s, self._field_T(None))
            return
        held_s = encoding.held_s(window, self.spec.gate_s, holds)
        current_A = encoding.apply(self._drive, field_T, window.encoding, held_s, self.spec.gate_s)
        set_s = self._drive.there_s
        asked_T = current_A * self._drive.limits.tesla_per_ampere
        if self.probe is not None:
            gate_s = self.spec.gate_s
            yield from self.probe.await_field(self._drive, self.clock, asked_T, gate_s)
        values = self._read()
        yield StepReading(current_A, values, set_s, self.read_s, self._field_T(asked_T))

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
        self.reset_device(reset)
        for field_T, n in zip(fields_T, counts, strict=True):
            yield from self.steps(field_T, window, n)

    @property
    def by_hardware(self) -> bool:
        """Whether the instruments time the steps, as the bench file says or the bench chose."""
        return self._steps.by_hardware

    def timing_words(self) -> str:
        """How steps are timed, for people, and why, where the bench chose it; or empty."""
        return self._steps.words()

    def verify(self) -> None:
        """Check after a repeat that it is true.

        Raises
        ------
        TwinrigError
            A set-point changed without us, an error is queued, a read-out was overloaded: the
            repeat is void.
        """
        problems = []
        for drive in self.drives:
            try:
                drive.verify()
            except TwinrigError as error:
                problems.append(str(error))
        for name, readout in self.readouts.items():
            problems += with_remedy(name, readout.faults())
        if self.probe is not None:
            problems += with_remedy(self.probe.name, self.probe.faults())
        raise_problems(TwinrigError, f"bench {self.spec.name!r}, the last repeat is void", problems)

    def settings(self) -> dict[str, dict[str, Any]]:
        """Every instrument's settings, by name; a magnet's ramp limit shapes steps: it is one.

        Read-outs and the field probe are prepared first: what they are told for a run belongs to
        their settings, and one that measures something else is refused before anything is made.
        """
        for readout in self._readers:
            readout.prepare()
        if self.probe is not None:
            self.probe.prepare()
        magnets = {
            name: {**magnet.magnet.settings(), "max_ramp_A_per_s": magnet.limits.max_ramp_A_per_s}
            for name, magnet in self.magnets.items()
        }
        if self._steps.by_hardware:  # a run by software is none to go on with by hardware
            magnets[self._drive.name] |= {"timing": "hardware"}
        readouts = self._readout_settings()
        self._kept.keep(readouts)
        turned = self.spec.rotation.settings() if self.spec.rotation is not None else {}
        return magnets | readouts | turned

    def check_settings(self) -> None:
        """Compare the read-outs' settings with those that `settings` last told.

        Raises
        ------
        TwinrigError
            Some differ: an instrument was switched off and on, or set by hand.
        """
        try:
            now = self._readout_settings()
        except WrongInstrumentError:
            raise
        except LinkError:  # one reply was lost; it is only reading, and costs no sample
            now = self._readout_settings()
        found = self._kept.differences(now)
        where = (
            f"bench {self.spec.name!r}, settings differ from those the run began with (set them "
            "back, then go on with --resume; a new run begins with the new ones)"
        )
        raise_problems(TwinrigError, where, found)

    def _readout_settings(self) -> dict[str, dict[str, Any]]:
        probe = {} if self.probe is None else {self.probe.name: self.probe.settings()}
        return {name: readout.settings() for name, readout in self.readouts.items()} | probe

    def identities(self) -> dict[str, str]:
        """The answers to `*IDN?`, as heard when connecting."""
        return dict(self._identities)

    def session(self, name: str) -> VisaSession:
        """The open session of an instrument: what `instruments.console` speaks through."""
        return self._opener.sessions[name]

    def state(self) -> dict[str, MagnetState]:
        """What each magnet says of itself now."""
        return {name: magnet.state() for name, magnet in self.magnets.items()}

    def monitor(self) -> BenchReading:
        """What the drive's magnet, the read-outs and the guards show now; gates nothing."""
        magnet = self._drive.magnet  # not `state`: a display must not empty an error queue
        scale = self._drive.limits.tesla_per_ampere
        values = joined([readout.monitor() for readout in self._readers])
        current_A = magnet.measured_A()
        return BenchReading(
            current_A * scale,
            magnet.setpoint_A() * scale,
            current_A,
            magnet.output_on(),
            values,
            math.nan if self.probe is None else self.probe.monitor_T(),
            forbidding(self._drive.guards),
            tuple(
                kelvin_of(driver, self.spec.thermometers[name].input)
                for name, driver in self.thermometers.items()
            ),
        )

    def make_safe(self) -> list[str]:
        """Bring every magnet to its safe state; sentences of what was found and done.

        Raises
        ------
        UnsafeError
            A supply could not be made safe (the others were): what to do by hand.
        """
        said, problems = [], []
        moment = 0 if self.watchdog is None else self.watchdog.moment()
        for magnet in self.magnets.values():
            try:
                said.append(magnet.make_safe(self.tell, self.give_up_s))
            except UnsafeError as error:
                problems.append(str(error))
        raise_problems(UnsafeError, f"bench {self.spec.name!r}", problems)
        if self.watchdog is not None:
            self.watchdog.safe(moment)
        return said

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

    def _look_around(self) -> None:
        """Read identities and states; refuse limits that a supply can't keep."""
        problems = []
        for name, magnet in self.magnets.items():
            self._identities[name] = magnet.magnet.identity
            problems += [
                f"magnet {name}: {words} ({magnet.magnet.identity})"
                for words in magnet.beyond_rating()
            ]
            self.found[name] = magnet.state()
        for name, other in {**self.readouts, **self.thermometers, **self.teslameters}.items():
            self._identities[name] = other.identity
        raise_problems(RefusedError, f"bench {self.spec.name!r}", problems)

    def _field_T(self, asked_T: float | None) -> float:
        """What the field probe measures; NaN without one."""
        return math.nan if self.probe is None else self.probe.read_T(asked_T)

    def _read(self) -> NDArray[np.float64]:
        values = [readout.read() for readout in self._readers]
        self.read_s = self.clock.now_s()
        self._drive.passed(self.spec.gate_s)
        return joined(values)
